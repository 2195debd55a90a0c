"""Solving a comparison for one cell of an unknown: where its two sides are equal."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ppl.check.building import constant, elementwise, literal
from ppl.check.core import Expr
from ppl.check.reads import parts
from ppl.rewrite.through import is_elementwise
from ppl.rewrite.view import View
from ppl.source.span import NOWHERE
from ppl.stdlib.intervals import Interval


@dataclass(frozen=True, slots=True)
class Root:
    """A value at which an expression equals another; `rising` is the sign of its slope there, 0 where unknown. `exact`
    says that the value exists, with probability one over what is drawn and whatever the data are; `whole` that there is
    no other place of equality, whatever all others are."""

    value: Expr
    rising: int = 1
    exact: bool = True
    whole: bool = True


# ---- arithmetic that stays small -----------------------------------------------------------------------------------


def number(value: float) -> Expr:
    return literal(float(value), NOWHERE)


def apply(op: str, *args: Expr) -> Expr:
    """An elementwise operation, folded where that is plain."""
    made = elementwise(op, args, NOWHERE)
    value = constant(made)
    if value is not None:
        return number(value)
    match op, *(constant(a) for a in args):
        case ("add", 0.0, _):
            return args[1]
        case ("add" | "sub", _, 0.0) | ("mul" | "div", _, 1.0):
            return args[0]
        case ("mul", 1.0, _):
            return args[1]
        case ("mul", 0.0, _) | ("mul", _, 0.0) | ("div", 0.0, _):
            return number(0.0)
        case ("sub", 0.0, _):
            return apply("neg", args[1])
        case ("mul" | "div", _, -1.0):
            return apply("neg", args[0])
        case ("sub", _, None) if args[1].op == "neg":
            return apply("add", args[0], args[1].args[0])
        case ("div", _, None) if args[1].op == "div":
            return apply("div", apply("mul", args[0], args[1].args[1]), args[1].args[0])
        case ("neg", None) if args[0].op == "neg":
            return args[0].args[0]
        case _:
            return made


# ---- atoms ---------------------------------------------------------------------------------------------------------


def atoms(e: Expr) -> Iterator[Expr]:
    """The cells that an elementwise expression is computed from, and whatever else it cannot look into."""
    if e.op == "lit":
        return
    if not is_elementwise(e):
        yield e
        return
    for a in e.args:
        yield from atoms(a)


def base_name(atom: Expr) -> str:
    """The name of which an atom is a cell, or ""."""
    while atom.op in ("take", "takepos", "fix", "lag", "rename"):
        atom = atom.args[0]
    return str(atom.attrs[0]) if atom.op == "ref" else ""


def contains(e: Expr, x: Expr) -> bool:
    return any(n == x for n in parts(e))


# ---- one unknown ---------------------------------------------------------------------------------------------------

Line = tuple[Expr, Expr]


def linear(e: Expr, x: Expr) -> Line | None:
    """`a` and `b` with e = a x + b, neither of them with x; None where e is not such a line."""
    if e == x:
        return number(1.0), number(0.0)
    if not contains(e, x):
        return number(0.0), e
    parts = [linear(a, x) for a in e.args]
    match e.op, *parts:
        case ("add" | "sub", (a, b), (c, d)):
            return apply(e.op, a, c), apply(e.op, b, d)
        case ("neg", (a, b)):
            return apply("neg", a), apply("neg", b)
        case ("mul", (a, b), (c, d)) if not (contains(e.args[0], x) and contains(e.args[1], x)):
            one, (a, b) = (d, (a, b)) if contains(e.args[0], x) else (b, (c, d))
            return apply("mul", a, one), apply("mul", b, one)
        case ("div", (a, b), _) if not contains(e.args[1], x):
            return apply("div", a, e.args[1]), apply("div", b, e.args[1])
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Inverse:
    """`at` is the argument for a value of the function; it exists for values in `image`."""

    at: Callable[[Expr], Expr]
    rising: int = 1
    image: Interval = Interval(float("-inf"), float("inf"), True, True)


def _of(op: str) -> Callable[[Expr], Expr]:
    return lambda v: apply(op, v)


def _chain(*ops: str) -> Callable[[Expr], Expr]:
    def at(v: Expr) -> Expr:
        for op in ops:
            v = apply(op, v)
        return v

    return at


def _atanh(v: Expr) -> Expr:
    return apply("mul", number(0.5), apply("sub", apply("log1p", v), apply("log1p", apply("neg", v))))


POSITIVE, NONNEGATIVE = Interval(0.0, float("inf"), True, True), Interval(0.0, float("inf"), False, True)
NEGATIVE, UNIT = Interval(float("-inf"), 0.0, True, True), Interval(0.0, 1.0, True, True)
INVERSES: dict[str, tuple[Inverse, ...]] = {
    "exp": (Inverse(_of("log"), image=POSITIVE),),
    "expm1": (Inverse(_of("log1p"), image=Interval(-1.0, float("inf"), True, True)),),
    "log": (Inverse(_of("exp")),),
    "log_p": (Inverse(_of("exp")),),
    "log1p": (Inverse(_of("expm1")),),
    "sqrt": (Inverse(_of("square"), image=NONNEGATIVE),),
    "sigmoid": (Inverse(_of("logit"), image=UNIT),),
    "logit": (Inverse(_of("sigmoid")),),
    "log_sigmoid": (Inverse(_chain("exp", "logit"), image=NEGATIVE),),
    "softplus": (Inverse(_chain("expm1", "log"), image=POSITIVE),),
    "tanh": (Inverse(_atanh, image=Interval(-1.0, 1.0, True, True)),),
    "ndtr": (Inverse(_of("ndtri"), image=UNIT),),
    "ndtri": (Inverse(_of("ndtr")),),
    "square": (
        Inverse(_chain("sqrt", "neg"), -1, NONNEGATIVE),
        Inverse(_of("sqrt"), 1, NONNEGATIVE),
    ),
    "abs": (Inverse(_of("neg"), -1, NONNEGATIVE), Inverse(lambda v: v, 1, NONNEGATIVE)),
}


def within(here: Interval, image: Interval) -> bool:
    """Whether one interval lies inside another."""
    low = here.low > image.low or (here.low == image.low and (here.low_open or not image.low_open))
    high = here.high < image.high or (here.high == image.high and (here.high_open or not image.high_open))
    return low and high


def solve(e: Expr, value: Expr, x: Expr, view: View) -> tuple[Root, ...] | None:
    """Every value of the atom `x` at which `e` equals `value`; None where they cannot all be found."""
    line = linear(e, x)
    if line is not None:
        slope, rest = line
        return _scaled((Root(apply("div", apply("sub", value, rest), slope)),), slope, view)
    inside = [i for i, a in enumerate(e.args) if contains(a, x)]
    if len(inside) != 1 or not is_elementwise(e):
        return None
    return _peeled(e, inside[0], value, x, view)


def _scaled(roots: tuple[Root, ...] | None, factor: Expr, view: View) -> tuple[Root, ...] | None:
    """The roots after a division by a factor. Where that is zero everything is a root, or nothing."""
    if roots is None or constant(factor) == 0.0:
        return None
    way = sign(view.interval(factor))
    defined = bool(way) or is_almost_never_zero(factor, view)
    whole = bool(way) or not view.varies(factor)
    return tuple(replace(r, exact=r.exact and defined, whole=r.whole and whole) for r in _turned(roots, way) or ())


def is_almost_never_zero(e: Expr, view: View) -> bool:
    """Whether a value is zero only at single values of something that is drawn, whatever the rest is."""
    found = crossings(Expr("eq", (e, number(0.0)), type="bool"), view.random, view)
    return found is not None and all(root.rising and root.whole for root in found[1])


def _peeled(e: Expr, i: int, value: Expr, x: Expr, view: View) -> tuple[Root, ...] | None:
    """The roots after the outermost operation is undone; `i` is the argument that has x."""
    u, others = e.args[i], tuple(a for j, a in enumerate(e.args) if j != i)
    match e.op, i:
        case "add", _:
            return solve(u, apply("sub", value, others[0]), x, view)
        case "sub", 0:
            return solve(u, apply("add", value, others[0]), x, view)
        case "sub", 1:
            return _turned(solve(u, apply("sub", others[0], value), x, view), -1)
        case "neg", _:
            return _turned(solve(u, apply("neg", value), x, view), -1)
        case "mul", _:
            return _scaled(solve(u, apply("div", value, others[0]), x, view), others[0], view)
        case "div", 0:
            return _turned(solve(u, apply("mul", value, others[0]), x, view), sign(view.interval(others[0])))
        case "max2" | "min2" | "relu", _:
            found = solve(u, value, x, view)
            apart = sign(view.interval(apply("sub", value, others[0]) if others else value)) != 0
            return None if found is None else tuple(replace(r, whole=r.whole and apart) for r in found)
        case "pow", 0:
            return _power(u, others[0], value, x, view)
        case op, _ if op in INVERSES:
            return _branches(INVERSES[op], u, value, x, view)
        case _:
            return None


def _branches(inverses: tuple[Inverse, ...], u: Expr, value: Expr, x: Expr, view: View) -> tuple[Root, ...] | None:
    roots: list[Root] = []
    for inverse in inverses:
        found = _turned(solve(u, inverse.at(value), x, view), inverse.rising)
        if found is None:
            return None
        fits = within(view.interval(value), inverse.image)
        roots += (replace(root, exact=root.exact and fits) for root in found)
    return tuple(roots)


def _turned(roots: tuple[Root, ...] | None, way: int) -> tuple[Root, ...] | None:
    if roots is None:
        return None
    return tuple(replace(r, rising=r.rising * way) for r in roots)


def _power(u: Expr, exponent: Expr, value: Expr, x: Expr, view: View) -> tuple[Root, ...] | None:
    n = constant(exponent)
    if n is None or n <= 0:
        return None
    root = number(1.0 / n)
    if n != int(n) or view.interval(u).low >= 0:
        return _branches((Inverse(lambda v: apply("pow", v, root), 1, NONNEGATIVE),), u, value, x, view)
    if n % 2 == 0:
        both = (
            Inverse(lambda v: apply("neg", apply("pow", v, root)), -1, NONNEGATIVE),
            Inverse(lambda v: apply("pow", v, root), 1, NONNEGATIVE),
        )
        return _branches(both, u, value, x, view)
    odd = Inverse(lambda v: apply("mul", apply("sign", v), apply("pow", apply("abs", v), root)))
    return _branches((odd,), u, value, x, view)


def sign(here: Interval) -> int:
    """The sign of every value of an interval, 0 if it is not known."""
    if here.low > 0 or (here.low == 0 and here.low_open):
        return 1
    return -1 if here.high < 0 or (here.high == 0 and here.high_open) else 0


# ---- comparisons ---------------------------------------------------------------------------------------------------


def roots(comparison: Expr, x: Expr, view: View) -> tuple[Root, ...] | None:
    """Every value of `x` at which the two sides meet; `rising` is that of the left minus the right side."""
    left, right = comparison.args
    if not contains(right, x):
        return solve(left, right, x, view)
    if not contains(left, x):
        return _turned(solve(right, left, x, view), -1)
    return solve(apply("sub", left, right), number(0.0), x, view)


def crossings(comparison: Expr, among: frozenset[str], view: View) -> tuple[Expr, tuple[Root, ...]] | None:
    """A cell of one of the names, and all its values at which the two sides meet."""
    both = dict.fromkeys(a for side in comparison.args for a in atoms(side) if base_name(a) in among)
    for x in both:
        found = roots(comparison, x, view)
        if found is not None:
            return x, found
    return None

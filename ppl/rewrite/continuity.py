"""The proof that branches meet: across a comparison, a value is continuous if it is the same whichever way the
comparison goes, everywhere that its two sides are equal.

The boundary is solved for one cell x of the comparison, all roots of it; with x at a root, the value with the
comparison true and with it false are compared. Every other cell is free, and so are comparisons and kinks that the
root does not decide, which proves more than is needed and never less. First by normal form; then by value at random
settings: both sides are analytic in the cells, so where they agree at random points they are one function (with
probability one, up to rounding).
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ppl.check.building import literal
from ppl.check.core import Expr
from ppl.rewrite.algebra import ZERO, Form, form
from ppl.rewrite.sampling import cells, evaluate, settings
from ppl.rewrite.solve import Root, apply, atoms, base_name, number, roots, sign
from ppl.rewrite.through import is_elementwise
from ppl.rewrite.view import View
from ppl.source.span import NOWHERE

ORDERINGS = frozenset(("lt", "le", "gt", "ge"))
COMPARISONS = ORDERINGS | {"eq", "ne"}
NUMBERS = ("real", "int")
STEPS = frozenset(("floor", "ceil", "round", "sign", "mod", "is_int", "log_if"))
SAMPLES, NEEDED, PATTERNS, TOLERANCE, ROUNDING, SEED = 24, 8, 6, 1e-9, 1e-13, 20231
TRIES = 3

Proofs = dict[Expr, frozenset[Expr]]


def proofs(whole: Expr, view: View) -> Proofs:
    """For the parts of an expression, the comparisons inside that each is continuous across."""
    found: Proofs = {}
    left = _pending(whole, view, found)
    if left and whole not in found:
        _attempt(whole, left, view, found)
    return found


def _pending(e: Expr, view: View, found: Proofs) -> frozenset[Expr]:
    """The comparisons across which a part may still jump; what could be proven of the parts goes to `found`. A cell is
    a cell only among elementwise operations: a reduction starts anew."""
    inside = [_pending(a, view, found) for a in e.args]
    if not is_elementwise(e):
        for a, left in zip(e.args, inside, strict=True):
            if left and a not in found:
                _attempt(a, left, view, found)
        return frozenset()
    left = frozenset().union(*inside)
    if e.op in ORDERINGS and view.varies(e):
        return left | {e}
    if not left or e.type == "bool" or not any(a.type == "bool" for a in e.args):
        return left
    return _attempt(e, left, view, found)


def _attempt(e: Expr, left: frozenset[Expr], view: View, found: Proofs) -> frozenset[Expr]:
    done = frozenset(c for c in left if meets(e, c, view))
    found[e] = done
    return left - done


def comparisons(e: Expr, view: View) -> Iterator[Expr]:
    """The comparisons of sources among the elementwise operations of an expression."""
    if is_elementwise(e):
        if e.op in ORDERINGS and view.varies(e):
            yield e
        for a in e.args:
            yield from comparisons(a, view)


def meets(e: Expr, comparison: Expr, view: View) -> bool:
    """Whether the value of `e` is continuous across a comparison inside it."""
    tried = 0
    for x in _candidates(comparison, view):
        found = roots(comparison, x, view)
        if found is not None and all(root.whole for root in found):
            if all(_same(e, comparison, x, root, view) for root in found):
                return True
            tried += 1
        if tried == TRIES:
            break
    return False


def _candidates(comparison: Expr, view: View) -> list[Expr]:
    """Cells to solve for, those of sources first."""
    both = dict.fromkeys(a for side in comparison.args for a in atoms(side) if a.type in NUMBERS)
    return sorted(both, key=lambda a: not view.env.get(base_name(a)))


def _same(e: Expr, comparison: Expr, x: Expr, root: Root, view: View) -> bool:
    """Whether the value is the same just above and just below a root. Comparisons of the same difference turn
    together."""
    above, below = _turning(e, comparison, view)
    first, second = (resolved(_cellwise(e, {**sides, x: root.value}), view) for sides in (above, below))
    return form(first) == form(second) or _agree(first, second, x, root, view)


def _turning(e: Expr, comparison: Expr, view: View) -> tuple[dict[Expr, Expr], dict[Expr, Expr]]:
    """The truth of the comparisons that turn with one, where the left of that exceeds the right and where it falls
    short."""
    aim = form(apply("sub", *comparison.args))
    above, below = dict[Expr, Expr](), dict[Expr, Expr]()
    for c in (comparison, *comparisons(e, view)):
        way = _ratio(form(apply("sub", *c.args)), aim) if c.args[0].type in NUMBERS else 0.0
        if c == comparison or way:
            above[c], below[c] = _truth(_holds(c.op, way or 1.0)), _truth(_holds(c.op, -way or -1.0))
    return above, below


def _ratio(a: Form, b: Form) -> float:
    """The number r with a = r b, 0 if there is none."""
    terms, others = dict(a), dict(b)
    if not terms or terms.keys() != others.keys():
        return 0.0
    ratios = [terms[m] / others[m] for m in terms]
    return ratios[0] if all(abs(r - ratios[0]) <= TOLERANCE * abs(r) for r in ratios) else 0.0


def _holds(op: str, difference: float) -> bool:
    """A comparison of two values that are not equal."""
    return op == "ne" or (op in ("gt", "ge") if difference > 0 else op in ("lt", "le"))


def _cellwise(e: Expr, new: dict[Expr, Expr]) -> Expr:
    """Substitution among elementwise operations only."""
    if e in new:
        return new[e]
    if not is_elementwise(e):
        return e
    args = tuple(_cellwise(a, new) for a in e.args)
    return e if all(a is b for a, b in zip(args, e.args, strict=True)) else replace(e, args=args)


# ---- analytic form -------------------------------------------------------------------------------------------------


def resolved(e: Expr, view: View) -> Expr:
    """The expression without comparisons, kinks and steps: those that bounds decide are decided, the others become free
    truth values (or free numbers), the same one for the same condition."""
    if not is_elementwise(e) or e.op == "lit":
        return e
    args = tuple(resolved(a, view) for a in e.args)
    e = replace(e, args=args)
    match e.op, args:
        case "where", (test, a, b):
            return _chosen(test, a, b)
        case "not", (test,) if test.op == "lit":
            return _truth(not test.attrs[0])
        case (("and" | "or"), a, b):
            return _connected(e, a, b)
        case op, (a, b) if op in COMPARISONS:
            return _decided(op, a, b, view)
        case "abs", (a,):
            return _chosen(_positive(a, view), a, apply("neg", a))
        case "relu", (a,):
            return _chosen(_positive(a, view), a, number(0.0))
        case "max2", (a, b):
            return _chosen(_positive(apply("sub", a, b), view), a, b)
        case "min2", (a, b):
            return _chosen(_positive(apply("sub", a, b), view), b, a)
        case op, _ if op in STEPS:
            return _free((op, *(form(a) for a in args)), "bool" if op == "is_int" else "real")
        case _:
            return e


def _truth(value: object) -> Expr:
    return literal(1.0 if value else 0.0, NOWHERE, "bool")


def _free(key: object, kind: str) -> Expr:
    return Expr("free", (), (key,), type=kind)


def _chosen(test: Expr, a: Expr, b: Expr) -> Expr:
    if test.op == "lit":
        return a if test.attrs[0] else b
    return a if form(a) == form(b) else Expr("where", (test, a, b), type=a.type)


def _connected(e: Expr, a: Expr, b: Expr) -> Expr:
    """`and`, `or` with what is known of one side."""
    decides = 0.0 if e.op == "and" else 1.0
    for side, other in ((a, b), (b, a)):
        if side.op == "lit":
            return side if float(bool(side.attrs[0])) == decides else other
    return e


def _positive(a: Expr, view: View) -> Expr:
    """Whether a value is positive; at zero either answer will do."""
    if form(a) == ZERO:
        return _truth(True)
    here = view.interval(a)
    if here.low >= 0 or here.high <= 0:
        return _truth(here.low >= 0)
    return _free(("positive", form(a)), "bool")


def _decided(op: str, a: Expr, b: Expr, view: View) -> Expr:
    """A comparison of which the sides are known to differ, or a free truth value."""
    if a.type not in ("real", "int", "bool"):
        return _free((op, a, b), "bool")
    difference = apply("sub", a, b)
    known = _sign(difference, view)
    if not known:
        return _free((op, form(difference)), "bool")
    return _truth(_holds(op, known))


def _sign(e: Expr, view: View) -> int:
    shape = form(e)
    if len(shape) == 1 and not next(iter(shape))[0]:
        return 1 if next(iter(shape))[1] > 0 else -1
    return sign(view.interval(e)) if shape != ZERO else 0


# ---- by value ------------------------------------------------------------------------------------------------------


def _agree(a: Expr, b: Expr, x: Expr, root: Root, view: View) -> bool:
    """Whether two analytic expressions agree at random settings at which the root is a value that x can have."""
    wanted = cells(a) | cells(b) | cells(root.value)
    if sum(c.type == "bool" for c in wanted) > PATTERNS or any(c.type not in ("real", "int", "bool") for c in wanted):
        return False
    at = settings(wanted, view.interval, SAMPLES, np.random.default_rng(SEED))
    (here, _), limits = evaluate(root.value, at), view.interval(x)
    (first, size), (second, other) = evaluate(a, at), evaluate(b, at)
    shape = (2 ** sum(c.type == "bool" for c in wanted), SAMPLES)
    first, second, size, here = (np.broadcast_to(v, shape) for v in (first, second, np.maximum(size, other), here))
    valid = np.isfinite(here) & (here >= limits.low) & (here <= limits.high) & ~np.isnan(first) & ~np.isnan(second)
    with np.errstate(all="ignore"):
        allowed = TOLERANCE * np.maximum(np.abs(first), np.abs(second)) + ROUNDING * size
        close = (first == second) | (np.abs(first - second) <= allowed)
    return bool(valid.sum(axis=-1).min() >= NEEDED and close[valid].all())

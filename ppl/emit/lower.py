"""From core expressions and distributions to values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from ppl.check.core import Dist, Expr
from ppl.emit.odes import ode_value
from ppl.emit.val import KernelCall, Val
from ppl.emit.values import Builder
from ppl.source.span import Span
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.formulas import evaluate
from ppl.stdlib.primitives import PRIMITIVES
from ppl.stdlib.records import Distribution


@dataclass(slots=True)
class Lowering:
    """A builder, and the values that names stand for so far. `plates` are the axes of the unknowns whose levels have an
    axis `z?`; `tests` are the tests on data around, each with the answer at which the branch at hand is taken.
    `answers` are comparisons of which both answers are taken, along `z^`, each with the unknown that it is about;
    `sides` are these answers. `stored` are expressions of data that are looked up rather than computed."""

    b: Builder
    names: dict[str, Val] = field(default_factory=dict)
    plates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tests: tuple[tuple[Val, bool], ...] = ()
    answers: dict[Span, str] = field(default_factory=dict)
    sides: dict[Span, Val] = field(default_factory=dict)
    stored: Mapping[Expr, int] = field(default_factory=dict)

    # -- expressions --

    def expr(self, e: Expr) -> Val:
        """The value of a core expression."""
        if e.op == "ode":
            return self.anywhere(lambda: ode_value(self.b, self.names, self.expr, e))
        if e.args and e.span in self.answers:
            return self._answer(e)
        if self.stored and e in self.stored:
            axes = self.b.sorted(e.axes)
            return self.b.node("stored", (), (self.stored[e], *axes), axes)
        if e.op == "where":
            return self._where(e)
        if e.op in PRIMITIVES:
            needs = PRIMITIVES[e.op].domain or ("",) * len(e.args)
            return self.b.apply(
                e.op, *(self._met(n, self._operand(e.op, a)) for n, a in zip(needs, e.args, strict=True))
            )
        return self.anywhere(lambda: _LOWER[e.op](self, e)) if e.op != "ref" else self._read(str(e.attrs[0]))

    def _answer(self, e: Expr) -> Val:
        """Both answers to a comparison of which only the probabilities matter."""
        if e.span not in self.sides:
            self.anywhere(lambda: self.names[self.answers[e.span]])  # drawing the unknown notes its sides
        return self.sides[e.span]

    def _where(self, e: Expr) -> Val:
        test = self._operand(e.op, e.args[0])
        branches = (self.within(test, taken, partial(self._operand, e.op, a)) for taken, a in _sides(e))
        return self.b.apply("where", test, *branches)

    def within(self, test: Val, taken: bool, make: Callable[[], Val]) -> Val:
        """A value made inside a branch that is taken where the test is `taken`."""
        around = self.tests
        self.tests = (*around, (test, taken)) if test.stage == 0 else around
        try:
            return make()
        finally:
            self.tests = around

    def anywhere(self, make: Callable[[], Val]) -> Val:
        """A value made as if no branch were around: it is read at other positions, or defined elsewhere."""
        around, self.tests = self.tests, ()
        try:
            return make()
        finally:
            self.tests = around

    def _read(self, name: str) -> Val:
        """What a name stands for; it may be defined on the way."""
        v = self.anywhere(lambda: self.names[name])
        return self._met("nonzero", v) if v.op in PRIMITIVES and PRIMITIVES[v.op].domain else v

    def _met(self, need: str, v: Val) -> Val:
        """Data where they are not used: in a branch that they do not take, the logarithm of 0, times whatever, has a
        slope of 0 times infinity. What meets the need of the function stands there for them."""
        for test, taken in self.tests if need and v.stage == 0 and v.op != "lit" else ():
            other = self.b.lit(-0.5 if need == "negative" else 0.5)
            v = self.b.apply("where", test, *((v, other) if taken else (other, v)))
        return v

    def _operand(self, op: str, e: Expr) -> Val:
        """An argument; truth values become 0 and 1 where they are computed with."""
        v = self.expr(e)
        counts = e.type == "bool" and PRIMITIVES[op].result != "bool" and op != "where"
        return self.b.node("real", (v,), (), v.axes) if counts and v.op != "lit" else v

    # -- formulas of the tables --

    def arguments(self, dist: Dist) -> dict[str, Val]:
        """The parameters of a family, by name."""
        row = DISTRIBUTIONS[dist.name]
        return {p.name: self.expr(a) for p, a in zip(row.params, dist.args, strict=True) if a is not None}

    def formula(self, text: str, names: Mapping[str, Val], axis: str = "", inside: bool = False) -> Val:
        """A formula of the tables; `axis` is the event axis; `inside` says that the value cannot leave the support."""

        def apply(op: str, args: tuple[Val, ...]) -> Val:
            match op:
                case "log_if" if inside:
                    return self.b.lit(0.0)
                case "esum":
                    return self.b.sum(args[0], (axis,))
                case "elogsumexp":
                    return self.b.reduce("logsumexp", self.b.spread(args[0], axis), axis)
                case "elen":
                    return self.b.size(axis)
                case "pick":
                    return self.b.gather(self.b.spread(args[0], axis), axis, args[1])
                case _:
                    return self.b.apply(op, *args)

        return evaluate(text, names, apply, lambda number: self.b.lit(float(number)))

    def row_formula(
        self, row: Distribution, text: str, names: Mapping[str, Val], axis: str = "", inside: bool = False
    ) -> Val:
        """A formula of a distribution, its shared parts first."""
        known = dict(names)
        for name, part in row.let:
            known[name] = self.formula(part, known, axis, inside)
        return self.formula(text, known, axis, inside)


# ---- expressions -------------------------------------------------------------------------------------------------


def _axis(e: Expr) -> str:
    return str(e.attrs[0])


def _sides(e: Expr) -> tuple[tuple[bool, Expr], ...]:
    """The branches of a choice, each with the answer at which it is taken."""
    return (True, e.args[1]), (False, e.args[2])


def _level(s: Lowering, e: Expr) -> Val:
    return s.b.node("level", (), e.attrs)


def _take(s: Lowering, e: Expr) -> Val:
    value, index = s.expr(e.args[0]), s.expr(e.args[1])
    axis = _axis(e)
    if index.op == "arange" and index.attrs[1] == 0 and index.axes[0] not in value.axes:
        return s.b.rename(value, axis, index.axes[0])
    return s.b.gather(value, axis, index)


def _takepos(s: Lowering, e: Expr) -> Val:
    value, index = s.expr(e.args[0]), s.expr(e.args[1])
    return s.b.gather(value, _axis(e), s.b.sub(index, s.b.lit(1.0)))


def _fix(s: Lowering, e: Expr) -> Val:
    axis, at = e.attrs
    index = s.b.lit(float(at) - 1) if isinstance(at, int) else s.b.node("level", (), (str(axis).rstrip("'"), at))
    return s.b.gather(s.expr(e.args[0]), str(axis), index)


def _lag(s: Lowering, e: Expr) -> Val:
    value, (axis, k) = s.expr(e.args[0]), e.attrs
    value = levels_back(s, value, str(axis), int(str(k)))
    return s.b.gather(value, str(axis), s.b.node("lag", (), (axis, k), (str(axis),)))


def levels_back(s: Lowering, v: Val, axis: str, k: int) -> Val:
    """The value with the levels of every unknown over `axis` moved to the axis of `k` steps farther back, the farthest
    first: neighbours never share an axis of levels."""
    moving = [a for a in v.axes if axis in s.plates.get(a.split("?")[0] + "?", ())]
    for a in sorted(moving, key=_steps_back, reverse=True):
        v = s.b.rename(v, a, back(a, k))
    return v


def _steps_back(axis: str) -> int:
    return int(axis.split("?")[1] or 0)


def back(axis: str, k: int) -> str:
    """The axis of levels `k` steps farther back: `z?` to `z?1`, `z?1` to `z?2`."""
    name = axis.split("?", maxsplit=1)[0]
    return f"{name}?{_steps_back(axis) + k}"


def _rename(s: Lowering, e: Expr) -> Val:
    old, new = (str(a) for a in e.attrs)
    return s.b.rename(s.expr(e.args[0]), old, new)


def _sum(s: Lowering, e: Expr) -> Val:
    return s.b.sum(s.expr(e.args[0]), (_axis(e),))


def _mean(s: Lowering, e: Expr) -> Val:
    return s.b.apply("div", _sum(s, e), s.b.size(_axis(e)))


def _var(s: Lowering, e: Expr) -> Val:
    axis = _axis(e)
    value = s.b.spread(s.expr(e.args[0]), axis)
    centred = s.b.sub(value, s.b.apply("div", s.b.sum(value, (axis,)), s.b.size(axis)))
    freedom = s.b.sub(s.b.size(axis), s.b.lit(1.0))
    return s.b.apply("div", s.b.sum(s.b.apply("square", centred), (axis,)), freedom)


def _sd(s: Lowering, e: Expr) -> Val:
    return s.b.apply("sqrt", _var(s, e))


def _reduced(s: Lowering, e: Expr) -> Val:
    return s.b.reduce(e.op, s.expr(e.args[0]), _axis(e))


def _argmax(s: Lowering, e: Expr) -> Val:
    value = s.b.spread(s.expr(e.args[0]), _axis(e))
    return s.b.node("argmax", (value,), e.attrs, (a for a in value.axes if a != _axis(e)))


def _cumsum(s: Lowering, e: Expr) -> Val:
    value = s.b.spread(s.expr(e.args[0]), _axis(e))
    return s.b.node("cumsum", (value,), (_axis(e), False), value.axes)


def _softmax(s: Lowering, e: Expr) -> Val:
    value, axis = s.b.spread(s.expr(e.args[0]), _axis(e)), _axis(e)
    return s.b.apply("exp", s.b.sub(value, s.b.reduce("logsumexp", value, axis)))


def _dot(s: Lowering, e: Expr) -> Val:
    return s.b.sum(s.b.mul(s.expr(e.args[0]), s.expr(e.args[1])), (str(a) for a in e.attrs))


def _diag(s: Lowering, e: Expr) -> Val:
    axis, copy = (str(a) for a in e.attrs)
    return s.b.mul(s.expr(e.args[0]), s.b.node("eye", (), (axis, copy), (axis, copy)))


def _matrix(s: Lowering, e: Expr) -> Val:
    """`cholesky` and `inverse` are kernels on a pair of axes."""
    pair = tuple(str(a) for a in e.attrs)
    return kernel(s.b, e.op, (s.expr(e.args[0]),), (pair,), pair)


def _of_matrix(s: Lowering, e: Expr) -> Val:
    """`logdet` and `det`: one number for a pair of axes."""
    pair = tuple(str(a) for a in e.attrs)
    return kernel(s.b, e.op, (s.expr(e.args[0]),), (pair,), ())


def _solve(s: Lowering, e: Expr) -> Val:
    pair = tuple(str(a) for a in e.attrs)
    a, b = (s.expr(x) for x in e.args)
    return kernel(s.b, "solve", (a, s.b.spread(b, pair[0])), (pair, pair[:1]), pair[:1])


def _vector(s: Lowering, e: Expr) -> Val:
    items = tuple(s.expr(a) for a in e.args)
    return s.b.node("stack", items, e.attrs, (*(a for i in items for a in i.axes), _axis(e)))


def _initial(s: Lowering, e: Expr) -> Val:
    """Where weights of a net start; `written` says in which order their axes were declared."""
    return s.b.node("initial", (), (*e.attrs, e.axes), e.axes)


def _spread(s: Lowering, e: Expr) -> Val:
    return s.b.spread(s.expr(e.args[0]), _axis(e))


_LOWER: dict[str, Callable[[Lowering, Expr], Val]] = {
    "lit": lambda s, e: s.b.lit(float(e.attrs[0])),  # type: ignore[arg-type]
    "level": _level,
    "pos": lambda s, e: s.b.arange(_axis(e), 1),
    "size": lambda s, e: s.b.size(_axis(e)),
    "take": _take,
    "takepos": _takepos,
    "fix": _fix,
    "lag": _lag,
    "rename": _rename,
    "sum": _sum,
    "mean": _mean,
    "var": _var,
    "sd": _sd,
    "min": _reduced,
    "max": _reduced,
    "prod": _reduced,
    "logsumexp": _reduced,
    "argmax": _argmax,
    "cumsum": _cumsum,
    "softmax": _softmax,
    "dot": _dot,
    "diag": _diag,
    "cholesky": _matrix,
    "inverse": _matrix,
    "logdet": _of_matrix,
    "det": _of_matrix,
    "solve": _solve,
    "bound": lambda s, e: s.names[str(e.attrs[0])],
    "vector": _vector,
    "spread": _spread,
    "initial": _initial,
}


def copies(axis: str, rank: int) -> tuple[str, ...]:
    """The event axes of a number, a vector or a matrix over an axis."""
    return ((), (axis,), (axis, axis + "'"))[rank]


def kernel(
    b: Builder, name: str, args: tuple[Val, ...], events: tuple[tuple[str, ...], ...], out: tuple[str, ...]
) -> Val:
    """A row of `KERNELS`: each argument has its event axes last, all other axes are batch axes."""
    inside = {a for axes in events for a in axes}
    batch = {a for v in args for a in v.axes if a not in inside}
    full = tuple(
        b.node("ones_like", (v,), e, (*v.axes, *e)) if set(e) - set(v.axes) else v
        for v, e in zip(args, events, strict=True)
    )
    return b.node("kernel", full, (KernelCall(name, events, out),), (*batch, *out))

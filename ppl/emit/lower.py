"""From core expressions and distributions to values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ppl.check.core import Dist, Expr
from ppl.emit.values import Builder, KernelCall, Val
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.formulas import evaluate
from ppl.stdlib.primitives import PRIMITIVES
from ppl.stdlib.records import Distribution


@dataclass(slots=True)
class Lowering:
    """A builder, and the values that names stand for so far."""

    b: Builder
    names: dict[str, Val] = field(default_factory=dict)

    # -- expressions --

    def expr(self, e: Expr) -> Val:
        """The value of a core expression."""
        if e.op in PRIMITIVES:
            return self.b.apply(e.op, *(self._operand(e.op, a) for a in e.args))
        return _LOWER[e.op](self, e)

    def _operand(self, op: str, e: Expr) -> Val:
        """An argument; truth values become 0 and 1 where they are computed with."""
        v = self.expr(e)
        counts = e.type == "bool" and PRIMITIVES[op].result != "bool" and op != "where"
        return self.b.node("real", (v,), (), v.axes) if counts and v.op != "lit" else v

    # -- densities --

    def log_density(self, dist: Dist, x: Val, observed: bool = True) -> Val:
        """log p(x), one number for each position; event axes are summed within."""
        return _DENSITY.get(dist.name, _family)(self, dist, x, observed)

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


def _ref(s: Lowering, e: Expr) -> Val:
    return s.names[_axis(e)]


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
    return s.b.gather(value, str(axis), s.b.node("lag", (), (axis, k), (str(axis),)))


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
    return s.b.sum(s.b.mul(s.expr(e.args[0]), s.expr(e.args[1])), (_axis(e),))


def _diag(s: Lowering, e: Expr) -> Val:
    axis, copy = (str(a) for a in e.attrs)
    return s.b.mul(s.expr(e.args[0]), s.b.node("eye", (), (axis, copy), (axis, copy)))


def _matrix(s: Lowering, e: Expr) -> Val:
    """`cholesky` and `inverse` are kernels on a pair of axes."""
    pair = tuple(str(a) for a in e.attrs)
    return kernel(s.b, e.op, (s.expr(e.args[0]),), (pair,), pair)


def _vector(s: Lowering, e: Expr) -> Val:
    items = tuple(s.expr(a) for a in e.args)
    return s.b.node("stack", items, e.attrs, (*(a for i in items for a in i.axes), _axis(e)))


def _spread(s: Lowering, e: Expr) -> Val:
    return s.b.spread(s.expr(e.args[0]), _axis(e))


_LOWER: dict[str, Callable[[Lowering, Expr], Val]] = {
    "lit": lambda s, e: s.b.lit(float(e.attrs[0])),  # type: ignore[arg-type]
    "ref": _ref,
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
    "vector": _vector,
    "spread": _spread,
}


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


# ---- densities ---------------------------------------------------------------------------------------------------


def _family(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    row = DISTRIBUTIONS[dist.name]
    params = s.arguments(dist)
    axis = dist.event[0] if dist.event else str(dist.attrs[0]) if dist.attrs else ""
    inside = not observed and row.kind == "real"
    if row.kernel:
        values = (x, *(params[p.name] for p in row.params))
        ranks = (row.event, *(p.rank for p in row.params))
        events = tuple(((), (axis,), (axis, axis + "'"))[rank] for rank in ranks)
        return kernel(s.b, row.kernel, values, events, ())
    if row.event:
        vectors = {p.name for p in row.params if p.rank == 1}
        params = {n: s.b.spread(v, axis) if n in vectors else v for n, v in params.items()}
    density = s.row_formula(row, row.logpdf, {"x": x, **params}, axis, inside)
    return density if inside else s.b.add(density, _in_support(s, row, x))


def _in_support(s: Lowering, row: Distribution, x: Val) -> Val:
    """Minus infinity where a value lies outside ends that no parameter moves; moving ends are in the formulas."""
    checks = [(row.support.low, "ge"), (row.support.high, "le")]
    fixed = [(text, op) for text, op in checks if _is_number(text)]
    return s.b.total(s.b.apply("log_if", s.b.apply(op, x, s.formula(text, {}))) for text, op in fixed)


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def _where(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    assert dist.args[0] is not None
    then, other = (s.log_density(d, x, observed) for d in dist.inner)
    return s.b.apply("where", s.expr(dist.args[0]), then, other)


@dataclass(frozen=True, slots=True)
class _Tails:
    """The distribution functions of one family, as values."""

    s: Lowering
    dist: Dist

    def _of(self, text: str, x: Val) -> Val:
        row = DISTRIBUTIONS[self.dist.name]
        return self.s.row_formula(row, text, {"x": x, **self.s.arguments(self.dist)})

    def log_cdf(self, x: Val) -> Val:
        row = DISTRIBUTIONS[self.dist.name]
        return self._of(row.logcdf or f"log({row.cdf})", x)

    def log_sf(self, x: Val) -> Val:
        row = DISTRIBUTIONS[self.dist.name]
        return self._of(row.logsf or f"log1p(-({row.cdf}))", x)

    def log_between(self, low: Val, high: Val) -> Val:
        """log P(low < X <= high), from the nearer tail."""
        b = self.s.b
        upper = b.apply("gt", self.log_cdf(low), b.lit(-0.6931471805599453))
        by_upper = b.apply("logsubexp", self.log_sf(low), self.log_sf(high))
        by_lower = b.apply("logsubexp", self.log_cdf(high), self.log_cdf(low))
        return b.apply("where", upper, by_upper, by_lower)


def _truncated(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    inner = dist.inner[0]
    low, high = (s.expr(a) if a is not None else None for a in dist.args)
    density = s.log_density(inner, x, observed)
    if observed:
        for end, op in ((low, "ge"), (high, "le")):
            if end is not None:
                density = s.b.add(density, s.b.apply("log_if", s.b.apply(op, x, end)))
    return density if inner.name == "Flat" else s.b.sub(density, _log_mass(s, inner, low, high))


def _log_mass(s: Lowering, inner: Dist, low: Val | None, high: Val | None) -> Val:
    """log P(low <= X <= high): a whole number just below `low` is where its sum starts."""
    tails = _Tails(s, inner)
    below = s.b.sub(low, s.b.lit(1.0)) if low is not None and inner.kind == "int" else low
    support = DISTRIBUTIONS[inner.name].support
    if below is not None and inner.kind == "real" and _is_number(support.low):
        below = s.b.apply("max2", below, s.formula(support.low, {}))
    if high is not None and inner.kind == "real" and _is_number(support.high):
        high = s.b.apply("min2", high, s.formula(support.high, {}))
    if below is None:
        assert high is not None
        return tails.log_cdf(high)
    return tails.log_sf(below) if high is None else tails.log_between(below, high)


def _censored(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    inner, tails = dist.inner[0], _Tails(s, dist.inner[0])
    left, right, upper = (s.expr(a) if a is not None else None for a in dist.args)
    density = s.log_density(inner, x, observed)
    if upper is not None:
        wide = s.b.apply("gt", upper, x)
        end = s.b.apply("where", wide, upper, s.b.add(x, s.b.lit(1.0)))
        density = s.b.apply("where", wide, tails.log_between(x, end), density)
    if left is not None:
        density = s.b.apply("where", left, tails.log_cdf(x), density)
    if right is not None:
        density = s.b.apply("where", right, tails.log_sf(x), density)
    return density


def _mixture(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    assert dist.args[0] is not None
    weights = s.b.apply("log_p", s.expr(dist.args[0]))
    each = s.b.add(weights, s.log_density(dist.inner[0], x, observed))
    return s.b.reduce("logsumexp", each, str(dist.attrs[0]))


def _ordered(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    axis = dist.event[0]
    each = s.log_density(dist.inner[0], x, observed)
    ways = s.b.apply("lgamma", s.b.add(s.b.size(axis), s.b.lit(1.0)))
    return s.b.add(s.b.sum(each, (axis,)), ways)


def _zero_inflated(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    assert dist.args[0] is not None
    p, inner = s.expr(dist.args[0]), dist.inner[0]
    rest = s.b.apply("log1p", s.b.neg(p))
    at_zero = s.b.apply("logaddexp", s.b.apply("log", p), s.b.add(rest, s.log_density(inner, s.b.lit(0.0), observed)))
    elsewhere = s.b.add(rest, s.log_density(inner, x, observed))
    return s.b.apply("where", s.b.apply("eq", x, s.b.lit(0.0)), at_zero, elsewhere)


_DENSITY: dict[str, Callable[[Lowering, Dist, Val, bool], Val]] = {
    "where": _where,
    "Truncated": _truncated,
    "Censored": _censored,
    "Mixture": _mixture,
    "Ordered": _ordered,
    "ZeroInflated": _zero_inflated,
}

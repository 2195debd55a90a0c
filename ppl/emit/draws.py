"""From distributions to draws made of uniform numbers: by quantile functions, with or without a gradient.

A draw without a gradient is a quantile of its uniforms. A draw with one is a formula over a draw at standard parameters
(location and scale, rates, log-normals, Cholesky factors), or a quantile with its slopes attached: at a fixed uniform,
dx/dtheta = -(dF/dtheta) / p(x) with F the distribution function (Figurnov, Mohamed & Mnih, NeurIPS 2018).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from ppl.check.core import Dist, Expr
from ppl.emit.densities import log_density
from ppl.emit.lower import Lowering, kernel
from ppl.emit.reverse import adjoints
from ppl.emit.val import Val
from ppl.rewrite.drawing import noises, pathwise_kind, standard
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.records import Distribution

Noise = Callable[[int], Val]

BELOW_ONE = 1.0 - 2.0**-53
TINY = 1e-300


def _path(row: Distribution) -> str:
    return f"{row.loc_scale[0]} + {row.loc_scale[1]} * q" if row.loc_scale else row.path or "q"


# ---- distribution functions --------------------------------------------------------------------------------------


def cdf(s: Lowering, dist: Dist, x: Val) -> Val:
    """P(X <= x), for any x: 0 and 1 outside the support."""
    return _CDF.get(dist.name, _family_cdf)(s, dist, x, False)


def survival(s: Lowering, dist: Dist, x: Val) -> Val:
    """P(X > x), keeping its digits where it is small."""
    return _CDF.get(dist.name, _family_cdf)(s, dist, x, True)


def _family_cdf(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    b, row = s.b, DISTRIBUTIONS[dist.name]
    low, high = _fixed_ends(row)
    inside = x
    if low is not None:
        inside = b.apply("max2", inside, b.lit(low if low else TINY))
    if high is not None:
        inside = b.apply("min2", inside, b.lit(BELOW_ONE if high == 1.0 else high))
    names = {"x": inside, **s.arguments(dist)}
    p = b.apply("exp", s.row_formula(row, row.logsf, names)) if upper else s.row_formula(row, row.cdf, names)
    if low is not None:
        p = b.apply("where", b.apply("le", x, b.lit(low)), b.lit(float(upper)), p)
    if high is not None:
        p = b.apply("where", b.apply("ge", x, b.lit(high)), b.lit(float(not upper)), p)
    return p


def _fixed_ends(row: Distribution) -> tuple[float | None, float | None]:
    """The ends of the support of a family of reals; those that a parameter moves are in its formulas, save that a
    logarithm may be taken on the way."""
    if row.kind != "real":
        return None, None
    low = 0.0 if row.support.kind == "lower" else _as_number(row.support.low)
    return low, _as_number(row.support.high)


def _as_number(text: str) -> float | None:
    return float(text) if text.lstrip("-").replace(".", "", 1).isdigit() else None


def _truncated_cdf(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    """A share of what is between the ends, from the nearer tail of the inner distribution."""
    b = s.b
    ends = _ends(s, dist)
    inside = ends.clip(s, x)
    by_lower = b.apply("div", b.sub(cdf(s, dist.inner[0], inside), ends.below), b.sub(ends.not_above, ends.below))
    by_upper = b.apply("div", b.sub(survival(s, dist.inner[0], inside), ends.above), b.sub(ends.not_below, ends.above))
    one = b.lit(1.0)
    near, far = (by_upper, by_lower) if upper else (by_lower, by_upper)
    chosen = b.apply("not", ends.in_upper_tail(s)) if upper else ends.in_upper_tail(s)
    return b.apply("where", chosen, b.sub(one, far), near)


@dataclass(frozen=True, slots=True)
class _Ends:
    """The ends of a truncation, and the probabilities of the inner distribution beyond and not beyond them; a count
    equal to the lower end is inside."""

    low: Val | None
    high: Val | None
    below: Val
    not_below: Val
    above: Val
    not_above: Val

    def in_upper_tail(self, s: Lowering) -> Val:
        return s.b.apply("gt", self.below, s.b.lit(0.5))

    def clip(self, s: Lowering, x: Val) -> Val:
        x = x if self.low is None else s.b.apply("max2", x, self.low)
        return x if self.high is None else s.b.apply("min2", x, self.high)


def _ends(s: Lowering, dist: Dist) -> _Ends:
    b, inner = s.b, dist.inner[0]
    low, high = (None if a is None else s.expr(a) for a in dist.args)
    zero, one = b.lit(0.0), b.lit(1.0)
    under = b.sub(low, one) if low is not None and inner.kind == "int" else low
    return _Ends(
        low,
        high,
        zero if under is None else cdf(s, inner, under),
        one if under is None else survival(s, inner, under),
        zero if high is None else survival(s, inner, high),
        one if high is None else cdf(s, inner, high),
    )


def _mixture_cdf(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    assert dist.args[0] is not None
    axis = str(dist.attrs[0])
    each = survival(s, dist.inner[0], x) if upper else cdf(s, dist.inner[0], x)
    return s.b.sum(s.b.mul(s.b.spread(s.expr(dist.args[0]), axis), each), (axis,))


def _where_cdf(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    assert dist.args[0] is not None
    each = (survival(s, d, x) if upper else cdf(s, d, x) for d in dist.inner)
    return s.b.apply("where", s.expr(dist.args[0]), *each)


def _zero_inflated_cdf(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    assert dist.args[0] is not None
    b, p = s.b, s.expr(dist.args[0])
    rest = b.sub(b.lit(1.0), p)
    if upper:
        over = b.mul(rest, survival(s, dist.inner[0], x))
        return b.apply("where", b.apply("ge", x, b.lit(0.0)), over, b.lit(1.0))
    under = b.add(p, b.mul(rest, cdf(s, dist.inner[0], x)))
    return b.apply("where", b.apply("ge", x, b.lit(0.0)), under, b.lit(0.0))


_CDF: dict[str, Callable[[Lowering, Dist, Val, bool], Val]] = {
    "Truncated": _truncated_cdf,
    "Mixture": _mixture_cdf,
    "where": _where_cdf,
    "ZeroInflated": _zero_inflated_cdf,
}


# ---- quantiles ---------------------------------------------------------------------------------------------------


def quantile(s: Lowering, dist: Dist, p: Val) -> Val:
    """The p-quantile, through which no gradient flows; it stays inside the support for any p from 0 to 1."""
    return _QUANTILE.get(dist.name, _family_quantile)(s, dist, p, False)


def quantile_path(s: Lowering, dist: Dist, p: Val) -> Val:
    """The p-quantile of a continuous distribution with its gradient in p, which is 1 / density, and in the parameters,
    by the implicit function theorem."""
    x = quantile(s, dist, p)
    freed = _freed(s, dist, x.axes)
    slope = s.b.apply("exp", s.b.neg(log_density(freed.s, freed.dist, x, observed=False)))
    return _attached(s, x, [(p, slope), *_slopes(s, freed, x)])


def _family_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    row = DISTRIBUTIONS[dist.name]
    return _text(s, row.upper if upper else row.quantile, {"u": _open(s, p), **s.arguments(dist)})


def _text(s: Lowering, text: str, names: dict[str, Val]) -> Val:
    """A value by numpy text over named values; no gradient flows through it."""
    assert text, "a distribution that cannot be drawn from"
    axes = (a for v in names.values() for a in v.axes)
    return s.b.node("quantile", tuple(names.values()), (text, *names), axes)


def _open(s: Lowering, p: Val) -> Val:
    """A probability strictly between 0 and 1; uniforms are."""
    if p.op == "noise":
        return p
    return s.b.apply("min2", s.b.apply("max2", p, s.b.lit(TINY)), s.b.lit(BELOW_ONE))


def _truncated_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    """The inner quantile of a share of what is between the ends, by the tail that keeps the digits."""
    b, inner = s.b, dist.inner[0]
    ends = _ends(s, dist)
    over = p if upper else b.sub(b.lit(1.0), p)
    under = b.sub(b.lit(1.0), p) if upper else p
    by_lower = quantile(s, inner, b.add(ends.below, b.mul(b.sub(ends.not_above, ends.below), under)))
    if not DISTRIBUTIONS[inner.name].upper:
        return b.node("stop", (ends.clip(s, by_lower),), (), ends.clip(s, by_lower).axes)
    share = b.add(ends.above, b.mul(b.sub(ends.not_below, ends.above), over))
    by_upper = _family_quantile(s, inner, share, True)
    return _stopped(s, ends.clip(s, b.apply("where", ends.in_upper_tail(s), by_upper, by_lower)))


def _where_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    assert dist.args[0] is not None
    each = (_QUANTILE.get(d.name, _family_quantile)(s, d, p, upper) for d in dist.inner)
    return _stopped(s, s.b.apply("where", s.expr(dist.args[0]), *each))


def _zero_inflated_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    assert dist.args[0] is not None
    b, zero = s.b, s.expr(dist.args[0])
    p = b.sub(b.lit(1.0), p) if upper else p
    share = b.apply("div", b.sub(p, zero), b.apply("max2", b.sub(b.lit(1.0), zero), b.lit(TINY)))
    x = b.apply("where", b.apply("le", p, zero), b.lit(0.0), quantile(s, dist.inner[0], share))
    return _stopped(s, x)


def _level_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    """The smallest level whose cumulative probability exceeds p: never one of probability zero."""
    (weights,) = s.arguments(dist).values()
    return _level(s, weights, str(dist.attrs[0]), p)


def _level(s: Lowering, weights: Val, axis: str, p: Val) -> Val:
    b = s.b
    full = b.spread(_stopped(s, weights), axis)
    steps = b.node("cumsum", (full,), (axis, False), full.axes)
    names = {"u": p, "total": b.reduce("max", steps, axis)}
    target = _text(s, "np.minimum(u * total, np.nextafter(total, 0.0))", names)
    return _count(s, b.apply("le", steps, target), axis)


def _logits_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    axis = str(dist.attrs[0])
    logits = s.b.spread(_stopped(s, s.arguments(dist)["logits"]), axis)
    return _level(s, s.b.apply("exp", s.b.sub(logits, s.b.reduce("max", logits, axis))), axis, p)


def _ordinal_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    """How many cuts lie below eta plus a logistic number."""
    axis = str(dist.attrs[0])
    names = {"u": p, "eta": _stopped(s, s.arguments(dist)["eta"])}
    cuts = s.b.spread(_stopped(s, s.arguments(dist)["cuts"]), axis)
    return _count(s, s.b.apply("lt", cuts, _text(s, "eta + sp.logit(u)", names)), axis)


def _count(s: Lowering, test: Val, axis: str) -> Val:
    return s.b.sum(s.b.node("real", (test,), (), test.axes), (axis,))


_QUANTILE: dict[str, Callable[[Lowering, Dist, Val, bool], Val]] = {
    "Truncated": _truncated_quantile,
    "where": _where_quantile,
    "ZeroInflated": _zero_inflated_quantile,
    "Categorical": _level_quantile,
    "CategoricalLogits": _logits_quantile,
    "OrderedLogistic": _ordinal_quantile,
}


# ---- draws without a gradient ------------------------------------------------------------------------------------


def sampled(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    """A draw through which no gradient flows: a number, 0 or 1, a count, or a level counted from 0. `axes` are those of
    the site, the event last; the draw has them and those of its parameters."""
    return _stopped(s, _SAMPLED.get(dist.name, _one_quantile)(s, dist, noise, axes))


def _one_quantile(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    row = DISTRIBUTIONS.get(dist.name)
    if row is None or not _path(row) or row.kind != "real":
        return quantile(s, dist, noise(0))
    params = s.arguments(dist)
    return s.formula(_path(row), {"q": _standard_draw(s, row, params, noise(0)), **params})


def _standard_draw(s: Lowering, row: Distribution, params: dict[str, Val], u: Val) -> Val:
    fixed = {n: s.b.lit(v) for n, v in standard(row)}
    return _text(s, row.quantile, {"u": u, **params, **fixed})


def _where_draw(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    assert dist.args[0] is not None
    return s.b.apply("where", s.expr(dist.args[0]), *(sampled(s, d, noise, axes) for d in dist.inner))


def _mixture_draw(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    """A component by its weights, then the value that it has there."""
    assert dist.args[0] is not None
    b, axis = s.b, str(dist.attrs[0])
    which = _level(s, s.expr(dist.args[0]), axis, noise(0))
    each = sampled(s, dist.inner[0], lambda k: noise(k + 1), axes)
    return b.sum(b.apply("where", b.apply("eq", b.arange(axis), which), each, b.lit(0.0)), (axis,))


def _ordered_draw(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    """Sorted draws. Quantiles rise, so that those of sorted uniforms are sorted."""
    if noises(dist) == 1:
        return sampled(s, dist.inner[0], _sorted(s, noise, dist), axes)
    each = sampled(s, dist.inner[0], noise, axes)
    return kernel(s.b, "sorted", (each,), (dist.event,), dist.event)


def _sorted(s: Lowering, noise: Noise, dist: Dist) -> Noise:
    return lambda k: kernel(s.b, "sorted", (noise(k),), (dist.event,), dist.event)


def _multinomial_draw(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    n, p = (_stopped(s, v) for v in s.arguments(dist).values())
    return kernel(s.b, "multinomial_quantile", (n, p, noise(0)), ((), dist.event, dist.event), dist.event)


def _vector_draw(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    return _VECTOR[dist.name](s, dist, noise)


_SAMPLED: dict[str, Callable[[Lowering, Dist, Noise, tuple[str, ...]], Val]] = {
    "where": _where_draw,
    "Mixture": _mixture_draw,
    "Ordered": _ordered_draw,
    "Multinomial": _multinomial_draw,
    "Dirichlet": _vector_draw,
    "MvNormal": _vector_draw,
    "MvNormalChol": _vector_draw,
}


def _stopped(s: Lowering, v: Val) -> Val:
    return v if v.op in ("stop", "lit", "quantile", "noise") else s.b.node("stop", (v,), (), v.axes)


# ---- draws with their gradient -----------------------------------------------------------------------------------


def pathwise(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> tuple[Val, str]:
    """A draw with its gradient in the parameters, and how: "reparam" or "implicit". `pathwise_kind` must not be ""."""
    kind = pathwise_kind(dist)
    assert kind, dist.name
    return _PATHWISE.get(dist.name, _family_path)(s, dist, noise, axes), kind


def _family_path(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    """The formula of the family over its standard draw, to which the slopes in the remaining parameters, if any, are
    attached."""
    row, params = DISTRIBUTIONS[dist.name], s.arguments(dist)
    q = _standard_draw(s, row, params, noise(0))
    fixed = dict(standard(row))
    args = tuple(
        Expr("lit", (), (fixed[p.name],)) if p.name in fixed else a for p, a in zip(row.params, dist.args, strict=True)
    )
    return s.formula(_path(row), {"q": _implicit(s, replace(dist, args=args), q), **params})


def _implicit(s: Lowering, dist: Dist, x: Val) -> Val:
    return _attached(s, x, _slopes(s, _freed(s, dist, x.axes), x))


def _attached(s: Lowering, x: Val, pairs: Iterable[tuple[Val, Val]]) -> Val:
    flat = tuple(v for pair in pairs if pair[0].batch for v in pair)
    return s.b.node("attach", (x, *flat), (), x.axes) if flat else x


@dataclass(slots=True)
class _Freed:
    """A distribution whose parameters are values of their own, one for each position of a draw, so that the gradient in
    each position is one of them; `params` pairs them with those that they stand for."""

    s: Lowering
    dist: Dist
    params: list[tuple[Val, Val]] = field(default_factory=list)


def _freed(s: Lowering, dist: Dist, axes: tuple[str, ...]) -> _Freed:
    inside = Lowering(s.b, dict(s.names))
    params: list[tuple[Val, Val]] = []

    def free(arg: Expr | None) -> Expr | None:
        value = None if arg is None or arg.type == "bool" else s.expr(arg)
        if arg is None or value is None or not value.batch:
            return arg
        name = f"parameter {len(params)}"
        leaf = s.b.tap(_stopped(s, value), axes, name)
        inside.names[name] = leaf
        params.append((value, leaf))
        return Expr("ref", (), (name,), arg.axes, arg.type)

    def walk(d: Dist) -> Dist:
        return replace(d, args=tuple(free(a) for a in d.args), inner=tuple(walk(i) for i in d.inner))

    return _Freed(inside, walk(dist), params)


def _slopes(s: Lowering, freed: _Freed, x: Val) -> list[tuple[Val, Val]]:
    """dx/dtheta = -(dF/dtheta) / p(x) for each parameter, from the smaller tail."""
    if not freed.params:
        return []
    b, x = s.b, _stopped(s, x)
    leaves = [leaf for _, leaf in freed.params]
    lower, upper = cdf(freed.s, freed.dist, x), survival(freed.s, freed.dist, x)
    under, over = adjoints(b, lower, leaves), adjoints(b, upper, leaves)
    left = b.apply("lt", lower, b.lit(0.5))
    density = b.apply("exp", log_density(freed.s, freed.dist, x, observed=False))
    zero = b.lit(0.0)
    return [
        (
            value,
            b.apply(
                "ratio0",
                b.apply("where", left, b.neg(under.get(leaf, zero)), over.get(leaf, zero)),
                density,
            ),
        )
        for value, leaf in freed.params
    ]


def _where_path(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    assert dist.args[0] is not None
    return s.b.apply("where", s.expr(dist.args[0]), *(pathwise(s, d, noise, axes)[0] for d in dist.inner))


def _ordered_path(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    return pathwise(s, dist.inner[0], _sorted(s, noise, dist), axes)[0]


def _sampled_path(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    return _implicit(s, dist, sampled(s, dist, noise, axes))


def _dirichlet(s: Lowering, dist: Dist, noise: Noise) -> Val:
    """Gammas over their sum, in logarithms, so that small shapes do not underflow."""
    b, axis = s.b, dist.event[0]
    a = b.spread(s.arguments(dist)["a"], axis)
    log_g = _text(s, "k.log_gamma_quantile(a, u)", {"u": noise(0), "a": a})
    slope = b.apply("log_gamma_slope", _stopped(s, a), log_g)
    logs = _attached(s, log_g, [(a, slope)])
    share = b.apply("exp", b.sub(logs, b.reduce("logsumexp", logs, axis)))
    return b.apply("max2", share, b.lit(TINY))


def _mvnormal_chol(s: Lowering, dist: Dist, noise: Noise) -> Val:
    params = s.arguments(dist)
    return _affine(s, params["mean"], params["chol"], dist.event[0], noise)


def _mvnormal(s: Lowering, dist: Dist, noise: Noise) -> Val:
    params, axis = s.arguments(dist), dist.event[0]
    pair = (axis, axis + "'")
    return _affine(s, params["mean"], kernel(s.b, "cholesky", (params["cov"],), (pair,), pair), axis, noise)


def _affine(s: Lowering, mean: Val, chol: Val, axis: str, noise: Noise) -> Val:
    """mean + L z."""
    z = s.b.rename(_text(s, "sp.ndtri(u)", {"u": noise(0)}), axis, axis + "'")
    return s.b.add(mean, s.b.sum(s.b.mul(chol, z), (axis + "'",)))


_VECTOR: dict[str, Callable[[Lowering, Dist, Noise], Val]] = {
    "Dirichlet": _dirichlet,
    "MvNormal": _mvnormal,
    "MvNormalChol": _mvnormal_chol,
}

_PATHWISE: dict[str, Callable[[Lowering, Dist, Noise, tuple[str, ...]], Val]] = {
    "where": _where_path,
    "Ordered": _ordered_path,
    "Truncated": _sampled_path,
    "Mixture": _sampled_path,
    "Dirichlet": _vector_draw,
    "MvNormal": _vector_draw,
    "MvNormalChol": _vector_draw,
}

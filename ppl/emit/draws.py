"""From distributions to draws made of uniform numbers: by quantile functions, with or without a gradient.

A draw without a gradient is a quantile of its uniforms. A draw with one is a formula over a draw at standard parameters
(location and scale, rates, log-normals, Cholesky factors), or a quantile with its slopes attached: at a fixed uniform,
dx/dtheta = -(dF/dtheta) / p(x) with F the distribution function (Figurnov, Mohamed & Mnih, NeurIPS 2018).
"""

from collections.abc import Callable
from dataclasses import replace

from ppl.check.core import Dist, Expr
from ppl.emit import matrix_draws
from ppl.emit.implicit import attached, implicit, quantile_path
from ppl.emit.lower import Lowering, kernel
from ppl.emit.quantiles import level, quantile, stopped, text
from ppl.emit.tails import TINY, cdf, log_between, survival
from ppl.emit.val import Val
from ppl.rewrite.drawing import noises, pathwise_kind, standard
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.records import Distribution

__all__ = [
    "Noise",
    "cdf",
    "noises",
    "pathwise",
    "pathwise_kind",
    "quantile",
    "quantile_path",
    "sampled",
    "survival",
]

Noise = Callable[[int], Val]


def _path(row: Distribution) -> str:
    return f"{row.loc_scale[0]} + {row.loc_scale[1]} * q" if row.loc_scale else row.path or "q"


# ---- draws without a gradient ------------------------------------------------------------------------------------


def sampled(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    """A draw through which no gradient flows: a number, 0 or 1, a count, or a level counted from 0. `axes` are those of
    the site, the event last; the draw has them and those of its parameters."""
    return stopped(s, _SAMPLED.get(dist.name, _one_quantile)(s, dist, noise, axes))


def _one_quantile(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    row = DISTRIBUTIONS.get(dist.name)
    if row is None or not _path(row) or row.kind != "real":
        return quantile(s, dist, noise(0))
    params = s.arguments(dist)
    return s.formula(_path(row), {"q": standard_draw(s, row, params, noise(0)), **params})


def standard_draw(s: Lowering, row: Distribution, params: dict[str, Val], u: Val) -> Val:
    fixed = {n: s.b.lit(v) for n, v in standard(row)}
    start = "{} + {} * ".format(*row.loc_scale) if row.loc_scale else ""
    return text(s, row.quantile.removeprefix(start), {"u": u, **params, **fixed})


def _where_draw(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    assert dist.args[0] is not None
    return s.b.apply("where", s.expr(dist.args[0]), *(sampled(s, d, noise, axes) for d in dist.inner))


def _mixture_draw(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    """A component by its weights, then the value that it has there."""
    assert dist.args[0] is not None
    return _drawn_component(s, s.expr(dist.args[0]), dist.inner[0], str(dist.attrs[0]), noise, axes)


def _drawn_component(s: Lowering, weights: Val, component: Dist, axis: str, noise: Noise, axes: tuple[str, ...]) -> Val:
    b, which = s.b, level(s, weights, axis, noise(0))
    each = sampled(s, component, lambda k: noise(k + 1), axes)
    return b.sum(b.apply("where", b.apply("eq", b.arange(axis), which), each, b.lit(0.0)), (axis,))


def _truncated_draw(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    """A truncated mixture is a mixture of truncated components, each weighed by what is left of it."""
    inner = dist.inner[0]
    if inner.name != "Mixture":
        return _one_quantile(s, dist, noise, axes)
    weights = inner.args[0]
    assert weights is not None
    low, high = (None if a is None else s.expr(a) for a in dist.args)
    below = s.b.sub(low, s.b.lit(1.0)) if low is not None and dist.kind == "int" else low
    left = s.b.mul(s.expr(weights), s.b.apply("exp", log_between(s, inner.inner[0], below, high)))
    each = replace(dist, inner=inner.inner)
    return _drawn_component(s, left, each, str(inner.attrs[0]), noise, axes)


def _ordered_draw(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    """Sorted draws. Quantiles rise, so that those of sorted uniforms are sorted."""
    if noises(dist) == 1:
        return sampled(s, dist.inner[0], _sorted(s, noise, dist), axes)
    each = sampled(s, dist.inner[0], noise, axes)
    return kernel(s.b, "sorted", (each,), (dist.event,), dist.event)


def _sorted(s: Lowering, noise: Noise, dist: Dist) -> Noise:
    return lambda k: kernel(s.b, "sorted", (noise(k),), (dist.event,), dist.event)


def _multinomial_draw(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    n, p = (stopped(s, v) for v in s.arguments(dist).values())
    return kernel(s.b, "multinomial_quantile", (n, p, noise(0)), ((), dist.event, dist.event), dist.event)


def _vector_draw(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    return _VECTOR[dist.name](s, dist, noise)


def _dirichlet(s: Lowering, dist: Dist, noise: Noise) -> Val:
    """Gammas over their sum, in logarithms, so that small shapes do not underflow."""
    b, axis = s.b, dist.event[0]
    a = b.spread(s.arguments(dist)["a"], axis)
    log_g = text(s, "k.log_gamma_quantile(a, u)", {"u": noise(0), "a": a})
    slope = b.apply("log_gamma_slope", stopped(s, a), log_g)
    logs = attached(s, log_g, [(a, slope)])
    share = b.apply("exp", b.sub(logs, b.reduce("logsumexp", logs, axis)))
    return b.apply("max2", share, b.lit(TINY))


_VECTOR: dict[str, Callable[[Lowering, Dist, Noise], Val]] = {
    "Dirichlet": _dirichlet,
    "MvNormal": matrix_draws.mvnormal,
    "MvNormalChol": matrix_draws.mvnormal_chol,
    "MvNormalPrecision": matrix_draws.mvnormal_precision,
    "MvStudentT": matrix_draws.mvstudent,
    "LKJCholesky": matrix_draws.lkj_cholesky,
    "Wishart": matrix_draws.wishart,
    "InvWishart": matrix_draws.inv_wishart,
}

_SAMPLED: dict[str, Callable[[Lowering, Dist, Noise, tuple[str, ...]], Val]] = {
    "where": _where_draw,
    "Mixture": _mixture_draw,
    "Truncated": _truncated_draw,
    "Ordered": _ordered_draw,
    "Multinomial": _multinomial_draw,
    **dict.fromkeys(_VECTOR, _vector_draw),
}


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
    q = standard_draw(s, row, params, noise(0))
    fixed = dict(standard(row))
    args = tuple(
        Expr("lit", (), (fixed[p.name],)) if p.name in fixed else a for p, a in zip(row.params, dist.args, strict=True)
    )
    return s.formula(_path(row), {"q": implicit(s, replace(dist, args=args), q), **params})


def _where_path(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    assert dist.args[0] is not None
    return s.b.apply("where", s.expr(dist.args[0]), *(pathwise(s, d, noise, axes)[0] for d in dist.inner))


def _ordered_path(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    return pathwise(s, dist.inner[0], _sorted(s, noise, dist), axes)[0]


def _truncated_path(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    return implicit(s, dist, sampled(s, dist, noise, axes))


def _mixture_path(s: Lowering, dist: Dist, noise: Noise, axes: tuple[str, ...]) -> Val:
    return implicit(s, dist, sampled(s, dist, noise, axes), both=True)


_PATHWISE: dict[str, Callable[[Lowering, Dist, Noise, tuple[str, ...]], Val]] = {
    "where": _where_path,
    "Ordered": _ordered_path,
    "Truncated": _truncated_path,
    "Mixture": _mixture_path,
    **dict.fromkeys(_VECTOR, _vector_draw),
}

"""The gradient of a draw, or of a quantile, in the parameters of its distribution, by the implicit function theorem.

At a fixed uniform number the distribution function keeps its value, so dx/dtheta = -(dF/dtheta) / p(x) (Figurnov,
Mohamed & Mnih, NeurIPS 2018)."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ppl.check.core import Dist, Expr
from ppl.emit.densities import log_density
from ppl.emit.lower import Lowering
from ppl.emit.quantiles import quantile, stopped
from ppl.emit.reverse import adjoints
from ppl.emit.tails import TINY, cdf, survival
from ppl.emit.val import Val


def quantile_path(s: Lowering, dist: Dist, p: Val) -> Val:
    """The p-quantile of a continuous distribution with its gradient in p, which is 1 / density, and in the parameters,
    by the implicit function theorem."""
    x = quantile(s, dist, p)
    freed = _freed(s, dist, x.axes)
    slope = s.b.apply("exp", s.b.neg(log_density(freed.s, freed.dist, x, observed=False)))
    return attached(s, x, [(p, slope), *_slopes(s, freed, x)])


def implicit(s: Lowering, dist: Dist, x: Val, both: bool = False) -> Val:
    """The draw x with its gradient. `both`: above the median, survival is differentiated in place of the distribution
    function, which keeps the digits of the slopes in the weights of a mixture."""
    return attached(s, x, _slopes(s, _freed(s, dist, x.axes), x, both))


def attached(s: Lowering, x: Val, pairs: Iterable[tuple[Val, Val]]) -> Val:
    """The value x with the slopes in what it depends on: pairs of a parameter and dx/dparameter."""
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
    """All arguments become values here; those that a gradient may flow to are cut off from what they were made of."""
    inside = Lowering(s.b)
    params: list[tuple[Val, Val]] = []

    def free(arg: Expr | None) -> Expr | None:
        if arg is None:
            return None
        value, name = s.expr(arg), f"argument {len(inside.names)}"
        inside.names[name] = value
        if value.batch and arg.type != "bool":
            inside.names[name] = leaf = s.b.tap(stopped(s, value), axes, name)
            params.append((value, leaf))
        return Expr("ref", (), (name,), arg.axes, arg.type)

    def walk(d: Dist) -> Dist:
        return replace(d, args=tuple(free(a) for a in d.args), inner=tuple(walk(i) for i in d.inner))

    return _Freed(inside, walk(dist), params)


def _slopes(s: Lowering, freed: _Freed, x: Val, both: bool = False) -> list[tuple[Val, Val]]:
    """dx/dtheta for each parameter."""
    if not freed.params:
        return []
    b, x = s.b, stopped(s, x)
    leaves = [leaf for _, leaf in freed.params]
    lower = cdf(freed.s, freed.dist, x)
    slopes = {leaf: b.neg(g) for leaf, g in adjoints(b, lower, leaves).items()}
    if both:
        over = adjoints(b, survival(freed.s, freed.dist, x), leaves)
        left = b.apply("lt", lower, b.lit(0.5))
        slopes = {leaf: b.apply("where", left, g, over[leaf]) for leaf, g in slopes.items()}
    density = b.apply("exp", log_density(freed.s, freed.dist, x, observed=False))
    density = b.apply("max2", density, b.lit(TINY))
    return [(value, b.apply("div", slopes[leaf], density)) for value, leaf in freed.params if leaf in slopes]

"""Draws from distributions, by the texts of the tables."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from types import CodeType

import numpy as np
import scipy.special as sp
from numpy.random import Generator

from ppl.check.core import Dist
from ppl.forward.densities import Tails, arguments, ends, event_axes, event_axis, log_mass
from ppl.forward.expressions import counted, evaluate
from ppl.forward.named import Array, Named, aligned, chosen, elementwise
from ppl.forward.world import World
from ppl.source.diagnostic import Bug
from ppl.stdlib import kernels as k
from ppl.stdlib.constraints import CONSTRAINTS
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.records import Distribution, Parameter

# A value that every kind of argument may have, where the one at hand is not used or not a number.
SAFE = 0.5


def draw(dist: Dist, axes: tuple[str, ...], draws: int, world: World, rng: Generator) -> Named:
    """One draw for each of `draws` and each position of `axes`, the event axes last: numbers, 0 and 1, counts, or
    levels from 0, all as floats. NaN where an argument is out of its range, and where the distribution is improper."""
    x = _DRAW.get(dist.name, _family)(dist, axes, draws, world, rng)
    return x if x.axes == axes else Named(aligned(x, axes), axes)


def lacks_draws(dist: Dist) -> bool:
    """Whether there is no drawing from it: an improper distribution."""
    if dist.name == "Truncated" and dist.inner[0].name == "Flat":
        return None in dist.args
    row = DISTRIBUTIONS.get(dist.name)
    return (row is not None and not row.draw and not row.quantile) or any(map(lacks_draws, dist.inner))


def shape_of(axes: tuple[str, ...], draws: int, world: World) -> tuple[int, ...]:
    return (draws, *(world.length(a) for a in axes))


@cache
def _compiled(text: str) -> CodeType:
    return compile(text, "<draw>", "eval")


def _run(text: str, names: Mapping[str, object]) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(eval(_compiled(text), {"np": np, "sp": sp, "k": k, **names}))


# ---- families ----------------------------------------------------------------------------------------------------


def _family(dist: Dist, axes: tuple[str, ...], draws: int, world: World, rng: Generator) -> Named:
    row = DISTRIBUTIONS[dist.name]
    size = shape_of(axes, draws, world)
    plates = axes[: len(axes) - len(dist.event)]
    params, bad = _parameters(row, dist, plates, world)
    if row.draw:
        out = _run(row.draw, {**params, "rng": rng, "size": size})
    elif row.quantile:
        out = _run(row.quantile, {**params, "u": np.maximum(rng.random(size), 2.0**-54)})
    else:
        out = np.asarray(np.nan)
    out = np.broadcast_to(np.asarray(out, float), size)
    if bad is not None:
        out = np.where(bad.reshape(*bad.shape, *(1 for _ in dist.event)), np.nan, out)
    return Named(out, axes)


def _parameters(
    row: Distribution, dist: Dist, plates: tuple[str, ...], world: World
) -> tuple[dict[str, Array], Array | None]:
    """The arguments as arrays (draws, *plates, *event), and where one of them is outside its range."""
    axis = event_axis(dist)
    out, bad = {}, None
    for p in row.params:
        v = arguments(dist, world).get(p.name)
        if v is None:
            continue
        event = event_axes(axis, p.rank)
        values = aligned(world.spread(v, *event), (*plates, *event))
        wrong = _wrong(values, p)
        if wrong.any():
            values = np.where(wrong.reshape(*wrong.shape, *(1 for _ in event)), _harmless(p, values), values)
            bad = wrong if bad is None else bad | wrong
        out[p.name] = values
    return out, bad


def _wrong(values: Array, p: Parameter) -> Array:
    """Where an argument cannot be used: in a branch that is not taken, or because the model fails there."""
    limits = CONSTRAINTS[p.domain]
    event = tuple(range(values.ndim - p.rank, values.ndim))
    out = np.isnan(values) | (values < limits.low) | (values > limits.high)
    if limits.low_open and np.isfinite(limits.low):
        out |= values == limits.low
    return np.asarray(out.any(axis=event)) if p.rank else out


def _harmless(p: Parameter, values: Array) -> Array:
    return np.eye(values.shape[-1]) if p.rank == 2 else np.asarray(SAFE)


# ---- modifiers ---------------------------------------------------------------------------------------------------


def _where(dist: Dist, axes: tuple[str, ...], draws: int, world: World, rng: Generator) -> Named:
    assert dist.args[0] is not None
    test = evaluate(dist.args[0], world)
    for sure, inner in ((test.values.all(), dist.inner[0]), (not test.values.any(), dist.inner[1])):
        if sure:
            return draw(inner, axes, draws, world, rng)
    both = (draw(d, axes, draws, world, rng) for d in dist.inner)
    return elementwise(chosen, test, *both)


def _inner(dist: Dist, axes: tuple[str, ...], draws: int, world: World, rng: Generator) -> Named:
    """What is censored is drawn in full: `Censored` says how much of it was seen."""
    return draw(dist.inner[0], axes, draws, world, rng)


def _mixture(dist: Dist, axes: tuple[str, ...], draws: int, world: World, rng: Generator) -> Named:
    """A component by its weights, then the value that it has there."""
    assert dist.args[0] is not None
    axis = str(dist.attrs[0])
    weights = world.spread(counted(evaluate(dist.args[0], world.seen({axis: None}))), axis)
    which = k.draw_level(rng, aligned(weights, (*axes, axis)), shape_of(axes, draws, world))
    each = draw(dist.inner[0], (*axes, axis), draws, world.seen({axis: None}), rng)
    return Named(np.take_along_axis(each.values, which[..., None], axis=-1)[..., 0], axes)


def _ordered(dist: Dist, axes: tuple[str, ...], draws: int, world: World, rng: Generator) -> Named:
    each = draw(dist.inner[0], axes, draws, world, rng)
    return Named(np.sort(each.values, axis=1 + axes.index(dist.event[0])), axes)


def _zero_inflated(dist: Dist, axes: tuple[str, ...], draws: int, world: World, rng: Generator) -> Named:
    assert dist.args[0] is not None
    p = aligned(counted(evaluate(dist.args[0], world)), axes)
    each = draw(dist.inner[0], axes, draws, world, rng)
    return Named(np.where(rng.random(each.values.shape) < p, 0.0, each.values), axes)


def _truncated(dist: Dist, axes: tuple[str, ...], draws: int, world: World, rng: Generator) -> Named:
    """The quantile of a share of what lies between the ends, by the tail that keeps the digits."""
    low, high = (None if v is None else aligned(v, axes) for v in ends(dist, world))
    inner, size = dist.inner[0], shape_of(axes, draws, world)
    if inner.name in _CUT:
        return _CUT[inner.name](dist, axes, draws, world, rng)
    u = np.maximum(rng.random(size), 2.0**-54)
    if inner.name == "Flat":
        spread = np.asarray(np.nan) if low is None or high is None else low + (high - low) * u
        return Named(np.broadcast_to(spread, size), axes)
    return Named(_between(inner, axes, low, high, u, world), axes)


def _cut_mixture(dist: Dist, axes: tuple[str, ...], draws: int, world: World, rng: Generator) -> Named:
    """A truncated mixture is a mixture of truncated components, each weighed by what is left of it."""
    mixture, weights = dist.inner[0], dist.inner[0].args[0]
    assert weights is not None
    axis, component = str(mixture.attrs[0]), replace(dist, inner=mixture.inner)
    inside = world.seen({axis: None})
    left = elementwise(lambda w, m: w * np.exp(m), counted(evaluate(weights, inside)), log_mass(component, inside))
    which = k.draw_level(rng, aligned(world.spread(left, axis), (*axes, axis)), shape_of(axes, draws, world))
    each = draw(component, (*axes, axis), draws, inside, rng)
    return Named(np.take_along_axis(each.values, which[..., None], axis=-1)[..., 0], axes)


def _cut_inflated(dist: Dist, axes: tuple[str, ...], draws: int, world: World, rng: Generator) -> Named:
    """The extra zeros, where they lie between the ends, and otherwise what is left of the rest."""
    assert dist.inner[0].args[0] is not None
    rest = replace(dist, inner=dist.inner[0].inner)
    low, high = ends(dist, world)
    p = counted(evaluate(dist.inner[0].args[0], world))
    zero = p if low is None else elementwise(lambda p, low: np.where(low < 0.0, p, 0.0), p, low)
    zero = zero if high is None else elementwise(lambda p, high: np.where(high >= 0.0, p, 0.0), zero, high)
    share = elementwise(lambda z, p, m: z / (z + (1.0 - p) * np.exp(m)), zero, p, log_mass(rest, world))
    each = draw(rest, axes, draws, world, rng)
    return Named(np.where(rng.random(each.values.shape) < aligned(share, axes), 0.0, each.values), axes)


_CUT: dict[str, Callable[[Dist, tuple[str, ...], int, World, Generator], Named]] = {
    "Mixture": _cut_mixture,
    "ZeroInflated": _cut_inflated,
}


def _between(
    inner: Dist, axes: tuple[str, ...], low: Array | None, high: Array | None, u: Array, world: World
) -> Array:
    """log P is interpolated on the side where it is small: in the lower tail log cdf, in the upper one log sf."""
    tails, row = Tails(inner, world), DISTRIBUTIONS[inner.name]
    log_cdf = [
        np.asarray(e) if x is None else aligned(tails.log_cdf(Named(x, axes)), axes)
        for x, e in ((low, -np.inf), (high, 0.0))
    ]
    log_sf = [
        np.asarray(e) if x is None else aligned(tails.log_sf(Named(x, axes)), axes)
        for x, e in ((low, 0.0), (high, -np.inf))
    ]
    params, _ = _parameters(row, inner, axes, world)
    with np.errstate(all="ignore"):
        lower = np.logaddexp(log_cdf[0] + np.log1p(-u), log_cdf[1] + np.log(u))
        upper = np.logaddexp(log_sf[0] + np.log1p(-u), log_sf[1] + np.log(u))
        by_upper = np.broadcast_to(log_cdf[0] > -np.log(2.0), u.shape)
        x = np.where(by_upper, _from_tail(row, params, upper, True), _from_tail(row, params, lower, False))
    first = low + 1.0 if low is not None and inner.kind == "int" else low
    x = x if first is None else np.maximum(x, first)
    return np.asarray(x if high is None else np.minimum(x, high))


def _from_tail(row: Distribution, params: Mapping[str, Array], log_p: Array, upper: bool) -> Array:
    """The value that a family exceeds, or does not exceed, with this log probability."""
    text = row.far[upper] or (row.upper if upper else row.quantile)
    p = np.clip(np.exp(log_p), 1e-300, 1.0 - 2.0**-53)
    if text:
        return _run(text, {**params, "l": log_p, "u": p})
    if upper and row.quantile:
        return _run(row.quantile, {**params, "u": np.clip(-np.expm1(log_p), 1e-300, 1.0 - 2.0**-53)})
    raise Bug(f"no quantiles of {row.name}")


_DRAW: dict[str, Callable[[Dist, tuple[str, ...], int, World, Generator], Named]] = {
    "where": _where,
    "Censored": _inner,
    "Mixture": _mixture,
    "Ordered": _ordered,
    "ZeroInflated": _zero_inflated,
    "Truncated": _truncated,
}

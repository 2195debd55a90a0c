"""Log densities, by the formulas of the tables, interpreted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from ppl.check.core import Dist
from ppl.forward.expressions import counted, evaluate, primitive, taken
from ppl.forward.named import Array, Named, aligned, chosen, elementwise, number
from ppl.forward.world import World
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.formulas import evaluate as read_formula
from ppl.stdlib.kernels import KERNELS
from ppl.stdlib.records import Distribution


def log_density(dist: Dist, x: Named, world: World) -> Named:
    """log p(x) at each position; event axes are summed within."""
    return _DENSITY.get(dist.name, _family)(dist, x, world)


def arguments(dist: Dist, world: World) -> dict[str, Named]:
    """The parameters of a family, by name."""
    row = DISTRIBUTIONS[dist.name]
    given = zip(row.params, dist.args, strict=True)
    return {p.name: counted(evaluate(a, world)) for p, a in given if a is not None}


def event_axis(dist: Dist) -> str:
    """The axis of what a family takes as a vector."""
    return dist.event[0] if dist.event else str(dist.attrs[0]) if dist.attrs else ""


def formula(text: str, names: Mapping[str, Named], axis: str, world: World) -> Named:
    """A formula of the tables over named values; `axis` is the event axis."""

    def apply(op: str, args: tuple[Named, ...]) -> Named:
        match op:
            case "esum":
                return _over(np.sum, args[0], axis, world)
            case "elogsumexp":
                return _over(_logsumexp, args[0], axis, world)
            case "elen":
                return number(world.size(axis))
            case "pick":
                return taken(world.spread(args[0], axis), axis, args[1])
            case _:
                return elementwise(primitive(op), *map(counted, args))

    return read_formula(text, names, apply, lambda value: number(float(value)))


def row_formula(row: Distribution, text: str, names: Mapping[str, Named], axis: str, world: World) -> Named:
    """A formula of a family, its shared parts first."""
    known = dict(names)
    for name, part in row.let:
        known[name] = formula(part, known, axis, world)
    return formula(text, known, axis, world)


def _over(f: Callable[..., Array], v: Named, axis: str, world: World) -> Named:
    full = world.spread(v, axis)
    return Named(f(full.values, axis=1 + full.axes.index(axis)), tuple(a for a in full.axes if a != axis))


def _logsumexp(x: Array, axis: int) -> Array:
    return np.asarray(KERNELS["logsumexp"].forward(np.moveaxis(x, axis, -1))[0])


# ---- families ----------------------------------------------------------------------------------------------------


def event_axes(axis: str, rank: int) -> tuple[str, ...]:
    """The axes of an argument of this rank."""
    return ((), (axis,), (axis, axis + "'"))[rank]


def _family(dist: Dist, x: Named, world: World) -> Named:
    row, axis = DISTRIBUTIONS[dist.name], event_axis(dist)
    params = arguments(dist, world)
    if row.kernel:
        return _by_kernel(row, [x, *(params[p.name] for p in row.params)], axis, world)
    if row.event:
        params = {p.name: world.spread(params[p.name], axis) if p.rank else params[p.name] for p in row.params}
    density = row_formula(row, row.logpdf, {"x": counted(x), **params}, axis, world)
    return _in_support(row, counted(x), density)


def _in_support(row: Distribution, x: Named, density: Named) -> Named:
    """Minus infinity where a value lies outside ends that are numbers; moving ends are in the formulas."""
    low, high = (float(t) if is_number(t) else None for t in (row.support.low, row.support.high))
    if low is not None:
        density = elementwise(lambda d, v: chosen(v >= low, d, -np.inf), density, x)
    if high is not None:
        density = elementwise(lambda d, v: chosen(v <= high, d, -np.inf), density, x)
    return density


def is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def _by_kernel(row: Distribution, values: list[Named], axis: str, world: World) -> Named:
    """A kernel has the event axes of each argument last, all others before them."""
    events = [event_axes(axis, rank) for rank in (row.event, *(p.rank for p in row.params))]
    full = [world.spread(v, *event) for v, event in zip(values, events, strict=True)]
    inside = {a for event in events for a in event}
    rest = tuple(dict.fromkeys(a for v in full for a in v.axes if a not in inside))
    parts = [aligned(v, (*rest, *event)) for v, event in zip(full, events, strict=True)]
    return Named(np.asarray(KERNELS[row.kernel].forward(*parts)[0]), rest)


# ---- modifiers ---------------------------------------------------------------------------------------------------


def _where(dist: Dist, x: Named, world: World) -> Named:
    assert dist.args[0] is not None
    branches = (log_density(d, x, world) for d in dist.inner)
    return elementwise(chosen, evaluate(dist.args[0], world), *branches)


@dataclass(frozen=True, slots=True)
class Tails:
    """The distribution functions of a distribution of numbers, in logarithms."""

    dist: Dist
    world: World

    def log_cdf(self, x: Named) -> Named:
        return log_tail(self.dist, x, self.world, False)

    def log_sf(self, x: Named) -> Named:
        return log_tail(self.dist, x, self.world, True)

    def log_between(self, low: Named, high: Named) -> Named:
        """log P(low < X <= high), from the tail that keeps the digits."""
        below = elementwise(primitive("logsubexp"), self.log_cdf(high), self.log_cdf(low))
        above = elementwise(primitive("logsubexp"), self.log_sf(low), self.log_sf(high))
        return elementwise(lambda f, a, b: chosen(f > -np.log(2.0), a, b), self.log_cdf(low), above, below)


def log_tail(dist: Dist, x: Named, world: World, upper: bool) -> Named:
    """log P(X > x) if `upper`, else log P(X <= x), for any x."""
    return _TAIL.get(dist.name, _family_tail)(dist, x, world, upper)


def _family_tail(dist: Dist, x: Named, world: World, upper: bool) -> Named:
    """By the formulas of the family, inside its support; beyond ends that are numbers it is all or nothing."""
    row = DISTRIBUTIONS[dist.name]
    text = (row.logsf or f"log1p(-({row.cdf}))") if upper else (row.logcdf or f"log({row.cdf})")
    low, high = (float(t) if is_number(t) else None for t in (row.support.low, row.support.high))
    low, high = (low, high) if row.kind == "real" else (None, None)
    inside = elementwise(lambda v: np.clip(v, 1e-300 if low == 0.0 else low, high), x) if low != high else x
    tail = row_formula(row, text, {"x": inside, **arguments(dist, world)}, event_axis(dist), world)
    below, above = (0.0, -np.inf) if upper else (-np.inf, 0.0)
    if low is not None:
        tail = elementwise(lambda t, v: chosen(v > low, t, below), tail, x)
    return tail if high is None else elementwise(lambda t, v: chosen(v < high, t, above), tail, x)


def _mixture_tail(dist: Dist, x: Named, world: World, upper: bool) -> Named:
    assert dist.args[0] is not None
    axis = str(dist.attrs[0])
    inner = world.seen({axis: None})
    each = elementwise(
        lambda w, t: np.log(w) + t, evaluate(dist.args[0], inner), log_tail(dist.inner[0], x, inner, upper)
    )
    return _over(_logsumexp, each, axis, world)


def _where_tail(dist: Dist, x: Named, world: World, upper: bool) -> Named:
    assert dist.args[0] is not None
    return elementwise(chosen, evaluate(dist.args[0], world), *(log_tail(d, x, world, upper) for d in dist.inner))


def _zero_inflated_tail(dist: Dist, x: Named, world: World, upper: bool) -> Named:
    assert dist.args[0] is not None
    p = evaluate(dist.args[0], world)
    tail = elementwise(lambda p, t: np.log1p(-p) + t, p, log_tail(dist.inner[0], x, world, upper))
    if upper:
        return elementwise(lambda v, t: chosen(v >= 0.0, t, 0.0), x, tail)
    return elementwise(lambda v, p, t: chosen(v >= 0.0, np.logaddexp(np.log(p), t), -np.inf), x, p, tail)


def _truncated_tail(dist: Dist, x: Named, world: World, upper: bool) -> Named:
    """A share of what lies between the ends: all of it, or nothing, beyond them."""
    low, high = ends(dist, world)
    full, inner = log_mass(dist, world), Tails(dist.inner[0], world)
    if upper:
        part = inner.log_sf(x) if high is None else inner.log_between(x, high)
    else:
        part = inner.log_cdf(x) if low is None else inner.log_between(low, x)
    share = elementwise(np.subtract, part, full)
    below, above = (0.0, -np.inf) if upper else (-np.inf, 0.0)
    if high is not None:
        share = elementwise(lambda s, v, end: chosen(v < end, s, above), share, x, high)
    if low is not None:
        share = elementwise(lambda s, v, end: chosen(v > end, s, below), share, x, low)
    return share


_TAIL: dict[str, Callable[[Dist, Named, World, bool], Named]] = {
    "Mixture": _mixture_tail,
    "where": _where_tail,
    "ZeroInflated": _zero_inflated_tail,
    "Truncated": _truncated_tail,
}


def ends(dist: Dist, world: World) -> tuple[Named | None, Named | None]:
    """The ends of a truncated distribution, no wider than the support; a whole number just below the lower one, where
    its sum starts."""
    low, high = (counted(evaluate(a, world)) if a is not None else None for a in dist.args)
    inner = dist.inner[0]
    if low is not None and inner.kind == "int":
        low = elementwise(lambda x: x - 1.0, low)
    if inner.name not in DISTRIBUTIONS:
        return low, high
    support = DISTRIBUTIONS[inner.name].support
    if low is not None and inner.kind == "real" and is_number(support.low):
        low = elementwise(np.maximum, low, number(float(support.low)))
    if high is not None and inner.kind == "real" and is_number(support.high):
        high = elementwise(np.minimum, high, number(float(support.high)))
    return low, high


def _truncated(dist: Dist, x: Named, world: World) -> Named:
    density = log_density(dist.inner[0], x, world)
    low, high = (counted(evaluate(a, world)) if a is not None else None for a in dist.args)
    if low is not None:
        density = elementwise(lambda d, v, end: chosen(v >= end, d, -np.inf), density, x, low)
    if high is not None:
        density = elementwise(lambda d, v, end: chosen(v <= end, d, -np.inf), density, x, high)
    if dist.inner[0].name == "Flat":
        return density
    return elementwise(np.subtract, density, log_mass(dist, world))


def log_mass(dist: Dist, world: World) -> Named:
    """log P of what lies between the ends of a truncated distribution."""
    low, high = ends(dist, world)
    tails = Tails(dist.inner[0], world)
    if low is None:
        assert high is not None
        return tails.log_cdf(high)
    return tails.log_sf(low) if high is None else tails.log_between(low, high)


def _censored(dist: Dist, x: Named, world: World) -> Named:
    tails = Tails(dist.inner[0], world)
    left, right, upper = (evaluate(a, world) if a is not None else None for a in dist.args)
    density = log_density(dist.inner[0], x, world)
    if upper is not None:
        end = elementwise(lambda b, a: chosen(b > a, b, a + 1.0), upper, x)
        between = tails.log_between(x, end)
        density = elementwise(lambda b, a, i, d: chosen(b > a, i, d), upper, x, between, density)
    if left is not None:
        density = elementwise(chosen, left, tails.log_cdf(x), density)
    if right is not None:
        density = elementwise(chosen, right, tails.log_sf(x), density)
    return density


def _mixture(dist: Dist, x: Named, world: World) -> Named:
    assert dist.args[0] is not None
    axis, weights = str(dist.attrs[0]), evaluate(dist.args[0], world.seen({str(dist.attrs[0]): None}))
    each = elementwise(lambda w, d: np.log(w) + d, weights, log_density(dist.inner[0], x, world))
    return _over(_logsumexp, each, axis, world)


def _ordered(dist: Dist, x: Named, world: World) -> Named:
    axis = dist.event[0]
    each = _over(np.sum, log_density(dist.inner[0], x, world), axis, world)
    return Named(each.values + gammaln(world.size(axis) + 1.0), each.axes)


def _zero_inflated(dist: Dist, x: Named, world: World) -> Named:
    assert dist.args[0] is not None
    p, inner = evaluate(dist.args[0], world), dist.inner[0]
    at_zero = log_density(inner, number(0.0), world)
    zero = elementwise(lambda p, d: np.logaddexp(np.log(p), np.log1p(-p) + d), p, at_zero)
    rest = elementwise(lambda p, d: np.log1p(-p) + d, p, log_density(inner, x, world))
    return elementwise(lambda v, a, b: chosen(v == 0.0, a, b), x, zero, rest)


_DENSITY: dict[str, Callable[[Dist, Named, World], Named]] = {
    "where": _where,
    "Truncated": _truncated,
    "Censored": _censored,
    "Mixture": _mixture,
    "Ordered": _ordered,
    "ZeroInflated": _zero_inflated,
}

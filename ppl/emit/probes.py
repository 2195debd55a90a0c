"""Estimators that ask what a draw would have cost had it come out otherwise.

The objective is assembled once more with the unknown at the places asked about, everything else as it was drawn; the
costs that can tell the difference are weighed with what the guide says of those places. Where the model couples the
positions of an unknown, each is tried by itself, along copies of the axes (local expectations: Titsias &
Lazaro-Gredilla, NeurIPS 2015)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import pi, sqrt

from ppl.check.core import Dist
from ppl.emit.assemble import COPIES
from ppl.emit.densities import log_density
from ppl.emit.draws import sampled
from ppl.emit.goal import Objective, Probe
from ppl.emit.levels import levels_along
from ppl.emit.objective import assemble_objective, costs_of
from ppl.emit.sites import splits
from ppl.emit.surrogate import alignment, cost_of
from ppl.emit.tails import cdf
from ppl.emit.val import Val
from ppl.rewrite.guards import Guard

# How far beside a threshold a cost is asked for, relative to its size.
ASIDE = 1e-9


def probed(o: Objective, p: Probe, costs: Sequence[Val]) -> Val:
    """What the gradient of one unknown adds to the surrogate; `costs` are those of the draw itself."""
    return _PROBED[p.estimator](o, replace(p, coupled=coupled_axes(p.draw, p.axes, costs)))


def coupled_axes(draw: Val, axes: tuple[str, ...], costs: Iterable[Val]) -> tuple[str, ...]:
    """The axes of a draw along which some cost mixes its positions: only along these are positions tried one by one."""
    shared = [s for c in costs if (s := alignment(c, draw)) is not None]
    return tuple(a for a in axes if any(a not in s for s in shared))


def costs_at(o: Objective, p: Probe, places: Val) -> list[Val]:
    """The costs that vary with the places at which the unknown is put."""
    again = assemble_objective(o.graph, o.block, o.estimators, o.b, {p.name: places}, o.batching, averages=o.averages)
    told = {f"{p.name}?", f"{p.name}#"}
    return [c for c in costs_of(again) if told & set(c.axes)]


def cost_each(o: Objective, p: Probe, points: Val) -> Val:
    """The cost of each point at each position: those of other positions stay as drawn."""
    own = {a: _copy(a) for a in p.coupled}
    here = points
    for axis, copy in own.items():
        here = o.b.rename(here, axis, copy)
    for axis in p.axes:
        here = here if axis in own else o.b.spread(here, axis)
    if own:
        same = [o.b.apply("eq", o.b.arange(copy), o.b.arange(axis)) for axis, copy in own.items()]
        at = same[0]
        for more in same[1:]:
            at = o.b.apply("and", at, more)
        here = o.b.apply("where", at, here, p.draw)
    kept = {*own.values(), *(a for a in p.axes if a not in own), f"{p.name}?", f"{p.name}#"}
    found = o.b.total(o.b.sum_to(c, tuple(a for a in c.axes if a in kept)) for c in costs_at(o, p, here))
    for axis, copy in own.items():
        found = o.b.rename(found, copy, axis)
    return found


def _copy(axis: str) -> str:
    return axis + "'" * COPIES


def stopped(o: Objective, v: Val) -> Val:
    return o.b.node("stop", (v,), (), v.axes)


def summed(o: Objective, v: Val) -> Val:
    return o.b.sum(v, v.axes)


def _at(o: Objective, p: Probe, v: Val, i: int) -> Val:
    return o.b.gather(v, f"{p.name}?", o.b.lit(float(i)))


def _local(o: Objective, p: Probe) -> Val:
    """The sum over levels of their probabilities times their costs."""
    levels = levels_along(p.dist, f"{p.name}?", o.a)
    weight = o.b.apply("exp", log_density(o.a.s, p.dist, levels))
    return summed(o, o.b.mul(weight, stopped(o, cost_each(o, p, levels))))


def _disarm(o: Objective, p: Probe) -> Val:
    """Two mirrored draws of all positions at once (Dong, Mnih & Tucker, NeurIPS 2020, eq. 9)."""
    b, axis = o.b, f"{p.name}?"
    assert p.noise is not None
    first, noise = p.draw, p.noise
    second = sampled(o.a.s, p.dist, lambda k: b.sub(b.lit(1.0), noise(k)), p.axes)
    o.a.sizes[axis] = "2"
    pair = b.node("stack", (first, second), (axis,), (*first.axes, *second.axes, axis))
    cost = cost_of(b, pair, costs_at(o, p, pair), apart=axis)
    logit = _logit(o, p.dist)
    apart = b.mul(b.apply("ne", first, second), b.sub(b.lit(1.0), b.mul(b.lit(2.0), second)))
    share = b.mul(b.lit(0.5), b.apply("sigmoid", b.apply("abs", logit)))
    change = b.mul(b.sub(_at(o, p, cost, 0), _at(o, p, cost, 1)), b.mul(apart, share))
    return summed(o, b.mul(stopped(o, change), logit))


def _logit(o: Objective, dist: Dist) -> Val:
    (v,) = o.a.s.arguments(dist).values()
    return v if dist.name == "BernoulliLogit" else o.b.apply("logit", v)


def _boundary(o: Objective, p: Probe) -> Val:
    """At each threshold, what crossing it costs, times the rate at which the guide's mass crosses it (Lee, Yu & Yang,
    NeurIPS 2018): for a jump of f at c, d E[f] has the term (f(c-) - f(c+)) dF(c)."""
    # one threshold may be asked about at several positions: it is crossed once, and all costs are there
    distinct = {g.threshold: g for g in sorted(splits(o, p.name), key=lambda g: g.access == "own")}
    return o.b.total(_crossing(o, p, g) for g in distinct.values())


def _crossing(o: Objective, p: Probe, guard: Guard) -> Val:
    b = o.b
    assert p.at is not None
    place = p.at(o.a.s.expr(guard.threshold))
    plates = p.axes if guard.access == "own" else ()
    for extra in [a for a in place.axes if a not in plates]:
        o.a.sizes[f"{p.name}#"] = f'n["{extra}"]'
        place = b.rename(place, extra, f"{p.name}#")
    aside = b.mul(b.lit(ASIDE), b.add(b.lit(1.0), b.apply("abs", place)))
    o.a.sizes[f"{p.name}?"] = "2"
    sides = (b.sub(place, aside), b.add(place, aside))
    points = b.node("stack", sides, (f"{p.name}?",), (*place.axes, f"{p.name}?"))
    cost = cost_each(o, p, stopped(o, points))
    jump = b.sub(_at(o, p, cost, 0), _at(o, p, cost, 1))
    mass = cdf(o.a.s, p.dist, place)
    # a threshold that the draw never reaches is not crossed, whatever the cost has to say of values outside the support
    reached = b.apply("gt", b.mul(mass, b.sub(b.lit(1.0), mass)), b.lit(0.0))
    jump = b.apply("where", stopped(o, reached), jump, b.lit(0.0))
    for a in p.axes:
        mass = b.spread(mass, a)
    return summed(o, b.mul(stopped(o, jump), mass))


def _measure(o: Objective, p: Probe) -> Val:
    """Weak derivatives of the normal (Pflug 1996; Mohamed, Rosca, Figurnov & Mnih, JMLR 2020, table 1): in the mean a
    difference of two Weibull draws on either side, in the scale one of a double-sided Maxwell and a normal draw; the
    latter is the former times a uniform."""
    b, s = o.b, o.a.s
    assert p.noise is not None
    loc, scale = (s.arguments(p.dist)[n] for n in ("mean", "sd"))
    u, v, w = (p.noise(k) for k in (1, 2, 3))
    weibull = b.apply("sqrt", b.mul(b.lit(-2.0), b.apply("log", u)))
    chi = b.node("quantile", (v,), ("np.sqrt(2.0 * sp.gammaincinv(1.5, np.abs(2.0 * u - 1.0)))", "u"), v.axes)
    maxwell = b.mul(b.apply("where", b.apply("lt", v, b.lit(0.5)), b.lit(-1.0), b.lit(1.0)), chi)
    steps = (weibull, b.neg(weibull), maxwell, b.mul(maxwell, w))
    o.a.sizes[f"{p.name}?"] = "4"
    places = tuple(b.add(loc, b.mul(scale, step)) for step in steps)
    points = b.node("stack", places, (f"{p.name}?",), (*(a for x in places for a in x.axes), f"{p.name}?"))
    cost = cost_each(o, p, stopped(o, points))
    c = [_at(o, p, cost, i) for i in range(4)]
    in_loc = b.apply("div", b.sub(c[0], c[1]), b.mul(scale, b.lit(sqrt(2.0 * pi))))
    in_scale = b.apply("div", b.sub(c[2], c[3]), scale)
    whole = b.add(b.mul(stopped(o, in_loc), loc), b.mul(stopped(o, in_scale), scale))
    for a in p.axes:
        whole = b.spread(whole, a)
    return summed(o, whole)


_PROBED: dict[str, Callable[[Objective, Probe], Val]] = {
    "local": _local,
    "disarm": _disarm,
    "boundary": _boundary,
    "measure": _measure,
}

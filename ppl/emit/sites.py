"""How each estimator draws an unknown: the value, what its log density costs, and what is noted for the gradient."""

from collections.abc import Callable

from ppl.check.core import Dist
from ppl.emit.assembly import NoiseSlot, noise_of
from ppl.emit.densities import log_density
from ppl.emit.draws import pathwise, sampled, standard_draw
from ppl.emit.ends import drawn_log_density
from ppl.emit.goal import Objective, Probe, Table
from ppl.emit.levels import levels_along
from ppl.emit.lower import back
from ppl.emit.partial import likeliest_levels, window_of_counts
from ppl.emit.strata import strata
from ppl.emit.surrogate import ScoreNode
from ppl.emit.tails import cdf
from ppl.emit.val import Val
from ppl.emit.values import COST
from ppl.rewrite.findings import Refusal
from ppl.rewrite.guards import Guard, jumps_of
from ppl.rewrite.listing import guide_name, listing
from ppl.stdlib.distributions import DISTRIBUTIONS

TEMPERATURE = 0.5
LEAST_LOG = -700.0


def draw(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    """A draw of an unknown by its estimator; what its log density costs is noted. `at` brings thresholds of the unknown
    to the scale of the draw."""
    if name in o.put:
        note_put(o, name, dist, axes)
        return o.put[name]
    return _DRAW[o.estimators[name]](o, name, dist, axes, at)


def note_put(o: Objective, name: str, dist: Dist, axes: tuple[str, ...]) -> None:
    """What an unknown costs that is not drawn but put somewhere."""
    log_q = log_density(o.a.s, dist, o.put[name])
    stopped = o.b.neg(o.b.node("stop", (log_q,), COST, log_q.axes))
    o.guide_costs.append((guide_name(name), stopped, plates_of(dist, axes)))


def plates_of(dist: Dist, axes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(a for a in axes if a not in dist.event)


def _pathwise(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    noise = noise_of(o.a, name, dist, axes)
    x, _ = pathwise(o.a.s, dist, noise, axes)
    if o.opaque:
        x = o.b.tap(x, axes, "draw")
        o.draws.append(x)
    note_path(o, name, dist, axes, x, noise)
    return x


def note_path(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], x: Val, noise: Callable[[int], Val]) -> None:
    """What a draw along its path costs."""
    cost = (None if o.opaque else standard_cost(o, dist, noise)) or o.b.neg(drawn_log_density(o.a.s, dist, x))
    o.guide_costs.append((guide_name(name), cost, plates_of(dist, axes)))


def standard_cost(o: Objective, dist: Dist, noise: Callable[[int], Val]) -> Val | None:
    """-log q of location plus scale: the log of the scale, and a standard part that no parameter moves. It is what the
    total derivative of -log q comes to."""
    row = DISTRIBUTIONS.get(dist.name)
    if row is None or row.loc_scale is None or not row.quantile:
        return None
    params = o.a.s.arguments(dist)
    loc, scale = row.loc_scale
    rest = {n: v for n, v in params.items() if n not in row.loc_scale}
    if any(v.batch for v in rest.values()):
        return None
    standard = {**rest, loc: o.b.lit(0.0), scale: o.b.lit(1.0)}
    z = standard_draw(o.a.s, row, params, noise(0))
    log_q = o.a.s.row_formula(row, row.logpdf, {**standard, "x": z})
    return o.b.sub(o.b.apply("log", params[scale]), log_q)


def _scored(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    x = sampled(o.a.s, dist, noise_of(o.a, name, dist, axes), axes)
    note_score(o, name, dist, axes, x)
    return x


def note_score(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], x: Val) -> None:
    """What a draw without a path costs, and its score."""
    log_q = drawn_log_density(o.a.s, dist, x)
    # given what it depends on, the score of a draw has mean zero: its own density costs, but pulls nothing
    cost = entropy(o, name, dist) or o.b.neg(o.b.node("stop", (log_q,), (), log_q.axes))
    o.guide_costs.append((guide_name(name), cost, plates_of(dist, axes)))
    o.scores.append(ScoreNode(name, x, log_q))


def entropy(o: Objective, name: str, dist: Dist) -> Val | None:
    """The entropy of a draw with a few levels given what it depends on: the mean of what its density costs, with a
    slope of its own. A guide that has all its mass at one level feels from it that there are others, which no draw
    would show."""
    if not o.averages or dist.kind not in ("bool", "level"):
        return None
    axis = f"{name}?"
    log_q = log_density(o.a.s, dist, levels_along(dist, axis, o.a))
    # a level of probability zero adds 0 * log 0 = 0
    log_q = o.b.apply("max2", log_q, o.b.lit(LEAST_LOG))
    return o.b.neg(o.b.sum(o.b.mul(o.b.apply("exp", log_q), log_q), (axis,)))


def _probed(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    """A draw through which no gradient flows; where it would have cost less is asked for later."""
    estimator = o.estimators[name]
    noise = noise_of(o.a, name, dist, axes, 3 if estimator == "measure" else 0)
    x = sampled(o.a.s, dist, noise, axes)
    log_q = log_density(o.a.s, dist, x)
    o.guide_costs.append((guide_name(name), o.b.neg(o.b.node("stop", (log_q,), (), log_q.axes)), plates_of(dist, axes)))
    o.probes.append(Probe(name, estimator, dist, axes, x, noise, at))
    return x


def _bounded(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    """A draw along its path, with terms for the thresholds that it crosses."""
    x = _pathwise(o, name, dist, axes, at)
    o.probes.append(Probe(name, "boundary", dist, axes, x, None, at))
    return x


def _partly(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    """Some levels listed, one drawn from the rest."""
    split = likeliest_levels if o.estimators[name] == "remainder" else window_of_counts
    x, weight = split(o.a.s, name, dist, noise_of(o.a, name, dist, axes), o.a.sizes)
    list_levels(o, name, axes, weight)
    log_q = log_density(o.a.s, dist, x)
    o.guide_costs.append((guide_name(name), o.b.neg(o.b.node("stop", (log_q,), (), log_q.axes)), plates_of(dist, axes)))
    return x


def _relaxed(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    """All levels, weighed by a Gumbel-softmax draw (Jang, Gu & Poole; Maddison, Mnih & Teh, ICLR 2017) rather than by
    their probabilities: biased, and done only when asked for."""
    axis = f"{name}?"
    z = levels_along(dist, axis, o.a)
    log_q = log_density(o.a.s, dist, z)
    own = o.b.sorted((*axes, axis))
    o.noises.append(NoiseSlot(f"{name}.g", own))
    u = o.b.node("noise", (), (f"{name}.g",), own, batch=True, stage=1)
    gumbel = o.b.neg(o.b.apply("log", o.b.neg(o.b.apply("log", u))))
    warm = o.b.apply("div", o.b.add(log_q, gumbel), o.b.lit(temperature(o, name)))
    weight = o.b.apply("exp", o.b.sub(warm, o.b.reduce("logsumexp", warm, axis)))
    list_levels(o, name, axes, weight)
    o.guide_costs.append((guide_name(name), o.b.neg(log_q), plates_of(dist, axes)))
    return z


def temperature(o: Objective, name: str) -> float:
    """The temperature of `@relax(temp=…)`."""
    for site in (o.guide.get(name), o.graph.nodes[name]["node"].of):
        for annotation, keyword, value in getattr(site, "settings", ()):
            if (annotation, keyword) == ("relax", "temp"):
                return float(value)
    return TEMPERATURE


def _listed(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    """All levels of an unknown, with the guide's probabilities."""
    z = levels_along(dist, f"{name}?", o.a)
    log_q = log_density(o.a.s, dist, z)
    list_levels(o, name, axes, o.b.apply("exp", log_q))
    o.guide_costs.append((guide_name(name), o.b.neg(log_q), plates_of(dist, axes)))
    return z


def _stratified(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    """One value in each stratum between the thresholds at which a density jumps; a single one where each density only
    asks for a side of one threshold."""
    if name in o.sided:
        return _sided(o, name, dist, axes, at)
    noise = noise_of(o.a, name, dist, axes)
    guards = splits(o, name)
    x, width = strata(o.a.s, name, dist, axes, guards, noise(0), at, o.a.sizes)
    list_levels(o, name, axes, width)
    cost = standard_cost(o, dist, noise) or o.b.neg(log_density(o.a.s, dist, x))
    o.guide_costs.append((guide_name(name), cost, plates_of(dist, axes)))
    return x


def _components(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    """A draw from each component of a mixture, along an axis of their own: costs are averaged over it with the weights,
    so that which component it is needs no draw."""
    inner, over, axis = dist.inner[0], str(dist.attrs[0]), f"{name}?"
    assert dist.args[0] is not None
    each, _ = pathwise(o.a.s, inner, noise_of(o.a, name, inner, axes), axes)
    x = o.b.rename(o.b.spread(each, over), over, axis)
    o.a.sizes[axis] = f'n["{over}"]'
    list_levels(o, name, axes, o.b.rename(o.b.spread(o.a.s.expr(dist.args[0]), over), over, axis))
    o.guide_costs.append((guide_name(name), o.b.neg(log_density(o.a.s, dist, x)), plates_of(dist, axes)))
    return x


def _sided(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    """A draw along its path; each comparison with a threshold takes both answers, with the probabilities of the
    guide."""
    b, s, axis = o.b, o.a.s, f"{name}^"
    x = _pathwise(o, name, dist, axes, at)
    o.a.sizes[axis] = "2"
    for guard in splits(o, name):
        asked = s.answers.pop(guard.where, None)
        below = cdf(s, dist, at(s.expr(guard.threshold)))
        above = b.sub(b.lit(1.0), below)
        o.chances[guard.where] = (below, above) if guard.above else (above, below)
        s.sides[guard.where] = b.apply("eq", b.arange(axis), b.lit(1.0))
        if asked is not None:
            s.answers[guard.where] = asked
    return x


def splits(o: Objective, name: str) -> tuple[Guard, ...]:
    """The jumps that an unknown answers for."""
    guards = jumps_of(o.graph, name, o.block)
    assert not isinstance(guards, Refusal), guards
    plan = o.graph.nodes[name]["node"].plan
    kept = set(plan.splits) if plan is not None else set()
    return tuple(g for g in guards if not kept or g.test in kept)


def list_levels(o: Objective, name: str, axes: tuple[str, ...], weight: Val) -> None:
    table = Table(name, f"{name}?", axes, weight, listing(o.graph, o.block, name))
    o.tables.append(table)
    o.a.s.plates[table.axis] = axes
    if table.listing.along:
        o.a.sizes[back(table.axis, 1)] = f'n["{table.axis}"]'


_DRAW: dict[str, Callable[[Objective, str, Dist, tuple[str, ...], Callable[[Val], Val]], Val]] = {
    "reparam": _pathwise,
    "implicit": _pathwise,
    "score": _scored,
    "exact": _listed,
    "local": _probed,
    "disarm": _probed,
    "measure": _probed,
    "boundary": _bounded,
    "remainder": _partly,
    "window": _partly,
    "relax": _relaxed,
    "components": _components,
    "stratified": _stratified,
}

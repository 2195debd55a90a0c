"""From a plan with a guide to the values of an objective: draws, expected costs, and the surrogate of its gradient.

The objective is E_q[f]: the bound E_q[log p - log q] of a model with its guide, or the expectation that a model asks to
minimise or maximise. Every draw is made from uniform numbers in the way that its estimator says; unknowns whose levels
are listed (`exact`, `stratified`) stand along an axis of their own (`z?`), and costs are averaged over it with the
probabilities of the guide."""

from collections.abc import Mapping

import networkx as nx

from ppl.check.core import Derived, Dist, Expr, Guide, Param
from ppl.emit.answers import averaged
from ppl.emit.assemble import assemble_node, new_assembly, value_of
from ppl.emit.assembly import Slot, remaining
from ppl.emit.goal import Objective, Table
from ppl.emit.joints import coordinates_of, is_point, point
from ppl.emit.learned import learned, place_of
from ppl.emit.lower import levels_back
from ppl.emit.sequence_draws import sequence
from ppl.emit.sequences import Names
from ppl.emit.sites import draw, splits
from ppl.emit.strata import LEAST
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.graph.graph import Node, core_of, drawn_sites, joined, learned_params, node_list
from ppl.rewrite.batching import SCALE, Batching
from ppl.rewrite.eliminate import Elimination, eliminations, is_discrete
from ppl.rewrite.listing import guide_name
from ppl.rewrite.order import positions
from ppl.rewrite.recurrence import circles, sources
from ppl.rewrite.sides import Side, sides
from ppl.rewrite.supports import domain
from ppl.stdlib.bijections import BIJECTIONS
from ppl.stdlib.distributions import DISTRIBUTIONS

PATHWISE = ("reparam", "implicit")


def assemble_objective(
    graph: nx.DiGraph,
    guide: Guide | None,
    estimators: Mapping[str, str],
    b: Builder | None = None,
    put: Mapping[str, Val] | None = None,
    batching: Batching | None = None,
    opaque: bool = False,
    averages: bool = False,
) -> Objective:
    """The values of an objective. `estimators` has a name for every unknown that is not summed out of the model; those
    in `put` are not drawn. `opaque`: densities are those of draws, not of the numbers that these are made from;
    `averages`: what the densities of draws by their scores cost is averaged over their levels."""
    core = core_of(graph)
    found = summed_out(graph, guide, estimators)
    a = new_assembly(graph, found, b)
    sites = drawn_sites(core, guide)
    o = Objective(
        a, graph, estimators, sites, guide, put=put or {}, batching=batching, opaque=opaque, averages=averages
    )
    if batching is not None:
        a.s.stored = {e: i for i, e in enumerate(batching.stored)}
        a.s.names[SCALE] = _scale(o)
    if guide is not None:
        o.thunks = {s.name: s for s in guide.statements if isinstance(s, Derived)}
    _note_answers(o)
    a.s.names = Names(a.s.names, lambda name: _find(name, o))
    o.circles = {name: c for c in circles(sources(graph, sites, o.thunks)) for name in c.names}
    o.joints = joined(guide)
    a.sequence = lambda name: sequence(name, o)
    a.given, a.raw = (lambda node: _given(node, o)), (lambda slot: _raw(slot, o))
    for p in learned_params(graph, guide):
        a.s.names[p.name] = _param(p, o)
    for node in node_list(graph):
        assemble_node(node, o.a)
    return o


def summed_out(graph: nx.DiGraph, guide: Guide | None, estimators: Mapping[str, str]) -> dict[str, Elimination]:
    """The unknowns that leave the model itself: those that no guide draws and that are to be exact."""
    core = core_of(graph)
    drawn = set(drawn_sites(core, guide))
    return {
        name: e
        for name, e in eliminations(graph).items()
        if isinstance(e, Elimination) and name not in drawn and estimators.get(name, "exact") == "exact"
    }


def costs_of(o: Objective) -> list[Val]:
    """What the objective is the expectation of, part by part, averaged over the listed levels."""
    return [scaled(o, v, axes) for v, axes in paid(o)]


def paid(o: Objective) -> list[tuple[Val, tuple[str, ...]]]:
    """The same, each with the positions at which it is paid for; in a minibatch, before it counts for more."""
    # what a cost does not vary over, it is paid for at every position
    return [(o.b.sum(v, (a for a in axes if a not in v.axes)), axes) for v, axes in _averaged(o)]


def costs_by_position(o: Objective) -> Val | None:
    """What belongs to each position of the sampled axis: its sum, along that axis. None where costs belong to positions
    of other sampled axes."""
    assert o.batching is not None
    lead = o.batching.lead
    own = [(v, axes) for v, axes in _averaged(o) if o.batching.scales(axes)]
    if not all(lead in axes for _, axes in own):
        return None
    total = o.b.total(o.b.sum(v, {a for a in (*axes, *v.axes) if a != lead}) for v, axes in own)
    return o.b.tap(total, (lead,), "broadcast")


def _averaged(o: Objective) -> list[tuple[Val, tuple[str, ...]]]:
    """The parts of what is expected, averaged over the listed levels, each with the positions at which it is paid
    for."""
    core = core_of(o.graph)
    if core.objective is not None:
        value = o.a.s.expr(core.objective.value if o.batching is None else o.batching.objective or core.objective.value)
        terms = [("objective", value if core.objective.maximize else o.b.neg(value), core.objective.value.axes)]
    else:
        terms = [(t.name, t.value, t.axes) for t, _ in remaining(o.a)]
        terms += o.guide_costs
    return [(expected(o, v, name), axes) for name, v, axes in terms]


def densities(o: Objective) -> int:
    """How many of the costs are densities of the model; those of the guide follow."""
    return len(remaining(o.a))


def scaled(o: Objective, cost: Val, axes: tuple[str, ...]) -> Val:
    """A cost that is paid for at the positions `axes`; in a minibatch, for as many more as it stands for."""
    return o.b.mul(_scale(o), cost) if o.batching is not None and o.batching.scales(axes) else cost


def _scale(o: Objective) -> Val:
    """How many times the minibatch goes into the data."""
    return o.b.node("scale")


def _note_answers(o: Objective) -> None:
    """The comparisons of which only the probabilities of both answers are taken."""
    for name, estimator in o.estimators.items():
        if estimator == "stratified" and name not in o.put and name in o.graph:
            found = sides(o.graph, o.block, name, splits(o, name), frozenset(o.a.eliminated))
            if found is not None:
                o.sided[name] = found
                o.a.s.answers |= {side.where: name for side in found.values()}


def _find(name: str, o: Objective) -> Val:
    """The value of a name when it is first read."""
    if name in o.thunks:
        return sequence(name, o) or o.a.s.expr(o.thunks[name].value)
    return value_of(name, o.a)


# ---- parameters --------------------------------------------------------------------------------------------------


def _param(p: Param, o: Objective) -> Val:
    inf = float("inf")
    kind = {(False, False): "real", (True, False): "lower", (False, True): "upper", (True, True): "interval"}[
        (p.low > -inf, p.high < inf)
    ]
    ends = {n: o.b.lit(x) for n, x in (("low", p.low), ("high", p.high)) if abs(x) < inf}
    start = o.b.lit(0.0)
    if p.init is not None:
        start = o.a.s.formula(BIJECTIONS[kind].inverse, {"x": o.a.s.expr(p.init), **ends})
    return learned(o, p.name, p.axes, kind, start, ends)


# ---- draws -------------------------------------------------------------------------------------------------------


def _given(node: Node, o: Objective) -> Val | None:
    """The value of an unknown: drawn by its guide, or, where levels are to be drawn and none says how, by one of its
    own."""
    site = o.guide.get(node.name)
    if is_point(node.name, o):
        return point(node, o)
    if site is not None and node.name in o.circles:
        return sequence(node.name, o)
    if site is not None:
        return draw(o, node.name, site.dist, site.axes, lambda x: x)
    if node.name in o.a.eliminated or node.dist is None:
        return None
    if is_discrete(node):
        return draw(o, node.name, _own_levels(o, node), node.axes, lambda x: x)
    return None if o.estimators[node.name] in PATHWISE else _through_coordinates(node, node.dist, o)


def _through_coordinates(node: Node, dist: Dist, o: Objective) -> Val:
    """A continuous unknown whose coordinate is normal but not drawn along a path."""
    place = domain(dist)
    row = BIJECTIONS[place.kind]
    ends = {n: o.a.s.expr(e) for n, e in (("low", place.low), ("high", place.high)) if e is not None}

    def at(threshold: Val) -> Val:
        inside = threshold
        if "low" in ends:
            inside = o.b.apply("max2", inside, o.b.add(ends["low"], _least_step(o, ends["low"])))
        if "high" in ends:
            inside = o.b.apply("min2", inside, o.b.sub(ends["high"], _least_step(o, ends["high"])))
        return o.a.s.formula(row.inverse, {"x": inside, **ends})

    raw = draw(o, node.name, _normal(o, node.name, node.axes), node.axes, at)
    o.guide_costs.append((guide_name(node.name), o.a.s.formula(row.logdet, {"u": raw, **ends}), node.axes))
    return o.a.s.formula(row.forward, {"u": raw, **ends})


def _least_step(o: Objective, end: Val) -> Val:
    """A step from an end of an interval that is not lost in rounding: at the end itself the coordinate is infinite."""
    return o.b.apply("max2", o.b.mul(o.b.apply("abs", end), o.b.lit(2.0**-51)), o.b.lit(LEAST))


def _own_levels(o: Objective, node: Node) -> Dist:
    """The automatic guide of an unknown with a few levels: a logit for each."""
    dist = node.dist
    assert dist is not None
    while dist.inner:
        dist = dist.inner[-1]
    name = f"{node.name}.logit"
    kind = DISTRIBUTIONS[dist.name].kind
    if kind == "level":
        over = str(dist.attrs[0])
        o.a.s.names[name] = learned(o, name, (*node.axes, over), of=node.name)
        ref = Expr("ref", (), (name,), (*node.axes, over))
        return Dist("CategoricalLogits", (ref,), (), (over,), node.axes, (), kind)
    o.a.s.names[name] = learned(o, name, node.axes, of=node.name)
    return Dist("BernoulliLogit", (Expr("ref", (), (name,), node.axes),), (), (), node.axes, (), kind)


def _raw(slot: Slot, o: Objective) -> Val:
    """The coordinates of a continuous unknown without a guide, or drawn by them."""
    if slot.name in o.joints:
        return coordinates_of(slot.name, o)
    return draw(o, slot.name, _normal(o, slot.name, slot.axes), slot.axes, lambda x: x)


def _normal(o: Objective, name: str, axes: tuple[str, ...]) -> Dist:
    """The automatic guide of coordinates: normal, each with a location and a scale of its own."""
    loc, log_sd = f"{name}.loc", f"{name}.log_sd"
    o.a.s.names[loc] = learned(o, loc, axes, start=place_of(o, name), of=name)
    o.a.s.names[log_sd] = learned(o, log_sd, axes, start=o.b.lit(-1.0), of=name)
    place = Expr("ref", (), (loc,), axes), Expr("exp", (Expr("ref", (), (log_sd,), axes),), (), axes)
    return Dist("Normal", place, (), (), axes, (), "real")


# ---- expectations over listed levels -------------------------------------------------------------------------------


def expected(o: Objective, cost: Val, term: str) -> Val:
    """A cost averaged over the sides and levels that it reads: the last drawn first, for its probabilities may depend
    on those before it."""
    for name, found in o.sided.items():
        if f"{name}^" in cost.axes:
            cost = _both_answers(o, cost, found[term], f"{name}^")
    for table in reversed(o.tables):
        for axis in [a for a in cost.axes if a.startswith(table.axis)]:
            cost = o.b.sum(o.b.mul(weight_at(o, table, axis, term), cost), (axis,))
    return cost


def _both_answers(o: Objective, cost: Val, side: Side, axis: str) -> Val:
    """A cost averaged over the answers to its comparison: each put in its place, or else both along an axis."""
    chances = _chances_at(o, side)
    found = averaged(o.b, cost, o.a.s.sides[side.where], chances)
    if found is not None:
        return found
    pair = o.b.node("stack", chances, (axis,), (*chances[0].axes, *chances[1].axes, axis))
    return o.b.sum(o.b.mul(pair, cost), (axis,))


def _chances_at(o: Objective, side: Side) -> tuple[Val, Val]:
    """The probabilities of false and true, at the position that a density asks about."""
    no, yes = o.chances[side.where]
    if not side.lag or side.along not in no.axes:
        return no, yes
    back_there = o.b.node("lag", (), (side.along, side.lag), (side.along,))
    return o.b.gather(no, side.along, back_there), o.b.gather(yes, side.along, back_there)


def weight_at(o: Objective, table: Table, axis: str, term: str) -> Val:
    """The probabilities of the levels along `axis`, at the positions at which a term reads the unknown: its own, those
    of an index, or one step back."""
    way = table.listing.accesses.get(term)
    if axis != table.axis:
        along = table.listing.along
        moved = levels_back(o.a.s, table.weight, along, 1)
        return o.b.gather(moved, along, o.b.node("lag", (), (along, 1), (along,)))
    if way is None or way.index is None:
        return table.weight
    weight = table.weight
    for place, index in positions(way.index, table.axes).items():
        weight = o.b.gather(weight, place, o.a.s.expr(index))
    return weight

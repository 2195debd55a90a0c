"""From a plan with a guide to the values of an objective: draws, expected costs, and the surrogate of its gradient.

The objective is E_q[f]: the bound E_q[log p - log q] of a model with its guide, or the expectation that a model asks to
minimise or maximise. Every draw is made from uniform numbers in the way that its estimator says; unknowns whose levels
are listed (`exact`, `stratified`) stand along an axis of their own (`z?`), and costs are averaged over it with the
probabilities of the guide."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import networkx as nx

from ppl.check.core import Derived, Dist, Expr, Guide, Param, Site
from ppl.emit.assemble import assemble_node, new_assembly, value_of
from ppl.emit.assembly import Assembly, NoiseSlot, Slot, noise_of, remaining
from ppl.emit.densities import log_density
from ppl.emit.draws import pathwise, sampled
from ppl.emit.ends import drawn_log_density
from ppl.emit.levels import levels_along
from ppl.emit.lower import back, levels_back
from ppl.emit.partial import likeliest_levels, window_of_counts
from ppl.emit.sequences import Names, recursions, whole
from ppl.emit.strata import LEAST, strata
from ppl.emit.surrogate import ScoreNode
from ppl.emit.tails import cdf
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.graph.graph import Node, core_of, drawn_sites, node_list
from ppl.rewrite.eliminate import Elimination, eliminations, is_discrete
from ppl.rewrite.findings import Refusal
from ppl.rewrite.guards import Guard, jumps_of
from ppl.rewrite.listing import Listing, guide_name, listing
from ppl.rewrite.order import positions
from ppl.rewrite.sides import Side, sides
from ppl.rewrite.supports import domain
from ppl.rewrite.unroll import at_position, dist_at_position, stepwise
from ppl.source.span import Span
from ppl.stdlib.bijections import BIJECTIONS
from ppl.stdlib.distributions import DISTRIBUTIONS

PATHWISE = ("reparam", "implicit")
TEMPERATURE = 0.5


@dataclass(frozen=True, slots=True)
class ParamSlot:
    """The coordinates of one learned number: `kind` is the bijection that maps them onto its range; `of` the unknown
    whose automatic guide it belongs to, "" for one of the author's."""

    name: str
    axes: tuple[str, ...]
    kind: str
    start: Val
    of: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """An unknown whose levels are listed along `axis`, and the guide's probability of each."""

    name: str
    axis: str
    axes: tuple[str, ...]
    weight: Val
    listing: Listing


@dataclass(frozen=True, slots=True)
class Probe:
    """A draw whose gradient comes from what it would have cost at other places. `coupled` are the axes along
    which costs mix its positions; `noise` are its uniform numbers, `at` brings thresholds to the scale of the draw."""

    name: str
    estimator: str
    dist: Dist
    axes: tuple[str, ...]
    draw: Val
    noise: Callable[[int], Val] | None
    at: Callable[[Val], Val] | None
    coupled: tuple[str, ...] = ()


@dataclass(slots=True)
class Objective:
    """An objective as values. `estimators` says how each unknown is drawn; `guide` holds the guide's sites; `put` are
    unknowns that are not drawn but put somewhere; `stepwise` are drawn position by position along an axis."""

    a: Assembly
    graph: nx.DiGraph
    estimators: Mapping[str, str]
    guide: Mapping[str, Site]
    block: Guide | None = None
    thunks: dict[str, Derived] = field(default_factory=dict)
    params: list[ParamSlot] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    guide_costs: list[tuple[str, Val, tuple[str, ...]]] = field(default_factory=list)
    scores: list[ScoreNode] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    put: Mapping[str, Val] = field(default_factory=dict)
    sided: dict[str, Mapping[str, Side]] = field(default_factory=dict)
    chances: dict[Span, Val] = field(default_factory=dict)
    stepwise: Mapping[str, str] = field(default_factory=dict)

    @property
    def b(self) -> Builder:
        return self.a.b

    @property
    def noises(self) -> list[NoiseSlot]:
        return self.a.noises

    def costs(self) -> list[Val]:
        """What the objective is the expectation of, part by part, averaged over the listed levels."""
        core = core_of(self.graph)
        if core.objective is not None:
            value = self.a.s.expr(core.objective.value)
            terms = [("objective", value if core.objective.maximize else self.b.neg(value), core.objective.value.axes)]
        else:
            terms = [(t.name, t.value, t.axes) for t, _ in remaining(self.a)]
            terms += self.guide_costs
        averaged = [(expected(self, v, name), axes) for name, v, axes in terms]
        # what a cost does not vary over, it is paid for at every position
        return [self.b.sum(v, (a for a in axes if a not in v.axes)) for v, axes in averaged]


def assemble_objective(
    graph: nx.DiGraph,
    guide: Guide | None,
    estimators: Mapping[str, str],
    b: Builder | None = None,
    put: Mapping[str, Val] | None = None,
) -> Objective:
    """The values of an objective. `estimators` has a name for every unknown that is not summed out of the model; those
    in `put` are not drawn."""
    core = core_of(graph)
    found = summed_out(graph, guide, estimators)
    a = new_assembly(graph, found, b)
    sites = drawn_sites(core, guide)
    o = Objective(a, graph, estimators, sites, guide, put=put or {})
    if guide is not None:
        o.thunks = {s.name: s for s in guide.statements if isinstance(s, Derived)}
    _note_answers(o)
    a.s.names = Names(a.s.names, lambda name: _find(name, o))
    o.stepwise = stepwise(graph, sites, o.thunks)
    a.given, a.raw = (lambda node: _given(node, o)), (lambda slot: _raw(slot, o))
    for p in (*core.params, *(guide.params if guide is not None else ())):
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
    if "@" in name:
        return _one_position(name, o)
    if name in o.thunks:
        along = o.stepwise.get(name) or o.thunks[name].along
        return whole(o.a.s, o.graph, name, along) if along else o.a.s.expr(o.thunks[name].value)
    return value_of(name, o.a)


def _one_position(name: str, o: Objective) -> Val:
    """One position of a sequence: of a recursion, or of an unknown that is drawn along with one."""
    start, position = name.rsplit("@", 1)
    derived = o.thunks.get(start) or (None if start in o.guide else o.graph.nodes[start]["node"].of)
    along = o.stepwise.get(start) or (derived.along if isinstance(derived, Derived) else "")
    own = (s.name for s in o.thunks.values() if s.along == along)
    known = recursions(o.graph, along) | frozenset(own) | {n for n, axis in o.stepwise.items() if axis == along}
    if isinstance(derived, Derived):
        return o.a.s.expr(at_position(derived.value, along, int(position), known))
    site = o.guide[start]
    dist = dist_at_position(site.dist, along, int(position), known)
    return draw(o, name, dist, tuple(a for a in site.axes if a != along), lambda x: x)


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


def learned(
    o: Objective,
    name: str,
    axes: tuple[str, ...],
    kind: str = "real",
    start: Val | None = None,
    ends: Mapping[str, Val] | None = None,
    of: str = "",
) -> Val:
    """A learned number for every position of `axes`, on its own scale."""
    axes = o.b.sorted(axes)
    o.params.append(ParamSlot(name, axes, kind, start or o.b.lit(0.0), of))
    raw = o.b.node("u", (), (name,), axes, batch=True, stage=1)
    value = o.a.s.formula(BIJECTIONS[kind].forward, {"u": raw, **(ends or {})})
    o.a.hints.setdefault(value, name)
    return value


# ---- draws -------------------------------------------------------------------------------------------------------


def _given(node: Node, o: Objective) -> Val | None:
    """The value of an unknown: drawn by its guide, or, where levels are to be drawn and none says how, by one of its
    own."""
    site = o.guide.get(node.name)
    if node.name in o.stepwise:
        return whole(o.a.s, o.graph, node.name, o.stepwise[node.name])
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
            inside = o.b.apply("max2", inside, o.b.add(ends["low"], o.b.lit(LEAST)))
        if "high" in ends:
            inside = o.b.apply("min2", inside, o.b.mul(ends["high"], o.b.lit(1.0 - 2.0**-53)))
        return o.a.s.formula(row.inverse, {"x": inside, **ends})

    raw = draw(o, node.name, _normal(o, node.name, node.axes), node.axes, at)
    o.guide_costs.append((guide_name(node.name), o.a.s.formula(row.logdet, {"u": raw, **ends}), node.axes))
    return o.a.s.formula(row.forward, {"u": raw, **ends})


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
    """The coordinates of a continuous unknown without a guide."""
    return draw(o, slot.name, _normal(o, slot.name, slot.axes), slot.axes, lambda x: x)


def _normal(o: Objective, name: str, axes: tuple[str, ...]) -> Dist:
    """The automatic guide of coordinates: normal, each with a location and a scale of its own."""
    loc, log_sd = f"{name}.loc", f"{name}.log_sd"
    o.a.s.names[loc] = learned(o, loc, axes, of=name)
    o.a.s.names[log_sd] = learned(o, log_sd, axes, start=o.b.lit(-1.0), of=name)
    place = Expr("ref", (), (loc,), axes), Expr("exp", (Expr("ref", (), (log_sd,), axes),), (), axes)
    return Dist("Normal", place, (), (), axes, (), "real")


def draw(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    """A draw of an unknown by its estimator; what its log density costs is noted. `at` brings thresholds of the unknown
    to the scale of the draw."""
    if name in o.put:
        log_q = log_density(o.a.s, dist, o.put[name])
        stopped = o.b.neg(o.b.node("stop", (log_q,), (), log_q.axes))
        o.guide_costs.append((guide_name(name), stopped, plates_of(dist, axes)))
        return o.put[name]
    return _DRAW[o.estimators[name.split("@", maxsplit=1)[0]]](o, name, dist, axes, at)


def plates_of(dist: Dist, axes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(a for a in axes if a not in dist.event)


def _pathwise(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    noise = noise_of(o.a, name, dist, axes)
    x, _ = pathwise(o.a.s, dist, noise, axes)
    cost = _standard_cost(o, dist, noise) or o.b.neg(drawn_log_density(o.a.s, dist, x))
    o.guide_costs.append((guide_name(name), cost, plates_of(dist, axes)))
    return x


def _standard_cost(o: Objective, dist: Dist, noise: Callable[[int], Val]) -> Val | None:
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
    names = tuple(standard)
    values = (noise(0), *(standard[n] for n in names))
    z = o.b.node("quantile", values, (row.quantile, "u", *names), (a for v in values for a in v.axes))
    log_q = o.a.s.row_formula(row, row.logpdf, {**standard, "x": z})
    return o.b.sub(o.b.apply("log", params[scale]), log_q)


def _scored(o: Objective, name: str, dist: Dist, axes: tuple[str, ...], at: Callable[[Val], Val]) -> Val:
    x = sampled(o.a.s, dist, noise_of(o.a, name, dist, axes), axes)
    log_q = drawn_log_density(o.a.s, dist, x)
    # given what it depends on, the score of a draw has mean zero: its own density costs, but pulls nothing
    o.guide_costs.append((guide_name(name), o.b.neg(o.b.node("stop", (log_q,), (), log_q.axes)), plates_of(dist, axes)))
    o.scores.append(ScoreNode(name, x, log_q))
    return x


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
    cost = _standard_cost(o, dist, noise) or o.b.neg(log_density(o.a.s, dist, x))
    o.guide_costs.append((guide_name(name), cost, plates_of(dist, axes)))
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
        chances = (below, above) if guard.above else (above, below)
        o.chances[guard.where] = b.node("stack", chances, (axis,), (*below.axes, axis))
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
    "stratified": _stratified,
}


# ---- expectations over listed levels -------------------------------------------------------------------------------


def expected(o: Objective, cost: Val, term: str) -> Val:
    """A cost averaged over the sides and levels that it reads: the last drawn first, for its probabilities may depend
    on those before it."""
    for name, found in o.sided.items():
        if f"{name}^" in cost.axes:
            cost = o.b.sum(o.b.mul(_chances_at(o, found[term]), cost), (f"{name}^",))
    for table in reversed(o.tables):
        for axis in [a for a in cost.axes if a.startswith(table.axis)]:
            cost = o.b.sum(o.b.mul(weight_at(o, table, axis, term), cost), (axis,))
    return cost


def _chances_at(o: Objective, side: Side) -> Val:
    """The probabilities of both sides, at the position that a density asks about."""
    chances = o.chances[side.where]
    if not side.lag or side.along not in chances.axes:
        return chances
    return o.b.gather(chances, side.along, o.b.node("lag", (), (side.along, side.lag), (side.along,)))


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

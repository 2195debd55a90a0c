"""From a plan to the values of a program: coordinates, densities, eliminations, and what is reported."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce

import networkx as nx

from ppl.check.core import ColumnSpec, Core, Derived, Dist, FactorTerm, Site
from ppl.check.lints import names_in, names_in_dist
from ppl.emit.code import axis_size
from ppl.emit.densities import log_density
from ppl.emit.draws import noises, sampled
from ppl.emit.lower import Lowering, back, kernel
from ppl.emit.sequences import Names, step, whole
from ppl.emit.sums import Chain, Reading, Term, is_level, readings_of, summed_out
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.graph.graph import Node, core_of, node_list, unknowns
from ppl.guide.coordinates import is_location_scale
from ppl.rewrite.conjugate import is_integrated
from ppl.rewrite.eliminate import eliminations, read_by
from ppl.rewrite.order import OWN, Access, Elimination, schedule
from ppl.rewrite.supports import Domain, domain, within
from ppl.source.diagnostic import Bug
from ppl.stdlib.bijections import BIJECTIONS
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.records import Bijection

# The names that one axis may need at once: three loops over it, and as many while their places are exchanged.
COPIES = 6


@dataclass(frozen=True, slots=True)
class Slot:
    """The coordinates of one unknown: `axes` are those of its unconstrained array, `shape_axes` those of its values, as
    written; `weight` is the number of its non-centring weight, or None."""

    name: str
    axes: tuple[str, ...]
    written: tuple[str, ...]
    weight: int | None = None


@dataclass(frozen=True, slots=True)
class NoiseSlot:
    """The uniform numbers of one draw."""

    key: str
    axes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Centring:
    """What moves a location-scale unknown between parameterisations: x = loc + scale * z."""

    slot: Slot
    standard: Val
    loc: Val
    log_scale: Val


@dataclass(frozen=True, slots=True)
class Event:
    """A derived true/false value of summed-out unknowns: its probability is the slope of the log density in `tilt`,
    which is zero and multiplies it (the derivative of log sum exp(log p + t f) in t at 0 is the expectation of f)."""

    tilt: Val
    term: Term
    accesses: tuple[tuple[str, Access], ...]


@dataclass(slots=True)
class Assembly:
    """Everything a program consists of, as values. `windows` are the counts without a largest value. `given` may have
    the value of an unknown (drawn from a guide), `raw` its coordinates. `recovered` are unknowns that were integrated
    out, drawn from what is known of them given the rest by uniform numbers `noises`, and what is derived from them.
    `waiting` are the densities of unknowns that
    are known, but were read before their place: what they read may not be."""

    b: Builder
    s: Lowering
    graph: nx.DiGraph
    slots: list[Slot] = field(default_factory=list)
    weights: list[str] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    reported: dict[str, tuple[Val, tuple[str, ...]]] = field(default_factory=dict)
    taps: dict[str, Val] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, Val | str] = field(default_factory=dict)
    centrings: list[Centring] = field(default_factory=list)
    hints: dict[Val, str] = field(default_factory=dict)
    eliminated: dict[str, Elimination] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    unreported: list[str] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)
    recovered: dict[str, tuple[Val, tuple[str, ...]]] = field(default_factory=dict)
    noises: list[NoiseSlot] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    waiting: "list[Callable[[], Term]]" = field(default_factory=list)
    depth: int = 0
    given: "Callable[[Node], Val | None]" = lambda node: None
    raw: "Callable[[Slot], Val | None]" = lambda slot: None

    def define(self, name: str, v: Val, axes: tuple[str, ...], report: bool) -> None:
        self.s.names[name] = v
        if v.op not in ("lit", "input"):
            self.hints.setdefault(v, name)
        if report:
            self.reported[name] = (v, axes)

    def add_density(self, term: "Callable[[], Term]") -> None:
        """Adds a density, at once or when the statement at hand is done."""
        if self.depth > 1:
            self.waiting.append(term)
        else:
            self.terms.append(term())

    def log_density(self, tilted: bool = False) -> Val:
        """The log density; `tilted` has every event in it, with a coefficient of zero."""
        return _eliminate(self, tilted)


def assemble_program(graph: nx.DiGraph) -> Assembly:
    """The values of the program of a plan."""
    found = {n: e for n, e in eliminations(graph).items() if isinstance(e, Elimination)}
    out = new_assembly(graph, found)
    for node in node_list(graph):
        assemble_node(node, out)
    return out


def new_assembly(graph: nx.DiGraph, found: Mapping[str, Elimination], b: Builder | None = None) -> Assembly:
    """An assembly that knows the data and nothing else; `found` are the unknowns to sum out."""
    core = core_of(graph)
    b = b or Builder(_rank(core, graph))
    out = Assembly(b, Lowering(b), graph, eliminated={n: e for n, e in found.items() if not e.leaf})
    out.s.names = Names({}, lambda name: value_of(name, out))
    blanks = {n.name for n in node_list(graph) if n.kind == "imputed"}
    for column in core.data.columns:
        if column.kind != "text":
            v = _column(column, out)
            out.hints[v] = column.name
            out.s.names |= {column.name: v} if column.name not in blanks else {}
    return out


def _column(column: ColumnSpec, out: Assembly) -> Val:
    """A column as it was read, its blanks among it."""
    axes = out.b.sorted(column.axes)
    return out.b.node("input", (), (column.name, *axes), axes)


def _read(node: Node, out: Assembly) -> Val:
    """The column that a node fills in."""
    return _column(next(c for c in core_of(out.graph).data.columns if c.name == node.name), out)


def assemble_node(node: Node, out: Assembly) -> None:
    """Adds what one statement of the model stands for, once."""
    if node.name in out.done:
        return
    out.done.add(node.name)
    out.depth += 1
    _node(node, out)
    _event(node, out, out.graph)
    out.depth -= 1
    while out.waiting and not out.depth:
        term = out.waiting.pop(0)
        out.terms.append(term())


def value_of(name: str, out: Assembly) -> Val:
    """The value of a name that is read before its place in the file: a later one of the same loop, some positions
    back; or one position of a recursion."""
    if "@" in name:
        return step(out.s, out.graph, name)
    if name in out.graph:
        assemble_node(out.graph.nodes[name]["node"], out)
    found = out.s.names.get(name)
    if found is None:
        raise Bug(f"`{name}` is read before it has a value")
    return found


def _rank(core: Core, graph: nx.DiGraph) -> dict[str, int]:
    """The canonical order of axes: levels of summed unknowns first, rows last, so that reductions run over long strides
    and the last axis is the longest."""
    declared = [a.name for a in core.axes if a.kind == "declared"]
    matched = [a.name for a in core.axes if a.kind == "columns"]
    levels = [a.name for a in core.axes if a.kind == "levels"]
    rows = [a.name for a in core.axes if a.kind == "row"]
    imputed = [n.name for n in node_list(graph) if n.kind == "imputed"]
    listed = [n.name for n in unknowns(graph)]
    truths = [n.name for n in node_list(graph) if isinstance(n.of, Derived) and n.of.value.type == "bool"]
    names = (
        [a for z in (*listed, *truths) for a in (f"{z}?", f"{z}?1", f"{z}?2", f"{z}#", f"{z}^")]
        + [f"{i}.missing" for i in imputed]
        + declared
        + matched
        + levels
        + rows
    )
    copies = [a + "'" * n + short for a in names for n in range(COPIES + 1) for short in ("", "~")]
    return {a: i for i, a in enumerate(copies)}


def _node(node: Node, out: Assembly) -> None:
    match node.of:
        case ColumnSpec():
            return
        case Derived(value=value, axes=axes, along=along):
            v = whole(out.s, out.graph, node.name, along) if along else out.s.expr(value)
            enumerated = any(is_level(a) for a in v.axes)
            drawn = not names_in(value).isdisjoint(out.recovered)
            out.define(node.name, v, axes, v.batch and not enumerated and not drawn)
            if drawn and not enumerated:
                out.recovered[node.name] = (v, axes)
            if enumerated:
                out.unreported.append(node.name)
            elif v.batch and (value.type == "bool" or value.type.startswith("level:")):
                out.levels[f"{node.name}?"] = value.type.rstrip("'")
        case FactorTerm(value=value):
            v = out.s.expr(value)
            out.terms.append(Term(node.name, v, value.axes))
        case Site(name=name, role="observed", value=None):
            _observed(node, out.s.names[name], out)
        case Site(role="observed", value=value):
            assert value is not None
            _observed(node, out.s.expr(value), out)
        case Site(dist=dist) if is_integrated(node):
            _recovered(node, dist, out)
        case Site(role="unknown", dist=dist) if (x := out.given(node)) is not None:
            _given(node, dist, x, out)
        case Site(dist=dist) if node.name in out.eliminated:
            _enumerated(node, dist, out)
        case Site(role="imputed", dist=dist) if dist.kind != "real":
            _leaf(node, dist, out)
        case Site(role="imputed", dist=dist):
            _imputed(node, dist, out)
        case Site(dist=dist):
            _unknown(node, dist, out)


def _observed(node: Node, x: Val, out: Assembly) -> None:
    assert node.dist is not None
    plates = tuple(a for a in node.axes if a not in node.dist.event)
    out.terms.append(Term(node.name, log_density(out.s, node.dist, x), plates))


def _given(node: Node, dist: Dist, x: Val, out: Assembly) -> None:
    """An unknown whose value comes from a guide."""
    out.define(node.name, x, node.axes, True)
    plates = tuple(a for a in node.axes if a not in dist.event)
    out.add_density(lambda: Term(node.name, log_density(out.s, dist, x), plates))


def _recovered(node: Node, dist: Dist, out: Assembly) -> None:
    """An unknown that was integrated out: a draw of it from what is known of it given the rest. No density reads it."""
    x = sampled(out.s, dist, noise_of(out, node.name, dist, node.axes), node.axes)
    out.define(node.name, x, node.axes, False)
    out.recovered[node.name] = (x, node.axes)


def noise_of(out: Assembly, name: str, dist: Dist, axes: tuple[str, ...], more: int = 0) -> Callable[[int], Val]:
    """The uniform numbers of a draw, and `more` arrays of them, noted as inputs."""
    own = out.b.sorted(axes)
    keys = [f"{name}.{k}" for k in range(noises(dist) + more)]
    out.noises.extend(NoiseSlot(key, own) for key in keys)
    return lambda k: out.b.node("noise", (), (keys[k],), own, batch=True, stage=1)


# ---- continuous unknowns -----------------------------------------------------------------------------------------


def _unknown(node: Node, dist: Dist, out: Assembly) -> None:
    place = domain(dist)
    assert isinstance(node.of, Site)
    centring = _has_weight(node.of, out)
    slot = Slot(node.name, _raw_axes(node.axes, place, out), node.axes, len(out.weights) if centring else None)
    out.slots.append(slot)
    raw = out.raw(slot) or coordinates(slot, out)
    if centring:
        return _location_scale(node, dist, slot, raw, out)
    x, log_det = transform(place, raw, out)
    out.define(node.name, x, node.axes, True)
    out.hints.setdefault(raw, f"{node.name}_raw")
    plates = tuple(a for a in node.axes if a not in dist.event)
    out.add_density(lambda: Term(node.name, out.b.add(log_density(out.s, dist, x, observed=False), log_det), plates))
    return None


def coordinates(slot: Slot, out: Assembly) -> Val:
    """The columns of `u` that an unknown has."""
    return out.b.node("u", (), (slot.name,), slot.axes, batch=True, stage=1)


def _raw_axes(axes: tuple[str, ...], place: Domain, out: Assembly) -> tuple[str, ...]:
    shrinks = BIJECTIONS[place.kind].shrinks
    if shrinks:
        out.sizes[f"{place.event}~"] = f"{axis_size(place.event)} - {shrinks}"
    return out.b.sorted(f"{a}~" if shrinks and a == place.event else a for a in axes)


def transform(place: Domain, raw: Val, out: Assembly, at: Callable[[Val], Val] = lambda v: v) -> tuple[Val, Val]:
    """The constrained value and the log of the Jacobian determinant, for each position that is not in the event; `at`
    brings the ends of the support to the positions of the coordinates."""
    row: Bijection = BIJECTIONS[place.kind]
    if place.kind == "ordered":
        return _ordered(place, raw, out)
    if row.kernel:
        event = f"{place.event}~" if row.shrinks else place.event
        x = kernel(out.b, row.kernel, (raw,), ((event,),), (place.event,))
        return x, kernel(out.b, f"{row.kernel}_logdet", (raw,), ((event,),), ())
    ends = {"low": place.low, "high": place.high}
    names = {"u": raw, **{n: at(out.s.expr(e)) for n, e in ends.items() if e is not None}}
    return out.s.formula(row.forward, names), out.s.formula(row.logdet, names)


def _ordered(place: Domain, raw: Val, out: Assembly) -> tuple[Val, Val]:
    """Numbers in order, then each of them onto its support by a map that keeps the order: high - exp(-u) for an upper
    end."""
    event, ends = (place.event,), {"low": place.low, "high": place.high}
    x = kernel(out.b, "ordered", (raw,), (event,), event)
    log_det = kernel(out.b, "ordered_logdet", (raw,), (event,), ())
    row = BIJECTIONS[within(place.low, place.high)]
    if row.support == "real":
        return x, log_det
    u = out.b.neg(x) if row.support == "upper" else x
    names = {"u": u, **{n: out.s.expr(e) for n, e in ends.items() if e is not None}}
    each = out.s.formula(row.logdet, names)
    return out.s.formula(row.forward, names), out.b.add(log_det, out.b.sum(each, event))


def _has_weight(site: Site, out: Assembly) -> bool:
    """Whether the degree of centring matters: a location-scale plate whose scale is itself unknown."""
    if not is_location_scale(site) or any(n in out.graph and n not in out.s.names for n in names_in_dist(site.dist)):
        return False
    params = out.s.arguments(site.dist)
    enumerated = any(is_level(a) for v in params.values() for a in v.axes)
    return params[DISTRIBUTIONS[site.dist.name].loc_scale[1]].batch and not enumerated  # type: ignore[index]


def _location_scale(node: Node, dist: Dist, slot: Slot, raw: Val, out: Assembly) -> None:
    """Partial non-centring (Gorinova, Moore & Hoffman, ICML 2020): with the weight w, raw = w loc + scale^w z and x =
    loc + scale z, so that w = 1 is centred and w = 0 non-centred; the density of raw is that of z times scale^-w."""
    b, row = out.b, DISTRIBUTIONS[dist.name]
    assert row.loc_scale is not None
    params = out.s.arguments(dist)
    loc, scale = params[row.loc_scale[0]], params[row.loc_scale[1]]
    if "noncentered" in getattr(node.of, "annotations", ()):
        w = b.lit(0.0)
        slot = out.slots[-1] = Slot(slot.name, slot.axes, slot.written)
    else:
        w = b.node("w", (), (len(out.weights),), (), batch=False, stage=1)
        out.weights.append(node.name)
    log_scale = b.apply("log", scale)
    shrink = b.mul(w, log_scale)
    z = b.mul(b.sub(raw, b.mul(w, loc)), b.apply("exp", b.neg(shrink)))
    x = b.add(loc, b.mul(scale, z))
    standard = {**params, row.loc_scale[0]: b.lit(0.0), row.loc_scale[1]: b.lit(1.0), "x": z}
    density = b.sub(out.s.row_formula(row, row.logpdf, standard), shrink)
    out.hints[raw], out.hints[z] = f"{node.name}_raw", f"{node.name}_z"
    out.define(node.name, x, node.axes, True)
    out.terms.append(Term(node.name, density, node.axes))
    if slot.weight is not None:
        out.centrings.append(Centring(slot, z, loc, log_scale))


def _imputed(node: Node, dist: Dist, out: Assembly) -> None:
    """A column with blanks: its missing cells are unknowns on an axis of their own."""
    b, axis = out.b, f"{node.name}.missing"
    out.sizes[axis] = f'd.missing_count("{node.name}")'
    data = _read(node, out)
    slot = Slot(node.name, (axis,), (axis,))
    out.slots.append(slot)
    raw = out.raw(slot) or coordinates(slot, out)

    def at_blanks(end: Val) -> Val:
        for i, a in enumerate(data.axes):
            end = b.gather(end, a, b.node("blanks", (), (node.name, i, *data.axes), (axis,)))
        return end

    x, log_det = transform(domain(dist), raw, out, at_blanks)
    rank = b.node("rank", (), (node.name, *data.axes), data.axes)
    mask = b.node("missing", (), (node.name, *data.axes), data.axes)
    full = b.apply("where", mask, b.gather(x, axis, rank), data)
    out.define(node.name, full, node.axes, False)
    out.reported[node.name] = (x, (axis,))
    out.add_density(lambda: Term(node.name, log_density(out.s, dist, full), node.axes))
    out.terms.append(Term(f"{node.name}, missing", log_det, (axis,)))


def _leaf(node: Node, dist: Dist, out: Assembly) -> None:
    """Blank counts that nothing reads add nothing; the other cells are observed."""
    data = _read(node, out)
    mask = out.b.node("missing", (), (node.name, *data.axes), data.axes)
    density = log_density(out.s, dist, data)
    out.terms.append(Term(node.name, out.b.apply("where", mask, out.b.lit(0.0), density), node.axes))


# ---- discrete unknowns -------------------------------------------------------------------------------------------


def _enumerated(node: Node, dist: Dist, out: Assembly) -> None:
    """A finite discrete unknown: all its levels, along an axis of its own."""
    b, axis = out.b, f"{node.name}?"
    z = levels_along(dist, axis, out)
    plates = tuple(a for a in node.axes if a not in dist.event)
    once = b.lit(0.0)
    if node.kind == "imputed":
        data = _read(node, out)
        mask = b.node("missing", (), (node.name, *data.axes), data.axes)
        once = b.apply("log_if", b.apply("or", mask, b.apply("eq", z, data)))
    out.s.names[node.name], out.s.plates[axis] = z, node.axes
    if out.eliminated[node.name].along:
        out.sizes[back(axis, 1)] = f'n["{axis}"]'
    out.add_density(lambda: Term(node.name, b.add(log_density(out.s, dist, z), once), plates))
    out.taps[node.name] = b.tap(b.lit(0.0), (*plates, axis), node.name)


def levels_along(dist: Dist, axis: str, out: Assembly) -> Val:
    """The values that a distribution can give, and the size of their axis; of counts without a largest value, those in
    a window that is chosen with the data."""
    b = out.b
    lead = dist
    while lead.inner:
        lead = lead.inner[-1]
    row = DISTRIBUTIONS[lead.name]
    if row.kind == "bool":
        out.sizes[axis], out.levels[axis] = "2", "bool"
        return b.arange(axis)
    if row.kind == "level":
        over = str(lead.attrs[0]).rstrip("'")
        out.sizes[axis], out.levels[axis] = f'n["{over}"]', f"level:{over}"
        return b.arange(axis)
    low, high = _span(dist, out)
    if high is None:
        found = out.eliminated.get(axis.removesuffix("?"))
        high = b.node("window", (low,), (axis, *(found.columns if found is not None else ())))
        out.windows.append(axis.removesuffix("?"))
    z = b.node("span", (low, high), (), (axis,))
    out.sizes[axis], out.levels[axis] = z, "count"
    return z


def _span(dist: Dist, out: Assembly) -> tuple[Val, Val | None]:
    """The least and the largest count over all positions; None where there is no largest."""
    b = out.b
    if dist.name in DISTRIBUTIONS:
        row = DISTRIBUTIONS[dist.name]
        ends = (row.support.low, row.support.high)
        args = {p.name: a for p, a in zip(row.params, dist.args, strict=True) if a is not None and p.name in ends}
        names = {name: out.s.expr(a) for name, a in args.items()}
        low = _extreme("min", out.s.formula(row.support.low, names), b)
        return low, _extreme("max", out.s.formula(row.support.high, names), b) if row.support.high else None
    spans = [_span(d, out) for d in dist.inner]
    highs = [high for _, high in spans if high is not None]
    low = reduce(lambda x, y: b.apply("min2", x, y), [low for low, _ in spans])
    high = reduce(lambda x, y: b.apply("max2", x, y), highs) if len(highs) == len(spans) else None
    if dist.name == "ZeroInflated":
        low = b.apply("min2", low, b.lit(0.0))
    return _clipped(dist, low, high, out) if dist.name == "Truncated" else (low, high)


def _clipped(dist: Dist, low: Val, high: Val | None, out: Assembly) -> tuple[Val, Val | None]:
    """The span within given limits; a window starts where the values do."""
    ends = [out.s.expr(a) if a is not None else None for a in dist.args]
    if ends[0] is not None:
        low = out.b.apply("max2", low, _extreme("min", out.b.apply("ceil", ends[0]), out.b))
    if ends[1] is not None:
        top = _extreme("max", out.b.apply("floor", ends[1]), out.b)
        high = top if high is None else out.b.apply("min2", high, top)
    return low, high


def _event(node: Node, out: Assembly, graph: nx.DiGraph) -> None:
    """Notes a derived true/false value that depends on summed-out unknowns, so that its probability can be reported."""
    if not isinstance(node.of, Derived) or node.of.value.type != "bool":
        return
    ways = read_by(node, out.eliminated, graph)
    others = [dict(e.accesses) for e in out.events.values()]
    if not ways or schedule(list(out.eliminated.values()), [*others, ways])[1]:
        return
    b, axis, axes = out.b, f"{node.name}?", node.of.axes
    tilt = b.tap(b.lit(0.0), axes, f"{node.name}, tilt")
    value = b.node("real", (out.s.names[node.name],), (), out.s.names[node.name].axes)
    out.sizes[axis], out.levels[axis] = "2", "bool"
    out.events[node.name] = Event(tilt, Term(node.name, b.mul(tilt, value), axes), tuple(ways.items()))


def _extreme(op: str, end: Val, b: Builder) -> Val:
    """One end for all positions: values beyond a position's own have probability zero there."""
    for axis in end.axes:
        end = b.reduce(op, end, axis)
    return end


def _eliminate(out: Assembly, tilted: bool) -> Val:
    """The log density: discrete unknowns summed out, then everything added up."""
    return out.b.total(out.b.sum(t.value, {*t.axes, *t.value.axes}) for t, _ in remaining(out, tilted))


def remaining(out: Assembly, tilted: bool = False) -> list[Reading]:
    """The densities that are left when the discrete unknowns have been summed out one by one, and how each reads
    them. `tilted` has zeros in it, the slopes in which are the probabilities of levels and of events."""
    found = {z: e for z, e in out.eliminated.items() if tilted or not e.unread}
    idle = out.eliminated.keys() - found.keys()
    readings = readings_of([t for t in out.terms if t.name not in idle], found)
    if tilted:
        readings += [(Term(z, tap, tap.axes), {z: OWN}) for z, tap in out.taps.items()]
        readings += [(e.term, dict(e.accesses)) for e in out.events.values()]
    return summed_out(out.s, list(found.values()), readings)[0]


def chains(out: Assembly) -> list[Chain]:
    """The chains of discrete unknowns."""
    return summed_out(out.s, list(out.eliminated.values()), readings_of(out.terms, out.eliminated))[1]

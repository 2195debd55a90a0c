"""Continuous unknowns: their coordinates, their values, and the densities of both."""

from collections.abc import Callable

from ppl.check.core import Dist, Site
from ppl.check.reads import names_in_dist
from ppl.emit.assembly import Assembly, Centring, Slot, column_of
from ppl.emit.densities import log_density
from ppl.emit.lower import copies, kernel
from ppl.emit.pen import axis_size
from ppl.emit.sums import Term, is_level
from ppl.emit.val import Val
from ppl.graph.graph import Node
from ppl.guide.coordinates import is_location_scale
from ppl.rewrite.supports import Domain, domain, within
from ppl.stdlib.bijections import BIJECTIONS
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.records import Bijection


def add_unknown(node: Node, dist: Dist, out: Assembly) -> None:
    place = domain(dist)
    assert isinstance(node.of, Site)
    if _has_weight(node.of, out):
        slot = Slot(node.name, raw_axes(node.axes, place, out), node.axes, len(out.weights))
        out.slots.append(slot)
        return _location_scale(node, dist, slot, out.raw(slot) or coordinates(slot, out), out)
    raw = raw_of(node.of, place, out)
    own = out.sequence(node.name)
    if own is not None:
        out.s.names[node.name] = own
    x, log_det = transform(place, raw, out)
    x = own or x
    out.define(node.name, x, node.axes, True)
    out.hints.setdefault(raw, f"{node.name}_raw")
    plates = tuple(a for a in node.axes if a not in dist.event)
    out.add_density(lambda: Term(node.name, out.b.add(log_density(out.s, dist, x, observed=False), log_det), plates))
    return None


def raw_of(site: Site, place: Domain, out: Assembly) -> Val:
    """The coordinates of an unknown, noted when they are first asked for."""
    if site.name not in out.raws:
        slot = Slot(site.name, raw_axes(site.axes, place, out), site.axes)
        out.slots.append(slot)
        out.raws[site.name] = out.raw(slot) or coordinates(slot, out)
    return out.raws[site.name]


def bounded_step(site: Site, dist: Dist, first: bool, axis: str, out: Assembly) -> Val:
    """An unknown whose support has ends that are made from its own past, in a step of the loop along `axis`."""
    place = domain(dist)
    raw = raw_of(site, domain(site.dist), out)
    return transform(place, out.b.gather(raw, axis, out.b.lit(0.0)) if first else raw, out)[0]


def coordinates(slot: Slot, out: Assembly) -> Val:
    """The columns of `u` that an unknown has."""
    return out.b.node("u", (), (slot.name,), slot.axes, batch=True, stage=1)


def raw_axes(axes: tuple[str, ...], place: Domain, out: Assembly) -> tuple[str, ...]:
    """The axes of the coordinates of an unknown: that of a simplex is one shorter, a matrix has those of a triangle."""
    row, size = BIJECTIONS[place.kind], axis_size(place.event)
    copy = {place.event + "'"} if row.triangle else set()
    event = raw_event(place)
    if row.shrinks:
        out.sizes[event] = f"{size} - {row.shrinks}"
    elif row.triangle:
        out.sizes[event] = f"{size} * ({size} {'+' if event.endswith('=') else '-'} 1) // 2"
    return out.b.sorted(event if a == place.event else a for a in axes if a not in copy)


def raw_event(place: Domain) -> str:
    """The axis of the coordinates of a vector or matrix: that of the vector, a shorter one (`~`), or that of a triangle
    without (`~<`) or with (`~<=`) its diagonal."""
    row = BIJECTIONS[place.kind]
    return place.event + ("~" if row.shrinks else {"": "", "strict": "~<", "full": "~<="}[row.triangle])


def transform(place: Domain, raw: Val, out: Assembly, at: Callable[[Val], Val] = lambda v: v) -> tuple[Val, Val]:
    """The constrained value and the log of the Jacobian determinant, for each position that is not in the event; `at`
    brings the ends of the support to the positions of the coordinates."""
    row: Bijection = BIJECTIONS[place.kind]
    if place.kind == "ordered":
        return _ordered(place, raw, out)
    if row.kernel:
        event = raw_event(place)
        x = kernel(out.b, row.kernel, (raw,), ((event,),), copies(place.event, 2 if row.triangle else 1))
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


def add_imputed(node: Node, dist: Dist, out: Assembly) -> None:
    """A column with blanks: its missing cells are unknowns on an axis of their own."""
    b, axis = out.b, f"{node.name}.missing"
    out.sizes[axis] = f'd.missing_count("{node.name}")'
    data = column_of(node, out)
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

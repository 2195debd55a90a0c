"""Discrete unknowns whose levels stand along an axis of their own."""

from functools import reduce

import networkx as nx

from ppl.check.core import Derived, Dist
from ppl.emit.assembly import Assembly, Event, column_of
from ppl.emit.densities import log_density
from ppl.emit.lower import back
from ppl.emit.sums import Term
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.graph.graph import Node, core_of
from ppl.rewrite.eliminate import read_by
from ppl.rewrite.order import schedule
from ppl.stdlib.distributions import DISTRIBUTIONS


def add_levels(node: Node, dist: Dist, out: Assembly) -> None:
    """A finite discrete unknown: all its levels, along an axis of its own."""
    b, axis = out.b, f"{node.name}?"
    z = levels_along(dist, axis, out, _own_levels(node, out))
    plates = tuple(a for a in node.axes if a not in dist.event)
    once = b.lit(0.0)
    if node.kind == "imputed":
        data = column_of(node, out)
        mask = b.node("missing", (), (node.name, *data.axes), data.axes)
        once = b.apply("log_if", b.apply("or", mask, b.apply("eq", z, data)))
    out.s.names[node.name], out.s.plates[axis] = z, node.axes
    e = out.eliminated[node.name]
    for k in range(1, e.memory + 1) if e.along else ():
        out.sizes[back(axis, k)] = f'n["{axis}"]'
    out.add_density(lambda: Term(node.name, b.add(log_density(out.s, dist, z), once), plates))
    out.taps[node.name] = b.tap(b.lit(0.0), (*plates, axis), node.name)


def add_leaf(node: Node, dist: Dist, out: Assembly) -> None:
    """Blank counts that nothing reads add nothing; the other cells are observed."""
    data = column_of(node, out)
    mask = out.b.node("missing", (), (node.name, *data.axes), data.axes)
    density = log_density(out.s, dist, data)
    out.terms.append(Term(node.name, out.b.apply("where", mask, out.b.lit(0.0), density), node.axes))


def _own_levels(node: Node, out: Assembly) -> str:
    """The axis of the levels of a column, which of an ordinal one is not that of its cuts; "" for an unknown."""
    columns = core_of(out.graph).data.columns if node.kind == "imputed" else ()
    return next((c.table or c.name for c in columns if c.name == node.name), "")


def levels_along(dist: Dist, axis: str, out: Assembly, own: str = "") -> Val:
    """The values that a distribution can give, and the size of their axis; of counts without a largest value, those in
    a window that is chosen with the data. `own` is the axis of the levels, where it is known."""
    b = out.b
    lead = dist
    while lead.inner:
        lead = lead.inner[-1]
    row = DISTRIBUTIONS[lead.name]
    if row.kind == "bool":
        out.sizes[axis], out.levels[axis] = "2", "bool"
        return b.arange(axis)
    if row.kind == "level":
        over = own or str(lead.attrs[0]).rstrip("'")
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


def _extreme(op: str, end: Val, b: Builder) -> Val:
    """One end for all positions: values beyond a position's own have probability zero there."""
    for axis in end.axes:
        end = b.reduce(op, end, axis)
    return end


def note_event(node: Node, out: Assembly, graph: nx.DiGraph) -> None:
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

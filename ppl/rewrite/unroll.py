"""One position of a recursion at a time: expressions with the position along an axis fixed.

A recursion of derived values over an axis of known size is computed position by position; `name@3` stands for the value
of `name` at position 3. Tests of the position are decided, so that what lies before the first one is never read."""

import operator
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace

import networkx as nx

from ppl.check.core import Derived, Dist, Expr, Site
from ppl.check.lags import dist_reads_back, reads_back
from ppl.check.lints import reads
from ppl.graph.graph import node_list

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
}


def at_name(name: str, position: int) -> str:
    """What the value of a sequence at a position (from 1) is called."""
    return f"{name}@{position}"


def at_position(e: Expr, axis: str, position: int, sequences: Collection[str]) -> Expr:
    """The expression at one position (from 1) along `axis`; `sequences` are the names that are known one position at a
    time."""
    if axis not in e.axes and not _mentions(e, axis):
        return e
    match e.op:
        case "pos" if e.attrs[0] == axis:
            return Expr("lit", (), (float(position),), (), "int", e.span)
        case "ref" if axis in e.axes:
            name = str(e.attrs[0])
            axes = _without(e.axes, axis)
            if name in sequences:
                return replace(e, attrs=(at_name(name, position),), axes=axes)
            return Expr("fix", (e,), (axis, position), axes, e.type, e.span)
        case "lag" if e.attrs[0] == axis:
            return at_position(e.args[0], axis, position - int(str(e.attrs[1])), sequences)
        case "where":
            return _chosen(e, axis, position, sequences)
        case _ if e.attrs and e.attrs[0] == axis and e.op not in ("take", "takepos"):
            return e
    args = tuple(at_position(a, axis, position, sequences) for a in e.args)
    return _folded(replace(e, args=args, axes=_without(e.axes, axis)))


def dist_at_position(dist: Dist, axis: str, position: int, sequences: Collection[str]) -> Dist:
    """The distribution at one position along `axis`."""
    args = tuple(None if a is None else at_position(a, axis, position, sequences) for a in dist.args)
    if dist.name == "where" and args[0] is not None and args[0].op == "lit":
        kept = dist.inner[0 if args[0].attrs[0] else 1]
        return dist_at_position(kept, axis, position, sequences)
    inner = tuple(dist_at_position(d, axis, position, sequences) for d in dist.inner)
    return replace(dist, args=args, inner=inner, axes=_without(dist.axes, axis))


def stepwise(graph: nx.DiGraph, sites: Mapping[str, Site], own: Mapping[str, Derived] | None = None) -> dict[str, str]:
    """The names that get their values position by position, each with the axis: draws that come back to themselves
    through earlier positions, and the derived values on the way. `sites` are the draws, `own` the derived values of a
    guide."""
    found: dict[str, str] = {}
    for group in _circles(_sources(graph, sites, own or {})):
        axis = next(_axes_back(group), "")
        if any(s.name in sites for s in group):
            found |= {s.name: axis for s in group if axis in s.axes}
    return found


def _sources(graph: nx.DiGraph, sites: Mapping[str, Site], own: Mapping[str, Derived]) -> dict[str, Site | Derived]:
    """Where the value of each name comes from."""
    derived = {n.name: n.of for n in node_list(graph) if isinstance(n.of, Derived)}
    return {**derived, **own, **sites}


def _circles(sources: Mapping[str, Site | Derived]) -> Iterator[list[Site | Derived]]:
    """The groups of names that are made from each other, or from themselves."""
    links = nx.DiGraph((r, name) for name, s in sources.items() for r in reads(s) if r in sources)
    for group in nx.strongly_connected_components(links):
        if len(group) > 1 or any(links.has_edge(n, n) for n in group):
            yield [s for name, s in sources.items() if name in group]


def _axes_back(group: list[Site | Derived]) -> Iterator[str]:
    """The axes along which the members of a circle read each other at earlier positions."""
    names = {s.name for s in group}
    for what in (s.dist if isinstance(s, Site) else s.value for s in group):
        for axis in dict.fromkeys(str(e.attrs[0]) for e in _within(what) if e.op == "lag"):
            found = dist_reads_back(what, axis) if isinstance(what, Dist) else reads_back(what, axis)
            if any(name in names and back > 0 for name, back, _ in found):
                yield axis


def _within(what: Dist | Expr) -> Iterator[Expr]:
    """Every part of an expression, or of the arguments of a distribution."""
    if isinstance(what, Expr):
        yield what
    for part in (*what.args, *(what.inner if isinstance(what, Dist) else ())):
        if part is not None:
            yield from _within(part)


def _without(axes: tuple[str, ...], axis: str) -> tuple[str, ...]:
    return tuple(a for a in axes if a != axis)


def _mentions(e: Expr, axis: str) -> bool:
    """Whether a position along the axis is fixed or tested inside, though the value does not vary along it."""
    return any(axis in a.axes or _mentions(a, axis) for a in e.args)


def _chosen(e: Expr, axis: str, position: int, sequences: Collection[str]) -> Expr:
    """A branch; only the one that is taken where the position decides."""
    test = at_position(e.args[0], axis, position, sequences)
    if test.op == "lit":
        return at_position(e.args[1 if test.attrs[0] else 2], axis, position, sequences)
    rest = (at_position(a, axis, position, sequences) for a in e.args[1:])
    return replace(e, args=(test, *rest), axes=_without(e.axes, axis))


def _folded(e: Expr) -> Expr:
    """A comparison, or a connective, of numbers that are known."""
    if not e.args or any(a.op != "lit" for a in e.args):
        return e
    values = [float(str(a.attrs[0])) if not isinstance(a.attrs[0], bool) else float(a.attrs[0]) for a in e.args]
    if e.op in COMPARISONS:
        found = COMPARISONS[e.op](values[0], values[1])
    elif e.op in ("and", "or", "not"):
        truths = [v != 0.0 for v in values]
        found = {"and": all(truths), "or": any(truths), "not": not truths[0]}[e.op]
    else:
        return e
    return Expr("lit", (), (found,), (), "bool", e.span)

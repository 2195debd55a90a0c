"""Recursions as they stand in a model: which names are made from each other, and what one step of them computes.

One step reads earlier positions under names of their own: `name@-2` is the value of `name` two positions back,
`name@-0` the one that the same step has just computed. Tests of the position are decided, stretch by stretch of the
axis, so that what lies before the first position is never read."""

import operator
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import networkx as nx

from ppl.check.core import Derived, Dist, Expr, Site
from ppl.check.lags import dist_reads_back, reads_back
from ppl.check.reads import reads
from ppl.graph.graph import node_list
from ppl.rewrite.supports import domain
from ppl.stdlib.primitives import PRIMITIVES

Part = Site | Derived
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "eq": operator.eq,
    "ne": operator.ne,
}
FLAT = Dist("Flat")
# What the running sums of members are called.
RUNNING = "running sum"
# With the position on the right of the comparison.
TURNED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}


# ---- circles -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Circle:
    """Names that are made from each other, or from themselves, at earlier positions along an axis: in an order in which
    each reads, at its own position, only those before it."""

    axis: str
    parts: tuple[Part, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.parts)


def circles(parts: Collection[Part]) -> Iterator[Circle]:
    """All circles among these statements."""
    by_name = {p.name: p for p in parts}
    links = nx.DiGraph((r, name) for name, p in by_name.items() for r in reads(p) if r in by_name)
    for group in nx.strongly_connected_components(links):
        if len(group) > 1 or any(links.has_edge(n, n) for n in group):
            yield _ordered([p for name, p in by_name.items() if name in group])


def _ordered(written: list[Part]) -> Circle:
    axis = next(_axes_back(written), "")
    parts = _with_sums(written, axis)
    place = {p.name: i for i, p in enumerate(parts)}
    now = nx.DiGraph()
    now.add_nodes_from(place)
    now.add_edges_from((r, p.name) for p in parts for r, back, _ in reads_of(p, axis) if r in place and back == 0)
    by_name = {p.name: p for p in parts}
    return Circle(axis, tuple(by_name[n] for n in nx.lexicographical_topological_sort(now, key=place.__getitem__)))


def _with_sums(parts: list[Part], axis: str) -> list[Part]:
    """The members, and the cumulative sums of them that they read, each a recursion of its own: c[t] = c[t - 1] + e."""
    names = frozenset(p.name for p in parts)
    sums: dict[Expr, Derived] = {}

    def taken(e: Expr) -> Expr:
        if e.op != "cumsum" or e.attrs[0] != axis or not reads_any(e, names):
            return replace(e, args=tuple(taken(a) for a in e.args)) if reads_any(e, names) else e
        if e not in sums:
            name = f"{RUNNING} {len(sums) + 1} of {parts[0].name}"
            here = Expr("ref", (), (name,), e.axes, e.type)
            position = Expr("pos", (), (axis,), (axis,), "int")
            first = Expr("eq", (position, Expr("lit", (), (1.0,), (), "int")), (), (axis,), "bool")
            before = Expr("lag", (here,), (axis, 1), e.axes, e.type)
            start = Expr("where", (first, Expr("lit", (), (0.0,)), before), (), e.axes, e.type)
            sums[e] = Derived(name, e.axes, Expr("add", (start, taken(e.args[0])), (), e.axes, e.type, e.span), axis)
        return Expr("ref", (), (sums[e].name,), e.axes, e.type, e.span)

    def drawn(dist: Dist) -> Dist:
        args = tuple(None if a is None else taken(a) for a in dist.args)
        return replace(dist, args=args, inner=tuple(drawn(d) for d in dist.inner))

    every = [replace(p, dist=drawn(p.dist)) if isinstance(p, Site) else replace(p, value=taken(p.value)) for p in parts]
    return [*every, *sums.values()] if sums else parts


def reads_of(part: Part, axis: str) -> Iterator[tuple[str, int, object]]:
    """What a statement reads, and how far back along an axis."""
    yield from dist_reads_back(part.dist, axis) if isinstance(part, Site) else reads_back(part.value, axis)


def _axes_back(parts: list[Part]) -> Iterator[str]:
    """The axes along which the members of a circle read each other at earlier positions, and never at later ones."""
    names = {p.name for p in parts}
    told = (p.along for p in parts if isinstance(p, Derived) and p.along)
    lags = (str(e.attrs[0]) for p in parts for e in _within(_what(p)) if e.op == "lag")
    for axis in dict.fromkeys((*told, *lags)):
        found = [back for p in parts for name, back, _ in reads_of(p, axis) if name in names]
        if any(back > 0 for back in found) and all(back >= 0 for back in found):
            yield axis


def _what(part: Part) -> Expr | Dist:
    return part.dist if isinstance(part, Site) else part.value


def _within(what: Dist | Expr) -> Iterator[Expr]:
    """Every part of an expression, or of the arguments of a distribution."""
    if isinstance(what, Expr):
        yield what
    for part in (*what.args, *(what.inner if isinstance(what, Dist) else ())):
        if part is not None:
            yield from _within(part)


# ---- stretches of the axis ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stretch:
    """The positions from `first` to `last`, counted from 1; to the end where `last` is None."""

    first: int
    last: int | None


def stretches(circle: Circle) -> tuple[Stretch, ...]:
    """The axis in stretches along each of which every test of the position that decides what is read of the circle
    comes out the same way. The first stretch is the first position."""
    names = frozenset(circle.names)
    starts = {1, 2}
    for p in circle.parts:
        starts |= set(_cuts(_what(p), circle.axis, names, 0))
    firsts = sorted(s for s in starts if s >= 1)
    return tuple(Stretch(a, b) for a, b in zip(firsts, [*(f - 1 for f in firsts[1:]), None], strict=True))


def _cuts(what: Dist | Expr, axis: str, names: frozenset[str], back: int) -> Iterator[int]:
    """The positions at which a test that chooses between reads of the names comes out another way."""
    if isinstance(what, Expr) and what.op == "lag" and what.attrs[0] == axis:
        back += int(str(what.attrs[1]))
    is_choice = what.op == "where" if isinstance(what, Expr) else what.name == "where"
    if is_choice and reads_any(what, names):
        assert what.args[0] is not None
        yield from (at + back for at in _turns(what.args[0], axis))
    for part in (*what.args, *(what.inner if isinstance(what, Dist) else ())):
        if part is not None:
            yield from _cuts(part, axis, names, back)


def _turns(test: Expr, axis: str) -> Iterator[int]:
    found = _compared(test, axis)
    if found is None:
        for a in test.args:
            yield from _turns(a, axis)
        return
    op, at = found
    if op in ("eq", "ne", "lt", "ge"):
        yield at
    if op in ("eq", "ne", "le", "gt"):
        yield at + 1


def _compared(test: Expr, axis: str) -> tuple[str, int] | None:
    """The comparison of the position with a number, if this is one."""
    if test.op not in COMPARISONS:
        return None
    match test.args:
        case (Expr(op="pos", attrs=(along,)), Expr(op="lit", attrs=(at,))) if along == axis:
            return test.op, int(float(str(at)))
        case (Expr(op="lit", attrs=(at,)), Expr(op="pos", attrs=(along,))) if along == axis:
            return TURNED[test.op], int(float(str(at)))
        case _:
            return None


def decided(test: Expr, axis: str, stretch: Stretch, back: int) -> bool | None:
    """How a test comes out `back` positions before every position of a stretch; None where that is not known."""
    match test.op:
        case "lit":
            return bool(test.attrs[0])
        case "not":
            inner = decided(test.args[0], axis, stretch, back)
            return None if inner is None else not inner
        case "and" | "or":
            ways = [decided(a, axis, stretch, back) for a in test.args]
            settles = test.op == "or"
            return settles if settles in ways else None if None in ways else not settles
    compared = _compared(test, axis)
    if compared is None:
        return None
    op, at = compared
    answers = {COMPARISONS[op](p - back, at) for p in _ends(stretch, at + back)}
    return answers.pop() if len(answers) == 1 else None


def _ends(stretch: Stretch, at: int) -> tuple[int, ...]:
    """Positions that stand for a stretch: its ends, and those around the one that is compared with."""
    last = max(stretch.first, at) + 1 if stretch.last is None else stretch.last
    return tuple(p for p in (stretch.first, at - 1, at, at + 1, last) if stretch.first <= p <= last)


# ---- one step ----------------------------------------------------------------------------------------------------


def past_name(name: str, back: int) -> str:
    """What the value of a member some positions back is called in a step."""
    return f"{name}@-{back}"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the recursion of `names` along `axis`, on a stretch of it. The first position is a step of its own,
    without that axis."""

    axis: str
    names: frozenset[str]
    stretch: Stretch

    @property
    def is_first(self) -> bool:
        return self.stretch == Stretch(1, 1)

    def expr(self, e: Expr, back: int = 0) -> Expr:
        """An expression `back` positions before, its reads of members under the names of a step."""
        if not reads_any(e, self.names):
            return self._first(e) if self.is_first else self._lagged(e, back)
        if e.op == "ref":
            return replace(e, attrs=(past_name(str(e.attrs[0]), back),), axes=self._left(e.axes))
        if e.op == "lag" and e.attrs[0] == self.axis:
            return self.expr(e.args[0], back + int(str(e.attrs[1])))
        if e.op == "where":
            test = decided(e.args[0], self.axis, self.stretch, back)
            if test is not None:
                return self.expr(e.args[1 if test else 2], back)
        return replace(e, args=tuple(self.expr(a, back) for a in e.args), axes=self._left(e.axes))

    def dist(self, dist: Dist) -> Dist:
        """A distribution with its reads of members under the names of a step."""
        if dist.name == "where" and dist.args[0] is not None:
            test = decided(dist.args[0], self.axis, self.stretch, 0)
            if test is not None:
                return self.dist(dist.inner[0 if test else 1])
        args = tuple(None if a is None else self.expr(a) for a in dist.args)
        return replace(dist, args=args, inner=tuple(self.dist(d) for d in dist.inner), axes=self._left(dist.axes))

    def _left(self, axes: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(a for a in axes if a != self.axis) if self.is_first else axes

    def _lagged(self, e: Expr, back: int) -> Expr:
        moves = back and self.axis in e.axes
        return Expr("lag", (e,), (self.axis, back), e.axes, e.type, e.span) if moves else e

    def _first(self, e: Expr) -> Expr:
        """The first position of an expression that reads no member."""
        if self.axis not in e.axes:
            return e
        if e.op == "pos":
            return Expr("lit", (), (1.0,), (), "int", e.span)
        if e.op == "where":
            test = decided(e.args[0], self.axis, self.stretch, 0)
            if test is not None:
                return self._first(e.args[1 if test else 2])
        if e.op in PRIMITIVES:
            return replace(e, args=tuple(self._first(a) for a in e.args), axes=self._left(e.axes))
        return Expr("fix", (e,), (self.axis, 1), self._left(e.axes), e.type, e.span)


def reads_any(what: Dist | Expr, names: Collection[str]) -> bool:
    """Whether an expression or a distribution reads one of the names."""
    return any(e.op == "ref" and str(e.attrs[0]) in names for e in _within(what))


# ---- draws -------------------------------------------------------------------------------------------------------


def stepwise(graph: nx.DiGraph, sites: Mapping[str, Site], own: Mapping[str, Derived] | None = None) -> dict[str, str]:
    """The names that get their values position by position along with draws, each with the axis: draws that come back
    to themselves through earlier positions, and the derived values on the way. `sites` are the draws, `own` the derived
    values of a guide."""
    every = ((p, c.axis) for c in drawn_circles(graph, sites, own or {}) for p in c.parts)
    return {p.name: axis for p, axis in every if axis in p.axes and not p.name.startswith(RUNNING)}


def drawn_circles(graph: nx.DiGraph, sites: Mapping[str, Site], own: Mapping[str, Derived]) -> list[Circle]:
    """The circles that draws are part of."""
    return [c for c in circles(sources(graph, sites, own)) if any(name in sites for name in c.names)]


def bounded_sites(graph: nx.DiGraph) -> list[Site]:
    """The unknowns that live between ends that are computed, with nothing but these ends in their distributions."""
    found = []
    for n in node_list(graph):
        if isinstance(n.of, Site) and n.kind == "unknown" and n.of.dist.kind == "real" and not n.of.dist.event:
            place = domain(n.of.dist)
            if any(end is not None and end.op != "lit" for end in (place.low, place.high)):
                ends = Dist("Truncated", (place.low, place.high), (FLAT,), (), n.of.dist.axes)
                found.append(replace(n.of, dist=ends))
    return found


def sources(graph: nx.DiGraph, sites: Mapping[str, Site], own: Mapping[str, Derived]) -> list[Part]:
    """Where the value of each name comes from."""
    found: dict[str, Part] = {n.name: n.of for n in node_list(graph) if isinstance(n.of, Derived)}
    found |= {s.name: s for s in bounded_sites(graph)}
    return list({**found, **own, **sites}.values())

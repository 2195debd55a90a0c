"""Which finite discrete unknowns can be summed out exactly, inside the plates that their names declare.

A discrete unknown is replaced by all its levels along an axis of its own; every density that it reaches then has that
axis, is summed down to the plate of the unknown, and the levels are added up: sum over z of prod over the plate = prod
over the plate of sum over z, because each density reads only its own position of z. Where densities read the position
before as well, along one axis, the unknown is a chain along that axis: its levels one step back have an axis of their
own, and the sum over all paths is one step of the forward algorithm per position. Densities that read two or three
positions back make a chain whose states are tuples of as many levels. Where one reads another position (farther back,
a sum over the plate), the plate does not factorise and the unknown is left to other estimators."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import networkx as nx

from ppl.check.core import ColumnSpec, Derived, Dist, Expr, FactorTerm, Site
from ppl.check.reads import names_in
from ppl.graph.graph import Node, core_of, expressions, is_read, node_list
from ppl.rewrite.order import MEMORY, OWN, Access, Elimination, Refusal, Step, joined, positions, schedule
from ppl.source.span import NOWHERE
from ppl.stdlib.distributions import DISTRIBUTIONS

__all__ = ["OWN", "Access", "Elimination", "Refusal", "Step", "eliminations", "is_discrete", "read_by", "ways"]

REDUCING = frozenset(
    ["sum", "prod", "mean", "var", "sd", "min", "max", "argmax", "logsumexp", "cumsum", "softmax", "dot"]
)


def eliminations(graph: nx.DiGraph) -> dict[str, Elimination | Refusal]:
    """For every discrete unknown, its elimination or the reason against it."""
    found = {n.name: _elimination(n, graph) for n in node_list(graph) if is_discrete(n)}
    while stuck := schedule([e for e in found.values() if isinstance(e, Elimination)])[1]:
        # without one of those that are in each other's way, the others may do
        name = list(stuck)[-1]
        found[name] = Refusal(stuck[name], graph.nodes[name]["node"].span)
    return found


def is_discrete(node: Node) -> bool:
    return node.kind in ("unknown", "imputed") and node.dist is not None and node.dist.kind != "real"


def _elimination(node: Node, graph: nx.DiGraph) -> Elimination | Refusal:
    assert node.dist is not None
    family = unbounded(node.dist)
    if family and node.kind == "imputed" and not is_read(graph, node.name):
        return Elimination(node.name, node.axes, ((node.name, Access()),), leaf=True)
    if node.dist.event:
        return Refusal("it is a vector of counts", node.dist.span)
    if any(not _is_known(end, graph) or any(_accesses(end, node, graph)) for end in _ends(node.dist)):
        return Refusal("its range depends on an unknown", node.dist.span)
    accesses = _readers(node, graph)
    if isinstance(accesses, Refusal):
        return accesses
    along = dict.fromkeys(way.along for _, way in accesses if way.lag)
    if len(along) > 1:
        return Refusal(f"it is a chain along `{'` and `'.join(along)}` at once", node.span)
    return Elimination(
        node.name,
        node.axes,
        tuple(accesses),
        along=next(iter(along), ""),
        memory=max((way.lag for _, way in accesses), default=1) or 1,
        levels=_levels(node.dist, graph),
        open=bool(family),
        columns=_counts_seen(node.dist, [name for name, _ in accesses], graph) if family else (),
        unread=node.kind == "unknown" and accesses == [(node.name, OWN)],
    )


def _readers(node: Node, graph: nx.DiGraph) -> list[tuple[str, Access]] | Refusal:
    """The densities that read an unknown, and how; or the first that couples its positions."""
    accesses = []
    for other in node_list(graph):
        if not isinstance(other.of, (Site, FactorTerm)):
            continue
        if _moves_support(other, node, graph):
            return Refusal(f"the support of `{other.name}` depends on it", other.span)
        way = joined(ways(other, node, graph), MEMORY)
        if way is not None and way.reason:
            return Refusal(way.reason.format(term=other.name), way.where if way.where != NOWHERE else other.span)
        if way is not None:
            accesses.append((other.name, way))
    return accesses


def _counts_seen(dist: Dist, terms: Sequence[str], graph: nx.DiGraph) -> tuple[str, ...]:
    """The columns of whole numbers whose densities are among `terms`, or with which the range begins."""
    nodes: list[Node] = [
        graph.nodes[t]["node"] for t in (*terms, *(n for e in _ends(dist) for n in names_in(e))) if t in graph
    ]
    sites = [n.of for n in nodes if n.kind in ("observed", "imputed")]
    seen = [s.name for s in sites if isinstance(s, Site) and s.value is None and s.dist.kind == "int"]
    return (*seen, *(n.of.name for n in nodes if isinstance(n.of, ColumnSpec) and n.of.kind == "int"))


def unbounded(dist: Dist) -> str:
    """The name of a family without a largest value in it, or ""."""
    if dist.name == "Truncated" and dist.args[1] is not None:
        return ""
    row = DISTRIBUTIONS.get(dist.name)
    if row is None:
        return next((x for x in map(unbounded, dist.inner) if x), "")
    return row.name if row.support.kind == "integer" and not row.support.high else ""


def _levels(dist: Dist, graph: nx.DiGraph) -> int:
    """How many levels a distribution has, where the model alone says so; otherwise 0."""
    row = DISTRIBUTIONS.get(dist.name)
    if row is None:
        return max((_levels(d, graph) for d in dist.inner), default=0)
    if row.kind != "level":
        return 2 * (row.kind == "bool")
    over = str(dist.attrs[0]).rstrip("'")
    return next((a.size or 0 for a in core_of(graph).axes if a.name == over), 0)


def _is_known(e: Expr, graph: nx.DiGraph) -> bool:
    """Whether a value depends on data and on discrete unknowns alone."""
    if e.op == "ref" and str(e.attrs[0]) not in graph:
        return False
    if e.op != "ref":
        return all(_is_known(a, graph) for a in e.args)
    node: Node = graph.nodes[str(e.attrs[0])]["node"]
    if isinstance(node.of, Derived):
        return _is_known(node.of.value, graph)
    return isinstance(node.of, ColumnSpec) or is_discrete(node)


def _moves_support(other: Node, unknown: Node, graph: nx.DiGraph) -> bool:
    """Whether the ends of a continuous unknown would differ from level to level: no one coordinate then serves them
    all."""
    if other.dist is None or other.kind == "observed" or other.dist.kind != "real":
        return False
    return any(True for end in _ends(other.dist) for _ in _accesses(end, unknown, graph))


def _ends(dist: Dist) -> Iterator[Expr]:
    """The arguments that are ends of the support."""
    row = DISTRIBUTIONS.get(dist.name)
    if row is not None:
        ends = (row.support.low, row.support.high)
        yield from (a for p, a in zip(row.params, dist.args, strict=True) if a is not None and p.name in ends)
    elif dist.name == "Truncated":
        yield from (a for a in dist.args if a is not None)
    for inner in dist.inner:
        yield from _ends(inner)


def read_by(node: Node, found: Mapping[str, Elimination], graph: nx.DiGraph) -> dict[str, Access] | None:
    """How a derived value reads the unknowns that are summed out; None where it couples more of their positions than
    the densities do."""
    read = {z: joined(ways(node, graph.nodes[z]["node"], graph), found[z].memory) for z in found}
    if any(w is not None and (w.reason or w.along not in ("", found[z].along)) for z, w in read.items()):
        return None
    return {z: w for z, w in read.items() if w is not None}


# ---- how a density reads an unknown ------------------------------------------------------------------------------


def ways(term: Node, unknown: Node, graph: nx.DiGraph) -> tuple[Access, ...]:
    """The different ways in which a density or derived value reads an unknown, derived values looked through: at its
    own position, by an index of the data, some positions back along an axis, or coupling positions (`reason`)."""
    return tuple(dict.fromkeys(_in_full(way, unknown) for way in _term_accesses(term, unknown, graph)))


def _in_full(way: Access, z: Node) -> Access:
    """A way that names positions along all axes of an unknown, or along none."""
    left = _own_axes(way, z)
    if way.index is None or not left:
        return way
    known = "` and `".join(a for a in z.axes if a not in left)
    return Access(reason=f"it is looked up along `{known}` alone", where=way.where)


def _own_axes(way: Access, z: Node) -> tuple[str, ...]:
    """The axes of an unknown along which no position is named so far."""
    return z.axes if way.index is None else tuple(a for a in z.axes if a not in positions(way.index, z.axes))


def _term_accesses(term: Node, unknown: Node, graph: nx.DiGraph) -> Iterator[Access]:
    if term.name == unknown.name:
        yield Access()
    for e in expressions(term):
        yield from _accesses(e, unknown, graph)


def _accesses(e: Expr, z: Node, graph: nx.DiGraph) -> Iterator[Access]:
    if e.op == "ref":
        name = str(e.attrs[0])
        if name == z.name:
            yield Access()
        elif name in graph and isinstance(graph.nodes[name]["node"].of, Derived):
            of = graph.nodes[name]["node"].of
            if not of.along:
                yield from _accesses(of.value, z, graph)
            elif _feeds(z.name, name, graph):
                yield Access(reason=f"the recursion `{name}` couples its positions", where=e.span)
        return
    for i, arg in enumerate(e.args):
        for way in _accesses(arg, z, graph):
            yield _after(e, i, way, z, graph)


def _feeds(z: str, name: str, graph: nx.DiGraph) -> bool:
    """Whether a derived value depends on an unknown, however far back along its recursion."""
    seen, waiting = set[str](), [name]
    while waiting:
        here = waiting.pop()
        if here == z:
            return True
        if here not in seen and here in graph and isinstance(graph.nodes[here]["node"].of, Derived):
            waiting += names_in(graph.nodes[here]["node"].of.value)
        seen.add(here)
    return False


def _after(e: Expr, i: int, way: Access, z: Node, graph: nx.DiGraph) -> Access:
    """The way in which `e` reads z when its argument i reads it in a way."""
    axis = str(e.attrs[0]) if e.attrs else ""
    left, named = _own_axes(way, z), () if way.index is None else way.index.axes
    if way.reason or axis not in (*left, *named):
        return way
    if e.op in ("take", "takepos") and i == 0:
        index = e.args[1] if e.op == "take" else _from_zero(e.args[1])
        if axis in left and axis not in named and _is_data(index, graph):
            return replace(way, index=_at(way.index, axis, replace(index, span=NOWHERE), z), where=e.span)
        return Access(reason=f"it is looked up along `{axis}` in more than one way", where=e.span)
    if e.op == "lag":
        return _lagged(e, way, z)
    if e.op == "fix":
        return Access(reason=f"one position along `{axis}` is read by all", where=e.span)
    if e.op in REDUCING:
        return Access(reason=f"`{_word(e.op)}` over `{axis}` couples all its values", where=e.span)
    if e.op == "rename":
        return Access(reason=f"two positions along `{axis}` are read at once", where=e.span)
    return way


def _lagged(e: Expr, way: Access, z: Node) -> Access:
    """What an expression reads some positions back: the index of what it reads here, or one more step of a chain."""
    axis, k = str(e.attrs[0]), int(str(e.attrs[1]))
    if way.index is not None:
        if axis in _own_axes(way, z):
            return Access(reason=f"it is looked up, and read back along `{axis}`", where=e.span)
        args = way.index.args if way.index.op == "at" else (way.index,)
        back = tuple(Expr("lag", (a,), (axis, k), a.axes, a.type) for a in args)
        return replace(way, index=replace(way.index, args=back) if way.index.op == "at" else back[0], where=e.span)
    if way.lag and way.along != axis:
        return Access(reason=f"it is read back along `{way.along}` and along `{axis}` at once", where=e.span)
    return replace(way, lag=way.lag + k, along=axis, where=e.span)


def _at(known: Expr | None, axis: str, index: Expr, z: Node) -> Expr:
    """An index with a position along one more axis."""
    if z.axes == (axis,):
        return index
    every = {**({} if known is None else positions(known, z.axes)), axis: index}
    axes = tuple(a for a in z.axes if a in every)
    read = tuple(dict.fromkeys(a for e in every.values() for a in e.axes))
    return Expr("at", tuple(every[a] for a in axes), axes, read, "int")


def _from_zero(position: Expr) -> Expr:
    """The 0-based level of a position that counts from 1."""
    return Expr("sub", (position, Expr("lit", (), (1.0,))), (), position.axes, "int")


def _word(op: str) -> str:
    return "@" if op == "dot" else op


def _is_data(e: Expr, graph: nx.DiGraph) -> bool:
    """An index that is known when the data are read."""
    if e.op != "ref" or str(e.attrs[0]) not in graph:
        return all(_is_data(a, graph) for a in e.args)
    node: Node = graph.nodes[str(e.attrs[0])]["node"]
    if isinstance(node.of, Derived):
        return not node.of.along and _is_data(node.of.value, graph)
    return isinstance(node.of, ColumnSpec)

"""Which finite discrete unknowns can be summed out exactly, inside the plates that their names declare.

A discrete unknown is replaced by all its levels along an axis of its own; every density that it reaches then has that
axis, is summed down to the plate of the unknown, and the levels are added up: sum over z of prod over the plate = prod
over the plate of sum over z, because each density reads only its own position of z. Where one reads another position (a
lag, a sum over the plate), the plate does not factorise and the unknown is left to other estimators."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import networkx as nx

from ppl.check.core import Derived, Dist, Expr, FactorTerm, Site
from ppl.graph.graph import Node, expressions, node_list
from ppl.source.span import NOWHERE, Span
from ppl.stdlib.distributions import DISTRIBUTIONS

REDUCING = frozenset(
    ["sum", "prod", "mean", "var", "sd", "min", "max", "argmax", "logsumexp", "cumsum", "softmax", "dot"]
)


@dataclass(frozen=True, slots=True)
class Access:
    """How a density reads a discrete unknown: each position its own (`index` None), the position that an index of the
    data names, or, with a `reason`, in a way that couples positions."""

    index: Expr | None = None
    reason: str = ""
    where: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Elimination:
    """An unknown that is summed out, and how each density that it reaches reads it. A `leaf` is blank cells that
    nothing else reads: their probabilities add up to one, whatever the levels."""

    name: str
    axes: tuple[str, ...]
    accesses: tuple[tuple[str, Access], ...]
    leaf: bool = False

    @property
    def by_term(self) -> Mapping[str, Access]:
        return dict(self.accesses)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an unknown cannot be summed out, and where that is said."""

    reason: str
    where: Span


def eliminations(graph: nx.DiGraph) -> dict[str, Elimination | Refusal]:
    """For every discrete unknown, its elimination or the reason against it."""
    discrete = [n for n in node_list(graph) if is_discrete(n)]
    found = {n.name: _elimination(n, graph) for n in discrete}
    _, stuck = schedule([e for e in found.values() if isinstance(e, Elimination)])
    crossed = {
        name: Refusal(f"it meets `{other}` across plates", graph.nodes[name]["node"].span)
        for name, other in stuck.items()
    }
    return {**found, **crossed}


def is_discrete(node: Node) -> bool:
    return node.kind in ("unknown", "imputed") and node.dist is not None and node.dist.kind != "real"


def _elimination(node: Node, graph: nx.DiGraph) -> Elimination | Refusal:
    assert node.dist is not None
    infinite = _infinite(node.dist)
    if infinite and node.kind == "imputed" and not any(True for n in graph.successors(node.name)):
        return Elimination(node.name, node.axes, ((node.name, Access()),), leaf=True)
    if infinite:
        return Refusal(f"{infinite} has no largest value", node.dist.span)
    accesses = []
    for other in node_list(graph):
        if not isinstance(other.of, (Site, FactorTerm)):
            continue
        if _moves_support(other, node, graph):
            return Refusal(f"the support of `{other.name}` depends on it", other.span)
        ways = set(_term_accesses(other, node, graph))
        bad = next((w for w in ways if w.reason), None)
        if bad is not None:
            return Refusal(bad.reason, bad.where)
        if len(ways) > 1:
            return Refusal(f"`{other.name}` reads two positions of it at once", other.span)
        accesses += [(other.name, way) for way in ways]
    return Elimination(node.name, node.axes, tuple(accesses))


def _infinite(dist: Dist) -> str:
    """The name of a family without a largest value in it, or ""."""
    row = DISTRIBUTIONS.get(dist.name)
    if row is None:
        return next((x for x in map(_infinite, dist.inner) if x), "")
    return row.name if row.support.kind == "integer" and not row.support.high else ""


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
    """How a derived value reads the unknowns that are summed out; None where it couples their positions."""
    ways = {z: set(_term_accesses(node, graph.nodes[z]["node"], graph)) for z in found}
    if any(len(w) > 1 or any(a.reason for a in w) for w in ways.values()):
        return None
    return {z: next(iter(w)) for z, w in ways.items() if w}


# ---- one unknown after another -----------------------------------------------------------------------------------

Ways = Mapping[str, Access]
OWN = Access()


def schedule(found: Sequence[Elimination], extra: Sequence[Ways] = ()) -> tuple[list[Elimination], dict[str, str]]:
    """The order in which unknowns can be summed out, each inside its plate: inner plates first, within one plate the
    last defined first. And those for which there is no order, each with an unknown in its way. `extra` is how more
    densities read them."""
    place = {e.name: i for i, e in enumerate(found)}
    waiting = sorted((e for e in found if not e.leaf), key=lambda e: (-len(e.axes), -place[e.name]))
    axes = {e.name: e.axes for e in waiting}
    terms = dict.fromkeys(term for e in waiting for term in e.by_term)
    densities: list[Ways] = [{e.name: e.by_term[t] for e in waiting if t in e.by_term} for t in terms]
    densities += extra
    done: list[Elimination] = []
    while waiting:
        left = {e.name: after(e, [d for d in densities if e.name in d], axes) for e in waiting}
        e = next((e for e in waiting if not isinstance(left[e.name], str)), None)
        if e is None:
            inner = max(len(e.axes) for e in waiting)
            return done, {e.name: str(left[e.name]) for e in waiting if len(e.axes) == inner}
        ways = left[e.name]
        assert not isinstance(ways, str)
        densities = [*(d for d in densities if e.name not in d), ways]
        waiting.remove(e)
        done.append(e)
    return done, {}


def after(e: Elimination, touched: Sequence[Ways], axes: Mapping[str, tuple[str, ...]]) -> Ways | str:
    """How what is left of the touched densities reads the other unknowns once `e` is summed out, or the name of one
    that it would read at several positions. `axes` are those of every unknown."""
    left: dict[str, Access] = {}
    for ways in touched:
        for name, way in ways.items():
            if name != e.name:
                moved = _moved(way, axes[name], ways[e.name], e)
                if moved is None or left.setdefault(name, moved) != moved:
                    return name
    return left


def _moved(way: Access, axes: tuple[str, ...], through: Access, e: Elimination) -> Access | None:
    """The way in which an unknown over `axes` is read, in terms of the plate of `e`, which the density reads `through`
    its own way; None where one position of that plate would meet several of the unknown."""
    if not axes:
        return way
    if through.index is None:
        read = axes if way.index is None else way.index.axes
        return way if set(read) <= set(e.axes) else None
    return OWN if way == through and axes == e.axes else None


# ---- how a density reads an unknown ------------------------------------------------------------------------------


def _term_accesses(term: Node, unknown: Node, graph: nx.DiGraph) -> Iterator[Access]:
    if term.name == unknown.name:
        yield Access()
    for e in expressions(term):
        yield from _accesses(e, unknown, graph)


def _accesses(e: Expr, z: Node, graph: nx.DiGraph) -> Iterator[Access]:
    """The ways in which an expression reads z, derived values looked through."""
    if e.op == "ref":
        name = str(e.attrs[0])
        if name == z.name:
            yield Access()
        elif name in graph and isinstance(graph.nodes[name]["node"].of, Derived):
            yield from _accesses(graph.nodes[name]["node"].of.value, z, graph)
        return
    for i, arg in enumerate(e.args):
        for way in _accesses(arg, z, graph):
            yield _after(e, i, way, z)


def _after(e: Expr, i: int, way: Access, z: Node) -> Access:
    """The way in which `e` reads z when its argument i reads it in a way."""
    axis = str(e.attrs[0]) if e.attrs else ""
    if way.reason or axis not in z.axes or (way.index is not None and axis not in way.index.axes):
        return way
    if e.op in ("take", "takepos") and i == 0:
        index = e.args[1] if e.op == "take" else _from_zero(e.args[1])
        if way.index is None and z.axes == (axis,) and _only_data(index):
            return Access(replace(index, span=NOWHERE), where=e.span)
        return Access(reason=f"it is looked up along `{axis}` in more than one way", where=e.span)
    if e.op == "lag":
        return Access(reason=f"each value depends on the one before along `{axis}` (a chain)", where=e.span)
    if e.op == "fix":
        return Access(reason=f"one position along `{axis}` is read by all", where=e.span)
    if e.op in REDUCING:
        return Access(reason=f"`{_word(e.op)}` over `{axis}` couples all its values", where=e.span)
    if e.op == "rename":
        return Access(reason=f"two positions along `{axis}` are read at once", where=e.span)
    return way


def _from_zero(position: Expr) -> Expr:
    """The 0-based level of a position that counts from 1."""
    return Expr("sub", (position, Expr("lit", (), (1.0,))), (), position.axes, "int")


def _word(op: str) -> str:
    return "@" if op == "dot" else op


def _only_data(e: Expr) -> bool:
    """An index that is a column, or a lag of one: known when the data are read."""
    return e.op in ("ref", "level", "lit", "pos") or (bool(e.args) and all(_only_data(a) for a in e.args))

"""Which drawn unknowns can have all their levels listed, and costs averaged over them with the guide's probabilities:
those of which every term reads one position at a time, or that and the one before. What is drawn given an unknown
varies with its levels, so that a term reads it through the draws too."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import networkx as nx

from ppl.check.core import Derived, Expr, FactorTerm, Guide, Site
from ppl.graph.graph import Node, core_of, drawn_sites, expressions, node_list
from ppl.rewrite.eliminate import eliminations, ways
from ppl.rewrite.order import Access, Elimination, after, joined, schedule
from ppl.rewrite.recurrence import stepwise
from ppl.source.diagnostic import Bug
from ppl.source.span import NOWHERE, Span


@dataclass(frozen=True, slots=True)
class Listing:
    """How every term reads a listed unknown; `along` is the axis of which the position before is read. With a
    `reason`, why its levels cannot be listed."""

    accesses: Mapping[str, Access]
    along: str = ""
    reason: str = ""
    where: Span = field(default=NOWHERE, compare=False)


def guide_name(name: str) -> str:
    """The name of the term that a guide's draw adds."""
    return f"guide {name}"


def listing(graph: nx.DiGraph, guide: Guide | None, name: str) -> Listing:
    """How all terms of model and guide read an unknown."""
    whole = with_draws(with_guide(graph, guide), guide, name)
    unknown = whole.nodes[name]["node"]
    found: dict[str, Access] = {}
    for term in _terms(graph, guide):
        way = joined(_ways(term, unknown, whole))
        if way is None:
            continue
        if way.reason:
            return Listing({}, "", way.reason.format(term=term.name), way.where)
        if way.lag and term.kind == "guide":
            return Listing({}, "", "its guide is a chain", way.where)
        found[term.name] = way
    left = _left_by_sums(found, unknown, graph, drawn_sites(core_of(graph), guide))
    if isinstance(left, str):
        return Listing({}, "", left, unknown.span)
    found = left
    if any(w.lag > 1 for w in found.values()):
        return Listing({}, "", "it is read several steps back", unknown.span)
    alongs = {w.along for w in found.values() if w.lag}
    if len(alongs) > 1:
        return Listing({}, "", "it is read back along two axes", unknown.span)
    return Listing(found, next(iter(alongs), ""))


def _left_by_sums(
    found: Mapping[str, Access], unknown: Node, graph: nx.DiGraph, drawn: Mapping[str, Site]
) -> dict[str, Access] | str:
    """How the terms read an unknown once others are summed out of the model, each sum then being one term; or why one
    sum would read several of its positions."""
    summed = [e for n, e in eliminations(graph).items() if isinstance(e, Elimination) and n not in drawn]
    terms = dict.fromkeys((*found, *(t for e in summed for t in e.by_term)))
    ways_of = {e.name: e.by_term for e in summed} | {unknown.name: found}
    pending = {t: {z: w[t] for z, w in ways_of.items() if t in w} for t in terms}
    axes = {e.name: e.axes for e in summed} | {unknown.name: unknown.axes}
    for step in schedule(summed)[0]:
        touched = [t for t, w in pending.items() if set(step.names) & set(w)]
        left = after(step, [pending.pop(t) for t in touched], axes)
        if left == unknown.name:
            return f"the sum over `{step.names[0]}` couples its positions"
        if isinstance(left, str):
            raise Bug(f"`{left}` is in the way")
        pending[" ".join(step.names)] = dict(left)
    return {t: w[unknown.name] for t, w in pending.items() if unknown.name in w}


def with_guide(graph: nx.DiGraph, guide: Guide | None) -> nx.DiGraph:
    """The graph with the derived values of a guide among its nodes."""
    own = [s for s in (guide.statements if guide is not None else ()) if isinstance(s, Derived)]
    if not own:
        return graph
    out = nx.DiGraph(graph)
    for s in own:
        out.add_node(s.name, node=Node(s.name, "derived", s.axes, s, None, s.span))
    return out


def with_draws(graph: nx.DiGraph, guide: Guide | None, name: str) -> nx.DiGraph:
    """The graph with the other draws as values derived from what their distributions read; those of which several
    positions are drawn at once read all of them."""
    sites = {n: s for n, s in drawn_sites(core_of(graph), guide).items() if n != name}
    along = stepwise(graph, sites)
    out = nx.DiGraph(graph)
    for n, axis in along.items():
        node = out.nodes[n]["node"]
        if isinstance(node.of, Derived):
            out.add_node(n, node=replace(node, of=replace(node.of, along=axis)))
    for s in sites.values():
        value = Expr("add", tuple(expressions(Node(s.name, "guide", s.axes, s, None, s.span))), (), s.axes)
        for axis in s.dist.event:
            value = Expr("sum", (value,), (axis,), s.axes, span=s.span)
        drawn = Derived(s.name, s.axes, value, along.get(s.name, ""))
        out.add_node(s.name, node=Node(s.name, "derived", s.axes, drawn, None, s.span))
    return out


def _ways(term: Node, unknown: Node, graph: nx.DiGraph) -> Iterator[Access]:
    """How a term reads an unknown: as it is written, and through the value whose density it is."""
    yield from ways(term, unknown, graph)
    own = term.of.name if isinstance(term.of, Site) else ""
    if own in graph and own != unknown.name and isinstance(graph.nodes[own]["node"].of, Derived):
        yield from ways(graph.nodes[own]["node"], unknown, graph)


def _terms(graph: nx.DiGraph, guide: Guide | None) -> Iterator[Node]:
    core = core_of(graph)
    if core.objective is not None:
        value = core.objective.value
        yield Node("objective", "factor", value.axes, FactorTerm("objective", value), None, core.objective.span)
    for node in node_list(graph):
        if isinstance(node.of, (Site, FactorTerm)):
            yield node
    for s in guide.statements if guide is not None else ():
        if isinstance(s, Site):
            yield Node(guide_name(s.name), "guide", s.axes, s, None, s.span)

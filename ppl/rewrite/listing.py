"""Which drawn unknowns can have all their levels listed, and costs averaged over them with the guide's probabilities:
those of which every term reads one position at a time, or that and the one before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import networkx as nx

from ppl.check.core import Derived, FactorTerm, Guide, Site
from ppl.graph.graph import Node, core_of, node_list
from ppl.rewrite.eliminate import ways
from ppl.rewrite.order import Access, joined
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
    whole = with_guide(graph, guide)
    unknown = whole.nodes[name]["node"]
    found: dict[str, Access] = {}
    for term in _terms(graph, guide):
        way = joined(ways(term, unknown, whole))
        if way is None:
            continue
        if way.reason:
            return Listing({}, "", way.reason.format(term=term.name), way.where)
        if way.lag and term.kind == "guide":
            return Listing({}, "", "its guide is a chain", way.where)
        found[term.name] = way
    alongs = {w.along for w in found.values() if w.lag}
    if len(alongs) > 1:
        return Listing({}, "", "it is read back along two axes", unknown.span)
    return Listing(found, next(iter(alongs), ""))


def with_guide(graph: nx.DiGraph, guide: Guide | None) -> nx.DiGraph:
    """The graph with the derived values of a guide among its nodes."""
    own = [s for s in (guide.statements if guide is not None else ()) if isinstance(s, Derived)]
    if not own:
        return graph
    out = nx.DiGraph(graph)
    for s in own:
        out.add_node(s.name, node=Node(s.name, "derived", s.axes, s, None, s.span))
    return out


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

"""Names that get their values when they are first read, and recursions, which get them one position after the other."""

from collections.abc import Callable, Mapping

import networkx as nx

from ppl.check.core import Derived
from ppl.emit.lower import Lowering
from ppl.emit.val import Val
from ppl.graph.graph import core_of, node_list
from ppl.rewrite.unroll import at_name, at_position


class Names(dict[str, Val]):
    """What names stand for; one that is not known yet is found when it is first read."""

    def __init__(self, known: Mapping[str, Val], find: Callable[[str], Val]) -> None:
        super().__init__(known)
        self.find = find

    def __missing__(self, name: str) -> Val:
        found = self[name] = self.find(name)
        return found


def recursions(graph: nx.DiGraph, axis: str) -> frozenset[str]:
    """The derived values that are computed position by position along an axis."""
    return frozenset(n.name for n in node_list(graph) if isinstance(n.of, Derived) and n.of.along == axis)


def length(graph: nx.DiGraph, axis: str) -> int:
    """The length of the axis of a recursion, which the model fixes."""
    size = next(a.size for a in core_of(graph).axes if a.name == axis)
    assert size is not None
    return size


def whole(s: Lowering, graph: nx.DiGraph, name: str, axis: str) -> Val:
    """All positions of a sequence, side by side."""
    items = tuple(s.names[at_name(name, i + 1)] for i in range(length(graph, axis)))
    return s.b.node("stack", items, (axis,), (*(a for v in items for a in v.axes), axis))


def step(s: Lowering, graph: nx.DiGraph, name: str) -> Val:
    """One position `name@i` of a recursion of derived values."""
    start, position = name.rsplit("@", 1)
    of = graph.nodes[start]["node"].of
    if not isinstance(of, Derived):
        raise KeyError(name)
    known = recursions(graph, of.along)
    return s.expr(at_position(of.value, of.along, int(position), known))

"""The computation graph: one frozen networkx DiGraph, a node for each column, unknown, derived value and density."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import networkx as nx

from ppl.check.core import ColumnSpec, Core, Derived, Dist, Expr, FactorTerm, Guide, Joint, Param, Site
from ppl.check.reads import joint_reads, names_in, reads, statement_expressions
from ppl.source.diagnostic import Bug
from ppl.source.span import NOWHERE, Span

KINDS = ("data", "unknown", "imputed", "observed", "derived", "factor")


@dataclass(frozen=True, slots=True)
class Plan:
    """What the compiler decided for an unknown. `estimator` is a row of `ESTIMATORS`; `level` is how rough the log
    density is in it, along every path; `where` is the place that decided. `biased` says why the estimate is not
    unbiased: only what the author asked for is. `others` are the estimators that would be sound as well. `splits` are
    the comparisons that this estimator answers for; those of other unknowns that meet there are answered for by
    it too."""

    estimator: str
    level: str
    reason: str
    where: Span | None = field(default=None, compare=False)
    cost: str = ""
    biased: str = ""
    others: tuple[str, ...] = ()
    splits: tuple[Expr, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `of` is what it was lowered from."""

    name: str
    kind: str
    axes: tuple[str, ...]
    of: ColumnSpec | Site | Derived | FactorTerm
    plan: Plan | None = None
    span: Span = field(default=NOWHERE, compare=False, repr=False)

    @property
    def dist(self) -> Dist | None:
        return self.of.dist if isinstance(self.of, Site) else None


def lower(core: Core) -> nx.DiGraph:
    """The graph of a checked model. Edges run from what is read to what reads it; what is read at earlier positions
    only, of itself or of a name further down in the same loop, is no edge. A column
    that is both observed and read has two nodes: its values, and its density, whose name ends in ` ~`."""
    density_only = {s.name for s in core.statements if isinstance(s, Site) and s.role != "unknown"}
    read = set().union(*(reads(s) for s in core.statements))
    both = {s.name for s in core.statements if isinstance(s, Site) and s.role == "observed" and s.name in read}
    columns = [
        Node(c.name, "data", c.axes, c, None, c.span) for c in core.data.columns if c.name not in density_only - both
    ]
    return assemble([*columns, *(_node(s, s.name in both) for s in core.statements)], core)


def _node(s: Site | Derived | FactorTerm, read: bool) -> Node:
    match s:
        case Site():
            return Node(f"{s.name} ~" if read else s.name, s.role, s.axes, s, None, s.span)
        case Derived():
            return Node(s.name, "derived", s.axes, s, None, s.span)
        case FactorTerm():
            return Node(s.name, "factor", s.value.axes, s, None, s.span)


def assemble(
    nodes: Iterable[Node],
    core: Core,
    levels: Mapping[tuple[str, str], str] | None = None,
    guide: Guide | None = None,
) -> nx.DiGraph:
    """A frozen graph of these nodes, its edges read off them; `levels` are how rough each edge is, `guide` the guide
    that the unknowns are to be drawn from."""
    graph = nx.DiGraph(core=core, guide=guide)
    for node in nodes:
        graph.add_node(node.name, node=node)
    place = {name: i for i, name in enumerate(graph.nodes)}
    for node in node_list(graph):
        if not isinstance(node.of, ColumnSpec):
            for parent in sorted(reads(node.of)):
                if parent in graph and place[parent] < place[node.name]:
                    level = (levels or {}).get((parent, node.name), "")
                    graph.add_edge(parent, node.name, level=level)
    return nx.freeze(graph)


def is_read(graph: nx.DiGraph, name: str) -> bool:
    """Whether any node reads a name, the node itself at earlier positions among them."""
    return any(not isinstance(n.of, ColumnSpec) and name in reads(n.of) for n in node_list(graph))


def node_list(graph: nx.DiGraph) -> list[Node]:
    """The nodes, in the order of the model file."""
    return [graph.nodes[name]["node"] for name in graph.nodes]


def core_of(graph: nx.DiGraph) -> Core:
    core: Core = graph.graph["core"]
    return core


def guide_of(graph: nx.DiGraph) -> Guide | None:
    """The author's guide that the graph is planned with, if any."""
    guide: Guide | None = graph.graph.get("guide")
    return guide


def learned_params(graph: nx.DiGraph, guide: Guide | None) -> tuple[Param, ...]:
    """The parameters that are learned with this guide: those of the file and of the guide, without the weights of nets
    that only other guides call."""
    core = core_of(graph)
    own = guide.statements if guide is not None else ()
    read = set().union(*(reads(n.of) for n in node_list(graph) if not isinstance(n.of, ColumnSpec)), *map(reads, own))
    read |= set().union(*map(joint_reads, guide.joints)) if guide is not None else set()
    read |= names_in(core.objective.value) if core.objective is not None else set()
    params = (*core.params, *(guide.params if guide is not None else ()))
    return tuple(p for p in params if not p.net or p.name in read)


def drawn_sites(core: Core, guide: Guide | None) -> dict[str, Site]:
    """The sites that draws come from: those of the guide; of the model itself where it has an objective."""
    statements = core.statements if core.objective is not None else guide.statements if guide is not None else ()
    return {s.name: s for s in statements if isinstance(s, Site) and s.role in ("guide", "unknown")}


def joined(guide: Guide | None) -> dict[str, Joint]:
    """The unknowns that a guide draws by their coordinates, each with its joint draw."""
    return {name: joint for joint in (guide.joints if guide is not None else ()) for name in joint.names}


def replaced(graph: nx.DiGraph, new: Mapping[str, Node]) -> nx.DiGraph:
    """The graph with some nodes replaced; edge levels that still hold are kept."""
    levels = {(u, v): data["level"] for u, v, data in graph.edges(data=True)}
    return assemble([new.get(n.name, n) for n in node_list(graph)], core_of(graph), levels, guide_of(graph))


def expressions(node: Node) -> Iterator[Expr]:
    """The expressions that a node computes from."""
    if not isinstance(node.of, ColumnSpec):
        yield from statement_expressions(node.of)


def unknowns(graph: nx.DiGraph) -> list[Node]:
    return [n for n in node_list(graph) if n.kind in ("unknown", "imputed")]


def estimators_of(graph: nx.DiGraph) -> dict[str, str]:
    """The estimator of every unknown of a planned graph."""
    return {n.name: n.plan.estimator for n in unknowns(graph) if n.plan is not None}


def verify(graph: nx.DiGraph, stage: str) -> None:
    """Raises `Bug` where the graph breaks the rules of its stage (`graph` or `plan`)."""
    if not nx.is_frozen(graph):
        raise Bug("the graph is not frozen")
    if not nx.is_directed_acyclic_graph(graph):
        raise Bug(f"the graph has a circle: {nx.find_cycle(graph)}")
    params = {p.name for p in core_of(graph).params}
    for node in node_list(graph):
        if node.kind not in KINDS:
            raise Bug(f"unknown kind of node: {node.kind}")
        for name in {name for e in expressions(node) for name in names_in(e)}:
            if name not in graph and name not in params:
                raise Bug(f"`{node.name}` reads `{name}`, which is no node")
        if stage == "plan" and node.kind in ("unknown", "imputed") and node.plan is None:
            raise Bug(f"`{node.name}` has no estimator")

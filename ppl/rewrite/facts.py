"""What the analyses say of every unknown: all that the choice of its estimator rests on."""

from collections.abc import Iterable, Mapping

import networkx as nx

from ppl.check.core import Core, Derived, Dist, Guide, Site
from ppl.check.reads import names_in, names_in_dist
from ppl.graph.graph import Node, core_of, drawn_sites, guide_of, unknowns
from ppl.rewrite.drawing import has_cdf, pathwise_kind
from ppl.rewrite.eliminate import eliminations, unbounded
from ppl.rewrite.estimators import Facts
from ppl.rewrite.findings import Finding, Refusal, worst
from ppl.rewrite.guards import Guard, jumps_of
from ppl.rewrite.listing import Listing, listing
from ppl.rewrite.order import Elimination
from ppl.rewrite.order import Refusal as NotSummed
from ppl.rewrite.recurrence import stepwise
from ppl.rewrite.roughness import roughness
from ppl.rewrite.sides import sides
from ppl.rewrite.supports import domain
from ppl.stdlib.distributions import DISTRIBUTIONS

SUPPORTED = ("real", "lower", "upper", "interval")


def gather(graph: nx.DiGraph) -> dict[str, Facts]:
    """What the analyses say of every unknown."""
    guide = guide_of(graph)
    sites = drawn_sites(core_of(graph), guide)
    summed, rough = eliminations(graph), roughness(graph, guide)
    return {n.name: _facts(n, sites.get(n.name), summed.get(n.name), rough, graph) for n in unknowns(graph)}


def own_values(guide: Guide | None) -> dict[str, Derived]:
    """The derived values of a guide."""
    return {s.name: s for s in (guide.statements if guide is not None else ()) if isinstance(s, Derived)}


def _facts(
    node: Node,
    site: Site | None,
    summed: Elimination | NotSummed | None,
    rough: Mapping[str, Mapping[str, Finding]],
    graph: nx.DiGraph,
) -> Facts:
    guide, core = guide_of(graph), core_of(graph)
    reached = {term: m[node.name] for term, m in rough.items() if node.name in m}
    decided = worst(reached.values()) if reached else Finding()
    term = next((t for t, f in reached.items() if f is decided), node.name)
    dist = site.dist if site is not None else node.dist
    assert dist is not None
    real = dist.kind == "real"
    jumps: tuple[Guard, ...] | Refusal = ()
    if real and not decided.pathwise:
        jumps = _usable(jumps_of(graph, node.name, guide), node, graph)
    needs_listing = (not real and (site is not None or isinstance(summed, NotSummed))) or bool(jumps)
    needs_listing |= site is not None and dist.name == "Mixture"
    scalar = not dist.event if site is not None or not real else domain(dist).kind in SUPPORTED
    return Facts(
        node,
        site,
        summed,
        decided,
        term,
        _at(decided, core),
        listing(graph, guide, node.name) if needs_listing else Listing({}),
        jumps,
        pathwise_kind(dist) if site is not None else "reparam" if real else "",
        has_cdf(dist) if site is not None else real and scalar,
        scalar,
        node.name in stepwise(graph, drawn_sites(core, guide), own_values(guide)),
        bool(jumps) and not isinstance(jumps, Refusal) and _only_sides(graph, node.name, jumps),
        _levels(dist, core),
        _positions(node.axes, core),
    )


def _usable(guards: tuple[Guard, ...] | Refusal, node: Node, graph: nx.DiGraph) -> tuple[Guard, ...] | Refusal:
    """The thresholds, where they can be known before the unknown is drawn, and lie along one axis at most."""
    if isinstance(guards, Refusal):
        return guards
    summed, drawn = eliminations(graph), drawn_sites(core_of(graph), guide_of(graph))
    for g in guards:
        if any(is_drawn_from(name, node.name, graph) for name in g.others):
            return Refusal("a threshold is drawn after it", g.where)
        if any(isinstance(summed.get(name), Elimination) and name not in drawn for name in g.others):
            return Refusal("a threshold varies with an unknown that is summed out", g.where)
        plates = node.axes if g.access == "own" else ()
        if len([a for a in g.threshold.axes if a not in plates]) > 1:
            return Refusal("its thresholds vary along two axes", g.where)
    return guards


def _only_sides(graph: nx.DiGraph, name: str, guards: tuple[Guard, ...]) -> bool:
    """Whether each density asks for one side of one threshold at most."""
    guide = guide_of(graph)
    drawn = drawn_sites(core_of(graph), guide)
    summed = {n for n, e in eliminations(graph).items() if isinstance(e, Elimination) and n not in drawn}
    return sides(graph, guide, name, guards, frozenset(summed)) is not None


def is_drawn_from(name: str, source: str, graph: nx.DiGraph) -> bool:
    """Whether an unknown or derived value takes another unknown to be drawn, at however many removes."""
    guide = guide_of(graph)
    sites = drawn_sites(core_of(graph), guide)
    own = {name: s.value for name, s in own_values(guide).items()}
    seen, waiting = set[str](), [name]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        of = graph.nodes[here]["node"].of if here in graph else None
        if here in sites:
            reads = names_in_dist(sites[here].dist)
        elif here in own:
            reads = names_in(own[here])
        else:
            reads = names_in(of.value) if isinstance(of, Derived) else set()
        if source in reads:
            return True
        waiting += reads
    return False


def _levels(dist: Dist, core: Core) -> int:
    """How many levels a discrete distribution has: 0 where the data say, -1 where there is no last one."""
    while dist.inner and dist.name != "Truncated":
        dist = dist.inner[-1]
    if unbounded(dist):
        return -1
    row = DISTRIBUTIONS.get(dist.name)
    if row is None or dist.kind == "real":
        return 0
    if dist.kind == "bool":
        return 2
    if dist.kind == "level":
        return _positions((str(dist.attrs[0]),), core)
    return 0


def _positions(axes: Iterable[str], core: Core) -> int:
    """The number of positions of a plate whose size the model fixes; 0 where the data say."""
    sizes = {a.name: a.size or 0 for a in core.axes}
    found = 1
    for a in axes:
        found *= sizes.get(a.rstrip("'"), 0)
    return found


def _at(finding: Finding, core: Core) -> str:
    """What decides of a finding, in the author's words where they say it."""
    written = core.written(finding.where)
    return f"at `{written}`" if finding.quoted and written else f"in it: {finding.reason}"

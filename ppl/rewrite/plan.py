"""From the graph to the plan: every unknown gets its estimator, or the model is refused with the reason and the
place."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import networkx as nx

from ppl.check.core import Guide
from ppl.graph.graph import Plan, assemble, core_of, drawn_sites, guide_of, joined, node_list, unknowns, verify
from ppl.rewrite.canonical import canonical
from ppl.rewrite.choices import Choice, choice_of, measured_choice
from ppl.rewrite.conjugate import conjugate, is_integrated, refusals
from ppl.rewrite.cost import formulas
from ppl.rewrite.eliminate import eliminations
from ppl.rewrite.facts import gather
from ppl.rewrite.findings import shown
from ppl.rewrite.joints import refused_joints, with_joint
from ppl.rewrite.order import Elimination
from ppl.rewrite.roughness import roughness
from ppl.rewrite.settle import settled
from ppl.rewrite.smooth import smooth, widths
from ppl.source.diagnostic import ModelError
from ppl.stdlib.records import DISCRETE


def plan(
    graph: nx.DiGraph,
    guide: Guide | None = None,
    wanted: Mapping[str, str] | None = None,
    measured: Mapping[str, str] | None = None,
    kept: Iterable[str] = (),
) -> nx.DiGraph:
    """The graph with an estimator on every unknown, drawn from `guide` as far as it goes. `wanted` are estimators asked
    for by name of unknown, `measured` those that a pilot found cheapest; `kept` are not to be integrated out. Raises
    `ModelError` (E510 to E517, E530) where none is sound."""
    drawn = drawn_sites(core_of(graph), guide)
    soft = widths(graph, guide)
    graph = smooth(graph, soft) if soft else graph
    graph = canonical(conjugate(graph, {*drawn, *joined(guide), *(wanted or {}), *kept}))
    verify(graph, "graph")
    refused = refusals(graph, drawn, wanted or {})
    if refused:
        raise ModelError(refused)
    graph = assemble(node_list(graph), core_of(graph), None, guide)
    chosen = _choices(graph, wanted or {}, measured or {})
    for name, width in soft.items():
        chosen[name] = replace(chosen[name], biased=f"its jumps are smoothed over a width of {width:g}")
    chosen = settled(graph, chosen)
    cells = formulas(graph)
    new = {
        name: replace(c.facts.node, plan=_plan(c, cells.get(name, "") if c.facts.is_summed else ""))
        for name, c in chosen.items()
    }
    new |= {name: with_joint(new[name], joint) for name, joint in joined(guide).items() if name in new}
    refused = refused_joints(graph, guide, {name: n.plan for name, n in new.items() if n.plan is not None})
    if refused:
        raise ModelError(refused)
    out = assemble([new.get(n.name, n) for n in node_list(graph)], core_of(graph), _edge_levels(graph), guide)
    verify(out, "plan")
    return out


def _choices(graph: nx.DiGraph, wanted: Mapping[str, str], measured: Mapping[str, str]) -> dict[str, Choice]:
    """The estimator of every unknown by itself; all that stands against some is reported at once."""
    asked = {**measured, **wanted}
    found = {name: choice_of(f, asked.get(name, ""), core_of(graph)) for name, f in gather(graph).items()}
    complaints = [c for choice in found.values() if isinstance(choice, list) for c in choice]
    if complaints:
        raise ModelError(complaints)
    chosen = {name: c for name, c in found.items() if isinstance(c, Choice)}
    piloted = measured.keys() - wanted.keys()
    return {name: measured_choice(c) if name in piloted else c for name, c in chosen.items()}


def is_objective(graph: nx.DiGraph) -> bool:
    """Whether a planned model is fitted as an objective: it has a guide, parameters or an objective of the author's, or
    an unknown whose draws need more than a path under the automatic guide."""
    core = core_of(graph)
    if core.params or core.objective is not None or guide_of(graph) is not None:
        return True
    summed = eliminations(graph)
    return any(
        n.plan is not None
        and n.plan.estimator != "reparam"
        and not is_integrated(n)
        and not (n.plan.estimator == "exact" and isinstance(summed.get(n.name), Elimination))
        for n in unknowns(graph)
    )


def _plan(choice: Choice, cost: str) -> Plan:
    facts, rule = choice.facts, choice.rule
    level = DISCRETE if facts.discrete else shown(facts.finding.level)
    where = facts.finding.where if facts.finding.reason else None
    others = tuple(r.name for r in choice.others if r.name != rule.name)
    return Plan(rule.name, level, rule.because(facts), where, cost, choice.biased, others, choice.splits)


def _edge_levels(graph: nx.DiGraph) -> dict[tuple[str, str], str]:
    """How rough each density is in each unknown that it reads directly."""
    rough = roughness(graph, guide_of(graph))
    return {(u, term): shown(f.level) for term, m in rough.items() for u, f in m.items() if u != term}

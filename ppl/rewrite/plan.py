"""From the graph to the plan: every unknown gets its estimator, or the model is refused with the reason and the
place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import networkx as nx

from ppl.check.core import Core
from ppl.graph.graph import Node, Plan, assemble, core_of, node_list, unknowns, verify
from ppl.rewrite.canonical import canonical
from ppl.rewrite.eliminate import Elimination, Refusal, eliminations
from ppl.rewrite.limits import missing_limit
from ppl.rewrite.roughness import LEVELS, Finding, roughness, worst
from ppl.source.diagnostic import Diagnostic, ModelError, complain
from ppl.source.span import Span
from ppl.stdlib.records import DISCRETE, KINK, SMOOTH

CONTINUOUS = "write the model so that every log density is continuous in it, or sum it out by hand"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the analyses say of one unknown."""

    node: Node
    elimination: Elimination | Refusal | None
    finding: Finding
    term: str

    @property
    def discrete(self) -> bool:
        return self.elimination is not None


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of `ESTIMATORS`: the first whose `when` holds is taken, and `because` is what `ppl explain` prints."""

    name: str
    when: Callable[[Facts], bool]
    because: Callable[[Facts], str]


ESTIMATORS: tuple[Rule, ...] = (
    Rule(
        "exact",
        lambda f: isinstance(f.elimination, Elimination) and f.elimination.leaf,
        lambda f: "blank cells that nothing else reads: they sum to one",
    ),
    Rule(
        "exact",
        lambda f: isinstance(f.elimination, Elimination),
        lambda f: "finite: summed out in its plate" if f.node.axes else "finite: summed out",
    ),
    Rule(
        "reparam", lambda f: not f.discrete and f.finding.level == SMOOTH, lambda f: "every log density is smooth in it"
    ),
    Rule(
        "reparam",
        lambda f: not f.discrete and LEVELS[f.finding.level] <= LEVELS[KINK],
        lambda f: f"continuous with a kink: {f.finding.reason}",
    ),
)


def plan(graph: nx.DiGraph) -> nx.DiGraph:
    """The graph with an estimator on every unknown; raises `ModelError` (E510, E511, E530) where none is sound."""
    graph = canonical(graph)
    verify(graph, "graph")
    found, rough = eliminations(graph), roughness(graph)
    facts = [_facts(node, found, rough) for node in unknowns(graph)]
    complaints = [c for f in facts for c in _complaints(f, core_of(graph))]
    if complaints:
        raise ModelError(complaints)
    new = {f.node.name: replace(f.node, plan=_plan(f)) for f in facts}
    out = assemble([new.get(n.name, n) for n in node_list(graph)], core_of(graph), _edge_levels(graph, rough))
    verify(out, "plan")
    return out


def _facts(node: Node, found: Mapping[str, Elimination | Refusal], rough: Mapping[str, Mapping[str, Finding]]) -> Facts:
    reached = {term: m[node.name] for term, m in rough.items() if node.name in m}
    decided = worst(reached.values()) if reached else Finding()
    term = next((t for t, f in reached.items() if f is decided), node.name)
    return Facts(node, found.get(node.name), decided, term)


def _rule(facts: Facts) -> Rule | None:
    return next((rule for rule in ESTIMATORS if rule.when(facts)), None)


def _plan(facts: Facts) -> Plan:
    rule = _rule(facts)
    assert rule is not None
    level = DISCRETE if facts.discrete else facts.finding.level
    where = facts.finding.where if facts.finding.reason else None
    return Plan(rule.name, level, rule.because(facts), where)


def _complaints(facts: Facts, core: Core) -> list[Diagnostic]:
    """What stands against this unknown: an annotation that cannot be honoured, or no estimator."""
    name, annotations = facts.node.name, getattr(facts.node.of, "annotations", ())
    span = getattr(facts.node.of, "annotation_span", facts.node.span)
    if facts.discrete and "reparam" in annotations:
        return [complain("E510", span, name=name)]
    if not facts.discrete and set(annotations) & {"enumerate", "exact", "marginal"}:
        return [complain("E511", span, name=name)]
    if _rule(facts) is not None:
        return []
    if isinstance(facts.elimination, Refusal):
        return [
            _refused(
                name, facts.elimination.reason, facts.elimination.where, "it is discrete, and cannot be summed out"
            )
        ]
    finding = facts.finding
    written = " ".join(core.text[finding.where.start : finding.where.end].split())
    at = f"at `{written}`" if finding.quoted and written else f"in it: {finding.reason}"
    reason = f"the log density of `{facts.term}` may jump {at}"
    limit = "" if finding.operand is None else missing_limit(finding.operand, finding.need, core)
    return [_refused(name, reason, finding.where, f"`{name}` decides here", limit or CONTINUOUS)]


def _refused(name: str, reason: str, where: Span, label: str, help_: str = CONTINUOUS) -> Diagnostic:
    return complain("E530", where, name=name, reason=reason, label=label, help=help_)


def _edge_levels(graph: nx.DiGraph, rough: Mapping[str, Mapping[str, Finding]]) -> dict[tuple[str, str], str]:
    """How rough each density is in each unknown that it reads directly."""
    return {(u, term): f.level for term, m in rough.items() for u, f in m.items() if u != term}

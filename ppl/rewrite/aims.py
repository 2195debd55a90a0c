"""Whether a bound that weighs draws by their importance can be fitted: all that is drawn must follow paths."""

import networkx as nx

from ppl.graph.graph import core_of, drawn_sites, guide_of, unknowns
from ppl.rewrite.conjugate import is_integrated
from ppl.rewrite.eliminate import eliminations
from ppl.rewrite.order import Elimination
from ppl.source.diagnostic import Diagnostic, complain

PATHS = ("reparam", "implicit")


def refused_aim(graph: nx.DiGraph, lead: str = "") -> list[Diagnostic]:
    """What stands against it (E556): levels that a guide draws or lists, and jumps, have no weight for each draw. In
    minibatches of positions of `lead`, weights are those of positions, and draws that all of them share have none."""
    core = core_of(graph)
    if core.objective is not None:
        return [complain("E556.own", core.objective.span)]
    drawn, summed = drawn_sites(core, guide_of(graph)), eliminations(graph)
    found = []
    for node in unknowns(graph):
        how = node.plan.estimator if node.plan is not None else ""
        out = how == "exact" and node.name not in drawn and isinstance(summed.get(node.name), Elimination)
        if how not in PATHS and not out and not is_integrated(node):
            span = drawn[node.name].span if node.name in drawn else node.span
            found.append(complain("E556", span, name=node.name, estimator=how, label="drawn here"))
        elif lead and lead not in node.axes and how in PATHS:
            found.append(complain("E556.shared", node.span, name=node.name, lead=lead))
    return found

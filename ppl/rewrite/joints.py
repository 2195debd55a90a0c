"""Whether the coordinates of unknowns may be drawn together: all along one path, so no density may jump in any of
them, nor in the parameters through the base of a flow."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import networkx as nx

from ppl.check.core import Guide, Joint
from ppl.check.reads import joint_expressions
from ppl.graph.graph import Node, Plan
from ppl.rewrite.findings import rough, worst
from ppl.rewrite.roughness import analysed
from ppl.rewrite.steps import argument
from ppl.source.diagnostic import Diagnostic, complain


def refused_joints(graph: nx.DiGraph, guide: Guide | None, plans: Mapping[str, Plan]) -> list[Diagnostic]:
    """What stands against the joint draws of a guide (E554)."""
    return [c for joint in (guide.joints if guide is not None else ()) for c in _refused(joint, graph, guide, plans)]


def _refused(joint: Joint, graph: nx.DiGraph, guide: Guide | None, plans: Mapping[str, Plan]) -> Iterator[Diagnostic]:
    for name in joint.names:
        plan = plans.get(name)
        if plan is not None and plan.estimator != "reparam":
            yield complain("E554", plan.where or joint.span, name=name, reason=plan.reason)
    view, _ = analysed(graph, guide)
    for e in joint_expressions(joint):
        bad = rough(argument(e, view))
        if bad:
            finding = worst(bad.values())
            yield complain("E554", e.span, name=", ".join(joint.names), reason=f"it would jump: {finding.reason}")


def with_joint(node: Node, joint: Joint) -> Node:
    """The node with its plan's reason told along with what it is drawn with."""
    if node.plan is None or node.plan.estimator != "reparam":
        return node
    others = [n for n in joint.names if n != node.name]
    how = ", ".join(step.name for step in joint.steps) or joint.family.replace("_", " ")
    beside = f"drawn along with {', '.join(others)}: {how}" if others else how
    said = "one value is all that the guide has" if joint.family == "delta" else beside
    return replace(node, plan=replace(node.plan, reason=f"{node.plan.reason}; {said}"))

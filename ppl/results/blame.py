"""When a density is not finite: which statement, which rows, which values."""

from collections.abc import Mapping

import networkx as nx
import numpy as np
import numpy.typing as npt

from ppl.check.core import Derived, Site
from ppl.data.bound import Bound
from ppl.emit.batch import BatchedObjective
from ppl.emit.bind import Program, bind_program
from ppl.emit.bind_objective import ObjectiveProgram
from ppl.emit.program import emit
from ppl.graph.graph import node_list
from ppl.infer.objective import NotFinite
from ppl.infer.target import NoDensity, NoGradient
from ppl.source.diagnostic import Diagnostic, complain

Array = npt.NDArray[np.float64]


def no_density(problem: NoDensity, graph: nx.DiGraph, program: Program, bound: Bound) -> Diagnostic:
    """E701: the log density is nowhere finite; the terms that are not are named."""
    parts = bind_program(emit(graph, with_terms=True), bound).terms(problem.u[:1], np.zeros(program.weights))
    guilty = [name for name, values in parts.items() if not np.isfinite(values).all()]
    node = next((n for n in node_list(graph) if guilty and n.name == guilty[0]), None)
    values = program.constrained(problem.u[:1], np.zeros(program.weights))
    unsolved = next((n.of for n in node_list(graph) if isinstance(n.of, Derived) and _is_unsolved(n.of, values)), None)
    if unsolved is not None:
        return complain("E377", unsolved.span, name=unsolved.name)
    scalars = [f"{name} = {float(v[0]):.4g}" for name, v in values.items() if v.ndim == 1][:6]
    lines = [f"values: {', '.join(scalars)}"] if scalars else []
    lines += _bad_rows(guilty[0], parts[guilty[0]][0], bound) if guilty else []
    span = node.of.span if node is not None and isinstance(node.of, Site) else None
    text = _statement(node.of.span, graph) if span is not None and node is not None else "the model"
    return complain("E701", span, lines=lines, term=text)


def _is_unsolved(s: Derived, values: Mapping[str, Array]) -> bool:
    """Whether a value is that of a differential equation, and is not a number."""
    return s.value.op == "ode" and s.name in values and not np.isfinite(values[s.name]).all()


def _statement(span: object, graph: nx.DiGraph) -> str:
    text = graph.graph["core"].text[span.start : span.end]  # type: ignore[attr-defined]
    return " ".join(text.split()) or "the model"


def _bad_rows(name: str, each: Array, bound: Bound) -> list[str]:
    """How many positions of a term are not finite, and the first of them."""
    bad = np.argwhere(~np.isfinite(np.atleast_1d(each)))
    if not len(bad) or each.ndim == 0:
        return []
    first = int(bad[0][0])
    column = bound.columns.get(name)
    shown = f", {name} = {column.values.ravel()[first]:g}" if column is not None and column.values.ndim == 1 else ""
    return [f"{len(bad)} of {each.size} positions lie outside (first: {first + 1}{shown})"]


def not_finite(problem: NotFinite, program: ObjectiveProgram | BatchedObjective) -> Diagnostic:
    """E701 for an objective: what was drawn where it is not finite."""
    bad = ~np.isfinite(np.atleast_2d(problem.values))
    start, row = (int(i) for i in np.argwhere(bad)[0]) if bad.any() else (0, 0)
    drawn = {}
    if isinstance(program, ObjectiveProgram):
        drawn = program.constrained(problem.e[row : row + 1], problem.theta[start])
    values = {name: v[0] for name, v in drawn.items()} | dict(program.learned(problem.theta[start]))
    scalars = [f"{name} = {float(v):.4g}" for name, v in values.items() if np.ndim(v) == 0][:6]
    lines = [f"values: {', '.join(scalars)}"] if scalars else []
    return complain("E701", None, lines=lines, term="the objective")


def no_gradient(problem: NoGradient, graph: nx.DiGraph, program: Program) -> Diagnostic:
    """E702: the gradient is not finite in some coordinates; the unknowns they belong to are named."""
    names = [name for name, s in program.slots.items() if any(s.start <= i < s.stop for i in problem.where)]
    node = next((n for n in node_list(graph) if names and n.name == names[0]), None)
    span = node.of.name_span if node is not None and isinstance(node.of, Site) else None
    return complain("E702", span, name="`, `".join(names), evaluations=problem.evaluations)

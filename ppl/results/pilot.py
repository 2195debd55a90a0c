"""What each sound estimator of an unknown would cost: variance times time, one unknown varied at a time."""

from collections.abc import Iterator, Mapping, Sequence

import networkx as nx

from ppl.data.bound import Bound
from ppl.emit.bind_objective import bind_objective
from ppl.emit.objective_program import emit_objective
from ppl.graph.graph import guide_of, unknowns
from ppl.infer.pilot import REPLICATES, ROWS, Measured, measure
from ppl.results.numbers import aligned, headed

Pilot = Mapping[str, Mapping[str, Measured]]
HEADS = ("ms per gradient", "variance", "variance × ms")


def pilot(graph: nx.DiGraph, bound: Bound, names: Sequence[str] = ()) -> dict[str, dict[str, Measured]]:
    """For every unknown with more than one sound estimator (of `names`, if any are given): each of them, the chosen one
    first, measured at the initial values."""
    chosen = {n.name: n.plan for n in unknowns(graph) if n.plan is not None}
    ways = {name: plan.estimator for name, plan in chosen.items()}
    wanted = [name for name, plan in chosen.items() if plan.others and (not names or name in names)]
    first = _measured(graph, bound, ways) if wanted else None
    out: dict[str, dict[str, Measured]] = {}
    for name in wanted:
        assert first is not None
        others = {other: _measured(graph, bound, {**ways, name: other}) for other in chosen[name].others}
        out[name] = {ways[name]: first, **others}
    return out


def _measured(graph: nx.DiGraph, bound: Bound, ways: Mapping[str, str]) -> Measured:
    program = bind_objective(emit_objective(graph, guide_of(graph), ways), bound)
    return measure(program, program.start)


def pilot_lines(found: Pilot) -> Iterator[str]:
    """A table: variance and variance times cost are relative to the chosen estimator, marked by a star."""
    if not found:
        return
    rows = [(name, way, m, next(iter(ways.values()))) for name, ways in found.items() for way, m in ways.items()]
    cells = [(f"{m.ms:.2g}", _ratio(m.variance, c.variance), _ratio(m.work, c.work)) for _, _, m, c in rows]
    columns = [headed(head, aligned([row[i] for row in cells])) for i, head in enumerate(HEADS)]
    names = ["", *(name if m is c else "" for name, _, m, c in rows)]
    ways = ["", *(f"{way} *" if m is c else way for _, way, m, c in rows)]
    width, wide = max(map(len, names)), max(map(len, ways))
    yield f"measured at the start, {REPLICATES} times {ROWS} draws, one unknown changed at a time:"
    for name, way, *numbers in zip(names, ways, *columns, strict=True):
        yield "  ".join([f"  {name:<{width}}", f"{way:<{wide}}", *numbers]).rstrip()


def _ratio(value: float, chosen: float) -> str:
    if chosen > 0:
        return f"{value / chosen:.3g}"
    return "1" if value == chosen else "more" if value > chosen else "–"

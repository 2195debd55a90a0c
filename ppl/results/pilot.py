"""What each sound estimator of an unknown would cost: variance times time, one unknown varied at a time."""

from collections.abc import Iterator, Mapping, Sequence
from math import inf, isfinite

import networkx as nx

from ppl.data.bound import Bound
from ppl.emit.bind_objective import ObjectiveProgram, bind_objective
from ppl.emit.objective_program import emit_objective
from ppl.graph.graph import guide_of, unknowns
from ppl.infer.pilot import REPLICATES, ROWS, Measured, measure
from ppl.results.numbers import aligned, headed
from ppl.rewrite.choices import PATHS

Pilot = Mapping[str, Mapping[str, Measured]]
# By how much an estimator must be cheaper to be taken instead of the preferred one.
CLEARLY = 0.8
# How many times the work of the cheapest an estimator may take to be tried at all.
DEAR = 50.0
# Numbers that the look at one estimator may compute, and how often it looks at least.
AFFORDABLE, LEAST = 2e9, 8
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


def cheapest(graph: nx.DiGraph, bound: Bound, names: Sequence[str]) -> dict[str, str]:
    """For those of `names` for which another sound estimator has clearly less variance times cost at the initial
    values, that one. Cost is counted, not timed: the same data give the same answer."""
    plans = {n.name: n.plan for n in unknowns(graph) if n.plan is not None}
    ways = {name: plan.estimator for name, plan in plans.items()}
    out = {}
    for name in names:
        candidates = (ways[name], *(w for w in plans[name].others if w not in PATHS))
        programs = {way: _program(graph, bound, {**ways, name: way}) for way in candidates if len(candidates) > 1}
        least = min((p.operations(ROWS) for p in programs.values()), default=0.0)
        work = {way: _work(p) for way, p in programs.items() if p.operations(ROWS) <= DEAR * least}
        best = min(work, key=work.__getitem__, default=ways[name])
        if best != ways[name] and work[best] < CLEARLY * work.get(ways[name], inf):
            out[name] = best
    return out


def _program(graph: nx.DiGraph, bound: Bound, ways: Mapping[str, str]) -> ObjectiveProgram:
    return bind_objective(emit_objective(graph, guide_of(graph), ways), bound)


def _work(program: ObjectiveProgram) -> float:
    """The variance of an estimate times what it costs; infinite where it is not finite."""
    found = _tried(program).variance * program.operations(ROWS)
    return found if isfinite(found) else inf


def _measured(graph: nx.DiGraph, bound: Bound, ways: Mapping[str, str]) -> Measured:
    return _tried(_program(graph, bound, ways))


def _tried(program: ObjectiveProgram) -> Measured:
    """Measured at the start, fewer times where a gradient is dear."""
    affordable = int(AFFORDABLE // program.operations(ROWS))
    return measure(program, program.start, replicates=min(max(affordable, LEAST), REPLICATES))


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
    yield f"measured at the start, up to {REPLICATES} times {ROWS} draws, one unknown changed at a time:"
    for name, way, *numbers in zip(names, ways, *columns, strict=True):
        yield "  ".join([f"  {name:<{width}}", f"{way:<{wide}}", *numbers]).rstrip()


def _ratio(value: float, chosen: float) -> str:
    if chosen > 0:
        return f"{value / chosen:.3g}"
    return "1" if value == chosen else "more" if value > chosen else "–"

"""In which order the statements of a model are run, and which of them go along an axis position by position.

The order is that of what reads what, not that of the file: an outcome that is simulated comes before what reads it. A
circle of statements that read each other at earlier positions is walked along the axis of those positions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx

from ppl.check.core import Dist, Expr, Site, Statement
from ppl.check.lags import Read, reads_back
from ppl.check.reads import dist_expressions, statement_expressions
from ppl.source.diagnostic import ModelError, complain


@dataclass(frozen=True, slots=True)
class Step:
    """Statements that are run together: one, or those of a recursion, walked along an axis."""

    statements: tuple[Statement, ...]
    along: str = ""


def steps(statements: Sequence[Statement], settled: frozenset[str] = frozenset()) -> tuple[Step, ...]:
    """The steps of a model, each after those that it reads; `settled` names have their values before anything is run.
    Raises ModelError (E803) where a circle has no order."""
    places = {s.name: i for i, s in enumerate(statements) if s.name not in settled}
    graph = _graph(statements, places, "")
    joined = nx.condensation(graph)
    first = {c: min(joined.nodes[c]["members"]) for c in joined}
    ordered = nx.lexicographical_topological_sort(joined, key=first.__getitem__)
    groups = ([statements[i] for i in sorted(joined.nodes[c]["members"])] for c in ordered)
    return tuple(_step(group, settled) for group in groups)


def drawn_expressions(statement: Statement) -> Iterator[Expr]:
    """The expressions that a statement is run with: what censors is no part of a draw."""
    if isinstance(statement, Site):
        yield from _drawn(statement.dist)
        if statement.value is not None:
            yield statement.value
    else:
        yield from statement_expressions(statement)


def _drawn(dist: Dist) -> Iterator[Expr]:
    if dist.name == "Censored":
        yield from _drawn(dist.inner[0])
        return
    yield from (a for a in dist.args if a is not None)
    for inner in dist.inner:
        yield from _drawn(inner) if inner.name == "Censored" else dist_expressions(inner)


def _reads(statement: Statement, axis: str) -> Iterator[Read]:
    for e in drawn_expressions(statement):
        yield from reads_back(e, axis)


def _graph(statements: Sequence[Statement], places: dict[str, int], axis: str) -> nx.DiGraph:
    """Edges from what is read to what reads it; seen along an axis, only what is not read at earlier positions."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(statements)))
    for i, statement in enumerate(statements):
        for name, back, _ in _reads(statement, axis):
            if name in places and (not axis or back < 1):
                graph.add_edge(places[name], i)
    return graph


def _step(members: list[Statement], settled: frozenset[str]) -> Step:
    places = {s.name: i for i, s in enumerate(members) if s.name not in settled}
    if not _graph(members, places, "").edges:
        return Step(tuple(members))
    for axis in dict.fromkeys(a for s in members for a in s_axes(s)):
        inside = _graph(members, places, axis)
        if nx.is_directed_acyclic_graph(inside) and all(axis in s_axes(s) for s in members):
            order = nx.lexicographical_topological_sort(inside)
            return Step(tuple(members[i] for i in order), axis)
    raise ModelError([complain("E803", members[0].span, names="`, `".join(s.name for s in members))])


def s_axes(statement: Statement) -> tuple[str, ...]:
    """The axes of a statement; none of a factor."""
    return getattr(statement, "axes", ())

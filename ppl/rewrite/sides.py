"""Unknowns whose jumps can be averaged one density at a time: each density crosses at most one threshold.

A density that asks only whether x > c is, averaged over x, a sum of two terms with the probabilities of both sides.
That takes two evaluations, where strata between all thresholds would take as many as there are thresholds. It needs
that no density asks twice, mixes the answers of several positions, or depends on the same position of x in another way
too."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import networkx as nx

from ppl.check.core import ColumnSpec, Derived, Dist, Expr, FactorTerm, Guide, Site
from ppl.check.reads import names_in, names_in_dist, parts
from ppl.graph.graph import Node, assemble, core_of, drawn_sites, expressions, node_list
from ppl.rewrite.guards import Guard
from ppl.source.span import Span

Decidable = TypeVar("Decidable", bound=ColumnSpec | Site | Derived | FactorTerm)
ELEMENTWISE_BREAKS = frozenset(("take", "takepos", "fix", "rename"))


@dataclass(frozen=True, slots=True)
class Side:
    """The threshold that a density crosses, and how many positions back along `along` it asks."""

    where: Span
    lag: int = 0
    along: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One place at which an expression reads an unknown: a comparison (`where`), or its value (None)."""

    where: Span | None
    lag: int = 0
    along: str = ""
    mixed: bool = False


def sides(
    graph: nx.DiGraph, guide: Guide | None, name: str, guards: tuple[Guard, ...], summed: frozenset[str]
) -> Mapping[str, Side] | None:
    """For every density that crosses a threshold of an unknown, which; None where some density asks more than that.
    `summed` are the unknowns that leave the model: their densities are mixed before they are averaged."""
    core = core_of(graph)
    known = {g.where for g in guards}
    # a comparison with two roots (x^2 < c) has three sides
    if len({(g.where, g.threshold) for g in guards}) > len(known):
        return None
    plain = all(g.access in ("own", "lag") and g.above is not None for g in guards)
    if not plain or core.objective is not None or not is_told_apart(known, graph, guide):
        return None
    if any(_asks(s, name, known, graph) for s in drawn_sites(core, guide).values() if s.name != name):
        return None
    found: dict[str, Side] = {}
    for node in node_list(graph):
        if not isinstance(node.of, (Site, FactorTerm)):
            continue
        read = [r for e in expressions(node) for r in _readings(e, name, known, graph)]
        asked = {r for r in read if r.where is not None}
        values = [r for r in read if r.where is None] + ([Reading(None)] if node.name == name else [])
        if not asked:
            continue
        (first, *more) = asked
        if more or first.mixed or any(v.mixed or v.lag == first.lag for v in values) or _reads_any(node, summed, graph):
            return None
        assert first.where is not None
        found[node.name] = Side(first.where, first.lag, first.along)
    return found or None


def _readings(e: Expr, name: str, known: set[Span], graph: nx.DiGraph) -> Iterator[Reading]:
    """Where an expression reads an unknown, derived values looked through."""
    if e.span in known and e.args:
        yield from (Reading(e.span, r.lag, r.along, r.mixed) for a in e.args for r in _readings(a, name, set(), graph))
        return
    if e.op == "ref":
        read = str(e.attrs[0])
        of = graph.nodes[read]["node"].of if read in graph else None
        if read == name:
            yield Reading(None)
        elif isinstance(of, Derived) and of.along:
            yield Reading(None, mixed=True)
        elif isinstance(of, Derived):
            yield from _readings(of.value, name, known, graph)
        return
    for a in e.args:
        for r in _readings(a, name, known, graph):
            yield _after(e, r, a)


def _after(e: Expr, r: Reading, argument: Expr) -> Reading:
    """A reading after a step: a lag moves it, a reduction or look-up of what varies mixes it."""
    if e.op == "lag":
        return Reading(r.where, r.lag + int(str(e.attrs[1])), str(e.attrs[0]), r.mixed)
    lost = set(argument.axes) - set(e.axes)
    return Reading(r.where, r.lag, r.along, r.mixed or bool(lost) or e.op in ELEMENTWISE_BREAKS)


def _asks(site: Site, name: str, known: set[Span], graph: nx.DiGraph) -> bool:
    """Whether another draw is made from an answer."""
    node = Node(site.name, "guide", site.axes, site)
    return any(r.where is not None for e in expressions(node) for r in _readings(e, name, known, graph)) or (
        name in names_in_dist(site.dist)
    )


def is_told_apart(known: set[Span], graph: nx.DiGraph, guide: Guide | None) -> bool:
    """Whether each place in the text is one comparison: a function that is called twice has one for two."""
    found: dict[Span, Expr] = {}
    statements = [n.of for n in node_list(graph)] + list(guide.statements if guide is not None else ())
    for i, of in enumerate(statements):
        if isinstance(of, (Site, Derived, FactorTerm)):
            for e in expressions(Node(f"{i}", "derived", (), of)):
                if not all(found.setdefault(c.span, c) == c for c in parts(e) if c.span in known and c.args):
                    return False
    return True


def _reads_any(node: Node, names: frozenset[str], graph: nx.DiGraph) -> bool:
    """Whether a density reads, or is that of, one of these unknowns, derived values looked through."""
    if node.name in names:
        return True
    seen, waiting = set[str](), [name for e in expressions(node) for name in names_in(e)]
    while waiting:
        here = waiting.pop()
        if here in names:
            return True
        of = graph.nodes[here]["node"].of if here in graph else None
        if here not in seen and isinstance(of, Derived):
            waiting += names_in(of.value)
        seen.add(here)
    return False


# ---- what is left when comparisons are split -----------------------------------------------------------------------


def without_tests(graph: nx.DiGraph, guide: Guide | None, tests: set[Span]) -> tuple[nx.DiGraph, Guide | None]:
    """The graph and the guide with these comparisons decided: once an unknown is split at them, both answers are taken,
    and nothing jumps there any more."""
    new = {n.name: replace(n, of=_decided(n.of, tests)) for n in node_list(graph)}
    statements = tuple(_decided(s, tests) for s in guide.statements) if guide is not None else ()
    out = assemble(new.values(), core_of(graph), None, guide)
    return out, None if guide is None else replace(guide, statements=statements)


def _decided(of: Decidable, tests: set[Span]) -> Decidable:
    match of:
        case Site(dist=dist, value=value):
            return replace(of, dist=_decided_dist(dist, tests), value=value and _decided_expr(value, tests))
        case Derived(value=value) | FactorTerm(value=value):
            return replace(of, value=_decided_expr(value, tests))
        case _:
            return of


def _decided_dist(dist: Dist, tests: set[Span]) -> Dist:
    args = tuple(None if a is None else _decided_expr(a, tests) for a in dist.args)
    return replace(dist, args=args, inner=tuple(_decided_dist(d, tests) for d in dist.inner))


def _decided_expr(e: Expr, tests: set[Span]) -> Expr:
    if e.args and e.span in tests:
        return Expr("lit", (), (True,), (), "bool", e.span)
    return replace(e, args=tuple(_decided_expr(a, tests) for a in e.args)) if e.args else e

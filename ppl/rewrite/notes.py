"""Warnings about a plan: estimators that are biased, noisy or slow."""

from collections.abc import Iterator, Mapping
from math import prod

import networkx as nx

from ppl.check.core import Site
from ppl.graph.graph import Node, core_of, drawn_sites, guide_of, unknowns
from ppl.rewrite.findings import CONTINUOUS, shown
from ppl.source.diagnostic import Diagnostic, complain
from ppl.source.span import NOWHERE, Span
from ppl.stdlib.records import JUMP

BIASED, PATHLESS, SLOW = "W140", "W150", "W141"
# Estimators of continuous unknowns that know nothing of the slope of a density.
NOISY = ("score", "measure")
# Positions from which the noise of scores is worth a warning: it grows with their number.
MANY = 1000


def notes(graph: nx.DiGraph) -> tuple[Diagnostic, ...]:
    """What is odd about a planned graph, whatever the data: W140 for every unknown whose gradient is biased, because
    the author asked for it; W150 for every continuous one that lost its path to a branch, and did not have to."""
    sites = drawn_sites(core_of(graph), guide_of(graph))
    found = [note for node in unknowns(graph) for note in (*_biased(node, sites), *_pathless(node))]
    return tuple(dict.fromkeys(found))


def of_plans(warnings: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Those that depend on the guide and the estimators asked for."""
    return tuple(w for w in warnings if w.code in (BIASED, PATHLESS))


def slow(graph: nx.DiGraph, sizes: Mapping[str, int]) -> tuple[Diagnostic, ...]:
    """W141 for every unknown of more than a thousand numbers whose gradient is that of scores."""
    planned = [(n, prod(sizes.get(a.rstrip("'"), 1) for a in n.axes)) for n in unknowns(graph) if n.plan is not None]
    return tuple(
        complain(SLOW, n.span, name=n.name, count=f"{count:,}".replace(",", " "))
        for n, count in planned
        if n.plan is not None and n.plan.estimator == "score" and count > MANY
    )


def _biased(node: Node, sites: Mapping[str, Site]) -> Iterator[Diagnostic]:
    if node.plan is not None and node.plan.biased:
        yield complain(BIASED, _asked_at(node, sites), name=node.name, reason=node.plan.biased)


def _pathless(node: Node) -> Iterator[Diagnostic]:
    p = node.plan
    if p is None or p.biased or p.estimator not in NOISY or p.level not in (JUMP, shown(CONTINUOUS)):
        return
    if not p.reason.startswith("asked for"):
        yield complain(PATHLESS, p.where or node.span, name=node.name, reason=p.reason.partition(";")[0])


def _asked_at(node: Node, sites: Mapping[str, Site]) -> Span:
    """Where the annotation stands."""
    site = sites.get(node.name)
    source = site if site is not None and site.annotations else node.of
    span = source.annotation_span if isinstance(source, Site) else NOWHERE
    return span if span.line else node.span

"""What summing unknowns out costs: the cells of the tables that it takes for every draw, known before anything runs."""

from collections.abc import Mapping
from math import prod

import networkx as nx

from ppl.graph.graph import Node, core_of, drawn_sites, guide_of
from ppl.rewrite.eliminate import eliminations
from ppl.rewrite.order import Elimination, schedule, table
from ppl.stdlib.distributions import DISTRIBUTIONS


def tables(graph: nx.DiGraph) -> dict[str, tuple[str, ...]]:
    """The axes of the table in which each unknown is summed out, those of levels first (`z?`, and `z?1` for the
    position before in a chain). Those that add up to one, whatever the rest, have none."""
    drawn = drawn_sites(core_of(graph), guide_of(graph))
    found = [e for n, e in eliminations(graph).items() if isinstance(e, Elimination) and n not in drawn]
    steps = schedule([e for e in found if not (e.leaf or e.unread)])[0]
    return {name: table(step) for step in steps for name in step.names}


def formulas(graph: nx.DiGraph) -> dict[str, str]:
    """The cells of these tables, `3 x 3 x row`; a number where the model fixes all lengths."""
    found = eliminations(graph)
    sizes = {a.name: str(a.size) for a in core_of(graph).axes if a.size}
    out = {}
    for name, axes in tables(graph).items():
        parts = [_levels(a, found, graph, sizes) if "?" in a else sizes.get(a.rstrip("'"), a) for a in axes]
        known = [int(p) for p in parts if p.isdecimal()]
        out[name] = str(prod(known)) if len(known) == len(parts) else " x ".join(parts)
    return out


def cells(axes: tuple[str, ...], sizes: Mapping[str, int]) -> int:
    """The cells of a table for one draw, with the lengths that axes have in a program with its data."""
    return prod(sizes[f"{a.split('?', maxsplit=1)[0]}?" if "?" in a else a.rstrip("'")] for a in axes)


def _levels(axis: str, found: Mapping[str, object], graph: nx.DiGraph, sizes: Mapping[str, str]) -> str:
    """How many levels an unknown has, in numbers or in words."""
    name = axis.split("?", maxsplit=1)[0]
    e, node = found[name], graph.nodes[name]["node"]
    assert isinstance(e, Elimination)
    if e.levels:
        return str(e.levels)
    over = _over(node)
    return sizes.get(over, over) or f"{'window' if e.open else 'range'} of {name}"


def _over(node: Node) -> str:
    """The axis whose levels an unknown has, or ""."""
    dist = node.dist
    assert dist is not None
    while dist.inner:
        dist = dist.inner[-1]
    return str(dist.attrs[0]).rstrip("'") if DISTRIBUTIONS[dist.name].kind == "level" else ""

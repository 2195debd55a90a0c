"""What the planner decided and why, as records and as a table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from ppl.check.core import Dist, Site
from ppl.graph.graph import Node, core_of, drawn_sites, guide_of, unknowns
from ppl.rewrite.roughness import LEVELS, Finding, roughness
from ppl.source.diagnostic import Bug, Diagnostic, complain
from ppl.source.span import NOWHERE, Span
from ppl.stdlib.records import DISCRETE

HEADS = ("unknown", "distribution", "axes", "reaches", "estimator", "why")
GAP = "  "
NARROWEST = 20
BIASED = "W140"


@dataclass(frozen=True, slots=True)
class Explained:
    """One unknown: `term` is the density that is roughest in it, `level` how rough it is, `where` what decided."""

    name: str
    distribution: str
    axes: tuple[str, ...]
    term: str
    level: str
    estimator: str
    reason: str
    where: Span | None
    cost: str


def explain(graph: nx.DiGraph) -> tuple[Explained, ...]:
    """Every unknown of a planned graph, in the order of the model."""
    rough = roughness(graph)
    return tuple(_explained(node, _worst_term(node, graph, rough)) for node in unknowns(graph))


def biased(graph: nx.DiGraph) -> tuple[Diagnostic, ...]:
    """W140 for every unknown whose gradient is biased, because the author asked for it."""
    sites = drawn_sites(core_of(graph), guide_of(graph))
    return tuple(
        complain(BIASED, _asked_at(node, sites), name=node.name, reason=node.plan.biased)
        for node in unknowns(graph)
        if node.plan is not None and node.plan.biased
    )


def _asked_at(node: Node, sites: Mapping[str, Site]) -> Span:
    """Where the annotation stands."""
    site = sites.get(node.name)
    source = site if site is not None and site.annotations else node.of
    span = source.annotation_span if isinstance(source, Site) else NOWHERE
    return span if span.line else node.span


def _explained(node: Node, term: str) -> Explained:
    p = node.plan
    if p is None:
        raise Bug(f"`{node.name}` has no estimator")
    axes = tuple(a.rstrip("'") for a in node.axes)
    dist = distribution(node.dist) if node.dist is not None else ""
    return Explained(node.name, dist, axes, term, p.level, p.estimator, p.reason, p.where, p.cost)


def _worst_term(node: Node, graph: nx.DiGraph, rough: dict[str, dict[str, Finding]]) -> str:
    """The density in which the unknown is roughest; of equals, the last that it reaches: mostly the data."""
    if node.plan is not None and node.plan.level == DISCRETE:
        return _last_density(node, graph)
    reached = [
        (LEVELS[found[node.name].level], i, name) for i, (name, found) in enumerate(rough.items()) if node.name in found
    ]
    return max(reached, default=(0, 0, node.name))[2]


def _last_density(node: Node, graph: nx.DiGraph) -> str:
    below = nx.descendants(graph, node.name)
    order = {name: i for i, name in enumerate(graph.nodes)}
    densities = [n for n in below if graph.nodes[n]["node"].kind != "derived"]
    return max(densities, key=order.__getitem__, default=node.name)


def distribution(dist: Dist) -> str:
    """The name of a distribution, with those inside it: `Censored(Weibull)`, `if … (Normal, Normal)`."""
    inner = ", ".join(distribution(d) for d in dist.inner)
    name = "if" if dist.name == "where" else dist.name
    return f"{name}({inner})" if inner else name


# ---- the table ---------------------------------------------------------------------------------------------------


def table(rows: Sequence[Explained], width: int = 80) -> list[str]:
    """The table; where `width` is too narrow for the last column, that is broken into lines, or stands below."""
    cells = [_cells(row) for row in rows]
    widths = [max(len(c[i]) for c in (HEADS, *cells)) for i in range(len(HEADS) - 1)]
    indent = sum(widths) + len(GAP) * len(widths)
    lines: list[str] = []
    for row in (HEADS, *cells):
        lead = GAP.join(c.ljust(w) for c, w in zip(row, widths, strict=False)) + GAP
        first, *rest = _broken(row[-1], width - indent) if width - indent >= NARROWEST else ["", row[-1]]
        lines.append((lead + first).rstrip())
        lines += [" " * (indent if first else 4) + more for more in rest if row is not HEADS or first]
    return lines


def _cells(row: Explained) -> tuple[str, ...]:
    where = f" (line {row.where.line})" if row.where is not None and row.where.line else ""
    axes = ", ".join(row.axes) or "–"
    term = row.term.removesuffix(" ~")
    return (row.name, row.distribution, axes, f"{term}: {row.level}", row.estimator, row.reason + where)


def _broken(text: str, width: int) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


# ---- notes -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Remark:
    """A line below the table, when `of` finds some unknowns for it."""

    of: Callable[[Explained], bool]
    text: str


REMARKS: tuple[Remark, ...] = (
    Remark(
        lambda r: r.estimator == "exact", "summed out: no gradient noise, and their probabilities come with the fit"
    ),
    Remark(lambda r: r.level == "kink", "kinks have a measure of zero: gradients along the path are unbiased"),
)


def remarks(rows: Sequence[Explained]) -> Iterator[str]:
    """What is worth knowing about the plan as a whole."""
    for remark in REMARKS:
        names = [row.name for row in rows if remark.of(row)]
        if names:
            yield f"note: {', '.join(names)}: {remark.text}"

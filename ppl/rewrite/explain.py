"""What the planner decided and why, as records and as a table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import networkx as nx

from ppl.check.core import Dist
from ppl.graph.graph import Node, core_of, guide_of, unknowns
from ppl.rewrite.conjugate import WRITTEN
from ppl.rewrite.roughness import LEVELS, Finding, roughness
from ppl.source.diagnostic import Bug
from ppl.source.span import Span
from ppl.stdlib.records import DISCRETE

HEADS = ("unknown", "distribution", "axes", "reaches", "estimator", "why")
GAP = "  "
NARROWEST = 20


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
    others: tuple[str, ...] = ()
    biased: str = ""


@dataclass(frozen=True, slots=True)
class ExplainedParam:
    """A parameter that is learned, and its range."""

    name: str
    axes: tuple[str, ...]
    low: float
    high: float

    @property
    def range(self) -> str:
        """`real`, `> 0`, `< 1`, `in (0, 1)`."""
        match isfinite(self.low), isfinite(self.high):
            case True, True:
                return f"in ({self.low:g}, {self.high:g})"
            case True, False:
                return f"> {self.low:g}"
            case False, True:
                return f"< {self.high:g}"
            case _:
                return "real"


def explain_params(graph: nx.DiGraph) -> tuple[ExplainedParam, ...]:
    """The author's parameters, those of the model first."""
    guide = guide_of(graph)
    params = (*core_of(graph).params, *(guide.params if guide is not None else ()))
    return tuple(ExplainedParam(p.name, p.axes, p.low, p.high) for p in params)


def goal(graph: nx.DiGraph) -> str:
    """What is optimised and where draws come from: the second heading of an explanation, "" for the automatic guide."""
    objective, guide = core_of(graph).objective, guide_of(graph)
    if objective is not None:
        return f"{'maximize' if objective.maximize else 'minimize'}: an expectation over the draws of the model"
    if guide is None:
        return ""
    return f"guide: {guide.name}" if guide.name else "guide: the one in the file"


def explain(graph: nx.DiGraph) -> tuple[Explained, ...]:
    """Every unknown of a planned graph, in the order of the model."""
    rough = roughness(graph, guide_of(graph))
    return tuple(_explained(node, _worst_term(node, graph, rough)) for node in unknowns(graph))


def _explained(node: Node, term: str) -> Explained:
    p = node.plan
    if p is None:
        raise Bug(f"`{node.name}` has no estimator")
    axes = tuple(a.rstrip("'") for a in node.axes)
    dist = distribution(node.dist) if node.dist is not None else ""
    return Explained(node.name, dist, axes, term, p.level, p.estimator, p.reason, p.where, p.cost, p.others, p.biased)


def _worst_term(node: Node, graph: nx.DiGraph, rough: dict[str, dict[str, Finding]]) -> str:
    """The density in which the unknown is roughest; of equals, the last of the model that it reaches: mostly the
    data."""
    if node.plan is not None and node.plan.level == DISCRETE:
        return _last_density(node, graph)
    reached = [
        (LEVELS[found[node.name].level], name in graph, i, name)
        for i, (name, found) in enumerate(rough.items())
        if node.name in found
    ]
    return max(reached, default=(0, True, 0, node.name))[3]


def _last_density(node: Node, graph: nx.DiGraph) -> str:
    below = nx.descendants(graph, node.name)
    order = {name: i for i, name in enumerate(graph.nodes)}
    densities = [n for n in below if graph.nodes[n]["node"].kind != "derived"]
    return max(densities, key=order.__getitem__, default=node.name)


def distribution(dist: Dist) -> str:
    """The name of a distribution, with those inside it: `Censored(Weibull)`, `if … (Normal, Normal)`."""
    inner = ", ".join(distribution(d) for d in dist.inner)
    name = "if" if dist.name == "where" else WRITTEN.get(dist.name, dist.name)
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


def params_table(params: Sequence[ExplainedParam]) -> list[str]:
    """The learned parameters with their axes and ranges."""
    rows = [("parameter", "axes", "range"), *((p.name, ", ".join(p.axes) or "–", p.range) for p in params)]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    return [f"{a:<{widths[0]}}{GAP}{b:<{widths[1]}}{GAP}{c}" for a, b, c in rows] if params else []


def others_lines(rows: Sequence[Explained]) -> list[str]:
    """The other estimators that would be sound."""
    return [f"{row.name}: also sound: {', '.join(row.others)}" for row in rows if row.others]


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
    Remark(lambda r: bool(r.biased), "BIASED, as was asked for: the fit may settle where there is no optimum"),
    Remark(
        lambda r: r.estimator == "exact", "summed out: no gradient noise, and their probabilities come with the fit"
    ),
    Remark(lambda r: r.level == "kink", "kinks have a measure of zero: gradients along the path are unbiased"),
)


def remarks(rows: Sequence[Explained], cells: Mapping[str, int] | None = None) -> Iterator[str]:
    """What is worth knowing about the plan as a whole. `cells` are those of the tables in which unknowns are summed
    out, where the data are known."""
    for remark in REMARKS:
        names = [row.name for row in rows if remark.of(row)]
        if names:
            yield f"note: {', '.join(names)}: {remark.text}"
    costs = {row.name: f"{cells[row.name]:,}".replace(",", " ") if cells else row.cost for row in rows if row.cost}
    tables = [(c, ", ".join(n for n in costs if costs[n] == c)) for c in dict.fromkeys(costs.values())]
    if tables:
        yield f"note: cells in tables, for every draw: {'; '.join(f'{names} {cost}' for cost, names in tables)}"

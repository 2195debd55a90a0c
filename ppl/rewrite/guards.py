"""Where densities jump in a continuous unknown: the thresholds of its value, solved for."""

from dataclasses import dataclass, field

import networkx as nx

from ppl.check.core import Expr, Guide
from ppl.rewrite.findings import Refusal
from ppl.source.span import NOWHERE, Span


@dataclass(frozen=True, slots=True)
class Guard:
    """A place where a density, a guide density or the objective jumps in an unknown: its value crosses `threshold`, an
    expression that does not depend on it. `access` is how the comparison reads the unknown: `own` (the same cell),
    `lag` (`lag` positions earlier along `axis`), `index` (a look-up along `axis`: some cell of it), `all` (the largest
    or least along `axis`, so every cell). `test` is the comparison, over unknowns, parameters and data; `above` whether
    it is true for values just above the threshold. `others` are the further unknowns that the threshold depends on."""

    threshold: Expr
    access: str
    lag: int = 0
    where: Span = field(default=NOWHERE, compare=False)
    axis: str = ""
    test: Expr | None = None
    above: bool = True
    others: tuple[str, ...] = ()


def jumps_of(graph: nx.DiGraph, name: str, guide: Guide | None = None) -> tuple[Guard, ...] | Refusal:
    """Every place where a term of `roughness` jumps in the continuous unknown `name`; or why they are not all found."""
    raise NotImplementedError

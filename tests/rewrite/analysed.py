"""A model's text, checked and lowered, for the tests of the analyses."""

import networkx as nx

from ppl.check.check import check
from ppl.check.core import Expr, Guide
from ppl.graph.graph import lower
from ppl.rewrite.findings import LEVELS, Found
from ppl.rewrite.roughness import roughness
from ppl.syntax.parse import parse

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}


def graph_of(text: str) -> tuple[nx.DiGraph, Guide | None]:
    """The graph of a model, and its guide."""
    result = check(parse(text, "m.ppl"))
    assert result.core is not None, [d.message for d in result.diagnostics]
    return lower(result.core), next(iter(result.core.guides), None)


def terms(text: str) -> dict[str, Found]:
    return roughness(*graph_of(text))


def level(text: str, name: str) -> str:
    """The roughest level of a name in any term."""
    levels = [found[name].level for found in terms(text).values() if name in found]
    return max(levels, key=LEVELS.__getitem__, default="const")


def shown(e: Expr) -> str:
    """An expression as short text."""
    if e.op == "lit":
        return f"{e.attrs[0]:g}"
    if e.op == "ref":
        return str(e.attrs[0])
    parts = [shown(a) for a in e.args]
    if e.op in INFIX:
        return f"({parts[0]} {INFIX[e.op]} {parts[1]})"
    return f"{e.op}({', '.join((*parts, *map(str, e.attrs)))})"

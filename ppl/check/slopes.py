"""Columns that unknowns multiply: what the binder has to know to doubt that they are numbers."""

from collections.abc import Iterator
from dataclasses import replace

from ppl.check.core import Core, Expr, Site
from ppl.check.reads import parts, statement_expressions


def with_slopes(core: Core) -> Core:
    """The model with the whole-number columns marked that have an unknown as their slope, as in `b * arm`."""
    whole = {c.name for c in core.data.columns if c.kind == "int"}
    if not whole:
        return core
    unknowns = {s.name for s in core.statements if isinstance(s, Site) and s.role == "unknown"}
    products = (e for s in core.statements for e in _products_in(statement_expressions(s)))
    found = {_name(b) for e in products for a, b in (e.args, e.args[::-1]) if _name(a) in unknowns} & whole
    columns = tuple(replace(c, multiplied=True) if c.name in found else c for c in core.data.columns)
    return replace(core, data=replace(core.data, columns=columns))


def _products_in(expressions: Iterator[Expr]) -> Iterator[Expr]:
    return (e for whole in expressions for e in parts(whole) if e.op == "mul")


def _name(e: Expr) -> str:
    """The name that an expression is, or picks from: `b`, `b[county]`."""
    value = e.args[0] if e.op in ("take", "takepos") else e
    return str(value.attrs[0]) if value.op == "ref" else ""

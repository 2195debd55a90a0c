"""What the declarations of a file say, while they are being read, and the fixed values among them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from operator import add, mul, sub, truediv

from ppl.check.core import AxisSpec, ColumnSpec, TableSpec
from ppl.check.scope import Report
from ppl.source.diagnostic import Note
from ppl.source.span import Span
from ppl.syntax import ast

ARITHMETIC: dict[str, Callable[[float, float], float]] = {"+": add, "-": sub, "*": mul, "/": truediv, "^": pow}


@dataclass(slots=True)
class Declared:
    """What the declarations say; filled item by item, in the order of the file. The foreign names belong to parts of
    the language that are complained about: whatever uses them is not."""

    constants: dict[str, ast.Expr] = field(default_factory=dict)
    axes: dict[str, AxisSpec] = field(default_factory=dict)
    columns: dict[str, ColumnSpec] = field(default_factory=dict)
    tables: dict[str, TableSpec] = field(default_factory=dict)
    functions: dict[str, ast.Fun] = field(default_factory=dict)
    nets: dict[str, ast.Net] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    foreign: dict[str, Span] = field(default_factory=dict)
    foreign_functions: set[str] = field(default_factory=set)
    data_span: Span | None = None


def fresh(name: ast.Name, out: Declared, report: Report) -> bool:
    """Whether nothing else is declared under this name."""
    taken = name.id in out.spans
    if taken:
        report.add("E202", name.span, also=(Note(out.spans[name.id], "first here"),), name=name.id)
    out.spans.setdefault(name.id, name.span)
    return not taken


def fixed(e: ast.Expr, out: Declared) -> ast.Expr | None:
    """The literal that a constant expression comes to: a number, a truth value, a text or a list of them."""
    match e:
        case ast.Number() | ast.Text() | ast.Truth():
            return e
        case ast.Name(id):
            return out.constants.get(id)
        case ast.ListOf(items):
            parts = [fixed(i, out) for i in items]
            return None if None in parts else ast.ListOf(tuple(p for p in parts if p is not None), e.span)
        case ast.Unary("-", inner):
            value = fixed(inner, out)
            return _number(-value.value, e.span) if isinstance(value, ast.Number) else None
        case ast.Binary(op, left, right) if op in "+-*/^":
            a, b = fixed(left, out), fixed(right, out)
            return _combined(op, a, b, e.span) if isinstance(a, ast.Number) and isinstance(b, ast.Number) else None
        case _:
            return None


def _combined(op: str, a: ast.Number, b: ast.Number, span: Span) -> ast.Number | None:
    try:
        return _number(float(ARITHMETIC[op](a.value, b.value)), span)
    except (ZeroDivisionError, OverflowError, TypeError):
        return None


def _number(value: float, span: Span) -> ast.Number | None:
    if not isfinite(value):
        return None
    whole = value == int(value) if abs(value) < 1e15 else False
    return ast.Number(value, str(int(value)).lstrip("-") if whole else repr(value), span)

"""Comparisons: of numbers, of levels with labels, of dates with text that says one."""

from dataclasses import replace
from datetime import date

from ppl.check.building import elementwise, literal
from ppl.check.complaints import describe, level
from ppl.check.core import Expr
from ppl.check.scope import Scope, base, failed, is_failed, labels_of
from ppl.syntax import ast

ORDERING = {"lt", "le", "gt", "ge"}


def is_column(e: Expr) -> bool:
    """Whether this is a column as it is declared."""
    return e.op == "ref"


def compare(op: str, e: ast.Binary, left: Expr, right: Expr, scope: Scope) -> Expr:
    """Two values that are compared: numbers, truth values, levels with labels, dates with text that says one."""
    if is_failed(left, right):
        return failed(e.span)
    if left.op == right.op == "text" and op not in ORDERING:
        return literal(float((left.attrs == right.attrs) == (op == "eq")), e.span, "bool")
    if left.type.startswith("level:"):
        right = _as_level(right, left.type[6:], e.left, scope)
    elif right.type.startswith("level:"):
        left = _as_level(left, right.type[6:], e.right, scope)
    elif left.type == "date" or right.type == "date":
        left, right = _as_date(left, scope), _as_date(right, scope)
    elif "text" in (left.type, right.type):
        text = next((f"declare `{a.attrs[0]}: factor`" for a in (left, right) if is_column(a)), "")
        scope.report.add("E332", e.span, what=describe(left), other=describe(right), help=text)
        return failed(e.span)
    return elementwise(op, (left, right), e.span)


def _as_level(e: Expr, axis: str, against: ast.Expr, scope: Scope) -> Expr:
    """A label, a level, or the position in a loop over the levels, that is compared with a level of `axis`."""
    name = against.id if isinstance(against, ast.Name) else axis
    known = labels_of(scope.axes.get(axis))
    match e:
        case Expr(op="text", attrs=(label,)):
            return level(str(label), axis, name, e.span, scope)
        case Expr(op="lit", type="int", attrs=(value,)) if known is None and scope.axes[axis].kind == "declared":
            return Expr("level", (), (axis, str(int(value))), (), f"level:{axis}", e.span)  # type: ignore[call-overload]
        case Expr(op="pos", attrs=(own,)) if base(str(own)) == axis:
            code = elementwise("sub", (e, literal(1.0, e.span, "int")), e.span)
            return replace(code, type=f"level:{axis}")
        case Expr(op="failed"):
            return e
    if e.type != f"level:{axis}":
        label = known[0] if known else f"{e.attrs[0]:g}" if e.op == "lit" else "…"
        text = f'compare with a label: `{name} == "{label}"`'
        scope.report.add("E332", e.span, what=f"a level of `{axis}`", other=describe(e), help=text)
        return failed(e.span)
    return e


def _as_date(e: Expr, scope: Scope) -> Expr:
    if e.op == "text":
        try:
            return literal(
                float(date.fromisoformat(str(e.attrs[0])).toordinal() - date(1970, 1, 1).toordinal()), e.span, "date"
            )
        except ValueError:
            scope.report.add(
                "E332", e.span, what="a date", other=f'"{e.attrs[0]}"', help='dates are written "2024-03-31"'
            )
            return failed(e.span)
    if e.type not in ("date", "failed"):
        scope.report.add("E332", e.span, what="a date", other=describe(e), help='dates are written "2024-03-31"')
        return failed(e.span)
    return e

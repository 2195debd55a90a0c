"""Functions of matrices. A matrix has one axis twice: `K[i, j]` from two loops, `R[coef, coef]`, `diag(sd)`."""

from collections.abc import Callable

from ppl.check.building import elementwise, literal
from ppl.check.core import Expr
from ppl.check.products import paired, rename
from ppl.check.scope import Scope, failed
from ppl.source.span import Span
from ppl.syntax import ast


def matrix_function(name: str, args: tuple[Expr, ...], e: ast.Call, scope: Scope) -> Expr:
    """A function of a square matrix, and of a second argument for `solve`."""
    pair = paired(args[0])
    if pair is None:
        text = f"write `{name}` of a quantity with one axis twice, for example `K[i, j]` from two loops"
        scope.report.add("E417", e.span, outer=f"`{name}`", what="a square matrix", inner="this", help=text)
        return failed(e.span)
    if name == "solve":
        return _solve(args[0], args[1], pair, e.span, scope)
    return _ONE[name](args[0], pair, e.span)


def diag(value: Expr, e: ast.Call, scope: Scope) -> Expr:
    """The matrix with a vector on its diagonal."""
    if not value.axes:
        scope.report.add("E318", e.span, function="diag")
        return failed(e.span)
    axis = value.axes[-1]
    return Expr("diag", (value,), (axis, axis + "'"), (*value.axes, axis + "'"), "real", e.span)


def eye(axis: str, span: Span) -> Expr:
    """The identity matrix over an axis."""
    ones = Expr("spread", (literal(1.0, span),), (axis,), (axis,), "real", span)
    return Expr("diag", (ones,), (axis, axis + "'"), (axis, axis + "'"), "real", span)


def _solve(a: Expr, b: Expr, pair: tuple[str, str], span: Span, scope: Scope) -> Expr:
    """`solve(A, b)`: the x with A @ x = b; a matrix b is solved column by column."""
    axis, copy = pair
    if axis not in b.axes:
        text = f"its first argument has `{axis}` twice; the second needs `{axis}`"
        scope.report.add("E417", span, outer="`solve`", what=f"a right side over `{axis}`", inner="this", help=text)
        return failed(span)
    column = copy + "'"
    right = rename(b, copy, column)
    rest = tuple(x for x in dict.fromkeys((*a.axes, *right.axes)) if x not in (copy, column))
    kept = (column,) if column in right.axes else ()
    found = Expr("solve", (a, right), pair, (*rest, *kept), "real", span)
    return rename(found, column, copy) if kept else found


def _kernel(name: str) -> Callable[[Expr, tuple[str, str], Span], Expr]:
    return lambda a, pair, span: Expr(name, (a,), pair, a.axes, "real", span)


def _number(name: str) -> Callable[[Expr, tuple[str, str], Span], Expr]:
    """A function that makes one number of a matrix."""
    return lambda a, pair, span: Expr(name, (a,), pair, _without(a.axes, pair), "real", span)


def _without(axes: tuple[str, ...], gone: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(a for a in axes if a not in gone)


def _transpose(a: Expr, pair: tuple[str, str], span: Span) -> Expr:
    axis, copy = pair
    aside = rename(a, axis, copy + "'")
    turned = rename(rename(aside, copy, axis), copy + "'", copy)
    return Expr(turned.op, turned.args, turned.attrs, turned.axes, turned.type, span)


def _diagonal(a: Expr, pair: tuple[str, str], span: Span) -> Expr:
    """The entries A[i, i], as a vector."""
    axis, copy = pair
    kept = elementwise("mul", (a, eye(axis, span)), span)
    return Expr("sum", (kept,), (copy,), _without(kept.axes, (copy,)), "real", span)


def _trace(a: Expr, pair: tuple[str, str], span: Span) -> Expr:
    diagonal = _diagonal(a, pair, span)
    return Expr("sum", (diagonal,), pair[:1], _without(diagonal.axes, pair), "real", span)


_ONE: dict[str, Callable[[Expr, tuple[str, str], Span], Expr]] = {
    "cholesky": _kernel("cholesky"),
    "inverse": _kernel("inverse"),
    "logdet": _number("logdet"),
    "det": _number("det"),
    "transpose": _transpose,
    "diagonal": _diagonal,
    "trace": _trace,
}

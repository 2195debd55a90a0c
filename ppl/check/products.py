"""`a @ b`: sums over the axis that both sides share; matrices meet by the second copy of an axis."""

from ppl.check.core import Expr
from ppl.check.scope import Scope, failed, in_words, is_failed, union
from ppl.source.span import Span


def paired(e: Expr) -> tuple[str, str] | None:
    """The axis that a matrix has twice, as (axis, copy)."""
    return next(((a, a + "'") for a in e.axes if a + "'" in e.axes), None)


def rename(e: Expr, old: str, new: str) -> Expr:
    """The same values with another name for one axis."""
    if old == new:
        return e
    return Expr("rename", (e,), (old, new), tuple(new if a == old else a for a in e.axes), e.type, e.span)


def product(left: Expr, right: Expr, span: Span, scope: Scope, over: str | None = None) -> Expr:
    """`left @ right`: sums the one axis both share, rows aside; a matrix meets the other side with its second axis."""
    if is_failed(left, right):
        return failed(span)
    pair = paired(left) or paired(right)
    if pair is not None and over is None:
        return _matrix_product(left, right, pair, span)
    shared = [a for a in own_axes(left.axes, scope) if a in right.axes and a not in scope.rows]
    if over is not None:
        shared = [over] if over in left.axes and over in right.axes else []
    if not shared:
        scope.report.add("E312", span, left=in_words(left.axes) or "none", right=in_words(right.axes) or "none")
        return failed(span)
    if len(shared) > 1:
        scope.report.add("E313", span, first=shared[0], second=shared[1])
        return failed(span)
    return _dot(left, right, shared[0], span)


def own_axes(axes: tuple[str, ...], scope: Scope) -> tuple[str, ...]:
    """The axes that a sum may be over: inside a net, those that are its own. The others pass through."""
    own = scope.body.inside(axes) if scope.body is not None else ()
    return own or axes


def _dot(left: Expr, right: Expr, axis: str, span: Span) -> Expr:
    axes = tuple(a for a in union(left.axes, right.axes) if a != axis)
    return Expr("dot", (left, right), (axis,), axes, "real", span)


def _matrix_product(left: Expr, right: Expr, pair: tuple[str, str], span: Span) -> Expr:
    axis, copy = pair
    if paired(left) and paired(right):
        inner = rename(rename(right, copy, axis + "''"), axis, copy)
        return rename(_dot(left, inner, copy, span), axis + "''", copy)
    if paired(left):
        return _dot(left, rename(right, axis, copy), copy, span)
    return rename(_dot(left, right, axis, span), copy, axis)

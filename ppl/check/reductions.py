"""The axis that a reduction runs over."""

from ppl.check.complaints import no_axis
from ppl.check.core import Expr
from ppl.check.products import own_axes
from ppl.check.scope import Scope, base, in_words
from ppl.syntax import ast


def reduced_axis(e: ast.Call, value: Expr, over: ast.Expr | None, scope: Scope) -> str | None:
    """The axis that a reduction runs over."""
    name = e.function.id
    if not value.axes:
        scope.report.add("E318", e.span, function=name)
    elif over is None and len(own := own_axes(value.axes, scope)) == 1:
        return own[0]
    elif over is None:
        axes = in_words(value.axes)
        scope.report.add("E317", e.span, function=name, axes=axes, axis=value.axes[0])
    elif not isinstance(over, ast.Name):
        scope.report.add("E316.name", over.span, axis=value.axes[0])
    else:
        loop = scope.loop(over.id)
        axis = loop.axis if loop else _free_copy(over.id, value, scope)
        if axis in value.axes:
            return axis
        if over.id not in scope.axes and not loop:
            no_axis(over, scope)
        else:
            scope.report.add("E316", over.span, name=name, axis=over.id, axes=in_words(value.axes))
    return None


def _free_copy(axis: str, value: Expr, scope: Scope) -> str:
    """The copy of an axis that a reduction runs over: the last of those that no loop holds, as in the sum of a row."""
    copies = [a for a in value.axes if base(a) == axis]
    free = [a for a in copies if all(a != loop.axis for loop in scope.loops)]
    return (free or copies or [axis])[-1]

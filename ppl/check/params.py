"""Parameters: numbers that a fit learns, without a prior."""

from dataclasses import dataclass, replace
from math import inf, isinf

from ppl.check.block import Block, fail, free_copy, inside_frame, may_name
from ppl.check.building import bounds, constant, is_free
from ppl.check.complaints import no_axis
from ppl.check.core import Expr, Param
from ppl.check.domains import source_text
from ppl.check.expressions import expression, number
from ppl.check.reading import names_read
from ppl.check.scope import Entry, Scope, is_failed
from ppl.stdlib.intervals import Interval
from ppl.syntax import ast


@dataclass(frozen=True, slots=True)
class Range:
    """The open interval that a parameter moves in, and how its author wrote it."""

    low: float = -inf
    high: float = inf
    words: str = ""


def param(statement: ast.Param, block: Block, guide: str | None = None) -> None:
    """`param name[axes]: type = init`, at top level, in the model or in a guide."""
    name = statement.name
    if not may_name(name, block.scope):
        return None
    if block.scope.loops:
        block.report.add("E423", name.span, name=name.id, var=block.scope.loops[-1].name)
        return fail(name, block)
    axes = _axes(statement, block.scope)
    limits = _range(statement, block.scope)
    if axes is None or limits is None:
        return fail(name, block)
    init = _init(statement, axes, limits, block.scope)
    if init is not None and is_failed(init):
        return fail(name, block)
    block.params.append(
        Param(name.id, axes, limits.low, limits.high, init, guide, span=statement.span, name_span=name.span)
    )
    values = Interval(limits.low, limits.high, True, True)
    block.define(Entry(name.id, "param", axes, "real", values, learned=True, span=name.span))
    return None


def _axes(statement: ast.Param, scope: Scope) -> tuple[str, ...] | None:
    """The axes of a parameter; None after a complaint."""
    found: list[str] = []
    for axis in statement.axes:
        if axis.id not in scope.axes:
            no_axis(axis, scope)
            return None
        found.append(free_copy(axis.id, found))
    return tuple(found)


# ---- types -------------------------------------------------------------------------------------------------------


def _range(statement: ast.Param, scope: Scope) -> Range | None:
    """The interval that the type leaves; None after a complaint."""
    kind, name = statement.type, statement.name.id
    if kind is None:
        return Range()
    if kind.base.id != "real":
        text = f"`param {name}: real`; what is discrete is drawn, or fixed with `const`"
        scope.report.add("E420", kind.base.span, name=name, kind=f"`{kind.base.id}`", help=text)
        return None
    if kind.optional or kind.levels is not None:
        what = "may be missing" if kind.optional else "has levels"
        scope.report.add("E420.real", kind.span, name=name, what=what)
        return None
    return Range() if kind.constraint is None else _limits(kind.constraint, name, scope)


def _limits(constraint: ast.Limit | ast.Interval | ast.Between, name: str, scope: Scope) -> Range | None:
    words = scope.text[constraint.span.start : constraint.span.end]
    low: float | None
    high: float | None
    match constraint:
        case ast.Limit(">" | ">=", bound):
            low, high = _limit(bound, name, scope), inf
        case ast.Limit(_, bound):
            low, high = -inf, _limit(bound, name, scope)
        case ast.Interval(first, last) | ast.Between(first, last):
            low, high = _limit(first, name, scope), _limit(last, name, scope)
    if low is None or high is None:
        return None
    if low >= high:
        scope.report.add("E205.param", constraint.span, name=name, low=f"{low:g}", high=f"{high:g}")
        return None
    return Range(low, high, words)


def _limit(e: ast.Expr, name: str, scope: Scope) -> float | None:
    """The number that a limit is; None after a complaint."""
    is_named = all(n.id in scope.names and scope.names[n.id].kind == "const" for n in names_read(e))
    value = constant(expression(e, scope)) if is_named else None
    if value is None:
        scope.report.add("E204", e.span, name=name)
    return value


# ---- starts ------------------------------------------------------------------------------------------------------


def _init(statement: ast.Param, axes: tuple[str, ...], limits: Range, scope: Scope) -> Expr | None:
    """Where a parameter starts: None where the file does not say, a failed expression after a complaint."""
    if statement.init is None:
        return None
    name = statement.name
    value = number(statement.init, scope.within(axes, name.id, name.span))
    if is_failed(value):
        return value
    is_fine = (
        _is_given(value, name.id, scope)
        and inside_frame(value.axes, axes, name.id, value.span, scope)
        and _is_within(value, limits, statement, scope)
    )
    return value if is_fine else replace(value, type="failed")


def _is_given(value: Expr, name: str, scope: Scope) -> bool:
    """A start is known before anything is drawn or learned."""
    if not is_free(value, scope):
        return True
    other = next(e for e in _names(value, scope) if e.random or e.learned)
    kind = "parameter" if other.kind == "param" else "unknown" if other.kind == "unknown" else "derived value"
    scope.report.add("E421", value.span, name=name, kind=kind, other=other.name)
    return False


def _names(e: Expr, scope: Scope) -> list[Entry]:
    own = [scope.names[str(e.attrs[0])]] if e.op == "ref" else []
    return [*own, *(entry for a in e.args for entry in _names(a, scope))]


def _is_within(value: Expr, limits: Range, statement: ast.Param, scope: Scope) -> bool:
    """A start at an end of the range, or beyond, is no start: that end is infinitely far away for the optimiser."""
    here = bounds(value, scope)
    if here.high > limits.low and here.low < limits.high:
        return True
    fixed, written = constant(value), statement.init
    assert written is not None
    what = f"{fixed:g}" if fixed is not None else f"`{source_text(written, scope)}`"
    scope.report.add("E422", written.span, name=statement.name.id, value=what, range=limits.words, help=_inside(limits))
    return False


def _inside(limits: Range) -> str:
    """A number well inside a range."""
    if isinf(limits.high):
        return f"{limits.low + 1:g}"
    return f"{limits.high - 1:g}" if isinf(limits.low) else f"{(limits.low + limits.high) / 2:g}"

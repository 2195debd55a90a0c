"""Brackets on the right: look-ups, lags, labels, and axes that are kept."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ppl.check.complaints import describe, guarded, level, no_axis
from ppl.check.core import Expr
from ppl.check.scope import Entry, Loop, Scope, base, failed, in_words, is_failed, union
from ppl.source.span import Span
from ppl.syntax import ast

Evaluate = Callable[[ast.Expr, Scope], Expr]


@dataclass(frozen=True, slots=True)
class Step:
    """What one index does to one axis: keep, fix (at `to`), lag (by `to`), take or takepos (`index`). An axis that
    stays is called `aim` in the end, if the index says so."""

    op: str
    axis: str
    to: object = None
    index: Expr | None = None
    aim: str = ""


def index(e: ast.Index, scope: Scope, evaluate: Evaluate) -> Expr:
    """`a[i, j]`: the indices replace axes from the left; those that are missing keep theirs."""
    value = evaluate(e.value, scope)
    if is_failed(value):
        for ix in e.indices:
            if not isinstance(ix, ast.Name | ast.Dots | ast.Text | ast.Range):
                evaluate(ix, scope)
        return value
    name = e.value.id if isinstance(e.value, ast.Name) else "this"
    axes = _axes_meant(e, value, scope)
    if axes is None:
        have = (
            f"{len(value.axes)} ax{'is' if len(value.axes) == 1 else 'es'} ({in_words(value.axes)})"
            if value.axes
            else "no axes"
        )
        given = f"{len(e.indices)} ind{'ex is' if len(e.indices) == 1 else 'ices are'}"
        text = "" if value.axes else "it is one number: remove the brackets"
        scope.report.add("E304", e.span, name=name, count=have, given=given, help=text)
        return failed(e.span)
    steps = [_step(ix, axis, name, value, scope, evaluate, e.span) for ix, axis in zip(e.indices, axes, strict=False)]
    done = [step for step in steps if step is not None]
    return failed(e.span) if len(done) < len(steps) else _all_steps(done, value, e.span)


def _all_steps(steps: list[Step], value: Expr, span: Span) -> Expr:
    """The value after all steps. Where one axis is to get the name of another, or an index runs over one that is still
    there, all axes step aside first."""
    indices = {a for s in steps if s.index is not None for a in s.index.axes}
    moving = [s for s in steps if s.aim not in ("", s.axis)]
    aims = [s.aim for s in steps if s.aim]
    if not any(s.aim in value.axes for s in moving) and not (moving and indices & set(value.axes)):
        for step in steps:
            value = _apply(step, value, span)
        return value
    aside = dict(zip(value.axes, _unused(value.axes, {*value.axes, *indices, *aims}), strict=True))
    for axis, free in aside.items():
        value = _renamed(value, axis, free, span)
    for step in steps:
        value = _apply(replace(step, axis=aside[step.axis], aim=""), value, span)
    for step in (s for s in steps if s.aim):
        value = _settled(value, aside[step.axis], step.aim, span)
    for axis in (a for a in aside if aside[a] in value.axes):
        value = _renamed(value, aside[axis], _unused((axis,), set(value.axes))[0], span)
    return value


def _unused(axes: tuple[str, ...], taken: set[str]) -> tuple[str, ...]:
    """For each axis, the first copy of it that has not been taken."""
    found: list[str] = []
    for axis in axes:
        name = base(axis)
        while name in taken or name in found:
            name += "'"
        found.append(name)
    return tuple(found)


def _renamed(value: Expr, old: str, new: str, span: Span) -> Expr:
    return Expr("rename", (value,), (old, new), tuple(new if a == old else a for a in value.axes), value.type, span)


def _settled(value: Expr, axis: str, aim: str, span: Span) -> Expr:
    """An axis under its final name; where that is there already, both are read at the same position."""
    if aim not in value.axes:
        return _renamed(value, axis, aim, span)
    place = Expr("pos", (), (aim,), (aim,), "int", span)
    return Expr("takepos", (value, place), (axis,), tuple(a for a in value.axes if a != axis), value.type, span)


def _axes_meant(e: ast.Index, value: Expr, scope: Scope) -> tuple[str, ...] | None:
    """The axes that the indices stand for. A matrix column may be indexed with its rows or without them."""
    n, axes = len(e.indices), value.axes
    is_matrix = value.op == "ref" and len(axes) > 1 and axes[0] in scope.rows and value.attrs[0] in scope.names
    if is_matrix and n < len(axes) and not _points_at(e.indices[0], axes[0], scope):
        return axes[1 : 1 + n]
    return axes[:n] if n <= len(axes) else None


def _points_at(ix: ast.Expr, axis: str, scope: Scope) -> bool:
    """Whether an index runs over `axis` by its spelling: the axis, a loop over it, or a position computed from one."""
    match ix:
        case ast.Name(name):
            loop = scope.loop(name)
            return base(loop.axis if loop else name) == base(axis)
        case ast.Binary(_, left, right):
            return _points_at(left, axis, scope) or _points_at(right, axis, scope)
        case ast.Call(_, args):
            return any(_points_at(a.value, axis, scope) for a in args if scope.loops)
        case _:
            return isinstance(ix, ast.Dots)


def _step(
    ix: ast.Expr, axis: str, name: str, value: Expr, scope: Scope, evaluate: Evaluate, whole: Span
) -> Step | None:
    match ix:
        case ast.Dots():
            return Step("keep", axis)
        case ast.Name(id) if scope.loop(id) is not None:
            return _loop_step(scope.loop(id), axis, name, value, ix.span, scope)  # type: ignore[arg-type]
        case ast.Name(id) if (label := _label(id, scope)) is not None:
            return _step(ast.Text(label, ix.span), axis, name, value, scope, evaluate, whole)
        case ast.Name(id) if id in scope.axes and id == base(axis):
            return _axis_step(ix, axis, name, scope, evaluate)
        case ast.Name(id) if id not in scope.names and id in scope.axes:
            _mismatch(axis, id, name, value, ix.span, scope)
            return None
        case ast.Name(id) if id not in scope.names and id not in scope.definitions and not scope.axes.get(base(axis)):
            no_axis(ix, scope)
            return None
        case ast.Binary("-" | "+" as sign, ast.Name(id), by) if (
            scope.loop(id) is not None and (steps := _constant(by, scope)) is not None
        ):
            lag = steps if sign == "-" else -steps
            return _lag_step(scope.loop(id), lag, axis, name, value, ix.span, whole, scope)  # type: ignore[arg-type]
        case ast.Text(label):
            found = level(label, base(axis), base(axis), ix.span, scope)
            return None if is_failed(found) else Step("fix", axis, label)
        case ast.Number() if ix.is_int:
            return _position_step(int(ix.value), axis, name, ix.span, scope)
        case _:
            return _taken(evaluate(ix, scope), axis, name, value, ix.span, scope)


def _constant(e: ast.Expr, scope: Scope) -> int | None:
    """A whole number, written out or as the name of a constant."""
    match e:
        case ast.Number() if e.is_int:
            return int(e.value)
        case ast.Name(name) if name in scope.names and scope.names[name].literal is not None:
            return _constant(scope.names[name].literal, scope)  # type: ignore[arg-type]
        case _:
            return None


def _label(name: str, scope: Scope) -> str | None:
    """The text that a constant stands for."""
    entry = scope.entry(name)
    return entry.literal.value if entry is not None and isinstance(entry.literal, ast.Text) else None


def _axis_step(ix: ast.Name, axis: str, name: str, scope: Scope, evaluate: Evaluate) -> Step | None:
    """The name of an axis: the axis itself where the statement runs over it, otherwise the level of the column."""
    column = scope.names.get(ix.id)
    if column is None or not column.type.startswith("level:"):
        return Step("keep", axis, aim=axis)
    frame = scope.frame
    runs_over_it = frame is not None and any(base(a) == ix.id for a in frame)
    if runs_over_it and column.axes and set(column.axes) <= set(frame or ()):
        scope.report.add("E308", ix.span, name=ix.id, row=column.axes[0], value=name)
        return None
    if runs_over_it or (frame is not None and not set(column.axes) <= set(frame)):
        return Step("keep", axis, aim=axis)
    return Step("take", axis, index=evaluate(ix, scope))


def _loop_step(loop: Loop, axis: str, name: str, value: Expr, span: Span, scope: Scope) -> Step | None:
    if base(loop.axis) != base(axis):
        _mismatch(axis, base(loop.axis), name, value, span, scope)
        return None
    return Step("keep", axis, aim=loop.axis)


def _lag_step(
    loop: Loop, lag: int, axis: str, name: str, value: Expr, span: Span, whole: Span, scope: Scope
) -> Step | None:
    if base(loop.axis) != base(axis):
        _mismatch(axis, base(loop.axis), name, value, span, scope)
        return None
    if lag < 0:
        scope.report.add("E306", span, var=loop.name, lag=-lag)
        return None
    if loop.first <= lag:
        help_ = guarded(loop, lag, scope)
        scope.report.add("E309", whole, var=loop.name, first=loop.first, name=name, index=loop.first - lag, help=help_)
        return None
    return Step("lag", axis, lag, aim=loop.axis)


def _position_step(position: int, axis: str, name: str, span: Span, scope: Scope) -> Step | None:
    size = scope.axes[base(axis)].size if base(axis) in scope.axes else None
    if position < 1 or (size is not None and position > size):
        kind = f"the number {position}"
        text = f"positions count from 1 to {size}" if size else "positions count from 1"
        scope.report.add("E305.kind", span, name=name, axis=base(axis), kind=kind, help=text)
        return None
    return Step("fix", axis, position)


def _taken(ix: Expr, axis: str, name: str, value: Expr, span: Span, scope: Scope) -> Step | None:
    if is_failed(ix):
        return None
    if ix.type == f"level:{base(axis)}":
        return Step("take", axis, index=ix)
    if ix.type == "int":
        return Step("takepos", axis, index=ix)
    if ix.type.startswith("level:"):
        _mismatch(axis, ix.type[6:], name, value, span, scope)
    elif ix.type == "real":
        scope.report.add("E307", span)
    else:
        text = f"`if … then {name}[…] else {name}[…]`" if ix.type == "bool" else "use a factor column or a position"
        scope.report.add("E305.kind", span, name=name, axis=base(axis), kind=describe(ix), help=text)
    return None


def _mismatch(axis: str, other: str, name: str, value: Expr, span: Span, scope: Scope) -> None:
    entry = scope.names.get(name)
    declared = f"{name}[{', '.join(base(a) for a in (entry.axes if isinstance(entry, Entry) else value.axes))}]"
    scope.report.add("E305", span, name=name, axis=base(axis), other=base(other), declared=declared)


def _apply(step: Step, value: Expr, span: Span) -> Expr:
    """The value after one step; an index replaces its axis where it stood."""
    at = value.axes.index(step.axis)
    before, after = value.axes[:at], value.axes[at + 1 :]
    match step.op:
        case "keep":
            return value if step.aim in ("", step.axis) else _renamed(value, step.axis, step.aim, span)
        case "fix":
            return Expr("fix", (value,), (step.axis, step.to), (*before, *after), value.type, span)
        case "lag":
            value = Expr("lag", (value,), (step.axis, step.to), value.axes, value.type, span)
            return value if step.aim in ("", step.axis) else _renamed(value, step.axis, step.aim, span)
        case _:
            ix = step.index
            assert ix is not None
            return Expr(step.op, (value, ix), (step.axis,), union(before, ix.axes, after), value.type, span)

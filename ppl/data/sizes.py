"""The sizes and labels of all axes, and whether all arrays agree with them."""

from dataclasses import replace
from typing import Any

from ppl.check.core import AxisSpec
from ppl.data.checked import BoundAxis, CheckedColumn
from ppl.data.wording import number, quoted, shape_text
from ppl.data.work import Work
from ppl.source.diagnostic import Diagnostic, complain

Known = dict[str, tuple[BoundAxis, str]]


def settle_axes(works: tuple[Work, ...]) -> tuple[tuple[Work, ...], tuple[BoundAxis, ...]]:
    """Every axis with its size, in the order of the model. Errors: E619."""
    known, problems = _declared(works)
    settled = [_agreeing(work, known, works) for work in works]
    settled[0] = replace(settled[0], problems=(*settled[0].problems, *problems))
    axes = works[0].spec.axes
    unknown = [axis for axis in axes if axis.name not in known]
    if unknown and not any(work.problems for work in settled):
        source = ", ".join(dict.fromkeys(work.table.origin.name for work in works))
        holes = [complain("E619.unknown", axis.span, source=source, axis=axis.name) for axis in unknown]
        settled[0] = replace(settled[0], problems=tuple(holes))
    order = dict.fromkeys([*(axis.name for axis in axes), *known])
    return tuple(settled), tuple(known[name][0] for name in order if name in known)


def _agreeing(work: Work, known: Known, works: tuple[Work, ...]) -> Work:
    """The table without the columns whose sizes disagree with what is known, which they add to."""
    faults: dict[str, list[Diagnostic]] = {}
    for name, column in work.columns.items():
        fault = _agree(column, known, work, works)
        if fault is not None:
            faults[name] = [fault]
    return work.without(faults)


def _declared(works: tuple[Work, ...]) -> tuple[Known, list[Diagnostic]]:
    """The axes that need no array: the rows, the levels of factors, and those of which the model or a scalar key of the
    source gives the size. Each with the words that say where its size is from."""
    known: Known = {}
    for work in works:
        rows = work.spec.row
        if any(column.spec.axes[:1] == (rows,) for column in work.columns.values()):
            known[rows] = _rows(work), "the rows"
    problems = []
    levels = {name: found for work in works for name, found in work.levels.items()}
    tables = {work.spec.row: work for work in works}
    for axis in works[0].spec.axes:
        labels = levels.get(axis.column or "") or axis.labels
        size = len(labels) if labels is not None else axis.size
        given, faults = _given(axis, size, works)
        problems += faults
        size = given if size is None else size
        if axis.kind == "row" and axis.name in tables:
            known.setdefault(axis.name, (_rows(tables[axis.name]), "the rows"))
        elif size is not None:
            known[axis.name] = BoundAxis(axis.name, size, labels), _size_origin(axis)
    for name, found in levels.items():
        known.setdefault(name, (BoundAxis(name, len(found), found), f"the levels of `{name}`"))
    return known, problems


def _rows(work: Work) -> BoundAxis:
    """The rows of a table; their labels are its keys."""
    key = next((name for name in work.keys if work.columns[name].spec.kind == "key"), "")
    return BoundAxis(work.spec.row, len(work.numbers), work.keys.get(key))


def _given(axis: AxisSpec, size: int | None, works: tuple[Work, ...]) -> tuple[int | None, list[Diagnostic]]:
    """The size that a scalar key of some source gives the axis, and what is wrong with those keys."""
    sources = {id(work.table): work for work in works}
    found = [_scalar(axis, size, work) for work in sources.values()]
    return next((given for given, _ in found if given is not None), None), [fault for _, fault in found if fault]


def _size_origin(axis: AxisSpec) -> str:
    return f"the levels of `{axis.column}`" if axis.kind == "levels" else "declared"


def _scalar(axis: AxisSpec, size: int | None, work: Work) -> tuple[int | None, Diagnostic | None]:
    """The size that a scalar key of the source gives the axis, and the complaint if the model says otherwise."""
    raw = work.table.columns.get(axis.name)
    if raw is None or raw.shape != () or axis.kind == "row":
        return None, None
    value = raw.cells[0]
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value // 1 and value >= 0
    if whole and size in (None, value):
        return int(value), None  # type: ignore[call-overload]
    shown = number(value) if isinstance(value, (int, float)) else quoted(str(value))
    holes: dict[str, Any] = {
        "name": axis.name,
        "axis": axis.name,
        "value": shown,
        "size": "needs a whole number" if size is None else f"has {size}",
    }
    return None, complain("E619.size", axis.span, source=work.table.origin.name, **holes)


def _agree(column: CheckedColumn, known: Known, work: Work, works: tuple[Work, ...]) -> Diagnostic | None:
    """The complaint about the first axis on which the column has another size; axes not yet known take it."""
    for place, (axis, size) in enumerate(zip(column.spec.axes, column.shape)):
        name = axis.rstrip("'")
        labels = column.labels if place == len(column.shape) - 1 else None
        if name not in known:
            known[name] = BoundAxis(name, size, labels), f"from `{column.spec.name}`"
        elif known[name][0].size != size and not any(_is_pending(name, each) for each in works):
            subject = work.table.origin.column(column.spec.name)
            shape, (other, origin) = shape_text(column.shape), known[name]
            return complain(
                "E619", column.spec.span, column=subject, shape=shape, axis=name, size=other.size, origin=origin
            )
    return None


def _is_pending(axis: str, work: Work) -> bool:
    """The axis of a factor that has errors of its own: nothing more can be said of its size."""
    return axis in work.factors and axis not in work.levels

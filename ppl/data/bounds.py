"""The bounds that column types declare, and the scales that fits do not like."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from ppl.check.core import ColumnSpec
from ppl.data.checked import CheckedColumn, Part
from ppl.data.wording import SHOWN, counted, number
from ppl.data.work import Work
from ppl.source.diagnostic import Diagnostic, complain

LARGE = 1000.0


def check_bounds(work: Work) -> Work:
    """E612 for each column with a value outside its bounds."""
    bounded = [
        column for column in work.columns.values() if column.spec.low is not None or column.spec.high is not None
    ]
    faults = {column.spec.name: _bound_fault(column, work) for column in bounded}
    return work.without({name: [fault] for name, fault in faults.items() if fault is not None})


def bound_text(spec: ColumnSpec) -> str:
    """`> 0`, `<= 1`, `in [0, 1)`, `in 1..5`: as the model writes it."""
    low, high = spec.low, spec.high
    if low is None or high is None:
        limit, sign, is_open = (low, ">", spec.low_open) if low is not None else (high, "<", spec.high_open)
        return f"{sign}{'' if is_open else '='} {number(limit)}"
    if spec.kind == "int" and not spec.low_open and not spec.high_open:
        return f"in {number(low)}..{number(high)}"
    return f"in {'(' if spec.low_open else '['}{number(low)}, {number(high)}{')' if spec.high_open else ']'}"


def _is_inside(spec: ColumnSpec) -> Callable[[float], bool]:
    low = -math.inf if spec.low is None else spec.low
    high = math.inf if spec.high is None else spec.high
    return lambda value: (
        (value > low if spec.low_open else value >= low) and (value < high if spec.high_open else value <= high)
    )


def _bound_fault(column: CheckedColumn, work: Work) -> Diagnostic | None:
    found = next(((part, outside) for part in column.parts if (outside := _outside(column.spec, part))), None)
    if found is None:
        return None
    part, outside = found
    shown = [f"{work.place(column, part, index)}: {number(part.values[index])}" for index in outside[:SHOWN]]
    lines = (f"{counted(len(outside), 'value')} in all: {'    '.join(shown)}",) if len(outside) > 1 else ()
    return complain(
        "E612",
        column.spec.span,
        column=work.table.origin.column(part.name),
        bound=bound_text(column.spec),
        row=work.place(column, part, outside[0]),
        value=number(part.values[outside[0]]),
        lines=lines,
    )


def _outside(spec: ColumnSpec, part: Part) -> list[int]:
    """The positions out of bounds. The smallest and the largest value decide for nearly every column."""
    values: Sequence[float] = part.values
    inside = _is_inside(spec)
    if not values or (not part.missing and inside(min(values)) and inside(max(values))):
        return []
    gone = set(part.missing)
    return [index for index, value in enumerate(values) if index not in gone and not inside(value)]


def warn_scales(work: Work) -> Work:
    """W110 for each real column whose mean or spread is over a thousand: the first such part of a matrix."""
    notes = [_scale(column, work) for column in work.columns.values() if column.spec.kind == "real" and column.on_rows]
    return replace(work, warnings=work.warnings + tuple(note for note in notes if note))


def _scale(column: CheckedColumn, work: Work) -> Diagnostic | None:
    for part in column.parts:
        mean, sd = _moments(part)
        if math.isfinite(mean) and math.isfinite(sd) and max(abs(mean), sd) > LARGE:
            subject, name = work.table.origin.column(part.name), column.spec.name
            shown, spread = _rounded(mean), _rounded(sd)
            return complain("W110", column.spec.span, column=subject, name=name, mean=shown, sd=spread)
    return None


def _moments(part: Part) -> tuple[float, float]:
    """Mean and standard deviation (zero if the values are all within the limit anyway: a pass less over the data)."""
    values: Sequence[float] = part.values
    if part.missing:
        values = [value for value in values if not math.isnan(value)]
    if not values or (max(values) <= LARGE and min(values) >= -LARGE):
        return 0.0, 0.0
    mean = sum(values) / len(values)
    # a distance does not overflow where its squares do
    return mean, math.dist(values, [mean] * len(values)) / math.sqrt(len(values))


def _rounded(value: float) -> str:
    """Two or three figures, thousands apart: `31 000`."""
    size = 10.0 ** max(0, math.floor(math.log10(abs(value))) - 1) if value else 1.0
    shown = round(value / size) * size
    return f"{shown:,.0f}".replace(",", " ") if abs(value) >= 100 else f"{value:.3g}"

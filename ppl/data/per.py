"""Columns `per` a factor: one value for each level, which all its rows agree on."""

from collections.abc import Mapping
from dataclasses import replace

from ppl.data.checked import CheckedColumn, Part
from ppl.data.sort import shown_value
from ppl.data.wording import SHOWN, quoted
from ppl.data.work import Work
from ppl.source.diagnostic import Diagnostic, complain


def collapse_per(work: Work) -> Work:
    """Each `per` column that stands on the rows, with one position per level. Errors: E614, E615."""
    results = {name: _collapse(column, work) for name, column in work.columns.items() if _is_on_rows(column, work)}
    faults = {name: [result] for name, result in results.items() if isinstance(result, Diagnostic)}
    collapsed = {name: result for name, result in results.items() if isinstance(result, CheckedColumn)}
    return replace(work, columns={**work.columns, **collapsed}).without(faults)


def _is_on_rows(column: CheckedColumn, work: Work) -> bool:
    per = column.spec.per or ""
    return column.on_rows and per in work.columns and work.columns[per].on_rows and work.labels(per) is not None


def _collapse(column: CheckedColumn, work: Work) -> CheckedColumn | Diagnostic:
    per = column.spec.per or ""
    group = work.columns[per].parts[0]
    nowhere = set(group.missing)
    codes = {row: code for row, code in enumerate(group.values) if row not in nowhere}
    first: dict[int, int] = {}
    for row, code in codes.items():
        first.setdefault(code, row)
    for part in column.parts:
        fault = _differing(column, part, codes, first, work)
        if fault is not None:
            return fault
    levels = work.labels(per) or ()
    absent = [quoted(label) for code, label in enumerate(levels) if code not in first]
    if absent:
        subject = work.table.origin.column(column.parts[0].name)
        return complain("E615", column.spec.span, column=subject, per=per, level=", ".join(absent[:SHOWN]))
    return _on_levels(column, [first[code] for code in range(len(levels))])


def _on_levels(column: CheckedColumn, rows: list[int]) -> CheckedColumn:
    parts = tuple(_part_on(part, rows) for part in column.parts)
    return replace(column, parts=parts, shape=(len(rows), *column.shape[1:]), on_rows=False)


def _part_on(part: Part, rows: list[int]) -> Part:
    gone, inner = set(part.missing), part.inner
    positions = [row * inner + inside for row in rows for inside in range(inner)]
    missing = tuple(place for place, index in enumerate(positions) if index in gone)
    return replace(part, values=[part.values[index] for index in positions], missing=missing)


def _differing(
    column: CheckedColumn, part: Part, codes: Mapping[int, int], first: dict[int, int], work: Work
) -> Diagnostic | None:
    """The complaint about the levels whose rows disagree: the first row that differs, for the first few levels."""
    blank, inner = set(part.missing), part.inner
    keys = [None if index in blank else value for index, value in enumerate(part.values)]
    chunks = keys if inner == 1 else [tuple(keys[row * inner : (row + 1) * inner]) for row in range(part.lead)]
    odd: dict[int, int] = {}
    for row, code in codes.items():
        if chunks[row] != chunks[first[code]]:
            odd.setdefault(code, row)
    if not odd:
        return None
    groups = [_group(column, part, code, first[code], row, work) for code, row in odd.items()]
    subject = work.table.origin.column(part.name)
    lines = [f"also {group}" for group in groups[1:SHOWN]]
    more = [f"and {len(groups) - SHOWN} more"] if len(groups) > SHOWN else []
    return complain("E614", column.spec.span, column=subject, per=column.spec.per, group=groups[0], lines=lines + more)


def _group(column: CheckedColumn, part: Part, code: int, first: int, odd: int, work: Work) -> str:
    per, inner = column.spec.per or "", part.inner
    inside = next(
        (
            at
            for at in range(inner)
            if _cell(column, part, first * inner + at, work) != _cell(column, part, odd * inner + at, work)
        ),
        0,
    )
    has, other = (_cell(column, part, row * inner + inside, work) for row in (first, odd))
    label = quoted((work.labels(per) or ())[code])
    return f"{per} {label} has {has} (row {work.numbers[first]}) and {other} (row {work.numbers[odd]})"


def _cell(column: CheckedColumn, part: Part, index: int, work: Work) -> str:
    return "a missing cell" if index in part.missing else shown_value(column, part.values[index], work)

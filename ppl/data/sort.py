"""`data sorted by`: the rows in the order of a column."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from ppl.data.checked import CheckedColumn
from ppl.data.dates import date_text
from ppl.data.natural import natural_order
from ppl.data.wording import listed, number, quoted
from ppl.data.work import Work, take_rows
from ppl.source.diagnostic import Bug, Diagnostic, complain


def sort_rows(work: Work) -> Work:
    """The rows in ascending order of the column, ties in file order; notes say what was moved (W112)."""
    name = work.spec.sorted_by
    if name is None:
        return work
    if name not in {column.name for column in work.spec.columns}:
        raise Bug(f"the model sorts by `{name}`, which it does not declare")
    if name not in work.columns or not work.columns[name].on_rows:
        return work
    column = work.columns[name]
    keys = _keys(column)
    order = sorted(range(len(keys)), key=keys.__getitem__)
    note = _tie_note(column, keys, order, work)
    work = replace(work, warnings=(*work.warnings, *note))
    return work if order == list(range(len(keys))) else _reordered(work, column, keys, order)


def _keys(column: CheckedColumn) -> Sequence[float]:
    """Numbers to sort by: the values themselves, or the place of a text in natural order. Keys are texts here still."""
    values = column.parts[0].values
    if column.spec.kind not in ("text", "key", "pointer"):
        return values
    places = {text: place for place, text in enumerate(natural_order(map(str, values)))}
    return [places[str(value)] for value in values]


def _reordered(work: Work, column: CheckedColumn, keys: Sequence[float], order: list[int]) -> Work:
    first = next(index for index in range(1, len(keys)) if keys[index] < keys[index - 1])
    row = work.place(column, column.parts[0], first)
    note = complain("W112", column.spec.span, source=work.table.origin.name, name=column.spec.name, row=row)
    columns = {name: take_rows(other, order) if other.on_rows else other for name, other in work.columns.items()}
    numbers = tuple(work.numbers[index] for index in order)
    return replace(work, columns=columns, numbers=numbers, warnings=(*work.warnings, note))


def _tie_note(column: CheckedColumn, keys: Sequence[float], order: list[int], work: Work) -> list[Diagnostic]:
    """A note on the first value that several rows share."""
    tied = next((key for key, after in pairwise(order) if keys[key] == keys[after]), None)
    if tied is None:
        return []
    rows = [work.numbers[index] for index in order if keys[index] == keys[tied]]
    value, source = shown_value(column, column.parts[0].values[tied], work), work.table.origin.name
    words = f"rows {listed(rows)}" + (", …" if len(rows) > 3 else "")
    return [complain("W112.ties", column.spec.span, source=source, name=column.spec.name, value=value, rows=words)]


def shown_value(column: CheckedColumn, value: Any, work: Work) -> str:
    """A value as the file would write it."""
    match column.spec.kind:
        case "factor" | "ordinal" | "key" | "pointer" if (labels := work.labels(column.spec.name)) is not None:
            return quoted(labels[int(value)])
        case "text" | "key" | "pointer":
            return quoted(value)
        case "date":
            return date_text(int(value))
    return number(value)

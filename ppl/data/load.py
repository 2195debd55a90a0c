"""From a table to parsed columns: which columns, of what shape, with what values."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

from ppl.check.core import ColumnSpec, DataSpec
from ppl.data.cells import parse_cells
from ppl.data.checked import CheckedColumn, Part
from ppl.data.defaults import filled, stand_in
from ppl.data.labels import bool_style
from ppl.data.options import Options
from ppl.data.parsed import Bad
from ppl.data.resolve import Found, resolve, unused
from ppl.data.sniff import has_thousands, is_decimal_comma, shell
from ppl.data.table import Raw, Table
from ppl.data.wording import SHOWN, counted, cut, number, quoted, shape_text
from ppl.data.work import Work
from ppl.source.diagnostic import Diagnostic, complain

_NA_LIKE = (
    "n/a #n/a #na na n.a. n.d. nd nan none nil - -- --- ? missing unknown #value! #div/0! #null! <na> * x -9 -99 -999"
)
NA_LIKE = frozenset(_NA_LIKE.split())


def load(spec: DataSpec, table: Table, options: Options) -> Work:
    """Every declared column, found, shaped and parsed. Errors: E601, E607, E610, E611, E618, E619."""
    results = {column.name: resolve(column, table, options) for column in spec.columns}
    found = {name: result for name, result in results.items() if isinstance(result, Found)}
    rows, origin = _row_count(spec, table, found)
    absent = {c.name: made for c in spec.columns if c.name not in found if (made := stand_in(c, table, rows))}
    found |= {name: match for name, (match, _) in absent.items()}
    problems = [
        d for name, result in results.items() if name not in found and not isinstance(result, Found) for d in result
    ]
    axes = [axis.name for axis in spec.axes]
    used = [name for match in found.values() for name in match.names]
    notes = (*table.notes, *(note for _, note in absent.values()))
    numbers = tuple(range(table.first, table.first + rows))
    work = Work(spec, table, options, numbers=numbers, extra=unused(table, [*used, *axes]))
    work = replace(work, problems=tuple(problems), warnings=notes)
    return _parse_all(_shape_all(work, found, origin), found)


def _row_count(spec: DataSpec, table: Table, found: dict[str, Found]) -> tuple[int, str]:
    """How many rows there are, and the column that says so: the first one on the row axis that is an array at all."""
    if table.is_flat:
        return next((raw.shape[0] for raw in table.columns.values()), 0), ""
    arrays = [
        match
        for match in found.values()
        if match.spec.axes[:1] == (spec.row,) and not match.raws[0].fault and match.raws[0].shape
    ]
    return (arrays[0].raws[0].shape[0], arrays[0].names[0]) if arrays else (0, "")


# ---- shapes ------------------------------------------------------------------------------------------------------


def _shape_all(work: Work, found: dict[str, Found], origin: str) -> Work:
    shaped = {name: _shape(match, work, origin) for name, match in found.items()}
    columns = {name: column for name, column in shaped.items() if isinstance(column, CheckedColumn)}
    faults = tuple(fault for fault in shaped.values() if isinstance(fault, Diagnostic))
    empty = (complain("E603.arrays", column=work.table.origin.column(origin)),) if origin and not work.numbers else ()
    return replace(work, columns=columns, problems=work.problems + faults + empty)


def _shape(match: Found, work: Work, origin: str) -> CheckedColumn | Diagnostic:
    """The column without values yet, or why its array does not lie on its axes."""
    column, rows = match.spec, len(work.numbers)
    axes = column.axes[:1] if match.is_matrix_of_columns else column.axes
    for name, raw in zip(match.names, match.raws):
        fault = _shape_fault(column, name, raw, axes, work)
        if fault is not None:
            return fault
    lead = match.raws[0].shape[0] if match.raws[0].shape else 0
    on_rows = column.axes[:1] == (work.spec.row,) or (column.per in work.groups and lead == rows)
    expected = rows if on_rows else lead
    for name, raw in zip(match.names, match.raws):
        if raw.shape[0] != expected:
            return _size_fault(column, name, raw, work, expected, origin)
    if work.table.is_flat and not on_rows:
        return complain("E601.axis", column.span, source=work.table.origin.name, name=column.name, per=column.axes[0])
    shape = (lead, len(match.raws)) if match.is_matrix_of_columns else match.raws[0].shape
    labels = match.names if match.is_matrix_of_columns else None
    return CheckedColumn(column, (), shape, on_rows, labels)


def _shape_fault(column: ColumnSpec, name: str, raw: Raw, axes: tuple[str, ...], work: Work) -> Diagnostic | None:
    subject = work.table.origin.column(name)
    if raw.fault:
        return complain("E619.ragged", column.span, column=subject, why=raw.fault)
    if len(raw.shape) == len(axes):
        return None
    declared = f"the axes ({', '.join(axes)})" if len(axes) > 1 else f"one value per `{axes[0]}`"
    return complain("E619.rank", column.span, column=subject, shape=shape_text(raw.shape), declared=declared)


def _size_fault(column: ColumnSpec, name: str, raw: Raw, work: Work, size: int, origin: str) -> Diagnostic:
    holes: dict[str, Any] = {"column": work.table.origin.column(name), "shape": shape_text(raw.shape), "size": size}
    return complain("E619", column.span, axis=column.axes[0], origin=f"from `{origin}`", **holes)


# ---- values ------------------------------------------------------------------------------------------------------


def _parse_all(work: Work, found: dict[str, Found]) -> Work:
    columns = dict(work.columns)
    faults: dict[str, list[Diagnostic]] = {}
    for name, column in work.columns.items():
        bad: list[tuple[Part, tuple[Bad, ...]]] = []
        parts = []
        for source, raw in zip(found[name].names, found[name].raws):
            parsed = filled(parse_cells(column.spec.kind, raw.cells, work.options), column.spec)
            parts.append(Part(source, parsed.values, parsed.missing, max(1, prod(raw.shape[1:]))))
            if parsed.bad:
                bad.append((parts[-1], parsed.bad))
        columns[name] = replace(column, parts=tuple(parts))
        if bad:
            faults[name] = _cell_faults(columns[name], bad, found[name], work)
    return replace(work, columns=columns).without(faults)


def _cell_faults(
    column: CheckedColumn, bad: list[tuple[Part, tuple[Bad, ...]]], match: Found, work: Work
) -> list[Diagnostic]:
    """One complaint for each kind of fault, about the first column of a matrix that has it."""
    complaints: dict[str, Diagnostic] = {}
    for part, faults in bad:
        cells = match.raws[match.names.index(part.name)].cells
        for key in dict.fromkeys(fault.key for fault in faults):
            same = [fault for fault in faults if fault.key == key]
            if key not in complaints:
                complaints[key] = _cell_fault(key, column, part, same, cells, work)
    return list(complaints.values())


def _cell_fault(
    key: str, column: CheckedColumn, part: Part, faults: list[Bad], cells: Sequence[object], work: Work
) -> Diagnostic:
    spec, origin, first = column.spec, work.table.origin, faults[0]
    rows = counted(len(faults), "row")
    shown = [f"{work.place(column, part, fault.index)}: {quoted(fault.cell)}" for fault in faults[:SHOWN]]
    lines = ("    ".join(shown),)
    whole: dict[str, Any] = {"row": work.place(column, part, first.index), "value": _bare(first.cell)}
    match key:
        case "E611" | "E611.large":
            more = (f"{rows} in all: {'    '.join(shown)}",) if len(faults) > 1 else ()
            subject = origin.column(part.name)
            return complain(key, spec.span, column=subject, name=spec.name, lines=more, **whole)
        case "E607":
            return complain(key, spec.span, column=origin.column(part.name), lines=lines)
    subject = origin.column(part.name, "column ")
    found = _bool_hint(cells, faults, spec) if key == "E610.bool" else _number_hint(spec, faults)
    return complain(key, spec.span, column=subject, rows=rows, found=found, lines=lines)


def _bare(cell: object) -> str:
    return cut(cell.strip()) if isinstance(cell, str) else number(cell)


def _bool_hint(cells: Sequence[object], faults: list[Bad], spec: ColumnSpec) -> str:
    style = bool_style([str(cell).strip() for cell in cells])
    if len(faults) == len(cells):
        return f"declare `{spec.name}: factor` if these are names"
    return f"one style per column: `{style[0]}` and `{style[1]}`, as in the other rows"


def _number_hint(spec: ColumnSpec, faults: list[Bad]) -> str:
    """What to type, judged by the cells that are not numbers."""
    texts = Counter(fault.cell.strip() for fault in faults if isinstance(fault.cell, str))
    blanks = [text for text in texts if text.casefold() in NA_LIKE]
    if blanks:
        declare = "" if spec.optional else f"; then declare `{spec.name}: {spec.kind}?`"
        return f"`--na {shell(max(blanks, key=texts.__getitem__))}` treats that text as missing{declare}"
    if texts and all(map(has_thousands, texts)):
        decimal = "; only if they are decimal marks, `--decimal ,`" if all(map(is_decimal_comma, texts)) else ""
        return f"the commas look like separators of thousands: remove them in the file{decimal}"
    if texts and all(map(is_decimal_comma, texts)):
        return "`--decimal ,` if the comma is the decimal mark"
    if texts and all(text.replace(",", "").replace(" ", "").replace("_", "").lstrip("-").isdecimal() for text in texts):
        return "write numbers without separators between the thousands"
    return f"declare `{spec.name}: factor` if these are names" if len(texts) > SHOWN and len(faults) > 10 else ""

"""Defaults of columns: what stands for their blanks, and for a column that is not there."""

from dataclasses import replace
from typing import Any

from ppl.check.core import ColumnSpec
from ppl.data.cells import parse_cells
from ppl.data.options import Options
from ppl.data.parsed import Parsed
from ppl.data.resolve import Found
from ppl.data.table import Raw, Table
from ppl.data.wording import nearest, number, quoted
from ppl.source.diagnostic import Diagnostic, complain


def filled(parsed: Parsed, spec: ColumnSpec) -> Parsed:
    """The values with the default of the column for those that are missing."""
    if spec.default is None or not parsed.missing:
        return parsed
    value = default_value(spec)
    gone = set(parsed.missing)
    values = [value if index in gone else each for index, each in enumerate(parsed.values)]
    return replace(parsed, values=values, missing=())


def default_value(spec: ColumnSpec) -> Any:
    """The default as a value of the column."""
    return parse_cells(spec.kind, [spec.default], Options()).values[0]


def stand_in(spec: ColumnSpec, table: Table, rows: int) -> tuple[Found, Diagnostic] | None:
    """A column that the table lacks as if it had it, and the note about that (W116); None without a default, and where
    the table has nearly that name: it is more likely misspelt."""
    absent = spec.name not in table.columns and len(spec.axes) == 1 and not (spec.is_glob or spec.is_range)
    if spec.default is None or not absent or nearest(spec.name, table.names) is not None:
        return None
    shown = quoted(spec.default) if isinstance(spec.default, str) else number(spec.default)
    note = complain("W116", spec.span, source=table.origin.name, name=spec.name, value=shown)
    return Found(spec, (spec.name,), (Raw([spec.default] * rows, (rows,)),), False), note

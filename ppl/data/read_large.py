"""Large CSV files by way of pyarrow, where it is installed and finds nothing odd.

It is only a faster way to the same table. Whatever it cannot read as plainly as that (a blank among numbers, a row of
another length, bytes that are not UTF-8) is left to the careful reader, which says where it goes wrong.
"""

import csv
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppl.check.core import DataSpec
from ppl.data.arrays import table_of_arrays
from ppl.data.options import Options
from ppl.data.read import SEPARATORS, separator
from ppl.data.resolve import Found, resolve
from ppl.data.table import Origin, Raw, Table

LARGE_BYTES = 50_000_000
ARROW_TYPES: Mapping[str, str] = {"real": "float64", "int": "int64"}


def is_large(path: Path) -> bool:
    """Whether this is a text table of more than `LARGE_BYTES`."""
    return path.suffix.lower() in SEPARATORS and path.is_file() and path.stat().st_size > LARGE_BYTES


def read_large_table(spec: DataSpec, path: Path, options: Options) -> Table | None:
    """The columns of the file that the model asks for, or None if the careful reader has to read it."""
    plan = arrow_plan(spec, path, options)
    if plan is None:
        return None
    try:
        table = plan.reader.read_csv(str(path), **plan.settings)
    except (ValueError, OSError):
        return None
    if not table.num_rows:
        return None
    cells = [(name, _cells(table.column(name))) for name in plan.kinds]
    columns = table_of_arrays(cells, Origin(path.name), is_flat=True)
    return Table(columns.origin, plan.names, columns.columns, is_flat=True)


@dataclass(frozen=True, slots=True)
class ArrowPlan:
    """How pyarrow reads a file: its module for CSV, the header, the kinds of the columns wanted, and its settings."""

    reader: Any
    names: tuple[str, ...]
    kinds: Mapping[str, str]
    settings: Mapping[str, Any]


def arrow_plan(spec: DataSpec, path: Path, options: Options) -> ArrowPlan | None:
    """None where pyarrow is not installed, or where what is declared does not name columns of plain kinds."""
    try:
        arrow, reader = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.csv")
    except ImportError:
        return None
    sep = separator(options, SEPARATORS[path.suffix.lower()])
    names = header_of(path, sep)
    kinds = kinds_of(spec, names, options)
    if kinds is None:
        return None
    parse = reader.ParseOptions(delimiter=sep, newlines_in_values=True)
    settings = {"parse_options": parse, "convert_options": _conversion(arrow, reader, kinds, options)}
    return ArrowPlan(reader, names, kinds, settings)


def _conversion(arrow: Any, reader: Any, kinds: Mapping[str, str], options: Options) -> Any:
    """How pyarrow reads columns of these kinds. No text means missing: a blank among numbers makes the read fail."""
    types = {name: getattr(arrow, ARROW_TYPES.get(kind, "string"))() for name, kind in kinds.items()}
    return reader.ConvertOptions(
        column_types=types, include_columns=list(types), null_values=[], decimal_point=options.decimal
    )


def header_of(path: Path, sep: str) -> tuple[str, ...]:
    """The names in the first line; none if that is no line of UTF-8 CSV."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return tuple(next(csv.reader(lines, delimiter=sep, strict=True), ()))
    except (UnicodeDecodeError, csv.Error):
        return ()


def kinds_of(spec: DataSpec, names: Sequence[str], options: Options) -> dict[str, str] | None:
    """The kind of each column that a declaration takes, or None if some declaration finds none, or two that differ."""
    header = Table(Origin(""), tuple(names), {name: Raw((), (0,)) for name in names}, is_flat=True)
    found = [resolve(column, header, options) for column in spec.columns]
    kinds: dict[str, str] = {}
    for match in found:
        if not isinstance(match, Found):
            return None
        for name in match.names:
            if kinds.setdefault(name, match.spec.kind) != match.spec.kind:
                return None
    plain = len(set(names)) == len(names) > 1 and all(name == name.strip() for name in names)
    return kinds if kinds and plain else None


def _cells(column: Any) -> Any:
    """Numbers as an array, texts as a list."""
    return column.to_pylist() if str(column.type) == "string" else column.to_numpy()

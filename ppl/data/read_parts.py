"""A file part by part, as tables: text by pyarrow where that is installed and finds nothing odd, else by `csv`;
Parquet row group by row group."""

import csv
import importlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from ppl.check.core import DataSpec
from ppl.data.arrays import table_of_arrays
from ppl.data.options import Options
from ppl.data.read import CELL_LIMIT, SEPARATORS, csv_fault, separator, table_of_rows
from ppl.data.read_large import arrow_plan, kinds_of
from ppl.data.sniff import guess_separator
from ppl.data.table import Origin, Table
from ppl.data.validate import wanted_names
from ppl.source.diagnostic import Diagnostic, ModelError, complain

PARQUET = (".parquet",)
# Rows of a part, and bytes of one that pyarrow reads.
ROWS, BYTES = 2**16, 2**23
# Characters from which the separator is guessed.
LOOK = 2**16


def is_readable_in_parts(path: Path) -> bool:
    """Whether a file of this name is read part by part."""
    return path.suffix.lower() in SEPARATORS or path.suffix.lower() in PARQUET


def tables(spec: DataSpec, path: Path, options: Options) -> Iterator[Table]:
    """The parts of a table, their rows numbered through. Raises ModelError: E602 to E605, E620."""
    if path.suffix.lower() in PARQUET:
        yield from _numbered(_parquet(spec, path, options))
        return
    arrow = _arrow_batches(spec, path, options)
    if arrow is not None:
        yield from _numbered(arrow)
    else:
        yield from _texts(spec, path, options)


def _numbered(parts: Iterator[Table]) -> Iterator[Table]:
    first = 1
    for table in parts:
        yield replace(table, first=first)
        first += next(iter(table.columns.values())).shape[0] if table.columns else 0


# ---- text --------------------------------------------------------------------------------------------------------


def _texts(spec: DataSpec, path: Path, options: Options) -> Iterator[Table]:
    """By the reader that says where a file goes wrong. Bytes that are not UTF-8 are read as Latin-1."""
    origin, sep = Origin(path.name), separator(options, SEPARATORS[path.suffix.lower()])
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        guess = guess_separator(file.read(LOOK), sep, wanted_names(spec, options))
        if guess is not None:
            raise ModelError([complain("E620", source=origin.name, sep=guess.words, flags=guess.flags)])
        file.seek(0)
        csv.field_size_limit(CELL_LIMIT)
        reader = csv.reader(file, delimiter=sep, strict=True)
        notes: tuple[Diagnostic, ...] = (complain("W113", source=origin.name),) if encoding == "latin-1" else ()
        try:
            header = next(row for row in reader if row)
            number = 1
            while rows := [row for row in islice(reader, ROWS) if row or len(header) == 1]:
                yield table_of_rows([header, *rows], origin, notes, number)
                number, notes = number + len(rows), ()
        except StopIteration:
            raise ModelError([complain("E603", source=origin.name)]) from None
        except csv.Error as error:
            raise ModelError([csv_fault(error, origin, reader.line_num)]) from None


def _encoding(path: Path) -> str:
    """The encoding of a text file: UTF-8 if all of it is, with or without a mark; UTF-16 by its mark; else Latin-1."""
    with path.open("rb") as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            while text.read(BYTES):
                pass
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


# ---- pyarrow -----------------------------------------------------------------------------------------------------


def _arrow_batches(spec: DataSpec, path: Path, options: Options) -> Iterator[Table] | None:
    """The parts as pyarrow reads them; None where it is not installed, or where any of it needs the careful reader: the
    file is looked through once before anything is believed."""
    plan = arrow_plan(spec, path, options)
    if plan is None:
        return None

    def batches() -> Iterator[Any]:
        reading = plan.reader.ReadOptions(block_size=BYTES)
        yield from plan.reader.open_csv(str(path), read_options=reading, **plan.settings)

    try:
        rows = sum(batch.num_rows for batch in batches())
    except (ValueError, OSError):
        return None
    return (_table(batch, plan.names, Origin(path.name)) for batch in batches()) if rows else None


def _parquet(spec: DataSpec, path: Path, options: Options) -> Iterator[Table]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise ModelError([complain("E602.arrow", path=path)]) from None
    with parquet.ParquetFile(str(path)) as file:
        names = tuple(file.schema_arrow.names)
        kinds = kinds_of(spec, names, options)
        for batch in file.iter_batches(batch_size=ROWS, columns=list(kinds or names)):
            yield _table(batch, names, Origin(path.name))


def _table(batch: Any, names: tuple[str, ...], origin: Origin) -> Table:
    """A part: numbers as arrays, anything else as lists."""
    pairs = [(name, _cells(batch.column(i))) for i, name in enumerate(batch.schema.names)]
    return Table(origin, names, table_of_arrays(pairs, origin, is_flat=True).columns, is_flat=True)


def _cells(column: Any) -> Any:
    """Numbers without blanks as an array, others as they are."""
    plain = str(column.type) in ("double", "float", "int64", "int32", "int16", "int8") and not column.null_count
    return column.to_numpy(zero_copy_only=False) if plain else column.to_pylist()

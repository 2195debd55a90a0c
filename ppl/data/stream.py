"""Tables larger than memory: read part by part, checked part by part, and laid down on disk column by column.

What comes back is bound data like any other, but that its arrays are maps of temporary files, of which the system keeps
in memory what it has room for. Every part goes through the checks of a whole table, so that complaints name the same
rows; the levels of factors are collected on the way."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from ppl.check.core import DataSpec
from ppl.data.arrays import to_bound
from ppl.data.bind import bind
from ppl.data.bound import Array, Bound, BoundAxis, BoundColumn
from ppl.data.natural import natural_order
from ppl.data.options import Options
from ppl.data.read_parts import is_readable_in_parts, tables
from ppl.data.validate import check_tables
from ppl.data.wording import counted, grouped, listed
from ppl.source.diagnostic import Diagnostic, complain

# Files of more bytes are read part by part.
LARGE = 50_000_000
# Rows of a part that is written, or written again, at once.
ROWS = 2**16
# Levels take the smallest of these types that counts them all.
CODES = (np.int8, np.int16, np.int32)
DROPPED = "W114"
# The types in which whole tables have their columns.
USUAL: Mapping[str, str] = {"real": "<f8"}


def bind_rows(spec: DataSpec, source: object, options: Options | None = None, large: int | None = None) -> Bound:
    """The arrays that `spec` asks for, as `bind` gives them; those of a CSV or Parquet file of more than `large` bytes
    lie on disk. Raises ModelError: what is wrong with the first part of the file in which anything is."""
    options = options or Options()
    if (
        not isinstance(source, (str, Path))
        or not _is_large(Path(source), LARGE if large is None else large)
        or not can_stream(spec)
    ):
        return bind(spec, source, options)
    return spooled(spec, Path(source), options)


def _is_large(path: Path, large: int) -> bool:
    return is_readable_in_parts(path) and path.is_file() and path.stat().st_size > large


def can_stream(spec: DataSpec) -> bool:
    """Whether the rows of a table can be checked and kept without the others: there is one table, in no order, of
    numbers and levels."""
    plain = all(c.per is None and c.kind not in ("text", "key") and c.axes[:1] == (spec.row,) for c in spec.columns)
    return plain and len(spec.tables) < 2 and spec.sorted_by is None


def spooled(spec: DataSpec, path: Path, options: Options) -> Bound:
    """The table in a file, part by part. The temporary files are closed in the end, and live on in their maps."""
    with ExitStack() as files:
        return _spooled(spec, path, options, files)


def _spooled(spec: DataSpec, path: Path, options: Options, files: ExitStack) -> Bound:
    spools = {c.name: Spool(c.name, c.axes, c.kind, files, _opened(files)) for c in spec.columns}
    first: Bound | None = None
    numbers, read = [], 0
    for table in tables(spec, path, options):
        part = to_bound(check_tables(spec, {spec.row: table}, options))
        first = first or part
        read = table.first - 1 + next(iter(table.columns.values())).shape[0]
        numbers.append(part.row_numbers)
        for name, spool in spools.items():
            spool.add(part.columns[name], part.axes.get(name))
    assert first is not None
    rows = np.concatenate(numbers)
    axes = {name: _axis(axis, spools, spec.row, len(rows)) for name, axis in first.axes.items()}
    columns = {name: spool.column(len(rows)) for name, spool in spools.items()}
    print_ = fingerprint(columns, axes, {c.name: c.kind for c in spec.columns})
    notes = (*(w for w in first.warnings if w.code != DROPPED), *_dropped(first.source, rows, read))
    return Bound(columns, axes, first.source, first.extra, len(rows), print_, notes, rows, {spec.row: rows})


def _dropped(source: str, kept: npt.NDArray[np.int64], read: int) -> Iterator[Diagnostic]:
    """W114 for the rows of all parts that were left out."""
    if len(kept) < read:
        gone = np.setdiff1d(np.arange(1, read + 1), kept)
        count, total = grouped(len(gone)), counted(read, "row")
        yield complain(DROPPED, source=source, count=count, rows=total, first=listed(gone.tolist()))


def _axis(axis: BoundAxis, spools: "Mapping[str, Spool]", row: str, rows: int) -> BoundAxis:
    if axis.name == row:
        return BoundAxis(row, rows, None)
    spool = spools.get(axis.name)
    labels = spool.labels if spool is not None and spool.codes else axis.labels
    return BoundAxis(axis.name, len(labels) if labels is not None else axis.size, labels)


@dataclass(slots=True)
class Spool:
    """One column on its way to disk. `codes` are the levels that were met so far, in the order in which they were."""

    name: str
    axes: tuple[str, ...]
    kind: str
    files: ExitStack
    values: IO[bytes]
    missing: IO[bytes] | None = None
    codes: dict[str, int] = field(default_factory=dict)
    fixed: tuple[str, ...] | None = None
    inner: tuple[int, ...] = ()
    rows: int = 0

    @property
    def labels(self) -> tuple[str, ...]:
        """All levels, in the order of whole tables."""
        known = tuple(self.codes)
        return known if known == self.fixed else natural_order(known)

    @property
    def dtype(self) -> "np.dtype[Any]":
        return np.dtype({"real": np.float64, "bool": np.int8}.get(self.kind, np.int32 if self.codes else np.int64))

    def add(self, column: BoundColumn, axis: BoundAxis | None) -> None:
        """Writes a part; levels are counted in the order in which they come."""
        values = column.values
        if self.kind in ("factor", "ordinal") and axis is not None and axis.labels:
            self.fixed = axis.labels if not self.codes or self.fixed == axis.labels else None
            places = [self.codes.setdefault(label, len(self.codes)) for label in axis.labels]
            values = np.asarray(places)[values.astype(np.intp)]
        self.inner = values.shape[1:]
        values.astype(self.dtype).tofile(self.values)
        self._add_missing(column)
        self.rows += len(values)

    def _add_missing(self, column: BoundColumn) -> None:
        """The mask is kept from the first part on that has a blank."""
        if column.missing is None and self.missing is None:
            return
        if self.missing is None:
            self.missing = _opened(self.files)
            np.zeros((self.rows, *self.inner), np.bool_).tofile(self.missing)
        mask = np.zeros(column.values.shape, np.bool_) if column.missing is None else column.missing
        mask.tofile(self.missing)

    def column(self, rows: int) -> BoundColumn:
        """The whole column."""
        values = _mapped(self.values, self.dtype, (rows, *self.inner))
        missing = None if self.missing is None else _mapped(self.missing, np.dtype(np.bool_), (rows, *self.inner))
        return BoundColumn(self.name, self.axes, self._ordered(values) if self.codes else values, missing)

    def _ordered(self, values: Array) -> Array:
        """The codes of levels in their final order, in the smallest type."""
        places = {label: i for i, label in enumerate(self.labels)}
        dtype = next((np.dtype(t) for t in CODES if len(places) <= np.iinfo(t).max), np.dtype(np.int64))
        turn = np.array([places[label] for label in self.codes], dtype=dtype)
        out = _opened(self.files)
        for at in range(0, len(values), ROWS):
            turn[values[at : at + ROWS]].tofile(out)
        return _mapped(out, dtype, values.shape)


def _opened(files: ExitStack) -> IO[bytes]:
    """A new temporary file."""
    return files.enter_context(TemporaryFile())


def _mapped(file: IO[bytes], dtype: "np.dtype[Any]", shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """A map of a file that goes away with it."""
    file.flush()
    return np.memmap(file, dtype=dtype, mode="r", shape=shape)


def fingerprint(columns: Mapping[str, BoundColumn], axes: Mapping[str, BoundAxis], kinds: Mapping[str, str]) -> str:
    """The fingerprint that the same data have in memory, made part by part."""
    digest = sha256()
    for axis in sorted(axes.values(), key=lambda axis: axis.name):
        digest.update(repr((axis.name, axis.size, axis.labels)).encode())
    for column in sorted(columns.values(), key=lambda column: column.name):
        usual = USUAL.get(kinds[column.name], "<i8")
        digest.update(repr((column.name, column.axes, usual, column.values.shape)).encode())
        for part in _parts(column.values):
            digest.update(part.astype(usual).tobytes())
        for part in _parts(column.missing) if column.missing is not None else ():
            digest.update(part.tobytes())
    return digest.hexdigest()


def _parts(values: Array) -> Iterator[Array]:
    yield from (values[at : at + ROWS] for at in range(0, len(values), ROWS))

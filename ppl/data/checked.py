"""Data that fits the model, still in plain Python: what `check` needs, and what arrays are made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ppl.check.core import ColumnSpec
from ppl.source.diagnostic import Diagnostic


@dataclass(frozen=True, slots=True)
class BoundAxis:
    """A named axis of known size; `labels` name its positions, where they have names."""

    name: str
    size: int
    labels: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Parsed values in the order of the leading axis, `inner` values for each of its positions (C order). `missing` are
    the flat positions without a value, ascending. `name` is what the source calls it."""

    name: str
    values: Sequence[Any]
    missing: tuple[int, ...] = ()
    inner: int = 1

    @property
    def lead(self) -> int:
        return len(self.values) // self.inner if self.inner else 0


@dataclass(frozen=True, slots=True)
class CheckedColumn:
    """One part holds the whole array of `shape`; several are the columns of its last axis, whose names are `labels`."""

    spec: ColumnSpec
    parts: tuple[Part, ...]
    shape: tuple[int, ...]
    on_rows: bool = True
    labels: tuple[str, ...] | None = None

    @property
    def has_missing(self) -> bool:
        return any(part.missing for part in self.parts)


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything about the data that does not need arrays. `row_numbers` are those of the main table, `numbers` those
    of every table by the axis of its rows."""

    source: str
    columns: tuple[CheckedColumn, ...]
    axes: tuple[BoundAxis, ...]
    extra: tuple[str, ...]
    row_numbers: tuple[int, ...]
    warnings: tuple[Diagnostic, ...]
    numbers: tuple[tuple[str, tuple[int, ...]], ...] = ()

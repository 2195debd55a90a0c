"""The data on its way through the checks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ppl.check.core import DataSpec
from ppl.data.checked import CheckedColumn, Part
from ppl.data.options import Options
from ppl.data.table import Table
from ppl.source.diagnostic import Diagnostic


@dataclass(frozen=True, slots=True)
class Work:
    """The columns that are sound so far, by name; `numbers` are the data rows they stand on, from 1; `levels` the
    labels of each factor, `keys` those that each key and each pointer takes. A column with an error is left out, so
    that later checks are silent about it."""

    spec: DataSpec
    table: Table
    options: Options
    columns: Mapping[str, CheckedColumn] = field(default_factory=dict)
    numbers: tuple[int, ...] = ()
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def factors(self) -> frozenset[str]:
        """The columns whose levels are an axis."""
        return frozenset(column.name for column in self.spec.columns if column.kind in ("factor", "ordinal"))

    @property
    def groups(self) -> frozenset[str]:
        """The columns whose values are positions along an axis, which others may be constant within."""
        return self.factors | {column.name for column in self.spec.columns if column.kind == "pointer"}

    def labels(self, name: str) -> tuple[str, ...] | None:
        """What the codes of a column stand for; None where they are no codes (yet)."""
        return self.levels.get(name) or self.keys.get(name)

    def without(self, faults: Mapping[str, Iterable[Diagnostic]]) -> "Work":
        """The work after a check that found `faults`, by column."""
        columns = {name: column for name, column in self.columns.items() if name not in faults}
        found = tuple(diagnostic for group in faults.values() for diagnostic in group)
        return replace(self, columns=columns, problems=self.problems + found)

    def place(self, column: CheckedColumn, part: Part, index: int) -> str:
        """Where the flat position `index` stands: `row 17`, with the column inside a row of several."""
        position, inside = divmod(index, part.inner)
        start = f"row {self.numbers[position]}" if column.on_rows else f"value {position + 1}"
        return f"{start}, column {inside + 1}" if part.inner > 1 else start

    def rows_of(self, part: Part, indices: Iterable[int]) -> list[int]:
        """The data rows in which the flat positions stand, each once."""
        return [self.numbers[row] for row in dict.fromkeys(index // part.inner for index in indices)]


def take_rows(column: CheckedColumn, rows: list[int]) -> CheckedColumn:
    """The column on these of its rows, in this order."""
    parts = tuple(_take(part, rows) for part in column.parts)
    return replace(column, parts=parts, shape=(len(rows), *column.shape[1:]))


def _take(part: Part, rows: list[int]) -> Part:
    inner, values = part.inner, part.values
    if inner == 1:
        taken = [values[row] for row in rows]
    else:
        taken = [value for row in rows for value in values[row * inner : (row + 1) * inner]]
    missing = _take_missing(part, rows) if part.missing else ()
    return replace(part, values=taken, missing=missing)


def _take_missing(part: Part, rows: list[int]) -> tuple[int, ...]:
    gone, inner = set(part.missing), part.inner
    positions = (row * inner + inside for row in rows for inside in range(inner))
    return tuple(index for index, old in enumerate(positions) if old in gone)

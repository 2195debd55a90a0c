"""A source of data as it was read: named columns, nothing parsed or checked yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ppl.source.diagnostic import Diagnostic


@dataclass(frozen=True, slots=True)
class Origin:
    """What complaints call the source: a file by its name, values in memory `data["age"]`."""

    name: str
    is_file: bool = True

    def column(self, name: str, word: str = "") -> str:
        """`data.csv: `age``, or `data["age"]`."""
        return f"{self.name}: {word}`{name}`" if self.is_file else f'{self.name}["{name}"]'


@dataclass(frozen=True, slots=True)
class Raw:
    """The cells of one column in C order: texts, numbers, None. `shape` is () for a scalar; `fault` says why the cells
    are not an array."""

    cells: Sequence[object]
    shape: tuple[int, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`names` in file order, with repeats; `columns` by name. In a flat table (`is_flat`, a CSV file or a frame) every
    column has one cell per row, else columns are arrays of any shape. `first` is the number of its first row: a part of
    a long file begins later."""

    origin: Origin
    names: tuple[str, ...]
    columns: Mapping[str, Raw]
    is_flat: bool
    notes: tuple[Diagnostic, ...] = ()
    first: int = 1

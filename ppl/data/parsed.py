"""What parsing a column gives."""

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bad:
    """A cell that its column cannot have. `key` is the complaint."""

    index: int
    cell: object
    key: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """One value per cell. At the positions in `missing` (ascending) the value is NaN, 0 or empty."""

    values: Sequence[Any]
    missing: tuple[int, ...] = ()
    bad: tuple[Bad, ...] = ()


def is_nan(cell: object) -> bool:
    return isinstance(cell, float) and math.isnan(cell)


def is_missing(cell: object, texts: Container[str]) -> bool:
    """None, NaN, and the texts that say so, whatever spaces surround them."""
    if isinstance(cell, str):
        return cell in texts or cell.strip() in texts
    return cell is None or is_nan(cell) or (not isinstance(cell, bool) and f"{cell}" in texts)

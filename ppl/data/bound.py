"""Data that fits the model: arrays over named axes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ppl.data.checked import BoundAxis
from ppl.source.diagnostic import Diagnostic

__all__ = ["Array", "Bound", "BoundAxis", "BoundColumn"]

Array = NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class BoundColumn:
    """`values` has the sizes of `axes` in order: float64 (real), int64 (int; bool as 0 and 1; factor and ordinal as
    0-based codes; date as days since 1970-01-01) or text. Where the mask `missing` is true, a real is NaN and anything
    else is 0 or empty. `missing` is None for a column without blanks."""

    name: str
    axes: tuple[str, ...]
    values: Array
    missing: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class Bound:
    """`rows` counts the rows in use, and `row_numbers` says which data rows of the source they are, from 1: those of
    the main table, and `numbers` those of every table by the axis of its rows. `extra` are the columns that no
    declaration took; `fingerprint` is the sha256 of all names, axes and values."""

    columns: Mapping[str, BoundColumn]
    axes: Mapping[str, BoundAxis]
    source: str
    extra: tuple[str, ...]
    rows: int
    fingerprint: str
    warnings: tuple[Diagnostic, ...]
    row_numbers: NDArray[np.int64]
    numbers: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

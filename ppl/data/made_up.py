"""Made-up data for a model without any: every column by its declaration, so that it binds."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import takewhile
from typing import Any

import numpy as np
from numpy.random import Generator

from ppl.check.core import AxisSpec, ColumnSpec, DataSpec
from ppl.source.diagnostic import ModelError, complain

# How many levels a factor without a list of them gets, at most; how many columns match a pattern.
LEVELS, MATCHES = 10, 5
FIRST_DAY = date(2000, 1, 1)


def made_up(spec: DataSpec, rows: int, rng: Generator) -> dict[str, Any]:
    """An array for every column. Reals are standard Normal, or inside their limits: uniform between two, Exponential
    from one. Whole numbers are uniform between two limits, Poisson(5) from one, else rounded Normal(0, 3). Truth values
    and levels are even, every level occurring; days follow each other. A sorted column ascends; what is `per` a factor
    is the same for all rows of a level. Raises ModelError (E813)."""
    if len(spec.rows) > 1:
        raise ModelError([complain("E813", spec.span, name=spec.rows[1], why="the model has several tables")])
    axes = {a.name: a for a in spec.axes}
    out: dict[str, Any] = {}
    for column in spec.columns:
        out[column.name] = _column(column, axes, out, rows, spec, rng)
    return out


def _column(
    column: ColumnSpec,
    axes: Mapping[str, AxisSpec],
    made: Mapping[str, Any],
    rows: int,
    spec: DataSpec,
    rng: Generator,
) -> Any:
    """The values of one column; those of a `per` column stand on the rows."""
    if column.per is not None:
        return _per(column, axes, made, rows, rng)
    shape = tuple(rows if a == spec.row else _size(axes.get(a.rstrip("'")), column) for a in column.axes)
    values = _values(column, axes, shape, rng)
    return np.sort(values) if column.name == spec.sorted_by else values


def _per(column: ColumnSpec, axes: Mapping[str, AxisSpec], made: Mapping[str, Any], rows: int, rng: Generator) -> Any:
    group = made.get(str(column.per))
    if group is None or len(column.axes) > 1:
        raise ModelError([complain("E813", column.span, name=column.name, why=f"it goes with `{column.per}`")])
    labels, where = np.unique(group, return_inverse=True)
    return _values(column, axes, (len(labels),), rng)[where]


def _size(axis: AxisSpec | None, column: ColumnSpec) -> int:
    """The length of an axis: what the model fixes, or the columns that a declaration names."""
    if axis is not None and axis.size is not None:
        return axis.size
    if axis is not None and axis.labels is not None:
        return len(axis.labels)
    if axis is not None and axis.kind == "columns":
        return len(column_names(column))
    name = column.name if axis is None else axis.name
    raise ModelError([complain("E813", column.span, name=column.name, why=f"nothing says how long `{name}` is")])


def column_names(column: ColumnSpec, count: int | None = None) -> tuple[str, ...]:
    """The names of the columns of a matrix: those that are listed, the range, or made up to match a pattern."""
    if column.is_range:
        first, last = column.source
        stem = "".join(takewhile(lambda c: not c.isdigit(), first))
        width = len(first) - len(stem) if first[len(stem) :].startswith("0") else 0
        return tuple(f"{stem}{i:0{width}d}" for i in range(int(first[len(stem) :]), int(last[len(stem) :]) + 1))
    if column.is_glob:
        return tuple(column.source[0].replace("*", str(i + 1)) for i in range(MATCHES if count is None else count))
    return column.source if column.source else tuple(f"{column.name}{i + 1}" for i in range(count or 0))


def _values(column: ColumnSpec, axes: Mapping[str, AxisSpec], shape: tuple[int, ...], rng: Generator) -> Any:
    match column.kind:
        case "bool":
            return rng.random(shape) < 0.5
        case "factor" | "ordinal":
            return _levels(column, axes, shape, rng)
        case "date":
            days = [FIRST_DAY + timedelta(days=i) for i in range(int(np.prod(shape)))]
            return np.array(days, dtype="datetime64[D]").reshape(shape)
        case "text" | "key":
            return np.array([f"{column.name}{i + 1}" for i in range(int(np.prod(shape)))]).reshape(shape)
        case "int":
            return _whole(column, shape, rng)
        case _:
            return _real(column, shape, rng)


def _levels(column: ColumnSpec, axes: Mapping[str, AxisSpec], shape: tuple[int, ...], rng: Generator) -> Any:
    """Every level about equally often."""
    axis = axes.get(column.name)
    known = column.levels or (axis.labels if axis is not None else None)
    count = int(np.prod(shape))
    labels = known or tuple(f"{column.name}{i + 1}" for i in range(max(2, min(LEVELS, count // 5))))
    return rng.permutation(np.array([labels[i % len(labels)] for i in range(count)])).reshape(shape)


def _whole(column: ColumnSpec, shape: tuple[int, ...], rng: Generator) -> Any:
    low, high = column.low, column.high
    if low is not None and high is not None:
        return rng.integers(int(np.ceil(low)) + column.low_open, int(np.floor(high)) - column.high_open + 1, shape)
    if low is not None:
        return int(np.ceil(low)) + int(column.low_open) + rng.poisson(5.0, shape)
    if high is not None:
        return int(np.floor(high)) - int(column.high_open) - rng.poisson(5.0, shape)
    return np.rint(rng.normal(0.0, 3.0, shape)).astype(int)


def _real(column: ColumnSpec, shape: tuple[int, ...], rng: Generator) -> Any:
    low, high = column.low, column.high
    if low is not None and high is not None:
        return rng.uniform(low, high, shape)
    if low is not None:
        return low + rng.exponential(1.0, shape)
    if high is not None:
        return high - rng.exponential(1.0, shape)
    return rng.normal(size=shape)

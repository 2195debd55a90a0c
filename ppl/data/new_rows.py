"""New rows for a fitted model: a part of its columns, with levels that the fit may not have seen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ppl.check.core import AxisSpec, ColumnSpec, DataSpec
from ppl.data.arrays import to_bound
from ppl.data.bind import read_table
from ppl.data.bound import Bound
from ppl.data.options import Options
from ppl.data.resolve import Found, resolve
from ppl.data.sources import every_table, part, read_tables
from ppl.data.table import Table
from ppl.data.validate import check_tables

# What a column of keys or pointers is, seen from one table alone: a factor.
AS_FACTOR = ("pointer",)


@dataclass(frozen=True, slots=True, eq=False)
class NewRows:
    """The columns that the new rows have; those in `absent` could have been there and are not."""

    bound: Bound
    absent: frozenset[str]


def bind_new_rows(
    spec: DataSpec, source: object, options: Options, required: frozenset[str], sizes: Mapping[str, int]
) -> NewRows:
    """The main table of a model, read from new rows. Columns in `required` must be there; of the others those that are
    are read, and may have blanks. `sizes` are the lengths of the axes in the fit. Raises ModelError (E6xx)."""
    main = next(t for t in every_table(spec) if t.name == spec.row)
    own = part(spec, main)
    table = read_tables(own, source, lambda spec, given: read_table(spec, given, options))[own.row]
    kept = tuple(_seen(c, required) for c in own.columns if c.kind != "key" and _is_here(c, table, options, required))
    names = {c.name for c in kept}
    axes = tuple(_sized(a, sizes) for a in spec.axes if _is_needed(a, own.row, kept, spec))
    sorted_by = own.sorted_by if own.sorted_by in names else None
    asked = replace(own, columns=kept, axes=axes, sorted_by=sorted_by)
    bound = to_bound(check_tables(asked, {own.row: table}, options))
    return NewRows(bound, frozenset(c.name for c in own.columns) - names)


def columns_of(spec: DataSpec, source: object, options: Options) -> frozenset[str]:
    """The columns of the main table that a source has. Raises ModelError (E6xx) where it cannot be read."""
    own = part(spec, next(t for t in every_table(spec) if t.name == spec.row))
    table = read_table(own, source, options)
    return frozenset(c.name for c in own.columns if isinstance(resolve(c, table, options), Found))


def _is_here(column: ColumnSpec, table: Table, options: Options, required: frozenset[str]) -> bool:
    """Whether to read a column: one that is not there is complained about where it is required."""
    return column.name in required or isinstance(resolve(column, table, options), Found)


def _seen(column: ColumnSpec, required: frozenset[str]) -> ColumnSpec:
    """What is asked of a column of new rows."""
    kind = "factor" if column.kind in AS_FACTOR else column.kind
    if column.name in required:
        return replace(column, kind=kind, table=None)
    return replace(column, kind=kind, table=None, optional=True, imputed=True)


def _is_needed(axis: AxisSpec, row: str, columns: tuple[ColumnSpec, ...], spec: DataSpec) -> bool:
    """Whether the main table has anything to do with an axis."""
    if axis.name == row or axis.kind not in ("row", "levels", "columns"):
        return True
    if axis.kind == "levels":
        return any(c.name == axis.column for c in columns)
    return any(axis.name in (a.rstrip("'") for a in c.axes) for c in columns) and axis.name not in spec.rows


def _sized(axis: AxisSpec, sizes: Mapping[str, int]) -> AxisSpec:
    """A declared axis has the length that it had in the fit."""
    if axis.kind in ("row", "levels", "columns") or axis.size is not None or axis.name not in sizes:
        return axis
    return replace(axis, size=sizes[axis.name])

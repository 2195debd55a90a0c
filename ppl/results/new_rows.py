"""New rows beside what a fit has kept: their axes, their columns, and the levels that are new."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ppl.check.core import Core, Site, Statement
from ppl.data.bound import Bound, BoundAxis
from ppl.data.new_rows import NewRows, bind_new_rows
from ppl.data.options import Options
from ppl.data.wording import listed, quoted
from ppl.forward.named import Array, Named, fixed
from ppl.forward.needs import censored_only, read_by, rows_back
from ppl.results.carried import Carried
from ppl.source.diagnostic import Diagnostic, ModelError, complain

SHOWN = 8
NewLevels = Literal["sample", "error"]


def read_new_rows(
    core: Core, carried: Carried, statements: Sequence[Statement], source: object, options: Options
) -> NewRows:
    """The new rows: the columns that are read must be there, unless the model draws them."""
    read = set().union(*(read_by(s) for s in statements))
    indices = {c.per for c in core.data.columns if c.per and c.name in read}
    drawn = {s.name for s in core.statements if isinstance(s, Site) and s.role in ("observed", "imputed")}
    required = frozenset((read | indices) - drawn - censored_only(core))
    wanted = read | indices | _order(core)
    if not any(c.name in wanted and core.data.row in c.axes for c in core.data.columns):
        wanted |= drawn  # nothing else says how many rows there are
    spec = replace(core.data, columns=tuple(c for c in core.data.columns if c.name in wanted))
    sizes = {name: size for name, (size, _) in carried.axes.items()}
    return bind_new_rows(spec, source, options, required, sizes)


def _order(core: Core) -> set[str]:
    return {core.data.sorted_by} if core.data.sorted_by else set()


def verify_order(core: Core, carried: Carried, bound: Bound) -> None:
    """E809 where a series is not continued by the new rows."""
    name = core.data.sorted_by
    if not carried.kept or name is None or name not in bound.columns or name not in carried.columns:
        return
    last, first = carried.columns[name].values.max(), np.asarray(bound.columns[name].values, float).min()
    if first <= last and rows_back(core) is not None:
        why = f"the series goes on after its last `{name}`, and the new rows start before that"
        raise ModelError([complain("E809", why=why, help=f"leave out the rows up to the last `{name}` of the fit")])


def _axis_of(core: Core, name: str) -> str:
    """The axis whose levels a column has."""
    spec = next(c for c in core.data.columns if c.name == name)
    return spec.table if spec.table is not None else name


def _labelled_columns(core: Core, bound: Bound) -> list[tuple[str, str]]:
    """The columns of levels in the new rows, each with its axis."""
    kinds = {c.name: c.kind for c in core.data.columns}
    return [(n, _axis_of(core, n)) for n in bound.columns if kinds[n] in ("factor", "ordinal", "pointer")]


def extended_axes(core: Core, carried: Carried, bound: Bound) -> dict[str, BoundAxis]:
    """Every axis: levels that are new stand behind those that the fit knows. Raises ModelError (E810)."""
    out = {name: BoundAxis(name, size, labels) for name, (size, labels) in carried.axes.items()}
    for name, axis in _labelled_columns(core, bound):
        known = out[axis].labels or ()
        more = tuple(x for x in bound.axes[name].labels or () if x not in known)
        out[axis] = BoundAxis(axis, len(known) + len(more), (*known, *more))
    for axis, found in bound.axes.items():
        kind = next((a.kind for a in core.axes if a.name == axis), "")
        if kind == "columns" and axis in out and found.labels != out[axis].labels:
            shown = [", ".join(map(quoted, (labels or ())[:SHOWN])) for labels in (found.labels, out[axis].labels)]
            raise ModelError([complain("E810", source=bound.source, found=shown[0], axis=axis, known=shown[1])])
    out[core.data.row] = BoundAxis(core.data.row, carried.kept + bound.rows)
    return out


def rows_with_new_levels(core: Core, carried: Carried, bound: Bound) -> dict[int, list[tuple[str, str]]]:
    """The rows with levels that the fit has not seen: column and level."""
    out: dict[int, list[tuple[str, str]]] = {}
    for name, axis in _labelled_columns(core, bound):
        known, column = set(carried.axes[axis][1] or ()), bound.columns[name]
        labels = bound.axes[name].labels or ()
        if column.axes != (core.data.row,) or set(labels) <= known:
            continue
        for i, code in enumerate(column.values.tolist()):
            if labels[int(code)] not in known and not (column.missing is not None and column.missing[i]):
                out.setdefault(i, []).append((name, labels[int(code)]))
    return out


def said_of_new_levels(
    flagged: Mapping[int, list[tuple[str, str]]], bound: Bound, new_levels: NewLevels
) -> list[Diagnostic]:
    """A warning, or an error, for each column with new levels."""
    columns: dict[str, dict[str, list[int]]] = {}
    for row, found in flagged.items():
        for name, label in found:
            columns.setdefault(name, {}).setdefault(label, []).append(int(bound.row_numbers[row]))
    code = "E807" if new_levels == "error" else "W153"
    out = [
        complain(
            code,
            column=f"{bound.source}, column {name}",
            levels=", ".join(map(quoted, list(levels)[:SHOWN])) + (", …" if len(levels) > SHOWN else ""),
            rows=_rows_text(sorted(r for rows in levels.values() for r in rows)),
        )
        for name, levels in columns.items()
    ]
    if out and new_levels == "error":
        raise ModelError(out)
    return out


def _rows_text(rows: list[int]) -> str:
    return f"row {rows[0]}" if len(rows) == 1 else f"rows {listed(rows)}" + (", …" if len(rows) > 3 else "")


def joined_columns(core: Core, carried: Carried, new: NewRows, axes: Mapping[str, BoundAxis]) -> dict[str, Named]:
    """The data on all axes: what the fit has kept of them, and the new rows. NaN is what nothing is known of."""
    out = {}
    for spec in core.data.columns:
        if spec.kind in ("text", "key"):
            continue
        values = np.full([axes[a.rstrip("'")].size for a in spec.axes], np.nan)
        kept = carried.columns.get(spec.name)
        if kept is not None:
            values[tuple(slice(n) for n in kept.values.shape[1:])] = kept.values[0]
        if spec.name in new.bound.columns:
            column = new.bound.columns[spec.name]
            where = np.ix_(*(_places(a, core, carried, new.bound, axes) for a in spec.axes))
            fresh = _recoded(core, spec.name, new.bound, axes)
            values[where] = fresh if column.missing is None else np.where(column.missing, values[where], fresh)
        out[spec.name] = fixed(values, spec.axes)
    return out


def _places(
    axis: str, core: Core, carried: Carried, bound: Bound, axes: Mapping[str, BoundAxis]
) -> npt.NDArray[np.intp]:
    """Where the positions of an axis of the new rows stand on the whole axis."""
    base = axis.rstrip("'")
    if base == core.data.row:
        return np.arange(carried.kept, axes[base].size)
    labels, every = bound.axes[base].labels, axes[base].labels
    if labels is None or every is None:
        return np.arange(axes[base].size)
    return np.array([every.index(x) for x in labels], dtype=np.intp)


def _recoded(core: Core, name: str, bound: Bound, axes: Mapping[str, BoundAxis]) -> Array:
    """The values of a column of new rows; levels as positions on the whole axis."""
    values = np.asarray(bound.columns[name].values, float)
    if name not in dict(_labelled_columns(core, bound)):
        return values
    every = axes[_axis_of(core, name)].labels or ()
    codes = np.array([every.index(x) for x in bound.axes[name].labels or ()] or [0], dtype=float)
    return np.asarray(codes[values.astype(int)])

"""What an emitted program asks of its data: columns, lengths of axes, places of coordinates and of uniform numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ppl.data.bound import Bound, BoundColumn
from ppl.source.diagnostic import ModelError, complain
from ppl.stdlib.ode import BeforeStart, Schedule, schedule

Array = npt.NDArray[np.float64]
# Numbers in one array of a call: the draws of a call are as many as fit.
CELLS = 300_000
# Numbers for one draw in a table of summed-out unknowns, beyond which the model is refused.
AFFORDABLE = 20_000_000
# The least levels in the window of a count without a largest value.
LEVELS = 50


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an emitted program asks of its data. `noises` are the places of uniform numbers, `dim` the number of
    parameters of an objective. For a part of the data, `chosen` are its positions along each axis, `scale` is how many
    times it goes into the whole, and `stored` are values over all of it. `centred` are the unknowns whose
    coordinates are their own values rather than those of standard ones."""

    bound: Bound
    slots: Mapping[str, slice]
    tables: tuple[tuple[str, ...], ...] = ()
    spans: dict[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    noises: Mapping[str, slice] = field(default_factory=dict)
    dim: int = 0
    windows: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    scale: float = 1.0
    stored: tuple[Array, ...] = ()
    chosen: Mapping[str, npt.NDArray[np.intp]] = field(default_factory=dict)
    centred: frozenset[str] = frozenset()

    def whole(self, i: int, axes: tuple[str, ...]) -> Array:
        """What was computed from all of the data, at the positions at hand."""
        value = self.stored[i]
        for at, axis in enumerate(axes):
            value = value if axis not in self.chosen else np.take(value, self.chosen[axis], at)
        return value

    def centring(self, names: tuple[str, ...]) -> Array:
        """The weights of partial non-centring: 1 for the unknowns that are left centred."""
        return np.array([float(name in self.centred) for name in names])

    def places(self, axis: str) -> npt.NDArray[np.intp]:
        """The positions at hand along an axis, as they are in all of the data."""
        return self.chosen[axis]

    def column(self, name: str, axes: tuple[str, ...]) -> Array:
        """The values of a column as floats, its axes in the order of the program."""
        column = self.bound.columns[name]
        turn = [column.axes.index(a) for a in axes]
        return np.ascontiguousarray(np.transpose(column.values, turn), dtype=float)

    def afford(self, sizes: Mapping[str, int], *more: tuple[str, ...]) -> None:
        """E531 where summing unknowns out would take tables that are too large; `more` are such as no value shows."""
        for table in (*self.tables, *more):
            summed = dict.fromkeys(a.split("?")[0] for a in table if "?" in a)
            cells = cells_of(table, sizes)
            if summed and cells > AFFORDABLE:
                raise ModelError(
                    [complain("E531", None, names="`, `".join(summed), cells=f"{cells:,}".replace(",", " "))]
                )

    def window(self, axis: str, columns: tuple[str, ...], low: float, sizes: Mapping[str, int]) -> float:
        """The last level that is summed of a count without a largest value: as asked for, or else twice the largest
        number in the columns of counts that its densities have seen and at least LEVELS, as far as tables allow."""
        name = axis.removesuffix("?")
        values = [np.asarray(self.bound.columns[c].values, float) for c in columns]
        seen = [float(np.max(v, initial=0.0, where=np.isfinite(v))) for v in values]
        high = self.windows[name][1] if name in self.windows else max([low + LEVELS, *(2.0 * x for x in seen)])
        return min(high, low + self._affordable(axis, sizes) - 1)

    def _affordable(self, axis: str, sizes: Mapping[str, int]) -> int:
        """How many levels an axis may have, as far as the lengths of others are known."""
        most = AFFORDABLE
        for table in self.tables:
            own = sum(a.split("?")[0] + "?" == axis for a in table if "?" in a)
            rest = cells_of(tuple(a for a in table if a in sizes or a.rstrip("'") in sizes), sizes)
            most = min(most, int((AFFORDABLE / max(rest, 1)) ** (1 / own))) if own else most
        return max(most, 1)

    def level(self, axis: str, label: str) -> int:
        """The 0-based position of a label; E331 where the data have no such level."""
        labels = self.bound.axes[axis].labels or tuple(str(i + 1) for i in range(self.bound.axes[axis].size))
        if label not in labels:
            listed = ", ".join(f'"{x}"' for x in labels[:8]) + (", …" if len(labels) > 8 else "")
            raise ModelError([complain("E331", None, name=axis, text=label, levels=listed, help="")])
        return labels.index(label)

    def schedule(self, times: Array, start: Array, index: Array | None, groups: int) -> Schedule:
        """When a differential equation is asked for its state; E376 for a time before its start."""
        try:
            return schedule(times, start, index, groups)
        except BeforeStart as problem:
            raise ModelError([complain("E376", None, time=problem, start=f"{float(start):g}")]) from None

    def slot(self, name: str) -> slice:
        return self.slots[name]

    def noise(self, key: str) -> slice:
        return self.noises[key]

    def missing(self, name: str, axes: tuple[str, ...]) -> npt.NDArray[np.bool_]:
        """Where a column has blanks."""
        column = self.bound.columns[name]
        return np.transpose(blanks_of(column), [column.axes.index(a) for a in axes])

    def blanks(self, name: str, axes: tuple[str, ...], along: int) -> npt.NDArray[np.intp]:
        """Where every blank of a column stands along one of its axes, in the order of `missing_rank`."""
        column = self.bound.columns[name]
        return np.nonzero(blanks_of(column))[column.axes.index(axes[along])]

    def missing_count(self, name: str) -> int:
        column = self.bound.columns[name]
        return 0 if column.missing is None else int(column.missing.sum())

    def missing_rank(self, name: str, axes: tuple[str, ...]) -> npt.NDArray[np.intp]:
        """For every cell, the number of blanks before it in the order of the file: where its value stands among the
        missing ones, whatever the order of the axes of the program."""
        column = self.bound.columns[name]
        mask = blanks_of(column)
        rank = np.where(mask, np.cumsum(mask.ravel()).reshape(mask.shape) - 1, 0).astype(np.intp)
        return np.transpose(rank, [column.axes.index(a) for a in axes])


def blanks_of(column: BoundColumn) -> npt.NDArray[np.bool_]:
    """Where a column has blanks, with the sizes of its axes."""
    return np.zeros(column.values.shape, bool) if column.missing is None else column.missing


def labels_of(
    kind: str, axis: str, spans: Mapping[str, npt.NDArray[np.generic]], sizes: Mapping[str, int], bound: Bound
) -> tuple[str, ...]:
    """The levels along `axis` as labels; `kind` is `bool`, `count` or `level:AXIS`."""
    if kind == "bool":
        return ("false", "true")
    if kind == "count":
        return tuple(f"{x:g}" for x in spans[axis].tolist())
    over = kind.removeprefix("level:")
    known = bound.axes.get(over)
    labels = known.labels if known is not None else None
    return labels or tuple(str(i + 1) for i in range(sizes[over]))


def cells_of(axes: tuple[str, ...], sizes: Mapping[str, int]) -> int:
    return int(np.prod([sizes[a if a in sizes else a.rstrip("'")] for a in axes], dtype=int))


def largest_array(tables: Iterable[tuple[str, ...]], sizes: Mapping[str, int]) -> int:
    """The most numbers for one draw that any array of a call has."""
    return max((cells_of(t, sizes) for t in tables), default=1) or 1


def made_size(axis: str, inputs: Inputs, sizes: Mapping[str, int]) -> int:
    """The length of an axis that the program makes: one less for a simplex, a triangle of a matrix, the blanks of a
    column, a copy."""
    if axis.endswith(".missing"):
        return inputs.missing_count(axis.removesuffix(".missing"))
    name, mark, triangle = axis.partition("~")
    size = sizes[name.rstrip("'")]
    return size * (size + (1 if "=" in triangle else -1)) // 2 if triangle else size - bool(mark)


def lay_out(arrays: Iterable[tuple[str, tuple[str, ...]]], sizes: Mapping[str, int], out: dict[str, slice]) -> int:
    """Puts named arrays one after the other; their total length."""
    at = 0
    for name, axes in arrays:
        length = int(np.prod([sizes[a] for a in axes], dtype=int)) if axes else 1
        out[name] = slice(at, at + length)
        at += length
    return at

"""The program of an objective on some positions of its data.

A part is the same program on fewer positions of some axes. Its data are those positions; parameters that live on such
axes are the columns of theta that belong to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import EllipsisType
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ppl.data.bound import Bound, BoundAxis, BoundColumn
from ppl.emit.bind_objective import Functions, ObjectiveProgram
from ppl.emit.functions import Make, functions_of
from ppl.emit.inputs import Inputs, largest_array
from ppl.emit.layout import Layout, laid_out
from ppl.emit.objective_program import EmittedObjective
from ppl.rewrite.batching import Batching

Array = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]
Cell = TypeVar("Cell", bound=np.generic)
# Numbers in one array of a call that looks at all data, stretch by stretch.
STRETCH = 2_000_000
MANY = 1024


@dataclass(frozen=True, slots=True)
class Part:
    """The program of some positions. `index` are the columns of theta (P,) that it has, None for all of them; `chosen`
    are the positions along each axis that is sampled."""

    program: ObjectiveProgram
    index: Positions | None
    chosen: Mapping[str, Positions]
    layout: Layout

    def of(self, theta: Array) -> Array:
        """Its columns of theta (…, P)."""
        return theta if self.index is None else theta[..., self.index]


@dataclass(frozen=True)
class Parts:
    """What parts are made from: the program, all data, what was computed from all of them, and where everything stands
    when all positions are there."""

    emitted: EmittedObjective
    batching: Batching
    bound: Bound
    stored: tuple[Array, ...]
    full: Layout
    made: Make
    layouts: dict[tuple[int, ...], Layout]
    centred: frozenset[str] = frozenset()

    @property
    def sizes(self) -> Mapping[str, int]:
        return self.full.sizes

    @property
    def slots(self) -> Mapping[str, slice]:
        return self.full.slots

    @property
    def count(self) -> int:
        """How many positions there are along the axis that is sampled."""
        return self.bound.axes[self.batching.lead].size

    @cached_property
    def local(self) -> tuple[str, ...]:
        """The parameters that live on sampled axes."""
        return tuple(p.name for p in self.emitted.params if self.batching.scales(p.axes))

    @cached_property
    def cells(self) -> int:
        """About how many numbers of one draw the largest array of a call has for each position."""
        known = {axis: self.sizes.get(axis, 1) for table in self.emitted.tables for axis in table}
        sizes = {n: MANY if n in self.batching.axes else size for n, size in {**known, **self.sizes}.items()}
        return -(-largest_array(self.emitted.tables, sizes) // MANY)

    def part(self, positions: Positions, scale: float = 1.0) -> Part:
        """The program of these positions (ascending) along `lead`; each density there counts `scale` times."""
        chosen = self._chosen(positions)
        bound = self._bound(chosen)
        layout = self.layout_of({n: a.size for n, a in bound.axes.items()}, bound)
        inputs = Inputs(
            bound, layout.slots, self.emitted.tables, noises=layout.noises, dim=layout.dim,
            scale=scale, stored=self.stored, chosen=chosen,
            centred=self.centred,
        )  # fmt: skip
        functions = Functions(*functions_of(self.made, inputs, dict(layout.sizes)))  # type: ignore[arg-type]
        program = ObjectiveProgram(
            self.emitted, layout.dim, layout.noise, layout.slots, layout.sizes, inputs.spans, layout.most, functions
        )
        return Part(program, self._index(chosen), chosen, layout)

    # -- the data of a part ----------------------------------------------------------------------------------------

    def _chosen(self, positions: Positions) -> dict[str, Positions]:
        """The positions along every sampled axis: those whose group is among `positions` along `lead`."""
        lead = self.batching.lead
        chosen = {lead: positions}
        for axis in self.batching.axes:
            if axis != lead and axis in self.members:
                order, starts = self.members[axis]
                chosen[axis] = np.sort(np.concatenate([order[starts[p] : starts[p + 1]] for p in positions]))
        for axis in self.batching.axes:
            if axis.endswith(".missing"):
                chosen[axis] = self._blanks(axis.removesuffix(".missing"), chosen)
        return chosen

    @cached_property
    def members(self) -> dict[str, tuple[Positions, Positions]]:
        """For every axis that lies within `lead`: its positions in the order of their groups, and where each group
        starts among them."""
        lead = self.batching.lead
        found = {}
        for axis in self.batching.axes:
            if axis == lead or axis.endswith(".missing"):
                continue
            codes = self._groups(axis)
            starts = np.searchsorted(codes, np.arange(self.count + 1), sorter=np.argsort(codes, kind="stable"))
            found[axis] = np.argsort(codes, kind="stable"), starts
        return found

    def _groups(self, axis: str) -> Positions:
        """The group along `lead` to which each position of an axis belongs."""
        lead = self.batching.lead
        own = self.bound.columns[lead]
        if own.axes == (axis,):
            return np.asarray(own.values, dtype=np.intp)
        # the factor is constant within the levels of an axis in between
        between = self.bound.columns[own.axes[0]]
        return np.asarray(own.values, dtype=np.intp)[np.asarray(between.values, dtype=np.intp)]

    def _blanks(self, name: str, chosen: Mapping[str, Positions]) -> Positions:
        """The blanks of a column at the chosen positions, by their places among all its blanks."""
        column = self.bound.columns[name]
        if column.missing is None:
            return np.zeros(0, np.intp)
        if name not in self._ranks:
            self._ranks[name] = np.cumsum(column.missing.ravel()).reshape(column.missing.shape) - 1
        mask, rank = (taken(x, column.axes, chosen) for x in (column.missing, self._ranks[name]))
        return np.asarray(rank[mask], dtype=np.intp)

    @cached_property
    def _ranks(self) -> dict[str, npt.NDArray[np.int64]]:
        return {}

    def _bound(self, chosen: Mapping[str, Positions]) -> Bound:
        """The data at the chosen positions; levels of sampled factors are counted anew."""
        axes = {
            name: axis if name not in chosen else BoundAxis(name, len(chosen[name]), None)
            for name, axis in self.bound.axes.items()
        }
        columns = {name: self._column(column, chosen) for name, column in self.bound.columns.items()}
        return replace(self.bound, columns=columns, axes=axes)

    def _column(self, column: BoundColumn, chosen: Mapping[str, Positions]) -> BoundColumn:
        if not set(column.axes) & chosen.keys():
            return column
        values = taken(column.values, column.axes, chosen)
        if column.name in chosen:
            values = np.searchsorted(chosen[column.name], values)
        missing = None if column.missing is None else taken(column.missing, column.axes, chosen)
        return BoundColumn(column.name, column.axes, values, missing)

    # -- where things stand ----------------------------------------------------------------------------------------

    def layout_of(self, sizes: dict[str, int], bound: Bound | None = None) -> Layout:
        """The layout for these sizes, made once."""
        blanks = tuple(
            0 if bound is None or (m := bound.columns[a.removesuffix(".missing")].missing) is None else int(m.sum())
            for a in self.batching.axes
            if a.endswith(".missing")
        )
        key = (*sizes.values(), *blanks)
        if key not in self.layouts:
            self.layouts[key] = laid_out(self.emitted, bound or self.bound, sizes)
        return self.layouts[key]

    @cached_property
    def _columns(self) -> dict[str, npt.NDArray[np.intp]]:
        """The columns of theta of each parameter on sampled axes, in the shape of its axes."""
        shapes = {p.name: tuple(self.sizes[a] for a in p.axes) for p in self.emitted.params if p.name in self.local}
        return {n: np.arange(self.slots[n].start, self.slots[n].stop).reshape(shape) for n, shape in shapes.items()}

    def _index(self, chosen: Mapping[str, Positions]) -> Positions | None:
        """The columns of theta that a part has."""
        if not self.local:
            return None
        blocks = []
        for p in self.emitted.params:
            own = self.slots[p.name]
            whole = self._columns.get(p.name)
            blocks.append(np.arange(own.start, own.stop) if whole is None else taken(whole, p.axes, chosen).ravel())
        return np.concatenate(blocks)


def put(whole: Array, value: Array, axes: Sequence[str], chosen: Mapping[str, Positions]) -> None:
    """Writes the values at the chosen positions into the array of all of them; leading axes beyond `axes` are kept."""
    lead = whole.ndim - len(axes)
    lengths = zip(axes, whole.shape[lead:], strict=True)
    places: list[Positions] = [chosen[a] if a in chosen else np.arange(n) for a, n in lengths]
    if not places:
        whole[...] = value
        return
    at: tuple[EllipsisType | Positions, ...] = (Ellipsis, *np.ix_(*places))
    whole[at] = value


def taken(values: npt.NDArray[Cell], axes: Iterable[str], chosen: Mapping[str, Positions]) -> npt.NDArray[Cell]:
    """The entries at the chosen positions along each axis that has some."""
    for at, axis in enumerate(axes):
        if axis in chosen:
            values = np.take(values, chosen[axis], axis=at)
    return values

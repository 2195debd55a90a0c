"""A program with its data: the callables that the engine and the results use."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ppl.data.bound import Bound, BoundColumn
from ppl.emit.memory import keep_freed_memory
from ppl.emit.program import Emitted
from ppl.source.diagnostic import ModelError, complain
from ppl.stdlib.chains import best_paths, draw_paths
from ppl.stdlib.ode import BeforeStart, Schedule, schedule

Array = npt.NDArray[np.float64]
Named = dict[str, Array]
Levels = dict[str, npt.NDArray[np.intp]]
# Numbers in one array of a call: the draws of a call are as many as fit.
CELLS = 300_000
# Numbers for one draw in a table of summed-out unknowns, beyond which the model is refused.
AFFORDABLE = 20_000_000
# The least levels in the window of a count without a largest value, and the share of them that lies at its end.
LEVELS = 50
END = 0.05


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


@dataclass(frozen=True, slots=True)
class Program:
    """The functions of a model with its data; a `ppl.infer.target.Target`. `dim` is the number of coordinates,
    `weights` the number of non-centring weights, `slots` the columns of each unknown, `noise` how many uniform numbers
    a draw of what was integrated out takes."""

    emitted: Emitted
    dim: int
    slots: Mapping[str, slice]
    sizes: Mapping[str, int]
    spans: Mapping[str, npt.NDArray[np.generic]]
    most: int
    noise: int
    _log_density: Callable[[Array, Array], Array]
    _value_and_grad: Callable[[Array, Array], tuple[Array, Array, Array]]
    _constrained: Callable[[Array, Array], Named]
    _recentred: Callable[[Array, Array, Array], Array]
    _marginals: Callable[[Array, Array], Named]
    _terms: Callable[[Array, Array], Named]
    _potentials: Callable[[Array, Array], Named]
    _recovered: Callable[[Array, Array, Array], Named]

    @property
    def weights(self) -> int:
        return len(self.emitted.weights)

    def value(self, u: Array, w: Array) -> Array:
        """Log density (S,) at `u` (S, D), with the Jacobian of the coordinates."""
        with np.errstate(all="ignore"):
            if len(u) <= self.most:
                return self._log_density(u, w)
            return np.concatenate([self._log_density(part, w) for part in self._parts(u)])

    def value_and_grad(self, u: Array, w: Array) -> tuple[Array, Array, Array]:
        """Log density (S,), gradients (S, D) and gradients in the weights (S, W)."""
        with np.errstate(all="ignore"):
            if len(u) <= self.most:
                return self._value_and_grad(u, w)
            f, g, gw = zip(*(self._value_and_grad(part, w) for part in self._parts(u)), strict=True)
            return np.concatenate(f), np.concatenate(g), np.concatenate(gw)

    def _parts(self, u: Array) -> list[Array]:
        return [u[at : at + self.most] for at in range(0, len(u), self.most)]

    def recentre(self, u: Array, w_old: Array, w_new: Array) -> Array:
        """The same points in the coordinates of other weights."""
        with np.errstate(all="ignore"):
            return self._recentred(u, w_old, w_new)

    def constrained(self, u: Array, w: Array) -> Named:
        """Every reported name, as (S, axes as written)."""
        with np.errstate(all="ignore"):
            return self._constrained(u, w)

    def recovered(self, u: Array, w: Array, e: Array) -> Named:
        """One draw, from uniform numbers `e` (S, N), of every unknown that was integrated out, given each draw `u`, and
        what is derived from them, as (S, axes as written)."""
        with np.errstate(all="ignore"):
            return self._recovered(u, w, e)

    def marginals(self, u: Array, w: Array) -> Named:
        """The probabilities of every summed-out unknown given the draws, as (S, axes as written, levels)."""
        with np.errstate(all="ignore"):
            return self._marginals(u, w)

    def terms(self, u: Array, w: Array) -> Named:
        """What each statement adds to the log density, as (S, axes); only a program emitted `with_terms` has any."""
        with np.errstate(all="ignore"):
            return self._terms(u, w)

    def best_paths(self, u: Array, w: Array) -> Levels:
        """The most probable path of every chain given each draw, other summed-out unknowns summed out: 0-based levels
        (S, axes as written). Chains that meet have the most probable joint path."""
        return self._paths(u, w, lambda unary, pair: best_paths(unary, pair)[0])

    def drawn_paths(self, u: Array, w: Array, rng: np.random.Generator) -> Levels:
        """A path of every chain drawn from its posterior given each draw: 0-based levels (S, axes as written)."""
        return self._paths(u, w, lambda unary, pair: draw_paths(unary, pair, rng.random(unary.shape[:-1])))

    def _paths(self, u: Array, w: Array, find: Callable[[Array, Array], npt.NDArray[np.intp]]) -> Levels:
        out: Levels = {}
        for part in self._parts(u):
            with np.errstate(all="ignore"):
                potentials = self._potentials(part, w)
            for chain in self.emitted.chains:
                name = " ".join(chain.names)
                unary, pair = potentials[name], potentials[f"{name}, before"]
                levels = unary.shape[1 + len(chain.axes) :]
                k = int(np.prod(levels))
                unary = unary.reshape(*unary.shape[: 1 + len(chain.axes)], k)
                pair = pair.reshape(*pair.shape[: pair.ndim - 2 * len(levels)], k, k)
                paths = find(unary, pair[..., None, :, :] if chain.same else pair)
                # the states of a chain that is read farther back have the levels before in them: the first is its own
                for z, each in zip(chain.names, np.unravel_index(paths, levels)):
                    written = dict(self.emitted.eliminated)[z][:-1]
                    turned = np.transpose(each, (0, *(1 + chain.axes.index(a) for a in written)))
                    out[z] = np.concatenate([out[z], turned]) if z in out else turned
        return out

    @property
    def windows(self) -> dict[str, tuple[int, int]]:
        """The counts without a largest value, each with the first and the last level that is summed."""
        return {z: (int(self.spans[f"{z}?"][0]), int(self.spans[f"{z}?"][-1])) for z in self.emitted.windows}

    def mass_at_end(self, u: Array, w: Array) -> dict[str, float]:
        """The posterior probability of the last levels of every window, a twentieth of them, where it is largest: if it
        is not tiny (1e-6), bind with a larger window. `u` (S, D) are draws of the posterior."""
        found = self.marginals(u, w) if self.windows else {}
        last = {z: max(1, int(END * found[z].shape[-1])) for z in self.windows}
        return {z: float(np.max(found[z][..., -k:].sum(-1).mean(0), initial=0.0)) for z, k in last.items()}

    def level_labels(self, name: str, bound: Bound) -> tuple[str, ...]:
        """The levels of a summed-out unknown, or of a derived event or level, as labels."""
        axis = f"{name}?"
        return labels_of(dict(self.emitted.levels)[axis], axis, self.spans, self.sizes, bound)


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


class Text(Protocol):
    """Whatever was emitted."""

    @property
    def text(self) -> str: ...


def compiled(emitted: Text) -> CodeType:
    """The code of a program, compiled once for all data."""
    return compile(emitted.text, "<program>", "exec")


def bind_program(
    emitted: Emitted, bound: Bound, code: CodeType | None = None, windows: Mapping[str, tuple[int, int]] | None = None
) -> Program:
    """The program on these data. `windows` are the first and last levels to sum of counts without a largest value; the
    first is where their support begins in any case. Raises ModelError where the data do not fit what the model looks up
    in them."""
    keep_freed_memory()
    sizes = {name: axis.size for name, axis in bound.axes.items()}
    slots: dict[str, slice] = {}
    places: dict[str, slice] = {}
    inputs = Inputs(bound, slots, emitted.tables, noises=places, windows=windows or {})
    for axes in (*(s.axes for s in emitted.slots), *(n.axes for n in emitted.noises)):
        for a in axes:
            sizes.setdefault(a, made_size(a, inputs, sizes))
    dim = lay_out(((s.name, s.axes) for s in emitted.slots), sizes, slots)
    noise = lay_out(((n.key, n.axes) for n in emitted.noises), sizes, places)
    scope: dict[str, Callable[..., tuple[Callable[..., object], ...]]] = {}
    exec(code or compiled(emitted), scope)
    # numpy's integers: the variance of a single row is then not a number, where Python's would raise ZeroDivisionError
    lengths = {axis: np.int64(size) for axis, size in sizes.items()}
    with np.errstate(all="ignore"):
        try:
            functions = scope["program"](inputs, lengths)
        except IndexError as problem:
            raise ModelError([complain("E703", None, what=problem)]) from None
    sizes |= {axis: int(size) for axis, size in lengths.items()}
    most = max(1, CELLS // largest_array(emitted.tables, sizes))
    return Program(emitted, dim, slots, sizes, inputs.spans, most, noise, *functions)  # type: ignore[arg-type]


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

"""A program with its data: the callables that the engine and the results use."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import CodeType

import numpy as np
import numpy.typing as npt

from ppl.data.bound import Bound
from ppl.emit.memory import keep_freed_memory
from ppl.emit.program import Emitted
from ppl.source.diagnostic import ModelError, complain

Array = npt.NDArray[np.float64]
Named = dict[str, Array]
# Numbers in one array of a call: the draws of a call are as many as fit.
CELLS = 300_000
# Numbers for one draw in a table of summed-out unknowns, beyond which the model is refused.
AFFORDABLE = 20_000_000


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an emitted program asks of its data. `noises` are the places of uniform numbers, `dim` the number of
    parameters of an objective."""

    bound: Bound
    slots: Mapping[str, slice]
    tables: tuple[tuple[str, ...], ...] = ()
    spans: dict[str, npt.NDArray[np.generic]] = field(default_factory=dict)
    noises: Mapping[str, slice] = field(default_factory=dict)
    dim: int = 0

    def column(self, name: str, axes: tuple[str, ...]) -> Array:
        """The values of a column as floats, its axes in the order of the program."""
        column = self.bound.columns[name]
        turn = [column.axes.index(a) for a in axes]
        return np.ascontiguousarray(np.transpose(column.values, turn), dtype=float)

    def afford(self, sizes: Mapping[str, int]) -> None:
        """E531 where summing unknowns out would take tables that are too large."""
        for table in self.tables:
            summed = dict.fromkeys(a.split("?")[0] for a in table if "?" in a)
            cells = _cells(table, sizes)
            if summed and cells > AFFORDABLE:
                raise ModelError(
                    [complain("E531", None, names="`, `".join(summed), cells=f"{cells:,}".replace(",", " "))]
                )

    def level(self, axis: str, label: str) -> int:
        """The 0-based position of a label; E331 where the data have no such level."""
        labels = self.bound.axes[axis].labels or tuple(str(i + 1) for i in range(self.bound.axes[axis].size))
        if label not in labels:
            listed = ", ".join(f'"{x}"' for x in labels[:8]) + (", …" if len(labels) > 8 else "")
            raise ModelError([complain("E331", None, name=axis, text=label, levels=listed, help="")])
        return labels.index(label)

    def slot(self, name: str) -> slice:
        return self.slots[name]

    def noise(self, key: str) -> slice:
        return self.noises[key]

    def missing(self, name: str, axes: tuple[str, ...]) -> npt.NDArray[np.bool_]:
        """Where a column has blanks."""
        column = self.bound.columns[name]
        mask = np.zeros(column.values.shape, bool) if column.missing is None else column.missing
        return np.transpose(mask, [column.axes.index(a) for a in axes])

    def blanks(self, name: str, axes: tuple[str, ...], along: int) -> npt.NDArray[np.intp]:
        """Where every blank of a column stands along one of its axes, in the order of `missing_rank`."""
        return np.nonzero(self.missing(name, axes))[along]

    def missing_count(self, name: str) -> int:
        column = self.bound.columns[name]
        return 0 if column.missing is None else int(column.missing.sum())

    def missing_rank(self, name: str, axes: tuple[str, ...]) -> npt.NDArray[np.intp]:
        """For every cell, the number of blanks before it: where its value stands among the missing ones."""
        mask = self.missing(name, axes)
        return np.where(mask, np.cumsum(mask.ravel()).reshape(mask.shape) - 1, 0).astype(np.intp)


@dataclass(frozen=True, slots=True)
class Program:
    """The functions of a model with its data; a `ppl.infer.target.Target`. `dim` is the number of coordinates,
    `weights` the number of non-centring weights, `slots` the columns of each unknown."""

    emitted: Emitted
    dim: int
    slots: Mapping[str, slice]
    sizes: Mapping[str, int]
    spans: Mapping[str, npt.NDArray[np.generic]]
    most: int
    _log_density: Callable[[Array, Array], Array]
    _value_and_grad: Callable[[Array, Array], tuple[Array, Array, Array]]
    _constrained: Callable[[Array, Array], Named]
    _recentred: Callable[[Array, Array, Array], Array]
    _marginals: Callable[[Array, Array], Named]
    _terms: Callable[[Array, Array], Named]

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

    def marginals(self, u: Array, w: Array) -> Named:
        """The probabilities of every summed-out unknown given the draws, as (S, axes as written, levels)."""
        with np.errstate(all="ignore"):
            return self._marginals(u, w)

    def terms(self, u: Array, w: Array) -> Named:
        """What each statement adds to the log density, as (S, axes); only a program emitted `with_terms` has any."""
        with np.errstate(all="ignore"):
            return self._terms(u, w)

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


def compiled(emitted: Emitted) -> CodeType:
    """The code of a program, compiled once for all data."""
    return compile(emitted.text, "<program>", "exec")


def bind_program(emitted: Emitted, bound: Bound, code: CodeType | None = None) -> Program:
    """The program on these data. Raises ModelError where the data do not fit what the model looks up in them."""
    keep_freed_memory()
    sizes = {name: axis.size for name, axis in bound.axes.items()}
    slots: dict[str, slice] = {}
    inputs = Inputs(bound, slots, emitted.tables)
    for s in emitted.slots:
        for a in s.axes:
            sizes.setdefault(a, made_size(a, inputs, sizes))
    dim = lay_out(((s.name, s.axes) for s in emitted.slots), sizes, slots)
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
    return Program(emitted, dim, slots, sizes, inputs.spans, most, *functions)  # type: ignore[arg-type]


def _cells(axes: tuple[str, ...], sizes: Mapping[str, int]) -> int:
    return int(np.prod([sizes[a if a in sizes else a.rstrip("'")] for a in axes], dtype=int))


def largest_array(tables: Iterable[tuple[str, ...]], sizes: Mapping[str, int]) -> int:
    """The most numbers for one draw that any array of a call has."""
    return max((_cells(t, sizes) for t in tables), default=1) or 1


def made_size(axis: str, inputs: Inputs, sizes: Mapping[str, int]) -> int:
    """The length of an axis that the program makes: one less for a simplex, the blanks of a column, a copy."""
    if axis.endswith(".missing"):
        return inputs.missing_count(axis.removesuffix(".missing"))
    return sizes[axis.rstrip("'~")] - axis.endswith("~")


def lay_out(arrays: Iterable[tuple[str, tuple[str, ...]]], sizes: Mapping[str, int], out: dict[str, slice]) -> int:
    """Puts named arrays one after the other; their total length."""
    at = 0
    for name, axes in arrays:
        length = int(np.prod([sizes[a] for a in axes], dtype=int)) if axes else 1
        out[name] = slice(at, at + length)
        at += length
    return at

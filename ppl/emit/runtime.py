"""What emitted programs call: look-ups with their transposes, and reductions with names."""

import numpy as np
import numpy.typing as npt

from ppl.stdlib import initial as starts
from ppl.stdlib.vectors import Segments, add_segments, segments

Array = npt.NDArray[np.float64]


def within(index: npt.ArrayLike, length: int) -> npt.NDArray[np.generic]:
    """Positions along an axis, counted from 0. Raises IndexError where one leaves it."""
    at = np.asarray(index)
    if at.size and (at.min() < 0 or at.max() >= length):
        raise IndexError(f"position {int(at.max()) + 1} of an axis of {length}")
    return at


class Gather:
    """Entries of a flattened array at fixed positions, and the transpose, which adds them up again.

    `flat` has the shape of the result and counts in the flattened axes of the source, of sizes `source`. Both ways
    take a leading axis of draws. A look-up that moves nothing costs nothing; ascending positions, as in data sorted by
    group, repeat each entry, which takes a third of the time of looking every one up.
    """

    __slots__ = ("counts", "flat", "identity", "length", "plan", "result", "source")

    def __init__(self, flat: npt.ArrayLike, source: tuple[int, ...]) -> None:
        self.flat: npt.NDArray[np.intp] = np.asarray(flat).astype(np.intp)
        self.source, self.result = source, self.flat.shape
        self.length = int(np.prod(source, dtype=np.intp))
        if self.flat.size and self.length and (self.flat.min() < 0 or self.flat.max() >= self.length):
            raise IndexError(f"position {int(self.flat.max()) + 1} of an axis of {self.length}")
        line = self.flat.ravel()
        self.identity = line.size == self.length and bool(np.array_equal(line, np.arange(self.length)))
        self.counts = _repeats(self.flat, self.length)
        self.plan: Segments | None = None

    def take(self, v: Array) -> Array:
        """(S, source) to (S, result)."""
        if self.identity:
            return v.reshape(len(v), *self.result)
        if self.length == 0:
            return np.zeros((len(v), *self.result))
        if self.counts is not None:
            return np.repeat(v.reshape(len(v), -1), self.counts, axis=1)
        return np.take(v.reshape(len(v), -1), self.flat, axis=1)

    def pick(self, v: Array) -> Array:
        """(source) to (result), for a value without draws."""
        picked: Array = np.asarray(v).reshape(-1)[self.flat] if self.length else np.zeros(self.result)
        return picked

    def add(self, g: Array) -> Array:
        """(S, result) to (S, source): every entry is added where it was taken."""
        if self.identity:
            return g.reshape(len(g), *self.source)
        if self.length == 0:
            return np.zeros((len(g), *self.source))
        if self.plan is None:
            self.plan = segments(self.flat, self.length)
        return add_segments(g.reshape(len(g), -1), self.plan).reshape(len(g), *self.source)

    def add_fixed(self, g: Array) -> Array:
        """(result) to (source), for a value without draws."""
        summed = np.bincount(self.flat.ravel(), np.asarray(g, float).ravel(), self.length)
        return np.asarray(summed, dtype=float).reshape(self.source)


def _repeats(flat: npt.NDArray[np.intp], length: int) -> npt.NDArray[np.intp] | None:
    """How often each entry is taken, where positions ascend along one axis; else None."""
    if flat.ndim != 1 or length > flat.size or bool(np.any(flat[1:] < flat[:-1])):
        return None
    return np.bincount(flat, minlength=length)


# Where the weights of a net start.
initial = starts.initial


def logsumexp(v: Array, axis: int) -> Array:
    """log sum exp along an axis; a row of -inf gives -inf."""
    top = np.max(v, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    found: Array = np.log(np.add.reduce(np.exp(v - top), axis)) + np.squeeze(top, axis)
    return found


def pad(v: Array, axis: int, end: str) -> Array:
    """The entries with a 0 before them (`low`) or a 1 behind them (`high`)."""
    width = [(0, 0)] * v.ndim
    width[axis] = (1, 0) if end == "low" else (0, 1)
    return np.pad(v, width, constant_values=0.0 if end == "low" else 1.0)


def unpad(v: Array, axis: int, end: str) -> Array:
    """All entries but the first (`low`) or the last (`high`)."""
    return piece(v, axis, 1 if end == "low" else 0, v.shape[axis] - 1)


def piece(v: Array, axis: int, start: int, count: int) -> Array:
    """`count` entries along an axis."""
    at = [slice(None)] * v.ndim
    at[axis] = slice(start, start + count)
    return v[tuple(at)]


def cut(v: Array, axis: int, start: int, count: int, sizes: tuple[int, ...] | None = None) -> Array:
    """`count` entries along an axis, laid out in `sizes`."""
    found = piece(v, axis, start, count)
    return found if sizes is None else found.reshape(*v.shape[:axis], *sizes, *v.shape[axis + 1 :])


def uncut(g: Array, axis: int, start: int, count: int, axes: int, total: int) -> Array:
    """The transpose of `cut`: entries over `axes` axes back in their place along one of length `total`."""
    out = np.zeros((*g.shape[:axis], total, *g.shape[axis + axes :]))
    out[(*(slice(None),) * axis, slice(start, start + count))] = g.reshape(
        *g.shape[:axis], count, *g.shape[axis + axes :]
    )
    return out


def bound(log_w: Array, count: int, order: float) -> Array:
    """The bound of every group of `count` rows of log weights (S, …), for each of its rows:
    log mean w^(1 - order) / (1 - order)."""
    groups = (1.0 - order) * log_w.reshape(-1, count, *log_w.shape[1:])
    found = (logsumexp(groups, 1) - np.log(count)) / (1.0 - order)
    return np.repeat(found, count, axis=0)


def shares(log_w: Array, count: int, order: float) -> Array:
    """Importance weights to the power 1 - order, normalised within groups of `count` rows."""
    groups = (1.0 - order) * log_w.reshape(-1, count, *log_w.shape[1:])
    found = np.exp(groups - np.expand_dims(logsumexp(groups, 1), 1))
    return np.asarray(found.reshape(log_w.shape))


def centred(v: Array) -> Array:
    """Costs (S, …) less the mean of those of the other draws: the leave-one-out baseline."""
    count = len(v)
    found: Array = (v - v.mean(axis=0)) * (count / (count - 1)) if count > 1 else v
    return found


def cumsum(v: Array, axis: int, backwards: bool) -> Array:
    if not backwards:
        return np.cumsum(v, axis=axis)
    backward: Array = np.flip(np.cumsum(np.flip(v, axis), axis=axis), axis)
    return backward


def prod_others(v: Array, axis: int) -> Array:
    """At each position the product of all others: the gradient of a product, right where one factor is zero."""
    left = np.cumprod(np.roll(_with_first(v, axis), 1, axis=axis), axis=axis)
    back = np.flip(v, axis)
    right = np.flip(np.cumprod(np.roll(_with_first(back, axis), 1, axis=axis), axis=axis), axis)
    return np.asarray(left * right, dtype=float)


def _with_first(v: Array, axis: int) -> Array:
    """The array with its last position along `axis` set to 1 (after a roll by one it leads)."""
    out = np.array(v, dtype=float, copy=True)
    last = [slice(None)] * out.ndim
    last[axis] = slice(-1, None)
    out[tuple(last)] = 1.0
    return out


def steps(v: Array, axis: int) -> Array | list[float]:
    """An array by its positions along an axis, for a loop: numbers of Python where each position is one number."""
    moved = np.ascontiguousarray(np.moveaxis(v, axis, 0))
    return moved.tolist() if moved.ndim == 1 else moved


def stacked(items: list[Array], axis: int) -> Array:
    """What the steps of a loop have computed, all of one shape, along an axis."""
    shape = np.shape(items[0])
    whole: Array = np.concatenate([np.ravel(x) for x in items]) if shape else np.array(items, dtype=float)
    return np.moveaxis(whole.reshape(len(items), *shape), 0, axis)


def affine(c: Array, b: Array, axis: int, backwards: bool) -> Array:
    """y[t] = c[t] y[t - 1] + b[t], the first being b; backwards, y[t] = c[t + 1] y[t + 1] + b[t], the last being b.

    Stretches of about the square root of the length are gone along side by side; then what enters each is known."""
    c, b = (np.moveaxis(x, axis, 0) for x in np.broadcast_arrays(c, b))
    if backwards:
        c, b = np.roll(c, -1, axis=0)[::-1], b[::-1]
    length, shape = len(b), b.shape[1:]
    width = max(1, int(np.sqrt(length)))
    count = -(-length // width)
    slopes, local = np.zeros((count * width, *shape)), np.zeros((count * width, *shape))
    slopes[:length], local[:length] = c, b
    slopes[0] = 0.0
    slopes, local = slopes.reshape(count, width, *shape), local.reshape(count, width, *shape)
    for j in range(1, width):
        local[:, j] += slopes[:, j] * local[:, j - 1]
        slopes[:, j] *= slopes[:, j - 1]
    for i in range(1, count):
        local[i] += slopes[i] * local[i - 1, -1]
    found = local.reshape(count * width, *shape)[:length]
    return np.moveaxis(found[::-1] if backwards else found, 0, axis)

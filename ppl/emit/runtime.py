"""What emitted programs call: look-ups with their transposes, and reductions with names."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Gather:
    """Entries of a flattened array at fixed positions, and the transpose, which adds them up again.

    `flat` has the shape of the result and counts in the flattened axes of the source, of sizes `source`. Both
    directions take a leading axis of draws. A look-up that moves nothing costs nothing; one that only reorders is
    undone by its inverse; otherwise entries are brought together once (sorted positions) and added segment by segment.
    """

    __slots__ = ("back", "flat", "identity", "length", "levels", "order", "result", "source", "starts")

    def __init__(self, flat: npt.ArrayLike, source: tuple[int, ...]) -> None:
        at = np.asarray(flat).astype(np.intp)
        self.flat, self.source, self.result = at, source, at.shape
        self.length = int(np.prod(source, dtype=np.intp))
        if at.size and self.length and (at.min() < 0 or at.max() >= self.length):
            raise IndexError(f"position {int(at.max()) + 1} of an axis of {self.length}")
        line = at.ravel()
        self.identity = at.size == self.length and bool(np.array_equal(line, np.arange(self.length)))
        self.order: npt.NDArray[np.intp] | None = np.argsort(line, kind="stable")
        ordered = line[self.order]
        self.starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if at.size else np.zeros(0, np.intp)
        self.levels = ordered[self.starts]
        one_each = at.size == self.length == self.levels.size
        self.back: npt.NDArray[np.intp] | None = self.order if one_each else None
        if np.array_equal(self.order, np.arange(at.size)):
            self.order = None

    def take(self, v: Array) -> Array:
        """(S, source) to (S, result)."""
        if self.identity:
            return v.reshape(len(v), *self.result)
        if self.length == 0:
            return np.zeros((len(v), *self.result))
        return np.take(v.reshape(len(v), -1), self.flat, axis=1)

    def pick(self, v: Array) -> Array:
        """(source) to (result), for a value without draws."""
        picked: Array = np.asarray(v).reshape(-1)[self.flat] if self.length else np.zeros(self.result)
        return picked

    def add(self, g: Array) -> Array:
        """(S, result) to (S, source): every entry is added where it was taken."""
        if self.identity:
            return g.reshape(len(g), *self.source)
        line = g.reshape(len(g), -1)
        if self.back is not None:
            moved: Array = line[:, self.back].reshape(len(g), *self.source)
            return moved
        out = np.zeros((len(g), self.length))
        if line.shape[1]:
            line = line if self.order is None else line[:, self.order]
            out[:, self.levels] = np.add.reduceat(line, self.starts, axis=1)
        return out.reshape(len(g), *self.source)

    def add_fixed(self, g: Array) -> Array:
        """(result) to (source), for a value without draws."""
        out: Array = np.bincount(self.flat.ravel(), np.asarray(g, float).ravel(), self.length).reshape(self.source)
        return out


def logsumexp(v: Array, axis: int) -> Array:
    """log sum exp along an axis; a row of -inf gives -inf."""
    top = np.max(v, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    return np.log(np.add.reduce(np.exp(v - top), axis)) + np.squeeze(top, axis)


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
    others: Array = left * right
    return others


def _with_first(v: Array, axis: int) -> Array:
    """The array with its last position along `axis` set to 1 (after a roll by one it leads)."""
    out = np.array(v, dtype=float, copy=True)
    last = [slice(None)] * out.ndim
    last[axis] = slice(-1, None)
    out[tuple(last)] = 1.0
    return out

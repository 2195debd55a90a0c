"""Arrays with named axes: what the interpreter computes with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """`values` has the shape (draws, *lengths of axes); a value that is the same in all draws has one."""

    values: Array
    axes: tuple[str, ...] = ()

    @property
    def draws(self) -> int:
        return int(self.values.shape[0])


def number(x: float) -> Named:
    """The same number in all draws."""
    return Named(np.full(1, x))


def fixed(values: npt.ArrayLike, axes: tuple[str, ...] = ()) -> Named:
    """An array that is the same in all draws."""
    return Named(np.asarray(values)[None], axes)


def union(parts: Iterable[Named]) -> tuple[str, ...]:
    """All axes, in order of first appearance."""
    return tuple(dict.fromkeys(a for v in parts for a in v.axes))


def aligned(v: Named, axes: tuple[str, ...]) -> Array:
    """The values with these axes in this order, of length 1 where the value lacks them. They must hold its own."""
    order = sorted(range(len(v.axes)), key=lambda i: axes.index(v.axes[i]))
    turned = np.transpose(v.values, (0, *(i + 1 for i in order)))
    own = set(v.axes)
    return turned.reshape(v.draws, *(_length(v, a) if a in own else 1 for a in axes))


def _length(v: Named, axis: str) -> int:
    return int(v.values.shape[1 + v.axes.index(axis)])


def elementwise(f: Callable[..., Array], *parts: Named) -> Named:
    """f of the values, aligned by the names of their axes."""
    axes = union(parts)
    if all(v.axes == axes for v in parts):
        return Named(np.asarray(f(*(v.values for v in parts))), axes)
    return Named(np.asarray(f(*(aligned(v, axes) for v in parts))), axes)


def chosen(test: Array, then: npt.ArrayLike, other: npt.ArrayLike) -> Array:
    """`then` where the test holds, `other` elsewhere."""
    return np.asarray(np.where(test, then, other))


def renamed(v: Named, old: str, new: str) -> Named:
    return Named(v.values, tuple(new if a == old else a for a in v.axes))


def last(v: Named, axes: tuple[str, ...]) -> tuple[Array, tuple[str, ...]]:
    """The values with `axes` last, in this order, and the axes before them."""
    rest = tuple(a for a in v.axes if a not in axes)
    return aligned(v, (*rest, *axes)), rest


def spread(v: Named, axis: str, length: int) -> Named:
    """The value with an axis, along which it is constant where it lacked it."""
    if axis in v.axes:
        return v
    return Named(np.broadcast_to(v.values[..., None], (*v.values.shape, length)), (*v.axes, axis))


def at_positions(v: Named, axis: str, where: Array) -> Named:
    """The entries at some positions along an axis, in their order."""
    return Named(np.take(v.values, where, axis=1 + v.axes.index(axis)), v.axes) if axis in v.axes else v


def cut(v: Named, axis: str, start: int, stop: int) -> Named:
    """The part of an axis from `start` up to `stop`."""
    if axis not in v.axes:
        return v
    return Named(v.values[(slice(None),) * (1 + v.axes.index(axis)) + (slice(start, stop),)], v.axes)


def some_draws(v: Named, rows: slice) -> Named:
    """The value in some of the draws."""
    return v if v.draws == 1 else Named(v.values[rows], v.axes)

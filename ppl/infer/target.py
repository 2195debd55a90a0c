"""What the engine optimises: a log density on R^D seen only through batched values and gradients."""

from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

# Rows of one call: bounds the memory of a model whose likelihood makes (rows, data) arrays.
CHUNK = 512


class Target(Protocol):
    """An unnormalised log density over unconstrained coordinates `u`.

    `w` are the weights of partial non-centring, one in [0, 1] for each location-scale site (1 centred, 0 non-centred;
    Gorinova, Moore & Hoffman, ICML 2020). Changing `w` changes the coordinates, not the model, so every density in
    `value` includes the Jacobian of its own coordinates.
    """

    @property
    def dim(self) -> int:
        """D, the number of coordinates; may be 0."""

    @property
    def weights(self) -> int:
        """W, the number of weights; may be 0."""

    def value(self, u: Array, w: Array) -> Array:
        """Log densities (S,) of the rows of `u` (S, D)."""

    def value_and_grad(self, u: Array, w: Array) -> tuple[Array, Array, Array]:
        """Log densities (S,), gradients (S, D), and gradients with respect to the weights (S, W) at fixed `u`."""

    def recentre(self, u: Array, w_old: Array, w_new: Array) -> Array:
        """The same points in the coordinates of other weights."""


@dataclass(eq=False)
class NoDensity(Exception):
    """The log density is not finite at any starting point; `u` (S, D) are the points that were tried (E701)."""

    u: Array
    values: Array


@dataclass(eq=False)
class NoGradient(Exception):
    """The log density is finite at `u` (D,) but the gradient is not, in the coordinates `where` (E702)."""

    u: Array
    where: tuple[int, ...]
    evaluations: int


@dataclass(slots=True)
class Tally:
    """How much was asked of a target. Each row of a batched call is one evaluation."""

    gradients: int = 0
    values: int = 0
    calls: int = 0

    def add(self, gradients: int, values: int) -> None:
        self.gradients += gradients
        self.values += values
        self.calls += 1


@dataclass(frozen=True, slots=True)
class Counted:
    """A target that counts what is asked of it; rows that are not finite become -inf with a zero gradient."""

    inner: Target
    tally: Tally = field(default_factory=Tally)

    @property
    def dim(self) -> int:
        return self.inner.dim

    @property
    def weights(self) -> int:
        return self.inner.weights

    def value(self, u: Array, w: Array) -> Array:
        return np.concatenate([self._value(part, w) for part in _chunks(u)])

    def value_and_grad(self, u: Array, w: Array) -> tuple[Array, Array, Array]:
        parts = [self._value_and_grad(part, w) for part in _chunks(u)]
        f, g, gw = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return f, g, gw

    def recentre(self, u: Array, w_old: Array, w_new: Array) -> Array:
        return self.inner.recentre(u, w_old, w_new)

    def _value(self, u: Array, w: Array) -> Array:
        self.tally.add(0, len(u))
        with np.errstate(all="ignore"):
            f = np.asarray(self.inner.value(u, w), dtype=float)
        return np.where(np.isfinite(f), f, -np.inf)

    def _value_and_grad(self, u: Array, w: Array) -> tuple[Array, Array, Array]:
        self.tally.add(len(u), 0)
        with np.errstate(all="ignore"):
            f, g, gw = (np.asarray(part, dtype=float) for part in self.inner.value_and_grad(u, w))
        good = np.isfinite(f) & np.isfinite(g).all(axis=1) & np.isfinite(gw).all(axis=1)
        column = good[:, None]
        return np.where(good, f, -np.inf), np.where(column, g, 0.0), np.where(column, gw, 0.0)


def _chunks(u: Array) -> list[Array]:
    return [u[at : at + CHUNK] for at in range(0, len(u), CHUNK)] or [u]


def raise_if_no_gradient(target: Target, u: Array, w: Array, tally: Tally) -> None:
    """Raise `NoGradient` for the first row of finite density whose gradient is not finite."""
    with np.errstate(all="ignore"):
        f, g, _ = target.value_and_grad(u, w)
    tally.add(len(u), 0)
    for value, point, row in zip(f, u, g, strict=True):
        where = np.flatnonzero(~np.isfinite(row))
        if np.isfinite(value) and where.size:
            raise NoGradient(point, tuple(int(i) for i in where), tally.gradients)

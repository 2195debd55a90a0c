"""A quantity of the posterior: labelled draws with weights, or the probabilities of levels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """Draws of one name. `draws` has shape (N, *lengths of axes), `weights` (N,) sum to one, `labels` name positions
    of each axis. `role` is `unknown` or `derived`; `estimator` says how the unknown was handled."""

    name: str
    axes: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    draws: Array
    weights: Array
    role: str = "unknown"
    estimator: str = ""

    def mean(self) -> Array:
        """Posterior means, with the shape of the axes."""
        return np.asarray(np.tensordot(self.weights, self.draws, axes=(0, 0)))

    def sd(self) -> Array:
        """Posterior standard deviations."""
        centred: Array = self.draws - self.mean()
        return np.asarray(np.sqrt(np.tensordot(self.weights, centred * centred, axes=(0, 0))))

    def quantile(self, q: float) -> Array:
        """Posterior quantiles: the weighted empirical distribution, interpolated between draws."""
        return np.asarray(self.quantiles((q,))[0])

    def quantiles(self, levels: Sequence[float]) -> Array:
        """Several quantiles at once, with the shape (len(levels), *lengths of axes)."""
        order = np.argsort(self.draws, axis=0)
        sorted_draws = np.take_along_axis(self.draws, order, axis=0)
        weights = self.weights[order]
        middle = np.cumsum(weights, axis=0) - 0.5 * weights
        return _interpolated(sorted_draws, middle, levels)

    def sel(self, **labels: str) -> "Quantity":
        """The part at the given labels: `fit["theta"].sel(school="A")`. Raises KeyError naming what there is."""
        part = self
        for axis, label in labels.items():
            part = part._at(axis, str(label))
        return part

    def _at(self, axis: str, label: str) -> "Quantity":
        if axis not in self.axes:
            raise KeyError(f"`{self.name}` has no axis `{axis}`; its axes: {', '.join(self.axes) or 'none'}")
        at = self.axes.index(axis)
        if label not in self.labels[at]:
            raise KeyError(f"`{axis}` has no label {label!r}; it has {', '.join(self.labels[at][:8])}")
        draws = np.take(self.draws, self.labels[at].index(label), axis=at + 1)
        keep = [i for i in range(len(self.axes)) if i != at]
        axes, names = tuple(self.axes[i] for i in keep), tuple(self.labels[i] for i in keep)
        return Quantity(self.name, axes, names, draws, self.weights, self.role, self.estimator)

    def to_numpy(self) -> Array:
        """The draws, (N, *lengths of axes). They carry `weights`."""
        return self.draws

    def __repr__(self) -> str:
        shape = ", ".join(f"{a}: {len(x)}" for a, x in zip(self.axes, self.labels, strict=True))
        return f"<{self.name} [{shape}] {len(self.draws)} draws>"


@dataclass(frozen=True, slots=True, eq=False)
class Probabilities:
    """A discrete unknown: `prob` has shape (*lengths of axes, levels)."""

    name: str
    axes: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    levels: tuple[str, ...]
    prob: Array
    estimator: str = "exact"

    def mode(self) -> npt.NDArray[np.str_]:
        """The most probable level at each position."""
        return np.asarray(np.asarray(self.levels)[np.argmax(self.prob, axis=-1)])

    def to_numpy(self) -> Array:
        """The probabilities, (*lengths of axes, levels)."""
        return self.prob

    def __repr__(self) -> str:
        return f"<{self.name}: probabilities of {', '.join(self.levels[:6])}>"


def is_derived(quantity: Quantity | Probabilities) -> bool:
    """Whether it is no unknown: of an unknown it is known how it was handled."""
    return quantity.role == "derived" if isinstance(quantity, Quantity) else not quantity.estimator


def _interpolated(values: Array, middle: Array, levels: Sequence[float]) -> Array:
    """Per column, the values at which the cumulative weight reaches the levels."""
    flat, mid = values.reshape(len(values), -1), middle.reshape(len(values), -1)
    out = [np.interp(levels, mid[:, j], flat[:, j]) for j in range(flat.shape[1])]
    return np.asarray(out, dtype=float).T.reshape(len(levels), *values.shape[1:])

"""The likeliest levels of a categorical distribution, and one drawn from the rest."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Saved = tuple[Any, ...]
LIKELIEST = 8


def likeliest_forward(p: Array, u: Array) -> tuple[Array, Saved]:
    """For probabilities `p` (..., K) and uniforms `u` (...): the min(8, K) likeliest levels, and behind them one drawn
    from the others with probabilities in proportion; the likeliest again where there are no others."""
    p, u = np.broadcast_arrays(p, u[..., None])
    u = u[..., 0]
    count = min(LIKELIEST, p.shape[-1])
    top = np.argsort(-p, axis=-1, kind="stable")[..., :count]
    rest = np.array(p, dtype=float)
    np.put_along_axis(rest, top, 0.0, axis=-1)
    steps = np.cumsum(rest, axis=-1)
    total = steps[..., -1:]
    level = np.minimum((steps <= u[..., None] * total).sum(axis=-1), p.shape[-1] - 1)
    drawn = np.where(total[..., 0] > 0.0, level, top[..., 0])
    return np.concatenate([top, drawn[..., None]], axis=-1).astype(float), (p.shape, u.shape)


def likeliest_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    """Levels do not change smoothly: nothing flows through them."""
    return np.zeros(saved[0]), np.zeros(saved[1])

"""What the layers of flows share: draws that share their weights, and the net of a layer with its gradient."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Saved = tuple[Any, ...]

# Log scales are squashed into (-BOUND, BOUND): e^5 a layer is more than a funnel asks for, and nothing overflows.
BOUND = 5.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Arguments as (S, N, D) and (S, P): S draws, N positions of a plate that share weights; and their own shapes.
    Weights that are one row by reference (a broadcast view) are kept as (1, P): every draw then gets the mean of the
    slopes of all, which is what their mean comes to, at the cost of one matrix product."""

    x: Array
    w: Array
    shape: tuple[int, ...]
    x_shape: tuple[int, ...]
    w_shape: tuple[int, ...]

    def out(self, y: Array, log_det: Array) -> Array:
        return np.concatenate([y, log_det[..., None]], axis=-1).reshape(*self.shape, -1)

    def adjoint(self, g: Array) -> tuple[Array, Array]:
        flat = np.asarray(g, float).reshape(*self.x.shape[:2], -1)
        return flat[..., :-1], flat[..., -1]

    def back(self, gx: Array, gw: Array) -> tuple[Array, Array]:
        own = np.broadcast_to(gw[0], self.w_shape) if len(gw) < self.w_shape[0] else gw.reshape(self.w_shape)
        return _reduced(gx.reshape(*self.shape, -1), self.x_shape), own


def batched(x: Array, w: Array) -> Batch:
    """Weights vary over the draws alone: every further batch axis of theirs has length one."""
    batch = np.broadcast_shapes(x.shape[:-1], w.shape[:-1])
    draws = batch[0] if batch else 1
    wide = np.broadcast_to(x, (*batch, x.shape[-1])).reshape(draws, -1, x.shape[-1])
    flat = w.reshape(max(w.shape[0], 1), w.shape[-1]) if w.strides[0] or len(w) < 2 else w[:1].reshape(1, w.shape[-1])
    return Batch(wide, flat, batch, x.shape, w.shape)


def _reduced(g: Array, shape: tuple[int, ...]) -> Array:
    """A gradient summed over the axes along which its argument was repeated."""
    over = tuple(i for i, (a, b) in enumerate(zip(g.shape, shape, strict=True)) if a != b)
    return np.asarray(g.sum(axis=over, keepdims=True)) if over else g


def runs_of(w: Array) -> Iterator[slice]:
    """Stretches of rows with equal weights."""
    ends = np.flatnonzero((w[1:] != w[:-1]).any(axis=1)) + 1
    edges = [0, *(int(at) for at in ends), len(w)]
    yield from (slice(a, b) for a, b in pairwise(edges))


@dataclass(frozen=True, slots=True)
class Rows:
    """Matrices, one for each draw, many of them alike."""

    runs: tuple[slice, ...]

    def apply(self, m: Array, a: Array) -> Array:
        """(S, N, H) of matrices (S, H, A) and vectors (S, N, A)."""
        if len(self.runs) == 1:
            flat = a.reshape(a.shape[0] * a.shape[1], a.shape[2])
            return np.asarray(flat @ m[0].T).reshape(*a.shape[:2], m.shape[1])
        parts = [a[run] @ m[run.start].T for run in self.runs]
        return np.concatenate(parts)

    def turned(self, m: Array, g: Array) -> Array:
        """(S, N, A) of matrices (S, H, A), transposed, and vectors (S, N, H)."""
        return self.apply(np.swapaxes(m, 1, 2), g)


def outer(g: Array, a: Array, pooled: bool) -> Array:
    """(S, H A): the sum over positions of products of g (S, N, H) and a (S, N, A); `pooled`, its mean over draws
    (1, H A)."""
    if pooled:
        flat = g.reshape(g.shape[0] * g.shape[1], g.shape[2]).T @ a.reshape(a.shape[0] * a.shape[1], a.shape[2])
        return np.asarray(flat).reshape(1, -1) / len(g)
    return np.asarray(np.matmul(np.swapaxes(g, 1, 2), a)).reshape(len(g), -1)


def summed(g: Array, pooled: bool) -> Array:
    """(S, H): the sum of g (S, N, H) over positions; `pooled`, its mean over draws (1, H)."""
    return np.asarray(g.sum(axis=(0, 1))[None] / len(g) if pooled else g.sum(axis=1))


# ---- one net of a layer ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Net:
    """r, t = W2 tanh(W1 a + b1) + W3 a + b2, split in two: the log scales and the shifts of a layer. `masks` are for
    W1, W2 and W3, 1 where all may be."""

    sizes: tuple[int, int, int]
    masks: tuple[Array, Array, Array]

    @property
    def count(self) -> int:
        a, h, t = self.sizes
        return h * a + h + 2 * t * h + 2 * t * a + 2 * t

    def parts(self, w: Array) -> tuple[Array, Array, Array, Array, Array]:
        a, h, t = self.sizes
        ends = np.cumsum([h * a, h, 2 * t * h, 2 * t * a, 2 * t])
        first, b1, second, third, b2 = np.split(w, ends[:-1], axis=1)
        one, two, three = self.masks
        return (
            first.reshape(len(w), h, a) * one,
            b1,
            second.reshape(len(w), 2 * t, h) * two,
            third.reshape(len(w), 2 * t, a) * three,
            b2,
        )

    def forward(self, rows: Rows, w: Array, a: Array) -> tuple[Array, Array, Array]:
        first, b1, second, third, b2 = self.parts(w)
        hidden = np.tanh(rows.apply(first, a) + b1[:, None])
        out = rows.apply(second, hidden) + rows.apply(third, a) + b2[:, None]
        t = self.sizes[2]
        return hidden, BOUND * np.tanh(out[..., :t] / BOUND), out[..., t:]

    def backward(self, rows: Rows, w: Array, a: Array, hidden: Array, s: Array, gs: Array, gt: Array) -> Saved:
        """Gradients in `a` and in the weights, from those in log scales and shifts."""
        first, _, second, third, _ = self.parts(w)
        one, two, three = (m.ravel() for m in self.masks)
        g = np.concatenate([gs * (1.0 - (s / BOUND) ** 2), gt], axis=-1)
        gh = rows.turned(second, g) * (1.0 - hidden * hidden)
        ga = rows.turned(first, gh) + rows.turned(third, g)
        pool = len(w) < len(a)
        gw = [
            outer(gh, a, pool) * one,
            summed(gh, pool),
            outer(g, hidden, pool) * two,
            outer(g, a, pool) * three,
            summed(g, pool),
        ]
        return ga, np.concatenate(gw, axis=1)

    def start(self, rng: np.random.Generator) -> Array:
        """Small random inner weights and no outer ones: the layer starts as the identity, and can leave it."""
        a, h, t = self.sizes
        inner = rng.standard_normal(h * a) / np.sqrt(max(a, 1))
        return np.concatenate([inner, 0.1 * rng.standard_normal(h), np.zeros(2 * t * (h + a + 1))])

"""Random draws that numpy's generator does not broadcast. `size` is the shape of the result, event axes last."""

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from ppl.stdlib.vectors import logsumexp

Array = NDArray[np.float64]
Size = tuple[int, ...]
TINY = 1e-300


def whole(x: ArrayLike) -> NDArray[np.int64]:
    """Whole numbers that arithmetic has made into floats."""
    return np.asarray(np.rint(x), dtype=np.int64)


def draw_log_gamma(rng: Generator, shape: ArrayLike, size: Size) -> Array:
    """log of Gamma(shape, 1): Gamma(shape + 1) times U^(1 / shape), so that small shapes do not underflow."""
    boosted = np.log(rng.standard_gamma(np.add(shape, 1.0), size))
    return np.asarray(boosted - rng.standard_exponential(size) / np.asarray(shape, float))


def draw_gamma(rng: Generator, shape: ArrayLike, size: Size) -> Array:
    """Gamma(shape, 1), never exactly zero."""
    return np.maximum(np.exp(draw_log_gamma(rng, shape, size)), TINY)


def draw_beta(rng: Generator, a: ArrayLike, b: ArrayLike, size: Size) -> Array:
    """Beta(a, b), never exactly zero or one."""
    log_odds = draw_log_gamma(rng, a, size) - draw_log_gamma(rng, b, size)
    with np.errstate(over="ignore"):
        x = 1.0 / (1.0 + np.exp(-log_odds))
    return np.clip(x, TINY, 1.0 - 2.0**-53)


def draw_dirichlet(rng: Generator, a: ArrayLike, size: Size) -> Array:
    """Normalised in logarithms: a = 0.01 still sums to one."""
    logs = draw_log_gamma(rng, a, size)
    return np.maximum(np.exp(logs - logsumexp(logs)[..., None]), TINY)


def draw_level(rng: Generator, p: ArrayLike, size: Size) -> NDArray[np.intp]:
    """0-based levels with probabilities `p` over its last axis."""
    steps = np.cumsum(p, axis=-1)
    u = rng.random(size) * np.broadcast_to(steps[..., -1], size)
    return np.asarray((u[..., None] >= steps[..., :-1]).sum(axis=-1), dtype=np.intp)


def draw_level_logits(rng: Generator, logits: ArrayLike, size: Size) -> NDArray[np.intp]:
    logits = np.asarray(logits, float)
    return draw_level(rng, np.exp(logits - logsumexp(logits)[..., None]), size)


def draw_mvnormal(rng: Generator, mean: ArrayLike, chol: Array, size: Size) -> Array:
    """mean + L z."""
    z = rng.standard_normal(size)
    return np.asarray(np.asarray(mean, float) + (chol @ z[..., None])[..., 0])


def draw_multinomial(rng: Generator, n: ArrayLike, p: ArrayLike, size: Size) -> NDArray[np.int64]:
    p = np.broadcast_to(np.asarray(p, float), size)
    return rng.multinomial(np.broadcast_to(whole(n), size[:-1]), p / p.sum(axis=-1, keepdims=True))

"""Scrambled Sobol draws from the standard normal, antithetic and matched in their second moments.

The direction numbers are those of Joe & Kuo (SIAM J. Sci. Comput. 30, 2008; "new-joe-kuo-6.21201"), under the BSD
licence: Copyright (c) 2008 Frances Y. Kuo and Stephen Joe; redistribution in source and binary form is permitted
provided the copyright notice, the conditions and the disclaimer are kept). `sobol_joe_kuo.npz` holds their first 16
numbers for 1024 dimensions, enough for 65 536 points.
"""

from functools import cache
from importlib.resources import as_file, files
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ppl.infer.target import Array

BITS = 30
DEPTH = 16
DIMENSIONS = 1024

Words: TypeAlias = npt.NDArray[np.uint64]


@cache
def _directions() -> Words:
    """(1024, 16) direction numbers as `BITS`-bit words."""
    with as_file(files("ppl.infer") / "sobol_joe_kuo.npz") as path, np.load(path) as table:
        numbers = table["m"].astype(np.uint64)
    return np.asarray(numbers << (BITS - 1 - np.arange(DEPTH, dtype=np.uint64)))


def _scramble(words: Words, rng: np.random.Generator) -> Words:
    """Matousek's linear scramble: each word times a random lower triangular matrix of bits, one for each dimension."""
    shifts = np.arange(BITS - 1, -1, -1, dtype=np.uint64)
    lower = np.tril(rng.integers(0, 2, size=(len(words), BITS, BITS)), -1) + np.eye(BITS, dtype=np.int64)
    bits = ((words[:, :, None] >> shifts) & np.uint64(1)).astype(np.float64)
    mixed = np.matmul(bits, lower.astype(np.float64).transpose(0, 2, 1)).astype(np.uint64) & np.uint64(1)
    return np.asarray((mixed << shifts).sum(axis=2, dtype=np.uint64))


def sobol_uniform(count: int, dim: int, rng: np.random.Generator) -> Array:
    """(count, dim) points in (0, 1): a linearly scrambled, digitally shifted Sobol sequence.

    Past 1024 dimensions or 65 536 points they are independent uniforms: there is no table for them.
    """
    depth = max(count - 1, 1).bit_length()
    if dim > DIMENSIONS or depth > DEPTH:
        return rng.uniform(2.0**-BITS, 1.0 - 2.0**-BITS, size=(count, dim))
    words = _scramble(_directions()[:dim, :depth], rng)
    points = np.zeros((2**depth, dim), dtype=np.uint64)
    for bit in range(depth):
        points[2**bit : 2 ** (bit + 1)] = points[: 2**bit] ^ words[:, bit]
    shift = rng.integers(0, 2**BITS, size=dim, dtype=np.uint64)
    scaled: Array = ((points[:count] ^ shift) + 0.5) / 2.0**BITS
    return scaled


def sobol_normal(count: int, dim: int, rng: np.random.Generator) -> Array:
    """(count, dim) standard normal scrambled-Sobol points."""
    normal: Array = ndtri(sobol_uniform(count, dim, rng))
    return normal


def antithetic(half: Array) -> Array:
    """`half` and its mirror image: every odd moment is exactly zero."""
    return np.concatenate([half, -half])


def match_second_moments(draws: Array) -> Array:
    """Draws (M, D) of mean zero made to have the identity as their second moment exactly.

    With fewer than 2 D + 2 antithetic draws the moment matrix is near singular: then each column is scaled alone.
    Antithetic draws without this have worse scales than independent ones.
    """
    count, dim = draws.shape
    if count < 2 * dim + 2:
        scaled: Array = draws / np.sqrt(np.mean(draws**2, axis=0))
        return scaled
    factor = np.linalg.cholesky(draws.T @ draws / count)
    whitened: Array = np.linalg.solve(factor, draws.T).T
    return whitened


def matched_normal(count: int, dim: int, rng: np.random.Generator) -> Array:
    """(count, dim) standard normal draws (count rounded up to even) with exact first and second moments."""
    return match_second_moments(antithetic(sobol_normal((count + 1) // 2, dim, rng)))

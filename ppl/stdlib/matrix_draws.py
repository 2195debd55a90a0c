"""Draws of matrices: by numpy's generator, and as functions of uniform numbers with their slopes in the parameters.

The onion method of Lewandowski, Kurowicka & Joe (2009) for LKJ: row i of the factor has a squared length below the
diagonal of Beta((i - 1) / 2, eta + (k - i) / 2) and a uniform direction. Bartlett's decomposition for Wishart: a lower
triangle of standard normals with roots of chi-squares on the diagonal.
"""

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike
from scipy.special import betaln, ndtri

from ppl.stdlib.draws import Size, draw_beta, draw_mvnormal
from ppl.stdlib.linear import Array, Saved, cholesky_or_nan, sum_to, transposed, tri_solve
from ppl.stdlib.quantiles import beta_quantile, log_gamma_quantile, log_gamma_slope
from ppl.stdlib.special import betainc_db

TINY = 1e-300


# ---- by the generator ----------------------------------------------------------------------------------------------


def _onion(z: Array, lengths: Array) -> Array:
    """The factor of which row i points along the first i - 1 numbers of `z`, with this squared length there."""
    below = np.tril(z, -1)
    norm = np.sqrt(np.maximum((below * below).sum(-1, keepdims=True), TINY))
    diagonal = np.eye(z.shape[-1]) * np.sqrt(1.0 - lengths)[..., None]
    return np.asarray(below / norm * np.sqrt(lengths)[..., None] + diagonal)


def draw_lkj_cholesky(rng: Generator, eta: ArrayLike, size: Size) -> Array:
    """Lower Cholesky factors of correlation matrices of density |R|^(eta - 1)."""
    k = size[-1]
    rows = np.arange(1.0, k)
    lengths = np.zeros(size[:-1])
    shape = np.asarray(eta, float)[..., None] + 0.5 * (k - 1.0 - rows)
    lengths[..., 1:] = draw_beta(rng, 0.5 * rows, shape, (*size[:-2], k - 1))
    return _onion(rng.standard_normal(size), lengths)


def draw_bartlett(rng: Generator, df: ArrayLike, size: Size) -> Array:
    """Lower factors of Wishart matrices with an identity as scale."""
    k = size[-1]
    squares = rng.chisquare(np.asarray(df, float)[..., None] - np.arange(k), size[:-1])
    return np.asarray(np.tril(rng.standard_normal(size), -1) + np.eye(k) * np.sqrt(squares)[..., None])


def draw_wishart(rng: Generator, df: ArrayLike, scale: Array, size: Size) -> Array:
    half = cholesky_or_nan(np.asarray(scale, float)) @ draw_bartlett(rng, df, size)
    return np.asarray(half @ transposed(half))


def draw_inv_wishart(rng: Generator, df: ArrayLike, scale: Array, size: Size) -> Array:
    """The inverse of a Wishart matrix of the inverse scale: with scale = L L^T and factor A, (L A^-T) (L A^-T)^T."""
    turned = tri_solve(draw_bartlett(rng, df, size), transposed(cholesky_or_nan(np.asarray(scale, float))))
    return np.asarray(transposed(turned) @ turned)


def draw_mvstudent(rng: Generator, df: ArrayLike, mean: ArrayLike, scale: Array, size: Size) -> Array:
    chol = cholesky_or_nan(np.asarray(scale, float))
    df = np.asarray(df, float)
    wide = np.sqrt(df / rng.chisquare(df, size[:-1]))[..., None]
    return np.asarray(mean, float) + wide * draw_mvnormal(rng, 0.0, chol, size)


def draw_mvnormal_precision(rng: Generator, mean: ArrayLike, precision: Array, size: Size) -> Array:
    """mean + L^-T z for the precision L L^T."""
    lower = cholesky_or_nan(np.asarray(precision, float))
    z = rng.standard_normal(size)[..., None]
    return np.asarray(np.asarray(mean, float) + tri_solve(lower, z, transpose=True)[..., 0])


# ---- from uniform numbers ------------------------------------------------------------------------------------------


def lkj_from_uniforms_forward(eta: Array, u: Array) -> tuple[Array, Saved]:
    """A factor from (…, k, k) uniform numbers: those on the diagonal give lengths, those below it directions."""
    k = u.shape[-1]
    eta = np.asarray(eta, float)
    a = 0.5 * np.arange(1.0, k)
    b = eta[..., None] + 0.5 * (k - 1.0 - np.arange(1.0, k))
    s = np.clip(beta_quantile(a, b, np.diagonal(u, axis1=-2, axis2=-1)[..., 1:]), 1e-12, 1.0 - 1e-12)
    lengths = np.concatenate([np.zeros((*s.shape[:-1], 1)), s], axis=-1)
    y = _onion(ndtri(u), lengths)
    return y, (eta, u.shape, a, b, s, y)


def lkj_from_uniforms_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    """At a fixed uniform number, ds/deta = -(dF/deta) / p(s); a row moves by s' / 2s times itself below the diagonal
    and by -s' / 2(1 - s) times itself on it."""
    eta, u_shape, a, b, s, y = saved
    log_p = (a - 1.0) * np.log(s) + (b - 1.0) * np.log1p(-s) - betaln(a, b)
    slope = -betainc_db(a, b, s) * np.exp(-log_p)
    pulls = (g * y)[..., 1:, :]
    own = np.diagonal((g * y), axis1=-2, axis2=-1)[..., 1:]
    gs = (pulls.sum(-1) - own) / (2.0 * s) - own / (2.0 * (1.0 - s))
    return sum_to((gs * slope).sum(-1), eta.shape), np.zeros(u_shape)


def bartlett_forward(df: Array, u: Array) -> tuple[Array, Saved]:
    """The factor of a Wishart matrix with an identity as scale, from (…, k, k) uniform numbers."""
    k = u.shape[-1]
    df = np.asarray(df, float)
    shape = 0.5 * (df[..., None] - np.arange(k))
    logs = log_gamma_quantile(shape, np.diagonal(u, axis1=-2, axis2=-1))
    roots = np.exp(0.5 * (logs + np.log(2.0)))
    y = np.tril(ndtri(u), -1) + np.eye(k) * roots[..., None]
    return y, (df, u.shape, shape, logs, roots)


def bartlett_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    df, u_shape, shape, logs, roots = saved
    slope = 0.25 * roots * log_gamma_slope(shape, logs)
    return sum_to((np.diagonal(g, axis1=-2, axis2=-1) * slope).sum(-1), df.shape), np.zeros(u_shape)

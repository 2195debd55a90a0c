"""Cholesky factors, triangular solves and normal densities over matrices, for whole batches at once.

Shapes: batch dimensions lead and broadcast, event dimensions are last. A matrix of the batch that is not positive
definite gives minus infinity (or NaN factors) for its own draw and a zero gradient; the rest of the batch is unharmed.
Gradients: Giles, Collected matrix derivative results for forward and reverse mode AD (2008); Murray (2016),
arXiv:1602.07527.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dtrtrs

Array = NDArray[np.float64]
LOG_2_PI = 1.8378770664093453
SMALL = 12  # up to this size numpy's batched LU beats a Python loop over LAPACK's triangular solve


def sum_to(g: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of a broadcast: summed over what was repeated."""
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1)
    return np.asarray(g.sum(axis=repeated, keepdims=True) if repeated else g)


def transposed(a: Array) -> Array:
    return np.swapaxes(a, -1, -2)


def cholesky_or_nan(a: Array) -> Array:
    """Lower factors; a matrix that is not positive definite gets NaN."""
    try:
        return np.asarray(np.linalg.cholesky(a), float)
    except np.linalg.LinAlgError:
        flat = a.reshape(-1, *a.shape[-2:])
        return np.stack([_one_cholesky(m) for m in flat]).reshape(a.shape)


def _one_cholesky(a: Array) -> Array:
    try:
        return np.asarray(np.linalg.cholesky(a), float)
    except np.linalg.LinAlgError:
        return np.full_like(a, np.nan)


def usable(chol: Array) -> NDArray[np.bool_]:
    """Which factors of the batch are finite with a positive diagonal."""
    diagonal = np.diagonal(chol, axis1=-2, axis2=-1)
    return np.asarray(np.isfinite(chol).all((-2, -1)) & (diagonal > 0.0).all(-1))


def guarded(chol: Array) -> tuple[Array, NDArray[np.bool_]]:
    """The factors with identities in place of those that cannot be used, and which could."""
    ok = usable(chol)
    return (chol if ok.all() else np.where(ok[..., None, None], chol, np.eye(chol.shape[-1]))), ok


def tri_solve(lower: Array, b: Array, transpose: bool = False) -> Array:
    """Solves L X = B (or L^T X = B); the columns of B are the last axis."""
    if lower.ndim == 2 and b.ndim > 2:
        columns = np.moveaxis(b, -2, 0)
        flat = tri_solve(lower, columns.reshape(len(lower), -1), transpose)
        return np.moveaxis(flat.reshape(columns.shape), 0, -2)
    if lower.shape[-1] <= SMALL:
        try:
            return np.asarray(np.linalg.solve(transposed(lower) if transpose else lower, b), float)
        except np.linalg.LinAlgError:  # a pivot of one matrix has underflowed
            return _substituted(lower, b, transpose)
    batch = np.broadcast_shapes(lower.shape[:-2], b.shape[:-2])
    left = np.broadcast_to(lower, (*batch, *lower.shape[-2:])).reshape(-1, *lower.shape[-2:])
    right = np.broadcast_to(b, (*batch, *b.shape[-2:])).reshape(-1, *b.shape[-2:])
    solved = [_one_tri_solve(m, v, transpose) for m, v in zip(left, right, strict=True)]
    return np.stack(solved).reshape(*batch, *b.shape[-2:])


def _substituted(lower: Array, b: Array, transpose: bool) -> Array:
    """The same, one row after the other."""
    n = lower.shape[-1]
    x = np.array(np.broadcast_to(b, (*np.broadcast_shapes(lower.shape[:-2], b.shape[:-2]), *b.shape[-2:])))
    a = transposed(lower) if transpose else lower
    with np.errstate(all="ignore"):
        for i in range(n - 1, -1, -1) if transpose else range(n):
            known = slice(i + 1, n) if transpose else slice(0, i)
            x[..., i, :] -= (a[..., i, known, None] * x[..., known, :]).sum(-2)
            x[..., i, :] /= a[..., i, i, None]
    return x


def _one_tri_solve(lower: Array, b: Array, transpose: bool) -> Array:
    """LAPACK reads columns first, so a row-major lower factor is an upper one to it: no copy is made."""
    solved: Array = dtrtrs(lower.T, b, lower=0, trans=0 if transpose else 1)[0]
    return solved


def vector_solve(lower: Array, v: Array, transpose: bool = False) -> Array:
    """The same for vectors. Where one factor serves several vectors, they are its columns: one solve."""
    ndim = max(lower.ndim - 1, v.ndim)
    lower = lower.reshape((1,) * (ndim + 1 - lower.ndim) + lower.shape)
    v = v.reshape((1,) * (ndim - v.ndim) + v.shape)
    n, batch = v.shape[-1], lower.shape[:-2]
    shared = next((i for i in range(len(batch), 0, -1) if batch[i - 1] != 1), 0)
    columns = np.moveaxis(v.reshape(*v.shape[:shared], -1, n), -1, -2)
    solved = tri_solve(lower.reshape(*batch[:shared], n, n), columns, transpose)
    return np.moveaxis(solved, -2, -1).reshape(*solved.shape[:shared], *v.shape[shared:])


# ---- kernels -----------------------------------------------------------------------------------------------------

Saved = tuple[Any, ...]


def cholesky_forward(a: Array) -> tuple[Array, Saved]:
    y = cholesky_or_nan(a)
    return y, (y,)


def cholesky_backward(saved: Saved, g: Array) -> tuple[Array]:
    """Murray's equation 10: L^-T phi(L^T G) L^-1, with phi the lower half and half the diagonal, made symmetric."""
    lower, ok = guarded(saved[0])
    half = np.tril(transposed(lower) @ g)
    half = half - 0.5 * half * np.eye(half.shape[-1])
    s = tri_solve(lower, half, transpose=True)
    s = transposed(tri_solve(lower, transposed(s), transpose=True))
    return (np.where(ok[..., None, None], 0.5 * (s + transposed(s)), 0.0),)


def tri_solve_forward(lower: Array, b: Array) -> tuple[Array, Saved]:
    """L^-1 b for vectors b over the last axis."""
    y = vector_solve(lower, b)
    return y, (lower, b, y)


def tri_solve_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    lower, b, y = saved
    gb = vector_solve(lower, g, transpose=True)
    gl = -np.tril(gb[..., :, None] * y[..., None, :])
    return sum_to(gl, lower.shape), sum_to(gb, b.shape)


def mvnormal_chol_forward(x: Array, mean: Array, chol: Array) -> tuple[Array, Saved]:
    """log N(x | mean, L L^T)."""
    lower, ok = guarded(chol)
    z = vector_solve(lower, x - mean)
    log_det = np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(-1)
    y = -0.5 * (z * z).sum(-1) - log_det - 0.5 * LOG_2_PI * x.shape[-1]
    return np.where(ok, y, -np.inf), (x.shape, mean.shape, chol.shape, lower, ok, z)


def mvnormal_chol_backward(saved: Saved, g: Array) -> tuple[Array, Array, Array]:
    """With w = L^-T z: d/dx = -w, d/dL = tril(w z^T) - diag(1 / L)."""
    x_shape, mean_shape, chol_shape, lower, ok, z = saved
    g = np.where(ok, g, 0.0)[..., None]
    w = g * vector_solve(lower, z, transpose=True)
    outer = np.tril(_summed_outer(w, z, chol_shape))
    slope = sum_to(g + 0.0 * z[..., :1], (*chol_shape[:-2], 1))[..., None]
    inverse = np.eye(chol_shape[-1]) / np.diagonal(lower, axis1=-2, axis2=-1)[..., None]
    return -sum_to(w, x_shape), sum_to(w, mean_shape), outer - slope * inverse


def _summed_outer(w: Array, z: Array, shape: tuple[int, ...]) -> Array:
    """The sum of w z^T over what shares a matrix of `shape`; one product of matrices where all share it."""
    if len(shape) == 2:
        n = shape[-1]
        return np.asarray(w.reshape(-1, n).T @ z.reshape(-1, n))
    return sum_to(w[..., :, None] * z[..., None, :], shape)


def mvnormal_cov_forward(x: Array, mean: Array, cov: Array) -> tuple[Array, Saved]:
    """log N(x | mean, cov)."""
    return mvnormal_chol_forward(x, mean, cholesky_or_nan(cov))


def mvnormal_cov_backward(saved: Saved, g: Array) -> tuple[Array, Array, Array]:
    """With a = K^-1 (x - mean): d/dK = (a a^T - K^-1) / 2."""
    x_shape, mean_shape, cov_shape, lower, ok, z = saved
    g = np.where(ok, g, 0.0)[..., None]
    a = vector_solve(lower, z, transpose=True)
    half = tri_solve(lower, np.eye(cov_shape[-1]) + np.zeros_like(lower))
    slope = sum_to(g + 0.0 * z[..., :1], (*cov_shape[:-2], 1))[..., None]
    gk = 0.5 * (_summed_outer(g * a, a, cov_shape) - slope * (transposed(half) @ half))
    return -sum_to(g * a, x_shape), sum_to(g * a, mean_shape), gk

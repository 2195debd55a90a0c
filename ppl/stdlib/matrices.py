"""Matrices as values: bijections onto correlation factors and covariances, and the densities of matrix families.

Shapes: batch dimensions lead and broadcast, the matrix is last. A matrix of the batch that is not positive definite
gives minus infinity for its own draw and a zero gradient. Bijections as in the Stan reference manual, "Constraint
transforms"; densities: Lewandowski, Kurowicka & Joe, Journal of Multivariate Analysis 100 (2009), for LKJ; Gupta &
Nagar, Matrix Variate Distributions (1999), for Wishart.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln, psi

from ppl.stdlib.linear import (
    LOG_2_PI,
    Array,
    Saved,
    cholesky_or_nan,
    guarded,
    sum_to,
    transposed,
    tri_solve,
    vector_solve,
)

LOG_2, LOG_PI = 0.6931471805599453, 1.1447298858494002


def side_of(length: int, strict: bool) -> int:
    """The size of the matrix of which a triangle has so many entries."""
    root = int(np.rint(np.sqrt(8 * length + 1)))
    return (root + 1) // 2 if strict else (root - 1) // 2


def fill_lower(u: Array, k: int) -> Array:
    """(…, entries) row by row into the lower triangle of (…, k, k), strict where there are only so many."""
    strict = u.shape[-1] == k * (k - 1) // 2
    out = np.zeros((*u.shape[:-1], k, k))
    rows, columns = np.tril_indices(k, -1 if strict else 0)
    out[..., rows, columns] = u
    return out


def read_lower(a: Array, strict: bool) -> Array:
    """The entries of a lower triangle, row by row."""
    rows, columns = np.tril_indices(a.shape[-1], -1 if strict else 0)
    return np.asarray(a[..., rows, columns])


def _log_cosh(u: Array) -> Array:
    size = np.abs(u)
    return np.asarray(size + np.log1p(np.exp(-2.0 * size)) - LOG_2)


def _before(a: Array) -> Array:
    """The sums of the entries before each, along the last axis."""
    return np.cumsum(a, axis=-1) - a


def _after(a: Array) -> Array:
    """The sums of the entries behind each, along the last axis."""
    return np.asarray(a.sum(axis=-1, keepdims=True) - np.cumsum(a, axis=-1))


# ---- Cholesky factors of correlation matrices ----------------------------------------------------------------------


def corr_cholesky_forward(u: Array) -> tuple[Array, Saved]:
    """k (k - 1) / 2 numbers onto lower factors with rows of length one: entry j of a row is tanh(u_j) times the root
    of what the entries before it have left, prod (1 - tanh(u)^2), which is kept in logarithms."""
    square = fill_lower(u, side_of(u.shape[-1], strict=True))
    left = -_before(_log_cosh(square))
    share = np.tanh(square) + np.eye(square.shape[-1])
    lower = np.tril(share * np.exp(left))
    return lower, (square, left, lower)


def corr_cholesky_backward(saved: Saved, g: Array) -> tuple[Array]:
    square, left, lower = saved
    z = np.tanh(square)
    direct = g * np.exp(left) * (1.0 - z * z)
    through = -z * _after(g * lower)
    return (read_lower(direct + through, strict=True),)


def corr_cholesky_logdet_forward(u: Array) -> tuple[Array, Saved]:
    """The sum over entries below the diagonal of log(1 - tanh(u)^2), plus half the log of what was left for each."""
    square = fill_lower(u, side_of(u.shape[-1], strict=True))
    drop = _log_cosh(square)
    return -np.tril(2.0 * drop + _before(drop), -1).sum((-2, -1)), (square,)


def corr_cholesky_logdet_backward(saved: Saved, g: Array) -> tuple[Array]:
    (square,) = saved
    k = square.shape[-1]
    behind = np.maximum(np.arange(k)[:, None] - np.arange(k) - 1.0, 0.0)
    return (read_lower(-g[..., None, None] * np.tanh(square) * (2.0 + behind), strict=True),)


def corr_cholesky_inverse(x: ArrayLike) -> Array:
    lower = np.asarray(x, float)
    left = np.sqrt(np.maximum(1.0 - _before(lower * lower), 1e-300))
    return read_lower(np.arctanh(np.clip(lower / left, -1.0, 1.0) * (1.0 - np.eye(lower.shape[-1]))), strict=True)


# ---- covariance matrices -------------------------------------------------------------------------------------------


def _factor(u: Array) -> Array:
    """The lower factor with these entries, the diagonal in logarithms."""
    square = fill_lower(u, side_of(u.shape[-1], strict=False))
    diagonal = np.eye(square.shape[-1], dtype=bool)
    return np.where(diagonal, np.exp(np.where(diagonal, square, 0.0)), square)


def covariance_forward(u: Array) -> tuple[Array, Saved]:
    """k (k + 1) / 2 numbers onto L L^T."""
    lower = _factor(u)
    return lower @ transposed(lower), (lower,)


def covariance_backward(saved: Saved, g: Array) -> tuple[Array]:
    (lower,) = saved
    slope = np.tril((g + transposed(g)) @ lower)
    return (read_lower(np.where(np.eye(lower.shape[-1], dtype=bool), slope * lower, slope), strict=False),)


def _powers(k: int) -> Array:
    """How often the log of each diagonal entry counts in the Jacobian: k - i + 1 for L L^T, 1 for the logarithm."""
    return np.arange(k + 1.0, 1.0, -1.0)


def covariance_logdet_forward(u: Array) -> tuple[Array, Saved]:
    k = side_of(u.shape[-1], strict=False)
    logs = np.diagonal(fill_lower(u, k), axis1=-2, axis2=-1)
    return k * LOG_2 + (_powers(k) * logs).sum(-1), (k, u.shape)


def covariance_logdet_backward(saved: Saved, g: Array) -> tuple[Array]:
    k, _ = saved
    return (g[..., None] * read_lower(np.diag(_powers(k)), strict=False),)


def covariance_inverse(x: ArrayLike) -> Array:
    lower = np.linalg.cholesky(np.asarray(x, float))
    diagonal = np.eye(lower.shape[-1], dtype=bool)
    return read_lower(np.where(diagonal, np.log(np.where(diagonal, lower, 1.0)), lower), strict=False)


# ---- LKJ -----------------------------------------------------------------------------------------------------------


def _rows(k: int) -> NDArray[np.float64]:
    """k - i for the rows i = 2, …, k."""
    return np.arange(k - 2.0, -1.0, -1.0)


def lkj_cholesky_forward(x: Array, eta: Array) -> tuple[Array, Saved]:
    """The density of a factor L with respect to its entries below the diagonal: prod over rows i > 1 of
    L_ii^(k - i + 2 eta - 2), normalised row by row (each row lies in a ball of dimension i - 1)."""
    k = x.shape[-1]
    eta = np.asarray(eta, float)
    diagonal = np.diagonal(x, axis1=-2, axis2=-1)[..., 1:]
    ok = np.asarray((diagonal > 0.0).all(-1))
    logs = np.log(np.where(ok[..., None], diagonal, 1.0))
    shape, top = eta[..., None] + 0.5 * _rows(k), eta + 0.5 * (k - 1.0)
    constant = (gammaln(top[..., None]) - gammaln(shape)).sum(-1) - 0.25 * k * (k - 1.0) * LOG_PI
    y = ((_rows(k) + 2.0 * eta[..., None] - 2.0) * logs).sum(-1) + constant
    return np.where(ok, y, -np.inf), (x, eta, logs, ok)


def lkj_cholesky_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    x, eta, logs, ok = saved
    k = x.shape[-1]
    g = np.where(ok, g, 0.0)
    slope = g[..., None] * (_rows(k) + 2.0 * eta[..., None] - 2.0) * np.exp(-logs)
    gx = np.zeros((*slope.shape[:-1], k, k))
    gx[..., np.arange(1, k), np.arange(1, k)] = slope
    top = psi(eta + 0.5 * (k - 1.0))[..., None] - psi(eta[..., None] + 0.5 * _rows(k))
    return sum_to(gx, x.shape), sum_to(g * (2.0 * logs + top).sum(-1), eta.shape)


# ---- Wishart and inverse Wishart -----------------------------------------------------------------------------------


def _log_det(lower: Array) -> Array:
    return np.asarray(2.0 * np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(-1))


def _inverse(lower: Array) -> Array:
    """(L L^T)^-1."""
    half = tri_solve(lower, np.eye(lower.shape[-1]) + np.zeros_like(lower))
    return transposed(half) @ half


def _degrees(df: Array, k: int) -> Array:
    """(df + 1 - i) / 2 for i = 1, …, k."""
    return 0.5 * (df[..., None] - np.arange(k))


def _either_wishart(x: Array, df: Array, scale: Array, sign: float) -> tuple[Array, Saved]:
    """Both densities: with A = X (sign 1) and B = scale for Wishart, the other way round for its inverse (sign -1),
    they are powers of |A| and |B| and the trace of B^-1 A."""
    k = x.shape[-1]
    df = np.asarray(df, float)
    (lx, ok_x), (ls, ok_s) = guarded(cholesky_or_nan(x)), guarded(cholesky_or_nan(scale))
    ok = ok_x & ok_s & (df > k - 1.0)
    safe = np.where(ok, df, k + 0.0)
    ix, is_ = _inverse(lx), _inverse(ls)
    trace = (is_ * x if sign > 0 else ix * scale).sum((-2, -1))
    own = 0.5 * (sign * safe - k - 1.0) * _log_det(lx)
    constant = -0.5 * safe * k * LOG_2 - 0.25 * k * (k - 1.0) * LOG_PI - gammaln(_degrees(safe, k)).sum(-1)
    y = own - 0.5 * trace - 0.5 * sign * safe * _log_det(ls) + constant
    return np.where(ok, y, -np.inf), (x, df, scale, lx, ls, ix, is_, safe, ok, sign)


def _either_backward(saved: Saved, g: Array) -> tuple[Array, Array, Array]:
    x, df, scale, lx, ls, ix, is_, safe, ok, sign = saved
    k = x.shape[-1]
    g = np.where(ok, g, 0.0)
    own, power = 0.5 * (sign * safe - k - 1.0)[..., None, None] * ix, 0.5 * sign * safe[..., None, None] * is_
    if sign > 0:
        gx, gs = own - 0.5 * is_, 0.5 * is_ @ x @ is_ - power
    else:
        gx, gs = own + 0.5 * ix @ scale @ ix, -0.5 * ix - power
    slope = 0.5 * sign * (_log_det(lx) - _log_det(ls)) - 0.5 * k * LOG_2 - 0.5 * psi(_degrees(safe, k)).sum(-1)
    wide = g[..., None, None]
    return sum_to(wide * gx, x.shape), sum_to(g * slope, df.shape), sum_to(wide * gs, scale.shape)


def wishart_forward(x: Array, df: Array, scale: Array) -> tuple[Array, Saved]:
    """log W(x | df, scale), of mean df * scale; minus infinity unless df > k - 1."""
    return _either_wishart(x, df, scale, 1.0)


def inv_wishart_forward(x: Array, df: Array, scale: Array) -> tuple[Array, Saved]:
    """log IW(x | df, scale), of mean scale / (df - k - 1); minus infinity unless df > k - 1."""
    return _either_wishart(x, df, scale, -1.0)


wishart_backward = inv_wishart_backward = _either_backward


# ---- normals by their precision, Student t -------------------------------------------------------------------------


def mvnormal_precision_forward(x: Array, mean: Array, precision: Array) -> tuple[Array, Saved]:
    """log N(x | mean, P^-1): with P = L L^T, the quadratic form is |L^T (x - mean)|^2."""
    lower, ok = guarded(cholesky_or_nan(precision))
    d = x - mean
    z = (transposed(lower) @ d[..., None])[..., 0]
    y = -0.5 * (z * z).sum(-1) + 0.5 * _log_det(lower) - 0.5 * LOG_2_PI * x.shape[-1]
    return np.where(ok, y, -np.inf), (x.shape, mean.shape, precision.shape, lower, ok, d, z)


def mvnormal_precision_backward(saved: Saved, g: Array) -> tuple[Array, Array, Array]:
    """d/dx = -P d and d/dP = (P^-1 - d d^T) / 2."""
    x_shape, mean_shape, p_shape, lower, ok, d, z = saved
    g = np.where(ok, g, 0.0)[..., None]
    pull = g * (lower @ z[..., None])[..., 0]
    gp = 0.5 * g[..., None] * (_inverse(lower) - d[..., :, None] * d[..., None, :])
    return -sum_to(pull, x_shape), sum_to(pull, mean_shape), sum_to(gp, p_shape)


def mvstudent_forward(x: Array, df: Array, mean: Array, scale: Array) -> tuple[Array, Saved]:
    """log t(x | df, mean, scale): covariance scale * df / (df - 2)."""
    lower, ok = guarded(cholesky_or_nan(scale))
    df, k = np.asarray(df, float), x.shape[-1]
    z = vector_solve(lower, x - mean)
    q = (z * z).sum(-1)
    constant = gammaln(0.5 * (df + k)) - gammaln(0.5 * df) - 0.5 * k * np.log(df * np.pi)
    y = constant - 0.5 * _log_det(lower) - 0.5 * (df + k) * np.log1p(q / df)
    return np.where(ok, y, -np.inf), (x.shape, df, mean.shape, scale.shape, lower, ok, z, q)


def mvstudent_backward(saved: Saved, g: Array) -> tuple[Array, Array, Array, Array]:
    """A normal of which the quadratic form is weighed by (df + k) / (df + q)."""
    x_shape, df, mean_shape, scale_shape, lower, ok, z, q = saved
    k, g = z.shape[-1], np.where(ok, g, 0.0)
    weight = g * (df + k) / (df + q)
    a = vector_solve(lower, z, transpose=True)
    outer = weight[..., None, None] * a[..., :, None] * a[..., None, :]
    gs = 0.5 * (outer - g[..., None, None] * _inverse(lower))
    slope = psi(0.5 * (df + k)) - psi(0.5 * df) - k / df - np.log1p(q / df) + (df + k) * q / (df * (df + q))
    step = weight[..., None] * a
    return -sum_to(step, x_shape), sum_to(0.5 * g * slope, df.shape), sum_to(step, mean_shape), sum_to(gs, scale_shape)


# ---- functions of square matrices ----------------------------------------------------------------------------------


def _nonsingular(a: Array) -> tuple[Array, NDArray[np.bool_]]:
    """The matrices with identities in place of those that have no inverse, and which have one."""
    with np.errstate(all="ignore"):
        _, size = np.linalg.slogdet(a)
    ok = np.asarray(np.isfinite(size) & np.isfinite(a).all((-2, -1)))
    return np.where(ok[..., None, None], a, np.eye(a.shape[-1])), ok


def log_det_forward(a: Array) -> tuple[Array, Saved]:
    """log |det A|; minus infinity for a singular matrix."""
    safe, ok = _nonsingular(a)
    return np.where(ok, np.linalg.slogdet(safe)[1], -np.inf), (safe, ok)


def log_det_backward(saved: Saved, g: Array) -> tuple[Array]:
    safe, ok = saved
    return (np.where(ok, g, 0.0)[..., None, None] * transposed(np.linalg.inv(safe)),)


def det_forward(a: Array) -> tuple[Array, Saved]:
    return np.asarray(np.linalg.det(a)), (a,)


def det_backward(saved: Saved, g: Array) -> tuple[Array]:
    """The cofactors, from A = U S V^T: det U det V times U diag(prod of the other singular values) V^T, which holds
    for singular matrices too."""
    u, s, vt = np.linalg.svd(saved[0])
    others = np.where(np.eye(s.shape[-1], dtype=bool), 1.0, s[..., None, :]).prod(-1)
    sign = np.linalg.det(u) * np.linalg.det(vt)
    return ((g * sign)[..., None, None] * ((u * others[..., None, :]) @ vt),)


def solve_forward(a: Array, b: Array) -> tuple[Array, Saved]:
    """A^-1 b for vectors b; NaN for a singular matrix."""
    safe, ok = _nonsingular(a)
    y = np.where(ok[..., None], np.linalg.solve(safe, b[..., None])[..., 0], np.nan)
    return y, (safe, a.shape, b.shape, ok, y)


def solve_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    safe, a_shape, b_shape, ok, y = saved
    gb = np.where(ok[..., None], np.linalg.solve(transposed(safe), g[..., None])[..., 0], 0.0)
    y = np.where(ok[..., None], y, 0.0)
    return sum_to(-gb[..., :, None] * y[..., None, :], a_shape), sum_to(gb, b_shape)


def inverse_forward(a: Array) -> tuple[Array, Saved]:
    """The inverses of square matrices; NaN for a singular one."""
    safe, ok = _nonsingular(a)
    return np.where(ok[..., None, None], np.linalg.inv(safe), np.nan), (safe, ok)


def inverse_backward(saved: Saved, g: Array) -> tuple[Array]:
    safe, ok = saved
    y = np.linalg.inv(safe)
    return (np.where(ok[..., None, None], -transposed(y) @ g @ transposed(y), 0.0),)

"""Quantile functions that scipy lacks, or that must keep their digits: gammas of small shape, and counts.

A quantile takes probabilities strictly between 0 and 1 and gives values inside the support; `upper` ones take the
probability of a larger value instead of that of a smaller one. Everything broadcasts.
"""

from collections.abc import Callable

import numpy as np
import scipy.special as sp
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
TINY, HUGE = 1e-300, 1e300
BELOW_ONE = 1.0 - 2.0**-53
MOST = 2.0**53  # beyond, not every whole number is a float


# ---- real numbers ------------------------------------------------------------------------------------------------


def cauchy_quantile(u: ArrayLike) -> Array:
    """-1 / tan(pi u), from the nearer end."""
    u = np.asarray(u, float)
    return np.asarray(np.where(u < 0.5, -1.0, 1.0) / np.tan(np.pi * np.minimum(u, 1.0 - u)))


def half_cauchy_quantile(u: ArrayLike) -> Array:
    """tan(pi u / 2), from the nearer end."""
    u = np.asarray(u, float)
    near, far = np.tan(0.5 * np.pi * np.minimum(u, 0.5)), np.tan(0.5 * np.pi * (1.0 - np.maximum(u, 0.5)))
    return np.asarray(np.where(u < 0.5, near, 1.0 / far))


def laplace_quantile(u: ArrayLike) -> Array:
    """log(2 u) below the median, -log(2 - 2 u) above."""
    u = np.asarray(u, float)
    return np.asarray(np.where(u < 0.5, 1.0, -1.0) * np.log(2.0 * np.minimum(u, 1.0 - u)))


def laplace_log_quantile(log_p: ArrayLike) -> Array:
    """The quantile of a Laplace from the logarithm of its probability."""
    log_p = np.asarray(log_p, float)
    above = -np.log(2.0 * np.maximum(-np.expm1(log_p), TINY))
    return np.asarray(np.where(log_p < -0.6931471805599453, log_p + 0.6931471805599453, above))


def student_quantile(df: ArrayLike, u: ArrayLike) -> Array:
    """The u-quantile of Student's t; at the far ends, where scipy's fails, by that of a Beta: for z = df / (df + t^2),
    P(T <= -t) = I_z(df / 2, 1 / 2) / 2, and I_z(a, b) = z^a / (a B(a, b)) as z vanishes. At most 1e150 in size."""
    df, u = np.broadcast_arrays(np.asarray(df, float), np.asarray(u, float))
    p = np.minimum(u, 1.0 - u)
    found = np.asarray(sp.stdtrit(df, u), float)
    far = (p < 1e-10) | ~np.isfinite(found)
    if far.any():
        a = 0.5 * df
        z = np.maximum(sp.betaincinv(a, 0.5, 2.0 * p), 1e-300)
        log_z = np.where(z > 1e-100, np.log(z), (np.log(2.0 * p) + np.log(a) + sp.betaln(a, 0.5)) / a)
        log_t = 0.5 * (np.log(df) - log_z + np.log1p(-np.exp(np.minimum(log_z, -1e-300))))
        found = np.where(far, np.where(u < 0.5, -1.0, 1.0) * np.exp(np.minimum(log_t, 350.0)), found)
    return np.asarray(np.clip(found, -1e150, 1e150))


# ---- gammas ------------------------------------------------------------------------------------------------------


def log_gamma_quantile(shape: ArrayLike, u: ArrayLike) -> Array:
    """log of the u-quantile of Gamma(shape, 1); where that underflows, P(a, x) = x^a / Gamma(a + 1)."""
    shape, u = np.asarray(shape, float), np.asarray(u, float)
    return _log_gamma(shape, np.log(u), sp.gammaincinv(shape, u))


def log_gamma_upper(shape: ArrayLike, u: ArrayLike) -> Array:
    """log of the value that Gamma(shape, 1) exceeds with probability u."""
    shape, u = np.asarray(shape, float), np.asarray(u, float)
    return _log_gamma(shape, np.log1p(-u), sp.gammainccinv(shape, u))


def _log_gamma(shape: Array, log_p: Array, x: Array) -> Array:
    small = (log_p + sp.gammaln(shape + 1.0)) / shape
    return np.where(small < -50.0, small, np.log(np.maximum(x, TINY)))


def gamma_quantile(shape: ArrayLike, u: ArrayLike) -> Array:
    """The u-quantile of Gamma(shape, 1), never exactly zero."""
    return np.asarray(np.maximum(np.exp(log_gamma_quantile(shape, u)), TINY))


def gamma_upper(shape: ArrayLike, u: ArrayLike) -> Array:
    """The value that Gamma(shape, 1) exceeds with probability u, never exactly zero."""
    return np.asarray(np.maximum(np.exp(log_gamma_upper(shape, u)), TINY))


def log_gamma_slope(shape: ArrayLike, log_x: ArrayLike) -> Array:
    """The slope in the shape of the log of a quantile of Gamma(shape, 1) at a fixed probability: -(dP/da) / (x p(x)).

    With P = x^a exp(-x) S / Gamma(a + 1), S = sum x^n / ((a + 1) ... (a + n)), it is -(S (log x - digamma(a + 1) - H))
    / a where S H = sum of the terms of S times 1 / (a + 1) + ... + 1 / (a + n) (Moore 1982, AS 187), for x below a + 1;
    above, the slope of the upper tail by differences, in logarithms.
    """
    a, log_x = np.broadcast_arrays(np.asarray(shape, float), np.asarray(log_x, float))
    x = np.exp(np.minimum(log_x, 700.0))
    low = x <= a + 1.0
    head = _head_slope(np.where(low, a, 1.0), np.where(low, x, 0.5), np.where(low, log_x, -1.0))
    return np.where(low, head, _tail_slope(np.where(low, 1.0, a), np.where(low, 3.0, x)))


def _head_slope(a: Array, x: Array, log_x: Array) -> Array:
    term, harmonic = np.ones_like(x), np.zeros_like(x)
    total, weighted = term, harmonic
    n = 0
    while n < 20_000 and bool(np.any(term > 1e-17 * total)):
        n += 1
        term = term * (x / (a + n))
        harmonic = harmonic + 1.0 / (a + n)
        total, weighted = total + term, weighted + term * harmonic
    return np.asarray((weighted - total * (log_x - sp.psi(a + 1.0))) / a)


def _tail_slope(a: Array, x: Array) -> Array:
    """dQ/da over x p(x), with the factor exp(-x) x^a / Gamma(a) taken out of Q before it is differentiated.

    Q = x^a exp(-x) / Gamma(a) / f, with the continued fraction f (Abramowitz and Stegun 6.5.31); so the slope is
    (log x - digamma(a) - f' / f) / f, both by Lentz's forward recurrence from the far end."""
    terms = int(40 + 10 * np.sqrt(np.max(a, initial=1.0)))
    f, slope = x + (2 * terms + 1) - a, np.full_like(x, -1.0)
    for n in range(terms, 0, -1):
        # f_n = x + 2n - 1 - a - n (n - a) / f_(n+1)
        slope = -1.0 + n / f + n * (n - a) * slope / (f * f)
        f = x + (2 * n - 1) - a - n * (n - a) / f
    return np.asarray((np.log(x) - sp.psi(a) - slope / f) / f)


def beta_quantile(a: ArrayLike, b: ArrayLike, u: ArrayLike) -> Array:
    """The u-quantile of Beta(a, b), strictly between 0 and 1."""
    return np.asarray(np.clip(sp.betaincinv(a, b, u), TINY, BELOW_ONE))


def beta_upper(a: ArrayLike, b: ArrayLike, u: ArrayLike) -> Array:
    """The value that Beta(a, b) exceeds with probability u, strictly between 0 and 1."""
    return np.asarray(np.clip(sp.betainccinv(a, b, u), TINY, BELOW_ONE))


# ---- counts ------------------------------------------------------------------------------------------------------


def smallest(
    enough: Callable[..., Array], guess: ArrayLike, low: ArrayLike, high: ArrayLike, *params: ArrayLike
) -> Array:
    """The smallest whole number k in [low, high] for which the rising condition `enough(k, *params)` holds; `high`
    where none does, NaN where the guess is. Steps away from the guess double, then the bracket is halved; what is
    settled is not looked at again."""
    arrays = np.broadcast_arrays(*(np.asarray(v, float) for v in (guess, low, high, *params)))
    guess_, low_, high_, *rest = (np.array(v).ravel() for v in arrays)
    top = np.clip(np.floor(np.nan_to_num(guess_)), low_, high_)

    def holds(k: Array, at: NDArray[np.intp]) -> NDArray[np.bool_]:
        return np.asarray(enough(np.clip(k, low_[at], high_[at]), *(v[at] for v in rest)), bool)

    bottom, at, step = low_ - 1.0, np.flatnonzero(top < high_), 1.0
    while at.size:
        at = at[np.logical_not(holds(top[at], at))]
        bottom[at], top[at] = top[at], np.minimum(top[at] + step, high_[at])
        at, step = at[top[at] < high_[at]], 2.0 * step
    at, step = np.flatnonzero(top - bottom > 1.0), 1.0
    while at.size:
        k = np.maximum(top[at] - step, bottom[at])
        good = (k > bottom[at]) & holds(k, at)
        top[at[good]], bottom[at[~good]] = k[good], k[~good]
        at, step = at[good], 2.0 * step
    at = np.flatnonzero(top - bottom > 1.0)
    while at.size:
        middle = np.floor(0.5 * (bottom[at] + top[at]))
        good = holds(middle, at)
        top[at[good]], bottom[at[~good]] = middle[good], middle[~good]
        at = at[top[at] - bottom[at] > 1.0]
    return np.where(np.isnan(guess_), np.nan, top).reshape(arrays[0].shape)


def _around(mean: ArrayLike, variance: ArrayLike, z: ArrayLike) -> Array:
    """Where a normal curve puts the quantile."""
    return np.asarray(np.minimum(np.add(mean, np.sqrt(variance) * z), MOST))


def binomial_quantile(n: ArrayLike, p: ArrayLike, u: ArrayLike) -> Array:
    n, p, u = (np.asarray(v, float) for v in (n, p, u))

    def enough(k: Array, n: Array, p: Array, u: Array) -> Array:
        return np.asarray((k >= n) | (sp.betaincc(k + 1.0, np.maximum(n - k, 1.0), p) >= u))

    return smallest(enough, _around(n * p, n * p * (1.0 - p), sp.ndtri(u)), 0.0, np.minimum(n, MOST), n, p, u)


def binomial_upper(n: ArrayLike, p: ArrayLike, u: ArrayLike) -> Array:
    n, p, u = (np.asarray(v, float) for v in (n, p, u))

    def enough(k: Array, n: Array, p: Array, u: Array) -> Array:
        return np.asarray((k >= n) | (sp.betainc(k + 1.0, np.maximum(n - k, 1.0), p) <= u))

    return smallest(enough, _around(n * p, n * p * (1.0 - p), -sp.ndtri(u)), 0.0, np.minimum(n, MOST), n, p, u)


def poisson_quantile(rate: ArrayLike, u: ArrayLike) -> Array:
    def enough(k: Array, rate: Array, u: Array) -> Array:
        return np.asarray(sp.gammaincc(k + 1.0, rate) >= u)

    return smallest(enough, _around(rate, rate, sp.ndtri(u)), 0.0, MOST, rate, u)


def poisson_upper(rate: ArrayLike, u: ArrayLike) -> Array:
    def enough(k: Array, rate: Array, u: Array) -> Array:
        return np.asarray(sp.gammainc(k + 1.0, rate) <= u)

    return smallest(enough, _around(rate, rate, -sp.ndtri(u)), 0.0, MOST, rate, u)


def negbinomial_quantile(mean: ArrayLike, shape: ArrayLike, u: ArrayLike) -> Array:
    mean, shape, u = (np.asarray(v, float) for v in (mean, shape, u))

    def enough(k: Array, shape: Array, miss: Array, u: Array) -> Array:
        return np.asarray(sp.betaincc(k + 1.0, shape, miss) >= u)

    guess = np.minimum(mean * sp.gammaincinv(shape, u) / shape, MOST)
    return smallest(enough, guess, 0.0, MOST, shape, mean / (shape + mean), u)


def negbinomial_upper(mean: ArrayLike, shape: ArrayLike, u: ArrayLike) -> Array:
    mean, shape, u = (np.asarray(v, float) for v in (mean, shape, u))

    def enough(k: Array, shape: Array, miss: Array, u: Array) -> Array:
        return np.asarray(sp.betainc(k + 1.0, shape, miss) <= u)

    guess = np.minimum(mean * sp.gammainccinv(shape, u) / shape, MOST)
    return smallest(enough, guess, 0.0, MOST, shape, mean / (shape + mean), u)


def geometric_upper(p: ArrayLike, u: ArrayLike) -> Array:
    """The smallest k with (1 - p)^(k + 1) <= u."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.clip(np.ceil(np.log(u) / np.log1p(-np.asarray(p, float))) - 1.0, 0.0, MOST))


def geometric_quantile(p: ArrayLike, u: ArrayLike) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(
            np.clip(np.ceil(np.log1p(-np.asarray(u, float)) / np.log1p(-np.asarray(p, float))) - 1.0, 0.0, MOST)
        )


def beta_binomial_quantile(n: ArrayLike, a: ArrayLike, b: ArrayLike, u: ArrayLike) -> Array:
    """By adding up probabilities from 0 on, each from the one before it."""
    n, a, b, u = np.broadcast_arrays(*(np.asarray(v, float) for v in (n, a, b, u)))
    log_mass = sp.betaln(a, n + b) - sp.betaln(a, b)
    found, total, k = np.zeros_like(u), np.exp(log_mass), 0
    while bool(np.any(short := (total < u) & (found < n))):
        ratio = np.where(k < n, (n - k) * (k + a) / ((k + 1.0) * (np.maximum(n - k - 1.0, 0.0) + b)), 1.0)
        log_mass, k = log_mass + np.log(ratio), k + 1
        found, total = np.where(short, float(k), found), np.where(short, total + np.exp(log_mass), total)
    return found


def multinomial_quantile(n: ArrayLike, p: ArrayLike, u: ArrayLike) -> Array:
    """How n things fall into the levels of the last axis: one binomial of what is left after another."""
    p, u = np.broadcast_arrays(np.asarray(p, float), np.asarray(u, float))
    left = np.broadcast_to(np.rint(n), u.shape[:-1])
    rest = np.cumsum(p[..., ::-1], axis=-1)[..., ::-1]
    out = np.empty_like(u)
    for i in range(u.shape[-1]):
        share = np.where(p[..., i] < rest[..., i], p[..., i] / np.where(rest[..., i] > 0, rest[..., i], 1.0), 1.0)
        last = (rest[..., i] <= p[..., i]) & (rest[..., i] > 0)
        out[..., i] = np.where(last, left, binomial_quantile(left, np.where(rest[..., i] > 0, share, 0.0), u[..., i]))
        left = left - out[..., i]
    return out


def multinomial_forward(n: Array, p: Array, u: Array) -> tuple[Array, tuple[Array, Array, Array]]:
    """As a row of `KERNELS`; the counts jump, so they have no slope anywhere."""
    return multinomial_quantile(n, p, u), (n, p, u)


def multinomial_backward(saved: tuple[Array, Array, Array], g: Array) -> tuple[Array, Array, Array]:
    n, p, u = (np.zeros_like(np.asarray(v, float)) for v in saved)
    return n, p, u

"""Elementwise functions that numpy and scipy lack, or have only slowly."""

from collections.abc import Callable

import numpy as np
import scipy.special as sp
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def softplus(x: ArrayLike) -> Array:
    """log(1 + exp(x)), all digits at both ends. Five times faster than `np.logaddexp`: one temporary, used in place.

    log(1 + exp(x)) >= x, and rounds to x long before exp overflows, so the larger of the two is right everywhere.
    """
    t = np.minimum(x, 700.0)
    t = np.exp(t, out=_own(t))
    t = np.log1p(t, out=_own(t))
    return np.maximum(t, x, out=_own(t))


def _own(t: Array) -> Array | None:
    """The array to write into; numpy scalars cannot be written into."""
    return t if isinstance(t, np.ndarray) else None


def log_sigmoid(x: ArrayLike) -> Array:
    """-log(1 + exp(-x))."""
    t = softplus(np.negative(x))
    return np.negative(t, out=_own(t))


def sigmoid(x: ArrayLike) -> Array:
    """1 / (1 + exp(-x)); below -700 it stays at exp(-700)."""
    t = np.negative(x, dtype=float)
    t = np.minimum(t, 700.0, out=_own(t))
    t = np.exp(t, out=_own(t))
    t = np.add(t, 1.0, out=_own(t))
    return np.divide(1.0, t, out=_own(t))


def ratio0(a: ArrayLike, b: ArrayLike) -> Array:
    """a / b, and 0 where a is 0."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return np.asarray(np.where(a == 0.0, 0.0, a / np.where(a == 0.0, 1.0, b)))


def between(low: ArrayLike, high: ArrayLike, t: ArrayLike) -> Array:
    """low + (high - low) t, kept strictly between its ends against rounding: a logarithm may follow."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    inside = np.maximum(low + (high - low) * t, np.nextafter(low, high))
    return np.asarray(np.minimum(inside, np.nextafter(high, low)))


def log_if(condition: ArrayLike) -> Array:
    """0 where the condition holds, minus infinity elsewhere."""
    return np.where(condition, 0.0, -np.inf)


def log1mexp(x: ArrayLike) -> Array:
    """log(1 - exp(x)) for x <= 0 (Maechler 2012)."""
    x = np.asarray(x, float)
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(x > -0.6931471805599453, np.log(-np.expm1(x)), np.log1p(-np.exp(x))))


def logsubexp(a: ArrayLike, b: ArrayLike) -> Array:
    """log(exp(a) - exp(b)) for a >= b."""
    return np.add(a, log1mexp(np.subtract(b, a)))


def log_i0(x: ArrayLike) -> Array:
    """log of the modified Bessel function of order zero."""
    x = np.abs(x)
    return np.asarray(np.log(sp.i0e(x)) + x)


# ---- incomplete gamma and beta -----------------------------------------------------------------------------------


def slope(f: Callable[[Array], Array], a: ArrayLike, step: ArrayLike) -> Array:
    """df/da for a > 0 by a fourth-order central difference with a relative step."""
    a = np.asarray(a, float)
    h = np.asarray(step, float) * a
    near = f(a + h) - f(a - h)
    far = f(a + 2.0 * h) - f(a - 2.0 * h)
    return np.asarray((8.0 * near - far) / (12.0 * h))


def _from_smaller_tail(
    lower: Callable[..., Array], upper: Callable[..., Array], moved: int, args: tuple[ArrayLike, ...]
) -> Array:
    """The slope of `lower` in the argument numbered `moved`, where it is small, and of 1 - `upper` elsewhere."""
    arrays = np.broadcast_arrays(*(np.asarray(v, float) for v in args))
    flat = [v.ravel() for v in arrays]
    low = lower(*flat) < 0.5
    found = np.empty(low.shape)
    for f, where, sign in ((lower, low, 1.0), (upper, np.logical_not(low), -1.0)):
        here = [v[where] for v in flat]
        rest = here[:moved], here[moved + 1 :]
        found[where] = sign * slope(lambda s, f=f, rest=rest: f(*rest[0], s, *rest[1]), here[moved], 1e-5)  # type: ignore[misc]
    return found.reshape(arrays[0].shape)


def gammainc_da(a: ArrayLike, x: ArrayLike) -> Array:
    """dP(a, x)/da, from the smaller of the two tails."""
    return _from_smaller_tail(sp.gammainc, sp.gammaincc, 0, (a, x))


def betainc_da(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Array:
    """dI_x(a, b)/da, from the smaller of the two tails."""
    return _from_smaller_tail(sp.betainc, sp.betaincc, 0, (a, b, x))


def betainc_db(a: ArrayLike, b: ArrayLike, x: ArrayLike) -> Array:
    """dI_x(a, b)/db, from the smaller of the two tails; I_(1 - x)(b, a) would lose a small x."""
    return _from_smaller_tail(sp.betainc, sp.betaincc, 1, (a, b, x))


def stdtr_da(df: ArrayLike, t: ArrayLike) -> Array:
    """The slope of the cdf of Student's t in its degrees of freedom, from the smaller of the two tails. It falls as the
    square of them, so that larger steps keep its digits."""
    df, t = np.broadcast_arrays(np.asarray(df, float), np.asarray(t, float))
    step = 1e-3 * np.clip(np.sqrt(df) / 3.0, 1.0, 8.0)
    return np.asarray(-np.sign(t) * slope(lambda s: sp.stdtr(s, -np.abs(t)), df, step))


def log_gammaincc(a: ArrayLike, x: ArrayLike) -> Array:
    """log Q(a, x); past the underflow of Q by its continued fraction (Abramowitz and Stegun 6.5.31)."""
    a, x = np.broadcast_arrays(np.asarray(a, float), np.asarray(x, float))
    q = sp.gammaincc(a, x)
    tail = q < 1e-250
    if not tail.any():
        return np.asarray(np.log(q))
    far, near = np.where(tail, x, a + 2.0), np.where(tail, 1.0, q)
    with np.errstate(all="ignore"):
        series = a * np.log(far) - far - sp.gammaln(a) - np.log(_tail_fraction(a, far))
    return np.where(tail, series, np.log(near))


def _tail_fraction(a: Array, x: Array, terms: int = 60) -> Array:
    """x + 1 - a - 1(1 - a) / (x + 3 - a - 2(2 - a) / (x + 5 - a - ...)), from its end."""
    f = x + (2 * terms + 1) - a
    for n in range(terms, 0, -1):
        f = x + (2 * n - 1) - a - n * (n - a) / f
    return f


def log_gammainc(a: ArrayLike, x: ArrayLike) -> Array:
    """log P(a, x); below the underflow of P by its series: x^a exp(-x) / Gamma(a + 1) (1 + x / (a + 1) + ...)."""
    a, x = np.broadcast_arrays(np.asarray(a, float), np.asarray(x, float))
    p = sp.gammainc(a, x)
    tail = p < 1e-250
    if not tail.any():
        return np.asarray(np.log(p))
    far, near = np.where(tail, x, 1.0), np.where(tail, 1.0, p)
    with np.errstate(all="ignore"):
        series = a * np.log(far) - far - sp.gammaln(a + 1.0) + np.log(_head_series(a, far))
    return np.where(tail, series, np.log(near))


def _head_series(a: Array, x: Array, terms: int = 60) -> Array:
    s = np.ones_like(x)
    for n in range(terms, 0, -1):
        s = 1.0 + s * x / (a + n)
    return s


def log_gammainc_da(a: ArrayLike, x: ArrayLike) -> Array:
    """d log P(a, x)/da."""
    return slope(lambda s: log_gammainc(s, x), a, _log_step(a))


def log_gammaincc_da(a: ArrayLike, x: ArrayLike) -> Array:
    """d log Q(a, x)/da."""
    return slope(lambda s: log_gammaincc(s, x), a, _log_step(a))


def _log_step(a: ArrayLike) -> Array:
    """A hundredth of the width of the cdf in its shape, which is sqrt(a), for large a; a thousandth of a for small."""
    return np.asarray(1e-3 / (1.0 + 0.1 * np.sqrt(a)))

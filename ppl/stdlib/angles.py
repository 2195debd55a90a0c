"""The von Mises distribution: its distribution function on any interval of angles, and the inverse of it.

The density exp(concentration cos(t)) / (2 pi I0) around the mean direction is integrated by Gauss and Legendre's rule
over the part of the tail that matters, which keeps relative accuracy at every concentration.
"""

import numpy as np
import scipy.special as sp
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
NODES, WEIGHTS = np.polynomial.legendre.leggauss(56)
TURN = 2.0 * np.pi


def density(t: Array, concentration: Array) -> Array:
    """The density at the angle `t` from the mean direction."""
    half = np.sin(0.5 * t)
    return np.asarray(np.exp(-2.0 * concentration * half * half) / (TURN * sp.i0e(concentration)))


def _tail(t: Array, concentration: Array) -> tuple[Array, Array]:
    """P(-pi < T <= t) for -pi <= t <= 0 and its slope in the concentration: the slope of the log density is cos(t) less
    its mean. Beyond asin(sqrt(20 / concentration)) the density has fallen by exp(-40)."""
    reach = 2.0 * np.arcsin(np.minimum(np.sqrt(20.0 / np.maximum(concentration, 20.0)), 1.0))
    low = np.maximum(-np.pi, t - reach)
    half, middle = 0.5 * (t - low), 0.5 * (t + low)
    mean = sp.i1e(concentration) / sp.i0e(concentration)
    mass, slope = np.zeros_like(half), np.zeros_like(half)
    for node, weight in zip(NODES, WEIGHTS, strict=True):
        at = middle + half * node
        part = weight * density(at, concentration)
        mass, slope = mass + part, slope + part * (np.cos(at) - mean)
    return mass * half, slope * half


def _winding(t: ArrayLike, concentration: ArrayLike) -> tuple[Array, Array]:
    """P(T <= t) for angles on the whole line, one more for each turn, and its slope in the concentration."""
    t, concentration = np.broadcast_arrays(np.asarray(t, float), np.asarray(concentration, float))
    turns = np.floor((t + np.pi) / TURN)
    t = t - TURN * turns
    mass, slope = _tail(-np.abs(t), concentration)
    return turns + np.where(t > 0, 1.0 - mass, mass), np.where(t > 0, -slope, slope)


def von_mises_cdf(x: ArrayLike, loc: ArrayLike, concentration: ArrayLike) -> Array:
    """P(-pi <= X <= x) of the angle X in [-pi, pi] with mean direction `loc`."""
    x, loc = np.asarray(x, float), np.asarray(loc, float)
    return np.asarray(_winding(x - loc, concentration)[0] - _winding(-np.pi - loc, concentration)[0])


def von_mises_cdf_dk(x: ArrayLike, loc: ArrayLike, concentration: ArrayLike) -> Array:
    """The slope of `von_mises_cdf` in the concentration."""
    x, loc = np.asarray(x, float), np.asarray(loc, float)
    return np.asarray(_winding(x - loc, concentration)[1] - _winding(-np.pi - loc, concentration)[1])


def von_mises_quantile(loc: ArrayLike, concentration: ArrayLike, u: ArrayLike) -> Array:
    """The angle in [-pi, pi] that is not exceeded with probability u."""
    loc, concentration, u = np.broadcast_arrays(*(np.asarray(v, float) for v in (loc, concentration, u)))
    target = _winding(-np.pi - loc, concentration)[0] + u
    turns = np.floor(target)
    share = target - turns
    centred = _centred_quantile(np.minimum(share, 1.0 - share), concentration).reshape(u.shape)
    x = loc + TURN * turns + np.where(share > 0.5, -centred, centred)
    return np.asarray(np.clip(x, -np.pi, np.pi))


def _centred_quantile(p: Array, concentration: Array) -> Array:
    """The angle t <= 0 with P(-pi < T <= t) = p <= 1/2: Newton's steps on the logarithm, kept inside a bracket. A step
    below 1e-7 of the spread is the last: the error after it is the square of that."""
    p, concentration = np.maximum(p, 1e-300).ravel(), concentration.ravel()
    spread = 1.0 / np.sqrt(np.maximum(concentration, 0.3))
    t = np.clip(np.maximum(spread * sp.ndtri(p), np.pi * (2.0 * p - 1.0)), -3.14, -1e-9)
    low, high, open_ = np.full_like(p, -np.pi), np.zeros_like(p), np.arange(p.size)
    for _ in range(60):
        at = t[open_]
        mass, here = _tail(at, concentration[open_])[0], density(at, concentration[open_])
        gap = np.log(np.maximum(mass, 1e-300)) - np.log(p[open_])
        low[open_], high[open_] = np.where(gap < 0, at, low[open_]), np.where(gap < 0, high[open_], at)
        step = at - gap * mass / np.maximum(here, 1e-300)
        inside = (step >= low[open_]) & (step <= high[open_])
        t[open_] = np.where(inside, step, 0.5 * (low[open_] + high[open_]))
        open_ = open_[np.abs(t[open_] - at) > 1e-7 * spread[open_]]
        if not open_.size:
            break
    return np.asarray(t)

"""Draws of matrices, and of vectors that have them as parameters, made of uniform numbers."""

from collections.abc import Callable

from ppl.check.core import Dist
from ppl.emit.implicit import attached
from ppl.emit.lower import Lowering, copies, kernel
from ppl.emit.quantiles import stopped, text
from ppl.emit.val import Val

Noise = Callable[[int], Val]


def affine(s: Lowering, mean: Val, chol: Val, axis: str, noise: Noise) -> Val:
    """mean + L z."""
    z = s.b.rename(text(s, "sp.ndtri(u)", {"u": noise(0)}), axis, axis + "'")
    return s.b.add(mean, s.b.sum(s.b.mul(chol, z), (axis + "'",)))


def mvnormal_chol(s: Lowering, dist: Dist, noise: Noise) -> Val:
    params = s.arguments(dist)
    return affine(s, params["mean"], params["chol"], dist.event[0], noise)


def mvnormal(s: Lowering, dist: Dist, noise: Noise) -> Val:
    params, axis = s.arguments(dist), dist.event[0]
    return affine(s, params["mean"], _square("cholesky", s, params["cov"], axis), axis, noise)


def mvnormal_precision(s: Lowering, dist: Dist, noise: Noise) -> Val:
    params, axis = s.arguments(dist), dist.event[0]
    cov = _square("inverse", s, params["precision"], axis)
    return affine(s, params["mean"], _square("cholesky", s, cov, axis), axis, noise)


def mvstudent(s: Lowering, dist: Dist, noise: Noise) -> Val:
    """A normal times the root of df over a chi-square of df degrees of freedom, which is twice a Gamma(df / 2, 1)."""
    b, params, axis = s.b, s.arguments(dist), dist.event[0]
    shape = b.mul(b.lit(0.5), params["df"])
    u = b.gather(noise(1), axis, b.lit(0.0))
    log_g = text(s, "k.log_gamma_quantile(a, u)", {"u": u, "a": shape})
    logs = attached(s, log_g, [(shape, b.apply("log_gamma_slope", stopped(s, shape), log_g))])
    wide = b.apply("exp", b.mul(b.lit(0.5), b.sub(b.apply("log", shape), logs)))
    z = affine(s, b.lit(0.0), _square("cholesky", s, params["scale"], axis), axis, noise)
    return b.add(params["mean"], b.mul(wide, z))


def lkj_cholesky(s: Lowering, dist: Dist, noise: Noise) -> Val:
    pair = copies(dist.event[0], 2)
    return kernel(s.b, "lkj_from_uniforms", (s.arguments(dist)["eta"], noise(0)), ((), pair), pair)


def wishart(s: Lowering, dist: Dist, noise: Noise) -> Val:
    """(L A) (L A)^T with scale = L L^T and Bartlett's A."""
    axis, params = dist.event[0], s.arguments(dist)
    lower = _square("cholesky", s, params["scale"], axis)
    half = _product(s, lower, _bartlett(s, params["df"], axis, noise), axis)
    return _product(s, half, _transposed(s, half, axis), axis)


def inv_wishart(s: Lowering, dist: Dist, noise: Noise) -> Val:
    """(L A^-T) (L A^-T)^T, the inverse of a Wishart matrix of the inverse scale."""
    axis, params = dist.event[0], s.arguments(dist)
    back = _square("inverse", s, _bartlett(s, params["df"], axis, noise), axis)
    half = _product(s, _square("cholesky", s, params["scale"], axis), _transposed(s, back, axis), axis)
    return _product(s, half, _transposed(s, half, axis), axis)


def _bartlett(s: Lowering, df: Val, axis: str, noise: Noise) -> Val:
    pair = copies(axis, 2)
    return kernel(s.b, "bartlett", (df, noise(0)), ((), pair), pair)


def _square(name: str, s: Lowering, v: Val, axis: str) -> Val:
    """A function of square matrices that gives one."""
    pair = copies(axis, 2)
    return kernel(s.b, name, (v,), (pair,), pair)


def _transposed(s: Lowering, v: Val, axis: str) -> Val:
    b, copy, aside = s.b, axis + "'", axis + "''"
    return b.rename(b.rename(b.rename(v, axis, aside), copy, axis), aside, copy)


def _product(s: Lowering, left: Val, right: Val, axis: str) -> Val:
    """left @ right."""
    b, copy, aside = s.b, axis + "'", axis + "''"
    inner = b.rename(b.rename(right, copy, aside), axis, copy)
    return b.rename(b.sum(b.mul(left, inner), (copy,)), aside, copy)

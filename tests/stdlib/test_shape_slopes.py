"""Slopes of distribution functions in their shapes, against integrals of the slope of the density."""

import numpy as np
import pytest
import scipy.special as sp
import scipy.stats as st

from ppl.stdlib import angles, quantiles, special

SHAPES = [0.02, 0.1, 0.5, 1.0, 3.0, 30.0, 300.0, 1000.0]
LEVELS = np.array([0.003, 0.05, 0.2, 0.45, 0.55, 0.8, 0.95, 0.997])
NODES, WEIGHTS = np.polynomial.legendre.leggauss(60)


def integral(f, top: float) -> float:
    """From 0 to `top`, on panels that grow from 0."""
    edges = np.concatenate([[0.0], np.geomspace(1e-7, top, 120)])
    half = 0.5 * np.diff(edges)[:, None]
    return float(np.sum(WEIGHTS * half * f(edges[:-1, None] + half * (NODES + 1))))


def tail(log_density, slope, x: float, sign: float, top: float) -> float:
    """The slope of a tail: the integral of density times slope of its logarithm over x exp(sign v), v > 0."""

    def f(v):
        t = x * np.exp(sign * v)
        with np.errstate(all="ignore"):
            return np.nan_to_num(np.exp(log_density(t, np.log(x) + sign * v) + np.log(x) + sign * v) * slope(t, v))

    return integral(f, top)


@pytest.mark.parametrize("a", SHAPES)
def test_gamma(a):
    for x in sp.gammaincinv(a, LEVELS):
        if x < 1e-250:
            continue
        low = sp.gammainc(a, x) < 0.5
        sign = -1.0 if low else 1.0
        found = tail(
            lambda t, log_t: (a - 1) * log_t - t - sp.gammaln(a),
            lambda t, v, x=x, sign=sign: np.log(x) + sign * v - sp.psi(a),
            x,
            sign,
            800 / a if low else np.log1p((800 + 60 * np.sqrt(a)) / x),
        )
        wanted = found if low else -found
        np.testing.assert_allclose(special.gammainc_da(a, x), wanted, rtol=1e-8)
        log_slope = -wanted / np.exp(a * np.log(x) - x - sp.gammaln(a))
        np.testing.assert_allclose(quantiles.log_gamma_slope(a, np.log(x)), log_slope, rtol=1e-9)


def test_gamma_quantiles_in_logarithms_reach_where_numbers_do_not():
    u = np.array([1e-300, 1e-12, 0.3, 0.9])
    for a in (1e-3, 0.01):
        log_x = quantiles.log_gamma_quantile(a, u)
        np.testing.assert_allclose(log_x[:2], (np.log(u[:2]) + sp.gammaln(a + 1)) / a, rtol=1e-13)
        h = 1e-4 * a
        ends = [quantiles.log_gamma_quantile(a + s * h, u) for s in (-2, -1, 1, 2)]
        wanted = (8 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12 * h)
        np.testing.assert_allclose(quantiles.log_gamma_slope(a, log_x), wanted, rtol=1e-8)
        np.testing.assert_allclose(quantiles.log_gamma_upper(a, u[2:]), quantiles.log_gamma_quantile(a, 1 - u[2:]))


@pytest.mark.parametrize("a", SHAPES)
@pytest.mark.parametrize("b", [0.5, 2.0, 30.0, 1000.0])
def test_beta(a, b):
    for x in sp.betaincinv(a, b, LEVELS):
        if x < 1e-250 or x > 1 - 1e-6 or sp.betainc(a, b, x) > 0.5:
            continue  # the upper tail is the lower one of Beta(b, a)
        common = (a, b, x)

        def log_density(t, log_t, common=common):
            a, b, _ = common
            return (a - 1) * log_t + (b - 1) * np.log1p(-t) - sp.betaln(a, b)

        in_a = tail(log_density, lambda t, v, x=x: np.log(x) - v - sp.psi(a) + sp.psi(a + b), x, -1.0, 800 / a)
        in_b = tail(log_density, lambda t, v: np.log1p(-t) - sp.psi(b) + sp.psi(a + b), x, -1.0, 800 / a)
        np.testing.assert_allclose(special.betainc_da(a, b, x), in_a, rtol=1e-8)
        np.testing.assert_allclose(special.betainc_db(a, b, x), in_b, rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("df", [0.1, 0.5, 1.0, 2.5, 8.0, 30.0, 300.0, 1000.0])
def test_student(df):
    constant = 0.5 * (sp.psi((df + 1) / 2) - sp.psi(df / 2) - 1 / df)
    for x in -sp.stdtrit(df, LEVELS[:4]):
        found = tail(
            lambda t, log_t: -0.5 * (df + 1) * np.log1p(t * t / df) - 0.5 * np.log(df) - sp.betaln(df / 2, 0.5),
            lambda t, v: constant - 0.5 * np.log1p(t * t / df) + 0.5 * (df + 1) / df / (df / (t * t) + 1),
            x,
            1.0,
            min(60 / df + 40, 300.0),
        )
        np.testing.assert_allclose(special.stdtr_da(df, -x), found, rtol=2e-8)


@pytest.mark.parametrize("df", [0.3, 1.0, 3.0, 40.0])
def test_student_quantiles_at_the_far_ends(df):
    u = np.array([1e-60, 1e-20, 1e-11, 1e-9, 0.3])
    x = quantiles.student_quantile(df, u)
    kept = x > -1e149
    np.testing.assert_allclose(sp.stdtr(df, x)[kept], u[kept], rtol=1e-10)
    np.testing.assert_allclose(quantiles.student_quantile(df, 1 - 2.0**-40), -quantiles.student_quantile(df, 2.0**-40))


@pytest.mark.parametrize("concentration", [1e-3, 0.5, 4.0, 60.0, 2e4])
def test_von_mises(concentration):
    loc, width = 0.8, min(np.pi, 12 / np.sqrt(concentration))
    start = max(-np.pi, loc - 3.3 * width)
    x = np.minimum(
        start + (np.pi - start) * np.array([0.02, 0.3, 0.6, 1.0]), loc + width * np.array([-0.7, -0.2, 0.1, 3])
    )
    x = np.maximum(x, start + 0.01)

    def mass(k: float, end: float) -> float:
        edges = np.linspace(start, end, 60)
        half = 0.5 * np.diff(edges)[:, None]
        return float(np.sum(WEIGHTS * half * st.vonmises(k, loc=loc).pdf(edges[:-1, None] + half * (NODES + 1))))

    np.testing.assert_allclose(
        angles.von_mises_cdf(x, loc, concentration), [mass(concentration, v) for v in x], rtol=1e-9, atol=1e-15
    )
    h = 1e-3 * concentration
    ends = np.array([[mass(concentration + s * h, v) for v in x] for s in (-2, -1, 1, 2)])
    wanted = (8 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12 * h)
    np.testing.assert_allclose(angles.von_mises_cdf_dk(x, loc, concentration), wanted, rtol=1e-7, atol=1e-10 / h)
    u = np.array([1e-9, 1e-3, 0.2, 0.5, 0.77, 0.999])
    back = angles.von_mises_cdf(angles.von_mises_quantile(loc, concentration, u), loc, concentration)
    np.testing.assert_allclose(back, u, rtol=1e-10, atol=1e-15)


def test_von_mises_agrees_with_scipy_where_it_has_a_series():
    x = np.linspace(-3.1, 3.1, 41)
    for concentration in (0.01, 0.7, 12.0, 45.0):
        np.testing.assert_allclose(
            angles.von_mises_cdf(x, 0.0, concentration), st.vonmises(concentration).cdf(x), rtol=1e-9, atol=1e-12
        )


def test_quantiles_of_counts_of_any_size():
    u = np.array([1e-12, 0.2, 0.5, 0.9, 1 - 1e-12])
    for rate in (0.0, 1e-8, 3.0, 1e6, 1e14, 1e17):
        k = quantiles.poisson_quantile(rate, u)
        assert (np.diff(k) >= 0).all() and (k >= 0).all()
        if 0 < rate < 1e8:
            np.testing.assert_array_equal(k, st.poisson(rate).ppf(u))
    assert np.isnan(quantiles.poisson_quantile(np.nan, u)).all()
    for n, p in ((0.0, 0.3), (5.0, 0.0), (5.0, 1.0), (1e7, 0.25)):
        np.testing.assert_array_equal(quantiles.binomial_quantile(n, p, u), st.binom(n, p).ppf(u).clip(0, n))
    for mean, shape in ((1e-3, 0.01), (5.0, 1e5), (1e6, 0.3)):
        law = st.nbinom(shape, shape / (shape + mean))
        k = quantiles.negbinomial_quantile(mean, shape, u)
        assert (law.cdf(k) >= u).all() and ((law.cdf(k - 1) < u) | (k == 0)).all()
    rate = np.array([[0.5], [20.0]])
    np.testing.assert_array_equal(quantiles.poisson_quantile(rate, u), st.poisson(rate).ppf(u))

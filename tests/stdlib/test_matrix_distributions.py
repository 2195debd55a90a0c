"""Matrices: bijections with their Jacobians, densities against scipy and quadrature, gradients, draws."""

import numpy as np
import pytest
import scipy.stats as st

from ppl.stdlib import kernels as k
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.kernels import KERNELS
from ppl.stdlib.linear import tri_solve
from ppl.stdlib.matrices import fill_lower, read_lower

RNG = np.random.default_rng(11)
SIZES = (1, 2, 3, 5)
INVERSES = {"corr_cholesky": k.corr_cholesky_inverse, "covariance": k.covariance_inverse}


def entries(name: str, size: int) -> int:
    return size * (size - 1) // 2 if name == "corr_cholesky" else size * (size + 1) // 2


def spd(*shape: int) -> np.ndarray:
    a = RNG.normal(size=(*shape, shape[-1]))
    return a @ np.swapaxes(a, -1, -2) + 0.5 * shape[-1] * np.eye(shape[-1])


def unconstrained(name: str, x: np.ndarray) -> np.ndarray:
    """The free entries of a matrix: those below the diagonal of a factor, the lower triangle of a covariance."""
    return read_lower(x, strict=name == "corr_cholesky")


def jacobian(f, u: np.ndarray) -> np.ndarray:
    h = 1e-3
    steps = np.eye(len(u)) * h
    return np.array([(8 * (f(u + s) - f(u - s)) - (f(u + 2 * s) - f(u - 2 * s))) / (12 * h) for s in steps]).T


@pytest.mark.parametrize("name", INVERSES)
@pytest.mark.parametrize("size", SIZES)
def test_bijections_come_back(name, size):
    u = RNG.normal(size=(4, entries(name, size)))
    x, _ = KERNELS[name].forward(u)
    assert x.shape == (4, size, size)
    np.testing.assert_allclose(INVERSES[name](x), u, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", INVERSES)
@pytest.mark.parametrize("size", SIZES[1:])
def test_log_determinants_are_those_of_the_jacobian(name, size):
    u = RNG.normal(size=entries(name, size))
    slopes = jacobian(lambda v: unconstrained(name, KERNELS[name].forward(v)[0]), u)
    got, _ = KERNELS[f"{name}_logdet"].forward(u)
    np.testing.assert_allclose(got, np.linalg.slogdet(slopes)[1], rtol=1e-8, atol=1e-8)


def test_a_correlation_factor_has_rows_of_length_one_and_a_positive_diagonal():
    x, _ = KERNELS["corr_cholesky"].forward(3.0 * RNG.normal(size=(50, 10)))
    np.testing.assert_allclose((x * x).sum(-1), 1.0, rtol=1e-12)
    assert (np.diagonal(x, axis1=-2, axis2=-1) > 0).all()
    assert not np.triu(x, 1).any()


def test_far_out_the_factor_of_a_correlation_stays_finite():
    u = np.array([[40.0, -300.0, 1.0], [700.0, 0.0, -700.0]])
    for name in ("corr_cholesky", "corr_cholesky_logdet"):
        y, saved = KERNELS[name].forward(u)
        (g,) = KERNELS[name].backward(saved, np.ones_like(y))
        assert np.isfinite(y).all() and np.isfinite(g).all()


# ---- densities -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eta", [0.5, 1.0, 4.0])
def test_lkj_of_two_is_a_beta(eta):
    """The correlation of a 2 x 2 matrix is 2 Beta(eta, eta) - 1; for K = 2 it is the entry of the factor itself."""
    r = np.linspace(-0.95, 0.95, 7)
    x = np.zeros((7, 2, 2))
    x[:, 0, 0], x[:, 1, 0], x[:, 1, 1] = 1.0, r, np.sqrt(1 - r * r)
    got, _ = KERNELS["lkj_cholesky"].forward(x, np.array(eta))
    np.testing.assert_allclose(got, st.beta(eta, eta, -1, 2).logpdf(r), rtol=1e-10)


@pytest.mark.parametrize(("size", "eta"), [(3, 1.0), (3, 2.5), (4, 1.0)])
def test_lkj_integrates_to_one(size, eta):
    """By importance sampling from normal coordinates."""
    n = entries("corr_cholesky", size)
    u = RNG.normal(size=(200_000, n)) * 0.8
    x, _ = KERNELS["corr_cholesky"].forward(u)
    log_p = KERNELS["lkj_cholesky"].forward(x, np.array(eta))[0] + KERNELS["corr_cholesky_logdet"].forward(u)[0]
    weights = np.exp(log_p - st.norm(0, 0.8).logpdf(u).sum(-1))
    assert abs(weights.mean() - 1.0) < 5 * weights.std() / np.sqrt(len(u)) < 0.05


def test_wishart_densities_match_scipy():
    for size in SIZES:
        x, scale, df = spd(size), spd(size), size + 1.7
        expected = st.wishart(df, scale).logpdf(x)
        np.testing.assert_allclose(KERNELS["wishart"].forward(x, df, scale)[0], expected, rtol=1e-10)
        expected = st.invwishart(df, scale).logpdf(x)
        np.testing.assert_allclose(KERNELS["inv_wishart"].forward(x, df, scale)[0], expected, rtol=1e-10)


def test_a_wishart_needs_degrees_of_freedom():
    y, saved = KERNELS["wishart"].forward(spd(2, 3), np.array([1.9, 2.1]), spd(3))
    assert y[0] == -np.inf and np.isfinite(y[1])
    grads = KERNELS["wishart"].backward(saved, np.ones(2))
    assert all(np.isfinite(g).all() for g in grads) and not grads[0][0].any()


def test_normals_by_their_precision_and_students_match_scipy():
    x, mean, m = RNG.normal(size=4), RNG.normal(size=4), spd(4)
    expected = st.multivariate_normal(mean, np.linalg.inv(m)).logpdf(x)
    np.testing.assert_allclose(KERNELS["mvnormal_precision"].forward(x, mean, m)[0], expected, rtol=1e-10)
    expected = st.multivariate_t(mean, m, 3.5).logpdf(x)
    np.testing.assert_allclose(KERNELS["mvstudent"].forward(x, np.array(3.5), mean, m)[0], expected, rtol=1e-10)


# ---- draws ---------------------------------------------------------------------------------------------------------


def drawn(name: str, size: int, n: int, **params) -> np.ndarray:
    shape = (n, size, size) if DISTRIBUTIONS[name].event == 2 else (n, size)
    return eval(DISTRIBUTIONS[name].draw, {"rng": RNG, "size": shape, "np": np, "k": k, **params})


def close(draws: np.ndarray, expected: np.ndarray) -> None:
    """Means of draws within five standard errors."""
    error = draws.std(0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(0) - expected) <= 5 * error + 1e-12).all()


def test_draws_have_their_moments():
    scale = np.array([[2.0, 0.6, 0.1], [0.6, 1.0, -0.2], [0.1, -0.2, 0.5]])
    close(drawn("Wishart", 3, 20_000, df=5.5, scale=scale), 5.5 * scale)
    close(drawn("InvWishart", 3, 20_000, df=9.0, scale=scale), scale / 5.0)
    x = drawn("MvStudentT", 3, 20_000, df=9.0, mean=np.array([1.0, 2.0, 3.0]), scale=scale)
    close(x[:, :, None] * x[:, None, :], np.outer([1, 2, 3], [1, 2, 3]) + scale * 9 / 7)
    x = drawn("MvNormalPrecision", 3, 20_000, mean=np.zeros(3), precision=np.linalg.inv(scale))
    close(x[:, :, None] * x[:, None, :], scale)


@pytest.mark.parametrize("eta", [0.7, 3.0])
def test_draws_of_lkj(eta):
    """Every correlation of a K x K matrix is 2 Beta(eta + K / 2 - 1, same) - 1, with variance 1 / (2 eta + K - 1)."""
    lower = drawn("LKJCholesky", 4, 20_000, eta=eta)
    r = lower @ np.swapaxes(lower, -1, -2)
    np.testing.assert_allclose(np.diagonal(r, axis1=-2, axis2=-1), 1.0, rtol=1e-12)
    close(r[:, 3, 1] ** 2, 1.0 / (2 * eta + 3.0))
    close(r[:, 1, 0] ** 2, 1.0 / (2 * eta + 3.0))
    b = eta + 1.0
    assert st.kstest((r[:, 3, 2] + 1) / 2, st.beta(b, b).cdf).pvalue > 1e-4


def test_draws_from_uniforms_have_the_same_laws():
    u = RNG.random((20_000, 3, 3))
    lower, _ = KERNELS["lkj_from_uniforms"].forward(np.array(1.5), u)
    close((lower @ np.swapaxes(lower, -1, -2))[:, 2, 1] ** 2, 1.0 / 5.0)
    a, _ = KERNELS["bartlett"].forward(np.array(4.5), u)
    close(a @ np.swapaxes(a, -1, -2), 4.5 * np.eye(3))


# ---- square matrices -----------------------------------------------------------------------------------------------


def test_functions_of_any_square_matrix():
    a, b = RNG.normal(size=(3, 4, 4)), RNG.normal(size=(3, 4))
    np.testing.assert_allclose(KERNELS["det"].forward(a)[0], np.linalg.det(a))
    np.testing.assert_allclose(KERNELS["logdet"].forward(a)[0], np.log(np.abs(np.linalg.det(a))))
    np.testing.assert_allclose(KERNELS["solve"].forward(a, b)[0], np.linalg.solve(a, b[..., None])[..., 0])
    np.testing.assert_allclose(KERNELS["inverse"].forward(a)[0], np.linalg.inv(a))


def test_a_singular_matrix_harms_itself_alone():
    a = RNG.normal(size=(2, 3, 3))
    a[0] = 1.0
    for name, args in (("inverse", (a,)), ("solve", (a, RNG.normal(size=3))), ("logdet", (a,))):
        y, saved = KERNELS[name].forward(*args)
        assert not np.isfinite(y[0]).any() and np.isfinite(y[1]).all()
        assert all(np.isfinite(g).all() for g in KERNELS[name].backward(saved, np.ones_like(y)))
    y, saved = KERNELS["det"].forward(np.diag([0.0, 2.0, 3.0])[None])
    np.testing.assert_allclose(KERNELS["det"].backward(saved, np.ones(1))[0][0], np.diag([6.0, 0.0, 0.0]), atol=1e-12)


def test_a_pivot_that_underflows_does_not_stop_the_others():
    lower = np.array([[[1e-300, 0.0], [1e200, 1e-250]], [[2.0, 0.0], [1.0, 1.0]]])
    b = np.array([[[1.0], [2.0]], [[2.0], [3.0]]])
    solved = tri_solve(lower, b)
    np.testing.assert_allclose(solved[1], [[1.0], [2.0]])
    np.testing.assert_allclose(tri_solve(lower, b, transpose=True)[1], [[-0.5], [3.0]])


def test_triangles_are_read_as_they_are_filled():
    u = RNG.normal(size=(2, 6))
    np.testing.assert_array_equal(read_lower(fill_lower(u, 3), strict=False), u)
    np.testing.assert_array_equal(read_lower(fill_lower(u, 4), strict=True), u)

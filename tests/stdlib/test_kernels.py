"""Array functions: values against numpy and scipy, gradients against differences, bad matrices and empty sums."""

import numpy as np
import pytest
import scipy.special as sp
import scipy.stats as st

from ppl.stdlib import kernels as k
from ppl.stdlib.flows import STEPS
from ppl.stdlib.kernels import KERNELS
from ppl.stdlib.linear import tri_solve, vector_solve

RNG = np.random.default_rng(7)


def spd(*shape: int) -> np.ndarray:
    n = shape[-1]
    a = RNG.normal(size=(*shape, n))
    return a @ np.swapaxes(a, -1, -2) + 0.5 * n * np.eye(n)


def lower(*shape: int) -> np.ndarray:
    return np.linalg.cholesky(spd(*shape))


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def correlation_factor(n: int, size: int) -> np.ndarray:
    x: np.ndarray = KERNELS["corr_cholesky"].forward(normal(n, size * (size - 1) // 2))[0]
    return x


CALLS = [
    ("mvnormal_chol", (normal(4, 3), normal(3), lower(4, 3)), "vvl"),
    ("mvnormal_chol", (normal(5, 4, 3), normal(5, 1, 3), lower(5, 1, 3)), "vvl"),
    ("mvnormal_chol", (normal(4, 15), normal(4, 15), lower(15)), "vvl"),
    ("mvnormal_chol", (normal(15), normal(2, 15), lower(2, 15)), "vvl"),
    ("mvnormal_cov", (normal(4, 3), normal(3), spd(4, 3)), "vvs"),
    ("mvnormal_cov", (normal(5, 4, 3), normal(5, 1, 3), spd(5, 1, 3)), "vvs"),
    ("mvnormal_cov", (normal(4, 14), normal(14), spd(14)), "vvs"),
    ("mvnormal_cov", (normal(6, 2), normal(2), spd(2)), "vvs"),
    ("cholesky", (spd(3),), "s"),
    ("cholesky", (spd(2, 14),), "s"),
    ("tri_solve", (lower(4, 3), normal(4, 3)), "lv"),
    ("tri_solve", (lower(14), normal(3, 14)), "lv"),
    ("tri_solve", (lower(3, 14), normal(14)), "lv"),
    ("inverse", (normal(2, 4, 4),), "v"),
    ("logdet", (normal(2, 4, 4),), "v"),
    ("det", (normal(2, 3, 3),), "v"),
    ("solve", (normal(2, 4, 4), normal(2, 4)), "vv"),
    ("solve", (normal(3, 3), normal(5, 3)), "vv"),
    ("corr_cholesky", (normal(2, 6),), "v"),
    ("corr_cholesky_logdet", (normal(2, 6),), "v"),
    ("covariance", (normal(2, 6),), "v"),
    ("covariance_logdet", (normal(2, 6),), "v"),
    ("lkj_cholesky", (correlation_factor(3, 4), np.array(1.7)), "lv"),
    ("lkj_cholesky", (correlation_factor(3, 4), RNG.random(3) + 0.5), "lv"),
    ("wishart", (spd(2, 3), np.array([3.3, 6.0]), spd(3)), "svs"),
    ("inv_wishart", (spd(2, 3), np.array(4.4), spd(2, 3)), "svs"),
    ("mvnormal_precision", (normal(4, 3), normal(3), spd(3)), "vvs"),
    ("mvnormal_precision", (normal(3), normal(4, 3), spd(4, 3)), "vvs"),
    ("mvstudent", (normal(4, 3), RNG.random(4) + 2.0, normal(3), spd(3)), "vvvs"),
    ("lkj_from_uniforms", (RNG.random(2) + 0.8, RNG.random((2, 4, 4))), "v-"),
    ("bartlett", (RNG.random(2) + 3.5, RNG.random((2, 3, 3))), "v-"),
    ("logsumexp", (normal(3, 5) * 20,), "v"),
    ("cumsum", (normal(3, 5),), "v"),
    ("ordered", (normal(3, 5),), "v"),
    ("ordered_logdet", (normal(3, 5),), "v"),
    ("simplex", (normal(3, 5),), "v"),
    ("log_simplex", (normal(3, 5),), "v"),
    ("simplex_logdet", (normal(3, 5),), "v"),
    ("sorted", (normal(4, 5),), "v"),
    ("multinomial_quantile", (np.full(4, 6.0), RNG.dirichlet([1, 2, 3], 4), RNG.random((4, 3))), "vvv"),
    ("chain1", (normal(2, 4, 3), normal(2, 4, 3, 3)), "vv"),
    ("chain_same1", (normal(2, 4, 3), normal(2, 3, 3)), "vv"),
    ("chain2", (normal(4, 2, 3), normal(4, 2, 3, 2, 3)), "vv"),
    ("chain_same2", (normal(5, 4, 2, 3), normal(1, 2, 3, 2, 3)), "vv"),
    ("chain3", (normal(2, 3, 2, 2, 2), normal(3, 2, 2, 2, 2, 2, 2)), "vv"),
    ("chain_same3", (normal(3, 2, 2, 2), normal(2, 2, 2, 2, 2, 2)), "vv"),
]


LIKELIEST = [
    ("many levels", RNG.dirichlet(np.ones(12), 5), RNG.random(5)),
    ("fewer than eight", RNG.dirichlet(np.ones(3), 4), RNG.random(4)),
    ("one draw for all", RNG.dirichlet(np.ones(10)), RNG.random(6)),
]


def test_every_kernel_is_called():
    assert {name for name, _, _ in CALLS} | {"likeliest", *STEPS} == set(KERNELS)


@pytest.mark.parametrize(("p", "u"), [case[1:] for case in LIKELIEST], ids=[case[0] for case in LIKELIEST])
def test_the_likeliest_levels_come_first(p, u):
    found, saved = KERNELS["likeliest"].forward(p, u)
    full = np.broadcast_to(p, (len(u), p.shape[-1]))
    count = min(8, p.shape[-1])
    assert found.shape == (len(u), count + 1)
    shares = np.take_along_axis(full, found[:, :count].astype(int), axis=-1)
    np.testing.assert_array_equal(shares, -np.sort(-full, axis=-1)[:, :count])
    assert all(len(set(row[:count])) == count for row in found)
    gp, gu = KERNELS["likeliest"].backward(saved, np.ones(found.shape))
    assert gp.shape == full.shape
    assert gu.shape == u.shape
    assert not gp.any()
    assert not gu.any()


def test_a_level_of_the_rest_is_drawn_in_proportion():
    p = np.array([0.02, 0.1, 0.1, 0.0, 0.1, 0.1, 0.01, 0.1, 0.1, 0.1, 0.05, 0.22])
    u = (np.arange(1600) + 0.5) / 1600
    found, _ = KERNELS["likeliest"].forward(p, u)
    assert set(found[:, :8].ravel()) == {1, 2, 4, 5, 7, 8, 9, 11}
    shares = np.bincount(found[:, 8].astype(int), minlength=12) / len(u)
    np.testing.assert_allclose(shares, np.array([2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5, 0]) / 8, atol=1e-3)


def test_of_equally_likely_levels_the_first_are_taken():
    found, _ = KERNELS["likeliest"].forward(np.full(10, 0.1), np.array([0.2, 0.8]))
    np.testing.assert_array_equal(found, [[*range(8), 8], [*range(8), 9]])


@pytest.mark.parametrize("p", [[0.2, 0.5, 0.3], [*[0.125] * 8, 0.0, 0.0]], ids=["none left", "nothing left"])
def test_without_a_rest_the_likeliest_stands_for_it(p):
    found, _ = KERNELS["likeliest"].forward(np.array(p), np.array([0.0, 0.3, 1.0 - 2.0**-53]))
    np.testing.assert_array_equal(found[:, -1], int(np.argmax(p)))


def direction(kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """A random change of an argument that keeps its kind: symmetric, lower triangular, anything, or none."""
    d = normal(*shape) * (kind != "-")
    return d + np.swapaxes(d, -1, -2) if kind == "s" else np.tril(d) if kind == "l" else d


@pytest.mark.parametrize(("name", "args", "kinds"), CALLS, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(CALLS)])
def test_backward_matches_differences(name, args, kinds):
    row = KERNELS[name]
    y, saved = row.forward(*args)
    g = normal(*np.shape(y))
    grads = row.backward(saved, g)
    for i, (arg, kind) in enumerate(zip(args, kinds, strict=True)):
        assert grads[i].shape == arg.shape
        d = direction(kind, arg.shape)

        def f(t, i=i, arg=arg, d=d):
            return float(np.sum(g * row.forward(*args[:i], arg + t * d, *args[i + 1 :])[0]))

        h = 1e-3
        expected = (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
        np.testing.assert_allclose(np.sum(grads[i] * d), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("n", [1, 3, 14])
def test_normal_densities_match_scipy(n):
    x, mean, cov = normal(n), normal(n), spd(n)
    expected = st.multivariate_normal(mean, cov).logpdf(x)
    np.testing.assert_allclose(KERNELS["mvnormal_cov"].forward(x, mean, cov)[0], expected, rtol=1e-10)
    np.testing.assert_allclose(
        KERNELS["mvnormal_chol"].forward(x, mean, np.linalg.cholesky(cov))[0], expected, rtol=1e-10
    )


@pytest.mark.parametrize("n", [3, 14])
@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_one_bad_matrix_leaves_the_others_alone(n, bad):
    x, mean, cov = normal(4, n), normal(4, n), spd(4, n)
    good, _ = KERNELS["mvnormal_cov"].forward(x, mean, cov)
    broken = cov.copy()
    broken[2] = np.where(np.eye(n) > 0, bad, 0.0)
    y, saved = KERNELS["mvnormal_cov"].forward(x, mean, broken)
    assert y[2] == -np.inf
    np.testing.assert_allclose(np.delete(y, 2), np.delete(good, 2), rtol=1e-12)
    for g in KERNELS["mvnormal_cov"].backward(saved, np.ones(4)):
        assert np.isfinite(g).all() and not g[2].any() and g[0].any()
    factor, factor_saved = KERNELS["cholesky"].forward(broken)
    assert not np.isfinite(np.diagonal(factor[2])).any() and np.isfinite(factor[0]).all()
    (g,) = KERNELS["cholesky"].backward(factor_saved, np.ones_like(factor))
    assert np.isfinite(g).all() and not g[2].any()
    through, saved = KERNELS["mvnormal_chol"].forward(x, mean, factor)
    np.testing.assert_allclose(through, y, rtol=1e-12)
    assert all(np.isfinite(g).all() for g in KERNELS["mvnormal_chol"].backward(saved, np.ones(4)))


@pytest.mark.parametrize("n", [4, 20])
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize(("left", "right"), [((), (6,)), ((5,), (5,)), ((5, 1), (5, 3)), ((5,), ()), ((), (2, 3))])
def test_triangular_solves(n, transpose, left, right):
    a, b = lower(*left, n), normal(*right, n)
    solved = vector_solve(a, b, transpose)
    m = np.swapaxes(a, -1, -2) if transpose else a
    np.testing.assert_allclose((m @ solved[..., None])[..., 0], np.broadcast_to(b, solved.shape), rtol=1e-8, atol=1e-10)
    columns = normal(*right, n, 2)
    if len(left) <= len(right):
        np.testing.assert_allclose(
            m @ tri_solve(a, columns, transpose), np.broadcast_to(columns, (*right, n, 2)), rtol=1e-8, atol=1e-10
        )


def test_logsumexp_of_nothing():
    x = np.array([[-np.inf, -np.inf], [0.0, -np.inf], [800.0, 801.0]])
    y, saved = KERNELS["logsumexp"].forward(x)
    np.testing.assert_allclose(y, [-np.inf, 0.0, np.logaddexp(800.0, 801.0)])
    (g,) = KERNELS["logsumexp"].backward(saved, np.ones(3))
    np.testing.assert_allclose(g, [[0, 0], [1, 0], sp.softmax([800.0, 801.0])])


@pytest.mark.parametrize(
    ("index", "n"),
    [
        (RNG.integers(0, 7, 300), 9),
        (np.sort(RNG.integers(0, 7, 300)), 9),
        (np.sort(RNG.integers(0, 90, 100)), 90),
        (RNG.permutation(50), 50),
        (np.arange(6), 8),
        (np.zeros(5, int), 1),
    ],
)
def test_sums_by_level(index, n):
    g = normal(3, len(index))
    expected = np.zeros((3, n))
    np.add.at(expected, (slice(None), index), g)
    np.testing.assert_allclose(k.segment_sum(g, index, n), expected, rtol=1e-12, atol=1e-12)


def test_draws_of_levels_follow_their_probabilities():
    p = np.array([[0.1, 0.2, 0.7], [0.0, 1.0, 0.0]])
    rng, n = np.random.default_rng(3), 30_000
    for x in (k.draw_level(rng, p, (n, 2)), k.draw_level_logits(rng, np.log(np.maximum(p, 1e-300)), (n, 2))):
        shares = np.stack([(x == j).mean(axis=0) for j in range(3)], axis=-1)
        np.testing.assert_allclose(shares, p, atol=0.015)


def test_draws_of_vectors():
    rng, n = np.random.default_rng(4), 20_000
    a = np.array([0.05, 1.0, 3.0])
    x = k.draw_dirichlet(rng, a, (n, 3))
    np.testing.assert_allclose(x.sum(axis=-1), 1.0, rtol=1e-12)
    assert (x > 0).all()
    np.testing.assert_allclose(x.mean(axis=0), a / a.sum(), atol=0.01)
    cov = spd(3)
    z = k.draw_mvnormal(rng, np.array([1.0, 2.0, 3.0]), np.linalg.cholesky(cov), (n, 3))
    np.testing.assert_allclose(z.mean(axis=0), [1, 2, 3], atol=0.1)
    np.testing.assert_allclose(np.cov(z.T), cov, rtol=0.1, atol=0.1)
    counts = k.draw_multinomial(rng, 10.0, np.array([0.2, 0.8]), (n, 2))
    assert (counts.sum(axis=-1) == 10).all() and abs(counts[:, 0].mean() - 2) < 0.05


def test_tiny_shapes_never_draw_zero():
    rng = np.random.default_rng(5)
    assert (k.draw_gamma(rng, 1e-3, (1000,)) > 0).all()
    x = k.draw_beta(rng, 1e-3, 1e-3, (1000,))
    assert ((x > 0) & (x < 1)).all()

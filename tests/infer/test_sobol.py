import numpy as np
import pytest
from scipy.special import ndtr

from ppl.infer.sobol import antithetic, match_second_moments, matched_normal, sobol_normal, sobol_uniform


@pytest.mark.parametrize("dim", [1, 2, 7, 64, 1024])
def test_every_axis_is_stratified(dim):
    """256 points of a scrambled (t, 8, s)-net put exactly one in each 1/256 of every axis."""
    points = sobol_uniform(256, dim, np.random.default_rng(3))
    cells = np.sort(np.floor(points * 256), axis=0)
    assert np.array_equal(cells, np.tile(np.arange(256.0)[:, None], (1, dim)))


def test_first_two_axes_fill_every_elementary_square():
    points = sobol_uniform(256, 2, np.random.default_rng(5))
    cells = np.floor(points * 16)
    assert len({tuple(row) for row in cells}) == 256


def test_two_scrambles_differ_and_one_seed_gives_the_same_bits():
    first, again, other = (sobol_uniform(128, 5, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.any(first == other)


def test_integrates_a_smooth_function_better_than_independent_draws():
    def error(draws):
        return np.mean(np.prod(ndtr(draws) * 2, axis=1)) - 1.0

    rng = np.random.default_rng(0)
    sobol = np.sqrt(np.mean([error(sobol_normal(512, 4, rng)) ** 2 for _ in range(20)]))
    independent = np.sqrt(np.mean([error(rng.standard_normal((512, 4))) ** 2 for _ in range(20)]))
    assert sobol < independent / 8


@pytest.mark.parametrize(("count", "dim"), [(64, 1), (64, 10), (512, 100)])
def test_matched_draws_have_exact_moments(count, dim):
    draws = matched_normal(count, dim, np.random.default_rng(0))
    assert np.allclose(draws.mean(axis=0), 0, atol=1e-14)
    assert np.allclose(draws.T @ draws / count, np.eye(dim), atol=1e-10)


def test_too_few_draws_are_scaled_axis_by_axis():
    half = sobol_normal(8, 20, np.random.default_rng(0))
    draws = match_second_moments(antithetic(half))
    assert np.allclose(np.mean(draws**2, axis=0), 1.0)


def test_past_the_table_draws_are_independent_uniforms():
    points = sobol_uniform(2000, 1100, np.random.default_rng(0))
    assert points.shape == (2000, 1100)
    assert abs(points.mean() - 0.5) < 0.002
    assert 0 < points.min() < points.max() < 1

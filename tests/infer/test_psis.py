import numpy as np
import pytest

from ppl.infer.psis import fit_generalised_pareto, reliable_khat, smooth_weights


@pytest.mark.parametrize("k", [-0.2, 0.1, 0.5, 0.9])
def test_shape_of_a_generalised_pareto_sample(k):
    u = (np.arange(4000) + 0.5) / 4000
    sample = 2.0 * np.expm1(-k * np.log1p(-u)) / k
    shape, scale = fit_generalised_pareto(np.sort(sample))
    assert abs(shape - k) < 0.03
    assert abs(scale - 2.0) < 0.1


def test_equal_weights_stay_equal():
    smoothed = smooth_weights(np.zeros(1000))
    assert np.allclose(smoothed.weights, 1e-3)
    assert smoothed.ess == pytest.approx(1000)
    assert smoothed.log_mean == pytest.approx(0.0)


@pytest.mark.parametrize(("scale", "low", "high"), [(1.25, -9.0, 0.3), (0.6, 0.45, 1.1)])
def test_khat_tells_a_wide_proposal_from_a_narrow_one(scale, low, high):
    """For N(0, 1) under N(0, s) the weights have a Pareto tail of shape 1 - s^2: 0.64 at s = 0.6, light above 1."""
    x = scale * np.random.default_rng(0).standard_normal(20000)
    smoothed = smooth_weights(-0.5 * x**2 + 0.5 * (x / scale) ** 2 + np.log(scale))
    assert low < smoothed.khat < high
    assert abs(smoothed.log_mean) < 0.05


def test_weights_sum_to_one_and_keep_the_order_of_the_ratios():
    ratios = 2 * np.random.default_rng(1).standard_normal(2000)
    weights = smooth_weights(ratios).weights
    assert weights.sum() == pytest.approx(1.0)
    assert np.all(np.diff(weights[np.argsort(ratios)]) >= -1e-15)


def test_no_finite_ratio_is_infinitely_bad():
    smoothed = smooth_weights(np.full(100, -np.inf))
    assert smoothed.khat == np.inf
    assert smoothed.ess == 0


def test_reliable_khat_grows_with_the_sample_up_to_seven_tenths():
    assert reliable_khat(100) == pytest.approx(0.5)
    assert reliable_khat(10**9) == 0.7

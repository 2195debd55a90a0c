import numpy as np
import pytest
from targets import (
    banana,
    correlated,
    eight_schools,
    funnel,
    gaussian_moments,
    half_cauchy_log,
    logistic,
    regression,
    two_normals,
    weighted_moments,
)

from ppl.infer.approximation import Options
from ppl.infer.chart import Chart, at_rounding
from ppl.infer.engine import fit
from ppl.infer.target import NoDensity, NoGradient

# posteriordb, eight_schools-eight_schools_noncentered: means and deviations of 10 000 reference draws; evidence by
# quadrature with all priors normalised.
EIGHT_THETA = np.array([6.150502, 4.939581, 3.905906, 4.796017, 3.614436, 4.051148, 6.31717, 4.883997])
EIGHT_THETA_SD = np.array([5.615863, 4.645578, 5.280712, 4.770938, 4.614721, 4.796248, 5.002855, 5.317692])
EIGHT_LOG_EVIDENCE = -31.3113476


def covariance(dim, seed=0):
    a = np.random.default_rng(seed).standard_normal((dim, dim))
    return a @ a.T + 0.1 * np.eye(dim)


@pytest.mark.parametrize("dim", [1, 2, 20])
def test_a_normal_target_is_fitted_exactly(dim):
    mean, cov = np.arange(dim) * 1.0, covariance(dim)
    found = fit(correlated(mean, cov), Options())
    assert np.allclose(found.loc, mean, atol=1e-4)
    assert np.allclose(found.scale @ found.scale.T, cov, rtol=1e-3, atol=1e-3)
    assert found.evidence.elbo == pytest.approx(0.0, abs=1e-4)
    assert found.evidence.log_evidence == pytest.approx(0.0, abs=0.02)
    assert found.trust.verdict == "ok"
    assert found.cost.gradients < 800


def test_scales_twelve_orders_apart():
    found = fit(correlated(np.array([1e5, 1.0]), np.diag([1e8, 1e-4])), Options())
    assert np.allclose(found.scale, np.diag([1e4, 1e-2]), rtol=1e-3)
    assert found.trust.verdict == "ok"


def test_300_dimensions_are_diagonal_in_whitened_coordinates():
    variances = np.linspace(0.1, 10, 300)
    found = fit(correlated(np.zeros(300), np.diag(variances)), Options(draws=1000))
    assert found.family == "whitened_diagonal"
    assert np.allclose(np.diagonal(found.scale), np.sqrt(variances), rtol=1e-2)


def test_mean_field_deviations_are_those_of_the_precision():
    cov = np.array([[1.0, 0.8], [0.8, 1.0]])
    found = fit(correlated(np.zeros(2), cov), Options(guide="mean_field"))
    assert np.allclose(found.scale, 1 / np.sqrt(np.diagonal(np.linalg.inv(cov))), rtol=1e-3)
    assert found.evidence.elbo == pytest.approx(0.5 * np.log(1 - 0.8**2), abs=0.02)


def raw_units(n=200):
    rng = np.random.default_rng(4)
    height = 66 + 4 * rng.standard_normal(n)
    x = np.stack([np.ones(n), height], axis=1)
    return x, -6e4 + 1.3e3 * height + 1.9e4 * rng.standard_normal(n)


def test_a_regression_in_raw_units_has_its_closed_form():
    """Flat priors: b is Student t about least squares, and sigma^2 scaled inverse chi-square with n - k - 1 degrees."""
    x, y = raw_units()
    n, k = x.shape
    b = np.linalg.solve(x.T @ x, x.T @ y)
    nu = n - k - 1
    rss = np.sum((y - x @ b) ** 2)
    sd = np.sqrt(np.diagonal(np.linalg.inv(x.T @ x)) * rss / (nu - 2))
    target = regression(x, y)
    found = fit(target, Options())
    for moments in (weighted_moments(found, target), gaussian_moments(found, target)):
        mean, deviation = moments["beta"]
        assert np.all(np.abs(mean - b) < 0.02 * sd)
        assert np.allclose(deviation, sd, rtol=0.05)
    assert found.trust.verdict == "ok"


def test_seeds_agree_to_a_hundredth_of_a_deviation():
    x, y = raw_units(60)
    target = regression(x, y, sigma_prior=lambda t: half_cauchy_log(t, 2.5))
    runs = [weighted_moments(fit(target, Options(seed=seed)), target)["beta"] for seed in range(5)]
    means, deviations = np.stack([run[0] for run in runs]), runs[0][1]
    assert np.all(means.std(axis=0) < 0.01 * deviations)


def test_the_same_seed_gives_the_same_bits_and_another_does_not():
    target = eight_schools()
    first, again, other = (fit(target, Options(seed=seed)) for seed in (7, 7, 8))
    assert np.array_equal(first.u, again.u)
    assert np.array_equal(first.weights, again.weights)
    assert first.evidence.elbo == again.evidence.elbo
    assert not np.array_equal(first.u, other.u)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(("guide", "moments"), [("full_rank", gaussian_moments), ("auto", weighted_moments)])
def test_eight_schools_agrees_with_reference_draws(guide, moments, seed):
    """The full-rank normal at the learned weight does so before any correction; the default after it."""
    target = eight_schools()
    found = fit(target, Options(guide=guide, seed=seed))
    mean, sd = moments(found, target)["theta"]
    assert np.max(np.abs(mean - EIGHT_THETA) / EIGHT_THETA_SD) < 0.1
    assert np.max(np.abs(sd / EIGHT_THETA_SD - 1)) < 0.1
    assert found.evidence.elbo < EIGHT_LOG_EVIDENCE < found.evidence.elbo + 0.3
    assert found.evidence.log_evidence == pytest.approx(EIGHT_LOG_EVIDENCE, abs=0.05)


PRECISE = {"y": 10 * np.random.default_rng(0).standard_normal(8), "se": np.full(8, 0.5)}


@pytest.mark.parametrize("data", [{}, PRECISE])
def test_a_learned_weight_is_no_worse_than_either_end(data):
    """Gorinova et al. (2020): with vague data non-centred is better, with precise data centred."""
    ends = [eight_schools(**data, weights=0, centred=end) for end in (0, 1)]
    bounds = [fit(end, Options(guide="full_rank", draws=1000)).evidence.elbo for end in ends]
    assert fit(eight_schools(**data), Options(guide="full_rank", draws=1000)).evidence.elbo > max(bounds) - 0.01
    assert (bounds[1] > bounds[0]) == bool(data)


def test_a_funnel_with_a_weight_is_exact():
    found = fit(funnel(weights=1), Options())
    assert found.w[0] < 0.02
    assert found.evidence.log_evidence == pytest.approx(0.0, abs=0.02)
    assert found.trust.verdict == "ok"


def test_a_funnel_without_one_is_flagged():
    assert fit(funnel(), Options()).trust.verdict != "ok"


def test_a_gentle_banana_is_followed():
    target = banana(0.5)
    mean, sd = weighted_moments(fit(target, Options()), target)["u"]
    assert np.allclose(mean, [0, 0.5], atol=0.1)
    assert np.allclose(sd, [1, np.sqrt(1.5)], rtol=0.1)


@pytest.mark.parametrize("target", [two_normals(6.0), two_normals(20.0), two_normals(8.0, 5), two_normals(60.0, 2)])
def test_a_second_mode_is_found_though_the_weights_look_fine(target):
    found = fit(target, Options())
    assert found.trust.verdict != "ok"
    assert len(found.evidence.modes) == 1
    assert found.evidence.modes[0].log_mass == pytest.approx(0.0, abs=0.05)


def test_a_logistic_regression_with_flat_priors_is_cheap():
    rng = np.random.default_rng(1)
    x = np.stack([np.ones(300), rng.standard_normal(300)], axis=1)
    y = (rng.uniform(size=300) < 1 / (1 + np.exp(-x @ [0.3, 1.0]))) * 1.0
    found = fit(logistic(x, y), Options())
    assert found.trust.verdict == "ok"
    assert found.cost.gradients < 600


@pytest.mark.parametrize("guide", ["auto", "mean_field", "full_rank", "laplace"])
def test_every_guide_fits(guide):
    x, y = raw_units(60)
    found = fit(regression(x, y), Options(guide=guide, draws=1000))
    assert np.all(np.isfinite(found.u))
    assert found.weights.sum() == pytest.approx(1.0)
    assert found.family == ("full_rank" if guide == "auto" else guide)


class Constant:
    """Nothing unknown: the log density is the log evidence."""

    dim, weights = 0, 0

    def value(self, u, w):
        return np.full(len(u), -4.5)


def test_no_unknowns_is_exact():
    found = fit(Constant(), Options())
    assert found.evidence.log_evidence == -4.5
    assert found.u.shape == (1, 0)
    assert found.trust.verdict == "ok"


class Broken:
    """A density with a hole where the engine looks."""

    dim, weights = 2, 0

    def __init__(self, value, gradient):
        self.level, self.slope = value, gradient

    def value(self, u, w):
        return np.full(len(u), self.level)

    def value_and_grad(self, u, w):
        return self.value(u, w), np.tile(self.slope, (len(u), 1)), np.zeros((len(u), 0))


def test_nowhere_to_start_says_which_points_were_tried():
    with pytest.raises(NoDensity) as caught:
        fit(Broken(-np.inf, np.zeros(2)), Options())
    assert caught.value.u.shape[1] == 2
    assert not np.isfinite(caught.value.values).any()


def test_a_gradient_that_is_not_a_number_says_where():
    with pytest.raises(NoGradient) as caught:
        fit(Broken(-1.0, np.array([0.0, np.nan])), Options())
    assert caught.value.where == (1,)


def test_stopping_early_still_gives_an_answer():
    found = fit(eight_schools(), Options(max_seconds=0.0))
    assert found.reason == "out of time"
    assert found.weights.sum() == pytest.approx(1.0)


def test_each_stage_is_reported():
    seen = []
    found = fit(correlated(np.zeros(2), np.eye(2)), Options(), report=seen.append)
    assert [progress.stage for progress in seen] == [name for name, _ in found.cost.stages]
    assert {"starts", "whiten", "modes", "importance"} <= {progress.stage for progress in seen}
    assert seen[-1].gradients == found.cost.gradients


def test_a_scale_at_the_limit_of_rounding_is_told():
    """Given the others each coordinate varies by 1e-14 about 1: differences of such numbers are rounding."""
    assert at_rounding(Chart(np.ones(2), 1e-14 * np.eye(2), np.zeros(0)))
    assert at_rounding(Chart(np.ones(2), np.array([[1.0, 0.0], [1.0, 1e-14]]), np.zeros(0)))
    assert not at_rounding(Chart(np.array([1e5, 1.0]), np.diag([1e-3, 1e-4]), np.zeros(0)))

"""The modulated normal against differences, quadrature and closed forms."""

import autograd.numpy as anp
import numpy as np
import pytest
from scipy.integrate import quad
from targets import Written, correlated, eight_schools, funnel, gaussian_moments, normal

from ppl.infer.approximation import Options
from ppl.infer.chart import Chart
from ppl.infer.engine import fit
from ppl.infer.gaussian import Layout
from ppl.infer.lbfgs import Limits
from ppl.infer.modulated import (
    ARCH_MEAN,
    Modulated,
    bumps,
    draws_for_curves,
    fit_modulated,
    later,
    leading_coordinates,
    modulated_objective,
    modulated_ratios,
    own_curves,
    permuted,
    ramps,
    start_of,
    turned,
)
from ppl.infer.sobol import matched_normal

CHART = Chart(np.zeros(10), np.eye(10), np.array([0.3]))


def draws(count, dim=10, seed=0):
    return matched_normal(count, dim, np.random.default_rng(seed))


def some_guide():
    rng = np.random.default_rng(2)
    start = permuted(CHART, [9, 8])
    mask = later(10, 2)
    scale, curve, bend = (0.3 * mask * rng.standard_normal((10, 2)) for _ in range(3))
    return Modulated(start.chart, start.order, scale, curve, bend, 0.5 * rng.standard_normal(start.slopes.shape))


@pytest.mark.parametrize("own", [False, True])
def test_the_gradient_is_that_of_differences(own):
    target, start = eight_schools(), permuted(CHART, [9, 8])
    e = draws(draws_for_curves(start) if own else 64)
    objective = modulated_objective(target, start, e)
    assert own_curves(start, len(e)) == own
    rng, theta = np.random.default_rng(1), start_of(Layout(10, True, 0), start, own)
    for _ in range(2):
        # What a first step leaves alone stays where it is.
        moves = objective((theta + 0.01 * rng.standard_normal(len(theta)))[None])[1][0] != 0
        theta = theta + 0.1 * moves * rng.standard_normal(len(theta))
    gradient = objective(theta[None])[1][0]
    steps = 1e-6 * np.eye(len(theta))[moves]
    differences = (objective(theta + steps)[0] - objective(theta - steps)[0]) / 2e-6
    assert moves.sum() > 60
    assert np.allclose(gradient[moves], differences, atol=1e-6)


def test_a_fit_reports_the_bound_of_its_guide():
    target, start = eight_schools(), permuted(CHART, [9])
    for count in (64, 512):
        found = fit_modulated(target, start, draws(count), Limits(100, 1e-4))
        assert found.elbo == pytest.approx(float(np.mean(modulated_ratios(target, found.guide, draws(count)))))


def test_log_dets_are_those_of_the_jacobian():
    guide, e = some_guide(), draws(4)
    for row, log_det in zip(e, guide.log_dets(e), strict=True):
        step = 1e-6 * np.eye(10)
        jacobian = (guide.to_u(row + step) - guide.to_u(row - step)) / 2e-6
        assert np.linalg.slogdet(jacobian)[1] == pytest.approx(log_det, abs=1e-6)


def test_ramps_are_the_integrals_of_the_bumps():
    h = np.linspace(-6, 6, 25)[:, None]
    assert np.all(bumps(h) > 0)
    assert np.allclose(bumps(h).sum(axis=2), 1)
    assert np.allclose(ramps(h).sum(axis=2), h)
    assert np.allclose((ramps(h + 1e-6) - ramps(h - 1e-6)) / 2e-6, bumps(h), atol=1e-8)


def test_the_arch_has_mean_zero():
    mean = quad(lambda h: np.sqrt(1 + h * h) * np.exp(-h * h / 2) / np.sqrt(2 * np.pi), -20, 20)[0]
    assert pytest.approx(mean) == ARCH_MEAN


def test_a_normal_has_no_leading_coordinates_and_a_funnel_has_its_neck():
    normal_target = correlated(np.zeros(10), np.eye(10))
    assert leading_coordinates(normal_target, CHART, draws(128)) == []
    assert leading_coordinates(funnel(spread=1.0), CHART, draws(512)) == [9]


def test_a_mild_funnel_is_exact():
    """x | v ~ N(0, exp(v / 2)), v ~ N(0, 1): scales that are log-linear in a normal coordinate."""
    found = fit(funnel(spread=1.0), Options())
    assert found.evidence.elbo == pytest.approx(0.0, abs=0.02)
    assert found.trust.verdict == "ok"


def tilted_funnel():
    """Two axes turned against the coordinates: as v grows one widens and the other narrows."""

    def density(u, w):
        a, b, v = (u[:, 0] + u[:, 1]) / np.sqrt(2), (u[:, 0] - u[:, 1]) / np.sqrt(2), u[:, 2]
        return normal(a, 0.0, anp.exp(v / 2)) + normal(b, 0.0, anp.exp(-v / 2)) + normal(v, 0.0, 1.0)

    return Written(3, density)


def test_turning_finds_the_axes_along_which_scales_change():
    target, chart = tilted_funnel(), Chart(np.zeros(3), np.eye(3), np.zeros(0))
    start = permuted(chart, [2])
    starts = start, turned(target, start, draws(512, 3, 1))
    bounds = [fit_modulated(target, one, draws(512, 3), Limits(100, 1e-4)).elbo for one in starts]
    assert bounds[1] == pytest.approx(0.0, abs=0.02)
    assert bounds[0] < -0.1


@pytest.mark.parametrize("seed", [0, 1])
def test_one_skewed_coordinate_is_followed(seed):
    """exp(u) ~ Exponential(1): mean and variance of u are digamma(1) and trigamma(1)."""
    found = fit(Written(1, lambda u, w: u[:, 0] - anp.exp(u[:, 0])), Options(seed=seed))
    assert found.guide.leaders == 1
    mean, sd = gaussian_moments(found, Written(1, lambda u, w: u[:, 0]))["u"]
    assert mean[0] == pytest.approx(-0.5772157, abs=0.02)
    assert sd[0] == pytest.approx(np.pi / np.sqrt(6), rel=0.02)
    assert found.evidence.elbo == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("weights", [0, 1])
def test_the_guide_itself_has_the_deviation_of_a_weakly_identified_scale(weights, seed):
    """posteriordb, eight schools: tau has mean 3.60 and deviation 3.20."""
    target = eight_schools(weights=weights)
    found = fit(target, Options(seed=seed))
    mean, sd = gaussian_moments(found, target)["tau"]
    assert mean[0] == pytest.approx(3.60, abs=0.32)
    assert sd[0] == pytest.approx(3.20, rel=0.1)

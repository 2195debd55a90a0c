"""Where climbs begin, and the units they climb in."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pytest
from objectives import Conjugate, Stretched, TwoTops
from scipy.special import ndtri

from ppl.infer.approximation import Options
from ppl.infer.climb import climb, noise_units
from ppl.infer.lbfgs import Limits, minimise
from ppl.infer.objective import Run, even_uniforms, matched_uniforms, paired_difference
from ppl.infer.starts import switched, walked


def run_of(objective):
    return Run(objective, Options(), lambda progress: None, lambda: False, perf_counter())


@dataclass
class Ladder(Conjugate):
    """A location whose objective has a top at every whole number, the highest of them at -1."""

    dim: int = 1

    def estimate(self, theta, e):
        z = theta[:, 0] + 0.05 * ndtri(e[:, 0])
        values = 3.0 * np.cos(2 * np.pi * z) - 2.0 * (z + 1.0) ** 2
        slope = -6.0 * np.pi * np.sin(2 * np.pi * z) - 4.0 * (z + 1.0)
        return values, slope[:, None]


@pytest.mark.parametrize(("switches", "top"), [((), 1.0), ((slice(0, 1),), -1.0)])
def test_a_branch_location_is_tried_in_other_places(switches, top):
    objective = Ladder(switches=switches)
    run = run_of(objective)
    e = matched_uniforms(64, 1, np.random.default_rng(0))
    assert switched(run, e, np.array([0.97])) == pytest.approx([top], abs=0.05)


def test_of_many_branch_locations_each_is_mirrored():
    class Pairs(Conjugate):
        """Every location has tops at -2 and 2, the left one higher by 5 nats."""

        def estimate(self, theta, e):
            slope = -4.0 * theta * (theta**2 - 4.0) - 1.25
            return (-((theta**2 - 4.0) ** 2) - 1.25 * theta).sum(axis=1), slope

    run = run_of(Pairs(dim=8, switches=(slice(0, 8),)))
    e = matched_uniforms(32, 1, np.random.default_rng(0))
    assert switched(run, e, np.full(8, 1.96)) == pytest.approx(np.full(8, -2.04), abs=0.02)


def test_a_walk_keeps_a_start_that_it_does_not_better():
    run = run_of(Conjugate())
    mean, sd = run.objective.exact_posterior()
    best, far = np.array([mean, np.log(sd)]), np.array([9.0, 1.0])
    e = even_uniforms(256, 1, np.random.default_rng(0))
    found = walked(run, np.stack([best, far]), e)
    heights, _, _ = run.means(np.stack([best, far, *found]), e)
    assert heights[2] >= heights[0] and heights[3] > heights[1] + 10.0


def test_units_are_those_of_the_noise():
    objective = Stretched()
    e = even_uniforms(512, 11, np.random.default_rng(0))
    units = noise_units(run_of(objective), e, np.zeros(11))
    assert units[1:] == pytest.approx(1.0 / np.sqrt(objective.precision), rel=0.2)


def test_a_climb_of_stiff_and_slack_coordinates_is_short():
    objective, run = Stretched(), run_of(Stretched())
    e = matched_uniforms(64, 11, np.random.default_rng(0))
    free = np.arange(1, 11)
    top = climb(run, e, np.zeros(10), np.zeros(11), free)
    assert top.x == pytest.approx(3.05 / np.sqrt(objective.precision), rel=0.05)
    assert run.iterations < 40


def test_means_are_those_of_one_place_at_a_time():
    run = run_of(TwoTops())
    e = even_uniforms(300, 1, np.random.default_rng(0))
    places = np.linspace(-4, 4, 9)[:, None]
    means, slopes, bad = run.means(places, e)
    for at, place in enumerate(places):
        values, gradients = run.estimate(place, e)
        assert (means[at], slopes[at, 0]) == pytest.approx((values.mean(), gradients.mean()), rel=1e-12)
    assert not bad.any()


def test_to_lose_one_draw_is_to_lose_all():
    a, b = np.linspace(1, 2, 1000), np.linspace(0, 1, 1000)
    assert paired_difference(a, b)[0] == pytest.approx(1.0)
    a[3] = -np.inf
    assert paired_difference(a, b)[0] == -np.inf
    assert paired_difference(b, a)[0] == np.inf


def test_a_minimisation_ends_when_it_gains_little_and_begins_with_short_steps():
    tried = []

    def crease(x):
        tried.append(x.copy())
        return np.abs(x).sum(axis=1) + 1e-9 * np.sin(1e6 * x).sum(axis=1), np.sign(x) + 1e-3 * np.cos(1e6 * x)

    found = minimise(crease, np.array([[0.7]]), Limits(500, 0.0, gain=1e-3, reach=0.1))[0]
    assert found.value < 1e-3 and found.iterations < 60
    assert abs(tried[1][0, 0] - 0.7) <= 0.1 * 1.7 + 1e-12

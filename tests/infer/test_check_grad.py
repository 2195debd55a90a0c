"""The gradient check: closed forms, estimators that are wrong in known ways, and references that mislead."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from objectives import Count, Plate, Spnor
from scipy.special import ndtri
from scipy.stats import norm

from ppl.infer.check_grad import (
    FALSE_ALARM,
    MANY,
    Check,
    bound_of,
    check_grad,
    half_width,
    moved,
)


class Seen(Spnor):
    """Spnor whose draws can be seen."""

    def constrained(self, u, w):
        z = w + ndtri(u)
        return {"z1": z[:, 0], "z2": z[:, 1], "right": z[:, 1] > 0}

    def gradient(self, t):
        return np.array([-t[0] / 25 + (t[1] - t[0]) / 9, -(t[1] - t[0]) / 9 + 1.5 * norm.pdf(t[1])])


class Scored(Seen):
    """Both draws by their scores."""

    def estimate(self, theta, e):
        z, prior, rest, log_q = self._parts(theta, e)
        f = prior + rest - log_q.sum(axis=1)
        return f, (f - f.mean())[:, None] * (z - theta) * len(f) / (len(f) - 1)


class Unsound(Seen):
    """Both draws along their path: the jump is not seen."""

    def estimate(self, theta, e):
        z, prior, rest, log_q = self._parts(theta, e)
        slope = (z[:, 1] - z[:, 0]) / 9
        return prior + rest - log_q.sum(axis=1), np.stack([-z[:, 0] / 25 + slope, -slope], axis=1)


@dataclass
class Line:
    """E f(z), z = shift + scale theta + Normal(0, 1) noise times `spread`; f jumps by `jump` at zero."""

    scale: float = 1.0
    spread: float = 1.0
    jump: float = 0.0
    error: float = 0.0
    start: np.ndarray = None
    dim: int = 1
    noise: int = 1
    deterministic: bool = False
    score_nodes: tuple = ("z",)
    posterior: bool = False
    blocks = {"t": slice(0, 1)}  # noqa: RUF012

    def _z(self, theta, e):
        return self.scale * theta[:, 0] + self.spread * ndtri(e[:, 0])

    def log_weight(self, theta, e):
        z = self._z(theta, e)
        return -0.5 * z**2 / self.spread**2 + self.jump * (z > 0)

    def estimate(self, theta, e):
        f, eps = self.log_weight(theta, e), ndtri(e[:, 0])
        return f, ((f - f.mean()) * eps * self.scale / self.spread * (1 + self.error))[:, None]

    def constrained(self, u, w):
        return {"z": self._z(np.broadcast_to(w, (len(u), 1)), u)}

    def gradient(self, t):
        mean = self.scale * t / self.spread
        return self.scale / self.spread * (-mean + self.jump * norm.pdf(mean))


class Sliding:
    """E z^2 for z uniform on (0, t): 2 t / 3. Along the path 2 z e; the score of z knows nothing of the end."""

    dim, noise, deterministic, posterior, score_nodes = 1, 1, True, False, ()
    start, blocks = np.array([1.5]), {"t": slice(0, 1)}

    def log_weight(self, theta, e):
        return (theta[:, 0] * e[:, 0]) ** 2

    def estimate(self, theta, e):
        f = self.log_weight(theta, e)
        return f, 2 * theta * e**2

    def constrained(self, u, w):
        return {"z": w * u[:, 0]}


class SlidingScore(Sliding):
    def estimate(self, theta, e):
        f = self.log_weight(theta, e)
        return f, -(f / theta[:, 0])[:, None]


# ---- closed forms ------------------------------------------------------------------------------------------------


def test_sound_estimators_of_spnor_pass_at_the_closed_form():
    found = check_grad(Seen(), Scored(), np.array([1.0, 1.0]), samples=200_000)
    assert not found.biased and (np.abs(found.z) < 4).all()
    assert found.reference == pytest.approx(Seen().gradient([1.0, 1.0]), abs=4 * found.reference_se.max())
    assert np.abs(found.estimate - Seen().gradient([1.0, 1.0])).max() < 4 * found.se.max()
    assert found.estimate[1] == pytest.approx(0.36296, abs=0.02)


@pytest.mark.parametrize("reference", [Scored(), None], ids=["score", "differences"])
def test_a_path_through_a_jump_is_found_out(reference):
    found = check_grad(Unsound(), reference, np.array([1.0, 1.0]), samples=200_000)
    assert found.biased and abs(found.z[0]) < 4 and found.z[1] < -50
    assert found.reference[1] == pytest.approx(0.36296, abs=5 * found.reference_se[1])


def test_variances_are_those_of_one_draw():
    found = check_grad(Seen(), Scored(), np.array([1.0, 1.0]), samples=100_000)
    slope_variance = (1 / 25 + 1 / 9) ** 2 + 1 / 81
    assert found.variance[0] == pytest.approx(slope_variance, rel=0.02)
    assert found.se == pytest.approx(np.sqrt(found.variance / found.samples), rel=0.4)


@pytest.mark.parametrize("objective", [Count, lambda: Plate(sites=6)], ids=["count", "plate"])
def test_scores_of_discrete_draws_pass(objective):
    objective = objective()
    draw = objective._draw if isinstance(objective, Count) else None

    def constrained(u, w):
        if draw is not None:
            return {"z": draw(np.broadcast_to(w, (len(u), 1))[:, 0], u[:, 0])}
        return {"b": (u < 1 / (1 + np.exp(-w))).astype(float)}

    objective.constrained = constrained
    found = check_grad(objective, None, objective.start + 0.3, samples=60_000)
    assert set(found.by) == {"difference"} and not found.biased
    h = 1e-5
    for i in range(objective.dim):
        step = h * np.eye(objective.dim)[i]
        exact = (objective.exact(found.theta + step) - objective.exact(found.theta - step)) / (2 * h)
        assert abs(found.reference[i] - exact) < 5 * found.reference_se[i]


# ---- scales, supports, noise ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("error", [0.0, 0.3])
def test_differences_follow_the_scale_of_a_parameter(scale, error):
    objective = Line(scale=1 / scale, jump=3.0, error=error)
    at = np.array([0.4 * scale])
    found = check_grad(objective, None, at, samples=200_000)
    assert found.biased == (error > 0)
    assert abs(found.reference[0] - objective.gradient(at[0])) < 4.5 * found.reference_se[0]


def test_scores_that_miss_a_moving_support_convict_nobody():
    found = check_grad(Sliding(), SlidingScore(), Sliding.start, samples=100_000)
    assert not found.biased and found.by == ("difference",)
    assert found.reference[0] == pytest.approx(1.0, abs=0.01)


def test_a_score_that_misses_a_moving_support_is_convicted():
    found = check_grad(SlidingScore(), SlidingScore(), Sliding.start, samples=100_000)
    assert found.biased and found.by == ("difference",)


def test_without_noise_the_gradient_is_compared_exactly():
    class Parabola:
        dim, noise = 2, 0

        def __init__(self, error):
            self.error = error

        def log_weight(self, theta, e):
            return np.sin(theta[:, 0]) * theta[:, 1] ** 2

        def estimate(self, theta, e):
            a, b = theta[:, 0], theta[:, 1]
            slopes = np.stack([np.cos(a) * b**2, 2 * np.sin(a) * b], axis=1)
            return self.log_weight(theta, e), slopes + self.error

    at = np.array([0.7, 30.0])
    found = check_grad(Parabola(0.0), None, at)
    assert not found.biased and found.by == ("exact", "exact") and (found.variance == 0).all()
    assert found.reference == pytest.approx(found.estimate, rel=1e-7)
    assert check_grad(Parabola(1e-3), None, at).biased


def test_draws_that_are_not_finite_are_counted_and_left_out():
    class Holes(Seen):
        def estimate(self, theta, e):
            values, gradients = super().estimate(theta, e)
            gradients[e[:, 0] < 0.01] = np.nan
            return values, gradients

    found = check_grad(Holes(), None, np.ones(2), samples=20_000)
    assert np.isfinite(found.estimate).all()
    assert found.not_finite == pytest.approx(200, abs=80)


def test_many_parameters_are_compared_with_scores():
    class Wide(Line):
        def log_weight(self, theta, e):
            return super().log_weight(theta[:, :1], e)

        def estimate(self, theta, e):
            f, gradient = super().estimate(theta[:, :1], e)
            return f, np.repeat(gradient, self.dim, axis=1) * (np.arange(self.dim) == 0)

        def constrained(self, u, w):
            return super().constrained(u, w[:1])

    wide = Wide(dim=MANY + 1)
    found = check_grad(wide, wide, np.zeros(MANY + 1), samples=10_000)
    assert set(found.by) == {"score"} and not found.biased


def test_coordinates_that_the_scores_do_not_know_take_differences():
    known = np.array([True, False])
    found = check_grad(Seen(), Scored(), np.array([1.0, 3.5]), samples=40_000, scored=known)
    assert found.by[1] == "difference" and not found.biased


# ---- the verdict -------------------------------------------------------------------------------------------------


def test_the_bound_is_a_family_wise_level():
    assert bound_of(1, 10**6) == pytest.approx(norm.isf(FALSE_ALARM / 2), abs=1e-3)
    assert bound_of(100, 10**6) == pytest.approx(norm.isf(FALSE_ALARM / 200), abs=1e-3)
    assert bound_of(1, 64) > bound_of(1, 10**6)


def test_unbiased_estimators_are_seldom_suspected():
    z = [check_grad(Seen(), Scored(), np.ones(2), samples=4_000, seed=seed).z for seed in range(40)]
    assert np.mean(np.square(z)) == pytest.approx(1.0, abs=0.6)


def test_the_same_seed_gives_the_same_numbers():
    one, two = (check_grad(Seen(), Scored(), np.ones(2), samples=4_000, seed=3) for _ in range(2))
    assert (one.estimate == two.estimate).all() and (one.reference == two.reference).all()
    other = check_grad(Seen(), Scored(), np.ones(2), samples=4_000, seed=4)
    assert (one.estimate != other.estimate).all()


def test_time_runs_out_early():
    found = check_grad(Seen(), Scored(), np.ones(2), samples=10_000_000, max_seconds=0.1)
    assert 64 * 4096 <= found.samples < 10_000_000


def test_steps_move_the_draws_by_a_tenth():
    check = Check(Line(scale=1e3), None, np.ones(1, dtype=bool), np.zeros(1), 0, 500, 64, 1e18)
    width = half_width(check, 0)
    assert width == pytest.approx(1e-4, rel=0.6)
    e = next(check.noise(check.objective, 0, 1))
    at = check.objective.constrained(e, check.theta)
    far = moved(check, 0, width, e, at, {"z": np.std(at["z"])})
    assert 0.05 < far < 0.2
    assert replace(check, theta=np.ones(1)).theta[0] == 1

"""Differential equations: solutions against closed forms and scipy, gradients against differences of the same steps."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from ppl.stdlib.ode import BeforeStart, Tape, pull_back, schedule, solve, stages

RNG = np.random.default_rng(3)
TIMES = np.array([2.0, 0.5, 3.0, 0.5, 0.0])


def decay(t, y, p):
    return -p[0][..., None] * y


def pull_decay(t, y, p, g):
    return -p[0][..., None] * g, -(g * y).sum(tuple(range(1, y.ndim)))[:, None] if y.ndim > 2 else -(g * y).sum(-1)


def predators(t, y, p):
    """Lotka and Volterra, with a season in one rate, so that time matters."""
    a, b = p[0][:, 0], p[0][:, 1]
    season = 1.0 + 0.3 * np.sin(t)
    u, v = y[..., 0], y[..., 1]
    return np.stack([(a * season - v) * u, (b * u - 1.0) * v], -1)


def pull_predators(t, y, p, g):
    a, b = p[0][:, 0], p[0][:, 1]
    season = 1.0 + 0.3 * np.sin(t)
    u, v = y[..., 0], y[..., 1]
    gy = np.stack([g[:, 0] * (a * season - v) + g[:, 1] * b * v, -g[:, 0] * u + g[:, 1] * (b * u - 1.0)], -1)
    return gy, np.stack([g[:, 0] * season * u, g[:, 1] * u * v], -1)


def replayed(rate, tape: Tape, y0: np.ndarray, params) -> np.ndarray:
    """The states by the steps of a tape."""
    grid = tape.plan.grid[0]
    out = np.zeros((len(y0), len(grid), y0.shape[-1]))
    out[:, 0], y = y0, np.array(y0)
    for step in tape.steps:
        y[step.who] = stages(rate, step.t, y[step.who], step.h, tuple(p[step.who] for p in params))[1]
        draws = step.who[step.hits[0]]
        out[draws, step.slots] = y[draws]
    return out[:, tape.plan.flat]


def test_a_linear_equation_has_its_exponential():
    k, y0 = RNG.random(6) + 0.2, RNG.random((6, 3))
    y, tape = solve(decay, schedule(TIMES, 0.0), y0, (k,), 1e-9, 1e-12, 500)
    np.testing.assert_allclose(y, y0[:, None] * np.exp(-k[:, None] * TIMES)[..., None], rtol=1e-7)
    assert not tape.failed.any()


def test_a_system_matches_scipy():
    params, y0 = RNG.random((4, 2)) + 0.5, RNG.random((4, 2)) + 0.5
    y, _ = solve(predators, schedule([1.0, 7.0, 15.0], 0.0), y0, (params,), 1e-9, 1e-11, 2000)
    for i in range(4):
        one = (params[i : i + 1],)
        found = solve_ivp(
            lambda t, z, one=one: predators(np.array([t]), z[None], one)[0], (0.0, 15.0), y0[i],
            "DOP853", [1.0, 7.0, 15.0], rtol=1e-11, atol=1e-12,
        )  # fmt: skip
        np.testing.assert_allclose(y[i], found.y.T, rtol=1e-6)


@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-9])
def test_errors_follow_the_tolerance(rtol):
    y0, params = np.array([[1.0, 0.5]]), (np.array([[1.1, 0.9]]),)
    plan = schedule([10.0], 0.0)
    exact, _ = solve(predators, plan, y0, params, 1e-12, 1e-13, 5000)
    got, tape = solve(predators, plan, y0, params, rtol, rtol, 5000)
    assert np.abs(got - exact).max() < 100 * rtol
    assert len(tape.steps) < 20 * rtol**-0.2


def test_the_backward_pass_is_exact_for_the_steps_taken():
    params, y0 = RNG.random((3, 2)) + 0.5, RNG.random((3, 2)) + 0.5
    plan = schedule([4.0, 1.0, 4.0, 0.0, 9.0], 0.0)
    y, tape = solve(predators, plan, y0, (params,), 1e-5, 1e-7, 500)
    np.testing.assert_allclose(replayed(predators, tape, y0, (params,)), y, rtol=1e-13)
    g = RNG.normal(size=y.shape)
    grads = pull_back(pull_predators, tape, g)
    for i, arg in enumerate((y0, params)):
        for j in range(2):
            step = np.zeros(2)
            step[j] = 1e-3

            def f(h, i=i, step=step):
                args = [y0, params]
                args[i] = args[i] + h * step
                return (g * replayed(predators, tape, args[0], (args[1],))).sum((1, 2))

            expected = (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / 12e-3
            np.testing.assert_allclose(grads[i][:, j], expected, rtol=1e-8, atol=1e-8)
        assert grads[i].shape == arg.shape


def test_groups_have_times_of_their_own():
    index, times = np.array([1, 0, 1, 2, 0]), np.array([4.0, 1.0, 2.0, 0.0, 1.0])
    k = RNG.random(3) + 0.5
    y0 = RNG.random((5, 3, 2))
    plan = schedule(times, 0.0, index, 3)
    np.testing.assert_array_equal(plan.counts, [2, 3, 1])
    y, tape = solve(lambda t, y, p: -k[:, None] * y, plan, y0, (), 1e-9, 1e-12, 500)
    np.testing.assert_allclose(y, y0[:, index] * np.exp(-k[index] * times)[:, None], rtol=1e-7)
    g = RNG.normal(size=y.shape)
    (back,) = pull_back(lambda t, y, p, g: (-k[:, None] * g,), tape, g)
    expected = np.zeros_like(y0)
    for i, j in enumerate(index):
        expected[:, j] += g[:, i] * np.exp(-k[j] * times[i])
    np.testing.assert_allclose(back, expected, rtol=1e-6)


def test_a_stiff_draw_fails_alone():
    k = np.array([1.0, 1e7, 2.0])
    y0 = np.ones((3, 1))
    y, tape = solve(decay, schedule([1.0, 2.0], 0.0), y0, (k,), 1e-6, 1e-8, 100)
    assert np.isnan(y[1]).any()
    np.testing.assert_allclose(y[[0, 2], 1, 0], np.exp(-2 * k[[0, 2]]), rtol=1e-5)
    back, share = pull_back(pull_decay, tape, np.ones_like(y))
    assert back[1] == 0.0 and share[1] == 0.0
    np.testing.assert_allclose(share[0], -(np.exp(-1.0) + 2 * np.exp(-2.0)), rtol=1e-5)


def test_what_blows_up_in_finite_time_stops():
    """dy/dt = y^2 leaves the numbers at t = 1 / y0."""
    y, tape = solve(lambda t, y, p: y * y, schedule([0.5, 2.0], 0.0), np.array([[1.0], [0.1]]), (), 1e-6, 1e-8, 3000)
    np.testing.assert_allclose(y[:, 0, 0], [2.0, 0.1 / 0.95], rtol=1e-5)
    assert np.isnan(y[0, 1, 0])
    np.testing.assert_allclose(y[1, 1, 0], 0.1 / 0.8, rtol=1e-5)
    (back,) = pull_back(lambda t, y, p, g: (2.0 * y * g,), tape, np.ones_like(y))
    assert np.isfinite(back).all()


def test_a_start_that_is_no_number_is_nan():
    y, _ = solve(decay, schedule([1.0], 0.0), np.array([[np.nan], [1.0]]), (np.ones(2),), 1e-6, 1e-8, 100)
    np.testing.assert_allclose(y[:, 0, 0], [np.nan, np.exp(-1.0)], rtol=1e-5)


def test_schedules_sort_and_share_times():
    plan = schedule(TIMES, 0.0)
    np.testing.assert_array_equal(plan.grid, [[0.0, 0.5, 2.0, 3.0]])
    np.testing.assert_array_equal(plan.flat, [2, 1, 3, 1, 0])
    assert not plan.grouped
    with pytest.raises(BeforeStart, match=r"0\.5"):
        schedule([1.0, 0.5], 0.7)

import numpy as np
import pytest

from ppl.infer.lbfgs import Limits, apply_inverse_hessian, empty_memory, minimise, remember


def rosenbrock(x):
    a, b = x[:, :-1], x[:, 1:]
    f = np.sum(100 * (b - a**2) ** 2 + (1 - a) ** 2, axis=1)
    g = np.zeros_like(x)
    g[:, :-1] += -400 * a * (b - a**2) - 2 * (1 - a)
    g[:, 1:] += 200 * (b - a**2)
    return f, g


def test_every_start_reaches_the_minimum_of_rosenbrock():
    starts = np.array([[-1.2, 1.0], [2.0, -3.0], [0.0, 0.0]])
    ends = minimise(rosenbrock, starts, Limits(200, 1e-14))
    assert all(np.allclose(end.x, 1.0, atol=1e-4) for end in ends)


def test_a_start_does_not_feel_the_others():
    starts = np.array([[-1.2, 1.0], [2.0, -3.0]])
    together = minimise(rosenbrock, starts, Limits(50, 1e-12))
    alone = minimise(rosenbrock, starts[:1], Limits(50, 1e-12))
    assert np.array_equal(together[0].x, alone[0].x)


def test_a_quadratic_of_unit_hessian_takes_one_step():
    end = minimise(lambda x: (0.5 * np.sum((x - 3) ** 2, axis=1), x - 3), np.zeros((1, 4)), Limits(), whitened=True)[0]
    assert end.iterations == 1
    assert np.allclose(end.x, 3.0)


def test_non_finite_values_are_steps_too_long():
    def log_barrier(x):
        with np.errstate(invalid="ignore", divide="ignore"):
            f = np.where(x[:, 0] > 0, x[:, 0] - np.log(x[:, 0]), np.inf)
        return f, np.where(x > 0, 1 - 1 / np.where(x > 0, x, 1.0), 0.0)

    end = minimise(log_barrier, np.array([[30.0]]), Limits(100, 1e-12))[0]
    assert end.x[0] == pytest.approx(1.0, abs=1e-5)


def test_a_start_without_density_says_so():
    ends = minimise(lambda x: (np.full(len(x), np.inf), np.zeros_like(x)), np.zeros((2, 3)), Limits())
    assert [end.reason for end in ends] == ["not finite", "not finite"]


def test_inverse_hessian_meets_the_secant_condition():
    rng = np.random.default_rng(0)
    memory = empty_memory(2, 5)
    a = np.diag([1.0, 2, 3, 4, 5])
    for _ in range(3):
        s = rng.standard_normal((2, 5))
        memory = remember(memory, s, s @ a, 10)
    assert np.allclose(apply_inverse_hessian(memory, s @ a), s)

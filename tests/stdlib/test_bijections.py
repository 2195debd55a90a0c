"""Bijections: round trips, log-determinants against numerical Jacobians, and no boundary is ever reached."""

import numpy as np
import pytest
import scipy.integrate
import scipy.special as sp
from evaluate import central_difference, evaluate, value_and_gradient

from ppl.stdlib import kernels as k
from ppl.stdlib.bijections import BIJECTIONS
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.kernels import KERNELS

NUMBERS = {
    "real": {},
    "lower": {"low": -2.0},
    "upper": {"high": 3.0},
    "interval": {"low": -2.0, "high": 3.0},
}
U = np.array([-6.0, -1.0, 0.0, 0.4, 3.0, 7.0])
RNG = np.random.default_rng(11)
INVERSES = {"ordered": k.ordered_inverse, "simplex": k.simplex_inverse}


@pytest.mark.parametrize("name", NUMBERS)
def test_round_trip(name):
    row, ends = BIJECTIONS[name], NUMBERS[name]
    x = evaluate(row.forward, {"u": U, **ends})
    np.testing.assert_allclose(evaluate(row.inverse, {"x": x, **ends}), U, rtol=1e-9, atol=1e-9)
    assert (x > ends.get("low", -np.inf)).all() and (x < ends.get("high", np.inf)).all()


@pytest.mark.parametrize("name", NUMBERS)
def test_log_determinant_is_the_slope(name):
    row, ends = BIJECTIONS[name], NUMBERS[name]
    slope = central_difference(lambda u: evaluate(row.forward, {"u": u, **ends}), U)
    logdet = np.broadcast_to(evaluate(row.logdet, {"u": U, **ends}), U.shape)
    np.testing.assert_allclose(logdet, np.log(np.abs(slope)), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("name", "u"), [("lower", 700.0), ("upper", 700.0), ("interval", 700.0), ("interval", 40.0)])
def test_far_out_nothing_breaks(name, u):
    row, ends = BIJECTIONS[name], NUMBERS[name]
    for text in (row.forward, row.logdet):
        value, grads = value_and_gradient(text, {"u": np.array([-u, u]), **ends})
        assert np.isfinite(value).all() and np.isfinite(grads["u"]).all()


@pytest.mark.parametrize("u", [700.0, 40.0])
def test_positive_numbers_never_reach_zero(u):
    x = evaluate(BIJECTIONS["lower"].forward, {"u": np.array([-u]), "low": 0.0})
    assert x[0] > 0
    p = evaluate(BIJECTIONS["interval"].forward, {"u": np.array([-u]), "low": 0.0, "high": 1.0})
    assert p[0] > 0


@pytest.mark.parametrize("u", [-700.0, -40.0, 30.0, 40.0, 700.0])
def test_beta_density_is_finite_far_out(u):
    text = DISTRIBUTIONS["Beta"].logpdf.replace("x", f"({BIJECTIONS['interval'].forward})")
    value, grads = value_and_gradient(text, {"u": np.array([u]), "low": 0.0, "high": 1.0, "a": 2.0, "b": 0.5})
    assert np.isfinite(value).all() and np.isfinite(grads["u"]).all()


@pytest.mark.parametrize("name", INVERSES)
def test_vector_round_trip(name):
    row = BIJECTIONS[name]
    u = RNG.normal(size=(4, 5)) * 2
    x, _ = KERNELS[row.kernel].forward(u)
    assert x.shape[-1] == u.shape[-1] + row.shrinks
    np.testing.assert_allclose(INVERSES[name](x), u, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", INVERSES)
def test_vector_log_determinant(name):
    row, n = BIJECTIONS[name], 4
    u = RNG.normal(size=n)
    columns = [derivative(lambda v: KERNELS[row.kernel].forward(v)[0], u, i)[:n] for i in range(n)]
    _, expected = np.linalg.slogdet(np.stack(columns, axis=-1))
    np.testing.assert_allclose(KERNELS[f"{row.kernel}_logdet"].forward(u)[0], expected, rtol=1e-6)


def derivative(f, u, i, h=1e-4):
    d = h * (np.arange(u.size) == i)
    return (8 * (f(u + d) - f(u - d)) - (f(u + 2 * d) - f(u - 2 * d))) / (12 * h)


def test_simplex_at_zero_is_uniform():
    np.testing.assert_allclose(k.KERNELS["simplex"].forward(np.zeros(6))[0], 1 / 7, rtol=1e-12)


def test_simplex_far_out():
    u = np.array([[-40.0, 40.0, 0.0], [40.0, -40.0, 40.0]])
    for name in ("simplex", "log_simplex", "simplex_logdet"):
        y, saved = KERNELS[name].forward(u)
        (g,) = KERNELS[name].backward(saved, np.ones_like(y))
        assert np.isfinite(y).all() and np.isfinite(g).all()
    x = KERNELS["simplex"].forward(u)[0]
    assert (x > 0).all()
    np.testing.assert_allclose(x.sum(axis=-1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(np.log(x), KERNELS["log_simplex"].forward(u)[0], rtol=1e-12, atol=1e-15)


def test_ordered_is_increasing():
    assert (np.diff(KERNELS["ordered"].forward(RNG.normal(size=(20, 5)))[0], axis=-1) > 0).all()


def test_a_density_carried_over_still_integrates_to_one():
    # Beta(2, 3) on the unconstrained scale
    def density(u):
        x = evaluate(BIJECTIONS["interval"].forward, {"u": u, "low": 0.0, "high": 1.0})
        return (
            12 * x * (1 - x) ** 2 * np.exp(evaluate(BIJECTIONS["interval"].logdet, {"u": u, "low": 0.0, "high": 1.0}))
        )

    total, _ = scipy.integrate.quad(density, -40, 40)
    np.testing.assert_allclose(total, 1.0, rtol=1e-8)
    assert sp.beta(2, 3) == pytest.approx(1 / 12)

"""Families of levels and vectors: densities against scipy or by adding up, gradients against differences."""

import numpy as np
import pytest
import scipy.special as sp
import scipy.stats as st
from evaluate import evaluate, numpy_text, value_and_gradient

from ppl.stdlib.distributions import DISTRIBUTIONS

P = np.array([0.1, 0.25, 0.05, 0.6])
X = np.array([0, 1, 2, 3])
CUTS = np.array([-1.0, 0.3, 2.0])
VALUES = {
    "Categorical": {"p": P, "x": X},
    "CategoricalLogits": {"logits": np.array([3.0, -2.0, 0.1, 700.0]), "x": X},
    "OrderedLogistic": {"eta": np.full(4, 0.4), "cuts": CUTS, "x": X},
    "Dirichlet": {"a": np.array([0.5, 1.0, 3.0, 8.0]), "x": P},
    "Multinomial": {"n": 10.0, "p": P, "x": np.array([1.0, 3.0, 0.0, 6.0])},
    "DirichletMultinomial": {"n": 10.0, "a": np.array([0.5, 1.0, 3.0, 8.0]), "x": np.array([1.0, 3.0, 0.0, 6.0])},
}


def log_density(name, **changes):
    row = DISTRIBUTIONS[name]
    return evaluate(row.logpdf, VALUES[name] | changes, row)


def test_levels():
    np.testing.assert_allclose(log_density("Categorical"), np.log(P))
    logits = VALUES["CategoricalLogits"]["logits"]
    np.testing.assert_allclose(log_density("CategoricalLogits"), sp.log_softmax(logits), rtol=1e-12)


@pytest.mark.parametrize("eta", [-60.0, -2.0, 0.0, 0.7, 45.0])
def test_ordered_logistic(eta):
    got = log_density("OrderedLogistic", eta=np.full(4, eta))
    np.testing.assert_allclose(np.exp(got).sum(), 1.0, rtol=1e-12)
    below = np.concatenate([[0.0], sp.expit(CUTS - eta), [1.0]])
    np.testing.assert_allclose(np.exp(got), np.diff(below), rtol=1e-9, atol=1e-15)
    assert np.isfinite(got).all()


def test_dirichlet_and_multinomial():
    np.testing.assert_allclose(log_density("Dirichlet"), st.dirichlet(VALUES["Dirichlet"]["a"]).logpdf(P), rtol=1e-12)
    np.testing.assert_allclose(log_density("Dirichlet", a=0.3), st.dirichlet([0.3] * 4).logpdf(P), rtol=1e-12)
    x = VALUES["Multinomial"]["x"]
    np.testing.assert_allclose(log_density("Multinomial"), st.multinomial(10, P).logpmf(x), rtol=1e-12)
    assert log_density("Multinomial", n=11.0) == -np.inf


def test_dirichlet_multinomial():
    a, x = VALUES["DirichletMultinomial"]["a"], VALUES["DirichletMultinomial"]["x"]
    expected = st.dirichlet_multinomial(a, 10).logpmf(x)
    np.testing.assert_allclose(log_density("DirichletMultinomial"), expected, rtol=1e-12)
    expected = st.dirichlet_multinomial(np.full(4, 0.3), 10).logpmf(x)
    np.testing.assert_allclose(log_density("DirichletMultinomial", a=0.3), expected, rtol=1e-12)
    assert log_density("DirichletMultinomial", n=9.0) == -np.inf


def test_draws_of_a_dirichlet_multinomial():
    row, values = DISTRIBUTIONS["DirichletMultinomial"], VALUES["DirichletMultinomial"]
    reference = st.dirichlet_multinomial(values["a"], 10)
    x = numpy_text(row.draw, rng=np.random.default_rng(8), size=(20_000, 4), n=10.0, a=values["a"])
    assert (x.sum(-1) == 10).all()
    np.testing.assert_allclose(x.mean(0), reference.mean(), atol=0.05)
    np.testing.assert_allclose(x.var(0), reference.var(), rtol=0.05)
    np.testing.assert_allclose(evaluate(row.mean, {"n": 10.0, "a": values["a"]}), reference.mean())
    np.testing.assert_allclose(evaluate(row.variance, {"n": 10.0, "a": values["a"]}), reference.var())


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("Categorical", "p"),
        ("CategoricalLogits", "logits"),
        ("OrderedLogistic", "cuts"),
        ("OrderedLogistic", "eta"),
        ("Dirichlet", "a"),
        ("Dirichlet", "x"),
        ("Multinomial", "p"),
        ("DirichletMultinomial", "a"),
    ],
)
def test_gradients(name, target):
    row, values = DISTRIBUTIONS[name], VALUES[name]
    _, grads = value_and_gradient(row.logpdf, values, row)
    base = np.asarray(values[target], float)
    for i in range(base.size):

        def f(t, i=i):
            return float(np.sum(log_density(name, **{target: base + t * (np.arange(base.size) == i)})))

        h = 1e-4
        expected = (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
        np.testing.assert_allclose(np.ravel(grads[target])[i], expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["Categorical", "CategoricalLogits", "OrderedLogistic"])
def test_draws_follow_the_density(name):
    row, n = DISTRIBUTIONS[name], 20_000
    values = dict(VALUES[name])
    if name == "CategoricalLogits":
        values["logits"] = np.array([0.0, 1.0, -1.0, 2.0])
    expected = np.exp(evaluate(row.logpdf, values, row))
    params = {n: np.asarray(v)[..., :1] if n == "eta" else v for n, v in values.items() if n != "x"}
    x = numpy_text(row.draw, rng=np.random.default_rng(8), size=(n,), **params)
    np.testing.assert_allclose(np.bincount(x, minlength=4) / n, expected, atol=0.02)


def test_moments_of_vectors():
    row, a = DISTRIBUTIONS["Dirichlet"], VALUES["Dirichlet"]["a"]
    np.testing.assert_allclose(evaluate(row.mean, {"a": a}), st.dirichlet(a).mean())
    np.testing.assert_allclose(evaluate(row.variance, {"a": a}), st.dirichlet(a).var())
    row = DISTRIBUTIONS["Multinomial"]
    np.testing.assert_allclose(evaluate(row.variance, {"n": 10.0, "p": P}), np.diag(st.multinomial(10, P).cov()))

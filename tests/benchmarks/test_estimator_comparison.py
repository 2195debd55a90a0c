"""The references of benchmarks/estimators: exact ELBOs against plain Monte Carlo, gradients against known numbers, and
the estimators of the literature and of ppl against those gradients."""

import sys
from math import log
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import bernoulli, halfcauchy, norm

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "estimators"))
from baselines import ESTIMATORS, MODELS, measure_baselines
from guides import gradient_at, optimum, parameter_names, reference, to_guide, to_vector
from ours import PARAMETERS, estimator_at, load
from problems import BY_NAME, PROBLEMS
from scripts.common import moments

DRAWS = 20_000


def total(x):
    return np.sum(x, axis=1)


def spnor(z, d):
    side = np.where(z["z2"] > 0, 1, -2)
    return total(norm.logpdf(z["z1"], 0, 5) + norm.logpdf(z["z2"], z["z1"], 3) + norm.logpdf(0, side, 1))


def bernoulli_if(z, d):
    return total(log(0.5) + norm.logpdf(0, np.where(z["z"] == 1, 1, -2), 1))


def relu(z, d):
    return total(norm.logpdf(z["z"]) + norm.logpdf(0.5, np.maximum(z["z"], 0), 1))


def mixed(z, d):
    return total(bernoulli.logpmf(z["b"], 0.4) + norm.logpdf(z["x"]) + norm.logpdf(1.5, z["x"] + 2 * z["b"], 0.5))


def gmm(z, d):
    mean = np.where(z["z"] == 1, z["mu"][:, 1:], z["mu"][:, :1])
    return total(norm.logpdf(z["mu"], 0, 5)) + total(log(0.5) + norm.logpdf(d["y"], mean, 1))


def cone(z, d):
    r = z["x"] ** 2 + z["y"] ** 2
    return total(norm.logpdf(z["x"], 0, 10) + norm.logpdf(z["y"], 0, 10) + norm.logpdf(5, r, 0.1 + r / 100))


def eight_schools(z, d):
    tau = np.exp(z["tau"])
    top = norm.logpdf(z["mu"], 0, 5) + halfcauchy.logpdf(tau, 0, 5) + z["tau"]  # the Jacobian of exp
    return total(top) + total(norm.logpdf(z["theta"], z["mu"], tau) + norm.logpdf(d["y"], z["theta"], d["se"]))


def funnel(z, d):
    return total(norm.logpdf(z["v"], 0, 3)) + total(norm.logpdf(z["x"], 0, np.exp(z["v"] / 2)))


def with_indicators(name):
    model = MODELS[name]()

    def density(z, d):
        flat = np.concatenate([z[latent.name] for latent in model.problem.latents], axis=1)
        return model.density(flat, (flat[:, model.latent] > model.cut).astype(float), False)[0]

    return density


SMALL = {f.__name__: f for f in (spnor, bernoulli_if, relu, mixed, gmm, cone, eight_schools, funnel)}
DENSITIES = SMALL | {name: with_indicators(name) for name in ("textmsg", "influenza")}


def drawn(problem, rng):
    """Draws of the guide and their log density under it. A log-normal latent comes as its logarithm."""
    z, log_q = {}, np.zeros(DRAWS)
    for latent in problem.latents:
        mean, sd = problem.point[latent.name]
        if latent.kind == "bernoulli":
            z[latent.name] = (rng.random((DRAWS, latent.size)) < expit(mean)).astype(int)
            log_q += total(bernoulli.logpmf(z[latent.name], expit(mean)))
        else:
            z[latent.name] = mean + sd * rng.standard_normal((DRAWS, latent.size))
            log_q += total(norm.logpdf(z[latent.name], mean, sd))
    return z, log_q


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_the_exact_elbo_is_the_mean_of_its_draws(problem):
    z, log_q = drawn(problem, np.random.default_rng(0))
    values = DENSITIES[problem.name](z, {k: np.array(v) for k, v in problem.data.items()}) - log_q
    assert abs(values.mean() - reference(problem)[1]) < 4.5 * values.std() / DRAWS**0.5 + 1e-9


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_a_guide_is_its_vector(problem):
    vector = to_vector(problem, problem.point)
    assert vector.size == len(parameter_names(problem)) == len(set(parameter_names(problem)))
    np.testing.assert_allclose(to_vector(problem, to_guide(problem, vector)), vector)


def test_gradients_that_are_known():
    p = 1 / (1 + np.exp(-0.3))
    np.testing.assert_allclose(reference(BY_NAME["bernoulli_if"])[0], p * (1 - p) * 1.2)
    np.testing.assert_allclose(reference(BY_NAME["spnor"])[0], [-0.04, 1.5 * norm.pdf(1)])


@pytest.mark.parametrize(
    ("name", "at", "elbo"),
    [
        ("spnor", [1.5629, 2.1255], -3.3497),
        ("bernoulli_if", [1.5], log(0.5 * (norm.pdf(1) + norm.pdf(2)))),
        ("textmsg", [3.228828, log(0.057218), 2.932987, log(0.04607), -0.426058, log(0.016208)], -292.417854),
    ],
)
def test_optima_that_are_known(name, at, elbo):
    found, best = optimum(BY_NAME[name])
    np.testing.assert_allclose(found, at, atol=2e-4)
    assert best == pytest.approx(elbo, abs=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_the_literature_is_unbiased_where_it_says_so(name):
    problem = BY_NAME[name]
    vector = to_vector(problem, problem.point)
    found = measure_baselines(name, vector, gradient_at(problem, vector), 40_000)
    assert list(found) == list(ESTIMATORS)
    score, reparam, boundary, _ = found.values()
    assert score.z < 5
    assert boundary.z < 5
    assert reparam.z > 50
    assert boundary.variance < score.variance


def test_moments_are_of_one_draw():
    rng = np.random.default_rng(0)
    found = moments(lambda i: rng.normal(1e6, [1, 3], (10, 4, 2)).mean(axis=1), 40_000, 4, 60)
    np.testing.assert_allclose(found["mean"], 1e6, atol=0.1)
    np.testing.assert_allclose(found["se"], np.array([1, 3]) / 200, rtol=0.05)
    assert found["variance"] == pytest.approx(5, rel=0.05)
    assert found["draws"] == 40_000


@pytest.mark.parametrize("name", PARAMETERS)
def test_ours_is_unbiased_at_the_point(name):
    problem = BY_NAME[name]
    rows, rng = estimator_at(load(problem), problem, to_vector(problem, problem.point)), np.random.default_rng(3)
    means = np.array([rows(rng, 500).mean(axis=0) for _ in range(60)])
    exact = reference(problem)[0]
    error = np.maximum(means.std(axis=0, ddof=1) / 60**0.5, 1e-9 * (1 + np.abs(exact)))
    assert np.max(np.abs(means.mean(axis=0) - exact) / error) < 5

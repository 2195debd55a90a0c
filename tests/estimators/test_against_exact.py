"""Every estimator of the table, forced on models for which it is sound, against enumeration or quadrature."""

import numpy as np
import pytest
from expectations import CASES, Case

from ppl.api import compile, estimators_of
from ppl.graph.graph import unknowns
from ppl.rewrite.estimators import ESTIMATORS

DRAWS, AT_ONCE = 1 << 18, 1 << 14
PAIRS = [pytest.param(c, e, id=f"{c.name}, {e}") for c in CASES for e in c.estimators]


def estimate(case: Case, estimator: str, theta: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The parameters, the mean of the estimator and its standard error."""
    model = compile(case.text, estimators={case.unknown: estimator})
    assert estimators_of(model.graph)[case.unknown] == estimator
    p = model.objective(case.data or None)
    theta = p.start if theta is None else theta
    rng, rows = np.random.default_rng(3), []
    for _ in range(0, DRAWS, AT_ONCE):
        rows.append(p.estimate(np.repeat(theta[None], AT_ONCE, axis=0), rng.random((AT_ONCE, p.noise)))[1])
    every = np.concatenate(rows)
    return theta, every.mean(axis=0), every.std(axis=0) / np.sqrt(len(every))


@pytest.mark.parametrize(("case", "estimator"), PAIRS)
def test_the_mean_is_the_gradient(case: Case, estimator: str) -> None:
    theta, mean, se = estimate(case, estimator)
    exact = case.gradient(theta)
    assert np.all(np.abs(mean - exact) <= 4.5 * se + 1e-6 * (1 + np.abs(exact))), (mean, exact, se)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_the_value_is_the_expectation(case: Case) -> None:
    p = compile(case.text).objective(case.data or None)
    e = np.random.default_rng(4).random((AT_ONCE, p.noise))
    values = p.estimate(np.repeat(p.start[None], AT_ONCE, axis=0), e)[0]
    weights = p.log_weight(np.repeat(p.start[None], AT_ONCE, axis=0), e)
    for found in (values, weights):
        assert abs(found.mean() - case.value(p.start)) < 4.5 * found.std() / np.sqrt(AT_ONCE) + 1e-9


def test_sums_have_no_noise() -> None:
    """Where every level is summed the estimate is the gradient, whatever the draws."""
    case = next(c for c in CASES if c.name == "bits apart")
    theta, mean, se = estimate(case, "exact")
    assert se.max() < 1e-12 and np.allclose(mean, case.gradient(theta), rtol=0, atol=1e-8)


def test_every_estimator_is_tried() -> None:
    assert {r.name for r in ESTIMATORS} == {e for c in CASES for e in c.estimators}


def test_scores_without_a_baseline_have_the_same_mean() -> None:
    case = next(c for c in CASES if c.name == "bits coupled")
    text = case.text.replace("  z[row] ~ Bernoulli(logit", '  @score(baseline="none")\n  z[row] ~ Bernoulli(logit')
    p = compile(text).objective(case.data)
    rng, theta = np.random.default_rng(5), p.start
    rows = p.estimate(np.repeat(theta[None], 1 << 17, axis=0), rng.random((1 << 17, p.noise)))[1]
    plain = rows.std(axis=0) / np.sqrt(len(rows))
    _, _, centred = estimate(case, "score")
    assert np.all(np.abs(rows.mean(axis=0) - case.gradient(theta)) < 4.5 * plain)
    assert np.all(plain * np.sqrt(len(rows)) > 1.2 * centred * np.sqrt(DRAWS))


def test_a_relaxation_is_said_to_be_biased_and_is() -> None:
    case = next(c for c in CASES if c.name == "three levels")
    model = compile(case.text, estimators={"z": "relax"})
    (z,) = (n for n in unknowns(model.graph) if n.name == "z")
    assert z.plan is not None and "biased" in z.plan.biased
    assert [w.code for w in model.warnings if w.code == "W140"]
    theta, mean, se = estimate(case, "relax")
    assert np.abs((mean - case.gradient(theta)) / se).max() > 6

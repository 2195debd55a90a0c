"""Levels of new rows whose outcomes are known, against the posterior of levels by hand in every draw of the rest."""

import numpy as np
import pytest
from scipy.stats import norm, poisson

from ppl import api
from ppl.results.fit import Fit
from ppl.results.quantity import Probabilities, Quantity

MIXTURE = """
axis k = 2
data { y: real }
model {
  w[k] ~ Dirichlet(1)
  m[k] ~ Ordered(Normal(0, 3))
  z[row] ~ Categorical(w)
  y ~ Normal(m[z], 1)
  mean = m[z]
}
predict {
  group = z
  again[row] ~ Normal(mean, 0.1)
}
"""
RNG = np.random.default_rng(0)
Y = np.where(RNG.random(200) < 0.3, -1.5, 1.5) + RNG.normal(size=200)
NEW = np.array([-3.0, 0.2, 2.5])


@pytest.fixture(scope="module")
def mixture() -> Fit:
    return api.compile(MIXTURE).fit({"y": Y}, draws=2000)


def draws(fit: object, name: str) -> np.ndarray:
    found = fit[name]  # type: ignore[index]
    assert isinstance(found, Quantity)
    return found.draws


def shares(fit: Fit, y: float) -> np.ndarray:
    """(draws, k) p(z | y) in every draw."""
    p = draws(fit, "w") * norm.pdf(y, draws(fit, "m"), 1)
    return p / p.sum(axis=1, keepdims=True)


def test_levels_come_from_their_posterior_given_the_outcome(mixture: Fit) -> None:
    found = mixture.predict({"y": NEW})
    group, mean, again = found["group"], draws(found, "mean"), draws(found, "again")
    assert isinstance(group, Probabilities)
    for i, y in enumerate(NEW):
        expected = shares(mixture, y)
        np.testing.assert_allclose(group.prob[i], expected.mean(axis=0), atol=0.03)
        exact = (expected * draws(mixture, "m")).sum(axis=1).mean()
        assert mean[:, i].mean() == pytest.approx(exact, abs=0.08)
        # what is simulated from the level goes by the same draw of it
        assert np.abs(again[:, i] - mean[:, i]).max() < 0.6


def test_the_outcome_is_predicted_without_looking_at_it(mixture: Fit) -> None:
    seen, unseen = (draws(mixture.predict(data), "y") for data in ({"y": NEW}, {"y": [np.nan] * 3}))
    weights = draws(mixture, "w").mean(axis=0)
    exact = (draws(mixture, "w") * draws(mixture, "m")).sum(axis=1).mean()
    for y in (seen, unseen):
        np.testing.assert_allclose(y.mean(axis=0), exact, atol=0.2)
        np.testing.assert_allclose((y < 0).mean(axis=0), weights[0], atol=0.1)


def test_rows_without_an_outcome_keep_the_prior(mixture: Fit) -> None:
    group = mixture.predict({"y": [np.nan, 3.0]})["group"]
    assert isinstance(group, Probabilities)
    np.testing.assert_allclose(group.prob[0], draws(mixture, "w").mean(axis=0), atol=0.03)
    assert group.prob[1][1] > 0.98


TWO = """
axis k = 3
data { y: real
 n: int >= 0 }
model {
  p[k] ~ Dirichlet(2)
  c[k] ~ Beta(2, 2)
  r[k] ~ Gamma(8, 2)
  z[row] ~ Categorical(p)
  b[row] ~ Bernoulli(c[z])
  y ~ Normal(if b then 1 else -1, 1)
  n ~ Poisson(r[z])
  share = c[z]
  group = z
  up = b
}
"""


def test_two_levels_of_a_row_are_drawn_together() -> None:
    fit = api.compile(TWO).fit({"y": [0.5, -0.5, 1.0, 0.0], "n": [2, 5, 1, 3]}, draws=3000)
    new = [(0.7, 6), (-2.0, 1)]
    found = fit.predict({"y": [y for y, _ in new], "n": [n for _, n in new]})
    p, c, r = (draws(fit, name) for name in ("p", "c", "r"))
    for i, (y, n) in enumerate(new):
        joint = np.stack([(1 - c) * norm.pdf(y, -1, 1), c * norm.pdf(y, 1, 1)], axis=2)
        joint = joint * (p * poisson.pmf(n, r))[..., None]
        joint /= joint.sum(axis=(1, 2), keepdims=True)
        group, up = found["group"], found["up"]
        assert isinstance(group, Probabilities) and isinstance(up, Probabilities)
        np.testing.assert_allclose(group.prob[i], joint.sum(axis=2).mean(axis=0), atol=0.035)
        np.testing.assert_allclose(up.prob[i][-1], joint.sum(axis=1).mean(axis=0)[1], atol=0.035)
        share = (joint.sum(axis=2) * c).sum(axis=1).mean()
        assert draws(found, "share")[:, i].mean() == pytest.approx(share, abs=0.03)


TIED = """
data { y: real }
model {
  m ~ Normal(0, 1)
  z[row] ~ Bernoulli(0.3)
  u[row] ~ Normal(if z then 3 else -3, 0.5)
  y ~ Normal(u + m, 1)
  on = z
}
"""


def test_levels_that_move_other_unknowns_of_a_row_keep_the_prior() -> None:
    found = api.compile(TIED).fit({"y": [3.0, -3.0, -2.5]}, draws=2000).predict({"y": [3.0]})["on"]
    assert isinstance(found, Probabilities)
    assert found.prob[0][-1] == pytest.approx(0.3, abs=0.05)

"""Every two draws of a program are made of different uniform numbers, and come out independent."""

from itertools import combinations

import numpy as np

from ppl.api import compile, estimators_of

# No unknown depends on another in the guide; the model ties them together so that each has its estimator for a reason.
TEXT = """
axis t = 3
axis k = 3
axis many = 30
data {
  y: real
}
model {
  smooth ~ Normal(0, 1)
  tail ~ StudentT(5, 0, 1)
  gamma ~ Gamma(2, 1)
  beta ~ Beta(2, 2)
  angle ~ VonMises(0, 1)
  weibull ~ Weibull(2, 1)
  laplace ~ Laplace(0, 1)
  split ~ Normal(0, 1)
  crossing[t] ~ Normal(0, 1)
  weak ~ Normal(0, 1)
  scored ~ Normal(0, 1)
  listed[row] ~ Bernoulli(0.4)
  local[t] ~ Bernoulli(0.4)
  mirrored[t] ~ Bernoulli(0.5)
  few ~ Categorical(uniform(k))
  largest ~ Categorical(uniform(many))
  count ~ Poisson(2)
  count2 ~ NegBinomial(3, 2)
  w = (if split > 0.2 then 1 else 0) + (if weak > 0.1 then 0.5 else 0) + (if scored > 0 then 0.3 else 0)
  bits = sum(local) + sum(mirrored) + 0.1 * count + 0.1 * count2
  for i in t {
    c[i] = if crossing[i] > 0.3 then 1 else 0
  }
  y ~ Normal(smooth + w + 0.2 * listed + 0.1 * bits + 0.1 * mean(c) + 0.1 * gamma + 0.1 * beta + 0.1 * angle, 1)
  observe 0.3 ~ Normal(tail + weibull + laplace + (if few == 2 then 1 else 0) + (if largest == 3 then 1 else 0), 2)
}
guide {
  param m = 0.1
  smooth ~ Normal(m, 1)
  tail ~ StudentT(5, m, 1)
  gamma ~ Gamma(exp(m), 1)
  beta ~ Beta(2, 2)
  angle ~ VonMises(m, 1)
  weibull ~ Weibull(2, 1)
  laplace ~ Laplace(m, 1)
  split ~ Normal(m, 1)
  crossing[t] ~ Normal(m, 1)
  weak ~ Normal(m, 1)
  scored ~ Normal(m, 1)
  listed[row] ~ Bernoulli(logit=m)
  local[t] ~ Bernoulli(logit=m)
  mirrored[t] ~ Bernoulli(logit=m)
  few ~ Categorical(uniform(k))
  largest ~ Categorical(uniform(many))
  count ~ Poisson(exp(m))
  count2 ~ NegBinomial(exp(m), 2)
}
"""
WANTED = {
    "split": "stratified", "crossing": "boundary", "weak": "measure", "scored": "score", "local": "local",
    "mirrored": "disarm", "smooth": "reparam", "gamma": "implicit",
}  # fmt: skip
DATA = {"y": [0.3, -0.2]}
ROWS = 1 << 16


def test_the_draws_are_independent() -> None:
    model = compile(TEXT, estimators=WANTED)
    found = estimators_of(model.graph)
    assert {k: found[k] for k in WANTED} == WANTED
    p = model.objective(DATA)
    keys = [n.key for n in p.emitted.noises]
    assert len(set(keys)) == len(keys)
    assert {k.split(".")[0] for k in keys} == set(found)
    draws = p.constrained(np.random.default_rng(1).random((ROWS, p.noise)), p.start)
    columns = {}
    for name in found:
        value = np.asarray(draws[name], float).reshape(ROWS, -1)
        for i in range(value.shape[1]):
            columns[f"{name}[{i}]"] = (value[:, i] - value[:, i].mean()) / value[:, i].std()
    assert len(columns) == 25
    pairs = list(combinations(columns, 2))
    z = np.array([np.sqrt(ROWS) * np.mean(columns[a] * columns[b]) for a, b in pairs])
    worst = pairs[int(np.argmax(np.abs(z)))]
    assert np.abs(z).max() < 5.0, worst


def test_every_number_is_used_by_one_draw() -> None:
    """Changing one uniform number changes one draw at most."""
    p = compile(TEXT, estimators=WANTED).objective(DATA)
    e = np.random.default_rng(2).random((p.noise + 1, p.noise)) * 0 + np.random.default_rng(3).random(p.noise)
    for i in range(p.noise):
        e[i + 1, i] = (e[i + 1, i] + 0.5) % 1.0
    draws = p.constrained(e, p.start)
    moved = np.zeros(p.noise, int)
    for name in estimators_of(compile(TEXT, estimators=WANTED).graph):
        value = np.asarray(draws[name], float).reshape(len(e), -1)
        moved += (value[1:] != value[:1]).sum(axis=1)
    assert moved.max() == 1

"""Minibatches of rows that each have a discrete unknown, averaged over its levels under the guide."""

import numpy as np

from ppl.api import compile

TEXT = """
axis side = ["low", "high"]
data {
  y: real
}
param gap: real > 0 = 1
net classify(y) -> logits[side] {
  logits = dense(y, side)
}
model {
  z[row] ~ Categorical(uniform(side))
  y ~ Normal(if z == "high" then gap else -gap, 1)
}
guide {
  z[row] ~ Categorical(logits=classify(y))
}
"""


def test_minibatches_find_what_all_rows_say() -> None:
    """The right guide is the logistic function of 2 gap y: its bound is the evidence, and the gap its maximum."""
    rng = np.random.default_rng(2)
    y = rng.normal(np.where(rng.random(300) < 0.5, 2.0, -2.0), 1)
    fit = compile(TEXT).fit({"y": y}, batch=60, steps=1500, seed=1)
    gap = np.linspace(1, 3, 2001)
    evidence = np.logaddexp(-0.5 * (y[:, None] - gap) ** 2, -0.5 * (y[:, None] + gap) ** 2).sum(axis=0)
    assert abs(float(np.asarray(fit.params["gap"].value)) - gap[evidence.argmax()]) < 0.03
    best = evidence.max() - 300 * (np.log(2) + 0.5 * np.log(2 * np.pi))
    assert best - 1.5 < fit.evidence.elbo < best + 0.01

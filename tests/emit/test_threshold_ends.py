"""Thresholds at, and beyond, the ends of what an unknown can be: where its coordinate would be infinite."""

import numpy as np
import pytest
from scipy.special import expit, log_expit
from scipy.stats import norm

from ppl.api import compile

CUTS = np.array([3.0, 4.5, 7.0, 7.3, 8.0])
ENDS = {"at the ends": (3.0, 8.0), "beyond them": (3.5, 7.2), "at an end that is no power of two": (3.0, 7.3)}
MODEL = """
data {{
  c: real
  y: real
}}
model {{
  x ~ Uniform({}, {})
  y ~ Normal(if c < x then 1 else -0.5, 1)
}}
"""


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
def test_strata_at_the_ends_are_finite_and_right(ends: tuple[float, float]) -> None:
    y = np.array([0.3, -1.0, 0.8, 0.1, 2.0])
    low, high = ends
    model = compile(MODEL.format(low, high), estimators={"x": "stratified"})
    p = model.objective({"c": CUTS, "y": y})
    w = p.start.copy()
    w[p.slots["x.loc"]], w[p.slots["x.log_sd"]] = 0.3, -0.4

    def exact(theta: np.ndarray) -> float:
        m, s = theta[p.slots["x.loc"]][0], np.exp(theta[p.slots["x.log_sd"]][0])
        nodes = np.linspace(m - 9 * s, m + 9 * s, 400_001)
        x = low + (high - low) * expit(nodes)
        f = norm.logpdf(y, np.where(x[:, None] > CUTS, 1, -0.5)).sum(axis=1)
        f += log_expit(nodes) + log_expit(-nodes) - norm.logpdf(nodes, m, s)
        return float(np.sum(f * norm.pdf(nodes, m, s)) * (nodes[1] - nodes[0]))

    e = np.random.default_rng(1).random((4096, p.noise))
    values, rows = p.estimate(np.repeat(w[None], len(e), axis=0), e)
    assert np.isfinite(values).all() and np.isfinite(rows).all()
    assert abs(values.mean() - exact(w)) < 5 * values.std() / 64 + 1e-4
    for i in range(2):
        step = 0.02 * np.eye(2)[i]
        slope = (exact(w + step) - exact(w - step)) / 0.04
        assert abs(rows[:, i].mean() - slope) < 5 * rows[:, i].std() / 64 + 2e-3

"""Draws from truncated mixtures and truncated inflated counts in a guide: their gradient estimates are unbiased."""

import json
from pathlib import Path

import pytest
from commands import ppl

CONTINUOUS = """axis k = 2

data {
  y: real
}

param a = 0.3
param b = 1

model {
  z ~ HalfNormal(2)
  y ~ Normal(z, 1)
}

guide {
  z ~ Truncated(Mixture(uniform(k), Normal([0.5 + a, 2 * a], exp(0.2 * b))), lower=0)
}
"""
COUNTS = """data {
  y: real
}

param a = 0.3
param b = 0.2

model {
  z ~ Poisson(2)
  y ~ Normal(z, 1)
}

guide {
  @score
  z ~ Truncated(ZeroInflated(sigmoid(a), Poisson(exp(b))), upper=6)
}
"""


@pytest.mark.parametrize(("text", "estimator"), [(CONTINUOUS, "implicit"), (COUNTS, "score")])
def test_gradients_through_cut_draws_are_unbiased(text: str, estimator: str, tmp_path: Path) -> None:
    model, data = tmp_path / "m.ppl", tmp_path / "y.csv"
    model.write_text(text)
    data.write_text("y\n1.2\n0.7\n")
    done = ppl("check-grad", str(model), str(data), "--samples", "20000", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["verdict"] == "unbiased" and found["estimators"] == {"z": estimator}
    assert all(abs(p["z"]) < 4.5 and p["se"] < 0.1 for p in found["params"].values())

"""Published problems with exact answers: a hidden Markov model, a change point, two networks (sources in the file)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from enumerate_joint import program_of

REFERENCES: dict[str, Any] = json.loads((Path(__file__).parent / "references" / "discrete.json").read_text())
NOTHING = np.zeros((1, 0)), np.zeros(0)

EARTHQUAKES = """
axis state = 3
data {
  count: int >= 0
}
model {
  rate[state] = [13, 20, 30]
  for i in state {
    for j in state {
      move[i, j] = if i == j then 0.9 else 0.05
    }
  }
  for t in row {
    z[t] ~ if t == 1 then Categorical(uniform(state)) else Categorical(move[z[t - 1]])
  }
  count ~ Poisson(rate[z])
}
"""


def test_earthquakes() -> None:
    wanted = REFERENCES["earthquakes"]
    program = program_of(EARTHQUAKES, {"count": wanted["count"]})
    assert program.value(*NOTHING)[0] == pytest.approx(wanted["log_evidence"], abs=1e-7)
    np.testing.assert_allclose(program.marginals(*NOTHING)["z"][0], wanted["state_prob"], rtol=1e-8, atol=1e-12)


def test_the_most_probable_states_of_the_earthquakes() -> None:
    wanted = REFERENCES["earthquakes"]
    program = program_of(EARTHQUAKES, {"count": wanted["count"]})
    assert (program.best_paths(*NOTHING)["z"][0] + 1).tolist() == wanted["path"]


def test_drawn_states_of_the_earthquakes() -> None:
    wanted = REFERENCES["earthquakes"]
    program = program_of(EARTHQUAKES, {"count": wanted["count"]})
    draws = program.drawn_paths(np.zeros((4000, 0)), np.zeros(0), np.random.default_rng(1))["z"]
    shares = np.stack([(draws == k).mean(0) for k in range(3)], -1)
    p = np.array(wanted["state_prob"])
    assert np.all(np.abs(shares - p) <= 5 * np.sqrt(p * (1 - p) / 4000) + 1e-3)


def test_coal() -> None:
    """Both rates integrated by the trapezoid rule in their logarithms, where the integrand ends smoothly."""
    wanted = REFERENCES["coal"]
    program = program_of(
        "data {\n  year: int\n  n: int >= 0\n}\nmodel {\n  early ~ Exponential(1)\n  late ~ Exponential(1)\n"
        "  s ~ DiscreteUniform(1, 111)\n  n ~ Poisson(if year <= s then early else late)\n}\n",
        {"year": list(range(1, 112)), "n": wanted["disasters"]},
    )
    a, b = np.linspace(-0.2, 2.0, 221), np.linspace(-2.2, 1.9, 206)
    u = np.stack([g.ravel() for g in np.meshgrid(a, b, indexing="ij")], -1)
    logs, w = program.value(u, np.zeros(0)), np.zeros(0)
    weights = np.exp(logs - logs.max())
    evidence = np.log(weights.sum() * (a[1] - a[0]) * (b[1] - b[0])) + logs.max()
    assert evidence == pytest.approx(wanted["log_evidence"], abs=1e-6)
    keep = weights > 1e-9 * weights.sum()
    p = weights[keep] / weights[keep].sum()
    assert p @ program.constrained(u[keep], w)["early"] == pytest.approx(wanted["early_mean"], abs=1e-4)
    np.testing.assert_allclose(p @ program.marginals(u[keep], w)["s"], wanted["switch"], atol=1e-5)


NETWORKS = {
    "sprinkler": (
        ("cloudy", "0.5"),
        ("sprinkler", "if cloudy then 0.1 else 0.5"),
        ("rain", "if cloudy then 0.8 else 0.2"),
        ("wet", "if sprinkler and rain then 0.99 else if sprinkler or rain then 0.9 else 0"),
    ),
    "asia": (
        ("asia", "0.01"),
        ("tub", "if asia then 0.05 else 0.01"),
        ("smoke", "0.5"),
        ("lung", "if smoke then 0.1 else 0.01"),
        ("bronc", "if smoke then 0.6 else 0.3"),
        ("either", "tub or lung"),
        ("xray", "if either then 0.98 else 0.05"),
        ("dysp", "if either then (if bronc then 0.9 else 0.7) else if bronc then 0.8 else 0.1"),
    ),
}
QUERIES = [(name, i) for name in NETWORKS for i in range(len(REFERENCES["networks"][name]))]


@pytest.mark.parametrize(("name", "i"), QUERIES)
def test_networks(name: str, i: int) -> None:
    query = REFERENCES["networks"][name][i]
    seen = {k: bool(v) for k, v in query["evidence"].items()}
    lines = [
        f"  {z} = {p}" if z == "either" else f"  {z}{'' if z in seen else '[row]'} ~ Bernoulli({p})"
        for z, p in NETWORKS[name]
    ]
    columns = "".join(f"  {z}: bool\n" for z in seen)
    program = program_of(
        f"data {{\n  x: real\n{columns}}}\nmodel {{\n  x ~ Uniform(0, 1)\n" + "\n".join(lines) + "\n}\n",
        {"x": [0.5], **{z: [v] for z, v in seen.items()}},
    )
    assert program.value(*NOTHING)[0] == pytest.approx(query["log_evidence"], abs=1e-8)
    found = program.marginals(*NOTHING)
    for z, p in query["prob_true"].items():
        assert found[z][0].ravel()[-1] == pytest.approx(p, rel=1e-8)

"""Fits of models with nets: what is learned, and how weights are shown."""

import json

import numpy as np
import pytest

from ppl.api import compile as compiled
from ppl.results.json import fit_json
from ppl.results.learned import params_lines
from ppl.results.table import Summary

RNG = np.random.default_rng(1)
X = np.linspace(-2, 2, 60)
DATA = {"x": X, "y": np.sin(2 * X) + 0.1 * RNG.normal(size=60)}
HEAD = "data {\n x: real\n y: real\n}\n"
REGRESSION = HEAD + "net f(x) -> m { m = mlp(x, [8], tanh) }\nparam s: real > 0 = 1\nmodel { y ~ Normal(f(x), s) }\n"
BAYES = (
    HEAD
    + "net f(x) -> m weights ~ Normal(0, 1.5) {\n h = dense(x, 6, tanh)\n m = dense(h)\n}\n"
    + "model {\n s ~ HalfNormal(1)\n mean = f(x)\n y ~ Normal(mean, s)\n}\n"
    + "guide { f.weights ~ MeanField(init_sd=0.05) }\n"
)


@pytest.fixture(scope="module")
def regression():
    return compiled(REGRESSION).fit(DATA, restarts=1, max_seconds=3)


@pytest.fixture(scope="module")
def bayes():
    return compiled(BAYES).fit(DATA, restarts=1, max_seconds=3)


def test_a_net_learns_a_curve(regression) -> None:
    w = {name: p.value for name, p in regression.params.items()}
    h = np.tanh(X[:, None] * w["f.m.W"] + w["f.m.b"])
    mean = h @ w["f.m.2.W"] + w["f.m.2.b"]
    assert np.sqrt(np.mean((mean - np.sin(2 * X)) ** 2)) < 0.08
    # the maximum likelihood estimate of a standard deviation is that of the residuals
    assert w["s"] == pytest.approx(np.sqrt(np.mean((DATA["y"] - mean) ** 2)), rel=0.02)


def test_a_bayesian_net_learns_a_curve(bayes) -> None:
    assert np.sqrt(np.mean((bayes["mean"].mean() - np.sin(2 * X)) ** 2)) < 0.08
    assert 0.06 < bayes["s"].mean() < 0.15


def test_weights_take_one_line_each(regression) -> None:
    lines = list(params_lines(regression.params, 80))
    at = next(i for i, line in enumerate(lines) if line.startswith("  weights "))
    assert [line.split()[0] for line in lines[at + 1 :]] == ["f.m.W[f.m]", "f.m.b[f.m]", "f.m.2.W[f.m]", "f.m.2.b"]
    assert lines[at + 1].split()[1:3] == ["8", "rms"]
    assert any(line.split()[:1] == ["s"] for line in lines[:at])


def test_weights_asked_for_are_all_shown(regression) -> None:
    lines = list(params_lines({"f.m.W": regression.params["f.m.W"]}, 80, limit=10**9))
    assert len(lines) == 2 + 1 + 8


def test_unknown_weights_are_counted(bayes) -> None:
    lines = Summary(bayes.quantities, {}).text(80).splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip().startswith("f.h.W"))
    assert "6 numbers" in lines[at + 1]


def test_json_has_all_weights(regression) -> None:
    found = json.loads(json.dumps(fit_json(regression)))
    assert np.shape(found["params"]["f.m.2.W"]) == (8,)

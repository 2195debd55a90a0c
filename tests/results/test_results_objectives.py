"""Learned parameters, objectives and bias in a fit, its file, its JSON and its text."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppl.api import Model, compile
from ppl.results.fit import Fit, is_posterior, load_fit
from ppl.results.json import fit_json
from ppl.results.learned import params_lines, reached
from ppl.results.record import Learned, Search
from ppl.results.verdict import header, outcome, trust_lines
from ppl.source.diagnostic import ModelError

GUIDED = """\
axis k = ["a", "b", "c"]
data { y: real }

model {
  m[k] ~ Normal(0, 1)
  y ~ Normal(m["a"], 1)
}

guide {
  param at[k] = 0
  param s: real > 0 = 1
  m[k] ~ Normal(at[k], s)
}
"""
DATA = {"y": [0.0, 1.0, 2.0]}
MINIMUM = "param m = 1\n\nmodel { z ~ Normal(m, 1) }\n\nminimize (z - 3)^2\n"
SEARCH = Search("minimum", 1.5, 0.01, "averaged steps", 900, 0.05, 16, ("m",), 3, {"m": 2.0, "s": float("nan")})


@pytest.fixture(scope="module")
def guided() -> Fit:
    return compile(GUIDED).fit(DATA, draws=400)


@pytest.fixture(scope="module")
def minimum() -> Fit:
    return compile(MINIMUM).fit(draws=400)


def test_parameters_have_labels_and_errors(guided: Fit) -> None:
    at = guided.params["at"]
    assert (at.axes, at.labels) == (("k",), (("a", "b", "c"),))
    # y has three rows with mean 1: the posterior mean of m["a"] is 3 / 4
    assert at.value == pytest.approx([0.75, 0.0, 0.0], abs=0.01)
    assert at.se.shape == (3,) and (at.se < 0.05).all()
    assert is_posterior(guided) and guided.guide.family == "guide"


def test_the_error_of_a_constrained_parameter_is_on_its_own_scale() -> None:
    model = compile(GUIDED)
    program, bound = model.bind(DATA)
    found = model.infer(program, bound, _options())
    assert found.optimum is not None
    theta = found.optimum.theta
    of = program.slots["s"]
    fit = model.report(program, bound, found, _options())
    s = fit.params["s"]
    assert float(s.value) == pytest.approx(float(np.exp(theta[of][0])), rel=1e-9)
    assert float(s.se) == pytest.approx(float(s.value) * found.optimum.error[of][0], rel=1e-6)


def _options() -> Any:
    from ppl.infer.approximation import Options

    return Options(draws=400)


def test_an_objective_is_given_back_as_it_was_written(minimum: Fit) -> None:
    assert not is_posterior(minimum) and minimum.search is not None
    assert minimum.search.aim == "minimum" and minimum.search.value == pytest.approx(1.0, abs=0.02)
    text = "\n".join([*header(minimum, 80), *outcome(minimum, 80), *trust_lines(minimum, 80)])
    for word in ("k-hat", "evidence", "ELBO", "guide:"):
        assert word not in text
    assert "no posterior" in text and "smallest value" in text and "fixed draws" in text


def test_the_file_has_parameters_and_the_search(guided: Fit, minimum: Fit, tmp_path: Path) -> None:
    for fit in (guided, minimum, replace(minimum, search=SEARCH)):
        fit.save(tmp_path / "f.npz")
        again = load_fit(tmp_path / "f.npz")
        assert list(again.params) == list(fit.params)
        for name, p in fit.params.items():
            q = again.params[name]
            assert (q.name, q.axes, q.labels) == (p.name, p.axes, p.labels)
            assert np.array_equal(q.value, p.value) and np.array_equal(q.se, p.se) and q.value.shape == p.value.shape
        assert again.search is not None and fit.search is not None
        for field in fields(Search):
            one, two = getattr(again.search, field.name), getattr(fit.search, field.name)
            assert repr(one) == repr(two), field.name


def test_a_file_from_before_objectives_still_loads(guided: Fit, tmp_path: Path) -> None:
    import zipfile

    guided.save(tmp_path / "f.npz")
    with zipfile.ZipFile(tmp_path / "f.npz") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    head = json.loads(parts["fit.json"])
    del head["params"], head["search"]
    with zipfile.ZipFile(tmp_path / "g.npz", "w") as archive:
        for name, content in {**parts, "fit.json": json.dumps(head).encode()}.items():
            archive.writestr(name, content)
    again = load_fit(tmp_path / "g.npz")
    assert again.params == {} and again.search is None and list(again) == list(guided)


def test_the_json_of_a_bound_and_of_an_objective(guided: Fit, minimum: Fit) -> None:
    bound, objective = fit_json(guided), fit_json(minimum)
    assert bound["objective"] is None and bound["elbo"]["value"] == guided.evidence.elbo
    assert bound["params"]["at"] == guided.params["at"].value.tolist() and len(bound["params_se"]["at"]) == 3
    assert set(bound["gradient_variance"]) == {"at", "s"}
    assert objective["elbo"] is None and objective["objective"]["aim"] == "minimum"
    noisy = fit_json(replace(minimum, search=SEARCH))
    assert noisy["gradient_variance"] == {"m": 2.0, "s": None} and noisy["method"] == "averaged steps"
    json.dumps(noisy, allow_nan=False)


def test_draws_that_were_left_out_are_reported(minimum: Fit) -> None:
    text = "\n".join(outcome(replace(minimum, search=SEARCH), 120))
    assert "averaged steps" in text and "3 draws not finite" in text


def test_the_block_of_parameters() -> None:
    labels = (tuple("abcdefghijklmnop"),)
    rate = Learned("rate", (), (), np.array(2.0), np.array(0.01))
    slope = Learned("slope", ("k",), labels, np.arange(16.0), np.full(16, np.nan))
    lines = list(params_lines({"rate": rate, "slope": slope}, 80))
    assert lines[0].startswith("  params ─") and lines[1].split() == ["value", "±", "MC", "error"]
    assert lines[2].split() == ["rate", "2.000", "0.01"]
    assert lines[3] == "  slope[k]" and lines[-1] == "    … 4 more" and len(lines) == 17
    assert list(params_lines({}, 80)) == []


@pytest.mark.parametrize(("value", "error", "text"), [(1.23456, 0.01, "1.235 ± 0.01"), (2.5, 0.0, "2.5")])
def test_what_was_reached(value: float, error: float, text: str) -> None:
    assert reached(replace(SEARCH, value=value, value_se=error)).startswith(f"smallest value {text}")


def test_a_drawn_unknown_keeps_its_estimator() -> None:
    text = "axis site = 30\nmodel {\n  b[site] ~ Bernoulli(0.3)\n  factor -0.1 * (sum(b) - 12)^2\n}\n"
    fit = compile(text).fit(draws=400, max_seconds=2.0)
    assert fit["b"].estimator == "local" and fit_json(fit)["unknowns"]["b"]["estimator"] == "local"


def test_an_objective_that_is_nowhere_finite_says_what_was_drawn() -> None:
    model: Model = compile("param m = 0\n\nmodel { z ~ Normal(m, 1) }\n\nminimize exp(exp(20 + z^2))\n")
    with pytest.raises(ModelError) as caught:
        model.fit(draws=100)
    [found] = caught.value.diagnostics
    assert found.code == "E701" and "z = " in found.lines[0] and "m = " in found.lines[0]


def test_parameters_without_a_fit_of_objectives() -> None:
    fit = compile("data { y: real }\nmodel {\n  m ~ Normal(0, 1)\n  y ~ Normal(m, 1)\n}\n").fit(DATA, draws=200)
    assert fit.params == {} and fit.search is None and fit_json(fit)["gradient_variance"] == {}

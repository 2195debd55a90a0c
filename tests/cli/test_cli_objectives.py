"""`check-grad`, `fit` with guides, parameters and objectives, `explain` and `graph` of them."""

import json
import re
from math import exp
from pathlib import Path

import pytest
from commands import MODELS, SCHOOLS, SCHOOLS_DATA, ppl

from ppl.results.fit import load_fit

SPNOR, SPNOR_DATA = str(MODELS / "spnor.ppl"), str(MODELS / "spnor.csv")
BERNOULLI = """\
data { y: real }

model {
  z ~ Bernoulli(0.5)
  y ~ Normal(if z then 1 else -2, 1)
}

guide {
  param l = 0.3
  z ~ Bernoulli(logit=l)
}
"""
TARGET = """\
axis k = ["a", "b", "c"]
axis j = 2
param m[k, j] = 0.5
param s: real > 0 = 2

model {
  z[j, k] ~ Normal(m[k, j], s)
}

minimize sum(sum((z - 3)^2, over=j), over=k) / 6 + 1 / s
"""
GUIDES = """\
data { y: real }

model {
  m ~ Normal(0, 1)
  y ~ Normal(m, 1)
}

guide narrow {
  param at = 0
  m ~ Normal(at, 0.5)
}

guide wide {
  param place = 0
  param width: real > 0 = 1
  m ~ Normal(place, width)
}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.csv").write_text("y\n0\n")
    return tmp_path


def written(folder: Path, text: str) -> str:
    (folder / "m.ppl").write_text(text, encoding="utf-8")
    return "m.ppl"


def unsafe() -> str:
    return Path(SPNOR).read_text().replace("  z2 ~ Normal(theta2", "  @unsafe_reparam\n  z2 ~ Normal(theta2")


# ---- check-grad ------------------------------------------------------------------------------------------------------


def test_spnor_is_unbiased_at_a_million_draws() -> None:
    result = ppl("check-grad", SPNOR, SPNOR_DATA, "--json")
    record = json.loads(result.stdout)
    assert result.exit_code == 0 and record["verdict"] == "unbiased" and record["samples"] >= 1_000_000
    theta2 = record["params"]["theta2"]
    assert set(theta2) == {"estimate", "se", "reference", "reference_se", "z", "variance"}
    assert abs(theta2["estimate"] - 0.36296) < 4 * theta2["se"]
    assert all(abs(p["z"]) < 4 for p in record["params"].values())


def test_a_path_that_is_insisted_on_is_biased(folder: Path) -> None:
    model = written(folder, unsafe())
    result = ppl("check-grad", model, SPNOR_DATA, "--samples", "100000")
    assert result.exit_code == 3 and result.stdout.splitlines()[-1].startswith("biased: the largest |z| is")
    assert "estimators: z1 reparam, z2 reparam" in result.stdout and "W140" in result.stderr
    record = json.loads(ppl("check-grad", model, SPNOR_DATA, "--samples", "100000", "--json").stdout)
    assert record["verdict"] == "biased" and abs(record["params"]["theta2"]["z"]) > 20
    assert [w["code"] for w in record["warnings"]] == ["W140"]


@pytest.mark.parametrize("estimator", ["exact", "score", "disarm"])
def test_the_gradient_through_a_branch_on_a_coin(folder: Path, estimator: str) -> None:
    model = written(folder, BERNOULLI)
    args = ("--estimator", f"z={estimator}", "--samples", "100000", "--json")
    record = json.loads(ppl("check-grad", model, "d.csv", *args).stdout)
    assert record["estimators"] == {"z": estimator} and record["verdict"] == "unbiased"
    coin, p = record["params"]["l"], 1 / (1 + exp(-0.3))
    exact = p * (1 - p) * (1.5 - 0.3)  # 0.2933
    assert abs(coin["estimate"] - exact) < 4 * coin["se"] + 1e-9
    assert (coin["variance"] == 0) == (estimator == "exact")


def test_gradients_are_of_the_objective_in_its_parameters_as_written(folder: Path) -> None:
    record = json.loads(ppl("check-grad", written(folder, TARGET), "--samples", "100000", "--json").stdout)
    m, s = record["params"]["m"], record["params"]["s"]
    assert [len(m["estimate"]), len(m["estimate"][0])] == [3, 2]
    assert m["estimate"][2][1] == pytest.approx(2 * (0.5 - 3) / 6, abs=4 * m["se"][2][1])
    assert s["estimate"] == pytest.approx(2 * 2 - 1 / 4, abs=4 * s["se"])
    assert list(record["params"]) == ["m", "s"]


def test_check_grad_of_an_automatic_guide() -> None:
    result = ppl("check-grad", str(MODELS / "if_branch.ppl"), str(MODELS / "if_branch.csv"), "--samples", "40000")
    assert result.exit_code == 0 and "z.loc" in result.stdout and "unbiased" in result.stdout


def test_check_grad_at_a_saved_fit(folder: Path) -> None:
    ppl("fit", SPNOR, SPNOR_DATA, "-o", "f.npz")
    record = json.loads(ppl("check-grad", SPNOR, SPNOR_DATA, "--at", "f.npz", "--samples", "100000", "--json").stdout)
    assert record["at"] == "the saved fit"
    assert all(abs(p["estimate"]) < 5 * p["se"] + 0.003 for p in record["params"].values())
    other = ppl("check-grad", written(folder, GUIDES), "d.csv", "--at", "f.npz")
    assert other.exit_code == 2 and "no parameters for `at`" in other.output


def test_check_grad_at_a_fit_of_the_deterministic_engine(folder: Path) -> None:
    ppl("fit", SCHOOLS, SCHOOLS_DATA, "-o", "f.npz", "--guide", "mean_field")
    result = ppl("check-grad", SCHOOLS, SCHOOLS_DATA, "--at", "f.npz", "--samples", "4096")
    assert result.exit_code == 0 and "at the saved fit" in result.stdout


# ---- fit -------------------------------------------------------------------------------------------------------------


def test_parameters_are_printed_and_saved(folder: Path) -> None:
    result = ppl("fit", SPNOR, SPNOR_DATA)
    assert "  params ─" in result.stdout and "fixed draws" in result.stdout
    assert "guide: the one in the file" in result.stdout and "2 parameters" in result.stdout
    fit = load_fit("spnor.fit.npz")
    assert [float(p.value) for p in fit.params.values()] == pytest.approx([1.5629, 2.1255], abs=0.02)
    assert "theta2" in ppl("summary", "spnor.fit.npz").stdout
    assert ppl("summary", "spnor.fit.npz", "theta1").stdout.count("theta") == 1
    assert (
        json.loads(ppl("summary", "spnor.fit.npz", "--json").stdout)["params"]["theta1"] == fit.params["theta1"].value
    )


def test_an_objective_has_no_posterior(folder: Path) -> None:
    model = written(folder, TARGET)
    result = ppl("fit", model)
    assert result.exit_code == 0 and "no posterior" in result.stdout
    assert "k-hat" not in result.stdout and "evidence" not in result.stdout and "ELBO" not in result.stdout
    assert "smallest value 1.8" in result.stdout and "m[k, j]" in result.stdout and "    b, 2" in result.stdout
    record = json.loads(ppl("fit", model, "--json").stdout)
    assert record["elbo"] is None and record["log_evidence"] is None
    best = 0.5 ** (1 / 3)
    assert record["objective"]["value"] == pytest.approx(best**2 + 1 / best, abs=5 * record["objective"]["se"])
    assert record["params"]["s"] == pytest.approx(best, abs=0.01)
    assert record["params"]["m"][2] == pytest.approx([3.0, 3.0], abs=0.01)
    assert set(record["gradient_variance"]) == {"m", "s"} and record["method"] == "fixed draws"


def test_a_maximum_is_reported_as_written(folder: Path) -> None:
    model = written(folder, "param m = 0\n\nmodel { z ~ Normal(m, 1) }\n\nmaximize 5 - (z - 3)^2\n")
    record = json.loads(ppl("fit", model, "--json").stdout)
    assert record["objective"]["value"] == pytest.approx(4.0, abs=0.05)
    result = ppl("fit", model, "-v")
    (value,) = re.findall(r"largest value ([\d.]+) ±", result.stdout)
    assert float(value) == pytest.approx(4.0, abs=0.05)
    assert re.search(r"value +(4\.0|3\.9)", result.stderr) and "ELBO" not in result.output


def test_guides_are_chosen_by_name(folder: Path) -> None:
    model = written(folder, GUIDES)
    first = json.loads(ppl("fit", model, "d.csv", "--json").stdout)
    assert first["guide"] == "narrow" and list(first["params"]) == ["at"]
    second = json.loads(ppl("fit", model, "d.csv", "--guide", "wide", "--json").stdout)
    assert second["guide"] == "wide" and second["params"]["width"] == pytest.approx(0.5**0.5, abs=0.01)
    for family, found in (("auto", "full_rank"), ("mean_field", "mean_field")):
        auto = json.loads(ppl("fit", model, "d.csv", "--guide", family, "--json").stdout)
        assert auto["guide"] == found and auto["params"] == {}


def test_a_guide_that_is_not_there(folder: Path) -> None:
    result = ppl("fit", written(folder, GUIDES), "d.csv", "--guide", "wied")
    assert result.exit_code == 1 and "E516" in result.output and "wide" in result.output


@pytest.mark.parametrize(
    ("asked", "code"), [("z2=reparam", "E513"), ("z2=exact", "E511"), ("z2=nothing", "E517"), ("z3=score", "E517")]
)
def test_estimators_that_are_not_sound_are_refused(folder: Path, asked: str, code: str) -> None:
    for verb in ("fit", "check-grad", "explain"):
        result = ppl(verb, SPNOR, SPNOR_DATA, "--estimator", asked)
        assert result.exit_code == 1 and code in result.output


def test_an_estimator_that_is_asked_for_is_used(folder: Path) -> None:
    record = json.loads(ppl("fit", SPNOR, SPNOR_DATA, "--estimator", "z2=score", "--time", "5s", "--json").stdout)
    assert record["unknowns"]["z2"]["estimator"] == "score" and record["method"] == "averaged steps"
    assert record["params"]["theta2"] == pytest.approx(2.1255, abs=0.1)


def test_bias_is_said_on_every_output(folder: Path) -> None:
    model = written(folder, unsafe())
    result = ppl("fit", model, SPNOR_DATA, "--time", "1s", "-o", "f.npz")
    assert "\nbiased  the gradient of `z2`" in result.stdout and "W140" in result.stderr
    assert [w.code for w in load_fit("f.npz").warnings] == ["W140"]
    assert "\nbiased  " in ppl("summary", "f.npz").stdout
    record = json.loads(ppl("fit", model, SPNOR_DATA, "--time", "1s", "--json").stdout)
    assert [w["code"] for w in record["warnings"]] == ["W140"]
    assert "BIASED" in ppl("explain", model).stdout and "(biased)" in ppl("graph", model).stdout


# ---- explain and graph -----------------------------------------------------------------------------------------------


def test_explain_lists_guide_parameters_and_alternatives() -> None:
    text = ppl("explain", SPNOR, "-v").stdout
    assert text.startswith("guide: the one in the file\n") and "theta1     –     real" in text
    assert "z2: also sound: boundary" in text
    record = json.loads(ppl("explain", SPNOR, "--json").stdout)
    z2 = record["unknowns"]["z2"]
    assert {"distribution", "axes", "estimator", "level", "reason", "where", "cost"} <= set(z2)
    assert (z2["estimator"], z2["level"], z2["cost"]) == ("stratified", "jump", None) and "score" in z2["others"]
    assert z2["where"]["line"] == 11 and record["params"]["theta1"] == {"axes": [], "range": "real"}


def test_explain_with_data_measures_every_sound_estimator() -> None:
    record = json.loads(ppl("explain", SPNOR, SPNOR_DATA, "--json").stdout)
    cost = record["unknowns"]["z2"]["cost"]
    assert next(iter(cost)) == "stratified" and set(cost) == {"stratified", *record["unknowns"]["z2"]["others"]}
    assert all(m["ms"] > 0 for m in cost.values())
    assert cost["score"]["variance"] > 5 * cost["stratified"]["variance"]
    text = ppl("explain", SPNOR, SPNOR_DATA, "--site", "z2").stdout
    assert "stratified *" in text and "variance × ms" in text and "z1" not in text.partition("measured")[2]


def test_explain_names_the_objective(folder: Path) -> None:
    text = ppl("explain", written(folder, TARGET)).stdout
    assert text.startswith("minimize: an expectation over the draws of the model\n")
    assert "s          –     > 0" in text and "m          k, j  real" in text


def test_graph_with_another_estimator() -> None:
    assert "z2: score" in ppl("graph", SPNOR, "--format", "dot", "--estimator", "z2=score").stdout

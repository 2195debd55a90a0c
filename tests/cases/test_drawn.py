"""Problems whose discrete unknowns or jumps are drawn, not summed out: what a fit reports against exact sums. See
README.md."""

import json
from functools import cache
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppl.api import load
from ppl.results.fit import Fit
from ppl.results.quantity import Probabilities, Quantity

HERE = Path(__file__).parent
MODELS = HERE.parents[1] / "models"
BOUNDED = ("influenza", "sigmoid_belief_net", "spike_and_slab", "temperature")
# A factorised guide takes one of many paths: correction cannot mend that, and the verdict says so.
TOO_SIMPLE = ("influenza", "temperature")


def reference(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text())


@cache
def fitted(name: str) -> Fit:
    data = MODELS / f"{name}.csv"
    return load(MODELS / f"{name}.ppl").fit(data if data.exists() else None)


def moments(name: str, unknown: str) -> tuple[float, float]:
    found = fitted(name)[unknown]
    assert isinstance(found, Quantity)
    return float(found.mean()), float(found.sd())


def chances(name: str, unknown: str) -> np.ndarray:
    found = fitted(name)[unknown]
    assert isinstance(found, Probabilities)
    return found.prob


@pytest.mark.parametrize("name", BOUNDED)
def test_bound_is_below_the_log_evidence(name: str) -> None:
    evidence = fitted(name).evidence
    assert evidence.elbo < reference(name)["log_evidence"] + 4 * evidence.elbo_se


@pytest.mark.parametrize("name", TOO_SIMPLE)
def test_guide_of_one_path_is_not_to_be_trusted(name: str) -> None:
    fit = fitted(name)
    assert reference(name)["log_evidence"] - fit.evidence.log_evidence > 1
    assert fit.trust.verdict == "bad"


def test_epidemic_of_the_first_months_is_found() -> None:
    """The regime is certain in the first three months, and each month reads the one before."""
    wanted = reference("influenza")["prob_f_positive"][:3]
    found = fitted("influenza")["f"]
    assert isinstance(found, Quantity)
    assert (found.draws[:, :3] > 0).mean(axis=0) == pytest.approx(np.array(wanted), abs=0.01)


def test_selected_predictors_are_those_of_the_sum_over_all_models() -> None:
    wanted, fit = reference("spike_and_slab"), fitted("spike_and_slab")
    assert fit.trust.verdict != "bad"
    assert fit.evidence.log_evidence == pytest.approx(wanted["log_evidence"], abs=0.05)
    assert chances("spike_and_slab", "included")[:, 1] == pytest.approx(np.array(wanted["included"]), abs=0.015)
    mean, sd = moments("spike_and_slab", "noise")
    assert abs(mean - wanted["noise"]["mean"]) < 0.1 * wanted["noise"]["sd"]
    assert sd == pytest.approx(wanted["noise"]["sd"], rel=0.1)


def test_competing_causes_are_fitted_loosely_and_the_verdict_says_so() -> None:
    """Factorised guides make the strength too certain; means are within half of a standard deviation."""
    wanted, fit = reference("sigmoid_belief_net"), fitted("sigmoid_belief_net")
    for unknown in ("bias", "strength"):
        mean, sd = moments("sigmoid_belief_net", unknown)
        assert abs(mean - wanted[unknown]["mean"]) < 0.5 * wanted[unknown]["sd"]
        assert sd < wanted[unknown]["sd"]
    assert fit.trust.verdict == "warn"


def test_walk_to_the_goal_has_its_exact_evidence() -> None:
    """Eight steps: four to the right reach the goal, three more stay there, and the last one is free. Each of the
    others costs log 2; the paths that turn round bring less than exp(-11) of the best."""
    evidence = fitted("corridor").evidence
    best = (4 * 1 - 4 * 0.1) / 0.1 - 7 * log(2)
    assert evidence.log_evidence == pytest.approx(best, abs=1e-3)
    assert chances("corridor", "a")[:7, 1] == pytest.approx(1, abs=1e-3)
    assert chances("corridor", "a")[7, 1] == pytest.approx(0.5, abs=0.05)

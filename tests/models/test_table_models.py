"""The models with several tables, imports, missing cells and groups: their data are those of the script, and what they
say of the truth in it is right."""

import runpy

import numpy as np
import pytest

from ppl.api import load
from ppl.results.fit import Fit
from tests.bundled import MODELS, data_of

SCRIPT = runpy.run_path(str(MODELS / "simulate_tables.py"))


@pytest.mark.parametrize("name", SCRIPT["DATA"])
def test_simulated_data_are_those_of_the_script(name: str) -> None:
    draw, seed = SCRIPT["DATA"][name]
    assert (MODELS / f"{name}.csv").read_text() == "\n".join(draw(np.random.default_rng(seed))) + "\n"


def fitted(name: str) -> Fit:
    return load(MODELS / f"{name}.ppl").fit(data_of(name), draws=1000, restarts=2)


def covers(fit: Fit, name: str, truth: float, **labels: str) -> bool:
    """Whether a truth is within three standard deviations of what was found."""
    found = fit[name].sel(**labels) if labels else fit[name]
    return bool(abs(found.mean() - truth) < 3 * found.sd())


def test_slopes_of_subjects_from_two_tables() -> None:
    fit = fitted("slopes_two_tables")
    assert covers(fit, "m", 250, coef="intercept") and covers(fit, "m", 10, coef="slope")
    assert covers(fit, "sd", 25, coef="intercept") and covers(fit, "sd", 6, coef="slope")
    assert covers(fit, "noise", 20) and covers(fit, "by_age", 0)
    assert fit["b"].axes[0] == "subjects" and fit["b"].labels[0][:2] == ("s1", "s2")
    assert fit.rows == 132 and fit.source == "slopes_subjects.csv, slopes_trials.csv"


def test_relapses_with_missing_ages() -> None:
    fit = fitted("relapse")
    assert covers(fit, "shape", 1.4) and covers(fit, "b_age", -0.02) and covers(fit, "age_mean", 52)
    assert covers(fit, "hazard_ratio", float(np.exp(-1.4 * 0.65)))
    rows = (MODELS / "relapse.csv").read_text().splitlines()[1:]
    assert fit["age"].labels[0] == tuple(f"row {i}" for i, row in enumerate(rows, 1) if row.split(",")[2] == "")
    assert fit.units["age"] == "years" and set(fit.imports) == {"lib/util.ppl"}


def test_votes_of_states_within_regions() -> None:
    fit = fitted("votes")
    assert covers(fit, "b_age", 0.4)
    assert covers(fit, "b_rep", 2) and covers(fit, "sd_region", 0.3) and covers(fit, "sd_state", 0.2)

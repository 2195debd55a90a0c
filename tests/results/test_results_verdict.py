"""The verdict in words: each kind of trouble gets the advice that fits it, and a good fit gets none."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppl.api import load
from ppl.infer.approximation import Mode
from ppl.infer.trust import judge
from ppl.results.fit import Fit
from ppl.results.verdict import header, omitted_lines, outcome, trust_lines

MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture(scope="module")
def good() -> Fit:
    return load(MODELS / "eight_schools.ppl").fit(MODELS / "eight_schools.csv", draws=1000)


def troubled(fit: Fit, family: str = "full_rank", **evidence: Any) -> Fit:
    found = replace(fit.evidence, **evidence)
    return replace(fit, evidence=found, trust=judge(found), guide=replace(fit.guide, family=family))


def advice(fit: Fit) -> list[str]:
    return [line.strip() for line in trust_lines(fit, 200) if "= try: " in line]


def test_a_good_fit_needs_no_advice(good: Fit) -> None:
    assert good.trust.verdict == "ok" and advice(good) == []
    assert len(trust_lines(good, 200)) == 1


def test_a_stiff_guide(good: Fit) -> None:
    [line] = advice(troubled(good, "mean_field", corrected=False, settled=True, khat=0.9, ess=60.0))
    assert "--guide auto" in line


def test_few_effective_draws(good: Fit) -> None:
    fit = troubled(good, corrected=True, ess=100.0)
    assert fit.trust.verdict == "warn" and any("--draws" in line for line in advice(fit))


def test_out_of_time(good: Fit) -> None:
    fit = replace(troubled(good, corrected=False, settled=False, khat=0.9), reason="out of time", converged=False)
    assert any("--time" in line for line in advice(fit)) and not any("intervals" in line for line in advice(fit))
    assert outcome(fit, 200)[0].startswith("not converged: out of time")


def test_modes_matter_by_their_mass(good: Fit) -> None:
    heavy, light = (Mode(np.zeros(10), mass, 5.0) for mass in (-0.5, -20.0))
    assert "1 other mode found" in outcome(troubled(good, modes=(heavy,), starts_agree=False), 200)[0]
    assert "other mode" not in outcome(troubled(good, modes=(light,), starts_agree=False), 200)[0]


@pytest.mark.parametrize(
    ("first", "evidence"),
    [
        ("settled, but not to be trusted", {"corrected": False, "khat": 1.5, "ess": 3.0}),
        ("settled on one of several modes", {"modes": (Mode(np.zeros(10), -0.5, 5.0),), "starts_agree": False}),
    ],
)
def test_a_fit_in_trouble_does_not_open_with_good_news(good: Fit, first: str, evidence: dict[str, Any]) -> None:
    text = " ".join(outcome(replace(troubled(good, **evidence), converged=True), 200))
    assert text.startswith(first) and "converged" not in text and "all starts agree" not in text


def test_what_is_left_out_of_the_table(good: Fit) -> None:
    assert omitted_lines(good, 80) == []
    assert omitted_lines(replace(good, omitted=("n",)), 200) == [
        "  not reported: n (it depends on unknowns that are summed out, or is too large)"
    ]
    lines = omitted_lines(replace(good, omitted=("n", "twice")), 50)
    assert " ".join(lines[0].split()).startswith("not reported: n, twice (they depend") and max(map(len, lines)) <= 50


def test_every_reason_is_given(good: Fit) -> None:
    fit = troubled(good, corrected=False, settled=False, khat=1.5, ess=3.0)
    text = " ".join(" ".join(trust_lines(fit, 60)).split())
    assert fit.trust.verdict == "bad" and all(" ".join(reason.split()) in text for reason in fit.trust.reasons)


def test_the_header_counts(good: Fit) -> None:
    assert header(good, 200) == [
        "eight_schools.ppl   8 rows · 3 unknowns (10 numbers) · all reparam · guide: modulated"
    ]
    assert "rows" not in header(replace(good, rows=0), 200)[0]

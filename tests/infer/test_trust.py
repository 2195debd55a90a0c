from dataclasses import replace

import autograd.numpy as anp
import numpy as np
import pytest
from targets import Written

from ppl.infer.approximation import Evidence, Mode, Options
from ppl.infer.engine import fit
from ppl.infer.trust import judge

GOOD = Evidence(
    elbo=-10.0,
    elbo_se=0.01,
    gap=0.0,
    gap_se=0.01,
    shift=0.0,
    scale=0.0,
    log_evidence=-9.99,
    log_evidence_se=0.01,
    khat=0.1,
    khat_limit=0.7,
    ess=3800.0,
    corrected=True,
    moment_error=0.02,
    starts_agree=True,
    modes=(),
    settled=True,
    draws=4000,
)
TWIN = Mode(np.zeros(1), -0.1, 30.0)
FAINT = Mode(np.zeros(1), -9.0, 30.0)
LIGHT, LIGHTER = (Mode(np.zeros(1), float(np.log(mass)), 30.0) for mass in (0.039, 0.022))


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "ok"),
        ({"modes": (FAINT,)}, "ok"),
        ({"modes": (TWIN,)}, "warn"),
        ({"modes": (LIGHT,)}, "ok"),
        ({"modes": (LIGHT, LIGHTER)}, "warn"),
        ({"ess": 300.0}, "warn"),
        ({"moment_error": 0.2}, "warn"),
        ({"tail": 0.5}, "warn"),
        ({"corrected": False, "khat": 0.8, "ess": 900.0}, "warn"),
        ({"corrected": False, "khat": 1.3, "ess": 40.0}, "bad"),
        ({"elbo": -np.inf}, "bad"),
    ],
)
def test_verdict(change, verdict):
    trust = judge(replace(GOOD, **change))
    assert trust.verdict == verdict
    assert bool(trust.reasons) == (verdict != "ok")
    assert all("{" not in reason for reason in trust.reasons)


def test_the_worst_reason_comes_first_and_what_it_implies_is_not_repeated():
    poor = judge(replace(GOOD, modes=(TWIN,), corrected=False, khat=1.3, ess=40.0))
    assert [reason[:9] for reason in poor.reasons] == ["the guide", "the poste"]
    assert "misses part" in poor.reasons[0]


def cauchy_under_a_wide_normal(y: float, sd: float) -> Written:
    """m ~ Cauchy(0, 1), y ~ Normal(m, sd): the prior's tails rule the variance."""
    return Written(1, lambda u, w: -anp.log1p(u[:, 0] ** 2) - 0.5 * ((y - u[:, 0]) / sd) ** 2)


def test_a_tail_that_no_draw_meets_is_warned_of():
    found = fit(cauchy_under_a_wide_normal(1.0, 100.0), Options())
    assert found.trust.verdict != "ok"
    assert found.evidence.tail > 1.0


def test_the_same_prior_with_informative_data_is_no_tail():
    found = fit(cauchy_under_a_wide_normal(1.0, 0.5), Options())
    assert found.trust.verdict == "ok"
    assert found.evidence.tail < 1e-6


def test_thousands_are_told_apart_and_commas_stay() -> None:
    trust = judge(replace(GOOD, corrected=False, khat=0.95, ess=1513.0))
    assert any("(k-hat 0.95, 1 513 effective draws)" in reason for reason in trust.reasons)

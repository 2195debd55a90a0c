"""What wider guides find where a guide does not draw."""

import numpy as np

from ppl.api import compile

HEAD = "data {\n  y: real\n}\n\nparam shift = 0\n\nmodel {\n  z ~ Normal(0, 3)\n"


def test_a_guide_on_one_of_two_modes_is_told() -> None:
    # z = 3 and z = -3 explain y = 9 alike, and a normal on one of them misses half of the mass: log 2 nats
    fit = compile(HEAD + "  y ~ Normal(z^2 + 0 * shift, 0.5)\n}\n").fit({"y": np.array([9.0])})
    assert 0.2 < fit.evidence.missed < np.log(2.0) + 0.1
    assert fit.trust.verdict != "ok"
    assert any("wider guides find" in reason for reason in fit.trust.reasons)


def test_nothing_is_missed_by_a_guide_that_fits() -> None:
    fit = compile(HEAD + "  y ~ Normal(z + shift, 1)\n}\n").fit({"y": np.array([0.3, 0.5])})
    assert fit.evidence.missed == 0.0
    assert fit.trust.verdict == "ok"

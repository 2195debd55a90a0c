"""Places of different parameters that make the same draws are one guide; places that make others are modes."""

import numpy as np

from ppl.api import compile, load
from tests.bundled import MODELS, data_of

TWO = """
model {
  x ~ Normal(0, 3)
  observe 4 ~ Normal(x^2, 0.5)
}
guide {
  param m = 0.1
  param s: real > 0 = 1
  x ~ Normal(m, s)
}
"""
MODES = "the posterior has more than one mode and the guide covers one of them"


def test_units_of_a_net_can_be_exchanged() -> None:
    """Nets that start elsewhere end with other weights, and say the same of every row."""
    fit = load(MODELS / "csis.ppl").fit(data_of("csis"))
    assert (fit.trust.verdict, fit.trust.reasons) == ("ok", ())


def test_two_modes_are_still_two() -> None:
    fit = compile(TWO).fit(seed=1)
    assert abs(abs(float(np.asarray(fit.quantities["x"].mean()))) - 2) < 0.1
    assert MODES in fit.trust.reasons

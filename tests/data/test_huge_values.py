"""Numbers near the ends of floating point are values like others: bound, and never an exception of ours."""

import pytest

from ppl.api import compile
from ppl.source.diagnostic import ModelError

MODEL = """
data { y: real
  x: real }
model {
  a ~ Normal(0, 10)
  b ~ Normal(0, 1)
  s ~ HalfNormal(1)
  y ~ Normal(a + b * x, s)
}
"""


@pytest.mark.parametrize("huge", [1e20, 1e160, 1e308, -1e308, 1e-320])
def test_a_fit_with_a_huge_cell_is_a_result_or_a_located_error(huge: float) -> None:
    model = compile(MODEL)
    try:
        fit = model.fit({"y": [1.0, 2.0, huge, 3.0], "x": [0.5, 1.0, 2.0, huge]}, max_seconds=2.0)
    except ModelError as problem:
        assert problem.diagnostics[0].code.startswith("E7")
    else:
        assert fit.trust.verdict in ("ok", "warn", "bad")

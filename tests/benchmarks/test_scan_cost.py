"""The benchmark of recursions: its loops by hand are those of the models, and a step costs a few operations."""

import runpy
from pathlib import Path
from typing import Any

import pytest

SCAN: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "scan" / "run.py"))


@pytest.mark.parametrize("case", SCAN["CASES"], ids=lambda c: c.name)
def test_a_recursion_costs_a_small_multiple_of_itself_by_hand(case: Any) -> None:
    found = SCAN["measure"](case, steps=300, repeats=3)
    assert found["difference"] < 1e-10
    # 1.3 to 3 on a quiet machine, with 1,000 steps
    assert found["ratio"] < 10

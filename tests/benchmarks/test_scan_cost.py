"""The benchmark of recursions: its loops by hand are those of the models."""

import runpy
from pathlib import Path
from typing import Any

import pytest

SCAN: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "scan" / "run.py"))


@pytest.mark.parametrize("case", SCAN["CASES"], ids=lambda c: c.name)
def test_the_loop_by_hand_gives_the_same_values(case: Any) -> None:
    found = SCAN["measure"](case, steps=300, repeats=1)
    assert found["difference"] < 1e-10
    assert found["ratio"] > 0

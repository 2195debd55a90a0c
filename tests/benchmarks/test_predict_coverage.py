"""A few of the data sets of `benchmarks/predict`: intervals for new rows hold about what they should."""

import importlib.util
import sys
from pathlib import Path

import numpy as np

PATH = Path(__file__).parents[2] / "benchmarks" / "predict" / "run.py"
SPEC = importlib.util.spec_from_file_location("predict_coverage_run", PATH)
assert SPEC is not None and SPEC.loader is not None
bench = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = bench
SPEC.loader.exec_module(bench)


def test_predictive_intervals_of_known_and_new_groups() -> None:
    """Of 24 and 12 intervals of 90 %, fewer than 17 and 7 hold with probability 0.003 at most."""
    found = list(bench.outcomes(3, 400))
    known, new = (np.concatenate([getattr(o, kind) for o in found]) for kind in ("known", "new"))
    assert known.size == 24 and known.sum() >= 17
    assert new.size == 12 and new.sum() >= 7
    assert all(0.0 <= r <= 1.0 for o in found for r in o.ranks.values())


def test_uneven_ranks_are_noticed() -> None:
    even = (np.arange(200) + 0.5) / 200
    assert bench.uniformity(even) > 0.99
    assert bench.uniformity(even**2) < 0.001

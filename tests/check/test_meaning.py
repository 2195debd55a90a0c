"""What models mean: the compiled log density against one written by hand, at random points."""

from typing import Any

import numpy as np
import pytest
from meanings import CASES, Case, Named

from ppl.api import compile

POINTS = 3


def jacobian(case: Case, v: Any) -> float:
    """log |dx / du| of the map from the whole line onto each unknown's support."""
    total = 0.0
    for name, (low, high) in case.limits.items():
        x = v[name]
        total += np.sum(np.log(x - low) if high == np.inf else np.log((x - low) * (high - x) / (high - low)))
    return total + sum(np.log(np.diff(v[name])).sum() for name in case.ordered)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_density_is_the_one_written_by_hand(case: Case) -> None:
    program, bound = compile(case.model).bind(case.data)
    u = np.random.default_rng(len(case.name)).normal(0, 0.7, (POINTS, program.dim))
    weights = np.zeros(program.weights)
    got, points = program.value(u, weights), program.constrained(u, weights)
    for i in range(POINTS):
        v = Named({name: values[i] for name, values in points.items()})
        np.testing.assert_allclose(got[i], case.density(v) + jacobian(case, v), rtol=1e-10, atol=1e-10)
    assert bound.rows or not case.data

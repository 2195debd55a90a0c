"""W160: whole numbers that may be names of groups."""

import pytest
from data_specs import column, spec

from ppl.data.bind import bind


@pytest.mark.parametrize(
    ("values", "is_slope", "found"),
    [
        ([1, 2, 3] * 5, True, True),
        ([0, 1, 2, 3] * 5, True, True),
        ([1, 2, 3] * 5, False, False),  # nothing is its slope
        ([0, 1] * 9, True, False),  # a dummy
        ([1, 2, 3] * 4, True, False),  # few rows
        ([1, 2, 4] * 5, True, False),  # doses
        ([2, 3, 4] * 5, True, False),  # counts
        (list(range(1, 8)) * 5, True, False),  # many values
    ],
)
def test_codes_are_doubted(values: list[int], is_slope: bool, found: bool) -> None:
    bound = bind(spec(column("arm", "int", multiplied=is_slope)), {"arm": values})
    assert [w.code for w in bound.warnings] == ["W160"] * found

"""The order of levels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.data.natural import natural_order


@pytest.mark.parametrize(
    "labels",
    [
        ("2", "10"),
        ("-3", "-2.5", "0", "1e1", "1000"),
        ("a2", "a10", "a10b2", "a10b10"),
        ("1a", "2", "10"),
        ("plot 1", "plot 2", "plot 11", "row 1"),
        ("", "a"),
        ("9" * 5000, "1" + "0" * 5000),
    ],
)
def test_numbers_inside_labels_count_as_numbers(labels: tuple[str, ...]) -> None:
    assert natural_order(reversed(labels)) == labels


@given(st.lists(st.text(max_size=8)))
def test_order_does_not_depend_on_the_order_given(labels: list[str]) -> None:
    assert natural_order(labels) == natural_order(reversed(labels))
    assert sorted(natural_order(labels)) == sorted(set(labels))


@given(st.lists(st.integers()))
def test_integers_are_ordered_by_value(numbers: list[int]) -> None:
    assert natural_order(map(str, numbers)) == tuple(map(str, sorted(set(numbers))))

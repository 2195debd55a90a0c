"""Intervals that hold every value of an expression: sums and products over an axis."""

from math import inf

import numpy as np
import pytest

from ppl.check.bounds import interval, multiplied
from ppl.check.core import Expr
from ppl.stdlib.intervals import Interval

POSITIVE, ATLEAST, ANY = Interval(0, inf, True, True), Interval(0, inf, False, True), Interval(-inf, inf, True, True)
NEGATIVE = Interval(-inf, 0, True, True)
KNOWN = {"p": POSITIVE, "n": ATLEAST, "r": ANY, "m": NEGATIVE}


def ref(name: str) -> Expr:
    return Expr("ref", (), (name,), ("k",))


@pytest.mark.parametrize(
    ("left", "right", "low", "low_open"),
    [
        ("p", "p", 0, True),
        ("p", "n", 0, False),
        ("n", "n", 0, False),
        ("m", "m", 0, True),
        ("p", "r", -inf, True),
        ("p", "m", -inf, True),
    ],
)
def test_a_product_of_vectors(left: str, right: str, low: float, low_open: bool) -> None:
    found = interval(Expr("dot", (ref(left), ref(right)), ("k",)), KNOWN.__getitem__)
    assert (found.low, found.low_open) == (low, low_open)


@pytest.mark.parametrize("op", ["sum", "mean", "cumsum", "prod", "min", "max"])
def test_positive_things_stay_positive(op: str) -> None:
    found = interval(Expr(op, (ref("p"),), ("k",)), KNOWN.__getitem__)
    assert found.low == 0 and found.low_open


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 1.0, Interval(0, 1, False, False)),
        (0.5, 2.0, Interval(0, inf, True, True)),
        (1.0, 2.0, Interval(1, inf, False, True)),
        (0.2, 0.5, Interval(0, 0.5, True, False)),
        (-1.0, 1.0, ANY),
        (0.0, inf, Interval(0, inf, False, True)),
    ],
)
def test_products_of_many(low: float, high: float, expected: Interval) -> None:
    assert multiplied(Interval(low, high)) == expected


def test_products_stay_within_their_bounds() -> None:
    rng = np.random.default_rng(0)
    for _ in range(500):
        low, high = np.sort(rng.choice([0, 0.3, 0.8, 1, 1.5, 4], size=2))
        found = multiplied(Interval(low, high))
        values = rng.choice([low, high, (low + high) / 2], size=rng.integers(1, 6)).prod()
        assert found.low <= values <= found.high
        assert values > found.low or not found.low_open

"""Interval arithmetic: what goes in gives what comes out, and the facts that the checker needs are proved."""

import math

import numpy as np
import pytest
from evaluate import function
from hypothesis import given, settings
from hypothesis import strategies as some

from ppl.stdlib.intervals import POSITIVE, REAL_LINE, RULES, UNIT_OPEN, Interval
from ppl.stdlib.primitives import PRIMITIVES

ENDS = some.one_of(
    some.sampled_from([-math.inf, -2.0, -1.0, 0.0, 0.5, 1.0, 3.0, math.inf]), some.floats(-50.0, 50.0)
).map(lambda x: x + 0.0)  # no -0.0
DOMAINS = {
    "log": (0.0, math.inf),
    "log_p": (0.0, math.inf),
    "sqrt": (0.0, math.inf),
    "log1p": (-1.0, math.inf),
    "logit": (0.0, 1.0),
    "log1mexp": (-math.inf, 0.0),
    "trigamma": (0.0, math.inf),
    "betainc": (0.01, 0.99),
    "betaincc": (0.01, 0.99),
    "gammainc": (0.01, math.inf),
    "gammaincc": (0.01, math.inf),
    "log_gammainc": (0.01, math.inf),
    "log_gammaincc": (0.01, math.inf),
    "stdtr": (0.01, math.inf),
    "mod": (0.01, math.inf),
}
SKIPPED = {"pow", "between", "and", "or", "not", "where", "log_if"}


@some.composite
def intervals(draw, domain=(-math.inf, math.inf)):
    low, high = sorted((max(min(draw(ENDS), domain[1]), domain[0]), max(min(draw(ENDS), domain[1]), domain[0])))
    if low == high and math.isinf(low):
        low, high = max(domain[0], -1.0), min(domain[1], 1.0)
    closed = low == high
    low_open = math.isinf(low) or (not closed and draw(some.booleans()))
    high_open = math.isinf(high) or (not closed and draw(some.booleans()))
    return Interval(low, high, low_open, high_open)


def member(draw, interval: Interval) -> float:
    low, high = max(interval.low, -600.0), min(interval.high, 600.0)
    x = draw(some.floats(low, high))
    inside = (x > interval.low or not interval.low_open) and (x < interval.high or not interval.high_open)
    return x if inside else 0.5 * (low + high)


def contains(interval: Interval, y: float) -> bool:
    """Up to rounding."""
    slack = 1e-9 * max(1.0, abs(y)) if math.isfinite(y) else 0.0
    return interval.low - slack <= y <= interval.high + slack


@pytest.mark.parametrize("op", [op for op in RULES if op not in SKIPPED])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=some.data())
def test_results_lie_inside(op, data):
    arity = PRIMITIVES[op].arity
    args = [data.draw(intervals(DOMAINS.get(op, (-math.inf, math.inf)))) for _ in range(arity)]
    xs = [np.float64(member(data.draw, a)) for a in args]
    with np.errstate(all="ignore"):
        y = float(function(op)(*xs))
    if not math.isnan(y):
        assert contains(RULES[op](*args), y), (args, xs, y)


@pytest.mark.parametrize("n", [-3.0, -2.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0])
@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=some.data())
def test_powers(n, data):
    a = data.draw(intervals())
    x = np.float64(member(data.draw, a))
    with np.errstate(all="ignore"):
        y = float(x**n)
    if math.isfinite(y):
        assert contains(RULES["pow"](a, Interval(n, n)), y)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=some.data())
def test_branches_are_joined(data):
    a, b = data.draw(intervals()), data.draw(intervals())
    joined = RULES["where"](Interval(0.0, 1.0), a, b)
    assert contains(joined, member(data.draw, a)) and contains(joined, member(data.draw, b))


def is_positive(i: Interval) -> bool:
    return i.low > 0 or (i.low == 0 and i.low_open)


def test_what_the_checker_must_prove():
    one, phi = Interval(1.0, 1.0), Interval(-1.0, 1.0, True, True)
    assert is_positive(RULES["sub"](one, RULES["square"](phi)))
    assert is_positive(RULES["sub"](one, RULES["pow"](phi, Interval(2.0, 2.0))))
    assert is_positive(RULES["exp"](REAL_LINE))
    assert is_positive(RULES["softplus"](REAL_LINE))
    assert is_positive(RULES["sqrt"](POSITIVE))
    assert is_positive(RULES["div"](one, POSITIVE))
    assert is_positive(RULES["mul"](POSITIVE, RULES["exp"](REAL_LINE)))
    assert is_positive(RULES["add"](RULES["square"](REAL_LINE), Interval(0.1, 0.1)))
    assert is_positive(RULES["pow"](POSITIVE, REAL_LINE))
    assert is_positive(RULES["where"](Interval(0.0, 1.0), POSITIVE, one))
    assert RULES["sigmoid"](REAL_LINE) == UNIT_OPEN
    wide = Interval(-900.0, 900.0)
    assert is_positive(RULES["sub"](one, RULES["square"](RULES["tanh"](wide))))
    assert is_positive(RULES["exp"](wide)) and is_positive(RULES["softplus"](wide)) and is_positive(RULES["ndtr"](wide))
    assert RULES["tanh"](REAL_LINE) == phi
    assert RULES["mul"](UNIT_OPEN, UNIT_OPEN) == UNIT_OPEN
    assert RULES["abs"](phi) == Interval(0.0, 1.0, False, True)


def test_what_it_must_not_prove():
    assert not is_positive(RULES["square"](REAL_LINE))
    assert not is_positive(RULES["sub"](POSITIVE, POSITIVE))
    assert not is_positive(RULES["div"](Interval(1.0, 1.0), REAL_LINE))
    assert not is_positive(RULES["relu"](Interval(-2.0, -1.0)))
    assert not is_positive(RULES["sqrt"](Interval(0.0, 1.0)))
    assert not is_positive(RULES["max2"](REAL_LINE, Interval(0.0, 0.0)))

"""Interval arithmetic with open ends: what the checker can prove about the range of an expression.

Ends are those of real arithmetic: a sigmoid lies strictly inside (0, 1) although its float may round to 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import atan, erf, erfc, exp, expm1, floor, inf, isinf, log, log1p, pi, sqrt, tanh


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers from `low` to `high`; an open end does not belong. Infinite ends are open."""

    low: float
    high: float
    low_open: bool = False
    high_open: bool = False


REAL_LINE = Interval(-inf, inf, True, True)
UNIT = Interval(0.0, 1.0, False, False)
UNIT_OPEN = Interval(0.0, 1.0, True, True)
POSITIVE = Interval(0.0, inf, True, True)
ZERO = Interval(0.0, 0.0)

Rule = Callable[..., Interval]
End = tuple[float, bool]


def _span(*ends: End) -> Interval:
    """The interval from the least to the greatest end; where several are equal, a closed one wins."""
    low, low_open = min(ends)
    high, negative_open = max((value, not is_open) for value, is_open in ends)
    return Interval(low, high, low_open or low == -inf, not negative_open or high == inf)


def _ends(a: Interval) -> tuple[End, End]:
    return (a.low, a.low_open), (a.high, a.high_open)


def join(*parts: Interval) -> Interval:
    """The smallest interval that holds all."""
    return _span(*(end for part in parts for end in _ends(part)))


def negate(a: Interval) -> Interval:
    return Interval(-a.high, -a.low, a.high_open, a.low_open)


def add(a: Interval, b: Interval) -> Interval:
    return Interval(a.low + b.low, a.high + b.high, a.low_open or b.low_open, a.high_open or b.high_open)


def subtract(a: Interval, b: Interval) -> Interval:
    return add(a, negate(b))


def _product(a: End, b: End) -> End:
    """A corner of a product: zero times an unbounded end is zero, and is reached if the zero is."""
    if a[0] == 0.0 or b[0] == 0.0:
        return 0.0, not ((a[0] == 0.0 and not a[1]) or (b[0] == 0.0 and not b[1]))
    return a[0] * b[0], a[1] or b[1]


def multiply(a: Interval, b: Interval) -> Interval:
    return _span(*(_product(p, q) for p in _ends(a) for q in _ends(b)))


def reciprocal(a: Interval) -> Interval:
    """1 / a. Zero as the least value gives infinity, which no open end excludes; otherwise it must be excluded."""
    if a.low < 0.0 < a.high or (a.high == 0.0 and not a.high_open):
        return REAL_LINE
    low = -inf if a.high == 0.0 else 1.0 / a.high
    high = inf if a.low == 0.0 else 1.0 / a.low
    return Interval(low, high, a.high_open or isinf(low), a.low_open or isinf(high))


def divide(a: Interval, b: Interval) -> Interval:
    return multiply(a, reciprocal(b))


def ratio0(a: Interval, b: Interval) -> Interval:
    return join(divide(a, b), ZERO) if a.low <= 0.0 <= a.high else divide(a, b)


def absolute(a: Interval) -> Interval:
    if a.low >= 0.0:
        return a
    if a.high <= 0.0:
        return negate(a)
    return _span((0.0, False), (-a.low, a.low_open), (a.high, a.high_open))


def square(a: Interval) -> Interval:
    b = absolute(a)
    return Interval(_power(b.low, 2.0), _power(b.high, 2.0), b.low_open, b.high_open)


def _power(x: float, n: float) -> float:
    try:
        return float(x**n)
    except OverflowError:
        return inf if x > 0 or n % 2 == 0 else -inf


def power(a: Interval, b: Interval) -> Interval:
    """a ** b: exactly for a fixed exponent; otherwise what is known of positive bases."""
    if b.low != b.high:
        return POSITIVE if a.low > 0.0 or (a.low == 0.0 and a.low_open) else REAL_LINE
    n = b.low
    if n < 0.0:
        return reciprocal(power(a, Interval(-n, -n)))
    if n == floor(n) and a.low < 0.0:
        return _even_power(a, n) if n % 2 == 0 else _odd_power(a, n)
    if a.low < 0.0:
        return REAL_LINE
    return Interval(_power(a.low, n), _power(a.high, n), a.low_open and n > 0, a.high_open and n > 0)


def _even_power(a: Interval, n: float) -> Interval:
    return power(absolute(a), Interval(n, n))


def _odd_power(a: Interval, n: float) -> Interval:
    return Interval(_power(a.low, n), _power(a.high, n), a.low_open, a.high_open)


def maximum(a: Interval, b: Interval) -> Interval:
    low = max((a.low, a.low_open), (b.low, b.low_open))
    high = max((a.high, not a.high_open), (b.high, not b.high_open))
    return Interval(low[0], high[0], low[1], not high[1])


def minimum(a: Interval, b: Interval) -> Interval:
    return negate(maximum(negate(a), negate(b)))


def modulo(a: Interval, b: Interval) -> Interval:
    return Interval(0.0, b.high, False, True) if b.low >= 0.0 else REAL_LINE


def _increasing(f: Callable[[float], float], low: float = -inf, high: float = inf) -> Rule:
    """The rule of a strictly increasing function on the arguments from `low` to `high`. It reaches its
    limits only at the limits, even where floats round to them."""

    def rule(a: Interval) -> Interval:
        start, end = min(max(a.low, low), high), max(min(a.high, high), low)
        bottom, top = f(start), f(end)
        below = start > low and bottom == f(low)
        above = end < high and top == f(high)
        return Interval(
            bottom,
            top,
            a.low_open or isinf(start) or isinf(bottom) or below,
            a.high_open or isinf(end) or isinf(top) or above,
        )

    return rule


def _within(interval: Interval) -> Rule:
    """The rule of a function that is only known to stay inside an interval."""
    return lambda *args: interval


def _exp(x: float) -> float:
    return exp(x) if x < 709.0 else inf


def _expm1(x: float) -> float:
    return expm1(x) if x < 709.0 else inf


def _log(x: float) -> float:
    return log(x) if x > 0.0 else -inf


def _log1p(x: float) -> float:
    return log1p(x) if x > -1.0 else -inf


def _softplus(x: float) -> float:
    return max(x, 0.0) + log1p(_exp(-abs(x)))


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + _exp(-x))


def _logit(p: float) -> float:
    return _log(p) - _log1p(-p)


def _ndtr(x: float) -> float:
    return 0.5 * erfc(-x / sqrt(2.0))


def _log_ndtr(x: float) -> float:
    return _log(_ndtr(x))


def _floor(x: float) -> float:
    return x if isinf(x) else float(floor(x))


def _logaddexp(a: Interval, b: Interval) -> Interval:
    """Increasing in both; log(e^a + e^a) = a + log 2 bounds it above, the larger of the two below."""
    top = maximum(a, b)
    return Interval(top.low, top.high + log(2.0), top.low_open, top.high_open)


def _rounded(a: Interval) -> Interval:
    return Interval(_floor(a.low), -_floor(-a.high), isinf(a.low), isinf(a.high))


def _decreasing_angle(a: Interval) -> Interval:
    """arctan(1 / a) in (0, pi)."""
    low, high = pi / 2 - atan(a.high), pi / 2 - atan(a.low)
    return Interval(low, high, a.high_open or isinf(a.high), a.low_open or isinf(a.low))


SIGNED_UNIT = Interval(-1.0, 1.0, False, False)
NEGATIVE = Interval(-inf, 0.0, True, False)
ONE_SIDED: dict[str, Rule] = {
    "exp": _increasing(_exp),
    "expm1": _increasing(_expm1),
    "log": _increasing(_log, low=0.0),
    "log_p": _increasing(_log, low=0.0),
    "log1p": _increasing(_log1p, low=-1.0),
    "sqrt": _increasing(sqrt, low=0.0),
    "sigmoid": _increasing(_sigmoid),
    "softplus": _increasing(_softplus),
    "log_sigmoid": _increasing(lambda x: -_softplus(-x)),
    "logit": _increasing(_logit, 0.0, 1.0),
    "tanh": _increasing(tanh),
    "atan": _increasing(atan),
    "erf": _increasing(erf),
    "ndtr": _increasing(_ndtr),
    "log_ndtr": _increasing(_log_ndtr),
    "relu": lambda a: Interval(
        max(a.low, 0.0), max(a.high, 0.0), a.low_open and a.low >= 0.0, a.high_open and a.high > 0.0
    ),
    "erfc": lambda a: negate(_increasing(lambda x: -erfc(x))(a)),
    "acot": _decreasing_angle,
}

RULES: dict[str, Rule] = {
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "div": divide,
    "neg": negate,
    "pow": power,
    "square": square,
    "ratio0": ratio0,
    "between": lambda a, b, c: join(a, b),
    "abs": absolute,
    "max2": maximum,
    "min2": minimum,
    "mod": modulo,
    "where": lambda c, a, b: join(a, b),
    "logaddexp": _logaddexp,
    "floor": _rounded,
    "ceil": _rounded,
    "round": _rounded,
    **ONE_SIDED,
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "is_int"), _within(UNIT)),
    **dict.fromkeys(("gammainc", "gammaincc", "betainc", "betaincc", "stdtr"), _within(UNIT)),
    **dict.fromkeys(("sin", "cos", "sign"), _within(SIGNED_UNIT)),
    **dict.fromkeys(("log1mexp", "log_if", "log_gammainc", "log_gammaincc"), _within(NEGATIVE)),
    **dict.fromkeys(("erfcx", "i0e"), _within(POSITIVE)),
    "trigamma": _within(POSITIVE),
    "log_i0": _within(Interval(0.0, inf, False, True)),
}

"""Bounds: an interval that holds every value of an expression."""

from collections.abc import Callable
from math import inf

from ppl.check.core import Expr
from ppl.stdlib.intervals import RULES, Interval
from ppl.stdlib.primitives import PRIMITIVES

REAL_LINE = Interval(float("-inf"), float("inf"), True, True)
COUNT = Interval(0.0, float("inf"), False, True)
UNIT = Interval(0.0, 1.0, True, True)
KEEPS = ("take", "takepos", "fix", "lag", "rename", "mean", "min", "max", "spread")


def interval(e: Expr, lookup: Callable[[str], Interval]) -> Interval:
    """The bounds of `e`, given the bounds of the names in it."""
    match e.op:
        case "lit":
            value = float(e.attrs[0])  # type: ignore[arg-type]
            return Interval(value, value, False, False)
        case "ref" | "bound":
            return lookup(str(e.attrs[0]))
        case "ode":
            return Interval(0.0, inf, True, True) if e.attrs[-1] else REAL_LINE
        case "pos" | "size":
            return Interval(1.0, float("inf"), False, True)
        case "softmax":
            return UNIT
        case "sd" | "var":
            return Interval(0.0, float("inf"), False, True)
        case "sum" | "cumsum":
            return summed(interval(e.args[0], lookup))
        case "dot":
            return summed(RULES["mul"](*(interval(a, lookup) for a in e.args)))
        case "prod":
            return multiplied(interval(e.args[0], lookup))
        case "vector":
            return hull(tuple(interval(a, lookup) for a in e.args))
        case "mul" if e.args[0] == e.args[1]:
            return RULES["square"](interval(e.args[0], lookup))
        case op if op in KEEPS:
            return interval(e.args[0], lookup)
        case op if op in RULES and op in PRIMITIVES:
            return RULES[op](*(interval(a, lookup) for a in e.args))
        case _:
            return REAL_LINE


def summed(each: Interval) -> Interval:
    """The bounds of a sum of any number of values within `each`."""
    low = each.low if each.low >= 0 else float("-inf")
    high = each.high if each.high <= 0 else float("inf")
    return Interval(low, high, each.low_open, each.high_open)


def multiplied(each: Interval) -> Interval:
    """The bounds of a product of any number of values within `each`."""
    if each.low < 0:
        return REAL_LINE
    low, low_open = (1.0, False) if each.low >= 1 else (0.0, each.low > 0 or each.low_open)
    return Interval(low, each.high, low_open, each.high_open) if each.high <= 1 else Interval(low, inf, low_open, True)


def hull(parts: tuple[Interval, ...]) -> Interval:
    """The smallest interval around all parts."""
    low = min(parts, key=lambda i: (i.low, i.low_open))
    high = max(parts, key=lambda i: (i.high, not i.high_open))
    return Interval(low.low, high.high, low.low_open, high.high_open)

"""Simplifications: what an operation is in terms of smaller ones. Every rule holds for every input.

A rule takes the maker of values and the arguments, and gives the simpler value, or None where it does not apply.
"""

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np

from ppl.emit.val import Val


class Maker(Protocol):
    """What a rule needs of the builder."""

    def apply(self, op: str, *args: Val) -> Val: ...

    def lit(self, value: float) -> Val: ...

    def add(self, a: Val, b: Val) -> Val: ...

    def sub(self, a: Val, b: Val) -> Val: ...

    def mul(self, a: Val, b: Val) -> Val: ...

    def neg(self, a: Val) -> Val: ...


def value_of(v: Val) -> float | None:
    return float(v.attrs[0]) if v.op == "lit" else None  # type: ignore[arg-type]


def fold(op: str, args: tuple[Val, ...]) -> float | None:
    """Arithmetic on literals, with the infinities and NaN of numpy."""
    numbers = [value_of(a) for a in args]
    if any(n is None for n in numbers) or op not in _ARITHMETIC:
        return None
    try:
        with np.errstate(all="ignore"):
            return float(_ARITHMETIC[op](*numbers))
    except (OverflowError, ValueError):
        return None


_ARITHMETIC: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": np.divide,
    "neg": lambda a: -a,
    "pow": np.power,
    "square": lambda a: a * a,
    "max2": max,
    "min2": min,
    "exp": math.exp,
    "log": math.log,
    "log1p": math.log1p,
    "sqrt": math.sqrt,
    "lgamma": math.lgamma,
}


def _add(b: Maker, x: Val, y: Val) -> Val | None:
    if value_of(x) == 0:
        return y
    if value_of(y) == 0:
        return x
    if y.op == "neg":
        return b.sub(x, y.args[0])
    if x.op == "neg":
        return b.sub(y, x.args[0])
    for one, other in ((x, y), (y, x)):
        rest, constant = _without_constant(b, one)
        if constant is not None and one.stage > 0:
            return b.add(b.add(rest, other), constant) if other.stage else b.add(b.add(constant, other), rest)
    if (x.stage, x.order) > (y.stage, y.order):
        return b.add(y, x)
    return None


def _without_constant(b: Maker, v: Val) -> tuple[Val, Val | None]:
    """A sum taken apart into what moves and one number known with the data: numbers meet at the outside, once."""
    if v.op == "add" and v.args[0].stage == 0 and not v.args[0].axes and v.args[1].stage > 0:
        return v.args[1], v.args[0]
    if v.op == "sub" and v.args[1].stage == 0 and not v.args[1].axes and v.args[0].stage > 0:
        return v.args[0], b.neg(v.args[1])
    return v, None


def _sub(b: Maker, x: Val, y: Val) -> Val | None:
    if value_of(y) == 0:
        return x
    if value_of(x) == 0:
        return b.neg(y)
    if y.op == "neg":
        return b.add(x, y.args[0])
    if x is y:
        return b.lit(0.0)
    rest, constant = _without_constant(b, x)
    if constant is not None:
        return b.sub(b.sub(rest, y), b.neg(constant)) if y.stage else b.sub(rest, b.sub(y, constant))
    return None


def _mul(b: Maker, x: Val, y: Val) -> Val | None:
    for one, other in ((x, y), (y, x)):
        number = value_of(one)
        if number == 0:
            return b.lit(0.0)
        if number == 1:
            return other
        if number == -1:
            return b.neg(other)
        if one.op == "neg":
            return b.neg(b.mul(one.args[0], other))
    if x is y:
        return b.apply("square", x)
    if x.stage == 0 and y.stage > 0 and y.op == "mul" and y.args[0].stage == 0:
        return b.mul(b.mul(x, y.args[0]), y.args[1])
    if (x.stage, x.order) > (y.stage, y.order):
        return b.mul(y, x)
    return None


def _div(b: Maker, x: Val, y: Val) -> Val | None:
    if value_of(y) == 1 or value_of(x) == 0:
        return x
    if x.op == "neg":
        return b.neg(b.apply("div", x.args[0], y))
    if x is y:
        return b.lit(1.0)
    if y.stage == 0 and x.stage > 0:
        return b.mul(b.apply("div", b.lit(1.0), y), x)
    return None


def _neg(b: Maker, x: Val) -> Val | None:
    if x.op == "neg":
        return x.args[0]
    if x.op == "sub":
        return b.sub(x.args[1], x.args[0])
    if x.op == "mul" and x.args[0].op == "lit":
        return b.mul(b.neg(x.args[0]), x.args[1])
    return None


def _unit(x: Val) -> Val | None:
    """The logit of a value that is the sigmoid of it: `between(0, 1, sigmoid(u))`."""
    is_unit = x.op == "between" and value_of(x.args[0]) == 0 and value_of(x.args[1]) == 1
    return x.args[2].args[0] if is_unit and x.args[2].op == "sigmoid" else None


def _log(b: Maker, x: Val) -> Val | None:
    if x.op == "exp":
        return x.args[0]
    logit = _unit(x)
    if logit is not None:
        return b.apply("log_sigmoid", logit)
    if x.op == "mul" and any(a.op == "exp" for a in x.args) and all(a.op == "exp" or a.stage == 0 for a in x.args):
        return b.add(b.apply("log", x.args[0]), b.apply("log", x.args[1]))
    return None


def _log1p(b: Maker, x: Val) -> Val | None:
    logit = _unit(x.args[0]) if x.op == "neg" else None
    return None if logit is None else b.apply("log_sigmoid", b.neg(logit))


def _xlogy(b: Maker, x: Val, y: Val) -> Val | None:
    """x log(c exp(u)) = x log c + x u, where x log c stays 0 for x = c = 0."""
    if x.stage > 0:
        return None
    if y.op == "mul" and _log(b, y) is not None:
        return b.add(b.apply("xlogy", x, y.args[0]), b.apply("xlogy", x, y.args[1]))
    simpler = _log(b, y)
    return None if simpler is None else b.mul(x, simpler)


def _xlog1py(b: Maker, x: Val, y: Val) -> Val | None:
    simpler = _log1p(b, y)
    return None if simpler is None or x.stage > 0 else b.mul(x, simpler)


def _square(b: Maker, x: Val) -> Val | None:
    return b.apply("square", x.args[0]) if x.op in ("neg", "abs") else None


def _pow(b: Maker, x: Val, y: Val) -> Val | None:
    exponent = value_of(y)
    simple = {1.0: lambda: x, 2.0: lambda: b.apply("square", x), 0.5: lambda: b.apply("sqrt", x)}
    if exponent in simple:
        return simple[exponent]()
    if exponent == 0:
        return b.lit(1.0)
    if exponent == -1:
        return b.apply("div", b.lit(1.0), x)
    return None


def _log_if(b: Maker, x: Val) -> Val | None:
    """A test of numbers that holds is no condition."""
    left, right = (value_of(a) for a in x.args) if x.op in ("ge", "le") else (None, None)
    if left is None or right is None:
        return None
    return b.lit(0.0) if (left >= right if x.op == "ge" else left <= right) else None


def _where(b: Maker, c: Val, x: Val, y: Val) -> Val | None:
    if x is y:
        return x
    truth = value_of(c)
    return None if truth is None else (x if truth else y)


SIMPLER: dict[str, Callable[..., "Val | None"]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "neg": _neg,
    "log": _log,
    "log_p": _log,
    "log1p": _log1p,
    "xlogy": _xlogy,
    "xlog1py": _xlog1py,
    "square": _square,
    "pow": _pow,
    "where": _where,
    "log_if": _log_if,
}

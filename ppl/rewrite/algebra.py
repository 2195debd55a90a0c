"""A normal form of elementwise expressions: polynomials in cells and in functions of normal forms.

Two expressions of one form are the same function wherever both are defined. Where forms differ nothing follows.
"""

import math
from collections.abc import Callable, Hashable, Mapping

from ppl.check.building import constant
from ppl.check.core import Expr
from ppl.rewrite.through import is_elementwise

Monomial = frozenset[tuple[Hashable, int]]
Form = frozenset[tuple[Monomial, float]]
Terms = Mapping[Monomial, float]

UNIT: Monomial = frozenset()
ZERO: Form = frozenset()
MOST = 400  # terms; larger products stay products
HIGHEST = 8
FOLDS: dict[str, Callable[[float], float]] = {
    "exp": math.exp, "expm1": math.expm1, "log": math.log, "log_p": math.log, "log1p": math.log1p, "sqrt": math.sqrt,
    "tanh": math.tanh, "sin": math.sin, "cos": math.cos, "atan": math.atan, "erf": math.erf, "lgamma": math.lgamma,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
}  # fmt: skip


def form(e: Expr) -> Form:
    """The normal form of an expression."""
    value = constant(e)
    if value is not None:
        return _constant(value)
    match e.op, e.args:
        case "add", (a, b):
            return _sum(form(a), form(b), 1.0)
        case "sub", (a, b):
            return _sum(form(a), form(b), -1.0)
        case "neg", (a,):
            return _sum(ZERO, form(a), -1.0)
        case "mul", (a, b):
            return _times(form(a), form(b))
        case "square", (a,):
            return _power(form(a), 2)
        case "pow", (a, Expr(op="lit", attrs=(n,))) if n in range(HIGHEST + 1):
            return _power(form(a), int(n))  # type: ignore[call-overload]
        case "div", (a, b):
            return _times(form(a), _reciprocal(form(b)))
        case "where", (_, a, b) if form(a) == form(b):
            return form(a)
        case op, (a,) if op in FOLDS:
            return _function(op, form(a))
        case _:
            return _cell((e.op, e.attrs, *(form(a) for a in e.args)) if is_elementwise(e) else e)


def _cell(key: Hashable) -> Form:
    return frozenset([(frozenset([(key, 1)]), 1.0)])


def _constant(value: float) -> Form:
    return frozenset([(UNIT, value)]) if value else ZERO


def _frozen(terms: Terms) -> Form:
    return frozenset((m, c) for m, c in terms.items() if c)


def _sum(a: Form, b: Form, weight: float) -> Form:
    terms = dict(a)
    for m, c in b:
        terms[m] = terms.get(m, 0.0) + weight * c
    return _frozen(terms)


def _times(a: Form, b: Form) -> Form:
    if len(a) * len(b) > MOST:
        return _cell(("mul", frozenset((a, b))))
    terms: dict[Monomial, float] = {}
    for m, c in a:
        for n, d in b:
            both = _merged(m, n)
            terms[both] = terms.get(both, 0.0) + c * d
    return _frozen(terms)


def _merged(m: Monomial, n: Monomial) -> Monomial:
    powers = dict(m)
    for key, p in n:
        powers[key] = powers.get(key, 0) + p
    return frozenset((key, p) for key, p in powers.items() if p)


def _power(a: Form, n: int) -> Form:
    out = _constant(1.0)
    for _ in range(n):
        out = _times(out, a)
    return out


def _reciprocal(a: Form) -> Form:
    """1 / a: a single product is turned over, factor by factor."""
    if len(a) != 1:
        return _cell(("reciprocal", a))
    [(m, c)] = a
    return frozenset([(frozenset((key, -p) for key, p in m), 1.0 / c)])


def _function(op: str, a: Form) -> Form:
    """A function of one form, folded at numbers."""
    if a == ZERO or (len(a) == 1 and next(iter(a))[0] == UNIT):
        value = next(iter(a))[1] if a else 0.0
        try:
            return _constant(FOLDS[op](value))
        except (ValueError, OverflowError):
            pass
    return _cell((op, (), a))

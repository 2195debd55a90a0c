"""Whether the states of a differential equation stay positive, read off its rate.

They do if they start there and no component is pushed below zero: every term of its rate that may be negative has the
component itself as a factor (it leaves at a rate in proportion), and all others are non-negative while the states are.
Such a system is called quasi-positive. At zero itself, where nothing has come in, a component stays for all values of
the unknowns or for none."""

from collections.abc import Callable
from dataclasses import replace
from math import inf

from ppl.check.building import bounds
from ppl.check.core import Expr
from ppl.check.scope import Entry, Scope
from ppl.stdlib.intervals import Interval

STATE = "the state"


def stays_positive(start: Expr, body: Expr, name: str, state: str, scope: Scope) -> bool:
    """Whether the solution from `start` by the rate `body`, in which the state along axis `state` is called `name`,
    has no negative numbers."""
    inside = scope.naming({STATE: Entry(STATE, "derived", (), "real", Interval(0.0, inf, False, True))})
    if not bounds(start, scope).low >= 0.0:
        return False
    known = _assuming(body, name)
    if known.op != "vector":
        return all(_keeps(sign, term, _is_state, inside) for sign, term in _terms(known, 1, inside))
    labels = scope.axes[state].labels if state in scope.axes else None
    return all(_component(item, i, labels, inside) for i, item in enumerate(known.args))


def _component(item: Expr, i: int, labels: tuple[str, ...] | None, scope: Scope) -> bool:
    """Whether the rate of component `i` cannot push it below zero."""
    own = {i + 1, labels[i] if labels else None}
    return all(
        _keeps(sign, term, lambda e: e.op == "fix" and _is_state(e.args[0]) and e.attrs[1] in own, scope)
        for sign, term in _terms(item, 1, scope)
    )


def _assuming(e: Expr, name: str) -> Expr:
    """The rate with the state as a name that is known not to be negative."""
    if e.op == "bound" and e.attrs[0] == name:
        return replace(e, op="ref", attrs=(STATE,))
    return replace(e, args=tuple(_assuming(a, name) for a in e.args))


def _is_state(e: Expr) -> bool:
    return e.op == "ref" and e.attrs[0] == STATE


def _terms(e: Expr, sign: int, scope: Scope) -> list[tuple[int, Expr]]:
    """The terms of a sum, each with its sign; a factor that is not negative is multiplied out."""
    match e.op:
        case "add":
            return [*_terms(e.args[0], sign, scope), *_terms(e.args[1], sign, scope)]
        case "sub":
            return [*_terms(e.args[0], sign, scope), *_terms(e.args[1], -sign, scope)]
        case "neg":
            return _terms(e.args[0], -sign, scope)
        case "div" | "mul" if bounds(e.args[1], scope).low >= 0.0:
            return [(s, replace(e, args=(t, e.args[1]))) for s, t in _terms(e.args[0], sign, scope)]
        case "mul" if bounds(e.args[0], scope).low >= 0.0:
            return [(s, replace(e, args=(e.args[0], t))) for s, t in _terms(e.args[1], sign, scope)]
        case _:
            return [(sign, e)]


def _keeps(sign: int, term: Expr, is_own: Callable[[Expr], bool], scope: Scope) -> bool:
    if _has_factor(term, is_own, scope):
        return True
    here = bounds(term, scope)
    return here.low >= 0.0 if sign > 0 else here.high <= 0.0


def _has_factor(e: Expr, is_own: Callable[[Expr], bool], scope: Scope) -> bool:
    """Whether a term is the component times something finite."""
    match e.op:
        case "mul":
            return any(_has_factor(a, is_own, scope) for a in e.args)
        case "div":
            below = bounds(e.args[1], scope)
            apart = below.low > 0.0 or (below.low == 0.0 and below.low_open)
            return apart and _has_factor(e.args[0], is_own, scope)
        case "neg":
            return _has_factor(e.args[0], is_own, scope)
        case _:
            return is_own(e)

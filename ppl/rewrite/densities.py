"""How rough the log density of a site is, in what its arguments depend on and in its own value."""

from dataclasses import replace
from math import isfinite

from ppl.check.core import Dist, Expr
from ppl.check.formulas import formula
from ppl.rewrite.beyond import side, stays_beyond
from ppl.rewrite.continuity import comparisons, meets
from ppl.rewrite.findings import UNKNOWN, Found, join, lifted, rough
from ppl.rewrite.steps import argument, expression
from ppl.rewrite.view import View
from ppl.stdlib.constraints import CONSTRAINTS
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.intervals import RULES, Interval
from ppl.stdlib.records import JUMP, KINK, SMOOTH

ENDED = ("interval", "lower", "upper")


def own_level(name: str, dist: Dist, own: Found) -> Found:
    """How rough a density is in its own value."""
    row = DISTRIBUTIONS.get(dist.name)
    if row is None:
        return join({}, *(own_level(name, d, own) for d in dist.inner))
    return (
        lifted(own, row.level, f"the density of {dist.name}" if row.level != SMOOTH else "", dist.span) if own else {}
    )


def density(dist: Dist, name: str, role: str, view: View) -> Found:
    """How rough the log density of a site is in each source that its arguments depend on."""
    if dist.name == "where":
        return _branching(dist, name, role, view)
    inner = [density(d, name, role, view) for d in dist.inner]
    args = [argument(a, view) if a is not None else {} for a in dist.args]
    steps = (argument_step(dist, i, found, _role(dist, i, name, role, view), view) for i, found in enumerate(args))
    return join({}, *inner, *steps)


def _role(dist: Dist, i: int, name: str, role: str, view: View) -> str:
    """The role of a site as far as argument `i` goes: an end beyond all that was observed moves like an unknown's."""
    is_end = role == "observed" and bool(side(dist, i))
    column = name.removesuffix(" ~")
    return "unknown" if is_end and stays_beyond(dist.args[i], side(dist, i), column, view.limits) else role


def argument_step(dist: Dist, i: int, found: Found, role: str, view: View) -> Found:
    """The findings of argument `i` after the step to the density."""
    match dist.name:
        case "Truncated" | "Censored":
            moving = role in ("observed", "imputed") or dist.name == "Censored"
            return _moving(found, dist) if moving else _clipped(found, dist)
        case family if family in DISTRIBUTIONS:
            return _argument(family, i, found, role, dist, view)
        case _:
            return found


def _branching(dist: Dist, name: str, role: str, view: View) -> Found:
    """`y ~ if test then D1 else D2`: a jump in the test, unless both densities and supports agree on its boundary."""
    test = dist.args[0]
    assert test is not None
    inner = [density(d, name, role, view) for d in dist.inner]
    found = argument(test, view)
    if rough(found):
        found = expression(view.through(test), view.proving({}, joined_tests(dist, name, view)))
    return join(found, lifted(rough(found), JUMP, "a branch on it", test.span), *inner)


def joined_tests(dist: Dist, name: str, view: View) -> frozenset[Expr]:
    """The comparisons in the test of a branching distribution across which density and support are continuous."""
    test = dist.args[0]
    assert test is not None
    pieces = [view.through(p) for p in log_density(dist, _value(name, dist))]
    return frozenset(c for c in comparisons(view.through(test), view) if all(meets(p, c, view) for p in pieces))


def _value(name: str, dist: Dist) -> Expr:
    return Expr("ref", (), (name,), dist.axes, dist.kind, dist.span)


def log_density(dist: Dist, value: Expr) -> tuple[Expr, ...]:
    """The log density at `value` and the ends of the support, as expressions; two distributions of which these agree
    are the same. Families without a formula stand as unknown functions of their arguments."""
    match dist:
        case Dist(name="where", args=(test,), inner=(then, other)) if test is not None:
            first, second = log_density(then, value), log_density(other, value)
            if len(first) != len(second) or _kinds(then) != _kinds(other):
                return (_choice(test, Expr("lit", (), (1.0,)), Expr("lit", (), (0.0,))),)
            return tuple(_choice(test, a, b) for a, b in zip(first, second, strict=True))
        case Dist(name=family) if family in DISTRIBUTIONS and DISTRIBUTIONS[family].logpdf and not dist.event:
            return _by_formula(dist, value)
        case _:
            inner = tuple(e for d in dist.inner for e in log_density(d, value))
            args = tuple(a if a is not None else Expr("none") for a in dist.args)
            return (Expr(f"density of {dist.name}", (value, *args, *inner), dist.attrs),)


def _choice(test: Expr, then: Expr, other: Expr) -> Expr:
    return Expr("where", (test, then, other), span=test.span)


def _kinds(dist: Dist) -> tuple[str, ...]:
    """The kinds of the supports of a distribution and of those inside."""
    row = DISTRIBUTIONS.get(dist.name)
    return (
        (dist.name,)
        if row is None and not dist.inner
        else (row.support.kind,)
        if row is not None
        else tuple(kind for d in dist.inner for kind in _kinds(d))
    )


def _by_formula(dist: Dist, value: Expr) -> tuple[Expr, ...]:
    row = DISTRIBUTIONS[dist.name]
    given = {p.name: a if a is not None else Expr("none") for p, a in zip(row.params, dist.args, strict=True)}
    given["x"] = value
    for shared, text in row.let:
        given[shared] = formula(text, given, dist.span)
    ends = [text for text in (row.support.low, row.support.high) if text]
    return tuple(formula(text, given, dist.span) for text in (row.logpdf, *ends))


# ---- arguments -----------------------------------------------------------------------------------------------------


def _moving(found: Found, dist: Dist) -> Found:
    """An end that moves past what was observed leaves a density of zero, of which no estimator has an expectation; a
    bound of censoring only moves between two terms."""
    level = JUMP if dist.name == "Censored" else UNKNOWN
    return lifted(found, level, "the support moves with it", dist.span)


def _clipped(found: Found, dist: Dist) -> Found:
    """An end given for a support that has one of its own: the tighter of the two, which has a kink where they meet."""
    return lifted(found, KINK, "the end of a support that has its own", dist.span) if _ended(dist.inner[0]) else found


def _ended(dist: Dist) -> bool:
    """Whether a support has an end of its own."""
    row = DISTRIBUTIONS.get(dist.name)
    return any(map(_ended, dist.inner)) if row is None else bool(row.support.low or row.support.high)


def _argument(family: str, i: int, found: Found, role: str, dist: Dist, view: View) -> Found:
    row, value = DISTRIBUTIONS[family], dist.args[i]
    param = row.params[i]
    if param.name in (row.support.low, row.support.high) and row.support.kind in ENDED:
        return found if role in ("unknown", "guide") else _moving(found, dist)
    reason = f"the {param.name} of {family}" if param.level != SMOOTH else ""
    found = lifted(found, param.level, reason, dist.span)
    if found and value is not None and not param.rank and _touches(param.domain, value, view):
        return lifted(found, UNKNOWN, f"the {param.name} of {family} may reach the end of its range", value.span)
    return found


def _touches(need: str, value: Expr, view: View) -> bool:
    """Whether a parameter may lie on the very edge of its domain, where log densities go off to infinity."""
    allowed = CONSTRAINTS.get(need)
    if allowed is None:
        return False
    if value.op == "where":
        return any(_touches(need, branch, view) for branch in value.args[1:] if expression(branch, view))
    here = _edges(value, view)
    low = here.low <= allowed.low and not (here.low == allowed.low and here.low_open)
    high = here.high >= allowed.high and not (here.high == allowed.high and here.high_open)
    return (low and isfinite(allowed.low)) or (high and isfinite(allowed.high))


def _edges(e: Expr, view: View) -> Interval:
    """Bounds of a value while it depends on a source: a factor of data or of discrete unknowns that is zero puts an end
    to that."""
    if e.op != "mul":
        return view.interval(e)
    found = []
    for factor in e.args:
        here = _edges(factor, view)
        vanishes = here.low == 0.0 < here.high and not expression(factor, view)
        found.append(replace(here, low_open=True) if vanishes else here)
    return RULES["mul"](*found)

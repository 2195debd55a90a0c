"""Ends of supports that moving unknowns cannot carry past what was observed: they lie beyond all of it by their priors.

The end of `y ~ Uniform(0, top)` may move where `top ~ Truncated(…, lower=max(y))`: no y is ever outside.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ppl.check.core import Core, Dist, Expr, Site
from ppl.rewrite.supports import domain
from ppl.stdlib.distributions import DISTRIBUTIONS

# Operations that pick some of the values of their first argument.
PICKS = ("take", "takepos", "fix", "rename", "lag")
# For an upper and a lower end: the reduction beyond which it lies, and the operations of which one side is enough.
BEYOND = {"high": ("max", "max2"), "low": ("min", "min2")}


@dataclass(frozen=True, slots=True)
class Limits:
    """The ends of the support of an unknown, as expressions."""

    low: Expr | None
    high: Expr | None


def limits_of(core: Core) -> dict[str, Limits]:
    """The ends of the supports of unknown numbers that have any."""
    found = {}
    for s in core.statements:
        if isinstance(s, Site) and s.role == "unknown" and s.dist.kind == "real" and not s.dist.event:
            place = domain(s.dist)
            if place.low is not None or place.high is not None:
                found[s.name] = Limits(place.low, place.high)
    return found


def side(dist: Dist, i: int) -> str:
    """Which end of the support the argument `i` of a distribution is; "" where it is none."""
    if dist.name == "Truncated":
        return ("low", "high")[i]
    row = DISTRIBUTIONS.get(dist.name)
    text = row.params[i].name if row is not None else ""
    return "" if row is None else "low" if text == row.support.low else "high" if text == row.support.high else ""


def stays_beyond(end: Expr | None, which: str, column: str, limits: Mapping[str, Limits]) -> bool:
    """Whether an end of the support of a column is an unknown that its own prior keeps beyond all values of it."""
    while end is not None and end.op in PICKS:
        end = end.args[0]
    if end is None or end.op != "ref" or which not in BEYOND or str(end.attrs[0]) not in limits:
        return False
    own = limits[str(end.attrs[0])]
    return _is_beyond(own.low if which == "high" else own.high, which, column)


def _is_beyond(e: Expr | None, which: str, column: str) -> bool:
    """Whether a value is the extreme of the whole column, or beyond it."""
    if e is None:
        return False
    extreme, either = BEYOND[which]
    if e.op == either:
        return any(_is_beyond(a, which, column) for a in e.args)
    return e.op == extreme and not e.axes and e.args[0].op == "ref" and e.args[0].attrs == (column,)

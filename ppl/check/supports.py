"""What values a distribution can give."""

from ppl.check.bounds import hull
from ppl.check.building import bounds
from ppl.check.core import Dist
from ppl.check.formulas import formula
from ppl.check.scope import Scope, base
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.intervals import Interval


def support_bounds(dist: Dist, scope: Scope) -> Interval:
    """An interval that holds every value a distribution can give."""
    match dist:
        case Dist(name="where", inner=(then, other)):
            return hull((support_bounds(then, scope), support_bounds(other, scope)))
        case Dist(name="Truncated", args=(lower, upper), inner=(inner,)):
            own = support_bounds(inner, scope)
            low = bounds(lower, scope).low if lower is not None else own.low
            high = bounds(upper, scope).high if upper is not None else own.high
            return Interval(max(low, own.low), min(high, own.high), True, True)
        case Dist(inner=(inner, *_)):
            return support_bounds(inner, scope)
        case _:
            return _family_bounds(dist, scope)


def _family_bounds(dist: Dist, scope: Scope) -> Interval:
    row = DISTRIBUTIONS[dist.name]
    ends = {p.name: a for p, a in zip(row.params, dist.args, strict=True) if a is not None}
    closed = row.support.kind in ("integer", "bool", "level")

    def end(text: str, side: str, default: float) -> float:
        return getattr(bounds(formula(text, ends, dist.span), scope), side) if text else default

    match row.support.kind:
        case "bool" | "simplex":
            return Interval(0, 1, row.support.kind == "simplex", row.support.kind == "simplex")
        case "lower" | "interval" | "integer" | "upper":
            low, high = end(row.support.low, "low", float("-inf")), end(row.support.high, "high", float("inf"))
            return Interval(low, high, not closed, not closed or high == float("inf"))
        case _:
            return Interval(float("-inf"), float("inf"), True, True)


def value_type(dist: Dist) -> str:
    """The type of what a distribution gives; a level is one of the axis of its probabilities."""
    return f"level:{base(str(dist.attrs[0]))}" if dist.kind == "level" else dist.kind

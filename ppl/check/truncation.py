"""What can be truncated, and what a truncated distribution comes to."""

from ppl.check.building import elementwise
from ppl.check.core import Dist, Expr
from ppl.check.scope import union
from ppl.source.span import Span
from ppl.stdlib.distributions import DISTRIBUTIONS

Ends = tuple[Expr | None, Expr | None]


def has_tails(dist: Dist) -> bool:
    """Whether the probability of values beyond any number is known."""
    if dist.event or dist.name in ("Censored", "Ordered"):
        return False
    row = DISTRIBUTIONS.get(dist.name)
    return all(map(has_tails, dist.inner)) if row is None else bool(row.cdf or row.logcdf)


def truncated(dist: Dist, ends: Ends, span: Span) -> Dist:
    """A truncated distribution: each branch of an `if` on its own, and of two truncations the tighter one; of counts,
    between whole numbers."""
    low, high = ends
    match dist:
        case Dist(name="where", args=args, inner=branches):
            inner = tuple(truncated(branch, ends, span) for branch in branches)
            axes = union(dist.axes, *(each.axes for each in inner))
            return Dist("where", args, inner, dist.attrs, axes, dist.event, dist.kind, span)
        case Dist(name="Truncated", args=(own_low, own_high), inner=(inner,)):
            return truncated(inner, (_tighter("max2", own_low, low), _tighter("min2", own_high, high)), span)
        case Dist(kind="int"):
            low = elementwise("ceil", (low,), span) if low is not None and low.type == "real" else low
            high = elementwise("floor", (high,), span) if high is not None and high.type == "real" else high
    axes = union(dist.axes, *(end.axes for end in (low, high) if end is not None))
    return Dist("Truncated", (low, high), (dist,), dist.attrs, axes, dist.event, dist.kind, span)


def _tighter(op: str, one: Expr | None, other: Expr | None) -> Expr | None:
    return elementwise(op, (one, other), other.span) if one is not None and other is not None else one or other

"""The coordinates in which the automatic guide is normal: for every continuous unknown, the bijection that maps the
real line onto its support, and whether it is drawn as location plus scale."""

from dataclasses import dataclass

from ppl.check.core import Dist, Expr
from ppl.check.formulas import formula
from ppl.stdlib.distributions import DISTRIBUTIONS


@dataclass(frozen=True, slots=True)
class Domain:
    """Where an unknown lives. `kind` is a row of `BIJECTIONS`; `low` and `high` are its ends, where it has them;
    `event` is the axis of a vector; a matrix has it twice. What is ordered may have ends too: those of its members."""

    kind: str
    low: Expr | None = None
    high: Expr | None = None
    event: str = ""


def domain(dist: Dist) -> Domain:
    """The support of a distribution of real numbers or vectors."""
    match dist:
        case Dist(name="where", inner=(then, other)):
            return domain(other if then.name == "Flat" else then)
        case Dist(name="Truncated", args=(low, high), inner=(inner,)):
            own = domain(inner)
            return _between(_tighter("max2", own.low, low), _tighter("min2", own.high, high))
        case Dist(name="Ordered", inner=(inner,), event=(event,)):
            own = domain(inner)
            return Domain("ordered", own.low, own.high, event)
        case Dist(inner=(inner, *_)):
            return domain(inner)
        case _:
            return _family(dist)


def _family(dist: Dist) -> Domain:
    row = DISTRIBUTIONS[dist.name]
    ends = {p.name: a for p, a in zip(row.params, dist.args, strict=True) if a is not None}
    low, high = (formula(t, ends, dist.span) if t else None for t in (row.support.low, row.support.high))
    match row.support.kind:
        case "lower" | "upper" | "interval":
            return _between(low, high)
        case "simplex" | "ordered" | "corr_cholesky" | "covariance" as kind:
            return Domain(kind, event=dist.event[0])
        case _:
            return Domain("real")


def _tighter(op: str, own: Expr | None, given: Expr | None) -> Expr | None:
    """The end of a truncated support: `given` may lie outside the support of the family."""
    if own is None or given is None:
        return own or given
    return Expr(op, (own, given), axes=given.axes, span=given.span)


def within(low: Expr | None, high: Expr | None) -> str:
    """The row of `BIJECTIONS` for numbers between these ends."""
    return {(True, True): "interval", (True, False): "lower", (False, True): "upper", (False, False): "real"}[
        (low is not None, high is not None)
    ]


def _between(low: Expr | None, high: Expr | None) -> Domain:
    return Domain(within(low, high), low, high)

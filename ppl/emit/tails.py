"""Distribution functions as values: of families by their formulas, of modifiers by what they mean."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from ppl.check.core import Dist
from ppl.emit.lower import Lowering
from ppl.emit.val import Val
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.records import Distribution

LOG_HALF = -0.6931471805599453
BELOW_ONE = 1.0 - 2.0**-53
TINY = 1e-300


def cdf(s: Lowering, dist: Dist, x: Val) -> Val:
    """P(X <= x), for any x: 0 and 1 outside the support."""
    return _CDF.get(dist.name, _family_cdf)(s, dist, x, False)


def survival(s: Lowering, dist: Dist, x: Val) -> Val:
    """P(X > x), keeping its digits where it is small."""
    return _CDF.get(dist.name, _family_cdf)(s, dist, x, True)


def _family_cdf(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    row = DISTRIBUTIONS[dist.name]
    names = {"x": _inside(s, row, x), **s.arguments(dist)}
    if upper:
        return _outside(s, row, x, s.b.apply("exp", s.row_formula(row, row.logsf, names)), 1.0, 0.0)
    return _outside(s, row, x, s.row_formula(row, row.cdf, names), 0.0, 1.0)


def _log_tail(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    """log P(X > x) of a family if `upper`, else log P(X <= x)."""
    row = DISTRIBUTIONS[dist.name]
    p = s.row_formula(row, row.logsf if upper else row.logcdf, {"x": _inside(s, row, x), **s.arguments(dist)})
    return _outside(s, row, x, p, *((0.0, -math.inf) if upper else (-math.inf, 0.0)))


def log_tail(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    """log P(X > x) if `upper`, else log P(X <= x), for any x."""
    return _LOG_TAIL.get(dist.name, _log_tail)(s, dist, x, upper)


def log_between(s: Lowering, dist: Dist, low: Val | None, high: Val | None) -> Val:
    """log P(low < X <= high), from the tail that keeps the digits; an end that is None is infinite."""
    if low is None or high is None:
        assert low is not None or high is not None
        return log_tail(s, dist, low, True) if low is not None else log_tail(s, dist, high, False)  # type: ignore[arg-type]
    b, under = s.b, log_tail(s, dist, low, False)
    upper = b.apply("gt", under, b.lit(LOG_HALF))
    more = b.apply("where", upper, log_tail(s, dist, low, True), log_tail(s, dist, high, False))
    less = b.apply("where", upper, log_tail(s, dist, high, True), under)
    return b.apply("logsubexp", more, less)


def _mixture_log_tail(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    assert dist.args[0] is not None
    axis = str(dist.attrs[0])
    weights = s.b.spread(s.b.apply("log_p", s.expr(dist.args[0])), axis)
    return s.b.reduce("logsumexp", s.b.add(weights, log_tail(s, dist.inner[0], x, upper)), axis)


def _where_log_tail(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    assert dist.args[0] is not None
    return s.b.apply("where", s.expr(dist.args[0]), *(log_tail(s, d, x, upper) for d in dist.inner))


def _zero_inflated_log_tail(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    """The extra zeros lie below everything else."""
    assert dist.args[0] is not None
    b, p = s.b, s.expr(dist.args[0])
    rest = b.add(b.apply("log1p", b.neg(p)), log_tail(s, dist.inner[0], x, upper))
    below = b.lit(0.0 if upper else -math.inf)
    tail = rest if upper else b.apply("logaddexp", b.apply("log", p), rest)
    return b.apply("where", b.apply("ge", x, b.lit(0.0)), tail, below)


def _truncated_log_tail(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    """A share of what lies between the ends: all of it, or nothing, beyond them."""
    b, inner = s.b, dist.inner[0]
    low, high = (None if a is None else s.expr(a) for a in dist.args)
    below = b.sub(low, b.lit(1.0)) if low is not None and inner.kind == "int" else low
    full = log_between(s, inner, below, high)
    part = log_between(s, inner, x, high) if upper else log_between(s, inner, below, x)
    share = b.sub(part, full)
    nothing, everything = b.lit(-math.inf), b.lit(0.0)
    if high is not None:
        share = b.apply("where", b.apply("lt", x, high), share, nothing if upper else everything)
    if below is not None:
        share = b.apply("where", b.apply("gt", x, below), share, everything if upper else nothing)
    return share


_LOG_TAIL: dict[str, Callable[[Lowering, Dist, Val, bool], Val]] = {
    "Mixture": _mixture_log_tail,
    "where": _where_log_tail,
    "ZeroInflated": _zero_inflated_log_tail,
    "Truncated": _truncated_log_tail,
}


def _inside(s: Lowering, row: Distribution, x: Val) -> Val:
    """The value, moved into the support, so that its formulas are defined."""
    low, high = _fixed_ends(row)
    if low is not None:
        x = s.b.apply("max2", x, s.b.lit(low if low else TINY))
    return x if high is None else s.b.apply("min2", x, s.b.lit(BELOW_ONE if high == 1.0 else high))


def _outside(s: Lowering, row: Distribution, x: Val, p: Val, below: float, above: float) -> Val:
    """What holds below and above the support in place of p."""
    b, (low, high) = s.b, _fixed_ends(row)
    if low is not None:
        p = b.apply("where", b.apply("le", x, b.lit(low)), b.lit(below), p)
    return p if high is None else b.apply("where", b.apply("ge", x, b.lit(high)), b.lit(above), p)


def _fixed_ends(row: Distribution) -> tuple[float | None, float | None]:
    """The ends of the support of a family of reals; those that a parameter moves are in its formulas, save that a
    logarithm may be taken on the way."""
    if row.kind != "real":
        return None, None
    low = 0.0 if row.support.kind == "lower" else _as_number(row.support.low)
    return low, _as_number(row.support.high)


def _as_number(text: str) -> float | None:
    return float(text) if text.lstrip("-").replace(".", "", 1).isdigit() else None


def _truncated_cdf(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    """A share of what is between the ends, in logarithms: an end may be forty standard deviations out."""
    b, ends = s.b, truncation(s, dist)
    x = x if ends.below is None else b.apply("max2", x, ends.below)
    x = x if ends.high is None else b.apply("min2", x, ends.high)
    tail = ends.choose(s, lambda: log_tail(s, ends.inner, x, True), lambda: log_tail(s, ends.inner, x, False))
    share = b.apply("exp", b.sub(_less(s, tail, ends.near), _less(s, ends.far, ends.near)))
    rest = b.sub(b.lit(1.0), share)
    return ends.choose(s, lambda: share, lambda: rest) if upper else ends.choose(s, lambda: rest, lambda: share)


def _less(s: Lowering, a: Val, b: Val | None) -> Val:
    return a if b is None else s.b.apply("logsubexp", a, b)


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of a truncated distribution. `upper` says whether probabilities are measured from above, which keeps
    their digits: always, never, or where a value says so. `near` is the log probability of the inner distribution
    beyond the end from which they are measured, None where there is none; `far` that beyond the other end taken from 1.
    `below` is the lower end, or the count before it."""

    inner: Dist
    low: Val | None
    high: Val | None
    below: Val | None
    upper: bool | Val
    near: Val | None
    far: Val

    def choose(self, s: Lowering, above: Callable[[], Val], below: Callable[[], Val]) -> Val:
        """The first where probabilities are measured from above, else the second."""
        if isinstance(self.upper, bool):
            return above() if self.upper else below()
        return s.b.apply("where", self.upper, above(), below())


def _has_upper(dist: Dist) -> bool:
    """Whether values are found by the probability above them as well as by that below."""
    row = DISTRIBUTIONS.get(dist.name)
    return all(map(_has_upper, dist.inner)) if row is None else bool(row.upper)


def truncation(s: Lowering, dist: Dist) -> Ends:
    """The ends of a truncated distribution."""
    b, inner = s.b, dist.inner[0]
    low, high = (None if a is None else s.expr(a) for a in dist.args)
    below = b.sub(low, b.lit(1.0)) if low is not None and inner.kind == "int" else low

    def beyond(end: Val | None, upper: bool) -> Val:
        return b.lit(0.0) if end is None else log_tail(s, inner, end, upper)

    if below is None or not _has_upper(inner):
        near = None if below is None else beyond(below, False)
        return Ends(inner, low, high, below, False, near, beyond(high, False))
    if high is None:
        return Ends(inner, low, high, below, True, None, beyond(below, True))
    under = beyond(below, False)
    upper = b.apply("gt", under, b.lit(LOG_HALF))
    near = b.apply("where", upper, beyond(high, True), under)
    return Ends(inner, low, high, below, upper, near, b.apply("where", upper, beyond(below, True), beyond(high, False)))


def _mixture_cdf(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    assert dist.args[0] is not None
    axis = str(dist.attrs[0])
    each = survival(s, dist.inner[0], x) if upper else cdf(s, dist.inner[0], x)
    return s.b.sum(s.b.mul(s.b.spread(s.expr(dist.args[0]), axis), each), (axis,))


def _where_cdf(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    assert dist.args[0] is not None
    each = (survival(s, d, x) if upper else cdf(s, d, x) for d in dist.inner)
    return s.b.apply("where", s.expr(dist.args[0]), *each)


def _zero_inflated_cdf(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    assert dist.args[0] is not None
    b, p = s.b, s.expr(dist.args[0])
    rest = b.sub(b.lit(1.0), p)
    if upper:
        over = b.mul(rest, survival(s, dist.inner[0], x))
        return b.apply("where", b.apply("ge", x, b.lit(0.0)), over, b.lit(1.0))
    under = b.add(p, b.mul(rest, cdf(s, dist.inner[0], x)))
    return b.apply("where", b.apply("ge", x, b.lit(0.0)), under, b.lit(0.0))


_CDF: dict[str, Callable[[Lowering, Dist, Val, bool], Val]] = {
    "Truncated": _truncated_cdf,
    "Mixture": _mixture_cdf,
    "where": _where_cdf,
    "ZeroInflated": _zero_inflated_cdf,
}

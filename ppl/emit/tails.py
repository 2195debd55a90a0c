"""Distribution functions as values: of families by their formulas, of modifiers by what they mean."""

from collections.abc import Callable
from dataclasses import dataclass

from ppl.check.core import Dist
from ppl.emit.lower import Lowering
from ppl.emit.val import Val
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.records import Distribution

BELOW_ONE = 1.0 - 2.0**-53
TINY = 1e-300


def cdf(s: Lowering, dist: Dist, x: Val) -> Val:
    """P(X <= x), for any x: 0 and 1 outside the support."""
    return _CDF.get(dist.name, _family_cdf)(s, dist, x, False)


def survival(s: Lowering, dist: Dist, x: Val) -> Val:
    """P(X > x), keeping its digits where it is small."""
    return _CDF.get(dist.name, _family_cdf)(s, dist, x, True)


def _family_cdf(s: Lowering, dist: Dist, x: Val, upper: bool) -> Val:
    b, row = s.b, DISTRIBUTIONS[dist.name]
    low, high = _fixed_ends(row)
    inside = x
    if low is not None:
        inside = b.apply("max2", inside, b.lit(low if low else TINY))
    if high is not None:
        inside = b.apply("min2", inside, b.lit(BELOW_ONE if high == 1.0 else high))
    names = {"x": inside, **s.arguments(dist)}
    p = b.apply("exp", s.row_formula(row, row.logsf, names)) if upper else s.row_formula(row, row.cdf, names)
    if low is not None:
        p = b.apply("where", b.apply("le", x, b.lit(low)), b.lit(float(upper)), p)
    if high is not None:
        p = b.apply("where", b.apply("ge", x, b.lit(high)), b.lit(float(not upper)), p)
    return p


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
    """A share of what is between the ends, from the nearer tail of the inner distribution."""
    b = s.b
    ends = truncation(s, dist)
    inside = ends.clip(s, x)
    by_lower = b.apply("div", b.sub(cdf(s, dist.inner[0], inside), ends.below), b.sub(ends.not_above, ends.below))
    by_upper = b.apply("div", b.sub(survival(s, dist.inner[0], inside), ends.above), b.sub(ends.not_below, ends.above))
    one = b.lit(1.0)
    near, far = (by_upper, by_lower) if upper else (by_lower, by_upper)
    chosen = b.apply("not", ends.in_upper_tail(s)) if upper else ends.in_upper_tail(s)
    return b.apply("where", chosen, b.sub(one, far), near)


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of a truncation, and the probabilities of the inner distribution beyond and not beyond them; a count
    equal to the lower end is inside."""

    low: Val | None
    high: Val | None
    below: Val
    not_below: Val
    above: Val
    not_above: Val

    def in_upper_tail(self, s: Lowering) -> Val:
        return s.b.apply("gt", self.below, s.b.lit(0.5))

    def clip(self, s: Lowering, x: Val) -> Val:
        x = x if self.low is None else s.b.apply("max2", x, self.low)
        return x if self.high is None else s.b.apply("min2", x, self.high)


def truncation(s: Lowering, dist: Dist) -> Ends:
    """The ends of a truncated distribution."""
    b, inner = s.b, dist.inner[0]
    low, high = (None if a is None else s.expr(a) for a in dist.args)
    zero, one = b.lit(0.0), b.lit(1.0)
    under = b.sub(low, one) if low is not None and inner.kind == "int" else low
    return Ends(
        low,
        high,
        zero if under is None else cdf(s, inner, under),
        one if under is None else survival(s, inner, under),
        zero if high is None else survival(s, inner, high),
        one if high is None else cdf(s, inner, high),
    )


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

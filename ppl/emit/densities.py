"""From distributions to log densities: families by their formulas or kernels, modifiers by what they mean."""

from collections.abc import Callable
from functools import partial

from ppl.check.core import Dist
from ppl.emit.lower import Lowering, copies, kernel
from ppl.emit.tails import LOG_HALF, log_between, log_tail
from ppl.emit.val import Val
from ppl.rewrite.supports import domain
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.records import Distribution

# A value inside a support with ends, for each kind.
MIDDLES = {"lower": "low + 1", "upper": "high - 1", "interval": "0.5 * (low + high)"}


def log_density(s: Lowering, dist: Dist, x: Val, observed: bool = True) -> Val:
    """log p(x), one number for each position; event axes are summed within. A value that is not `observed` comes from a
    bijection, and cannot leave the support."""
    return _DENSITY.get(dist.name, _family)(s, dist, x, observed)


def _family(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    row = DISTRIBUTIONS[dist.name]
    params = s.arguments(dist)
    axis = dist.event[0] if dist.event else str(dist.attrs[0]) if dist.attrs else ""
    inside = not observed and row.kind == "real"
    if row.kernel:
        values = (x, *(params[p.name] for p in row.params))
        ranks = (row.event, *(p.rank for p in row.params))
        events = tuple(copies(axis, rank) for rank in ranks)
        return kernel(s.b, row.kernel, values, events, ())
    if row.event:
        vectors = {p.name for p in row.params if p.rank == 1}
        params = {n: s.b.spread(v, axis) if n in vectors else v for n, v in params.items()}
    density = s.row_formula(row, row.logpdf, {"x": x, **params}, axis, inside)
    return density if inside else s.b.add(density, _in_support(s, row, x))


def _in_support(s: Lowering, row: Distribution, x: Val) -> Val:
    """Minus infinity where a value lies outside ends that no parameter moves; moving ends are in the formulas."""
    checks = [(row.support.low, "ge"), (row.support.high, "le")]
    fixed = [(text, op) for text, op in checks if _is_number(text)]
    return s.b.total(s.b.apply("log_if", s.b.apply(op, x, s.formula(text, {}))) for text, op in fixed)


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def _where(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    assert dist.args[0] is not None
    test = s.expr(dist.args[0])
    branches = zip((True, False), dist.inner, strict=True)
    return s.b.apply(
        "where", test, *(s.within(test, t, partial(_branch, s, d, x, observed, test, t)) for t, d in branches)
    )


def _branch(s: Lowering, dist: Dist, x: Val, observed: bool, test: Val, taken: bool) -> Val:
    """The density of one branch. Where the data do not take it, what was seen may lie outside its support or at the
    edge, where slopes are infinite (and 0 times infinity is no number): a value inside stands there for it."""
    inside = _inside(s, dist) if test.stage == x.stage == 0 else None
    if inside is not None:
        x = s.b.apply("where", test, *((x, inside) if taken else (inside, x)))
    return log_density(s, dist, x, observed)


def _inside(s: Lowering, dist: Dist) -> Val | None:
    """A value inside a support with ends; None where there are none."""
    place = domain(dist) if dist.kind == "real" else None
    if place is None or place.event or place.kind not in MIDDLES:
        return None
    ends = {"low": place.low, "high": place.high}
    return s.formula(MIDDLES[place.kind], {n: s.expr(e) for n, e in ends.items() if e is not None})


def _log_cdf(s: Lowering, dist: Dist, x: Val) -> Val:
    """log P(X <= x); of a family at a value that it may have."""
    row = DISTRIBUTIONS.get(dist.name)
    return log_tail(s, dist, x, False) if row is None else _formula(s, dist, row.logcdf or f"log({row.cdf})", x)


def _log_sf(s: Lowering, dist: Dist, x: Val) -> Val:
    """log P(X > x); of a family at a value that it may have."""
    row = DISTRIBUTIONS.get(dist.name)
    return log_tail(s, dist, x, True) if row is None else _formula(s, dist, row.logsf or f"log1p(-({row.cdf}))", x)


def _formula(s: Lowering, dist: Dist, text: str, x: Val) -> Val:
    return s.row_formula(DISTRIBUTIONS[dist.name], text, {"x": x, **s.arguments(dist)})


def _log_between(s: Lowering, dist: Dist, low: Val, high: Val) -> Val:
    """log P(low < X <= high), from the nearer tail."""
    b = s.b
    upper = b.apply("gt", _log_cdf(s, dist, low), b.lit(LOG_HALF))
    # the tails are chosen before they are subtracted: far out, the others may be equal, where the slope is infinite
    more = b.apply("where", upper, _log_sf(s, dist, low), _log_cdf(s, dist, high))
    less = b.apply("where", upper, _log_sf(s, dist, high), _log_cdf(s, dist, low))
    return b.apply("logsubexp", more, less)


def _truncated(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    inner = dist.inner[0]
    low, high = (s.expr(a) if a is not None else None for a in dist.args)
    density = log_density(s, inner, x, observed)
    if observed:
        for end, op in ((low, "ge"), (high, "le")):
            if end is not None:
                density = s.b.add(density, s.b.apply("log_if", s.b.apply(op, x, end)))
    return density if inner.name == "Flat" else s.b.sub(density, _log_mass(s, inner, low, high))


def _log_mass(s: Lowering, inner: Dist, low: Val | None, high: Val | None) -> Val:
    """log P(low <= X <= high): a whole number just below `low` is where its sum starts."""
    below = s.b.sub(low, s.b.lit(1.0)) if low is not None and inner.kind == "int" else low
    if inner.name not in DISTRIBUTIONS:
        return log_between(s, inner, below, high)
    support = DISTRIBUTIONS[inner.name].support
    if below is not None and inner.kind == "real" and _is_number(support.low):
        below = s.b.apply("max2", below, s.formula(support.low, {}))
    if high is not None and inner.kind == "real" and _is_number(support.high):
        high = s.b.apply("min2", high, s.formula(support.high, {}))
    if below is None:
        assert high is not None
        return _log_cdf(s, inner, high)
    return _log_sf(s, inner, below) if high is None else _log_between(s, inner, below, high)


def _censored(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    inner = dist.inner[0]
    left, right, upper = (s.expr(a) if a is not None else None for a in dist.args)
    density = log_density(s, inner, x, observed)
    if upper is not None:
        wide = s.b.apply("gt", upper, x)
        end = s.b.apply("where", wide, upper, s.b.add(x, s.b.lit(1.0)))
        density = s.b.apply("where", wide, _log_between(s, inner, x, end), density)
    if left is not None:
        density = s.b.apply("where", left, _log_cdf(s, inner, x), density)
    if right is not None:
        density = s.b.apply("where", right, _log_sf(s, inner, x), density)
    return density


def _mixture(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    assert dist.args[0] is not None
    weights = s.b.apply("log_p", s.expr(dist.args[0]))
    each = s.b.add(weights, log_density(s, dist.inner[0], x, observed))
    return s.b.reduce("logsumexp", each, str(dist.attrs[0]))


def _ordered(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    axis = dist.event[0]
    each = log_density(s, dist.inner[0], x, observed)
    ways = s.b.apply("lgamma", s.b.add(s.b.size(axis), s.b.lit(1.0)))
    return s.b.add(s.b.sum(each, (axis,)), ways)


def _zero_inflated(s: Lowering, dist: Dist, x: Val, observed: bool) -> Val:
    assert dist.args[0] is not None
    p, inner = s.expr(dist.args[0]), dist.inner[0]
    rest = s.b.apply("log1p", s.b.neg(p))
    at_zero = s.b.apply("logaddexp", s.b.apply("log", p), s.b.add(rest, log_density(s, inner, s.b.lit(0.0), observed)))
    elsewhere = s.b.add(rest, log_density(s, inner, x, observed))
    return s.b.apply("where", s.b.apply("eq", x, s.b.lit(0.0)), at_zero, elsewhere)


_DENSITY: dict[str, Callable[[Lowering, Dist, Val, bool], Val]] = {
    "where": _where,
    "Truncated": _truncated,
    "Censored": _censored,
    "Mixture": _mixture,
    "Ordered": _ordered,
    "ZeroInflated": _zero_inflated,
}

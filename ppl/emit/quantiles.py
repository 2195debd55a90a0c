"""Quantiles as values through which no gradient flows, by the numpy texts of the tables."""

import re
from collections.abc import Callable, Mapping

from ppl.check.core import Dist
from ppl.emit.lower import Lowering
from ppl.emit.tails import BELOW_ONE, TINY, truncation
from ppl.emit.val import Val
from ppl.stdlib.distributions import DISTRIBUTIONS


def quantile(s: Lowering, dist: Dist, p: Val) -> Val:
    """The p-quantile, through which no gradient flows; it stays inside the support for any p from 0 to 1."""
    return _QUANTILE.get(dist.name, _family_quantile)(s, dist, p, False)


def _family_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    row = DISTRIBUTIONS[dist.name]
    return text(s, row.upper if upper else row.quantile, {"u": _open(s, p), **s.arguments(dist)})


def text(s: Lowering, formula: str, names: Mapping[str, Val]) -> Val:
    """A value by numpy text over named values, of which it needs those that occur in it."""
    assert formula, "a distribution that cannot be drawn from"
    used = [n for n in names if re.search(rf"\b{n}\b", formula)]
    axes = (a for n in used for a in names[n].axes)
    return s.b.node("quantile", tuple(names[n] for n in used), (formula, *used), axes)


def _open(s: Lowering, p: Val) -> Val:
    """A probability strictly between 0 and 1; uniforms are, and so is what has been kept there already."""
    if p.op == "noise" or (p.op == "min2" and s.b.lit(BELOW_ONE) in p.args):
        return p
    return s.b.apply("min2", s.b.apply("max2", p, s.b.lit(TINY)), s.b.lit(BELOW_ONE))


def _truncated_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    """The inner quantile of a share of what is between the ends, by the tail that keeps the digits."""
    b, ends = s.b, truncation(s, dist)
    rest = b.sub(b.lit(1.0), p)
    share = ends.choose(s, *((lambda: p, lambda: rest) if upper else (lambda: rest, lambda: p)))
    names = {"u": share, "far": ends.far, **({} if ends.near is None else {"near": ends.near})}
    beyond = "" if ends.near is None else " + (1.0 - u) * np.exp(near - far)"
    tail = text(s, f"far + np.log(u{beyond})", names)
    x = ends.choose(s, lambda: _from_tail(s, ends.inner, tail, True), lambda: _from_tail(s, ends.inner, tail, False))
    x = x if ends.low is None else b.apply("max2", x, ends.low)
    return stopped(s, x if ends.high is None else b.apply("min2", x, ends.high))


def _from_tail(s: Lowering, dist: Dist, log_p: Val, upper: bool) -> Val:
    """The value that a family exceeds, or does not exceed, with this log probability."""
    if dist.name not in DISTRIBUTIONS:
        return _QUANTILE[dist.name](s, dist, _open(s, s.b.apply("exp", log_p)), upper)
    row = DISTRIBUTIONS[dist.name]
    formula = row.far[upper] or (row.upper if upper else row.quantile)
    return text(s, formula, {"l": log_p, "u": _open(s, s.b.apply("exp", log_p)), **s.arguments(dist)})


def _where_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    assert dist.args[0] is not None
    each = (_QUANTILE.get(d.name, _family_quantile)(s, d, p, upper) for d in dist.inner)
    return stopped(s, s.b.apply("where", s.expr(dist.args[0]), *each))


def _zero_inflated_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    assert dist.args[0] is not None
    b, zero = s.b, s.expr(dist.args[0])
    p = b.sub(b.lit(1.0), p) if upper else p
    share = b.apply("div", b.sub(p, zero), b.apply("max2", b.sub(b.lit(1.0), zero), b.lit(TINY)))
    x = b.apply("where", b.apply("le", p, zero), b.lit(0.0), quantile(s, dist.inner[0], share))
    return stopped(s, x)


def _level_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    """The smallest level whose cumulative probability exceeds p: never one of probability zero."""
    (weights,) = s.arguments(dist).values()
    return level(s, weights, str(dist.attrs[0]), p)


def level(s: Lowering, weights: Val, axis: str, p: Val) -> Val:
    """The first level at which the sum of the weights up to it exceeds the share p of all of them."""
    b = s.b
    full = b.spread(stopped(s, weights), axis)
    steps = b.node("cumsum", (full,), (axis, False), full.axes)
    names = {"u": p, "total": b.reduce("max", steps, axis)}
    target = text(s, "np.minimum(u * total, np.nextafter(total, 0.0))", names)
    return _count(s, b.apply("le", steps, target), axis)


def _logits_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    axis = str(dist.attrs[0])
    logits = s.b.spread(stopped(s, s.arguments(dist)["logits"]), axis)
    return level(s, s.b.apply("exp", s.b.sub(logits, s.b.reduce("max", logits, axis))), axis, p)


def _ordinal_quantile(s: Lowering, dist: Dist, p: Val, upper: bool) -> Val:
    """How many cuts lie below eta plus a logistic number."""
    axis = str(dist.attrs[0])
    names = {"u": p, "eta": stopped(s, s.arguments(dist)["eta"])}
    cuts = s.b.spread(stopped(s, s.arguments(dist)["cuts"]), axis)
    return _count(s, s.b.apply("lt", cuts, text(s, "eta + sp.logit(u)", names)), axis)


def _count(s: Lowering, test: Val, axis: str) -> Val:
    return s.b.sum(s.b.node("real", (test,), (), test.axes), (axis,))


_QUANTILE: dict[str, Callable[[Lowering, Dist, Val, bool], Val]] = {
    "Truncated": _truncated_quantile,
    "where": _where_quantile,
    "ZeroInflated": _zero_inflated_quantile,
    "Categorical": _level_quantile,
    "CategoricalLogits": _logits_quantile,
    "OrderedLogistic": _ordinal_quantile,
}


def stopped(s: Lowering, v: Val) -> Val:
    """The value, and no gradient."""
    return v if v.op in ("stop", "lit", "quantile", "noise") else s.b.node("stop", (v,), (), v.axes)

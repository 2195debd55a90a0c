"""Levels of which the likeliest are listed and one is drawn from the rest: a sum over part of the support, and an
unbiased draw for what is left (Liu, Regier, Tripuraneni, Jordan & McAuliffe, ICML 2019)."""

from ppl.check.core import Dist
from ppl.emit.densities import log_density
from ppl.emit.draws import Noise
from ppl.emit.lower import Lowering, kernel
from ppl.emit.quantiles import quantile
from ppl.emit.tails import cdf
from ppl.emit.val import Val
from ppl.rewrite.estimators import WINDOW
from ppl.stdlib.levels import LIKELIEST

Sizes = dict[str, Val | str]


def likeliest_levels(s: Lowering, name: str, dist: Dist, noise: Noise, sizes: Sizes) -> tuple[Val, Val]:
    """The likeliest levels of an unknown and one drawn from the rest, along `name?`, and their weights."""
    b, axis, over = s.b, f"{name}?", str(dist.attrs[0])
    (given,) = s.arguments(dist).values()
    full = b.spread(given, over)
    p = full if dist.name == "Categorical" else b.apply("exp", b.sub(full, b.reduce("logsumexp", full, over)))
    sizes[f"{name}#"] = f'min({LIKELIEST}, n["{over}"])'
    sizes[axis] = f'n["{name}#"] + 1'
    levels = kernel(b, "likeliest", (p, noise(0)), ((over,), ()), (axis,))
    return levels, _weights(s, name, dist, levels)


def window_of_counts(s: Lowering, name: str, dist: Dist, noise: Noise, sizes: Sizes) -> tuple[Val, Val]:
    """A window of counts about the guide's median and one count drawn from outside it, along `name?`, and their
    weights."""
    b, axis = s.b, f"{name}?"
    sizes[f"{name}#"] = str(WINDOW)
    sizes[axis] = str(WINDOW + 1)
    middle = quantile(s, dist, b.lit(0.5))
    first = b.apply("max2", b.lit(0.0), b.apply("floor", b.sub(middle, b.lit(WINDOW / 2))))
    window = b.add(first, b.arange(f"{name}#"))
    below = cdf(s, dist, b.sub(first, b.lit(1.0)))
    within = cdf(s, dist, b.add(first, b.lit(WINDOW - 1.0)))
    v = b.mul(noise(0), b.add(below, b.sub(b.lit(1.0), within)))
    under = b.apply("lt", v, below)
    rest = quantile(s, dist, b.apply("where", under, v, b.add(within, b.sub(v, below))))
    outside = b.apply(
        "where",
        under,
        b.apply("min2", rest, b.sub(first, b.lit(1.0))),
        b.apply("max2", rest, b.add(first, b.lit(WINDOW))),
    )
    axes = (*window.axes, *outside.axes)
    levels = b.node("concat", (window, outside), (axis, f"{name}#", ""), (a for a in (*axes, axis) if a != f"{name}#"))
    return levels, _weights(s, name, dist, levels)


def _weights(s: Lowering, name: str, dist: Dist, levels: Val) -> Val:
    """The guide's probabilities of the listed levels; that of the last stands for all that are not listed, with the
    gradient of a draw from them: (1 - mass) (1 + log q - stopped log q)."""
    b, axis = s.b, f"{name}?"
    log_q = log_density(s, dist, levels)
    drawn = b.apply("eq", b.arange(axis), b.sub(b.size(axis), b.lit(1.0)))
    each = b.apply("exp", log_q)
    mass = b.sum(b.apply("where", drawn, b.lit(0.0), each), (axis,))
    left = b.apply("max2", b.sub(b.lit(1.0), b.node("stop", (mass,), (), mass.axes)), b.lit(0.0))
    pull = b.sub(log_q, b.node("stop", (log_q,), (), log_q.axes))
    # a rest without mass is not drawn from
    safe = b.apply("where", b.apply("gt", left, b.lit(0.0)), pull, b.lit(0.0))
    return b.apply("where", drawn, b.mul(left, b.add(b.lit(1.0), safe)), each)

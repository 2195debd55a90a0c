"""Branch-stratified draws: smoothing by conditioning on the side of every threshold (Gong & Ho 1987; Fu & Hu 1997).

The thresholds at which a density jumps in x cut its range into strata. Their probabilities are differences of the
guide's cdf, and x given its stratum is drawn by the inverse cdf: within a stratum nothing jumps, and the probabilities
carry what the jumps add to the gradient."""

from collections.abc import Callable, Sequence

from ppl.check.core import Dist
from ppl.emit.implicit import quantile_path
from ppl.emit.lower import Lowering, kernel
from ppl.emit.tails import cdf
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.rewrite.guards import Guard

LEAST = 1e-300
NOTHING = 1e-250


def strata(
    s: Lowering,
    name: str,
    dist: Dist,
    axes: tuple[str, ...],
    guards: Sequence[Guard],
    u: Val,
    at: Callable[[Val], Val],
    sizes: dict[str, Val | str],
) -> tuple[Val, Val]:
    """The value of x in each of its strata, and their probabilities, along the axis `name?`. `u` are its uniform
    numbers; `at` brings thresholds to the scale on which `dist` is drawn."""
    b, axis = s.b, f"{name}?"
    below = _sorted_chances(s, name, dist, axes, guards, at, sizes)
    sizes[axis] = f'n["{name}#"] + 1'
    low, high = (b.node("pad", (below,), (f"{name}#", axis, end), _swapped(below, name)) for end in ("low", "high"))
    width = b.sub(high, low)
    # a stratum without mass counts for nothing: its value need only be finite
    p = b.apply("where", b.apply("gt", width, b.lit(NOTHING)), b.add(low, b.mul(u, width)), u)
    return quantile_path(s, dist, p), width


def _swapped(v: Val, name: str) -> tuple[str, ...]:
    return tuple(f"{name}?" if a == f"{name}#" else a for a in v.axes)


def _sorted_chances(
    s: Lowering,
    name: str,
    dist: Dist,
    axes: tuple[str, ...],
    guards: Sequence[Guard],
    at: Callable[[Val], Val],
    sizes: dict[str, Val | str],
) -> Val:
    """The probabilities of lying below each threshold, ascending along `name#`."""
    b, axis = s.b, f"{name}#"
    found: dict[Val, tuple[str, ...]] = {}
    for g in guards:
        threshold, plates = at(s.expr(g.threshold)), axes if g.access == "own" else ()
        more = tuple(a for a in g.threshold.axes if a in threshold.axes and a not in plates)
        found[threshold] = min(found.get(threshold, more), more, key=len)
    chances = [cdf(s, dist, t) for t in found]
    extra = [_extra(more) for more in found.values()]
    sizes[axis] = " + ".join(f'n["{e}"]' if e else "1" for e in extra)
    joined = _joined(b, chances, extra, axis)
    if len(chances) == 1 and not extra[0]:
        return joined
    return kernel(b, "sorted", (joined,), ((axis,),), (axis,))


def _extra(axes: tuple[str, ...]) -> str:
    """The axis along which an unknown meets many thresholds at once, or "". The levels of other unknowns, and places at
    which they are tried, are no such axes: each has strata of its own."""
    assert len(axes) < 2, axes
    return axes[0] if axes else ""


def _joined(b: Builder, parts: Sequence[Val], extra: Sequence[str], axis: str) -> Val:
    """Numbers and arrays, one after the other along one axis."""
    if not any(extra):
        return b.node("stack", tuple(parts), (axis,), (*(a for p in parts for a in p.axes), axis))
    if len(parts) == 1:
        return b.rename(b.spread(parts[0], extra[0]), extra[0], axis)
    every = (a for p, e in zip(parts, extra, strict=True) for a in p.axes if a != e)
    return b.node("concat", tuple(parts), (axis, *extra), (*every, axis))

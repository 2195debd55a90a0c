"""Where the climbs of an objective with several tops begin: starts walked towards better ones by Adam, the best of
them, and these with one branch after another tried the other way.

Adam moves every coordinate at one pace (Kingma & Ba, ICLR 2015), so that nothing saturates before the others have
begun to move; an exact climb from afar would first follow the steepest coordinate into the nearest top.
"""

import numpy as np

from ppl.infer.climb import climb_round
from ppl.infer.lbfgs import Minimum
from ppl.infer.objective import LEAST, NotFinite, Run
from ppl.infer.path import starting_points
from ppl.infer.target import Array

STARTS, WALK, FLIPS = range(3)
# The steps of the walk, its draws, and its first rate.
WALK_STEPS, WALK_DRAWS, WALK_RATE = 150, 8, 0.3
FIRST, SECOND = 0.9, 0.95
# Other places tried for the branches in one sweep, each climbed for so many iterations; sweeps; and the nats that one
# must gain for another to follow.
TRIES, TRY_STEPS, TRY_NATS, SWEEPS, WORTH, GRID = 24, 40, 1e-3, 4, 0.5, 4
# The places tried for one unknown alone span the bulk of a standard normal.
WIDTH = 1.6


def finite_starts(run: Run, e: Array) -> Array:
    """Starting points at which every row of `e` is finite, the objective's own first; looks wider where there are
    none. Raises NotFinite."""
    first = run.objective.start if run.options.init is None else np.asarray(run.options.init, dtype=float)
    rng = run.rng(STARTS)
    points = starting_points(len(first), starts_wanted(run), first, rng)
    for width in (0.0, 0.1, 0.5, 2.0, 4.0):
        if width:
            points = first + width * rng.uniform(-1.0, 1.0, size=(8, len(first)))
        values = np.stack([run.values(point, e) for point in points])
        good = np.isfinite(values).all(axis=1)
        if good.any():
            return np.asarray(points[good][: starts_wanted(run)])
    raise NotFinite(points, e, values)


def starts_wanted(run: Run) -> int:
    """Twice as many as for a log density: few draws are enough for a first climb, and jumps make tops."""
    return max(2 * run.options.restarts - 1, 1)


def walked(run: Run, starts: Array, e: Array) -> Array:
    """Every start (B, P), or where Adam leads from it on a few fresh draws a step if that is higher on `e`."""
    if not run.objective.noise:
        return starts
    rng, theta = run.rng(WALK), starts.copy()
    m, v = np.zeros_like(theta), np.zeros_like(theta)
    for step in range(WALK_STEPS):
        if run.stop():
            break
        _, slopes, bad = run.means(theta, mirrored(WALK_DRAWS, run.objective.noise, rng))
        g = np.where(bad[:, None] == 0, slopes, 0.0)
        m += (1.0 - FIRST) * (g - m)
        v += (1.0 - SECOND) * (g * g - v)
        scale = np.sqrt(v / (1.0 - SECOND ** (step + 1))) + 1e-12
        theta += walk_rate(step) * m / (1.0 - FIRST ** (step + 1)) / scale
    run.iterations += WALK_STEPS
    heights = run.means(np.concatenate([starts, theta]), e)
    before, after = np.split(np.where(heights[2] == 0, heights[0], -np.inf), 2)
    return np.where((after > before)[:, None], theta, starts)


def walk_rate(step: int) -> float:
    """Constant for a third of the walk, then down to nothing along half a cosine."""
    done = max(3.0 * step / WALK_STEPS - 1.0, 0.0) / 2.0
    return float(WALK_RATE * 0.5 * (1.0 + np.cos(np.pi * done)))


def mirrored(count: int, dim: int, rng: np.random.Generator) -> Array:
    """(count, dim) independent uniforms and their mirror images."""
    half = np.clip(rng.random((count // 2, dim)), LEAST, 1.0 - LEAST)
    return np.concatenate([half, 1.0 - half])


def switched(run: Run, e: Array, theta: Array) -> Array:
    """Theta after sweeps over the locations of unknowns that branches depend on, each tried in other places and climbed
    from there: what lies across a branch has no gradient towards it once a guide is narrow."""
    spots = [at for block in run.objective.switches for at in range(block.start, block.stop)]
    height = run.means(theta[None], e)[0][0] if spots else -np.inf
    for sweep in range(SWEEPS if spots else 0):
        rng = run.rng(FLIPS, sweep)
        if len(spots) > TRIES:
            spots = [int(at) for at in rng.choice(spots, TRIES, replace=False)]
        path = best_elsewhere(run, e, theta, spots)
        gain, height = -path.value - height, max(-path.value, height)
        theta = path.x if gain > 0.0 else theta
        # A grid has been everywhere; mirrored places are others now.
        if gain < WORTH or run.stop() or TRIES // len(spots) >= GRID:
            break
    return theta


def best_elsewhere(run: Run, e: Array, theta: Array, spots: list[int]) -> Minimum:
    """The highest climb from theta with one of its `spots` in another place, or with all the changes that help."""
    places = [elsewhere(theta[at], TRIES // len(spots)) for at in spots]
    tries = [moved(theta, at, place) for at, some in zip(spots, places, strict=True) for place in some]
    free = np.arange(len(theta))
    paths = climb_round(run, e, np.stack(tries), theta, free, TRY_STEPS, TRY_NATS)
    height = run.means(theta[None], e)[0][0]
    helpful = [path.x - theta for path in paths if -path.value > height + TRY_NATS]
    if len(spots) == len(tries) and len(helpful) > 1:
        together = (theta + np.sum(helpful, axis=0))[None]
        paths += climb_round(run, e, together, theta, free, TRY_STEPS, TRY_NATS)
    return min(paths, key=lambda path: path.value)


def elsewhere(place: float, count: int) -> list[float]:
    """Other places for one location: a grid over the bulk of a standard normal where there are tries enough."""
    return [-place] if count < GRID else list(np.linspace(-WIDTH, WIDTH, min(count, 6)))


def moved(theta: Array, at: int, place: float) -> Array:
    out = theta.copy()
    out[at] = place
    return out

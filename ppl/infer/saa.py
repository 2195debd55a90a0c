"""Sample average approximation: at fixed noise an objective without score-type estimators is an ordinary function.

Draws are doubled until fresh ones agree (Giordano, Ingram & Broderick, JMLR 25, 2024; Burroni, Domke & Sheldon, UAI
2023). Several starts: the branches of a model make objectives with more than one top.
"""

from dataclasses import dataclass

import numpy as np

from ppl.infer.approximation import Mode
from ppl.infer.lbfgs import Limits, Minimum, Objective, minimise
from ppl.infer.objective import NotFinite, Run, even_uniforms, matched_uniforms, mean_and_error, paired_difference
from ppl.infer.path import starting_points
from ppl.infer.target import Array

DRAWS_FIRST, DRAWS_CAP = 64, 8192
FRESH_LEAST = 1024
DECREMENT = 1e-8
# Nats by which two tops must differ from the valley between them, or in height, to count as two.
APART = 0.05
STARTS, FIT, FRESH, HALVES = range(4)


@dataclass(frozen=True, slots=True)
class Found:
    """Where an optimisation ended. `shift` is the root mean square error of the parameters in units of their own
    scales (1 / root of the curvature), `gap` the value on the fitting draws less that on fresh ones."""

    theta: Array
    error: Array
    shift: float
    settled: bool
    gap: float
    gap_se: float
    starts_agree: bool
    modes: tuple[Mode, ...]
    method: str
    steps: int
    rate: float
    rows: int
    polished: tuple[str, ...]


def negative_mean(run: Run, e: Array, theta: Array, free: Array) -> Objective:
    """Minus the mean over the rows of `e`, as a function of the coordinates `free` of theta alone; infinite where any
    row is not finite."""

    def objective(x: Array) -> tuple[Array, Array]:
        f, g = np.full(len(x), np.inf), np.zeros(x.shape)
        for at, row in enumerate(x):
            values, gradients = run.estimate(placed(theta, free, row), e)
            mean, slope = values.mean(), gradients[:, free].mean(axis=0)
            if np.isfinite(mean) and np.isfinite(slope).all():
                f[at], g[at] = -mean, -slope
            else:
                run.not_finite += int(np.sum(~(np.isfinite(values) & np.isfinite(gradients).all(axis=1))))
                run.trouble = placed(theta, free, row)
        return f, g

    return objective


def placed(theta: Array, free: Array, values: Array) -> Array:
    out = theta.copy()
    out[free] = values
    return out


def climb_fixed(run: Run, e: Array, starts: Array, theta: Array, free: Array) -> list[Minimum]:
    """L-BFGS on the mean over `e` from every row of `starts` (B, n), coordinates `free` (n,) of theta."""
    paths = minimise(negative_mean(run, e, theta, free), starts, Limits(300, DECREMENT, stop=run.stop), keep=False)
    run.iterations += max(path.iterations for path in paths)
    return paths


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


def fit_fixed(run: Run) -> Found:
    """Climb from several starts on few draws, go on from the best on more, until fresh draws agree."""
    objective = run.objective
    free = np.arange(objective.dim)
    count = 1 if not objective.noise else min(max(DRAWS_FIRST, 2 * objective.noise + 2), 1024)
    e = matched_uniforms(count, objective.noise, run.rng(FIT, 0))
    starts = finite_starts(run, e)
    paths = climb_fixed(run, e, starts, starts[0], free)
    ends, values = ranked(run, paths, count)
    run.done(f"{len(starts)} starts", values[0])
    found = doubled(run, ends[0], e, free)
    agree, modes = compare_ends(run, found.theta, ends, values)
    return Found(
        theta=found.theta,
        error=found.error,
        shift=found.shift,
        settled=found.settled,
        gap=found.gap,
        gap_se=found.gap_se,
        starts_agree=agree,
        modes=modes,
        method="fixed draws",
        steps=run.iterations,
        rate=0.0,
        rows=found.rows,
        polished=(),
    )


def fresh_uniforms(run: Run, count: int, turn: int = 0) -> Array:
    return even_uniforms(
        max(FRESH_LEAST, 2 * count) if run.objective.noise else 1, run.objective.noise, run.rng(FRESH, turn)
    )


def ranked(run: Run, paths: list[Minimum], count: int) -> tuple[list[Array], list[float]]:
    """The ends of the paths and their values on fresh draws, the best first."""
    e = fresh_uniforms(run, count)
    scored = [(mean_and_error(run.values(path.x, e))[0], path.x) for path in paths]
    scored.sort(key=lambda one: -one[0])
    return [x for _, x in scored], [value for value, _ in scored]


@dataclass(frozen=True, slots=True)
class Level:
    """The optimum for `rows` draws; the rest as in Found."""

    theta: Array
    error: Array
    shift: float
    settled: bool
    gap: float
    gap_se: float
    rows: int


def doubled(run: Run, theta: Array, e: Array, free: Array) -> Level:
    """Double the draws until the optimum moves by less than `tol` of its own scale and fresh draws give its value."""
    count, turn = len(e), 0
    while True:
        turn += 1
        count = 2 * count if run.objective.noise else 1
        level = next_level(run, theta, matched_uniforms(count, run.objective.noise, run.rng(FIT, turn)), free, turn)
        run.done(f"fit {count} draws", -level.gap)
        if level.settled or run.stop() or 2 * count > DRAWS_CAP or not run.objective.noise:
            return level
        theta = level.theta


def next_level(run: Run, before: Array, e: Array, free: Array, turn: int) -> Level:
    """The optimum for the draws `e` from that for half as many. What the old one loses on the new draws is half the
    squared distance of the two in their own scale, whatever the units of theta."""
    here = np.mean(run.values(before, e))
    path = climb_fixed(run, e, before[free][None], before, free)[0]
    theta = placed(before, free, path.x)
    value, se = mean_and_error(run.values(theta, fresh_uniforms(run, len(e), turn)))
    moved = -path.value - here if np.isfinite(path.value) else np.inf
    shift = float(np.sqrt(2.0 * max(moved, 0.0) / max(len(free), 1)))
    gap = -path.value - value
    settled = bool(gap < max(0.05, 2 * se) and shift < run.options.tol)
    # Independent sets of M and 2 M draws: the distance of their optima has three times the variance of the second.
    error = np.abs(theta - before) / np.sqrt(3.0) if run.objective.noise else np.zeros(len(theta))
    return Level(theta, error, shift if run.objective.noise else 0.0, settled, gap, se, len(e))


def compare_ends(run: Run, theta: Array, ends: list[Array], values: list[float]) -> tuple[bool, tuple[Mode, ...]]:
    """Whether all starts came to one top, and the tops of the others, the highest first."""
    e = fresh_uniforms(run, FRESH_LEAST)
    value, se = mean_and_error(run.values(theta, e))
    tops = [theta]
    for end in ends[1:]:
        if all(is_apart(run, end, top, e) for top in tops):
            tops.append(end)
    modes = tuple(Mode(top, mean_and_error(run.values(top, e))[0] - value, np.nan) for top in tops[1:])
    lower = [one for one in values if not one > value - max(APART, 2 * se)]
    return not modes and not lower, modes


def is_apart(run: Run, a: Array, b: Array, e: Array) -> bool:
    """Whether a valley lies between two places: halfway is clearly lower than both. Distance would not tell: some
    parameters may not matter."""
    ends, halfway = (run.values(a, e), run.values(b, e)), run.values(0.5 * (a + b), e)
    depth, se = paired_difference(min(ends, key=lambda values: float(np.mean(values))), halfway)
    return depth > max(APART, 2 * se)

"""Sample average approximation: at fixed noise an objective without score-type estimators is an ordinary function.

Draws are doubled until fresh ones agree (Giordano, Ingram & Broderick, JMLR 25, 2024; Burroni, Domke & Sheldon, UAI
2023). Several starts: the branches of a model make objectives with more than one top.
"""

from dataclasses import dataclass

import numpy as np

from ppl.infer.approximation import Mode
from ppl.infer.climb import climb, climb_round, placed
from ppl.infer.objective import Run, even_uniforms, matched_uniforms, mean_and_error, paired_difference
from ppl.infer.starts import finite_starts, switched, walked
from ppl.infer.target import Array

DRAWS_FIRST, DRAWS_CAP = 64, 8192
FRESH_LEAST = 512
# Rounds of the first climbs, iterations of each, gradient rows for all of them, and how many times its last gain a
# start may still be behind the best to go on.
HEATS, HEAT, HEAT_ROWS, HOPE = 8, 40, 200_000, 2.0
HEAT_NATS = 1e-5
# Places whose coordinates differ by less are one.
SAME = 1e-3
# A top this many nats below the best holds no mass worth a word.
NEGLIGIBLE = 12.0
# Gradient rows that the search may take before it says that it has not settled.
ROWS_BUDGET = 600_000
# Nats by which two tops must differ from the valley between them, or in height, to count as two.
APART = 0.05
# Draws are the same guide's where means and sds differ by less than this part of an sd, over so many draws.
ALIKE, COMPARED = 0.25, 256
FIT, FRESH = range(3, 5)


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


def fit_fixed(run: Run) -> Found:
    """Climb from several starts on few draws, go on from the best on more, until fresh draws agree."""
    objective = run.objective
    free = np.arange(objective.dim)
    count = 1 if not objective.noise else min(max(DRAWS_FIRST, 2 * objective.noise + 2), 2 * DRAWS_FIRST)
    e = matched_uniforms(count, objective.noise, run.rng(FIT, 0))
    ends, values = heats(run, e, finite_starts(run, e))
    run.done(f"{len(ends)} starts", values[0])
    found = doubled(run, switched(run, e, ends[0]), e, free)
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


def heats(run: Run, e: Array, starts: Array) -> tuple[list[Array], list[float]]:
    """Where climbs from all starts end, and their values on fresh draws, the best first. After each round those go on
    that are still climbing fast enough to come near the best."""
    places, heights, gains = walked(run, starts, e), np.full(len(starts), -np.inf), np.full(len(starts), np.inf)
    for _ in range(HEATS):
        ahead = heights + HOPE * gains
        going = np.flatnonzero((gains > 0.0) & ~(ahead < np.max(heights) - NEGLIGIBLE))
        if not going.size or run.stop() or run.tally.gradients > HEAT_ROWS:
            break
        paths = climb_round(run, e, places[going], places[0], np.arange(run.objective.dim), HEAT, HEAT_NATS)
        for at, path in zip(going, paths, strict=True):
            gains[at] = 0.0 if path.reason != "iterations spent" else -path.value - heights[at]
            places[at], heights[at] = path.x, -path.value
    return ranked(run, places, fresh_uniforms(run, FRESH_LEAST // 2))


def ranked(run: Run, places: Array, e: Array) -> tuple[list[Array], list[float]]:
    """Places (B, P) and their values on the draws `e`, the best first."""
    values = [mean_and_error(run.values(x, e))[0] for x in places]
    order = sorted(range(len(places)), key=lambda at: -values[at])
    return [places[at] for at in order], [values[at] for at in order]


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
        if level.settled or run.stop() or is_spent(run, count) or not run.objective.noise:
            return level
        theta = level.theta


def is_spent(run: Run, count: int) -> bool:
    """Whether twice as many draws are more than the search may take: it would need a hundred steps at least."""
    return 2 * count > DRAWS_CAP or run.tally.gradients + 200 * count > ROWS_BUDGET


def next_level(run: Run, before: Array, e: Array, free: Array, turn: int) -> Level:
    """The optimum for the draws `e` from that for half as many. What the old one loses on the new draws is half the
    squared distance of the two in their own scale, whatever the units of theta."""
    here = np.mean(run.values(before, e))
    path = climb(run, e, before[free], before, free)
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
    """Whether all starts came to one top, and the tops of the others, the highest first, that are high enough to
    matter."""
    e = fresh_uniforms(run, FRESH_LEAST // 2)
    top = run.values(theta, e)
    value, se = mean_and_error(top)
    near = [end for end, height in zip(ends, values, strict=True) if height > value - NEGLIGIBLE]
    tops = [(theta, top)]
    for end in near:
        there = run.values(end, e)
        if all(is_apart(run, (end, there), other, e) for other in tops):
            tops.append((end, there))
    modes = tuple(Mode(place, mean_and_error(there)[0] - value, np.nan) for place, there in tops[1:])
    lower = [one for one in values if not one > value - max(APART, 2 * se)]
    return not modes and not lower, modes


def is_apart(run: Run, a: tuple[Array, Array], b: tuple[Array, Array], e: Array) -> bool:
    """Whether a valley lies between two places, each with its values on the draws `e`: halfway is clearly lower than
    both, and the draws there are others. Distance would not tell: some parameters may not matter."""
    if np.allclose(a[0], b[0], rtol=SAME, atol=SAME) or draws_alike(run, a[0], b[0], e[:COMPARED]):
        return False
    lower = min(a[1], b[1], key=lambda values: float(np.mean(values)))
    depth, se = paired_difference(lower, run.values(0.5 * (a[0] + b[0]), e))
    return depth > max(APART, 2 * se)


def draws_alike(run: Run, a: Array, b: Array, e: Array) -> bool:
    """Whether two places make the same draws from the same noise, to a part of their spread: the weights of nets can
    be exchanged without a trace."""
    if run.drawn is None or not run.objective.noise:
        return False
    one, two = run.drawn(e, a), run.drawn(e, b)
    return all(_alike(np.asarray(x, dtype=float), np.asarray(two[name], dtype=float)) for name, x in one.items())


def _alike(x: Array, y: Array) -> bool:
    within = ALIKE * x.std(axis=0) + SAME
    moved, wider = np.abs((x - y).mean(axis=0)), np.abs(x.std(axis=0) - y.std(axis=0))
    return bool(np.all(moved <= within) and np.all(wider <= within))

"""Adam at a fixed rate, and when the average of its iterates can be believed.

At a fixed rate the iterates settle into a stationary wobble about the optimum: split R-hat tells when, batch means
tell how well their average is known, and the covariance of gradients and iterates tells what that is worth in nats
(Dhaka et al., NeurIPS 2020; Welandawe et al., JMLR 25, 2024; averages: Polyak & Juditsky, SIAM J. Control Optim. 30,
1992; Adam: Kingma & Ba, ICLR 2015, its second moment averaged over a longer memory).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np

from ppl.infer.objective import Run, independent_uniforms
from ppl.infer.target import Array

MOMENTUM = 0.9
MEMORY = 500
# Steps between looks at the trace; the shortest window of it that is judged.
LOOK, SHORTEST = 100, 200
BATCHES = 20
# More bad rows than this in one step, and the step counts as lost.
BAD_SHARE = 0.1
NOISE_CELLS = 1_000_000


@dataclass(frozen=True, slots=True)
class Climber:
    """Where Adam stands: theta (P,), the mean `m` and mean square `v` of past gradients, and how many it has seen."""

    theta: Array
    m: Array
    v: Array
    seen: int


@dataclass(frozen=True, slots=True)
class Walk:
    """The iterates (W, P) of one stretch, the gradient met at each, and whether it ended among bad rows."""

    iterates: Array
    gradients: Array
    lost: bool


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of the iterates over the last `window` steps of a phase and its standard error, both (P,).

    `curvature` (P,) is minus the second derivative of the objective as the wobble shows it, `loss` what the error of
    the mean is expected to cost in nats: half the sum of curvature times squared error.
    """

    theta: Array
    error: Array
    curvature: Array
    loss: float
    stationary: bool
    window: int


def standing(theta: Array) -> Climber:
    return Climber(theta, np.zeros_like(theta), np.zeros_like(theta), 0)


def walk(run: Run, climber: Climber, noise: Array, rate: float, free: Array) -> tuple[Climber, Walk]:
    """One Adam step for each of the (T, K, N) noise blocks; coordinates move where `free` (P,) is 1."""
    steps, count, _ = noise.shape
    theta, m, v, seen = climber.theta.copy(), climber.m.copy(), climber.v.copy(), climber.seen
    iterates, gradients = np.empty((steps, len(theta))), np.empty((steps, len(theta)))
    rows = np.empty((count, len(theta)))
    estimate, share = run.objective.estimate, 1.0 / count
    pace = rate * free
    for at in range(steps):
        rows[:] = theta
        iterates[at] = theta
        values, rows_of_g = estimate(rows, noise[at])
        g = np.add.reduce(rows_of_g, axis=0)
        g *= share
        if not isfinite(np.add.reduce(g) + np.add.reduce(values)):
            kept = finite_gradient(run, theta, values, rows_of_g)
            if kept is None:
                run.tally.add((at + 1) * count, 0)
                return Climber(theta, m, v, seen), Walk(iterates[:at], gradients[:at], True)
            g = kept
        gradients[at] = g
        seen += 1
        m += (1.0 - MOMENTUM if seen > 1 else 1.0) * (g - m)
        v += (g * g - v) / min(seen, MEMORY)
        theta += pace * m / (np.sqrt(v) + 1e-12)
    run.tally.add(steps * count, 0)
    run.tally.calls += steps - 1
    run.iterations += steps
    return Climber(theta, m, v, seen), Walk(iterates, gradients, False)


def finite_gradient(run: Run, theta: Array, values: Array, gradients: Array) -> Array | None:
    """The mean gradient over the finite rows, which are counted; None where too many are not."""
    good = np.isfinite(values) & np.isfinite(gradients).all(axis=1)
    bad = len(good) - int(good.sum())
    run.not_finite += bad
    if bad > max(1, BAD_SHARE * len(good)):
        run.trouble = theta.copy()
        return None
    return np.asarray(gradients[good].mean(axis=0))


def split_rhat(trace: Array) -> Array:
    """(P,) potential scale reduction of the two halves of a trace (W, P); 1 where nothing moves."""
    half = len(trace) // 2
    first, second = trace[:half], trace[-half:]
    within = 0.5 * (first.var(axis=0, ddof=1) + second.var(axis=0, ddof=1))
    between = 0.5 * (first.mean(axis=0) - second.mean(axis=0)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        rhat = np.sqrt((half - 1) / half + between / within)
    return np.where(between > 0, rhat, 1.0)


def error_of_mean(trace: Array) -> Array:
    """(P,) standard error of the mean of a correlated trace (W, P), from the means of `BATCHES` batches."""
    size = len(trace) // BATCHES
    means = trace[len(trace) - BATCHES * size :].reshape(BATCHES, size, -1).mean(axis=1)
    return np.asarray(means.std(axis=0, ddof=1) / np.sqrt(BATCHES))


def is_stationary(rhat: Array) -> bool:
    """Nearly all coordinates have mixed; of many, a few may look worse by chance."""
    return bool(np.quantile(rhat, 0.95) < 1.1 and np.max(rhat) < 1.3)


def settled_window(trace: Array) -> tuple[int, bool]:
    """The longest of five windows at the end of a trace that looks stationary; else the last half, and that it does
    not."""
    longest = int(0.95 * len(trace))
    for window in np.linspace(longest, max(SHORTEST, longest // 3), 5).astype(int):
        if window >= SHORTEST and is_stationary(split_rhat(trace[-window:])):
            return int(window), True
    return max(len(trace) // 2, 2), False


def average(iterates: Array, gradients: Array) -> Average:
    """What a phase of fixed rate has found. In a stationary wobble about a quadratic top of curvature h, gradients
    regress on iterates with slope -h; the noise of a step is independent of where it is taken."""
    window, stationary = settled_window(iterates)
    x, g = iterates[-window:], gradients[-window:]
    theta = x.mean(axis=0)
    square = np.mean((x - theta) ** 2, axis=0)
    slope = np.mean((x - theta) * g, axis=0) / np.where(square > 0, square, 1.0)
    curvature = np.maximum(-slope, 0.0)
    error = error_of_mean(x) if window >= 2 * BATCHES else x.std(axis=0)
    return Average(theta, error, curvature, float(0.5 * curvature @ error**2), stationary, window)


def effective_steps(found: Average, iterates: Array) -> float:
    """The median over coordinates of how many independent iterates the window is worth."""
    variance = iterates[-found.window :].var(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = variance / found.error**2
    return float(np.median(np.where(found.error > 0, worth, found.window)))


@dataclass(frozen=True, slots=True)
class Phase:
    """One stretch at a fixed rate with `rows` draws a step, and what its iterates average to."""

    found: Average
    climber: Climber
    steps: int
    lost: bool


def run_phase(
    run: Run,
    climber: Climber,
    rate: float,
    rows: int,
    rng: np.random.Generator,
    free: Array,
    longest: int,
    enough: Callable[[Average], bool] = lambda found: True,
) -> Phase:
    """Step until the iterates are stationary, their window is worth 20 independent ones, and `enough`; or `longest`."""
    iterates = gradients = np.empty((0, len(climber.theta)))
    looked = SHORTEST + 20 - LOOK
    while len(iterates) < longest:
        count = min(LOOK, longest - len(iterates), max(1, NOISE_CELLS // (rows * max(run.objective.noise, 1))))
        climber, walked = walk(run, climber, independent_uniforms((count, rows, run.objective.noise), rng), rate, free)
        iterates = np.concatenate([iterates, walked.iterates])
        gradients = np.concatenate([gradients, walked.gradients])
        if walked.lost:
            return Phase(average_or_here(climber, iterates, gradients), climber, len(iterates), True)
        if len(iterates) >= looked + LOOK:
            looked, found = len(iterates), average(iterates, gradients)
            if found.stationary and effective_steps(found, iterates) >= 20 and enough(found):
                break
        if run.stop():
            break
    return Phase(average_or_here(climber, iterates, gradients), climber, len(iterates), False)


def average_or_here(climber: Climber, iterates: Array, gradients: Array) -> Average:
    """The average, or the last place where there are too few steps to average."""
    if len(iterates) >= 4:
        return average(iterates, gradients)
    nothing = np.zeros_like(climber.theta)
    return Average(climber.theta, nothing + np.inf, nothing, np.inf, False, 0)

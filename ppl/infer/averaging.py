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
# Steps between looks at the trace, at least; later ones are a quarter of its length apart.
LOOK = 100
# A trace is kept as moments of blocks of so many steps; the shortest window, in blocks, that is judged, and how many
# independent iterates it must be worth.
BLOCK, SHORTEST, WORTH = 10, 20, 20
# Batches, fewer and longer ones too: momentum alone makes neighbours within ten steps alike.
BATCHES = (20, 10, 5)
# More bad rows than this in one step, and the step counts as lost.
BAD_SHARE = 0.1
# The part of the loss asked for, in one coordinate, that a drift may gain unnoticed.
TRIFLE = 0.05
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
class Trace:
    """By block of steps (B, P): the means of the iterates x less an origin, of x squared, of the gradients met at them
    and of gradient times x."""

    origin: Array
    x: Array
    xx: Array
    g: Array
    xg: Array


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of the iterates over the last `window` steps of a phase and its standard error, both (P,).

    `curvature` (P,) is minus the second derivative of the objective as the wobble shows it, `loss` what the error of
    the mean is expected to cost in nats: half the sum of curvature times squared error. `worth` is how
    many independent iterates the window is worth: what their wobble costs over what that of their mean does.
    """

    theta: Array
    error: Array
    curvature: Array
    loss: float
    stationary: bool
    window: int
    worth: float


def standing(theta: Array) -> Climber:
    return Climber(theta, np.zeros_like(theta), np.zeros_like(theta), 0)


def walk(run: Run, climber: Climber, noise: Array, rate: float, pace: Array) -> tuple[Climber, Walk]:
    """One Adam step for each of the (T, K, N) noise blocks; `pace` (P,) scales the steps of each
    coordinate, to nothing where it is held."""
    steps, count, _ = noise.shape
    theta, m, v, seen = climber.theta.copy(), climber.m.copy(), climber.v.copy(), climber.seen
    iterates, gradients = np.empty((steps, len(theta))), np.empty((steps, len(theta)))
    rows = np.empty((count, len(theta)))
    estimate, share = run.objective.estimate, 1.0 / count
    pace = rate * pace
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


def empty_trace(origin: Array) -> Trace:
    nothing = np.empty((0, len(origin)))
    return Trace(origin, nothing, nothing, nothing, nothing)


def moments_of(walked: Walk, origin: Array) -> Trace:
    """The moments of each whole block of a walk."""
    blocks = len(walked.iterates) // BLOCK
    x = (walked.iterates[: blocks * BLOCK] - origin).reshape(blocks, BLOCK, len(origin))
    g = walked.gradients[: blocks * BLOCK].reshape(blocks, BLOCK, len(origin))
    return Trace(origin, x.mean(axis=1), np.mean(x * x, axis=1), g.mean(axis=1), np.mean(x * g, axis=1))


def joined(first: Trace, second: Trace) -> Trace:
    """One trace after another, of the same origin."""
    pairs = ((first.x, second.x), (first.xx, second.xx), (first.g, second.g), (first.xg, second.xg))
    return Trace(first.origin, *(np.concatenate(pair) for pair in pairs))


def variance_of(trace: Trace, blocks: slice) -> Array:
    return np.asarray(np.maximum(trace.xx[blocks].mean(axis=0) - trace.x[blocks].mean(axis=0) ** 2, 0.0))


def split_rhat(trace: Trace, window: int) -> Array:
    """(P,) potential scale reduction of the two halves of the last `window` blocks; 1 where nothing moves."""
    half = window // 2
    first, second = slice(len(trace.x) - 2 * half, len(trace.x) - half), slice(len(trace.x) - half, None)
    within = 0.5 * (variance_of(trace, first) + variance_of(trace, second))
    between = 0.5 * (trace.x[first].mean(axis=0) - trace.x[second].mean(axis=0)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(between > 0, np.sqrt(1.0 + between / within), 1.0)


def error_of_mean(means: Array) -> Array:
    """(P,) standard error of the mean of a correlated series of block means (B, P): the largest by several lengths of
    batches."""
    return np.asarray(np.max([error_by_batches(means, batches) for batches in BATCHES], axis=0))


def error_by_batches(means: Array, batches: int) -> Array:
    size = len(means) // batches
    by_batch = means[len(means) - batches * size :].reshape(batches, size, -1).mean(axis=1)
    return np.asarray(by_batch.std(axis=0, ddof=1) / np.sqrt(batches))


def is_stationary(rhat: Array) -> bool:
    """Nearly all coordinates have mixed; of many, a few may look worse by chance."""
    return bool(np.quantile(rhat, 0.95) < 1.1 and np.max(rhat) < 1.3)


def drift_gain(trace: Trace, window: int) -> Array:
    """(P,) what each coordinate gained, in nats, between the halves of the last `window` blocks: slope times way."""
    half = window // 2
    last, second = slice(len(trace.x) - 2 * half, None), slice(len(trace.x) - half, None)
    way = 2.0 * (trace.x[second].mean(axis=0) - trace.x[last].mean(axis=0))
    return np.asarray(np.abs(trace.g[last].mean(axis=0) * way))


def settled_window(trace: Trace, trifle: float) -> tuple[int, bool]:
    """The longest of five windows (in blocks) at the end of a trace that looks stationary; else the last half, and
    that it does not. A drift that gains less than `trifle` nats is none: a logit on its way to certainty never ends."""
    longest = int(0.95 * len(trace.x))
    for window in np.linspace(longest, max(SHORTEST, longest // 3), 5).astype(int):
        if not SHORTEST <= window <= longest:
            continue
        if is_stationary(np.where(drift_gain(trace, window) > trifle, split_rhat(trace, window), 1.0)):
            return int(window), True
    return max(len(trace.x) // 2, 1), False


def average(trace: Trace, trifle: float = 0.0) -> Average:
    """What a phase of fixed rate has found. In a stationary wobble about a quadratic top of curvature h, gradients
    regress on iterates with slope -h: the noise of a step is independent of where it is taken."""
    window, stationary = settled_window(trace, trifle)
    last = slice(len(trace.x) - window, None)
    mean, variance = trace.x[last].mean(axis=0), variance_of(trace, last)
    together = trace.xg[last].mean(axis=0) - mean * trace.g[last].mean(axis=0)
    curvature = np.maximum(-together / np.where(variance > 0, variance, np.inf), 0.0)
    error = error_of_mean(trace.x[last]) if window >= max(BATCHES) else np.sqrt(variance)
    wobble, loss = float(0.5 * curvature @ variance), float(0.5 * curvature @ error**2)
    worth = wobble / loss if loss > 0 else float(window * BLOCK)
    return Average(trace.origin + mean, error, curvature, loss, stationary, window * BLOCK, worth)


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
    pace: Array,
    longest: int,
    enough: Callable[[Average], bool] = lambda found: True,
) -> Phase:
    """Step until the iterates are stationary, their window is worth 20 independent ones, and `enough`; or `longest`."""
    trace, trifle = empty_trace(climber.theta), TRIFLE * 0.5 * run.options.tol**2
    steps, look = 0, SHORTEST * BLOCK + 20
    while steps < longest:
        count = min(LOOK, longest - steps, NOISE_CELLS // (rows * max(run.objective.noise, 1)))
        shape = (BLOCK * max(count // BLOCK, 1), rows, run.objective.noise)
        climber, walked = walk(run, climber, independent_uniforms(shape, rng), rate, pace)
        trace, steps = joined(trace, moments_of(walked, trace.origin)), steps + len(walked.iterates)
        if walked.lost:
            return Phase(average_or_here(climber, trace, trifle), climber, steps, True)
        if steps >= look:
            look, found = steps + max(LOOK, steps // 4), average(trace, trifle)
            if found.stationary and found.worth >= WORTH and enough(found):
                return Phase(found, climber, steps, False)
        if run.stop():
            break
    return Phase(average_or_here(climber, trace, trifle), climber, steps, False)


def average_or_here(climber: Climber, trace: Trace, trifle: float) -> Average:
    """The average, or the last place where there is too little to average."""
    if len(trace.x):
        return average(trace, trifle)
    return unknown_average(climber.theta)


def unknown_average(theta: Array) -> Average:
    """A place of which nothing is known."""
    return Average(theta, np.full_like(theta, np.inf), np.zeros_like(theta), np.inf, False, 0, 0.0)

"""Newton's method on all data, with the curvature of a sample of them.

Where only a few parameters are learned and no position has draws of its own, a sample of the data has an optimum that
is found without stochastic steps, and its curvature is nearly that of all data. One gradient over all data then takes
most of what is left away, and each further one most of what was left before; the decrement says how much in nats.
No minibatch can tell as much for as little: what averaged steps know of a location improves with the root of the number
of passes (the noise of a minibatch is that of the data themselves)."""

from dataclasses import dataclass

import numpy as np

from ppl.infer.objective import Objective, Run, matched_uniforms
from ppl.infer.parts import AllData, Parted
from ppl.infer.saa import fit_fixed
from ppl.infer.target import Array

# Positions of the sample; positions times draws that tell the curvature; parameters up to which its matrix is made,
# where positions are few and at all.
SAMPLE, CURVED, FEW, MOST = 5000, 200_000, 100, 2200
DRAWS, TURNS = 32, 12
# Steps that are tried, the part of its promise that one must keep, the flattest direction, and the part of what was
# left before that must not be left after a step, or the curvature is made again.
FRACTIONS, ARMIJO, FLAT, SLOW = (1.0, 0.5, 0.25, 0.1, 0.03), 0.1, 1e-3, 0.3
# The step of the differences, in parts of a parameter.
STEP = 1e-4
NUMBERS, FRESH, PICK = range(50, 53)


@dataclass(frozen=True, slots=True)
class Rest:
    """Where Newton's method came to rest, the standard error that its draws leave, and what both are worth: `left`, in
    nats, to the optimum of its own draws, `moved` to that of fresh ones."""

    theta: Array
    error: Array
    left: float
    moved: float
    draws: int


def suits(parted: Parted) -> bool:
    """Whether no position has parameters or draws of its own, and the parameters are few: fewer than the positions that
    tell of their curvature."""
    few = 0 < parted.dim <= min(MOST, max(FEW, parted.count))
    return parted.deterministic and not parted.local and not parted.noisy and few


def rest(run: Run, parted: Parted, goal: float) -> Rest | None:
    """The optimum over all data to within `goal` nats, half of it for the search and half for the draws; None where the
    curvature of the sample leads nowhere."""
    theta = of_sample(run, parted.sample(run.rng(PICK), SAMPLE).program)
    count = max(DRAWS, 2 * parted.shared + 2) if parted.shared else 1
    while True:
        e = matched_uniforms(count, parted.shared, run.rng(NUMBERS, count))
        sample = parted.sample(run.rng(PICK, 1), min(CURVED // len(e) + 1, 4 * SAMPLE)).program
        found = iterated(run, parted, sample, theta, e, 0.5 * goal)
        if found is None:
            return None
        theta, inverse, left = found
        _, slope = looked_at(run, parted, theta, matched_uniforms(count, parted.shared, run.rng(FRESH, count)))
        away = inverse @ slope
        moved = 0.5 * float(slope @ away)
        run.done(f"fresh {count} draws", moved)
        # two sets of draws are apart by twice the variance of one
        if moved < goal or count >= 16 * DRAWS or run.stop() or not parted.shared:
            return Rest(theta, np.abs(away) / np.sqrt(2.0), left, 0.5 * moved, count)
        count *= 4


def of_sample(run: Run, sample: Objective) -> Array:
    """The optimum of a sample."""
    inner = Run(sample, run.options, lambda progress: None, run.stop, run.began, run.tally)
    found = fit_fixed(inner)
    run.iterations += inner.iterations
    run.done("sample", np.nan_to_num(-found.gap))
    return found.theta


def iterated(
    run: Run, parted: Parted, sample: Objective, theta: Array, e: Array, goal: float
) -> tuple[Array, Array, float] | None:
    """Steps by the curvature of the sample and gradients of all data, until less than `goal` nats are left; the place,
    the inverse of the curvature there and what is left. None where no step along one leads up."""
    inverse = inverse_curvature(run, sample, theta, e)
    if inverse is None:
        return None
    value, slope = looked_at(run, parted, theta, e)
    left = np.inf
    for _ in range(TURNS):
        way, before = inverse @ slope, left
        left = 0.5 * float(slope @ way)
        run.done("all data", value)
        if goal < left and SLOW * before < left < np.inf and np.isfinite(before):
            again = inverse_curvature(run, sample, theta, e)
            if again is None:
                break
            inverse = again
            way = inverse @ slope
            left = 0.5 * float(slope @ way)
        if not np.isfinite(left):
            return None
        if left < goal or run.stop():
            break
        better = climbed(run, parted, theta, way, e, value, left)
        if better is None:
            return None
        theta, value, slope = better
    return theta, inverse, left


def climbed(
    run: Run, parted: Parted, theta: Array, way: Array, e: Array, value: float, left: float
) -> tuple[Array, float, Array] | None:
    """The place of a step along `way` that gains a part of what it promises (`left`), its value and its gradient."""
    for fraction in FRACTIONS:
        there = theta + fraction * way
        found, slope = looked_at(run, parted, there, e)
        if np.isfinite(slope).all() and found > value + ARMIJO * fraction * left - 1e-12 * abs(value):
            return there, found, slope
        if run.stop():
            break
    return None


def looked_at(run: Run, parted: Parted, theta: Array, e: Array) -> tuple[float, Array]:
    """The mean value and the mean gradient (P,) over all data and the draws `e`."""
    values, slopes = AllData(parted, len(e)).estimate(np.repeat(theta[None], len(e), axis=0), e)
    run.tally.add(len(e), 0)
    run.iterations += 1
    return float(values.mean()), np.asarray(slopes.mean(axis=0))


def inverse_curvature(run: Run, sample: Objective, theta: Array, e: Array) -> Array | None:
    """(P, P) the inverse of minus the second derivatives of the sample's mean over the draws `e`, by differences of
    gradients; None where time runs out. Where it curves upwards it is taken to curve downwards as much (Dauphin et al.,
    NeurIPS 2014), and nowhere to be flatter than a part of where it curves most."""
    steps = STEP * np.maximum(1.0, np.abs(theta))
    rows = []
    for j, h in enumerate(steps):
        if run.stop():
            return None
        shift = np.zeros(len(theta))
        shift[j] = h
        up, down = (_mean_gradient(run, sample, theta + sign * shift, e) for sign in (1.0, -1.0))
        rows.append((down - up) / (2.0 * h))
    matrix = 0.5 * (np.array(rows) + np.array(rows).T)
    scale = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(matrix)), 1e-300))
    values, vectors = np.linalg.eigh(matrix * scale * scale[:, None])
    curved = np.maximum(np.abs(values), FLAT * np.max(np.abs(values), initial=1e-300))
    return np.asarray((vectors / curved) @ vectors.T * scale * scale[:, None])


def _mean_gradient(run: Run, sample: Objective, theta: Array, e: Array) -> Array:
    slopes = []
    for part in np.array_split(e, max(1, -(-len(e) // max(sample.most, 1)))):
        slopes.append(sample.estimate(np.repeat(theta[None], len(part), axis=0), part)[1])
        run.tally.add(len(part), 0)
    return np.asarray(np.concatenate(slopes).mean(axis=0))

"""L-BFGS on a sample average: several starts in one batch, then steps in the units of the noise of the gradient.

A coordinate of curvature h has gradients of standard deviation root h near the optimum of a guide that fits (those of
a normal mean are of noise 1 / sd): in units of its inverse, measured again as the climb goes on, stiff and slack
coordinates are alike.
"""

import numpy as np

from ppl.infer.lbfgs import Limits, Minimum, Objective, minimise
from ppl.infer.objective import Run
from ppl.infer.target import Array

# Iterations between two looks at the units, and how many looks.
ROUND, ROUNDS = 60, 6
DECREMENT = 1e-8
# Trials of one line search: values have kinks, where none would meet both its conditions.
TRIES = 8
# How far a step moves at first a coordinate that is zero.
REACH = 2.0
# Units are within this factor of the median one.
SPREAD = 1e6


def negative_mean(run: Run, e: Array, theta: Array, free: Array) -> Objective:
    """Minus the mean over the rows of `e`, as a function of the coordinates `free` of theta alone; infinite where any
    row is not finite."""

    def objective(x: Array) -> tuple[Array, Array]:
        places = np.repeat(theta[None], len(x), axis=0)
        places[:, free] = x
        means, slopes, bad = run.means(places, e)
        if bad.any():
            run.not_finite += int(bad.sum())
            run.trouble = places[np.flatnonzero(bad)[-1]]
        fine = bad == 0
        return np.where(fine, -means, np.inf), np.where(fine[:, None], -slopes[:, free], 0.0)

    return objective


def placed(theta: Array, free: Array, values: Array) -> Array:
    out = theta.copy()
    out[free] = values
    return out


def climb_round(
    run: Run, e: Array, starts: Array, theta: Array, free: Array, iterations: int, nats: float
) -> list[Minimum]:
    """L-BFGS on the mean over `e` from every row of `starts` (B, n), coordinates `free` (n,) of theta, in the units of
    the gradient's noise there, to within about `nats` of a top."""
    limits = Limits(iterations, nats, tries=TRIES, gain=nats, reach=REACH, stop=run.stop)
    units = np.stack([noise_units(run, e, placed(theta, free, start))[free] for start in starts])
    paths = minimise(negative_mean(run, e, theta, free), starts, limits, keep=False, units=units)
    run.iterations += max(path.iterations for path in paths)
    return paths


def climb(run: Run, e: Array, start: Array, theta: Array, free: Array) -> Minimum:
    """Rounds from `start` (n,), with new units each, until one gains little."""
    nats = decrement_wanted(run, len(free))
    path = climb_round(run, e, start[None], theta, free, ROUND, nats)[0]
    for _ in range(ROUNDS - 1):
        before = path.value
        if run.stop() or not np.isfinite(before):
            break
        path = climb_round(run, e, path.x[None], theta, free, ROUND, nats)[0]
        if before - path.value < trifle(run, len(free)):
            break
    return path


def decrement_wanted(run: Run, dim: int) -> float:
    """The nats at which a climb ends: far below what the draws themselves leave open."""
    return max(DECREMENT, 1e-4 * nats_asked(run, dim))


def trifle(run: Run, dim: int) -> float:
    """The gain of a round after which no other is worth while."""
    return 0.05 * nats_asked(run, dim)


def nats_asked(run: Run, dim: int) -> float:
    """The loss at which every one of `dim` parameters is off by `tol` of its own scale."""
    return 0.5 * dim * run.options.tol**2


def noise_units(run: Run, e: Array, theta: Array) -> Array:
    """(P,) 1 / standard deviation of one draw's gradient; the median of the others where there is no noise."""
    _, gradients = run.estimate(theta, e)
    gradients = gradients[np.isfinite(gradients).all(axis=1)]
    if len(gradients) < 2:
        return np.ones(len(theta))
    deviation = np.std(gradients, axis=0)
    known = deviation > 1e-12 * np.max(deviation, initial=0.0)
    if not known.any():
        return np.ones(len(theta))
    middle = np.median(deviation[known])
    return np.asarray(1.0 / np.clip(np.where(known, deviation, middle), middle / SPREAD, middle * SPREAD))

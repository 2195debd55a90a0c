"""How noisy and how costly a gradient estimator is: a few replicates at one point."""

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from ppl.infer.objective import Objective, independent_uniforms
from ppl.infer.target import Array

REPLICATES, ROWS = 64, 16
STAGE = 50
KNOWN = 1e-12


@dataclass(frozen=True, slots=True)
class Measured:
    """`variance` of the mean gradient of `ROWS` draws, the geometric mean over all coordinates: steps are scaled
    coordinate by coordinate, so no scale may count more than another. `ms` that such a gradient takes, the fastest of
    all replicates."""

    variance: float
    ms: float

    @property
    def work(self) -> float:
        """Variance times cost: the time that an estimate of given accuracy takes, up to a factor."""
        return self.variance * self.ms


def measure(objective: Objective, theta: Array, seed: int = 0, replicates: int = REPLICATES) -> Measured:
    """Variance and cost of the gradient estimates of `objective` at theta (P,); replicates that are not finite are left
    out."""
    rows = np.repeat(np.asarray(theta, dtype=float)[None], ROWS, axis=0)
    found, best = [], float("inf")
    with np.errstate(all="ignore"):
        for replicate in range(replicates):
            e = independent_uniforms((ROWS, objective.noise), np.random.default_rng([seed, STAGE, replicate]))
            began = perf_counter()
            _, gradients = objective.estimate(rows, e)
            best = min(best, perf_counter() - began)
            found.append(np.mean(gradients, axis=0))
        good = np.array([g for g in found if np.isfinite(g).all()])
    return Measured(typical_variance(good) if len(good) > 1 else float("nan"), 1000.0 * best)


def typical_variance(found: Array) -> float:
    """The geometric mean over coordinates of the variances of gradients (R, P). What is known to all its digits has a
    variance of `KNOWN` times its mean square; a gradient without coordinates, or of zeros alone, has none."""
    mean_square = np.square(found).mean(axis=0)
    variances = (found.var(axis=0, ddof=1) + KNOWN * mean_square)[mean_square > 0.0]
    return float(np.exp(np.log(variances).mean())) if variances.size else 0.0

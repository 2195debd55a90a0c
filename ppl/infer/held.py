"""Laplace draws inside a guide: the mode of their coordinates, the curvature there, and the rest of the guide fitted
with both held."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from ppl.infer.approximation import Approximation, Options, Progress
from ppl.infer.objective import Objective, Run, matched_uniforms
from ppl.infer.optimise import conclude, fit_found, nothing_to_fit
from ppl.infer.target import Array

# Eigenvalues of minus the Hessian below this part of the largest count as that: the density is flat there, or rises.
FLAT = 1e-8
STEP, DRAWS, CURVATURE = 1e-4, 512, 80


@dataclass(frozen=True)
class Held:
    """An objective with some coordinates of theta held at `place` (P,): `free` (P,) says which are not."""

    whole: Objective
    place: Array
    free: Array

    @property
    def dim(self) -> int:
        return self.whole.dim

    @property
    def noise(self) -> int:
        return self.whole.noise

    @property
    def deterministic(self) -> bool:
        return self.whole.deterministic

    @property
    def start(self) -> Array:
        return self.place

    @property
    def blocks(self) -> Mapping[str, slice]:
        return self.whole.blocks

    @property
    def score_nodes(self) -> tuple[str, ...]:
        return self.whole.score_nodes

    @property
    def switches(self) -> tuple[slice, ...]:
        return self.whole.switches

    @property
    def flexible(self) -> bool:
        return self.whole.flexible

    @property
    def posterior(self) -> bool:
        return self.whole.posterior

    @property
    def most(self) -> int:
        return self.whole.most

    def put(self, theta: Array) -> Array:
        """Theta (…, P) with the held coordinates in their place."""
        return np.where(self.free, theta, self.place)

    def estimate(self, theta: Array, e: Array) -> tuple[Array, Array]:
        values, slopes = self.whole.estimate(self.put(theta), e)
        return values, np.where(self.free, slopes, 0.0)

    def log_weight(self, theta: Array, e: Array) -> Array:
        return self.whole.log_weight(self.put(theta), e)


def fit_held(
    objective: Objective,
    place: Array,
    free: Array,
    options: Options,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Approximation:
    """Maximise `objective` over the coordinates `free` (P,), the others held at `place` (P,)."""
    held = Held(objective, place, free)
    run = Run(held, replace(options, init=None), report, stop, perf_counter())
    with np.errstate(all="ignore"):
        found = fit_found(run) if free.any() else nothing_to_fit(run)
        theta = held.put(found.theta if free.any() else place)
        error = np.where(free, found.error, 0.0) if free.any() else np.zeros(len(place))
        return conclude(run, replace(found, theta=theta, error=error), objective)


def curvature(objective: Objective, theta: Array, block: slice, seed: int) -> Array:
    """Minus the Hessian (D, D) of an objective in a block of its coordinates, by central differences of its gradient
    at fixed draws."""
    e = matched_uniforms(DRAWS, objective.noise, np.random.default_rng([seed, CURVATURE])) if objective.noise else None
    e = np.empty((1, 0)) if e is None else e
    at = np.arange(block.start, block.stop)
    rows = []
    for i in at:
        step = STEP * max(1.0, abs(theta[i]))
        sides = []
        for sign in (1.0, -1.0):
            there = theta.copy()
            there[i] += sign * step
            _, slopes = objective.estimate(np.repeat(there[None], len(e), axis=0), e)
            sides.append(slopes[:, at].mean(axis=0))
        rows.append((sides[1] - sides[0]) / (2.0 * step))
    found = np.array(rows).reshape(len(at), len(at))
    return np.asarray(0.5 * (found + found.T))


def scale_of(hessian: Array) -> Array:
    """L (D, D), lower triangular, with L L^T the inverse of minus a Hessian; where that is flat or negative, its
    eigenvalues are raised to the least that counts."""
    values, vectors = np.linalg.eigh(hessian)
    least = FLAT * max(float(np.abs(values).max(initial=0.0)), 1e-300)
    cov = (vectors / np.maximum(np.abs(values), least)) @ vectors.T
    return np.asarray(np.linalg.cholesky(0.5 * (cov + cov.T)))

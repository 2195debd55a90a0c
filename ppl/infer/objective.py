"""What the stochastic engine optimises: an expectation over uniform noise, seen through draws of it and its gradient.

L(theta) = E f(theta, e) for e uniform on the unit cube: an evidence lower bound under a guide of the user's, or the
expectation that the user minimises or maximises. The same rows of e at two places make differences nearly free of
noise (common random numbers).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Protocol

import numpy as np
from scipy.special import ndtr

from ppl.infer.approximation import Cost, Options, Progress
from ppl.infer.sobol import matched_normal, sobol_uniform
from ppl.infer.target import CHUNK, Array, Tally

# A row of ones and zeros less than this from the ends of (0, 1) would be an infinite quantile.
LEAST = 2.0**-53
Drawn = Callable[[Array, Array], Mapping[str, Array]]


class Objective(Protocol):
    """An expectation whose gradient is estimated row by row; larger is better (a loss comes with its sign changed)."""

    @property
    def dim(self) -> int:
        """P, the number of unconstrained parameters theta."""

    @property
    def noise(self) -> int:
        """N, the uniforms in (0, 1) of one draw; may be 0."""

    @property
    def deterministic(self) -> bool:
        """Whether, at fixed noise, every gradient row is the exact gradient of its value: no score-type estimator."""

    @property
    def start(self) -> Array:
        """(P,) where to start."""

    @property
    def blocks(self) -> Mapping[str, slice]:
        """The coordinates of theta of each parameter or unknown."""

    @property
    def score_nodes(self) -> tuple[str, ...]:
        """The unknowns whose gradient is estimated by score-type estimators."""

    @property
    def switches(self) -> tuple[slice, ...]:
        """The coordinates of theta that are locations of unknowns on which branches depend."""

    @property
    def flexible(self) -> bool:
        """Whether the guide has flows: too many parameters to be held in check by a few fixed draws."""

    @property
    def posterior(self) -> bool:
        """Whether the value is an evidence lower bound, so that `log_weight` exists."""

    @property
    def most(self) -> int:
        """The most rows of one call for which there is memory."""

    def estimate(self, theta: Array, e: Array) -> tuple[Array, Array]:
        """Values (S,) and gradient estimates (S, P) for theta (S, P), rows alike, and noise e (S, N).

        The mean over rows is the estimator. Leave-one-out baselines couple the rows: they must be independent, and
        at least two.
        """

    def log_weight(self, theta: Array, e: Array) -> Array:
        """log p(z, data) - log q(z) (S,) of draws in which nothing is summed out of the guide."""


@dataclass(eq=False)
class NotFinite(Exception):
    """The objective is not finite where it was tried: `theta` (B, P), and `values` (B, S) for the noise `e` (S, N)."""

    theta: Array
    e: Array
    values: Array


@dataclass(slots=True)
class Run:
    """What every stage needs: the objective, a tally, the options, the clock, and whom to tell; `drawn` gives the draws
    of all unknowns by name, (S, ...), for noise (S, N) at a theta (P,)."""

    objective: Objective
    options: Options
    report: Callable[[Progress], None]
    asked_to_stop: Callable[[], bool]
    began: float
    tally: Tally = field(default_factory=Tally)
    stages: list[tuple[str, float]] = field(default_factory=list)
    iterations: int = 0
    not_finite: int = 0
    trouble: Array | None = None
    drawn: Drawn | None = None

    def rng(self, stage: int, turn: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.options.seed, 100 + stage, turn])

    def stop(self) -> bool:
        return self.asked_to_stop() or perf_counter() - self.began > self.options.max_seconds

    def done(self, stage: str, value: float) -> None:
        elapsed = perf_counter() - self.began
        self.stages.append((stage, elapsed - sum(seconds for _, seconds in self.stages)))
        self.report(Progress(stage, value, self.tally.gradients, elapsed))

    def cost(self) -> Cost:
        return Cost(self.tally.gradients, self.tally.values, self.tally.calls, self.iterations, tuple(self.stages))

    def estimate(self, theta: Array, e: Array) -> tuple[Array, Array]:
        """Values (S,) and gradients (S, P) at one theta (P,), in calls of as many rows as memory allows."""
        parts = [self._estimate(theta, part) for part in self._parts(e)]
        values, gradients = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return values, gradients

    def means(self, theta: Array, e: Array) -> tuple[Array, Array, Array]:
        """Mean values (B,) and gradients (B, P) over the rows of `e` at every theta (B, P), and how many rows (B,) were
        not finite. Where no row is another's baseline, all thetas share calls."""
        if not self.objective.deterministic:
            parts = [self._summed(one[None], e) for one in theta]
        else:
            size = max(min(2 * CHUNK, self.objective.most) // len(e), 1)
            parts = [self._summed(theta[at : at + size], e) for at in range(0, len(theta), size)]
        means, slopes, bad = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return means, slopes, bad

    def _summed(self, theta: Array, e: Array) -> tuple[Array, Array, Array]:
        if len(theta) == 1:
            values, gradients = self.estimate(theta[0], e)
        else:
            self.tally.add(len(theta) * len(e), 0)
            values, gradients = self.objective.estimate(np.repeat(theta, len(e), axis=0), np.tile(e, (len(theta), 1)))
        values, gradients = values.reshape(len(theta), len(e)), gradients.reshape(len(theta), len(e), -1)
        means, slopes = values.mean(axis=1), gradients.mean(axis=1)
        suspect = ~(np.isfinite(means) & np.isfinite(slopes).all(axis=1))
        bad = np.zeros(len(theta), dtype=int)
        for at in np.flatnonzero(suspect):
            bad[at] = max(np.sum(~(np.isfinite(values[at]) & np.isfinite(gradients[at]).all(axis=1))), 1)
        return means, slopes, bad

    def values(self, theta: Array, e: Array) -> Array:
        """Values (S,) at one theta (P,); what is not finite is -inf."""
        values, _ = self.estimate(theta, e)
        return np.asarray(np.where(np.isfinite(values), values, -np.inf))

    def log_weights(self, theta: Array, e: Array) -> Array:
        """Log weights (S,) at one theta (P,); what is not a number is -inf."""
        parts = [self.objective.log_weight(_rows(theta, len(part)), part) for part in self._parts(e)]
        self.tally.values += len(e)
        self.tally.calls += len(parts)
        joined: Array = np.concatenate(parts)
        return np.asarray(np.where(np.isfinite(joined), joined, -np.inf))

    def _parts(self, e: Array) -> list[Array]:
        """Parts of nearly equal size, of two rows at least: one row would have no others to be compared with."""
        size = max(min(2 * CHUNK, self.objective.most), 3)
        return np.array_split(e, -(-len(e) // size)) if len(e) > size else [e]

    def _estimate(self, theta: Array, e: Array) -> tuple[Array, Array]:
        self.tally.add(len(e), 0)
        values, gradients = self.objective.estimate(_rows(theta, len(e)), e)
        return np.asarray(values, dtype=float), np.asarray(gradients, dtype=float)


def _rows(theta: Array, count: int) -> Array:
    return np.repeat(theta[None], count, axis=0)


def independent_uniforms(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Independent uniforms in (0, 1): score-type estimators with baselines allow no others."""
    return np.maximum(rng.random(shape), LEAST)


def even_uniforms(count: int, dim: int, rng: np.random.Generator) -> Array:
    """(count, dim) scrambled Sobol points."""
    return np.asarray(sobol_uniform(count, dim, rng) if dim else np.empty((count, 0)))


def matched_uniforms(count: int, dim: int, rng: np.random.Generator) -> Array:
    """(count, dim) uniforms whose normal quantiles have exact first and second moments: they make the expectation of
    a quadratic under a normal guide exact. The mirror image of a Sobol set is one, so other draws stay even too."""
    if not dim:
        return np.empty((count, 0))
    return np.asarray(np.clip(ndtr(matched_normal(count, dim, rng)), LEAST, 1.0 - LEAST))


def paired_difference(a: Array, b: Array) -> tuple[float, float]:
    """Mean of a - b and its standard error, over the rows where both are finite; infinite where one of them has fewer
    such rows: to lose a draw is to lose all."""
    fine_a, fine_b = np.isfinite(a), np.isfinite(b)
    both = fine_a & fine_b
    if both.sum() < 2 or fine_a.sum() != fine_b.sum():
        return (-np.inf if fine_a.sum() <= fine_b.sum() else np.inf), 0.0
    gap = a[both] - b[both]
    return float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(len(gap)))


def mean_and_error(values: Array) -> tuple[float, float]:
    """The mean and its standard error; -inf where any is."""
    if not np.isfinite(values).all():
        return -np.inf, np.inf
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0

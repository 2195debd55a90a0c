"""The race that chooses the rate and the units of the steps, so that nobody else has to."""

from dataclasses import dataclass

import numpy as np

from ppl.infer.averaging import run_phase, standing
from ppl.infer.objective import NotFinite, Run, independent_uniforms, paired_difference
from ppl.infer.path import starting_points
from ppl.infer.target import Array

RATES = (0.01, 0.05, 0.25, 1.0)
SCALED_RATES = (0.05, 0.25, 1.0)
LARGEST_RATE = 300.0
RACE_STEPS, RACE_ROWS, SCORE_DRAWS = 100, 16, 1024
RACE, SCORE, JITTER = range(10, 13)


@dataclass(frozen=True, slots=True)
class Entry:
    """One that ran the race: its rate, the units of its steps (P,), where it ended, its values on common draws."""

    rate: float
    pace: Array
    theta: Array
    values: Array

    def beats(self, other: "Entry", margin: float = 0.0) -> bool:
        """Whether it is better by more than two standard errors and `margin`."""
        gain, se = paired_difference(self.values, other.values)
        return gain > margin + 2 * se


def finite_mean(values: Array) -> float:
    """The mean over the finite rows."""
    kept = values[np.isfinite(values)]
    return float(kept.mean()) if kept.size else -np.inf


def score_uniforms(run: Run) -> Array:
    return independent_uniforms((SCORE_DRAWS, run.objective.noise), run.rng(SCORE))


def first_point(run: Run) -> Array:
    """The start of the objective, or a point near it where at least nine rows in ten are finite. Raises NotFinite."""
    first = run.objective.start if run.options.init is None else np.asarray(run.options.init, dtype=float)
    rng, e = run.rng(JITTER), independent_uniforms((64, run.objective.noise), run.rng(SCORE))
    points = [first] + [first + w * rng.uniform(-1.0, 1.0, size=len(first)) for w in np.repeat((0.1, 0.5, 2.0, 4.0), 8)]
    tried = []
    for point in points:
        values, gradients = run.estimate(point, e)
        tried.append(values)
        if np.mean(np.isfinite(values) & np.isfinite(gradients).all(axis=1)) >= 0.9:
            return np.asarray(point)
    raise NotFinite(np.stack(points), e, np.stack(tried))


def race(run: Run, theta: Array) -> Entry:
    """The better of steps in the units of theta and steps in those of the noise of its gradient, which suit where
    coordinates differ in scale (a pathwise normal mean has gradients of noise 1 / sd)."""
    plain = race_of(run, theta, np.ones(len(theta)), RATES)
    scaled = race_of(run, theta, noise_units(run, theta), SCALED_RATES)
    return scaled if scaled.beats(plain) else plain


def race_of(run: Run, theta: Array, pace: Array, rates: tuple[float, ...]) -> Entry:
    """The largest rate that fares no worse than the best after a few steps; larger ones are tried while they win.
    Later phases halve it: too large a rate costs less than too small a one."""
    entries = [enter(run, theta, rate, pace) for rate in rates]
    while entries[-1].rate < LARGEST_RATE and chosen(entries) is entries[-1] and not run.stop():
        entries.append(enter(run, theta, 4.0 * entries[-1].rate, pace))
    return chosen(entries)


def noise_units(run: Run, theta: Array) -> Array:
    """(P,) 1 / standard deviation of one draw's gradient; the median of the others where there is no noise."""
    _, gradients = run.estimate(theta, score_uniforms(run))
    deviation = np.std(gradients[np.isfinite(gradients).all(axis=1)], axis=0)
    known = deviation > 1e-12 * np.max(deviation, initial=0.0)
    if not known.any():
        return np.ones(len(theta))
    return np.asarray(1.0 / np.where(known, deviation, np.median(deviation[known])))


def enter(run: Run, theta: Array, rate: float, pace: Array) -> Entry:
    """A short stretch at `rate`; every one meets the same noise."""
    phase = run_phase(run, standing(theta), rate, RACE_ROWS, run.rng(RACE), pace, RACE_STEPS)
    values = run.values(phase.found.theta, score_uniforms(run))
    return Entry(rate, pace, phase.found.theta, np.full_like(values, -np.inf) if phase.lost else values)


def chosen(entries: list[Entry]) -> Entry:
    best = max(entries, key=lambda one: finite_mean(one.values) if np.isfinite(one.values).mean() > 0.9 else -np.inf)
    return [one for one in entries if one is best or (np.isfinite(one.values).any() and not best.beats(one))][-1]


def jittered(run: Run, winner: Entry) -> Entry:
    """The same stretch from other starts; one of them only where it is clearly better."""
    starts = starting_points(run.objective.dim, max(run.options.restarts, 1), first_point(run), run.rng(JITTER))
    for start in starts[1:] if not run.stop() else ():
        other = enter(run, start, winner.rate, winner.pace)
        if other.beats(winner):
            winner = other
    return winner

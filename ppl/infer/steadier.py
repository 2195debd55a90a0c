"""Which of several unbiased gradients of one objective varies less: measured at a place, by a count of draws.

All of them have the same mean on the same minibatch, so that what they differ in is their variance over the draws
there. Adam divides by the size of gradients, coordinate by coordinate: what counts is the ratio in each."""

from collections.abc import Sequence

import numpy as np

from ppl.infer.objective import Run, independent_uniforms
from ppl.infer.parts import Part, Parted
from ppl.infer.target import Array

# Minibatches, and draws of each.
LOOKS, DRAWS = 4, 16
# What is left of rounding in the variance of a gradient, relative to its mean square.
ROUNDING = 1e-20
STREAM = 43


def steadier(run: Run, ways: Sequence[Parted], theta: Array, turn: int) -> Parted:
    """The one whose gradients vary least at theta (P,), by the mean log variance over coordinates; the first where
    there is nothing to tell them apart. `turn` picks the draws, which all have in common."""
    if len(ways) < 2 or run.stop():
        return ways[0]
    found = [_log_variances(run, each, theta, turn) for each in ways]
    known = np.all([np.isfinite(v) for v in found], axis=0)
    if not known.any():
        return ways[0]
    best = int(np.argmin([v[known].mean() for v in found]))
    run.done(f"gradients {best + 1} of {len(ways)}", np.nan)
    return ways[best]


def _log_variances(run: Run, parted: Parted, theta: Array, turn: int) -> Array:
    """(LOOKS P') the log variances over draws, of each coordinate at each minibatch; NaN where it has no slope."""
    rng = run.rng(STREAM, turn)
    return np.concatenate([_at(run, parted.sample(rng, parted.size), theta, rng) for _ in range(LOOKS)])


def _at(run: Run, part: Part, theta: Array, rng: np.random.Generator) -> Array:
    e = independent_uniforms((DRAWS, part.program.noise), rng)
    _, slopes = part.program.estimate(np.repeat(part.of(theta)[None], DRAWS, axis=0), e)
    run.tally.add(DRAWS, 0)
    floor = ROUNDING * np.mean(slopes**2, axis=0)
    with np.errstate(divide="ignore"):
        variances = np.maximum(slopes.var(axis=0), floor)
        return np.where(variances > 0.0, np.log(variances), np.nan)

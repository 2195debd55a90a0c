"""Whether the posterior has mass where the guide does not draw: wider guides look.

Importance weights only speak of places that draws reach. A guide that sits on one of several optima has harmless
weights. So its scales are multiplied and its odds made more even, draws of the wider guide are weighed in the same way,
and both estimates of the evidence are compared: what the wider one finds beyond their errors is mass that the guide has
missed."""

import numpy as np

from ppl.infer.objective import Run, even_uniforms
from ppl.infer.target import Array

FACTORS = (3.0, 10.0, 30.0)
DRAWS = 8192
STAGE = 60
# Unknowns that are widened one at a time, at most.
MOST = 12
# What the names of coordinates of automatic guides end in: logarithms of scales, and of odds.
SCALES, ODDS = ".log_sd", ".logit"


def missed_mass(run: Run, theta: Array, log_mean: float, log_mean_se: float) -> float:
    """By how many nats, at least, draws of wider guides find more evidence than those of the guide itself; 0 where they
    find none, or where no scale is known to be one. All scales are widened, and each unknown's by itself; the odds of
    levels are drawn together."""
    blocks = run.objective.blocks.items()
    wide = [(s, name.endswith(SCALES)) for name, s in blocks if name.endswith((SCALES, ODDS))]
    if not wide or not run.objective.noise or not np.isfinite(log_mean):
        return 0.0
    groups = [wide, *([one] for one in wide if 1 < len(wide) <= MOST)]
    tried = [_widened(theta, group, factor) for group in groups for factor in FACTORS]
    return max(0.0, *(_gain(run, wide, turn, log_mean, log_mean_se) for turn, wide in enumerate(tried)))


def _widened(theta: Array, blocks: list[tuple[slice, bool]], factor: float) -> Array:
    """The parameters with scales multiplied by a factor, and log odds divided by its square root."""
    wide = np.array(theta, dtype=float)
    for s, is_scale in blocks:
        wide[s] = wide[s] + np.log(factor) if is_scale else wide[s] / np.sqrt(factor)
    return wide


def _gain(run: Run, wide: Array, turn: int, log_mean: float, log_mean_se: float) -> float:
    """The evidence that a wider guide finds beyond that of the guide, less three standard errors, in nats."""
    log_w = run.log_weights(wide, even_uniforms(DRAWS, run.objective.noise, run.rng(STAGE, turn)))
    top = log_w.max(initial=-np.inf)
    if not np.isfinite(top):
        return 0.0
    w = np.exp(log_w - top)
    mean = w.mean()
    relative = float(w.std(ddof=1) / mean / np.sqrt(len(w)))
    # an estimate that a few draws make says nothing
    if relative > 0.5:
        return 0.0
    return float(np.log(mean) + top - log_mean) - 3.0 * float(np.hypot(relative, log_mean_se))

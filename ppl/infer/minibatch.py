"""Fit an objective part by part: by Newton's method where a sample of the data tells the curvature, else by Adam on
minibatches; then the value over all data, and how far the guide can be trusted."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from ppl.infer import adam, newton
from ppl.infer.approximation import Approximation, Evidence, Optimum, Options, Progress
from ppl.infer.groups import GroupedParts
from ppl.infer.objective import NotFinite, Run, even_uniforms, mean_and_error
from ppl.infer.parts import Parted, Sampled
from ppl.infer.psis import reliable_khat, smooth_weights
from ppl.infer.stochastic import nats_asked
from ppl.infer.target import Array
from ppl.infer.trust import BATCH_RULES, OBJECTIVE_RULES, judge

# Adam's steps where nobody says how many: passes over the data, at least and at most.
FEWEST, MOST, PASSES = 2000, 50_000, 200
# Positions times draws times numbers that the look at all data may take; draws that
# give a value, that give weights, and that need not be more.
AFFORDABLE, FEW, ENOUGH, PLENTY = 1e9, 8, 100, 1000
# Draws over all data, as a part of those that went into steps: a value costs about half of what a gradient does.
LOOK = 0.3
# Positions whose own weights are looked at, and the share of effective draws from which k-hat says nothing.
LOOKED_AT, EVEN = 200, 0.9
VARIANCE_STEPS = 64
VALUE, OUTPUT, VARIANCE = range(60, 63)


def fit_minibatches(
    parted: Parted,
    options: Options,
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
    other: Parted | None = None,
) -> Approximation:
    """Maximise `parted`. `options.steps` are Adam's steps, `options.rate` the size of the first; without them they are
    found. `other` is the same objective with another unbiased gradient, which steps take where it varies less.
    Raises NotFinite when it is finite nowhere near its start. The same seed gives the same bits, unless time ran
    out."""
    sampled = Sampled(parted, parted.minibatches(np.random.default_rng([options.seed, VARIANCE])), rng_of(options))
    run = Run(sampled, options, report, stop, perf_counter())
    with np.errstate(all="ignore"):
        exact = options.steps is None and options.rate is None and newton.suits(parted)
        found = by_newton(run, parted) if exact else None
        return conclude(run, parted, found or by_adam(run, parted, other))


def rng_of(options: Options) -> np.random.Generator:
    return np.random.default_rng([options.seed, VARIANCE, 1])


# ---- the two ways ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where a search ended and whether it had come to rest. `shift` is the root mean square error of the parameters in
    their own scales, where it is known."""

    theta: Array
    error: Array
    method: str
    rate: float
    rows: int
    settled: bool
    shift: float
    passes: float = 0.0


def by_newton(run: Run, parted: Parted) -> Place | None:
    """The optimum over all data by the curvature of a sample."""
    goal = nats_asked(run)
    try:
        rest = newton.rest(run, parted, goal)
    except NotFinite:
        return None
    if rest is None:
        return None
    shift = float(np.sqrt(2.0 * (rest.left + rest.moved) / parted.dim))
    settled = shift < run.options.tol
    return Place(rest.theta, rest.error, "sample and all data", 0.0, rest.draws, settled, shift)


def by_adam(run: Run, parted: Parted, other: Parted | None) -> Place:
    """The place where Adam's steps came to rest."""
    theta = first_point(run, parted)
    steps, rate = run.options.steps, run.options.rate
    if rate is None:
        heat = adam.RACE_STEPS if steps is None else max(min(adam.RACE_STEPS, steps // 50), 5)
        rate, theta = adam.race(run, parted, theta, heat)
    walker = adam.standing(theta, bool(parted.local))
    ways = (parted,) if other is None else (parted, other)
    rested = adam.schedule(run, ways, walker, rate, steps, longest(parted))
    rows = adam.rows_of(parted)
    unknown = np.full(parted.dim, np.nan)
    passes = walker.steps * parted.size / parted.count
    settled = rested and not walker.lost
    return Place(walker.theta, unknown, "minibatches", rate, rows, settled, np.nan, passes)


def longest(parted: Parted) -> int:
    """The most steps: so many passes, within reason."""
    return int(np.clip(PASSES * parted.count / parted.size, FEWEST, MOST))


def first_point(run: Run, parted: Parted) -> Array:
    """The start, or a point near it at which a few minibatches are finite. Raises NotFinite."""
    first = parted.start if run.options.init is None else np.asarray(run.options.init, dtype=float)
    rng = run.rng(VALUE, 1)
    for width in (0.0, 0.1, 0.5, 2.0):
        theta = first + width * rng.uniform(-1.0, 1.0, size=len(first))
        values, slopes = run.objective.estimate(np.repeat(theta[None], 8, axis=0), np.empty((8, 0)))
        if np.mean(np.isfinite(values) & np.isfinite(slopes).all(axis=1)) >= 0.5:
            return theta
    raise NotFinite(first[None], np.empty((8, 0)), values[None])


# ---- what was found ----------------------------------------------------------------------------------------------


def conclude(run: Run, parted: Parted, found: Place) -> Approximation:
    """The value and the weights over all data as far as these can be afforded, and the verdict."""
    theta, draws = found.theta, affordable(parted, run.options.draws, found)
    e = even_uniforms(draws, parted.shared + 1, run.rng(VALUE))
    log_w = np.concatenate([parted.log_weight(theta, part) for part in np.array_split(e, -(-len(e) // 64))])
    run.tally.values += len(e)
    value, se = mean_and_error(log_w)
    weighed = parted.posterior and not parted.noisy and draws >= ENOUGH
    smoothed = smooth_weights(log_w) if weighed else None
    u = even_uniforms(run.options.draws, parted.shared + 1, run.rng(OUTPUT))
    evidence = Evidence(
        elbo=value,
        elbo_se=se,
        gap=np.nan,
        gap_se=np.nan,
        shift=found.shift,
        scale=np.nan,
        log_evidence=np.nan if smoothed is None else smoothed.log_mean,
        log_evidence_se=np.nan if smoothed is None else smoothed.log_mean_se,
        khat=np.nan if smoothed is None else smoothed.khat,
        khat_limit=reliable_khat(max(draws, ENOUGH)),
        ess=np.nan if smoothed is None else smoothed.ess,
        corrected=False,
        moment_error=np.nan,
        starts_agree=True,
        modes=(),
        settled=found.settled,
        draws=draws,
        loose=loose(run, parted, theta, u[:1]),
        shared=parted.shared > 0,
    )
    run.done("value over all data", value)
    best = bound_over(run, parted, theta, draws) if isinstance(parted, GroupedParts) else (value, se)
    return Approximation(
        family="guide" if parted.posterior else "objective",
        loc=theta,
        scale=found.error,
        guide=None,
        w=theta,
        u=u,
        weights=np.full(len(u), 1.0 / len(u)),
        evidence=evidence,
        trust=judge(evidence, BATCH_RULES if parted.posterior else OBJECTIVE_RULES),
        cost=run.cost(),
        reason=ending(run, found.settled),
        optimum=measured(run, parted, found, *best),
    )


def bound_over(run: Run, parted: GroupedParts, theta: Array, draws: int) -> tuple[float, float]:
    """The bound of several draws over all data, and its standard error."""
    rows = max(draws // (2 * parted.weighed), 2)  # an estimate has a gradient too
    values = parted.values(theta, rows, run.rng(VALUE, 2))
    run.tally.values += rows * parted.weighed
    run.done(f"bound of {parted.weighed} draws", float(values.mean()))
    return mean_and_error(values)


def loose(run: Run, parted: Parted, theta: Array, e: Array) -> float:
    """Of a few positions, the share whose own unknowns have weights of too heavy a tail, given one draw of the rest."""
    if not parted.noisy or not parted.posterior or run.stop():
        return np.nan
    rng = run.rng(OUTPUT, 1)
    positions = np.sort(rng.choice(parted.count, min(LOOKED_AT, parted.count), replace=False))
    log_w = parted.log_weights_of(theta, positions, e, rng)
    if log_w is None:
        return np.nan
    found = [smooth_weights(w - np.max(w)) for w in log_w.T]
    even = [f.ess > EVEN * len(log_w) for f in found]
    return float(np.mean([f.khat > reliable_khat(len(log_w)) and not e for f, e in zip(found, even, strict=True)]))


def ending(run: Run, settled: bool) -> str:
    """Why the search ended."""
    if run.stop():
        return "interrupted" if run.asked_to_stop() else "out of time"
    return "converged" if settled else "steps spent"


def affordable(parted: Parted, most: int, found: Place) -> int:
    """Draws of which each can look at all data. Where positions have draws of their own, they give no weights but only
    a value: they are then no more than a part of those that the steps have taken."""
    taken = found.passes * found.rows * LOOK if parted.noisy and found.passes else np.inf
    most = int(np.clip(min(most, taken), FEW, PLENTY))
    return int(np.clip(AFFORDABLE / (float(parted.count) * parted.cells), FEW, most))


def batch_of(parted: Parted, found: Place) -> tuple[int, str, float]:
    """The size of a minibatch, of which axis, and how many passes over the data Adam's steps were."""
    return parted.size if parted.axis else 0, parted.axis, found.passes


def measured(run: Run, parted: Parted, found: Place, value: float, se: float) -> Optimum:
    """What was found, with its value and the variance of the gradients of steps there, by block."""
    rows = adam.rows_of(parted)
    part_means = []
    for _ in range(VARIANCE_STEPS if parted.dim < 10**6 else 4):
        _, slopes = run.objective.estimate(np.repeat(found.theta[None], rows, axis=0), np.empty((rows, 0)))
        part_means.append(slopes.mean(axis=0))
    good = np.array([g for g in part_means if np.isfinite(g).all()])
    variance = good.var(axis=0, ddof=1) if len(good) > 1 else np.full(parted.dim, np.nan)
    blocks = {name: float(variance[block].mean()) for name, block in parted.blocks.items() if block.stop > block.start}
    return Optimum(
        found.theta, value, se, found.error, blocks, found.method, run.iterations, found.rate, found.rows, (),
        run.not_finite, run.trouble, *batch_of(parted, found),
    )  # fmt: skip

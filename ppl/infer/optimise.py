"""Fit an objective: the engine that suits it, then fresh draws, importance weights and the verdict."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter

import numpy as np
from scipy.special import ndtri

from ppl.infer.approximation import Approximation, Evidence, Optimum, Options, Progress
from ppl.infer.flexible import fit_flexible
from ppl.infer.importance import ENOUGH, moment_error
from ppl.infer.objective import Drawn, NotFinite, Objective, Run, even_uniforms, independent_uniforms, mean_and_error
from ppl.infer.psis import Smoothed, reliable_khat, smooth_weights
from ppl.infer.saa import Found, fit_fixed
from ppl.infer.stochastic import exhausted, fit_stochastic
from ppl.infer.target import Array
from ppl.infer.trust import GUIDE_RULES, OBJECTIVE_RULES, judge
from ppl.infer.wide import missed_mass

FEWEST_DRAWS = 4000
VARIANCE_DRAWS = 2048
SCRAMBLES = 16
VALUE, OUTPUT, VARIANCE, SINGLE = range(20, 24)


def fit_objective(
    objective: Objective,
    options: Options = Options(),  # noqa: B008 (frozen)
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
    bound: Objective | None = None,
    drawn: Drawn | None = None,
) -> Approximation:
    """Maximise `objective`; or `bound`, a bound of several of its draws. `drawn` gives the draws of its unknowns, by
    which it is told whether two places are one guide. Raises NotFinite when it is finite nowhere near its start. The
    same seed gives the same bits, unless time runs out."""
    run = Run(bound or objective, options, report, stop, perf_counter(), drawn=drawn)
    with np.errstate(all="ignore"):
        found = nothing_to_fit(run) if not objective.dim else fit_found(run)
        return conclude(run, found, objective)


def fit_found(run: Run) -> Found:
    """The engine that suits the objective. Fixed draws must all be finite somewhere; averaged steps can leave out a
    few that are not. A guide that bends has too many parameters for fixed draws."""
    if not run.objective.deterministic:
        return fit_stochastic(run)
    if run.objective.flexible:
        return fit_flexible(run)
    try:
        return fit_fixed(run)
    except NotFinite:
        return fit_stochastic(run)


def nothing_to_fit(run: Run) -> Found:
    """An objective without parameters: only its value is wanted."""
    none = np.zeros(0)
    return Found(none, none, 0.0, True, 0.0, 0.0, True, (), "no parameters", 0, 0.0, 0, ())


def conclude(run: Run, found: Found, objective: Objective) -> Approximation:
    """Measure the value on fresh draws, weigh the draws where there is a posterior, and judge. Where a bound of several
    draws was fitted, weights and evidence are those of single draws."""
    theta, reason = found.theta, ending(run, found)
    variance = gradient_variance(run, theta)
    reached, reached_se = value, se = fresh_value(run, theta)
    if run.objective is not objective:
        run = replace(run, objective=objective)
        value, se = single_draws(run, theta)
    e, smoothed, error = weighted_draws(run, theta) if objective.posterior else plain_draws(run)
    accepted = objective.posterior and is_accepted(smoothed)
    evidence = Evidence(
        elbo=value,
        elbo_se=se,
        gap=found.gap,
        gap_se=found.gap_se,
        shift=found.shift,
        scale=np.nan,
        log_evidence=smoothed.log_mean,
        log_evidence_se=smoothed.log_mean_se,
        khat=smoothed.khat,
        khat_limit=reliable_khat(len(e)),
        ess=smoothed.ess,
        corrected=accepted,
        moment_error=error,
        starts_agree=found.starts_agree,
        modes=found.modes,
        settled=found.settled,
        draws=len(e),
        missed=missed_mass(run, theta, smoothed.log_mean, smoothed.log_mean_se) if objective.posterior else 0.0,
    )
    run.done("importance" if objective.posterior else "value", value)
    return Approximation(
        family="guide" if objective.posterior else "objective",
        loc=theta,
        scale=found.error,
        guide=None,
        w=theta,
        u=e,
        weights=smoothed.weights if accepted else np.full(len(e), 1.0 / len(e)),
        evidence=evidence,
        trust=judge(evidence, GUIDE_RULES if objective.posterior else OBJECTIVE_RULES),
        cost=run.cost(),
        reason=reason,
        optimum=optimum(run, found, reached, reached_se, variance),
    )


def ending(run: Run, found: Found) -> str:
    """Why the search ended."""
    if run.stop():
        return "interrupted" if run.asked_to_stop() else "out of time"
    if found.settled:
        return "converged"
    if found.method == "averaged steps" and exhausted(run):
        return "steps spent"
    return "not settled"


def optimum(run: Run, found: Found, value: float, se: float, variance: Mapping[str, float]) -> Optimum:
    return Optimum(
        theta=found.theta,
        value=value,
        value_se=se,
        error=found.error,
        variance=variance,
        method=found.method,
        steps=found.steps,
        rate=found.rate,
        rows=found.rows,
        polished=found.polished,
        not_finite=run.not_finite,
        trouble=run.trouble,
    )


def with_points(found: Approximation, names: tuple[str, ...]) -> Approximation:
    """The same approximation, judged with the unknowns that a guide puts in one place."""
    if not names:
        return found
    evidence = replace(found.evidence, points=", ".join(names))
    return replace(found, evidence=evidence, trust=judge(evidence, GUIDE_RULES))


def draws_wanted(run: Run) -> int:
    return max(run.options.draws, FEWEST_DRAWS)


def fresh_value(run: Run, theta: Array) -> tuple[float, float]:
    """The value by independently scrambled Sobol sets, whose means give an honest standard error."""
    if not run.objective.noise:
        return mean_and_error(run.values(theta, np.empty((2, 0))))
    size = max(draws_wanted(run) // 8, 256)
    sets = [even_uniforms(size, run.objective.noise, run.rng(VALUE, turn)) for turn in range(SCRAMBLES)]
    return mean_and_error(np.array([run.values(theta, e).mean() for e in sets]))


def single_draws(run: Run, theta: Array) -> tuple[float, float]:
    """The evidence lower bound, where another was fitted: the mean log weight of single draws."""
    size = max(draws_wanted(run) // 8, 256)
    sets = [even_uniforms(size, run.objective.noise, run.rng(SINGLE, turn)) for turn in range(SCRAMBLES)]
    return mean_and_error(np.array([run.log_weights(theta, e).mean() for e in sets]))


def gradient_variance(run: Run, theta: Array) -> dict[str, float]:
    """By block, the mean over coordinates of the variance of one draw's gradient; rows that are not finite are left
    out, and a block of no coordinates has none."""
    if not run.objective.dim:
        return {}
    e = independent_uniforms((VARIANCE_DRAWS, run.objective.noise), run.rng(VARIANCE))
    _, gradients = run.estimate(theta, e)
    good = gradients[np.isfinite(gradients).all(axis=1)]
    if len(good) < 2:
        return dict.fromkeys(run.objective.blocks, np.nan)
    by_coordinate = good.var(axis=0, ddof=1)
    blocks = {name: by_coordinate[block] for name, block in run.objective.blocks.items()}
    return {name: float(values.mean()) for name, values in blocks.items() if values.size}


def is_accepted(found: Smoothed) -> bool:
    """k-hat below the limit of the sample size and 100 effective draws; or weights so even that k-hat says nothing."""
    size = len(found.weights)
    return (found.khat < reliable_khat(size) and found.ess > 100) or found.ess > 0.9 * size


def weighted_draws(run: Run, theta: Array) -> tuple[Array, Smoothed, float]:
    """Noise rows, their smoothed weights, and the standard error of a weighted moment; four times as many where that
    error is large or the weights cannot be used."""
    for growth in (1, 4):
        e = even_uniforms(growth * draws_wanted(run), run.objective.noise, run.rng(OUTPUT, growth))
        smoothed = smooth_weights(run.log_weights(theta, e))
        error = moment_error(ndtri(e), smoothed.weights) if run.objective.noise else 0.0
        if (is_accepted(smoothed) and error < ENOUGH) or run.stop():
            break
    return e, smoothed, error


def plain_draws(run: Run) -> tuple[Array, Smoothed, float]:
    """Noise rows of equal weight: nothing is measured of weights where there is no posterior."""
    count = draws_wanted(run)
    e = even_uniforms(count, run.objective.noise, run.rng(OUTPUT))
    return e, Smoothed(np.full(count, 1.0 / count), np.nan, np.nan, np.nan, np.nan), np.nan

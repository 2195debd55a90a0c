"""The deterministic variational engine: no learning rate, and the same bits for the same seed.

Starts and Pathfinder choice, Laplace whitening, weights of partial non-centring, a normal fitted by L-BFGS to matched
draws that are doubled until fresh draws agree, a search for other modes, importance correction, verdict. The sample
average approximation is that of Giordano, Ingram & Broderick (JMLR 25, 2024), with moment-matched draws.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from ppl.infer.approximation import Approximation, Cost, Evidence, Mode, Options, Progress, Trust
from ppl.infer.begin import Begun, begin_somewhere, learn_weights
from ppl.infer.chart import Chart
from ppl.infer.gaussian import Check, Fitted, check_normal, fit_normal
from ppl.infer.importance import Weighted, correct, far_share, plain_draws
from ppl.infer.laplace import DENSE_LIMIT
from ppl.infer.modes import far_points, other_modes
from ppl.infer.modulated import (
    FittedModulated,
    Modulated,
    draws_for_curves,
    fit_modulated,
    leading_coordinates,
    modulated_ratios,
    permuted,
    plain,
    turned,
)
from ppl.infer.psis import reliable_khat
from ppl.infer.stages import FIT, FRESH, FULL_RANK_LIMIT, IMPORTANCE, MODES, MODULATE, OUTPUT, Session
from ppl.infer.target import Array, Counted, Target
from ppl.infer.trust import judge

DRAWS_CAP = 2048
# The optimism of a modulated fit, in nats, for which more draws are taken.
OPTIMISM = 0.02


@dataclass(frozen=True, slots=True)
class Level:
    """The last fit, what fresh draws said of it, and whether they agreed."""

    fitted: Fitted
    check: Check
    draws: int
    settled: bool
    guide: Modulated


def fit(
    target: Target,
    options: Options = Options(),  # noqa: B008 (frozen)
    report: Callable[[Progress], None] = lambda progress: None,
    stop: Callable[[], bool] = lambda: False,
) -> Approximation:
    """Approximate `target`. Raises `NoDensity` or `NoGradient` when there is nowhere to start from."""
    session = Session(Counted(target), options, report, stop, perf_counter(), [])
    with np.errstate(all="ignore"):
        return exact_point(session) if target.dim == 0 else approximate(session)


def approximate(session: Session) -> Approximation:
    """The stages, in order."""
    target, options = session.target, session.options
    begun = begin_somewhere(session)
    chart = begun.chart
    if options.guide != "mean_field" and target.weights:
        chart = learn_weights(session, chart)
    level = (
        fit_level(session, chart) if options.guide == "laplace" else fit_levels(session, family_chart(session, chart))
    )
    level = modulate_where_possible(session, level)
    modes = search_modes(session, level, begun)
    weighted = correct(session.target, level.guide, options.draws, session.rng(IMPORTANCE))
    session.done("importance", level.check.elbo)
    return conclude(session, level, modes, weighted)


def family_chart(session: Session, chart: Chart) -> Chart:
    """The chart of the family asked for: mean-field normals are diagonal in u itself."""
    if session.options.guide != "mean_field" or not chart.dense:
        return chart
    precision = np.linalg.inv(chart.covariance())
    return Chart(chart.centre, 1.0 / np.sqrt(np.diagonal(precision)), chart.w)


def is_full(session: Session, chart: Chart) -> bool:
    return chart.dense and (session.options.guide == "full_rank" or chart.dim <= FULL_RANK_LIMIT)


def fit_level(session: Session, chart: Chart) -> Level:
    """The Laplace normal itself, checked but not moved."""
    check = check_normal(session.target, chart, session.matched(max(128, 4 * chart.dim), FRESH), full=chart.dense)
    session.done("check", check.elbo)
    return Level(Fitted(chart, check.elbo, 0, "laplace"), check, 0, True, plain(chart))


def fit_levels(session: Session, chart: Chart) -> Level:
    """Fit to matched draws; double them until fresh ones change neither the bound nor the moments."""
    full = is_full(session, chart)
    count = max(64, 4 * chart.dim) if full else 64
    turn = 0
    while True:
        draws = session.matched(count, FIT, turn)
        fitted = fit_normal(
            session.target, chart, draws, full=full, learn=False, limits=session.limits(200, 1e-5 * chart.dim)
        )
        chart = fitted.chart
        check = check_normal(session.target, chart, session.matched(2 * count, FRESH, turn), full=full)
        session.iterations += fitted.steps
        session.done(f"fit {count} draws", check.elbo)
        level = Level(fitted, check, count, agrees(fitted, check, session.options.tol), plain(chart))
        if level.settled or session.stop() or 2 * count > max(DRAWS_CAP, 4 * chart.dim):
            return level
        count, turn = 2 * count, turn + 1


def modulate_where_possible(session: Session, level: Level) -> Level:
    """The modulated guide, or the plain one where its matrices cannot be taken apart."""
    try:
        return modulate_level(session, level)
    except np.linalg.LinAlgError:
        return level


def modulate_level(session: Session, level: Level) -> Level:
    """Let scales and means move with the coordinates that lead them, where fresh draws prefer that."""
    target, chart = session.target, level.fitted.chart
    if session.options.guide != "auto" or not is_full(session, chart) or session.stop():
        return level
    leaders = leading_coordinates(target, chart, session.matched(2 * level.draws, FRESH, 0))
    if not leaders:
        return level
    start = turned(target, permuted(chart, leaders), session.matched(DRAWS_CAP, MODULATE, 0))
    count = max(level.draws, min(draws_for_curves(start), DRAWS_CAP))
    fitted, check = modulated(session, start, level.check, count)
    optimism = (fitted.elbo - check.elbo) / OPTIMISM
    if optimism > 1.0 and count < DRAWS_CAP and not session.stop():
        enough = int(count * min(max(2.0, optimism), DRAWS_CAP / count))
        fitted, check = modulated(session, start, level.check, enough)
    if not check.elbo > level.check.elbo:
        return level
    return replace(level, check=check, guide=fitted.guide, fitted=replace(level.fitted, elbo=fitted.elbo))


def modulated(session: Session, start: Modulated, check: Check, count: int) -> tuple[FittedModulated, Check]:
    """The modulated fit to `count` draws, and its bound on fresh ones."""
    target = session.target
    limits = session.limits(200, 1e-5 * target.dim)
    fitted = fit_modulated(target, start, session.matched(count, MODULATE, 1), limits)
    ratios = modulated_ratios(target, fitted.guide, session.matched(2 * count, MODULATE, 2))
    session.iterations += fitted.steps
    elbo = float(np.mean(ratios))
    session.done(f"modulate {start.leaders} coordinates", elbo)
    return fitted, replace(check, elbo=elbo, elbo_se=float(np.std(ratios) / np.sqrt(len(ratios))))


def agrees(fitted: Fitted, check: Check, tol: float) -> bool:
    """Fresh draws give the same bound, and would move no mean or deviation by more than `tol`."""
    return fitted.elbo - check.elbo < max(0.05, 2 * check.elbo_se) and check.shift < tol and check.scale < tol


def search_modes(session: Session, level: Level, begun: Begun) -> tuple[Mode, ...]:
    """Climb again from the ends of the starting paths that lie outside the fit, and from dense far points."""
    target, chart = session.target, level.fitted.chart
    if target.dim > DENSE_LIMIT or not np.isfinite(level.check.elbo):
        return ()
    ends = to_x(chart, target.recentre(begun.ends, begun.chart.w, chart.w) if target.weights else begun.ends)
    starts = np.concatenate([outside(ends), far_points(target, chart, 3, session.rng(MODES))])
    found = other_modes(target, chart, starts, session.limits(60, 1e-3), level.check.elbo)
    session.done("modes", level.check.elbo)
    return found


def to_x(chart: Chart, u: Array) -> Array:
    """Rows of u in the coordinates of the chart."""
    shifted = u - chart.centre
    return np.linalg.solve(chart.scale, shifted.T).T if chart.dense else shifted / chart.scale


def outside(x: Array) -> Array:
    return np.asarray(x[np.linalg.norm(x, axis=1) > 3.0 + np.sqrt(x.shape[1])])


def conclude(session: Session, level: Level, modes: tuple[Mode, ...], weighted: Weighted) -> Approximation:
    """Everything measured, the verdict on it, and the draws that go with the verdict."""
    chart, count = level.fitted.chart, len(weighted.u)
    smoothed, accepted = weighted.smoothed, weighted.accepted
    u = weighted.u if accepted else plain_draws(level.guide, session.options.draws, session.rng(OUTPUT))
    evidence = Evidence(
        elbo=level.check.elbo,
        elbo_se=level.check.elbo_se,
        gap=level.fitted.elbo - level.check.elbo,
        gap_se=level.check.elbo_se,
        shift=level.check.shift,
        scale=level.check.scale,
        log_evidence=smoothed.log_mean,
        log_evidence_se=smoothed.log_mean_se,
        khat=smoothed.khat,
        khat_limit=reliable_khat(count),
        ess=smoothed.ess,
        corrected=accepted,
        moment_error=weighted.error,
        starts_agree=not modes,
        modes=modes,
        settled=level.settled,
        draws=count,
        tail=far_share(session.target, level.guide),
    )
    return Approximation(
        family=family_name(session, level),
        loc=chart.centre,
        scale=chart.scale,
        guide=level.guide,
        w=chart.w,
        u=u,
        weights=smoothed.weights if accepted else np.full(len(u), 1.0 / len(u)),
        evidence=evidence,
        trust=judge(evidence),
        cost=cost(session),
        reason="out of time" if session.stop() else level.fitted.reason,
    )


def family_name(session: Session, level: Level) -> str:
    chart = level.fitted.chart
    match session.options.guide:
        case "auto" if level.guide.leaders:
            return "modulated"
        case "auto":
            return "full_rank" if is_full(session, chart) else "whitened_diagonal"
        case guide:
            return guide


def cost(session: Session) -> Cost:
    tally = session.target.tally
    return Cost(tally.gradients, tally.values, tally.calls, session.iterations, tuple(session.stages))


def exact_point(session: Session) -> Approximation:
    """With no unknowns the log density is the log evidence, and there is nothing to approximate."""
    nothing = np.zeros((1, 0))
    value = float(session.target.value(nothing, np.zeros(session.target.weights))[0])
    session.done("exact", value)
    evidence = Evidence(value, 0.0, 0.0, 0.0, 0.0, 0.0, value, 0.0, -np.inf, 0.7, 1.0, True, 0.0, True, (), True, 1)
    return Approximation(
        family="exact",
        loc=np.zeros(0),
        scale=np.zeros((0, 0)),
        guide=plain(Chart(np.zeros(0), np.zeros((0, 0)), np.zeros(0))),
        w=np.zeros(session.target.weights),
        u=nothing,
        weights=np.ones(1),
        evidence=evidence,
        trust=Trust("ok", ()),
        cost=cost(session),
        reason="no unknowns",
    )

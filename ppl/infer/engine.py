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
from ppl.infer.chart import Chart, at_rounding, chart_of_moments, normal_elbo
from ppl.infer.gaussian import Check, Fitted, check_normal, fit_normal
from ppl.infer.importance import Weighted, correct, far_share, plain_draws
from ppl.infer.laplace import DENSE_LIMIT, Whitening, whiten
from ppl.infer.lbfgs import Limits, Minimum
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
from ppl.infer.path import best_normal, climb, finite_starts, normals_of, starting_points
from ppl.infer.psis import reliable_khat
from ppl.infer.sobol import matched_normal
from ppl.infer.target import Array, Counted, NoDensity, Target, raise_if_no_gradient
from ppl.infer.trust import judge

FULL_RANK_LIMIT = 150
DRAWS_CAP = 2048
# The optimism of a modulated fit, in nats, for which more draws are taken.
OPTIMISM = 0.02
# Stages, each with its own stream of random numbers: one stage's needs do not shift another's draws.
STARTS, SCORE, WEIGHTS, FIT, FRESH, MODES, IMPORTANCE, OUTPUT, MODULATE = range(9)


@dataclass(slots=True)
class Session:
    """What every stage needs: the counted target, the options, the clock, and whom to tell."""

    target: Counted
    options: Options
    report: Callable[[Progress], None]
    asked_to_stop: Callable[[], bool]
    began: float
    stages: list[tuple[str, float]]
    iterations: int = 0

    def rng(self, stage: int, turn: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.options.seed, stage, turn])

    def matched(self, count: int, stage: int, turn: int = 0) -> Array:
        return matched_normal(count, self.target.dim, self.rng(stage, turn))

    def stop(self) -> bool:
        return self.asked_to_stop() or perf_counter() - self.began > self.options.max_seconds

    def limits(self, iterations: int, decrement: float) -> Limits:
        return Limits(iterations, decrement, stop=self.stop)

    def done(self, stage: str, elbo: float) -> None:
        elapsed = perf_counter() - self.began
        self.stages.append((stage, elapsed - sum(seconds for _, seconds in self.stages)))
        self.report(Progress(stage, elbo, self.target.tally.gradients, elapsed))


@dataclass(frozen=True, slots=True)
class Begun:
    """The chart to go on from, its bound, and where the starts ended (S, D) in the coordinates of its weights."""

    chart: Chart
    elbo: float
    ends: Array
    settled: bool


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


def begin_somewhere(session: Session) -> Begun:
    """Non-centred; where that has no proper mode (a flat prior on a scale), also halfway and centred."""
    tried: list[Begun] = []
    for w in (0.0, 0.5, 1.0) if session.target.weights else (0.0,):
        tried.append(begin(session, np.full(session.target.weights, w)))
        if tried[-1].settled:
            break
    return max(tried, key=lambda one: one.elbo)


def begin(session: Session, w: Array) -> Begun:
    """Starts and whitening at the weights `w`."""
    paths = run_starts(session, w)
    chart, elbo, settled = first_chart(session, paths, w)
    session.done("whiten", elbo)
    return Begun(chart, elbo, np.stack([path.x for path in paths if np.isfinite(path.value)]), settled)


def run_starts(session: Session, w: Array) -> list[Minimum]:
    """L-BFGS from every start, one batched call a step."""
    target, options = session.target, session.options
    first = np.zeros(target.dim) if options.init is None else np.asarray(options.init, dtype=float)
    rng = session.rng(STARTS)
    points = finite_starts(target, w, starting_points(target.dim, options.restarts, first, rng), rng)
    paths = climb(target, w, points, session.limits(100, 1e-3))
    if all(path.reason == "not finite" for path in paths):
        raise_if_no_gradient(target.inner, points, w, target.tally)
        raise NoDensity(points, target.value(points, w))
    session.iterations += max(path.iterations for path in paths)
    session.done("starts", -min(path.value for path in paths))
    return paths


def first_chart(session: Session, paths: list[Minimum], w: Array) -> tuple[Chart, float, bool]:
    """The better of the Laplace normal at the highest end and the best normal met on the way, its bound, and whether
    there was a proper mode. The way is not searched when the Laplace bound is what a normal density would give; an end
    at the limit of rounding does not count.
    """
    target = session.target
    highest = min(paths, key=lambda path: path.value)
    found = whiten_from(session, highest, w)
    draws = session.matched(max(64, 2 * target.dim + 2), SCORE)
    elbo = -np.inf if at_rounding(found.chart) else normal_elbo(target, found.chart, draws)
    if found.settled and elbo > found.value + laplace_entropy(found.chart) - 0.3 * (1 + np.sqrt(target.dim)):
        return found.chart, elbo, True
    rival = best_normal(target, paths, w, draws)
    if rival is not None and not rival.elbo <= elbo:
        return rival.chart, rival.elbo, found.settled
    return found.chart, elbo, found.settled


def laplace_entropy(chart: Chart) -> float:
    """The bound of an exactly normal density over its top: D/2 log 2 pi + log|scale|."""
    return 0.5 * chart.dim * float(np.log(2 * np.pi)) + chart.log_det()


def whiten_from(session: Session, path: Minimum, w: Array) -> Whitening:
    """Laplace whitening from the end of a path, first in units of the deviations that its steps suggest."""
    normals = normals_of(path, w, 1)
    deviations = normals[-1].deviations() if normals else np.ones(len(path.x))
    start = Chart(path.x, np.clip(deviations, 1e-6, 1e6), w)
    if len(path.x) > DENSE_LIMIT:
        return Whitening(start, -path.value, False, 0)
    return whiten(session.target, start, 5, session.stop)


def learn_weights(session: Session, chart: Chart) -> Chart:
    """Learn the weights with the normal, from nearly non-centred and from nearly centred; fresh draws choose."""
    target = session.target
    count = max(256, 4 * target.dim)
    points = chart.to_u(session.matched(count, WEIGHTS))
    draws, fresh = session.matched(count, WEIGHTS, 1), session.matched(count, WEIGHTS, 2)
    # Fewer draws find the way; they must outnumber the coordinates twice for a full covariance to be matched.
    few = session.matched(max(128, 5 * target.dim // 2), WEIGHTS, 3)
    tried = [recentred(target, points, chart.w, np.full(target.weights, w)) for w in (0.15, 0.7)]
    # Moved points whiten badly: settle at fixed weights first, or the weights drift before the moments have arrived.
    for learn, decrement in ((False, 1e-2), (False, 1e-2), (True, 1e-2), (True, 1e-3)):
        tried = [move(session, one, few, learn, decrement) for one in tried]
    best = max(tried, key=lambda one: normal_elbo(target, one, fresh))
    best = move(session, best, draws, True, 1e-4)
    session.done("weights", normal_elbo(target, best, fresh))
    return best


def move(session: Session, chart: Chart, draws: Array, learn: bool, decrement: float) -> Chart:
    """One fit of the weights stage; it need not be finished, for the next one goes on from it in better coordinates."""
    target = session.target
    limits = session.limits(40, decrement * np.sqrt(target.dim))
    fitted = fit_normal(target, chart, draws, full=target.dim <= FULL_RANK_LIMIT, learn=learn, limits=limits)
    session.iterations += fitted.steps
    return fitted.chart


def recentred(target: Target, points: Array, w_old: Array, w_new: Array) -> Chart:
    """The chart of the same points in the coordinates of other weights."""
    return chart_of_moments(target.recentre(points, w_old, w_new), w_new)


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

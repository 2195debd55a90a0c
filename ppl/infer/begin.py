"""Where a fit begins: starts and Pathfinder choice, Laplace whitening, weights of partial non-centring."""

from dataclasses import dataclass

import numpy as np

from ppl.infer.chart import Chart, at_rounding, chart_of_moments, normal_elbo
from ppl.infer.gaussian import fit_normal
from ppl.infer.laplace import DENSE_LIMIT, Whitening, whiten
from ppl.infer.lbfgs import Minimum
from ppl.infer.path import best_normal, climb, finite_starts, normals_of, starting_points
from ppl.infer.stages import FULL_RANK_LIMIT, SCORE, STARTS, WEIGHTS, Session
from ppl.infer.target import Array, NoDensity, Target, raise_if_no_gradient


@dataclass(frozen=True, slots=True)
class Begun:
    """The chart to go on from, its bound, and where the starts ended (S, D) in the coordinates of its weights."""

    chart: Chart
    elbo: float
    ends: Array
    settled: bool


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

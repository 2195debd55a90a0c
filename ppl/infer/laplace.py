"""Laplace whitening: climb to the mode in coordinates set by the Hessian found there, as often as it takes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ppl.infer.chart import Chart
from ppl.infer.lbfgs import Limits, Objective, minimise
from ppl.infer.target import Array, Target

CLIP = 1e-8
DENSE_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Whitening:
    """`chart` is centred where the climb ended. `settled`: the last climb hardly moved and the curvature there was
    positive in every direction."""

    chart: Chart
    value: float
    settled: bool
    rounds: int


def climb_objective(target: Target, chart: Chart) -> Objective:
    """-log p and its gradient in the coordinates of `chart`."""

    def objective(x: Array) -> tuple[Array, Array]:
        f, g, _ = target.value_and_grad(chart.to_u(x), chart.w)
        return -f, -chart.pull(g)

    return objective


def negative_hessian(target: Target, chart: Chart, step: float = 1e-3) -> Array:
    """(D, D) -d2 log p / dx2 at x = 0 by central differences of the gradient, all 2 D rows in one call."""
    dim = chart.dim
    offsets = step * np.eye(dim)
    _, g, _ = target.value_and_grad(chart.to_u(np.concatenate([offsets, -offsets])), chart.w)
    g = chart.pull(g)
    half = (g[:dim] - g[dim:]) / (2 * step)
    return np.asarray(-0.5 * (half + half.T))


def whitening_factor(hessian: Array) -> tuple[Array, Array]:
    """Lower triangular F with F F' = |H|^-1, and the eigenvalues of H. Small and negative ones are made |.| and clipped
    at 1e-8 of the largest: a direction of no curvature gets a long step, never an infinite one."""
    if not np.isfinite(hessian).all():
        return np.eye(len(hessian)), np.full(len(hessian), np.nan)
    values, vectors = np.linalg.eigh(hessian)
    size = np.maximum(np.abs(values), max(CLIP * float(np.max(np.abs(values))), 1e-300))
    half = vectors / np.sqrt(size)
    r = np.linalg.qr(half.T)[1]
    return r.T * np.sign(np.diagonal(r)), values


def whiten(target: Target, chart: Chart, rounds: int, stop: Callable[[], bool]) -> Whitening:
    """Alternate Hessian and climb from the centre of `chart` until a climb in whitened coordinates stays put.

    In whitened coordinates L-BFGS starts as Newton's method, so badly scaled and badly correlated targets need a few
    rounds of a few steps each. Costs 2 D gradients a round and one for each step.
    """
    value, settled, done = -np.inf, False, 0
    for turn in range(rounds):
        done = turn + 1
        factor, eigenvalues = whitening_factor(negative_hessian(target, chart))
        chart = chart.then(np.zeros(chart.dim), factor)
        climb = minimise(
            climb_objective(target, chart),
            np.zeros((1, chart.dim)),
            Limits(40, 1e-6, stop=stop),
            whitened=True,
            keep=False,
        )[0]
        moved = float(np.linalg.norm(climb.x))
        value = -climb.value
        chart = chart.then(climb.x, np.ones(chart.dim))
        positive = bool(np.all(eigenvalues > 0))
        spread = np.ptp(np.log(np.abs(eigenvalues))) if positive else np.inf
        settled = positive and moved < 0.1 and spread < np.log(1e8)
        if settled or stop():
            break
    return Whitening(chart, value, settled, done)

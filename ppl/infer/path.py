"""Batched starts, and the choice of a normal along their paths by its evidence lower bound, not by its density.

Pathfinder: Zhang, Carpenter, Gelman & Vehtari, JMLR 23 (2022). Every point of an L-BFGS path has an estimate of the
inverse Hessian, hence a normal; in a funnel the best of them lies far from the mode, where there is volume.
"""

from dataclasses import dataclass

import numpy as np

from ppl.infer.chart import Chart, normal_elbo
from ppl.infer.laplace import DENSE_LIMIT, climb_objective
from ppl.infer.lbfgs import Limits, Memory, Minimum, apply_inverse_hessian, empty_memory, minimise, remember
from ppl.infer.target import Array, NoDensity, Target

PAIRS = 12


@dataclass(frozen=True, slots=True)
class Candidate:
    """A normal met on the path of start `start`, and its evidence lower bound."""

    chart: Chart
    elbo: float
    start: int


def starting_points(dim: int, count: int, first: Array, rng: np.random.Generator) -> Array:
    """(count, D): `first`, then mirrored pairs about it, the later ones wider: both sides of a symmetry are tried."""
    pairs = [(1.0 + pair) * rng.uniform(-1.0, 1.0, size=dim) for pair in range((count + 1) // 2)]
    points = [first] + [first + sign * jump for jump in pairs for sign in (1.0, -1.0)]
    return np.stack(points[:count])


def finite_starts(target: Target, w: Array, points: Array, rng: np.random.Generator) -> Array:
    """The points of finite density, looking further round the first one when there are none. Raises `NoDensity`."""
    for width in (0.0, 0.3, 1.0, 2.0, 4.0):
        tried = points if width == 0 else points[0] + width * rng.uniform(-1, 1, size=(32, points.shape[1]))
        values = target.value(tried, w)
        if np.isfinite(values).any():
            return tried[np.argsort(~np.isfinite(values), kind="stable")][
                : min(len(points), int(np.isfinite(values).sum()))
            ]
    raise NoDensity(tried, values)


def climb(target: Target, w: Array, points: Array, limits: Limits) -> list[Minimum]:
    """L-BFGS on -log p from every point."""
    plain = Chart(np.zeros(points.shape[1]), np.ones(points.shape[1]), w)
    return minimise(climb_objective(target, plain), points, limits)


def normals_of(path: Minimum, w: Array, wanted: int) -> list[Chart]:
    """Up to `wanted` normals spread along a path, the last point among them."""
    last = len(path.points) - 1
    chosen = np.unique(np.linspace(min(1, last), last, wanted).round().astype(int))
    charts = [_normal_at(path, int(k), w) for k in chosen]
    return [chart for chart in charts if chart is not None]


def _normal_at(path: Minimum, k: int, w: Array) -> Chart | None:
    """Mean x_k - H_k g_k and covariance H_k, where H_k is built from the pairs up to point k."""
    memory = empty_memory(1, path.points.shape[1])
    for i in range(max(0, k - PAIRS), k):
        memory = remember(
            memory,
            (path.points[i + 1] - path.points[i])[None],
            (path.gradients[i + 1] - path.gradients[i])[None],
            PAIRS,
        )
    centre = path.points[k] - apply_inverse_hessian(memory, path.gradients[k][None])[0]
    inverse = _dense(memory)
    if not np.isfinite(inverse).all():
        return None
    if len(inverse) > DENSE_LIMIT:
        return Chart(centre, np.sqrt(np.abs(np.diagonal(inverse))), w)
    try:
        return Chart(centre, np.linalg.cholesky(0.5 * (inverse + inverse.T)), w)
    except np.linalg.LinAlgError:
        return None


def _dense(memory: Memory) -> Array:
    """The inverse Hessian estimate (D, D), by applying it to the unit vectors."""
    dim = memory.s.shape[2]
    wide = Memory(memory.s, memory.y, np.repeat(memory.rho, dim, axis=1), np.repeat(memory.gamma, dim))
    return apply_inverse_hessian(wide, np.eye(dim))


def best_normal(target: Target, paths: list[Minimum], w: Array, draws: Array, wanted: int = 6) -> Candidate | None:
    """The candidate of the highest bound over all paths, or None where no normal had a finite one."""
    candidates = [
        Candidate(chart, normal_elbo(target, chart, draws), start)
        for start, path in enumerate(paths)
        for chart in normals_of(path, w, wanted)
    ]
    finite = [one for one in candidates if np.isfinite(one.elbo)]
    return max(finite, key=lambda one: one.elbo, default=None)

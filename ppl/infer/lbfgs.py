"""L-BFGS over several starts at once: every step asks for one batched evaluation of all that are still moving.

Two-loop recursion of Nocedal (Math. Comp. 35, 1980); weak Wolfe line search by bracketing of Lewis & Overton (Math.
Program. 141, 2013), which needs no smoothness beyond a gradient and takes a non-finite value as a step too long.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ppl.infer.target import Array

Objective: TypeAlias = Callable[[Array], tuple[Array, Array]]
Mask: TypeAlias = npt.NDArray[np.bool_]

ARMIJO, CURVATURE = 1e-4, 0.9
PATIENCE = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """When a minimisation ends. `decrement` bounds g' H g / 2, half the squared distance to the optimum in its own
    metric; it does not depend on units. A row also ends when `PATIENCE` iterations gained less than `gain`. No first
    trial moves a coordinate x by more than `reach` (1 + |x|): past that, logits saturate. `tries` are the
    trials of one line search."""

    iterations: int = 200
    decrement: float = 1e-5
    memory: int = 30
    tries: int = 25
    gain: float = 0.0
    reach: float = np.inf
    stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Memory:
    """The last steps `s`, gradient changes `y` (m, B, n), `rho` = 1 / s'y (m, B; 0 where s'y was not positive). The
    initial inverse Hessian is `gamma` (B,) times the diagonal `metric` (B, n), 1 for the identity."""

    s: Array
    y: Array
    rho: Array
    gamma: Array
    metric: Array | float = 1.0


@dataclass(frozen=True, slots=True)
class Minimum:
    """Where one start ended, and the points it came by (K, n) with their gradients when they were kept."""

    x: Array
    value: float
    gradient: Array
    iterations: int
    reason: str
    points: Array
    gradients: Array


def empty_memory(rows: int, dim: int, metric: Array | float = 1.0) -> Memory:
    return Memory(np.zeros((0, rows, dim)), np.zeros((0, rows, dim)), np.zeros((0, rows)), np.ones(rows), metric)


def remember(memory: Memory, s: Array, y: Array, limit: int) -> Memory:
    """Add one pair for each row; a pair without positive curvature is stored with weight zero."""
    sy, yy = np.sum(s * y, axis=1), np.sum(memory.metric * y * y, axis=1)
    good = sy > 1e-12 * yy
    rho = np.where(good, 1.0 / np.where(good, sy, 1.0), 0.0)
    gamma = np.where(good, sy / np.where(good, yy, 1.0), memory.gamma)
    s, y = np.where(good[:, None], s, 0.0), np.where(good[:, None], y, 0.0)
    keep = slice(1, None) if len(memory.s) >= limit else slice(None)
    return Memory(
        np.concatenate([memory.s[keep], s[None]]),
        np.concatenate([memory.y[keep], y[None]]),
        np.concatenate([memory.rho[keep], rho[None]]),
        gamma,
        memory.metric,
    )


def apply_inverse_hessian(memory: Memory, q: Array) -> Array:
    """H q for each row, by the two-loop recursion."""
    alphas = []
    for s, y, rho in zip(memory.s[::-1], memory.y[::-1], memory.rho[::-1], strict=True):
        alpha = rho * np.sum(s * q, axis=1)
        q = q - alpha[:, None] * y
        alphas.append(alpha)
    q = memory.gamma[:, None] * memory.metric * q
    for s, y, rho, alpha in zip(memory.s, memory.y, memory.rho, alphas[::-1], strict=True):
        q = q + s * (alpha - rho * np.sum(y * q, axis=1))[:, None]
    return q


@dataclass(slots=True)
class _Bracket:
    """The state of the line searches of one iteration: trial steps, brackets, and the best acceptable point so far."""

    t: Array
    low: Array
    high: Array
    x: Array
    f: Array
    g: Array
    found: Mask


def _next_step(state: _Bracket, row: npt.NDArray[np.intp], f0: Array, slope: Array, f: Array, fits: Mask) -> Array:
    """Inside a bracket: the minimum of the parabola through the last trial, kept away from the ends; else double."""
    t, low, high = state.t[row], state.low[row], state.high[row]
    bend = f - f0 - slope * t
    parabola = np.where(np.isfinite(bend) & (bend > 0), -slope * t**2 / (2 * np.where(bend > 0, bend, 1.0)), 0.0)
    with np.errstate(invalid="ignore"):
        inside = np.clip(parabola, low + 0.1 * (high - low), low + 0.5 * (high - low))
        halfway = 0.5 * (low + high)
    stepped = np.where(np.isfinite(high), np.where(fits, halfway, inside), 2.0 * t)
    return np.asarray(stepped)


def line_search(objective: Objective, x: Array, f: Array, g: Array, d: Array, t: Array, tries: int = 25) -> _Bracket:
    """Steps along `d` (B, n) that meet the weak Wolfe conditions, or at least the first; `found` is False elsewhere."""
    rows = len(x)
    slope = np.sum(g * d, axis=1)
    slack = 1e-13 * np.abs(f)
    state = _Bracket(t, np.zeros(rows), np.full(rows, np.inf), x.copy(), f.copy(), g.copy(), np.zeros(rows, dtype=bool))
    active = np.flatnonzero(slope < 0)
    for _ in range(tries):
        if not active.size:
            break
        trial = x[active] + state.t[active, None] * d[active]
        ft, gt = objective(trial)
        lower = np.isfinite(ft) & (ft <= f[active] + ARMIJO * state.t[active] * slope[active] + slack[active])
        flat = np.sum(gt * d[active], axis=1) >= CURVATURE * slope[active]
        better = active[lower]
        state.x[better], state.f[better], state.g[better] = trial[lower], ft[lower], gt[lower]
        state.found[better] = True
        state.high[active[~lower]] = state.t[active[~lower]]
        state.low[active[lower & ~flat]] = state.t[active[lower & ~flat]]
        step = _next_step(state, active, f[active], slope[active], ft, lower)
        going = ~(lower & flat)
        state.t[active[going]] = step[going]
        active = active[going]
    return state


def minimise(
    objective: Objective,
    starts: Array,
    limits: Limits,
    *,
    whitened: bool = False,
    keep: bool = True,
    units: Array | float = 1.0,
) -> list[Minimum]:
    """Minimise from every row of `starts` (B, n). `objective` takes (b, n) and gives values (b,) and gradients (b, n).

    `units` (B, n) are steps that are alike for the objective, coordinate by coordinate. With `whitened`, the first step
    is the gradient itself: the Hessian is thought near the identity. A row ends when its decrement is small, its line
    search finds nothing lower, or the iterations are spent.
    """
    x = starts.copy()
    f, g = objective(x)
    rows, dim = x.shape
    memory = empty_memory(rows, dim, np.square(units))
    moving = np.isfinite(f)
    reasons = ["converged" if ok else "not finite" for ok in moving]
    spent = np.zeros(rows, dtype=int)
    heights = [f.copy()]
    trails: list[list[tuple[Array, Array]]] = [[(x[b].copy(), g[b].copy())] for b in range(rows)]
    for step in range(limits.iterations):
        d = -apply_inverse_hessian(memory, g)
        decrement = -0.5 * np.sum(g * d, axis=1)
        # One stiff direction makes the scale of H, and so the decrement, small everywhere: the gradient must agree.
        steep = 0.5 * np.sum(g * g, axis=1) > 30 * limits.decrement
        moving &= (decrement > limits.decrement) | (steep if whitened else step == 0)
        if step >= PATIENCE and limits.gain:
            moving &= heights[-1 - PATIENCE] - f > limits.gain
        if not moving.any() or limits.stop():
            break
        at = np.flatnonzero(moving)
        length = np.ones(len(at)) if step or whitened else np.linalg.norm(units * g, axis=1)[at]
        first = _first_trials(x[at], d[at], length, limits.reach)
        found = line_search(objective, x[at], f[at], g[at], d[at], first, limits.tries)
        s, y = np.zeros_like(x), np.zeros_like(x)
        s[at], y[at] = found.x - x[at], found.g - g[at]
        x[at], f[at], g[at] = found.x, found.f, found.g
        heights.append(f.copy())
        memory = remember(memory, s, y, limits.memory)
        spent[at] += 1
        for b, ok in zip(at, found.found, strict=True):
            if not ok:
                reasons[b] = "no lower point"
            elif keep:
                trails[b].append((x[b].copy(), g[b].copy()))
        moving[at[~found.found]] = False
    ends = ["iterations spent" if still else reason for still, reason in zip(moving, reasons, strict=True)]
    return [Minimum(x[b], float(f[b]), g[b], int(spent[b]), ends[b], *_stacked(trails[b])) for b in range(rows)]


def _first_trials(x: Array, d: Array, length: Array, reach: float) -> Array:
    """The first steps along `d` (B, n): no longer than one, and none moves a coordinate x by more than reach (1 + |x|).
    `length` (B,) is that of a direction whose scale is not known yet."""
    farthest = reach / np.max(np.abs(d) / (1.0 + np.abs(x)), axis=1, initial=1e-300)
    return np.asarray(np.minimum(1.0 / np.maximum(1.0, length), farthest))


def _stacked(trail: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Points (K, n) and gradients (K, n)."""
    points, gradients = zip(*trail, strict=True)
    return np.stack(points), np.stack(gradients)

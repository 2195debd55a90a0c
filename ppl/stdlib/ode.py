"""Initial value problems for whole batches: Dormand and Prince's explicit Runge-Kutta pair of orders 5 and 4 with a
step size of its own for every trajectory, and the exact derivative of the steps that were taken.

Shapes: S draws, B batch dimensions, K numbers of state; arrays of states are (S, *B, K), of times (S, *B). A rate is a
function of (t, y, params) that gives an array like y; a pull is a function of (t, y, params, g) that gives the
derivatives of sum(g * rate) in y and in every one of `params`, arrays that lead with the draws.

Dormand & Prince, Journal of Computational and Applied Mathematics 6 (1980); step sizes as in Hairer, Norsett & Wanner,
Solving Ordinary Differential Equations I (1993), section II.4. Step sizes are chosen, not differentiated: the backward
pass is that of the steps as they stand (discrete adjoint), so it is exact for the value that was computed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.intp]
Params = tuple[NDArray[Any], ...]
Rate = Callable[[Array, Array, Params], Array]
Pull = Callable[[Array, Array, Params, Array], Sequence[Array]]

NODES = np.array([0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0])
STAGES = (
    np.array([]),
    np.array([1 / 5]),
    np.array([3 / 40, 9 / 40]),
    np.array([44 / 45, -56 / 15, 32 / 9]),
    np.array([19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729]),
    np.array([9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656]),
    np.array([35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]),
)
# The solution of order 5 less the one of order 4.
ERROR = np.array([71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
SAFETY, LEAST, MOST = 0.9, 0.2, 5.0


# ---- when the state is asked for -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Schedule:
    """`grid` (G, T) holds the start and then the increasing times of each group, the last repeated to fill up; `counts`
    (G) is how many there are; `flat` (N) is where each time that was asked for stands in the flattened grid. Without
    groups G is 1, and trajectories have no axis for it (`grouped`)."""

    grid: Array
    counts: Whole
    flat: Whole
    grouped: bool


class BeforeStart(ValueError):
    """A time lies before the start."""


def schedule(times: ArrayLike, start: ArrayLike, index: ArrayLike | None = None, groups: int = 1) -> Schedule:
    """The times (N) at which states are wanted, in any order, equal ones among them; `index` (N) is the 0-based group
    of each. Raises BeforeStart where one is below `start`, a number."""
    t, t0 = np.atleast_1d(np.asarray(times, float)), float(np.asarray(start))
    if t.size and not t.min() >= t0:
        raise BeforeStart(f"{t.min():g}")
    of = np.zeros(len(t), np.intp) if index is None else np.asarray(index).astype(np.intp)
    wanted: list[list[float]] = [[t0] for _ in range(groups)]
    for g, x in zip(of, t, strict=True):
        wanted[g].append(float(x))
    rows = [np.unique(r) for r in wanted]
    counts = np.array([len(r) for r in rows], np.intp)
    longest = int(counts.max())
    grid = np.array([np.append(r, np.full(longest - len(r), r[-1])) for r in rows])
    slots = np.array([np.searchsorted(rows[g], x) for g, x in zip(of, t, strict=True)], np.intp)
    return Schedule(grid, counts, of * longest + slots, index is not None)


# ---- one step ------------------------------------------------------------------------------------------------------


def stages(rate: Rate, t: Array, y: Array, h: Array, params: Params, first: Array | None = None) -> tuple[Array, Array]:
    """The rates at the seven stages (7, S, *B, K), and the state after the step; `first` is the rate at its start."""
    rates = np.empty((7, *y.shape))
    rates[0] = rate(t, y, params) if first is None else first
    step, z = h[..., None], y
    for i in range(1, 7):
        z = y + step * np.tensordot(STAGES[i], rates[:i], 1)
        rates[i] = rate(t + NODES[i] * h, z, params)
    return rates, z


def pulled(
    pull: Pull, t: Array, y: Array, h: Array, rates: Array, params: Params, g: Array
) -> tuple[Array, list[Array]]:
    """The derivatives of sum(g * state after the step) in y and in the parameters."""
    step, pulls = h[..., None], np.zeros_like(rates[:6])
    total, shares = np.array(g), [np.zeros_like(p) for p in params]
    for i in range(5, -1, -1):
        onto = STAGES[6][i] * g
        for j in range(i + 1, 6):
            onto = onto + STAGES[j][i] * pulls[j]
        z = y if i == 0 else y + step * np.tensordot(STAGES[i], rates[:i], 1)
        pulls[i], *rest = pull(t + NODES[i] * h, z, params, step * onto)
        total += pulls[i]
        for share, part in zip(shares, rest, strict=True):
            np.add(share, part, out=share)
    return total, shares


# ---- all steps -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the draws `who`: time, state and rates at its start, its length (0 where it was refused), and the
    trajectories that it brought to a time that was asked for, with the slots of these times."""

    who: Whole
    t: Array
    y: Array
    h: Array
    rates: Array
    hits: tuple[NDArray[np.intp], ...]
    slots: Whole


@dataclass(frozen=True, slots=True)
class Tape:
    """What the backward pass needs: `failed` (S, *B) are the trajectories that did not arrive."""

    plan: Schedule
    steps: list[Step]
    params: Params
    failed: NDArray[np.bool_]


@dataclass(slots=True)
class _Walk:
    """The draws that are still on their way: when and where they are, the length of the next step, the next slot."""

    who: Whole
    t: Array
    y: Array
    rate: Array
    h: Array
    at: Whole
    params: Params

    def only(self, kept: NDArray[np.bool_]) -> "_Walk":
        params = tuple(p[kept] for p in self.params)
        return _Walk(self.who[kept], self.t[kept], self.y[kept], self.rate[kept], self.h[kept], self.at[kept], params)


def solve(
    rate: Rate, plan: Schedule, y0: Array, params: Params, rtol: float, atol: float, limit: int
) -> tuple[Array, Tape]:
    """The states (S, *others, N, K) at the times of the plan, from `y0` (S, *B, K) at its start; where there are groups
    they are the last of B. A trajectory that needs more than `limit` steps, or that leaves the numbers, is NaN from
    there on. Local errors are kept below atol + rtol |y|."""
    grid = plan.grid if plan.grouped else plan.grid[0]
    counts = plan.counts if plan.grouped else plan.counts[0]
    shape, length = y0.shape[:-1], grid.shape[-1]
    out = np.full((*shape, length, y0.shape[-1]), np.nan)
    out[..., 0, :] = y0
    steps: list[Step] = []
    with np.errstate(all="ignore"):
        t = np.array(np.broadcast_to(grid[..., 0], shape))
        first = np.array(rate(t, y0, params))
        at = np.where(np.isfinite(y0).all(-1) & np.isfinite(first).all(-1), 1, length)
        h = _first_step(rate, t, y0, first, params, rtol, atol)
        walk = _Walk(np.arange(shape[0]), t, np.array(y0), first, h, at, params)
        for _ in range(limit):
            going = walk.at < counts
            alive = np.asarray(going.reshape(len(going), -1).any(-1))
            if not alive.any():
                break
            if 2 * alive.sum() <= len(alive):
                walk, going = walk.only(alive), going[alive]
            taken = _advance(rate, walk, grid, going, rtol, atol)
            if taken is not None:
                steps.append(taken)
                out[(walk.who[taken.hits[0]], *taken.hits[1:], taken.slots)] = walk.y[taken.hits]
    slots = np.arange(length) < np.asarray(counts)[..., None]
    failed = np.any(~np.isfinite(out).all(-1) & slots, axis=-1)
    return _rows(out, plan), Tape(plan, steps, params, failed)


def _advance(rate: Rate, w: _Walk, grid: Array, going: NDArray[np.bool_], rtol: float, atol: float) -> Step | None:
    """One attempt of every trajectory; what was taken, or None where all were refused."""
    slot = np.minimum(w.at, grid.shape[-1] - 1)
    target = np.take_along_axis(np.broadcast_to(grid, (*slot.shape, grid.shape[-1])), slot[..., None], -1)[..., 0]
    gap = target - w.t
    arrives = w.h >= gap * (1.0 - 1e-9)
    step = np.where(going, np.where(arrives, gap, np.where(2.0 * w.h > gap, 0.5 * gap, w.h)), 0.0)
    rates, y = stages(rate, w.t, w.y, step, w.params, w.rate)
    error = np.tensordot(ERROR, rates, 1) * step[..., None]
    size = _norm(error / (atol + rtol * np.maximum(np.abs(w.y), np.abs(y))))
    good = going & (size <= 1.0) & np.isfinite(y).all(-1) & np.isfinite(rates[6]).all(-1)
    factor = np.where(np.isfinite(size), np.clip(SAFETY * size**-0.2, LEAST, MOST), LEAST)
    hit = good & arrives
    taken = None
    if good.any():
        hits = np.nonzero(hit)
        # a refused step of length 0 has the rates of a state that did not move: none that are not numbers
        kept = np.where(good[..., None], rates, w.rate)
        taken = Step(w.who, w.t, w.y, np.where(good, step, 0.0), kept, hits, w.at[hits])
    w.t = np.where(hit, target, np.where(good, w.t + step, w.t))
    w.y = np.where(good[..., None], y, w.y)
    w.rate = np.where(good[..., None], rates[6], w.rate)
    grown = np.where(good & (step < w.h), np.maximum(w.h, step * factor), step * factor)
    w.h = np.where(good, grown, step * np.minimum(factor, 1.0))
    stuck = going & ~good & (w.t + w.h == w.t)
    w.at = np.where(stuck, grid.shape[-1], w.at + hit)
    return taken


def _norm(x: Array) -> Array:
    return np.asarray(np.sqrt(np.mean(x * x, axis=-1)))


def _first_step(rate: Rate, t: Array, y: Array, first: Array, params: Params, rtol: float, atol: float) -> Array:
    """A step of which the error should be a hundredth of what is allowed, from an Euler step."""
    scale = atol + rtol * np.abs(y)
    d0, d1 = _norm(y / scale), _norm(first / scale)
    h0 = np.where((d0 < 1e-5) | (d1 < 1e-5), 1e-6, 0.01 * d0 / np.maximum(d1, 1e-300))
    second = rate(t + h0, y + h0[..., None] * first, params)
    d2 = _norm((second - first) / scale) / h0
    top = np.maximum(d1, d2)
    h1 = np.where(top <= 1e-15, np.maximum(1e-6, 1e-3 * h0), (0.01 / top) ** 0.2)
    h = np.minimum(100.0 * h0, h1)
    return np.where(np.isfinite(h) & (h > 0.0), h, 1e-6)


def _rows(out: Array, plan: Schedule) -> Array:
    """(S, *B, T, K) to (S, *others, N, K)."""
    return _flattened(out, plan)[..., plan.flat, :]


def _flattened(out: Array, plan: Schedule) -> Array:
    lead = out.ndim - (3 if plan.grouped else 2)
    return out.reshape(*out.shape[:lead], -1, out.shape[-1])


def pull_back(pull: Pull, tape: Tape, g: Array) -> tuple[Array, ...]:
    """The derivatives of sum(g * states) in y0 (S, *B, K) and in every parameter, for g (S, *others, N, K). A
    trajectory that failed has none."""
    plan, length = tape.plan, tape.plan.grid.shape[-1]
    onto = np.zeros((*tape.failed.shape, length, g.shape[-1]))
    np.add.at(np.moveaxis(_flattened(onto, plan), -2, 0), plan.flat, np.moveaxis(g, -2, 0))
    onto[tape.failed] = 0.0
    back, shares = np.zeros((*tape.failed.shape, g.shape[-1])), [np.zeros(p.shape) for p in tape.params]
    with np.errstate(all="ignore"):
        for step in reversed(tape.steps):
            who = step.who
            here = back[who]
            here[step.hits] += onto[(who[step.hits[0]], *step.hits[1:], step.slots)]
            params = tuple(p[who] for p in tape.params)
            here, parts = pulled(pull, step.t, step.y, step.h, step.rates, params, here)
            back[who] = here
            for share, part in zip(shares, parts, strict=True):
                share[who] += part
    broken = tape.failed.reshape(len(back), -1).any(-1)
    for share in shares:
        share[broken] = 0.0
    back[tape.failed] = 0.0
    return back + onto[..., 0, :], *shares

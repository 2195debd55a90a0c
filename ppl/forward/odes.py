"""Differential equations, by interpretation of their rates; see `ppl.check.odes` for the parts of a call."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ppl.check.core import Expr
from ppl.check.reads import names_in
from ppl.forward.named import Array, Named, aligned
from ppl.forward.world import World
from ppl.source.diagnostic import ModelError, complain
from ppl.stdlib.ode import BeforeStart, Schedule, schedule, solve

Evaluate = Callable[[Expr, World], Named]


@dataclass(frozen=True, slots=True)
class _Equation:
    """The rate of an equation in a world: `batch` are the axes of trajectories, groups last; `state` is the axis of the
    state, "" for one number. `names` are those of the world that the rate reads."""

    body: Expr
    key: str
    batch: tuple[str, ...]
    state: str
    world: World
    names: dict[str, Named]
    draws: int
    evaluate: Evaluate

    @property
    def axes(self) -> tuple[str, ...]:
        return (*self.batch, self.state) if self.state else self.batch

    def rate(self, t: Array, y: Array, params: tuple[Array, ...]) -> Array:
        """For some of the draws; `params` holds their numbers."""
        (who,) = params
        names = self.names if len(who) == self.draws else {n: _of(v, who) for n, v in self.names.items()}
        here = Named(y if self.state else y[..., 0], self.axes)
        bound = {f"{self.key} t": Named(t, self.batch), f"{self.key} y": here}
        found = self.evaluate(self.body, replace(self.world, names={**names, **bound}))
        out = aligned(found, self.axes)
        return np.broadcast_to(out if self.state else out[..., None], y.shape)


def _of(v: Named, who: Array) -> Named:
    return v if v.draws == 1 else Named(v.values[who], v.axes)


def solution(e: Expr, world: World, evaluate: Evaluate) -> Named:
    """The states at the times of a call of `ode`."""
    state, along, group, key = (str(a) for a in e.attrs[:4])
    rtol, atol, steps = (float(str(a)) for a in e.attrs[4:7])
    times, began = (evaluate(a, world).values[0] for a in e.args[:2])
    inside = world.seen({a: None for a in (group, state) if a and a != along})
    start = evaluate(e.args[2], inside)
    found = _equation(e, start, key, (state, along, group), inside, evaluate)
    first = aligned(start, found.axes)
    y0 = np.array(np.broadcast_to(first, (found.draws, *_lengths(found.axes, first, inside))))
    plan = _plan(times, began, e, along, group, inside, evaluate)
    who = np.arange(found.draws)
    out, _ = solve(found.rate, plan, y0 if state else y0[..., None], (who,), rtol, atol, int(steps))
    others = tuple(a for a in found.batch if a != group)
    values = out if state else out[..., 0]
    if not along:
        return Named(np.take(values, 0, axis=1 + len(others)), (*others, *((state,) if state else ())))
    return Named(values, (*others, along, *((state,) if state else ())))


def _lengths(axes: tuple[str, ...], first: Array, world: World) -> tuple[int, ...]:
    return tuple(n if n > 1 else world.length(a) for a, n in zip(axes, first.shape[1:], strict=True))


def _equation(
    e: Expr, start: Named, key: str, places: tuple[str, str, str], world: World, evaluate: Evaluate
) -> _Equation:
    """The axes over which there are trajectories: those of the start, of the groups, and of what the rate reads."""
    state, _, group = places
    axes = tuple(a for a in start.axes if a not in (state, group))
    read = names_in(e.args[3])
    own = {n: v for n, v in world.names.items() if n in read}
    draws = max([start.draws, *(v.draws for v in own.values())])
    while True:
        batch = (*axes, group) if group else axes
        found = _Equation(e.args[3], key, batch, state, world, own, draws, evaluate)
        bound = {f"{key} t": _zeros(batch, world), f"{key} y": _zeros(found.axes, world)}
        rate = evaluate(e.args[3], replace(world, names={**own, **bound}))
        more = [a for a in rate.axes if a not in found.axes]
        if not more:
            return found
        axes = (*axes, *more)


def _zeros(axes: tuple[str, ...], world: World) -> Named:
    return Named(np.ones((1, *(world.length(a) for a in axes))), axes)


def _plan(times: Array, began: Array, e: Expr, along: str, group: str, world: World, evaluate: Evaluate) -> Schedule:
    try:
        if not group:
            return schedule(times, began)
        if group == along:
            return schedule(times, began, np.arange(len(times)), len(times))
        return schedule(times, began, np.rint(evaluate(e.args[4], world).values[0]), world.size(group))
    except BeforeStart as problem:
        raise ModelError([complain("E376", None, time=problem, start=f"{float(began):g}")]) from None

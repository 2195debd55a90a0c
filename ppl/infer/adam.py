"""Adam on minibatches: the rate from a short race, then steps that shrink to nothing.

The rate is held while the value still rises and falls like a cosine afterwards (warm-up, stable, decay: Hu et al.,
2024; Loshchilov & Hutter, ICLR 2017), which averages the noise of minibatches out as averaging iterates would.
Coordinates that belong to single positions move only when their position is met, by moments of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import cos, isfinite, pi

import numpy as np

from ppl.infer.objective import Run, independent_uniforms
from ppl.infer.parts import Part, Parted, mirrored
from ppl.infer.steadier import steadier
from ppl.infer.target import Array

MOMENTUM, MEMORY = 0.9, 500
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
# Steps of each rate in the race, the minibatches on which they are judged, and draws of each.
RACE_STEPS, JUDGES, JUDGE_DRAWS = 60, 16, 4
# The part of all steps at the held rate, and to what part of the rate it falls in the end.
HELD, LEAST = 0.6, 0.005
# Steps between two lines for whoever watches; steps before the first look at whether the value is at rest.
LOOK, FEWEST = 100, 2000
# The value has fallen where it is so many standard errors, and this part of what was gained, below the best.
FAR, LOST = 10.0, 0.1
# The smallest rate with this part of the gain of the best is taken: what is best in the beginning is often too much
# later on.
NEARLY = 0.9
# Numbers in one array of a step up to which more draws cost little more than the call itself; the most draws of a step.
BUSY, MOST_ROWS = 30_000, 8
RACE, STEPS, JUDGE = range(40, 43)


@dataclass(slots=True)
class Walker:
    """Where Adam stands: theta (P,), the mean `m` and mean square `v` of past gradients, and how many each coordinate
    has seen; `steps` and the `values` met at them."""

    theta: Array
    m: Array
    v: Array
    seen: Array | int
    steps: int
    values: list[float]
    lost: bool = False


def standing(theta: Array, lazy: bool) -> Walker:
    """A walker before its first step; `lazy` where coordinates are met at times of their own."""
    seen: Array | int = np.zeros(len(theta)) if lazy else 0
    return Walker(theta.copy(), np.zeros_like(theta), np.zeros_like(theta), seen, 0, [])


def rows_of(parted: Parted) -> int:
    """Draws a step: as many as cost little; two with mirror images where draws are shared, four where they are each
    other's baselines."""
    fits = min(BUSY // max(parted.cells * parted.size, parted.dim // 8, 1), MOST_ROWS)
    least = 4 if not parted.deterministic else 2 if parted.shared else 1
    return max(fits - fits % 2, least) if parted.shared or parted.noisy else 1


def step(
    run: Run, parted: Parted, walker: Walker, part: Part, rows: int, rate: float, rng: np.random.Generator
) -> None:
    """One step on one part. A draw whose value or gradient is not finite is left out; a step without any is lost."""
    own = part.of(walker.theta)
    e = mirrored(parted, rows, part.program.noise, rng)
    values, slopes = part.program.estimate(np.repeat(own[None], rows, axis=0), e)
    run.tally.add(rows, 0)
    run.iterations += 1
    g, value = slopes[0] if rows == 1 else np.add.reduce(slopes, axis=0) / rows, float(np.add.reduce(values)) / rows
    if not isfinite(value + float(np.add.reduce(g))):
        good = np.isfinite(values) & np.isfinite(slopes).all(axis=1)
        run.not_finite += int(rows - good.sum())
        if not good.any():
            run.trouble, walker.lost = walker.theta.copy(), True
            return
        g, value = slopes[good].mean(axis=0), float(values[good].mean())
    walker.steps += 1
    walker.values.append(value)
    if part.index is None:
        _advance(walker, g, rate)
    else:
        _advance_some(walker, part, own, g, rate)


def _advance(walker: Walker, g: Array, rate: float) -> None:
    """Adam in place; the first gradients are averaged, which needs no correction of bias."""
    walker.seen += 1
    m, v = walker.m, walker.v
    first = walker.steps == 1
    m += (1.0 if first else 1.0 - MOMENTUM) * (g - m)
    v += (g * g - v) * (1.0 / min(walker.steps, MEMORY))
    walker.theta += rate * m / (np.sqrt(v) + 1e-12)


def _advance_some(walker: Walker, part: Part, own: Array, g: Array, rate: float) -> None:
    """Adam for the coordinates of a part, each by the times that it was met."""
    at = part.index
    assert isinstance(walker.seen, np.ndarray)
    seen = walker.seen[at] + 1.0
    m, v = walker.m[at], walker.v[at]
    m += np.where(seen == 1.0, 1.0, 1.0 - MOMENTUM) * (g - m)
    v += (g * g - v) / np.minimum(seen, MEMORY)
    walker.seen[at], walker.m[at], walker.v[at] = seen, m, v
    walker.theta[at] = own + rate * m / (np.sqrt(v) + 1e-12)


# ---- the race ----------------------------------------------------------------------------------------------------


def race(run: Run, parted: Parted, theta: Array, steps: int) -> tuple[float, Array]:
    """The rate whose first steps reach highest, on the same minibatches for all, and where they end."""
    judges = [parted.sample(run.rng(JUDGE, turn), parted.size) for turn in range(JUDGES)]
    start = judged(run, parted, theta, judges)
    runs: list[tuple[float, float, Array]] = []
    for rate in RATES:
        there = sprinted(run, parted, theta, rate, steps)
        runs.append(
            (-np.inf if there is None else judged(run, parted, there, judges), rate, theta if there is None else there)
        )
        if len(runs) > 1 and runs[-1][0] < runs[-2][0]:
            break
    best = max(value for value, _, _ in runs)
    # where every rate leads down, the best is the least of them
    enough = start + NEARLY * (best - start) if np.isfinite(start) and best > start else best
    value, rate, place = next(one for one in runs if one[0] >= enough)
    run.done(f"rate {rate:g}", value)
    return rate, place


def sprinted(run: Run, parted: Parted, theta: Array, rate: float, steps: int) -> Array | None:
    """Where a few steps of a rate lead; the same minibatches and draws for all rates. None where they are lost."""
    walker = standing(theta, bool(parted.local))
    parts, rng = parted.minibatches(run.rng(RACE)), run.rng(RACE, 1)
    for _ in range(steps):
        step(run, parted, walker, next(parts), rows_of(parted), rate, rng)
        if walker.lost or run.stop():
            break
    return None if walker.lost else walker.theta


def judged(run: Run, parted: Parted, theta: Array, judges: list[Part]) -> float:
    """The mean value over some minibatches, with the same draws for all that are judged."""
    total = 0.0
    for turn, part in enumerate(judges):
        e = independent_uniforms((max(JUDGE_DRAWS, 2), part.program.noise), run.rng(JUDGE, JUDGES + turn))
        values, _ = part.program.estimate(np.repeat(part.of(theta)[None], len(e), axis=0), e)
        run.tally.add(len(e), 0)
        total += float(np.mean(values))
    return total / len(judges) if isfinite(total) else -np.inf


# ---- the schedule ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Course:
    """A walk under way: its minibatches, its draws, its rate, and the best stretch of it so far, which is gone back to
    with a smaller rate where the value falls far below: steps too long can ruin a net for good."""

    run: Run
    parted: Parted
    walker: Walker
    rate: float
    parts: Iterator[Part]
    rng: np.random.Generator
    first: float = -np.inf
    best: float = -np.inf
    there: tuple[Array, Array, Array] | None = None

    @property
    def ended(self) -> bool:
        return self.walker.lost or self.run.stop()

    def go(self, share: float = 1.0) -> None:
        """One step at a share of the rate."""
        step(self.run, self.parted, self.walker, next(self.parts), rows_of(self.parted), share * self.rate, self.rng)
        if self.walker.lost and self.there is not None:
            self.walker.lost = False
            self._back()
        elif self.walker.steps % LOOK == 0 and self.walker.values:
            told(self.run, self.walker, self.parted)
            self._look()

    def turn_to(self, parted: Parted) -> None:
        """Go on with another gradient of the same objective."""
        if parted is not self.parted:
            self.parted, self.parts = parted, parted.minibatches(self.run.rng(STEPS, 2))

    def _look(self) -> None:
        last = np.asarray(self.walker.values[-LOOK:])
        value = float(last.mean())
        if self.there is None:
            self.first = value
        fallen = self.best - value > max(FAR * _se(last), LOST * (self.best - self.first))
        if self.there is not None and fallen:
            self._back()
        elif value > self.best:
            self.best = value
            self.there = self.walker.theta.copy(), self.walker.m.copy(), self.walker.v.copy()

    def _back(self) -> None:
        assert self.there is not None
        self.walker.theta, self.walker.m, self.walker.v = (x.copy() for x in self.there)
        self.rate /= 3.0


def schedule(run: Run, ways: Sequence[Parted], walker: Walker, rate: float, steps: int | None, longest: int) -> bool:
    """Hold the rate, then let it fall. With `steps`, so many in all; else until the value no longer rises, at most
    `longest`. True where the value had come to rest before the rate fell. `ways` are the same objective with different
    gradients; the steadier one is taken, and looked for again before the rate falls."""
    parted = steadier(run, ways, walker.theta, 0)
    course = Course(run, parted, walker, rate, parted.minibatches(run.rng(STEPS)), run.rng(STEPS, 1))
    held = int(HELD * (longest if steps is None else steps))
    rested = hold(course, held, until_rest=steps is None)
    course.turn_to(steadier(run, ways, walker.theta, 1))
    falling = max(walker.steps // 2, LOOK) if steps is None else steps - walker.steps
    for at in range(falling):
        if course.ended:
            return False
        course.go(LEAST + (1.0 - LEAST) * 0.5 * (1.0 + cos(pi * at / falling)))
    return rested or is_at_rest(walker.values[:held])


def hold(course: Course, longest: int, until_rest: bool) -> bool:
    """Steps of one rate; with `until_rest`, until the value is found at rest twice running."""
    walker, look, before = course.walker, FEWEST, False
    for _ in range(longest):
        if course.ended:
            break
        course.go()
        if until_rest and walker.steps >= look:
            rested = is_at_rest(walker.values)
            if rested and before:
                return True
            look, before = int(1.25 * walker.steps), rested
    return False


def is_at_rest(values: list[float]) -> bool:
    """Whether the second quarter from the end is as high as the last one, within the noise of both."""
    quarter = len(values) // 4
    if not quarter:
        return False
    last, before = np.asarray(values[-quarter:]), np.asarray(values[-2 * quarter : -quarter])
    gain, se = float(last.mean() - before.mean()), float(np.hypot(_se(last), _se(before)))
    return bool(gain < 2.0 * se)


def _se(values: Array) -> float:
    """The standard error of the mean of neighbouring steps, by batches of them."""
    size = max(len(values) // 10, 1)
    means = values[: len(values) // size * size].reshape(-1, size).mean(axis=1)
    return float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else np.inf


def told(run: Run, walker: Walker, parted: Parted) -> None:
    """Tell whoever watches how far it is."""
    passes = walker.steps * parted.size / parted.count
    run.done(f"step {walker.steps}, {passes:.3g} passes", float(np.mean(walker.values[-LOOK:])))

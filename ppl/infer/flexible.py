"""The engine for guides that bend: thousands of parameters that a few fixed draws could not hold in check.

Adam on fresh draws, its rate held and then lowered along half a cosine (Loshchilov & Hutter, ICLR 2017), the last
iterates averaged. Rounds follow, each of twice the steps, until one gains nothing that matters on fresh draws.
Draws come with their mirror images (antithetic pairs)."""

from dataclasses import dataclass

import numpy as np

from ppl.infer.objective import Run, independent_uniforms, mean_and_error, paired_difference
from ppl.infer.race import finite_mean, first_point
from ppl.infer.saa import Found
from ppl.infer.starts import mirrored
from ppl.infer.target import Array

RATES = (0.001, 0.003, 0.01)
RACE_STEPS, RACE_DRAWS, JUDGE_DRAWS = 150, 32, 2048
ROWS = 64
FIRST_STEPS, ROUNDS = 2000, 3
HELD, WARM, KEPT = 0.3, 50, 0.01
MOMENTUM, MEMORY = 0.9, 0.99
# Nats that a round of twice the steps must gain for another to follow.
GAIN = 0.05
RACE, ROUND, JUDGE = range(70, 73)


@dataclass(slots=True)
class Adam:
    """Where it stands, the moments of past gradients, a running mean of its iterates, and how many steps it took."""

    theta: Array
    m: Array
    v: Array
    mean: Array
    steps: int = 0
    lost: bool = False


def standing(theta: Array) -> Adam:
    return Adam(theta.copy(), np.zeros_like(theta), np.zeros_like(theta), theta.copy())


def fit_flexible(run: Run) -> Found:
    """Race, then rounds. Raises NotFinite where there are no values to begin with."""
    judges = independent_uniforms((JUDGE_DRAWS, run.objective.noise), run.rng(JUDGE))
    rate, theta = _race(run, first_point(run), judges)
    run.done(f"rate {rate:g}", finite_mean(run.values(theta, judges)))
    best, values, gain, spent, moved = theta, run.values(theta, judges), np.inf, 0, np.full(len(theta), np.inf)
    for turn in range(ROUNDS):
        steps = _allowed(run, FIRST_STEPS * 2**turn)
        found = _round(run, best, rate, steps, turn)
        spent += found.steps
        there = run.values(found.mean, judges)
        gain, se = paired_difference(there, values)
        run.done(f"step {spent}", finite_mean(there))
        if gain > 0.0:
            moved, best, values = np.abs(found.mean - best), found.mean, there
        if run.stop() or found.steps < FIRST_STEPS * 2**turn or (turn and gain < max(GAIN, 2 * se)):
            break
        rate /= 2.0
    left, se = max(gain, 0.0), mean_and_error(values)[1]
    return Found(
        theta=best,
        error=moved,
        shift=float(np.sqrt(2.0 * left / len(best))),
        settled=bool(left < max(GAIN, 2 * se) and not run.stop()),
        gap=np.nan,
        gap_se=np.nan,
        starts_agree=True,
        modes=(),
        method="annealed steps",
        steps=run.iterations,
        rate=rate,
        rows=ROWS,
        polished=(),
    )


def _allowed(run: Run, steps: int) -> int:
    most = run.options.steps
    return steps if most is None else max(min(steps, most - run.iterations), 1)


def _race(run: Run, theta: Array, judges: Array) -> tuple[float, Array]:
    """The rate whose first steps reach highest on common draws."""
    best, rate, place = finite_mean(run.values(theta, judges)), RATES[0], theta
    for each in RATES:
        walker, rng = standing(theta), run.rng(RACE)
        for _ in range(RACE_STEPS):
            _step(run, walker, each, RACE_DRAWS, rng)
            if walker.lost or run.stop():
                break
        values = run.values(walker.theta, judges)
        if not walker.lost and np.isfinite(values).mean() > 0.9 and finite_mean(values) > best:
            best, rate, place = finite_mean(values), each, walker.theta
    return rate, place


def _round(run: Run, theta: Array, rate: float, steps: int, turn: int) -> Adam:
    walker, rng = standing(theta), run.rng(ROUND, turn)
    for at in range(steps):
        _step(run, walker, rate * _share(at, steps), ROWS, rng)
        if walker.lost or run.stop():
            break
        walker.mean += max(KEPT, 1.0 / walker.steps) * (walker.theta - walker.mean)
    return walker


def _share(at: int, steps: int) -> float:
    """The part of the rate that a step is taken at: a short climb, a plain, half a cosine down to nothing."""
    done = max(at / steps - HELD, 0.0) / (1.0 - HELD)
    return min(1.0, (at + 1) / WARM) * 0.5 * (1.0 + float(np.cos(np.pi * done)))


def _step(run: Run, walker: Adam, rate: float, rows: int, rng: np.random.Generator) -> None:
    """One step; a draw that is not finite is left out, and one in which most are not ends the round."""
    same = np.broadcast_to(walker.theta, (rows, len(walker.theta)))  # one row by reference: flows then pool its slopes
    values, slopes = run.objective.estimate(same, mirrored(rows, run.objective.noise, rng))
    run.tally.add(rows, 0)
    run.iterations += 1
    g = slopes.mean(axis=0)
    if not np.isfinite(g).all() or not np.isfinite(values).all():
        good = np.isfinite(values) & np.isfinite(slopes).all(axis=1)
        run.not_finite += int(rows - good.sum())
        if good.mean() < 0.5:
            run.trouble, walker.lost = walker.theta.copy(), True
            return
        g = slopes[good].mean(axis=0)
    walker.steps += 1
    walker.m += (1.0 - MOMENTUM) * (g - walker.m)
    walker.v += (1.0 - MEMORY) * (g * g - walker.v)
    first, second = 1.0 - MOMENTUM**walker.steps, 1.0 - MEMORY**walker.steps
    walker.theta += rate * (walker.m / first) / (np.sqrt(walker.v / second) + 1e-10)

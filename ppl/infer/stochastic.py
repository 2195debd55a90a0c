"""The stochastic engine, for objectives with score-type estimators: no learning rate to set.

A short race chooses the rate; phases of fixed rate follow, each with half the rate and twice the draws of the
one before, until their averages agree and what is left to gain is not worth the draws. Then the pathwise blocks are
finished by L-BFGS at fixed noise, with the others held, where fresh draws prefer that.
"""

from dataclasses import dataclass, replace

import numpy as np

from ppl.infer.averaging import LOOK, Average, Climber, Phase, run_phase, standing, unknown_average
from ppl.infer.climb import climb, placed
from ppl.infer.objective import Run, independent_uniforms, matched_uniforms, paired_difference
from ppl.infer.race import RACE_ROWS, Entry, finite_mean, first_point, jittered, race, score_uniforms
from ppl.infer.saa import APART, Found
from ppl.infer.target import Array

ROWS_CAP = 1024
ROW_CELLS = 2**18
PHASE_STEPS, PHASE_CELLS = 2500, 10_000_000
# Draws and cells (draws times what one of them spans) that may be spent in all, and cells up to which precision
# beyond what was asked for is still cheap.
STEPS, ROWS_BUDGET, CELLS_BUDGET, CHEAP_CELLS = 20_000, 2_000_000, 1e9, 4e6
PHASES, RESETS, TURNS = 14, 8, 3
# Averaging goes on, while the budget lasts, to this part of the error that is asked for: it is cheap.
FINE, GOOD = 1.0 / 20.0, 0.6
POLISH_DRAWS = 2048
PHASE, CHECK, POLISH = range(13, 16)


@dataclass(frozen=True, slots=True)
class State:
    """Between phases: the last average, what it is expected to lose and what the last halving moved, both in nats."""

    found: Average
    loss: float
    moved: float
    rate: float
    rows: int
    pace: Array
    lost: bool

    @property
    def left(self) -> float:
        """What is left to gain. The bias of a phase is in proportion to its rate, so as much is left as was moved."""
        return self.loss + self.moved


def fit_stochastic(run: Run) -> Found:
    """Race, phases, polish. Raises NotFinite where no start has values."""
    winner = jittered(run, race(run, first_point(run)))
    run.done(f"rate {winner.rate:.3g}", finite_mean(winner.values))
    state, polished = polish(run, phases(run, winner))
    target = run.options.tol
    shift = float(np.sqrt(2.0 * state.left / max(run.objective.dim, 1)))
    return Found(
        theta=state.found.theta,
        error=state.found.error,
        shift=shift,
        settled=state.found.stationary and not state.lost and shift < target,
        gap=np.nan,
        gap_se=np.nan,
        starts_agree=False,
        modes=(),
        method="averaged steps",
        steps=run.iterations,
        rate=state.rate,
        rows=state.rows,
        polished=polished,
    )


# ---- the phases --------------------------------------------------------------------------------------------------


def rows_limit(run: Run) -> int:
    """Draws a step: enough cells to keep array operations busy, no more."""
    fits = min(ROW_CELLS // max(run.objective.noise, run.objective.dim), run.objective.most)
    return int(np.clip(fits, RACE_ROWS, ROWS_CAP))


def longest_phase(run: Run, rows: int) -> int:
    """Steps that one phase may take: its trace must fit in memory, and the budget is for all."""
    fits = np.clip(PHASE_CELLS // max(run.objective.dim, 1), 1000, PHASE_STEPS)
    left = min(steps_allowed(run) - run.iterations, (ROWS_BUDGET - run.tally.gradients) // rows)
    return int(max(min(fits, left), LOOK))


def steps_allowed(run: Run) -> int:
    return STEPS if run.options.steps is None else run.options.steps


def exhausted(run: Run) -> bool:
    spent = run.tally.gradients >= ROWS_BUDGET or cells_spent(run) >= CELLS_BUDGET
    return run.stop() or run.iterations >= steps_allowed(run) or spent


def cells_spent(run: Run) -> float:
    return float(run.tally.gradients) * (run.objective.noise + run.objective.dim)


def nats_asked(run: Run) -> float:
    """The loss at which every parameter is off by `tol` of its own scale."""
    return 0.5 * run.objective.dim * run.options.tol**2


def nats_wanted(run: Run) -> float:
    """The loss at which to end: far below what was asked for while draws are cheap, well below it where not."""
    return (FINE if cells_spent(run) < CHEAP_CELLS else GOOD) ** 2 * nats_asked(run)


def phases(run: Run, winner: Entry) -> State:
    """Phases of fixed rate, each with half the rate and twice the draws of the one before. One that ends among
    bad rows, or clearly below where it began, is taken back: a step too long can leave a guide with all its mass in
    one place, from where no gradient leads out."""
    pace, best = winner.pace, winner
    climber, rate, rows, state, resets = standing(winner.theta), winner.rate, RACE_ROWS, None, 0
    for turn in range(PHASES + RESETS):
        phase = next_phase(run, climber, rate, rows, turn, pace, state)
        here = Entry(rate, pace, phase.found.theta, run.values(phase.found.theta, score_uniforms(run)))
        run.done(f"rate {rate:.2g}, {rows} draws", finite_mean(here.values))
        if phase.lost or best.beats(here, APART):
            resets += 1
            climber, rate = standing(best.theta), rate / 2
            if resets > RESETS or exhausted(run):
                break
            continue
        if exhausted(run) and state is not None and state.found.stationary and not phase.found.stationary:
            break
        idle = phase.found.stationary or not here.beats(best)
        before, best, state = state, here, advanced(state, phase.found, rate, rows, pace)
        if is_fine(run, state):
            break
        if exhausted(run):
            return state if before is None else pooled(before, state)
        climber = phase.climber
        if idle:
            climber = Climber(phase.found.theta, np.zeros_like(climber.m), climber.v, min(climber.seen, 50))
            rate, rows = rate / 2, min(2 * rows, rows_limit(run))
    return state if state is not None else nowhere(best, rate, rows)


def next_phase(
    run: Run, climber: Climber, rate: float, rows: int, turn: int, pace: Array, state: State | None
) -> Phase:
    """One phase, long enough to cut the expected loss to a third of what it was, or to a fine one."""
    goal = np.inf if state is None else max(state.loss / 3.0, nats_wanted(run))
    return run_phase(
        run, climber, rate, rows, run.rng(PHASE, turn), pace, longest_phase(run, rows), lambda found: found.loss <= goal
    )


def advanced(state: State | None, found: Average, rate: float, rows: int, pace: Array) -> State:
    """What the new average says: how far the last one was off beyond the noise of the two."""
    if state is None:
        return State(found, found.loss, np.inf, rate, rows, pace, False)
    between = float(0.5 * found.curvature @ (found.theta - state.found.theta) ** 2)
    return State(found, found.loss, max(between - 3.0 * (found.loss + state.loss), 0.0), rate, rows, pace, False)


def pooled(before: State, last: State) -> State:
    """Two averages as one, weighted by how well each is known, where they agree: a last phase that the budget cut short
    may know less than the one before it. Where they do not agree, the better known one, and how far they are apart."""
    a, b = before.found, last.found
    if not (a.stationary and b.stationary and before.loss + last.loss > 0.0):
        return last
    if last.moved > 0.0:
        return last if last.loss <= before.loss else replace(before, moved=last.moved)
    share = before.loss / (before.loss + last.loss)
    theta, error = share * b.theta + (1 - share) * a.theta, np.hypot(share * b.error, (1 - share) * a.error)
    return replace(last, found=replace(b, theta=theta, error=error), loss=share * last.loss)


def nowhere(winner: Entry, rate: float, rows: int) -> State:
    """The start, where every stretch was lost among rows that are not finite."""
    return State(unknown_average(winner.theta), np.inf, np.inf, rate, rows, winner.pace, True)


def is_fine(run: Run, state: State) -> bool:
    """Whether more draws would gain nothing worth having."""
    return state.found.stationary and state.left <= nats_wanted(run)


# ---- the polish --------------------------------------------------------------------------------------------------


def pathwise_blocks(run: Run, theta: Array) -> tuple[str, ...]:
    """The blocks, none of a score node, in which each gradient row is the slope of its value at fixed noise.

    Measured by differences, not concluded from names: a parameter of one unknown may reach the density of another,
    sampled one, and then its gradient has a score term that no difference shows.
    """
    rng = run.rng(CHECK)
    e = independent_uniforms((64, run.objective.noise), rng)
    _, gradients = run.estimate(theta, e)
    names = [name for name in run.objective.blocks if name not in run.objective.score_nodes]
    return tuple(name for name in names if is_pathwise(run, theta, e, gradients, run.objective.blocks[name], rng))


def is_pathwise(run: Run, theta: Array, e: Array, gradients: Array, block: slice, rng: np.random.Generator) -> bool:
    direction = np.zeros(len(theta))
    direction[block] = rng.choice([-1.0, 1.0], size=len(direction[block])) * np.maximum(1.0, np.abs(theta[block]))
    step = 1e-4 * direction
    slope = gradients @ direction
    difference = (run.values(theta + step, e) - run.values(theta - step, e)) / 2e-4
    miss = np.abs(difference - slope)
    # A few rows may cross a boundary within the step.
    return bool(np.mean(miss <= 1e-3 * (np.abs(slope) + np.median(np.abs(slope))) + 1e-6) > 0.9)


def polish(run: Run, state: State) -> tuple[State, tuple[str, ...]]:
    """L-BFGS on the pathwise blocks, then averaging of the others, in turn while fresh draws say that it helps."""
    names = () if state.lost or run.stop() else pathwise_blocks(run, state.found.theta)
    if not names:
        return state, ()
    free = np.concatenate([np.arange(run.objective.dim)[run.objective.blocks[name]] for name in names])
    done: tuple[str, ...] = ()
    for turn in range(TURNS):
        better = polished(run, state, free, turn)
        if better is None:
            break
        done = names
        state = averaged_rest(run, better, free, turn)
        if run.stop():
            break
    return state, done


def polished(run: Run, state: State, free: Array, turn: int) -> State | None:
    """The mean of the optima for two independent sets of draws, where fresh draws prefer it; their difference tells
    how well it is known, and what that costs."""
    theta = state.found.theta
    sets = [matched_uniforms(POLISH_DRAWS, run.objective.noise, run.rng(POLISH, 3 * turn + half)) for half in (0, 1)]
    first, second = (climb(run, e, theta[free], theta, free) for e in sets)
    middle = placed(theta, free, 0.5 * (first.x + second.x))
    fresh = independent_uniforms((2 * POLISH_DRAWS, run.objective.noise), run.rng(POLISH, 3 * turn + 2))
    gain, se = paired_difference(run.values(middle, fresh), run.values(theta, fresh))
    run.done("polish", gain)
    if not gain > 2 * se:
        return None
    between = np.mean([np.mean(run.values(middle, e)) for e in sets]) + 0.5 * (first.value + second.value)
    # What the held blocks are off moves these too, as their last average knows.
    error = placed(state.found.error, free, np.hypot(0.5 * (first.x - second.x), state.found.error[free]))
    found = replace(state.found, theta=middle, error=error)
    return replace(state, found=found, loss=max(-float(between), 0.0), moved=0.0)


def averaged_rest(run: Run, state: State, free: Array, turn: int) -> State:
    """Average the other blocks again, with the polished ones held."""
    held = state.pace.copy()
    held[free] = 0.0
    if not held.any():
        return replace(state, found=replace(state.found, stationary=True))
    phase = run_phase(
        run,
        standing(state.found.theta),
        state.rate,
        state.rows,
        run.rng(PHASE, PHASES + turn),
        held,
        longest_phase(run, state.rows),
        lambda found: found.loss <= nats_wanted(run),
    )
    if phase.lost:
        return replace(state, lost=True)
    error = placed(phase.found.error, free, state.found.error[free])
    theta = placed(phase.found.theta, free, state.found.theta[free])
    return replace(state, found=replace(phase.found, theta=theta, error=error), loss=state.loss + phase.found.loss)

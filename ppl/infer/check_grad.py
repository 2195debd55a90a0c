"""Whether a gradient estimator is unbiased: its mean against references that share nothing with it but the model.

Two references are unbiased whatever the density does: score functions of all draws, and central differences of the mean
log weight with common random numbers, whose variance grows as 1/h where the density jumps. Each coordinate takes the
one with the smaller standard error. Scores presume that no support moves with a parameter: so a score that contradicts
differences is not used, nor is one that alone says that the estimator is biased.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from ppl.infer.objective import Objective, independent_uniforms
from ppl.infer.target import Array

# The probability that a check of an unbiased estimator says `biased`, all coordinates together (Bonferroni).
FALSE_ALARM = 1e-4
SUSPICIOUS = 3.0
MOST_ROWS = 4096
FEWEST_BATCHES, FEWEST_OF_MANY, ROWS_OF_MANY = 64, 24, 64
PILOT_BATCHES = 8
GROWTH = 4
# The widest difference moves a draw by a tenth of its standard deviation; of so many rows some must cross a jump.
MOVE, CROSSINGS, FINEST = 0.1, 300, 0.01
RESCALINGS, SCALE_ROWS = 8, 256
# Beyond so many coordinates scores are trusted where they agree with the estimate, and steps are not compared.
MANY = 48
ESTIMATE, SCORE, DIFFERENCE, SCALE = range(30, 34)
EPSILON = float(np.finfo(float).eps)
NARROW = (1e-4, 1e-3, 1e-2, 1e-1)


class Drawable(Objective, Protocol):
    """An objective whose draws can be seen."""

    def constrained(self, u: Array, w: Array) -> Mapping[str, Array]:
        """Every name (S, ...) for draws made of the uniforms `u` (S, N) at `w` (P,)."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was measured at theta (P,), in coordinates: `variance` is that of one draw's gradient, `by` the reference
    (`score`, `difference`, `exact`) of each coordinate, `bound` the z from which a coordinate counts as biased,
    `samples` the draws of the estimate, `not_finite` those left out."""

    theta: Array
    estimate: Array
    se: Array
    reference: Array
    reference_se: Array
    variance: Array
    by: tuple[str, ...]
    bound: float
    samples: int
    not_finite: int

    @property
    def z(self) -> Array:
        error = np.hypot(self.se, self.reference_se)
        gap = self.estimate - self.reference
        return np.asarray(np.divide(gap, error, out=np.zeros_like(gap), where=error > 0))

    @property
    def biased(self) -> bool:
        return bool((~(np.abs(self.z) <= self.bound)).any())


@dataclass(slots=True)
class Tally:
    """Means of batches (B, P) of rows, and the variance of one row."""

    means: list[Array] = field(default_factory=list)
    variances: list[Array] = field(default_factory=list)
    lost: int = 0

    def add(self, rows: Array) -> None:
        good = rows[np.isfinite(rows).all(axis=1)]
        self.lost += len(rows) - len(good)
        if len(good) > 1:
            self.means.append(good.mean(axis=0))
            self.variances.append(good.var(axis=0, ddof=1))

    @property
    def mean(self) -> Array:
        return np.asarray(np.mean(self.means, axis=0))

    @property
    def se(self) -> Array:
        """From the batches: the rows of one batch are each other's baselines."""
        return np.asarray(np.std(self.means, axis=0, ddof=1) / np.sqrt(len(self.means)))

    @property
    def variance(self) -> Array:
        return np.asarray(np.mean(self.variances, axis=0))


@dataclass(frozen=True, slots=True)
class Difference:
    """The derivative of the mean log weight in one coordinate and its standard error; `half` is the step."""

    value: float
    se: float
    half: float


@dataclass(frozen=True, slots=True)
class Check:
    """What every measurement needs: where, with which seed, how many rows of a batch, how many batches, how long."""

    objective: Drawable
    reference: Objective | None
    scored: npt.NDArray[np.bool_]
    theta: Array
    seed: int
    rows: int
    batches: int
    until: float

    @property
    def fewest(self) -> int:
        """The batches that are drawn however long they take."""
        return FEWEST_BATCHES if len(self.theta) <= MANY else FEWEST_OF_MANY

    def noise(self, of: Objective, stage: int, batches: int, part: float = 1.0) -> Iterator[Array]:
        """Batches of noise (rows, N), until `part` of the time that is left is spent."""
        now = perf_counter()
        until = now + part * (self.until - now)
        for batch in range(batches):
            if batch >= min(self.fewest, batches) and perf_counter() > until:
                break
            yield independent_uniforms((self.rows, of.noise), np.random.default_rng([self.seed, stage, batch]))


def check_grad(
    objective: Drawable,
    reference: Objective | None,
    theta: Array,
    samples: int = 1_000_000,
    seed: int = 0,
    rows: int = MOST_ROWS,
    max_seconds: float = 600.0,
    report: Callable[[str], None] = lambda stage: None,
    scored: npt.NDArray[np.bool_] | None = None,
) -> Checked:
    """Compare the gradient estimator of `objective` at theta (P,) with independent references.

    `reference` is the same objective with every draw estimated by its score, None where there is no such program;
    `scored` (P,) says of which coordinates it knows, None for all.
    `samples` are the draws of the estimate and of each reference, in batches of at most `rows`, fewer where time runs
    out; a z that is suspicious but not decisive calls for four times as many. The verdict is `biased` when some |z|
    exceeds the quantile of Student's t at which one check in 10,000 would go wrong by chance."""
    theta = np.asarray(theta, dtype=float)
    rows = int(np.clip(samples // FEWEST_BATCHES, 2, rows if len(theta) <= MANY else min(rows, ROWS_OF_MANY)))
    batches = max(FEWEST_BATCHES, -(-samples // rows))
    known = np.ones(len(theta), dtype=bool) if scored is None else scored
    check = Check(objective, reference, known, theta, seed, rows, batches, perf_counter() + max_seconds)
    with np.errstate(all="ignore"):
        if not objective.noise:
            return exact(check)
        found = compared(check, report)
        if not found.biased and (np.abs(found.z) > SUSPICIOUS).any() and perf_counter() < check.until:
            report("suspicious: a closer look")
            found = compared(replace(check, batches=GROWTH * batches), report)
        return found


def exact(check: Check) -> Checked:
    """Without noise there is nothing to average: the gradient against differences of the value."""
    none = np.zeros((2, 0))
    _, gradient = check.objective.estimate(np.repeat(check.theta[None], 2, axis=0), none)
    found = [narrow(lambda half, i=i: stencil(check, i, half, none)) for i in range(len(check.theta))]  # type: ignore[misc]
    zero = np.zeros(len(check.theta))
    values, errors = np.array([d.value for d in found]), np.array([d.se for d in found])
    by = ("exact",) * len(found)
    return Checked(check.theta, gradient[0], zero, values, errors, zero, by, bound_of(len(found), 64), 1, 0)


def compared(check: Check, report: Callable[[str], None]) -> Checked:
    """The estimate beside the better reference of each coordinate."""
    p = len(check.theta)
    report("the estimator")
    own = tallied(check, check.objective, ESTIMATE, 0.25)
    report("the score reference")
    scores = None if check.reference is None else tallied(check, check.reference, SCORE, 0.33)
    bound = bound_of(p, len(own.means))
    found: list[tuple[float, float, str]] = []
    for i in range(p):
        report(f"differences: {i + 1} of {p}")
        found.append(referee(check, i, own, scores, bound, 1.0 / (p - i)))
    values, errors, by = zip(*found, strict=True)
    if perf_counter() > check.until:
        bound = bound_of(p, check.fewest)
    samples = len(own.means) * check.rows
    return Checked(
        check.theta, own.mean, own.se, np.array(values), np.array(errors), own.variance, by, bound, samples, own.lost
    )


def referee(
    check: Check, i: int, own: Tally, scores: Tally | None, bound: float, part: float
) -> tuple[float, float, str]:
    """The reference of coordinate `i`: scores where they are sharper than differences would be, unless they contradict
    what differences say, or say alone that the estimate is biased."""
    value, se = (
        (np.nan, np.inf) if scores is None or not check.scored[i] else (float(scores.mean[i]), float(scores.se[i]))
    )
    sound = abs(value - own.mean[i]) <= bound * np.hypot(se, own.se[i])
    if sound and len(check.theta) > MANY:
        return value, se, "score"
    rough = pilot(check, i)
    agrees = abs(value - rough.value) <= bound * np.hypot(se, rough.se)
    if sound and agrees and se <= rough.se * np.sqrt(PILOT_BATCHES / check.batches):
        return value, se, "score"
    fine = measured(check, i, rough.half, check.batches, part)
    if not np.isfinite(se) or abs(value - fine.value) > bound * np.hypot(se, fine.se) or fine.se < se:
        return fine.value, fine.se, "difference"
    return value, se, "score"


def bound_of(coordinates: int, batches: int) -> float:
    """The |z| that one of so many coordinates exceeds by chance with probability FALSE_ALARM."""
    return float(-stdtrit(max(batches - 1, 1), FALSE_ALARM / (2 * max(coordinates, 1))))


def tallied(check: Check, of: Objective, stage: int, part: float) -> Tally:
    """Gradient estimates in batches; the rows of a batch are each other's baselines."""
    tally, theta = Tally(), np.repeat(check.theta[None], check.rows, axis=0)
    for e in check.noise(of, stage, check.batches, part):
        tally.add(np.asarray(of.estimate(theta, e)[1], dtype=float))
    return tally


# ---- differences -------------------------------------------------------------------------------------------------


def stencil(check: Check, i: int, half: float, e: Array) -> Array:
    """Row by row, the derivative by steps of `half` and of twice that (S, 2), and its rounding error (S, 1)."""

    def at(step: float) -> Array:
        moved = check.theta.copy()
        moved[i] += step
        theta = np.repeat(moved[None], len(e), axis=0)
        return np.asarray(check.objective.log_weight(theta, e), dtype=float)

    one = (right := at(half)) - at(-half)
    two = at(2 * half) - at(-2 * half)
    rounding = 4 * EPSILON * np.abs(right) / half
    return np.stack([one / (2 * half), two / (4 * half), rounding], axis=1)


def measured(check: Check, i: int, half: float, batches: int, part: float = 1.0) -> Difference:
    """The difference over some batches of noise."""
    tally = Tally()
    for e in check.noise(check.objective, DIFFERENCE, batches, part):
        rows = stencil(check, i, half, e)
        tally.add(np.column_stack([richardson(rows[:, 0], rows[:, 1]), rows]))
    if len(tally.means) < 2:
        return Difference(np.nan, np.inf, half)
    (value, one, _, rounding), se = tally.mean, tally.se
    return Difference(float(value), float(np.hypot(se[0], left_over(value, one, se[0]) + rounding)), half)


def richardson(one: Array, two: Array) -> Array:
    """Free of the error of second order: (4 D(h) - D(2h)) / 3."""
    return np.asarray((4.0 * one - two) / 3.0)


def left_over(value: float, one: float, se: float) -> float:
    """About the error of fourth order: that of second order, relative, squared."""
    second = abs(value - one)
    return float(second * second / max(abs(value), second, se, 1e-300))


def narrow(at: Callable[[float], Array]) -> Difference:
    """Without noise: the step whose error is least."""
    found = []
    for half in NARROW:
        rows = at(half)[0]
        value = float(richardson(rows[:1], rows[1:2])[0])
        error = left_over(value, float(rows[0]), 0.0) + rows[2] + 1e-12 * abs(value)
        found.append(Difference(value, float(error), half))
    return min(found, key=lambda d: d.se if np.isfinite(d.se) else np.inf)


def pilot(check: Check, i: int) -> Difference:
    """A few batches at a fine step, and at a wide one: that is taken where jumps make the fine one noisier. Both are
    wide enough that, in all, some draws cross each jump."""
    wide = half_width(check, i)
    if len(check.theta) > MANY:
        return Difference(np.nan, np.inf, wide)
    fine = wide * float(np.clip(CROSSINGS / (check.rows * check.batches), FINEST, 1.0))
    found = measured(check, i, fine, PILOT_BATCHES)
    other = measured(check, i, wide, PILOT_BATCHES) if fine < wide else found
    return other if other.se < 0.7 * found.se else found


def half_width(check: Check, i: int) -> float:
    """The step in coordinate `i` that moves the draws by a tenth of their standard deviation, on average over the rows
    and for the name that it moves most; a coordinate that moves no draw has a step by its own size."""
    e = next(check.noise(check.objective, SCALE, 1))[:SCALE_ROWS]
    at = check.objective.constrained(e, check.theta)
    spread = {name: np.where((sd := np.std(x, axis=0)) > 0, sd, np.inf) for name, x in at.items() if np.size(x)}

    step = MOVE * max(1.0, float(abs(check.theta[i])))
    for _ in range(RESCALINGS):
        far = moved(check, i, step, e, at, spread)
        if far == 0.0 or 0.5 * MOVE < far < 2.0 * MOVE:
            break
        # what moves twice as far needs half the step, until jumps or curves make it otherwise
        step *= float(np.clip(MOVE / far, 1e-3, 1e3))
    return step


def moved(check: Check, i: int, step: float, e: Array, at: Mapping[str, Array], spread: Mapping[str, Array]) -> float:
    """By how many standard deviations a step moves the draws, at most."""
    theta = check.theta.copy()
    theta[i] += step
    there = check.objective.constrained(e, theta)
    far = [np.max(np.mean(np.abs(np.subtract(there[n], at[n], dtype=float)), axis=0) / s) for n, s in spread.items()]
    return float(np.nanmax([0.0, *far]))

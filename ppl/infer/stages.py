"""What every stage of the deterministic engine needs: its target, its options, its clock, and whom to tell."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from ppl.infer.approximation import Options, Progress
from ppl.infer.lbfgs import Limits
from ppl.infer.sobol import matched_normal
from ppl.infer.target import Array, Counted

# Beyond so many coordinates, a normal has no full covariance unless it is asked for.
FULL_RANK_LIMIT = 150
# Stages, each with its own stream of random numbers: one stage's needs do not shift another's draws.
STARTS, SCORE, WEIGHTS, FIT, FRESH, MODES, IMPORTANCE, OUTPUT, MODULATE = range(9)


@dataclass(slots=True)
class Session:
    """What every stage needs: the counted target, the options, the clock, and whom to tell."""

    target: Counted
    options: Options
    report: Callable[[Progress], None]
    asked_to_stop: Callable[[], bool]
    began: float
    stages: list[tuple[str, float]]
    iterations: int = 0

    def rng(self, stage: int, turn: int = 0) -> np.random.Generator:
        return np.random.default_rng([self.options.seed, stage, turn])

    def matched(self, count: int, stage: int, turn: int = 0) -> Array:
        return matched_normal(count, self.target.dim, self.rng(stage, turn))

    def stop(self) -> bool:
        return self.asked_to_stop() or perf_counter() - self.began > self.options.max_seconds

    def limits(self, iterations: int, decrement: float) -> Limits:
        return Limits(iterations, decrement, stop=self.stop)

    def done(self, stage: str, elbo: float) -> None:
        elapsed = perf_counter() - self.began
        self.stages.append((stage, elapsed - sum(seconds for _, seconds in self.stages)))
        self.report(Progress(stage, elbo, self.target.tally.gradients, elapsed))

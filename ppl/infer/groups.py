"""A bound of several draws as an objective: each of its rows is a group of draws of the guide."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ppl.infer.objective import Objective
from ppl.infer.target import Array


@dataclass(frozen=True)
class Groups:
    """`draws` is an objective whose rows come in groups of `count`: values alike within a group, gradients to be added
    up over it. One row here is a group there, so rows are independent whatever they are made of. `exact`: at fixed
    numbers, the gradient is that of the value."""

    draws: Objective
    count: int
    exact: bool

    @property
    def dim(self) -> int:
        return self.draws.dim

    @property
    def noise(self) -> int:
        return self.draws.noise * self.count

    @property
    def deterministic(self) -> bool:
        return self.exact and self.draws.deterministic

    @property
    def start(self) -> Array:
        return self.draws.start

    @property
    def blocks(self) -> Mapping[str, slice]:
        return self.draws.blocks

    @property
    def score_nodes(self) -> tuple[str, ...]:
        return self.draws.score_nodes

    @property
    def switches(self) -> tuple[slice, ...]:
        return self.draws.switches

    @property
    def flexible(self) -> bool:
        return self.draws.flexible

    @property
    def posterior(self) -> bool:
        return self.draws.posterior

    @property
    def most(self) -> int:
        return max(self.draws.most // self.count, 1)

    def estimate(self, theta: Array, e: Array) -> tuple[Array, Array]:
        """Bounds (S,) and gradient estimates (S, P) for theta (S, P) and uniforms (S, count N)."""
        rows = e.reshape(len(e) * self.count, self.draws.noise)
        values, slopes = self.draws.estimate(np.repeat(theta, self.count, axis=0), rows)
        return values[:: self.count], slopes.reshape(len(e), self.count, -1).sum(axis=1)

    def log_weight(self, theta: Array, e: Array) -> Array:
        """Log weights (S,) of single draws, the first of each group."""
        return self.draws.log_weight(theta, e[:, : self.draws.noise])

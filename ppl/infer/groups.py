"""A bound of several draws as an objective: each of its rows is a group of draws of the guide."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ppl.infer.objective import Objective, independent_uniforms
from ppl.infer.parts import Part, Parted, Positions
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


@dataclass(frozen=True, slots=True)
class GroupedPart:
    """A part whose program is a bound of several draws."""

    part: Part
    count: int

    @property
    def program(self) -> Objective:
        return Groups(self.part.program, self.count, exact=False)

    @property
    def index(self) -> Positions | None:
        return self.part.index

    def of(self, theta: Array) -> Array:
        return self.part.of(theta)


@dataclass(frozen=True, slots=True)
class GroupedParts:
    """A bound of `weighed` draws that is looked at part by part: weights are those of positions, and every draw belongs
    to one. Log weights are of single draws, as are those of `Groups`."""

    parted: Parted
    weighed: int

    @property
    def dim(self) -> int:
        return self.parted.dim

    @property
    def start(self) -> Array:
        return self.parted.start

    @property
    def blocks(self) -> Mapping[str, slice]:
        return self.parted.blocks

    @property
    def score_nodes(self) -> tuple[str, ...]:
        return self.parted.score_nodes

    @property
    def deterministic(self) -> bool:
        return self.parted.deterministic

    @property
    def posterior(self) -> bool:
        return self.parted.posterior

    @property
    def local(self) -> tuple[str, ...]:
        return self.parted.local

    @property
    def noisy(self) -> bool:
        return self.parted.noisy

    @property
    def shared(self) -> int:
        return self.parted.shared

    @property
    def axis(self) -> str:
        return self.parted.axis

    @property
    def count(self) -> int:
        return self.parted.count

    @property
    def size(self) -> int:
        return self.parted.size

    @property
    def cells(self) -> int:
        return self.parted.cells * self.weighed

    def minibatches(self, rng: np.random.Generator) -> Iterator[Part]:
        return (GroupedPart(part, self.weighed) for part in self.parted.minibatches(rng))

    def sample(self, rng: np.random.Generator, size: int) -> Part:
        return GroupedPart(self.parted.sample(rng, size), self.weighed)

    def stretches(self, draws: int = 1) -> Iterator[Part]:
        return (GroupedPart(part, self.weighed) for part in self.parted.stretches(draws * self.weighed))

    def apart(self) -> Part:
        return GroupedPart(self.parted.apart(), self.weighed)

    def log_weights_of(self, theta: Array, positions: Positions, e: Array, rng: np.random.Generator) -> Array | None:
        return self.parted.log_weights_of(theta, positions, e, rng)

    def log_weight(self, theta: Array, e: Array) -> Array:
        return self.parted.log_weight(theta, e)

    def values(self, theta: Array, rows: int, rng: np.random.Generator) -> Array:
        """Values (rows,) of the bound over all data, for fresh draws of every position."""
        found = [_values(part, theta, rows, rng) for part in self.stretches(rows)]
        # what belongs to no position is in each of them
        return np.asarray(sum(found) - (len(found) - 1) * _values(self.apart(), theta, rows, rng))


def _values(part: Part, theta: Array, rows: int, rng: np.random.Generator) -> Array:
    e = independent_uniforms((rows, part.program.noise), rng)
    return part.program.estimate(np.repeat(part.of(theta)[None], rows, axis=0), e)[0]

"""Objectives of which only parts are looked at: a minibatch for every step, or all data stretch by stretch."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ppl.infer.objective import Objective, independent_uniforms
from ppl.infer.target import Array

Positions = npt.NDArray[np.intp]


class Part(Protocol):
    """Some positions of the data; densities there are counted as often as they stand for others."""

    @property
    def program(self) -> Objective:
        """The objective of these positions, whose theta are `index` of the whole."""

    @property
    def index(self) -> Positions | None:
        """(P',) the coordinates of theta (P,) that it has; None for all of them."""

    def of(self, theta: Array) -> Array:
        """Its coordinates (…, P') of theta (…, P)."""


class Parted(Protocol):
    """An objective that can be looked at part by part; larger is better."""

    @property
    def dim(self) -> int: ...
    @property
    def start(self) -> Array: ...
    @property
    def blocks(self) -> Mapping[str, slice]: ...
    @property
    def score_nodes(self) -> tuple[str, ...]: ...
    @property
    def deterministic(self) -> bool: ...
    @property
    def posterior(self) -> bool: ...

    @property
    def local(self) -> tuple[str, ...]:
        """The blocks that belong to single positions."""

    @property
    def noisy(self) -> bool:
        """Whether positions have uniform numbers of their own."""

    @property
    def shared(self) -> int:
        """How many uniform numbers of one draw belong to no position."""

    @property
    def axis(self) -> str:
        """The axis that is sampled; "" where there is only one part."""

    @property
    def count(self) -> int:
        """The positions of the axis that is sampled."""

    @property
    def size(self) -> int:
        """The positions in a minibatch."""

    @property
    def cells(self) -> int:
        """Numbers of one draw for one position in the largest array of a call."""

    def minibatches(self, rng: np.random.Generator) -> Iterator[Part]:
        """Uniform samples without end, every position once in each pass."""

    def sample(self, rng: np.random.Generator, size: int) -> Part:
        """A uniform sample of `size` positions."""

    def stretches(self, draws: int = 1) -> Iterator[Part]:
        """All positions, each counted once, in parts that so many draws fit in memory."""

    def apart(self) -> Part:
        """What belongs to no position, alone."""

    def log_weights_of(self, theta: Array, positions: Positions, e: Array, rng: np.random.Generator) -> Array | None:
        """log p - log q (S, positions) of what belongs to some positions, given one draw e (1, shared + 1) of what is
        shared; None where it cannot be told apart."""

    def log_weight(self, theta: Array, e: Array) -> Array:
        """log p - log q (S,) over all data, at theta (P,), for shared uniforms and one more number e (S, shared + 1)
        that the uniforms of the positions are made from."""


@dataclass
class Sampled:
    """A parted objective as an expectation whose noise is its own: every estimate is of the next minibatch, with
    fresh draws. Uniform numbers of pathwise draws come with their mirror images: what the draws share then has no
    slope that a minibatch could blur (the curvature, which makes deviations, stays)."""

    parted: Parted
    parts: Iterator[Part]
    rng: np.random.Generator
    noise: int = 0
    seen: int = field(default=0)

    @property
    def dim(self) -> int:
        return self.parted.dim

    @property
    def deterministic(self) -> bool:
        return False

    @property
    def flexible(self) -> bool:
        return False

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
    def switches(self) -> tuple[slice, ...]:
        return ()

    @property
    def posterior(self) -> bool:
        return self.parted.posterior

    @property
    def most(self) -> int:
        return 2**30

    def estimate(self, theta: Array, e: Array) -> tuple[Array, Array]:
        """Values (S,) and gradients (S, P) of the next minibatch; e (S, 0) says nothing."""
        part = next(self.parts)
        self.seen += 1
        own = part.of(theta)
        values, slopes = part.program.estimate(own, mirrored(self.parted, len(e), part.program.noise, self.rng))
        if part.index is None:
            return values, slopes
        full = np.zeros((len(e), self.dim))
        full[:, part.index] = slopes
        return values, full

    def log_weight(self, theta: Array, e: Array) -> Array:
        part = next(self.parts)
        return part.program.log_weight(part.of(theta), independent_uniforms((len(e), part.program.noise), self.rng))


def mirrored(parted: Parted, rows: int, noise: int, rng: np.random.Generator) -> Array:
    """(rows, noise) uniforms, the second half mirror images of the first; all independent where rows are baselines of
    each other."""
    if not parted.deterministic or rows < 2:
        return independent_uniforms((rows, noise), rng)
    half = independent_uniforms(((rows + 1) // 2, noise), rng)
    return np.concatenate([half, 1.0 - half])[:rows]


@dataclass(frozen=True)
class AllData:
    """A parted objective without numbers of single positions, over all data: the sum over stretches. What belongs to no
    position is in each of them, so all but one of these are taken back."""

    parted: Parted
    draws: int

    def estimate(self, theta: Array, e: Array) -> tuple[Array, Array]:
        """Values (S,) and gradients (S, P) at theta (S, P) and e (S, shared)."""
        return summed(self.parted, self.draws, lambda part: part.program.estimate(theta, e))


def summed(parted: Parted, draws: int, of: Callable[[Part], tuple[Array, Array]]) -> tuple[Array, Array]:
    """What parts have, added up over all stretches."""
    values, slopes = np.zeros(()), np.zeros(())
    parts = 0
    for part in parted.stretches(draws):
        value, slope = of(part)
        values, slopes, parts = values + value, slopes + slope, parts + 1
    value, slope = of(parted.apart())
    return np.asarray(values - (parts - 1) * value), np.asarray(slopes - (parts - 1) * slope)


@dataclass(frozen=True, slots=True)
class Only:
    """The one part of an objective that is looked at as a whole."""

    program: Objective
    index: Positions | None = None

    def of(self, theta: Array) -> Array:
        return theta


@dataclass(frozen=True, slots=True)
class Unparted:
    """An objective that is its own minibatch: the same steps serve objectives with very many parameters."""

    objective: Objective

    @property
    def dim(self) -> int:
        return self.objective.dim

    @property
    def start(self) -> Array:
        return self.objective.start

    @property
    def blocks(self) -> Mapping[str, slice]:
        return self.objective.blocks

    @property
    def score_nodes(self) -> tuple[str, ...]:
        return self.objective.score_nodes

    @property
    def deterministic(self) -> bool:
        return self.objective.deterministic

    @property
    def posterior(self) -> bool:
        return self.objective.posterior

    @property
    def local(self) -> tuple[str, ...]:
        return ()

    @property
    def noisy(self) -> bool:
        return False

    @property
    def shared(self) -> int:
        return self.objective.noise

    @property
    def axis(self) -> str:
        return ""

    @property
    def count(self) -> int:
        return 1

    @property
    def size(self) -> int:
        return 1

    @property
    def cells(self) -> int:
        return 1

    def minibatches(self, rng: np.random.Generator) -> Iterator[Part]:
        only = Only(self.objective)
        while True:
            yield only

    def sample(self, rng: np.random.Generator, size: int) -> Part:
        return Only(self.objective)

    def stretches(self, draws: int = 1) -> Iterator[Part]:
        yield Only(self.objective)

    def apart(self) -> Part:
        return Only(self.objective)

    def log_weights_of(self, theta: Array, positions: Positions, e: Array, rng: np.random.Generator) -> Array | None:
        return None

    def log_weight(self, theta: Array, e: Array) -> Array:
        return self.objective.log_weight(np.repeat(theta[None], len(e), axis=0), e[:, : self.shared])


# Numbers that one gradient of the fixed-draws engine computes, beyond which steps with few draws are taken instead.
HEAVY, HEAVY_DRAWS = 2e7, 64


class Counted(Protocol):
    """An objective that counts what it costs."""

    def operations(self, rows: int) -> float:
        """Numbers computed by an estimate of so many draws."""


def is_heavy(objective: Counted) -> bool:
    """Whether fixed draws would cost too much: each of hundreds of gradients computes all of them."""
    return objective.operations(HEAVY_DRAWS) > HEAVY

"""An objective on parts of its data: minibatches for the steps, stretches of all positions for what is reported."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from types import CodeType

import networkx as nx
import numpy as np
import numpy.typing as npt

from ppl.data.bound import Bound
from ppl.emit.bind import Named
from ppl.emit.functions import loaded
from ppl.emit.inputs import labels_of
from ppl.emit.layout import laid_out
from ppl.emit.memory import keep_freed_memory
from ppl.emit.objective_program import EmittedObjective
from ppl.emit.part import Array, Part, Parts, Positions, put
from ppl.emit.stored import stored_values
from ppl.graph.graph import unknowns
from ppl.source.diagnostic import ModelError, complain

# Numbers in one array of a call that looks at all data, stretch by stretch.
STRETCH = 2_000_000
# Names over sampled axes are reported where so many draws of them fit in so many numbers.
FEWEST, KEPT = 200, 16_000_000
LEAST = 2.0**-53
CHUNK = 256
# Draws of what belongs to a position, to see how well the guide fits it.
PER_POSITION = 400
# Rows for each number of an unknown from which on it is centred.
INFORMED = 20


@dataclass(frozen=True)
class BatchedObjective:
    """An objective whose data are looked at part by part; a `ppl.infer.parts.Parted`. `size` positions of the sampled
    axis make a minibatch. Draws are made from `noise` uniform numbers: those that belong to no position, and one from
    which those of the positions are made."""

    parts: Parts
    size: int

    # -- what it is ------------------------------------------------------------------------------------------------

    @property
    def emitted(self) -> EmittedObjective:
        return self.parts.emitted

    @property
    def bound(self) -> Bound:
        return self.parts.bound

    @property
    def dim(self) -> int:
        """P, the number of all parameters, those of every position among them."""
        return self.parts.full.dim

    @property
    def slots(self) -> Mapping[str, slice]:
        return self.parts.full.slots

    @property
    def blocks(self) -> Mapping[str, slice]:
        return self.parts.full.slots

    @property
    def sizes(self) -> Mapping[str, int]:
        return self.parts.full.sizes

    @property
    def axis(self) -> str:
        return self.parts.batching.lead

    @property
    def count(self) -> int:
        return self.parts.count

    @property
    def cells(self) -> int:
        return self.parts.cells

    @property
    def local(self) -> tuple[str, ...]:
        return self.parts.local

    @property
    def posterior(self) -> bool:
        return self.emitted.posterior

    @property
    def deterministic(self) -> bool:
        """Whether the estimate at fixed numbers and a fixed part is the gradient of its value."""
        return not self.emitted.scores

    @property
    def score_nodes(self) -> tuple[str, ...]:
        return self.emitted.scores

    @cached_property
    def noisy(self) -> bool:
        """Whether any uniform numbers are drawn for each position."""
        return any(self._varies(n.axes) for n in self.emitted.noises)

    @cached_property
    def shared(self) -> int:
        """How many uniform numbers of one draw belong to no position."""
        noises = self.parts.full.noises
        return sum(noises[n.key].stop - noises[n.key].start for n in self.emitted.noises if not self._varies(n.axes))

    @property
    def noise(self) -> int:
        return self.shared + 1

    def _varies(self, axes: tuple[str, ...]) -> bool:
        return self.parts.batching.scales(axes)

    @cached_property
    def start(self) -> Array:
        """Where to begin (P,)."""
        theta = np.zeros(self.dim)
        for part in self.stretches() if self.local else [self._first]:
            theta[slice(None) if part.index is None else part.index] = part.program.start
        return theta

    # -- parts -----------------------------------------------------------------------------------------------------

    def minibatches(self, rng: np.random.Generator) -> Iterator[Part]:
        """Minibatches without end: the positions are shuffled anew in every pass. What does not fill a minibatch is
        left out of a pass, so that all minibatches are uniform samples of the same size."""
        scale = self.count / self.size
        while True:
            order = rng.permutation(self.count)
            for at in range(0, self.count - self.size + 1, self.size):
                yield self.parts.part(np.sort(order[at : at + self.size]), scale)

    def sample(self, rng: np.random.Generator, size: int) -> Part:
        """A uniform sample of positions, at most all of them."""
        size = min(size, self.count)
        return self.parts.part(np.sort(rng.choice(self.count, size, replace=False)), self.count / size)

    def stretches(self, draws: int = 1) -> Iterator[Part]:
        """All positions, stretch by stretch, each counted once; arrays of so many draws fit in memory."""
        length = max(STRETCH // (self.cells * draws), 1)
        for at in range(0, self.count, length):
            yield self.parts.part(np.arange(at, min(at + length, self.count)))

    def apart(self) -> Part:
        """What belongs to no position: a part whose only position does not count."""
        return self.parts.part(np.arange(min(1, self.count)), 0.0)

    @cached_property
    def _first(self) -> Part:
        return self.parts.part(np.arange(min(1, self.count)))

    # -- over all data ---------------------------------------------------------------------------------------------

    def log_weight(self, theta: Array, e: Array) -> Array:
        """log p - log q (S,) over all data, for draws made from `e` (S, noise); for an objective, what is maximised."""
        total, parts = np.zeros(len(e)), 0
        for part in self.stretches(len(e)):
            total, parts = total + self._weight(part, theta, e), parts + 1
        return total - (parts - 1) * self._weight(self.apart(), theta, e)

    def log_weights_of(self, theta: Array, positions: Positions, e: Array, rng: np.random.Generator) -> Array | None:
        """log p - log q (S, positions) of what belongs to some positions alone, for draws of their own (by `rng`) given
        one draw of what is shared, e (1, noise); None where costs of other axes belong to them."""
        part = self.parts.part(positions)
        function = part.program.functions.by_position
        if function is None:
            return None
        rows = np.repeat(e, PER_POSITION, axis=0)
        noise = self.filled(part, rows)
        own = [part.layout.noises[n.key] for n in self.emitted.noises if self._varies(n.axes)]
        for block in own:
            noise[:, block] = np.maximum(rng.random((PER_POSITION, block.stop - block.start)), LEAST)
        with np.errstate(all="ignore"):
            return function(np.repeat(part.of(theta)[None], PER_POSITION, axis=0), noise)["log_weight"]

    def _weight(self, part: Part, theta: Array, e: Array) -> Array:
        return part.program.log_weight(np.repeat(part.of(theta)[None], len(e), axis=0), self.filled(part, e))

    def filled(self, part: Part, e: Array) -> Array:
        """The uniform numbers of a part: those that all parts share, and its own, the same whenever they are made."""
        where, own = part.layout.noises, self.parts.full.noises
        seed = int(e[0, -1] * 2**53) if len(e) else 0
        positions = part.chosen[self.parts.batching.lead]
        rng = np.random.default_rng([seed, int(positions[0]) if len(positions) else 0])
        out = np.maximum(rng.random((len(e), part.layout.noise)), LEAST) if self.noisy else np.empty((len(e), 0))
        out = out if out.shape[1] else np.empty((len(e), part.layout.noise))
        at = 0
        for n in self.emitted.noises:
            if not self._varies(n.axes):
                length = own[n.key].stop - own[n.key].start
                out[:, where[n.key]] = e[:, at : at + length]
                at += length
        return out

    def named(self, u: Array, theta: Array, wanted: frozenset[str]) -> Named:
        """Wanted names, as (S, axes as written), for draws made from `u` (S, noise) at theta (P,): those that belong to
        no position from one part, others stretch by stretch."""
        axes = dict(self.emitted.reported)
        far = {name for name in wanted if name in axes and self._varies(axes[name])}
        found = self._first.program.constrained(self.filled(self._first, u), self._first.of(theta))
        out = {name: v for name, v in found.items() if name in wanted - far}
        out |= {name: np.empty((len(u), *(self.sizes[a] for a in axes[name]))) for name in far}
        for part in self.stretches(len(u)) if far else ():
            values = part.program.constrained(self.filled(part, u), part.of(theta))
            for name in far:
                put(out[name], values[name], axes[name], part.chosen)
        return out

    def mean_marginals(self, u: Array, theta: Array, weights: Array) -> Named:
        """The probabilities of every unknown that is summed out of the model, as the weighted sum over draws."""
        axes = dict(self.emitted.eliminated)
        out: dict[str, npt.NDArray[np.float64]] = {}
        for part in self.stretches(len(u)) if axes else ():
            for name, value in part.program.marginals(self.filled(part, u), part.of(theta)).items():
                mean = np.tensordot(weights, value, axes=(0, 0))
                if name not in out:
                    lengths = (self.sizes.get(a, n) for a, n in zip(axes[name], mean.shape, strict=True))
                    out[name] = np.empty(tuple(lengths))
                put(out[name], mean, axes[name], part.chosen)
        return out

    def learned(self, theta: Array) -> Named:
        """The author's parameters, on their own scales, axes as written."""
        own = dict(self.emitted.learned)
        if not any(self._varies(axes) for axes in own.values()):
            return self._first.program.learned(self._first.of(theta))
        out = {name: np.zeros(tuple(self.sizes[a] for a in axes)) for name, axes in own.items()}
        for part in self.stretches():
            for name, value in part.program.learned(part.of(theta)).items():
                put(out[name], value, own[name], part.chosen)
        return out

    def level_labels(self, name: str, bound: Bound) -> tuple[str, ...]:
        """The levels of a discrete unknown as labels."""
        kind = dict(self.emitted.levels)[f"{name}?"]
        return labels_of(kind, f"{name}?", self._first.program.spans, self.sizes, bound)

    @cached_property
    def few(self) -> int:
        """How many draws of what is summed out at every position can be afforded."""
        return int(np.clip(FEWEST * KEPT // (self.count * self.cells), 4, CHUNK))

    @cached_property
    def omitted(self) -> frozenset[str]:
        """The reported names of which no draws are kept: they have too many numbers."""
        return frozenset(n for n, axes in self.emitted.reported if self._varies(axes) and self._length(axes) > KEPT)

    def _length(self, axes: tuple[str, ...]) -> int:
        return FEWEST * int(np.prod([self.sizes[a if a in self.sizes else a.rstrip("'")] for a in axes], dtype=float))


def bind_batched(
    graph: nx.DiGraph, emitted: EmittedObjective, bound: Bound, size: int, code: CodeType | None = None
) -> BatchedObjective:
    """The objective on these data, looked at `size` positions at a time. Raises ModelError (E522) where there are not
    so many."""
    assert emitted.batching is not None
    keep_freed_memory()
    count = bound.axes[emitted.batching.lead].size
    if not 1 <= size <= count:
        raise ModelError([complain("E522", None, size=size, count=count, axis=emitted.batching.lead)])
    full = laid_out(emitted, bound, {name: axis.size for name, axis in bound.axes.items()})
    stored = stored_values(graph, emitted.batching.stored, bound)
    make = loaded(emitted, code)
    parts = Parts(emitted, emitted.batching, bound, stored, full, make, {}, centred(graph, bound))
    return BatchedObjective(parts, size)


def centred(graph: nx.DiGraph, bound: Bound) -> frozenset[str]:
    """The unknowns about each of whose numbers so many rows speak that they say more than its prior: there the centred
    parameterisation is the better one (Gorinova, Moore & Hoffman, ICML 2020)."""
    sizes = {name: axis.size for name, axis in bound.axes.items()}
    nodes = {n.name: [sizes.get(a.rstrip("'"), 1) for a in n.axes] for n in unknowns(graph)}
    return frozenset(name for name, lengths in nodes.items() if bound.rows >= INFORMED * prod(lengths))

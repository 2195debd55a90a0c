"""An objective with its data: what the engines optimise and check, and what the results draw from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import CodeType
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from ppl.data.bound import Bound
from ppl.emit.bind import Named
from ppl.emit.functions import functions_of, loaded
from ppl.emit.inputs import CELLS, Inputs, cells_of, labels_of, largest_array
from ppl.emit.layout import laid_out
from ppl.emit.memory import keep_freed_memory
from ppl.emit.objective_program import EmittedObjective
from ppl.stdlib.families import FLOWS

Array = npt.NDArray[np.float64]
T = TypeVar("T")
# Numbers that numpy adds in the time that it takes to be called.
OVERHEAD = 2000


class Functions(NamedTuple):
    """The functions of an emitted objective, in the order in which it returns them."""

    estimate: Callable[[Array, Array], tuple[Array, Array]]
    log_weight: Callable[[Array, Array], Array]
    constrained: Callable[[Array, Array], Named]
    marginals: Callable[[Array, Array], Named]
    learned: Callable[[Array, Array], Named]
    start: Callable[[], Array]
    by_position: Callable[[Array, Array], Named] | None = None


@dataclass(frozen=True)
class ObjectiveProgram:
    """E_q[f] as functions of the parameters `theta` and uniform numbers `e`; a `ppl.infer.objective.Objective`.

    `dim` is the number P of unconstrained parameters, `noise` the number N of uniform numbers of one draw, `blocks` the
    coordinates of each unknown's or parameter's part of theta, `score_nodes` the unknowns whose gradient is estimated
    by their scores. `posterior` is false for an expectation that is minimised or maximised."""

    emitted: EmittedObjective
    dim: int
    noise: int
    slots: Mapping[str, slice]
    sizes: Mapping[str, int]
    spans: Mapping[str, npt.NDArray[np.generic]]
    most: int
    functions: Functions

    @property
    def deterministic(self) -> bool:
        """Whether the estimates at fixed numbers are the gradients of the values: no score is among them."""
        return not self.emitted.scores

    def operations(self, rows: int) -> float:
        """What an estimate of so many draws costs, in numbers computed: each array counts its cells, and as much as
        `OVERHEAD` cells for being an array at all. A count, unlike a clock, is the same on every machine."""
        sizes = self.sizes
        cells = (n * (OVERHEAD + rows * cells_of(axes, sizes)) for axes, n in self.emitted.work)
        return float(sum(cells))

    @property
    def score_nodes(self) -> tuple[str, ...]:
        return self.emitted.scores

    @property
    def switches(self) -> tuple[slice, ...]:
        """The coordinates of the locations of stratified unknowns under the automatic guide."""
        found = (self.slots.get(f"{name}.loc") for name in self.emitted.stratified)
        return tuple(block for block in found if block is not None)

    @property
    def flexible(self) -> bool:
        return any(name in FLOWS for joint in self.emitted.joined for _, name, _ in joint.weights)

    @property
    def posterior(self) -> bool:
        return self.emitted.posterior

    @cached_property
    def start(self) -> Array:
        """Where to begin (P,)."""
        with np.errstate(all="ignore"):
            return np.nan_to_num(self.functions.start())

    @property
    def blocks(self) -> Mapping[str, slice]:
        return self.slots

    def estimate(self, theta: Array, e: Array) -> tuple[Array, Array]:
        """Values (S,) and gradient estimates (S, P) at theta (S, P) and e (S, N): the estimator is their mean. Rows of
        one call share theta; each is the baseline of the others."""
        with np.errstate(all="ignore"):
            return self.functions.estimate(theta, e)

    def log_weight(self, theta: Array, e: Array) -> Array:
        """log p(z, data) - log q(z) (S,) of draws that are drawn in full; for an objective, what is maximised."""
        return np.concatenate([self._at(self.functions.log_weight, theta[s], e[s]) for s in self._parts(len(e))])

    def constrained(self, u: Array, w: Array) -> Named:
        """Every reported name, as (S, axes as written), for draws made of uniform numbers `u` (S, N) at `w` (P,)."""
        return self._named(self.functions.constrained, u, w)

    def marginals(self, u: Array, w: Array) -> Named:
        """The probabilities of every unknown that is summed out of the model, given the draws."""
        return self._named(self.functions.marginals, u, w)

    def learned(self, theta: Array) -> Named:
        """The author's parameters, on their own scales, axes as written."""
        found = self._at(self.functions.learned, theta[None, :], np.zeros((1, self.noise)))
        return {name: value[0] for name, value in found.items()}

    def level_labels(self, name: str, bound: Bound) -> tuple[str, ...]:
        """The levels of a discrete unknown as labels."""
        return labels_of(dict(self.emitted.levels)[f"{name}?"], f"{name}?", self.spans, self.sizes, bound)

    def _named(self, function: Callable[[Array, Array], Named], e: Array, theta: Array) -> Named:
        return self._at(function, np.broadcast_to(theta, (len(e), self.dim)), e)

    def _at(self, function: Callable[[Array, Array], T], theta: Array, e: Array) -> T:
        with np.errstate(all="ignore"):
            return function(theta, e)

    def _parts(self, count: int) -> list[slice]:
        return [slice(at, at + self.most) for at in range(0, count, self.most)]


def bind_objective(emitted: EmittedObjective, bound: Bound, code: CodeType | None = None) -> ObjectiveProgram:
    """The objective on these data. Raises ModelError where the data do not fit what the model looks up in them."""
    keep_freed_memory()
    at = laid_out(emitted, bound, {name: axis.size for name, axis in bound.axes.items()})
    inputs = Inputs(bound, at.slots, emitted.tables, noises=at.noises, dim=at.dim)
    sizes = dict(at.sizes)
    functions = Functions(*functions_of(loaded(emitted, code), inputs, sizes))  # type: ignore[arg-type]
    most = max(1, CELLS // largest_array(emitted.tables, sizes))
    return ObjectiveProgram(emitted, at.dim, at.noise, at.slots, sizes, inputs.spans, most, functions)

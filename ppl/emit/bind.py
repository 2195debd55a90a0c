"""A program with its data: the callables that the engine and the results use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CodeType

import numpy as np
import numpy.typing as npt

from ppl.data.bound import Bound
from ppl.emit.functions import functions_of, loaded
from ppl.emit.inputs import CELLS, Inputs, labels_of, largest_array, lay_out, made_size
from ppl.emit.memory import keep_freed_memory
from ppl.emit.program import Emitted
from ppl.stdlib.chains import best_paths, draw_paths

Array = npt.NDArray[np.float64]
Named = dict[str, Array]
Levels = dict[str, npt.NDArray[np.intp]]
# The share of the levels in the window of a count without a largest value that lies at its end.
END = 0.05


@dataclass(frozen=True, slots=True)
class Program:
    """The functions of a model with its data; a `ppl.infer.target.Target`. `dim` is the number of coordinates,
    `weights` the number of non-centring weights, `slots` the columns of each unknown, `noise` how many uniform numbers
    a draw of what was integrated out takes."""

    emitted: Emitted
    dim: int
    slots: Mapping[str, slice]
    sizes: Mapping[str, int]
    spans: Mapping[str, npt.NDArray[np.generic]]
    most: int
    noise: int
    _log_density: Callable[[Array, Array], Array]
    _value_and_grad: Callable[[Array, Array], tuple[Array, Array, Array]]
    _constrained: Callable[[Array, Array], Named]
    _recentred: Callable[[Array, Array, Array], Array]
    _marginals: Callable[[Array, Array], Named]
    _terms: Callable[[Array, Array], Named]
    _potentials: Callable[[Array, Array], Named]
    _recovered: Callable[[Array, Array, Array], Named]

    @property
    def weights(self) -> int:
        return len(self.emitted.weights)

    def value(self, u: Array, w: Array) -> Array:
        """Log density (S,) at `u` (S, D), with the Jacobian of the coordinates."""
        with np.errstate(all="ignore"):
            if len(u) <= self.most:
                return self._log_density(u, w)
            return np.concatenate([self._log_density(part, w) for part in self._parts(u)])

    def value_and_grad(self, u: Array, w: Array) -> tuple[Array, Array, Array]:
        """Log density (S,), gradients (S, D) and gradients in the weights (S, W)."""
        with np.errstate(all="ignore"):
            if len(u) <= self.most:
                return self._value_and_grad(u, w)
            f, g, gw = zip(*(self._value_and_grad(part, w) for part in self._parts(u)), strict=True)
            return np.concatenate(f), np.concatenate(g), np.concatenate(gw)

    def _parts(self, u: Array) -> list[Array]:
        return [u[at : at + self.most] for at in range(0, len(u), self.most)]

    def recentre(self, u: Array, w_old: Array, w_new: Array) -> Array:
        """The same points in the coordinates of other weights."""
        with np.errstate(all="ignore"):
            return self._recentred(u, w_old, w_new)

    def constrained(self, u: Array, w: Array) -> Named:
        """Every reported name, as (S, axes as written)."""
        with np.errstate(all="ignore"):
            return self._constrained(u, w)

    def recovered(self, u: Array, w: Array, e: Array) -> Named:
        """One draw, from uniform numbers `e` (S, N), of every unknown that was integrated out, given each draw `u`, and
        what is derived from them, as (S, axes as written)."""
        with np.errstate(all="ignore"):
            return self._recovered(u, w, e)

    def marginals(self, u: Array, w: Array) -> Named:
        """The probabilities of every summed-out unknown given the draws, as (S, axes as written, levels)."""
        with np.errstate(all="ignore"):
            return self._marginals(u, w)

    def terms(self, u: Array, w: Array) -> Named:
        """What each statement adds to the log density, as (S, axes); only a program emitted `with_terms` has any."""
        with np.errstate(all="ignore"):
            return self._terms(u, w)

    def best_paths(self, u: Array, w: Array) -> Levels:
        """The most probable path of every chain given each draw, other summed-out unknowns summed out: 0-based levels
        (S, axes as written). Chains that meet have the most probable joint path."""
        return self._paths(u, w, lambda unary, pair: best_paths(unary, pair)[0])

    def drawn_paths(self, u: Array, w: Array, rng: np.random.Generator) -> Levels:
        """A path of every chain drawn from its posterior given each draw: 0-based levels (S, axes as written)."""
        return self._paths(u, w, lambda unary, pair: draw_paths(unary, pair, rng.random(unary.shape[:-1])))

    def _paths(self, u: Array, w: Array, find: Callable[[Array, Array], npt.NDArray[np.intp]]) -> Levels:
        out: Levels = {}
        for part in self._parts(u):
            with np.errstate(all="ignore"):
                potentials = self._potentials(part, w)
            for chain in self.emitted.chains:
                name = " ".join(chain.names)
                unary, pair = potentials[name], potentials[f"{name}, before"]
                levels = unary.shape[1 + len(chain.axes) :]
                k = int(np.prod(levels))
                unary = unary.reshape(*unary.shape[: 1 + len(chain.axes)], k)
                pair = pair.reshape(*pair.shape[: pair.ndim - 2 * len(levels)], k, k)
                paths = find(unary, pair[..., None, :, :] if chain.same else pair)
                # the states of a chain that is read farther back have the levels before in them: the first is its own
                for z, each in zip(chain.names, np.unravel_index(paths, levels)):
                    written = dict(self.emitted.eliminated)[z][:-1]
                    turned = np.transpose(each, (0, *(1 + chain.axes.index(a) for a in written)))
                    out[z] = np.concatenate([out[z], turned]) if z in out else turned
        return out

    @property
    def windows(self) -> dict[str, tuple[int, int]]:
        """The counts without a largest value, each with the first and the last level that is summed."""
        return {z: (int(self.spans[f"{z}?"][0]), int(self.spans[f"{z}?"][-1])) for z in self.emitted.windows}

    def mass_at_end(self, u: Array, w: Array) -> dict[str, float]:
        """The posterior probability of the last levels of every window, a twentieth of them, where it is largest: if it
        is not tiny (1e-6), bind with a larger window. `u` (S, D) are draws of the posterior."""
        found = self.marginals(u, w) if self.windows else {}
        last = {z: max(1, int(END * found[z].shape[-1])) for z in self.windows}
        return {z: float(np.max(found[z][..., -k:].sum(-1).mean(0), initial=0.0)) for z, k in last.items()}

    def level_labels(self, name: str, bound: Bound) -> tuple[str, ...]:
        """The levels of a summed-out unknown, or of a derived event or level, as labels."""
        axis = f"{name}?"
        return labels_of(dict(self.emitted.levels)[axis], axis, self.spans, self.sizes, bound)


def bind_program(
    emitted: Emitted, bound: Bound, code: CodeType | None = None, windows: Mapping[str, tuple[int, int]] | None = None
) -> Program:
    """The program on these data. `windows` are the first and last levels to sum of counts without a largest value; the
    first is where their support begins in any case. Raises ModelError where the data do not fit what the model looks up
    in them."""
    keep_freed_memory()
    sizes = {name: axis.size for name, axis in bound.axes.items()}
    slots: dict[str, slice] = {}
    places: dict[str, slice] = {}
    inputs = Inputs(bound, slots, emitted.tables, noises=places, windows=windows or {})
    for axes in (*(s.axes for s in emitted.slots), *(n.axes for n in emitted.noises)):
        for a in axes:
            sizes.setdefault(a, made_size(a, inputs, sizes))
    dim = lay_out(((s.name, s.axes) for s in emitted.slots), sizes, slots)
    noise = lay_out(((n.key, n.axes) for n in emitted.noises), sizes, places)
    functions = functions_of(loaded(emitted, code), inputs, sizes)
    most = max(1, CELLS // largest_array(emitted.tables, sizes))
    return Program(emitted, dim, slots, sizes, inputs.spans, most, noise, *functions)  # type: ignore[arg-type]

"""The quantities of the predict block: computed and simulated for each posterior draw, with the training data."""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from ppl.check.core import Core, Derived, FactorTerm, Site, Statement
from ppl.check.supports import value_type
from ppl.data.bound import BoundAxis
from ppl.forward.data import reading_stored, stored_values, world_of
from ppl.forward.named import Array, Named, aligned
from ppl.forward.needs import behind
from ppl.forward.run import Given, run
from ppl.graph.graph import core_of
from ppl.results.joint import Source, chunks, points
from ppl.results.quantity import Probabilities, Quantity

# Draws are kept of quantities up to this many cells; of larger ones fewer draws.
CELLS = 4_000_000
FEWEST = 200
# The stream of random numbers, of those that a seed has, for what is simulated.
SIMULATION = 62
Quantities = dict[str, Quantity | Probabilities]


def predicted(source: Source, learned: Mapping[str, Named]) -> tuple[Quantities, tuple[str, ...]]:
    """The quantities of the predict block, and the names of those that cannot be had: they read unknowns that cannot
    be drawn together. `learned` are the parameters."""
    core = reading_stored(core_of(source.graph))
    if not core.predict:
        return {}, ()
    stored = stored_values(core_of(source.graph), source.bound)
    _, weights = points(source)
    rng = np.random.default_rng([source.seed, SIMULATION])
    parts: dict[str, list[Array]] = {}
    names: list[str] = []
    for rows, values in chunks(source):
        world = world_of(core, source.bound)
        world.names.update({**stored, **learned, **values})
        statements, names = possible(core, set(world.names))
        given = {s.name: Given(world.names[s.name]) for s in statements if s.name in world.names}
        run(statements, world, rows.stop - rows.start, rng, given)
        for s in core.predict:
            if s.name in names:
                parts.setdefault(s.name, []).append(_shaped(s, world.names[s.name], rows, world.size))
    found = {s.name: s for s in core.predict if s.name in names}
    omitted = tuple(s.name for s in core.predict if s.name not in names)
    axes = source.bound.axes
    return {n: labelled(s, np.concatenate(parts[n]), weights, axes) for n, s in found.items()}, omitted


def possible(core: Core, known: set[str]) -> tuple[list[Statement], list[str]]:
    """The statements to run, and the names of the predict block that they give."""
    every = [s for s in (*core.statements, *core.predict) if not isinstance(s, FactorTerm)]
    lost = {s.name for s in core.statements if isinstance(s, Site) and s.role != "observed" and s.name not in known}
    asked = [s.name for s in core.predict if not (isinstance(s, Derived) and s.hidden)]
    names = [name for name in asked if not {x.name for x in behind([name], every)} & lost]
    return behind(names, every), names


def _shaped(s: Statement, v: Named, rows: slice, size: Callable[[str], int]) -> Array:
    """The draws of a statement on all of its axes."""
    axes: tuple[str, ...] = getattr(s, "axes", ())
    count = rows.stop - rows.start
    return np.array(np.broadcast_to(aligned(v, axes), (count, *(size(a) for a in axes))), dtype=float)


def type_of(s: Statement) -> str:
    """What a statement gives: `real`, `int`, `bool`, or `level:AXIS`."""
    match s:
        case Derived(value=value):
            return value.type.rstrip("'")
        case Site(dist=dist):
            return value_type(dist)
    return "real"


def labels_of(axis: str, axes: Mapping[str, BoundAxis]) -> tuple[str, ...]:
    """The labels of an axis, or positions from 1."""
    known = axes[axis.rstrip("'")]
    return known.labels if known.labels is not None else tuple(str(i + 1) for i in range(known.size))


def labelled(
    s: Statement, draws: Array, weights: Array, axes: Mapping[str, BoundAxis], role: str = "derived"
) -> Quantity | Probabilities:
    """The draws of a statement, (N, *lengths of its axes), with their labels; of levels and truth values the
    probabilities."""
    own: tuple[str, ...] = getattr(s, "axes", ())
    labels = tuple(labels_of(a, axes) for a in own)
    kind = type_of(s)
    weights = weights[: len(draws)] / weights[: len(draws)].sum()
    if kind == "bool":
        return Probabilities(s.name, own, labels, ("false", "true"), shares(draws, 2, weights), "")
    if kind.startswith("level:"):
        levels = labels_of(kind.removeprefix("level:"), axes)
        return Probabilities(s.name, own, labels, levels, shares(draws, len(levels), weights), "")
    kept = max(CELLS // max(int(np.prod(draws.shape[1:])), 1), FEWEST)
    some = weights[:kept]
    return Quantity(s.name, own, labels, draws[:kept], some / some.sum(), role)


def shares(draws: Array, levels: int, weights: Array) -> npt.NDArray[np.float64]:
    """The weight of each level, along a last axis."""
    return np.stack([np.tensordot(weights, draws == level, axes=(0, 0)) for level in range(levels)], axis=-1)

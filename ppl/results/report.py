"""From an approximation to labelled quantities on the scale of the model."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ppl.data.bound import Bound
from ppl.emit.bind import Program
from ppl.emit.bind_objective import ObjectiveProgram
from ppl.infer.approximation import Approximation
from ppl.results.quantity import Probabilities, Quantity
from ppl.results.record import Guide

Array = npt.NDArray[np.float64]
CHUNK = 256
# Draws of a quantity are kept up to this many cells; of larger ones fewer draws, of very large ones none.
CELLS = 4_000_000
FEWEST = 200
Drawable = Program | ObjectiveProgram


def quantities(
    program: Drawable, bound: Bound, approximation: Approximation, estimators: Mapping[str, str]
) -> tuple[dict[str, Quantity | Probabilities], tuple[str, ...]]:
    """Every unknown and derived name, in the order of the model, and the names that are too large to keep."""
    u, weights, w = approximation.u, approximation.weights, approximation.w
    kinds = {name for name, _ in program.emitted.reported if f"{name}?" in dict(program.emitted.levels)}
    kept, omitted = _kept(program, len(u), kinds)
    parts: dict[str, list[Array]] = {name: [] for name in kept}
    sums: dict[str, Array] = {}
    for at in range(0, len(u), CHUNK):
        rows = slice(at, min(at + CHUNK, len(u)))
        values = program.constrained(u[rows], w)
        for name, count in kept.items():
            if at < count:
                parts[name].append(np.array(values[name][: count - at]))
        chances = {name: _one_hot(values[name], len(program.level_labels(name, bound))) for name in kinds}
        for name, probability in {**program.marginals(u[rows], w), **chances}.items():
            part = np.tensordot(weights[rows], probability, axes=(0, 0))
            sums[name] = sums[name] + part if name in sums else part
    axes = {**dict(program.emitted.reported), **dict(program.emitted.eliminated)}
    axes |= {name: (*axes[name], f"{name}?") for name in kinds}
    out: dict[str, Quantity | Probabilities] = {}
    for name, own in axes.items():
        if name in parts:
            draws = np.concatenate(parts[name])
            out[name] = _quantity(name, own, draws, weights, bound, program, estimators)
        elif name in sums:
            out[name] = _probabilities(name, own, sums[name], bound, program)
    return out, (*omitted, *program.emitted.unreported)


def _one_hot(values: Array, levels: int) -> Array:
    """Draws of a derived event or level as ones and zeros along a last axis of levels."""
    return np.asarray(np.asarray(values)[..., None] == np.arange(levels), dtype=float)


def _kept(program: Drawable, draws: int, skipped: set[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """How many draws to keep of each reported number."""
    kept, omitted = {}, []
    unknowns = {s.name for s in program.emitted.slots}
    for name, axes in program.emitted.reported:
        if name in skipped:
            continue
        size = int(np.prod([_length(a, program) for a in axes], dtype=int))
        count = min(draws, max(CELLS // max(size, 1), FEWEST))
        if name not in unknowns and size * FEWEST > 4 * CELLS:
            omitted.append(name)
        else:
            kept[name] = count
    return kept, tuple(omitted)


def _length(axis: str, program: Drawable) -> int:
    return program.sizes[axis if axis in program.sizes else axis.rstrip("'")]


def axis_labels(axis: str, bound: Bound, program: Drawable) -> tuple[str, ...]:
    """The labels of an axis, or positions from 1; the blanks of a column are labelled by their rows."""
    base = axis.rstrip("'")
    if base.endswith(".missing"):
        column = bound.columns[base.removesuffix(".missing")]
        cells = np.argwhere(column.missing) if column.missing is not None else np.zeros((0, 1), int)
        return tuple(
            "row " + ", ".join(str(bound.row_numbers[c[0]]) if i == 0 else str(c[i] + 1) for i in range(len(c)))
            for c in cells
        )
    known = bound.axes.get(base)
    if known is not None and known.labels is not None:
        return known.labels
    return tuple(str(i + 1) for i in range(_length(axis, program)))


def _quantity(
    name: str,
    axes: tuple[str, ...],
    draws: Array,
    weights: Array,
    bound: Bound,
    program: Drawable,
    estimators: Mapping[str, str],
) -> Quantity:
    kept = weights[: len(draws)]
    labels = tuple(axis_labels(a, bound, program) for a in axes)
    role = "unknown" if name in {s.name for s in program.emitted.slots} else "derived"
    names = tuple(a.rstrip("'") if a.count("'") == 0 else a for a in axes)
    return Quantity(name, names, labels, draws, kept / kept.sum(), role, estimators.get(name, ""))


def _probabilities(name: str, axes: tuple[str, ...], prob: Array, bound: Bound, program: Drawable) -> Probabilities:
    plates = axes[:-1]
    labels = tuple(axis_labels(a, bound, program) for a in plates)
    column = bound.columns.get(name)
    if column is not None and column.missing is not None:
        # the cells that the file has are no unknowns
        plates, labels = (f"{name}.missing",), (axis_labels(f"{name}.missing", bound, program),)
        prob = prob[column.missing]
    return Probabilities(name, plates, labels, program.level_labels(name, bound), prob)


def guide(program: Drawable, approximation: Approximation) -> Guide:
    """The fitted normal, with the places of the unknowns in it."""
    slots = {name: (s.start, s.stop) for name, s in program.slots.items()}
    centring = approximation.w if isinstance(program, Program) else ()
    weights = dict(zip(program.emitted.weights, (float(x) for x in centring), strict=True))
    return Guide(approximation.family, approximation.loc, approximation.scale, weights, slots)

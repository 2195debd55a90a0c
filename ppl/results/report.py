"""From an approximation to labelled quantities on the scale of the model."""

from collections.abc import Mapping

import networkx as nx
import numpy as np
import numpy.typing as npt

from ppl.data.bound import Bound, BoundColumn
from ppl.emit.batch import BatchedObjective
from ppl.emit.bind import Program
from ppl.emit.bind_objective import ObjectiveProgram
from ppl.graph.graph import core_of, guide_of
from ppl.guide.aims import Aim
from ppl.infer.approximation import Approximation
from ppl.results.quantity import Probabilities, Quantity
from ppl.results.record import Guide, Learned, Search

Array = npt.NDArray[np.float64]
CHUNK = 256
# Draws of a quantity are kept up to this many cells; of larger ones fewer draws, of very large ones none.
CELLS = 4_000_000
FEWEST = 200
# The stream of random numbers, of those that a seed has, for draws of what was integrated out.
RECOVERY = 60
Drawable = Program | ObjectiveProgram | BatchedObjective


def quantities(
    program: Drawable,
    bound: Bound,
    approximation: Approximation,
    estimators: Mapping[str, str],
    draws: int = 1,
    seed: int = 0,
) -> tuple[dict[str, Quantity | Probabilities], tuple[str, ...]]:
    """Every unknown and derived name, and the names that are too large to keep. Unknowns that were integrated out are
    drawn given each draw of the rest, by `seed`; where there is no rest, `draws` times."""
    u, weights, w = approximation.u, approximation.weights, approximation.w
    if not u.size and isinstance(program, Program) and program.emitted.recovered:
        u, weights = np.zeros((draws, 0)), np.full(draws, 1.0 / draws)
    rng = np.random.default_rng([seed, RECOVERY])
    kinds = {name for name, _ in _reported(program) if f"{name}?" in dict(program.emitted.levels)}
    kinds -= program.omitted if isinstance(program, BatchedObjective) else set()
    kept, omitted = _kept(program, len(u), kinds)
    parts: dict[str, list[Array]] = {name: [] for name in kept}
    sums: dict[str, Array] = {}
    for at in range(0, len(u), CHUNK):
        rows = slice(at, min(at + CHUNK, len(u)))
        wanted = frozenset(n for n in (*kept, *kinds) if at < kept.get(n, len(u)))
        values = {**_constrained(program, u[rows], w, wanted), **_recovered(program, u[rows], w, rng)}
        for name, count in kept.items():
            if at < count:
                parts[name].append(np.array(values[name][: count - at]))
        chances = {name: _one_hot(values[name], len(program.level_labels(name, bound))) for name in kinds}
        parts_of = {n: np.tensordot(weights[rows], p, axes=(0, 0)) for n, p in chances.items()}
        for name, part in {**_marginals(program, u, w, weights, rows), **parts_of}.items():
            sums[name] = sums[name] + part if name in sums else part
    axes = {**dict(_reported(program)), **dict(program.emitted.eliminated)}
    axes |= {name: (*axes[name], f"{name}?") for name in kinds}
    summed = {n for n, _ in program.emitted.eliminated} & set(estimators)
    out: dict[str, Quantity | Probabilities] = {}
    for name, own in axes.items():
        if name in parts:
            out[name] = _quantity(name, own, np.concatenate(parts[name]), weights, bound, program, estimators)
        elif name in sums:
            estimator = "exact" if name in summed else estimators.get(name, "")
            out[name] = _probabilities(name, own, sums[name], bound, program, estimator)
    return out, (*omitted, *program.emitted.unreported)


def _reported(program: Drawable) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """All names that have draws, with their axes as written."""
    return (*program.emitted.reported, *(program.emitted.recovered if isinstance(program, Program) else ()))


def _recovered(program: Drawable, u: Array, w: Array, rng: np.random.Generator) -> Mapping[str, Array]:
    """Draws of what was integrated out; the draws of an objective have theirs in them."""
    if not isinstance(program, Program) or not program.emitted.recovered:
        return {}
    return program.recovered(u, w, np.maximum(rng.random((len(u), program.noise)), 2.0**-54))


def _constrained(program: Drawable, u: Array, w: Array, wanted: frozenset[str]) -> Mapping[str, Array]:
    """The draws of all names; where data are looked at part by part, of those that are wanted."""
    return program.named(u, w, wanted) if isinstance(program, BatchedObjective) else program.constrained(u, w)


def _marginals(program: Drawable, u: Array, w: Array, weights: Array, rows: slice) -> Mapping[str, Array]:
    """The probabilities of what is summed out of the model, as the weighted sum over some rows of draws; where data are
    looked at part by part, the first few draws stand for all."""
    if isinstance(program, BatchedObjective):
        few = weights[: program.few]
        return program.mean_marginals(u[: program.few], w, few / few.sum()) if not rows.start else {}
    return {n: np.tensordot(weights[rows], p, axes=(0, 0)) for n, p in program.marginals(u[rows], w).items()}


def _one_hot(values: Array, levels: int) -> Array:
    """Draws of a derived event or level as ones and zeros along a last axis of levels."""
    return np.asarray(np.asarray(values)[..., None] == np.arange(levels), dtype=float)


def _kept(program: Drawable, draws: int, skipped: set[str]) -> tuple[dict[str, int], tuple[str, ...]]:
    """How many draws to keep of each reported number."""
    kept, omitted = {}, []
    unknowns = {s.name for s in program.emitted.slots}
    for name, axes in _reported(program):
        if name in skipped:
            continue
        size = int(np.prod([_length(a, program) for a in axes], dtype=int))
        count = min(draws, max(CELLS // max(size, 1), FEWEST))
        is_part = isinstance(program, BatchedObjective) and name in program.omitted
        if is_part or (name not in unknowns and size * FEWEST > 4 * CELLS):
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
        return blank_labels(bound.columns[base.removesuffix(".missing")], bound)
    known = bound.axes.get(base)
    if known is not None and known.labels is not None:
        return known.labels
    return tuple(str(i + 1) for i in range(_length(axis, program)))


def blank_labels(column: BoundColumn, bound: Bound) -> tuple[str, ...]:
    """The missing cells of a column: by the rows of the file, by the labels of other axes."""
    cells = np.argwhere(column.missing) if column.missing is not None else np.zeros((0, 1), int)
    return tuple(", ".join(_place(axis, at, bound) for axis, at in zip(column.axes, cell)) for cell in cells)


def _place(axis: str, at: int, bound: Bound) -> str:
    """A position along an axis in words: `row 17`, a key of its table, a level, a number."""
    labels = bound.axes[axis].labels if axis in bound.axes else None
    if labels is not None:
        return labels[at]
    rows = bound.numbers.get(axis)
    return str(at + 1) if rows is None else f"row {rows[at]}"


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
    role = "unknown" if name in estimators else "derived"
    names = tuple(a.rstrip("'") if a.count("'") == 0 else a for a in axes)
    return Quantity(name, names, labels, draws, kept / kept.sum(), role, estimators.get(name, ""))


def _probabilities(
    name: str, axes: tuple[str, ...], prob: Array, bound: Bound, program: Drawable, estimator: str
) -> Probabilities:
    plates = axes[:-1]
    labels = tuple(axis_labels(a, bound, program) for a in plates)
    column = bound.columns.get(name)
    if column is not None and column.missing is not None:
        # the cells that the file has are no unknowns
        plates, labels = (f"{name}.missing",), (axis_labels(f"{name}.missing", bound, program),)
        prob = prob[column.missing]
    return Probabilities(name, plates, labels, program.level_labels(name, bound), prob, estimator)


def guide(graph: nx.DiGraph, program: Drawable, approximation: Approximation) -> Guide:
    """The fitted normal, with the places of the unknowns in it; or the parameters, with their places."""
    slots = {name: (s.start, s.stop) for name, s in program.slots.items()}
    centring = approximation.w if isinstance(program, Program) else ()
    weights = dict(zip(program.emitted.weights, (float(x) for x in centring), strict=True))
    return Guide(_family(graph, approximation), approximation.loc, approximation.scale, weights, slots)


def _family(graph: nx.DiGraph, approximation: Approximation) -> str:
    """The family of an automatic guide, the name of the author's, `objective` where there is none."""
    if approximation.family != "guide":
        return approximation.family
    chosen = guide_of(graph)
    return "mean_field" if chosen is None else chosen.name or "guide"


# ---- objectives --------------------------------------------------------------------------------------------------


def learned(program: Drawable, bound: Bound, approximation: Approximation) -> dict[str, Learned]:
    """The author's parameters, with their Monte Carlo standard errors by the chain rule."""
    if isinstance(program, Program) or approximation.optimum is None:
        return {}
    theta, error = approximation.optimum.theta, approximation.optimum.error
    values, steps = program.learned(theta), slopes(program, theta)
    out = {}
    for name, axes in program.emitted.learned:
        se = as_written(np.abs(steps[name]) * error[program.slots[name]], name, program)
        labels = tuple(axis_labels(a, bound, program) for a in axes)
        out[name] = Learned(name, axes, labels, np.asarray(values[name], dtype=float), se)
    return out


def search(graph: nx.DiGraph, approximation: Approximation, aim: Aim | None = None) -> Search | None:
    """How the optimum was found, if one was looked for; `aim` is the bound where it is not the evidence lower bound."""
    found, objective = approximation.optimum, core_of(graph).objective
    if found is None:
        return None
    sign = -1.0 if objective is not None and not objective.maximize else 1.0
    goal = "bound" if objective is None else "maximum" if objective.maximize else "minimum"
    return Search(
        aim=goal,
        value=sign * found.value,
        value_se=found.value_se,
        method=found.method,
        steps=found.steps,
        rate=found.rate,
        rows=found.rows,
        polished=found.polished,
        not_finite=found.not_finite,
        variance=found.variance,
        bound="" if aim is None else aim.name,
        batch=found.batch,
        batch_axis=found.batch_axis,
        passes=found.passes,
    )


def slopes(program: ObjectiveProgram | BatchedObjective, theta: Array) -> dict[str, Array]:
    """The derivative of each of the author's parameters in its coordinate, in the order of coordinates."""
    step = 1e-5 * np.maximum(1.0, np.abs(theta))
    up, down = program.learned(theta + step), program.learned(theta - step)
    slots, written = {p.name: p.axes for p in program.emitted.params}, dict(program.emitted.learned)
    out = {}
    for name in up:
        order = [written[name].index(a) for a in slots[name]]
        rise = np.transpose(np.asarray(up[name]) - np.asarray(down[name]), order).ravel()
        out[name] = np.asarray(rise / (2 * step[program.slots[name]]))
    return out


def as_written(values: Array, name: str, program: ObjectiveProgram | BatchedObjective) -> Array:
    """A block of coordinates with the axes of its parameter, in the order in which they are written."""
    own = next(p.axes for p in program.emitted.params if p.name == name)
    axes = dict(program.emitted.learned).get(name, own)
    shaped = values.reshape(tuple(program.sizes[a] for a in own))
    return np.asarray(np.transpose(shaped, [own.index(a) for a in axes]))

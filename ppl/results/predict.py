"""Predictions for new rows: the model run forward from the draws of a fit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ppl.check.check import check
from ppl.check.core import Core, Derived, FactorTerm, Site, Statement
from ppl.check.declarations import constant_of
from ppl.data.bound import Bound, BoundAxis
from ppl.data.new_rows import columns_of
from ppl.data.options import Options
from ppl.data.wording import counted
from ppl.forward.data import reading_stored
from ppl.forward.levels import drawn_levels, readers
from ppl.forward.named import Array, Named, aligned, fixed, some_draws
from ppl.forward.needs import behind, read_by, reduced_rows, rows_back
from ppl.forward.run import Given, run
from ppl.forward.world import World
from ppl.graph.whole import data_names
from ppl.results.carried import Carried
from ppl.results.guided_rows import guided_rows
from ppl.results.new_rows import (
    NewLevels,
    extended_axes,
    joined_columns,
    read_new_rows,
    rows_with_new_levels,
    said_of_new_levels,
    verify_order,
)
from ppl.results.predicted import labelled
from ppl.results.quantity import Probabilities, Quantity
from ppl.results.record import FitRecord
from ppl.source.diagnostic import Diagnostic, ModelError, complain
from ppl.syntax.imports import parse_linked, texts_of

CHUNK = 256
# Numbers that are kept of one outcome: of many rows fewer draws, but not fewer than FEWEST.
CELLS = 20_000_000
FEWEST = 200
# The stream of random numbers, of those that a seed has, for predictions.
STREAM = 63
# Warnings about data that matter where something is estimated from them.
OF_A_FIT = ("W110", "W111")


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a fit says of new rows. `quantities` have the axis of the rows first, whose labels are the numbers of the
    rows in the source, from 1: `outcomes` are the observed columns, as they would come out; the others are values that
    the model or its predict block derives for each row. `new_levels` says of a row which of its levels are new."""

    source: str
    rows: tuple[int, ...]
    quantities: Mapping[str, Quantity | Probabilities]
    outcomes: tuple[str, ...]
    new_levels: Mapping[int, tuple[str, ...]]
    units: Mapping[str, str]
    warnings: tuple[Diagnostic, ...] = ()

    def __getitem__(self, name: str) -> Quantity | Probabilities:
        """The labelled draws (or probabilities) of an outcome or a value of each row. Raises KeyError."""
        if name not in self.quantities:
            raise KeyError(f"nothing is predicted of `{name}`; there is {', '.join(self.quantities)}")
        return self.quantities[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.quantities)

    def __len__(self) -> int:
        return len(self.quantities)

    def __repr__(self) -> str:
        return f"<predictions for {counted(len(self.rows), 'row')} of {self.source}: {', '.join(self.quantities)}>"


def predict(
    fit: FitRecord,
    source: object,
    options: Options | None = None,
    new_levels: NewLevels = "sample",
    seed: int = 0,
    draws: int | None = None,
) -> Predictions:
    """Predictions for new rows: a path, a dict of arrays, a data frame. Unknowns that the rows share come from the
    draws of the fit; those of a new row, or of a level that the fit has not seen, from their distribution given the
    rest; means over all rows are those of the training data. Raises ModelError: E6xx, E802, E807 to E811."""
    task = _task(fit, source, options or Options(), new_levels)
    found: dict[str, list[Array]] = {}
    total = min(task.draws if draws is None else min(draws, task.draws), _affordable(task))
    rng = np.random.default_rng([seed, STREAM])
    for at in range(0, total, CHUNK):
        part = slice(at, min(at + CHUNK, total))
        for name, values in _chunk(task, part, rng).items():
            found.setdefault(name, []).append(values)
    return _labelled(task, fit, {n: np.concatenate(v) for n, v in found.items()})


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """All that a prediction runs on. `axes` are those of the fit with new levels at the end, and the rows: first those
    that a series goes on from, then the new ones. `values` are the draws of unknowns, `columns` the data."""

    core: Core
    carried: Carried
    axes: Mapping[str, BoundAxis]
    values: Mapping[str, Named]
    columns: Mapping[str, Named]
    fixed: Mapping[str, Named]
    statements: Sequence[Statement]
    wanted: tuple[Statement, ...]
    outcomes: frozenset[str]
    bound: Bound
    flagged: Mapping[int, tuple[str, ...]]
    warnings: tuple[Diagnostic, ...]

    @property
    def row(self) -> str:
        return self.core.data.row

    @property
    def draws(self) -> int:
        """As many as there are of everything."""
        return min((v.draws for v in self.values.values() if v.draws > 1), default=len(self.carried.weights))


def _affordable(task: _Task) -> int:
    cells = max(int(np.prod([task.axes[a.rstrip("'")].size for a in _axes(s)])) for s in task.wanted)
    return max(FEWEST, CELLS // max(cells, 1))


def _axes(s: Statement) -> tuple[str, ...]:
    return getattr(s, "axes", ())


# ---- what is asked -----------------------------------------------------------------------------------------------


def core_of_fit(fit: FitRecord) -> Core:
    """The model of a fit, from its text and what it was set to."""
    return checked_core(fit.text, fit.model, fit.carried.defines if fit.carried else {}, fit.imports)


def checked_core(text: str, path: str, defines: Mapping[str, object], imports: Mapping[str, str] | None = None) -> Core:
    """A checked model from its text; see `ppl.api.compile`. Raises ModelError."""
    file = parse_linked(text, path, imports)
    checked = check(file, {name: constant_of(value) for name, value in defines.items()})
    if checked.core is None:
        raise ModelError(checked.diagnostics, texts_of(file))
    return checked.core


def _task(fit: FitRecord, source: object, options: Options, new_levels: NewLevels) -> _Task:
    if fit.carried is None:
        raise ModelError([complain("E808", path="FIT")])
    carried, whole = fit.carried, core_of_fit(fit)
    core = reading_stored(whole)
    every: Sequence[Statement] = [s for s in (*core.statements, *core.predict) if not isinstance(s, FactorTerm)]
    data = data_names(whole)
    wanted = tuple(s for s in every if _axes(s).count(core.data.row) == 1 and _is_predicted(s, core.data.row, data))
    if not wanted:
        help_ = "`ppl summary FIT` shows what is known of the unknowns"
        raise ModelError([complain("E811", why="the model has no rows of data", help=help_)])
    every, flows = _guided(core, fit, every, source, options)
    statements = behind([s.name for s in wanted], every)
    _verify_possible(core, carried, statements, data)
    new = read_new_rows(core, carried, statements, source, options)
    axes = extended_axes(core, carried, new.bound)
    flagged = rows_with_new_levels(core, carried, new.bound)
    warnings = said_of_new_levels(flagged, new.bound, new_levels)
    columns = joined_columns(core, carried, new, axes)
    verify_order(core, carried, new.bound)
    learned = {name: fixed(p.value, p.axes) for name, p in fit.params.items()}
    values = _drawn(core, fit, carried, statements)
    outcomes = frozenset(s.name for s in statements if isinstance(s, Site) and s.role in ("observed", "imputed"))
    rows = {row: tuple(f"{c}={label}" for c, label in found) for row, found in flagged.items()}
    return _Task(
        core, carried, axes, values, columns, {**carried.stored, **learned, **flows}, statements, wanted,
        outcomes, new.bound, rows, (*(w for w in new.bound.warnings if w.code not in OF_A_FIT), *warnings),
    )  # fmt: skip


def _guided(
    core: Core,
    fit: FitRecord,
    every: Sequence[Statement],
    source: object,
    options: Options,
) -> tuple[Sequence[Statement], Mapping[str, Named]]:
    """The statements with those of an amortised guide in place of the priors of the unknowns of a row, and the weights
    of its flows: a guide that draws them from columns of the row, where the new rows have these columns, and from what
    was learned."""
    found = guided_rows(core, fit)
    if found is None:
        return every, {}
    inner = [s for s in every if s.name not in found.drawn]
    read = set().union(*(read_by(s) for s in behind(found.drawn, [*inner, *found.statements])))
    columns = {c.name for c in core.data.columns} & read
    free = {s.name for s in core.statements if isinstance(s, Site) and s.role == "unknown"} - found.drawn
    if not found.drawn or not columns or read & free or not columns <= columns_of(core.data, source, options):
        return every, {}
    return [*inner, *found.statements], found.weights


def _is_predicted(s: Statement, row: str, data: frozenset[str]) -> bool:
    """Whether this is said of each row: outcomes, what is derived with unknowns, and what the predict block simulates;
    no tables over pairs of rows."""
    if f"{row}'" in _axes(s):
        return False
    if isinstance(s, Derived):
        return not s.hidden and s.name not in data
    return isinstance(s, Site) and s.role != "unknown" and s.value is None


def _verify_possible(core: Core, carried: Carried, statements: Sequence[Statement], data: frozenset[str]) -> None:
    """E809 where the fit has not what it takes."""
    needed = {s.name for s in statements}
    lost = [n for n in carried.lost if n in needed]
    if lost:
        why = f"it has no draws of `{lost[0]}`, which is summed out together with others"
        raise ModelError([complain("E809", why=why, help="nothing else can be done with these unknowns")])
    for s in reduced_rows(core, data):
        if s.name in needed:
            why = f"`{s.name}` is computed from the unknowns of all rows"
            raise ModelError([complain("E809", s.span, why=why, help="make it an unknown of its own")])
    if rows_back(core) == 0:
        return
    if core.data.sorted_by is None and any(
        core.data.row not in s.dist.event for s in statements if isinstance(s, Site)
    ):
        why = "its rows depend on earlier rows, and the model does not say in which order they come"
        if not _is_joint(statements, core.data.row):
            raise ModelError([complain("E809", why=why, help="`data sorted by COLUMN { … }`")])
    series = [s.name for s in statements if isinstance(s, Site) and s.role == "unknown" and core.data.row in s.axes]
    gone = [n for n in series if carried.kept and n not in carried.tail]
    if gone:
        why = f"it has kept no draws of `{gone[0]}` at its last rows"
        raise ModelError([complain("E809", why=why, help="fit again with fewer draws: `--draws 1000`")])


def _is_joint(statements: Sequence[Statement], row: str) -> bool:
    """Whether the rows are drawn together, so that their order does not matter."""
    return any(isinstance(s, Site) and row in {a.rstrip("'") for a in s.dist.event} for s in statements)


# ---- the draws ---------------------------------------------------------------------------------------------------


def _drawn(core: Core, fit: FitRecord, carried: Carried, statements: Sequence[Statement]) -> dict[str, Named]:
    """The draws of the unknowns that predictions read; of what is on the rows, at the rows that were kept."""
    out: dict[str, Named] = {}
    for s in statements:
        on_rows = core.data.row in _axes(s)
        if on_rows and s.name in carried.tail:
            out[s.name] = carried.tail[s.name]
        if on_rows or not isinstance(s, Site) or s.role != "unknown":
            continue
        found = fit.quantities.get(s.name)
        if s.name in carried.levels:
            out[s.name] = carried.levels[s.name]
        elif isinstance(found, Quantity):
            out[s.name] = Named(found.draws, s.axes)
        else:
            raise ModelError([complain("E809", why=f"it has no draws of `{s.name}`", help="fit again")])
    return out


def _chunk(task: _Task, part: slice, rng: np.random.Generator) -> dict[str, Array]:
    """The values of all that is predicted at the new rows, in some of the draws."""
    sizes = {name: axis.size for name, axis in task.axes.items()}
    labels = {name: axis.labels for name, axis in task.axes.items() if axis.labels is not None}
    before = {task.row: task.carried.rows - task.carried.kept}
    world = World({**task.fixed, **task.columns}, sizes, labels, before if task.carried.kept else {})
    count = part.stop - part.start
    given = _given(task, part, world)
    names = {s.name for s in task.statements}
    for name in names & set(world.names):
        del world.names[name]
    fresh = run(task.statements, world, count, rng, given, task.outcomes)
    _look_at_outcomes(task, world, count, rng, given)
    out = {}
    for s in task.wanted:
        v = fresh.get(s.name, world.names[s.name])
        axes = _axes(s)
        full = np.broadcast_to(aligned(v, axes), (count, *(world.size(a) for a in axes)))
        at = (slice(None),) * (1 + axes.index(task.row)) + (slice(task.carried.kept, None),)
        out[s.name] = np.array(full[at], float)
    return out


def _look_at_outcomes(
    task: _Task, world: World, count: int, rng: np.random.Generator, given: Mapping[str, Given]
) -> None:
    """Levels of rows whose outcomes are in the file are drawn given them, and what is said of them goes by that. What
    is predicted of the outcomes has been drawn before."""
    if task.carried.kept:
        return
    others = [s for s in task.core.statements if isinstance(s, FactorTerm) or getattr(s, "value", None) is not None]
    found = readers(task.statements, task.row, [s for s in others if not isinstance(s, Derived)])
    levels = {} if found is None else drawn_levels(found, task.row, world, given, rng)
    if found is None or not levels:
        return
    world.names.update(levels)
    again = [s for s in task.statements if s.name in found.names]
    for s in again:
        del world.names[s.name]
    run(again, world, count, rng)


def _given(task: _Task, part: slice, world: World) -> dict[str, Given]:
    """What is known of every statement: the columns as far as they have values, the draws as far as they reach."""
    out = {}
    for s in task.statements:
        axes = _axes(s)
        if s.name in task.columns:
            v = task.columns[s.name]
            known = ~np.isnan(v.values[0])
            if known.any():
                out[s.name] = Given(v, known)
        elif s.name in task.values:
            out[s.name] = _padded(some_draws(task.values[s.name], part), axes, world)
    return out


def _padded(v: Named, axes: tuple[str, ...], world: World) -> Given:
    """Draws on whole axes, of which they know the first positions."""
    values = aligned(v, axes)
    sizes = tuple(world.size(a) for a in axes)
    if values.shape[1:] == sizes:
        return Given(Named(values, axes))
    inside = tuple(slice(n) for n in values.shape[1:])
    full, known = np.full((len(values), *sizes), np.nan), np.zeros(sizes, bool)
    full[(slice(None), *inside)] = values
    known[inside] = True
    return Given(Named(full, axes), known)


# ---- what is said ------------------------------------------------------------------------------------------------


def _labelled(task: _Task, fit: FitRecord, found: Mapping[str, Array]) -> Predictions:
    """The draws with labels, the rows in the order of the source."""
    order = np.argsort(task.bound.row_numbers, kind="stable")
    numbers = tuple(int(task.bound.row_numbers[i]) for i in order)
    axes = {**task.axes, task.row: BoundAxis(task.row, len(numbers), tuple(map(str, numbers)))}
    out: dict[str, Quantity | Probabilities] = {}
    for s in task.wanted:
        at = 1 + _axes(s).index(task.row)
        draws = np.take(found[s.name], order, axis=at)
        role = "outcome" if s.name in task.outcomes else "derived"
        out[s.name] = labelled(s, draws, task.carried.weights, axes, role)
    flagged = {int(task.bound.row_numbers[i]): levels for i, levels in sorted(task.flagged.items())}
    outcomes = tuple(s.name for s in task.wanted if s.name in task.outcomes)
    return Predictions(task.bound.source, numbers, out, outcomes, flagged, fit.units, task.warnings)

"""Fake data sets, and what a model expects before it has seen any outcome."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from ppl.check.core import ColumnSpec, Core, FactorTerm, Site, Statement
from ppl.data.bind import bind
from ppl.data.bound import Bound
from ppl.data.made_up import column_names, made_up
from ppl.data.new_rows import bind_new_rows
from ppl.data.options import Options
from ppl.data.sources import every_table
from ppl.forward.named import Array, Named
from ppl.forward.simulate import simulate
from ppl.results.predicted import labels_of, type_of
from ppl.source.diagnostic import Diagnostic, ModelError, complain

# The streams of random numbers, of those that a seed has.
COVARIATES, PRIOR = 65, 66
EPOCH = date(1970, 1, 1)
CHUNK = 100
# Draws of an array that are kept to say something about its distribution.
POOLED = 200_000
Settings = Mapping[str, object]


def described(core: Core) -> frozenset[str]:
    """The columns that the model says how to draw."""
    return frozenset(s.name for s in core.statements if isinstance(s, Site) and s.role in ("observed", "imputed"))


def frame_of(core: Core, source: object, options: Options, rows: int, seed: int) -> tuple[Bound, bool]:
    """The data to simulate on, and whether they came from a source: columns that the model describes may be missing
    there. Without a source they are made up. Raises ModelError: E6xx, E813."""
    if source is None and core.data.columns:
        made = made_up(core.data, rows, np.random.default_rng([seed, COVARIATES]))
        return bind(core.data, made, Options()), False
    if source is None or len(core.data.rows) > 1:
        return bind(core.data, source, options), source is not None
    required = frozenset(c.name for c in core.data.columns) - described(core)
    sizes = {a.name: a.size for a in core.data.axes if a.size is not None}
    return bind_new_rows(core.data, source, options, required, sizes).bound, True


# ---- one fake data set -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Fake:
    """A fake data set: `text` is the CSV file, `truth` the values of unknowns and parameters that it was made with."""

    text: str
    rows: int
    truth: Mapping[str, Any]
    warnings: tuple[Diagnostic, ...]


def fake_data(
    core: Core,
    source: object = None,
    options: Options | None = None,
    rows: int = 100,
    settings: Settings | None = None,
    seed: int = 0,
) -> Fake:
    """One data set drawn from the prior, on the rows of a source or on made-up ones. Raises ModelError: E6xx, E8xx."""
    bound, given = frame_of(core, source, options or Options(), rows, seed)
    _verify_described(core)
    found = simulate(core, bound, 1, np.random.default_rng([seed, PRIOR]), settings, kept=given)
    for name, v in found.values.items():
        if name in described(core) and not np.isfinite(v.values).all():
            why = "what the model draws is not finite; its priors are too wide"
            raise ModelError([complain("E813", name=name, why=why)])
    outside = _outside(core, found.values)
    columns = [_cells(c, core, bound, found.values) for c in _written(core)]
    named = [pair for pairs in columns for pair in pairs]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([name for name, _ in named])
    writer.writerows(zip(*(cells for _, cells in named), strict=True))
    truth = {s.name: found.values[s.name].values[0].tolist() for s in core.statements if _is_unknown(s, found.values)}
    return Fake(out.getvalue(), bound.rows, truth, (*found.notes, *outside))


def _outside(core: Core, values: Mapping[str, Named]) -> list[Diagnostic]:
    """W151 for columns whose draws leave their declared limits."""
    out = []
    spans = {s.name: s.span for s in core.statements if isinstance(s, Site)}
    for column in core.data.columns:
        if column.name in described(core) and column.name in values:
            share = _share_outside(column, values[column.name].values)
            if share > 0:
                what = f"{share:.0%} of the draws of `{column.name}` are outside its declared limits"
                out.append(complain("W151", spans[column.name], what=what))
    return out


def _share_outside(column: ColumnSpec, values: Array) -> float:
    low = -np.inf if column.low is None else column.low
    high = np.inf if column.high is None else column.high
    below = values <= low if column.low_open else values < low
    above = values >= high if column.high_open else values > high
    return float(np.mean(below | above)) if values.size else 0.0


def _written(core: Core) -> tuple[ColumnSpec, ...]:
    """The columns of the file: those of the main table, where there are several. Raises ModelError (E813) where the
    model draws columns of another table too."""
    own = next(t.columns for t in every_table(core.data) if t.name == core.data.row)
    other = next((c for c in core.data.columns if c.name not in own and c.name in described(core)), None)
    if other is not None:
        raise ModelError([complain("E813", other.span, name=other.name, why="it is in another table than the file")])
    return tuple(c for c in core.data.columns if c.name in own)


def _is_unknown(s: Statement, values: Mapping[str, Named]) -> bool:
    return isinstance(s, Site) and s.role == "unknown" and s.name in values


def _verify_described(core: Core) -> None:
    if not core.data.columns:
        why = "it has no `data` block"
        raise ModelError([complain("E811", why=why, help="`ppl prior` shows what the model draws")])


def _cells(column: ColumnSpec, core: Core, bound: Bound, values: Mapping[str, Named]) -> list[tuple[str, list[object]]]:
    """The columns of the file for a declared column: its name there, and a cell for each row."""
    made = values[column.name].values[0] if column.name in described(core) else None
    array = np.asarray(bound.columns[column.name].values) if made is None else np.asarray(made)
    if column.axes[0] != core.data.row:
        if column.per is None or len(column.axes) > 1:
            raise ModelError([complain("E813", column.span, name=column.name, why="a table has no place for it")])
        array = array[np.asarray(bound.columns[column.per].values, int)]
    if len(column.axes) > 1 and not column.source:
        raise ModelError([complain("E813", column.span, name=column.name, why="its columns have no names (`from`)")])
    texts = _texts(column, array, bound)
    if len(column.axes) == 1:
        return [(column.source[0] if column.source else column.name, texts.tolist())]
    labels = bound.axes[column.axes[1].rstrip("'")].labels or column_names(column, array.shape[1])
    return [(label, texts[:, i].tolist()) for i, label in enumerate(labels)]


def _texts(column: ColumnSpec, array: Array, bound: Bound) -> Array:
    """The values as a file has them."""
    match column.kind:
        case "factor" | "ordinal" | "pointer":
            labels = np.array(labels_of(column.table or column.name, bound.axes), dtype=object)
            return np.asarray(labels[np.asarray(array, int)])
        case "bool":
            return np.asarray(np.where(np.asarray(array, float) > 0.5, "true", "false"))
        case "date":
            days = [(EPOCH + timedelta(days=int(x))).isoformat() for x in np.ravel(array)]
            return np.array(days, dtype=object).reshape(array.shape)
        case "int":
            return np.array([int(x) for x in np.ravel(array)], dtype=object).reshape(array.shape)
        case "real":
            return np.array([repr(float(x)) for x in np.ravel(array)], dtype=object).reshape(array.shape)
        case _:
            return np.asarray(array)


# ---- the prior ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What the prior says of a name. `values` are draws from all of its positions; of levels and truth values `shares`
    says how often each occurs. `finite` is the share of values that are numbers."""

    name: str
    axes: tuple[str, ...]
    role: str
    values: Array
    shares: Mapping[str, float]
    finite: float


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """What a model expects: every unknown, derived value and described column, in the order of the file."""

    expected: Mapping[str, Expected]
    rows: int
    draws: int
    warnings: tuple[Diagnostic, ...]


def prior(
    core: Core,
    source: object = None,
    options: Options | None = None,
    draws: int = 1000,
    rows: int = 100,
    settings: Settings | None = None,
    seed: int = 0,
) -> Prior:
    """What the prior says of every name, by simulation. Raises ModelError: E6xx, E8xx."""
    bound, given = frame_of(core, source, options or Options(), rows, seed)
    rng = np.random.default_rng([seed, PRIOR])
    parts: dict[str, list[Array]] = {}
    notes: tuple[Diagnostic, ...] = ()
    for at in range(0, draws, CHUNK):
        found = simulate(core, bound, min(CHUNK, draws - at), rng, settings, kept=given)
        notes = found.notes
        for name, v in found.values.items():
            parts.setdefault(name, []).append(_thinned(v.values, draws))
    statements = {s.name: s for s in (*core.statements, *core.predict)}
    seen = {name: _expected(statements[name], np.concatenate(v), bound) for name, v in parts.items()}
    return Prior(seen, bound.rows, draws, (*notes, *_absurd(core, seen, parts, bound if given else None)))


def _thinned(values: Array, draws: int) -> Array:
    """Some of the positions of a large array, evenly spaced."""
    flat = values.reshape(len(values), -1)
    most = max(POOLED // draws, 1)
    return flat[:, :: max(1, -(-flat.shape[1] // most))]


def _expected(s: Statement, values: Array, bound: Bound) -> Expected:
    kind = type_of(s)
    role = s.role if isinstance(s, Site) else "derived"
    axes = () if isinstance(s, FactorTerm) else s.axes
    flat = values.ravel()
    real = np.isfinite(flat)
    labels: tuple[str, ...] = ("false", "true") if kind == "bool" else ()
    if kind.startswith("level:"):
        labels = labels_of(kind.removeprefix("level:"), bound.axes)
    shares = {label: float(np.mean(flat == i)) for i, label in enumerate(labels)}
    return Expected(s.name, axes, role, flat[real], shares, float(np.mean(real)) if flat.size else 1.0)


# Counts beyond this are absurd; so are outcomes this many times as wide as the data; so is a column that is all the
# same in most draws.
HUGE, TIMES, MOST_DRAWS, ALL_ALIKE = 1e6, 100.0, 0.5, 0.98


def _absurd(
    core: Core, seen: Mapping[str, Expected], parts: Mapping[str, list[Array]], bound: Bound | None
) -> list[Diagnostic]:
    """W151 for described columns that the prior expects to be absurd."""
    out = []
    for s in core.statements:
        if isinstance(s, Site) and s.name in seen and s.name in described(core):
            column = next(c for c in core.data.columns if c.name == s.name)
            what = _why_absurd(s, seen[s.name], np.concatenate(parts[s.name]), bound)
            share = _share_outside(column, seen[s.name].values)
            if not what and share > 0.01:
                what = f"{share:.0%} of the draws of `{s.name}` are outside its declared limits"
            if what:
                out.append(complain("W151", s.span, what=what))
    return out


def _why_absurd(s: Site, e: Expected, values: Array, bound: Bound | None) -> str:
    kind = type_of(s)
    if e.finite < 0.99:
        return f"{1 - e.finite:.0%} of the draws of `{s.name}` are not finite"
    if kind == "int" and float(np.mean(np.abs(e.values) > HUGE)) > 0.01:
        return f"{np.mean(np.abs(e.values) > HUGE):.0%} of the draws of `{s.name}` are above a million"
    if kind == "bool" and values.shape[1] >= 20:
        share = values.mean(axis=1)
        alike = float(np.mean((share < 1 - ALL_ALIKE) | (share > ALL_ALIKE)))
        if alike > MOST_DRAWS:
            return f"in {alike:.0%} of the draws nearly all of `{s.name}` are the same"
    column = bound.columns.get(s.name) if bound is not None else None
    if kind == "real" and column is not None and np.size(column.values) > 2:
        with np.errstate(over="ignore"):
            wide = float(np.std(e.values))
        ratio = float(wide / max(np.nanstd(np.asarray(column.values, float)), 1e-300))
        if ratio > TIMES:
            return f"the spread of `{s.name}` is {ratio:.0f} times that of the data"
    return ""

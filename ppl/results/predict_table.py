"""Predictions as a table for people, as CSV, and as JSON."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from ppl.results.json import finite, quantity_json
from ppl.results.numbers import aligned, counted, headed, probability, row_text
from ppl.results.predict import Predictions
from ppl.results.quantity import Probabilities, Quantity
from ppl.results.table import levels_of
from ppl.source.render import display_width

SCHEMA = 1
ROWS, WIDTH = 20, 80
CI = 0.9
Columns = dict[str, npt.NDArray[np.float64]]
# Systematic resampling of the draws, which carry weights, for a table of draws that carry none.
STREAM = 64


def columns(p: Predictions, mean_only: bool = False, ci: float = CI) -> Columns:
    """A column (rows,) for every number that is said of a row: `y_mean`, `y_sd`, `y_q05`, `y_q50`, `y_q95`;
    `y_P(LEVEL)` of levels; `x[A]_mean` where there are more axes; the mean alone is `y`."""
    out: Columns = {}
    for quantity in p.quantities.values():
        for end, values in _numbers(quantity, mean_only, ci).items():
            out |= _positions(quantity, end, values)
    return out


def _numbers(quantity: Quantity | Probabilities, mean_only: bool, ci: float) -> Columns:
    """What is said of a quantity, by the ends of the names of columns."""
    match quantity:
        case Probabilities(levels=levels, prob=prob):
            return {f"_P({level})": prob[..., i] for i, level in enumerate(levels)}
        case Quantity():
            heads = [f"_q{100 * x:04.1f}".removesuffix(".0").replace(".", "_") for x in levels_of(ci)]
            if mean_only:
                return {"": quantity.mean()}
            quantiles = dict(zip(heads, quantity.quantiles(levels_of(ci)), strict=True))
            return {"_mean": quantity.mean(), "_sd": quantity.sd(), **quantiles}


def _positions(q: Quantity | Probabilities, end: str, values: npt.NDArray[np.float64]) -> Columns:
    """One column for each position of the axes after that of the rows."""
    flat = values.reshape(len(values), -1)
    return {f"{q.name}{at}{end}": flat[:, i] for i, at in enumerate(_places(q))}


def _places(q: Quantity | Probabilities) -> list[str]:
    return [f"[{', '.join(at)}]" for at in product(*q.labels[1:])] if len(q.axes) > 1 else [""]


# ---- files -------------------------------------------------------------------------------------------------------


def predictions_csv(p: Predictions, mean_only: bool = False, ci: float = CI) -> str:
    """A line for every row: its number, its new levels where there are any, and all numbers."""
    found = columns(p, mean_only, ci)
    flags = [[" ".join(p.new_levels.get(row, ()))] for row in p.rows] if p.new_levels else [[] for _ in p.rows]
    head = ["row", *(["new_levels"] if p.new_levels else []), *found]
    lines = zip(p.rows, flags, zip(*found.values(), strict=True), strict=True)
    return _csv(head, ([row, *flag, *map(float, values)] for row, flag, values in lines))


def draws_csv(p: Predictions, seed: int = 0) -> str:
    """A line for every draw and row, every draw with the same weight: draw, row, and a column for every number; levels
    and truth values have no draws, but probabilities."""
    numbers = {n: q for n, q in p.quantities.items() if isinstance(q, Quantity)}
    kept = min((len(q.draws) for q in numbers.values()), default=0)
    if not kept:
        return predictions_csv(p)
    weights = next(iter(numbers.values())).weights[:kept]
    u = (np.random.default_rng([seed, STREAM]).random() + np.arange(kept)) / kept
    chosen = np.minimum(np.searchsorted(np.cumsum(weights) / weights.sum(), u), kept - 1)
    found: Columns = {}
    for name, q in numbers.items():
        own = q.draws[chosen].reshape(kept, len(p.rows), -1)
        found |= {f"{name}{at}": own[:, :, i] for i, at in enumerate(_places(q))}
    lines = (
        [draw + 1, row, *(float(v[draw, i]) for v in found.values())]
        for draw in range(kept)
        for i, row in enumerate(p.rows)
    )
    return _csv(["draw", "row", *found], lines)


def _csv(head: Sequence[str], lines: Iterator[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(lines)
    return out.getvalue()


def predictions_json(p: Predictions, ci: float = CI) -> dict[str, Any]:
    """`{"schema", "rows", "predictions": {NAME: …}, "derived": {NAME: …}, "new_levels": {ROW: [LEVEL, …]}}`; the first
    axis of everything is the row."""
    out: dict[str, Any] = {"schema": SCHEMA, "source": p.source, "rows": list(p.rows), "predictions": {}, "derived": {}}
    for name, quantity in p.quantities.items():
        unit: Mapping[str, str] = {"unit": p.units[name]} if name in p.units else {}
        said = {k: v for k, v in quantity_json(quantity, ci).items() if k != "estimator"}
        out["predictions" if name in p.outcomes else "derived"][name] = finite({**said, **unit})
    return {**out, "new_levels": {str(row): list(levels) for row, levels in p.new_levels.items()}}


# ---- for people --------------------------------------------------------------------------------------------------


def predictions_lines(
    p: Predictions, mean_only: bool = False, ci: float = CI, limit: int = ROWS, width: int = WIDTH
) -> Iterator[str]:
    """The first rows of the table, as many digits as their standard deviations bear; columns for which a line has no
    room stand below."""
    found = columns(p, mean_only, ci)
    shown = p.rows[:limit]
    spread = _spreads(p)
    cells = {name: _cells(name, values[: len(shown)], spread) for name, values in found.items()}
    table = [headed("row", [str(row) for row in shown])]
    table += [headed(name, aligned(column)) for name, column in cells.items()]
    if any(row in p.new_levels for row in shown):
        flags = [" ".join(p.new_levels.get(row, ())) for row in shown]
        table.append(["new levels", *flags])
    yield from _stacked(table[0], table[1:], width)
    if len(p.rows) > limit:
        yield f"  … {counted(len(p.rows) - limit, 'more row')}: -o FILE.csv"


def _stacked(lead: Sequence[str], columns: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Columns side by side behind `lead`, in as many stacks as lines of `width` need."""
    stacks: list[list[Sequence[str]]] = [[lead]]
    for column in columns:
        used = 2 + sum(2 + _widest(c) for c in stacks[-1])
        if len(stacks[-1]) > 1 and used + _widest(column) > width:
            stacks.append([lead])
        stacks[-1].append(column)
    for i, stack in enumerate(stacks):
        yield from [""] * (i > 0)
        yield from ("  " + "  ".join(line).rstrip() for line in zip(*stack, strict=True))


def _widest(column: Sequence[str]) -> int:
    return max(map(display_width, column))


def _spreads(p: Predictions) -> dict[str, float]:
    """A typical standard deviation of each outcome."""
    return {n: float(np.median(q.sd())) for n, q in p.quantities.items() if isinstance(q, Quantity) and q.draws.size}


def _cells(name: str, values: npt.NDArray[np.float64], spreads: Mapping[str, float]) -> list[str]:
    if "_P(" in name:
        return [probability(float(v)) for v in values]
    own = max((n for n in spreads if name.startswith(n)), key=len, default="")
    return [row_text((float(v),), spreads.get(own, 0.0))[0] for v in values]

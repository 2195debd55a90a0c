"""What a model expects, as a table and as JSON."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ppl.results.fake import Expected, Prior
from ppl.results.json import SCHEMA, finite
from ppl.results.numbers import aligned, counted, headed, joined, probability, row_text

LEVELS = (0.05, 0.5, 0.95)
HEADS = ("mean", "sd", "5%", "50%", "95%")
TITLES = {"unknown": "", "derived": "derived", "observed": "data", "imputed": "data", "predicted": "predicted"}
ORDER = ("unknown", "derived", "observed", "predicted")


def numbers_of(e: Expected) -> list[float]:
    """Mean, sd and three quantiles over draws and positions."""
    if not e.values.size:
        return [float("nan")] * 5
    with np.errstate(over="ignore", invalid="ignore"):
        return [float(e.values.mean()), float(e.values.std()), *np.quantile(e.values, LEVELS).tolist()]


def prior_json(prior: Prior) -> dict[str, Any]:
    """`{"schema", "draws", "rows", "prior": {NAME: {"role", "axes", "mean", …}}}`, or `levels` and `prob` for levels
    and truth values: over all draws and all positions."""
    return {
        "schema": SCHEMA,
        "draws": prior.draws,
        "rows": prior.rows,
        "prior": {name: _json(e) for name, e in prior.expected.items()},
    }


def _json(e: Expected) -> dict[str, Any]:
    place = {"role": e.role, "axes": list(e.axes), "finite": e.finite}
    if e.shares:
        return {**place, "levels": list(e.shares), "prob": list(e.shares.values())}
    keys = ("mean", "sd", "q05", "q50", "q95")
    return {**place, **{k: finite(v) for k, v in zip(keys, numbers_of(e), strict=True)}}


def prior_lines(prior: Prior, width: int) -> Iterator[str]:
    """A row for every name: unknowns, then what is derived, then the columns that the model describes."""
    plain = [e for e in prior.expected.values() if not e.shares]
    rows = {e.name: numbers_of(e) for e in plain}
    cells = {name: row_text(values, values[1]) for name, values in rows.items()}
    table = [headed(h, aligned([c[i] for c in cells.values()])) for i, h in enumerate(HEADS)]
    lines = dict(zip(("", *cells), ("  ".join(parts) for parts in zip(*table, strict=True)), strict=True))
    names = {e.name: f"  {e.name}{_axes(e)}" for e in prior.expected.values()}
    first = max((len(n) for n in names.values()), default=0)
    yield f"prior   {counted(prior.draws, 'draw')}" + (f" · {counted(prior.rows, 'row')}" if prior.rows else "")
    yield ""
    if lines.get(""):
        yield (" " * first + "  " + lines[""]).rstrip()
    for role in ORDER:
        found = [e for e in prior.expected.values() if e.role == role or (role, e.role) == ("observed", "imputed")]
        if found and TITLES[role]:
            yield f"  {TITLES[role]} " + "─" * max(min(width, 60) - 3 - len(TITLES[role]), 4)
        for e in found:
            if e.shares:
                yield from _chances(e, names[e.name].ljust(first), width)
            else:
                yield (names[e.name].ljust(first) + "  " + lines[e.name]).rstrip()


def _axes(e: Expected) -> str:
    return f"[{', '.join(e.axes)}]" if e.axes else ""


def _chances(e: Expected, name: str, width: int) -> list[str]:
    if tuple(e.shares) == ("false", "true"):
        return [f"{name}  P(true) {probability(e.shares['true'])}"]
    most = sorted(e.shares.items(), key=lambda pair: -pair[1])[:8]
    parts = [f"{label}: {probability(share)}" for label, share in most]
    return joined(parts, width, f"{name}  ", " " * (len(name) + 2))

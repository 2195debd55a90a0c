"""The author's parameters as text and as JSON, and what was optimised."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ppl.results.numbers import aligned, grouped, headed, is_weight, row_text
from ppl.results.record import Learned, Search
from ppl.results.table import position_labels
from ppl.source.render import display_width

POSITIONS = 12
REACHED = {"minimum": "smallest value", "maximum": "largest value", "bound": "ELBO"}


def params_json(params: Mapping[str, Learned]) -> dict[str, Any]:
    """`{"params": {NAME: value}, "params_se": {NAME: …}}`, nested lists in the order of the axes."""
    return {
        "params": {name: p.value.tolist() for name, p in params.items()},
        "params_se": {name: p.se.tolist() for name, p in params.items()},
    }


def params_lines(params: Mapping[str, Learned], width: int, limit: int = POSITIONS) -> Iterator[str]:
    """A block: every parameter with its Monte Carlo standard error; of the weights of nets how many there are and how
    large, unless each is asked for by `limit`."""
    weights = [p for p in params.values() if is_weight(p.name) and p.value.size and limit <= POSITIONS]
    blocks = [_block(p, limit) for p in params.values() if p.value.size and all(p is not w for w in weights)]
    if blocks:
        yield "  params " + "─" * max(min(width, 60) - 9, 4)
        yield from _numbers(blocks)
    if weights:
        yield "  weights " + "─" * max(min(width, 60) - 10, 4)
        yield from _sizes(weights)


def _sizes(weights: Sequence[Learned]) -> Iterator[str]:
    """`f.h.W[x, f.h]  5 × 32  rms 0.41`."""
    heads = [f"  {p.name}[{', '.join(p.axes)}]" if p.axes else f"  {p.name}" for p in weights]
    shapes = [" × ".join(map(grouped, p.value.shape)) or "1" for p in weights]
    first, second = max(map(display_width, heads)), max(map(display_width, shapes))
    for p, head, shape in zip(weights, heads, shapes, strict=True):
        rms = float(np.sqrt(np.mean(np.square(p.value))))
        yield f"{head}{' ' * (first - display_width(head))}  {shape:>{second}}  rms {row_text((rms,), rms / 10)[0]}"


def _numbers(blocks: Sequence[tuple[int, list[tuple[str, Sequence[str]]]]]) -> Iterator[str]:
    rows = [row for _, rows in blocks for row in rows if row[1]]
    columns = [headed(head, aligned([cells[i] for _, cells in rows])) for i, head in enumerate(("value", "± MC error"))]
    first = max(display_width(name) for _, rows in blocks for name, _ in rows)
    numbers = iter(zip(*columns, strict=True))
    yield (" " * first + "  " + "  ".join(next(numbers))).rstrip()
    for left, block in blocks:
        for name, cells in block:
            shown = "  " + "  ".join(next(numbers)) if cells else ""
            yield (name + " " * (first - display_width(name)) + shown).rstrip()
        if left:
            yield f"    … {grouped(left)} more"


def _block(p: Learned, limit: int) -> tuple[int, list[tuple[str, Sequence[str]]]]:
    """How many positions are left out, and the name and the numbers of each line."""
    if not p.axes:
        return 0, [(f"  {p.name}", _cells(float(p.value), float(p.se)))]
    values, errors = p.value.ravel()[:limit], p.se.ravel()[:limit]
    places = position_labels(p.labels)
    lines: list[tuple[str, Sequence[str]]] = [(f"  {p.name}[{', '.join(p.axes)}]", ())]
    lines += [(f"    {at}", _cells(float(v), float(e))) for at, v, e in zip(places, values, errors, strict=False)]
    return p.value.size - len(values), lines


def _cells(value: float, se: float) -> Sequence[str]:
    """The value to a digit beyond its error; what is known exactly, to six digits."""
    scale = 10 * se if np.isfinite(se) and se > 1e-7 * abs(value) else 1e-3 * (abs(value) or 1.0)
    return [row_text((value,), scale)[0], f"{se:.1g}" if np.isfinite(se) else "–"]


def reached(search: Search) -> str:
    """`smallest value 1.0003 ± 0.0002`."""
    error = f" ± {search.value_se:.2g}" if search.value_se > 1e-12 * abs(search.value) else ""
    value = row_text((search.value,), 10 * search.value_se if error else 0.0)[0]
    return f"{search.bound or REACHED[search.aim]} {value}{error}"

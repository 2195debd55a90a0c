"""Discrete unknowns as text: the probabilities of their levels."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from ppl.results.numbers import aligned, grouped, headed, joined, probability
from ppl.results.quantity import Probabilities
from ppl.source.render import display_width

MOST_LEVELS = 6
LISTED = 8
ENOUGH = 0.99
SURE = 0.95


def chance_lines(found: Sequence[Probabilities], width: int, limit: int, more: str) -> Iterator[str]:
    """What is known of every discrete unknown: a line, or a row for each of a few positions."""
    yield "  probabilities " + "─" * max(min(width, 60) - 16, 4)
    for q in found:
        count = int(np.prod(q.prob.shape[:-1], dtype=int))
        if not q.axes:
            yield from _scalar(q, width)
        elif count <= limit and len(_columns(q)) <= MOST_LEVELS:
            yield from _few(q)
        else:
            yield from _many(q, count, width, more)


def _columns(q: Probabilities) -> list[int]:
    """The levels that are shown: of false and true the second says it all."""
    return [1] if q.levels == ("false", "true") else list(range(len(q.levels)))


def _scalar(q: Probabilities, width: int) -> Iterator[str]:
    """The levels by probability, until they add up to nearly one."""
    if q.levels == ("false", "true"):
        yield f"  {q.name}  P(true) {probability(float(q.prob[1]))}"
        return
    order = np.argsort(-q.prob, kind="stable")
    enough = int(np.searchsorted(np.cumsum(q.prob[order]), ENOUGH)) + 1
    shown = order[: min(enough, LISTED)]
    parts = [f"{q.levels[i]}: {probability(float(q.prob[i]))}" for i in shown]
    left = len(q.levels) - len(shown)
    parts += [f"{grouped(left)} other levels: {probability(float(1 - q.prob[shown].sum()))}"] if left else []
    yield from joined(parts, width, f"  {q.name}  ", " " * (len(q.name) + 4))


def _few(q: Probabilities) -> Iterator[str]:
    """A row for each position, a column for each level."""
    shown = _columns(q)
    flat = q.prob.reshape(-1, len(q.levels))
    columns = [headed(f"P({q.levels[i]})", aligned([probability(float(p)) for p in flat[:, i]])) for i in shown]
    names = [f"  {q.name}[{', '.join(q.axes)}]", *(f"    {', '.join(pair)}" for pair in product(*q.labels))]
    first = max(map(display_width, names))
    for name, *cells in zip(names, *columns, strict=True):
        yield name + " " * (first - display_width(name)) + "  " + "  ".join(cells)


def _many(q: Probabilities, count: int, width: int, more: str) -> Iterator[str]:
    """How many positions have which most probable level."""
    flat = q.prob.reshape(-1, len(q.levels))
    best = np.bincount(np.argmax(flat, axis=1), minlength=len(q.levels))
    order = [int(i) for i in np.argsort(-best, kind="stable") if best[i]]
    parts = [f"{q.levels[i]}: {grouped(best[i])}" for i in order[:LISTED]]
    parts += [f"others: {grouped(best[order[LISTED:]].sum())}"] if len(order) > LISTED else []
    yield f"  {q.name}[{', '.join(q.axes)}]"
    yield from joined(parts, width, "    most probable  ", " " * 19)
    sure = int((flat.max(axis=1) >= SURE).sum())
    where = f": {more}" if more else ""
    yield f"    {grouped(sure)} of {grouped(count)} with probability {SURE:g} or more{where}"

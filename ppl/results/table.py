"""The table of a posterior: means, deviations and quantiles, as text, CSV, LaTeX."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from ppl.results.chances import chance_lines
from ppl.results.numbers import aligned, counted, grouped, headed, is_weight, row_text
from ppl.results.quantity import Probabilities, Quantity
from ppl.source.render import display_width

Array = npt.NDArray[np.float64]
Quantities = Mapping[str, Quantity | Probabilities]
POSITIONS = 12
# Of a derived quantity with many positions, mostly one for every row of the data, fewer are shown.
DERIVED = 4
CI = 0.9
NARROWEST = 9


@dataclass(frozen=True, slots=True)
class Row:
    """One number of the posterior: `label` is its position, empty for a scalar; `values` are mean, sd, quantiles."""

    label: str
    values: tuple[float, ...]

    def cells(self) -> list[str]:
        return row_text(self.values, self.values[1])


@dataclass(frozen=True, slots=True)
class Block:
    """One quantity: its title, the rows shown, and how many are left out."""

    title: str
    role: str
    rows: tuple[Row, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A table of quantities. Its text is `str(summary)`; a terminal of another width takes `summary.text(width=60)`."""

    quantities: Quantities
    units: Mapping[str, str]
    ci: float = CI
    more: str = ""
    limit: int = POSITIONS

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return self.text()

    def text(self, width: int = 80) -> str:
        """The table for people, at most `width` columns wide; up to `limit` positions of each quantity."""
        return "\n".join(_text(self, width))

    def csv(self) -> str:
        """One line for every number: name, position, mean, sd and the quantiles; a discrete unknown has one line for
        every level, with its probability."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["name", "position", *heads(self.ci), "level", "probability"])
        for name, quantity in self.quantities.items():
            writer.writerows(_csv_rows(name, quantity, self.ci))
        return out.getvalue()

    def latex(self) -> str:
        """A `tabular` with the rows of the text."""
        rows = [f"  {_tex(r[0])} & {' & '.join(r[1:])} \\\\" for r in _latex_rows(self)]
        columns = heads(self.ci)
        head = " & ".join(["", *(_tex(h) for h in columns)]) + " \\\\"
        body = "\n".join(rows)
        begin, rule, end = f"\\begin{{tabular}}{{l{'r' * len(columns)}}}", "  \\hline", "\\end{tabular}"
        return "\n".join([begin, rule, f"  {head}", rule, body, rule, end, ""])


def levels_of(ci: float) -> tuple[float, float, float]:
    """The three quantiles of an interval of probability `ci`."""
    return (0.5 - ci / 2, 0.5, 0.5 + ci / 2)


def heads(ci: float) -> list[str]:
    return ["mean", "sd", *(f"{100 * q:.3g}%" for q in levels_of(ci))]


def statistics(quantity: Quantity, ci: float = CI) -> Array:
    """Mean, sd and three quantiles, with the shape (5, *lengths of axes)."""
    return np.stack([quantity.mean(), quantity.sd(), *quantity.quantiles(levels_of(ci))])


def position_labels(labels: Sequence[Sequence[str]]) -> Iterator[str]:
    """The positions in the order of the axes: `a`, or `a, b` where there are several axes."""
    return (", ".join(pair) for pair in product(*labels))


def _block(quantity: Quantity, unit: str, ci: float, limit: int) -> Block:
    axes = f"[{', '.join(quantity.axes)}]" if quantity.axes else ""
    total = int(np.prod([len(x) for x in quantity.labels], dtype=int)) if quantity.labels else 1
    shown = total if total <= limit else min(limit, DERIVED if quantity.role == "derived" else limit)
    # of the weights of a net, the first few say nothing
    shown = 0 if is_weight(quantity.name) and total > 1 and limit <= POSITIONS else shown
    draws = quantity.draws.reshape(len(quantity.draws), -1)[:, :shown]
    part = Quantity(quantity.name, ("position",), ((),), draws, quantity.weights)
    values = statistics(part, ci).T.tolist()
    names = position_labels(quantity.labels) if quantity.axes else iter([""])
    rows = tuple(Row(name, tuple(v)) for name, v in zip(names, values, strict=False))
    return Block(f"{quantity.name}{axes}{f' ({unit})' if unit else ''}", quantity.role, rows, total - shown)


def _blocks(summary: Summary) -> list[Block]:
    return [
        _block(q, summary.units.get(name, ""), summary.ci, summary.limit)
        for name, q in summary.quantities.items()
        if isinstance(q, Quantity)
    ]


# ---- for people --------------------------------------------------------------------------------------------------


def _text(summary: Summary, width: int) -> Iterator[str]:
    blocks = _blocks(summary)
    lines = _numbers(blocks, summary, width)
    chances = [q for q in summary.quantities.values() if isinstance(q, Probabilities)]
    for role in ("unknown", "derived"):
        found = [line for block, line in lines if block is not None and block.role == role]
        if role == "derived" and chances:
            yield from chance_lines(chances, width, summary.limit, summary.more)
        if found and role == "derived" and (chances or any(b.role == "unknown" for b in blocks)):
            yield "  derived " + "─" * max(len(lines[0][1]) - 10, 4)
        elif found:
            yield lines[0][1]
        yield from found


def _numbers(blocks: Sequence[Block], summary: Summary, width: int) -> list[tuple[Block | None, str]]:
    """The lines of all rows under one heading, each with the block that it belongs to."""
    every = [row for block in blocks for row in block.rows]
    cells = [row.cells() for row in every]
    columns = [headed(head, aligned([r[i] for r in cells])) for i, head in enumerate(heads(summary.ci))]
    numbers_width = sum(len(column[0]) for column in columns)
    gap = "  " if numbers_width + 2 * len(columns) + NARROWEST <= width else " "
    table = [gap.join(parts) for parts in zip(*columns, strict=True)]
    room = max(NARROWEST, width - len(table[0]) - len(gap))
    names = [t for b in blocks for t in _names(b)]
    first = min(max((display_width(n) for n in names), default=0), room)
    lines: list[tuple[Block | None, str]] = [(None, " " * first + gap + table[0])]
    numbers = iter(table[1:])
    for block in blocks:
        lines += [(block, _line(name, first, gap + row if row else "")) for name, row in _entries(block, numbers)]
        if block.more:
            lines.append((block, _left_out(block, summary.more)))
    return lines


def _names(block: Block) -> list[str]:
    if len(block.rows) == 1 and not block.rows[0].label:
        return [f"  {block.title}"]
    return [f"  {block.title}", *(f"    {row.label}" for row in block.rows)]


def _entries(block: Block, numbers: Iterator[str]) -> Iterator[tuple[str, str]]:
    names = _names(block)
    if len(names) > len(block.rows):
        yield names.pop(0), ""
    for name in names:
        yield name, next(numbers)


def _line(name: str, first: int, numbers: str) -> str:
    return f"{fitted(name, first)}{numbers}".rstrip() if numbers else name


def fitted(text: str, width: int) -> str:
    """The text in exactly `width` columns, its end cut off where it is longer."""
    while display_width(text) > width:
        text = text[:-2] + "…"
    return text + " " * (width - display_width(text))


def _left_out(block: Block, more: str) -> str:
    count = f"… {grouped(block.more)} more" if block.rows else counted(block.more, "number")
    return f"    {count}" + (f": {more}" if more else "")


# ---- for programs ------------------------------------------------------------------------------------------------


def _csv_rows(name: str, quantity: Quantity | Probabilities, ci: float) -> Iterator[list[object]]:
    positions = list(position_labels(quantity.labels)) if quantity.axes else [""]
    match quantity:
        case Quantity():
            values = statistics(quantity, ci).reshape(5, -1).T.tolist()
            yield from ([name, at, *row, "", ""] for at, row in zip(positions, values, strict=True))
        case Probabilities(levels=levels, prob=prob):
            for at, row in zip(positions, prob.reshape(-1, len(levels)).tolist(), strict=True):
                yield from ([name, at, "", "", "", "", "", level, p] for level, p in zip(levels, row, strict=True))


def _latex_rows(summary: Summary) -> Iterator[list[str]]:
    for block in _blocks(summary):
        for row in block.rows:
            cells = [f"${x}$" for x in row.cells()]
            name = block.title.partition("[")[0]
            yield [f"{name}[{row.label}]" if row.label else block.title, *cells]


def _tex(text: str) -> str:
    return "".join(f"\\{c}" if c in "_%&#${}" else c for c in text)

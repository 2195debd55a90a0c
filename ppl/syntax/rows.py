"""The lines of a formatted file: blank lines, and the columns of what is aligned."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

INDENT = "  "


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the result, or several for a broken statement. `first` and `last` are the lines in the source, 0
    where there is none. Neighbours with the same `align`, if it is not 0, get their `tail` at the same column."""

    depth: int
    head: str
    tail: str = ""
    first: int = 0
    last: int = 0
    align: int = 0
    comment: str = ""
    blank: bool = False

    @property
    def text(self) -> str:
        return f"{self.head} {self.tail}" if self.tail else self.head


def lines(rows: list[Row]) -> Iterator[str]:
    """The lines of the text, blank ones among them."""
    yield from _with_comments(_aligned(_spaced(rows)))


def _spaced(rows: list[Row]) -> list[Row]:
    return [replace(row, blank=_is_blank(above, row)) for above, row in pairwise((None, *rows)) if row is not None]


def _is_blank(above: Row | None, row: Row) -> bool:
    """One blank line where the source has some, and around every block; none behind `{` and before `}`."""
    if above is None or row.head == "}" or (above.text.endswith("{") and above.depth < row.depth):
        return False
    if row.depth == 0 and above.depth == 0 and not above.head.startswith("#"):
        block = above.head == "}" or row.text.endswith("{") or row.text.endswith("}") or above.text.endswith("}")
        opens_comment = above.head == "}" and row.head.startswith("#")
        if block or opens_comment:
            return True
    return bool(row.first and above.last) and row.first - above.last > 1


def _aligned(rows: list[Row]) -> list[Row]:
    return [row for run in _runs(rows, _same_columns) for row in _with_tails(run)]


def _same_columns(above: Row, row: Row) -> bool:
    return above.align != 0 and above.align == row.align and above.depth == row.depth and not row.blank


def _with_tails(run: list[Row]) -> list[Row]:
    width = max(len(row.head) for row in run)
    return [replace(row, head=row.head.ljust(width)) if row.tail else row for row in run]


def _with_comments(rows: list[Row]) -> Iterator[str]:
    for run in _runs(rows, lambda above, row: bool(above.comment and row.comment and not row.blank)):
        shown = [INDENT * row.depth + row.text for row in run]
        width = max(len(text.rpartition("\n")[2]) for text in shown)
        for row, text in zip(run, shown, strict=True):
            if row.blank:
                yield ""
            last = text.rpartition("\n")[2]
            yield f"{text}{' ' * (width - len(last))}  {row.comment}" if row.comment else text


def _runs(rows: list[Row], together: Callable[[Row, Row], bool]) -> Iterator[list[Row]]:
    run: list[Row] = []
    for row in rows:
        if run and not together(run[-1], row):
            yield run
            run = []
        run.append(row)
    if run:
        yield run

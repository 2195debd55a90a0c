"""What the code of a value needs of the writer of a program."""

from collections.abc import Iterable
from typing import Protocol

from ppl.emit.val import Val


class Pen(Protocol):
    """Lines of text, and the text by which each value is called; see `ppl.emit.code.Writer`."""

    lines: list[str]
    text: dict[Val, str]
    inlined: set[Val]
    saved: dict[Val, str]
    taken: set[str]
    sampled: frozenset[str]
    outcomes: dict[Val, tuple[str, ...]]

    def inside(self) -> "Pen": ...
    def slot(self, name: str) -> str: ...
    def noise_slot(self, site: str) -> str: ...
    def line(self, text: str) -> None: ...
    def name(self, hint: str) -> str: ...
    def write(self, wanted: Iterable[Val], stage: int) -> None: ...
    def of(self, v: Val) -> str: ...
    def aligned(self, v: Val, axes: tuple[str, ...], batch: bool) -> str: ...
    def arranged(self, v: Val, axes: tuple[str, ...]) -> str: ...
    def size(self, axis: str) -> str: ...
    def shape(self, axes: Iterable[str], batch: bool) -> str: ...
    def positions(self, v: Val, axes: Iterable[str]) -> str: ...


def axis_size(axis: object) -> str:
    """The length of an axis: copies share it, a shortened axis (`~`) has one less."""
    base = str(axis).rstrip("'")
    return f'n["{base}"]'


def cells(axes: tuple[object, ...]) -> str:
    """How many numbers an array with these axes has, as text."""
    return " * ".join(axis_size(a) for a in axes) or "1"


def restored(text: str, axes: tuple[str, ...], v: Val) -> str:
    """An array with these axes, as one with those of the value."""
    lead = 1 if v.batch else 0
    turn = [lead + axes.index(a) for a in v.axes]
    return text if turn == sorted(turn) else f"np.transpose({text}, {(*range(lead), *turn)})"

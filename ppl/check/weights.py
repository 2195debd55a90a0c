"""The weights of nets: what a layer is, what it is called, and the book in which they are kept."""

from dataclasses import dataclass, field

from ppl.check.core import AxisSpec, Expr, Statement
from ppl.source.span import NOWHERE, Span
from ppl.stdlib.intervals import Interval
from ppl.syntax import ast


@dataclass(frozen=True, slots=True)
class Weight:
    """One array of weights of a layer. `axes` are those of what goes in, then that of what comes out; `fans` are the
    axes of every input of the layer; `init` is where its fit starts, None for zero."""

    name: str
    net: str
    axes: tuple[str, ...]
    fans: tuple[tuple[str, ...], ...]
    init: Expr | None
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a value that a net computes on the way."""

    value: Expr
    bounds: Interval
    random: bool
    learned: bool


@dataclass(slots=True)
class Book:
    """All weights of a file, as its nets are read: `own` are the axes of each net, those of its ports and its layers;
    `broken` the nets that have been complained about; `called` those that something calls. `statements` are those of
    the block at hand, `values` what nets compute on the way and is too large to be written out wherever it is read."""

    weights: dict[str, Weight] = field(default_factory=dict)
    axes: dict[str, AxisSpec] = field(default_factory=dict)
    own: dict[str, set[str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    statements: list[Statement] = field(default_factory=list)
    values: dict[str, Known] = field(default_factory=dict)


@dataclass(slots=True)
class Body:
    """The body of a net while it is read, for one call of it: `layer` is the name that the line at hand defines, and
    `made` how many layers it has so far. `is_alone`: nobody calls it, and it is read for its own sake. `in_loop`: its
    values may lie at earlier positions, and get no names."""

    net: ast.Net
    own: set[str]
    layer: str = ""
    made: int = 0
    is_alone: bool = False
    in_loop: bool = False

    def inside(self, axes: tuple[str, ...]) -> tuple[str, ...]:
        """The axes that belong to the net; the others pass through. Where nobody calls it, none does."""
        if self.is_alone:
            self.own.update(a.rstrip("'") for a in axes)
        return tuple(a for a in axes if a.rstrip("'") in self.own)

    def next_layer(self) -> str:
        """`NET.LAYER`, `NET.LAYER.2`, …"""
        self.made += 1
        count = f".{self.made}" if self.made > 1 else ""
        return f"{self.net.name.id}.{self.layer}{count}"

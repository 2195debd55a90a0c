"""The weights of nets: what a layer is, what it is called, and the book in which they are kept."""

from dataclasses import dataclass, field

from ppl.check.core import AxisSpec, Expr
from ppl.source.span import NOWHERE, Span
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


@dataclass(slots=True)
class Book:
    """All weights of a file, as its nets are read: `own` are the axes of each net, those of its ports and its layers;
    `broken` the nets that have been complained about; `called` those that something calls."""

    weights: dict[str, Weight] = field(default_factory=dict)
    axes: dict[str, AxisSpec] = field(default_factory=dict)
    own: dict[str, set[str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Body:
    """The body of a net while it is read, for one call of it: `layer` is the name that the line at hand defines, and
    `made` how many layers it has so far. `is_alone`: nobody calls it, and it is read for its own sake."""

    net: ast.Net
    own: set[str]
    layer: str = ""
    made: int = 0
    is_alone: bool = False

    def next_layer(self) -> str:
        """`NET.LAYER`, `NET.LAYER.2`, …"""
        self.made += 1
        count = f".{self.made}" if self.made > 1 else ""
        return f"{self.net.name.id}.{self.layer}{count}"

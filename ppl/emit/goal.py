"""What an objective consists of, as values: parameters, tables of levels, costs, and draws that need a closer look."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import networkx as nx

from ppl.check.core import Derived, Dist, Guide, Joint, Site
from ppl.emit.assembly import Assembly, NoiseSlot
from ppl.emit.surrogate import ScoreNode
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.rewrite.batching import Batching
from ppl.rewrite.listing import Listing
from ppl.rewrite.recurrence import Circle
from ppl.rewrite.sides import Side
from ppl.source.span import Span


@dataclass(frozen=True, slots=True)
class ParamSlot:
    """The coordinates of one learned number: `kind` is the bijection that maps them onto its range; `of` the unknown
    whose automatic guide it belongs to, "" for one of the author's."""

    name: str
    axes: tuple[str, ...]
    kind: str
    start: Val
    of: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """An unknown whose levels are listed along `axis`, and the guide's probability of each."""

    name: str
    axis: str
    axes: tuple[str, ...]
    weight: Val
    listing: Listing


@dataclass(frozen=True, slots=True)
class Probe:
    """A draw whose gradient comes from what it would have cost at other places. `coupled` are the axes along
    which costs mix its positions; `noise` are its uniform numbers, `at` brings thresholds to the scale of the draw."""

    name: str
    estimator: str
    dist: Dist
    axes: tuple[str, ...]
    draw: Val
    noise: Callable[[int], Val] | None
    at: Callable[[Val], Val] | None
    coupled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JointAxes:
    """The axes of a joint draw: the coordinates of its `members` (their axes) laid out along `axis`, or an `axis` that
    the unknown has. `noise` is that of its uniform numbers, `extra` of which are more than the coordinates; `out` that
    of what a flow gives; `weights` are the axes of the weights of each flow, with its name and settings."""

    axis: str
    members: tuple[tuple[str, ...], ...]
    noise: str
    extra: int
    out: str
    weights: tuple[tuple[str, str, tuple[int, ...]], ...]


@dataclass(slots=True)
class Objective:
    """An objective as values. `estimators` says how each unknown is drawn; `guide` holds the guide's sites; `put` are
    unknowns that are not drawn but put somewhere; `circles` are those of names that are made from each other step by
    step; `joints` are drawn by their coordinates, of which `pieces` holds those that have been, and `joined` the axes.
    Where it is `opaque`, densities are those of `draws` themselves, not of the numbers that they were made from. Where
    it `averages`, what the density of a draw by its score costs is averaged over its levels. With `batching`, costs
    along sampled axes are scaled."""

    a: Assembly
    graph: nx.DiGraph
    estimators: Mapping[str, str]
    guide: Mapping[str, Site]
    block: Guide | None = None
    thunks: dict[str, Derived] = field(default_factory=dict)
    params: list[ParamSlot] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    guide_costs: list[tuple[str, Val, tuple[str, ...]]] = field(default_factory=list)
    scores: list[ScoreNode] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    put: Mapping[str, Val] = field(default_factory=dict)
    sided: dict[str, Mapping[str, Side]] = field(default_factory=dict)
    chances: dict[Span, tuple[Val, Val]] = field(default_factory=dict)
    circles: Mapping[str, Circle] = field(default_factory=dict)
    joints: Mapping[str, Joint] = field(default_factory=dict)
    pieces: dict[str, Val] = field(default_factory=dict)
    opaque: bool = False
    averages: bool = False
    draws: list[Val] = field(default_factory=list)
    joined: list[JointAxes] = field(default_factory=list)
    batching: Batching | None = None

    @property
    def b(self) -> Builder:
        return self.a.b

    @property
    def noises(self) -> list[NoiseSlot]:
        return self.a.noises

"""What a program is put together from: coordinates, densities, eliminations, and what is reported."""

from collections.abc import Callable
from dataclasses import dataclass, field

import networkx as nx

from ppl.check.core import ColumnSpec, Dist
from ppl.emit.draws import noises
from ppl.emit.lower import Lowering
from ppl.emit.sums import Chain, Reading, Term, readings_of, summed_out
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.graph.graph import Node, core_of
from ppl.rewrite.order import OWN, Access, Elimination


@dataclass(frozen=True, slots=True)
class Slot:
    """The coordinates of one unknown: `axes` are those of its unconstrained array, `shape_axes` those of its values, as
    written; `weight` is the number of its non-centring weight, or None."""

    name: str
    axes: tuple[str, ...]
    written: tuple[str, ...]
    weight: int | None = None


@dataclass(frozen=True, slots=True)
class NoiseSlot:
    """The uniform numbers of one draw."""

    key: str
    axes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Centring:
    """What moves a location-scale unknown between parameterisations: x = loc + scale * z."""

    slot: Slot
    standard: Val
    loc: Val
    log_scale: Val


@dataclass(frozen=True, slots=True)
class Event:
    """A derived true/false value of summed-out unknowns: its probability is the slope of the log density in `tilt`,
    which is zero and multiplies it (the derivative of log sum exp(log p + t f) in t at 0 is the expectation of f)."""

    tilt: Val
    term: Term
    accesses: tuple[tuple[str, Access], ...]


@dataclass(slots=True)
class Assembly:
    """Everything a program consists of, as values. `windows` are the counts without a largest value. `given` may have
    the value of an unknown (drawn from a guide), `raw` its coordinates. `recovered` are unknowns that were integrated
    out, drawn from what is known of them given the rest by uniform numbers `noises`, and what is derived from them.
    `sequence` has the value of a name that is made from its own earlier positions, `scanned` those known so far,
    `raws` the coordinates of unknowns. `waiting` are the densities of unknowns that
    are known, but were read before their place: what they read may not be."""

    b: Builder
    s: Lowering
    graph: nx.DiGraph
    slots: list[Slot] = field(default_factory=list)
    weights: list[str] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)
    reported: dict[str, tuple[Val, tuple[str, ...]]] = field(default_factory=dict)
    taps: dict[str, Val] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, Val | str] = field(default_factory=dict)
    centrings: list[Centring] = field(default_factory=list)
    hints: dict[Val, str] = field(default_factory=dict)
    eliminated: dict[str, Elimination] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    unreported: list[str] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)
    recovered: dict[str, tuple[Val, tuple[str, ...]]] = field(default_factory=dict)
    noises: list[NoiseSlot] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    waiting: "list[Callable[[], Term]]" = field(default_factory=list)
    depth: int = 0
    given: "Callable[[Node], Val | None]" = lambda node: None
    raw: "Callable[[Slot], Val | None]" = lambda slot: None
    sequence: "Callable[[str], Val | None]" = lambda name: None
    scanned: dict[str, Val] = field(default_factory=dict)
    raws: dict[str, Val] = field(default_factory=dict)

    def define(self, name: str, v: Val, axes: tuple[str, ...], report: bool) -> None:
        self.s.names[name] = v
        if v.op not in ("lit", "input"):
            self.hints.setdefault(v, name)
        if report:
            self.reported[name] = (v, axes)

    def add_density(self, term: "Callable[[], Term]") -> None:
        """Adds a density, at once or when the statement at hand is done."""
        if self.depth > 1:
            self.waiting.append(term)
        else:
            self.terms.append(term())

    def log_density(self, tilted: bool = False) -> Val:
        """The log density; `tilted` has every event in it, with a coefficient of zero."""
        return _eliminate(self, tilted)


def noise_of(out: Assembly, name: str, dist: Dist, axes: tuple[str, ...], more: int = 0) -> Callable[[int], Val]:
    """The uniform numbers of a draw, and `more` arrays of them, noted as inputs."""
    own = out.b.sorted(axes)
    keys = [f"{name}.{k}" for k in range(noises(dist) + more)]
    out.noises.extend(NoiseSlot(key, own) for key in keys)
    return lambda k: out.b.node("noise", (), (keys[k],), own, batch=True, stage=1)


def column_value(column: ColumnSpec, out: Assembly) -> Val:
    """A column as it was read, its blanks among it."""
    axes = out.b.sorted(column.axes)
    return out.b.node("input", (), (column.name, *axes), axes)


def column_of(node: Node, out: Assembly) -> Val:
    """The column that a node fills in."""
    return column_value(next(c for c in core_of(out.graph).data.columns if c.name == node.name), out)


def _eliminate(out: Assembly, tilted: bool) -> Val:
    """The log density: discrete unknowns summed out, then everything added up."""
    return out.b.total(out.b.sum(t.value, {*t.axes, *t.value.axes}) for t, _ in remaining(out, tilted))


def remaining(out: Assembly, tilted: bool = False) -> list[Reading]:
    """The densities that are left when the discrete unknowns have been summed out one by one, and how each reads
    them. `tilted` has zeros in it, the slopes in which are the probabilities of levels and of events."""
    found = {z: e for z, e in out.eliminated.items() if tilted or not e.unread}
    idle = out.eliminated.keys() - found.keys()
    readings = readings_of([t for t in out.terms if t.name not in idle], found)
    if tilted:
        readings += [(Term(z, tap, tap.axes), {z: OWN}) for z, tap in out.taps.items()]
        readings += [(e.term, dict(e.accesses)) for e in out.events.values()]
    return summed_out(out.s, list(found.values()), readings)[0]


def chains(out: Assembly) -> list[Chain]:
    """The chains of discrete unknowns."""
    return summed_out(out.s, list(out.eliminated.values()), readings_of(out.terms, out.eliminated))[1]

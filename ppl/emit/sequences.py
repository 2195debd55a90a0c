"""Names that get their values when they are first read, and recursions, which become loops."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import networkx as nx

from ppl.check.core import Derived, Dist, Site
from ppl.emit.affine import affine_steps
from ppl.emit.loops import Span, State, loop, outcome, positions_between
from ppl.emit.lower import Lowering
from ppl.emit.val import Val
from ppl.graph.graph import node_list
from ppl.rewrite.recurrence import (
    Circle,
    Part,
    Step,
    Stretch,
    bounded_sites,
    circles,
    past_name,
    reads_of,
    stretches,
)

# How the draw of a member comes out of its distribution in a step; `first` says that it is the first position.
Drawn = Callable[[Site, Dist, bool], Val]


class Names(dict[str, Val]):
    """What names stand for; one that is not known yet is found when it is first read."""

    def __init__(self, known: Mapping[str, Val], find: Callable[[str], Val]) -> None:
        super().__init__(known)
        self.find = find

    def __missing__(self, name: str) -> Val:
        found = self[name] = self.find(name)
        return found


@lru_cache(maxsize=8)
def recursions(graph: nx.DiGraph) -> Mapping[str, Circle]:
    """The circles of derived values, and of unknowns by the ends of their supports, the rest of the unknowns being
    given: by the names in them."""
    derived: list[Part] = [n.of for n in node_list(graph) if isinstance(n.of, Derived)]
    return {name: c for c in circles([*derived, *bounded_sites(graph)]) for name in c.names}


def scanned(s: Lowering, circle: Circle, drawn: Drawn) -> dict[str, Val]:
    """The values of all members of a circle, over all positions. `drawn` makes the draws among them."""
    return _Scan(s, circle, drawn).values()


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is presumed of a loop: the axes of its states, whether they have draws, and when they can be computed."""

    axes: Mapping[str, tuple[str, ...]]
    batch: bool
    stage: int


@dataclass(slots=True)
class _Scan:
    s: Lowering
    circle: Circle
    drawn: Drawn

    def values(self) -> dict[str, Val]:
        """The loop, under the first shape that its own steps bear out: they tell which axes its states have beyond
        those that are written, and whether they vary with the draws at all."""
        axis = self.circle.axis
        shape = _Shape({p.name: self.s.b.sorted(_without(p.axes, axis)) for p in self.circle.parts}, True, 1)
        while True:
            made, found = self._made(shape)
            if found == shape and made.op == "affine":
                return {self.circle.names[0]: made}
            if found == shape:
                return {p.name: outcome(self.s.b, made, i) for i, p in enumerate(self.circle.parts)}
            shape = found

    def _made(self, shape: _Shape) -> tuple[Val, _Shape]:
        """A loop of this shape, and the shape that it turns out to have."""
        b, axis, parts = self.s.b, self.circle.axis, self.circle.parts
        leaves = self._leaves(shape)
        steps = [self._step(stretch, leaves) for stretch in stretches(self.circle)]
        spans = [Span(t.first - 1, t.last, tuple(values)) for t, values in steps[1:]]
        states = [State(p.name, shape.axes[p.name], 0) for p in parts]
        past = [(self.circle.names.index(name), back, leaf) for (name, back), leaf in leaves.items()]
        made = loop(b, axis, states, past, spans, steps[0][1], False, shape.batch, shape.stage)
        outer = made.args
        if len(parts) == 1 and len(past) == 1 and past[0][1] == 1:
            made = affine_steps(b, axis, past[0][2], spans, steps[0][1][0]) or made
        axes = dict(shape.axes)
        for _, values in steps:
            for p, v in zip(parts, values, strict=True):
                axes[p.name] = b.sorted((*axes[p.name], *_without(v.axes, axis)))
        return made, _Shape(axes, any(v.batch for v in outer), max((v.stage for v in outer), default=0))

    def _leaves(self, shape: _Shape) -> dict[tuple[str, int], Val]:
        """What stands for the members at earlier positions."""
        b, axis, names = self.s.b, self.circle.axis, self.circle.names
        reads = dict.fromkeys(
            (name, back) for p in self.circle.parts for name, back, _ in reads_of(p, axis) if name in names and back
        )
        return {
            (name, back): b.node(
                "past", (), (" ".join(names), name, back), (*shape.axes[name], axis), batch=shape.batch,
                stage=shape.stage,
            )
            for name, back in reads
        }  # fmt: skip

    def _step(self, stretch: Stretch, leaves: Mapping[tuple[str, int], Val]) -> tuple[Stretch, list[Val]]:
        """What one step computes: for every position of a stretch at once, or at the first one."""
        step = Step(self.circle.axis, frozenset(self.circle.names), stretch)
        own = {past_name(name, back): leaf for (name, back), leaf in leaves.items()}
        self.s.names |= own
        values: list[Val] = []
        for p in self.circle.parts:
            value = self.s.within(self._here(stretch), True, partial(self._member, p, step))
            own[past_name(p.name, 0)] = self.s.names[past_name(p.name, 0)] = value
            values.append(value)
        for name in own:
            del self.s.names[name]
        return stretch, values

    def _member(self, p: Part, step: Step) -> Val:
        if isinstance(p, Site):
            return self.drawn(p, step.dist(p.dist), step.is_first)
        return self.s.expr(step.expr(p.value))

    def _here(self, stretch: Stretch) -> Val:
        """Whether a position is one of a stretch."""
        b = self.s.b
        if stretch == Stretch(1, 1):
            return b.lit(1.0)
        return positions_between(b, self.circle.axis, stretch.first - 1, stretch.last)


def _without(axes: tuple[str, ...], axis: str) -> tuple[str, ...]:
    return tuple(a for a in axes if a != axis)

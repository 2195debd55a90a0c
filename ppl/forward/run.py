"""Runs the statements of a model: draws what is not given, computes what is derived."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from ppl.check.core import Derived, Site, Statement
from ppl.forward.conditional import completed
from ppl.forward.draws import draw, lacks_draws
from ppl.forward.expressions import counted, evaluate
from ppl.forward.named import Array, Named, aligned, chosen, cut
from ppl.forward.order import Step, steps
from ppl.forward.world import World
from ppl.source.diagnostic import ModelError, complain


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What is known of a name: `values` with the axes of its statement, and at which of its positions (a mask without
    the axis of draws), None for all."""

    values: Named
    known: npt.NDArray[np.bool_] | None = None

    @property
    def is_whole(self) -> bool:
        return self.known is None or bool(self.known.all())


def run(
    statements: Sequence[Statement],
    world: World,
    draws: int,
    rng: Generator,
    given: Mapping[str, Given] | None = None,
    replicated: frozenset[str] = frozenset(),
    instead: Mapping[str, Named] | None = None,
) -> dict[str, Named]:
    """Gives every name a value in the world: what is given where it is given, draws elsewhere. The result holds fresh
    draws of the sites in `replicated`, also where their values are given: what the model says of them before they are
    seen. Where a distribution is improper at some positions, values from `instead` stand there. Raises ModelError: E801
    for what has no draws, E803."""
    fresh: dict[str, Named] = {}
    given = given or {}
    names = {s.name for s in statements}
    settled = frozenset(n for n, g in given.items() if g.is_whole and n in names)
    world.names.update({n: given[n].values for n in settled})
    runner = _Runner(world, draws, rng, given, replicated, fresh, instead or {})
    with np.errstate(all="ignore"):
        for step in steps([s for s in statements if isinstance(s, Site | Derived) and not _is_expression(s)], settled):
            runner.walk(step) if step.along else runner.one(step.statements[0])
    return fresh


def _is_expression(s: Statement) -> bool:
    """`observe e ~ D` gives no name a value."""
    return isinstance(s, Site) and s.value is not None


@dataclass(frozen=True, slots=True)
class _Runner:
    world: World
    draws: int
    rng: Generator
    given: Mapping[str, Given]
    replicated: frozenset[str]
    fresh: dict[str, Named]
    instead: Mapping[str, Named]

    # -- all positions at once --

    def one(self, s: Statement) -> None:
        known = self.given.get(s.name)
        whole = known is not None and known.is_whole
        if isinstance(s, Derived):
            if not whole:
                self.world.names[s.name] = counted(evaluate(s.value, self.world))
        elif isinstance(s, Site) and (not whole or s.name in self.replicated):
            x = self._drawn(s, self.world)
            if s.name in self.replicated:
                self.fresh[s.name] = x
            if not whole:
                v = x if known is None else completed(s, known.values, known.known, x, self.world, self.rng)
                self._verify(s, v)
                self.world.names[s.name] = v

    def _drawn(self, s: Site, world: World) -> Named:
        """A draw; in place of what is improper what there is instead, NaN for now where that is nothing."""
        x = draw(s.dist, s.axes, self.draws, world, self.rng)
        if s.name not in self.instead or not lacks_draws(s.dist):
            return x
        other = self.instead[s.name]
        for axis, (start, stop) in world.windows.items():
            other = cut(other, axis, start, stop)
        return Named(chosen(np.isnan(x.values), aligned(other, s.axes), x.values), s.axes)

    def _verify(self, s: Site, v: Named) -> None:
        """E801 where an improper distribution has left a hole."""
        if lacks_draws(s.dist) and bool(np.isnan(v.values).any()):
            raise ModelError([complain("E801", s.span, name=s.name)])

    # -- one position after the other --

    def walk(self, step: Step) -> None:
        """A recursion: the arrays of its names are filled along the axis."""
        axis = step.along
        for s in step.statements:
            self.world.names[s.name] = self._empty(s)
            if s.name in self.replicated:
                self.fresh[s.name] = self._empty(s)
        for t in range(self.world.size(axis)):
            here = self.world.seen({axis: (t, t + 1)})
            for s in step.statements:
                self._fill(s, here, axis, t)
        for s in step.statements:
            if isinstance(s, Site):
                self._verify(s, self.world.names[s.name])

    def _empty(self, s: Statement) -> Named:
        assert isinstance(s, Site | Derived)
        return Named(np.full((self.draws, *(self.world.size(a) for a in s.axes)), np.nan), s.axes)

    def _fill(self, s: Statement, here: World, axis: str, t: int) -> None:
        assert isinstance(s, Site | Derived)
        at = (slice(None),) * (1 + s.axes.index(axis)) + (slice(t, t + 1),)
        known = self.given.get(s.name)
        mask = None if known is None else np.ones(1, bool) if known.known is None else known.known[at[1:]]
        sure = mask is not None and bool(mask.all())
        target = self.world.names[s.name].values
        if known is not None:
            target[at] = aligned(known.values, s.axes)[at]
        if isinstance(s, Site) and (not sure or s.name in self.replicated):
            x = self._drawn(s, here).values
            if s.name in self.replicated:
                self.fresh[s.name].values[at] = x
            target[at] = _merged(mask, target[at], x)
        elif not sure:
            assert isinstance(s, Derived)
            target[at] = _merged(mask, target[at], aligned(counted(evaluate(s.value, here)), s.axes))


def _merged(mask: Array | None, known: Array, drawn: Array) -> Array:
    return drawn if mask is None or not mask.any() else np.asarray(np.where(mask, known, drawn))

"""Discrete unknowns summed out of the densities that they reach: tables added up over levels, chains over paths."""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ppl.emit.lower import Lowering, back, kernel
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.rewrite.order import OWN, Elimination, Step, Ways, after, positions, schedule
from ppl.source.diagnostic import Bug
from ppl.stdlib.primitives import PRIMITIVES


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of the log density: `value` for each position of `axes`."""

    name: str
    value: Val
    axes: tuple[str, ...]


Reading = tuple[Term, Ways]


def is_level(axis: str) -> bool:
    """Whether an axis holds the levels of an unknown: `z?`, or `z?1` one step back."""
    return "?" in axis


@dataclass(frozen=True, slots=True)
class Chain:
    """The log potentials of chains summed out as one: `unary` over the plates, the axis `along` and the levels, `pair`
    over those with the levels before; where `same`, one pair potential serves all positions."""

    step: Step
    unary: Val
    pair: Val
    same: bool

    @property
    def name(self) -> str:
        return " ".join(self.step.names)

    @property
    def alone(self) -> bool:
        """Whether no other unknown decides what the potentials are."""
        own = _levels_of(self.step)
        return not any(is_level(a) and a not in own for v in (self.unary, self.pair) for a in v.axes)

    @property
    def table(self) -> tuple[str, ...]:
        """The axes of what its forward pass keeps."""
        return tuple(dict.fromkeys((self.step.along, *self.unary.axes, *self.pair.axes)))

    def unary_axes(self, plates: tuple[str, ...]) -> tuple[str, ...]:
        return (*plates, self.step.along, *_own(self.step))

    def pair_axes(self, plates: tuple[str, ...]) -> tuple[str, ...]:
        return (*plates, *(() if self.same else (self.step.along,)), *_before(self.step), *_own(self.step))


def summed_out(
    s: Lowering, found: Sequence[Elimination], readings: Iterable[Reading]
) -> tuple[list[Reading], list[Chain]]:
    """The densities that are left when the unknowns are summed out one step after the other, and how each reads them;
    and the chains that there were. `readings` are densities with how each of them reads the unknowns."""
    pending, chains = list(readings), list[Chain]()
    axes = {e.name: e.axes for e in found}
    steps, stuck = schedule(found)
    if stuck:
        raise Bug(f"no order of summation: {stuck}")
    for step in steps:
        touched = [(t, _complete(t, ways, step)) for t, ways in pending if _levels_of(step) & set(t.value.axes)]
        pending = [(t, ways) for t, ways in pending if not _levels_of(step) & set(t.value.axes)]
        parts = [_to_plate(s, t, ways, step) for t, ways in touched]
        left = after(step, [ways for _, ways in touched], axes)
        if isinstance(left, str):
            raise Bug(f"`{left}` is in the way")
        if step.along:
            chains.append(_chain(s.b, step, parts))
            value = _paths(s.b, chains[-1])
        else:
            value = s.b.reduce("logsumexp", s.b.total(parts), _own(step)[0])
        pending.append((Term(" ".join(step.names), value, s.b.sorted(step.left)), dict(left)))
    return pending, chains


def _at(name: str, steps: int) -> str:
    """The axis of the levels some steps back."""
    return back(f"{name}?", steps) if steps else f"{name}?"


def _own(step: Step) -> tuple[str, ...]:
    """The levels that make a state: of a chain that is read several positions back, those before as well."""
    return tuple(_at(name, k) for name in step.names for k in range(step.memory if step.along else 1))


def _before(step: Step) -> tuple[str, ...]:
    """The levels of the state before: all but the last of them are levels of this one too, on axes of their own."""
    shared = range(1, step.memory)
    return tuple(a for n in step.names for a in (*(_at(n, k) + "'" for k in shared), _at(n, step.memory)))


def _levels_of(step: Step) -> set[str]:
    back = range(1, step.memory + 1) if step.along else ()
    return {_at(name, k) for name in step.names for k in (0, *back)}


def _complete(t: Term, ways: Ways, step: Step) -> Ways:
    """How a density reads the unknowns; one that has only come to depend on a member reads its own position."""
    reach = range(step.memory + 1)
    return {**{n: OWN for n in step.names if {_at(n, k) for k in reach} & set(t.value.axes)}, **ways}


def _to_plate(s: Lowering, t: Term, ways: Ways, step: Step) -> Val:
    """A density summed down to the plate of the unknowns: over its other axes, or by the index through which it reads
    them. Axes that are not its own, of levels or of places that are tried, stay."""
    b, kept = s.b, [a for a in t.value.axes if is_level(a) or a not in t.axes]
    way = next(ways[n] for n in step.names if n in ways)
    if way.index is None:
        return b.sum(t.value, {a for a in (*t.axes, *t.value.axes) if a not in step.axes and a not in kept})
    index = {axis: s.expr(e) for axis, e in positions(way.index, step.axes).items()}
    read = {a for i in index.values() for a in i.axes}
    own = b.sum(t.value, {a for a in (*t.axes, *t.value.axes) if a not in read and a not in kept})
    return b.segment(b.tap(own, (*read, *kept), "broadcast"), index, tuple(kept))


# ---- chains ------------------------------------------------------------------------------------------------------


def _paths(b: Builder, chain: Chain) -> Val:
    """The sum over all paths."""
    events = chain.unary_axes(()), chain.pair_axes(())
    row = f"chain{'_same' if chain.same else ''}{len(_own(chain.step))}"
    return kernel(b, row, (chain.unary, chain.pair), events, ())


def _chain(b: Builder, step: Step, parts: Sequence[Val]) -> Chain:
    """What reads the position before is taken apart: at the first position nothing comes before, and from the second on
    it often is the same at all of them."""
    along, last = step.along, {_at(n, step.memory) for n in step.names}
    back_there = tuple(_at(n, k) for n in step.names for k in range(1, step.memory + 1))
    unary = [v for v in parts if not set(back_there) & set(v.axes)]
    shared = [v for v in parts if set(back_there) & set(v.axes) and not last & set(v.axes)]
    pairs = [v for v in parts if last & set(v.axes)]
    later = b.total((*(_from_second(b, v, along) for v in pairs), *_same_levels(b, step)))
    first = b.total((*(_at_first(b, v, along, back_there) for v in (*shared, *pairs)), *_no_levels(b, step)))
    is_first = b.apply("eq", b.arange(along, 1), b.lit(1.0))
    rest = b.total(_from_second(b, v, along) for v in shared)
    here = b.add(b.total(unary), b.apply("where", is_first, first, rest))
    bare = Chain(step, here, later, along not in later.axes)
    return replace(bare, unary=_per_draw(b, here, bare.unary_axes(())), pair=_per_draw(b, later, bare.pair_axes(())))


def _same_levels(b: Builder, step: Step) -> Iterator[Val]:
    """What one state says of the levels before is what the state before says."""
    for n in step.names:
        for k in range(1, step.memory):
            same = b.apply("eq", b.arange(_at(n, k)), b.arange(_at(n, k) + "'"))
            yield b.apply("where", same, b.lit(0.0), b.lit(-INF))


def _no_levels(b: Builder, step: Step) -> Iterator[Val]:
    """Nothing is said of the levels before the first position: one of them stands for all."""
    for n in step.names:
        for k in range(1, step.memory):
            yield b.apply("where", b.apply("eq", b.arange(_at(n, k)), b.lit(0.0)), b.lit(0.0), b.lit(-INF))


def _per_draw(b: Builder, v: Val, axes: tuple[str, ...]) -> Val:
    """The value with all its axes, and with the draws: the probabilities of states differ between them."""
    every = b.sorted((*v.axes, *axes))
    return v if v.batch and v.axes == every else b.node("ones_like", (v,), axes, every, batch=True)


def _at_first(b: Builder, v: Val, along: str, before: Iterable[str]) -> Val:
    """A value for the first position, where it does not depend on a position before."""
    v = _decided(b, v, along, 1.0)
    for axis in before:
        v = b.gather(v, axis, b.lit(0.0))
    return v


def _from_second(b: Builder, v: Val, along: str) -> Val:
    """A value for all positions but the first."""
    return _decided(b, v, along, 2.0)


def _decided(b: Builder, v: Val, along: str, place: float) -> Val:
    """A value in which tests of the position are decided: at the first position (1), or for all from the second on (2);
    those that are still open stay."""
    if along not in v.axes or v.op not in PRIMITIVES:
        return v
    if v.op == "where" and (truth := _truth(v.args[0], along, place)) is not None:
        return _decided(b, v.args[1 if truth else 2], along, place)
    args = tuple(_decided(b, a, along, place) for a in v.args)
    return v if all(x is y for x, y in zip(args, v.args, strict=True)) else b.apply(v.op, *args)


def _truth(test: Val, along: str, place: float) -> bool | None:
    """Whether a test of the position against a number holds at the first one, or at all others; None if that varies."""
    if test.op not in _TESTS or sorted(a.op for a in test.args) != ["arange", "lit"]:
        return None
    position = next(a for a in test.args if a.op == "arange")
    if position.axes != (along,) or position.attrs[1] != 1:
        return None
    bound = next(float(str(a.attrs[0])) for a in test.args if a.op == "lit")
    # all whole numbers between the first position that counts and one beyond the bound look alike from there on
    places = [1.0] if place == 1.0 else [place, *(bound + d for d in (-1.0, 0.0, 1.0) if bound + d >= place), INF]
    found = {_TESTS[test.op](*(x if a is position else bound for a in test.args)) for x in places}
    return found.pop() if len(found) == 1 else None


INF = float("inf")
_TESTS: Mapping[str, Callable[[float, float], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
}  # fmt: skip


def readings_of(terms: Iterable[Term], found: Mapping[str, Elimination]) -> list[Reading]:
    """Densities, with how each reads the unknowns that are summed out."""
    ways = {name: e.by_term for name, e in found.items()}
    return [(t, {z: w[t.name] for z, w in ways.items() if t.name in w}) for t in terms]

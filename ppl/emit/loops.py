"""Loops along an axis, as values: what is computed at every step, from what was computed at the steps before.

A loop is one value (`loop`), with one more (`outcome`) for the array of each of its states. Its body is made of values
as well: written first as if all positions stood side by side, with a leaf (`past`) for each read of an earlier
position. What does not depend on these leaves stays outside, computed for all positions at once; the rest loses the
axis and becomes the body, in which `cell` stands for one position of an array outside."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ppl.emit.reach import below
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.source.diagnostic import Bug
from ppl.stdlib.primitives import PRIMITIVES

# What looks at more than one step at once: no recursion that passes the checks has it between one step and the next.
WHOLE = frozenset("loop outcome schedule ode ode_grad cut uncut centred".split())


@dataclass(frozen=True, slots=True)
class State:
    """What a loop computes at every step: the axes it has there, and how many steps back it is read at most. A state
    that is `kept` becomes an array."""

    name: str
    axes: tuple[str, ...]
    reach: int
    kept: bool = True


@dataclass(frozen=True, slots=True)
class Past:
    """A read of state `state`, `back` steps before: the leaf with the axis of the loop, and the one of the body."""

    state: int
    back: int
    leaf: Val
    cell: Val


@dataclass(frozen=True, slots=True)
class Body:
    """One step, for the positions from `first` on to before `end` (from 0; to the last where `end` is None): the new
    value of each state (None where it gets none) in the loop, and as it stands for all positions side by side."""

    first: int
    end: int | None
    values: tuple[Val | None, ...]
    whole: tuple[Val | None, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop along `axis`, upwards or `backwards`. Its value has as arguments the arrays of `inputs`, of which each
    step reads its position, then those of `constants`, then, upwards, the states at the first position."""

    axis: str
    backwards: bool
    states: tuple[State, ...]
    past: tuple[Past, ...]
    bodies: tuple[Body, ...]
    inputs: tuple[Val, ...]
    constants: tuple[Val, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Positions, and the values of the states along them, all side by side."""

    first: int
    end: int | None
    values: tuple[Val | None, ...]


def loop(
    b: Builder,
    axis: str,
    states: Sequence[State],
    past: Sequence[tuple[int, int, Val]],
    spans: Sequence[Span],
    heads: Sequence[Val] = (),
    backwards: bool = False,
    batch: bool = True,
    stage: int = 1,
) -> Val:
    """The loop whose steps compute `spans`; `past` are the leaves (state, steps back, leaf). The value itself has no
    axes; see `outcome`. `batch` says whether its states have draws, `stage` when it can be computed."""
    reads = tuple(Past(i, k, leaf, _cell(b, leaf, axis)) for i, k, leaf in past)
    inner = Inner(b, axis, {p.leaf: p.cell for p in reads})
    bodies = tuple(
        Body(s.first, s.end, tuple(None if v is None else inner.of(v) for v in s.values), s.values) for s in spans
    )
    made = Loop(
        axis, backwards, tuple(states), reads, bodies, tuple(inner.inputs.values()), tuple(inner.constants.values())
    )
    return b.node("loop", (*inner.inputs, *inner.constants, *heads), (made,), batch=batch, stage=stage)


def loop_of(v: Val) -> Loop:
    """What the value of a loop consists of."""
    found = v.attrs[0]
    assert isinstance(found, Loop)
    return found


def outcome(b: Builder, v: Val, i: int) -> Val:
    """All positions of a state of a loop."""
    made = loop_of(v)
    return b.node("outcome", (v,), (i,), (*made.states[i].axes, made.axis))


def positions_between(b: Builder, axis: str, first: int, end: int | None) -> Val:
    """Whether a position (from 0) is one of those from `first` on to before `end`."""
    at = b.arange(axis)
    inside = b.apply("ge", at, b.lit(float(first)))
    return inside if end is None else b.apply("and", inside, b.apply("lt", at, b.lit(float(end))))


def _cell(b: Builder, outside: Val, axis: str) -> Val:
    """What stands for one position of an array outside the loop, or for a value that is the same at all of them."""
    axes = tuple(a for a in outside.axes if a != axis)
    return b.node("cell", (), (outside.order,), axes, batch=outside.batch, stage=1)


# ---- the body ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Inner:
    """Values without the axis of the loop. `leaves` are what depends on the step; what does not becomes an input, if
    it has the axis, or else a constant."""

    b: Builder
    axis: str
    leaves: Mapping[Val, Val]
    inputs: dict[Val, Val] = field(default_factory=dict)
    constants: dict[Val, Val] = field(default_factory=dict)
    known: dict[Val, Val] = field(default_factory=dict)
    moving: dict[Val, bool] = field(default_factory=dict)

    def of(self, root: Val) -> Val:
        """What a value is at one step."""
        inside = {v for v in below(root, self._moves) if self._moves(v)}
        for v in sorted(inside, key=lambda x: x.order):
            if v not in self.known:
                self.known[v] = self.leaves[v] if v in self.leaves else self._step(v)
        return self._arg(root)

    def _moves(self, root: Val) -> bool:
        """Whether a value depends on what earlier steps have computed."""
        stack = [root]
        while stack:
            v = stack[-1]
            if v in self.moving:
                stack.pop()
            elif waiting := [a for a in v.args if a not in self.moving]:
                stack.extend(waiting)
            else:
                self.moving[v] = v in self.leaves or any(self.moving[a] for a in v.args)
                stack.pop()
        return self.moving[root]

    def _arg(self, v: Val) -> Val:
        if v in self.known or v.op == "lit":
            return self.known.get(v, v)
        group = self.inputs if self.axis in v.axes else self.constants
        return group.setdefault(v, _cell(self.b, v, self.axis))

    def _step(self, v: Val) -> Val:
        match v.op:
            case op if op in PRIMITIVES:
                return self._elementwise(v)
            case "gather" | "scatter":
                return self._looked_up(v)
            case "kernel_grad":
                return self._made(v, (self._anew(v.args[0]), self._arg(v.args[1])))
            case "tap":
                return self._made(v, (self._arg(v.args[0]),), (v.attrs[0], *(a for a in v.attrs[1:] if a != self.axis)))
            case op if op in WHOLE or (self.axis in v.attrs and op not in ("plan", "flat")):
                raise Bug(f"a step of a loop along `{self.axis}` has `{op}` in it")
            case _:
                return self._made(v, tuple(self._arg(a) for a in v.args))

    def _elementwise(self, v: Val) -> Val:
        """Of a sum or a product of several, what is known before the loop is put together outside."""
        if v.op in ("mul", "div"):
            return self._product(v)
        if v.op in ("add", "sub"):
            terms = list(_summands(v, self._moves))
            fixed = [t for t in terms if not self._moves(t[1])]
            if len(fixed) > 1:
                outside = self._arg(_added(self.b, fixed))
                return _added(self.b, [(1, outside), *((s, self.known[x]) for s, x in terms if self._moves(x))])
        return self.b.apply(v.op, *(self._arg(a) for a in v.args))

    def _product(self, v: Val) -> Val:
        factors = list(_factors(v, self._moves))
        fixed = [f for f in factors if not self._moves(f[1])]
        outside = _multiplied(self.b, fixed)
        if len(fixed) < 2 or not (
            self.axis not in outside.axes or any(set(f.axes) == set(outside.axes) for _, f in fixed)
        ):
            return self.b.apply(v.op, *(self._arg(a) for a in v.args))
        moving = [(power, self.known[f]) for power, f in factors if self._moves(f)]
        return _multiplied(self.b, [(1, self._arg(outside)), *moving])

    def _made(self, v: Val, args: tuple[Val, ...], attrs: tuple[object, ...] | None = None) -> Val:
        axes = (a for a in v.axes if a != self.axis)
        return self.b.node(v.op, args, v.attrs if attrs is None else attrs, axes, batch=v.batch)

    def _anew(self, v: Val) -> Val:
        """A kernel computed in the loop, whatever it depends on: its gradient asks for what the forward pass kept."""
        if v not in self.known:
            self.known[v] = self._made(v, tuple(self._arg(a) for a in v.args))
        return self.known[v]

    def _looked_up(self, v: Val) -> Val:
        """Entries along another axis at given positions, and the sum of what was taken there."""
        b, flat, value = self.b, v.args[1].args[0], self._arg(v.args[0])
        if flat.op != "flat" or len(flat.args) > 1 or flat.attrs[0] == self.axis:
            raise Bug(f"a look-up along the axis `{self.axis}` of a loop")
        axis, index = str(flat.attrs[0]), flat.args[0]
        if self.axis in index.axes:
            return self._selected(v, value, axis, self._arg(index))
        if v.op == "gather":
            return b.gather(value, axis, index)
        source = tuple(a for a in v.axes if a != self.axis)
        places = b.node("flat", (index,), (axis, *source), (*(a for a in source if a != axis), *index.axes))
        return b.scatter(value, b.node("plan", (index if source == (axis,) else places,), source, places.axes))

    def _selected(self, v: Val, value: Val, axis: str, at: Val) -> Val:
        """The same where the position changes from step to step."""
        b = self.b
        if v.op == "gather":
            return b.selected(value, axis, at)
        here = b.apply("where", b.apply("eq", at, b.arange(axis)), value, b.lit(0.0))
        return b.sum(here, tuple(a for a in at.axes if a not in v.axes))


def _summands(v: Val, moves: Callable[[Val], bool], sign: int = 1) -> Iterable[tuple[int, Val]]:
    """The summands of a sum, each with its sign; sums that do not move stay together."""
    if v.op in ("add", "sub") and moves(v):
        yield from _summands(v.args[0], moves, sign)
        yield from _summands(v.args[1], moves, sign if v.op == "add" else -sign)
    else:
        yield sign, v


def _added(b: Builder, terms: Sequence[tuple[int, Val]]) -> Val:
    total = b.lit(0.0)
    for sign, v in terms:
        total = b.add(total, v) if sign > 0 else b.sub(total, v)
    return total


def _factors(v: Val, moves: Callable[[Val], bool], power: int = 1) -> Iterable[tuple[int, Val]]:
    """The factors of a product, those of a denominator with the power -1; products that do not move stay together."""
    if v.op in ("mul", "div") and moves(v):
        yield from _factors(v.args[0], moves, power)
        yield from _factors(v.args[1], moves, power if v.op == "mul" else -power)
    else:
        yield power, v


def _multiplied(b: Builder, factors: Sequence[tuple[int, Val]]) -> Val:
    total = b.lit(1.0)
    for power, v in sorted(factors, key=lambda f: -f[0]):
        total = b.mul(total, v) if power > 0 else b.apply("div", total, v)
    return total

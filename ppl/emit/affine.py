"""Recursions that are affine in their own past, y[t] = c[t] y[t - 1] + b[t]: no loop over all positions is needed, for
stretches of them can be computed side by side and put together (Blelloch, Prefix sums and their applications, 1990)."""

from collections.abc import Sequence

from ppl.emit.loops import Span, positions_between
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.stdlib.primitives import PRIMITIVES

Parts = tuple[Val, Val]
# Each position of what these give depends on that position of the argument alone.
PLAIN = frozenset(("tap", "real", "attach", "stop"))


def affine(b: Builder, c: Val, rest: Val, axis: str, backwards: bool = False) -> Val:
    """y[t] = c[t] y[t - 1] + rest[t], the first being rest; backwards, y[t] = c[t + 1] y[t + 1] + rest[t]."""
    c, rest = b.spread(c, axis), b.spread(rest, axis)
    return b.node("affine", (c, rest), (axis, backwards), (*c.axes, *rest.axes))


def affine_steps(b: Builder, axis: str, leaf: Val, spans: Sequence[Span], head: Val) -> Val | None:
    """The recursion whose steps are `spans`, if each is affine in the one value `leaf` of the step before."""
    slope, rest = b.lit(0.0), head
    for span in spans:
        assert span.values[0] is not None
        parts = _linear(b, span.values[0], leaf, {})
        if parts is None:
            return None
        here = positions_between(b, axis, span.first, span.end)
        slope, rest = (b.apply("where", here, new, old) for new, old in zip(parts, (slope, rest), strict=True))
    return affine(b, slope, rest, axis)


def _linear(b: Builder, v: Val, leaf: Val, known: dict[Val, Parts | None]) -> Parts | None:
    """Slope and rest of a value that is affine in a leaf; None where it is not."""
    if v not in known:
        known[v] = (b.lit(1.0), b.lit(0.0)) if v is leaf else _combined(b, v, leaf, known)
    return known[v]


def _combined(b: Builder, v: Val, leaf: Val, known: dict[Val, Parts | None]) -> Parts | None:
    found = [_linear(b, a, leaf, known) for a in v.args]
    if any(p is None for p in found):
        return None
    parts = [p for p in found if p is not None]
    moves = [not (slope.op == "lit" and slope.attrs[0] == 0.0) for slope, _ in parts]
    if not any(moves):
        return b.lit(0.0), v
    match v.op, moves:
        case (("add" | "sub" | "neg"), _):
            slope, rest = (b.apply(v.op, *(p[i] for p in parts)) for i in (0, 1))
        case ("mul", [True, False]) | ("div", [True, False]):
            slope, rest = (b.apply(v.op, p, v.args[1]) for p in parts[0])
        case "mul", [False, True]:
            slope, rest = (b.mul(v.args[0], p) for p in parts[1])
        case "where", [False, _, _]:
            slope, rest = (b.apply("where", v.args[0], parts[1][i], parts[2][i]) for i in (0, 1))
        case _:
            return None
    return slope, rest


def is_elementwise(v: Val) -> bool:
    """Whether each position of a value depends on that position of its arguments alone."""
    return v.op in PRIMITIVES or v.op in PLAIN

"""The expectation over both answers to a comparison, with each answer put in its place: where the test is known,
branches that are not taken are never computed, and sums over rows turn into products with columns of data."""

from collections import Counter
from collections.abc import Callable, Iterator

from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.stdlib.primitives import PRIMITIVES

Summand = tuple[int, Val]


def averaged(b: Builder, cost: Val, test: Val, chances: tuple[Val, Val]) -> Val | None:
    """chances[0] times the cost with the test false, plus chances[1] times that with it true; None where the test is
    read in a way that cannot be decided. Summand by summand: what both answers share needs no probability, and what
    does not vary over the rows can leave their sum."""
    no, yes = (decided(b, cost, test, answer) for answer in (0.0, 1.0))
    if no is None or yes is None:
        return None
    first, second = Counter(_summands(no)), Counter(_summands(yes))
    shared = first & second
    alone = [b.mul(p, v) if s > 0 else b.neg(b.mul(p, v)) for p, own in zip(chances, (first, second), strict=True)
             for s, v in (own - shared).elements()]  # fmt: skip
    return b.total([*(v if s > 0 else b.neg(v) for s, v in shared.elements()), *alone])


def _summands(v: Val, sign: int = 1) -> Iterator[Summand]:
    """The summands of a value, each with its sign."""
    match v.op:
        case "add" | "sub":
            yield from _summands(v.args[0], sign)
            yield from _summands(v.args[1], sign if v.op == "add" else -sign)
        case "neg":
            yield from _summands(v.args[0], -sign)
        case _:
            yield sign, v


def decided(b: Builder, root: Val, test: Val, answer: float) -> Val | None:
    """The value with a number in the place of a test, built anew as far as it depends on it."""
    known: dict[Val, Val | None] = {test: b.lit(answer)}
    stack = [root]
    while stack:
        v = stack[-1]
        if v in known:
            stack.pop()
        elif waiting := [a for a in v.args if a not in known and a.order > test.order]:
            stack.extend(waiting)
        else:
            new = tuple(known.get(a, a) for a in v.args)
            known[v] = v if new == v.args else _rebuilt(b, v, new)
            stack.pop()
    return known[root]


def _rebuilt(b: Builder, v: Val, args: tuple[Val | None, ...]) -> Val | None:
    given = tuple(a for a in args if a is not None)
    if len(given) < len(args):
        return None
    if v.op in PRIMITIVES:
        return b.apply(v.op, *given)
    rule = _REBUILD.get(v.op)
    return None if rule is None else rule(b, v, given)


def _names(v: Val) -> tuple[str, ...]:
    return tuple(str(a) for a in v.attrs)


_REBUILD: dict[str, Callable[[Builder, Val, tuple[Val, ...]], Val]] = {
    "sum": lambda b, v, args: b.sum(args[0], _names(v)),
    "dot": lambda b, v, args: b.sum(b.mul(*args), _names(v)),
    "real": lambda b, v, args: args[0] if args[0].op == "lit" else b.node("real", args, (), args[0].axes),
    "stop": lambda b, v, args: args[0] if args[0].op == "lit" else b.node("stop", args, (), args[0].axes),
}

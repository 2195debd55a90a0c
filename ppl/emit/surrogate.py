"""The scalar whose gradient is the estimator: costs along the path, plus score terms with the costs they answer for.

Schulman, Heess, Weber & Abbeel (NeurIPS 2015): the gradient of E[sum of costs] is that of the costs along
differentiable paths, plus, for every score node, its score times the costs that depend on it. Which costs depend on a
node is read off the values themselves, so control flow counts as data flow does. A cost is summed down to the axes
along which position i of it depends on position i of the node alone, and never across (Ranganath, Gerrish & Blei,
AISTATS 2014); the baseline is the mean cost of the other draws (Kool, van Hoof & Welling, 2019)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce

from ppl.emit.loops import loop_of
from ppl.emit.reach import below
from ppl.emit.val import KernelCall, Val
from ppl.emit.values import Builder
from ppl.stdlib.primitives import PRIMITIVES

PLAIN = frozenset(("tap", "ones_like", "real", "stop", "attach", "quantile", "stack", "centred", "concat"))


@dataclass(frozen=True, slots=True)
class ScoreNode:
    """A draw through which no gradient flows, and its log density for each position of its own axes."""

    name: str
    draw: Val
    log_q: Val


@dataclass(frozen=True, slots=True)
class Ways:
    """How a value depends on another: `own` are the axes along which each of its positions depends on that position
    alone, `later` those along which it depends on that position and the ones before."""

    own: frozenset[str]
    later: frozenset[str] = frozenset()


def alignment(target: Val, source: Val) -> frozenset[str] | None:
    """The axes of `source` along which each position of `target` depends on that position of it alone; None where the
    target does not depend on it."""
    found = ways(target, source)
    return None if found is None else found.own


def ways(target: Val, source: Val) -> Ways | None:
    """How a value depends on a draw; None where it does not. The draws of a loop go into all that the loop computes at
    the same position and at later ones."""
    start, known = source, dict[Val, Ways | None]({source: Ways(frozenset(source.axes))})
    if source.op == "outcome":
        start = source.args[0]
        known = {start: _passed(Ways(frozenset(source.axes)), start)}
    stack = [target]
    while stack:
        v = stack[-1]
        if v in known:
            stack.pop()
        elif waiting := [a for a in v.args if a not in known and a.order > start.order]:
            stack.extend(waiting)
        else:
            every = [w for a in v.args if (w := known.get(a)) is not None]
            known[v] = _passed(_joined(every), v) if every else None
            stack.pop()
    return known[target]


def _joined(every: list[Ways]) -> Ways:
    own = frozenset.intersection(*(w.own for w in every))
    return Ways(own, frozenset.intersection(*(w.own | w.later for w in every)) - own)


def _passed(way: Ways, v: Val) -> Ways:
    """How the result of an operation depends on what its arguments depend on in a way."""
    mixed, causal = _mixed(v)
    if mixed is None:
        return Ways(frozenset())
    return Ways(way.own - mixed - causal, (way.later | way.own & causal) - mixed)


NONE: frozenset[str] = frozenset()


def _mixed(v: Val) -> tuple[frozenset[str] | None, frozenset[str]]:
    """The axes whose positions an operation mixes, None standing for all of them; and those along which a position gets
    the ones before it too."""
    if v.op in PRIMITIVES or v.op in PLAIN:
        return NONE, NONE
    match v.op:
        case "sum" | "max" | "min" | "prod" | "argmax" | "logsumexp" | "dot":
            return frozenset(str(a) for a in v.attrs), NONE
        case "cumsum" if not v.attrs[1]:
            return NONE, frozenset((str(v.attrs[0]),))
        case "cumsum" | "rename" | "pad":
            return frozenset((str(v.attrs[0]),)), NONE
        case "gather":
            flat = v.args[1].args[0]
            axis = frozenset((str(flat.attrs[0]) if flat.op == "flat" else v.args[0].axes[0],))
            index = flat.args[0] if flat.op == "flat" else flat
            return (NONE, axis) if index.op == "lag" and index.axes == tuple(axis) else (axis, NONE)
        case "kernel" | "kernel_grad":
            call = v.attrs[0] if v.op == "kernel" else v.args[0].attrs[0]
            assert isinstance(call, KernelCall)
            return frozenset(a for event in (*call.events, call.out) for a in event), NONE
        case "affine" if not v.attrs[1]:
            return NONE, frozenset((str(v.attrs[0]),))
        case "loop" if not loop_of(v).backwards:
            return _mixed_inside(v), frozenset((loop_of(v).axis,))
        case "outcome":
            return NONE, NONE
        case _:
            return None, NONE


def _mixed_inside(v: Val) -> frozenset[str] | None:
    """The axes that the steps of a loop mix."""
    roots = [x for body in loop_of(v).bodies for x in body.values if x is not None]
    found = [_mixed(x)[0] for root in roots for x in below(root, lambda a: True) if x.args]
    return None if any(m is None for m in found) else NONE.union(*(m for m in found if m is not None))


def cost_of(b: Builder, draw: Val, costs: Iterable[Val], apart: str = "") -> Val:
    """The costs that depend on a draw, each summed down to the axes that it shares with it, position by position; along
    an axis along which it is the later ones that do, each position answers for its own and those behind. The positions
    along `apart` are draws of their own."""
    parts = []
    for cost in costs:
        for c in _summands(b, cost):
            way = ways(c, draw)
            if way is not None:
                later = [a for a in draw.axes if a in way.later and a in c.axes]
                kept = tuple(a for a in draw.axes if a in way.own or a in later or a == apart)
                parts.append(reduce(lambda v, a: _from_here_on(b, v, a), later, b.sum_to(c, kept)))
    return b.total(parts)


def _from_here_on(b: Builder, v: Val, axis: str) -> Val:
    return b.node("cumsum", (v,), (axis, True), v.axes)


def _summands(b: Builder, cost: Val) -> Iterator[Val]:
    """Parts whose sums over all their axes add up to that of a cost: sums over axes are taken apart."""
    match cost.op:
        case "add" | "sub" if cost.args[0].axes == cost.args[1].axes:
            yield from _summands(b, cost.args[0])
            yield from (b.neg(c) if cost.op == "sub" else c for c in _summands(b, cost.args[1]))
        case "neg":
            yield from (b.neg(c) for c in _summands(b, cost.args[0]))
        case "sum":
            yield from _summands(b, cost.args[0])
        case "dot":
            yield b.mul(*cost.args)
        case "mul" if any(_is_sum(a) for a in cost.args):
            whole, factor = sorted(cost.args, key=_is_sum, reverse=True)
            yield from (b.mul(factor, c) for c in _summands(b, whole))
        case "div" if _is_sum(cost.args[0]):
            yield from (b.apply("div", c, cost.args[1]) for c in _summands(b, cost.args[0]))
        case _:
            yield cost


def _is_sum(v: Val) -> bool:
    return v.op in ("add", "sub", "neg", "sum", "dot", "mul", "div") and not v.axes and v.batch


def surrogate(b: Builder, costs: Iterable[Val], nodes: Iterable[ScoreNode], baselines: Mapping[str, str]) -> Val:
    """One number for each draw, whose gradient is the estimate. `baselines` may say `none` for a node."""
    every = list(costs)
    parts = [b.sum(c, c.axes) for c in every]
    for node in nodes:
        cost = cost_of(b, node.draw, every)
        if not cost.batch:
            continue
        if baselines.get(node.name) != "none":
            cost = b.node("centred", (cost,), (), cost.axes)
        weighted = b.mul(b.node("stop", (cost,), (), cost.axes), node.log_q)
        parts.append(b.sum(weighted, weighted.axes))
    return b.total(parts)

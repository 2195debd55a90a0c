"""The scalar whose gradient is the estimator: costs along the path, plus score terms with the costs they answer for.

Schulman, Heess, Weber & Abbeel (NeurIPS 2015): the gradient of E[sum of costs] is that of the costs along
differentiable paths, plus, for every score node, its score times the costs that depend on it. Which costs depend on a
node is read off the values themselves, so control flow counts as data flow does. A cost is summed down to the axes
along which position i of it depends on position i of the node alone, and never across (Ranganath, Gerrish & Blei,
AISTATS 2014); the baseline is the mean cost of the other draws (Kool, van Hoof & Welling, 2019)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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

    @property
    def unknown(self) -> str:
        """The unknown that is drawn, of which this may be one position (`name@3`)."""
        return self.name.split("@", maxsplit=1)[0]


def alignment(target: Val, source: Val) -> frozenset[str] | None:
    """The axes of `source` along which each position of `target` depends on that position of it alone; None where the
    target does not depend on it."""
    known: dict[Val, frozenset[str] | None] = {source: frozenset(source.axes)}
    stack = [target]
    while stack:
        v = stack[-1]
        if v in known:
            stack.pop()
        elif waiting := [a for a in v.args if a not in known and a.order > source.order]:
            stack.extend(waiting)
        else:
            ways = [known[a] for a in v.args if known.get(a) is not None]
            known[v] = _joined([w for w in ways if w is not None], _mixed(v)) if ways else None
            stack.pop()
    return known[target]


def _joined(ways: list[frozenset[str]], mixed: frozenset[str] | None) -> frozenset[str]:
    shared = frozenset.intersection(*ways)
    return frozenset() if mixed is None else shared - mixed


def _mixed(v: Val) -> frozenset[str] | None:
    """The axes whose positions an operation mixes; None stands for all of them."""
    if v.op in PRIMITIVES or v.op in PLAIN:
        return frozenset()
    match v.op:
        case "sum" | "max" | "min" | "prod" | "argmax" | "logsumexp" | "dot":
            return frozenset(str(a) for a in v.attrs)
        case "cumsum" | "rename" | "pad":
            return frozenset((str(v.attrs[0]),))
        case "gather":
            flat = v.args[1].args[0]
            return frozenset((str(flat.attrs[0]) if flat.op == "flat" else v.args[0].axes[0],))
        case "cut" | "uncut":
            return frozenset((str(v.attrs[0]), *v.attrs[2]))  # type: ignore[misc]
        case "kernel" | "kernel_grad":
            call = v.attrs[0] if v.op == "kernel" else v.args[0].attrs[0]
            assert isinstance(call, KernelCall)
            return frozenset(a for event in (*call.events, call.out) for a in event)
        case _:
            return None


def cost_of(b: Builder, draw: Val, costs: Iterable[Val], apart: str = "") -> Val:
    """The costs that depend on a draw, each summed down to the axes that it shares with it, position by position. The
    positions along `apart` are draws of their own."""
    parts = []
    for cost in costs:
        shared = alignment(cost, draw)
        if shared is not None:
            parts.append(b.sum_to(cost, tuple(a for a in draw.axes if a in shared or a == apart)))
    return b.total(parts)


def surrogate(b: Builder, costs: Iterable[Val], nodes: Iterable[ScoreNode], baselines: Mapping[str, str]) -> Val:
    """One number for each draw, whose gradient is the estimate. `baselines` may say `none` for a node."""
    every = list(costs)
    parts = [b.sum(c, c.axes) for c in every]
    for node in nodes:
        cost = cost_of(b, node.draw, every)
        if not cost.batch:
            continue
        if baselines.get(node.unknown) != "none":
            cost = b.node("centred", (cost,), (), cost.axes)
        weighted = b.mul(b.node("stop", (cost,), (), cost.axes), node.log_q)
        parts.append(b.sum(weighted, weighted.axes))
    return b.total(parts)

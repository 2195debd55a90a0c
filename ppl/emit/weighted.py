"""Bounds that weigh draws by their importance: their values, and the surrogates of their gradients.

Rows of a call come in groups of `count` draws. Where all that is drawn belongs to the positions of a plate, weights are
taken for each position: the sum of the bounds of the positions is tighter than the bound of the whole.

With normalised weights v of w^(1 - a), the gradient is sum v_k d log w_k: the draws' own, exact at fixed noise. The
doubly reparameterised one (Tucker, Lawson, Gu & Maddison, ICLR 2019, for every order) replaces what log q contributes
besides the path: with all draws along paths, E sum v_k d log q(z_k) = E sum (1 - a) v_k (1 - v_k) path_k, where path_k
is the derivative of log w_k through the draw alone, so that the guide's part is sum (a v_k + (1 - a) v_k^2) path_k,
which vanishes where the guide is the posterior; of one draw it is the path derivative without the score of the guide
(Roeder, Wu & Duvenaud, NeurIPS 2017). Densities of the model keep their own derivatives in parameters."""

from collections.abc import Iterable, Mapping, Sequence

from ppl.emit.goal import Objective
from ppl.emit.surrogate import alignment
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.guide.aims import Aim


def weighted(o: Objective, costs: Sequence[Val], own: int, aim: Aim) -> tuple[Val, Val]:
    """The value of a bound for each row (alike within a group), and the surrogate whose gradients, added up over a
    group, estimate its gradient. The first `own` of the costs are densities of the model."""
    b = o.b
    shared = _shared(o, costs)
    moving = [any(alignment(c, v) is not None for v in _noises(o)) for c in costs]
    log_w = b.total(b.sum_to(c, shared) for c, moves in zip(costs, moving, strict=True) if moves)
    rest = b.total(b.sum(c, c.axes) for c, moves in zip(costs, moving, strict=True) if not moves)
    count = b.lit(1.0 / aim.count)
    if not log_w.batch:
        return rest, b.mul(count, rest)
    given = (aim.count, aim.order)
    value = b.node("importance_bound", (log_w,), given, log_w.axes)
    share = b.node("stop", (b.node("importance_shares", (log_w,), given, log_w.axes),), (), log_w.axes)
    if aim.doubly and not o.joined:
        model = b.total(b.sum_to(c, shared) for c, m in zip(costs[:own], moving[:own], strict=True) if m)
        fixed = rebuilt(b, model, {v: b.node("stop", (v,), (), v.axes) for v in o.draws}, False)
        path = rebuilt(b, log_w, {v: v for v in o.draws}, True)
        root = b.add(b.mul(share, fixed), b.mul(_doubled(b, share, aim.order), path))
    else:
        root = b.mul(share, log_w)
    return b.add(b.sum(value, value.axes), rest), b.add(b.sum(root, root.axes), b.mul(count, rest))


def _doubled(b: Builder, share: Val, order: float) -> Val:
    return b.add(b.mul(b.lit(order), share), b.mul(b.lit(1.0 - order), b.apply("square", share)))


def _noises(o: Objective) -> list[Val]:
    return [o.b.node("noise", (), (n.key,), n.axes, batch=True, stage=1) for n in o.noises]


def _shared(o: Objective, costs: Iterable[Val]) -> tuple[str, ...]:
    """The axes along which every cost is about one position of every draw."""
    noises = _noises(o)
    found = [way for c in costs for v in noises if (way := alignment(c, v)) is not None]
    return o.b.sorted(frozenset.intersection(*found)) if found else ()


def rebuilt(b: Builder, root: Val, known: Mapping[Val, Val], detached: bool) -> Val:
    """The same value with some of the values below it replaced; `detached`: and with parameters that no gradient
    reaches elsewhere."""
    new = dict(known)
    stack = [root]
    while stack:
        v = stack[-1]
        if v in new:
            stack.pop()
        elif detached and v.op == "u":
            new[v] = b.node("stop", (v,), (), v.axes)
        elif waiting := [a for a in v.args if a not in new]:
            stack.extend(waiting)
        else:
            args = tuple(new[a] for a in v.args)
            same = all(x is y for x, y in zip(args, v.args, strict=True))
            new[v] = v if same else b.node(v.op, args, v.attrs, v.axes, v.batch, v.stage)
            stack.pop()
    return new[root]

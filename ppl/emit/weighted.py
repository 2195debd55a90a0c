"""Bounds that weigh draws by their importance: their values, and the estimates of their gradients.

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
from ppl.emit.objective import scaled
from ppl.emit.reverse import adjoints, pullback
from ppl.emit.surrogate import alignment
from ppl.emit.val import Val
from ppl.guide.aims import Aim
from ppl.source.diagnostic import ModelError, complain

# A cost, and the positions at which it is paid for.
Paid = tuple[Val, tuple[str, ...]]


def weighted(
    o: Objective, paid: Sequence[Paid], own: int, aim: Aim, raws: Sequence[Val]
) -> tuple[Val, Mapping[Val, Val]]:
    """The value of a bound for each row (alike within a group), and the estimate of its gradient in each of `raws`, to
    be added up over a group. `paid` are the costs, each with the positions at which it is paid for, the first `own` of
    which are densities of the model.

    In a minibatch, what belongs to positions of sampled axes counts for as many more as it stands for: the bound is
    then the sum of the bounds of positions, of which a uniform sample is unbiased. Raises ModelError (E556) where
    weights would be of all the data together."""
    b = o.b
    if aim.count == 1:
        each = [scaled(o, b.sum(c, c.axes), axes) for c, axes in paid]
        total = b.total(each)
        return total, _slopes(o, b.total(each[:own]), total, None, raws) if is_doubly(o, aim) else adjoints(
            b, total, raws
        )
    costs = [cost for cost, _ in paid]
    shared = _shared(o, costs)
    moving = [any(alignment(c, v) is not None for v in _noises(o)) for c in costs]
    log_w = b.total(b.sum_to(c, shared) for c, moves in zip(costs, moving, strict=True) if moves)
    rest = b.total(scaled(o, b.sum(c, c.axes), axes) for (c, axes), m in zip(paid, moving, strict=True) if not m)
    others = b.mul(b.lit(1.0 / aim.count), rest)
    if not log_w.batch:
        return rest, adjoints(b, others, raws)
    if o.batching is not None and o.batching.lead not in shared:
        raise ModelError([complain("E556.batch", None, lead=o.batching.lead)])
    given = (aim.count, aim.order)
    value = b.node("importance_bound", (log_w,), given, log_w.axes)
    share = b.node("stop", (b.node("importance_shares", (log_w,), given, log_w.axes),), (), log_w.axes)

    def share_of(part: Val) -> Val:
        return scaled(o, b.sum(b.mul(share, part), log_w.axes), shared)

    bound = b.add(scaled(o, b.sum(value, value.axes), shared), rest)
    if not is_doubly(o, aim):
        return bound, adjoints(b, b.add(share_of(log_w), others), raws)
    model = b.total(b.sum_to(c, shared) for c, m in zip(costs[:own], moving[:own], strict=True) if m)
    factor = b.add(b.lit(aim.order), b.mul(b.lit(1.0 - aim.order), share))
    return bound, _slopes(o, b.add(share_of(model), others), share_of(log_w), factor, raws)


def is_doubly(o: Objective, aim: Aim | None) -> bool:
    """Whether every density of the guide is that of a draw with a value of its own: those of joint draws, and of draws
    that are made step by step, are of the numbers that they are made from."""
    return aim is not None and aim.doubly and len(o.draws) == len(o.guide_costs) and not o.joined


def _slopes(o: Objective, model: Val, whole: Val, factor: Val | None, raws: Sequence[Val]) -> dict[Val, Val]:
    """The gradient of the model at the draws as they are, and that of the whole along the path of each draw, times a
    factor; the density of the guide at draws as they are, whose mean slope is zero, has no part in it."""
    b = o.b
    direct = pullback(b, {model: b.lit(1.0)}, [*raws, *o.draws])
    along = pullback(b, {whole: b.lit(1.0)}, o.draws)
    paths = pullback(b, {z: g if factor is None else b.mul(factor, g) for z, g in along.items()}, raws)
    return {v: b.total(g[v] for g in (direct, paths) if v in g) for v in raws}


def _noises(o: Objective) -> list[Val]:
    return [o.b.node("noise", (), (n.key,), n.axes, batch=True, stage=1) for n in o.noises]


def _shared(o: Objective, costs: Iterable[Val]) -> tuple[str, ...]:
    """The axes along which every cost is about one position of every draw."""
    noises = _noises(o)
    found = [way for c in costs for v in noises if (way := alignment(c, v)) is not None]
    return o.b.sorted(frozenset.intersection(*found)) if found else ()

"""The way back through a loop: another loop, from the last position to the first.

Of what a step computes, the slopes are known for all positions at once when the loop is done. What has to go from
position to position is the adjoint of the states alone; from these adjoints those of everything outside follow, again
for all positions at once (the adjoint method for recurrences; Griewank & Walther, Evaluating Derivatives, 2008,
chapter 3)."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from ppl.emit.affine import affine, is_elementwise
from ppl.emit.loops import Body, Loop, Span, State, loop, loop_of, outcome, positions_between
from ppl.emit.reach import dependents
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.source.diagnostic import Bug

Pull = Callable[[Mapping[Val, Val], Iterable[Val]], dict[Val, Val]]
Contributions = list[tuple[Val, Val]]


def through_loop(b: Builder, v: Val, grads: Mapping[int, Val], pull: Pull) -> Contributions:
    """What the arguments of a loop get: `grads` are the adjoints of its states from outside; `pull` brings adjoints of
    some values back to others."""
    made = loop_of(v)
    if made.backwards:
        raise Bug("the way back through a way back")
    ends = _seen_from_each(b, v, made)
    bodies = [_placed(b, body, ends) for body in made.bodies]
    full = _adjoints_of_states(b, v, bodies, ends, grads, pull)
    found: Contributions = []
    heads = v.args[len(v.args) - len(made.states) :]
    for i, g in full.items():
        found.append((heads[i], b.gather(b.spread(g, made.axis), made.axis, b.lit(0.0))))
    for body in bodies:
        found += _outside(b, made, body, full, ends, pull)
    return found


def _seen_from_each(b: Builder, v: Val, made: Loop) -> dict[Val, Val]:
    """What stood in the place of each leaf, for all positions."""
    return {
        p.leaf: b.tap(_before(b, outcome(b, v, p.state), made.axis, p.back), p.leaf.axes, f"back {p.back}")
        for p in made.past
    }


def _before(b: Builder, v: Val, axis: str, back: int) -> Val:
    return b.gather(v, axis, b.node("lag", (), (axis, back), (axis,)))


def _placed(b: Builder, body: Body, ends: Mapping[Val, Val]) -> Span:
    known: dict[Val, Val] = dict(ends)
    return Span(body.first, body.end, tuple(None if w is None else substituted(b, w, known) for w in body.whole))


def substituted(b: Builder, root: Val, known: dict[Val, Val]) -> Val:
    """A value with others in the place of some of those it depends on, which have the same axes; `known` grows."""
    stack = [root]
    while stack:
        v = stack[-1]
        if v in known:
            stack.pop()
        elif waiting := [a for a in v.args if a not in known]:
            stack.extend(waiting)
        else:
            new = tuple(known[a] for a in v.args)
            same = all(x is y for x, y in zip(new, v.args, strict=True))
            known[v] = v if same else b.node(v.op, new, v.attrs, v.axes, batch=v.batch, hint=v.hint)
            stack.pop()
    return known[root]


def _adjoints_of_states(
    b: Builder, v: Val, bodies: Sequence[Span], ends: Mapping[Val, Val], grads: Mapping[int, Val], pull: Pull
) -> dict[int, Val]:
    """d root / d state at every position: from outside, and through the later positions that read it."""
    made = loop_of(v)
    axis = made.axis
    if len(made.states) == 1 and all(p.back == 1 for p in made.past) and 0 in grads:
        slope = _slope(b, made, bodies, ends, pull)
        if slope is not None:
            outside = b.tap(grads[0], (*made.states[0].axes, axis), "broadcast")
            return {0: affine(b, slope, outside, axis, backwards=True)}
    ahead = {
        (p.state, p.back): b.node("past", (), ("ahead", *p.leaf.attrs), p.leaf.axes, batch=p.leaf.batch, stage=v.stage)
        for p in made.past
    }
    total = {}
    for i in range(len(made.states)):
        parts = [leaf for (j, _), leaf in ahead.items() if j == i]
        total[i] = b.total([*([grads[i]] if i in grads else []), *parts])
    spans = []
    for body in reversed(bodies):
        pulled = pull(_seeds(b, made, body, total, (axis,)), [ends[p.leaf] for p in made.past])
        more = (pulled.get(ends[p.leaf], b.lit(0.0)) for p in made.past)
        spans.append(Span(body.first, body.end, (*total.values(), *more)))
    spans.append(Span(0, 1, (*total.values(), *(None for _ in made.past))))
    states = [State(f"{s.name}_adjoint", s.axes, 0, total[i].op != "lit") for i, s in enumerate(made.states)]
    states += [State(f"{made.states[p.state].name}_pull", p.cell.axes, p.back, False) for p in made.past]
    past = [(len(made.states) + j, p.back, ahead[p.state, p.back]) for j, p in enumerate(made.past)]
    back = loop(b, axis, states, past, spans, (), True, v.batch, v.stage)
    return {i: outcome(b, back, i) for i, s in enumerate(states) if s.kept}


def _slope(b: Builder, made: Loop, bodies: Sequence[Span], ends: Mapping[Val, Val], pull: Pull) -> Val | None:
    """The slope of every position of the only state in the one before; None where positions of other axes meet."""
    leaves, slope = set(ends.values()), b.lit(0.0)
    for body in bodies:
        (value,) = body.values
        assert value is not None
        if not all(x in leaves or is_elementwise(x) for x in dependents((value,), leaves)):
            return None
        found = b.total(pull({value: b.lit(1.0)}, leaves).values())
        slope = b.apply("where", positions_between(b, made.axis, body.first, body.end), found, slope)
    return slope


def _seeds(
    b: Builder, made: Loop, body: Span, adjoints: Mapping[int, Val], apart: tuple[str, ...] = ()
) -> dict[Val, Val]:
    """The adjoints of what a body computes, which may lack axes of its states: it is the same along them."""
    seeds: dict[Val, Val] = {}
    for i, w in enumerate(body.values):
        if w is not None and i in adjoints and adjoints[i].op != "lit":
            every = (*made.states[i].axes, made.axis)
            g = b.sum(adjoints[i], (a for a in every if a not in (*w.axes, *apart)))
            seeds[w] = b.add(seeds[w], g) if w in seeds else g
    return seeds


def _outside(
    b: Builder, made: Loop, body: Span, full: Mapping[int, Val], ends: Mapping[Val, Val], pull: Pull
) -> Contributions:
    """What the values outside the loop get from the positions of one body."""
    here = positions_between(b, made.axis, body.first, body.end)
    seeds = _seeds(b, made, body, {i: b.apply("where", here, g, b.lit(0.0)) for i, g in full.items()})
    leaves = set(ends.values())
    inside = dependents(seeds, leaves)
    edge = {a for x in inside - leaves for a in x.args if a not in inside}
    edge |= {w for w in seeds if w not in inside}
    wanted = [a for a in edge if a.stage > 0 and a.op != "lit"]
    return [(a, g) for a, g in pull(seeds, [*wanted, *leaves]).items() if a not in leaves]

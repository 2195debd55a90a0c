"""Reverse mode on values: the adjoints of a scalar per draw, as more values of the same builder.

The rules of elementwise functions are the formulas in `PRIMITIVES`; an adjoint may lack axes of its value, along which
it is constant, and is multiplied by their length where it is summed."""

from collections.abc import Callable, Iterable, Mapping

from ppl.emit.affine import affine
from ppl.emit.loop_reverse import through_loop
from ppl.emit.loops import loop_of, outcome
from ppl.emit.reach import dependents
from ppl.emit.val import KernelCall, RateBody, Val
from ppl.emit.values import Builder
from ppl.source.diagnostic import Bug
from ppl.stdlib.formulas import evaluate
from ppl.stdlib.primitives import PRIMITIVES

Contributions = list[tuple[Val, Val]]


def adjoints(b: Builder, root: Val, wrt: Iterable[Val]) -> dict[Val, Val]:
    """d root / d v for every v of `wrt` that the root depends on."""
    leaves = set(wrt)
    found = _swept(b, {root: b.lit(1.0)}, dependents((root,), leaves))
    return {v: found[v] for v in sorted(leaves, key=lambda x: x.order) if v in found}


def pullback(b: Builder, seeds: Mapping[Val, Val], wrt: Iterable[Val]) -> dict[Val, Val]:
    """The adjoints of `wrt` that follow from those of other values. What a value of `wrt` depends on is not asked
    about: it is taken to be given."""
    leaves = set(wrt)
    found = _swept(b, seeds, dependents(seeds, leaves, leaves), leaves)
    return {v: found[v] for v in sorted(leaves, key=lambda x: x.order) if v in found}


def _swept(b: Builder, seeds: Mapping[Val, Val], active: set[Val], ends: Iterable[Val] = frozenset()) -> dict[Val, Val]:
    """The adjoints of all active values, from the last to the first; those of `ends` go no further."""
    found: dict[Val, Val] = {v: g for v, g in seeds.items() if v in active}
    for v in sorted(active, key=lambda x: -x.order):
        if v in ends or (v not in found and v.op != "loop"):
            continue
        parts = _back_through(b, v, found) if v.op == "loop" else _contributions(b, v, found[v], active)
        for arg, part in parts:
            if arg in active:
                reduced = b.sum(part, (a for a in _domain(v, part) if a not in arg.axes))
                found[arg] = b.add(found[arg], reduced) if arg in found else reduced
    return found


def _back_through(b: Builder, v: Val, found: Mapping[Val, Val]) -> Contributions:
    """The adjoints of the arguments of a loop, from those of its outcomes."""
    outcomes = {i: outcome(b, v, i) for i in range(len(loop_of(v).states))}
    grads = {i: found[x] for i, x in outcomes.items() if x in found}
    return through_loop(b, v, grads, lambda seeds, wrt: pullback(b, seeds, wrt)) if grads else []


def _domain(v: Val, part: Val) -> tuple[str, ...]:
    """The axes over which a contribution of this operation lives, whether or not it varies over them."""
    if v.op == "dot":
        return tuple(dict.fromkeys((*v.args[0].axes, *v.args[1].axes)))
    if v.op in ("stack", "concat"):
        return tuple(dict.fromkeys((*(a for a in v.axes if a != v.attrs[0]), *part.axes)))
    return v.axes if v.op in PRIMITIVES or v.op in ("affine", "tap", "ones_like", "real", "attach") else part.axes


def _contributions(b: Builder, v: Val, g: Val, active: set[Val]) -> Contributions:
    if v.op in PRIMITIVES:
        return _elementwise(b, v, g, active)
    rule = _RULES.get(v.op)
    return [] if rule is None else [(a, part) for a, part in rule(b, v, g) if a in active]


def _elementwise(b: Builder, v: Val, g: Val, active: set[Val]) -> Contributions:
    row = PRIMITIVES[v.op]
    names: Mapping[str, Val] = {"g": g, "y": v, **dict(zip("abc", v.args, strict=False))}
    return [
        (arg, evaluate(text, names, lambda op, args: b.apply(op, *args), lambda n: b.lit(float(n))))
        for arg, text in zip(v.args, row.vjps, strict=True)
        if arg in active and text is not None
    ]


def _sum(b: Builder, v: Val, g: Val) -> Contributions:
    return [(v.args[0], g)]


def _dot(b: Builder, v: Val, g: Val) -> Contributions:
    left, right = v.args
    if left is right:
        return [(left, b.mul(b.lit(2.0), b.mul(g, left)))]
    return [(left, b.mul(g, right)), (right, b.mul(g, left))]


def _gather(b: Builder, v: Val, g: Val) -> Contributions:
    return [(v.args[0], b.scatter(g, v.args[1]))]


def _scatter(b: Builder, v: Val, g: Val) -> Contributions:
    value, plan = v.args
    full = g if set(g.axes) == set(v.axes) else b.node("tap", (g,), ("broadcast", *v.axes), v.axes)
    return [(value, b.node("gather", (full, plan), v.axes, plan.axes))]


def _rename(b: Builder, v: Val, g: Val) -> Contributions:
    old, new = (str(a) for a in v.attrs)
    return [(v.args[0], b.rename(g, new, old))]


def _tap(b: Builder, v: Val, g: Val) -> Contributions:
    return [(v.args[0], g)]


def _stack(b: Builder, v: Val, g: Val) -> Contributions:
    axis = str(v.attrs[0])
    return [(item, b.gather(g, axis, b.lit(float(i)))) for i, item in enumerate(v.args)]


def _logsumexp(b: Builder, v: Val, g: Val) -> Contributions:
    x = v.args[0]
    # a column of -inf has no weights, rather than NaN ones
    floor = b.apply("max2", v, b.lit(-1e300))
    return [(x, b.mul(g, b.apply("exp", b.sub(x, floor))))]


def _extreme(b: Builder, v: Val, g: Val) -> Contributions:
    x = v.args[0]
    at = b.node("real", (b.apply("eq", x, v),), (), x.axes)
    share = b.apply("div", at, b.sum(at, (str(a) for a in v.attrs)))
    return [(x, b.mul(g, share))]


def _prod(b: Builder, v: Val, g: Val) -> Contributions:
    x = v.args[0]
    return [(x, b.mul(g, b.node("prod_others", (x,), v.attrs, x.axes)))]


def _cumsum(b: Builder, v: Val, g: Val) -> Contributions:
    axis, backwards = v.attrs
    full = b.spread(g, str(axis))
    return [(v.args[0], b.node("cumsum", (full,), (axis, not backwards), full.axes))]


def _affine(b: Builder, v: Val, g: Val) -> Contributions:
    """y[t] = c[t] y[t - 1] + r[t]: the adjoints of y are such a recursion the other way."""
    (c, rest), (axis, backwards) = v.args, (str(v.attrs[0]), bool(v.attrs[1]))
    if backwards:
        raise Bug("the way back through a way back")
    full = affine(b, c, g if set(g.axes) == set(v.axes) else b.tap(g, v.axes, "broadcast"), axis, backwards=True)
    before = b.gather(v, axis, b.node("lag", (), (axis, 1), (axis,)))
    later = b.apply("ge", b.arange(axis), b.lit(1.0))
    return [(rest, full), (c, b.apply("where", later, b.mul(full, before), b.lit(0.0)))]


def _kernel(b: Builder, v: Val, g: Val) -> Contributions:
    call = v.attrs[0]
    assert isinstance(call, KernelCall)
    full = g
    if set(g.axes) != set(v.axes) or not g.batch:
        full = b.node("tap", (g,), ("broadcast", *v.axes), v.axes, batch=True)
    batch = tuple(a for a in v.axes if a not in call.out)
    return [(arg, b.node("kernel_grad", (v, full), (i,), (*batch, *call.events[i]))) for i, arg in enumerate(v.args)]


def _pad(b: Builder, v: Val, g: Val) -> Contributions:
    """The end that was added pulls nothing."""
    old, new, end = (str(a) for a in v.attrs)
    full = b.spread(g, new)
    axes = (old if a == new else a for a in full.axes)
    return [(v.args[0], b.node("unpad", (full,), (new, old, end), axes))]


def _concat(b: Builder, v: Val, g: Val) -> Contributions:
    axis, *extra = (str(a) for a in v.attrs)
    full = b.spread(g, axis)
    rest = tuple(a for a in full.axes if a != axis)
    return [
        (item, b.node("piece", (full,), (axis, e, i, *extra), (*rest, e) if e else rest))
        for i, (item, e) in enumerate(zip(v.args, extra, strict=True))
    ]


def _cut(b: Builder, v: Val, g: Val) -> Contributions:
    """What was cut out of an array is zero elsewhere."""
    full = g
    if set(g.axes) != set(v.axes) or not g.batch:
        full = b.node("tap", (g,), ("broadcast", *v.axes), v.axes, batch=True)
    return [(v.args[0], b.node("uncut", (full,), v.attrs, v.args[0].axes))]


def _ode(b: Builder, v: Val, g: Val) -> Contributions:
    """The start and the parameters of a differential equation; its schedule and other data pull nothing."""
    body = v.attrs[0]
    assert isinstance(body, RateBody)
    full = b.node("tap", (g,), ("broadcast", *v.axes), v.axes, batch=True)
    found = v.args[1 : 2 + len(body.params)]
    return [(a, b.node("ode_grad", (v, full), (i,), a.axes, batch=True)) for i, a in enumerate(found)]


def _attach(b: Builder, v: Val, g: Val) -> Contributions:
    """A value with its gradient given: arguments come in pairs of what it depends on and how."""
    pairs = zip(v.args[1::2], v.args[2::2], strict=True)
    return [(arg, b.mul(g, slope)) for arg, slope in pairs]


_RULES: dict[str, Callable[[Builder, Val, Val], Contributions]] = {
    "sum": _sum,
    "dot": _dot,
    "gather": _gather,
    "scatter": _scatter,
    "rename": _rename,
    "tap": _tap,
    "ones_like": _tap,
    "stack": _stack,
    "logsumexp": _logsumexp,
    "max": _extreme,
    "min": _extreme,
    "prod": _prod,
    "cumsum": _cumsum,
    "affine": _affine,
    "kernel": _kernel,
    "real": _tap,
    "attach": _attach,
    "ode": _ode,
    "pad": _pad,
    "concat": _concat,
    "cut": _cut,
}

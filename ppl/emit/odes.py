"""Differential equations as values: the rate of change becomes a function of its own in the program, as does its pull.

What the rate reads is taken out of it: values that depend neither on the time nor on the state are computed once,
before the solver runs, and are its parameters, through which gradients flow."""

from collections.abc import Callable, MutableMapping

from ppl.check.core import Expr
from ppl.emit.reach import dependents
from ppl.emit.reverse import adjoints
from ppl.emit.val import RateBody, Val
from ppl.emit.values import Builder

Lower = Callable[[Expr], Val]


def ode_value(b: Builder, names: MutableMapping[str, Val], lower: Lower, e: Expr) -> Val:
    """The states at the times of a call of `ode`; see `ppl.check.odes` for its parts."""
    state, along, group, key, rtol, atol, steps, name = (str(a) for a in e.attrs[:8])
    times, began, start = (lower(a) for a in e.args[:3])
    plan = b.node("schedule", (times, began, *_groups(b, lower, e, along, group)), (group,), (along,) if along else ())
    own = (state,) if state else ()
    axes = b.sorted((*start.axes, *own, *((group,) if group else ())))
    while True:
        batch = tuple(a for a in axes if a not in (state, group)) + ((group,) if group else ())
        t = _bound(b, f"{key} t", tuple(a for a in axes if a != state))
        y = _bound(b, f"{key} y", axes)
        names[f"{key} t"], names[f"{key} y"] = t, y
        rate = lower(e.args[3])
        if set(rate.axes) <= set(axes):
            break
        axes = b.sorted((*axes, *rate.axes))
    rate, outside = _taken_out(b, b.tap(rate, axes, "broadcast"), {t, y})
    params = tuple(outside.values())
    g = _bound(b, f"{key} g", axes)
    found = adjoints(b, b.sum(b.mul(g, rate), axes), (y, *params))
    pulls = tuple(found.get(v, b.lit(0.0)) for v in (y, *params))
    body = RateBody(name, t, y, g, params, rate, pulls, batch, state)
    data = _fixed((rate, *pulls))
    settings = (along, float(rtol), float(atol), int(float(steps)))
    out = (*(a for a in batch if a != group), *((along,) if along else ()), *own)
    full = b.tap(start, axes, "broadcast")
    return b.node("ode", (plan, full, *outside, *data), (body, *settings), out, batch=True, stage=1)


def _bound(b: Builder, name: str, axes: tuple[str, ...]) -> Val:
    return b.node("bound", (), (name,), axes, batch=True, stage=1)


def _groups(b: Builder, lower: Lower, e: Expr, along: str, group: str) -> tuple[Val, ...]:
    """The group of every time: none, the level of a factor, or each its own."""
    if not group:
        return ()
    return (b.arange(along) if group == along else lower(e.args[4]),)


# ---- what the rate reads -------------------------------------------------------------------------------------------


def _taken_out(b: Builder, root: Val, bound: set[Val]) -> tuple[Val, dict[Val, Val]]:
    """The rate with parameters in place of the values that vary with neither time nor state, and these values."""
    inner = dependents((root,), bound)
    outside: dict[Val, Val] = {}
    made: dict[Val, Val] = {}

    def param(v: Val) -> Val:
        if v.stage == 0:
            return v
        if v not in outside:
            outside[v] = _bound(b, f"{root.order} {len(outside)}", v.axes)
        return outside[v]

    for v in sorted(inner, key=lambda x: x.order):
        args = tuple(made[a] if a in inner else param(a) for a in v.args)
        made[v] = v if args == v.args else b.node(v.op, args, v.attrs, v.axes, True, v.stage, v.hint)
    return made[root] if root in inner else param(root), outside


def _fixed(roots: tuple[Val, ...]) -> tuple[Val, ...]:
    """What rate and pulls read of the data: it is computed before they are called."""
    seen: set[Val] = set()
    found: dict[Val, None] = {}
    stack = list(roots)
    while stack:
        v = stack.pop()
        if v.stage == 0:
            if v.op != "lit":
                found[v] = None
        elif v not in seen:
            seen.add(v)
            stack.extend(v.args)
    return tuple(sorted(found, key=lambda x: x.order))

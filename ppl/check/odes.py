"""`ode(f, y0, times, …)`: the states at given times of a system whose rate of change is a function of the model.

`f(t, y, …)` gives the rate at time t in state y; what follows the times are its other arguments. The state lies along
the last axis of `y0`, or is a number. Trajectories are solved once for all times; where `y0` or an argument is looked
up by a factor, `k[subject]`, once for each of its levels; where they vary over the times otherwise, once for each."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ppl.check.building import bounds, constant, is_free, is_learned, is_random
from ppl.check.core import Expr
from ppl.check.positive import stays_positive
from ppl.check.scope import Entry, Scope, failed, is_failed, union
from ppl.source.span import Span
from ppl.syntax import ast

Evaluate = Callable[[ast.Expr, Scope], Expr]
# The relative and absolute local error, and the number of steps after which a trajectory is given up.
OPTIONS = {"rtol": 1e-6, "atol": 1e-8, "steps": 2000.0}


@dataclass(frozen=True, slots=True)
class _Call:
    """The arguments of one call: `extra` belong to the function, by the names of its parameters."""

    fun: ast.Fun
    start: Expr
    times: Expr
    began: Expr
    extra: dict[str, Expr]
    settings: tuple[float, ...]
    span: Span


def ode(e: ast.Call, scope: Scope, evaluate: Evaluate) -> Expr:
    """The core of a call; complaints go to the report."""
    call = _read(e, scope, evaluate)
    if call is None:
        return failed(e.span)
    along = call.times.axes[-1] if call.times.axes else ""
    state = next((a for a in reversed(call.start.axes) if a != along), "")
    body = _body(call, state, along, scope, evaluate)
    if is_failed(body):
        return failed(e.span)
    start, body, group, index = _grouped(call.start, body, along)
    others = (a for a in union(start.axes, body.axes) if a not in (along, group, state))
    axes = union(call.times.axes, tuple(others), (state,) if state else ())
    positive = stays_positive(start, body, f"{_key(e.span)} y", state, scope)
    attrs = (state, along, group, _key(e.span), *call.settings, call.fun.name.id, positive)
    return Expr("ode", (call.times, call.began, start, body, *index), attrs, axes, "real", e.span)


def _grouped(start: Expr, body: Expr, along: str) -> tuple[Expr, Expr, str, tuple[Expr, ...]]:
    """The start and the rate, the axis over which there is a trajectory each, and the level of it for every time."""
    if not along or along not in (*start.axes, *body.axes):
        return start, body, "", ()
    found = _by_level((start, body), along)
    if found is None:
        return start, body, along, ()
    (start, body), index = found
    return start, body, index.type[6:], (index,)


def _key(span: Span) -> str:
    """What the time and the state are called inside one call."""
    return f"ode {span.start}"


# ---- the arguments -------------------------------------------------------------------------------------------------


def _read(e: ast.Call, scope: Scope, evaluate: Evaluate) -> _Call | None:
    positional = [a.value for a in e.args if a.name is None]
    named = {a.name: a.value for a in e.args if a.name is not None}
    fun = _function(positional, e, scope)
    if fun is None:
        return None
    rest = [p.id for p in fun.params[2:]]
    given = {**dict(zip(rest, positional[3:], strict=False)), **{n: v for n, v in named.items() if n in rest}}
    unknown = [n for n in named if n not in rest and n not in OPTIONS and n != "t0"]
    if len(positional) < 3 or set(given) != set(rest) or len(positional) - 3 > len(rest) or unknown:
        wanted = ", ".join(["f", "y0", "times", *rest])
        scope.report.add("E373", e.span, name=fun.name.id, wanted=f"ode({wanted})".replace("f,", f"{fun.name.id},", 1))
        return None
    start, times = (evaluate(v, scope) for v in positional[1:3])
    extra = {n: evaluate(v, scope) for n, v in given.items()}
    settings = tuple(_number(n, named.get(n), scope, evaluate) for n in OPTIONS)
    began = evaluate(named["t0"], scope) if "t0" in named else _earliest(times, e.span)
    if began is None:
        scope.report.add("E375.axes" if times.axes else "E373.start", times.span if times.axes else e.span)
        return None
    if is_failed(start, times, began, *extra.values()) or None in settings:
        return None
    call = _Call(fun, start, times, began, extra, tuple(float(x) for x in settings if x is not None), e.span)
    return call if _is_known(call, scope) else None


def _function(positional: list[ast.Expr], e: ast.Call, scope: Scope) -> ast.Fun | None:
    """The function of the rate: a name of one, with a time and a state as its first parameters."""
    first = positional[0] if positional else None
    fun = scope.functions.get(first.id) if isinstance(first, ast.Name) else None
    if fun is None or len(fun.params) < 2 or fun.name.id in scope.calling:
        scope.report.add("E374", first.span if first is not None else e.span)
        return None
    return fun


def _number(name: str, written: ast.Expr | None, scope: Scope, evaluate: Evaluate) -> float | None:
    """A setting of the solver."""
    if written is None:
        return OPTIONS[name]
    value = evaluate(written, scope)
    fixed = constant(value)
    if not is_failed(value) and (fixed is None or fixed <= 0):
        scope.report.add("E375.setting", value.span, name=name, default=f"{OPTIONS[name]:g}")
    return fixed if fixed is not None and fixed > 0 else None


def _earliest(times: Expr, span: Span) -> Expr | None:
    """The first of all times; None for a single one."""
    if len(times.axes) != 1:
        return None
    return Expr("min", (times,), times.axes, (), times.type, span)


def _is_known(call: _Call, scope: Scope) -> bool:
    """Whether the times are numbers that are known before the fit, along one axis at most."""
    for e, what in ((call.times, "the times"), (call.began, "the start `t0`")):
        if is_free(e, scope):
            scope.report.add("E375", e.span, what=what)
            return False
    if len(call.times.axes) > 1 or call.began.axes:
        scope.report.add("E375.axes", call.times.span)
        return False
    return True


# ---- the rate ------------------------------------------------------------------------------------------------------


def _body(call: _Call, state: str, along: str, scope: Scope, evaluate: Evaluate) -> Expr:
    """The rate as an expression of the time and the state, which are written `bound`. What it reads may have axes that
    the state at the start lacks: then every one of them has a state of its own."""
    own = (state,) if state else ()
    # the state comes first, so that an index in the rate means it
    axes = union(own, call.start.axes)
    for _ in range(3):
        body = _evaluated(call, axes, state, scope.within((*call.times.axes, *own)), evaluate)
        if is_failed(body) or set(body.axes) <= set(axes):
            break
        axes = union(axes, body.axes)
    return body


def _evaluated(call: _Call, axes: tuple[str, ...], state: str, scope: Scope, evaluate: Evaluate) -> Expr:
    key = _key(call.span)
    batch = tuple(a for a in axes if a != state)
    time = Expr("bound", (), (f"{key} t",), batch, "real", call.span)
    here = Expr("bound", (), (f"{key} y",), axes, "real", call.span)
    names = [p.id for p in call.fun.params]
    values = {names[0]: time, names[1]: here, **call.extra}
    inner = replace(
        scope.naming({n: _local(n, v, scope) for n, v in values.items()}), calling=(*scope.calling, call.fun.name.id)
    )
    for let in call.fun.lets:
        name = let.target.name.id
        inner = inner.naming({name: _local(name, evaluate(let.value, inner), inner)})
    return evaluate(call.fun.result, inner)


def _local(name: str, value: Expr, scope: Scope) -> Entry:
    kind = "failed" if is_failed(value) else "local"
    random, learned = is_random(value, scope), is_learned(value, scope)
    return Entry(name, kind, value.axes, value.type, bounds(value, scope), random, learned, value)


# ---- one trajectory for each level ---------------------------------------------------------------------------------


def _by_level(parts: tuple[Expr, Expr], along: str) -> tuple[tuple[Expr, Expr], Expr] | None:
    """The start and the rate over the levels of a factor, if they vary over the times through that factor alone, and
    the factor."""
    index = next((i for p in parts for i in _indices(p, along)), None)
    if index is None or any(index.type[6:] in p.axes for p in parts):
        return None
    moved = tuple(_moved(p, index, along) for p in parts)
    return None if any(along in p.axes for p in moved) else ((moved[0], moved[1]), index)


def _indices(e: Expr, along: str) -> list[Expr]:
    """The factors over `along` by which something is looked up."""
    if e.op == "take" and e.args[1].axes == (along,) and along not in e.args[0].axes:
        return [e.args[1]]
    return [i for a in e.args for i in _indices(a, along)]


def _moved(e: Expr, index: Expr, along: str) -> Expr:
    """The expression at a level, where it looks values up by it."""
    if along not in e.axes:
        return e
    if e.op == "take" and e.args[1] == index:
        return e.args[0]
    if not e.args and e.op != "bound":
        return e
    args = tuple(_moved(a, index, along) for a in e.args)
    if any(along in a.axes for a in args) or along in e.attrs:
        return e
    return replace(e, args=args, axes=tuple(index.type[6:] if a == along else a for a in e.axes))

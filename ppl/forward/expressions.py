"""From core expressions to values, by interpretation with numpy.

It shares no code with the emitter, so that each checks the other. An axis may be looked at through a window (see
`World`): references are cut to it, a lag moves it, and what takes an axis away looks at all of it.
"""

import string
from collections.abc import Callable, Mapping
from functools import cache
from math import prod

import numpy as np
import scipy.special as sp

from ppl.check.core import Expr
from ppl.forward.named import (
    Array,
    Named,
    aligned,
    at_positions,
    chosen,
    cut,
    elementwise,
    fixed,
    last,
    number,
    renamed,
    spread,
    union,
)
from ppl.forward.odes import solution
from ppl.forward.world import Window, World
from ppl.source.diagnostic import Bug
from ppl.stdlib import kernels as k
from ppl.stdlib.initial import initial
from ppl.stdlib.kernels import KERNELS
from ppl.stdlib.primitives import PRIMITIVES


def evaluate(e: Expr, world: World) -> Named:
    """The value of an expression. Axes that it has are cut to the windows of the world."""
    if e.op in PRIMITIVES:
        return elementwise(primitive(e.op), *(_operand(e.op, a, world) for a in e.args))
    rule = _EVALUATE.get(e.op)
    if rule is None:
        raise Bug(f"no value for `{e.op}`")
    return rule(e, world)


@cache
def primitive(op: str) -> Callable[..., Array]:
    """A row of `PRIMITIVES` as a function of arrays."""
    row = PRIMITIVES[op]
    names = [f"a{i}" for i in range(row.arity)]
    function: Callable[..., Array] = eval(
        f"lambda {', '.join(names)}: {row.code.format(*names)}", {"np": np, "sp": sp, "k": k}
    )
    return function


def _operand(op: str, e: Expr, world: World) -> Named:
    """An argument; truth values become 0 and 1 where they are computed with."""
    return counted(evaluate(e, world)) if PRIMITIVES[op].result != "bool" and op != "where" else evaluate(e, world)


def counted(v: Named) -> Named:
    """Truth values as numbers."""
    return Named(v.values.astype(float), v.axes) if v.values.dtype == np.bool_ else v


def indices(v: Named, length: int) -> tuple[Array, Array | None]:
    """0-based positions as whole numbers, and which of them lie outside, if any do."""
    x = np.asarray(v.values, float)
    outside = ~((x >= -0.5) & (x <= length - 0.5))
    whole = np.where(outside, 0.0, np.rint(x)).astype(np.intp)
    return whole, outside if outside.any() else None


# ---- names, numbers, positions -----------------------------------------------------------------------------------


def _axis(e: Expr) -> str:
    return str(e.attrs[0])


def _ref(e: Expr, world: World) -> Named:
    name = str(e.attrs[0])
    if name not in world.names:
        raise Bug(f"`{name}` is read before it has a value")
    v = world.names[name]
    for axis, (start, stop) in world.windows.items():
        v = cut(v, axis, start, stop)
    return v


def _pos(e: Expr, world: World) -> Named:
    axis = _axis(e)
    return fixed(np.arange(*world.window(axis)) + 1.0 + world.before.get(axis.rstrip("'"), 0), (axis,))


def _size(e: Expr, world: World) -> Named:
    return number(world.size(_axis(e)) + world.before.get(_axis(e).rstrip("'"), 0))


# ---- layout ------------------------------------------------------------------------------------------------------


def _take(e: Expr, world: World) -> Named:
    return _gathered(e, world, 0.0)


def _takepos(e: Expr, world: World) -> Named:
    return _gathered(e, world, -1.0)


def _gathered(e: Expr, world: World, shift: float) -> Named:
    axis = _axis(e)
    value = evaluate(e.args[0], world.seen({axis: None}))
    index = evaluate(e.args[1], world)
    return value if axis not in value.axes else taken(value, axis, Named(index.values + shift, index.axes))


def taken(value: Named, axis: str, index: Named) -> Named:
    """The entries at 0-based positions along an axis, NaN where there is none; axes that both have are aligned."""
    at = 1 + value.axes.index(axis)
    where, outside = indices(index, value.values.shape[at])
    if index.draws == 1 and not set(index.axes) & set(value.axes):
        out = np.take(value.values, where[0], axis=at)
        axes = (*value.axes[: at - 1], *index.axes, *value.axes[at:])
    else:
        axes = tuple(dict.fromkeys((*(a for a in value.axes if a != axis), *index.axes)))
        source = aligned(renamed(value, axis, "taken"), (*axes, "taken"))
        places = aligned(Named(where, index.axes), axes)[..., None]
        shape = np.broadcast_shapes(source.shape[:-1], places.shape[:-1])
        pair = np.broadcast_to(source, (*shape, source.shape[-1])), np.broadcast_to(places, (*shape, 1))
        out = np.take_along_axis(*pair, axis=-1)[..., 0]
    if outside is None:
        return Named(out, axes)
    return elementwise(lambda x, gone: chosen(gone, np.nan, x), Named(out, axes), Named(outside, index.axes))


def _fix(e: Expr, world: World) -> Named:
    axis, at = str(e.attrs[0]), e.attrs[1]
    value = evaluate(e.args[0], world.seen({axis: None}))
    if axis not in value.axes:
        return value
    place = at - 1 - world.before.get(axis.rstrip("'"), 0) if isinstance(at, int) else world.level(axis, str(at))
    return taken(value, axis, number(place))


def _lag(e: Expr, world: World) -> Named:
    """Positions before the first are the first: a guard keeps them from being used."""
    axis, back = str(e.attrs[0]), int(str(e.attrs[1]))
    where = np.maximum(np.arange(*world.window(axis)) - back, 0)
    if not len(where):
        return evaluate(e.args[0], world)
    window: Window = (int(where[0]), int(where[-1]) + 1)
    return at_positions(evaluate(e.args[0], world.seen({axis: window})), axis, where - where[0])


def _rename(e: Expr, world: World) -> Named:
    old, new = (str(a) for a in e.attrs)
    inside = world.seen({new: None, old: world.windows.get(new)})
    return renamed(evaluate(e.args[0], inside), old, new)


def _vector(e: Expr, world: World) -> Named:
    axis = _axis(e)
    items = [counted(evaluate(a, world.seen({axis: None}))) for a in e.args]
    axes = union(items)
    out = np.stack(np.broadcast_arrays(*(aligned(v, axes) for v in items)), axis=-1)
    return cut(Named(out, (*axes, axis)), axis, *world.window(axis))


def _spread(e: Expr, world: World) -> Named:
    return spread(evaluate(e.args[0], world), _axis(e), world.length(_axis(e)))


# ---- reductions --------------------------------------------------------------------------------------------------


def _whole(e: Expr, world: World) -> Named:
    """The argument, at all positions of the axis that is taken away."""
    axis = _axis(e)
    return counted(spread(evaluate(e.args[0], world.seen({axis: None})), axis, world.size(axis)))


def _reduced(f: Callable[..., Array]) -> Callable[[Expr, World], Named]:
    def rule(e: Expr, world: World) -> Named:
        v, axis = _whole(e, world), _axis(e)
        return Named(np.asarray(f(v.values, axis=1 + v.axes.index(axis))), tuple(a for a in v.axes if a != axis))

    return rule


def _variance(x: Array, axis: int) -> Array:
    return np.asarray(np.sum(np.square(x - np.mean(x, axis=axis, keepdims=True)), axis=axis) / (x.shape[axis] - 1.0))


def _sd(x: Array, axis: int) -> Array:
    return np.sqrt(_variance(x, axis))


def _logsumexp(x: Array, axis: int) -> Array:
    return np.asarray(k.logsumexp(np.moveaxis(x, axis, -1)))


def _along(f: Callable[..., Array]) -> Callable[[Expr, World], Named]:
    """A function that keeps the axis it looks along."""

    def rule(e: Expr, world: World) -> Named:
        v, axis = _whole(e, world), _axis(e)
        return cut(Named(np.asarray(f(v.values, axis=1 + v.axes.index(axis))), v.axes), axis, *world.window(axis))

    return rule


def _softmax(x: Array, axis: int) -> Array:
    return np.asarray(sp.softmax(x, axis=axis))


def _dot(e: Expr, world: World) -> Named:
    over = tuple(str(a) for a in e.attrs)
    a, b = (counted(evaluate(x, world.seen(dict.fromkeys(over)))) for x in e.args)
    return dot(a, b, {axis: world.size(axis) for axis in over})


def dot(a: Named, b: Named, over: Mapping[str, int]) -> Named:
    """The sum over some axes, given with their lengths, of a product."""
    every = tuple(dict.fromkeys((*a.axes, *b.axes)))
    axes = tuple(x for x in every if x not in over)
    letters = dict(zip(("draw", *every), string.ascii_letters, strict=False))
    terms = ["".join(letters[x] for x in ("draw", *v.axes)[v.draws == 1 :]) for v in (a, b)]
    out = ("" if a.draws == b.draws == 1 else letters["draw"]) + "".join(letters[x] for x in axes)
    parts = [v.values[0] if v.draws == 1 else v.values for v in (a, b)]
    values = np.einsum(f"{terms[0]},{terms[1]}->{out}", *parts, optimize=True)
    values = values * prod(length for axis, length in over.items() if axis not in every)
    return Named(values[None] if a.draws == b.draws == 1 else values, axes)


# ---- nets --------------------------------------------------------------------------------------------------------


def _initial(e: Expr, world: World) -> Named:
    """Where weights of a net start, as in the programs."""
    name, scaling, fans, _, out = e.attrs
    assert isinstance(fans, tuple)
    count = sum(_cells(axes, world) for axes in fans)
    shape = tuple(world.size(a) for a in e.axes)
    return fixed(initial(str(name), str(scaling), count, _cells(out, world), shape), e.axes)


def _cells(axes: object, world: World) -> int:
    assert isinstance(axes, tuple)
    return prod(world.size(str(a)) for a in axes)


# ---- matrices ----------------------------------------------------------------------------------------------------


def _diag(e: Expr, world: World) -> Named:
    pair = tuple(str(a) for a in e.attrs)
    eye = fixed(np.eye(world.size(pair[0])), pair)
    for axis in pair:
        eye = cut(eye, axis, *world.window(axis))
    return elementwise(np.multiply, counted(evaluate(e.args[0], world)), eye)


def _matrix(e: Expr, world: World) -> Named:
    """`cholesky` and `inverse`: kernels on a pair of axes."""
    pair = tuple(str(a) for a in e.attrs)
    values, rest = last(evaluate(e.args[0], world.seen(dict.fromkeys(pair))), pair)
    out = Named(np.asarray(KERNELS[e.op].forward(values)[0]), (*rest, *pair))
    for axis in pair:
        out = cut(out, axis, *world.window(axis))
    return out


def _of_matrix(e: Expr, world: World) -> Named:
    """`logdet` and `det`: one number for a pair of axes."""
    pair = tuple(str(a) for a in e.attrs)
    values, rest = last(evaluate(e.args[0], world.seen(dict.fromkeys(pair))), pair)
    return Named(np.asarray(KERNELS[e.op].forward(values)[0]), rest)


def _solve(e: Expr, world: World) -> Named:
    pair = tuple(str(a) for a in e.attrs)
    whole = world.seen(dict.fromkeys(pair))
    a, b = evaluate(e.args[0], whole), spread(evaluate(e.args[1], whole), pair[0], world.size(pair[0]))
    rest = tuple(x for x in union((a, b)) if x not in pair)
    values = KERNELS["solve"].forward(aligned(a, (*rest, *pair)), aligned(b, (*rest, pair[0])))[0]
    return cut(Named(np.asarray(values), (*rest, pair[0])), pair[0], *world.window(pair[0]))


def _flow(e: Expr, world: World) -> Named:
    """A map of a vector along an axis, by its weights: `flow` stands only in what a guide says of new rows."""
    name, axis, *settings = e.attrs
    x, w = (evaluate(a, world) for a in e.args)
    values, rest = last(world.spread(x, str(axis)), (str(axis),))
    weights = w.values.reshape(*(1 for _ in values.shape[:-1]), -1)
    image = KERNELS[str(name)].forward(values, weights, *settings)[0]
    return Named(np.asarray(image)[..., :-1], (*rest, str(axis)))


_EVALUATE: dict[str, Callable[[Expr, World], Named]] = {
    "flow": _flow,
    "lit": lambda e, w: number(float(e.attrs[0])),  # type: ignore[arg-type]
    "ref": _ref,
    "level": lambda e, w: number(w.level(str(e.attrs[0]), str(e.attrs[1]))),
    "pos": _pos,
    "size": _size,
    "take": _take,
    "takepos": _takepos,
    "fix": _fix,
    "lag": _lag,
    "rename": _rename,
    "sum": _reduced(np.sum),
    "prod": _reduced(np.prod),
    "mean": _reduced(np.mean),
    "var": _reduced(_variance),
    "sd": _reduced(_sd),
    "min": _reduced(np.min),
    "max": _reduced(np.max),
    "any": _reduced(np.any),
    "all": _reduced(np.all),
    "argmax": _reduced(np.argmax),
    "logsumexp": _reduced(_logsumexp),
    "cumsum": _along(np.cumsum),
    "softmax": _along(_softmax),
    "dot": _dot,
    "diag": _diag,
    "cholesky": _matrix,
    "inverse": _matrix,
    "logdet": _of_matrix,
    "det": _of_matrix,
    "solve": _solve,
    "bound": lambda e, w: w.names[str(e.attrs[0])],
    "ode": lambda e, w: solution(e, w, evaluate),
    "vector": _vector,
    "initial": _initial,
    "spread": _spread,
}

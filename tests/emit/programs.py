"""Random programs of the builder, each with a second meaning in plain numpy by names of axes.

A program is a list of steps over earlier values. `built` runs them through `Builder` and the writer; `interpreted` runs
them on full arrays (draws first, then every axis of the value in canonical order), with nothing simplified."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.special as sp

from ppl.emit import runtime
from ppl.emit.code import Writer
from ppl.emit.program import stage_zero
from ppl.emit.reverse import adjoints
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.stdlib import kernels

ORDER = ("z?", "c", "c'", "k", "g", "g'", "h", "r", "r'")
RANK = {a: i for i, a in enumerate(ORDER)}
BASES = tuple(a for a in ORDER if "'" not in a)
LIMIT = 30.0

Named = tuple[tuple[str, ...], np.ndarray]


def size_of(axis: str, sizes: dict[str, int]) -> int:
    return sizes[axis.rstrip("'")]


def canonical(axes: Any) -> tuple[str, ...]:
    return tuple(sorted(set(axes), key=lambda a: RANK[a]))


@dataclass(frozen=True)
class Step:
    """`op` over the values numbered `args`, with `attrs`."""

    op: str
    args: tuple[int, ...] = ()
    attrs: tuple[Any, ...] = ()


@dataclass
class Random:
    """A program under construction: its steps, and the naive value of each at some point."""

    rng: np.random.Generator
    sizes: dict[str, int]
    leaves: dict[str, tuple[str, ...]]
    data: dict[str, Named]
    point: dict[str, np.ndarray]
    steps: list[Step] = field(default_factory=list)
    values: list[Named] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)

    def pick(self) -> int:
        """An earlier value, more often a late one."""
        n = len(self.steps)
        return (
            int(n - 1 - min(n - 1, self.rng.geometric(0.25) - 1))
            if self.rng.random() < 0.6
            else int(self.rng.integers(n))
        )

    def axis(self, at_least: int = 1) -> str:
        return str(self.rng.choice([a for a in BASES if self.sizes[a] >= at_least]))

    def axes(self) -> tuple[str, ...]:
        return tuple(a for a in BASES if self.rng.random() < 0.35)

    def add(self, step: Step) -> bool:
        """Appends a step whose value is finite and small."""
        try:
            axes, value = interpret(step, self.values, self)
        except Unfit:
            return False
        if value.size > 40_000 or not np.isfinite(value).all() or (value.size and np.abs(value).max() > LIMIT):
            return False
        self.steps.append(step)
        self.values.append((axes, value))
        return True


class Unfit(Exception):
    """A step that makes no sense here."""


# ---- the naive meaning -------------------------------------------------------------------------------------------


def aligned(v: Named, axes: tuple[str, ...]) -> np.ndarray:
    own, value = v
    index = [slice(None)] + [slice(None) if a in own else None for a in axes]
    return value[tuple(index)]


def full(v: Named, axes: tuple[str, ...], sizes: dict[str, int]) -> np.ndarray:
    value = aligned(v, axes)
    return np.broadcast_to(value, (len(value), *(size_of(a, sizes) for a in axes)))


UNARY: dict[str, Callable[[Any], Any]] = {
    "neg": lambda a: -a,
    "exp": np.exp,
    "log": np.log,
    "tanh": np.tanh,
    "square": lambda a: a * a,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "sigmoid": sp.expit,
    "softplus": lambda a: np.log1p(np.exp(a)),
    "log_sigmoid": lambda a: -np.log1p(np.exp(-a)),
    "log1p": np.log1p,
    "lgamma": sp.gammaln,
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "max2": np.maximum,
    "min2": np.minimum,
    "logaddexp": np.logaddexp,
    "pow": lambda a, b: a**b,
    "xlogy": sp.xlogy,
}
REDUCED: dict[str, Callable[..., Any]] = {
    "max": np.max,
    "min": np.min,
    "prod": np.prod,
    "logsumexp": lambda v, axis: np.log(np.sum(np.exp(v), axis=axis)),
}


def interpret(step: Step, values: list[Named], p: Any, draws: int | None = None, point: Any = None) -> Named:
    sizes, s = p.sizes, draws or 1
    args = [values[i] for i in step.args]
    match step.op, step.attrs:
        case "lit", (number,):
            return (), np.full(s, number)
        case "leaf", (name,):
            return p.leaves[name], (p.point if point is None else point)[name]
        case "data", (name,):
            axes, value = p.data[name]
            return axes, np.broadcast_to(value, (s, *value.shape))
        case "size", (axis,):
            return (), np.full(s, float(sizes[axis]))
        case "where", (name,):
            axes = canonical((*p.data[name][0], *args[0][0], *args[1][0]))
            test = aligned((p.data[name][0], p.data[name][1][None]), axes)
            return axes, np.broadcast_to(
                np.where(test, aligned(args[0], axes), aligned(args[1], axes)), (s, *(size_of(a, sizes) for a in axes))
            )
        case "sum", axes:
            over = canonical((*args[0][0], *axes))
            value = full(args[0], over, sizes)
            at = tuple(1 + over.index(a) for a in axes)
            return tuple(a for a in over if a not in axes), value.sum(axis=at)
        case (("max" | "min" | "prod" | "logsumexp"), (axis,)):
            over = canonical((*args[0][0], axis))
            value = full(args[0], over, sizes)
            return tuple(a for a in over if a != axis), REDUCED[step.op](value, axis=1 + over.index(axis))
        case "cumsum", (axis, backwards):
            at = 1 + args[0][0].index(axis)
            value = np.flip(args[0][1], at) if backwards else args[0][1]
            value = np.cumsum(value, axis=at)
            return args[0][0], np.flip(value, at) if backwards else value
        case "gather", (axis, name):
            return _gathered(args[0], axis, p.data[name], sizes)
        case "segment", (axis, name):
            return _segmented(args[0], axis, p.data[name], sizes)
        case "rename", (old, new):
            if old not in args[0][0] or new in args[0][0]:
                raise Unfit
            named = tuple(new if a == old else a for a in args[0][0])
            axes = canonical(named)
            return axes, np.transpose(args[0][1], (0, *(1 + named.index(a) for a in axes)))
        case "stack", (axis,):
            rest = canonical(a for v in args for a in v[0])
            if axis in rest or len(args) != sizes[axis]:
                raise Unfit
            axes = canonical((*rest, axis))
            return axes, np.stack([full(v, rest, sizes) for v in args], axis=1 + axes.index(axis))
        case "tap", axes:
            every = canonical((*args[0][0], *axes))
            return every, full(args[0], every, sizes)
        case op, () if op in UNARY:
            return args[0][0], UNARY[op](args[0][1])
        case op, () if op in BINARY:
            axes = canonical((*args[0][0], *args[1][0]))
            return axes, BINARY[op](aligned(args[0], axes), aligned(args[1], axes)) + np.zeros(
                (s, *(size_of(a, sizes) for a in axes))
            )
    raise AssertionError(step)


def _gathered(v: Named, axis: str, index: Named, sizes: dict[str, int]) -> Named:
    if axis not in v[0]:
        raise Unfit
    rest = tuple(a for a in v[0] if a != axis)
    axes = canonical((*rest, *index[0]))
    out = np.empty((len(v[1]), *(size_of(a, sizes) for a in axes)))
    for at in np.ndindex(*out.shape[1:]):
        place = dict(zip(axes, at, strict=True))
        place[axis] = int(index[1][tuple(place[a] for a in index[0])])
        out[(slice(None), *at)] = v[1][(slice(None), *(place[a] for a in v[0]))]
    return axes, out


def _segmented(v: Named, axis: str, index: Named, sizes: dict[str, int]) -> Named:
    if not set(index[0]) <= set(v[0]) or axis in v[0]:
        raise Unfit
    kept = tuple(a for a in v[0] if a not in index[0])
    axes = canonical((*kept, axis))
    out = np.zeros((len(v[1]), *(size_of(a, sizes) for a in axes)))
    for at in np.ndindex(*v[1].shape[1:]):
        place = dict(zip(v[0], at, strict=True))
        place[axis] = int(index[1][tuple(place[a] for a in index[0])])
        out[(slice(None), *(place[a] for a in axes))] += v[1][(slice(None), *at)]
    return axes, out


# ---- the meaning by the builder ----------------------------------------------------------------------------------


def build(step: Step, made: list[Val], p: Random, b: Builder) -> Val:
    args = [made[i] for i in step.args]
    match step.op, step.attrs:
        case "lit", (number,):
            return b.lit(number)
        case "leaf", (name,):
            return b.node("u", (), (name,), p.leaves[name], batch=True, stage=1)
        case "data", (name,):
            return column(b, name, p)
        case "size", (axis,):
            return b.size(axis)
        case "where", (name,):
            return b.apply("where", column(b, name, p), *args)
        case "sum", axes:
            return b.sum(args[0], axes)
        case (("max" | "min" | "prod" | "logsumexp"), (axis,)):
            return b.reduce(step.op, args[0], axis)
        case "cumsum", (axis, backwards):
            value = b.spread(args[0], axis)
            return b.node("cumsum", (value,), (axis, backwards), value.axes)
        case "gather", (axis, name):
            return b.gather(args[0], axis, column(b, name, p))
        case "segment", (axis, name):
            index = column(b, name, p)
            every = b.tap(args[0], made_axes(step, p), "broadcast")
            return b.segment(every, {axis: index}, tuple(a for a in every.axes if a not in index.axes))
        case "rename", (old, new):
            return b.rename(args[0], old, new)
        case "stack", (axis,):
            return b.node("stack", tuple(args), (axis,), (*(a for i in args for a in i.axes), axis))
        case "tap", axes:
            return b.tap(args[0], axes, "broadcast")
        case op, _:
            return b.apply(op, *args)
    raise AssertionError(step)


def made_axes(step: Step, p: Random) -> tuple[str, ...]:
    return p.values[step.args[0]][0]


def column(b: Builder, name: str, p: Random) -> Val:
    axes = p.data[name][0]
    return b.node("input", (), (name, *axes), axes)


@dataclass(frozen=True)
class Columns:
    """What emitted lines ask of the data."""

    data: dict[str, Named]
    slots: dict[str, slice]

    def column(self, name: str, axes: tuple[str, ...]) -> np.ndarray:
        own, value = self.data[name]
        assert own == axes
        return value

    def slot(self, name: str) -> slice:
        return self.slots[name]


def layout(p: Random) -> tuple[list[str], dict[str, slice], int]:
    names = sorted(p.leaves, key=lambda n: (len(p.leaves[n]) > 0, n))
    slots, at = {}, 0
    for name in names:
        length = int(np.prod([size_of(a, p.sizes) for a in p.leaves[name]], dtype=int))
        slots[name] = slice(at, at + length)
        at += length
    return names, slots, at


def emitted(
    p: Random, roots: list[int]
) -> tuple[Callable[[np.ndarray], tuple[np.ndarray, dict[str, np.ndarray]]], str]:
    """The sum of some values and its gradient in every leaf, as straight-line code; and its text."""
    b = Builder(RANK)
    made: list[Val] = []
    for step in p.steps:
        made.append(build(step, made, p, b))
    root = b.total(b.sum(made[i], p.values[i][0]) for i in roots)
    names, slots, _ = layout(p)
    leaves = {n: b.node("u", (), (n,), p.leaves[n], batch=True, stage=1) for n in names}
    found = adjoints(b, root, leaves.values())
    grads = {n: found.get(v, b.lit(0.0)) for n, v in leaves.items()}
    scalars = {n: i for i, n in enumerate(n for n in names if not p.leaves[n])}
    w = Writer(scalars=scalars)
    w.write(stage_zero([root, *grads.values()]), 0)
    for n in names:
        if p.leaves[n]:
            w.line(f'{w.slot(n)} = d.slot("{n}")')
    inner = w.inside()
    inner.write([root, *grads.values()], 1)
    inner.line(f"return ({inner.of(root)}), {{{', '.join(f'{n!r}: {inner.of(v)}' for n, v in grads.items())}}}")
    text = "\n".join(
        ["def program(d, n):", *w.lines, "    def f(u, w):", "        S = len(u)", *inner.lines, "    return f"]
    )
    scope: dict[str, Any] = {"np": np, "sp": sp, "rt": runtime, "k": kernels}
    exec(compile(text, "<program>", "exec"), scope)
    f = scope["program"](Columns(p.data, slots), dict(p.sizes))

    def call(u: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        value, out = f(u, np.zeros(0))
        spread = {n: spread_out(out[n], grads[n], p.leaves[n], len(u), p.sizes) for n in names}
        return np.broadcast_to(value, len(u)), spread

    return call, text


def spread_out(g: Any, v: Val, axes: tuple[str, ...], draws: int, sizes: dict[str, int]) -> np.ndarray:
    """An adjoint with all axes of its leaf, draws first."""
    value = np.asarray(g, float) if v.batch else np.asarray(g, float)[None]
    assert set(v.axes) <= set(axes), (v.axes, axes)
    assert value.ndim == 1 + len(v.axes), (value.shape, v.axes)
    return np.broadcast_to(aligned((v.axes, value), axes), (draws, *(size_of(a, sizes) for a in axes)))


def interpreted(p: Random, roots: list[int], u: np.ndarray) -> tuple[np.ndarray, float]:
    """The same sum by plain numpy, and the largest magnitude that went into it."""
    _, slots, _ = layout(p)
    point = {n: u[:, slots[n]].reshape(len(u), *(size_of(a, p.sizes) for a in p.leaves[n])) for n in p.leaves}
    values: list[Named] = []
    for step in p.steps:
        values.append(interpret(step, values, p, len(u), point))
    total = np.zeros(len(u))
    scale = 1.0
    for i in roots:
        part = values[i][1].reshape(len(u), -1)
        total = total + part.sum(axis=1)
        scale = max(scale, float(np.abs(part).sum(axis=1).max(initial=0.0)))
    return total, scale


# ---- random programs ---------------------------------------------------------------------------------------------


def random_program(seed: int) -> Random:
    rng = np.random.default_rng(seed)
    sizes = {a: int(rng.choice([1, 2, 3, 4], p=[0.2, 0.35, 0.3, 0.15])) for a in BASES}
    if rng.random() < 0.1:
        sizes["r"] = 0
    p = Random(rng, sizes, {}, {}, {})
    _leaves(p)
    _data(p)
    for number in (0.0, 1.0, -1.0, 2.0, 0.5, -1.7):
        p.add(Step("lit", (), (number,)))
    p.add(Step("size", (), (p.axis(),)))
    for _ in range(int(rng.integers(6, 22))):
        for _ in range(10):
            if p.add(MOVES[int(rng.integers(len(MOVES)))](p)):
                break
    return p


def _leaves(p: Random) -> None:
    for i in range(int(p.rng.integers(1, 4))):
        axes = tuple(a for a in BASES if p.rng.random() < 0.3)[:3]
        p.leaves[f"x{i}"] = axes
        p.point[f"x{i}"] = p.rng.normal(size=(1, *(p.sizes[a] for a in axes)))
        p.add(Step("leaf", (), (f"x{i}",)))


def _data(p: Random) -> None:
    for i in range(3):
        axes = p.axes()
        p.data[f"d{i}"] = axes, p.rng.normal(size=tuple(p.sizes[a] for a in axes))
        p.add(Step("data", (), (f"d{i}",)))
    for name, draw in (("count", p.rng.integers), ("positive", p.rng.uniform)):
        axes = p.axes()
        p.data[name] = axes, draw(0 if name == "count" else 0.2, 3, tuple(p.sizes[a] for a in axes)).astype(float)
        p.names[name] = len(p.steps)
        p.add(Step("data", (), (name,)))
    for i in range(2):
        axes = p.axes() or ("g",)
        p.data[f"b{i}"] = axes, p.rng.random(tuple(p.sizes[a] for a in axes)) < 0.5


def _index(p: Random, axis: str) -> str:
    """A new column of 0-based levels of an axis: unsorted, repeated, sometimes sorted or the levels themselves."""
    name = f"i{len(p.data)}"
    axes = p.axes() or ("r",)
    shape = tuple(p.sizes[a] for a in axes)
    if p.sizes[axis] == 0 and np.prod(shape):
        axes, shape = ("r",), (0,)
    levels = p.rng.integers(0, max(p.sizes[axis], 1), shape)
    if p.rng.random() < 0.3:
        levels = np.sort(levels.ravel()).reshape(shape)
    if len(axes) == 1 and shape[0] == p.sizes[axis] and p.rng.random() < 0.5:
        levels = p.rng.permutation(shape[0]) if p.rng.random() < 0.5 else np.arange(shape[0])
    p.data[name] = axes, levels
    return name


def _own_axis(p: Random, i: int, at_least: int = 0) -> str:
    own = [a for a in p.values[i][0] if size_of(a, p.sizes) >= at_least]
    return str(p.rng.choice(own)) if own and p.rng.random() < 0.85 else p.axis(max(at_least, 1))


POSITIVE_ONLY = ("log", "sqrt", "log1p", "lgamma")
ANYWHERE = tuple(op for op in UNARY if op not in POSITIVE_ONLY)


def _positive(p: Random) -> int:
    """A value above zero, whatever the unknowns: what functions with a domain are promised."""
    i = p.pick()
    while not p.add(Step(str(p.rng.choice(["exp", "softplus", "sigmoid"])), (i,))):
        i = p.pick()
    return len(p.steps) - 1


def _unary(p: Random) -> Step:
    return Step(str(p.rng.choice(ANYWHERE)), (p.pick(),))


def _domain(p: Random) -> Step:
    return Step(str(p.rng.choice(POSITIVE_ONLY)), (_positive(p),))


def _binary(p: Random) -> Step:
    ops = ["add", "sub", "mul"] * 4 + ["max2", "min2", "logaddexp"]
    return Step(str(p.rng.choice(ops)), (p.pick(), p.pick()))


def _ratio(p: Random) -> Step:
    """Division, powers, and x log y with counts x, zeros among them."""
    match int(p.rng.integers(4)):
        case 0 | 1:
            return Step("div", (p.pick(), _positive(p)))
        case 2:
            return Step("pow", (_positive(p), int(p.rng.integers(len(p.leaves), len(p.leaves) + 12))))
        case _:
            i = _positive(p)
            if p.rng.random() < 0.5 and p.add(Step("mul", (p.names["count"], i))):
                i = len(p.steps) - 1
            return Step("xlogy", (p.names["count"], i))


def _exp_chain(p: Random) -> Step:
    """log of a product of exponentials and data, powers, and other shapes that have rules of their own."""
    i = p.pick()
    if not p.add(Step("exp", (i,))):
        return _unary(p)
    if p.rng.random() < 0.5 and p.add(Step("mul", (len(p.steps) - 1, p.names["positive"]))):
        return Step("log", (len(p.steps) - 1,))
    return Step(str(p.rng.choice(["log", "sqrt"])), (len(p.steps) - 1,))


def _sum(p: Random) -> Step:
    i = p.pick()
    axes = tuple(dict.fromkeys([_own_axis(p, i) for _ in range(int(p.rng.integers(1, 4)))]))
    return Step("sum", (i,), canonical(axes))


def _dot(p: Random) -> Step:
    if not p.add(Step("mul", (p.pick(), p.pick()))):
        return _sum(p)
    i = len(p.steps) - 1
    return Step("sum", (i,), canonical([_own_axis(p, i) for _ in range(int(p.rng.integers(1, 3)))]))


def _reduce(p: Random) -> Step:
    i = p.pick()
    return Step(str(p.rng.choice(list(REDUCED))), (i,), (_own_axis(p, i, 1),))


def _cumsum(p: Random) -> Step:
    i = p.pick()
    axis = _own_axis(p, i)
    if axis not in p.values[i][0]:
        p.add(Step("tap", (i,), (axis,)))
        i = len(p.steps) - 1
    if axis not in p.values[i][0]:
        return _unary(p)
    return Step("cumsum", (i,), (axis, bool(p.rng.random() < 0.5)))


def _gather(p: Random) -> Step:
    i = p.pick()
    axis = _own_axis(p, i)
    return Step("gather", (i,), (axis, _index(p, axis.rstrip("'"))))


def _segment(p: Random) -> Step:
    axis = p.axis()
    name = _index(p, axis)
    p.add(Step("tap", (p.pick(),), p.data[name][0]))
    return Step("segment", (len(p.steps) - 1,), (axis, name))


def _rename(p: Random) -> Step:
    i = p.pick()
    old = _own_axis(p, i)
    new = old.rstrip("'") if "'" in old else f"{old}'"
    return Step("rename", (i,), (old, new if new in RANK else old))


def _stack(p: Random) -> Step:
    axis = p.axis()
    return Step("stack", tuple(p.pick() for _ in range(p.sizes[axis])), (axis,))


def _tap(p: Random) -> Step:
    return Step("tap", (p.pick(),), p.axes())


def _where(p: Random) -> Step:
    return Step("where", (p.pick(), p.pick()), (str(p.rng.choice(["b0", "b1"])),))


MOVES: tuple[Callable[[Random], Step], ...] = (
    *(_unary,) * 3,
    *(_domain,) * 2,
    *(_ratio,) * 3,
    *(_binary,) * 7,
    *(_exp_chain,) * 2,
    *(_sum,) * 4,
    *(_dot,) * 3,
    *(_reduce,) * 2,
    _cumsum,
    *(_gather,) * 3,
    _segment,
    _rename,
    *(_stack,) * 2,
    _tap,
    *(_where,) * 4,
)

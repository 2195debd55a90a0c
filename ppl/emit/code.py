"""From values to straight-line Python text.

Every value becomes an array whose first axis is the draws (where it has them) and whose other axes are its own, in
canonical order. Names of axes vanish here: alignment is a `[:, None]` decided now.
"""

import keyword
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ppl.emit import rates
from ppl.emit.contract import matrix_product
from ppl.emit.loop_code import write_loop, write_outcome
from ppl.emit.val import KernelCall, Val
from ppl.stdlib.primitives import PRIMITIVES

INLINE = 60
KEPT = frozenset("gather scatter affine loop outcome kernel kernel_grad plan u w input sum dot logsumexp".split())


@dataclass(slots=True)
class Writer:
    """Lines of text, and the text by which each value is called."""

    lines: list[str] = field(default_factory=list)
    text: dict[Val, str] = field(default_factory=dict)
    inlined: set[Val] = field(default_factory=set)
    saved: dict[Val, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    indent: str = "    "
    hints: dict[Val, str] = field(default_factory=dict)
    scalars: dict[str, int] = field(default_factory=dict)
    sampled: frozenset[str] = frozenset()
    outcomes: dict[Val, tuple[str, ...]] = field(default_factory=dict)

    def inside(self) -> "Writer":
        """A writer for a function body: it knows the values written so far."""
        return Writer(
            [], dict(self.text), set(self.inlined), dict(self.saved), set(self.taken), self.indent + "    ",
            self.hints, self.scalars, self.sampled, dict(self.outcomes),
        )  # fmt: skip

    def slot(self, name: str) -> str:
        """The columns of `u` that an unknown has: a number, or the name of a slice."""
        return str(self.scalars[name]) if name in self.scalars else "s_" + re.sub(r"\W", "_", name)

    def noise_slot(self, site: str) -> str:
        """The columns of the uniform numbers that a site is drawn from."""
        return "e_" + re.sub(r"\W", "_", site)

    def line(self, text: str) -> None:
        self.lines.append(self.indent + text if text else "")

    def name(self, hint: str) -> str:
        """A fresh Python name like `hint`."""
        clean = re.sub(r"\W", "_", hint.replace("~", "_raw").replace("'", "_2")) or "t"
        # the places of coordinates and of uniform numbers are called s_NAME and e_NAME
        clean = f"_{clean}" if clean.startswith(("s_", "e_")) else clean
        if clean[0].isdigit() or keyword.iskeyword(clean) or clean in _RESERVED:
            clean = f"{clean}_"
        name, n = clean, 1
        while name in self.taken:
            n += 1
            name = f"{clean}{n}"
        self.taken.add(name)
        return name

    def write(self, wanted: Iterable[Val], stage: int) -> None:
        """Lines that compute the wanted values and all they need; values of another stage must be written already."""
        wanted = list(wanted)
        needed = _needed(wanted, stage, self.text)
        uses = Counter(a for v in needed for a in read(v))
        uses.update(wanted)
        for v in sorted(needed, key=lambda x: x.order):
            self._value(v, uses[v], v in wanted)

    def _value(self, v: Val, uses: int, wanted: bool) -> None:
        text = code(v, self)
        if v.op == "lit":
            self.text[v] = text
            return
        short = (
            len(text) <= INLINE
            and (uses == 1 or v.op in ("size",))
            and v.op not in KEPT
            and v not in self.hints
            and not wanted
        )
        if short or text.isidentifier():
            self.text[v] = text
            self.inlined.add(v)
            return
        name = self.name(self.hints.get(v) or _PREFIX.get(v.op, "t"))
        self.line(f"{name} = {text}")
        self.text[v] = name

    # -- references --

    def of(self, v: Val) -> str:
        """The text of a value as an operand."""
        text = self.text[v]
        return f"({text})" if v in self.inlined and not _is_call(text) else text

    def aligned(self, v: Val, axes: tuple[str, ...], batch: bool) -> str:
        """A value as an operand of an elementwise operation with these axes."""
        text = self.of(v)
        if v.axes == axes or (not v.axes and not v.batch):
            return text
        marks = [":" if a in v.axes else "None" for a in axes]
        if v.batch:
            return f"{text}[{', '.join([':', *marks])}]"
        while marks and marks[0] == "None":
            marks.pop(0)
        return f"{text}[{', '.join(marks)}]" if "None" in marks else text

    def arranged(self, v: Val, axes: tuple[str, ...]) -> str:
        """A value with its axes in another order; axes that it lacks have length 1."""
        text = self.of(v)
        have = [a for a in axes if a in v.axes]
        lead = 1 if v.batch else 0
        turn = [lead + v.axes.index(a) for a in have]
        if turn != sorted(turn):
            text = f"np.transpose({text}, {(*range(lead), *turn)})"
        if len(have) < len(axes) and (v.batch or have):
            marks = ", ".join([":"] * lead + [":" if a in have else "None" for a in axes])
            text = f"{text}[{marks}]"
        return text

    def size(self, axis: str) -> str:
        """The length of an axis."""
        return axis_size(axis)

    def shape(self, axes: Iterable[str], batch: bool) -> str:
        """The shape of an array with these axes."""
        sizes = [*(["S"] if batch else []), *(axis_size(a) for a in axes)]
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def positions(self, v: Val, axes: Iterable[str]) -> str:
        """Axis numbers in the array of a value."""
        lead = 1 if v.batch else 0
        at = [lead + v.axes.index(str(a)) for a in axes]
        if len(at) == 1 and at[0] == lead + len(v.axes) - 1:
            return "-1"
        return str(at[0]) if len(at) == 1 else str(tuple(at))


# The arguments and local names of the functions of a program, and the functions themselves.
_RESERVED = frozenset(
    (
        "np sp k rt program d n u w e v S lo hi g gw out theta log_density value_and_grad constrained recentred"
        " marginals terms potentials recovered estimate log_weight learned start"
    ).split()
)
_PREFIX = {"plan": "at", "size": "n"}


def _is_call(text: str) -> bool:
    """Whether the text is a name or one call, so that it needs no parentheses."""
    if text.isidentifier():
        return True
    head = re.match(r"[\w.]+\(", text)
    if head is None:
        return False
    depth = 0
    for i, c in enumerate(text):
        depth += (c in "([") - (c in ")]")
        if depth == 0 and c in ")]":
            return i == len(text) - 1
    return False


def read(v: Val) -> tuple[Val, ...]:
    """The values that the code of a value reads: the slopes of an attached gradient are for the way back."""
    return v.args[:1] if v.op == "attach" else v.args


def _needed(wanted: Iterable[Val], stage: int, known: dict[Val, str]) -> set[Val]:
    found: set[Val] = set()
    stack = [v for v in wanted if v not in known]
    while stack:
        v = stack.pop()
        if v in found or v in known:
            continue
        found.add(v)
        stack.extend(a for a in read(v) if a not in known)
    return {v for v in found if v.stage == stage or v.op == "lit" or stage == 1}


# ---- one value ---------------------------------------------------------------------------------------------------


def code(v: Val, w: Writer) -> str:
    """The right side of the line that computes a value."""
    if v.op in PRIMITIVES:
        return PRIMITIVES[v.op].code.format(*(w.aligned(a, v.axes, v.batch) for a in v.args))
    return _CODE[v.op](v, w)


def number(value: float) -> str:
    if math.isnan(value) or value in (float("inf"), float("-inf")):
        return {"nan": "np.nan", "inf": "np.inf", "-inf": "(-np.inf)"}[str(value)]
    text = repr(value)
    return f"({text})" if value < 0 else text


def axis_size(axis: object) -> str:
    """The length of an axis: copies share it, a shortened axis (`~`) has one less."""
    base = str(axis).rstrip("'")
    return f'n["{base}"]'


def _sum(v: Val, w: Writer) -> str:
    x = v.args[0]
    return f"np.add.reduce({w.of(x)}, {w.positions(x, (str(a) for a in v.attrs))})"


def _extreme(v: Val, w: Writer) -> str:
    x = v.args[0]
    function = {
        "max": "np.max",
        "min": "np.min",
        "prod": "np.prod",
        "argmax": "np.argmax",
        "logsumexp": "rt.logsumexp",
    }[v.op]
    return f"{function}({w.of(x)}, {w.positions(x, (str(a) for a in v.attrs))})"


def _dot(v: Val, w: Writer) -> str:
    a, b = v.args
    over = tuple(str(x) for x in v.attrs)
    short = _matmul(v, a, b, over, w) or _matmul(v, b, a, over, w) or matrix_product(v, w.arranged, axis_size)
    return short or _einsum(v, over, w)


def _matmul(v: Val, m: Val, c: Val, over: tuple[str, ...], w: Writer) -> str | None:
    """`m @ c` where m has draws and c is a vector or matrix of data (or of what all draws share)."""
    if not m.batch or c.batch or len(over) != 1 or m.axes[-1:] != over or over[0] not in c.axes or len(c.axes) > 2:
        return None
    rest = tuple(a for a in c.axes if a != over[0])
    if (*m.axes[:-1], *rest) != v.axes or set(rest) & set(m.axes):
        return None
    turned = ".T" if len(c.axes) == 2 and c.axes[0] != over[0] else ""
    return f"{w.of(m)} @ {w.of(c)}{turned}"


def _einsum(v: Val, over: tuple[str, ...], w: Writer) -> str:
    letters = {a: chr(ord("a") + i) for i, a in enumerate(dict.fromkeys((*v.args[0].axes, *v.args[1].axes)))}
    del over

    def spell(x: Val) -> str:
        return ("S" if x.batch else "") + "".join(letters[a] for a in x.axes)

    left, right = v.args
    return f'np.einsum("{spell(left)},{spell(right)}->{spell(v)}", {w.of(left)}, {w.of(right)})'


def _cumsum(v: Val, w: Writer) -> str:
    axis, backwards = v.attrs
    return f"rt.cumsum({w.of(v.args[0])}, {w.positions(v.args[0], (str(axis),))}, {backwards})"


def _gather(v: Val, w: Writer) -> str:
    x, plan = v.args
    return f"{w.of(plan)}.{'take' if x.batch else 'pick'}({w.of(x)})"


def _scatter(v: Val, w: Writer) -> str:
    g, plan = v.args
    return f"{w.of(plan)}.{'add' if g.batch else 'add_fixed'}({w.of(g)})"


def _plan(v: Val, w: Writer) -> str:
    sizes = ", ".join(axis_size(a) for a in v.attrs)
    return f"rt.Gather({w.of(v.args[0])}, ({sizes},))"


def _flat(v: Val, w: Writer) -> str:
    """Positions in the flattened source, aligned with the result: those given along some axes, its own along others."""
    names = [str(a) for a in v.attrs]
    axes, source = names[: len(v.args)], names[len(v.args) :]
    parts = []
    for i, a in enumerate(source):
        if a in axes:
            at = w.aligned(v.args[axes.index(a)], v.axes, False)
            at = f"rt.within({at}, {axis_size(a)})" if len(axes) > 1 else f"np.asarray({at})"
        else:
            marks = ", ".join(":" if x == a else "None" for x in v.axes)
            at = f"np.arange({axis_size(a)})[{marks}]"
        step = " * ".join(axis_size(x) for x in source[i + 1 :])
        parts.append(f"{at} * ({step})" if step else at)
    return " + ".join(parts)


def _rename(v: Val, w: Writer) -> str:
    x = v.args[0]
    old, new = (str(a) for a in v.attrs)
    moved = tuple(old if a == new else a for a in v.axes)
    lead = 1 if v.batch else 0
    turn = [lead + x.axes.index(a) for a in moved]
    return w.of(x) if turn == sorted(turn) else f"np.transpose({w.of(x)}, {(*range(lead), *turn)})"


def _stack(v: Val, w: Writer) -> str:
    axis = str(v.attrs[0])
    rest = tuple(a for a in v.axes if a != axis)
    lead = 1 if v.batch else 0
    if not rest and not v.batch:
        return f"np.array([{', '.join(w.of(i) for i in v.args)}], dtype=float)"
    shape = ", ".join([*(["S"] if v.batch else []), *(axis_size(a) for a in rest)])
    items = [f"np.broadcast_to({w.aligned(i, rest, v.batch)}, ({shape},))" for i in v.args]
    return f"np.stack([{', '.join(items)}], {lead + v.axes.index(axis)})"


def _tap(v: Val, w: Writer) -> str:
    x = v.args[0]
    if x.axes == v.axes and x.batch == v.batch:
        return w.of(x)
    shape = ", ".join([*(["S"] if v.batch else []), *(axis_size(a) for a in v.axes)])
    return f"np.broadcast_to({w.aligned(x, v.axes, v.batch)}, ({shape},))" if shape else w.of(x)


def _call(v: Val) -> tuple[KernelCall, tuple[str, ...]]:
    """The call of a kernel value, and its batch axes."""
    call = v.attrs[0]
    assert isinstance(call, KernelCall)
    return call, tuple(a for a in v.axes if a not in call.out)


def _kernel(v: Val, w: Writer) -> str:
    call, batch = _call(v)
    args = [
        w.arranged(a, (*(batch if a.batch or set(batch) & set(a.axes) else ()), *e))
        for a, e in zip(v.args, call.events, strict=True)
    ]
    saved = w.name(f"{call.name}_saved")
    w.saved[v] = saved
    y = w.name(call.name)
    given = ", ".join([*args, *(str(number) for number in call.settings)])
    w.line(f'{y}, {saved} = k.KERNELS["{call.name}"].forward({given})')
    return _restored(y, (*batch, *call.out), v)


def _restored(text: str, axes: tuple[str, ...], v: Val) -> str:
    lead = 1 if v.batch else 0
    turn = [lead + axes.index(a) for a in v.axes]
    return text if turn == sorted(turn) else f"np.transpose({text}, {(*range(lead), *turn)})"


def _kernel_grad(v: Val, w: Writer) -> str:
    kernel, g = v.args
    call, batch = _call(kernel)
    every = f"{w.saved[kernel]}_grads"
    if every not in w.taken:
        w.taken.add(every)
        adjoint = w.arranged(g, (*batch, *call.out))
        w.line(f'{every} = k.KERNELS["{call.name}"].backward({w.saved[kernel]}, {adjoint})')
    i = v.attrs[0]
    assert isinstance(i, int)
    return _restored(f"{every}[{i}]", (*batch, *call.events[i]), v)


def _raw(v: Val, w: Writer) -> str:
    columns = f"u[:, {w.slot(str(v.attrs[0]))}]"
    if len(v.axes) < 2:
        return columns
    return f"{columns}.reshape(S, {', '.join(axis_size(a) for a in v.axes)})"


def _pad(v: Val, w: Writer) -> str:
    """The chances of lying below a threshold, with none below the least and all below the largest."""
    old, _, end = v.attrs
    x = v.args[0]
    return f"rt.pad({w.of(x)}, {w.positions(x, (str(old),))}, {end!r})"


def _unpad(v: Val, w: Writer) -> str:
    new, _, end = v.attrs
    x = v.args[0]
    return f"rt.unpad({w.of(x)}, {w.positions(x, (str(new),))}, {end!r})"


def _concat(v: Val, w: Writer) -> str:
    """Arrays along one axis of their own each, or none, joined along a new one."""
    axis, *extra = (str(a) for a in v.attrs)
    at = (1 if v.batch else 0) + v.axes.index(axis)
    items = []
    for item, e in zip(v.args, extra, strict=True):
        own = tuple(e if a == axis and e else a for a in v.axes if a != axis or e)
        shape = ", ".join([*(["S"] if v.batch else []), *(axis_size(a) for a in own)])
        text = w.arranged(item, own) if item.batch == v.batch else w.aligned(item, own, v.batch)
        full = f"np.broadcast_to({text}, ({shape},))" if shape else text
        items.append(full if e else f"np.expand_dims({full}, {at})")
    return f"np.concatenate([{', '.join(items)}], {at})"


def _piece(v: Val, w: Writer) -> str:
    """One of the arrays that were joined."""
    axis, e, i, *extra = v.attrs
    x = v.args[0]
    assert isinstance(i, int)
    sizes = [axis_size(a) if a else "1" for a in extra]
    start = " + ".join(sizes[:i]) or "0"
    at = w.positions(x, (str(axis),))
    taken = f"rt.piece({w.of(x)}, {at}, {start}, {sizes[i]})"
    moved = tuple(str(e) if a == axis and e else a for a in x.axes if a != axis or e)
    if not e:
        taken = f"np.squeeze({taken}, {at})"
    return _restored(taken, moved, v)


def _places(v: Val, w: Writer) -> str:
    """The positions along an axis; in a minibatch, those that they have in the data."""
    axis = str(v.attrs[0])
    return f'd.places("{axis}")' if axis in w.sampled else f"np.arange({axis_size(axis)})"


def _stretch(x: Val, axis: str, before: tuple[tuple[str, ...], ...], own: tuple[str, ...]) -> tuple[int, str, str]:
    """The number of an axis, and where on it a stretch begins and how long it is."""
    start = " + ".join(_cells(axes) for axes in before) or "0"
    return (1 if x.batch else 0) + x.axes.index(axis), start, _cells(own)


def _cut(v: Val, w: Writer) -> str:
    """A stretch of an axis, with the axes that were laid out along it."""
    x, (axis, before, own) = v.args[0], v.attrs
    at, start, length = _stretch(x, axis, before, own)  # type: ignore[arg-type]
    text = f"rt.cut({w.of(x)}, {at}, {start}, {length}"
    sizes = ", ".join(axis_size(a) for a in own)  # type: ignore[attr-defined]
    moved = tuple(b for a in x.axes for b in (own if a == axis else (a,)))  # type: ignore[attr-defined]
    return _restored(f"{text})" if len(own) == 1 else f"{text}, ({sizes}{',' * bool(sizes)}))", moved, v)  # type: ignore[arg-type]


def _uncut(v: Val, w: Writer) -> str:
    """A stretch back in its place, between zeros."""
    g, (axis, before, own) = v.args[0], v.attrs
    at, start, length = _stretch(v, axis, before, own)  # type: ignore[arg-type]
    moved = tuple(b for a in v.axes for b in (own if a == axis else (a,)))  # type: ignore[attr-defined]
    return f"rt.uncut({w.arranged(g, moved)}, {at}, {start}, {length}, {len(own)}, {axis_size(axis)})"  # type: ignore[arg-type]


def _start_of(v: Val, w: Writer) -> str:
    """Where the weights of a flow start."""
    name, settings, axis = v.attrs
    return f"k.start_of({name!r}, {', '.join([axis_size(axis), *(str(x) for x in settings)])})"  # type: ignore[attr-defined]


def _noise(v: Val, w: Writer) -> str:
    """Uniform numbers of a site: its columns of `e`."""
    columns = f"e[:, {w.noise_slot(str(v.attrs[0]))}]"
    if not v.axes:
        return f"{columns}[:, 0]"
    return f"{columns}.reshape(S, {', '.join(axis_size(a) for a in v.axes)})" if len(v.axes) > 1 else columns


def _quantile(v: Val, w: Writer) -> str:
    """A quantile function of the tables, its names replaced by the arguments."""
    text, *names = (str(a) for a in v.attrs)
    given = {n: f"({w.aligned(a, v.axes, v.batch)})" for n, a in zip(names, v.args, strict=True)}
    return re.sub(r"(?<![\w.])[A-Za-z_]\w*(?!\w*\()", lambda m: given.get(m[0], m[0]), text)


def _cells(axes: tuple[object, ...]) -> str:
    """How many numbers an array with these axes has, as text."""
    return " * ".join(axis_size(a) for a in axes) or "1"


def _initial(v: Val, w: Writer) -> str:
    """Where the weights of a net start: random, and the same for the same name."""
    name, scaling, fans, inside, out, written = v.attrs
    assert isinstance(fans, tuple) and isinstance(inside, tuple) and isinstance(out, tuple)
    assert isinstance(written, tuple)
    count = " + ".join(_cells(axes) for axes in fans)
    shape = f"({', '.join(axis_size(a) for a in written)}{',' if len(written) == 1 else ''})"
    text = f"rt.initial({name!r}, {scaling!r}, {count}, {_cells(out)}, {shape})"
    turn = [written.index(a) for a in v.axes]
    return text if turn == sorted(turn) else f"np.transpose({text}, {tuple(turn)})"


_CODE: dict[str, Callable[[Val, Writer], str]] = {
    "lit": lambda v, w: number(float(v.attrs[0])),  # type: ignore[arg-type]
    "size": lambda v, w: axis_size(v.attrs[0]),
    "arange": lambda v, w: _places(v, w) + (f" + {v.attrs[1]}" if v.attrs[1] else ""),
    "scale": lambda v, w: "d.scale",
    "stored": lambda v, w: f"d.whole({v.attrs[0]}, {v.attrs[1:]!r})",
    "span": lambda v, w: f"np.arange({w.of(v.args[0])}, {w.of(v.args[1])} + 1.0)",
    "window": lambda v, w: f"d.window({v.attrs[0]!r}, {v.attrs[1:]!r}, {w.of(v.args[0])}, n)",
    "level": lambda v, w: f'd.level("{v.attrs[0]}", {v.attrs[1]!r})',
    "lag": lambda v, w: f"np.maximum(np.arange({axis_size(v.attrs[0])}) - {v.attrs[1]}, 0)",
    "ones": lambda v, w: f"np.ones({axis_size(v.attrs[0])})",
    "eye": lambda v, w: f"np.eye({axis_size(v.attrs[0])})",
    "real": lambda v, w: f"np.asarray({w.of(v.args[0])}, float)",
    "ones_like": _tap,
    "sum": _sum,
    "max": _extreme,
    "min": _extreme,
    "prod": _extreme,
    "argmax": _extreme,
    "logsumexp": _extreme,
    "prod_others": lambda v, w: (
        f"rt.prod_others({w.of(v.args[0])}, {w.positions(v.args[0], (str(a) for a in v.attrs))})"
    ),
    "dot": _dot,
    "cumsum": _cumsum,
    "gather": _gather,
    "scatter": _scatter,
    "plan": _plan,
    "flat": _flat,
    "rename": _rename,
    "stack": _stack,
    "tap": _tap,
    "pad": _pad,
    "unpad": _unpad,
    "concat": _concat,
    "piece": _piece,
    "importance_bound": lambda v, w: f"rt.bound({w.of(v.args[0])}, {v.attrs[0]}, {v.attrs[1]})",
    "importance_shares": lambda v, w: f"rt.shares({w.of(v.args[0])}, {v.attrs[0]}, {v.attrs[1]})",
    "cut": _cut,
    "uncut": _uncut,
    "start_of": _start_of,
    "stop": lambda v, w: w.of(v.args[0]),
    "attach": lambda v, w: w.aligned(v.args[0], v.axes, v.batch),
    "centred": lambda v, w: f"rt.centred({w.of(v.args[0])})",
    "schedule": rates.schedule_code,
    "ode": rates.ode_code,
    "ode_grad": rates.ode_grad_code,
    "noise": _noise,
    "initial": _initial,
    "quantile": _quantile,
    "affine": lambda v, w: (
        f"rt.affine({w.aligned(v.args[0], v.axes, v.batch)}, {w.aligned(v.args[1], v.axes, v.batch)}, "
        f"{int(v.batch) + v.axes.index(str(v.attrs[0]))}, {v.attrs[1]})"
    ),
    "loop": write_loop,
    "outcome": write_outcome,
    "kernel": _kernel,
    "kernel_grad": _kernel_grad,
    "u": _raw,
    "w": lambda v, w: f"{v.attrs[1] if len(v.attrs) > 1 else 'w'}[{v.attrs[0]}]",
    "input": lambda v, w: f'd.column("{v.attrs[0]}", {v.attrs[1:]!r})',
    "missing": lambda v, w: f'd.missing("{v.attrs[0]}", {v.attrs[1:]!r})',
    "blanks": lambda v, w: f'd.blanks("{v.attrs[0]}", {v.attrs[2:]!r}, {v.attrs[1]})',
    "rank": lambda v, w: f'd.missing_rank("{v.attrs[0]}", {v.attrs[1:]!r})',
}

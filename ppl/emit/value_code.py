"""The right side of the line that computes a value, by its operation."""

import math
import re
from collections.abc import Callable

from ppl.emit import array_code as arrays
from ppl.emit import rates
from ppl.emit.contract import matrix_product
from ppl.emit.loop_code import write_loop, write_outcome
from ppl.emit.pen import Pen, axis_size, cells, restored
from ppl.emit.val import KernelCall, Val
from ppl.stdlib.primitives import PRIMITIVES


def code(v: Val, w: Pen) -> str:
    """The right side of the line that computes a value."""
    if v.op in PRIMITIVES:
        return PRIMITIVES[v.op].code.format(*(w.aligned(a, v.axes, v.batch) for a in v.args))
    return _CODE[v.op](v, w)


def number(value: float) -> str:
    if math.isnan(value) or value in (float("inf"), float("-inf")):
        return {"nan": "np.nan", "inf": "np.inf", "-inf": "(-np.inf)"}[str(value)]
    text = repr(value)
    return f"({text})" if value < 0 else text


def _sum(v: Val, w: Pen) -> str:
    x = v.args[0]
    return f"np.add.reduce({w.of(x)}, {w.positions(x, (str(a) for a in v.attrs))})"


def _extreme(v: Val, w: Pen) -> str:
    x = v.args[0]
    function = {
        "max": "np.max",
        "min": "np.min",
        "prod": "np.prod",
        "argmax": "np.argmax",
        "logsumexp": "rt.logsumexp",
    }[v.op]
    return f"{function}({w.of(x)}, {w.positions(x, (str(a) for a in v.attrs))})"


def _dot(v: Val, w: Pen) -> str:
    a, b = v.args
    over = tuple(str(x) for x in v.attrs)
    short = _matmul(v, a, b, over, w) or _matmul(v, b, a, over, w) or matrix_product(v, w.arranged, axis_size)
    return short or _einsum(v, over, w)


def _matmul(v: Val, m: Val, c: Val, over: tuple[str, ...], w: Pen) -> str | None:
    """`m @ c` where m has draws and c is a vector or matrix of data (or of what all draws share)."""
    if not m.batch or c.batch or len(over) != 1 or m.axes[-1:] != over or over[0] not in c.axes or len(c.axes) > 2:
        return None
    rest = tuple(a for a in c.axes if a != over[0])
    if (*m.axes[:-1], *rest) != v.axes or set(rest) & set(m.axes):
        return None
    turned = ".T" if len(c.axes) == 2 and c.axes[0] != over[0] else ""
    return f"{w.of(m)} @ {w.of(c)}{turned}"


def _einsum(v: Val, over: tuple[str, ...], w: Pen) -> str:
    letters = {a: chr(ord("a") + i) for i, a in enumerate(dict.fromkeys((*v.args[0].axes, *v.args[1].axes)))}
    del over

    def spell(x: Val) -> str:
        return ("S" if x.batch else "") + "".join(letters[a] for a in x.axes)

    left, right = v.args
    return f'np.einsum("{spell(left)},{spell(right)}->{spell(v)}", {w.of(left)}, {w.of(right)})'


def _cumsum(v: Val, w: Pen) -> str:
    axis, backwards = v.attrs
    return f"rt.cumsum({w.of(v.args[0])}, {w.positions(v.args[0], (str(axis),))}, {backwards})"


def _call(v: Val) -> tuple[KernelCall, tuple[str, ...]]:
    """The call of a kernel value, and its batch axes."""
    call = v.attrs[0]
    assert isinstance(call, KernelCall)
    return call, tuple(a for a in v.axes if a not in call.out)


def _kernel(v: Val, w: Pen) -> str:
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
    return restored(y, (*batch, *call.out), v)


def _kernel_grad(v: Val, w: Pen) -> str:
    kernel, g = v.args
    call, batch = _call(kernel)
    every = f"{w.saved[kernel]}_grads"
    if every not in w.taken:
        w.taken.add(every)
        adjoint = w.arranged(g, (*batch, *call.out))
        w.line(f'{every} = k.KERNELS["{call.name}"].backward({w.saved[kernel]}, {adjoint})')
    i = v.attrs[0]
    assert isinstance(i, int)
    return restored(f"{every}[{i}]", (*batch, *call.events[i]), v)


def _raw(v: Val, w: Pen) -> str:
    columns = f"u[:, {w.slot(str(v.attrs[0]))}]"
    if len(v.axes) < 2:
        return columns
    return f"{columns}.reshape(S, {', '.join(axis_size(a) for a in v.axes)})"


def _places(v: Val, w: Pen) -> str:
    """The positions along an axis; in a minibatch, those that they have in the data."""
    axis = str(v.attrs[0])
    return f'd.places("{axis}")' if axis in w.sampled else f"np.arange({axis_size(axis)})"


def _start_of(v: Val, w: Pen) -> str:
    """Where the weights of a flow start."""
    name, settings, axis = v.attrs
    return f"k.start_of({name!r}, {', '.join([axis_size(axis), *(str(x) for x in settings)])})"  # type: ignore[attr-defined]


def _noise(v: Val, w: Pen) -> str:
    """Uniform numbers of a site: its columns of `e`."""
    columns = f"e[:, {w.noise_slot(str(v.attrs[0]))}]"
    if not v.axes:
        return f"{columns}[:, 0]"
    return f"{columns}.reshape(S, {', '.join(axis_size(a) for a in v.axes)})" if len(v.axes) > 1 else columns


def _quantile(v: Val, w: Pen) -> str:
    """A quantile function of the tables, its names replaced by the arguments."""
    text, *names = (str(a) for a in v.attrs)
    given = {n: f"({w.aligned(a, v.axes, v.batch)})" for n, a in zip(names, v.args, strict=True)}
    return re.sub(r"(?<![\w.])[A-Za-z_]\w*(?!\w*\()", lambda m: given.get(m[0], m[0]), text)


def _initial(v: Val, w: Pen) -> str:
    """Where the weights of a net start: random, and the same for the same name."""
    name, scaling, fans, inside, out, written = v.attrs
    assert isinstance(fans, tuple) and isinstance(inside, tuple) and isinstance(out, tuple)
    assert isinstance(written, tuple)
    count = " + ".join(cells(axes) for axes in fans)
    shape = f"({', '.join(axis_size(a) for a in written)}{',' if len(written) == 1 else ''})"
    text = f"rt.initial({name!r}, {scaling!r}, {count}, {cells(out)}, {shape})"
    turn = [written.index(a) for a in v.axes]
    return text if turn == sorted(turn) else f"np.transpose({text}, {tuple(turn)})"


_CODE: dict[str, Callable[[Val, Pen], str]] = {
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
    "ones_like": arrays.tap,
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
    "gather": arrays.gather,
    "scatter": arrays.scatter,
    "plan": arrays.plan,
    "flat": arrays.flat,
    "rename": arrays.rename,
    "stack": arrays.stack,
    "tap": arrays.tap,
    "pad": arrays.pad,
    "unpad": arrays.unpad,
    "concat": arrays.concat,
    "piece": arrays.piece,
    "importance_bound": lambda v, w: f"rt.bound({w.of(v.args[0])}, {v.attrs[0]}, {v.attrs[1]})",
    "importance_shares": lambda v, w: f"rt.shares({w.of(v.args[0])}, {v.attrs[0]}, {v.attrs[1]})",
    "cut": arrays.cut,
    "uncut": arrays.uncut,
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

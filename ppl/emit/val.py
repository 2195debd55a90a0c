"""One value of a program."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KernelCall:
    """A row of `KERNELS`, with the event axes of each argument and of the result, and the numbers that follow the
    arrays."""

    name: str
    events: tuple[tuple[str, ...], ...]
    out: tuple[str, ...]
    settings: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class RateBody:
    """The right side of a differential equation: `rate` is a value of the time `t`, the state `y` and `params`, and
    `pulls` are the derivatives of sum(g * rate) in the state and the parameters. `batch` are the axes of trajectories,
    groups last; `state` is the axis of the state, "" for one number."""

    name: str
    t: "Val"
    y: "Val"
    g: "Val"
    params: "tuple[Val, ...]"
    rate: "Val"
    pulls: "tuple[Val, ...]"
    batch: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True, eq=False)
class Val:
    """One value. `op` is a row of `PRIMITIVES`, or: `lit` (attrs: number) · `input` (name) · `u` (site) · `w` (index)
    `sum max min prod logsumexp` (attrs: axes) · `dot` (attrs: axes) · `cumsum` (axis, reverse) · `gather scatter`
    (value, plan) · `plan` (flat index) · `flat` (index; attrs: axes) · `arange` (axis, first) · `size` (axis) · `level`
    (axis, label) · `window` (low; attrs: axis, columns) · `rename` (old, new) · `stack` (items; attrs: axis) · `eye`
    (axis, copy) · `kernel` (args; attrs:
    name, event axes in, event axes out) · `kernel_grad` (kernel, adjoint; attrs: index) · `tap` (value with all its
    axes) · `noise` (site: uniform numbers) · `quantile` (uniforms and parameters; attrs: numpy text, the names in it) ·
    `cut` (a stretch of an axis; attrs: axis, the groups of axes before it, its own) `uncut` (back in its place) ·
    `importance_bound importance_shares` (of groups of importance weights; attrs: how many, the order) ·
    `start_of` (where the weights of a flow start; attrs: name, settings, axis) ·
    `stop` (no gradient flows through it) · `attach` (value, then pairs of what it depends on and its slope) ·
    `centred` (costs less the mean of those of the other draws) · `schedule` (times, start, groups; attrs: axis of the
    groups) `ode` (schedule, start, parameters, data; attrs: body, along, settings) `ode_grad` (ode, adjoint; attrs:
    index) · `bound` (what a body is a function of) · `loop` (arrays, constants, starts; attrs: `Loop`) `outcome` (loop;
    attrs: which state) `past` (some positions back in a loop) `cell` (one position in a loop) ·
    `affine` (slopes, rest; attrs: axis, whether backwards)."""

    op: str
    args: "tuple[Val, ...]"
    attrs: tuple[object, ...]
    axes: tuple[str, ...]
    batch: bool
    stage: int
    order: int
    hint: str = ""

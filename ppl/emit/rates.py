"""The lines of a differential equation: its rate and its pull as functions, and the calls of the solver."""

from ppl.emit.pen import Pen
from ppl.emit.val import RateBody, Val


def schedule_code(v: Val, w: Pen) -> str:
    times, start, *index = v.args
    group = str(v.attrs[0]).rstrip("'")
    groups = f'{w.of(index[0])}, n["{group}"]' if index else "None, 1"
    return f"d.schedule({w.of(times)}, {w.of(start)}, {groups})"


def ode_code(v: Val, w: Pen) -> str:
    """Defines the rate and calls the solver; the tape is kept for the way back."""
    body, along, rtol, atol, steps = v.attrs
    assert isinstance(body, RateBody)
    plan, start, *rest = v.args
    rate = w.name(f"{body.name}_rate")
    _define(rate, body, w, (body.rate,), with_g=False)
    given = ", ".join(_per_draw(w, p, p.axes) for p in rest[: len(body.params)])
    states, tape = w.name(f"{body.name}_states"), w.name(f"{body.name}_tape")
    w.saved[v] = tape
    first = _raw(_per_draw(w, start, _state_axes(body)), body)
    comma = "," if len(body.params) == 1 else ""
    call = f"k.solve({rate}, {w.of(plan)}, {first}, ({given}{comma}), {rtol}, {atol}, {steps})"
    w.line(f"{states}, {tape} = {call}")
    made = _made_axes(body, str(along), v)
    text = states if body.state else f"{states}[..., 0]"
    if not along:
        text = f"{states}[..., 0, :]" if body.state else f"{states}[..., 0, 0]"
    return _turned(text, made, v.axes)


def ode_grad_code(v: Val, w: Pen) -> str:
    ode, g = v.args
    body, along = ode.attrs[0], str(ode.attrs[1])
    assert isinstance(body, RateBody)
    tape = w.saved[ode]
    every = f"{tape}_grads"
    if every not in w.taken:
        w.taken.add(every)
        pull = w.name(f"{body.name}_pull")
        _define(pull, body, w, body.pulls, with_g=True)
        adjoint = w.arranged(g, _made_axes(body, along, ode))
        if not along:
            adjoint = f"({adjoint})[..., None, :]" if body.state else f"({adjoint})[..., None]"
        w.line(f"{every} = k.pull_back({pull}, {tape}, {_raw(adjoint, body)})")
    i = v.attrs[0]
    assert isinstance(i, int)
    if i:
        return f"{every}[{i}]"
    return _turned(f"{every}[0]" if body.state else f"{every}[0][..., 0]", _state_axes(body), v.axes)


def _define(name: str, body: RateBody, w: Pen, results: tuple[Val, ...], with_g: bool) -> None:
    """`def NAME(t, y, p):` (and `g`), with the values that it returns: a rate, or pulls for the state and each
    parameter."""
    inner = w.inside()
    t, y, p, g = (inner.name(x) for x in ("t", "y", "p", "g"))
    inner.line(f"S = len({y})")
    inner.text[body.t] = _turned(t, body.batch, body.t.axes)
    state = y if body.state else f"{y}[..., 0]"
    _bind(inner, body.y, "state", _turned(state, _state_axes(body), body.y.axes))
    if with_g:
        _bind(inner, body.g, "onto", _turned(g if body.state else f"{g}[..., 0]", _state_axes(body), body.g.axes))
    for i, param in enumerate(body.params):
        _bind(inner, param, f"p{i}", f"{p}[{i}]")
    inner.write(results, 1)
    whole = f"{y}.shape" if body.state else f"{y}.shape[:-1]"
    first = _raw(f"np.broadcast_to({inner.arranged(results[0], _state_axes(body))}, {whole})", body)
    shares = (
        f"np.broadcast_to({_full(inner, r, param)}, {inner.text[param]}.shape)"
        for r, param in zip(results[1:], body.params, strict=False)
    )
    inner.line(f"return {', '.join((first, *shares))}{',' if with_g and not body.params else ''}")
    w.line(f"def {name}({', '.join((t, y, p, g) if with_g else (t, y, p))}):")
    w.lines.extend(inner.lines)


def _bind(w: Pen, v: Val, hint: str, text: str) -> None:
    """A name for what a function is given."""
    name = w.name(hint)
    w.line(f"{name} = {text}")
    w.text[v] = name


def _full(w: Pen, v: Val, like: Val) -> str:
    """A value with the draws and all axes of another, of length 1 where it lacks them."""
    return w.arranged(v, like.axes) if v.batch else f"np.asarray({w.arranged(v, like.axes)})"


def _per_draw(w: Pen, v: Val, axes: tuple[str, ...]) -> str:
    """A value for each draw, its axes in this order."""
    text = w.arranged(v, axes)
    return text if v.batch else f"np.broadcast_to({text}, (S, *np.shape({text})))"


def _raw(text: str, body: RateBody) -> str:
    """As the solver has it: with an axis of length 1 for a state that is one number."""
    return text if body.state else f"({text})[..., None]"


def _state_axes(body: RateBody) -> tuple[str, ...]:
    return (*body.batch, body.state) if body.state else body.batch


def _made_axes(body: RateBody, along: str, v: Val) -> tuple[str, ...]:
    """The axes of what the solver gives, in its order: trajectories, times, state."""
    others = tuple(a for a in body.batch if a in v.axes and a != along)
    return (*others, *((along,) if along else ()), *((body.state,) if body.state else ()))


def _turned(text: str, have: tuple[str, ...], want: tuple[str, ...]) -> str:
    """An array per draw with its axes in another order."""
    turn = [1 + have.index(a) for a in want]
    return text if turn == sorted(turn) else f"np.transpose({text}, {(0, *turn)})"

"""Loops as Python text: one short loop of numpy over the draws and the other axes, its arrays gathered in lists."""

from dataclasses import dataclass

from ppl.emit.loops import Body, Loop, loop_of
from ppl.emit.pen import Pen
from ppl.emit.val import Val


@dataclass(frozen=True, slots=True)
class Names:
    """What the text of a loop calls things: of each state its shape, its last value and the list of all of them; the
    arrays that the steps read; the position."""

    shapes: tuple[str, ...]
    last: tuple[str, ...]
    lists: tuple[str, ...]
    inputs: tuple[str, ...]
    at: str


def write_loop(v: Val, w: Pen) -> str:
    """Writes the lines of a loop. Its text is the length of the axis; the lists of its states are in `outcomes`."""
    made = loop_of(v)
    w.write(_fixed(made), 1)
    names = _named(v, made, w)
    _write_start(v, made, names, w)
    for body in made.bodies:
        _write_body(v, made, body, names, w)
    turned = "[::-1]" if made.backwards else ""
    w.outcomes[v] = tuple(f"{x}{turned}" for x in names.lists)
    return names.lists[0]


def write_outcome(v: Val, w: Pen) -> str:
    """All positions of a state as an array."""
    i, axis = v.attrs[0], loop_of(v.args[0]).axis
    assert isinstance(i, int)
    return f"rt.stacked({w.outcomes[v.args[0]][i]}, {int(v.batch) + v.axes.index(axis)})"


def _fixed(made: Loop) -> list[Val]:
    """What the steps read that depends on the data alone."""
    seen: set[Val] = set()
    found: dict[Val, None] = {}
    stack = [x for body in made.bodies for x in body.values if x is not None]
    while stack:
        v = stack.pop()
        if v in seen or v.op == "lit":
            continue
        seen.add(v)
        if v.stage == 0:
            found[v] = None
        else:
            stack.extend(v.args)
    return sorted(found, key=lambda v: v.order)


def _named(v: Val, made: Loop, w: Pen) -> Names:
    """Gives everything that the steps read a name, and a place in the text."""
    inputs = []
    for cell, outside in zip(made.inputs, v.args, strict=False):
        name = w.name(f"{_plain(w.of(outside))}_at")
        w.line(f"{name} = rt.steps({w.of(outside)}, {int(outside.batch) + outside.axes.index(made.axis)})")
        inputs.append(name)
        w.text[cell] = name
    for cell, outside in zip(made.constants, v.args[len(inputs) :], strict=False):
        text = w.of(outside)
        if not text.isidentifier():
            w.line(f"{(name := w.name('c'))} = {text}")
            text = name
        w.text[cell] = text
    shapes = [w.shape(s.axes, v.batch) for s in made.states]
    last = tuple(w.name(f"{s.name}_1") for s in made.states)
    lists = tuple(w.name(f"{s.name}_all") for s in made.states)
    return Names(tuple(shapes), last, lists, tuple(inputs), w.name("i"))


def _plain(text: str) -> str:
    return text if text.isidentifier() else "x"


def _write_start(v: Val, made: Loop, names: Names, w: Pen) -> None:
    """Upwards, the states at the first position; backwards, nothing behind the last one."""
    heads = v.args[len(made.inputs) + len(made.constants) :]
    for i, s in enumerate(made.states):
        if made.backwards:
            if s.reach:
                w.line(f"{names.last[i]} = np.zeros({names.shapes[i]})")
            w.line(f"{names.lists[i]} = {f'[{names.last[i]}] * {s.reach}' if s.reach else '[]'}")
        else:
            start = w.aligned(heads[i], s.axes, v.batch)
            w.line(f"{names.last[i]} = np.broadcast_to({start}, {names.shapes[i]})")
            w.line(f"{names.lists[i]} = [{names.last[i]}]")


def _range(made: Loop, body: Body, length: str) -> str:
    """The positions of a body, of which there may be fewer along a short axis."""
    end = length if body.end is None else f"min({body.end}, {length})"
    return f"range({end} - 1, {body.first - 1}, -1)" if made.backwards else f"range({body.first}, {end})"


def _write_body(v: Val, made: Loop, body: Body, names: Names, w: Pen) -> None:
    inner = w.inside()
    for p in made.past:
        inner.text[p.cell] = names.last[p.state] if p.back == 1 else f"{names.lists[p.state]}[-{p.back}]"
    values = [(i, x) for i, x in enumerate(body.values) if x is not None]
    _write_inputs(made, [x for _, x in values], names, inner)
    inner.write([x for _, x in values], 1)
    found = []
    for i, x in values:
        axes = made.states[i].axes
        text = inner.aligned(x, axes, v.batch)
        full = x.axes == axes and x.batch == v.batch and x.op != "lit"
        found.append(text if full else f"np.broadcast_to({text}, {names.shapes[i]})")
    inner.line(f"{', '.join(names.last[i] for i, _ in values)} = {', '.join(found)}")
    for i, _ in values:
        if made.states[i].kept or made.states[i].reach > 1:
            inner.line(f"{names.lists[i]}.append({names.last[i]})")
    w.line(f"for {names.at} in {_range(made, body, w.size(made.axis))}:")
    w.lines.extend(inner.lines)


def _write_inputs(made: Loop, values: list[Val], names: Names, inner: Pen) -> None:
    """The position of every array that a body reads, looked up once."""
    read: set[Val] = set()
    stack = list(values)
    while stack:
        v = stack.pop()
        if v not in read:
            read.add(v)
            stack.extend(v.args)
    for cell, name in zip(made.inputs, names.inputs, strict=True):
        if cell in read:
            inner.line(f"{(here := inner.name(name.removesuffix('_at') + '_i'))} = {name}[{names.at}]")
            inner.text[cell] = here

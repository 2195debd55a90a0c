"""The code of values that only move entries: look-ups, pieces, joins, stretches and copies of arrays."""

from ppl.emit.pen import Pen, axis_size, cells, restored
from ppl.emit.val import Val


def gather(v: Val, w: Pen) -> str:
    x, plan = v.args
    return f"{w.of(plan)}.{'take' if x.batch else 'pick'}({w.of(x)})"


def scatter(v: Val, w: Pen) -> str:
    g, plan = v.args
    return f"{w.of(plan)}.{'add' if g.batch else 'add_fixed'}({w.of(g)})"


def plan(v: Val, w: Pen) -> str:
    sizes = ", ".join(axis_size(a) for a in v.attrs)
    return f"rt.Gather({w.of(v.args[0])}, ({sizes},))"


def flat(v: Val, w: Pen) -> str:
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


def rename(v: Val, w: Pen) -> str:
    x = v.args[0]
    old, new = (str(a) for a in v.attrs)
    moved = tuple(old if a == new else a for a in v.axes)
    lead = 1 if v.batch else 0
    turn = [lead + x.axes.index(a) for a in moved]
    return w.of(x) if turn == sorted(turn) else f"np.transpose({w.of(x)}, {(*range(lead), *turn)})"


def stack(v: Val, w: Pen) -> str:
    axis = str(v.attrs[0])
    rest = tuple(a for a in v.axes if a != axis)
    lead = 1 if v.batch else 0
    if not rest and not v.batch:
        return f"np.array([{', '.join(w.of(i) for i in v.args)}], dtype=float)"
    shape = ", ".join([*(["S"] if v.batch else []), *(axis_size(a) for a in rest)])
    items = [f"np.broadcast_to({w.aligned(i, rest, v.batch)}, ({shape},))" for i in v.args]
    return f"np.stack([{', '.join(items)}], {lead + v.axes.index(axis)})"


def tap(v: Val, w: Pen) -> str:
    x = v.args[0]
    if x.axes == v.axes and x.batch == v.batch:
        return w.of(x)
    shape = ", ".join([*(["S"] if v.batch else []), *(axis_size(a) for a in v.axes)])
    return f"np.broadcast_to({w.aligned(x, v.axes, v.batch)}, ({shape},))" if shape else w.of(x)


def pad(v: Val, w: Pen) -> str:
    """The chances of lying below a threshold, with none below the least and all below the largest."""
    old, _, end = v.attrs
    x = v.args[0]
    return f"rt.pad({w.of(x)}, {w.positions(x, (str(old),))}, {end!r})"


def unpad(v: Val, w: Pen) -> str:
    new, _, end = v.attrs
    x = v.args[0]
    return f"rt.unpad({w.of(x)}, {w.positions(x, (str(new),))}, {end!r})"


def concat(v: Val, w: Pen) -> str:
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


def piece(v: Val, w: Pen) -> str:
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
    return restored(taken, moved, v)


def _stretch(x: Val, axis: str, before: tuple[tuple[str, ...], ...], own: tuple[str, ...]) -> tuple[int, str, str]:
    """The number of an axis, and where on it a stretch begins and how long it is."""
    start = " + ".join(cells(axes) for axes in before) or "0"
    return (1 if x.batch else 0) + x.axes.index(axis), start, cells(own)


def cut(v: Val, w: Pen) -> str:
    """A stretch of an axis, with the axes that were laid out along it."""
    x, (axis, before, own) = v.args[0], v.attrs
    at, start, length = _stretch(x, axis, before, own)  # type: ignore[arg-type]
    text = f"rt.cut({w.of(x)}, {at}, {start}, {length}"
    sizes = ", ".join(axis_size(a) for a in own)  # type: ignore[attr-defined]
    moved = tuple(b for a in x.axes for b in (own if a == axis else (a,)))  # type: ignore[attr-defined]
    return restored(f"{text})" if len(own) == 1 else f"{text}, ({sizes}{',' * bool(sizes)}))", moved, v)  # type: ignore[arg-type]


def uncut(v: Val, w: Pen) -> str:
    """A stretch back in its place, between zeros."""
    g, (axis, before, own) = v.args[0], v.attrs
    at, start, length = _stretch(v, axis, before, own)  # type: ignore[arg-type]
    moved = tuple(b for a in v.axes for b in (own if a == axis else (a,)))  # type: ignore[attr-defined]
    return f"rt.uncut({w.arranged(g, moved)}, {at}, {start}, {length}, {len(own)}, {axis_size(axis)})"  # type: ignore[arg-type]

"""The text of a program: one function that binds data and returns the functions of the model as straight-line numpy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import networkx as nx

from ppl.emit.assemble import assemble_program
from ppl.emit.assembly import Assembly, Centring, NoiseSlot, Slot, chains
from ppl.emit.code import Writer, read
from ppl.emit.pen import axis_size
from ppl.emit.reverse import adjoints
from ppl.emit.sums import Chain
from ppl.emit.val import Val
from ppl.graph.graph import core_of

HEADER = """\
# {title}
# Arrays lead with the draws; `d` holds the data, `n` the lengths of axes, `u` the unconstrained unknowns (S, D),
# `w` the weights of partial non-centring, `e` uniform numbers (S, N).
import numpy as np
import scipy.special as sp

import ppl.emit.runtime as rt
import ppl.stdlib.kernels as k


def program(d, n):
    # what depends on the data alone
"""


class Place(Protocol):
    """Some of the coordinates, by name."""

    @property
    def name(self) -> str: ...
    @property
    def axes(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class ChainSlot:
    """Chains that are summed out as one: their names, the axes of their potentials before those of the levels (plates,
    then the axis along which they run), and whether one pair potential serves all positions."""

    names: tuple[str, ...]
    axes: tuple[str, ...]
    same: bool


@dataclass(frozen=True, slots=True)
class Emitted:
    """The source of a program, and what its inputs and outputs are: `slots` in the order of coordinates, `weights` by
    the unknown that each belongs to, `reported` names with their axes as written, `eliminated` ones with the axes of
    their probabilities; `levels` says of each `NAME?` what its levels are: `bool`, `count`, or `level:AXIS`; `tables`
    are the axes of the largest arrays of a call; `unreported` are derived from unknowns that are summed out; `windows`
    are counts without a largest value, of which a window is summed; `chains` are unknowns that are chains along an
    axis; `recovered` names are reported as well, drawn from the uniform numbers `noises`."""

    text: str
    slots: tuple[Slot, ...]
    weights: tuple[str, ...]
    reported: tuple[tuple[str, tuple[str, ...]], ...]
    eliminated: tuple[tuple[str, tuple[str, ...]], ...]
    levels: tuple[tuple[str, str], ...]
    tables: tuple[tuple[str, ...], ...]
    unreported: tuple[str, ...]
    windows: tuple[str, ...] = ()
    chains: tuple[ChainSlot, ...] = ()
    recovered: tuple[tuple[str, tuple[str, ...]], ...] = ()
    noises: tuple[NoiseSlot, ...] = ()


def emit(graph: nx.DiGraph, with_terms: bool = False) -> Emitted:
    """The program of a plan. It fits data of any size: lengths are read when data are bound. `with_terms` adds what
    each statement contributes to the log density, to find out which one is not finite."""
    a = assemble_program(graph)
    terms = {t.name: t for t in a.terms if not any("?" in x for x in t.value.axes)} if with_terms else {}
    # numbers first, for they stand at columns that are known now
    slots = (*(s for s in a.slots if not s.axes), *(s for s in a.slots if s.axes))
    outputs = _outputs(a, slots)
    # every value that some function needs decides how large a call gets
    every = [v for group in outputs.values() for v in group] + [t.value for t in terms.values()]
    every_chain = chains(a)
    linked = [(c, a.b.sorted(c.step.left)) for c in every_chain if c.alone]
    summed = {name: (*e.axes, f"{name}?") for name, e in a.eliminated.items()}
    summed |= {name: (*e.term.axes, f"{name}?") for name, e in a.events.items()}
    marginals = {name: (v, axes) for (name, axes), v in zip(summed.items(), outputs["marginals"], strict=True)}
    potentials = {c.name: (c.unary, c.unary_axes(plates)) for c, plates in linked}
    potentials |= {f"{c.name}, before": (c.pair, c.pair_axes(plates)) for c, plates in linked}
    w = _begun(a, slots, every, every_chain)
    bodies = {
        "log_density": _log_density(outputs["value"][0], w),
        "value_and_grad": _value_and_grad(slots, outputs, w),
        "constrained": named_function("constrained", a.reported, w),
        "recentred": _recentred(a, slots, w),
        "marginals": named_function("marginals", marginals, w),
        "terms": named_function("terms", {name: (t.value, t.value.axes) for name, t in terms.items()}, w),
        "potentials": named_function("potentials", potentials, w),
        "recovered": named_function("recovered", a.recovered, w, "u, w, e"),
    }
    text = finished(graph, HEADER, w, bodies)
    reported = tuple((name, axes) for name, (_, axes) in a.reported.items())
    return Emitted(
        text,
        slots,
        tuple(a.weights),
        reported,
        tuple(summed.items()),
        tuple(a.levels.items()),
        large_arrays(every),
        tuple(n for n in a.unreported if n not in a.events),
        tuple(a.windows),
        tuple(ChainSlot(c.step.names, (*plates, c.step.along), c.same) for c, plates in linked),
        tuple((name, axes) for name, (_, axes) in a.recovered.items()),
        tuple(a.noises),
    )


def _begun(a: Assembly, slots: Sequence[Slot], every: Sequence[Val], every_chain: Sequence[Chain]) -> Writer:
    """What comes before the functions: lengths, what depends on the data alone, and where things stand."""
    w = Writer(hints=dict(a.hints), scalars={s.name: i for i, s in enumerate(s for s in slots if not s.axes)})
    write_sizes(a, w)
    # the forward pass of a chain keeps a table of two states for every position, whatever its potentials share
    w.line(f"d.afford({', '.join(['n', *(repr(c.table) for c in every_chain)])})")
    w.write(stage_zero(every), 0)
    write_places(w, slots, a.noises)
    return w


def write_places(w: Writer, slots: Iterable[Place], noises: Iterable[NoiseSlot]) -> None:
    """Where arrays of coordinates and of uniform numbers stand; single numbers stand at columns that are known."""
    for s in slots:
        if s.axes:
            w.line(f'{w.slot(s.name)} = d.slot("{s.name}")')
    for noise in noises:
        w.line(f'{w.noise_slot(noise.key)} = d.noise("{noise.key}")')


def finished(graph: nx.DiGraph, header: str, w: Writer, bodies: Mapping[str, list[str]]) -> str:
    """The text of a program that begins as `w` does and returns these functions."""
    for body in bodies.values():
        w.line("")
        w.lines.extend(body)
    w.line("")
    w.line(f"return {', '.join(bodies)}")
    title = (core_of(graph).path or "model").rsplit("/", 1)[-1]
    return header.format(title=title) + "\n".join(w.lines) + "\n"


def _outputs(a: Assembly, slots: Sequence[Slot]) -> dict[str, list[Val]]:
    """All values that some function returns, by function."""
    root, tilted = a.log_density(), a.log_density(tilted=True)
    raws = [_raw(a, s) for s in slots]
    ws = [a.b.node("w", (), (i,), (), batch=False, stage=1) for i in range(len(a.weights))]
    found = adjoints(a.b, root, [*raws, *ws])
    tilts = {name: e.tilt for name, e in a.events.items()}
    slopes = adjoints(a.b, tilted, [*a.taps.values(), *tilts.values()])
    zero = a.b.lit(0.0)
    new = [_recentred_value(a, c) for c in a.centrings]
    return {
        "value": [root],
        "grad": [found.get(v, zero) for v in raws],
        "weight": [found.get(v, zero) for v in ws],
        "constrained": [v for v, _ in a.reported.values()],
        "recentred": new,
        "recovered": [v for v, _ in a.recovered.values()],
        "marginals": [marginal(a, name, slopes.get(t, zero)) for name, t in a.taps.items()]
        + [chance(a, name, slopes.get(t, zero)) for name, t in tilts.items()],
    }


def _raw(a: Assembly, s: Slot) -> Val:
    return a.b.node("u", (), (s.name,), s.axes, batch=True, stage=1)


def marginal(a: Assembly, name: str, adjoint: Val) -> Val:
    """The probabilities of one unknown: those of others, with which its prior may share axes, are summed out."""
    wanted = a.b.sorted((*a.eliminated[name].axes, f"{name}?"))
    v = a.b.sum(adjoint, (x for x in a.taps[name].axes if x not in wanted))
    return v if v.axes == wanted else a.b.tap(v, wanted, "broadcast")


def chance(a: Assembly, name: str, slope: Val) -> Val:
    """The probabilities of false and true of an event."""
    b, axes = a.b, a.events[name].tilt.axes
    full = slope if slope.axes == axes else b.tap(slope, axes, "broadcast")
    return b.node("stack", (b.sub(b.lit(1.0), full), full), (f"{name}?",), (*axes, f"{name}?"))


def _recentred_value(a: Assembly, c: Centring) -> Val:
    """raw' = w' loc + scale^w' z, the coordinate of the same point under other weights."""
    b, slot = a.b, c.slot
    other = b.node("w", (), (slot.weight, "v"), (), batch=False, stage=1)
    scale = b.apply("exp", b.mul(other, c.log_scale))
    return b.add(b.mul(other, c.loc), b.mul(scale, c.standard))


def stage_zero(values: Iterable[Val]) -> list[Val]:
    """The data-only values that the functions read directly."""
    every = list(values)
    used = [a for v in reached(every) if v.stage for a in read(v)] + every
    return sorted({v for v in used if v.stage == 0 and v.op != "lit"}, key=lambda v: v.order)


def large_arrays(values: Iterable[Val]) -> tuple[tuple[str, ...], ...]:
    """The axes of the arrays that grow with the draws, those within others left out."""
    axes = {v.axes for v in reached(values) if v.batch or any("?" in x for x in v.axes)}
    return tuple(sorted(a for a in axes if not any(set(a) < set(other) for other in axes)))


def reached(values: Iterable[Val]) -> set[Val]:
    seen: set[Val] = set()
    stack = list(values)
    while stack:
        v = stack.pop()
        if v not in seen:
            seen.add(v)
            stack.extend(read(v))
    return seen


def write_sizes(a: Assembly, w: Writer) -> None:
    """The lengths of axes that the program itself makes."""
    for axis, size in a.sizes.items():
        if isinstance(size, Val):
            w.write([size], 0)
            w.line(f'd.spans["{axis}"] = {w.of(size)}')
            w.line(f'n["{axis}"] = len({w.of(size)})')
        else:
            w.line(f'n["{axis}"] = {size}')


def per_draw(text: str, v: Val) -> str:
    return text if v.batch else f"np.full(S, {text}, dtype=float)"


def _log_density(root: Val, outer: Writer) -> list[str]:
    w = outer.inside()
    w.write([root], 1)
    head = ["    def log_density(u, w):", "        S = len(u)"]
    return [*head, *w.lines, f"        return {per_draw(w.of(root), root)}"]


def _value_and_grad(slots: Sequence[Slot], outputs: dict[str, list[Val]], outer: Writer) -> list[str]:
    w = outer.inside()
    root = outputs["value"][0]
    w.write([root, *outputs["grad"], *outputs["weight"]], 1)
    w.line("g = np.empty(u.shape)")
    for s, v in zip(slots, outputs["grad"], strict=True):
        w.line(f"g[:, {w.slot(s.name)}] = {flattened(w, v, s.axes)}")
    w.line(f"gw = np.empty((S, {len(outputs['weight'])}))")
    for i, v in enumerate(outputs["weight"]):
        w.line(f"gw[:, {i}] = {w.of(v)}")
    head = ["    def value_and_grad(u, w):", "        S = len(u)"]
    return [*head, *w.lines, f"        return {per_draw(w.of(root), root)}, g, gw"]


def flattened(w: Writer, v: Val, axes: tuple[str, ...]) -> str:
    """A gradient as a block of columns."""
    if not axes:
        return w.of(v)
    if v.axes == axes and v.batch:
        return w.of(v) if len(axes) == 1 else f"{w.of(v)}.reshape(S, -1)"
    shape = ", ".join(["S", *(axis_size(a) for a in axes)])
    text = w.aligned(v, axes, v.batch)
    return f"np.broadcast_to({text}, ({shape},)).reshape(S, -1)"


def named_function(
    function: str, values: Mapping[str, tuple[Val, tuple[str, ...]]], outer: Writer, arguments: str = "u, w"
) -> list[str]:
    """A function that returns named values, their axes as written."""
    w = outer.inside()
    w.write([v for v, _ in values.values()], 1)
    w.line("return {")
    for name, (v, axes) in values.items():
        shape = ", ".join(["S", *(axis_size(x) for x in axes)])
        w.line(f"    {name!r}: np.broadcast_to({_in_order(w, v, axes)}, ({shape},)),")
    w.line("}")
    return [f"    def {function}({arguments}):", "        S = len(u)", *w.lines]


def _in_order(w: Writer, v: Val, axes: tuple[str, ...]) -> str:
    """A value with its axes as the author wrote them."""
    text = w.arranged(v, axes)
    return text if v.batch or not v.axes else f"{text}[None]"


def _recentred(a: Assembly, slots: Sequence[Slot], outer: Writer) -> list[str]:
    """The same points under the weights `v`."""
    w = outer.inside()
    new = {c.slot.name: _recentred_value(a, c) for c in a.centrings}
    w.write(new.values(), 1)
    w.line("out = np.array(u, dtype=float, copy=True)")
    for s in slots:
        if s.name in new:
            w.line(f"out[:, {w.slot(s.name)}] = {flattened(w, new[s.name], s.axes)}")
    return ["    def recentred(u, w, v):", "        S = len(u)", *w.lines, "        return out"]

"""Joint draws of all unknowns: what is computed and simulated after a fit starts from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import networkx as nx
import numpy as np
import numpy.typing as npt

from ppl.check.core import Derived, FactorTerm, Site
from ppl.check.reads import names_in, reads
from ppl.data.bound import Bound, BoundColumn
from ppl.emit.batch import BatchedObjective
from ppl.emit.bind import Program
from ppl.forward.data import world_of
from ppl.forward.densities import log_density
from ppl.forward.expressions import evaluate
from ppl.forward.named import Array, Named, aligned, fixed
from ppl.forward.run import run
from ppl.forward.world import World
from ppl.graph.graph import core_of
from ppl.infer.approximation import Approximation
from ppl.results.report import Drawable
from ppl.rewrite.eliminate import eliminations
from ppl.rewrite.order import Elimination
from ppl.stdlib.draws import draw_level

CHUNK = 256
# The streams of random numbers, of those that a seed has.
RECOVERY, LEVELS = 60, 61
# So many combinations of levels of unknowns that meet are listed to draw them together.
COMBINATIONS = 4096
# What is derived draws nothing.
NO_DRAWS = np.random.default_rng(0)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A fit on its data, to draw from. `draws` and `seed` are those of the fit."""

    graph: nx.DiGraph
    program: Drawable
    bound: Bound
    found: Approximation
    draws: int
    seed: int


def points(source: Source) -> tuple[Array, Array]:
    """The draws in unconstrained coordinates, (N, D), and their weights; as many as are asked for where there are no
    coordinates, as every unknown is summed or integrated out."""
    u, weights = source.found.u, source.found.weights
    if u.size or not isinstance(source.program, Program):
        return u, weights
    return np.zeros((source.draws, 0)), np.full(source.draws, 1.0 / source.draws)


def chunks(source: Source) -> Iterator[tuple[slice, dict[str, Named]]]:
    """All draws, some at a time: the values of every unknown, axes as written, of what is derived as far as the program
    reports it, and of the columns whose blanks are drawn, in full. Levels count from 0. What cannot be drawn together
    with the rest is left out."""
    u, _ = points(source)
    rng = [np.random.default_rng([source.seed, stream]) for stream in (RECOVERY, LEVELS)]
    for at in range(0, len(u), CHUNK):
        rows = slice(at, min(at + CHUNK, len(u)))
        yield rows, _values(source, u[rows], *rng)


def _values(source: Source, u: Array, rng: np.random.Generator, level_rng: np.random.Generator) -> dict[str, Named]:
    program, w, core = source.program, source.found.w, core_of(source.graph)
    unknowns = {s.name: s for s in core.statements if isinstance(s, Site) and s.role in ("unknown", "imputed")}
    values = _constrained(program, u, w, frozenset(n for n, s in unknowns.items() if core.data.row not in s.axes))
    if isinstance(program, Program) and program.emitted.recovered:
        noise = np.maximum(rng.random((len(u), program.noise)), 2.0**-54)
        values |= program.recovered(u, w, noise)
    out = {}
    for name, axes in (*program.emitted.reported, *getattr(program.emitted, "recovered", ())):
        if name in values:
            v = Named(np.asarray(values[name], float), axes)
            out[name] = _full(v, unknowns[name], source.bound) if name in unknowns else v
    if isinstance(program, BatchedObjective):
        return out
    summed = [n for n, _ in program.emitted.eliminated if n in unknowns]
    return out | _summed(source, u, out, summed, level_rng) if summed else out


def _constrained(program: Drawable, u: Array, w: Array, shared: frozenset[str]) -> dict[str, Array]:
    """The draws of all names; where data are looked at part by part, of those that all rows share."""
    found = program.named(u, w, shared) if isinstance(program, BatchedObjective) else program.constrained(u, w)
    return dict(found)


def _full(v: Named, site: Site, bound: Bound) -> Named:
    """A column with its blanks drawn, in place of the blanks alone."""
    if site.role != "imputed" or v.axes != (f"{site.name}.missing",):
        return v
    column = bound.columns[site.name]
    return completed_column(column, v.values)


def completed_column(column: BoundColumn, blanks: Array) -> Named:
    """A column with these values (draws, blanks) in its blanks."""
    known = np.asarray(column.values, float)
    out = np.repeat(known[None], len(blanks), axis=0)
    if column.missing is not None:
        out[:, column.missing] = blanks
    return Named(out, column.axes)


# ---- unknowns that are summed out --------------------------------------------------------------------------------


def _summed(
    source: Source, u: Array, known: Mapping[str, Named], summed: Sequence[str], rng: np.random.Generator
) -> dict[str, Named]:
    """Levels of the unknowns that are summed out, drawn given each draw of the rest: chains by their paths; those that
    meet no other from their own probabilities; those that meet, together."""
    program, w = source.program, source.found.w
    assert not isinstance(program, BatchedObjective)
    out: dict[str, Named] = {}
    if isinstance(program, Program) and program.emitted.chains:
        paths = program.drawn_paths(u, w, rng)
        eliminated = dict(program.emitted.eliminated)
        out = {z: Named(_level_values(source, z)[path], eliminated[z][:-1]) for z, path in paths.items()}
    marginals = program.marginals(u, w)
    for group in _groups(source.graph, [z for z in summed if z not in out]):
        if len(group) == 1:
            out[group[0]] = _alone(source, group[0], marginals[group[0]], rng)
        elif not set(group) & set(out):
            out |= _together(source, group, {**known, **out}, len(u), rng)
    return out


def _level_values(source: Source, name: str) -> npt.NDArray[np.float64]:
    """What the levels of an unknown stand for: counts, or positions from 0."""
    assert not isinstance(source.program, BatchedObjective)
    spans = source.program.spans.get(f"{name}?")
    kind = dict(source.program.emitted.levels)[f"{name}?"]
    if kind == "count" and spans is not None:
        return np.asarray(spans, float)
    return np.arange(len(source.program.level_labels(name, source.bound)), dtype=float)


def _alone(source: Source, name: str, prob: Array, rng: np.random.Generator) -> Named:
    """Levels by their probabilities (draws, *axes, levels), each position for itself."""
    axes = dict(source.program.emitted.eliminated)[name][:-1]
    levels = _level_values(source, name)[draw_level(rng, prob, prob.shape[:-1])]
    column = source.bound.columns.get(name)
    if column is not None and column.missing is not None:
        levels = np.where(column.missing, levels, np.asarray(column.values, float))
    return Named(levels, axes)


def _groups(graph: nx.DiGraph, names: Sequence[str]) -> list[list[str]]:
    """The unknowns that meet in densities, directly or through others, in the order of the file."""
    meets = nx.Graph()
    meets.add_nodes_from(names)
    found = eliminations(graph)
    readers: dict[str, list[str]] = {}
    for name in names:
        e = found.get(name)
        for term in e.by_term if isinstance(e, Elimination) else ():
            readers.setdefault(term, []).append(name)
    for together in readers.values():
        meets.add_edges_from(pairwise(together))
    return sorted((sorted(c, key=names.index) for c in nx.connected_components(meets)), key=lambda c: names.index(c[0]))


def _together(
    source: Source, group: Sequence[str], known: Mapping[str, Named], draws: int, rng: np.random.Generator
) -> dict[str, Named]:
    """One joint draw of unknowns that meet, each position of their common plate for itself, from the list of all
    combinations of their levels; nothing where the list is too long or they have different plates."""
    values = [_level_values(source, z) for z in group]
    axes = {dict(source.program.emitted.eliminated)[z][:-1] for z in group}
    if len(axes) > 1 or np.prod([len(v) for v in values]) > COMBINATIONS:
        return {}
    (plate,) = axes
    world = _world(source, known, set(group))
    every = list(product(*values))
    scores = [_score(source, dict(zip(group, levels, strict=True)), plate, world) for levels in every]
    size = (draws, *(world.size(a) for a in plate))
    table = np.stack([np.broadcast_to(aligned(s, plate), size) for s in scores], axis=-1)
    which = draw_level(rng, np.exp(table - table.max(axis=-1, keepdims=True)), size)
    listed = np.asarray(every)
    return {z: Named(listed[which, i], plate) for i, z in enumerate(group)}


def _world(source: Source, known: Mapping[str, Named], group: set[str]) -> World:
    """The data, the known unknowns, and what is derived without the unknowns of a group."""
    core = core_of(source.graph)
    world = world_of(core, source.bound)
    world.names.update(known)
    missing = {s.name for s in core.statements if isinstance(s, Site) and s.name not in world.names}
    affected = _affected(source, group | missing)
    run([s for s in core.statements if isinstance(s, Derived) and s.name not in affected], world, 1, NO_DRAWS)
    return world


def _score(source: Source, levels: Mapping[str, float], plate: tuple[str, ...], world: World) -> Named:
    """The log density of what reads these unknowns, at these levels, for each position of their plate."""
    core = core_of(source.graph)
    for name, level in levels.items():
        world.names[name] = Named(np.full(1, level))
    affected = _affected(source, set(levels))
    run([s for s in core.statements if isinstance(s, Derived) and s.name in affected], world, 1, NO_DRAWS)
    total = fixed(0.0)
    with np.errstate(all="ignore"):
        for s in core.statements:
            if isinstance(s, Site) and (s.name in levels or reads(s) & (affected | set(levels))):
                x = evaluate(s.value, world) if s.value is not None else world.names[s.name]
                total = _added(total, log_density(s.dist, x, world), plate)
            elif isinstance(s, FactorTerm) and names_in(s.value) & (affected | set(levels)):
                total = _added(total, evaluate(s.value, world), plate)
    return total


def _added(total: Named, term: Named, plate: tuple[str, ...]) -> Named:
    inside = tuple(a for a in term.axes if a in plate)
    over = tuple(i + 1 for i, a in enumerate(term.axes) if a not in plate)
    summed = Named(term.values.sum(axis=over), inside)
    return Named(aligned(total, plate) + aligned(summed, plate), plate)


def _affected(source: Source, names: set[str]) -> set[str]:
    """The derived values that are made from these unknowns."""
    found: set[str] = set()
    for s in core_of(source.graph).statements:
        if isinstance(s, Derived) and reads(s) & (names | found):
            found.add(s.name)
    return found

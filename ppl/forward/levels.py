"""Levels of rows whose outcomes are known: drawn given them, draw by draw of the rest.

A new row whose outcome is in the file says something of its own unknowns: p(z | y) is proportional to p(z) p(y | z),
which is a finite sum for levels. What is predicted of the outcome itself does not look at it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from ppl.check.core import Derived, Dist, Site, Statement
from ppl.check.reads import names_in, parts
from ppl.forward.densities import log_density
from ppl.forward.expressions import counted, evaluate
from ppl.forward.named import Array, Named, aligned
from ppl.forward.needs import ALONG, read_by
from ppl.forward.order import drawn_expressions, s_axes, steps
from ppl.forward.run import Given
from ppl.forward.world import World
from ppl.graph.whole import REDUCING

# What reads other positions of an axis than its own, and how many combinations of levels are listed.
MIXING = REDUCING | ALONG | {"lag", "take", "takepos", "rename", "fix", "diag"}
MOST = 256


@dataclass(frozen=True, slots=True)
class Readers:
    """Unknown levels of rows (`levels`), the observed sites whose densities they move (`terms`), and what is computed
    (`derived`) and simulated (`simulated`) from them, in the order in which it can be."""

    levels: tuple[Site, ...]
    terms: tuple[Site, ...]
    derived: tuple[Derived, ...]
    simulated: tuple[Statement, ...]

    @property
    def names(self) -> frozenset[str]:
        """What has another value once the levels are drawn anew."""
        return frozenset(s.name for s in (*self.derived, *self.simulated))


def readers(statements: Sequence[Statement], row: str, others: Sequence[Statement]) -> Readers | None:
    """All that reads levels of rows; None where there are none, or where rows or other unknowns are tied to them.
    `others` are statements that are not run but count in the density."""
    levels = tuple(s for s in statements if isinstance(s, Site) and _is_level(s, row))
    tainted = {s.name for s in levels}
    found: dict[str, list[Statement]] = {"term": [], "derived": [], "simulated": []}
    for step in steps(statements) if levels else ():
        for s in step.statements:
            if s.name in tainted or not read_by(s) & tainted:
                continue
            kind = "" if step.along or _mixes(s, row, tainted) else _kind(s)
            if not kind:
                return None
            found[kind].append(s)
            if kind != "term":
                tainted.add(s.name)
    if not found["term"] or any(read_by(s) & tainted for s in others) or any(_mixes(s, row, tainted) for s in levels):
        return None
    terms = tuple(s for s in found["term"] if isinstance(s, Site))
    derived = tuple(s for s in found["derived"] if isinstance(s, Derived))
    return Readers(levels, terms, derived, tuple(found["simulated"]))


def _is_level(s: Site, row: str) -> bool:
    return s.role == "unknown" and s.axes == (row,) and not s.dist.event and s.dist.kind in ("bool", "level")


def _kind(s: Statement) -> str:
    """What a statement is that reads levels; "" for other unknowns."""
    if isinstance(s, Derived):
        return "derived"
    role = s.role if isinstance(s, Site) else ""
    plain = isinstance(s, Site) and s.value is None and "Censored" not in _families(s.dist)
    term = "term" if plain else ""
    return {"observed": term, "imputed": term, "predicted": "simulated"}.get(role, "")


def _families(dist: Dist) -> Iterator[str]:
    yield dist.name
    for inner in dist.inner:
        yield from _families(inner)


def _mixes(s: Statement, row: str, tainted: set[str]) -> bool:
    """Whether it reads levels of other rows than its own, or is one draw for all rows."""
    if row not in s_axes(s) or (isinstance(s, Site) and row in {a.rstrip("'") for a in s.dist.event}):
        return True
    return any(
        p.op in MIXING and row in {str(a).rstrip("'") for a in p.attrs} and names_in(p) & tainted
        for e in drawn_expressions(s)
        for p in parts(e)
    )


def drawn_levels(
    found: Readers, row: str, world: World, given: Mapping[str, Given], rng: Generator
) -> dict[str, Named]:
    """Draws (draws, rows) of the levels given the outcomes that are known; those of the world stand where none is."""
    counts = [_count(s.dist, world) for s in found.levels]
    terms = [s for s in found.terms if s.name in given]
    if not terms or np.prod(counts, dtype=float) > MOST:
        return {}
    combinations = list(product(*(range(n) for n in counts)))
    with np.errstate(all="ignore"):
        each = [_log_weights(found, terms, levels, row, world, given) for levels in combinations]
    log_p = np.stack(np.broadcast_arrays(*each))
    best = np.max(log_p, axis=0)
    share = np.cumsum(np.exp(log_p - np.where(np.isfinite(best), best, 0.0)), axis=0)
    which = (rng.random(best.shape) * share[-1] >= share).sum(axis=0)
    sure = np.isfinite(best) & np.any([_known(s, row, given).any(axis=1) for s in terms], axis=0)
    out = {}
    for at, s in enumerate(found.levels):
        drawn = np.array([float(levels[at]) for levels in combinations])[np.minimum(which, len(combinations) - 1)]
        out[s.name] = Named(np.where(sure, drawn, aligned(world.names[s.name], (row,))), (row,))
    return out


def _count(dist: Dist, world: World) -> int:
    """How many levels it has."""
    lead = dist
    while lead.inner:
        lead = lead.inner[-1]
    return 2 if dist.kind == "bool" else world.size(str(lead.attrs[0]))


def _log_weights(
    found: Readers,
    terms: Sequence[Site],
    levels: Sequence[int],
    row: str,
    world: World,
    given: Mapping[str, Given],
) -> Array:
    """log p(levels) + log p(known outcomes | levels), (draws, rows)."""
    names = dict(world.names)
    inside = replace(world, names=names)
    for s, level in zip(found.levels, levels, strict=True):
        names[s.name] = Named(np.full((1, world.size(row)), float(level)), (row,))
    for d in found.derived:
        names[d.name] = counted(evaluate(d.value, inside))
    prior = sum(aligned(log_density(s.dist, names[s.name], inside), (row,)) for s in found.levels)
    return np.asarray(prior + sum(_of_outcome(s, row, inside, given) for s in terms))


def _of_outcome(s: Site, row: str, world: World, given: Mapping[str, Given]) -> Array:
    """The log density (draws, rows) of what is known of an outcome."""
    plates = tuple(a for a in s.axes if a not in s.dist.event)
    value = aligned(log_density(s.dist, given[s.name].values, world), (row, *(a for a in plates if a != row)))
    flat = np.broadcast_to(value, (len(value), *(world.size(a) for a in (row, *(a for a in plates if a != row)))))
    return np.asarray(np.where(_known(s, row, given), flat.reshape(len(value), flat.shape[1], -1), 0.0).sum(axis=2))


def _known(s: Site, row: str, given: Mapping[str, Given]) -> npt.NDArray[np.bool_]:
    """(rows, others) where an outcome is known, vectors as a whole."""
    mask = given[s.name].known
    known = np.ones(given[s.name].values.values.shape[1:], bool) if mask is None else mask
    whole = np.asarray(known.all(axis=tuple(s.axes.index(a) for a in s.dist.event)))
    plates = [a for a in s.axes if a not in s.dist.event]
    return np.moveaxis(whole, plates.index(row), 0).reshape(known.shape[s.axes.index(row)], -1)

"""Simulations from the prior: unknowns, then the columns that the model describes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import EllipsisType

import numpy as np
from numpy.random import Generator

from ppl.check.core import Core, FactorTerm, Param, Site
from ppl.check.reads import names_in
from ppl.data.bound import Bound
from ppl.forward.data import reading_stored, stored_values, world_of
from ppl.forward.expressions import counted, evaluate
from ppl.forward.named import Array, Named, aligned, fixed, number
from ppl.forward.run import Given, run
from ppl.forward.world import World
from ppl.graph.whole import all_expressions, data_names
from ppl.source.diagnostic import Diagnostic, ModelError, complain
from ppl.source.suggest import did_you_mean


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """`values` of every unknown, derived value and described column, (draws, *lengths of `axes`); `notes` say what of
    the model takes no part."""

    values: Mapping[str, Named]
    notes: tuple[Diagnostic, ...]


def simulate(
    core: Core,
    bound: Bound,
    draws: int,
    rng: Generator,
    settings: Mapping[str, object] | None = None,
    kept: bool = False,
) -> Simulated:
    """Draws from the prior, and of the columns that the model describes. The other columns are those of `bound`; what
    the model computes from all of the data, it computes from them, and with `kept` from described columns too, whose
    values are then those of the data wherever something else is computed from all of them. Where the model leaves a
    column open (`Flat()`, as in the first rows of a series), it has the values of `bound`. `settings` fix unknowns
    and parameters, `theta[A]` at one position. Raises ModelError: E801, E803, E812."""
    described = {s.name for s in core.statements if isinstance(s, Site) and s.role in ("observed", "imputed")}
    model, world = core, world_of(core, bound)
    there = set(bound.columns) if kept else set()
    if not _reads_described(core, described - there):
        world.names.update(stored_values(core, bound))
        model = reading_stored(core)
    instead = {name: world.names.pop(name) for name in described & set(world.names)}
    world.names.update(parameters(model, world))
    given = fixed_values(model, settings or {}, world)
    run((*model.statements, *model.predict), world, draws, rng, given, instead=instead)
    names = [s for s in (*model.statements, *model.predict) if not isinstance(s, FactorTerm) and s.name in world.names]
    return Simulated({s.name: _full(world.names[s.name], s.axes, draws, world) for s in names}, tuple(_notes(core)))


def _reads_described(core: Core, described: set[str]) -> bool:
    """Whether anything that is computed from all of the data looks at a described column."""
    data = data_names(core)
    return any(names_in(e) & described & data for e in all_expressions(core))


def _full(v: Named, axes: tuple[str, ...], draws: int, world: World) -> Named:
    return Named(np.broadcast_to(aligned(v, axes), (draws, *(world.size(a) for a in axes))), axes)


def _notes(core: Core) -> list[Diagnostic]:
    """W152 for what adds to a density and is no distribution of a name."""
    out = []
    for s in core.statements:
        if isinstance(s, FactorTerm):
            out.append(complain("W152", s.span, name=s.name, why="it is no distribution", help="simulations ignore it"))
        elif isinstance(s, Site) and s.value is not None:
            why = "it describes an expression, not a column"
            out.append(complain("W152", s.span, name=s.name, why=why, help="simulations ignore it"))
    return out


# ---- parameters --------------------------------------------------------------------------------------------------


def parameters(core: Core, world: World) -> dict[str, Named]:
    """The author's parameters at their initial values."""
    return {p.name: _initial(p, world) for p in core.params}


def _initial(p: Param, world: World) -> Named:
    """The written value; without one, zero, or a place inside the range."""
    if p.init is not None:
        return counted(evaluate(p.init, world))
    low, high = p.low, p.high
    if np.isfinite(low) and np.isfinite(high):
        return number(0.5 * (low + high))
    return number(low + 1.0 if np.isfinite(low) else high - 1.0 if np.isfinite(high) else 0.0)


# ---- values that are asked for -----------------------------------------------------------------------------------


def fixed_values(core: Core, settings: Mapping[str, object], world: World) -> dict[str, Given]:
    """Unknowns with values that are asked for. Parameters get theirs in the world."""
    sites = {s.name: s for s in core.statements if isinstance(s, Site) and s.role == "unknown"}
    params = {p.name for p in core.params}
    out: dict[str, Given] = {}
    for text, value in settings.items():
        name, _, place = text.partition("[")
        if name in params:
            world.names[name] = fixed(_numbers(name, value))
        elif name in sites:
            out[name] = _given(sites[name], place.rstrip("]"), value, out.get(name), world)
        else:
            raise ModelError([_unknown(name, (*sites, *params))])
    return out


def _unknown(name: str, known: Sequence[str]) -> Diagnostic:
    near = did_you_mean(name, known, {})
    text = f"did you mean `{near}`?" if near else f"it has {', '.join(known) or 'none'}"
    return complain("E812", name=name, why="the model has no unknown or parameter of that name", help=text)


def _numbers(name: str, value: object) -> Array:
    try:
        return np.asarray(value, float)
    except (TypeError, ValueError):
        raise ModelError([complain("E812", name=name, why=f"`{value}` is no number", help="`--set tau=2`")]) from None


def _given(site: Site, place: str, value: object, before: Given | None, world: World) -> Given:
    """One more value of an unknown: at all of its positions, or at one."""
    sizes = tuple(world.size(a) for a in site.axes)
    values = np.full(sizes, np.nan) if before is None else before.values.values[0].copy()
    at = _place(site, place, world)
    numbers = _numbers(site.name, _level(site, value, world))
    try:
        values[at] = numbers
    except ValueError:
        why = f"{np.shape(numbers)} numbers do not fit {'×'.join(map(str, sizes)) or 'one number'}"
        raise ModelError([complain("E812", name=site.name, why=why, help="a number, or a list of them")]) from None
    return Given(fixed(values, site.axes), ~np.isnan(values))


def _level(site: Site, value: object, world: World) -> object:
    """A label of a level as its position."""
    if not isinstance(value, str) or site.dist.kind != "level":
        return value
    return world.level(str(site.dist.attrs[0]), value)


def _place(site: Site, place: str, world: World) -> tuple[int | EllipsisType, ...]:
    if not place:
        return (...,)
    labels = [p.strip() for p in place.split(",")]
    if len(labels) != len(site.axes):
        why = f"it has the axes ({', '.join(site.axes)})" if site.axes else "it has no axes"
        raise ModelError([complain("E812", name=f"{site.name}[{place}]", why=why, help=f"`--set {site.name}=…`")])
    return tuple(world.level(a, label) for a, label in zip(site.axes, labels, strict=True))

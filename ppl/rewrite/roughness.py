"""How rough every log density is in every unknown and parameter, along every path: data flow, control flow, supports,
in model and guide together (Lee, Rival & Yang, Smoothness Analysis for Probabilistic Programs, POPL 2023, with locally
Lipschitz as the property)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import networkx as nx

from ppl.check.core import ColumnSpec, Core, Derived, Dist, FactorTerm, Guide, Param, Site, Statement
from ppl.check.reads import reads
from ppl.graph.graph import core_of, node_list
from ppl.rewrite.beyond import limits_of
from ppl.rewrite.densities import density, own_level
from ppl.rewrite.findings import AFFINE, LEVELS, Finding, Found, join, rough, shown, worst
from ppl.rewrite.steps import argument, holds, smoothed
from ppl.rewrite.through import definition
from ppl.rewrite.view import View
from ppl.stdlib.intervals import Interval

__all__ = ["LEVELS", "Finding", "Recheck", "holds", "recheck", "roughness", "shown", "worst"]

OBJECTIVE = "objective"
SWEEPS = 6  # a recursion climbs a lattice of seven levels


def guide_term(name: str) -> str:
    """The name of the term that a guide's density of an unknown contributes."""
    return f"guide {name}"


def roughness(graph: nx.DiGraph, guide: Guide | None = None) -> dict[str, Found]:
    """For every density, factor and the objective, how rough it is in each continuous unknown and parameter that
    reaches it. The densities of a guide stand under `guide NAME`."""
    _, terms = analysed(graph, guide)
    return {name: _as_term(found) for name, found in terms.items()}


def _as_term(found: Found) -> Found:
    """Log densities are summed over draws of a density: being affine in a value is nothing that they show."""
    return {n: Finding() if f.level == AFFINE else f for n, f in found.items()}


# ---- one pass over model, guide and objective ----------------------------------------------------------------------


@lru_cache(maxsize=2)
def analysed(graph: nx.DiGraph, guide: Guide | None) -> tuple[View, Mapping[str, Found]]:
    """What is known after the last statement, and how rough every term is. Graphs are frozen, and the search for
    thresholds asks the same of every unknown."""
    core = core_of(graph)
    view = _knowing(graph, start(core, guide))
    terms: dict[str, Found] = {}
    for _ in range(SWEEPS):
        before = view.env
        for node in node_list(graph):
            match node.of:
                case Site(dist=dist, role=role):
                    own = _own(node.name, dist, role)
                    terms[node.name] = _site(node.name, node.of, role, own, view)
                case Derived():
                    view = derived(node.of, view)
                case FactorTerm(value=value):
                    terms[node.name] = argument(value, view)
        if view.env == before or not _reads_ahead(graph):
            break
    for s in guide.statements if guide is not None else ():
        match s:
            case Site(name=name, dist=dist):
                own = _own(name, dist, "guide")
                terms[guide_term(name)] = _site(name, s, "guide", own, view)
            case Derived():
                view = derived(s, view)
            case FactorTerm(value=value):
                terms[guide_term(s.name)] = argument(value, view)
    if core.objective is not None:
        terms[OBJECTIVE] = argument(core.objective.value, view)
    return view, terms


def _knowing(graph: nx.DiGraph, view: View) -> View:
    """The view with all draws known: one may be read, at earlier positions, above its own line."""
    sites = [(n.name, n.of) for n in node_list(graph) if isinstance(n.of, Site)]
    own = {name: _own(name, s.dist, s.role) for name, s in sites}
    return replace(view.with_names(own), random=view.random.union(*own.values()))


def _reads_ahead(graph: nx.DiGraph) -> bool:
    """Whether some statement reads a derived value from further down."""
    ahead = {n.name for n in node_list(graph) if isinstance(n.of, Derived)}
    for node in node_list(graph):
        ahead -= {node.name}
        if not isinstance(node.of, ColumnSpec) and ahead & reads(node.of):
            return True
    return False


def start(core: Core, guide: Guide | None) -> View:
    """The view before the first statement: parameters and bounds."""
    params = parameters(core, guide)
    bounds: dict[str, Interval] = {p.name: Interval(p.low, p.high, True, True) for p in params}
    bounds |= dict(core.bounds) | dict(guide.bounds if guide is not None else ())
    return View({p.name: {p.name: Finding(AFFINE)} for p in params}, bounds, limits=limits_of(core))


def parameters(core: Core, guide: Guide | None) -> tuple[Param, ...]:
    return (*core.params, *(guide.params if guide is not None else ()))


def _own(name: str, dist: Dist, role: str) -> Found:
    return {name: Finding(AFFINE)} if role != "observed" and dist.kind == "real" else {}


def _site(name: str, site: Site, role: str, own: Found, view: View) -> Found:
    here = view.with_names({name: own}) if own else view
    return join(own, density(site.dist, name, role, here), own_level(name, site.dist, own))


def derived(s: Derived, view: View) -> View:
    """The view after a derived value; a recursion is followed until nothing changes."""
    if not s.along:
        view = view.with_names({s.name: argument(s.value, view)})
        known = definition(s.value, view.definitions) if view.env[s.name] else None
        return view if known is None else replace(view, definitions={**view.definitions, s.name: known})
    for _ in range(SWEEPS):
        found = argument(s.value, view)
        if found == view.env.get(s.name, {}):
            break
        view = view.with_names({s.name: found})
    return view


# ---- after the rewrite ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recheck:
    """What stands against the chosen set after the rewrite: `leave` are the unknowns that must not be drawn along the
    path, each with the finding that decided; `params` the parameters in which the objective itself is rough."""

    leave: Mapping[str, Finding]
    params: Mapping[str, Finding]


def recheck(graph: nx.DiGraph, guide: Guide | None, chosen: Iterable[str]) -> Recheck:
    """The condition on the rewritten program: with the values of the chosen unknowns replaced by functions of the
    parameters of the distributions they are drawn from, no density and no drawn value may be rougher than a kink in a
    parameter. The draws are the guide's, or the model's own where there is none."""
    kept, leave = set(chosen), dict[str, Finding]()
    while True:
        values, terms = _rewritten(graph, guide, frozenset(kept))
        going = {n: worst(bad.values()) for n in sorted(kept) if (bad := rough(values.get(n, {})))}
        if not going:
            found = join({}, *terms.values())
            return Recheck(leave, rough(found))
        leave |= going
        kept -= going.keys()


def _rewritten(
    graph: nx.DiGraph, guide: Guide | None, chosen: frozenset[str]
) -> tuple[dict[str, Found], dict[str, Found]]:
    """How rough the chosen values, and all terms, are in the parameters. A guide may read derived values of the model,
    which read its draws: the statements are gone through until nothing changes."""
    core = core_of(graph)
    drawn = {s.name for s in (guide.statements if guide is not None else ()) if isinstance(s, Site)}
    view, values, terms = start(core, guide), dict[str, Found](), dict[str, Found]()
    for _ in range(SWEEPS):
        before = view.env
        for s in _both(graph, guide):
            match s:
                case Site(name=name, dist=dist, role=role):
                    is_draw = role == "guide" or (role != "observed" and name not in drawn)
                    if is_draw and name in chosen:
                        values[name] = density(dist, name, "unknown", view)
                        view = view.with_names({name: smoothed(values[name])})
                    terms[_term(s)] = _along(s, "unknown" if name in chosen else "observed", view)
                case Derived():
                    view = derived(s, view)
                case FactorTerm(value=value):
                    terms[_term(s)] = argument(value, view)
        if view.env == before:
            break
    if core.objective is not None:
        terms[OBJECTIVE] = argument(core.objective.value, view)
    return values, terms


def _along(site: Site, role: str, view: View) -> Found:
    """A log density along the path: through its arguments, and through its own value."""
    found = density(site.dist, site.name, role, view)
    return join(found, own_level(site.name, site.dist, view.env.get(site.name, {})))


def _term(s: Site | FactorTerm) -> str:
    return guide_term(s.name) if isinstance(s, Site) and s.role == "guide" else s.name


def _both(graph: nx.DiGraph, guide: Guide | None) -> Iterator[Statement]:
    """The statements of the guide, then those of the model."""
    yield from guide.statements if guide is not None else ()
    yield from (n.of for n in node_list(graph) if isinstance(n.of, Site | Derived | FactorTerm))

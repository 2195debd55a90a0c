"""Numbers of which the model only sees the sum: W131."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ppl.check.core import Core, Dist, Expr, Site
from ppl.check.reads import parts, statement_expressions
from ppl.source.diagnostic import Diagnostic, complain
from ppl.stdlib.distributions import DISTRIBUTIONS

ADDED = frozenset(("add", "sub"))


@dataclass(frozen=True, slots=True)
class Term:
    """An unknown that is added to others as it is. `loose` says that its prior lets all of its values move together at
    no cost, or at that of another unknown, `centre`; `chain` are the names that have to be read nowhere else."""

    name: str
    loose: bool
    scalar: bool
    centre: str = ""

    @property
    def chain(self) -> tuple[str, ...]:
        return (self.name, self.centre) if self.centre else (self.name,)


def redundant(core: Core) -> Iterator[Diagnostic]:
    """W131 for two unknowns that are read nowhere but in one sum, where the prior of one lets it rise as the other
    falls. Gelman and Hill (2007), section 19.4: such a sum converges slowly, and its parts say little."""
    sites = {s.name: s for s in core.statements if isinstance(s, Site) and s.role == "unknown"}
    values = [e for s in core.statements for whole in statement_expressions(s) for e in parts(whole)]
    values += list(parts(core.objective.value)) if core.objective is not None else []
    reads = Counter(str(e.attrs[0]) for e in values if e.op == "ref")
    inner = {id(a) for e in values if e.op in ADDED for a in e.args}
    for e in values:
        if e.op in ADDED and id(e) not in inner:
            found = [t for part in _added(e) for t in _term(part, sites) if all(reads[n] == 1 for n in t.chain)]
            yield from _pair(found, e, sites)


def _pair(terms: list[Term], e: Expr, sites: Mapping[str, Site]) -> Iterator[Diagnostic]:
    """The complaint about the first loose term and one that it can trade with."""
    for loose in (t for t in terms if t.loose):
        other = next((t for t in terms if t.name != loose.name and (t.loose or t.scalar)), None)
        if other is not None:
            axes = sites[loose.name].axes
            target = f"{loose.name}[{', '.join(axes)}]" if axes else loose.name
            yield complain("W131", e.span, name=other.name, loose=loose.name, target=target)
            return


def _added(e: Expr) -> Iterator[Expr]:
    """The terms of a sum, whatever their signs."""
    if e.op in ADDED:
        for a in e.args:
            yield from _added(a)
    else:
        yield e


def _term(e: Expr, sites: Mapping[str, Site]) -> Iterator[Term]:
    """The unknown that a term is, if it is one: `a`, or `a[county]`."""
    value = e.args[0] if e.op in ("take", "takepos") else e
    site = sites.get(str(value.attrs[0])) if value.op == "ref" else None
    if site is None or site.dist.event or site.dist.inner:
        return
    centre = _centre(site.dist, sites)
    flat = site.dist.name == "Flat" and not any(site.dist.args)
    if flat or centre or _location(site.dist) is not None:
        yield Term(site.name, flat or bool(centre), not site.axes, centre)


def _location(dist: Dist) -> Expr | None:
    """The argument that shifts the draws of a location-scale family."""
    row = DISTRIBUTIONS.get(dist.name)
    if row is None or row.loc_scale is None:
        return None
    names = [p.name for p in row.params]
    return dist.args[names.index(row.loc_scale[0])]


def _centre(dist: Dist, sites: Mapping[str, Site]) -> str:
    """The unknown around which the draws lie, "" where it is another value."""
    where = _location(dist)
    value = where.args[0] if where is not None and where.op in ("take", "takepos") else where
    name = str(value.attrs[0]) if value is not None and value.op == "ref" else ""
    return name if name in sites else ""

"""Warnings: models that are legal and probably not what was meant."""

from collections.abc import Iterator

from ppl.check.building import constant
from ppl.check.core import Core, DataSpec, Derived, Dist, FactorTerm, Param, Site
from ppl.check.reads import joint_reads, names_in, parts, reads, statement_expressions
from ppl.check.redundant import redundant
from ppl.source.diagnostic import Diagnostic, complain
from ppl.source.suggest import did_you_mean

WIDE = 1e4
# What tells the positions of an axis apart.
BY_PLACE = frozenset(("lag", "fix", "cumsum", "pos"))


def lint(core: Core) -> Iterator[Diagnostic]:
    """Every warning about a checked model."""
    yield from _idle_unknowns(core)
    yield from _unused_columns(core)
    yield from _unused_params(core)
    for site in core.statements:
        if isinstance(site, Site) and site.role == "unknown":
            yield from _priors(site)
    yield from _exchangeable(core)
    yield from redundant(core)


def _idle_unknowns(core: Core) -> Iterator[Diagnostic]:
    """Unknowns from which nothing observed can be reached."""
    ends = [s for s in core.statements if isinstance(s, FactorTerm) or (isinstance(s, Site) and s.role != "unknown")]
    useful = _behind(set().union(*map(reads, ends)), core)
    if core.objective is not None:
        useful |= _behind(names_in(core.objective.value), core)
    if not useful and not core.data.columns:
        return
    columns = tuple(c.name for c in core.data.columns)
    for s in core.statements:
        # the weights of an output of a net that is not read have points in their names
        if isinstance(s, Site) and s.role == "unknown" and s.name not in useful and "." not in s.name:
            near = did_you_mean(s.name, columns, {})
            text = f"did you mean the column `{near}`?" if near else "its posterior is its prior"
            yield complain("W101", s.name_span, name=s.name, help=text)


def _unused_columns(core: Core) -> Iterator[Diagnostic]:
    used: set[str] = {core.data.sorted_by or "", *_linking(core.data)} | _read_elsewhere(core)
    used |= {c.per for c in core.data.columns if c.per}
    for s in core.statements:
        used |= reads(s) | {s.name}
        used |= {a.rstrip("'") for a in getattr(s, "axes", ())}
    for s in core.predict:
        used |= {a.rstrip("'") for a in getattr(s, "axes", ())}
    for p in _params(core):
        used |= {a.rstrip("'") for a in p.axes}
    for column in core.data.columns:
        if column.name not in used:
            yield complain("W102", column.span, name=column.name)


def _linking(data: DataSpec) -> set[str]:
    """The columns that order the rows of a table, or name them for another."""
    aims = {c.table for c in data.columns}
    return {t.sorted_by or "" for t in data.tables} | {t.key or "" for t in data.tables if t.name in aims}


def _behind(names: set[str], core: Core) -> set[str]:
    """These names, and all that their values are made from; names may recur through each other."""
    before: set[str] = set()
    while names != before:
        before = names
        for s in reversed(core.statements):
            if s.name in names:
                names = names | reads(s)
    return names


def _params(core: Core) -> Iterator[Param]:
    yield from core.params
    for guide in core.guides:
        yield from guide.params


def _read_elsewhere(core: Core) -> set[str]:
    """The names that are read outside the model block."""
    values = [p.init for p in _params(core) if p.init is not None]
    values += [core.objective.value] if core.objective is not None else []
    inside = [reads(s) for guide in core.guides for s in guide.statements]
    inside += [joint_reads(j) for guide in core.guides for j in guide.joints] + [reads(s) for s in core.predict]
    return set().union(*(names_in(v) for v in values), *inside)


def _unused_params(core: Core) -> Iterator[Diagnostic]:
    everywhere = _read_elsewhere(core).union(*(reads(s) for s in core.statements))
    for p in core.params:
        if p.name not in everywhere and not p.net:
            yield complain("W103", p.name_span, name=p.name)
    for guide in core.guides:
        own = set().union(*(reads(s) for s in guide.statements), *(joint_reads(j) for j in guide.joints))
        for p in guide.params:
            if p.name not in own:
                yield complain("W103", p.name_span, name=p.name)


def _priors(site: Site) -> Iterator[Diagnostic]:
    dist = site.dist
    values = [constant(a) if a is not None else None for a in dist.args]
    if dist.name == "Normal" and len(values) == 2 and values[1] is not None and values[1] >= WIDE:
        yield complain("W120", dist.span, name=site.name, sd=f"{values[1]:g}")
    if dist.name in ("Gamma", "InvGamma") and all(v is not None and v <= 0.01 for v in values):
        yield complain("W121", dist.span, a=f"{values[0]:g}", b=f"{values[1]:g}")


def _exchangeable(core: Core) -> Iterator[Diagnostic]:
    """Component parameters that nothing orders: all constant priors, one per level of a Categorical or Mixture."""
    axes = set()
    for s in core.statements:
        if isinstance(s, Site):
            axes |= set(_component_axes(s.dist, s.role == "unknown"))
    for axis in sorted(axes):
        parts = [s for s in core.statements if isinstance(s, Site) and s.role == "unknown" and s.axes == (axis,)]
        parts = [s for s in parts if not s.dist.event or s.dist.name == "Ordered"]
        fixed = any(
            s.dist.name == "Ordered" or any(axis in a.axes for a in s.dist.args if a is not None) for s in parts
        )
        if parts and not fixed and not _told_apart(axis, core):
            yield complain("W130", parts[0].name_span, name=parts[0].name, axis=axis)


def _told_apart(axis: str, core: Core) -> bool:
    """Whether a density depends on which component is which: on a number of theirs, or on those before it, as weights
    made by breaking a stick do."""
    terms = [s for s in core.statements if not isinstance(s, Derived)]
    behind = _behind(set().union(*map(reads, terms)), core)
    values = [s for s in core.statements if not isinstance(s, Derived) or s.name in behind]
    inside = (e for s in values for whole in statement_expressions(s) for e in parts(whole))
    return any(e.op in BY_PLACE and e.attrs[0] == axis for e in inside)


def _component_axes(dist: Dist, unknown: bool) -> Iterator[str]:
    """The axes of labels that nothing observes: of a mixture, or of an unknown level."""
    if dist.name == "Mixture":
        yield str(dist.attrs[0])
    for inner in dist.inner:
        yield from _component_axes(inner, unknown)
    if unknown and dist.kind == "level" and dist.attrs and not dist.inner:
        yield str(dist.attrs[0])

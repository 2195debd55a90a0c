"""What a guide says of new rows: draws of a row's unknowns from its columns, some of them mapped by learned flows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ppl.check.core import Core, Derived, Expr, Guide, Joint, Site, Statement
from ppl.emit.joints import label_of, steps_of
from ppl.forward.named import Named, fixed
from ppl.results.record import FitRecord
from ppl.stdlib.distributions import DISTRIBUTIONS


@dataclass(frozen=True, slots=True)
class GuidedRows:
    """The statements by which a guide draws unknowns of rows: those of the names in `drawn`, and what they are made
    from; `weights` are the numbers of its flows."""

    drawn: frozenset[str]
    statements: tuple[Statement, ...]
    weights: Mapping[str, Named]


def guided_rows(core: Core, fit: FitRecord) -> GuidedRows | None:
    """What the guide of a fit draws for each row; None where the fit has no guide of the author's."""
    guide = next((g for g in core.guides if (g.name or "guide") == fit.guide.family), None)
    if guide is None:
        return None
    sites = {s.name: s for s in guide.statements if isinstance(s, Site) and core.data.row in s.axes}
    own = [s for s in guide.statements if isinstance(s, Derived) or s.name in sites]
    flows = list(_flows(core, guide))
    weights = {name: v for joint, _ in flows for name, v in _weights(joint, fit)}
    made = [s for joint, site in flows for s in _statements(joint, site)]
    return GuidedRows(frozenset(sites) | {s.name for _, s in flows}, (*own, *made), weights)


def _flows(core: Core, guide: Guide) -> Iterator[tuple[Joint, Site]]:
    """The joint draws of each row from numbers of its own, with the sites of their unknowns in the model. Their
    coordinates are to be the unknowns themselves: a standard prior on the whole line."""
    sites = {s.name: s for s in core.statements if isinstance(s, Site)}
    for joint in guide.joints:
        site = sites[joint.names[0]]
        own = joint.base is not None and joint.along not in ("", core.data.row) and core.data.row in site.axes
        if own and _is_standard(site):
            yield joint, site


def _is_standard(site: Site) -> bool:
    """Whether a prior is of a location-scale family on the whole line, at 0 with scale 1."""
    row = DISTRIBUTIONS.get(site.dist.name)
    if row is None or row.loc_scale is None or row.support.kind != "real":
        return False
    given = {p.name: a for p, a in zip(row.params, site.dist.args, strict=True)}
    ends = [given[name] for name in row.loc_scale]
    return [a.attrs for a in ends if a is not None and a.op == "lit"] == [(0.0,), (1.0,)]


def _weights(joint: Joint, fit: FitRecord) -> Iterator[tuple[str, Named]]:
    for name in _names(joint):
        start, stop = fit.guide.slots[name]
        yield name, fixed(fit.guide.loc[start:stop], (f"{name}:",))


def _names(joint: Joint) -> list[str]:
    """What the weights of the steps of a flow are called."""
    return [f"{label_of(joint)}.{step.name}{i or ''}" for i, step in enumerate(steps_of(joint))]


def _statements(joint: Joint, site: Site) -> Iterator[Statement]:
    """The base as a draw, then each map of it."""
    assert joint.base is not None
    steps = steps_of(joint)
    names = [f"{site.name} base {i}" for i in range(len(steps))]
    yield replace(site, name=names[0], dist=joint.base, role="guide")
    for i, (step, weights) in enumerate(zip(steps, _names(joint), strict=True)):
        name = names[i + 1] if i + 1 < len(names) else site.name
        refs = Expr("ref", (), (names[i],), site.axes), Expr("ref", (), (weights,), (f"{weights}:",))
        value = Expr("flow", refs, (step.name, joint.along, *map(int, step.settings)), site.axes)
        yield Derived(name, site.axes, value, hidden=True, span=site.span, name_span=site.name_span)

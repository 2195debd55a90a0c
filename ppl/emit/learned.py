"""Learned numbers of an objective."""

from collections.abc import Mapping

from ppl.check.core import Site
from ppl.emit.goal import Objective, ParamSlot
from ppl.emit.val import Val
from ppl.stdlib.bijections import BIJECTIONS


def learned(
    o: Objective,
    name: str,
    axes: tuple[str, ...],
    kind: str = "real",
    start: Val | None = None,
    ends: Mapping[str, Val] | None = None,
    of: str = "",
) -> Val:
    """A learned number for every position of `axes`, on its own scale."""
    axes = o.b.sorted(axes)
    o.params.append(ParamSlot(name, axes, kind, start or o.b.lit(0.0), of))
    raw = o.b.node("u", (), (name,), axes, batch=True, stage=1)
    value = o.a.s.formula(BIJECTIONS[kind].forward, {"u": raw, **(ends or {})})
    o.a.hints.setdefault(value, name)
    return value


def place_of(o: Objective, name: str) -> Val | None:
    """Where an unknown starts, if that is said: units of a layer that start alike would stay alike."""
    site = o.graph.nodes[name]["node"].of if name in o.graph else None
    return o.a.s.expr(site.start) if isinstance(site, Site) and site.start is not None else None

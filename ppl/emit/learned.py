"""Learned numbers of an objective."""

from collections.abc import Mapping

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

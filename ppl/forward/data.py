"""The world of some data: its columns and axes, and what is computed from all of the data at once."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ppl.check.core import Core, Derived, Dist, Expr, FactorTerm, Guide, Param, Site, Statement
from ppl.check.reads import parts, statement_expressions
from ppl.data.bound import Bound
from ppl.forward.expressions import evaluate
from ppl.forward.named import Named, fixed
from ppl.forward.run import run
from ppl.forward.world import World
from ppl.graph.whole import data_names, whole_data


def world_of(core: Core, bound: Bound) -> World:
    """The columns that there are and the axes; a column whose blanks the model draws has NaN there."""
    names = {c.name: _column(bound, c.name) for c in core.data.columns if c.kind != "text" and c.name in bound.columns}
    labels = {name: axis.labels for name, axis in bound.axes.items() if axis.labels is not None}
    return World(names, {name: axis.size for name, axis in bound.axes.items()}, labels)


def _column(bound: Bound, name: str) -> Named:
    column = bound.columns[name]
    values = np.asarray(column.values, float)
    return fixed(values if column.missing is None else np.where(column.missing, np.nan, values), column.axes)


def verify_labels(core: Core, bound: Bound) -> None:
    """Raises ModelError (E331) where the predict block names a level that the data have not: before anything is fitted,
    not after."""
    world = world_of(core, bound)
    for s in core.predict:
        for e in statement_expressions(s):
            for part in parts(e):
                if part.op in ("level", "fix") and isinstance(part.attrs[1], str):
                    world.level(str(part.attrs[0]), part.attrs[1])


# ---- what is computed from all of the data -----------------------------------------------------------------------


def stored_names(core: Core) -> dict[Expr, str]:
    """What is computed from all of the data (`whole_data`), each with the name that its value is stored under."""
    return {e: f"whole {i + 1}" for i, e in enumerate(whole_data(core))}


def stored_values(core: Core, bound: Bound) -> dict[str, Named]:
    """The values of `stored_names` on these data."""
    world = world_of(core, bound)
    known = data_names(core)
    data = [s for s in core.statements if isinstance(s, Derived) and s.name in known]
    run(data, world, 1, np.random.default_rng(0))
    with np.errstate(all="ignore"):
        return {name: evaluate(e, world) for e, name in stored_names(core).items()}


def reading_stored(core: Core) -> Core:
    """The model with references to the stored values in place of what is computed from all of the data."""
    names = stored_names(core)
    if not names:
        return core
    return replace(
        core,
        statements=tuple(_statement(s, names) for s in core.statements),
        predict=tuple(_statement(s, names) for s in core.predict),
        guides=tuple(_guide(g, names) for g in core.guides),
        params=tuple(_param(p, names) for p in core.params),
    )


def _guide(guide: Guide, names: Mapping[Expr, str]) -> Guide:
    return replace(
        guide,
        params=tuple(_param(p, names) for p in guide.params),
        statements=tuple(_statement(s, names) for s in guide.statements),
        joints=tuple(j if j.base is None else replace(j, base=_dist(j.base, names)) for j in guide.joints),
    )


def _param(param: Param, names: Mapping[Expr, str]) -> Param:
    return param if param.init is None else replace(param, init=_expr(param.init, names))


def _statement(s: Statement, names: Mapping[Expr, str]) -> Statement:
    match s:
        case Site(dist=dist, value=value):
            return replace(s, dist=_dist(dist, names), value=None if value is None else _expr(value, names))
        case Derived(value=value):
            return replace(s, value=_expr(value, names))
        case FactorTerm(value=value):
            return replace(s, value=_expr(value, names))


def _dist(dist: Dist, names: Mapping[Expr, str]) -> Dist:
    return replace(
        dist,
        args=tuple(None if a is None else _expr(a, names) for a in dist.args),
        inner=tuple(_dist(d, names) for d in dist.inner),
    )


def _expr(e: Expr, names: Mapping[Expr, str]) -> Expr:
    if e in names:
        return Expr("ref", (), (names[e],), e.axes, e.type, e.span)
    return e if not e.args else replace(e, args=tuple(_expr(a, names) for a in e.args))

"""Gathers what a fit keeps for predictions."""

from collections.abc import Mapping

import numpy as np

from ppl.check.core import Core, FactorTerm, Site
from ppl.forward.data import reading_stored, stored_values, world_of
from ppl.forward.named import Array, Named, aligned, cut
from ppl.forward.needs import behind, read_by, rows_back
from ppl.forward.run import Given, run
from ppl.graph.graph import core_of
from ppl.results.carried import Carried
from ppl.results.joint import Source, chunks, points
from ppl.results.quantity import Probabilities, Quantity

# Numbers kept of the last rows of a series, in one array.
CELLS = 4_000_000


def carry(
    source: Source,
    quantities: Mapping[str, Quantity | Probabilities],
    learned: Mapping[str, Named],
    defines: Mapping[str, object],
) -> Carried:
    """What predictions need of a fit. `lost` are unknowns without draws."""
    core, bound = core_of(source.graph), source.bound
    stored = stored_values(core, bound)
    row = core.data.row
    rows = bound.axes[row].size if row in bound.axes else 0
    back = rows_back(core)
    kept = rows if back is None else min(back, rows)
    _, weights = points(source)
    levels, tail = _drawn(source, quantities, {**stored, **learned}, rows, kept)
    world = world_of(core, bound)
    columns = {n: cut(v, row, rows - kept, rows) for n, v in world.names.items() if kept or row not in v.axes}
    unknowns = {s.name for s in core.statements if isinstance(s, Site) and s.role == "unknown" and row not in s.axes}
    have = {n for n, q in quantities.items() if isinstance(q, Quantity)} | set(levels)
    axes = {name: (axis.size, axis.labels if name != row else None) for name, axis in bound.axes.items()}
    lost = tuple(sorted(unknowns - have))
    return Carried(dict(defines), axes, stored, columns, levels, tail, weights, rows, kept, lost)


def _drawn(
    source: Source,
    quantities: Mapping[str, Quantity | Probabilities],
    fixed: Mapping[str, Named],
    rows: int,
    kept: int,
) -> tuple[dict[str, Named], dict[str, Named]]:
    """Draws of levels, and of what is on the last rows."""
    core = reading_stored(core_of(source.graph))
    row = core.data.row
    sites = {s.name: s for s in core.statements if isinstance(s, Site) and s.role in ("unknown", "imputed")}
    wanted = [n for n, s in sites.items() if row not in s.axes and not isinstance(quantities.get(n), Quantity)]
    if not kept and not any(n in dict(source.program.emitted.eliminated) or n in quantities for n in wanted):
        return {}, {}
    levels: dict[str, list[Array]] = {}
    tail: dict[str, list[Array]] = {}
    axes: dict[str, tuple[str, ...]] = {}
    most = CELLS // max(kept, 1)
    for part, values in chunks(source):
        for name in wanted:
            if name in values:
                axes[name] = sites[name].axes
                levels.setdefault(name, []).append(aligned(values[name], sites[name].axes))
        if kept and part.start < most:
            for name, v in _last_rows(source, core, {**fixed, **values}, part, rows, kept).items():
                axes[name] = v.axes
                tail.setdefault(name, []).append(v.values)
    return (
        {n: Named(np.concatenate(v), axes[n]) for n, v in levels.items()},
        {n: Named(np.concatenate(v), axes[n]) for n, v in tail.items()},
    )


def _last_rows(
    source: Source, core: Core, values: Mapping[str, Named], part: slice, rows: int, kept: int
) -> dict[str, Named]:
    """What is on the rows, at the last of them: unknowns, and what is derived along them."""
    row, count = core.data.row, part.stop - part.start
    every = [s for s in core.statements if not isinstance(s, FactorTerm)]
    series = [s for s in every if row in s.axes and (not isinstance(s, Site) or s.role != "observed")]
    needed = behind([s.name for s in series], every)
    world = world_of(core, source.bound)
    world.names.update(values)
    unknown = {s.name for s in needed if isinstance(s, Site)} | {n for s in needed for n in read_by(s)}
    if any(isinstance(s, Site) and s.name not in world.names for s in needed) or not unknown:
        return {}
    run(needed, world, count, np.random.default_rng(0), {n: Given(v) for n, v in world.names.items()})
    out = {}
    for s in series:
        full = np.broadcast_to(aligned(world.names[s.name], s.axes), (count, *(world.size(a) for a in s.axes)))
        out[s.name] = cut(Named(np.array(full, float), s.axes), row, rows - kept, rows)
    return out

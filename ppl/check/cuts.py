"""Cut points and the levels that they keep apart."""

from collections.abc import Iterator, Mapping

from ppl.check.core import AxisSpec, ColumnSpec, Cuts, Dist, Site, Statement
from ppl.check.scope import base
from ppl.source.diagnostic import Diagnostic, complain
from ppl.stdlib.distributions import DISTRIBUTIONS


def cuts_of(statements: tuple[Statement, ...], columns: tuple[ColumnSpec, ...]) -> tuple[Cuts, ...]:
    """Which axes hold the cut points between the levels of which, of everything that is observed."""
    own = {c.name: c.table or c.name for c in columns}
    found = []
    for site in statements:
        if isinstance(site, Site) and site.role in ("observed", "imputed"):
            levels = own.get(site.name, "") if site.value is None else site.value.type.removeprefix("level:")
            found += [Cuts(axis, levels, site.dist.span) for axis in _between(site.dist)]
    return tuple(dict.fromkeys(found))


def _between(dist: Dist) -> Iterator[str]:
    row = DISTRIBUTIONS.get(dist.name)
    if row is not None and any(p.domain == "ordered" for p in row.params):
        yield base(str(dist.attrs[0]))
    for inner in dist.inner:
        yield from _between(inner)


def uneven(cuts: tuple[Cuts, ...], sizes: Mapping[str, int]) -> list[Diagnostic]:
    """E378 where there is not one cut fewer than levels, as far as `sizes` are known."""
    known = [c for c in cuts if c.axis in sizes and c.levels in sizes]
    return [
        complain("E378", c.span, levels=c.levels, count=count, axis=c.axis, size=sizes[c.axis], help=count - 1)
        for c in known
        if sizes[c.axis] != (count := sizes[c.levels]) - 1
    ]


def sizes_of(axes: Mapping[str, AxisSpec]) -> dict[str, int]:
    """The sizes that the model alone says."""
    found = {name: len(a.labels) if a.labels is not None else a.size for name, a in axes.items()}
    return {name: size for name, size in found.items() if size is not None}

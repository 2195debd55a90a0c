"""Whether the planner could refuse a model, seen without the graph: checking a plain model needs no networkx."""

from collections.abc import Callable, Collection

from ppl.check.bounds import REAL_LINE, interval
from ppl.check.core import Core, Derived, Dist, Expr, FactorTerm, Site
from ppl.check.functions import KINK_OPS, SMOOTH_OPS
from ppl.check.reads import names_in, names_in_dist
from ppl.stdlib.constraints import CONSTRAINTS
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.intervals import Interval
from ppl.stdlib.primitives import PRIMITIVES
from ppl.stdlib.records import JUMP

# Steps that are never rougher than a kink, whatever their values.
PLAIN_OPS = SMOOTH_OPS | KINK_OPS | {"ref", "lit", "size", "pos", "level"}


def may_be_refused(core: Core) -> bool:
    """False only where there is no guide, parameter or objective, all unknowns are real, and every log density is known
    to be smooth or kinked in them."""
    if core.guides or core.params or core.objective is not None:
        return True
    random: set[str] = set()
    bounds = dict(core.bounds)

    def lookup(name: str) -> Interval:
        return bounds.get(name, REAL_LINE)

    for s in core.statements:
        match s:
            case Site(dist=dist, role=role, annotations=annotations):
                if annotations or (role != "observed" and dist.kind != "real") or _dist(dist, random, lookup):
                    return True
                if role != "observed":
                    random.add(s.name)
            case Derived(value=value) | FactorTerm(value=value):
                if _expr(value, random):
                    return True
                if names_in(value) & random:
                    random.add(s.name)
    return False


def _dist(dist: Dist, random: Collection[str], lookup: Callable[[str], Interval]) -> bool:
    row = DISTRIBUTIONS.get(dist.name)
    if row is None or row.level == JUMP:
        return bool(names_in_dist(dist) & set(random)) or row is not None
    ends = {row.support.low, row.support.high}
    for param, arg in zip(row.params, dist.args, strict=False):
        if arg is None or not names_in(arg) & set(random):
            continue
        if param.level == JUMP or param.name in ends or _expr(arg, random):
            return True
        if not param.rank and _at_edge(param.domain, interval(arg, lookup)):
            return True
    return False


def _at_edge(need: str, here: Interval) -> bool:
    """Whether a parameter may lie on the edge of its domain, where log densities go off to infinity."""
    allowed = CONSTRAINTS[need]
    above = here.low > allowed.low or (here.low == allowed.low and here.low_open)
    below = here.high < allowed.high or (here.high == allowed.high and here.high_open)
    return not (above and below)


def _expr(e: Expr, random: Collection[str]) -> bool:
    """Whether some step from an unknown to this value may jump."""
    if not names_in(e) & set(random):
        return False
    row = PRIMITIVES.get(e.op)
    if row is None:
        plain = e.op in PLAIN_OPS or (e.op in ("take", "takepos") and not names_in(e.args[1]) & set(random))
        return not plain or any(_expr(a, random) for a in e.args)
    risky = JUMP in row.levels or any(
        need and names_in(a) & set(random) for need, a in zip(row.domain, e.args, strict=False)
    )
    return risky or any(_expr(a, random) for a in e.args)

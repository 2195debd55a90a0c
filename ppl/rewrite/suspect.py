"""Whether the planner could refuse a model, seen without the graph: checking a plain model needs no networkx."""

from collections.abc import Collection

from ppl.check.core import Core, Derived, Dist, Expr, FactorTerm, Site
from ppl.check.lints import names_in, names_in_dist
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.primitives import PRIMITIVES
from ppl.stdlib.records import JUMP

# Steps that are never rougher than a kink, whatever their values.
PLAIN_OPS = frozenset(
    {"ref", "lit", "size", "pos", "level", "sum", "mean", "var", "sd", "min", "max", "prod", "logsumexp", "softmax"}
    | {"cumsum", "dot", "lag", "rename", "fix", "spread", "diag", "vector", "cholesky"}
)


def may_be_refused(core: Core) -> bool:
    """False only where all unknowns are real and every log density is known to be smooth or kinked in them."""
    random: set[str] = set()
    for s in core.statements:
        match s:
            case Site(dist=dist, role=role, annotations=annotations):
                if annotations or (role != "observed" and dist.kind != "real") or _dist(dist, random):
                    return True
                if role != "observed":
                    random.add(s.name)
            case Derived(value=value) | FactorTerm(value=value):
                if _expr(value, random):
                    return True
                if names_in(value) & random:
                    random.add(s.name)
    return False


def _dist(dist: Dist, random: Collection[str]) -> bool:
    row = DISTRIBUTIONS.get(dist.name)
    if row is None or row.level == JUMP:
        return bool(names_in_dist(dist) & set(random)) or row is not None
    ends = {row.support.low, row.support.high}
    for param, arg in zip(row.params, dist.args, strict=False):
        reached = arg is not None and bool(names_in(arg) & set(random))
        if reached and (param.level == JUMP or param.name in ends or (arg is not None and _expr(arg, random))):
            return True
    return False


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

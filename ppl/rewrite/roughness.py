"""How rough every log density is in every unknown, along every path: data flow, control flow, supports.

The lattice is const < smooth < kink < jump; a path is as rough as its roughest step, an unknown as its roughest path.
What is not known to be smooth counts as a jump (Lee, Rival & Yang, POPL 2023, with locally Lipschitz as the property).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import networkx as nx

from ppl.check.bounds import REAL_LINE, interval
from ppl.check.core import Derived, Dist, Expr, FactorTerm, Site
from ppl.check.functions import KINK_OPS, SMOOTH_OPS
from ppl.graph.graph import core_of, node_list
from ppl.source.span import NOWHERE, Span
from ppl.stdlib.constraints import CONSTRAINTS
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.intervals import RULES, Interval
from ppl.stdlib.primitives import PRIMITIVES
from ppl.stdlib.records import JUMP, KINK, SMOOTH

LEVELS = {"const": 0, SMOOTH: 1, KINK: 2, JUMP: 3}
COMPARISONS = frozenset(("lt", "le", "gt", "ge", "eq", "ne"))
SPELLED = {"min2": "min", "max2": "max", "mod": "%", "div": "/", "pow": "^", "ndtr": "Phi"}


@dataclass(frozen=True, slots=True)
class Finding:
    """How rough something is in one unknown, and the step that decided. `operand` is a value that may not be what is
    needed (`need`, as in the domains of `PRIMITIVES`)."""

    level: str = SMOOTH
    reason: str = ""
    where: Span = field(default=NOWHERE, compare=False)
    operand: Expr | None = field(default=None, compare=False)
    need: str = ""

    @property
    def quoted(self) -> bool:
        """Whether the text at `where` says by itself what happens there."""
        return self.reason.startswith(("a branch on", "a comparison", "an index"))


Lookup = Callable[[str], Interval]


def worst(findings: Iterable[Finding]) -> Finding:
    """The roughest finding; the first of equals."""
    return max(findings, key=lambda f: LEVELS[f.level])


def join(*maps: Mapping[str, Finding]) -> dict[str, Finding]:
    """Per unknown, the roughest of several findings."""
    names = dict.fromkeys(name for m in maps for name in m)
    return {name: worst([m[name] for m in maps if name in m]) for name in names}


def lifted(
    found: Mapping[str, Finding], level: str, reason: str, where: Span, operand: Expr | None = None, need: str = ""
) -> dict[str, Finding]:
    """The findings after a step of roughness `level`."""
    step = Finding(level, reason, where, operand, need)
    return {n: f if LEVELS[f.level] >= LEVELS[level] else step for n, f in found.items()}


def roughness(graph: nx.DiGraph) -> dict[str, dict[str, Finding]]:
    """For every density and factor, how rough it is in each continuous unknown that reaches it."""
    bounds = dict(core_of(graph).bounds)
    env: dict[str, dict[str, Finding]] = {}
    terms: dict[str, dict[str, Finding]] = {}

    def lookup(name: str) -> Interval:
        return bounds.get(name, REAL_LINE)

    for node in node_list(graph):
        match node.of:
            case Site(dist=dist, role=role):
                own = {node.name: Finding()} if role != "observed" and dist.kind == "real" else {}
                terms[node.name] = join(
                    own, density(dist, role, {**env, node.name: own}, lookup), _own_level(node.name, dist, own)
                )
                env[node.name] = own
            case Derived(value=value):
                env[node.name] = expression(value, env, lookup)
            case FactorTerm(value=value):
                terms[node.name] = expression(value, env, lookup)
    return terms


def _own_level(name: str, dist: Dist, own: Mapping[str, Finding]) -> dict[str, Finding]:
    """How rough a density is in its own value."""
    row = DISTRIBUTIONS.get(dist.name)
    if row is None:
        return join({}, *(_own_level(name, d, own) for d in dist.inner))
    return lifted(own, row.level, f"the density of {dist.name}", dist.span) if own else {}


# ---- expressions -------------------------------------------------------------------------------------------------


def expression(e: Expr, env: Mapping[str, dict[str, Finding]], lookup: Lookup) -> dict[str, Finding]:
    """How rough the value of an expression is in each unknown."""
    if e.op == "ref":
        return env.get(str(e.attrs[0]), {})
    inside = [expression(a, env, lookup) for a in e.args]
    if not any(inside):
        return {}
    match e.op:
        case "where":
            return join(lifted(inside[0], JUMP, "a branch on it", e.args[0].span), inside[1], inside[2])
        case "take" | "takepos":
            return join(inside[0], lifted(inside[1], JUMP, "an index computed from it", e.args[1].span))
        case "pow":
            return _power(e, inside, lookup)
        case op if op in SMOOTH_OPS:
            return join(*inside)
        case op if op in KINK_OPS:
            return lifted(join(*inside), KINK, f"`{op}`", e.span)
        case op if op in PRIMITIVES:
            return _primitive(e, inside, lookup)
        case op:
            return lifted(join(*inside), JUMP, f"`{op}`", e.span)


def _power(e: Expr, inside: list[dict[str, Finding]], lookup: Lookup) -> dict[str, Finding]:
    base, exponent = e.args
    fixed = interval(exponent, lookup)
    whole = fixed.low == fixed.high and fixed.low >= 0 and fixed.low == int(fixed.low)
    return inside[0] if whole else _primitive(e, inside, lookup)


def _primitive(e: Expr, inside: list[dict[str, Finding]], lookup: Lookup) -> dict[str, Finding]:
    row = PRIMITIVES[e.op]
    parts = []
    for i, found in enumerate(inside):
        if not found:
            continue
        parts.append(lifted(found, row.levels[i], _said(e.op), e.span))
        need = row.domain[i] if i < len(row.domain) else ""
        if need and not holds(need, interval(e.args[i], lookup)):
            reason = f"{_said(e.op)} of a value that may leave its domain ({need})"
            parts.append(lifted(found, JUMP, reason, e.span, e.args[i], need))
    return join(*parts)


def _said(op: str) -> str:
    """What a model calls a row of `PRIMITIVES`."""
    return "a comparison" if op in COMPARISONS else f"`{SPELLED.get(op, op)}`"


def holds(need: str, here: Interval) -> bool:
    """Whether a domain obligation is met by every value of an interval."""
    above = here.low > 0 or (here.low == 0 and here.low_open)
    below = here.high < 0 or (here.high == 0 and here.high_open)
    checks = {
        "positive": above,
        "nonnegative": here.low >= 0,
        "nonzero": above or below,
        "negative": below,
        "unit": (here.low > 0 or (here.low == 0 and here.low_open))
        and (here.high < 1 or (here.high == 1 and here.high_open)),
        "above_minus_one": here.low > -1 or (here.low == -1 and here.low_open),
    }
    return checks.get(need, False)


# ---- densities ---------------------------------------------------------------------------------------------------


def density(dist: Dist, role: str, env: Mapping[str, dict[str, Finding]], lookup: Lookup) -> dict[str, Finding]:
    """How rough the log density of a site is in each unknown that its arguments depend on."""
    inner = [density(d, role, env, lookup) for d in dist.inner]
    args = [expression(a, env, lookup) if a is not None else {} for a in dist.args]
    match dist.name:
        case "where":
            test = dist.args[0]
            span = test.span if test is not None else dist.span
            return join(lifted(args[0], JUMP, "a branch on it", span), *inner)
        case "Truncated" | "Censored":
            moving = role != "unknown" or dist.name == "Censored"
            return join(*inner, *(_moving(a, dist) if moving else _clipped(a, dist) for a in args))
        case name if name in DISTRIBUTIONS:
            return join({}, *(_argument(name, i, env, role, dist, lookup) for i in range(len(args))))
        case _:
            return join({}, *args, *inner)


def _moving(found: dict[str, Finding], dist: Dist) -> dict[str, Finding]:
    return lifted(found, JUMP, "the support moves with it", dist.span)


def _clipped(found: dict[str, Finding], dist: Dist) -> dict[str, Finding]:
    """An end given for a support that has one of its own: the tighter of the two, which has a kink where they meet."""
    inner = dist.inner[0]
    row = DISTRIBUTIONS.get(inner.name)
    ended = row is not None and bool(row.support.low or row.support.high)
    return lifted(found, KINK, "the end of a support that has its own", dist.span) if ended else found


def _argument(
    name: str, i: int, env: Mapping[str, dict[str, Finding]], role: str, dist: Dist, lookup: Lookup
) -> dict[str, Finding]:
    given = dist.args[i]
    found = expression(given, env, lookup) if given is not None else {}
    row = DISTRIBUTIONS[name]
    param = row.params[i]
    if param.name in (row.support.low, row.support.high) and row.support.kind in ("interval", "lower", "upper"):
        return found if role == "unknown" else _moving(found, dist)
    found = lifted(found, param.level, f"the {param.name} of {name}", dist.span)
    value = dist.args[i]
    if found and value is not None and not param.rank and _touches(param.domain, value, env, lookup):
        return lifted(found, JUMP, f"the {param.name} of {name} may reach the end of its range", value.span)
    return found


def _touches(need: str, value: Expr, env: Mapping[str, dict[str, Finding]], lookup: Lookup) -> bool:
    """Whether a parameter may lie on the very edge of its domain, where log densities go off to infinity."""
    allowed = CONSTRAINTS.get(need)
    if allowed is None:
        return False
    if value.op == "where":
        return any(_touches(need, branch, env, lookup) for branch in value.args[1:] if expression(branch, env, lookup))
    here = _edges(value, env, lookup)
    low = here.low <= allowed.low and not (here.low == allowed.low and here.low_open)
    high = here.high >= allowed.high and not (here.high == allowed.high and here.high_open)
    return low or high


def _edges(e: Expr, env: Mapping[str, dict[str, Finding]], lookup: Lookup) -> Interval:
    """Bounds of a value while it depends on a continuous unknown: a factor of data or of discrete unknowns that is zero
    puts an end to that."""
    if e.op != "mul":
        return interval(e, lookup)
    ends = []
    for factor in e.args:
        here = _edges(factor, env, lookup)
        vanishes = here.low == 0.0 < here.high and not expression(factor, env, lookup)
        ends.append(replace(here, low_open=True) if vanishes else here)
    return RULES["mul"](*ends)

"""How rough the value of an expression is in every unknown and parameter: one rule for each operation of the core."""

from collections.abc import Sequence
from dataclasses import replace

from ppl.check.core import Expr
from ppl.check.functions import KINK_OPS, SMOOTH_OPS
from ppl.rewrite.continuity import COMPARISONS, proofs
from ppl.rewrite.findings import CONTINUOUS, UNKNOWN, Finding, Found, join, lifted, rough
from ppl.rewrite.solve import apply, is_almost_never_zero
from ppl.rewrite.view import View
from ppl.source.span import NOWHERE
from ppl.stdlib.intervals import Interval
from ppl.stdlib.primitives import PRIMITIVES
from ppl.stdlib.records import JUMP, KINK, SMOOTH

SPELLED = {"min2": "min", "max2": "max", "mod": "%", "div": "/", "pow": "^", "ndtr": "Phi"}
# Linear in the first argument, whatever the others are.
AFFINE_OPS = frozenset("sum mean cumsum lag rename fix spread diag vector take takepos".split())
# Domains of which the edge may be reached where the function is continuous there, though not Lipschitz: sqrt, |x|^p
# for 0 < p < 1, x log x.
EDGES = {"sqrt": "nonnegative", "xlogy": "nonnegative"}


def argument(e: Expr, view: View) -> Found:
    """How rough the value of a whole expression is in each source, after looking for branches that meet."""
    found = expression(e, view)
    if not rough(found):
        return found
    whole = view.through(e)
    proven = proofs(whole, view)
    return expression(whole, view.proving(proven)) if any(proven.values()) else found


def smoothed(found: Found) -> Found:
    """The findings after a smooth step."""
    return lifted(found, SMOOTH, "", NOWHERE)


def expression(e: Expr, view: View) -> Found:
    """How rough the value of an expression is in each source."""
    if e.op in ("ref", "bound"):
        return view.env.get(str(e.attrs[0]), {})
    if e.op == "ode":
        return _ode(e, view)
    view = view.inside(e)
    inside = [expression(a, view) for a in e.args]
    if not any(inside):
        return {}
    match e.op:
        case "where" | "and" | "or" | "not":
            return join(*inside)
        case "take" | "takepos":
            return join(inside[0], lifted(inside[1], JUMP, "an index computed from it", e.args[1].span))
        case "add" | "sub" | "neg":
            return join(*inside)
        case "mul" | "div" | "dot":
            return _product(e, inside, view)
        case "pow":
            return _power(e, inside, view)
        case op if op in COMPARISONS:
            return _comparison(e, inside, view)
        case op if op in AFFINE_OPS:
            return join(*inside)
        case op if op in SMOOTH_OPS:
            return smoothed(join(*inside))
        case op if op in KINK_OPS:
            return _kink(e, join(*inside), view)
        case op if op in PRIMITIVES:
            return _primitive(e, inside, view)
        case op:
            return lifted(join(*inside), JUMP, f"`{op}`", e.span)


def _ode(e: Expr, view: View) -> Found:
    """The solution of a differential equation is as smooth as the rate and the start: in what they depend on, and in
    the state, which depends on the same."""
    key, positive = f"{e.attrs[3]} y", bool(e.attrs[-1])
    bounds = {**view.bounds, key: Interval(0.0, float("inf"), True, True)} if positive else view.bounds
    found = smoothed(expression(e.args[2], view))
    for _ in range(2):
        inner = replace(view.with_names({key: found}), bounds=bounds)
        found = smoothed(join(found, argument(e.args[3], inner)))
    return found


def _comparison(e: Expr, inside: list[Found], view: View) -> Found:
    """A truth value jumps where its sides meet, unless what it decides is continuous there (`View.joined`), or that
    almost surely never happens (`==` of a value with a density)."""
    found = join(*inside)
    if e in view.joined:
        return lifted(found, KINK, "branches that meet", e.span)
    if e.op in ("eq", "ne") and _has_no_mass(view.through(e), view):
        return rough(found)
    return lifted(found, JUMP, "a comparison", e.span)


def _has_no_mass(equality: Expr, view: View) -> bool:
    """Whether both sides are almost never equal."""
    numbers = all(a.type in ("real", "int") for a in equality.args)
    return numbers and is_almost_never_zero(apply("sub", *equality.args), view)


def _product(e: Expr, inside: list[Found], view: View) -> Found:
    if any(a.op == "lit" and a.attrs[0] == 0 for a in e.args[: 1 if e.op == "div" else 2]):
        return {}
    bound = [lifted(f, SMOOTH, "", NOWHERE) if i else f for i, f in enumerate(inside)]
    together = smoothed(join(*inside)) if inside[0] and inside[1] else join(*(bound if e.op == "div" else inside))
    return join(together, outside(e, inside, view))


def _power(e: Expr, inside: list[Found], view: View) -> Found:
    level = _fixed_power(e, view)
    if not level:
        return _primitive(e, inside, view)
    reason = "" if level == SMOOTH else "a root that may be taken of 0"
    return lifted(inside[0], level, reason, e.span)


def _fixed_power(e: Expr, view: View) -> str:
    """How rough x^p is for a fixed exponent on the values that x has; "" where it is not always defined."""
    base, p = view.interval(e.args[0]), view.interval(e.args[1])
    if p.low != p.high:
        return ""
    if (p.low >= 0 and p.low == int(p.low)) or holds("positive", base):
        return SMOOTH
    if p.low > 0 and holds("nonnegative", base):
        return KINK if p.low > 1 else CONTINUOUS
    return ""


def _primitive(e: Expr, inside: list[Found], view: View) -> Found:
    row = PRIMITIVES[e.op]
    parts = []
    for i, found in enumerate(inside):
        if not found:
            continue
        level = row.levels[i]
        if level == KINK:
            parts.append(_kink(e, found, view))
        elif level == SMOOTH:
            parts.append(smoothed(found))
        else:
            parts.append(lifted(found, level, said(e.op), e.span))
    return join(*parts, outside(e, inside, view))


def outside(e: Expr, inside: Sequence[Found], view: View) -> Found:
    """What a function adds where its arguments may leave its domain; `inside` are their findings."""
    row = PRIMITIVES.get(e.op)
    if row is None or (e.op == "pow" and _fixed_power(e, view)):
        return {}
    parts = []
    for i, need in enumerate(row.domain):
        here = view.interval(e.args[i])
        if need and inside[i] and not holds(need, here):
            at_edge = e.op in EDGES and holds(EDGES[e.op], here)
            reason = f"{said(e.op)} of a value that may leave its domain ({need})"
            step = (CONTINUOUS if at_edge else UNKNOWN, reason, e.span, e.args[i], need)
            parts.append(lifted(inside[i], *step))
    return join({}, *parts)


def _kink(e: Expr, found: Found, view: View) -> Found:
    """A kink is harmless where it is met with probability zero, or where the argument does not move. Where a parameter
    moves it and nothing that is drawn does (or not always), the kink may be met at single values of the parameter: then
    the objective itself has the corner there, and its gradient is right on both sides of it."""
    drawn = found.keys() & view.random
    if drawn == found.keys() or (drawn and not any(_may_vanish(a, view) for a in e.args)):
        return lifted(found, KINK, said(e.op), e.span)
    held = Finding(KINK, f"{said(e.op)}, which may be held exactly at its corner", e.span, corner=True)
    return {n: f if f.corner or not f.pathwise else held for n, f in found.items()}


def _may_vanish(e: Expr, view: View) -> bool:
    """Whether a fixed factor (data, a discrete unknown, a flat branch) may put the value to a constant."""
    match e.op:
        case "mul":
            still = [a for a in e.args if not expression(a, view)]
            return any(not holds("nonzero", view.interval(a)) and a.op != "lit" for a in still) and len(still) < 2
        case "relu" | "round" | "floor" | "ceil" | "sign":
            return True
        case "add" | "sub" | "neg":
            return any(_may_vanish(a, view) for a in e.args)
        case _:
            return False


def said(op: str) -> str:
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
        "unit": above and (here.high < 1 or (here.high == 1 and here.high_open)),
        "above_minus_one": here.low > -1 or (here.low == -1 and here.low_open),
    }
    return checks.get(need, False)

"""Distributions: from syntax to core; families, and what is made from other distributions."""

from dataclasses import replace

from ppl.check.branches import branches
from ppl.check.building import bounds, is_free
from ppl.check.complaints import MODIFIERS, describe, unknown_function
from ppl.check.core import Dist, Expr
from ppl.check.domains import source_text
from ppl.check.expressions import expression, glance, inline, number, truth
from ppl.check.families import family
from ppl.check.maps import image
from ppl.check.reading import names_read
from ppl.check.scope import Entry, Scope, base, is_failed, union
from ppl.check.truncation import has_tails, truncated
from ppl.source.suggest import did_you_mean
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.intervals import Interval
from ppl.syntax import ast


def is_distribution(e: ast.Expr, scope: Scope) -> bool:
    """Whether this is written as a distribution: a family, a modifier, a function that returns one, an `if` of them."""
    match e:
        case ast.Call(function) if function.id in scope.functions:
            fun = scope.functions[function.id]
            return is_distribution(fun.result, scope.at_home(fun.span))
        case ast.Call(function):
            return function.id in DISTRIBUTIONS or function.id in MODIFIERS or _looks_like_one(function.id)
        case ast.IfElse(_, then, other):
            return is_distribution(then, scope) or is_distribution(other, scope)
        case ast.Pipe(left, _):
            return is_distribution(left, scope)
        case _:
            return False


def _looks_like_one(name: str) -> bool:
    return name[:1].isupper()


def distribution(e: ast.Expr, scope: Scope) -> Dist | None:
    """The core of a distribution; None after a complaint. `scope.frame` holds the axes of the left side."""
    match e:
        case ast.IfElse():
            return _branches(e, scope)
        case ast.Call(function) if function.id in scope.functions:
            inlined = inline(e, scope)
            return None if inlined is None else distribution(*inlined)
        case ast.Call(function) if function.id in DISTRIBUTIONS and not DISTRIBUTIONS[function.id].internal:
            return family(DISTRIBUTIONS[function.id], e, scope)
        case ast.Call(function) if function.id in MODIFIERS:
            return _MODIFIED[function.id](e, scope)
        case ast.Call():
            unknown_function(e, scope)
            glance(e, scope)
        case ast.Pipe(left, right):
            inner = distribution(left, scope)
            return None if inner is None else image(inner, right, scope)
        case _:
            value = expression(e, scope)
            if not is_failed(value):
                scope.report.add("E404", e.span, name=scope.target)
    return None


def _branches(e: ast.IfElse, scope: Scope) -> Dist | None:
    inside, outside = branches(e.test, scope)
    test = truth(e.test, scope)
    then, other = distribution(e.then, inside), distribution(e.other, outside)
    if then is None or other is None or is_failed(test):
        return None
    flat = "Flat" in (then.name, other.name)
    if then.kind != other.kind and not flat:
        words = {"real": "continuous", "int": "a count", "bool": "true/false", "level": "a level"}
        one = "is continuous" if then.kind == "real" else f"is {words[then.kind]}"
        two = "is not" if then.kind == "real" else f"is {words[other.kind]}"
        scope.report.add("E407", e.span, first=then.name, one=one[3:], second=other.name, other=two[3:])
        return None
    lead = other if then.name == "Flat" else then
    axes = union(test.axes, then.axes, other.axes)
    return Dist("where", (test,), (then, other), lead.attrs, axes, lead.event, lead.kind, e.span)


def read_function(fun: ast.Fun, scope: Scope) -> None:
    """The body of a function on its own."""
    for let in fun.lets:
        value = expression(let.value, scope)
        name = let.target.name
        scope = scope.naming({name.id: Entry(name.id, "failed", (), value.type, span=name.span)})
    if is_distribution(fun.result, scope):
        distribution(fun.result, scope)
    else:
        expression(fun.result, scope)


# ---- modifiers ---------------------------------------------------------------------------------------------------


def _inner(e: ast.Call, at: int, names: tuple[str, ...], scope: Scope) -> tuple[Dist, dict[str, ast.Expr]] | None:
    """The distribution that a modifier wraps, and its other arguments by name."""
    positional = [a.value for a in e.args if a.name is None]
    named = {a.name: a.value for a in e.args if a.name is not None}
    wrong = next((a for a in e.args if a.name is not None and a.name not in names), None)
    if wrong is not None:
        near = did_you_mean(str(wrong.name), names)
        text = f"did you mean `{near}=`?" if near else f"its arguments: {', '.join(names) or 'a distribution'}"
        scope.report.add("E344", wrong.span, dist=e.function.id, name=wrong.name, help=text)
        glance(e, scope)
        return None
    if len(positional) <= at or len(positional) > at + 1 + len(names):
        order = [*names[:at], "D", *(f"{n}=" for n in names[at:])]
        wanted = f"`{e.function.id}({', '.join(order)})`"
        scope.report.add("E341", e.span, dist=e.function.id, wanted=wanted, given=len(e.args), help="")
        return None
    others = positional[:at] + positional[at + 1 :]
    given = {**dict(zip(names, others, strict=False)), **named}
    dist = distribution(positional[at], scope)
    return None if dist is None else (dist, given)


def _optional(given: dict[str, ast.Expr], name: str, scope: Scope) -> Expr | None:
    return number(given[name], scope) if name in given else None


def _wrap(e: ast.Call, name: str, dist: Dist, args: tuple[Expr | None, ...]) -> Dist | None:
    present = tuple(a for a in args if a is not None)
    if is_failed(*present):
        return None
    axes = union(dist.axes, *(a.axes for a in present))
    return Dist(name, args, (dist,), dist.attrs, axes, dist.event, dist.kind, e.span)


def _needs(ok: bool, e: ast.Call, what: str, dist: Dist, help_: str, scope: Scope) -> bool:
    if not ok:
        scope.report.add("E417", e.span, outer=f"`{e.function.id}`", what=what, inner=dist.name, help=help_)
    return ok


def _truncated(e: ast.Call, scope: Scope) -> Dist | None:
    got = _inner(e, 0, ("lower", "upper"), scope)
    if got is None:
        return None
    dist, given = got
    if not _needs(
        dist.kind in ("real", "int") and (has_tails(dist) or dist.name == "Flat"),
        e,
        "a distribution of numbers with a cdf",
        dist,
        "for example `Truncated(Normal(0, 1), lower=0)`",
        scope,
    ):
        return None
    args = (_optional(given, "lower", scope), _optional(given, "upper", scope))
    if args == (None, None):
        scope.report.add("E341", e.span, dist="Truncated", wanted="`lower=`, `upper=` or both", given=1, help="")
        return None
    return None if is_failed(*(a for a in args if a is not None)) else truncated(dist, args, e.span)


def _censored(e: ast.Call, scope: Scope) -> Dist | None:
    got = _inner(e, 0, ("left", "right", "interval"), scope)
    if got is None:
        return None
    dist, given = got
    if not _needs(has_tails(dist), e, "a distribution of numbers with a cdf", dist, "", scope):
        return None
    flags = [_optional(given, n, scope) for n in ("left", "right")]
    for flag in flags:
        if flag is not None and flag.type not in ("bool", "failed"):
            scope.report.add("E334", flag.span, what=describe(flag), help="a bool column, or a comparison: `y >= 10`")
            return None
    return _wrap(e, "Censored", dist, (*flags, _optional(given, "interval", scope)))


def _mixture(e: ast.Call, scope: Scope) -> Dist | None:
    positional = [a.value for a in e.args if a.name is None]
    if len(positional) != 2 or len(e.args) != 2:
        scope.report.add("E341", e.span, dist="Mixture", wanted="`Mixture(weights, D)`", given=len(e.args), help="")
        return None
    weights = number(positional[0], scope)
    if is_failed(weights):
        return None
    frame = scope.frame or ()
    axis = next((a for a in reversed(weights.axes) if a not in frame), None)
    if axis is None:
        scope.report.add("E315", e.span, dist="Mixture", what="weights")
        return None
    dist = distribution(positional[1], replace(scope, frame=(*frame, axis)))
    if dist is None:
        return None
    if axis not in dist.axes:
        part = next((n.id for n in names_read(positional[1]) if n.id in scope.names), "m")
        source = f"`{part}` has no `{axis}`" if scope.names[part].axes else f"`{part}` has no axis"
        scope.report.add("E314", positional[1].span, axis=axis, part=part, source=source)
        return None
    if not _needs(not dist.event, e, "a distribution of single numbers", dist, "", scope):
        return None
    axes = tuple(a for a in union(weights.axes, dist.axes) if a != axis)
    return Dist("Mixture", (weights,), (dist,), (axis, *dist.attrs), axes, (), dist.kind, e.span)


def _ordered(e: ast.Call, scope: Scope) -> Dist | None:
    got = _inner(e, 0, (), scope)
    if got is None:
        return None
    dist, _ = got
    frame = scope.frame or ()
    if not frame:
        scope.report.add("E311", scope.target_span or e.span, dist="Ordered", name=scope.target or "it")
        return None
    if not _needs(dist.kind == "real" and not dist.event, e, "a distribution of real numbers", dist, "", scope):
        return None
    if frame[-1] in dist.axes:
        scope.report.add("E417.same", e.span, inner=dist.name, axis=base(frame[-1]))
        return None
    return Dist("Ordered", (), (dist,), (), dist.axes, frame[-1:], "real", e.span)


def _zero_inflated(e: ast.Call, scope: Scope) -> Dist | None:
    got = _inner(e, 1, ("p",), scope)
    if got is None:
        return None
    dist, given = got
    if not _needs(dist.kind == "int", e, "a distribution of counts", dist, "`ZeroInflated(p, Poisson(rate))`", scope):
        return None
    p = _optional(given, "p", scope)
    here = bounds(p, scope) if p is not None and not is_failed(p) else Interval(0, 1, False, False)
    if p is not None and not is_failed(p) and is_free(p, scope) and (here.low < 0 or here.high > 1):
        text = source_text(given["p"], scope)
        scope.report.add("E326", p.span, expr=text, help=f"`sigmoid({text})`")
        return None
    return _wrap(e, "ZeroInflated", dist, (p,))


_MODIFIED = {
    "Truncated": _truncated,
    "Censored": _censored,
    "Mixture": _mixture,
    "Ordered": _ordered,
    "ZeroInflated": _zero_inflated,
}

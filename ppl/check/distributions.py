"""Distributions: from syntax to core, with their arguments bound, their domains proved and their event axes known."""

from collections.abc import Sequence
from dataclasses import replace

from ppl.check.building import bounds, is_free
from ppl.check.complaints import MODIFIERS, describe, unknown_function
from ppl.check.core import Dist, Expr
from ppl.check.domains import in_domain, source_text
from ppl.check.expressions import branches, expression, glance, inline, number, truth
from ppl.check.formulas import formula
from ppl.check.maps import image
from ppl.check.reading import names_read
from ppl.check.scope import Entry, Scope, base, is_failed, union
from ppl.check.truncation import has_tails, truncated
from ppl.source.span import Span
from ppl.source.suggest import did_you_mean
from ppl.stdlib.distributions import DISTRIBUTIONS, PARAMETER_ALIASES
from ppl.stdlib.intervals import Interval
from ppl.stdlib.records import Distribution
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
            return _family(DISTRIBUTIONS[function.id], e, scope)
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


# ---- families ----------------------------------------------------------------------------------------------------


def _family(row: Distribution, e: ast.Call, scope: Scope) -> Dist | None:
    given = _arguments(row, e, scope)
    if given is None:
        return None
    row, args, written = given
    if any(is_failed(a) for a in args):
        return None
    event = _event_axes(row, e, scope)
    over = _over(row, args, event, e.span, scope)
    if event is None or over is None:
        return None
    if not _are_matrices(row, args, event, scope):
        return None
    ok = [in_domain(row, p, a, w, scope) for p, a, w in zip(row.params, args, written, strict=True)]
    own = tuple(a for a in union(*(x.axes for x in args)) if a not in over and a not in _copies(event))
    return Dist(row.name, args, (), over, own, event, row.kind, e.span) if all(ok) else None


def _copies(event: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(copy for a in event for copy in (a, a + "'"))


def _arguments(
    row: Distribution, e: ast.Call, scope: Scope
) -> tuple[Distribution, tuple[Expr, ...], tuple[ast.Expr | None, ...]] | None:
    """The arguments in the order of the parameters of the row that they choose."""
    positional = [a.value for a in e.args if a.name is None]
    named = {a.name: a for a in e.args if a.name is not None}
    options = [(tuple(p.name for p in row.params), None), *((f.names, f) for f in row.forms)]
    fitting = [(names, form) for names, form in options if set(named) <= set(names)]
    if not fitting or not _each_once(e, scope):
        if not fitting:
            _unknown_argument(row, named, options, scope)
        glance(e, scope)
        return None
    names, form = next(((n, f) for n, f in fitting if _filled(n, positional, named, row) == set(n)), fitting[0])
    missing = set(names) - _filled(names, positional, named, row)
    if missing or len(positional) + len(named) > len(names):
        text = f"{e.function.id}({', '.join(names)})" if names else f"{e.function.id}()"
        wanted = f"{len(names)} argument" + ("" if len(names) == 1 else "s")
        scope.report.add("E341", e.span, dist=e.function.id, wanted=wanted, given=len(e.args), help=f"`{text}`")
        glance(e, scope)
        return None
    rest = [n for n in names if n not in named]
    written: dict[str, ast.Expr | None] = dict.fromkeys(names)
    written.update(zip(rest, positional, strict=False))
    written.update({n: a.value for n, a in named.items()})
    defaults = dict(row.defaults)
    values = {
        n: number(w, scope) if w is not None else Expr("lit", attrs=(defaults[n],), type="real", span=e.span)
        for n, w in written.items()
    }
    if form is None:
        return row, tuple(values[n] for n in names), tuple(written[n] for n in names)
    target = DISTRIBUTIONS[form.row] if form.row else row
    if any(is_failed(v) for v in values.values()):
        return None
    to = dict(form.to)
    args = tuple(formula(to[p.name], values, e.span) for p in target.params)
    return target, args, tuple(written.get(to[p.name]) for p in target.params)


def _each_once(e: ast.Call, scope: Scope) -> bool:
    """Whether no argument is named twice."""
    twice = [a for i, a in enumerate(e.args) if a.name is not None and _named_before(a.name, e.args[:i])]
    for a in twice:
        scope.report.add("E345", a.span, name=a.name)
    return not twice


def _named_before(name: str, args: tuple[ast.Argument, ...]) -> bool:
    return any(a.name == name for a in args)


def _filled(
    names: tuple[str, ...], positional: list[ast.Expr], named: dict[str, ast.Argument], row: Distribution
) -> set[str]:
    rest = [n for n in names if n not in named]
    return set(rest[: len(positional)]) | set(named) | (set(dict(row.defaults)) & set(names))


def _unknown_argument(
    row: Distribution, named: dict[str, ast.Argument], options: Sequence[tuple[tuple[str, ...], object]], scope: Scope
) -> None:
    allowed = tuple(dict.fromkeys(n for names, _ in options for n in names))
    bad = [n for n in named if n not in allowed]
    for name in bad or list(named)[:1]:
        near = did_you_mean(name, allowed, PARAMETER_ALIASES) if bad else None
        text = f"did you mean `{near}=`?" if near in allowed else f"its arguments: {', '.join(allowed)}"
        scope.report.add("E344", named[name].span, dist=row.name, name=name, help=text)


def _event_axes(row: Distribution, e: ast.Call, scope: Scope) -> tuple[str, ...] | None:
    if row.event == 0:
        return ()
    frame = scope.frame or ()
    if not frame:
        key = "E311" if row.event == 1 else "E370"
        scope.report.add(key, scope.target_span or e.span, dist=row.name, name=scope.target or "it", axis="k")
        return None
    if row.event == 2 and (len(frame) < 2 or frame[-1] != frame[-2] + "'"):
        name = scope.target or "it"
        scope.report.add("E370", scope.target_span or e.span, dist=row.name, name=name, axis=base(frame[-1]))
        return None
    return frame[-row.event :]


def _are_matrices(row: Distribution, args: tuple[Expr, ...], event: tuple[str, ...], scope: Scope) -> bool:
    """Whether every argument that is to be a matrix has the event axis twice."""
    ok = True
    for param, value in zip(row.params, args, strict=True):
        pair = _copies(event)[:2]
        if param.rank == 2 and not set(pair) <= set(value.axes):
            public = next((r.name for r in DISTRIBUTIONS.values() for f in r.forms if f.row == row.name), row.name)
            scope.report.add("E371", value.span, dist=public, param=param.name, axis=base(event[0]))
            ok = False
    return ok


def _over(
    row: Distribution, args: tuple[Expr, ...], event: tuple[str, ...] | None, span: Span, scope: Scope
) -> tuple[str, ...] | None:
    """The axis of the vector arguments of a family of numbers: the levels of Categorical, the cuts of an ordinal."""
    ranked = [(p, a) for p, a in zip(row.params, args, strict=True) if p.rank == 1]
    if row.event or not ranked:
        return ()
    param, value = ranked[0]
    frame = scope.frame or ()
    outside = [a for a in value.axes if a not in frame]
    axis = outside[-1] if outside else (value.axes[-1] if value.axes and len(value.axes) > len(frame) else None)
    if axis is None:
        name = next((n for n in DISTRIBUTIONS if DISTRIBUTIONS[n] is row and not row.internal), "Categorical")
        scope.report.add("E315", span, dist=name, what="probabilities" if row.kind == "level" else f"{param.name}")
        return None
    return (axis,)


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

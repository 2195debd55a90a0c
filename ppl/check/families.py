"""A call of a family: its arguments bound to parameters, their domains proved, its event axes known."""

from collections.abc import Sequence

from ppl.check.core import Dist, Expr
from ppl.check.domains import in_domain
from ppl.check.expressions import glance, number
from ppl.check.formulas import formula
from ppl.check.scope import Scope, base, is_failed, union
from ppl.source.span import Span
from ppl.source.suggest import did_you_mean
from ppl.stdlib.distributions import DISTRIBUTIONS, PARAMETER_ALIASES
from ppl.stdlib.records import Distribution
from ppl.syntax import ast


def family(row: Distribution, e: ast.Call, scope: Scope) -> Dist | None:
    """The core of a call of a family; None after complaints."""
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

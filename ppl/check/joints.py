"""Guides by their coordinates: families, flows and joint targets, `(v, x) ~ FullRank()`, `D |> coupling(layers=2)`."""

from dataclasses import dataclass

from ppl.check.building import constant, is_random
from ppl.check.core import Dist, Expr, Joint, Site, Step
from ppl.check.distributions import distribution
from ppl.check.expressions import expression, number
from ppl.check.sampling import Walk, look_around
from ppl.check.scope import Report, Scope, is_failed
from ppl.source.diagnostic import Note
from ppl.source.span import Span
from ppl.source.suggest import did_you_mean
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.families import FAMILIES, FLOWS, Setting
from ppl.syntax import ast


def is_joint(e: ast.Expr) -> bool:
    """Whether the right side of a draw is a family over coordinates, or a flow. `Laplace(m, s)` is a distribution."""
    match e:
        case ast.Pipe():
            return any(_word(step) in FLOWS for step in _steps(e)[1])
        case ast.Call(function, args):
            return function.id in FAMILIES and (function.id not in DISTRIBUTIONS or not args)
        case _:
            return False


def joint(statement: ast.Sample, walk: Walk) -> None:
    """`(v, x) ~ …`."""
    target = statement.target
    assert isinstance(target, ast.JointTarget)
    fine = [_may_join(name, walk) for name in target.names]
    if walk.block.scope.loops:
        walk.block.report.add("E550.loop", target.span)
        fine.append(False)
    if statement.annotations:
        walk.block.report.add("E550.annotated", statement.annotations[0].span)
        fine.append(False)
    made = _made(statement.value, tuple(n.id for n in target.names), None, walk) if all(fine) else None
    if made is not None and made.family == "delta" and made.value is not None:
        walk.block.report.add("E551.point", statement.value.span)
    elif made is not None:
        walk.joints.append(made)
    _known(target.names, walk)


def family(statement: ast.Sample, site: Site, walk: Walk) -> None:
    """`x[dim] ~ FullRank()`: one unknown, drawn by its coordinates."""
    if site.annotations:
        walk.block.report.add("E550.annotated", site.annotation_span)
    elif _is_continuous(site.name, site.name_span, walk):
        made = _made(statement.value, (site.name,), site, walk)
        if made is not None:
            walk.joints.append(made)
    assert isinstance(statement.target, ast.Target)
    _known((statement.target.name,), walk)


def _known(names: tuple[ast.Name, ...], walk: Walk) -> None:
    """From here on the guide may read these unknowns."""
    for name in names:
        entry = walk.model.scope.names.get(name.id)
        if name.id in walk.model.unknowns and entry is not None:
            walk.sampled[name.id] = entry
    look_around(walk)


def _may_join(name: ast.Name, walk: Walk) -> bool:
    entry, report = walk.model.scope.names.get(name.id), walk.block.report
    if name.id in walk.drawn:
        report.add("E509", name.span, also=(Note(walk.drawn[name.id], "first here"),), name=name.id)
        return False
    if name.id in walk.model.unknowns:
        walk.drawn[name.id] = name.span
        return _is_continuous(name.id, name.span, walk)
    if entry is not None and entry.kind == "data":
        report.add("E502", name.span, name=name.id)
    elif entry is None or entry.kind not in ("failed", "foreign"):
        names = tuple(walk.model.unknowns)
        near = did_you_mean(name.id, names)
        help_ = f"did you mean `{near}`?" if near else f"unknowns: {', '.join(names) or 'none'}"
        report.add("E501", name.span, name=name.id, help=help_)
    return False


def _is_continuous(name: str, span: Span, walk: Walk) -> bool:
    model = walk.model.unknowns[name]
    if model.dist.kind == "real":
        return True
    note = (Note(model.dist.span, "the model draws it here"),)
    walk.block.report.add("E550", span, also=note, name=name)
    return False


# ---- the right side ----------------------------------------------------------------------------------------------


def _made(e: ast.Expr, names: tuple[str, ...], site: Site | None, walk: Walk) -> Joint | None:
    scope = walk.block.scope
    if isinstance(e, ast.Call) and is_joint(e):
        return _family(e, names, site, scope)
    if isinstance(e, ast.Pipe) and is_joint(e):
        return _flow(e, names, site, scope)
    scope.report.add("E550.plain", e.span, help=f"`{names[0]} ~ …`, one line for each, or `FullRank()` for all")
    return None


def _family(e: ast.Call, names: tuple[str, ...], site: Site | None, scope: Scope) -> Joint | None:
    row = FAMILIES[e.function.id]
    if row.key == "delta" and e.args:
        return _point(e, names, site, scope)
    settings = _settings(e, row.name, row.settings, scope)
    return None if settings is None else Joint(names, row.key, settings, span=e.span)


def _point(e: ast.Call, names: tuple[str, ...], site: Site | None, scope: Scope) -> Joint | None:
    """`Delta(x)`: a point mass where the author's parameters put it."""
    if len(e.args) != 1 or e.args[0].name is not None:
        scope.report.add("E551", e.span, name="Delta", wanted="at most one value", help="`Delta()` or `Delta(x)`")
        return None
    frame = site.axes if site is not None else ()
    value = number(e.args[0].value, scope.within(frame, names[0], e.span))
    if is_failed(value):
        return None
    outside = [a for a in value.axes if a not in frame]
    if outside:
        scope.report.add("E310", e.args[0].span, axis=outside[-1], name=names[0])
        return None
    return Joint(names, "delta", value=value, span=e.span)


def _flow(e: ast.Pipe, names: tuple[str, ...], site: Site | None, scope: Scope) -> Joint | None:
    """A base, and the flows that its draws go through: maps of single numbers first, of whole vectors from there on."""
    left, steps = _steps(e)
    first = next(i for i, step in enumerate(steps) if _word(step) in FLOWS)
    made = [_step(step, scope) for step in steps[first:]]
    start: ast.Expr = left
    for step in steps[:first]:
        start = ast.Pipe(start, step, step.span)
    base = _base(start, names, site, scope)
    if base is None or None in made:
        return None
    along = site.axes[-1] if site is not None and site.axes else ""
    return Joint(names, "flow", (), base, tuple(s for s in made if s is not None), along, span=e.span)


def _steps(e: ast.Pipe) -> tuple[ast.Expr, list[ast.Expr]]:
    """What a chain of pipes begins with, and what follows."""
    left: ast.Expr = e
    steps: list[ast.Expr] = []
    while isinstance(left, ast.Pipe):
        steps.insert(0, left.right)
        left = left.left
    return left, steps


def _word(e: ast.Expr) -> str:
    match e:
        case ast.Call(function):
            return function.id
        case ast.Name(id=name):
            return name
        case _:
            return ""


def _step(e: ast.Expr, scope: Scope) -> Step | None:
    name = _word(e)
    if name not in FLOWS:
        help_ = f"flows: {', '.join(FLOWS)}; they end with a learned location and scale of their own"
        scope.report.add("E552", e.span, name=name or "this", help=help_)
        return None
    row = FLOWS[name]
    call = e if isinstance(e, ast.Call) else ast.Call(ast.Name(name, e.span), (), e.span)
    settings = _settings(call, name, row.settings, scope)
    return None if settings is None else Step(name, tuple(value for _, value in settings), e.span)


def _base(e: ast.Expr, names: tuple[str, ...], site: Site | None, scope: Scope) -> Dist | None:
    """The distribution that a flow starts from: numbers on the whole real line, drawn along a path."""
    frame = site.axes if site is not None else ()
    base = distribution(e, scope.within(frame, names[0], e.span))
    if base is None:
        return None
    row = DISTRIBUTIONS.get(base.name)
    if row is None or row.support.kind != "real" or row.event or not row.quantile:
        scope.report.add(
            "E555", e.span, help="`Normal(0, 1) |> …`; an unknown with a range is mapped onto it afterwards"
        )
        return None
    if any(a is not None and is_random(a, scope) for a in base.args):
        scope.report.add("E555.random", e.span)
        return None
    outside = [a for a in base.axes if a not in frame]
    if outside:
        scope.report.add("E310", e.span, axis=outside[-1], name=names[0])
        return None
    return base


# ---- settings ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Given:
    value: float | None
    span: Span


def _settings(e: ast.Call, name: str, rows: tuple[Setting, ...], scope: Scope) -> tuple[tuple[str, float], ...] | None:
    """The settings of a family or flow, in the order of its row; None after a complaint."""
    spelled = f"`{name}({', '.join(f'{r.name}=…' for r in rows)})`" if rows else f"`{name}()`"
    positional = [a for a in e.args if a.name is None]
    named = {a.name: a for a in e.args if a.name is not None}
    wrong = [n for n in named if n not in {r.name for r in rows}]
    if wrong or len(positional) > len(rows) or len(named) + len(positional) != len(e.args):
        wanted = ", ".join(f"`{r.name}=`" for r in rows) or "nothing"
        scope.report.add("E551", e.span, name=name, wanted=wanted, help=spelled)
        return None
    free = [r for r in rows if r.name not in named]
    given = {r.name: _value(a, scope) for r, a in zip(free, positional, strict=False)}
    given |= {str(n): _value(a, scope) for n, a in named.items()}
    return _filled(e, name, rows, given, spelled, scope.report)


def _value(a: ast.Argument, scope: Scope) -> _Given:
    value: Expr = expression(a.value, scope)
    return _Given(None if is_failed(value) else constant(value), a.value.span)


def _filled(
    e: ast.Call, name: str, rows: tuple[Setting, ...], given: dict[str, _Given], spelled: str, report: Report
) -> tuple[tuple[str, float], ...] | None:
    out: list[tuple[str, float]] = []
    for row in rows:
        found = given.get(row.name)
        if found is None:
            if row.default is not None:
                out.append((row.name, row.default))
            elif row.whole:
                report.add("E551", e.span, name=name, wanted=f"`{row.name}=`", help=spelled)
                return None
            continue
        if not _fits(row, found.value):
            report.add("E551.value", found.span, name=name, setting=row.name, words=row.words)
            return None
        assert found.value is not None
        out.append((row.name, found.value))
    return tuple(out)


def _fits(row: Setting, value: float | None) -> bool:
    if value is None or (row.whole and value != int(value)):
        return False
    return value >= row.least if row.whole else value > row.least

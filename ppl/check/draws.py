"""Draws and observations: what stands on the left of `~`, and `factor`."""

from dataclasses import replace

from ppl.check.annotations import Setting, read_annotations
from ppl.check.block import Block, fail, give_up, inside_frame, may_define, target_axes
from ppl.check.bounds import COUNT, REAL_LINE, UNIT
from ppl.check.building import is_free
from ppl.check.columns import fits
from ppl.check.complaints import describe
from ppl.check.core import Dist, Expr, FactorTerm, Site
from ppl.check.distributions import distribution
from ppl.check.domains import source_text
from ppl.check.expressions import number
from ppl.check.lags import dist_reads_back
from ppl.check.reading import Definition, lagged, occurrence, refers_to
from ppl.check.recursions import circle, enter, name_of, passed, walked
from ppl.check.scope import Entry, Report, Scope, in_words, is_failed
from ppl.check.supports import support_bounds, value_type
from ppl.source.diagnostic import Note
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.syntax import ast


def draw(statement: ast.Sample, block: Block) -> None:
    target, name = statement.target, statement.target.name  # type: ignore[union-attr]
    assert isinstance(target, ast.Target)
    annotations, settings = read_annotations(statement.annotations, block.scope)
    entry = block.scope.names.get(name.id)
    if entry is not None and entry.kind == "data":
        return _observed(statement, target, entry, annotations, settings, block)
    if not may_define(target, block):
        return give_up(statement, block)
    frame = target_axes(target, block.scope)
    if frame is None:
        return give_up(statement, block)
    if not has_position(frame, target, block):
        return give_up(statement, block)
    begin(statement, block)
    dist = _distribution_of(statement.value, frame, target, block)
    if dist is None or not _is_drawable(dist, frame, statement, block):
        block.recursion.pop(name.id, None)
        return fail(name, block)
    there = statement.annotations[0].span if statement.annotations else name.span
    block.statements.append(
        Site(name.id, frame, dist, "unknown", None, annotations, statement.span, name.span, there, settings=settings)
    )
    limits = support_bounds(dist, block.scope)
    block.define(Entry(name.id, "unknown", frame, value_type(dist), limits, True, span=name.span))
    return None


def begin(statement: Definition, block: Block) -> None:
    """At the first statement of a recursion, what its names mean."""
    members = () if name_of(statement) in block.recursion else circle(statement, block)
    if members and not (isinstance(statement, ast.Sample) and len(members) == 1 and not block.draws_own):
        enter(members, block)


def _is_drawable(dist: Dist, frame: tuple[str, ...], statement: ast.Sample, block: Block) -> bool:
    """Whether an unknown can have this distribution: what it varies over, what it reads and when, its support."""
    name = name_of(statement)
    if not inside_frame(dist.axes, frame, name, statement.value.span, block.scope):
        return False
    if name in block.recursion:
        axis = walked(lambda a: dist_reads_back(dist, a), frame, block)
        passed(name, axis, block)
        if not axis:
            return False
    return _has_levels(dist, block) and _one_support(dist, block)


def _has_levels(dist: Dist, block: Block) -> bool:
    """Whether the levels of an unknown are known: those of an ordinal, one more than it has cuts, are a column's."""
    row = DISTRIBUTIONS.get(dist.name)
    if row is None or row.kind != "level" or all(p.rank for p in row.params):
        return all(_has_levels(inner, block) for inner in dist.inner)
    block.report.add("E416.levels", dist.span, dist=row.name)
    return False


def has_position(frame: tuple[str, ...], target: ast.Target, block: Block) -> bool:
    """An unknown that is drawn inside a loop is one for each position of it."""
    loops = block.scope.loops
    if not loops or any(loop.axis in frame for loop in loops):
        return True
    block.report.add("E413", target.span, name=target.name.id, var=loops[-1].name)
    return False


def _distribution_of(e: ast.Expr, frame: tuple[str, ...], target: ast.Target, block: Block) -> Dist | None:
    """The distribution of an unknown; one that reads its own lag is checked twice, first to learn its type."""
    name = target.name.id
    scope = block.scope.naming(block.recursion).within(frame, name, target.name.span)
    if name in block.recursion or not (block.scope.loops and lagged(e, name)):
        return distribution(e, scope)
    muted = replace(scope, report=Report(muted=True))
    trial = Entry(name, "unknown", frame, "real", random=True, span=target.name.span)
    first = distribution(_first_branch(e), muted) or _by_trial(e, trial, muted)
    if first is not None:
        trial = replace(trial, type=value_type(first), bounds=support_bounds(first, muted))
    return distribution(e, scope.naming({name: trial}))


def can_be_drawn(dist: Dist, scope: Scope) -> bool:
    """Whether there are draws of a distribution: not of an improper one, nor of what describes observations only."""
    match dist:
        case Dist(name="Flat" | "Censored"):
            scope.report.add("E416.drawn", dist.span, dist=dist.name)
            return False
        case Dist(name="Truncated", args=(lower, upper), inner=(Dist(name="Flat"),)) if lower and upper:
            return True
        case _:
            return all(can_be_drawn(inner, scope) for inner in dist.inner)


def _by_trial(e: ast.Expr, trial: Entry, muted: Scope) -> Dist | None:
    """The distribution under the first type of its own lag with which it gives that type."""
    for kind, limits in (("real", REAL_LINE), ("bool", UNIT), ("int", COUNT)):
        found = distribution(e, muted.naming({trial.name: replace(trial, type=kind, bounds=limits)}))
        if found is not None and value_type(found) == kind:
            return found
    return None


def _first_branch(e: ast.Expr) -> ast.Expr:
    while isinstance(e, ast.IfElse):
        e = e.then
    return e


def _one_support(dist: Dist, block: Block) -> bool:
    """An unknown is mapped to the real line by one bijection, so its branches must share a support."""
    if dist.name != "where":
        return True
    kinds = [_support_kind(d) for d in dist.inner]
    if kinds[0] == kinds[1]:
        return all(_one_support(d, block) for d in dist.inner)
    block.report.add("E414", dist.span, first=dist.inner[0].name, second=dist.inner[1].name)
    return False


def _support_kind(dist: Dist) -> tuple[object, ...]:
    match dist:
        case Dist(name="where", inner=(then, _)):
            return _support_kind(then)
        case Dist(name="Truncated"):
            return ("Truncated", dist.args)
        case Dist(inner=(inner, *_)):
            return (dist.name, *_support_kind(inner))
        case _:
            support = DISTRIBUTIONS[dist.name].support
            ends = (
                dist.args
                if any(t and not t.lstrip("-").replace(".", "").isdigit() for t in (support.low, support.high))
                else ()
            )
            return (support.kind, support.low, support.high, ends)


def _observed(
    statement: ast.Sample,
    target: ast.Target,
    entry: Entry,
    annotations: tuple[str, ...],
    settings: tuple[Setting, ...],
    block: Block,
) -> None:
    """A data column on the left of `~`."""
    name = entry.name
    if name in block.scope.keys:
        block.report.add("E218", target.name.span, name=name)
        return give_up(statement, block)
    if name in block.observed:
        note = (Note(block.observed[name], "first here"),)
        block.report.add("E409", target.name.span, also=note, name=name)
        return give_up(statement, block)
    block.observed[name] = target.name.span
    if target.indices is not None:
        axes = target_axes(target, block.scope)
        if axes is None:
            return give_up(statement, block)
        if axes not in (entry.axes, entry.axes[1:]):
            text = f"write `{name}` or `{name}[{in_words(entry.axes)}]`"
            block.report.add("E408", target.span, name=name, axes=in_words(entry.axes), help=text)
            return give_up(statement, block)
    if refers_to(_drawn_part(statement.value), name) and not (block.scope.loops and lagged(statement.value, name)):
        found = occurrence(statement.value, name)
        span = found.span if found is not None else target.name.span
        block.report.add("E107", span, name=name, label="this is what the line describes")
        return None
    dist = distribution(statement.value, block.scope.within(entry.axes, name, target.name.span))
    if dist is None or not inside_frame(dist.axes, entry.axes, name, statement.value.span, block.scope, "observed"):
        return None
    if not fits(entry, dist, statement.value.span, block.scope):
        return None
    block.statements.append(
        Site(name, entry.axes, dist, "observed", None, annotations, statement.span, target.name.span, settings=settings)
    )
    block.imputed.add(name)
    return None


# What is said beside the distribution of a censored value may be said in terms of that value.
SAID_OF_IT = ("Censored",)


def _drawn_part(e: ast.Expr) -> object:
    """What a distribution is made from, without what it says of the value that was seen."""
    match e:
        case ast.Call(function=ast.Name(id="size" | "uniform")):
            return ()  # names an axis
        case ast.Call(function, args):
            inner = [a for a in args if a.name is None]
            read = inner[:1] if function.id in SAID_OF_IT else [a for a in args if a.name != "over"]
            return tuple(_drawn_part(a.value) for a in read)
        case _:
            return e


def observe(statement: ast.Observe, block: Block) -> None:
    """`observe e ~ D`: e is computed from the data."""
    value = number(statement.value, block.scope)
    if is_failed(value):
        return
    if is_free(value, block.scope):
        name, kind = _free_name(value, block.scope)
        block.report.add("E411", value.span, name=name, kind=kind)
        return
    name = f"observe, line {statement.span.line}"
    dist = distribution(statement.distribution, block.scope.within(value.axes, name, statement.value.span))
    if dist is None or not inside_frame(
        dist.axes,
        value.axes,
        source_text(statement.value, block.scope),
        statement.distribution.span,
        block.scope,
        "observed",
    ):
        return
    if dist.kind == "level" or (dist.kind in ("int", "bool") and value.type == "real"):
        help_ = "use a continuous distribution"
        what = {"level": "levels", "int": "counts", "bool": "true/false"}[dist.kind]
        block.report.add(
            "E324",
            statement.distribution.span,
            name="this",
            kind=describe(value),
            dist=dist.name,
            what=what,
            help=help_,
        )
        return
    block.observed[name] = statement.span
    block.statements.append(Site(name, value.axes, dist, "observed", value, (), statement.span, statement.value.span))


def _free_name(e: Expr, scope: Scope) -> tuple[str, str]:
    """The first name in an expression that is no data, and what it is."""
    if e.op == "ref":
        entry = scope.names[str(e.attrs[0])]
        return entry.name, "unknown" if entry.random else "parameter"
    return next(_free_name(a, scope) for a in e.args if is_free(a, scope))


def factor(statement: ast.Factor, block: Block) -> None:
    value = number(statement.value, block.scope)
    if is_failed(value):
        return
    name = f"factor, line {statement.span.line}"
    block.observed.setdefault(name, statement.span)
    block.statements.append(FactorTerm(name, value, statement.span))

"""The statements of the model block."""

from dataclasses import dataclass, field, replace

from ppl.check.bounds import COUNT, REAL_LINE, UNIT
from ppl.check.building import bounds, is_random
from ppl.check.columns import fits
from ppl.check.complaints import describe, no_axis
from ppl.check.core import Derived, Dist, Expr, FactorTerm, Site, Statement
from ppl.check.distributions import distribution, is_distribution
from ppl.check.domains import source_text
from ppl.check.expressions import expression, number
from ppl.check.reading import definitions, lagged, occurrence, refers_to, targets
from ppl.check.scope import Entry, Loop, Report, Scope, base, in_words, is_failed
from ppl.check.supports import support_bounds, value_type
from ppl.source.diagnostic import Note
from ppl.source.span import Span
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.syntax import ast

ANNOTATIONS = ("reparam", "enumerate", "marginal", "exact", "centered", "noncentered")
ANNOTATIONS_LATER = ("score", "relax", "implicit", "smooth", "boundary", "stratified", "unsafe_reparam")


@dataclass(slots=True)
class Block:
    """The statements checked so far, and what the names defined by them mean."""

    scope: Scope
    statements: list[Statement] = field(default_factory=list)
    observed: dict[str, Span] = field(default_factory=dict)
    imputed: set[str] = field(default_factory=set)

    @property
    def report(self) -> Report:
        return self.scope.report

    def define(self, entry: Entry) -> None:
        self.scope = self.scope.naming({entry.name: entry})


def check_block(body: tuple[ast.Statement, ...], scope: Scope) -> Block:
    """All statements of a model block, in order."""
    below = {name: statement for name, statement in definitions(body).items() if name not in scope.names}
    block = Block(replace(scope, definitions=below))
    _body(body, block)
    return block


def _body(body: tuple[ast.Statement, ...], block: Block) -> None:
    for statement in body:
        block.scope = replace(block.scope, statement=statement.span)
        match statement:
            case ast.Sample(target=ast.JointTarget()):
                block.report.add(
                    "E490", statement.target.span, what="joint targets", help="write one `~` for each name"
                )
                _give_up(statement, block)
            case ast.Sample():
                _sample(statement, block)
            case ast.Let():
                _let(statement, block)
            case ast.Observe():
                _observe(statement, block)
            case ast.Factor():
                _factor(statement, block)
            case ast.For():
                _for(statement, block)
            case ast.Param():
                text = "give it a prior: `name ~ Normal(0, 1)`"
                block.report.add("E490", statement.name.span, what="`param`s", help=text)
                _give_up(statement, block)


# ---- loops -------------------------------------------------------------------------------------------------------


def _for(statement: ast.For, block: Block) -> None:
    over = statement.over
    if not isinstance(over, ast.Name):
        block.report.add("E303", over.span)
        return _give_up(statement, block)
    if over.id not in block.scope.axes:
        no_axis(over, block.scope)
        return _give_up(statement, block)
    outside = block.scope.loops
    copies = sum(base(loop.axis) == over.id for loop in outside)
    loop = Loop(statement.variable.id, over.id + "'" * copies)
    if statement.variable.id in block.scope.names:
        block.report.add("E403", statement.variable.span, name=statement.variable.id)
    block.scope = replace(block.scope, loops=(*outside, loop))
    _body(statement.body, block)
    block.scope = replace(block.scope, loops=outside)
    return None


# ---- targets -----------------------------------------------------------------------------------------------------


def _target_axes(target: ast.Target, block: Block) -> tuple[str, ...] | None:
    """The axes on the left side; None after a complaint. A second use of an axis is its copy."""
    axes: list[str] = []
    for ix in target.indices or ():
        axis = _target_axis(ix, target, block)
        if axis is None:
            return None
        while axis in axes:
            axis += "'"
        axes.append(axis)
    return tuple(axes)


def _target_axis(ix: ast.Expr, target: ast.Target, block: Block) -> str | None:
    if isinstance(ix, ast.Name):
        loop = block.scope.loop(ix.id)
        if loop is not None:
            return loop.axis
        if ix.id in block.scope.axes:
            return ix.id
        no_axis(ix, block.scope)
        return None
    what = "a number" if isinstance(ix, ast.Number) else "an expression"
    size = ix.text if isinstance(ix, ast.Number) else 3
    block.report.add("E302", ix.span, what=what, size=size, name=target.name.id)
    return None


def _may_define(target: ast.Target, block: Block) -> bool:
    """Whether this name may be defined here."""
    name = target.name.id
    if target.attribute is not None:
        block.report.add("E490", target.span, what="weights of nets", help="")
        return False
    entry = block.scope.names.get(name)
    if entry is not None and entry.kind == "foreign":
        return False
    if entry is not None and entry.kind == "data":
        block.report.add("E402", target.name.span, name=name)
    elif entry is not None or name in block.scope.functions or block.scope.loop(name):
        span = entry.span if entry is not None else None
        also = (Note(span, "first here"),) if span is not None and span.line else ()
        block.report.add("E403", target.name.span, also=also, name=name)
    else:
        return True
    return False


def _give_up(statement: ast.Statement, block: Block, variables: tuple[ast.Name, ...] = ()) -> None:
    """A statement that cannot be checked as it stands: its names are complained about no more, but what is wrong on its
    right side whatever the left side means is said all the same."""
    if isinstance(statement, ast.For):
        for inner in statement.body:
            _give_up(inner, block, (*variables, statement.variable))
        return
    for name in targets(statement):
        _fail(name, block)
    lost = {v.id: Entry(v.id, "failed", (), "failed", span=v.span) for v in variables}
    scope = replace(block.scope.naming(lost), frame=None, target="", report=Report())
    match statement:
        case ast.Sample(value=value) | ast.Observe(distribution=value) if is_distribution(value, scope):
            distribution(value, scope)
        case ast.Sample(value=value) | ast.Let(value=value) | ast.Factor(value=value):
            expression(value, scope)
    block.report.take_over(scope.report)


# ---- definitions -------------------------------------------------------------------------------------------------


def _let(statement: ast.Let, block: Block) -> None:
    target, name = statement.target, statement.target.name
    if not _may_define(target, block):
        return _give_up(statement, block)
    if is_distribution(statement.value, block.scope):
        block.report.add("E401", statement.span, name=name.id)
        return _give_up(statement, block)
    frame = _target_axes(target, block) if target.indices is not None else None
    if target.indices is not None and frame is None:
        return _give_up(statement, block)
    if block.scope.loops and lagged(statement.value, name.id):
        return _recursive(statement, block)
    value = expression(statement.value, block.scope.within(frame, name.id, name.span))
    if value.type == "text":
        block.report.add("E333", value.span, kind="text", help='compare a factor with it: `arm == "drug"`')
        return _fail(name, block)
    if is_failed(value):
        return _fail(name, block)
    if frame is not None and not _inside_frame(value.axes, frame, name.id, value.span, block, "derived"):
        return _fail(name, block)
    axes = value.axes if frame is None else frame
    scope = block.scope
    block.statements.append(Derived(name.id, axes, value, span=statement.span, name_span=name.span))
    block.define(
        Entry(name.id, "derived", axes, value.type, bounds(value, scope), is_random(value, scope), span=name.span)
    )
    return None


def _recursive(statement: ast.Let, block: Block) -> None:
    """A derived value that reads its own lag."""
    name = statement.target.name
    text = f"a lag of an unknown or of a column works: `{name.id}[{block.scope.loops[-1].name}] ~ …`"
    block.report.add("E490", name.span, what="recursions of derived values", help=text)
    _fail(name, block)


def _fail(name: ast.Name, block: Block) -> None:
    """A name whose definition failed: uses of it are not complained about."""
    if name.id not in block.scope.names:
        block.define(Entry(name.id, "failed", (), "failed", span=name.span))


def _inside_frame(
    axes: tuple[str, ...], frame: tuple[str, ...], name: str, span: Span, block: Block, kind: str
) -> bool:
    """The only rule of vectorisation: the right side may vary only over axes of the left."""
    outside = [a for a in axes if a not in frame]
    if not outside:
        return True
    axis = base(outside[-1])
    if frame and kind == "observed":
        block.report.add("E310.every", span, axis=axis, name=name, own=base(frame[0]))
    else:
        block.report.add("E310", span, axis=axis, name=name)
    return False


# ---- draws and observations --------------------------------------------------------------------------------------


def _sample(statement: ast.Sample, block: Block) -> None:
    target, name = statement.target, statement.target.name  # type: ignore[union-attr]
    assert isinstance(target, ast.Target)
    annotations = _annotations(statement, block)
    entry = block.scope.names.get(name.id)
    if entry is not None and entry.kind == "data":
        return _observed(statement, target, entry, annotations, block)
    if not _may_define(target, block):
        return _give_up(statement, block)
    frame = _target_axes(target, block)
    if frame is None:
        return _give_up(statement, block)
    if not _has_position(frame, target, block):
        return _give_up(statement, block)
    dist = _distribution_of(statement.value, frame, target, block)
    if dist is None or not _inside_frame(dist.axes, frame, name.id, statement.value.span, block, "unknown"):
        return _fail(name, block)
    if not _one_support(dist, block):
        return _fail(name, block)
    there = statement.annotations[0].span if statement.annotations else name.span
    block.statements.append(Site(name.id, frame, dist, "unknown", None, annotations, statement.span, name.span, there))
    limits = support_bounds(dist, block.scope)
    block.define(Entry(name.id, "unknown", frame, value_type(dist), limits, True, span=name.span))
    return None


def _has_position(frame: tuple[str, ...], target: ast.Target, block: Block) -> bool:
    """An unknown that is drawn inside a loop is one for each position of it."""
    loops = block.scope.loops
    if not loops or any(loop.axis in frame for loop in loops):
        return True
    block.report.add("E413", target.span, name=target.name.id, var=loops[-1].name)
    return False


def _distribution_of(e: ast.Expr, frame: tuple[str, ...], target: ast.Target, block: Block) -> Dist | None:
    """The distribution of an unknown; one that reads its own lag is checked twice, first to learn its type."""
    name = target.name.id
    scope = block.scope.within(frame, name, target.name.span)
    if not (block.scope.loops and lagged(e, name)):
        return distribution(e, scope)
    muted = replace(scope, report=Report(muted=True))
    trial = Entry(name, "unknown", frame, "real", random=True, span=target.name.span)
    first = distribution(_first_branch(e), muted) or _by_trial(e, trial, muted)
    if first is not None:
        trial = replace(trial, type=value_type(first), bounds=support_bounds(first, muted))
    return distribution(e, scope.naming({name: trial}))


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
    statement: ast.Sample, target: ast.Target, entry: Entry, annotations: tuple[str, ...], block: Block
) -> None:
    """A data column on the left of `~`."""
    name = entry.name
    if name in block.observed:
        note = (Note(block.observed[name], "first here"),)
        block.report.add("E409", target.name.span, also=note, name=name)
        return _give_up(statement, block)
    block.observed[name] = target.name.span
    if target.indices is not None:
        axes = _target_axes(target, block)
        if axes is None:
            return _give_up(statement, block)
        if axes not in (entry.axes, entry.axes[1:]):
            text = f"write `{name}` or `{name}[{in_words(entry.axes)}]`"
            block.report.add("E408", target.span, name=name, axes=in_words(entry.axes), help=text)
            return _give_up(statement, block)
    if refers_to(statement.value, name) and not (block.scope.loops and lagged(statement.value, name)):
        found = occurrence(statement.value, name)
        span = found.span if found is not None else target.name.span
        block.report.add("E107", span, name=name, label="this is what the line describes")
        return None
    dist = distribution(statement.value, block.scope.within(entry.axes, name, target.name.span))
    if dist is None or not _inside_frame(dist.axes, entry.axes, name, statement.value.span, block, "observed"):
        return None
    if not fits(entry, dist, statement.value.span, block.scope):
        return None
    block.statements.append(
        Site(name, entry.axes, dist, "observed", None, annotations, statement.span, target.name.span)
    )
    block.imputed.add(name)
    return None


def _observe(statement: ast.Observe, block: Block) -> None:
    """`observe e ~ D`: e is computed from the data."""
    value = number(statement.value, block.scope)
    if is_failed(value):
        return
    if is_random(value, block.scope):
        unknown = next(iter(_random_names(value, block.scope)), "?")
        block.report.add("E411", value.span, name=unknown)
        return
    name = f"observe, line {statement.span.line}"
    dist = distribution(statement.distribution, block.scope.within(value.axes, name, statement.value.span))
    if dist is None or not _inside_frame(
        dist.axes, value.axes, source_text(statement.value, block.scope), statement.distribution.span, block, "observed"
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


def _random_names(e: Expr, scope: Scope) -> list[str]:
    if e.op == "ref":
        name = str(e.attrs[0])
        return [name] if scope.names[name].random else []
    return [n for a in e.args for n in _random_names(a, scope)]


def _factor(statement: ast.Factor, block: Block) -> None:
    value = number(statement.value, block.scope)
    if is_failed(value):
        return
    name = f"factor, line {statement.span.line}"
    block.observed.setdefault(name, statement.span)
    block.statements.append(FactorTerm(name, value, statement.span))


def _annotations(statement: ast.Sample, block: Block) -> tuple[str, ...]:
    """The annotations that this version honours; others are complained about."""
    kept = []
    for a in statement.annotations:
        if a.name in ANNOTATIONS_LATER:
            text = "remove the annotation: every unknown gets an estimator"
            block.report.add("E490.one", a.span, what=f"`@{a.name}`", help=text)
        elif a.name not in ANNOTATIONS:
            text = "annotations are " + ", ".join(f"@{n}" for n in ANNOTATIONS)
            block.report.add("E514", a.span, name=a.name, help=text)
        else:
            kept.append(a.name)
    return tuple(kept)

"""A block while it is being checked: its statements so far, and the rules that all of its statements share."""

from dataclasses import dataclass, field, replace

from ppl.check.complaints import no_axis
from ppl.check.core import Param, Statement
from ppl.check.distributions import distribution, is_distribution
from ppl.check.expressions import expression
from ppl.check.reading import targets
from ppl.check.scope import Entry, Report, Scope, base
from ppl.source.diagnostic import Note
from ppl.source.span import Span
from ppl.syntax import ast


@dataclass(slots=True)
class Block:
    """The statements checked so far, and what the names defined by them mean. `loop` is the body of the outermost loop
    around; `recursion` holds what is known of names that recur in it and are not defined yet, `circle` all names of
    that recursion, `along` their axis. `draws_own`: unknowns are drawn from the model itself, for an objective;
    `is_guide` that this is a guide."""

    scope: Scope
    statements: list[Statement] = field(default_factory=list)
    params: list[Param] = field(default_factory=list)
    observed: dict[str, Span] = field(default_factory=dict)
    imputed: set[str] = field(default_factory=set)
    loop: tuple[ast.Statement, ...] = ()
    recursion: dict[str, Entry] = field(default_factory=dict)
    circle: frozenset[str] = frozenset()
    along: str = ""
    draws_own: bool = False
    is_guide: bool = False

    @property
    def report(self) -> Report:
        return self.scope.report

    def define(self, entry: Entry) -> None:
        self.scope = self.scope.naming({entry.name: entry})


def target_axes(target: ast.Target, scope: Scope) -> tuple[str, ...] | None:
    """The axes on the left side; None after a complaint. A second use of an axis is its copy."""
    axes: list[str] = []
    for ix in target.indices or ():
        axis = _target_axis(ix, target, scope)
        if axis is None:
            return None
        axes.append(free_copy(axis, axes))
    return tuple(axes)


def free_copy(axis: str, taken: list[str]) -> str:
    """The first copy of an axis that has not been taken."""
    while axis in taken:
        axis += "'"
    return axis


def _target_axis(ix: ast.Expr, target: ast.Target, scope: Scope) -> str | None:
    if isinstance(ix, ast.Name):
        loop = scope.loop(ix.id)
        if loop is not None:
            return loop.axis
        if ix.id in scope.axes:
            return ix.id
        no_axis(ix, scope)
        return None
    what = "a number" if isinstance(ix, ast.Number) else "an expression"
    size = ix.text if isinstance(ix, ast.Number) else 3
    scope.report.add("E302", ix.span, what=what, size=size, name=target.name.id)
    return None


def may_define(target: ast.Target, block: Block) -> bool:
    """Whether this name may be defined here."""
    if target.attribute is not None:
        is_net = target.name.id in block.scope.nets and target.attribute == "weights"
        text = "only nets have parts to draw: `f.weights ~ MeanField()`"
        written = block.scope.text[target.span.start : target.span.end]
        if is_net:
            block.report.add("E368.model", target.span, net=target.name.id)
        else:
            block.report.add("E368.name", target.span, name=written, help=text)
        return False
    return may_name(target.name, block.scope)


def may_name(name: ast.Name, scope: Scope) -> bool:
    """Whether nothing else has this name."""
    entry = scope.names.get(name.id)
    if entry is not None and entry.kind == "foreign":
        return False
    if entry is not None and entry.kind == "data":
        scope.report.add("E402", name.span, name=name.id)
    elif entry is not None or name.id in scope.functions or name.id in scope.nets or scope.loop(name.id):
        span = entry.span if entry is not None else None
        also = (Note(span, "first here"),) if span is not None and span.line else ()
        scope.report.add("E403", name.span, also=also, name=name.id)
    else:
        return True
    return False


def give_up(statement: ast.Statement, block: Block, variables: tuple[ast.Name, ...] = ()) -> None:
    """A statement that cannot be checked as it stands: its names are complained about no more, but what is wrong on its
    right side whatever the left side means is said all the same."""
    if isinstance(statement, ast.For):
        for inner in statement.body:
            give_up(inner, block, (*variables, statement.variable))
        return
    for name in targets(statement):
        fail(name, block)
    lost = {v.id: Entry(v.id, "failed", (), "failed", span=v.span) for v in variables}
    scope = replace(block.scope.naming(lost), frame=None, target="", report=Report())
    match statement:
        case ast.Sample(value=value) | ast.Observe(distribution=value) if is_distribution(value, scope):
            distribution(value, scope)
        case ast.Sample(value=value) | ast.Let(value=value) | ast.Factor(value=value):
            expression(value, scope)
    block.report.take_over(scope.report)


def fail(name: ast.Name, block: Block) -> None:
    """A name whose definition failed: uses of it are not complained about."""
    if name.id not in block.scope.names:
        block.define(Entry(name.id, "failed", (), "failed", span=name.span))


def inside_frame(
    axes: tuple[str, ...], frame: tuple[str, ...], name: str, span: Span, scope: Scope, kind: str = ""
) -> bool:
    """The only rule of vectorisation: the right side may vary only over axes of the left."""
    outside = [a for a in axes if a not in frame]
    if not outside:
        return True
    axis = base(outside[-1])
    if frame and kind == "observed":
        index = _pointer(axis, frame[0], scope) or axis
        scope.report.add("E310.every", span, axis=axis, name=name, own=base(frame[0]), index=index)
    else:
        scope.report.add("E310", span, axis=axis, name=name)
    return False


def _pointer(axis: str, rows: str, scope: Scope) -> str:
    """The column of a table that says to which position of `axis` each of its rows belongs, under another name."""
    columns = (e for e in scope.names.values() if e.kind == "data" and e.axes == (rows,))
    return next((e.name for e in columns if e.type == f"level:{axis}"), "")

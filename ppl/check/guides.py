"""Guides: blocks over the unknowns of the model, aligned with it name by name before anything runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ppl.check.alignment import is_aligned
from ppl.check.annotations import read_annotations
from ppl.check.block import Block, give_up, inside_frame, target_axes
from ppl.check.complaints import AUTOMATIC, above
from ppl.check.core import Derived, FactorTerm, Guide, Site
from ppl.check.declarations import first_line
from ppl.check.distributions import distribution
from ppl.check.draws import can_be_drawn, has_position
from ppl.check.lags import Read, depends, dist_reads_back, reads_back
from ppl.check.params import param
from ppl.check.reading import definitions, targets
from ppl.check.scope import Entry, Report, Scope, base, in_words
from ppl.check.statements import joint, let, loop_over
from ppl.check.supports import support_bounds, value_type
from ppl.source.diagnostic import Note
from ppl.source.span import Span
from ppl.source.suggest import did_you_mean
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.syntax import ast

LATER = ("FullRank", "LowRank", "Laplace", "Delta")
SHARED = ("data", "const", "param", "foreign", "failed")


@dataclass(frozen=True, slots=True)
class Model:
    """What a guide knows of the model: its unknowns, its derived values, the columns whose blanks are unknowns too, and
    the scope at its end."""

    unknowns: Mapping[str, Site]
    derived: Mapping[str, Derived]
    blanks: frozenset[str]
    scope: Scope


@dataclass(slots=True)
class Walk:
    """A guide while it is being read. `drawn` holds the unknowns that it has named, with the place; `sampled` those
    whose values are known from here on; `pending` those that the loops around will have drawn at earlier positions."""

    block: Block
    model: Model
    name: str
    drawn: dict[str, Span] = field(default_factory=dict)
    sampled: dict[str, Entry] = field(default_factory=dict)
    pending: frozenset[str] = frozenset()


def check_guides(items: tuple[ast.Block, ...], block: Block, blanks: frozenset[str]) -> tuple[Guide, ...]:
    """All guides of a file; `block` is the model, `blanks` are the columns of which it draws the missing cells."""
    unknowns = {s.name: s for s in block.statements if isinstance(s, Site) and s.role == "unknown"}
    derived = {s.name: s for s in block.statements if isinstance(s, Derived)}
    model = Model(unknowns, derived, blanks, block.scope)
    _named_apart(items, block.report)
    return tuple(_guide(item, model) for item in items)


def _named_apart(items: tuple[ast.Block, ...], report: Report) -> None:
    seen: dict[str, Span] = {}
    for item in items:
        name, span = (item.name.id, item.name.span) if item.name is not None else ("", first_line(item.span))
        if name in seen:
            report.add("E507" if name else "E507.none", span, also=(Note(seen[name], "the first one"),), name=name)
        seen.setdefault(name, span)


def _guide(item: ast.Block, model: Model) -> Guide:
    names = {name: entry for name, entry in model.scope.names.items() if entry.kind in SHARED}
    below = {name: s for name, s in definitions(item.body).items() if name not in names}
    scope = replace(model.scope, names=names, definitions=below, loops=(), frame=None, target="")
    walk = Walk(Block(scope), model, item.name.id if item.name is not None else "")
    _look_around(walk)
    _body(item.body, walk)
    own = {p.name for p in walk.block.params} | {s.name for s in walk.block.statements}
    limits = tuple((n, e.bounds) for n, e in walk.block.scope.names.items() if n in own and e.kind != "failed")
    return Guide(walk.name, tuple(walk.block.params), tuple(walk.block.statements), limits, item.span)


def _body(body: tuple[ast.Statement, ...], walk: Walk) -> None:
    block = walk.block
    for statement in body:
        block.scope = replace(block.scope, statement=statement.span)
        match statement:
            case ast.Sample(target=ast.JointTarget()):
                joint(statement, block)
            case ast.Sample():
                _draw(statement, walk)
            case ast.Let(target) if _is_free(target.name, walk):
                _let(statement, walk)
            case ast.Param(name) if _is_free(name, walk):
                param(statement, block, walk.name)
            case ast.Observe() | ast.Factor():
                word = "observe" if isinstance(statement, ast.Observe) else "factor"
                span = Span(
                    statement.span.file, statement.span.line, statement.span.col, statement.span.line,
                    statement.span.col + len(word), statement.span.start, statement.span.start + len(word),
                )  # fmt: skip
                block.report.add("E508", span, word=word)
            case ast.For():
                _for(statement, walk)


def _for(statement: ast.For, walk: Walk) -> None:
    block, before = walk.block, walk.pending
    loop = loop_over(statement, block)
    if loop is None:
        give_up(statement, block)
        return _lost(statement, walk)
    outside, around = block.scope.loops, block.loop
    drawn = {n.id for n in targets(statement) if n.id in walk.model.unknowns}
    walk.pending = before | drawn
    block.scope, block.loop = replace(block.scope, loops=(*outside, loop)), statement.body
    _look_around(walk)
    _body(statement.body, walk)
    walk.pending = before
    block.scope, block.loop, block.recursion = replace(block.scope, loops=outside), around, {}
    return _look_around(walk)


def _is_free(name: ast.Name, walk: Walk) -> bool:
    """Whether the model leaves this name to the guide."""
    entry = walk.model.scope.names.get(name.id)
    if entry is None or entry.kind in SHARED:
        return True
    walk.block.report.add("E403", name.span, also=(Note(entry.span, "in the model"),), name=name.id)
    return False


# ---- what can be read --------------------------------------------------------------------------------------------


def _look_around(walk: Walk) -> None:
    """The names of the model that a statement here may read: the unknowns that have been sampled, and the derived
    values that come from them alone. In a loop, what the unknowns of the loop were at earlier positions is known."""
    names, unsampled = dict(walk.block.scope.names), {}
    for name, entry in walk.model.scope.names.items():
        missing = _missing(name, walk)
        if missing is None:
            names[name] = walk.sampled.get(name, entry)
        else:
            names.pop(name, None)
            unsampled[name] = missing
    walk.block.scope = replace(walk.block.scope, names=names, unsampled=unsampled)


def _missing(name: str, walk: Walk) -> tuple[str, str] | None:
    """The unknown that keeps a name of the model from being read here, if any does, with the complaint to make."""
    model = walk.model
    if name in model.blanks:
        return "E505.blanks", name
    if name in model.unknowns:
        is_known = name in walk.sampled or name in walk.pending
        return None if is_known else ("E505.automatic" if name in walk.drawn else "E505", name)
    if name not in model.derived:
        return None
    found: list[str] = []
    for axis in _loop_axes(walk):
        late = list(_late(reads_back(model.derived[name].value, axis), axis, walk))
        if not late:
            return None
        found.append(late[0][0])
    return "E505.blanks" if found[0] in model.blanks else "E505.through", found[0]


def _loop_axes(walk: Walk) -> tuple[str, ...]:
    return tuple(loop.axis for loop in walk.block.scope.loops) or ("",)


def _late(reads: Iterator[Read], axis: str, walk: Walk) -> Iterator[Read]:
    """The unknowns behind these reads that are not known yet."""
    own = {s.name: s for s in walk.block.statements if isinstance(s, Derived)}
    for name, back, span in depends(reads, axis, {**walk.model.derived, **own}):
        is_known = name in walk.sampled or (name in walk.pending and back > 0)
        if name in walk.model.blanks or (name in walk.model.unknowns and not is_known):
            yield name, back, span


def _is_in_time(statement: Site | Derived, walk: Walk) -> bool:
    """Whether a statement reads only what has been sampled: before it, or by the loop at earlier positions."""
    first: Read | None = None
    for axis in _loop_axes(walk):
        late = next(_late(_reads(statement, axis), axis, walk), None)
        if late is None:
            return not isinstance(statement, Site) or _is_alone(statement, axis, walk)
        first = first or late
    assert first is not None
    own = first[0] == statement.name
    walk.block.report.add("E505", first[2], name=first[0], help=above(first[0], own, walk.block.scope))
    return False


def _is_alone(site: Site, axis: str, walk: Walk) -> bool:
    """Whether a draw comes back to itself only, and to no other draw of its loop that stands below it."""
    own = {s.name: s for s in walk.block.statements if isinstance(s, Derived)}
    later = walk.pending - set(walk.sampled) - {site.name}
    for name, _, span in depends(_reads(site, axis), axis, {**walk.model.derived, **own}):
        if name in later:
            text = f"draw `{name}` above `{site.name}`, or leave out what depends on it"
            walk.block.report.add("E490", span, what="recursions through several draws", help=text)
            return False
    return True


def _reads(statement: Site | Derived | FactorTerm, axis: str) -> Iterator[Read]:
    return dist_reads_back(statement.dist, axis) if isinstance(statement, Site) else reads_back(statement.value, axis)


# ---- statements --------------------------------------------------------------------------------------------------


def _let(statement: ast.Let, walk: Walk) -> None:
    before = len(walk.block.statements)
    let(statement, walk.block)
    for derived in walk.block.statements[before:]:
        assert isinstance(derived, Derived)
        if not _is_in_time(derived, walk):
            walk.block.statements.remove(derived)
            walk.block.define(Entry(derived.name, "failed", (), "failed", span=derived.name_span))


def _draw(statement: ast.Sample, walk: Walk) -> None:
    target, block = statement.target, walk.block
    assert isinstance(target, ast.Target)
    if not _is_unknown(target, walk) or not _is_first(target.name, walk):
        return _give_up(statement, walk)
    walk.drawn.setdefault(target.name.id, target.name.span)
    frame = target_axes(target, block.scope)
    model = walk.model.unknowns[target.name.id]
    if frame is None or not has_position(frame, target, block) or not _same_axes(frame, target, model, walk):
        return _give_up(statement, walk)
    annotations, settings = read_annotations(statement.annotations, block.scope)
    if annotations and model.annotations:
        there = (Note(model.annotation_span, "in the model"),)
        block.report.add("E512", statement.annotations[0].span, also=there, name=model.name)
    if _is_automatic(statement.value, block):
        if annotations:
            block.report.add("E515.annotated", statement.annotations[0].span, name=model.name)
        return _look_around(walk)
    scope = block.scope.within(frame, target.name.id, target.name.span)
    dist = distribution(statement.value, scope)
    if (
        dist is None
        or not inside_frame(dist.axes, frame, target.name.id, statement.value.span, block.scope)
        or not can_be_drawn(dist, block.scope)
    ):
        return _give_up(statement, walk)
    span = statement.annotations[0].span if statement.annotations else target.name.span
    site = Site(
        target.name.id, frame, dist, "guide", None, annotations, statement.span, target.name.span, span,
        settings=settings,
    )  # fmt: skip
    if is_aligned(site, model, block.scope, walk.model.scope) and _is_in_time(site, walk):
        block.statements.append(site)
    limits = support_bounds(dist, block.scope)
    entry = Entry(site.name, "unknown", frame, value_type(model.dist), limits, True, span=target.name.span)
    return _sampled(entry, walk)


def _sampled(entry: Entry, walk: Walk) -> None:
    walk.sampled[entry.name] = entry
    _look_around(walk)


def _give_up(statement: ast.Sample, walk: Walk) -> None:
    """A draw that cannot be checked as it stands counts as made, so that nothing more is said of it."""
    give_up(statement, walk.block)
    _lost(statement, walk)


def _lost(statement: ast.Statement, walk: Walk) -> None:
    for name in targets(statement):
        if name.id in walk.model.unknowns and name.id not in walk.sampled:
            _sampled(walk.model.scope.names[name.id], walk)


def _is_unknown(target: ast.Target, walk: Walk) -> bool:
    """Whether the model draws this name."""
    name, report = target.name, walk.block.report
    entry = walk.model.scope.names.get(name.id)
    if target.attribute is not None:
        report.add("E490", target.span, what="weights of nets", help="")
    elif name.id in walk.model.unknowns:
        return True
    elif entry is not None and entry.kind == "data":
        report.add("E502", name.span, name=name.id)
    elif entry is None or entry.kind not in ("failed", "foreign"):
        report.add("E501", name.span, name=name.id, help=_known(name.id, walk))
    return False


def _known(name: str, walk: Walk) -> str:
    unknowns = tuple(walk.model.unknowns)
    if name in walk.model.derived:
        return f"the model computes `{name}`; a guide draws what the model draws"
    near = did_you_mean(name, unknowns)
    listed = ", ".join(unknowns[:8]) + (", …" if len(unknowns) > 8 else "")
    return f"unknowns: {listed or 'none'}" + (f"; did you mean `{near}`?" if near else "")


def _is_first(name: ast.Name, walk: Walk) -> bool:
    if name.id not in walk.drawn:
        return True
    walk.block.report.add("E509", name.span, also=(Note(walk.drawn[name.id], "first here"),), name=name.id)
    return False


def _same_axes(frame: tuple[str, ...], target: ast.Target, model: Site, walk: Walk) -> bool:
    if frame == model.axes:
        return True
    ours = f"the axes ({in_words(frame)})" if frame else "no axes"
    theirs = f"({in_words(model.axes)})" if model.axes else "none"
    note = (Note(model.name_span, "in the model"),)
    spelled = f"{model.name}[{', '.join(base(a) for a in model.axes)}]" if model.axes else model.name
    walk.block.report.add(
        "E506", target.span, also=note, name=model.name, guide=ours, model=theirs, help=f"`{spelled} ~ …`"
    )
    return False


def _is_automatic(e: ast.Expr, block: Block) -> bool:
    """Whether this leaves the unknown to an automatic guide."""
    if isinstance(e, ast.Call) and e.function.id in LATER and (e.function.id not in DISTRIBUTIONS or not e.args):
        text = "`MeanField()`, or a distribution with parameters: `Normal(m, s)`"
        block.report.add("E490.one", e.function.span, what=f"`{e.function.id}` in a guide", help=text)
        return True
    if not isinstance(e, ast.Call) or e.function.id != AUTOMATIC:
        return False
    if e.args:
        block.report.add("E341", e.span, dist=AUTOMATIC, wanted="no arguments", given=len(e.args), help="`MeanField()`")
    return True

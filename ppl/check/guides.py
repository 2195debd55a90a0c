"""Guides: blocks over the unknowns of the model, aligned with it name by name before anything runs."""

from dataclasses import replace

from ppl.check.alignment import is_aligned
from ppl.check.annotations import read_annotations
from ppl.check.block import Block, give_up, inside_frame, target_axes
from ppl.check.complaints import AUTOMATIC
from ppl.check.core import Derived, Dist, Guide, Site
from ppl.check.declarations import first_line
from ppl.check.distributions import distribution
from ppl.check.draws import can_be_drawn, has_position
from ppl.check.joints import family, is_joint, joint
from ppl.check.net_weights import of_weights
from ppl.check.params import param
from ppl.check.reading import definitions, targets
from ppl.check.records import written_out
from ppl.check.sampling import Model, Walk, is_in_time, look_around
from ppl.check.scope import Entry, Report, base, in_words
from ppl.check.statements import let, loop_over
from ppl.check.supports import support_bounds, value_type
from ppl.source.diagnostic import Note
from ppl.source.span import Span
from ppl.source.suggest import did_you_mean
from ppl.syntax import ast

SHARED = ("data", "const", "param", "foreign", "failed")


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
    walk = Walk(Block(scope, is_guide=True), model, item.name.id if item.name is not None else "")
    look_around(walk)
    scope.book.statements = walk.block.statements
    _body(item.body, walk)
    own = {p.name for p in walk.block.params} | {s.name for s in walk.block.statements}
    limits = tuple((n, e.bounds) for n, e in walk.block.scope.names.items() if n in own and e.kind != "failed")
    on_the_way = tuple((n, known.bounds) for n, known in walk.block.scope.book.values.items() if n in own)
    statements = tuple(walk.block.statements)
    return Guide(
        walk.name,
        tuple(walk.block.params),
        statements,
        (*limits, *on_the_way),
        joints=tuple(walk.joints),
        span=item.span,
    )


def _body(body: tuple[ast.Statement, ...], walk: Walk) -> None:
    block = walk.block
    for statement in body:
        block.scope = replace(block.scope, statement=statement.span)
        match statement:
            case ast.Sample(target=ast.JointTarget()):
                joint(statement, walk)
            case ast.Sample(target=ast.Target(attribute=str()) as target):
                _body(of_weights(statement, target, block.scope) or (), walk)
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
    statement = replace(statement, body=written_out(statement.body, block.scope))
    loop = loop_over(statement, block)
    if loop is None:
        give_up(statement, block)
        return _lost(statement, walk)
    outside, around = block.scope.loops, block.loop
    drawn = {n.id for n in targets(statement) if n.id in walk.model.unknowns}
    walk.pending = before | drawn
    block.scope = replace(block.scope, loops=(*outside, loop))
    block.loop = around if outside else statement.body
    look_around(walk)
    _body(statement.body, walk)
    walk.pending = before
    block.scope, block.loop = replace(block.scope, loops=outside), around
    if not outside:
        block.recursion, block.circle = {}, frozenset()
    return look_around(walk)


def _is_free(name: ast.Name, walk: Walk) -> bool:
    """Whether the model leaves this name to the guide."""
    entry = walk.model.scope.names.get(name.id)
    if entry is None or entry.kind in SHARED:
        return True
    walk.block.report.add("E403", name.span, also=(Note(entry.span, "in the model"),), name=name.id)
    return False


# ---- statements --------------------------------------------------------------------------------------------------


def _let(statement: ast.Let, walk: Walk) -> None:
    before = len(walk.block.statements)
    let(statement, walk.block)
    for derived in walk.block.statements[before:]:
        assert isinstance(derived, Derived)
        if not is_in_time(derived, walk):
            walk.block.statements.remove(derived)
            walk.block.define(Entry(derived.name, "failed", (), "failed", span=derived.name_span))


def _draw(statement: ast.Sample, walk: Walk) -> None:
    target = statement.target
    assert isinstance(target, ast.Target)
    if not _is_unknown(target, walk) or not _is_first(target.name, walk):
        return _give_up(statement, walk)
    walk.drawn[target.name.id] = target.name.span
    site = _site(statement, target, walk)
    if site is None:
        return _give_up(statement, walk)
    if is_joint(statement.value) and not _is_bare(statement.value):
        return family(statement, site, walk)
    if _is_automatic(statement.value, walk.block):
        if site.annotations:
            walk.block.report.add("E515.annotated", site.annotation_span, name=site.name)
        return look_around(walk)
    dist = _distribution(statement.value, site, walk)
    return _give_up(statement, walk) if dist is None else _aligned(replace(site, dist=dist), walk)


def _site(statement: ast.Sample, target: ast.Target, walk: Walk) -> Site | None:
    """The left side of a draw, still with the model's distribution; None after a complaint."""
    scope, model = walk.block.scope, walk.model.unknowns[target.name.id]
    frame = target_axes(target, scope)
    if frame is None or not has_position(frame, target, walk.block) or not _same_axes(frame, target, model, walk):
        return None
    annotations, settings = read_annotations(statement.annotations, scope)
    span = statement.annotations[0].span if statement.annotations else target.name.span
    if annotations and model.annotations:
        there = (Note(model.annotation_span, "in the model"),)
        scope.report.add("E512", span, also=there, name=model.name)
    return Site(
        model.name, frame, model.dist, "guide", None, annotations, statement.span, target.name.span, span,
        settings=settings,
    )  # fmt: skip


def _distribution(written: ast.Expr, site: Site, walk: Walk) -> Dist | None:
    scope = walk.block.scope.within(site.axes, site.name, site.name_span)
    dist = distribution(written, scope)
    if dist is None or not inside_frame(dist.axes, site.axes, site.name, written.span, scope):
        return None
    return dist if can_be_drawn(dist, scope) else None


def _aligned(site: Site, walk: Walk) -> None:
    """A draw that fits the model joins the guide; its values are known from here on in any case."""
    block, model = walk.block, walk.model.unknowns[site.name]
    if is_aligned(site, model, block.scope, walk.model.scope) and is_in_time(site, walk):
        block.statements.append(site)
    limits = support_bounds(site.dist, block.scope)
    _sampled(Entry(site.name, "unknown", site.axes, value_type(model.dist), limits, True, span=site.name_span), walk)


def _sampled(entry: Entry, walk: Walk) -> None:
    walk.sampled[entry.name] = entry
    look_around(walk)


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
    if name.id in walk.model.unknowns:
        return True
    if entry is not None and entry.kind == "data":
        report.add("E502", name.span, name=name.id)
    elif entry is None or entry.kind not in ("failed", "foreign"):
        report.add("E501", name.span, name=name.id, help=_known(name.id, walk))
    return False


def _known(name: str, walk: Walk) -> str:
    unknowns = tuple(walk.model.unknowns)
    if name in walk.model.derived:
        return f"the model computes `{name}`; a guide draws what the model draws"
    near = did_you_mean(name, unknowns) or next((u for u in unknowns if u.startswith(name)), None)
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
    ours = f"the axes ({in_words(tuple(map(base, frame)))})" if frame else "no axes"
    theirs = f"({in_words(tuple(map(base, model.axes)))})" if model.axes else "none"
    note = (Note(model.name_span, "in the model"),)
    spelled = f"{model.name}[{', '.join(base(a) for a in model.axes)}]" if model.axes else model.name
    walk.block.report.add(
        "E506", target.span, also=note, name=model.name, guide=ours, model=theirs, help=f"`{spelled} ~ …`"
    )
    return False


def _is_bare(e: ast.Expr) -> bool:
    """`MeanField()` by itself is what an unknown gets that is left out."""
    return isinstance(e, ast.Call) and e.function.id == AUTOMATIC and not e.args


def _is_automatic(e: ast.Expr, block: Block) -> bool:
    """Whether this leaves the unknown to an automatic guide."""
    if not isinstance(e, ast.Call) or e.function.id != AUTOMATIC:
        return False
    if e.args:
        block.report.add("E341", e.span, dist=AUTOMATIC, wanted="no arguments", given=len(e.args), help="`MeanField()`")
    return True

"""The predict block: what is computed and simulated after a fit, once for each posterior draw."""

from dataclasses import replace

from ppl.check.block import Block, fail
from ppl.check.core import Derived, Site, Statement
from ppl.check.declarations import first_line
from ppl.check.draws import can_be_drawn
from ppl.check.reading import targets
from ppl.check.statements import check_block
from ppl.source.diagnostic import Note
from ppl.source.span import Span
from ppl.syntax import ast

# Where the statements belong that a predict block cannot have.
ELSEWHERE: dict[type, tuple[str, str]] = {
    ast.Observe: ("observe", "in the model block"),
    ast.Factor: ("factor", "in the model block"),
    ast.Param: ("param", "at the top of the file"),
}


def check_predict(items: tuple[ast.Block, ...], model: Block) -> tuple[Statement, ...]:
    """The statements of the predict block, derived values and sites of role `predicted`; everything of the model is in
    scope. `model` is the checked model block."""
    if not items:
        return ()
    first, *others = items
    for other in others:
        model.report.add("E806", first_line(other.span), also=(Note(first_line(first.span), "the first one"),))
    block = Block(replace(model.scope, loops=(), frame=None, target="", definitions={}), draws_own=True)
    body = _allowed(first.body, block)
    found = check_block(body, block).statements
    for s in found:
        if isinstance(s, Site):
            can_be_drawn(s.dist, block.scope)
    return tuple(_predicted(s) for s in found if isinstance(s, Site | Derived))


def _predicted(s: Statement) -> Statement:
    return replace(s, role="predicted") if isinstance(s, Site) else s


def _allowed(body: tuple[ast.Statement, ...], block: Block) -> tuple[ast.Statement, ...]:
    """The statements without those that a predict block cannot have, each of which is complained about."""
    out: list[ast.Statement] = []
    for s in body:
        if isinstance(s, ast.For):
            out.append(replace(s, body=_allowed(s.body, block)))
        elif _is_allowed(s, block):
            out.append(s)
        else:
            for name in targets(s):
                fail(name, block)
    return tuple(out)


def _is_allowed(s: ast.Statement, block: Block) -> bool:
    known = ELSEWHERE.get(type(s))
    if known is not None:
        block.report.add("E805", _word(s.span, known[0]), word=known[0], where=known[1])
        return False
    if isinstance(s, ast.Sample) and s.annotations:
        first = s.annotations[0]
        block.report.add("E805", first.span, word=f"@{first.name}", where="where a posterior is fitted")
        return False
    if isinstance(s, ast.Sample) and isinstance(s.target, ast.Target):
        name = s.target.name
        entry = block.scope.names.get(name.id)
        if entry is not None and entry.kind == "data":
            block.report.add("E804", name.span, name=name.id)
            return False
    return True


def _word(span: Span, word: str) -> Span:
    """The first word of a statement."""
    return replace(span, end_line=span.line, end_col=span.col + len(word), end=span.start + len(word))

"""`minimize e` and `maximize e`: the expectation of an expression over the draws of the model."""

from ppl.check.block import Block
from ppl.check.core import FactorTerm, Objective, Site
from ppl.check.draws import can_be_drawn
from ppl.check.expressions import number
from ppl.check.scope import is_failed
from ppl.source.diagnostic import Note
from ppl.source.span import Span
from ppl.syntax import ast


def objective(items: tuple[ast.Objective, ...], block: Block) -> Objective | None:
    """The objective of a file, if it has one; everything that does not go with it is complained about."""
    if not items:
        return None
    item, *others = items
    for other in others:
        block.report.add("E425", _word(other), also=(Note(_word(item), "the first one"),))
    scope = block.scope.within(None)
    value = number(item.value, scope)
    for statement in block.statements:
        _outside(statement, block)
    if not block.params and not is_failed(value) and not block.report.found:
        block.report.add("E427", item.span, word=_spelled(item))
    return None if is_failed(value) else Objective(item.maximize, value, item.span)


def _spelled(item: ast.Objective) -> str:
    return "maximize" if item.maximize else "minimize"


def _word(item: ast.Objective) -> Span:
    """The word `minimize` or `maximize` of an objective."""
    span, length = item.span, len("minimize")
    return Span(span.file, span.line, span.col, span.line, span.col + length, span.start, span.start + length)


def _outside(statement: object, block: Block) -> None:
    """What adds to a log density, and so not to the objective; and what cannot be drawn."""
    match statement:
        case Site(role="observed", name_span=span):
            block.report.add("E426", span, what="an observed column")
        case Site(dist=dist):
            can_be_drawn(dist, block.scope)
        case FactorTerm(span=span):
            block.report.add("E426", span, what="a `factor`")

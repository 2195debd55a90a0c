"""The statements of the model block."""

from dataclasses import replace

from ppl.check.block import Block, fail, give_up, inside_frame, may_define, target_axes
from ppl.check.building import bounds, is_learned, is_random
from ppl.check.complaints import no_axis
from ppl.check.core import Derived, Expr
from ppl.check.distributions import is_distribution
from ppl.check.draws import begin, draw, factor, observe
from ppl.check.expressions import expression
from ppl.check.lags import reads_back
from ppl.check.net_weights import place_weights
from ppl.check.nets import is_record, record
from ppl.check.params import param
from ppl.check.reading import definitions
from ppl.check.records import written_out
from ppl.check.recursions import is_computed, passed, walked
from ppl.check.scope import Entry, Loop, Scope, base, is_failed
from ppl.syntax import ast


def check_block(body: tuple[ast.Statement, ...], outer: Block) -> Block:
    """All statements of a model block, in order; `outer` holds what stands at the top level of the file."""
    scope = outer.scope
    below = {name: statement for name, statement in definitions(body).items() if name not in scope.names}
    inner = replace(scope, definitions=below)
    block = Block(inner, [*outer.statements], [*outer.params], draws_own=outer.draws_own)
    scope.book.statements = block.statements
    for statement in body:
        place_weights(statement, block)
        _body((statement,), block)
    place_weights(None, block)
    return block


def _body(body: tuple[ast.Statement, ...], block: Block) -> None:
    for statement in body:
        block.scope = replace(block.scope, statement=statement.span)
        match statement:
            case ast.Sample(target=ast.JointTarget()):
                joint(statement, block)
            case ast.Sample():
                draw(statement, block)
            case ast.Let():
                let(statement, block)
            case ast.Observe():
                observe(statement, block)
            case ast.Factor():
                factor(statement, block)
            case ast.For():
                _for(statement, block)
            case ast.Param():
                param(statement, block)


def joint(statement: ast.Sample, block: Block) -> None:
    """`(v, x) ~ …` belongs in a guide."""
    block.report.add("E553", statement.target.span, what="a joint target")
    give_up(statement, block)


# ---- loops -------------------------------------------------------------------------------------------------------


def _for(statement: ast.For, block: Block) -> None:
    statement = replace(statement, body=written_out(statement.body, block.scope))
    loop = loop_over(statement, block)
    if loop is None:
        return give_up(statement, block)
    outside, around = block.scope.loops, block.loop
    block.scope = replace(block.scope, loops=(*outside, loop))
    block.loop = around if outside else statement.body
    _body(statement.body, block)
    block.scope, block.loop = replace(block.scope, loops=outside), around
    if not outside:
        block.recursion, block.circle = {}, frozenset()
    return None


def loop_over(statement: ast.For, block: Block) -> Loop | None:
    """What a loop runs over; None after a complaint. A loop inside another over the same axis runs over its copy."""
    over = statement.over
    if not isinstance(over, ast.Name):
        block.report.add("E303", over.span)
        return None
    if over.id not in block.scope.axes:
        no_axis(over, block.scope)
        return None
    copies = sum(base(loop.axis) == over.id for loop in block.scope.loops)
    if statement.variable.id in block.scope.names:
        block.report.add("E403", statement.variable.span, name=statement.variable.id)
    return Loop(statement.variable.id, over.id + "'" * copies)


# ---- definitions -------------------------------------------------------------------------------------------------


def let(statement: ast.Let, block: Block) -> None:
    """`name[axes] = value`."""
    target, name = statement.target, statement.target.name
    if not may_define(target, block):
        return give_up(statement, block)
    if is_record(statement.value, block.scope):
        return _record(statement, block)
    if is_distribution(statement.value, block.scope):
        block.report.add("E401", statement.span, name=name.id)
        return give_up(statement, block)
    frame = target_axes(target, block.scope) if target.indices is not None else None
    if target.indices is not None and frame is None:
        return give_up(statement, block)
    begin(statement, block)
    scope = block.scope.naming(block.recursion)
    value = expression(statement.value, scope.within(frame, name.id, name.span))
    axes = value.axes if frame is None else frame
    along = ""
    is_fine = _is_value(value, frame, name, block)
    if is_fine and name.id in block.recursion:
        axis = walked(lambda a: reads_back(value, a), axes, block)
        is_fine, along = axis != "", axis if is_computed(statement, block) else ""
        passed(name.id, axis, block)
    if not is_fine:
        block.recursion.pop(name.id, None)
        return fail(name, block)
    return define(Derived(name.id, axes, value, along, statement.span, name.span), scope, block)


def _record(statement: ast.Let, block: Block) -> None:
    """`q = encoder(x)`: the parts of what a net gives are names of their own, `q.m`."""
    target = statement.target
    if target.indices is not None:
        block.report.add("E364.axes", target.span, name=target.name.id)
        return give_up(statement, block)
    scope = block.scope.naming(block.recursion).within(None, target.name.id, target.name.span)
    for _, entry in record(target.name, statement.value, scope, expression):
        block.define(entry)
    return None


def _is_value(value: Expr, frame: tuple[str, ...] | None, name: ast.Name, block: Block) -> bool:
    """Whether this can be the value of a name with these axes."""
    if value.type == "text":
        block.report.add("E333", value.span, kind="text", help='compare a factor with it: `arm == "drug"`')
        return False
    return not is_failed(value) and (frame is None or inside_frame(value.axes, frame, name.id, value.span, block.scope))


def define(derived: Derived, scope: Scope, block: Block) -> None:
    """A derived value, and what its name means from here on."""
    value = derived.value
    block.statements.append(derived)
    block.define(
        Entry(
            derived.name, "derived", derived.axes, value.type, bounds(value, scope), is_random(value, scope),
            is_learned(value, scope), span=derived.name_span,
        )
    )  # fmt: skip

"""Expressions: from syntax to core, with axes, types and bounds."""

from dataclasses import replace

from ppl.check.branches import branches
from ppl.check.building import elementwise, join_types, literal, local
from ppl.check.comparisons import ORDERING, compare, is_column
from ppl.check.complaints import MODIFIERS, describe, no_axis, unknown_function, unknown_name
from ppl.check.core import Expr
from ppl.check.functions import ELEMENTWISE, REDUCTIONS, SPECIAL, Elementwise, Reduction
from ppl.check.indexing import index
from ppl.check.layers import is_layer, layer
from ppl.check.matrices import diag, eye, matrix_function
from ppl.check.nets import is_hidden, net_value, outside, part, whole_record
from ppl.check.odes import ode
from ppl.check.products import own_axes, product
from ppl.check.reductions import reduced_axis
from ppl.check.scope import Entry, Report, Scope, base, failed, is_failed, union
from ppl.source.span import Span
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.syntax import ast

BINARY = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod", "^": "pow",
    "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne", "and": "and", "or": "or",
}  # fmt: skip
NUMERIC = {"real", "int", "bool"}


def numeric(e: Expr, written: ast.Expr, scope: Scope) -> Expr:
    """The expression, if it may stand in arithmetic."""
    if e.type in NUMERIC or is_failed(e):
        return e
    if e.type.startswith("level:"):
        name = written.id if isinstance(written, ast.Name) else e.type[6:]
        scope.report.add("E330", e.span, name=name)
    else:
        text = f"declare `{e.attrs[0]}: real` to compute with it" if is_column(e) else ""
        scope.report.add("E333", e.span, kind=e.type, help=text)
    return failed(e.span)


def number(written: ast.Expr, scope: Scope) -> Expr:
    return numeric(expression(written, scope), written, scope)


# ---- expressions -------------------------------------------------------------------------------------------------


def expression(e: ast.Expr, scope: Scope) -> Expr:
    """The core of one expression; complaints go to the report and leave a failed expression behind."""
    match e:
        case ast.Number():
            return literal(e.value, e.span, "int" if e.is_int else "real")
        case ast.Truth():
            return literal(float(e.value), e.span, "bool")
        case ast.Text():
            return Expr("text", attrs=(e.value,), type="text", span=e.span)
        case ast.Name():
            return _name(e, scope)
        case ast.Unary("-", inner):
            return elementwise("neg", (number(inner, scope),), e.span)
        case ast.Unary(_, inner):
            return elementwise("not", (truth(inner, scope),), e.span)
        case ast.Binary():
            return _binary(e, scope)
        case ast.IfElse():
            return _if(e, scope)
        case ast.Index():
            return index(e, scope, expression if scope.body is None else own_first)
        case ast.Call():
            return _call(e, scope)
        case ast.ListOf():
            return _list(e, scope)
        case ast.Pipe():
            scope.report.add("E552.value", e.span)
        case ast.Attribute():
            return part(e, scope, expression)
        case _:
            scope.report.add("E104", e.span, name="..", what="range", help="it belongs inside brackets")
    return failed(e.span)


def own_first(e: ast.Expr, scope: Scope) -> Expr:
    """A value whose axes are counted, inside a net: those of the net lead, before those that pass through."""
    value = expression(e, scope)
    own = own_axes(value.axes, scope)
    return replace(value, axes=(*own, *(a for a in value.axes if a not in own)))


def _name(e: ast.Name, scope: Scope) -> Expr:
    loop = scope.loop(e.id) if scope.own is None else None
    if loop is not None:
        return Expr("pos", (), (loop.axis,), (loop.axis,), "int", e.span)
    entry = scope.entry(e.id)
    if entry is not None and is_hidden(entry, scope):
        return outside(e, scope)
    if entry is not None and entry.kind == "record":
        return whole_record(e, entry, scope)
    if entry is not None:
        return _value_of(entry, e.span, scope)
    unknown_name(e, scope)
    return failed(e.span)


def _here(literal: ast.Expr, span: Span) -> ast.Expr:
    """A text stands where its name is read, so that a label that is not there is complained about there."""
    return replace(literal, span=span) if isinstance(literal, ast.Text) else literal


def _value_of(entry: Entry, span: Span, scope: Scope) -> Expr:
    if entry.kind in ("failed", "foreign"):
        return failed(span)
    if entry.literal is not None:
        return expression(_here(entry.literal, span), scope)
    if entry.value is not None:
        return Expr(entry.value.op, entry.value.args, entry.value.attrs, entry.value.axes, entry.value.type, span)
    return Expr("ref", (), (entry.name,), entry.axes, entry.type, span)


def truth(written: ast.Expr, scope: Scope) -> Expr:
    test = expression(written, scope)
    if test.type == "bool" or is_failed(test):
        return test
    text = written.id if isinstance(written, ast.Name) else "a"
    help_ = f'compare: `{text} == "…"`' if test.type.startswith(("level:", "text")) else f"compare: `{text} > 0`"
    scope.report.add("E334", test.span, what=describe(test), help=help_)
    return failed(test.span)


def _binary(e: ast.Binary, scope: Scope) -> Expr:
    if e.op == "@":
        return product(number(e.left, scope), number(e.right, scope), e.span, scope)
    op = BINARY[e.op]
    if op in ("and", "or"):
        return elementwise(op, (truth(e.left, scope), truth(e.right, scope)), e.span)
    if op in ("eq", "ne") or op in ORDERING:
        return compare(op, e, expression(e.left, scope), expression(e.right, scope), scope)
    return elementwise(op, (number(e.left, scope), number(e.right, scope)), e.span)


def _if(e: ast.IfElse, scope: Scope) -> Expr:
    test = truth(e.test, scope)
    inside, outside = branches(e.test, scope)
    then, other = expression(e.then, inside), expression(e.other, outside)
    if is_failed(test, then, other):
        return failed(e.span)
    if then.type == other.type:
        kind = then.type
    elif {then.type, other.type} <= NUMERIC:
        kind = join_types(then.type, other.type)
    else:
        scope.report.add("E335", e.span, first=describe(then), second=describe(other))
        return failed(e.span)
    return Expr("where", (test, then, other), (), union(test.axes, then.axes, other.axes), kind, e.span)


def _list(e: ast.ListOf, scope: Scope) -> Expr:
    """`[250, 10]`: numbers along the last axis of the left side that has as many elements."""
    items = tuple(number(item, scope) for item in e.items)
    if is_failed(*items):
        return failed(e.span)
    sizes = {a: scope.axes[base(a)].size for a in scope.frame or () if base(a) in scope.axes}
    fitting = [a for a, size in sizes.items() if size == len(items)]
    if not fitting:
        known = [(a, size) for a, size in sizes.items() if size is not None]
        if known:
            scope.report.add("E319", e.span, axis=known[-1][0], size=known[-1][1], given=len(items))
        else:
            scope.report.add("E320", e.span)
        return failed(e.span)
    axes = (*(a for a in union(*(i.axes for i in items)) if a != fitting[-1]), fitting[-1])
    return Expr("vector", items, (fitting[-1],), axes, join_types(*(i.type for i in items)), e.span)


# ---- calls -------------------------------------------------------------------------------------------------------


def _call(e: ast.Call, scope: Scope) -> Expr:
    name = e.function.id
    if name in scope.functions:
        inlined = inline(e, scope)
        return failed(e.span) if inlined is None else expression(*inlined)
    if name in scope.nets:
        return net_value(e, scope, expression)
    if is_layer(name):
        return layer(e, scope, expression)
    if name in DISTRIBUTIONS or name in MODIFIERS:
        scope.report.add("E405", e.span)
        return fallen(e, scope)
    positional = tuple(a.value for a in e.args if a.name is None)
    if name in ("min", "max") and len(positional) == 2:
        return elementwise(f"{name}2", (number(positional[0], scope), number(positional[1], scope)), e.span)
    if name in ELEMENTWISE:
        return _apply(ELEMENTWISE[name], e, scope)
    if name in REDUCTIONS:
        return _reduce(REDUCTIONS[name], e, scope)
    if name in SPECIAL:
        return _special(e, positional, scope)
    unknown_function(e, scope)
    return fallen(e, scope)


def glance(e: ast.Call, scope: Scope) -> None:
    """What is wrong with the arguments of a call that cannot be made."""
    trial = replace(scope, report=Report())
    for argument in e.args:
        is_family = isinstance(argument.value, ast.Call) and argument.value.function.id[:1].isupper()
        if argument.name != "over" and not is_family:
            expression(argument.value, trial)
    scope.report.take_over(trial.report)


def fallen(e: ast.Call, scope: Scope) -> Expr:
    """What stands for a call that cannot be made."""
    glance(e, scope)
    return failed(e.span)


def inline(e: ast.Call, scope: Scope) -> tuple[ast.Expr, Scope] | None:
    """The body of a user's function, and the scope in which its parameters stand for the arguments."""
    fun = scope.functions[e.function.id]
    own = f"{fun.span.file}:{fun.name.id}"
    if own in scope.calling:
        scope.report.add("E108", e.function.span, name=fun.name.id)
        return None
    params = [p.id for p in fun.params]
    given = {params[i]: a.value for i, a in enumerate(e.args) if a.name is None and i < len(params)}
    named = {a.name: a.value for a in e.args if a.name is not None}
    if len(e.args) != len(params) or {*given, *named} != set(params):
        wanted = _count(len(params), "argument") + (f" ({', '.join(params)})" if params else "")
        scope.report.add("E340", e.span, name=fun.name.id, wanted=wanted, given=len(e.args))
        glance(e, scope)
        return None
    values = {p: local(p, expression({**given, **named}[p], scope), scope) for p in params}
    home = replace(scope.at_home(fun.span), calling=(*scope.calling, own))
    inner = (home if home.own is None else replace(home, own=frozenset())).naming(values)
    for let in fun.lets:
        inner = inner.naming({let.target.name.id: local(let.target.name.id, expression(let.value, inner), inner)})
    return fun.result, inner


def _count(n: int, word: str) -> str:
    return f"{n} {word}" + ("" if n == 1 else "s")


def _apply(row: Elementwise, e: ast.Call, scope: Scope) -> Expr:
    if len(e.args) != len(row.names) or any(a.name is not None and a.name not in row.names for a in e.args):
        scope.report.add(
            "E340", e.span, name=e.function.id, wanted=_count(len(row.names), "argument"), given=len(e.args)
        )
        return fallen(e, scope)
    return elementwise(row.op, tuple(number(a.value, scope) for a in e.args), e.span)


def _reduce(row: Reduction, e: ast.Call, scope: Scope) -> Expr:
    inner = [a for a in e.args if a.name is None]
    over = [a for a in e.args if a.name == "over"]
    if len(inner) != 1 or len(inner) + len(over) != len(e.args):
        scope.report.add("E340", e.span, name=e.function.id, wanted="1 argument and `over=axis`", given=len(e.args))
        return fallen(e, scope)
    value = number(inner[0].value, scope)
    axis = None if is_failed(value) else reduced_axis(e, value, over[0].value if over else None, scope)
    if axis is None:
        return failed(e.span)
    kind = f"level:{base(axis)}" if row.type == "level" else row.type or join_types(value.type)
    axes = value.axes if row.keeps else tuple(a for a in value.axes if a != axis)
    return Expr(row.op, (value,), (axis,), axes, kind, e.span)


def _special(e: ast.Call, positional: tuple[ast.Expr, ...], scope: Scope) -> Expr:
    name = e.function.id
    if name == "ode":
        return ode(e, scope, expression)
    wanted = {"clamp": 3, "dot": 2, "solve": 2}.get(name, 1)
    if len(positional) != wanted:
        scope.report.add("E340", e.span, name=name, wanted=_count(wanted, "argument"), given=len(positional))
        return fallen(e, scope)
    if name in ("uniform", "size", "eye"):
        return _of_axis(name, positional[0], e.span, scope)
    args = tuple(number(a, scope) for a in positional)
    if is_failed(*args):
        return failed(e.span)
    match name:
        case "clamp":
            return elementwise("min2", (elementwise("max2", args[:2], e.span), args[2]), e.span)
        case "dot":
            over = next((a.value for a in e.args if a.name == "over"), None)
            axis = over.id if isinstance(over, ast.Name) else None
            return product(args[0], args[1], e.span, scope, axis)
        case "diag":
            return diag(args[0], e, scope)
        case _:
            return matrix_function(name, args, e, scope)


def _of_axis(name: str, written: ast.Expr, span: Span, scope: Scope) -> Expr:
    if not isinstance(written, ast.Name) or written.id not in scope.axes:
        if isinstance(written, ast.Name):
            no_axis(written, scope)
        else:
            scope.report.add("E340", span, name=name, wanted="the name of an axis", given="a value")
        return failed(span)
    size = Expr("size", (), (written.id,), (), "int", span)
    if name == "eye":
        return eye(written.id, span)
    if name == "size":
        return size
    one = literal(1.0, span)
    return Expr("spread", (elementwise("div", (one, size), span),), (written.id,), (written.id,), "real", span)

"""Expressions and types as text: the fewest parentheses that keep the tree."""

from ppl.syntax import ast

_PIPE, _OR, _AND, _NOT, _COMPARE, _SUM, _TERM, _SIGN, _POWER, _POSTFIX, _ATOM = range(1, 12)
_EXPR = 0

# Operator -> how tightly it binds, and how tightly its sides must.
_BINARY: dict[str, tuple[int, int, int]] = {
    "or": (_OR, _OR, _AND),
    "and": (_AND, _AND, _NOT),
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), (_COMPARE, _SUM, _SUM)),
    **dict.fromkeys(("+", "-"), (_SUM, _SUM, _TERM)),
    **dict.fromkeys(("*", "/", "%", "@"), (_TERM, _TERM, _SIGN)),
    "^": (_POWER, _POSTFIX, _SIGN),
}


def show(expr: ast.Expr) -> str:
    """The expression on one line."""
    return _show(expr, _EXPR)


def _show(expr: ast.Expr, least: int) -> str:
    text, binds = _bare(expr)
    return f"({text})" if binds < least else text


def _bare(expr: ast.Expr) -> tuple[str, int]:
    """The text of an expression, and how tightly it binds."""
    match expr:
        case ast.Number(text=text):
            return text, _ATOM
        case ast.Text(value=value):
            return f'"{value}"', _ATOM
        case ast.Truth(value=truth):
            return ("true" if truth else "false"), _ATOM
        case ast.Name(id=name):
            return name, _ATOM
        case ast.Dots():
            return "..", _EXPR
        case ast.Range(low=low, high=high):
            return f"{_show(low, _SUM)}..{_show(high, _SUM)}", _EXPR
        case ast.Call(function=function, args=args):
            return f"{function.id}({arguments(args)})", _ATOM
        case ast.Index(value=value, indices=indices):
            return f"{_show(value, _POSTFIX)}[{listed(indices)}]", _POSTFIX
        case ast.Attribute(value=value, name=name):
            return f"{_show(value, _POSTFIX)}.{name}", _POSTFIX
        case ast.Unary(op="not", value=value):
            return f"not {_show(value, _NOT)}", _NOT
        case ast.Unary(op=op, value=value):
            return f"{op}{_show(value, _SIGN)}", _SIGN
        case ast.Binary(op=op, left=left, right=right):
            binds, left_binds, right_binds = _BINARY[op]
            sign = op if op == "^" else f" {op} "
            return f"{_show(left, left_binds)}{sign}{_show(right, right_binds)}", binds
        case ast.IfElse(test=test, then=then, other=other):
            return f"if {show(test)} then {show(then)} else {show(other)}", _EXPR
        case ast.Pipe(left=left, right=right):
            return f"{_show(left, _PIPE)} |> {_show(right, _POSTFIX)}", _PIPE
        case ast.ListOf(items=items):
            return f"[{listed(items)}]", _ATOM
        case ast.TupleOf(items=items):
            return f"({listed(items)})", _ATOM


def listed(items: tuple[ast.Expr, ...]) -> str:
    return ", ".join(map(show, items))


def arguments(args: tuple[ast.Argument, ...]) -> str:
    return ", ".join(map(argument, args))


def argument(arg: ast.Argument) -> str:
    return show(arg.value) if arg.name is None else f"{arg.name}={show(arg.value)}"


# ---- names with axes, and types ----------------------------------------------------------------------------------


def axes(names: tuple[ast.Name, ...]) -> str:
    return f"[{', '.join(name.id for name in names)}]" if names else ""


def target(node: ast.Target | ast.JointTarget) -> str:
    match node:
        case ast.JointTarget(names=names):
            return f"({', '.join(name.id for name in names)})"
        case ast.Target(name=name, attribute=attribute, indices=indices):
            dotted = f".{attribute}" if attribute is not None else ""
            inside = f"[{listed(indices)}]" if indices is not None else ""
            return f"{name.id}{dotted}{inside}"


def type_(node: ast.Type) -> str:
    levels = "" if node.levels is None else f" [{listed(node.levels)}]"
    return f"{node.base.id}{levels}{'?' * node.optional}{_constraint(node.constraint)}"


def _constraint(node: ast.Limit | ast.Interval | ast.Between | None) -> str:
    match node:
        case None:
            return ""
        case ast.Limit(op=op, bound=bound):
            return f" {op} {show(bound)}"
        case ast.Interval(low=low, high=high, low_open=low_open, high_open=high_open):
            return f" in {'[('[low_open]}{show(low)}, {show(high)}{'])'[high_open]}"
        case ast.Between(low=low, high=high):
            return f" in {show(low)}..{show(high)}"


def source(node: ast.Source) -> str:
    names = [f'"{name}"' for name in node.names]
    return f" from [{', '.join(names)}]" if node.is_list else f" from {'..'.join(names)}"


def port(node: ast.Port) -> str:
    return f"{node.name.id}{axes(node.axes)}"


def ports(nodes: tuple[ast.Port, ...]) -> str:
    return ", ".join(map(port, nodes))

"""Reads the formulas of the tables (`ppl.stdlib.records`), for whoever wants values, nodes or text out of them."""

import ast
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeVar

T = TypeVar("T")

OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
    ast.USub: "neg",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
}


@cache
def parsed(text: str) -> ast.expr:
    """The syntax tree of a formula."""
    return ast.parse(text, mode="eval").body


def evaluate(
    text: str, names: Mapping[str, T], apply: Callable[[str, tuple[T, ...]], T], literal: Callable[[float], T]
) -> T:
    """The formula with `names` for its names, `apply` for its operators and calls, `literal` for its numbers."""

    def of(node: ast.expr) -> T:
        match node:
            case ast.Constant(value):
                return literal(value)  # type: ignore[arg-type]
            case ast.Name(id):
                return names[id]
            case ast.BinOp(left, op, right):
                return apply(OPERATORS[type(op)], (of(left), of(right)))
            case ast.UnaryOp(op, operand):
                return apply(OPERATORS[type(op)], (of(operand),))
            case ast.Compare(left, [op], [right]):
                return apply(OPERATORS[type(op)], (of(left), of(right)))
            case ast.Call(ast.Name(id), args):
                return apply(id, tuple(of(a) for a in args))
        raise ValueError(f"a formula cannot be read: {ast.unparse(node)}")

    return of(parsed(text))

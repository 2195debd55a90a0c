"""From Lark's tree to ours: one method for each rule of the grammar that has a name."""

from dataclasses import dataclass
from typing import Any

from lark import Token, Tree
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive, v_args

from ppl.source.span import Span
from ppl.syntax import ast

Children = list[Any]


def span_of(path: str, place: Meta | Token) -> Span:
    start, end = place.start_pos or 0, place.end_pos or 0
    return Span(path, place.line or 0, place.column or 0, place.end_line or 0, place.end_column or 0, start, end)


def present(children: Children) -> tuple[Any, ...]:
    """The children that are written; Lark puts None for an optional part that is not."""
    return tuple(child for child in children if child is not None)


def unquote(token: Token) -> str:
    return str(token)[1:-1]


@dataclass(frozen=True, slots=True)
class _Body:
    """The braces of a function, on their way up to it."""

    lets: tuple[ast.Let, ...]
    result: ast.Expr


@v_args(meta=True)
class Build(Transformer_NonRecursive):  # type: ignore[type-arg]
    """`docs` maps a line to the documentation of the column on it. Not recursive: the tree may be deep."""

    def __init__(self, path: str, docs: dict[int, str]) -> None:
        super().__init__()
        self.path = path
        self.docs = docs

    def at(self, place: Meta | Token) -> Span:
        return span_of(self.path, place)

    def word(self, token: Token) -> ast.Name:
        return ast.Name(str(token), self.at(token))

    def words(self, tokens: Children) -> tuple[ast.Name, ...]:
        return tuple(self.word(token) for token in present(tokens))

    def maybe_word(self, token: Token | None) -> ast.Name | None:
        return None if token is None else self.word(token)

    # ---- items

    def start(self, meta: Meta, items: Children) -> tuple[ast.Item, ...]:
        return tuple(items)

    def import_(self, meta: Meta, children: Children) -> ast.Import:
        *names, path = children
        return ast.Import(self.words(names), unquote(path), self.at(meta))

    def const_(self, meta: Meta, children: Children) -> ast.Const:
        name, type_, value = children
        return ast.Const(self.word(name), type_, value, self.at(meta))

    def axis(self, meta: Meta, children: Children) -> ast.Axis:
        name, value = children
        return ast.Axis(self.word(name), value, self.at(meta))

    def minimize(self, meta: Meta, children: Children) -> ast.Objective:
        return ast.Objective(False, children[0], self.at(meta))

    def maximize(self, meta: Meta, children: Children) -> ast.Objective:
        return ast.Objective(True, children[0], self.at(meta))

    def model(self, meta: Meta, children: Children) -> ast.Block:
        return ast.Block("model", None, tuple(children), self.at(meta))

    def guide(self, meta: Meta, children: Children) -> ast.Block:
        name, *body = children
        return ast.Block("guide", self.maybe_word(name), tuple(body), self.at(meta))

    def predict(self, meta: Meta, children: Children) -> ast.Block:
        return ast.Block("predict", None, tuple(children), self.at(meta))

    def fun(self, meta: Meta, children: Children) -> ast.Fun:
        name, params, body = children
        long = isinstance(body, _Body)
        lets, result = (body.lets, body.result) if long else ((), body)
        return ast.Fun(self.word(name), params or (), lets, result, long, self.at(meta))

    def fun_body(self, meta: Meta, children: Children) -> "_Body":
        *lets, result = children
        return _Body(tuple(lets), result)

    def names(self, meta: Meta, children: Children) -> tuple[ast.Name, ...]:
        return self.words(children)

    def net(self, meta: Meta, children: Children) -> ast.Net:
        name, inputs, outputs, weights, *lets = children
        return ast.Net(self.word(name), inputs, outputs, weights, tuple(lets), self.at(meta))

    def ports(self, meta: Meta, children: Children) -> tuple[ast.Port, ...]:
        return tuple(children)

    out_ports = ports

    def port(self, meta: Meta, children: Children) -> ast.Port:
        name, axes = children
        return ast.Port(self.word(name), axes or (), self.at(meta))

    # ---- data

    def data(self, meta: Meta, children: Children) -> ast.Data:
        name, sorted_by, *columns = children
        return ast.Data(self.maybe_word(name), self.maybe_word(sorted_by), tuple(columns), self.at(meta))

    def column(self, meta: Meta, children: Children) -> ast.Column:
        name, axes, type_, *options = children
        given: dict[str, Any] = dict(options)
        doc = self.docs.get(meta.end_line, self.docs.get(meta.line, ""))
        return ast.Column(self.word(name), axes or (), type_, **given, doc=doc, span=self.at(meta))

    def per(self, meta: Meta, children: Children) -> tuple[str, ast.Name]:
        return "per", self.word(children[0])

    def unit(self, meta: Meta, children: Children) -> tuple[str, str]:
        return "unit", unquote(children[0])

    def default(self, meta: Meta, children: Children) -> tuple[str, ast.Expr]:
        return "default", children[0]

    def source(self, meta: Meta, children: Children) -> tuple[str, ast.Source]:
        (given,) = children
        source = given if isinstance(given, ast.Source) else ast.Source((unquote(given),), span=self.at(given))
        return "source", source

    def source_range(self, meta: Meta, children: Children) -> ast.Source:
        return ast.Source(tuple(map(unquote, children)), is_range=True, span=self.at(meta))

    def source_list(self, meta: Meta, children: Children) -> ast.Source:
        return ast.Source(tuple(map(unquote, children)), is_list=True, span=self.at(meta))

    def axes(self, meta: Meta, children: Children) -> tuple[ast.Name, ...]:
        return self.words(children)

    def type(self, meta: Meta, children: Children) -> ast.Type:
        base, levels, optional, *constraint = children
        limits = constraint[0] if constraint else None
        return ast.Type(self.word(base), levels, optional is not None, limits, self.at(meta))

    def levels(self, meta: Meta, children: Children) -> tuple[ast.Text, ...]:
        return tuple(ast.Text(unquote(token), self.at(token)) for token in children)

    def at_most(self, meta: Meta, children: Children) -> ast.Limit:
        op, bound = children
        return ast.Limit(str(op), bound, self.at(meta))

    def interval(self, meta: Meta, children: Children) -> ast.Interval:
        opening, low, high, closing = children
        return ast.Interval(low, high, opening == "(", closing == ")", self.at(meta))

    def between(self, meta: Meta, children: Children) -> ast.Between:
        low, high = children
        return ast.Between(low, high, self.at(meta))

    def minus_limit(self, meta: Meta, children: Children) -> ast.Unary:
        return ast.Unary("-", children[0], self.at(meta))

    # ---- statements

    def sample(self, meta: Meta, children: Children) -> ast.Sample:
        *annotations, target, value = children
        return ast.Sample(tuple(annotations), target, value, self.at(meta))

    def let(self, meta: Meta, children: Children) -> ast.Let:
        target, value = children
        return ast.Let(target, value, self.at(meta))

    def observe(self, meta: Meta, children: Children) -> ast.Observe:
        *annotations, value, distribution = children
        return ast.Observe(tuple(annotations), value, distribution, self.at(meta))

    def factor(self, meta: Meta, children: Children) -> ast.Factor:
        return ast.Factor(children[0], self.at(meta))

    def for_(self, meta: Meta, children: Children) -> ast.For:
        variable, over, *body = children
        return ast.For(self.word(variable), over, tuple(body), self.at(meta))

    def param(self, meta: Meta, children: Children) -> ast.Param:
        name, axes, type_, init = children
        return ast.Param(self.word(name), axes or (), type_, init, self.at(meta))

    def annotation(self, meta: Meta, children: Children) -> ast.Annotation:
        name, arguments = children
        args = None if arguments is None else arguments.children
        end = self.at(name if arguments is None else arguments.meta)
        return ast.Annotation(str(name), args, self.at(meta).to(end))

    def target(self, meta: Meta, children: Children) -> ast.Target:
        name, attribute, indices = children
        inside = None if indices is None else indices
        return ast.Target(self.word(name), None if attribute is None else str(attribute), inside, self.at(meta))

    def joint(self, meta: Meta, children: Children) -> ast.JointTarget:
        return ast.JointTarget(self.words(children), self.at(meta))

    # ---- expressions

    def if_else(self, meta: Meta, children: Children) -> ast.IfElse:
        test, then, other = children
        return ast.IfElse(test, then, other, self.at(meta))

    def piped(self, meta: Meta, children: Children) -> ast.Pipe:
        left, right = children
        return ast.Pipe(left, right, self.at(meta))

    def binary(self, meta: Meta, children: Children) -> ast.Binary:
        left, op, right = children
        return ast.Binary(str(op), left, right, self.at(meta))

    def unary(self, meta: Meta, children: Children) -> ast.Unary:
        op, value = children
        return ast.Unary(str(op), value, self.at(meta))

    def range(self, meta: Meta, children: Children) -> ast.Range:
        low, high = children
        return ast.Range(low, high, self.at(meta))

    def index(self, meta: Meta, children: Children) -> ast.Index:
        value, indices = children
        return ast.Index(value, indices, self.at(meta))

    def indices(self, meta: Meta, children: Children) -> tuple[ast.Expr, ...]:
        return tuple(children)

    def attribute(self, meta: Meta, children: Children) -> ast.Attribute:
        value, name = children
        return ast.Attribute(value, str(name), self.at(meta))

    def call(self, meta: Meta, children: Children) -> ast.Call:
        name, arguments = children
        return ast.Call(self.word(name), arguments.children, self.at(meta))

    def arguments(self, meta: Meta, children: Children) -> "Tree[Any]":
        return Tree("arguments", present(children), meta)  # type: ignore[arg-type]

    def argument(self, meta: Meta, children: Children) -> ast.Argument:
        return ast.Argument(None, children[0], self.at(meta))

    def named(self, meta: Meta, children: Children) -> ast.Argument:
        name, value = children
        return ast.Argument(str(name), value, self.at(meta))

    def parenthesis(self, meta: Meta, children: Children) -> ast.Expr:
        (inside,) = children
        return inside  # type: ignore[no-any-return]

    def tuple(self, meta: Meta, children: Children) -> ast.TupleOf:
        return ast.TupleOf(present(children), self.at(meta))

    def list(self, meta: Meta, children: Children) -> ast.ListOf:
        return ast.ListOf(present(children), self.at(meta))

    def number(self, meta: Meta, children: Children) -> ast.Number:
        (token,) = children
        return ast.Number(float(token), str(token), self.at(meta))

    def name(self, meta: Meta, children: Children) -> ast.Name:
        return self.word(children[0])

    def text(self, meta: Meta, children: Children) -> ast.Text:
        return ast.Text(unquote(children[0]), self.at(meta))

    def true(self, meta: Meta, children: Children) -> ast.Truth:
        return ast.Truth(True, self.at(meta))

    def false(self, meta: Meta, children: Children) -> ast.Truth:
        return ast.Truth(False, self.at(meta))

    def dots(self, meta: Meta, children: Children) -> ast.Dots:
        return ast.Dots(self.at(meta))

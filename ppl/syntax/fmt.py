"""The canonical layout of a model file.

What is decided: spaces, indentation, parentheses, blank lines between items, the columns of the types and of the
comments behind code. What the author decides: single blank lines, whether `then` and `else` or the arguments of a call
stand on lines of their own, and whether the `~` of neighbours are aligned.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ppl.source.span import Span
from ppl.syntax import ast
from ppl.syntax.rows import INDENT, Row, lines
from ppl.syntax.show import argument, arguments, axes, port, ports, show, source, target, type_

_WIDTH = 100


def fmt(file: ast.File) -> str:
    """The text of the file in canonical layout: parsing it gives an equal tree and the same comments."""
    comments = _Comments(deque(file.comments))
    rows = list(_body(file.items, 0, comments))
    rows += _own_lines(comments.before(None), 0)
    return "".join(f"{line}\n" for line in lines(rows))


# ---- comments ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Comments:
    """The comments that are not written yet, in order."""

    left: deque[ast.Comment]

    def before(self, line: int | None) -> list[ast.Comment]:
        """Takes those above `line`; all of them for None."""
        taken = []
        while self.left and (line is None or self.left[0].span.line < line):
            taken.append(self.left.popleft())
        return taken

    def behind(self, line: int) -> str:
        """Takes the one at the end of `line`."""
        return self.left.popleft().text if self.left and self.left[0].span.line == line else ""

    def behind_header(self, line: int) -> str:
        """Takes the one behind a `{`, whose block goes on at `line`."""
        first = self.left[0] if self.left else None
        return self.left.popleft().text if first and not first.own_line and first.span.line < line else ""


def _own_lines(comments: Sequence[ast.Comment], depth: int, line: int = 0) -> Iterator[Row]:
    """A row for each comment; `line` is given for those out of the middle of a statement."""
    for comment in comments:
        at = line or comment.span.line
        yield Row(depth, comment.text, first=at, last=at)


# ---- items and statements ----------------------------------------------------------------------------------------

_Node = ast.Item | ast.Statement | ast.Column


def _body(nodes: Sequence[_Node], depth: int, comments: _Comments) -> Iterator[Row]:
    for node in nodes:
        yield from _own_lines(comments.before(node.span.line), depth)
        yield from _node(node, depth, comments)


def _node(node: _Node, depth: int, comments: _Comments) -> Iterator[Row]:
    match node:
        case ast.Data(name=name, sorted_by=key, columns=columns):
            named = f" {name.id}" if name else ""
            yield from _braces(node, f"data{named}{f' sorted by {key.id}' if key else ''}", columns, depth, comments)
        case ast.Block(kind=kind, name=name, body=body):
            yield from _braces(node, f"{kind} {name.id}" if name else kind, body, depth, comments)
        case ast.For(variable=variable, over=over, body=body):
            yield from _braces(node, f"for {variable.id} in {show(over)}", body, depth, comments)
        case ast.Net(lets=lets):
            yield from _braces(node, _net_header(node), lets, depth, comments)
        case ast.Fun(braces=True):
            yield from _function(node, depth, comments)
        case _:
            yield from _leaf(node, depth, comments)


def _net_header(node: ast.Net) -> str:
    inputs = ", ".join(map(port, node.inputs))
    weights = f" weights ~ {show(node.weights)}" if node.weights is not None else ""
    return f"net {node.name.id}({inputs}) -> {ports(node.outputs)}{weights}"


def _braces(
    node: ast.Data | ast.Block | ast.For | ast.Net, header: str, body: Sequence[_Node], depth: int, comments: _Comments
) -> Iterator[Row]:
    one = _on_one_line(node, header, body, comments)
    if one:
        last = node.span.end_line
        yield Row(depth, one, first=node.span.line, last=last, comment=comments.behind(last))
        return
    yield from _opened(node.span, header, body[0].span.line if body else node.span.end_line, depth, comments)
    yield from _body(body, depth + 1, comments)
    yield from _closed(node.span, depth, comments)


def _opened(span: Span, header: str, below: int, depth: int, comments: _Comments) -> Iterator[Row]:
    row = Row(depth, f"{header} {{", first=span.line, last=span.line, comment=comments.behind_header(below))
    # Where the header had several lines, the last of them is not known: nothing is blank below it.
    yield replace(row, last=max(below - 1, span.line))


def _closed(span: Span, depth: int, comments: _Comments) -> Iterator[Row]:
    yield from _own_lines(comments.before(span.end_line), depth + 1)
    line = span.end_line
    yield Row(depth, "}", first=0, last=line, comment=comments.behind(line))


def _on_one_line(
    node: ast.Data | ast.Block | ast.For | ast.Net, header: str, body: Sequence[_Node], comments: _Comments
) -> str:
    """`model { z ~ Normal(0, 1) }`, where it was so written and still fits."""
    span = node.span
    inside = comments.left[0] if comments.left else None
    if span.line != span.end_line and (body or (inside and inside.span.line < span.end_line)):
        return ""
    if not body:
        return f"{header} {{ }}"
    if len(body) > 1 or isinstance(body[0], ast.For) or _is_annotated(body[0]):
        return ""
    text = f"{header} {{ {' '.join(filter(None, _parts(body[0])))} }}"
    return text if len(text) <= _WIDTH else ""


def _is_annotated(node: _Node) -> bool:
    return isinstance(node, ast.Sample | ast.Observe) and bool(node.annotations)


def _function(node: ast.Fun, depth: int, comments: _Comments) -> Iterator[Row]:
    first = (*node.lets, node.result)[0].span.line
    yield from _opened(node.span, _fun_header(node), first, depth, comments)
    yield from _body(node.lets, depth + 1, comments)
    span = node.result.span
    yield from _own_lines(comments.before(span.line), depth + 1)
    yield from _own_lines(comments.before(span.end_line), depth + 1, span.line)
    text = _broken("return ", node.result, len(INDENT) * (depth + 1))
    yield Row(depth + 1, text, first=span.line, last=span.end_line, comment=comments.behind(span.end_line))
    yield from _closed(node.span, depth, comments)


def _fun_header(node: ast.Fun) -> str:
    return f"fun {node.name.id}({', '.join(name.id for name in node.params)})"


def _leaf(node: _Node, depth: int, comments: _Comments) -> Iterator[Row]:
    """A node without braces. Comments out of its middle go above it."""
    span = node.span
    yield from _own_lines(comments.before(span.end_line), depth, span.line)
    first = span.line
    if isinstance(node, ast.Sample | ast.Observe) and node.annotations:
        yield from (Row(depth, _annotation(a), first=first, last=first) for a in node.annotations)
        first = 0  # nothing is blank below an annotation
    yield replace(_row(node, depth), first=first, last=span.end_line, comment=comments.behind(span.end_line))


def _annotation(node: ast.Annotation) -> str:
    return f"@{node.name}" if node.args is None else f"@{node.name}({arguments(node.args)})"


def _row(node: _Node, depth: int) -> Row:
    head, tail = _parts(node)
    value = _value(node)
    if value is None:
        return Row(depth, head, tail, align=-1 if tail else 0)
    text = _broken(f"{head} {tail[0]} ", value, len(INDENT) * depth)
    return Row(depth, text) if "\n" in text else Row(depth, head, tail, align=value.span.col)


def _value(node: _Node) -> ast.Expr | None:
    match node:
        case ast.Sample(value=value) | ast.Let(value=value):
            return value
        case _:
            return None


def _parts(node: _Node) -> tuple[str, str]:
    """What stands before and from the sign on that may be aligned; the second is empty where there is none."""
    match node:
        case ast.Sample(target=left, value=value):
            return target(left), f"~ {show(value)}"
        case ast.Let(target=left, value=value):
            return target(left), f"= {show(value)}"
        case ast.Observe(value=value, distribution=distribution):
            return f"observe {show(value)} ~ {show(distribution)}", ""
        case ast.Factor(value=value):
            return f"factor {show(value)}", ""
        case ast.Param(name=name, axes=names, type=type, init=init):
            typed = f": {type_(type)}" if type else ""
            return f"param {name.id}{axes(names)}{typed}{_default(init)}", ""
        case ast.Column(name=name, axes=names):
            return f"{name.id}{axes(names)}:", _column(node)
        case ast.Import(names=imported, path=path):
            return f'import {", ".join(name.id for name in imported)} from "{path}"', ""
        case ast.Const(name=name, type=type, value=value):
            return f"const {name.id}{f': {type_(type)}' if type else ''}{_default(value)}", ""
        case ast.Axis(name=name, value=value):
            return f"axis {name.id} = {show(value)}", ""
        case ast.Fun(result=result):
            return f"{_fun_header(node)} = {show(result)}", ""
        case ast.Objective(maximize=maximize, value=value):
            return f"{'maximize' if maximize else 'minimize'} {show(value)}", ""
        case ast.Data() | ast.Block() | ast.For() | ast.Net():
            raise TypeError("has braces")


def _default(value: ast.Expr | None) -> str:
    return "" if value is None else f" = {show(value)}"


def _column(node: ast.Column) -> str:
    per = f" per {node.per.id}" if node.per else ""
    unit = f' unit "{node.unit}"' if node.unit is not None else ""
    return f"{type_(node.type)}{per}{unit}{source(node.source) if node.source else ''}{_default(node.default)}"


# ---- broken expressions ------------------------------------------------------------------------------------------


def _broken(lead: str, value: ast.Expr, column: int) -> str:
    """`lead` and the value, on one line or on several. The first line will start at `column`; the others carry their
    whole indentation."""
    match value:
        case ast.IfElse() if _breaks_if(lead, value, column):
            return _broken_if(lead, value, column + len(lead))
        case ast.Call(function=function, args=args) if args and _breaks_call(lead, value, column):
            inner, outer = " " * column + INDENT, " " * column
            listed = ",\n".join(inner + argument(arg) for arg in args)
            return f"{lead}{function.id}(\n{listed}\n{outer})"
        case _:
            return lead + show(value)


def _is_long(lead: str, value: ast.Expr, column: int) -> bool:
    return column + len(lead) + len(show(value)) > _WIDTH


def _breaks_if(lead: str, value: ast.IfElse, column: int) -> bool:
    return value.then.span.line > value.test.span.end_line or _is_long(lead, value, column)


def _breaks_call(lead: str, value: ast.Call, column: int) -> bool:
    return value.args[0].span.line > value.function.span.line or _is_long(lead, value, column)


def _broken_if(lead: str, value: ast.IfElse, column: int) -> str:
    """`then` and `else` below the `if`; so are those of an `else if`, where that is broken too."""
    indent = "\n" + " " * column
    text = f"{lead}if {show(value.test)}{indent}{_broken('then ', value.then, column)}{indent}"
    if isinstance(value.other, ast.IfElse) and _breaks_if("else ", value.other, column):
        return text + _broken_if("else ", value.other, column)
    return text + _broken("else ", value.other, column)

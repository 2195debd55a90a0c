"""Records in loops: `q = step(z[t - 1])` above the line that draws `z` stands for the call wherever a part is read."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from ppl.check.nets import is_record
from ppl.check.reading import names_read, targets
from ppl.check.scope import Scope
from ppl.source.span import Span
from ppl.syntax import ast


def written_out(body: tuple[ast.Statement, ...], scope: Scope) -> tuple[ast.Statement, ...]:
    """The body of a loop without the records that read what stands below them: a recursion then runs through the names
    that are left, and a test of the position around `q.m` guards the lags in the call."""
    calls: dict[str, ast.Expr] = {}
    left: list[ast.Statement] = []
    for i, written in enumerate(body):
        s = substituted(written, calls) if calls else written
        below = {name.id for later in body[i + 1 :] for name in targets(later)}
        if _is_plain(s, scope) and below & {name.id for name in names_read(s.value)}:  # type: ignore[union-attr]
            assert isinstance(s, ast.Let)
            calls[s.target.name.id] = s.value
        else:
            left.append(s)
    return tuple(left) if calls else body


def _is_plain(s: ast.Statement, scope: Scope) -> bool:
    """`q = net(…)`, without axes."""
    return isinstance(s, ast.Let) and s.target.indices is None and is_record(s.value, scope)


def substituted(node: Any, calls: Mapping[str, ast.Expr]) -> Any:
    """The syntax with the parts of these records read off their calls."""
    match node:
        case ast.Attribute(value=ast.Name(id=name)) if name in calls:
            return replace(node, value=calls[name])
        case tuple():
            return tuple(substituted(part, calls) for part in node)
        case Span():
            return node
    if not is_dataclass(node):
        return node
    names = [f.name for f in fields(node)]
    new = {f: substituted(getattr(node, f), calls) for f in names}
    return node if all(new[f] is getattr(node, f) for f in names) else replace(node, **new)  # type: ignore[type-var]

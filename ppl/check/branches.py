"""What a branch knows of the positions of a loop that reach it."""

from ppl.check.scope import Loop, Scope
from ppl.syntax import ast


def position_guard(test: ast.Expr, scope: Scope) -> tuple[Loop, int, int] | None:
    """For a test of a loop position against a number: the lowest positions left in the `then` and the `else` branch."""
    match test:
        case ast.Binary(op, ast.Name(name), bound) if scope.loop(name) is not None and op in (
            "==",
            "!=",
            "<",
            "<=",
            ">",
            ">=",
        ):
            at = _whole(bound, scope)
            loop = scope.loop(name)
        case _:
            return None
    if at is None or loop is None:
        return None
    first = loop.first
    past = at + 1 if at <= first else first
    low = {"==": (at, past), "!=": (past, at), "<": (1, at), "<=": (1, at + 1), ">": (at + 1, 1), ">=": (at, 1)}[op]
    return loop, low[0], low[1]


def _whole(e: ast.Expr, scope: Scope) -> int | None:
    match e:
        case ast.Number() if e.is_int:
            return int(e.value)
        case ast.Name(name) if name in scope.names and scope.names[name].literal is not None:
            return _whole(scope.names[name].literal, scope)  # type: ignore[arg-type]
        case _:
            return None


def branches(test: ast.Expr, scope: Scope) -> tuple[Scope, Scope]:
    """The scopes of the two branches: each knows which loop positions reach it."""
    match test:
        case ast.Unary("not", inner):
            other, then = branches(inner, scope)
            return then, other
        case ast.Binary("and", left, right):
            first, _ = branches(left, scope)
            return branches(right, first)[0], scope
        case ast.Binary("or", left, right):
            _, first = branches(left, scope)
            return scope, branches(right, first)[1]
    guard = position_guard(test, scope)
    if guard is None:
        return scope, scope
    loop, inside, outside = guard
    return scope.knowing(loop, inside), scope.knowing(loop, outside)

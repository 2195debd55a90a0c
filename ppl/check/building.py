"""Core expressions: how they are put together, and what is known of one."""

from ppl.check.bounds import REAL_LINE, interval
from ppl.check.core import Expr
from ppl.check.scope import Entry, Scope, failed, is_failed, union
from ppl.check.weights import Known
from ppl.source.span import Span
from ppl.stdlib.intervals import Interval
from ppl.stdlib.primitives import PRIMITIVES


def literal(value: float, span: Span, kind: str = "real") -> Expr:
    return Expr("lit", attrs=(value,), type=kind, span=span)


def join_types(*types: str) -> str:
    """The type of an arithmetic result: real wins; truth values count as whole numbers."""
    return "real" if "real" in types else "int"


def elementwise(op: str, args: tuple[Expr, ...], span: Span) -> Expr:
    """A row of `PRIMITIVES` applied to values aligned by axis name."""
    if is_failed(*args):
        return failed(span)
    row = PRIMITIVES[op]
    result = join_types(*(a.type for a in args)) if row.result == "same" else row.result
    return Expr(op, args, (), union(*(a.axes for a in args)), result, span)


def bounds(e: Expr, scope: Scope) -> Interval:
    """An interval that holds every value of the expression."""

    def lookup(name: str) -> Interval:
        known = _known(name, scope)
        return REAL_LINE if known is None else known.bounds

    return interval(e, lookup)


def _known(name: str, scope: Scope) -> Entry | Known | None:
    """What is known of a name, or of a value that a net computes on the way."""
    return scope.names.get(name) or scope.book.values.get(name)


def is_random(e: Expr, scope: Scope) -> bool:
    """Whether the value depends on an unknown."""
    if e.op == "ref":
        known = _known(str(e.attrs[0]), scope)
        return known is not None and known.random
    return any(is_random(a, scope) for a in e.args)


def is_learned(e: Expr, scope: Scope) -> bool:
    """Whether the value depends on a parameter."""
    if e.op == "ref":
        known = _known(str(e.attrs[0]), scope)
        return known is not None and known.learned
    return any(is_learned(a, scope) for a in e.args)


def is_free(e: Expr, scope: Scope) -> bool:
    """Whether the value can move while the model is fitted: it depends on an unknown or on a parameter."""
    return is_random(e, scope) or is_learned(e, scope)


def local(name: str, value: Expr, scope: Scope) -> Entry:
    """A name that stands for an expression."""
    kind = "failed" if is_failed(value) else "local"
    limits, random, learned = bounds(value, scope), is_random(value, scope), is_learned(value, scope)
    return Entry(name, kind, value.axes, value.type, limits, random, learned, value)


def constant(e: Expr) -> float | None:
    """The number that a closed expression is, or None."""
    match e:
        case Expr(op="lit", attrs=(value,)):
            return float(value)  # type: ignore[arg-type]
        case Expr(op="neg", args=(inner,)):
            value = constant(inner)
            return None if value is None else -value
        case Expr(op="add" | "sub" | "mul" | "div" | "pow" as op, args=(left, right)):
            return _fold(op, constant(left), constant(right))
        case _:
            return None


def _fold(op: str, a: float | None, b: float | None) -> float | None:
    if a is None or b is None:
        return None
    try:
        return float(
            {"add": a + b, "sub": a - b, "mul": a * b}[op]
            if op in ("add", "sub", "mul")
            else a / b
            if op == "div"
            else a**b
        )
    except (ZeroDivisionError, OverflowError, TypeError):
        return None

"""Recursions: derived values of a loop that read their own earlier positions, alone or around a circle of several."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import inf

from ppl.check.block import Block, target_axes
from ppl.check.bounds import REAL_LINE
from ppl.check.building import bounds, is_learned, is_random
from ppl.check.core import Expr
from ppl.check.expressions import expression
from ppl.check.lags import reads_back
from ppl.check.reading import lagged, names_read
from ppl.check.scope import Entry, Report, Scope, base, is_failed
from ppl.stdlib.intervals import Interval
from ppl.syntax import ast

# A recursion is written out position by position.
MOST = 100
ROUNDS = 4
HYPOTHESES = (Interval(0.0, 1.0), Interval(0.0, inf, True, True), Interval(0.0, inf, False, True))


def circle(statement: ast.Let, block: Block) -> tuple[ast.Let, ...]:
    """The definitions of the loop around that this one is defined from, and that are defined from it: with itself, in
    the order of the text. Empty where no index stands in the circle, so that no lag can open it."""
    if not block.scope.loops:
        return ()
    lets = {s.target.name.id: s for s in reversed(block.loop) if isinstance(s, ast.Let)}
    reads = {name: {n.id for n in names_read(s.value)} & set(lets) for name, s in lets.items()}
    name = statement.target.name.id
    behind = {n: _reached(n, reads) for n in lets}
    members = [n for n in reversed(lets) if n in behind.get(name, ()) and name in behind[n]]
    is_open = any(lagged(lets[n].value, m) for n in members for m in members)
    return tuple(lets[n] for n in members) if is_open else ()


def _reached(name: str, reads: Mapping[str, set[str]]) -> set[str]:
    """The names that a definition comes down to, itself only if it comes back to itself."""
    found: set[str] = set()
    ahead = set(reads[name])
    while ahead:
        found |= ahead
        ahead = set().union(*(reads[n] for n in ahead)) - found
    return found


def can_be_walked(block: Block) -> bool:
    """Whether a loop around runs over an axis whose few positions the model fixes."""
    axes = (block.scope.axes.get(base(loop.axis)) for loop in block.scope.loops)
    return any(a is not None and a.kind == "declared" and a.size is not None and a.size <= MOST for a in axes)


# ---- what the members are ----------------------------------------------------------------------------------------


def presumed(members: tuple[ast.Let, ...], block: Block) -> dict[str, Entry]:
    """What the names of a recursion mean, found by trial: the types with which the definitions give those types, and
    bounds that hold at a position if they hold at those before it."""
    muted = replace(block.scope, report=Report(muted=True))
    frames = {m.target.name.id: target_axes(m.target, muted) or () for m in members}
    known = {
        m.target.name.id: Entry(m.target.name.id, "failed", frames[m.target.name.id], "failed", span=m.target.name.span)
        for m in members
    }
    values: dict[str, Expr] = {}
    for turn in range(ROUNDS):
        for m in members:
            name = m.target.name.id
            values[name] = _tried(m.value, muted.naming(known).within(frames[name], name, m.target.name.span))
            known[name] = _seen(known[name], values[name], muted.naming(known))
        if turn == 1:
            known = {n: replace(e, kind="derived", type="real") if is_failed(e) else e for n, e in known.items()}
    return known if is_failed(*values.values()) else _bounded(known, values, muted)


def _tried(written: ast.Expr, scope: Scope) -> Expr:
    """The value, or where it cannot be told yet, that of the first branch that can."""
    value = expression(written, scope)
    if is_failed(value) and isinstance(written, ast.IfElse):
        parts = (_tried(part, scope) for part in (written.then, written.other))
        return next((part for part in parts if not is_failed(part)), value)
    return value


def _seen(entry: Entry, value: Expr, scope: Scope) -> Entry:
    if is_failed(value):
        return entry
    random, learned = is_random(value, scope), is_learned(value, scope)
    return replace(entry, kind="derived", type=value.type, random=random, learned=learned)


def _bounded(known: dict[str, Entry], values: dict[str, Expr], scope: Scope) -> dict[str, Entry]:
    """Bounds by induction: what the values keep at a position, given that they keep it at all earlier ones."""
    for hypothesis in (*HYPOTHESES, REAL_LINE):
        assumed = scope.naming({n: replace(e, bounds=hypothesis) for n, e in known.items()})
        found = {n: bounds(v, assumed) for n, v in values.items()}
        if all(_within(b, hypothesis) for b in found.values()):
            return {n: replace(e, bounds=found[n]) for n, e in known.items()}
    return known


def _within(inner: Interval, outer: Interval) -> bool:
    low = inner.low > outer.low or (inner.low == outer.low and (inner.low_open or not outer.low_open))
    high = inner.high < outer.high or (inner.high == outer.high and (inner.high_open or not outer.high_open))
    return low and high


# ---- the axis ----------------------------------------------------------------------------------------------------


def walked(value: Expr, frame: tuple[str, ...], ahead: Mapping[str, Entry], block: Block) -> str:
    """The axis along which a value reads the names that are not defined before it (`ahead`, itself among them) at
    earlier positions only; "" after a complaint."""
    wrong = None
    for axis in _axes(frame, block):
        late = [(name, span) for name, back, span in reads_back(value, axis) if name in ahead and back < 1]
        if not late:
            return axis
        wrong = wrong or late[0]
    if wrong is not None:
        block.report.add("E107", wrong[1], name=wrong[0], label="at the same position")
    return ""


def _axes(frame: tuple[str, ...], block: Block) -> Iterator[str]:
    """The axes of the loops around that a recursion can run along, the innermost first."""
    if block.along:
        yield block.along
        return
    for loop in reversed(block.scope.loops):
        spec = block.scope.axes.get(base(loop.axis))
        if loop.axis in frame and spec is not None and spec.kind == "declared" and (spec.size or inf) <= MOST:
            yield loop.axis

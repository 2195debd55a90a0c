"""Recursions: names of a loop that read each other's earlier positions, or their own, around a circle."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import inf

from ppl.check.block import Block, target_axes
from ppl.check.bounds import REAL_LINE
from ppl.check.building import bounds, is_learned, is_random
from ppl.check.complaints import MODIFIERS
from ppl.check.core import Dist, Expr
from ppl.check.distributions import distribution
from ppl.check.expressions import expression
from ppl.check.lags import Read
from ppl.check.reading import Definition, lagged, names_read
from ppl.check.scope import Entry, Loop, Report, Scope, base, is_failed
from ppl.check.supports import support_bounds, value_type
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.intervals import Interval
from ppl.stdlib.records import Distribution
from ppl.syntax import ast

ROUNDS = 4
HYPOTHESES = (Interval(0.0, 1.0), Interval(0.0, inf, True, True), Interval(0.0, inf, False, True))
Value = Expr | Dist | None
Nested = tuple[ast.Statement, tuple[ast.For, ...]]


def circle(statement: Definition, block: Block) -> tuple[Definition, ...]:
    """The definitions and draws of the loop around that this one is made from, and that are made from it: with itself,
    in the order of the text. Empty where no index stands in the circle, so that no lag can open it."""
    if not block.scope.loops:
        return ()
    return _circle(name_of(statement), _parts(block))


def is_computed(statement: Definition, block: Block) -> bool:
    """Whether a derived value is in a circle of derived values, which are computed one position after the other; so is
    every circle with draws in it, where the draws are the model's own."""
    parts = _parts(block)
    lets = {n: s for n, s in parts.items() if isinstance(s, ast.Let)}
    return bool(_circle(name_of(statement), parts if block.draws_own else lets))


def name_of(statement: Definition) -> str:
    assert isinstance(statement.target, ast.Target)
    return statement.target.name.id


def _parts(block: Block) -> dict[str, Definition]:
    """What the loop defines, by name, the last first: draws only in the model, for a guide reads what it has drawn."""
    parts: dict[str, Definition] = {}
    for s in reversed([s for s, _ in _inside(block.loop, ())]):
        is_draw = isinstance(s, ast.Sample) and isinstance(s.target, ast.Target) and not block.is_guide
        if (isinstance(s, ast.Let) or is_draw) and not _is_data(name_of(s), block):  # type: ignore[arg-type]
            parts[name_of(s)] = s  # type: ignore[arg-type, assignment]
    return parts


def _inside(body: tuple[ast.Statement, ...], around: tuple[ast.For, ...]) -> Iterator[Nested]:
    """The statements of a loop, and of the loops inside it, each with these."""
    for s in body:
        if isinstance(s, ast.For):
            yield from _inside(s.body, (*around, s))
        else:
            yield s, around


def _is_data(name: str, block: Block) -> bool:
    entry = block.scope.names.get(name)
    return entry is not None and entry.kind == "data"


def _circle(name: str, parts: Mapping[str, Definition]) -> tuple[Definition, ...]:
    reads = {n: {r.id for r in names_read(s.value)} & set(parts) for n, s in parts.items()}
    behind = {n: _reached(n, reads) for n in parts}
    members = [n for n in reversed(list(parts)) if n in behind.get(name, ()) and name in behind[n]]
    is_open = any(lagged(parts[n].value, m) for n in members for m in members)
    return tuple(parts[n] for n in members) if is_open else ()


def _reached(name: str, reads: Mapping[str, set[str]]) -> set[str]:
    """The names that a definition comes down to, itself only if it comes back to itself."""
    found: set[str] = set()
    ahead = set(reads[name])
    while ahead:
        found |= ahead
        ahead = set().union(*(reads[n] for n in ahead)) - found
    return found


# ---- what the members are ----------------------------------------------------------------------------------------


def presumed(members: tuple[Definition, ...], block: Block) -> dict[str, Entry]:
    """What the names of a recursion mean, found by trial: the types with which the definitions give those types, and
    bounds that hold at a position if they hold at those before it."""
    muted = replace(block.scope, report=Report(muted=True))
    spans = {name_of(m): m.target.span for m in members}
    scopes = {name_of(m): _at(m, muted, block) for m in members}
    frames = {name_of(m): target_axes(m.target, scopes[name_of(m)]) or () for m in members}  # type: ignore[arg-type]
    known = {n: Entry(n, "failed", frames[n], "failed", span=span) for n, span in spans.items()}
    known |= {name_of(m): _of_family(known[name_of(m)], _family(m.value, muted)) for m in members if _is_draw(m)}
    values: dict[str, Value] = {}
    for turn in range(ROUNDS):
        for m in members:
            name = name_of(m)
            here = scopes[name].naming(known)
            values[name] = _tried(m, m.value, here.within(frames[name], name, spans[name]))
            known[name] = _seen(known[name], values[name], here)
        if turn == 1:
            draws = {name_of(m) for m in members if _is_draw(m)}
            known = {n: _as_number(e, n in draws) if is_failed(e) else e for n, e in known.items()}
    return known if any(map(_is_open, values.values())) else _bounded(known, values, muted)


def _at(member: Definition, scope: Scope, block: Block) -> Scope:
    """The scope of a statement that may stand in loops inside the loop around."""
    around = next((fors for s, fors in _inside(block.loop, ()) if s is member), ())
    loops = list(scope.loops[:1])
    for f in around:
        copies = sum(isinstance(f.over, ast.Name) and base(loop.axis) == f.over.id for loop in loops)
        if isinstance(f.over, ast.Name):
            loops.append(Loop(f.variable.id, f.over.id + "'" * copies))
    return replace(scope, loops=tuple(loops)) if around else scope


def _is_open(value: Value) -> bool:
    """Whether it cannot be told yet what a definition gives."""
    return value is None or (isinstance(value, Expr) and is_failed(value))


def _is_draw(member: Definition) -> bool:
    return isinstance(member, ast.Sample)


def _as_number(entry: Entry, is_draw: bool) -> Entry:
    return replace(entry, kind="unknown" if is_draw else "derived", type="real", random=is_draw)


def _of_family(entry: Entry, row: Distribution | None) -> Entry:
    """What is presumed of a draw: what its family gives, within ends that are numbers."""
    if row is None or row.kind not in ("real", "int", "bool"):
        return entry
    low, high = (_number(end) for end in (row.support.low, row.support.high))
    closed = row.kind != "real"
    limits = Interval(
        -inf if low is None else low,
        inf if high is None else high,
        low is None or not closed,
        high is None or not closed,
    )
    return replace(entry, kind="unknown", type=row.kind, bounds=limits, random=True)


def _number(end: str) -> float | None:
    return float(end) if end.lstrip("-").replace(".", "", 1).isdigit() else None


def _family(written: ast.Expr, scope: Scope) -> Distribution | None:
    """The first family that is written in a distribution."""
    match written:
        case ast.IfElse(_, then, _):
            return _family(then, scope)
        case ast.Call(function) if function.id in scope.functions:
            fun = scope.functions[function.id]
            return _family(fun.result, scope.at_home(fun.span))
        case ast.Call(function) if function.id in DISTRIBUTIONS:
            return DISTRIBUTIONS[function.id]
        case ast.Call(function, args) if function.id in MODIFIERS:
            return next((row for row in (_family(a.value, scope) for a in args) if row is not None), None)
        case _:
            return None


def _tried(member: Definition, written: ast.Expr, scope: Scope) -> Value:
    """The value or distribution, or where it cannot be told yet, that of the first branch that can."""
    value = distribution(written, scope) if isinstance(member, ast.Sample) else expression(written, scope)
    if _is_open(value) and isinstance(written, ast.IfElse):
        parts = (_tried(member, part, scope) for part in (written.then, written.other))
        return next((part for part in parts if not _is_open(part)), value)
    return value


def _seen(entry: Entry, value: Value, scope: Scope) -> Entry:
    if value is None or _is_open(value):
        return entry
    if isinstance(value, Dist):
        limits = support_bounds(value, scope)
        return replace(entry, kind="unknown", type=value_type(value), bounds=limits, random=True)
    random, learned = is_random(value, scope), is_learned(value, scope)
    return replace(entry, kind="derived", type=value.type, random=random, learned=learned)


def _bounded(known: dict[str, Entry], values: dict[str, Value], scope: Scope) -> dict[str, Entry]:
    """Bounds by induction: what the values keep at a position, given that they keep it at all earlier ones. Supports
    are what they were found to be, if that holds too."""
    for hypothesis in HYPOTHESES:
        assumed = {n: e if e.kind == "unknown" else replace(e, bounds=hypothesis) for n, e in known.items()}
        found = _limits(values, scope.naming(assumed))
        if all(_within(found[n], e.bounds) for n, e in assumed.items()):
            return {n: replace(e, bounds=found[n]) for n, e in known.items()}
    assumed = {n: replace(e, bounds=REAL_LINE) for n, e in known.items()}
    found = _limits(values, scope.naming(assumed))
    return {n: replace(e, bounds=found[n]) for n, e in known.items()}


def _limits(values: Mapping[str, Value], scope: Scope) -> dict[str, Interval]:
    """The interval that each definition keeps to, given those of the names."""
    found = {}
    for name, value in values.items():
        assert value is not None
        found[name] = support_bounds(value, scope) if isinstance(value, Dist) else bounds(value, scope)
    return found


def _within(inner: Interval, outer: Interval) -> bool:
    low = inner.low > outer.low or (inner.low == outer.low and (inner.low_open or not outer.low_open))
    high = inner.high < outer.high or (inner.high == outer.high and (inner.high_open or not outer.high_open))
    return low and high


# ---- the axis ----------------------------------------------------------------------------------------------------


def walked(reads: Callable[[str], Iterator[Read]], frame: tuple[str, ...], block: Block) -> str:
    """The axis along which a statement reads the names of its recursion that are not defined before it, itself among
    them, at earlier positions only, and the others at its own or earlier ones; "" after a complaint. `reads` gives what
    it reads, seen along an axis."""
    wrong = None
    for axis in _axes(frame, block):
        late = [(name, span) for name, back, span in reads(axis) if back < _least_back(name, block)]
        if not late:
            return axis
        wrong = wrong or late[0]
    if wrong is not None:
        block.report.add("E107", wrong[1], name=wrong[0], label="at the same position")
    return ""


def _least_back(name: str, block: Block) -> float:
    """How many positions back a name has to be read at least."""
    return 1 if name in block.recursion else 0 if name in block.circle else -inf


def _axes(frame: tuple[str, ...], block: Block) -> Iterator[str]:
    """The axes of the loops around that a recursion can run along, the innermost first."""
    if block.along:
        yield block.along
        return
    for loop in reversed(block.scope.loops):
        if loop.axis in frame:
            yield loop.axis


# ---- one statement after the other -------------------------------------------------------------------------------


def enter(members: tuple[Definition, ...], block: Block) -> None:
    """At the first statement of a recursion: what its names mean from here on."""
    block.recursion, block.along = presumed(members, block), ""
    block.circle = frozenset(block.recursion)


def passed(name: str, along: str, block: Block) -> None:
    """After a statement of a recursion: its name is known; the others run along the same axis."""
    block.recursion.pop(name, None)
    block.along = along if block.recursion else ""
    block.circle = block.circle if block.recursion else frozenset()

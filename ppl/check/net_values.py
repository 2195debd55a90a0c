"""What a net computes on the way: values that get names of their own, and units of layers that do not meet."""

from dataclasses import replace

from ppl.check.core import Derived, Expr
from ppl.check.scope import Entry, Scope
from ppl.check.weights import Book, Known
from ppl.syntax import ast

# Nodes of a value beyond which it gets a name: the lines of a net may read each other many times over.
LARGE = 60


def short(entry: Entry, scope: Scope) -> Entry:
    """A local name, its value named where it is large: it then stands in the model, computed once."""
    assert scope.body is not None
    value, book = entry.value, scope.book
    if value is None or scope.body.in_loop or scope.report.muted or _nodes(value, {}) <= LARGE:
        return entry
    found = next((n for n, known in book.values.items() if known.value == value), "")
    name = found or _unused(f"{scope.body.net.name.id}.{entry.name}", book)
    if not found:
        book.values[name] = Known(value, entry.bounds, entry.random, entry.learned)
    if not scope.body.is_alone and all(s.name != name for s in book.statements):
        span = scope.body.net.name.span
        book.statements.append(Derived(name, value.axes, value, hidden=True, span=span, name_span=span))
    return replace(entry, value=Expr("ref", (), (name,), value.axes, value.type, value.span))


def _nodes(e: Expr, known: dict[int, int]) -> int:
    """How many nodes a value has when it is written out."""
    if id(e) not in known:
        known[id(e)] = 1 + sum(_nodes(a, known) for a in e.args)
    return known[id(e)]


def _unused(name: str, book: Book) -> str:
    count, free = 1, name
    while free in book.values or free in book.weights:
        count += 1
        free = f"{name} ({count})"
    return free


def verify_units(let: ast.Let, entry: Entry, scope: Scope) -> None:
    """The units of a layer have no names but the layer's: two layers do not meet unit by unit."""
    units = [a for a in entry.axes if a in scope.axes and scope.axes[a].kind == "units"]
    if entry.kind == "local" and len(units) > 1:
        size = scope.axes[units[0]].size
        scope.report.add("E369", let.target.span, name=entry.name, first=units[0], second=units[1], size=size)

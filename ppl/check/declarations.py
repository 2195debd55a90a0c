"""Everything above the model block: constants, axes, data columns, functions."""

from collections.abc import Iterator, Mapping
from typing import TypeGuard

from ppl.check.core import AxisSpec
from ppl.check.declared import Declared, fixed, fresh
from ppl.check.reading import names_read
from ppl.check.scope import Entry, Report
from ppl.check.tables import column_entries, name_tables, table, verify_pointers
from ppl.source.span import Span
from ppl.syntax import ast

# The types of constants; a list has the type of its elements.
CONSTANTS = ("real", "int", "bool", "text")
# No axis that a model declares has as many positions.
LARGEST = 10_000_000


def declare(file: ast.File, defines: Mapping[str, ast.Expr], report: Report) -> Declared:
    """The declarations of a file. `defines` replace the values of constants (`-D K=5`)."""
    out = Declared()
    name_tables(file.items, out, report)
    for item in file.items:
        match item:
            case ast.Const():
                _constant(item, defines, out, report)
            case ast.Axis():
                _axis(item, out, report)
            case ast.Data():
                table(item, out, report)
            case ast.Fun():
                _function(item, out, report)
            case ast.Import():
                text = "a text on its own is in no folder: compile the file"
                report.add("E120", item.span, path=item.path, help=text)
                out.foreign_functions.update(name.id for name in item.names)
            case ast.Net():
                fresh(item.name, out, report)
                out.nets[item.name.id] = item
    verify_pointers(out, report)
    for name in defines:
        if name not in out.constants:
            report.add("E211", None, name=name)
    return out


def first_line(span: Span) -> Span:
    """Enough of a block to point at: its keyword."""
    return Span(span.file, span.line, span.col, span.line, span.col + 5, span.start, span.start + 5)


def _function(item: ast.Fun, out: Declared, report: Report) -> None:
    fresh(item.name, out, report)
    out.functions[item.name.id] = item
    ids = [p.id for p in item.params]
    for i, parameter in enumerate(item.params):
        if parameter.id in ids[:i]:
            report.add("E202", parameter.span, name=parameter.id)


def _constant(item: ast.Const, defines: Mapping[str, ast.Expr], out: Declared, report: Report) -> None:
    fresh(item.name, out, report)
    value = defines.get(item.name.id, item.value)
    known = fixed(value, out)
    if known is not None and item.type is not None:
        _verify_type(item, known, report)
    if known is None:
        names = next((n.id for n in names_read(value) if n.id not in out.constants), None)
        why = "this is no fixed value" if names is None else f"`{names}` is no `const` declared above"
        report.add("E203", item.value.span, name=item.name.id, why=why)
        known = ast.Number(1.0, "1", item.value.span)
    out.constants[item.name.id] = known


def _verify_type(item: ast.Const, known: ast.Expr, report: Report) -> None:
    """A constant whose type is written has that type."""
    assert item.type is not None
    kind = item.type.base.id
    match kind, known:
        case "real", ast.Number():
            return
        case "int", ast.Number(number) if number == int(number):
            return
        case "bool", ast.Truth():
            return
        case "text", ast.Text():
            return
        case _, ast.ListOf(items):
            for each in items:
                _verify_type(item, each, report)
            return
    why = "this is another kind of value" if kind in CONSTANTS else f"a constant is one of {', '.join(CONSTANTS)}"
    report.add("E217", item.value.span, name=item.name.id, kind=kind, why=why)


# ---- axes --------------------------------------------------------------------------------------------------------


def _axis(item: ast.Axis, out: Declared, report: Report) -> None:
    fresh(item.name, out, report)
    name = item.name.id
    if isinstance(item.value, ast.Name) and item.value.id in out.axes:
        other = out.axes[item.value.id]
        out.axes[name] = AxisSpec(name, "declared", other.size, other.labels, other.column, item.span)
        return
    size, labels = _extent(item.value, name, out, report)
    if size is not None and size < 1:
        report.add("E212", item.value.span, name=name, size=size)
        size = 1
    out.axes[name] = AxisSpec(name, "declared", size, labels, span=item.span)


def _counts(e: ast.Expr | None) -> TypeGuard[ast.Number]:
    return isinstance(e, ast.Number) and e.is_int


def _extent(e: ast.Expr, name: str, out: Declared, report: Report) -> tuple[int, tuple[str, ...] | None]:
    """Size and labels of a declared axis."""
    if isinstance(e, ast.Range):
        low, high = fixed(e.low, out), fixed(e.high, out)
        if _counts(low) and _counts(high) and high.value - low.value < LARGEST:
            names = tuple(str(i) for i in range(int(low.value), int(high.value) + 1))
            return len(names), names if low.value != 1 else None
    value = fixed(e, out)
    match value:
        case ast.Number() if _counts(value) and value.value < LARGEST:
            return int(value.value), None
        case ast.ListOf(items) if items and all(isinstance(i, ast.Text) for i in items):
            labels = tuple(i.value for i in items if isinstance(i, ast.Text))
            twice = next((x for x in labels if labels.count(x) > 1), None)
            if twice is not None:
                report.add("E207", e.span, name=name, text=twice)
            return len(labels), labels
    report.add("E206", e.span, name=name)
    return 1, None


# ---- entries -----------------------------------------------------------------------------------------------------


def entries(out: Declared) -> Iterator[Entry]:
    """The values that the declarations bring into scope."""
    for name, span in out.foreign.items():
        yield Entry(name, "foreign", (), "failed", span=span)
    for name, value in out.constants.items():
        kind = "text" if isinstance(value, ast.Text) else "real"
        yield Entry(name, "const", (), kind, literal=value, span=out.spans[name])
    yield from column_entries(out)


def constant_of(value: object) -> ast.Expr:
    """A Python value as the literal that sets a constant. Raises TypeError for what no constant can be."""
    match value:
        case bool():
            return ast.Truth(value)
        case int() | float():
            return ast.Number(float(value), repr(value).lstrip("-"))
        case str():
            return ast.Text(value)
        case list() | tuple():
            return ast.ListOf(tuple(constant_of(v) for v in value))
    raise TypeError(f"a constant is a number, a text or a list, not {type(value).__name__}")

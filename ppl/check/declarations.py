"""Everything above the model block: constants, axes, data columns, functions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from operator import add, mul, sub, truediv

from ppl.check.core import AxisSpec, ColumnSpec, DataSpec
from ppl.check.reading import names_read
from ppl.check.scope import Entry, Report
from ppl.source.diagnostic import Note
from ppl.source.span import Span
from ppl.source.suggest import did_you_mean
from ppl.stdlib.intervals import Interval
from ppl.syntax import ast

KINDS = ("real", "int", "bool", "factor", "ordinal", "date", "text")
TYPE_ALIASES = {
    "float": "real", "double": "real", "numeric": "real", "number": "real", "num": "real", "vector": "real",
    "integer": "int", "count": "int", "string": "factor", "str": "factor", "category": "factor",
    "categorical": "factor",
    "boolean": "bool", "logical": "bool", "binary": "bool", "datetime": "date", "time": "date", "char": "text",
}  # fmt: skip
ARITHMETIC: dict[str, Callable[[float, float], float]] = {"+": add, "-": sub, "*": mul, "/": truediv, "^": pow}
ELEMENT = {"real": "real", "int": "int", "bool": "bool", "date": "date", "text": "text"}


@dataclass(slots=True)
class Declared:
    """What the declarations say; filled item by item, in the order of the file. The foreign names belong to parts of
    the language that are complained about: whatever uses them is not."""

    row: str = "row"
    sorted_by: str | None = None
    constants: dict[str, ast.Expr] = field(default_factory=dict)
    axes: dict[str, AxisSpec] = field(default_factory=dict)
    columns: dict[str, ColumnSpec] = field(default_factory=dict)
    functions: dict[str, ast.Fun] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    foreign: dict[str, Span] = field(default_factory=dict)
    foreign_functions: set[str] = field(default_factory=set)
    data_span: Span | None = None


def declare(file: ast.File, defines: Mapping[str, ast.Expr], report: Report) -> Declared:
    """The declarations of a file. `defines` replace the values of constants (`-D K=5`)."""
    data = [item for item in file.items if isinstance(item, ast.Data)]
    named = data[0].name if len(data) == 1 else None
    out = Declared(row=named.id if named is not None else "row")
    if data:
        out.axes[out.row] = AxisSpec(out.row, "row", span=data[0].span)
    for item in file.items:
        match item:
            case ast.Const():
                _constant(item, defines, out, report)
            case ast.Axis():
                _axis(item, out, report)
            case ast.Data() if len(data) == 1:
                _data(item, out, report)
            case ast.Data():
                _foreign_table(item, out)
            case ast.Fun():
                _function(item, out, report)
            case ast.Import():
                report.add("E490", item.span, what="imports", help="copy the function into this file")
                out.foreign_functions.update(name.id for name in item.names)
            case ast.Net():
                report.add(
                    "E490", item.name.span, what="neural nets", help="write the layers as matrices: `h = tanh(x @ w)`"
                )
                out.foreign_functions.add(item.name.id)
            case ast.Block(kind="predict"):
                text = "define the quantity in the model block: `name = …`"
                report.add("E490", first_line(item.span), what="`predict` blocks", help=text)
    if len(data) > 1:
        report.add(
            "E490",
            first_line(data[1].span),
            what="several tables",
            help="join them into one file with one `data` block",
        )
    for name in defines:
        if name not in out.constants:
            report.add("E211", None, name=name)
    return out


def first_line(span: Span) -> Span:
    """Enough of a block to point at: its keyword."""
    return Span(span.file, span.line, span.col, span.line, span.col + 5, span.start, span.start + 5)


def _fresh(name: ast.Name, out: Declared, report: Report) -> bool:
    taken = name.id in out.spans
    if taken:
        report.add("E202", name.span, also=(Note(out.spans[name.id], "first here"),), name=name.id)
    out.spans.setdefault(name.id, name.span)
    return not taken


def _function(item: ast.Fun, out: Declared, report: Report) -> None:
    _fresh(item.name, out, report)
    out.functions[item.name.id] = item
    ids = [p.id for p in item.params]
    for i, parameter in enumerate(item.params):
        if parameter.id in ids[:i]:
            report.add("E202", parameter.span, name=parameter.id)


def _foreign_table(item: ast.Data, out: Declared) -> None:
    """A table beside others: its names are known, and nothing else about them."""
    if item.name is not None:
        out.axes[item.name.id] = AxisSpec(item.name.id, "row", span=item.name.span)
    for column in item.columns:
        out.foreign[column.name.id] = column.name.span
        for axis in (column.name, *column.axes):
            out.axes.setdefault(axis.id, AxisSpec(axis.id, "levels", span=axis.span))


def _constant(item: ast.Const, defines: Mapping[str, ast.Expr], out: Declared, report: Report) -> None:
    _fresh(item.name, out, report)
    value = defines.get(item.name.id, item.value)
    known = fixed(value, out)
    if known is None:
        names = next((n.id for n in names_read(value) if n.id not in out.constants), None)
        why = "this is no fixed value" if names is None else f"`{names}` is no `const` declared above"
        report.add("E203", item.value.span, name=item.name.id, why=why)
        known = ast.Number(1.0, "1", item.value.span)
    out.constants[item.name.id] = known


def fixed(e: ast.Expr, out: Declared) -> ast.Expr | None:
    """The literal that a constant expression comes to: a number, a truth value, a text or a list of them."""
    match e:
        case ast.Number() | ast.Text() | ast.Truth():
            return e
        case ast.Name(id):
            return out.constants.get(id)
        case ast.ListOf(items):
            parts = [fixed(i, out) for i in items]
            return None if None in parts else ast.ListOf(tuple(p for p in parts if p is not None), e.span)
        case ast.Unary("-", inner):
            value = fixed(inner, out)
            return _number(-value.value, e.span) if isinstance(value, ast.Number) else None
        case ast.Binary(op, left, right) if op in "+-*/^":
            a, b = fixed(left, out), fixed(right, out)
            return _combined(op, a, b, e.span) if isinstance(a, ast.Number) and isinstance(b, ast.Number) else None
        case _:
            return None


def _combined(op: str, a: ast.Number, b: ast.Number, span: Span) -> ast.Number | None:
    try:
        return _number(float(ARITHMETIC[op](a.value, b.value)), span)
    except (ZeroDivisionError, OverflowError, TypeError):
        return None


def _number(value: float, span: Span) -> ast.Number | None:
    if not isfinite(value):
        return None
    whole = value == int(value) if abs(value) < 1e15 else False
    return ast.Number(value, str(int(value)).lstrip("-") if whole else repr(value), span)


# ---- axes --------------------------------------------------------------------------------------------------------


def _axis(item: ast.Axis, out: Declared, report: Report) -> None:
    _fresh(item.name, out, report)
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


def _extent(e: ast.Expr, name: str, out: Declared, report: Report) -> tuple[int, tuple[str, ...] | None]:
    """Size and labels of a declared axis."""
    if isinstance(e, ast.Range):
        low, high = fixed(e.low, out), fixed(e.high, out)
        if isinstance(low, ast.Number) and isinstance(high, ast.Number) and low.is_int and high.is_int:
            names = tuple(str(i) for i in range(int(low.value), int(high.value) + 1))
            return len(names), names if low.value != 1 else None
    value = fixed(e, out)
    match value:
        case ast.Number() if value.is_int and value.value < 1e7:
            return int(value.value), None
        case ast.ListOf(items) if items and all(isinstance(i, ast.Text) for i in items):
            labels = tuple(i.value for i in items if isinstance(i, ast.Text))
            twice = next((x for x in labels if labels.count(x) > 1), None)
            if twice is not None:
                report.add("E207", e.span, name=name, text=twice)
            return len(labels), labels
    report.add("E206", e.span, name=name)
    return 1, None


# ---- data --------------------------------------------------------------------------------------------------------


def _data(item: ast.Data, out: Declared, report: Report) -> None:
    out.data_span = item.span
    if item.name is not None:
        report.add("E490", item.name.span, what="named tables", help="write `data { … }`; its axis is called `row`")
    for column in item.columns:
        if _fresh(column.name, out, report):
            _column(column, item, out, report)
    if item.sorted_by is not None:
        out.sorted_by = item.sorted_by.id
        if item.sorted_by.id not in out.columns:
            near = did_you_mean(item.sorted_by.id, tuple(out.columns), {})
            text = f"did you mean `{near}`?" if near else "declare the column in the block"
            report.add("E208", item.sorted_by.span, name=item.sorted_by.id, help=text)
            out.sorted_by = None


def _column(column: ast.Column, item: ast.Data, out: Declared, report: Report) -> None:
    kind = column.type.base.id
    name = column.name.id
    if kind not in KINDS:
        _unknown_type(column.type.base, report)
        out.foreign[name] = column.name.span
        kind = "real"
    if column.default is not None:
        report.add("E490", column.default.span, what="defaults of columns", help="fill the cells in the file")
    levels = tuple(t.value for t in column.type.levels) if column.type.levels is not None else None
    if levels is not None and kind not in ("factor", "ordinal"):
        report.add("E210", column.type.span, name=name)
    if levels is not None and len(set(levels)) < len(levels):
        twice = next(x for x in levels if levels.count(x) > 1)
        report.add("E207", column.type.span, name=name, text=twice)
    axes = _column_axes(column, item, out, report)
    low, high, low_open, high_open = _limits(column, out, report)
    if kind in ("factor", "ordinal"):
        size = len(levels) if levels is not None else None
        out.axes[name] = AxisSpec(name, "levels", size, levels, name, column.span)
    source = column.source or ast.Source((), False, False)
    glob = bool(source.names) and not source.is_range and not source.is_list and bool(column.axes)
    out.columns[name] = ColumnSpec(
        name, kind, axes, levels, column.type.optional, low, high, low_open, high_open,
        column.per.id if column.per else None, source.names, glob, source.is_range, source.is_list,
        column.unit, column.doc, False, column.name.span, column.type.span,
    )  # fmt: skip


def _unknown_type(base: ast.Name, report: Report) -> None:
    near = did_you_mean(base.id, KINDS, TYPE_ALIASES)
    if base.id == "key":
        report.add("E490", base.span, what="keys between tables", help="declare the column as a factor")
    else:
        report.add("E201", base.span, name=base.id, help=f"; did you mean `{near}`?" if near else "")


def _column_axes(column: ast.Column, item: ast.Data, out: Declared, report: Report) -> tuple[str, ...]:
    """The axes of a column: its rows (or the levels it is constant within), then those in brackets."""
    lead = out.row
    if column.per is not None:
        group = out.columns.get(column.per.id)
        later = {c.name.id for c in item.columns}
        if group is None or group.kind not in ("factor", "ordinal"):
            key = "E209" if column.per.id not in later or group is not None else "E103"
            if key == "E103":
                there = next(c.name.span.line for c in item.columns if c.name.id == column.per.id)
                report.add(key, column.per.span, name=column.per.id, later=there, here=column.per.span.line)
            else:
                report.add(key, column.per.span, name=column.per.id)
        else:
            lead = column.per.id
    for axis in column.axes:
        if axis.id not in out.axes:
            out.axes[axis.id] = AxisSpec(axis.id, "columns", span=axis.span)
    return (lead, *(a.id for a in column.axes))


def _limits(column: ast.Column, out: Declared, report: Report) -> tuple[float | None, float | None, bool, bool]:
    """The bounds of a column as numbers."""

    def value(e: ast.Expr) -> float | None:
        known = fixed(e, out)
        if not isinstance(known, ast.Number):
            report.add("E204", e.span, name=column.name.id)
            return None
        return known.value

    match column.type.constraint:
        case ast.Limit(op, bound):
            number, is_open = value(bound), op in ("<", ">")
            return (number, None, is_open, False) if op in (">", ">=") else (None, number, False, is_open)
        case ast.Interval(low, high, low_open, high_open):
            limits = value(low), value(high), low_open, high_open
        case ast.Between(low, high):
            limits = value(low), value(high), False, False
        case _:
            return None, None, False, False
    if limits[0] is not None and limits[1] is not None and limits[0] > limits[1]:
        span = column.type.constraint.span
        report.add("E205", span, name=column.name.id, low=f"{limits[0]:g}", high=f"{limits[1]:g}")
    return limits


# ---- entries -----------------------------------------------------------------------------------------------------


def entries(out: Declared) -> Iterator[Entry]:
    """The values that the declarations bring into scope."""
    for name, span in out.foreign.items():
        yield Entry(name, "foreign", (), "failed", span=span)
    for name, value in out.constants.items():
        kind = "text" if isinstance(value, ast.Text) else "real"
        yield Entry(name, "const", (), kind, literal=value, span=out.spans[name])
    for column in (c for c in out.columns.values() if c.name not in out.foreign):
        kind = ELEMENT.get(column.kind, f"level:{column.name}")
        yield Entry(column.name, "data", column.axes, kind, _bounds(column), span=column.span)


def _bounds(column: ColumnSpec) -> Interval:
    if column.kind == "bool":
        return Interval(0, 1, False, False)
    low = float("-inf") if column.low is None else column.low
    high = float("inf") if column.high is None else column.high
    return Interval(low, high, column.low_open or column.low is None, column.high_open or column.high is None)


def data_spec(out: Declared, imputed: frozenset[str]) -> DataSpec:
    """What the binder needs to know."""
    columns = tuple(
        c
        if c.name not in imputed
        else ColumnSpec(**{**{f: getattr(c, f) for f in ColumnSpec.__slots__}, "imputed": True})
        for c in out.columns.values()
    )
    span = out.data_span or Span("", 0, 0, 0, 0)
    return DataSpec(columns, tuple(out.axes.values()), out.row, out.sorted_by, span)


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

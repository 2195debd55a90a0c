"""`data` blocks: tables, their columns, keys, and pointers from one table into another."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ppl.check.core import AxisSpec, ColumnSpec, DataSpec, TableSpec
from ppl.check.declared import Declared, fixed, fresh
from ppl.check.scope import Entry, Report
from ppl.source.span import Span
from ppl.source.suggest import did_you_mean
from ppl.stdlib.intervals import Interval
from ppl.syntax import ast

KINDS = ("real", "int", "bool", "factor", "ordinal", "date", "text")
KEY, POINTER = "key", "pointer"
# The kinds whose values are levels of an axis that other columns may be constant within.
GROUPS = ("factor", "ordinal", POINTER)
TYPE_ALIASES = {
    "float": "real", "double": "real", "numeric": "real", "number": "real", "num": "real", "vector": "real",
    "integer": "int", "count": "int", "string": "factor", "str": "factor", "category": "factor",
    "categorical": "factor", "id": "key", "identifier": "key", "primary": "key",
    "boolean": "bool", "logical": "bool", "binary": "bool", "datetime": "date", "time": "date", "char": "text",
}  # fmt: skip
ELEMENT = {"real": "real", "int": "int", "bool": "bool", "date": "date", "text": "text"}
# What the axis of the rows is called where the block has no name.
ROW = "row"


def name_tables(items: tuple[ast.Item, ...], out: Declared, report: Report) -> None:
    """The axes of all tables: a column may point into a table that is declared further down."""
    for block in (item for item in items if isinstance(item, ast.Data)):
        name = table_name(block)
        if block.name is None and name in out.tables:
            report.add(
                "E215", Span(block.span.file, block.span.line, block.span.col, block.span.line, block.span.col + 4)
            )
        elif block.name is None or fresh(block.name, out, report):
            out.tables[name] = TableSpec(name, (), span=block.span)
            out.axes[name] = AxisSpec(name, "row", span=block.span)


def table_name(block: ast.Data) -> str:
    return ROW if block.name is None else block.name.id


def table(block: ast.Data, out: Declared, report: Report) -> None:
    """One `data` block."""
    out.data_span = out.data_span or block.span
    own = out.tables.get(table_name(block))
    if own is None or own.columns or own.span != block.span:
        _forget(block, out)
        return
    before = set(out.columns)
    for column in block.columns:
        if fresh(column.name, out, report):
            _column(column, block, out, report)
    names = tuple(name for name in out.columns if name not in before)
    keys = [out.columns[name] for name in names if out.columns[name].kind == KEY]
    for extra in keys[1:]:
        report.add("E213", extra.span, name=extra.name, why=f"the rows have one already, `{keys[0].name}`")
    out.tables[own.name] = replace(
        own, columns=names, sorted_by=_sorted_by(block, names, report), key=keys[0].name if keys else None
    )


def _forget(block: ast.Data, out: Declared) -> None:
    """A block that has been complained about: its columns are known by name only."""
    for column in block.columns:
        out.foreign.setdefault(column.name.id, column.name.span)


def _sorted_by(block: ast.Data, names: tuple[str, ...], report: Report) -> str | None:
    if block.sorted_by is None or block.sorted_by.id in names:
        return block.sorted_by.id if block.sorted_by is not None else None
    near = did_you_mean(block.sorted_by.id, names, {})
    text = f"did you mean `{near}`?" if near else "declare the column in the block"
    report.add("E208", block.sorted_by.span, name=block.sorted_by.id, help=text)
    return None


def verify_pointers(out: Declared, report: Report) -> None:
    """A table that others point into needs a key."""
    for column in out.columns.values():
        if column.kind == POINTER and out.tables[str(column.table)].key is None:
            report.add("E214", column.type_span, name=column.name, table=column.table)


# ---- columns -----------------------------------------------------------------------------------------------------


def _column(column: ast.Column, block: ast.Data, out: Declared, report: Report) -> None:
    kind, name = _kind(column, out, report), column.name.id
    levels = tuple(t.value for t in column.type.levels) if column.type.levels is not None else None
    if levels is not None and kind not in ("factor", "ordinal"):
        report.add("E210", column.type.span, name=name)
    if levels is not None and len(set(levels)) < len(levels):
        twice = next(x for x in levels if levels.count(x) > 1)
        report.add("E207", column.type.span, name=name, text=twice)
    axes = _column_axes(column, block, out, report)
    low, high, low_open, high_open = _limits(column, out, report)
    if kind in ("factor", "ordinal"):
        size = len(levels) if levels is not None else None
        out.axes[name] = AxisSpec(name, "levels", size, levels, name, column.span)
    if kind == KEY:
        _verify_key(column, report)
    source = column.source or ast.Source((), False, False)
    glob = bool(source.names) and not source.is_range and not source.is_list and bool(column.axes)
    spec = ColumnSpec(
        name, kind, axes, levels, column.type.optional, low, high, low_open, high_open,
        column.per.id if column.per else None, source.names, glob, source.is_range, source.is_list,
        column.unit, column.doc, False, column.name.span, column.type.span,
        column.type.base.id if kind == POINTER else None,
    )  # fmt: skip
    out.columns[name] = replace(spec, default=_default(column, spec, out, report))


def _kind(column: ast.Column, out: Declared, report: Report) -> str:
    """The kind of a column; the name of a table makes it a pointer."""
    base = column.type.base
    if base.id in out.tables and base.id != ROW:
        return POINTER
    if base.id not in (*KINDS, KEY):
        near = did_you_mean(base.id, (*KINDS, KEY, *(t for t in out.tables if t != ROW)), TYPE_ALIASES)
        report.add("E201", base.span, name=base.id, help=f"; did you mean `{near}`?" if near else "")
        out.foreign[column.name.id] = column.name.span
        return "real"
    return base.id


def _verify_key(column: ast.Column, report: Report) -> None:
    """A key names every row once: it cannot be missing, repeated within a group, or one of several cells."""
    faults = (
        (column.type.optional, "no cell of a key is missing: leave out `?`"),
        (bool(column.axes), "a key has one cell in each row"),
        (column.per is not None, "a key differs in every row, and `per` says that rows agree"),
        (column.default is not None, "a default would name several rows alike"),
    )
    why = next((text for is_wrong, text in faults if is_wrong), None)
    if why is not None:
        report.add("E213", column.name.span, name=column.name.id, why=why)


def _column_axes(column: ast.Column, block: ast.Data, out: Declared, report: Report) -> tuple[str, ...]:
    """The axes of a column: its rows (or the levels it is constant within), then those in brackets."""
    lead = table_name(block) if column.per is None else _group_axis(column.per, block, out, report)
    for axis in column.axes:
        if axis.id not in out.axes:
            out.axes[axis.id] = AxisSpec(axis.id, "columns", span=axis.span)
    return (lead, *(a.id for a in column.axes))


def _group_axis(per: ast.Name, block: ast.Data, out: Declared, report: Report) -> str:
    """The axis of the levels that a column is constant within."""
    rows = table_name(block)
    group = out.columns.get(per.id)
    later = next((c.name.span.line for c in block.columns if c.name.id == per.id), None)
    if group is not None and group.kind in GROUPS and group.axes[0] == rows:
        return str(group.table) if group.kind == POINTER else per.id
    if group is None and later is not None:
        report.add("E103", per.span, name=per.id, later=later, here=per.span.line)
    elif group is not None and group.kind in GROUPS:
        report.add("E209.table", per.span, name=per.id)
    else:
        report.add("E209", per.span, name=per.id)
    return rows


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


# ---- defaults ----------------------------------------------------------------------------------------------------


def _default(column: ast.Column, spec: ColumnSpec, out: Declared, report: Report) -> float | str | None:
    """What stands for a blank; None after a complaint, and where nothing does."""
    if column.default is None or spec.kind == KEY:
        return None
    known = fixed(column.default, out)
    why = "a column has either a default or `?`" if spec.optional else _misfit(known, spec)
    if why is None:
        match known:
            case ast.Number(number):
                return number
            case ast.Truth(true):
                return float(true)
            case ast.Text(text):
                return text
    report.add("E216", column.default.span, name=spec.name, why=why)
    return None


def _misfit(known: ast.Expr | None, spec: ColumnSpec) -> str | None:
    """Why a value cannot stand in a column; None where it can."""
    match spec.kind, known:
        case _, None:
            return "it is no fixed value"
        case "real" | "int", ast.Number(number):
            if spec.kind == "int" and number != int(number):
                return f"`{spec.name}` holds whole numbers"
            return None if _inside(number, spec) else "it lies outside the limits of the column"
        case "bool", ast.Truth():
            return None
        case "factor" | "ordinal", ast.Text(text) if spec.levels is not None and text not in spec.levels:
            return f'the column has no level "{text}"'
        case "factor" | "ordinal" | "pointer" | "date" | "text", ast.Text():
            return None
    wanted = {"real": "a number", "int": "a whole number", "bool": "true or false"}.get(spec.kind, "a text")
    return f"a column of kind {spec.kind} takes {wanted}"


def _inside(value: float, spec: ColumnSpec) -> bool:
    above = spec.low is None or (value > spec.low if spec.low_open else value >= spec.low)
    return above and (spec.high is None or (value < spec.high if spec.high_open else value <= spec.high))


# ---- what the rest of the checker and the binder need --------------------------------------------------------------


def column_entries(out: Declared) -> Iterator[Entry]:
    """The columns as values in scope."""
    for column in (c for c in out.columns.values() if c.name not in out.foreign):
        yield Entry(column.name, "data", column.axes, _element(column), _bounds(column), span=column.span)


def _element(column: ColumnSpec) -> str:
    """The type of one cell: keys and pointers are levels of the axis of a table."""
    if column.kind in (KEY, POINTER):
        return f"level:{column.table or column.axes[0]}"
    return ELEMENT.get(column.kind, f"level:{column.name}")


def _bounds(column: ColumnSpec) -> Interval:
    if column.kind == "bool":
        return Interval(0, 1, False, False)
    low = float("-inf") if column.low is None else column.low
    high = float("inf") if column.high is None else column.high
    return Interval(low, high, column.low_open or column.low is None, column.high_open or column.high is None)


def data_spec(out: Declared, imputed: frozenset[str]) -> DataSpec:
    """What the binder needs to know."""
    columns = tuple(replace(c, imputed=c.name in imputed) for c in out.columns.values())
    span = out.data_span or Span("", 0, 0, 0, 0)
    axes, tables = tuple(out.axes.values()), tuple(out.tables.values())
    if not tables:
        return DataSpec(columns, axes, span=span)
    main = _main(tables, columns)
    is_plain = len(tables) == 1 and main.key is None
    return DataSpec(columns, axes, main.name, main.sorted_by, span, () if is_plain else tables)


def _main(tables: tuple[TableSpec, ...], columns: tuple[ColumnSpec, ...]) -> TableSpec:
    """The first table that no other points into."""
    aims = {c.table for c in columns if c.kind == POINTER and c.axes[0] != c.table}
    return next((t for t in tables if t.name not in aims), tables[0])


def verify_observed(observed: Mapping[str, Span], out: Declared, report: Report) -> None:
    """What stands for a blank has not been observed."""
    for column in (out.columns[name] for name in observed if name in out.columns):
        if column.default is not None:
            report.add("E216.observed", observed[column.name], name=column.name, kind=column.kind)

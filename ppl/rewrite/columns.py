"""What a model says of its columns: types, units and documentation, for `ppl explain`."""

from collections.abc import Mapping
from textwrap import wrap

from ppl.check.core import ColumnSpec, Core

GAP = 2


def described(core: Core) -> dict[str, dict[str, object]]:
    """Type, axes, unit and documentation of every column, by name."""
    return {c.name: _described(c, core) for c in core.data.columns}


def _described(column: ColumnSpec, core: Core) -> dict[str, object]:
    kind = core.written(column.type_span) or column.kind
    return {"type": kind, "axes": list(column.axes), "unit": column.unit, "doc": column.doc or None}


def columns_lines(core: Core, width: int) -> list[str]:
    """A table of all columns, where one of them at least has a unit or is documented; no line is wider than `width`
    while the documentation can be broken."""
    found = described(core)
    if not any(row["unit"] or row["doc"] for row in found.values()):
        return []
    rows = [("column", "type", "unit", ""), *(_row(name, row) for name, row in found.items())]
    widths = [max(len(row[i]) for row in rows) + GAP for i in range(3)]
    room = max(width - sum(widths), 20)
    lines: list[str] = []
    for row in rows:
        first, *more = wrap(row[3], room) or [""]
        lines.append("".join(cell.ljust(w) for cell, w in zip(row, widths)) + first)
        lines += [" " * sum(widths) + line for line in more]
    return [line.rstrip() for line in lines]


def _row(name: str, row: Mapping[str, object]) -> tuple[str, str, str, str]:
    return name, str(row["type"]), str(row["unit"] or ""), " ".join(str(row["doc"] or "").split())

"""Which columns of the source a declaration means."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ppl.check.core import ColumnSpec, DataSpec
from ppl.data.options import Options
from ppl.data.sniff import COMMENT, starts_comment
from ppl.data.table import Raw, Table
from ppl.data.wording import meant, ticked
from ppl.source.diagnostic import Diagnostic, complain


@dataclass(frozen=True, slots=True)
class Found:
    """The columns called `names` in the source: one for a column or an array, several for a matrix made of columns."""

    spec: ColumnSpec
    names: tuple[str, ...]
    raws: tuple[Raw, ...]
    is_matrix_of_columns: bool


def unknown_maps(spec: DataSpec, options: Options) -> list[Diagnostic]:
    """E606 for each `--map` whose left side is no declared column."""
    declared = [column.name for column in spec.columns]
    declared += [f"{table.name}.{name}" for table in spec.tables for name in table.columns]
    return [
        complain("E606", spec.span, name=name, column=column, found=meant(name, declared))
        for name, column in options.map.items()
        if name not in declared
    ]


def resolve(column: ColumnSpec, table: Table, options: Options) -> Found | list[Diagnostic]:
    """The columns that `column` binds to, by `--map`, else by its own name, else by `from`."""
    if column.name in options.map:
        return _named(column, (options.map[column.name],), table)
    if _binds_by_name(column, table):
        return _named(column, (column.name,), table)
    if len(column.axes) > 2 or (len(column.axes) == 2 and not column.source):
        return [_unnamed_matrix(column, table)]
    return _from(column, table)


def _binds_by_name(column: ColumnSpec, table: Table) -> bool:
    """A cell per row cannot be a matrix, so there only `from` counts."""
    raw = table.columns.get(column.name)
    return raw is not None and (len(column.axes) == 1 or _is_array(raw))


def _is_array(raw: Raw) -> bool:
    return len(raw.shape) > 1 or bool(raw.fault)


def _unnamed_matrix(column: ColumnSpec, table: Table) -> Diagnostic:
    if not table.is_flat and column.name not in table.columns:
        return _absent(column, (column.name,), table)
    holes: dict[str, Any] = {
        "name": column.name,
        "axis": column.axes[-1],
        "kind": column.kind,
        "axes": ", ".join(column.axes),
    }
    return complain("E601.matrix", column.span, source=table.origin.name, **holes)


def _from(column: ColumnSpec, table: Table) -> Found | list[Diagnostic]:
    if column.is_glob:
        names: tuple[str, ...] | Diagnostic = _matching(column, table)
    elif column.is_range:
        names = _between(column, table)
    else:
        names = column.source or (column.name,)
    if isinstance(names, Diagnostic):
        return [names]
    return _named(column, names, table)


def _matching(column: ColumnSpec, table: Table) -> tuple[str, ...] | Diagnostic:
    pattern = re.compile(".*".join(map(re.escape, column.source[0].split("*"))), re.DOTALL)
    names = tuple(name for name in table.names if pattern.fullmatch(name))
    missing: dict[str, Any] = {"name": f"`{column.source[0]}`", "found": _meant(column.source[0], table.names, table)}
    return names or complain("E601.glob", column.span, source=table.origin.name, **missing)


def _between(column: ColumnSpec, table: Table) -> tuple[str, ...] | Diagnostic:
    first, last = column.source
    absent = [name for name in (first, last) if name not in table.columns]
    if absent:
        return _absent(column, absent, table)
    start, stop = table.names.index(first), table.names.index(last)
    if start <= stop:
        return table.names[start : stop + 1]
    name = f'`"{first}".."{last}"`'
    return complain("E601.range", column.span, source=table.origin.name, first=first, last=last, name=name)


def _named(column: ColumnSpec, names: Sequence[str], table: Table) -> Found | list[Diagnostic]:
    absent = [name for name in names if name not in table.columns]
    if absent:
        tried = absent if len(names) > 1 or column.name in absent or column.is_list else [column.name, *absent]
        return [_absent(column, tried, table)]
    twice = dict.fromkeys(name for name in names if table.names.count(name) > 1) if _has_repeats(table) else ()
    if twice:
        return [complain("E618", column.span, source=table.origin.name, name=name) for name in twice]
    raws = tuple(table.columns[name] for name in names)
    whole = len(names) == 1 and (len(column.axes) == 1 or _is_array(raws[0]))
    return Found(column, tuple(names), raws, not whole)


def _has_repeats(table: Table) -> bool:
    return len(table.columns) < len(table.names)


def _absent(column: ColumnSpec, names: Sequence[str], table: Table) -> Diagnostic:
    shown = [name for name in table.names if name]
    asked = " or ".join([ticked(names[:-1]), f"`{names[-1]}`"]) if len(names) > 1 else f"`{names[0]}`"
    return complain("E601", column.span, source=table.origin.name, name=asked, found=_meant(names[-1], shown, table))


def _meant(name: str, names: Sequence[str], table: Table) -> str:
    """The hint for a column that is not there: a first line of several words after a `#` was no header."""
    is_prose = len(names) == 1 or " " in (names[0] if names else "")
    if table.is_flat and table.origin.is_file and is_prose and starts_comment(names):
        return COMMENT
    return meant(name, names)


def unused(table: Table, used: Iterable[str]) -> tuple[str, ...]:
    """The columns that no declaration took, in file order."""
    taken = set(used)
    return tuple(dict.fromkeys(name for name in table.names if name not in taken))

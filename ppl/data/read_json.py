"""JSON to tables: an object of arrays (as Stan writes it), or a list of records."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ppl.data.table import Origin, Raw, Table
from ppl.data.wording import counted
from ppl.source.diagnostic import Diagnostic, ModelError, complain

_KINDS: Mapping[type, str] = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def json_table(text: str, notes: tuple[Diagnostic, ...], origin: Origin) -> Table:
    """The table in a JSON text. Raises ModelError: E603, E605, E618."""
    content = _content(text, origin)
    if _is_records(content):
        return records_table(content, origin, notes)
    if not isinstance(content, _Pairs):
        kind = _KINDS.get(type(content), "a number")
        raise ModelError([complain("E605.top", source=origin.name, kind=kind)])
    return lists_table(content, origin, notes)


def json_tables(text: str, notes: tuple[Diagnostic, ...], name: str, tables: Sequence[str]) -> dict[str, Table] | None:
    """The tables of those names in a JSON text that has an object, or a list of records, for them; None where it has
    arrays by the names of columns. Raises ModelError: E603, E605."""
    content = _content(text, Origin(name))
    pairs = dict(content) if isinstance(content, _Pairs) else {}
    nested = {t: pairs[t] for t in tables if isinstance(pairs.get(t), _Pairs) or _is_records(pairs.get(t))}
    found = {t: _nested(value, Origin(f"{name}, {t}"), notes) for t, value in nested.items()}
    return found or None


def _nested(value: Any, origin: Origin, notes: tuple[Diagnostic, ...]) -> Table:
    return lists_table(value, origin, notes) if isinstance(value, _Pairs) else records_table(value, origin, notes)


def _is_records(content: object) -> bool:
    return isinstance(content, list) and bool(content) and all(isinstance(item, _Pairs) for item in content)


def _content(text: str, origin: Origin) -> Any:
    """What a JSON text holds. Raises ModelError: E603, E605."""
    if not text.strip():
        raise ModelError([complain("E603", source=origin.name)])
    try:
        return json.loads(text, object_pairs_hook=_Pairs)
    except json.JSONDecodeError as error:
        place: dict[str, Any] = {"line": error.lineno, "col": error.colno}
        raise ModelError([complain("E605.json", source=origin.name, why=error.msg.lower(), **place)]) from None
    except (RecursionError, ValueError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ModelError([complain("E605.arrays", source=origin.name, why=why)]) from None


class _Pairs(list[tuple[str, object]]):
    """An object as written: its keys in order, repeats kept."""


def records_table(
    records: Sequence[Iterable[tuple[str, object]]], origin: Origin, notes: tuple[Diagnostic, ...] = ()
) -> Table:
    """One record per row; a key that a record lacks is a missing cell."""
    rows = [dict(record) for record in records]
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    columns = {name: raw_of_list([row.get(name) for row in rows]) for name in names}
    return Table(origin, names, columns, is_flat=False, notes=notes)


def lists_table(pairs: Sequence[tuple[str, object]], origin: Origin, notes: tuple[Diagnostic, ...] = ()) -> Table:
    """One key per column, each a nested list."""
    names = tuple(name for name, _ in pairs)
    return Table(origin, names, {name: raw_of_list(value) for name, value in pairs}, is_flat=False, notes=notes)


def raw_of_list(value: object) -> Raw:
    """A nested list, flattened; its `fault` says where it is not rectangular."""
    cells: Sequence[object] = [value]
    shape: tuple[int, ...] = ()
    while cells and any(_is_list(cell) for cell in cells):
        widths = [len(cell) if _is_list(cell) else -1 for cell in cells]  # type: ignore[arg-type]
        odd = next((index for index, width in enumerate(widths) if width != widths[0]), None)
        if odd is not None:
            return Raw(cells, shape, _fault(widths, odd))
        shape = (*shape, widths[0])
        cells = [item for cell in cells for item in cell]  # type: ignore[attr-defined]
    fault = next(("it holds an object" for cell in cells if isinstance(cell, (_Pairs, dict))), "")
    return Raw(cells, shape, fault)


def _is_list(cell: object) -> bool:
    return isinstance(cell, (list, tuple)) and not isinstance(cell, _Pairs)


def _fault(widths: list[int], odd: int) -> str:
    return f"item 1 has {_width(widths[0])}, item {odd + 1} has {_width(widths[odd])}"


def _width(width: int) -> str:
    return "a single value" if width < 0 else counted(width, "value")

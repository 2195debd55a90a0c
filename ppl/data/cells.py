"""One column of cells to values, kind by kind. A cell is a text, a number, a date, or None.

Every parser tries the whole column at once first: ten thousand cells are one call. Only a column that this cannot read
is taken cell by cell, to say where it goes wrong.
"""

import math
from array import array
from collections.abc import Callable, Mapping, Sequence

from ppl.data.dates import parse_dates
from ppl.data.labels import parse_bool, parse_label, parse_text
from ppl.data.options import Options
from ppl.data.parsed import Bad, Parsed, is_missing

INT64 = 2**63


def parse_cells(kind: str, cells: Sequence[object], options: Options) -> Parsed:
    """The values of a column of that kind; cells that it cannot be are in `bad`."""
    return _PARSERS[kind](cells, options)


# ---- numbers -----------------------------------------------------------------------------------------------------


def parse_real(cells: Sequence[object], options: Options) -> Parsed:
    values = _all_floats(cells, options)
    return Parsed(values) if values is not None else _each(cells, options, _real, math.nan)


def _all_floats(cells: Sequence[object], options: Options) -> Sequence[float] | None:
    """All cells as finite numbers, or None if some need a closer look. A sum is finite only if every term is."""
    if isinstance(cells, array):
        return cells if math.isfinite(sum(cells)) and not _has_numeric_na(options) else None
    if options.decimal != "." or _has_numeric_na(options):
        return None
    try:
        values = list(map(float, cells))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return values if math.isfinite(sum(values)) and _is_plain(cells) else None


def _has_numeric_na(options: Options) -> bool:
    return any(_is_float(text) for text in options.na)


def _is_float(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_plain(cells: Sequence[object]) -> bool:
    """No `1_000`, which Python reads as a number and nobody else does, and no `True` among the numbers."""
    try:
        return "_" not in "".join(cells)  # type: ignore[arg-type]
    except TypeError:
        return not any(isinstance(cell, bool) or (isinstance(cell, str) and "_" in cell) for cell in cells)


def _real(cell: object, options: Options) -> float:
    """A number. Raises ValueError."""
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return float(cell)
    text = _text_of_number(cell, options)
    return float(text)


def _text_of_number(cell: object, options: Options) -> str:
    if not isinstance(cell, str) or "_" in cell:
        raise ValueError(cell)
    if options.decimal == ".":
        return cell
    if "." in cell:
        raise ValueError(cell)
    return cell.replace(options.decimal, ".")


def parse_int(cells: Sequence[object], options: Options) -> Parsed:
    values = _all_ints(cells, options)
    return Parsed(values) if values is not None else _each(cells, options, _int, 0)


def _all_ints(cells: Sequence[object], options: Options) -> Sequence[int] | None:
    if _has_numeric_na(options):
        return None
    if isinstance(cells, array) and cells.typecode == "q":
        return cells
    try:
        values = list(map(int, cells)) if set(map(type, cells)) <= {str, int} else None  # type: ignore[arg-type]
    except ValueError:
        return None
    if not values or max(values) >= INT64 or min(values) < -INT64:
        return None
    return values if _is_plain(cells) else None


def _int(cell: object, options: Options) -> int:
    """A whole number, also when written 3.0 or 3e5. Raises ValueError, or NotWhole."""
    if isinstance(cell, str):
        text = _text_of_number(cell, options)
        try:
            return _in_range(int(text))
        except ValueError:
            cell = float(text)
    if isinstance(cell, bool) or not isinstance(cell, (int, float)):
        raise ValueError(cell)
    if isinstance(cell, float) and not cell.is_integer():
        raise ValueError(cell) if math.isnan(cell) else NotWhole(cell)
    return _in_range(int(cell))


class NotWhole(Exception):
    """A number with a fraction, or infinite, where a whole one is asked for."""


class TooLarge(Exception):
    """A whole number that 64 bits cannot hold."""


def _in_range(value: int) -> int:
    if -INT64 <= value < INT64:
        return value
    raise TooLarge(value)


# ---- one cell at a time ------------------------------------------------------------------------------------------

_FAULTS: Mapping[type[Exception], str] = {
    ValueError: "E610",
    TypeError: "E610",
    OverflowError: "E611.large",
    NotWhole: "E611",
    TooLarge: "E611.large",
}


def _each(cells: Sequence[object], options: Options, read: Callable[[object, Options], float], blank: float) -> Parsed:
    texts = options.missing_texts
    values: list[float] = []
    missing: list[int] = []
    bad: list[Bad] = []
    for index, cell in enumerate(cells):
        value = blank
        if is_missing(cell, texts):
            missing.append(index)
        else:
            try:
                value = read(cell, options)
            except tuple(_FAULTS) as fault:
                bad.append(Bad(index, cell, _FAULTS[type(fault)]))
            if math.isnan(value):  # `nan` in any spelling
                missing.append(index)
        values.append(value)
    faulty = {fault.index for fault in bad}
    return Parsed(values, tuple(index for index in missing if index not in faulty), tuple(bad))


_PARSERS: Mapping[str, Callable[[Sequence[object], Options], Parsed]] = {
    "real": parse_real,
    "int": parse_int,
    "bool": parse_bool,
    "factor": parse_label,
    "ordinal": parse_label,
    "key": parse_label,
    "pointer": parse_label,
    "text": parse_text,
    "date": parse_dates,
}

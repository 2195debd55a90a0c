"""Dates to days since 1970-01-01."""

import re
from collections.abc import Sequence
from datetime import date, datetime

from ppl.data.options import Options
from ppl.data.parsed import Bad, Parsed, is_nan

EPOCH = date(1970, 1, 1).toordinal()
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?\Z")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)\Z")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})\Z")
AMBIGUOUS = "E607"


def parse_dates(cells: Sequence[object], options: Options) -> Parsed:
    """ISO dates (also with / or . and with a time of midnight), d.m.y with dots, and d/m/y or m/d/y where some row
    decides which of the two: else the first of them is bad (E607)."""
    texts = options.missing_texts
    blank = [index for index, cell in enumerate(cells) if _is_blank(cell, texts)]
    skipped = set(blank)
    order = year_last_order([cell.strip() for cell in cells if isinstance(cell, str)])
    days: list[int] = []
    bad: list[Bad] = []
    for index, cell in enumerate(cells):
        day = 0 if index in skipped else _day(cell, order)
        if day is None:
            bad.append(Bad(index, cell, AMBIGUOUS if order is None and _is_year_last(cell) else "E610.date"))
        days.append(day or 0)
    return Parsed(days, tuple(blank), tuple(bad))


def year_last_order(texts: Sequence[str]) -> str | None:
    """`dmy` or `mdy`, as the dates with the year last must mean; None if nothing decides."""
    found = [match for match in map(_YEAR_LAST.match, texts) if match]
    first = max((int(match[1]) for match in found), default=0)
    second = max((int(match[3]) for match in found), default=0)
    dots = any(match[2] == "." for match in found)
    if dots or (first > 12 >= second):
        return "dmy"
    if second > 12 >= first:
        return "mdy"
    same = all(int(match[1]) == int(match[3]) for match in found)
    return "dmy" if same or (first > 12 and second > 12) else None


def _is_blank(cell: object, texts: frozenset[str]) -> bool:
    return cell.strip() in texts if isinstance(cell, str) else cell is None or is_nan(cell)


def _is_year_last(cell: object) -> bool:
    return isinstance(cell, str) and _YEAR_LAST.match(cell.strip()) is not None


def _day(cell: object, order: str | None) -> int | None:
    if isinstance(cell, datetime):
        return cell.toordinal() - EPOCH if cell.time().isoformat() == "00:00:00" else None
    if isinstance(cell, date):
        return cell.toordinal() - EPOCH
    return _day_of_text(cell.strip(), order) if isinstance(cell, str) else None


def _day_of_text(text: str, order: str | None) -> int | None:
    if match := _YEAR_FIRST.match(text):
        return _ordinal(match[1], match[3], match[4])
    if match := _COMPACT.match(text):
        return _ordinal(match[1], match[2], match[3])
    match = _YEAR_LAST.match(text)
    if match is None or order is None:
        return None
    day, month = (match[1], match[3]) if order == "dmy" else (match[3], match[1])
    return _ordinal(match[4], month, day)


def _ordinal(year: str, month: str, day: str) -> int | None:
    try:
        return date(int(year), int(month), int(day)).toordinal() - EPOCH
    except ValueError:
        return None


def date_text(day: int) -> str:
    """The ISO text of a day since 1970-01-01."""
    return date.fromordinal(day + EPOCH).isoformat()

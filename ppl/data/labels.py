"""Columns of true and false, and of labels and texts."""

import math
from collections.abc import Sequence

from ppl.data.options import Options
from ppl.data.parsed import Bad, Parsed, is_missing

# ---- true and false ----------------------------------------------------------------------------------------------

BOOL_STYLES: tuple[tuple[str, str], ...] = (
    ("true", "false"),
    ("TRUE", "FALSE"),
    ("True", "False"),
    ("yes", "no"),
    ("Yes", "No"),
    ("YES", "NO"),
    ("T", "F"),
    ("1", "0"),
)


def parse_bool(cells: Sequence[object], options: Options) -> Parsed:
    """0 and 1. The style of a column is the one that most of its cells have; the others are bad."""
    texts = {cell: _bool_text(cell) for cell in set(cells)}
    if not any(is_missing(cell, options.missing_texts) for cell in texts):
        for true, false in BOOL_STYLES:
            if {true, false}.issuperset(texts.values()):
                codes = {cell: int(text == true) for cell, text in texts.items()}
                return Parsed([codes[cell] for cell in cells])
    return _each_bool(cells, [texts[cell] for cell in cells], options)


def _each_bool(cells: Sequence[object], texts: Sequence[str], options: Options) -> Parsed:
    style = bool_style(texts)
    absent = options.missing_texts
    missing = tuple(index for index, cell in enumerate(cells) if is_missing(cell, absent))
    blank = set(missing)
    odd = [index for index, text in enumerate(texts) if text not in style and index not in blank]
    values = [int(text == style[0] and index not in blank) for index, text in enumerate(texts)]
    return Parsed(values, missing, tuple(Bad(index, cells[index], "E610.bool") for index in odd))


def bool_style(texts: Sequence[str]) -> tuple[str, str]:
    return max(BOOL_STYLES, key=lambda style: texts.count(style[0]) + texts.count(style[1]))


def _bool_text(cell: object) -> str:
    """Numbers 0 and 1 are one style, however they are stored; true and false are Python's."""
    match cell:
        case str():
            return cell.strip()
        case float() if cell.is_integer():
            return str(int(cell))
    return str(cell)


# ---- levels and texts --------------------------------------------------------------------------------------------


def parse_label(cells: Sequence[object], options: Options) -> Parsed:
    """Texts; a missing one is empty."""
    if not options.strip and set(map(type, cells)) == {str}:
        distinct = set(cells)
        if not any(is_missing(cell, options.missing_texts) for cell in distinct):
            return Parsed(cells)
    return _each_label(cells, options)


def _each_label(cells: Sequence[object], options: Options) -> Parsed:
    texts: list[str] = []
    blank = options.missing_texts
    missing: list[int] = []
    bad: list[Bad] = []
    for index, cell in enumerate(cells):
        text = _label(cell)
        if text is None:
            bad.append(Bad(index, cell, "E610.label"))
        elif is_missing(cell, blank):
            missing.append(index)
            text = ""
        texts.append(text.strip() if text and options.strip else text or "")
    return Parsed(texts, tuple(missing), tuple(bad))


def parse_text(cells: Sequence[object], options: Options) -> Parsed:
    """Texts as they are. Nothing is computed with them, so an empty one is no gap."""
    return Parsed(
        [cell if isinstance(cell, str) else _label(cell) or str(cell) if cell is not None else "" for cell in cells]
    )


def _label(cell: object) -> str | None:
    """Whole numbers are labels however they are stored, so 3.0 from a data frame is "3"; fractions are not."""
    match cell:
        case str():
            return cell
        case bool():
            return str(cell).lower()
        case int() | None:
            return str(cell)
        case float():
            return str(int(cell)) if cell.is_integer() else str(cell) if math.isnan(cell) else None
    return str(cell)

"""The order of levels: numbers by size, so that "2" comes before "10"."""

import math
import re
from collections.abc import Iterable

_DIGITS = re.compile(r"(\d+)")


def natural_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Sorted as numbers if all labels are numbers, else with the digits inside them compared as numbers."""
    distinct = sorted(set(labels))
    try:
        values = {label: float(label) for label in distinct}
    except ValueError:
        return tuple(sorted(distinct, key=_pieces))
    if any(map(math.isnan, values.values())):
        return tuple(sorted(distinct, key=_pieces))
    return tuple(sorted(distinct, key=lambda label: (values[label], _pieces(label))))


def _pieces(label: str) -> tuple[tuple[int, int, str], ...]:
    """A number sorts before a letter, as in ASCII."""
    return tuple(_piece(piece) for piece in _DIGITS.split(label) if piece)


def _piece(piece: str) -> tuple[int, int, str]:
    """Digits compare by length, then as text: the same as by value, whatever their number."""
    if not piece.isdecimal():
        return 1, 0, piece
    digits = piece.lstrip("0")
    return 0, len(digits), digits

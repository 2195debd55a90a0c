"""Numbers for people: as many digits as their posterior standard deviation bears."""

from collections.abc import Iterable, Sequence
from math import floor, isfinite, log10

# Draws know a mean to a few hundredths of a standard deviation: its third digit is the last that means anything.
DIGITS = 3
LARGEST = 1e7
MOST_DECIMALS = 6


def row_text(values: Sequence[float], sd: float) -> list[str]:
    """The numbers of one row, all to the same decimal place: the third digit of the standard deviation."""
    size = max((abs(v) for v in values if isfinite(v)), default=0.0)
    unit = sd if isfinite(sd) and sd > 1e-12 * size else 0.1 * size
    decimals = DIGITS - 1 - floor(log10(unit)) if unit > 0 else 0
    if size >= LARGEST or (size > 0 and decimals > MOST_DECIMALS):
        # one digit less than in fixed notation: these numbers are wide
        digits = min(max(decimals + floor(log10(size)) - 1, 2), 8)
        return [f"{v:.{digits}e}" if isfinite(v) else f"{v:.0f}" for v in values]
    return [_fixed(v, min(max(decimals, 0), MOST_DECIMALS)) for v in values]


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if text.startswith("-") and not text.strip("-0.") else text


def aligned(column: Sequence[str]) -> list[str]:
    """The column with its decimal points below one another, right-aligned to one width."""
    fraction = max((len(_fraction(text)) for text in column), default=0)
    padded = [text + " " * (fraction - len(_fraction(text))) if "e" not in text else text for text in column]
    width = max(map(len, padded), default=0)
    return [text.rjust(width) for text in padded]


def headed(head: str, column: Sequence[str]) -> list[str]:
    """The column below its heading, both flush right."""
    width = max(map(len, (head, *column)))
    return [text.rjust(width) for text in (head, *column)]


def _fraction(text: str) -> str:
    _, point, digits = text.partition(".")
    return point + digits if "e" not in text else ""


def is_weight(name: str) -> bool:
    """Whether this is an array of weights of a net: `NET.LAYER.W`; no other name has a point."""
    return "." in name


def grouped(count: float) -> str:
    """A count with its thousands apart: `31 143`."""
    return f"{count:,.0f}".replace(",", " ")


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 row`, `8 rows`."""
    return f"{grouped(count)} {noun if count == 1 else plural or noun + 's'}"


def seconds_text(seconds: float) -> str:
    """`0.06 s`, `4.1 s`, `3 min 20 s`."""
    if seconds >= 60:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"


def probability(value: float) -> str:
    """Two decimals, never a 0 or a 1 that is not certain."""
    if 0 < value < 0.005:
        return "<.01"
    if 0.995 <= value < 1:
        return ">.99"
    return f"{value:.2f}"


def joined(parts: Iterable[str], width: int, first: str = "", rest: str = "") -> list[str]:
    """Parts with ` · ` between, broken into lines of at most `width`; `first` and `rest` lead the lines."""
    lines: list[str] = []
    line, lead = "", first
    for part in parts:
        if line and len(lead) + len(line) + 3 + len(part) > width:
            lines.append(lead + line)
            line, lead = part, rest
        else:
            line = f"{line} · {part}" if line else part
    return [*lines, lead + line]

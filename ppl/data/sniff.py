"""Which separator a text was written with, when the one in use splits nothing."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

_WORDS = {",": "`,`", ";": "`;`", "\t": "tabs", "|": "`|`", " ": "spaces"}
_FLAGS = {"\t": "--sep tab"}
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+\s*\Z")
_THOUSANDS = re.compile(r"\s*[-+]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?\s*\Z")
_LINES = 50
COMMENT = "the first line looks like a comment: remove it, the header must come first"


@dataclass(frozen=True, slots=True)
class Guess:
    """`words` completes "looks separated by"; `flags` is what to type."""

    words: str
    flags: str


def is_decimal_comma(cell: str) -> bool:
    return _DECIMAL_COMMA.match(cell) is not None


def has_thousands(cell: str) -> bool:
    """Whether commas may separate thousands, as in `1,000` and `12,345.6`; a single one may be a decimal mark too."""
    return _THOUSANDS.match(cell) is not None


def starts_comment(header: Sequence[str]) -> bool:
    """Whether what was read as the header starts like a comment. This is asked once something does not fit: a first
    name may well be `#id`."""
    return bool(header) and header[0].startswith(("#", "//", "%"))


def guess_separator(text: str, sep: str, wanted: Sequence[str]) -> Guess | None:
    """Another separator that splits the first lines evenly while `sep` leaves the header in one piece, or None."""
    lines = [line for line in text[:20_000].split("\n") if line.strip()][:_LINES]
    header = lines[0]
    if sep in header or header.strip().strip('"') in wanted:
        return None
    found = next((other for other in _WORDS if other != sep and _splits(lines, other)), None)
    return None if found is None else _guess(found, lines[1:])


def _splits(lines: list[str], sep: str) -> bool:
    """Spaces are in names and texts too, so they must give every line the same number of cells."""
    widths = {len(line.split() if sep == " " else line.split(sep)) for line in lines}
    return min(widths) > 1 and (sep != " " or (len(widths) == 1 and len(lines) > 1))


def _guess(sep: str, lines: list[str]) -> Guess:
    comma = sep != "," and any(map(_shows_decimal_comma, (cell for line in lines for cell in line.split(sep))))
    words = _WORDS[sep] + (" with decimal commas" if comma else "")
    flags = _FLAGS.get(sep, f"--sep {shell(sep)}") + (" --decimal ," if comma else "")
    return Guess(words, f"`{flags}`")


def _shows_decimal_comma(cell: str) -> bool:
    return is_decimal_comma(cell) and not has_thousands(cell)


def shell(text: str) -> str:
    return shlex.quote(text)

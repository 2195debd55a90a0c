"""The words that complaints about data share: counts, places, quoted cells."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

SHOWN = 3
SHOWN_COLUMNS = 12


def grouped(number: int) -> str:
    """1204 -> `1 204`."""
    return f"{number:,}".replace(",", " ")


def counted(number: int, noun: str) -> str:
    return f"{grouped(number)} {noun}" + ("" if number == 1 else "s")


def listed(numbers: Sequence[int]) -> str:
    """The first few, as `3, 17, 90`."""
    return ", ".join(map(str, numbers[:SHOWN]))


def quoted(text: object) -> str:
    """A cell as the file has it: texts in quotes, line breaks and tabs made visible, long ones cut."""
    if not isinstance(text, str):
        return number(text)
    return '"' + cut(text).replace("\n", "\\n").replace("\t", "\\t") + '"'


def cut(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def number(value: object) -> str:
    """A number without a needless `.0`."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def ticked(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def shape_text(shape: Sequence[int]) -> str:
    """`20 x 4`, `a list of 5`, `a single value`."""
    match len(shape):
        case 0:
            return "a single value"
        case 1:
            return f"a list of {shape[0]}"
    return " x ".join(map(str, shape))


def columns_text(names: Sequence[str]) -> str:
    more = f", … {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else ""
    return f"columns: {', '.join(names[:SHOWN_COLUMNS])}{more}"


def nearest(name: str, names: Sequence[str]) -> str | None:
    """The name that was probably meant: the same but for case and spaces, or a few letters away."""
    same = [other for other in names if _plain(other) == _plain(name)]
    close = same or get_close_matches(name, names, 1, cutoff=0.75)
    return close[0] if close else None


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def meant(name: str, names: Sequence[str]) -> str:
    """The hint for a name that is not among `names`."""
    close = nearest(name, names)
    return f"did you mean `{close}`? ({columns_text(names)})" if close else columns_text(names)

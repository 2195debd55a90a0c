"""What a code means, as half a page."""

import re
import textwrap
from collections.abc import Iterator

from ppl.source.code import Code
from ppl.source.codes import CODES
from ppl.source.pages_model import MODEL_PAGES, RUN_PAGES

HOLE = re.compile(r"\{(\w+)\}")
ROOMS = {
    "E0": "syntax",
    "E1": "names",
    "E2": "declarations",
    "E3": "axes and types",
    "E4": "statements",
    "E5": "estimators",
    "E6": "data",
    "E7": "running",
    "E8": "predictions",
    "W1": "warnings",
}


def page(code: str, width: int) -> str:
    """The message of a code, what it is about, a wrong and a right example, and its variants."""
    rows = [row for row in CODES.values() if row.code == code]
    main = rows[0]
    columns = min(width, 90)
    lines = [*textwrap.wrap(f"{code} ({ROOMS[code[:2]]}): {_plain(main.message)}", columns), ""]
    about, wrong, right = _texts(main)
    lines += [*textwrap.wrap(about, columns), ""] if about else []
    lines += [*_example("wrong", wrong), *_example("right", right)]
    if not right and _says_something(main.hint):
        lines += [*textwrap.wrap(f"what to do: {_plain(main.hint)}", columns), ""]
    lines += _variants(rows[1:], columns)
    return "\n".join(lines).rstrip()


def _texts(row: Code) -> tuple[str, str, str]:
    """What a code is about, a wrong and a right example."""
    known = {**MODEL_PAGES, **RUN_PAGES}.get(row.code)
    if row.about or known is None:
        return row.about, row.wrong, row.right
    return known.about, known.wrong, known.right


def _says_something(hint: str) -> bool:
    """Whether more is left of a hint than its holes."""
    return bool(HOLE.sub("", hint).strip("` "))


def _plain(text: str) -> str:
    """A template as prose: `{name}` becomes ‹name›."""
    return HOLE.sub(r"‹\1›", text).replace("{{", "{").replace("}}", "}")


def _example(word: str, text: str) -> list[str]:
    if not text:
        return []
    return [f"{word}:", *(f"    {line}".rstrip() for line in text.splitlines()), ""]


def _variants(rows: list[Code], columns: int) -> Iterator[str]:
    """The other messages under the same code."""
    if not rows:
        return
    yield "also said as:"
    for row in rows:
        yield from textwrap.wrap(_plain(row.message), columns, initial_indent="  - ", subsequent_indent="    ")

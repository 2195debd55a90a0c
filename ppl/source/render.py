"""Complaints as text for people and as records for programs."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ppl.source.diagnostic import Diagnostic, Fix
from ppl.source.span import Span

_TAB = " " * 4
_RED, _YELLOW, _BLUE, _BOLD, _PLAIN = "\033[1;31m", "\033[1;33m", "\033[1;34m", "\033[1m", "\033[0m"


@dataclass(frozen=True, slots=True)
class Mark:
    """One stretch of one line, what to draw under it, and what to say there. Columns count from 1, the end excluded."""

    file: str
    line: int
    col: int
    end_col: int
    sign: str
    text: str


def render(diagnostics: Iterable[Diagnostic], texts: Mapping[str, str], color: bool = False, width: int = 120) -> str:
    """All complaints, a blank line between two. `texts` maps a file to its text, for the lines that are shown; a line
    longer than `width` is cut around what is marked."""
    return "\n\n".join(_one(d, {path: _lines(text) for path, text in texts.items()}, color, width) for d in diagnostics)


def summary(diagnostics: Sequence[Diagnostic]) -> str:
    """`1 error, 2 warnings`."""
    warnings = sum(d.is_warning for d in diagnostics)
    counts = ((len(diagnostics) - warnings, "error"), (warnings, "warning"))
    return ", ".join(f"{n} {word}{'s' * (n > 1)}" for n, word in counts if n) or "no errors"


def _lines(text: str) -> list[str]:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")


# ---- one complaint -----------------------------------------------------------------------------------------------


def _one(d: Diagnostic, sources: Mapping[str, list[str]], color: bool, width: int) -> str:
    marks = _marks(d, sources)
    gutter = max((len(str(mark.line)) for mark in marks), default=len(str(d.span.line)) if d.span else 2)
    tone = _YELLOW if d.is_warning else _RED
    kind = "warning" if d.is_warning else "error"
    rows = [_paint(f"{kind}[{d.code}]", tone, color) + _paint(f": {d.message}", _BOLD, color)]
    if d.span is not None and d.span.line:
        rows.append(" " * gutter + _paint("--> ", _BLUE, color) + f"{d.span.file}:{d.span.line}:{d.span.col}")
        rows += _excerpt(d.span.file, marks, sources, gutter, color, width, tone)
    rows += [" " * (gutter + 1) + line for line in d.lines]
    if d.hint:
        rows.append(" " * (gutter + 1) + _paint("= hint: ", _BLUE, color) + d.hint)
    return "\n".join(row.rstrip() for row in rows)


def _paint(text: str, tone: str, color: bool) -> str:
    return f"{tone}{text}{_PLAIN}" if color else text


def _marks(d: Diagnostic, sources: Mapping[str, list[str]]) -> list[Mark]:
    """What is marked, in the order of the lines; the file of the complaint itself comes first."""
    if d.span is None:
        return []
    marks = _marks_of(d.span, "^", d.label, sources)
    for note in d.also:
        marks += _marks_of(note.span, "-", note.text, sources)
    home = d.span.file
    return sorted(marks, key=lambda mark: (mark.file != home, mark.file, mark.line))


def _marks_of(span: Span, sign: str, text: str, sources: Mapping[str, list[str]]) -> list[Mark]:
    """One mark, or for a span of several lines one on the first and one on the last of them."""
    lines = sources.get(span.file, [])
    if not 1 <= span.line <= len(lines):
        return []
    if span.end_line <= span.line or span.end_line > len(lines):
        return [Mark(span.file, span.line, span.col, max(span.end_col, span.col + 1), sign, text)]
    first, last = lines[span.line - 1].rstrip(), lines[span.end_line - 1]
    start = len(last) - len(last.lstrip()) + 1
    return [
        Mark(span.file, span.line, span.col, max(len(first), span.col) + 1, sign, ""),
        Mark(span.file, span.end_line, start, max(span.end_col, start + 1), sign, text),
    ]


def _excerpt(
    file: str, marks: list[Mark], sources: Mapping[str, list[str]], gutter: int, color: bool, width: int, tone: str
) -> list[str]:
    bar = _paint(" " * (gutter + 1) + "|", _BLUE, color)
    rows = [bar] if marks else []
    shown: tuple[str, int] = (file, 0)
    for mark in marks:
        if mark.file != shown[0]:
            rows.append(" " * gutter + _paint("::: ", _BLUE, color) + f"{mark.file}:{mark.line}:{mark.col}")
        line, before, signs = _drawn(sources[mark.file][mark.line - 1], mark, width)
        if (mark.file, mark.line) != shown:
            rows.append(_paint(f"{mark.line:>{gutter}} |", _BLUE, color) + f" {line}")
        drawn = _paint(f"{mark.sign * signs} {mark.text}".rstrip(), tone if mark.sign == "^" else _BLUE, color)
        rows.append(f"{bar} {' ' * before}{drawn}")
        shown = (mark.file, mark.line)
    return rows


def _drawn(line: str, mark: Mark, width: int) -> tuple[str, int, int]:
    """The line as shown, the width of what comes before the mark, and the width of the mark."""
    start, end = mark.col - 1, mark.end_col - 1
    before, signs = display_width(line[:start]), max(1, display_width(line[start:end]))
    before += max(0, start - len(line))
    shown = line.replace("\t", _TAB).rstrip()
    if display_width(shown) <= width:
        return shown, before, min(signs, max(1, width - before))
    first = max(0, before - width // 2)
    cut = _slice(shown, first, width)
    lead = "…" if first else ""
    return f"{lead}{cut}…", before - first + len(lead), min(signs, max(1, width - before + first))


def _slice(text: str, first: int, width: int) -> str:
    """The characters of `text` that lie in the columns from `first` on, `width` of them."""
    kept, column = [], 0
    for letter in text:
        if first <= column < first + width:
            kept.append(letter)
        column += display_width(letter)
    return "".join(kept)


def display_width(text: str) -> int:
    """The columns that a terminal needs for `text`: East Asian wide letters take two, combining marks none."""
    if text.isascii():
        return len(text) + text.count("\t") * (len(_TAB) - 1)
    return sum(map(_letter_width, text))


def _letter_width(letter: str) -> int:
    if letter == "\t":
        return len(_TAB)
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1


# ---- for programs ------------------------------------------------------------------------------------------------


def to_json(diagnostics: Iterable[Diagnostic]) -> dict[str, list[dict[str, Any]]]:
    """`{"errors": [..], "warnings": [..]}`; a complaint without a place has null for each part of it."""
    found = list(diagnostics)
    return {
        "errors": [_record(d) for d in found if not d.is_warning],
        "warnings": [_record(d) for d in found if d.is_warning],
    }


def _record(d: Diagnostic) -> dict[str, Any]:
    return {
        "code": d.code,
        "message": d.message,
        **_place(d.span),
        "label": d.label or None,
        "hint": d.hint or None,
        "fix": _fix(d.fix),
    }


def _place(span: Span | None) -> dict[str, Any]:
    if span is None or not span.line:
        return dict.fromkeys(("file", "line", "col", "end_line", "end_col"))
    return {
        "file": span.file,
        "line": span.line,
        "col": span.col,
        "end_line": span.end_line,
        "end_col": span.end_col,
    }


def _fix(fix: Fix | None) -> dict[str, Any] | None:
    return None if fix is None else {**_place(fix.span), "text": fix.text}

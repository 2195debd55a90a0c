"""A look at a text that does not parse: its pieces, its lines, and a copy with strings and comments blanked."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from ppl.source.span import Span

_HIDDEN = re.compile(
    r"(?P<comment>#[^\n]*)|(?P<slashes>//[^\n]*|/\*.*?(?:\*/|\Z))|(?P<string>\"[^\"\n]*\")"
    r"|(?P<single>'[^'\n]*'|[“”„‟][^“”„‟\"\n]*[“”„‟\"])|(?P<open>\"[^\"\n]*)",
    re.S,
)
_PIECE = re.compile(
    r"(?P<newline>\n)|(?P<string>\"[^\"\n]*\")|(?P<number>\d+(?:_\d+)*(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_\u0370-\u03ff][A-Za-z0-9_\u0370-\u03ff]*)"
    r"|(?P<op>\|>|\.\.|->|<=|>=|==|!=|[^\s])"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """`kind` is newline, string, number, name or op."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hidden:
    """A stretch that is no code: comment, slashes (a comment of another language), string, single (in wrong quotes),
    open (a string without its end)."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Scan:
    """`masked` has the length of `text`: comments are blank there, and strings hold only underscores."""

    path: str
    text: str
    masked: str
    hidden: tuple[Hidden, ...]
    pieces: tuple[Piece, ...]
    line_starts: tuple[int, ...] = field(repr=False)

    def span(self, start: int, end: int) -> Span:
        line, col = self.position(start)
        end_line, end_col = self.position(end)
        return Span(self.path, line, col, end_line, end_col, start, end)

    def gap(self, offset: int) -> Span:
        """The place at `offset` where something is missing: one column wide, whether or not a letter stands there."""
        line, col = self.position(offset)
        return Span(self.path, line, col, line, col + 1, offset, offset)

    def position(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1


def scan(text: str, path: str) -> Scan:
    hidden = tuple(Hidden(m.lastgroup or "", m[0], m.start(), m.end()) for m in _HIDDEN.finditer(text))
    masked = _HIDDEN.sub(_mask, text)
    pieces = tuple(Piece(m.lastgroup or "", m[0], m.start(), m.end()) for m in _PIECE.finditer(masked))
    starts = (0, *(match.end() for match in re.finditer("\n", text)))
    return Scan(path, text, masked, hidden, pieces, starts)


# What ends a string that its author forgot to end: brackets behind it are code.
OPEN_END = re.compile(r"[\s)\]}]*$")


def _mask(match: re.Match[str]) -> str:
    if match.lastgroup in ("comment", "slashes"):
        return re.sub(r"[^\n]", " ", match[0])
    rest = OPEN_END.search(match[0]) if match.lastgroup == "open" else None
    behind = rest[0] if rest else ""
    length = len(match[0]) - len(behind)
    return (f'"{"_" * (length - 2)}"' if length > 1 else " ") + behind

"""Where something stands in a text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of one line or of several: lines and columns count from 1, `end_col` and `end` are exclusive."""

    file: str
    line: int
    col: int
    end_line: int
    end_col: int
    start: int = 0
    end: int = 0

    def to(self, other: "Span") -> "Span":
        """From the start of this span to the end of the other."""
        return Span(self.file, self.line, self.col, other.end_line, other.end_col, self.start, other.end)


NOWHERE = Span("", 0, 0, 0, 0)

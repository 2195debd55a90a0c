"""A text with some stretches replaced, which knows where each position came from."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Put `text` in the place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Patched:
    """`pieces` are (position here, position in the original, whether it was copied from there)."""

    text: str
    pieces: tuple[tuple[int, int, bool], ...]

    def origin(self, position: int) -> int:
        """Where the character at `position` stood; within a replacement, where the replacement begins."""
        here, there, copied = max((piece for piece in self.pieces if piece[0] <= position), default=(0, 0, True))
        return there + (position - here if copied else 0)


def patch(text: str, edits: Iterable[Edit]) -> Patched:
    """The text with the edits made; of two that overlap, the longer one is made."""
    written: list[str] = []
    pieces: list[tuple[int, int, bool]] = []
    length, position = 0, 0
    for edit in _apart(edits):
        for stretch, origin, copied in ((text[position : edit.start], position, True), (edit.text, edit.start, False)):
            pieces.append((length, origin, copied))
            written.append(stretch)
            length += len(stretch)
        position = edit.end
    pieces.append((length, position, True))
    return Patched("".join((*written, text[position:])), tuple(pieces))


def _apart(edits: Iterable[Edit]) -> list[Edit]:
    kept: list[Edit] = []
    for edit in sorted(set(edits), key=lambda e: (e.start - e.end, e.start)):
        if all(edit.end <= other.start or other.end <= edit.start for other in kept):
            kept.append(edit)
    return sorted(kept, key=lambda e: (e.start, e.end))

"""The comments of a text, which the parser skips: where they stand, and which of them are documentation."""

import re

from ppl.source.span import Span
from ppl.syntax.ast import Comment

_COMMENT_OR_STRING = re.compile(r'"[^"\n]*"|#[^\n]*')


def find_comments(text: str, path: str) -> tuple[Comment, ...]:
    """Every comment of `text`, in order; a `#` inside quotes is none."""
    found: list[Comment] = []
    line, counted = 1, 0
    for match in _COMMENT_OR_STRING.finditer(text):
        if match[0][0] == "#":
            line += text.count("\n", counted, match.start())
            counted = match.start()
            found.append(_comment(text, path, line, match.start(), match.end()))
    return tuple(found)


def _comment(text: str, path: str, line: int, start: int, end: int) -> Comment:
    first = text.rfind("\n", 0, start) + 1
    span = Span(path, line, start - first + 1, line, end - first + 1, start, end)
    return Comment(text[start:end].rstrip(), not text[first:start].strip(), span)


def header(comments: tuple[Comment, ...], text: str) -> str:
    """The comment at the top of the file, without its hashes: the lines up to the first that is no comment."""
    lines: list[str] = []
    last = len(text[: len(text) - len(text.lstrip())].split("\n")) - 1
    for comment in comments:
        if not comment.own_line or comment.span.line != last + 1:
            break
        lines.append(bare(comment))
        last += 1
    return "\n".join(lines).strip()


def docs_by_line(comments: tuple[Comment, ...]) -> dict[int, str]:
    """Line -> the `##` documentation of what stands on it: at its end, or else in the lines directly above it."""
    above: dict[int, str] = {}
    behind: dict[int, str] = {}
    for comment in (c for c in comments if c.text.startswith("##")):
        line = comment.span.line
        if comment.own_line:
            above[line + 1] = f"{above[line]}\n{bare(comment)}" if line in above else bare(comment)
        else:
            behind[line] = bare(comment)
    return above | behind


def bare(comment: Comment) -> str:
    return comment.text.lstrip("#").strip()

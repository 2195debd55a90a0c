"""The statements of a text that does not parse, and the brackets that have no partner."""

import re
from dataclasses import dataclass, field

from ppl.source.diagnostic import Diagnostic, Fix, Note, complain
from ppl.syntax.patch import Edit
from ppl.syntax.scan import Piece, Scan

_CLOSER = {"(": ")", "[": "]", "{": "}"}
_CONTINUES = frozenset(["+", "-", "*", "/", "%", "@", "^", "|>", "~", "=", ",", "<", "<=", ">", ">=", "==", "!=", ":"])
_CONTINUES_WORD = frozenset(["and", "or", "not", "if", "then", "else"])
_CONTINUED = frozenset(["then", "else", "|>"])
_DRAWS = re.compile(r"[ \t]*[^\W\d]\w*(?:\.\w+)?[ \t]*(?:\[[^\]\n]*\])?[ \t]*~")
_DEFINES = re.compile(r"[ \t]*[^\W\d]\w*[ \t]*(?:\[[^\]\n]*\])?[ \t]*=(?!=)")
_DECLARES = re.compile(r"[ \t]*[^\W\d]\w*[ \t]*(?:\[[^\]\n]*\])?[ \t]*:")
_ITEM = re.compile(r"[ \t]*(?:(?:model|predict|data|guide)\b[^\n{}()=~:]*\{|(?:net|fun)[ \t]+\w+[ \t]*\()")


@dataclass(frozen=True, slots=True)
class Finding:
    """A complaint, and the edits after which the text may parse further on."""

    complaint: Diagnostic
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement or the header of a block, from `start` to `end`; `opens` where a `{` ends it."""

    start: int
    end: int
    opens: bool
    depth: int


@dataclass(slots=True)
class _Work:
    scan: Scan
    opened: list[Piece] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    first: Piece | None = None
    last: Piece | None = None
    suspect: Piece | None = None


def layout(scan: Scan) -> tuple[tuple[Statement, ...], tuple[Finding, ...]]:
    """The statements in order, and a finding for every bracket without a partner."""
    work = _Work(scan)
    for position, piece in enumerate(scan.pieces):
        _step(work, piece, scan.pieces[position + 1] if position + 1 < len(scan.pieces) else None)
    _unclosed_parentheses(work, len(scan.text.rstrip()))
    _end(work)
    _unclosed_braces(work, len(scan.text), 0)
    return tuple(work.statements), tuple(work.findings)


def _step(work: _Work, piece: Piece, after: Piece | None) -> None:
    match piece.text:
        case "\n":
            _line_break(work, piece, after)
            return
        case "{":
            _unclosed_parentheses(work, piece.start)
            _grow(work, piece)
            _end(work, opens=True)
            work.opened.append(piece)
            return
        case "}":
            _unclosed_parentheses(work, piece.start)
            _end(work)
            _close_brace(work, piece)
            return
        case "(" | "[":
            work.opened.append(piece)
        case ")" | "]":
            _close(work, piece)
    _grow(work, piece)


def _grow(work: _Work, piece: Piece) -> None:
    work.first = work.first or piece
    work.last = piece


def _end(work: _Work, opens: bool = False) -> None:
    if work.first and work.last:
        depth = sum(piece.text == "{" for piece in work.opened)
        work.statements.append(Statement(work.first.start, work.last.end, opens, depth))
    work.first = work.last = None


def _inside(work: _Work) -> bool:
    return bool(work.opened) and work.opened[-1].text != "{"


def _line_break(work: _Work, piece: Piece, after: Piece | None) -> None:
    if _inside(work):
        if not _starts_statement(work, piece.end):
            return
        _unclosed_parentheses(work, work.last.end if work.last else piece.start)
    elif _goes_on(work.last):
        if not _starts_afresh(work, piece.end):
            return
        _incomplete(work)
    elif after and after.text in _CONTINUED:
        return
    _end(work)
    if work.opened and _ITEM.match(work.scan.masked, piece.end):
        _unclosed_braces(work, piece.end, 0)


def _goes_on(last: Piece | None) -> bool:
    return last is not None and (last.text in _CONTINUES or last.text in _CONTINUES_WORD)


def _starts_afresh(work: _Work, position: int) -> bool:
    """Whether the line at `position` is a statement of its own although the one before asks for more."""
    masked = work.scan.masked
    return any(start.match(masked, position) for start in (_DRAWS, _DEFINES, _DECLARES))


def _incomplete(work: _Work) -> None:
    """The last piece asks for more, and nothing comes. A comma is one too many."""
    if work.last and work.last.text == ",":
        span = work.scan.span(work.last.start, work.last.end)
        complaint = complain("E038", span, fix=Fix(span, ""))
        work.findings.append(Finding(complaint, (Edit(work.last.start, work.last.end, ""),)))
    elif work.last:
        complaint = complain("E030.end", work.scan.gap(work.last.end), where="this statement", help="expected a value")
        work.findings.append(Finding(complaint, (Edit(work.last.end, work.last.end, " x"),)))


def _starts_statement(work: _Work, position: int) -> bool:
    """Whether the line at `position` starts a statement. A name and `=` may as well be an argument with its name,
    if what stands before lets one follow."""
    masked = work.scan.masked
    if _DRAWS.match(masked, position) or _ITEM.match(masked, position):
        return True
    may_follow = _goes_on(work.last) or (work.last is not None and work.last.text in ("(", "["))
    return not may_follow and bool(_DEFINES.match(masked, position))


# ---- brackets without a partner ----------------------------------------------------------------------------------


def _close(work: _Work, piece: Piece) -> None:
    if not _inside(work):
        work.findings.append(_stray(work.scan, piece, "x" if _goes_on(work.last) else ""))
    else:
        opener = work.opened.pop()
        if _CLOSER[opener.text] != piece.text and not _is_interval(work.scan, opener):
            work.findings.append(_crossed(work.scan, opener, piece))


def _is_interval(scan: Scan, opener: Piece) -> bool:
    return bool(re.search(r"\bin[ \t]*$", scan.masked[: opener.start]))


def _crossed(scan: Scan, opener: Piece, piece: Piece) -> Finding:
    right = _CLOSER[opener.text]
    span = scan.span(piece.start, piece.end)
    note = Note(scan.span(opener.start, opener.end), "opened here")
    complaint = complain("E021.crossed", span, also=[note], opener=opener.text, closer=piece.text, right=right)
    return Finding(complaint, (Edit(piece.start, piece.end, right),))


def _stray(scan: Scan, piece: Piece, instead: str = "") -> Finding:
    span = scan.span(piece.start, piece.end)
    complaint = complain("E021", span, closer=piece.text, fix=None if instead else Fix(span, ""))
    return Finding(complaint, (Edit(piece.start, piece.end, instead),))


def _unclosed_parentheses(work: _Work, position: int) -> None:
    """Everything up to the next `{` is closed at `position`; the outermost of them is to blame."""
    outermost: Piece | None = None
    closers = ""
    while _inside(work):
        outermost = work.opened.pop()
        closers += _CLOSER[outermost.text]
    if outermost:
        work.findings.append(_unclosed(work.scan, outermost, Edit(position, position, closers)))


def _close_brace(work: _Work, piece: Piece) -> None:
    if not work.opened:
        work.findings.append(_stray(work.scan, piece))
        return
    opener = work.opened.pop()
    if (
        work.suspect is None
        and _starts_line(work.scan, piece)
        and _indent(work.scan, piece) < _indent(work.scan, opener)
    ):
        work.suspect = opener


def _starts_line(scan: Scan, piece: Piece) -> bool:
    return not scan.masked[scan.masked.rfind("\n", 0, piece.start) + 1 : piece.start].strip()


def _indent(scan: Scan, piece: Piece) -> int:
    line = scan.masked[scan.masked.rfind("\n", 0, piece.start) + 1 :]
    return len(line) - len(line.lstrip(" \t"))


def _unclosed_braces(work: _Work, position: int, keep: int) -> None:
    """All braces from the `keep`th on are closed at `position`. Where a `}` further left than the line of its `{` has
    taken another's place, that `{` is to blame: the indentation tells."""
    missing = len(work.opened) - keep
    if missing > 0:
        blamed = work.suspect or work.opened[-1]
        work.findings.append(_unclosed(work.scan, blamed, Edit(position, position, "\n" + "}\n" * missing)))
        del work.opened[keep:]
    work.suspect = None


def _unclosed(scan: Scan, opener: Piece, edit: Edit) -> Finding:
    span = scan.span(opener.start, opener.end)
    return Finding(complain("E020", span, opener=opener.text, closer=_CLOSER[opener.text]), (edit,))

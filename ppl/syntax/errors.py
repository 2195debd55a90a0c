"""Every syntax error of a text that does not parse: complain, repair, parse on."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lark import Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from ppl.source.diagnostic import Diagnostic, complain
from ppl.syntax.habits import BUGS, find_characters, find_habits, find_hidden
from ppl.syntax.layout import Finding, Statement, layout
from ppl.syntax.patch import Edit, Patched, patch
from ppl.syntax.scan import Scan, scan
from ppl.syntax.tables import parser
from ppl.syntax.unexpected import explain, stop_at

_MOST_ERRORS = 50
# Each error costs one more parse up to it: a long text with many errors gets fewer of them in one run.
_MOST_LETTERS = 400_000


def find_errors(text: str, path: str) -> tuple[Diagnostic, ...]:
    """The complaints about a text, in the order of the text: first what is recognised by its look, then what the parser
    trips over once that is repaired. A statement that has one complaint gets no second from the parser."""
    seen = scan(text, path)
    statements, brackets = layout(seen)
    found = [*find_hidden(seen), *find_characters(seen), *find_habits(seen)]
    found += [finding for finding in brackets if not _is_follow_on(finding, found)]
    found = _parse_on(seen, statements, found)
    complaints = (finding.complaint for finding in found)
    return tuple(sorted(dict.fromkeys(complaints), key=lambda d: (d.span.start, d.span.end) if d.span else (0, 0)))


def find_bugs_names(text: str, path: str) -> tuple[Diagnostic, ...]:
    """Names such as `dnorm`, which parse as well as any other name."""
    return tuple(finding.complaint for finding in find_habits(scan(text, path), BUGS))


def _parse_on(seen: Scan, statements: Sequence[Statement], found: list[Finding]) -> list[Finding]:
    edits = [edit for finding in found for edit in finding.edits]
    blank: set[Statement] = set()
    for _ in range(min(_MOST_ERRORS, max(5, _MOST_LETTERS // (len(seen.text) + 1)))):
        patched = patch(seen.text, edits)
        failure = _first_failure(patched.text)
        if failure is None:
            break
        finding, place = _judge(seen, patched, failure)
        statement = _statement_at(statements, place)
        new = statement is None or not _has_complaint(statement, found)
        if new:
            found = [*found, finding]
        if new and finding.edits:
            edits += finding.edits
        elif statement is None or statement in blank:
            break
        else:
            blank.add(statement)
            edits = _blanked(seen, statement, edits)
    return found


def _is_follow_on(finding: Finding, found: Sequence[Finding]) -> bool:
    """A statement that is not complete, on a line that has a complaint."""
    complaint = finding.complaint
    lines = {other.complaint.span.line for other in found if other.complaint.span}
    return complaint.code == "E030" and complaint.span is not None and complaint.span.line in lines


@dataclass(frozen=True, slots=True)
class _Failure:
    """Where Lark stopped in the patched text. `accepts` are the token types that it would have taken there; `token` is
    None where no token begins."""

    position: int
    token: Token | None
    accepts: frozenset[str]


def _first_failure(text: str) -> _Failure | None:
    """Lark may reduce on a token before it refuses it, and then knows less of what it would have taken: so the state
    before each token is kept."""
    now: Any = parser().parse_interactive(text)
    before = now.copy(deepcopy_values=False)
    try:
        for token in now.lexer_thread.lex(now.parser_state):
            now.feed_token(token)
            before = now.copy(deepcopy_values=False)
        now.feed_eof()
    except UnexpectedToken as error:
        return _Failure(error.token.start_pos or 0, error.token, frozenset(before.accepts()))
    except UnexpectedCharacters as error:
        return _Failure(error.pos_in_stream or 0, None, frozenset())
    return None


def _judge(seen: Scan, patched: Patched, failure: _Failure) -> tuple[Finding, int]:
    """The finding, and a position inside the statement that is to blame for it."""
    start = patched.origin(failure.position)
    if failure.token is None:
        span = seen.span(start, start + 1)
        return Finding(complain("E030", span, found=f"`{seen.text[start : start + 1]}`", help="")), start
    start = len(seen.text.rstrip()) if failure.token.type == "$END" else start
    stop = stop_at(seen, failure.token, failure.accepts, start)
    return explain(stop), stop.before.start if stop.ends and stop.before else start


def _statement_at(statements: Sequence[Statement], position: int) -> Statement | None:
    """The statement that covers `position`, or that ends on its left."""
    index = bisect_right([statement.start for statement in statements], position) - 1
    return statements[index] if index >= 0 else None


def _has_complaint(statement: Statement, found: Iterable[Finding]) -> bool:
    spans = (finding.complaint.span for finding in found)
    return any(span and statement.start <= span.start <= statement.end for span in spans)


def _blanked(seen: Scan, statement: Statement, edits: Iterable[Edit]) -> list[Edit]:
    """The statement goes, and what was done within it. Of a header only the `{` stays, behind words that always fit."""
    inside = seen.masked[statement.end : statement.end + 200].lstrip()
    kept = [edit for edit in edits if not (statement.start <= edit.start and edit.end <= statement.end)]
    return [*kept, Edit(statement.start, statement.end, _header(statement, inside) if statement.opens else "")]


def _header(statement: Statement, inside: str) -> str:
    if statement.depth:
        return "\nfor x in x {"
    first, _, rest = inside.partition("\n")[0].partition(":")
    return "\ndata {" if rest and first.strip().replace("[", "").replace("]", "").isidentifier() else "\nmodel {"

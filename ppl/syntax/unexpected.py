"""What to say where the parser stopped: the specific complaint if a rule of the table fits, else what was expected."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from lark import Token

from ppl.source.diagnostic import Diagnostic, Fix, complain
from ppl.source.span import Span
from ppl.source.suggest import did_you_mean
from ppl.syntax.layout import Finding
from ppl.syntax.patch import Edit
from ppl.syntax.scan import Piece, Scan

_ITEMS = ("data", "model", "guide", "predict", "axis", "const", "param", "fun", "net", "import", "minimize", "maximize")
_BLOCKS = ("data", "model", "guide", "predict")
_ITEM_ALIASES = {"posterior": "guide", "prior": "model", "variational": "guide", "generate": "predict", "let": "const",
                 "function": "fun", "def": "fun", "dim": "axis", "plate": "axis"}  # fmt: skip
_HARD = frozenset(
    ["for", "param", "observe", "factor", "if", "then", "else", "and", "or", "not", "true", "false", "return"]
)
_END = frozenset(["_NL", "RBRACE", "$END"])
_COMPARED = re.compile(r"[\w.]+\s*(?:[<>]=?|[=!]=)\s*([\w.]+)\s*$")
_VALUE = frozenset(["NUMBER", "STRING", "NAME"])

# What a missing token is called, in the order in which it is named; the first that fits its group stands for all.
_WORDED: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset(["NUMBER", "STRING", "LPAR", "NAME"]), "a value"),
    (frozenset(["NUMBER", "NAME", "MINUS"]), "a number or a name"),
    (frozenset(["NAME"]), "a name"),
    (frozenset(["STRING"]), "a text in quotes"),
    (frozenset(["TILDE"]), "`~`"),
    (frozenset(["EQUAL"]), "`=`"),
    (frozenset(["COLON"]), "`:`"),
    (frozenset(["THEN"]), "`then`"),
    (frozenset(["ELSE"]), "`else`"),
    (frozenset(["IN"]), "`in`"),
    (frozenset(["FROM"]), "`from`"),
    (frozenset(["BY"]), "`by`"),
    (frozenset(["RETURN"]), "`return`"),
    (frozenset(["_ARROW"]), "`->`"),
    (frozenset(["LBRACE"]), "`{`"),
    (frozenset(["COMMA"]), "`,`"),
    (frozenset(["RPAR"]), "`)`"),
    (frozenset(["RSQB"]), "`]`"),
    (frozenset(["PLUS", "TIMES"]), "an operator"),
    (frozenset(["REL"]), "a limit such as `> 0`"),
    (frozenset(["_NL"]), "a new line"),
    (frozenset(["RBRACE"]), "`}`"),
)

# Naming one thing names these with it.
_SAID_WITH: dict[str, frozenset[str]] = {
    "a value": _VALUE | {"LPAR", "LSQB", "MINUS", "NOT", "IF"},
    "a number or a name": _VALUE | {"MINUS"},
    "an operator": frozenset(["PLUS", "TIMES", "REL", "EQ", "MINUS"]),
}


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the parser stopped, in positions of the original text: what it found, and the token types it would have
    taken. `before` and `after` are the pieces on either side of `piece`, which is None at the end of the text."""

    scan: Scan
    type: str
    text: str
    start: int
    end: int
    accepts: frozenset[str]
    before: Piece | None
    piece: Piece | None
    after: Piece | None

    @property
    def span(self) -> Span:
        return self.scan.span(self.start, self.end)

    @property
    def ends(self) -> bool:
        return self.type in _END

    def gap(self) -> Span:
        """The place behind the last piece, where something is missing."""
        position = self.before.end if self.before else 0
        return self.scan.gap(position)


def stop_at(scan: Scan, token: Token, accepts: frozenset[str], start: int) -> Stop:
    """The stop at a token that is not among what the parser takes; `start` is where it stands in the original text."""
    visible = [piece for piece in scan.pieces if piece.kind != "newline"]
    at = next((i for i, piece in enumerate(visible) if piece.end > start), len(visible))
    around = (None, *visible, None, None)
    before, piece, after = around[at : at + 3]
    if token.type in ("_NL", "$END"):
        return Stop(scan, token.type, "", start, start, accepts, before, piece, after)
    end = start + len(token)
    if piece and piece.start <= start and end <= piece.end and len(piece.text) > len(token):  # a part of a longer sign
        return Stop(scan, "", piece.text, piece.start, piece.end, frozenset(), before, piece, after)
    return Stop(scan, token.type, str(token), start, end, accepts, before, piece, after)


def explain(stop: Stop) -> Finding:
    for rule in _RULES:
        finding = rule(stop)
        if finding:
            return finding
    return Finding(_plainly(stop))


# ---- the rules, most specific first ------------------------------------------------------------------------------


def _keyword_as_name(stop: Stop) -> Finding | None:
    word = stop.before
    if word and word.text in _HARD and stop.type in ("TILDE", "EQUAL", "LSQB", "COLON"):
        return Finding(complain("E033", stop.scan.span(word.start, word.end), name=word.text))
    if stop.text in _HARD and "NAME" in stop.accepts and "NUMBER" not in stop.accepts and "_NL" not in stop.accepts:
        return Finding(complain("E033", stop.span, name=stop.text))
    return None


def _missing_else(stop: Stop) -> Finding | None:
    if "ELSE" in stop.accepts and "THEN" not in stop.accepts and (stop.ends or stop.type in ("RPAR", "RSQB", "COMMA")):
        return Finding(complain("E025", stop.gap()))
    return None


def _missing_then(stop: Stop) -> Finding | None:
    if "THEN" in stop.accepts and stop.type not in ("EQUAL", "REL", "EQ"):
        return Finding(complain("E025.then", stop.gap() if stop.ends else stop.span))
    return None


def _single_equal(stop: Stop) -> Finding | None:
    if stop.type == "EQUAL" and "REL" in stop.accepts and "PLUS" in stop.accepts:
        fix = Fix(stop.span, "==")
        return Finding(complain("E024", stop.span, fix=fix), (Edit(stop.start, stop.end, "=="),))
    return None


def _chained(stop: Stop) -> Finding | None:
    if stop.type in ("REL", "EQ") and "AND" in stop.accepts and "REL" not in stop.accepts:
        left = _COMPARED.search(stop.scan.masked, 0, stop.start)
        hint = "`a < b and b < c`"
        if left and stop.after and stop.after.kind in ("name", "number"):
            hint = f"`{left[0].strip()} and {left[1]} {stop.text} {stop.after.text}`"
        return Finding(complain("E027", stop.span, hint=hint), (Edit(stop.start, stop.end, " and "),))
    return None


def _unknown_block(stop: Stop) -> Finding | None:
    if not {"MODEL", "DATA"} <= stop.accepts or stop.type != "NAME":
        return None
    if stop.after and stop.after.text in ("~", "=", "[", "<", "."):
        drawn = stop.after.text == "~" or "~" in stop.scan.masked[stop.start : _line_end(stop)]
        hint = f"`model {{ {stop.text} ~ … }}`" if drawn else f"`const {stop.text} = …`, or put it in `model {{ … }}`"
        return Finding(complain("E031", stop.span, help=hint))
    opens = stop.after is not None and (stop.after.text == "{" or stop.scan.masked[: _line_end(stop)].endswith("{"))
    meant = did_you_mean(stop.text, _BLOCKS if opens else _ITEMS, _ITEM_ALIASES)
    if not meant and not opens:
        return None
    help_ = f"did you mean `{meant}`?" if meant else "the blocks are `data`, `model`, `guide` and `predict`"
    fix = Fix(stop.span, meant) if meant else None
    if opens:
        edits = (Edit(stop.start, stop.end, meant),) if meant else ()
        return Finding(complain("E029", stop.span, name=stop.text, help=help_, fix=fix), edits)
    return Finding(complain("E030", stop.span, found=_found(stop), help=help_, fix=fix))


def _line_end(stop: Stop) -> int:
    end = stop.scan.masked.find("\n", stop.start)
    line = stop.scan.masked[: end if end >= 0 else len(stop.scan.masked)]
    return len(line.rstrip())


def _column_without_type(stop: Stop) -> Finding | None:
    if stop.accepts <= {"COLON", "LSQB"} and "COLON" in stop.accepts and stop.before:
        return Finding(complain("E034", stop.gap() if stop.ends else stop.span, name=stop.before.text))
    return None


def _same_line(stop: Stop) -> Finding | None:
    starts = stop.after is not None and stop.after.text in ("~", "=", "[", ":") and stop.type == "NAME"
    if "_NL" in stop.accepts and (starts or (stop.text in _ITEMS and stop.before and stop.before.text == "}")):
        return Finding(complain("E032", stop.span, name=stop.text), (Edit(stop.start, stop.start, "\n"),))
    return None


_RULES: tuple[Callable[[Stop], Finding | None], ...] = (
    _keyword_as_name,
    _missing_else,
    _missing_then,
    _single_equal,
    _chained,
    _unknown_block,
    _column_without_type,
    _same_line,
)


# ---- the rest ----------------------------------------------------------------------------------------------------


def _plainly(stop: Stop) -> Diagnostic:
    """`… is not expected here`, and what was; at the end of a line, that the line is not complete."""
    expected = _expected(stop)
    hint = f"expected {expected}" if expected else "`=` defines, `==` compares" if stop.text == "==" else ""
    if stop.ends and stop.before and not {"_NL", "$END"} & stop.accepts:
        where = "the file" if stop.type == "$END" else "this statement"
        return complain("E030.end", stop.gap(), where=where, help=hint)
    if stop.type == "NAME" and stop.before and stop.before.kind == "number" and "TIMES" in stop.accepts:
        hint = f"a product is written `{stop.before.text} * {stop.text}`"
    return complain("E030", stop.span if stop.end > stop.start else stop.gap(), found=_found(stop), help=hint)


def _found(stop: Stop) -> str:
    if stop.type == "$END":
        return "the end of the file"
    return f"`{stop.text}`" if stop.text else "the end of the line"


def _expected(stop: Stop) -> str:
    """The accepted tokens in words. An operator and a new line are always possible behind a value, so within brackets
    only the comma and the closing bracket are worth naming."""
    if {"MODEL", "DATA"} <= stop.accepts:
        return "one of " + ", ".join(f"`{item}`" for item in _ITEMS)
    left, words = set(stop.accepts), []
    for group, word in _WORDED:
        if group <= left:
            words.append(word)
            left -= _SAID_WITH.get(word, group)
    if "`)`" in words or "`]`" in words:
        words = [word for word in words if word in ("a value", "`,`", "`)`", "`]`")]
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else "".join(words)

"""Which line breaks end a statement: the half of the rule that looks back."""

from collections.abc import Iterator

from lark import Token
from lark.lark import PostLex

_OPEN = frozenset({"LPAR", "LSQB"})
_CLOSE = frozenset({"RPAR", "RSQB"})
_CONTINUES = frozenset([
    "OR", "AND", "NOT", "REL", "EQ", "PLUS", "MINUS", "TIMES", "AT", "POW", "_PIPE", "_RANGE", "_ARROW",
    "COMMA", "TILDE", "EQUAL", "COLON", "IF", "THEN", "ELSE",
])  # fmt: skip


class LineEnds(PostLex):
    """Drops the line breaks inside ( ) and [ ] and after an operator. It only looks back: the lexer, which is asked
    for one token at a time, already knows what the grammar allows next. It keeps nothing between two texts."""

    # A line break may come anywhere; and where no keyword fits, a word is a NAME, so that `modelx` is one word.
    always_accept = ("_NL", "NAME")

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        depth, before = 0, ""
        for token in stream:
            depth = max(0, depth + (token.type in _OPEN) - (token.type in _CLOSE))
            if token.type == "_NL" and (depth or before in _CONTINUES):
                continue
            before = token.type
            yield token

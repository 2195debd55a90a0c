"""E0: what the parser finds."""

from ppl.source.code import Code

SYNTAX_CODES: tuple[Code, ...] = ()

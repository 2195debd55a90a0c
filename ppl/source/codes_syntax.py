"""E0: what the parser finds."""

from ppl.source.code import Code

SYNTAX_CODES: tuple[Code, ...] = (Code("E030", "{found} is not expected here", hint="{help}"),)

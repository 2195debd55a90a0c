"""E7: what running finds."""

from ppl.source.code import Code

RUN_CODES: tuple[Code, ...] = ()

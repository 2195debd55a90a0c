"""E6: what reading and binding data finds."""

from ppl.source.code import Code

DATA_CODES: tuple[Code, ...] = ()

"""E1 to E5 and W: what the checker finds."""

from ppl.source.code import Code

MODEL_CODES: tuple[Code, ...] = ()

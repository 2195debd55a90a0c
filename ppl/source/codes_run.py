"""E7: what running finds."""

from ppl.source.code import Code

RUN_CODES: tuple[Code, ...] = (
    Code(
        "E701",
        "the log density is -inf at the start, because of `{term}`",
        hint="see that the model allows every value in the data: its supports, its limits, its units",
    ),
    Code(
        "E702",
        "the gradient of `{name}` is not a number where the density is finite (after {evaluations} evaluations)",
        hint="keep the arguments of log, sqrt and `/` away from the ends of their domains",
    ),
    Code(
        "E703",
        "a look-up leaves its axis: {what}",
        hint="positions count from 1",
    ),
    Code("E704", "the fit file {path} cannot be read: {why}", hint="`ppl fit MODEL DATA -o FIT` writes one"),
)

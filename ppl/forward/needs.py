"""What running a model forward needs: the statements behind some names, and how far back a series is read."""

from collections.abc import Iterable, Iterator, Sequence

from ppl.check.core import Core, Expr, Site, Statement
from ppl.check.reads import names_in, names_in_dist, parts
from ppl.forward.order import drawn_expressions
from ppl.graph.whole import REDUCING

# What looks at all positions of an axis, and gives a value at each.
ALONG = frozenset(("cumsum", "softmax", "cholesky", "inverse"))


def behind(names: Iterable[str], statements: Sequence[Statement]) -> list[Statement]:
    """The statements that some names are made from, themselves among them, in the order of the file. What a draw is
    made from are the arguments of its distribution."""
    wanted: set[str] = set(names)
    before: set[str] = set()
    while wanted != before:
        before = set(wanted)
        for s in statements:
            if s.name in wanted:
                wanted |= read_by(s)
    return [s for s in statements if s.name in wanted]


def read_by(statement: Statement) -> set[str]:
    """The names that a statement reads when it is run."""
    return set().union(*(names_in(e) for e in drawn_expressions(statement)))


def rows_back(core: Core) -> int | None:
    """How many of the last rows a series has to be continued from: the longest lag along them; None for all of them,
    where values at all rows are drawn or looked at together."""
    row = core.data.row
    lags = [0]
    for s in (*core.statements, *core.predict):
        if isinstance(s, Site) and row in {a.rstrip("'") for a in s.dist.event}:
            return None
        for e in drawn_expressions(s):
            for part in parts(e):
                if part.op == "lag" and _along(part, row):
                    lags.append(int(str(part.attrs[1])))
                elif part.op in ALONG and _along(part, row):
                    return None
    return sum(lags) if len(lags) > 1 else 0


def reduced_rows(core: Core, data: frozenset[str]) -> Iterator[Statement]:
    """The statements that look at all rows of something that is no data: what they say is about the rows of the fit."""
    rows = set(core.data.rows)
    for s in core.statements:
        for e in drawn_expressions(s):
            if any(
                p.op in REDUCING and str(p.attrs[0]).rstrip("'") in rows and not names_in(p) <= data for p in parts(e)
            ):
                yield s
                break


def _along(e: Expr, axis: str) -> bool:
    return str(e.attrs[0]).rstrip("'") == axis


def censored_only(core: Core) -> frozenset[str]:
    """Columns that say only how much of an outcome was seen: predictions do without them."""
    drawn = set().union(*(read_by(s) for s in (*core.statements, *core.predict)))
    said = set().union(*(names_in_dist(s.dist) for s in core.statements if isinstance(s, Site)))
    return frozenset(said - drawn)

"""What a model computes from all of its data at once: means, ranges, lengths of tables.

A part of the data (a minibatch, the rows of a new file) must not compute them again: `mean(age)` is the mean of the
data that the model is fitted to, wherever it is read."""

from collections.abc import Iterator

from ppl.check.core import Core, Derived, Expr, Site, Statement
from ppl.check.reads import joint_expressions, names_in, statement_expressions

# What takes an axis away by looking at all of it, or at one place of it; `size` is its length.
REDUCING = frozenset(
    ("sum", "prod", "mean", "var", "sd", "min", "max", "argmax", "logsumexp", "any", "all", "dot", "fix", "size")
)
# The axes whose lengths come with the data: the rows of tables, and the levels found in them.
OF_DATA = ("row", "levels")


def whole_data(core: Core) -> tuple[Expr, ...]:
    """The largest expressions that depend on data alone and look along the rows of a table, or along levels found in
    it, and have no axis of rows: in the order of the file, each once. Their values over all the training data are what
    they stand for. An expression that has such levels is taken apart as far as it goes: `pct - mean(pct)` has a value
    for a new level too, made from the old mean."""
    known = data_names(core)
    rows = {a.name for a in core.axes if a.kind == "row"}
    long = {a.name for a in core.axes if a.kind in OF_DATA}
    found = (w for e in all_expressions(core) for w in _whole(e, known, rows, long))
    return tuple(dict.fromkeys(found))


def data_names(core: Core) -> frozenset[str]:
    """The names that are data: columns without a model for their blanks, and what is derived from them alone."""
    drawn = {s.name for s in core.statements if isinstance(s, Site) and s.role == "imputed"}
    columns = {c.name for c in core.data.columns} - drawn
    derived = {s.name: names_in(s.value) for s in _statements(core) if isinstance(s, Derived)}
    fixed = set(derived)
    while stray := {n for n in fixed if not derived[n] <= columns | fixed}:
        fixed -= stray
    return frozenset(columns | fixed)


def all_expressions(core: Core) -> Iterator[Expr]:
    """Every expression of a model, of its guides and of what it predicts, in the order of the file."""
    params = (*core.params, *(p for g in core.guides for p in g.params))
    yield from (p.init for p in params if p.init is not None)
    for statement in _statements(core):
        yield from statement_expressions(statement)
    for guide in core.guides:
        yield from (e for joint in guide.joints for e in joint_expressions(joint))
    if core.objective is not None:
        yield core.objective.value


def _statements(core: Core) -> Iterator[Statement]:
    yield from core.statements
    for guide in core.guides:
        yield from guide.statements


def _whole(e: Expr, known: frozenset[str], rows: set[str], long: set[str]) -> Iterator[Expr]:
    axes = _plain(e.axes)
    is_whole = _reduces(e, long) if axes & long else _looks_along(e, long)
    if is_whole and not axes & rows and names_in(e) <= known:
        yield e
        return
    for a in e.args:
        yield from _whole(a, known, rows, long)


def _looks_along(e: Expr, long: set[str]) -> bool:
    """Whether any part of an expression takes away an axis of the data."""
    return _reduces(e, long) or any(_looks_along(a, long) for a in e.args)


def _reduces(e: Expr, long: set[str]) -> bool:
    return e.op in REDUCING and bool(e.attrs) and bool(_plain((str(e.attrs[0]),)) & long)


def _plain(axes: tuple[str, ...]) -> set[str]:
    return {a.rstrip("'") for a in axes}

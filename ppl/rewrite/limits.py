"""The limits of data columns that would keep a function inside its domain."""

from collections.abc import Mapping

from ppl.check.bounds import REAL_LINE, interval
from ppl.check.core import ColumnSpec, Core, Derived, Expr
from ppl.check.reads import names_in
from ppl.rewrite.roughness import holds
from ppl.stdlib.intervals import Interval

# As they are declared, the weaker first.
LIMITS: tuple[tuple[str, str, Interval], ...] = (
    (">= 0", "never negative", Interval(0.0, float("inf"), False, True)),
    ("> 0", "always positive", Interval(0.0, float("inf"), True, True)),
)


def missing_limit(operand: Expr, need: str, core: Core) -> str:
    """The declaration of a column that would let `operand` meet `need`, as a hint; empty if none would. One column is
    tried at a time, then all together."""
    derived = {s.name: s.value for s in core.statements if isinstance(s, Derived)}
    read = _read(operand, derived)
    columns = [c for c in core.data.columns if _is_free(c) and c.name in read]
    groups = [*((c,) for c in columns), tuple(columns)]
    for limit, words, bounds in LIMITS:
        for group in groups if columns else ():
            if holds(need, _bounds(operand, {c.name: bounds for c in group}, derived, core)):
                return _hint(group, limit, words)
    return ""


def _is_free(column: ColumnSpec) -> bool:
    return column.kind in ("real", "int") and column.low is None and column.high is None and not column.optional


def _read(e: Expr, derived: Mapping[str, Expr]) -> set[str]:
    """The names that the value of an expression depends on, through derived ones."""
    found: set[str] = set()
    waiting = [*names_in(e)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += names_in(derived[name]) if name in derived else ()
    return found


def _bounds(e: Expr, given: Mapping[str, Interval], derived: Mapping[str, Expr], core: Core) -> Interval:
    """The bounds of a value if these columns had the limits `given`; those of derived names are computed anew."""
    known = {**dict(core.bounds), **given}
    stale = set(derived)

    def lookup(name: str) -> Interval:
        if name in stale:
            stale.remove(name)
            known[name] = interval(derived[name], lookup)
        return known.get(name, REAL_LINE)

    return interval(e, lookup)


def _hint(columns: tuple[ColumnSpec, ...], limit: str, words: str) -> str:
    names = " and ".join(f"`{c.name}`" for c in columns)
    declared = " and ".join(f"`{c.name}: {c.kind} {limit}`" for c in columns)
    are, it = ("is", "it") if len(columns) == 1 else ("are", "them")
    return f"if {names} {are} {words}, declare {it}: {declared}"

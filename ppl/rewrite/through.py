"""Looking through derived names: an expression over unknowns, parameters and data, its look-ups next to the names.

`take`, `lag`, `fix` and `rename` commute with everything elementwise: (f(a, b))[t - 1] = f(a[t - 1], b[t - 1]). Pushed
down to the names they leave an elementwise expression over *atoms*, each of which is one number per cell.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ppl.check.core import Expr
from ppl.check.reads import parts
from ppl.check.scope import union
from ppl.stdlib.primitives import PRIMITIVES

READS = frozenset(("take", "takepos", "fix", "lag", "rename"))
LEAVES = frozenset(("lit", "level", "size", "text"))
LARGEST = 4000  # nodes; what is larger is left as it is, and nothing is proven of it


def is_elementwise(e: Expr) -> bool:
    return e.op in PRIMITIVES


def substituted(e: Expr, new: Mapping[Expr, Expr]) -> Expr:
    """The expression with some of its nodes replaced."""
    if e in new:
        return new[e]
    args = tuple(substituted(a, new) for a in e.args)
    return e if all(a is b for a, b in zip(args, e.args, strict=True)) else replace(e, args=args)


@dataclass(frozen=True, slots=True)
class Definition:
    """What a derived name stands for; `size` counts nodes."""

    value: Expr
    size: int


def definition(value: Expr, known: Mapping[str, Definition]) -> Definition | None:
    """The record of a derived value over those already known, if it is small enough to be looked through."""
    size = sum(known[str(n.attrs[0])].size if n.op == "ref" and n.attrs[0] in known else 1 for n in parts(value))
    return Definition(looked_through(value, known), size) if size <= LARGEST else None


def looked_through(e: Expr, known: Mapping[str, Definition]) -> Expr:
    """The expression without the names in `known`, its look-ups pushed down to the names that stay."""
    if e.op == "ref":
        found = known.get(str(e.attrs[0]))
        return e if found is None else found.value
    args = tuple(looked_through(a, known) for a in e.args)
    if e.op in READS:
        return _pushed(replace(e, args=args))
    return e if all(a is b for a, b in zip(args, e.args, strict=True)) else replace(e, args=args)


def _pushed(read: Expr) -> Expr:
    """A look-up of a value, moved to the parts of the value that vary along its axis."""
    inner = read.args[0]
    if inner.op in LEAVES or read.attrs[0] not in inner.axes:
        return inner
    if not is_elementwise(inner):
        return read
    parts = tuple(
        _pushed(replace(read, args=(a, *read.args[1:]), axes=_axes(read, a), type=a.type)) for a in inner.args
    )
    return replace(inner, args=parts, axes=union(*(p.axes for p in parts)))


def _axes(read: Expr, value: Expr) -> tuple[str, ...]:
    """The axes of a value after a look-up."""
    axis = str(read.attrs[0])
    if axis not in value.axes:
        return value.axes
    at = value.axes.index(axis)
    before, after = value.axes[:at], value.axes[at + 1 :]
    match read.op:
        case "lag":
            return value.axes
        case "rename":
            return (*before, str(read.attrs[1]), *after)
        case "fix":
            return (*before, *after)
        case _:
            return union(before, read.args[1].axes, after)

"""What an expression reads, and how far back along an axis: the fact that recursions and guides rest on."""

from collections.abc import Iterator, Mapping

from ppl.check.core import Derived, Dist, Expr
from ppl.source.span import Span

Read = tuple[str, int, Span]
# How far back a read of other positions, or of all of them, is: no lag makes up for it.
ANYWHERE = -(10**9)
# These keep positions apart: the result at a position reads the argument at that position, or at earlier ones.
ALONG = frozenset(("cumsum",))


def reads_back(e: Expr, axis: str) -> Iterator[Read]:
    """The names that `e` reads, each with the number of positions back along `axis` (`ANYWHERE` where it is read at
    others, as in a sum over the axis) and where it stands."""
    yield from _reads(e, axis, 0)


def _reads(e: Expr, axis: str, back: int) -> Iterator[Read]:
    match e:
        case Expr(op="ref", attrs=(name, *_)):
            yield str(name), back, e.span
        case Expr(op="lag", attrs=(along, k)) if along == axis and axis:
            yield from _reads(e.args[0], axis, back + int(k))  # type: ignore[call-overload]
        case Expr(op="rename", attrs=(old, new)) if axis:
            hidden = old == axis
            inner = str(old) if new == axis else "" if hidden else axis
            yield from _reads(e.args[0], inner, ANYWHERE if hidden else back)
        case Expr(attrs=attrs) if axis in attrs and e.op not in ALONG and e.op not in ("pos", "size"):
            for i, a in enumerate(e.args):
                is_index = i > 0 and e.op in ("take", "takepos")
                yield from _reads(a, axis, back) if is_index else _reads(a, "", ANYWHERE)
        case _:
            for a in e.args:
                yield from _reads(a, axis, back)


def dist_reads_back(dist: Dist, axis: str) -> Iterator[Read]:
    """The same for the arguments of a distribution."""
    for a in dist.args:
        if a is not None:
            yield from reads_back(a, axis)
    for inner in dist.inner:
        yield from dist_reads_back(inner, axis)


def depends(
    reads: Iterator[Read], axis: str, derived: Mapping[str, Derived], seen: tuple[str, ...] = ()
) -> Iterator[Read]:
    """The names, other than derived ones, that these reads come down to, each with the positions back along `axis` and
    where the expression at the start reads the name that leads there."""
    for name, back, span in reads:
        if name not in derived:
            yield name, back, span
        elif name not in seen:
            inner = reads_back(derived[name].value, axis)
            for further, more, _ in depends(inner, axis, derived, (*seen, name)):
                yield further, back + more if axis in derived[name].axes else back, span

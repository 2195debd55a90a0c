"""Sums of products of two arrays as matrix products.

The axes of a contraction are of four kinds: those that both sides keep (stacked matrices), those that only the left or
only the right side has (rows and columns), and those that are summed. Which side comes first, what is transposed and
what is flattened is decided here, from names alone; a transposed view costs nothing, for BLAS reads either order."""

from collections.abc import Callable, Sequence

from ppl.emit.val import Val

Arranged = Callable[[Val, tuple[str, ...]], str]
Length = Callable[[str], str]


def matrix_product(v: Val, arranged: Arranged, length: Length) -> str | None:
    """The text of `np.matmul` for a contraction; None where it is no matrix product: nothing is left on either side, or
    one side is a vector for each of many positions. `arranged` gives the text of a value with its axes in an order."""
    left, right = v.args
    summed = tuple(a for a in left.axes if a in right.axes and a not in v.axes)
    stacked = tuple(a for a in v.axes if a in left.axes and a in right.axes)
    rows = tuple(a for a in v.axes if a in left.axes and a not in right.axes)
    columns = tuple(a for a in v.axes if a in right.axes and a not in left.axes)
    everything = {*summed, *stacked, *rows, *columns}
    if (
        not summed
        or not everything >= {*left.axes, *right.axes}
        or not (rows and columns if stacked else rows or columns)
    ):
        return None
    if not rows or (columns and v.axes.index(columns[0]) < v.axes.index(rows[0])):
        left, right, rows, columns = right, left, columns, rows
    if not columns and not (left.batch and right.batch):
        return None
    return _product(v, (left, right), (stacked, rows, columns, summed), arranged, length)


def _product(
    v: Val, sides: tuple[Val, Val], kinds: Sequence[tuple[str, ...]], arranged: Arranged, length: Length
) -> str:
    stacked, rows, columns, summed = kinds
    left = _matrix(sides[0], stacked, rows, summed, arranged, length)
    if not columns:
        vector = _flat(sides[1], stacked, (summed,), arranged, length)
        product = f"np.matmul({left}, {vector}[..., None])[..., 0]"
    else:
        product = f"np.matmul({left}, {_matrix(sides[1], stacked, summed, columns, arranged, length)})"
    found = (*stacked, *rows, *columns)
    if len(rows) > 1 or len(columns) > 1:
        product = f"{product}.reshape({_shape(v.batch, found, length)})"
    lead = 1 if v.batch else 0
    turn = [lead + found.index(a) for a in v.axes]
    return product if turn == sorted(turn) else f"np.transpose({product}, {(*range(lead), *turn)})"


def _matrix(
    v: Val,
    stacked: tuple[str, ...],
    rows: tuple[str, ...],
    columns: tuple[str, ...],
    arranged: Arranged,
    length: Length,
) -> str:
    """A side as matrices; one whose axes lie the other way round is flattened as it lies, and then turned over."""
    turned = [a for a in v.axes if a not in stacked] == [*columns, *rows] and (len(rows) > 1 or len(columns) > 1)
    if turned:
        return f"np.swapaxes({_flat(v, stacked, (columns, rows), arranged, length)}, -1, -2)"
    return _flat(v, stacked, (rows, columns), arranged, length)


def _flat(
    v: Val, stacked: tuple[str, ...], groups: Sequence[tuple[str, ...]], arranged: Arranged, length: Length
) -> str:
    """A side with its axes group by group, each group as one axis."""
    text = arranged(v, (*stacked, *(a for group in groups for a in group)))
    if all(len(group) == 1 for group in groups):
        return text
    sizes = [*(["S"] if v.batch else []), *(length(a) for a in stacked)]
    return f"{text}.reshape({', '.join([*sizes, *(' * '.join(length(a) for a in g) for g in groups)])})"


def _shape(batch: bool, axes: Sequence[str], length: Length) -> str:
    return ", ".join([*(["S"] if batch else []), *(length(a) for a in axes)])

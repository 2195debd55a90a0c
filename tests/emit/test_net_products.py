"""Contractions as matrix products, against the definition, for all layouts of axes."""

import numpy as np
import pytest

from ppl.emit.code import Writer
from ppl.emit.value_code import code
from ppl.emit.values import Builder

LENGTHS = {"a": 2, "b": 3, "c": 4, "d": 5, "e": 2}
RANK = {axis: i for i, axis in enumerate("edcba")}


def subsets(rng: np.random.Generator) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The axes of both sides, and those that are summed: each axis on one side or on both."""
    left, right, over = [], [], []
    for axis in LENGTHS:
        where = rng.integers(5)
        left += [axis] if where in (0, 2, 3) else []
        right += [axis] if where in (1, 2, 3) else []
        over += [axis] if where == 3 else []
    return tuple(left), tuple(right), tuple(over)


def evaluated(left: tuple, right: tuple, over: tuple, batch: tuple[bool, bool], rng: np.random.Generator):
    """The value of the emitted text, and what einsum says."""
    b = Builder(RANK)
    sides = [b.node("input", (), (name,), axes, batch=lead) for name, axes, lead in zip("xy", (left, right), batch)]
    v = b.node("dot", tuple(sides), over, [a for a in (*left, *right) if a not in over])
    arrays, letters = [], []
    for side in sides:
        shape = [3] * side.batch + [LENGTHS[a] for a in side.axes]
        arrays.append(rng.normal(size=shape))
        letters.append("S" * side.batch + "".join(side.axes))
    w = Writer(text=dict(zip(sides, "xy")))
    text = code(v, w)
    found = eval(text, {"np": np, "n": LENGTHS, "S": 3, "x": arrays[0], "y": arrays[1]})
    wanted = np.einsum(f"{','.join(letters)}->{'S' * v.batch + ''.join(v.axes)}", *arrays)
    return text, found, wanted


@pytest.mark.parametrize("seed", range(150))
def test_every_layout_is_the_sum_of_products(seed: int) -> None:
    rng = np.random.default_rng(seed)
    left, right, over = subsets(rng)
    for batch in ((True, True), (True, False), (False, True), (False, False)):
        _, found, wanted = evaluated(left, right, over, batch, rng)
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("left", "right", "over"),
    [(("a", "b"), ("b", "c"), ("b",)), (("a", "b", "c"), ("b", "c", "d"), ("b", "c")), (("b", "a"), ("b",), ("b",))],
)
def test_layers_of_nets_are_matrix_products(left: tuple, right: tuple, over: tuple) -> None:
    text, _, _ = evaluated(left, right, over, (True, True), np.random.default_rng(0))
    assert "np.matmul(" in text and "einsum" not in text

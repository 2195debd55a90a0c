"""Look-ups against numpy's own indexing, and their transposes."""

import numpy as np
import pytest

from ppl.emit.runtime import Gather

RNG = np.random.default_rng(5)
POSITIONS = {
    "ascending": (np.sort(RNG.integers(0, 7, 40)), (7,)),
    "ascending, gaps": (np.array([0, 0, 3, 3, 3, 6]), (7,)),
    "ascending, fewer than the entries": (np.array([1, 4]), (7,)),
    "shuffled": (RNG.integers(0, 7, 40), (7,)),
    "every one": (np.arange(7), (7,)),
    "two axes": (RNG.integers(0, 6, (4, 5)), (2, 3)),
    "ascending in two axes": (np.sort(RNG.integers(0, 6, 20)), (2, 3)),
    "none": (np.zeros(0, int), (7,)),
}


@pytest.mark.parametrize("draws", [1, 3])
@pytest.mark.parametrize("name", POSITIONS)
def test_takes_what_indexing_takes(name, draws):
    flat, source = POSITIONS[name]
    v = RNG.normal(size=(draws, *source))
    assert np.array_equal(Gather(flat, source).take(v), v.reshape(draws, -1)[:, flat])


@pytest.mark.parametrize("name", POSITIONS)
def test_adding_is_the_transpose_of_taking(name):
    flat, source = POSITIONS[name]
    gather, v, g = Gather(flat, source), RNG.normal(size=(3, *source)), RNG.normal(size=(3, *flat.shape))
    assert np.vdot(gather.take(v), g) == pytest.approx(np.vdot(v, gather.add(g)))


def test_positions_outside_are_refused():
    with pytest.raises(IndexError, match="position 8 of an axis of 7"):
        Gather(np.array([0, 7]), (7,))

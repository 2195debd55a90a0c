"""Chains: sums, probabilities, draws and best paths against all paths, one by one."""

from itertools import product

import numpy as np
import pytest
from scipy.special import logsumexp

from ppl.stdlib.chains import best_paths, chain_backward, chain_forward, chain_same_backward, chain_same_forward
from ppl.stdlib.chains import draw_paths as draws

RNG = np.random.default_rng(5)


def weight(path: tuple[int, ...], unary: np.ndarray, pair: np.ndarray) -> float:
    """The log weight of one path; `pair` has every position."""
    total = sum(unary[t, z] for t, z in enumerate(path))
    return total + sum(pair[t, path[t - 1], path[t]] for t in range(1, len(path)))


def enumerated(unary: np.ndarray, pair: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, tuple[int, ...]]:
    """The log sum, the probabilities of states and pairs, and the best path."""
    steps, k = unary.shape
    paths = list(product(range(k), repeat=steps))
    logs = np.array([weight(z, unary, pair) for z in paths])
    total = float(logsumexp(logs))
    states, pairs = np.zeros((steps, k)), np.zeros((steps, k, k))
    if np.isfinite(total):
        for z, p in zip(paths, np.exp(logs - total), strict=True):
            for t in range(steps):
                states[t, z[t]] += p
                if t:
                    pairs[t, z[t - 1], z[t]] += p
    return total, states, pairs, paths[int(np.argmax(logs))]


def potentials(steps: int, k: int, holes: float, spread: float) -> tuple[np.ndarray, np.ndarray]:
    unary, pair = spread * RNG.normal(size=(3, steps, k)), spread * RNG.normal(size=(3, steps, k, k))
    pair[RNG.random(pair.shape) < holes] = -np.inf
    unary[RNG.random(unary.shape) < holes / 3] = -np.inf
    return unary, pair


SHAPES = [(1, 1), (1, 3), (2, 1), (5, 1), (2, 3), (6, 2), (5, 3)]


@pytest.mark.parametrize("steps,k", SHAPES)
@pytest.mark.parametrize("holes,spread", [(0.0, 1.0), (0.4, 1.0), (0.0, 600.0), (0.3, 600.0), (1.0, 1.0)])
def test_sums_and_probabilities(steps: int, k: int, holes: float, spread: float) -> None:
    unary, pair = potentials(steps, k, holes, spread)
    y, saved = chain_forward(unary, pair)
    g = RNG.normal(size=y.shape)
    gu, gp = chain_backward(saved, g)
    for i in range(len(y)):
        total, states, pairs, _ = enumerated(unary[i], pair[i])
        assert y[i] == pytest.approx(total, rel=1e-12, abs=1e-12)
        np.testing.assert_allclose(gu[i], g[i] * states, atol=1e-10)
        np.testing.assert_allclose(gp[i], g[i] * pairs, atol=1e-10)


@pytest.mark.parametrize("shape", [(2, 3, 3), (1, 3, 3), (3, 3)])
def test_one_pair_potential_for_all_positions_and_batches(shape: tuple[int, ...]) -> None:
    unary, pair = RNG.normal(size=(2, 4, 3)), RNG.normal(size=shape)
    full = np.broadcast_to(np.expand_dims(pair, -3), (2, 4, 3, 3))
    y, saved = chain_same_forward(unary, pair)
    wanted, long = chain_forward(unary, full)
    np.testing.assert_allclose(y, wanted, rtol=1e-14)
    gu, gp = chain_same_backward(saved, np.array([1.0, -2.0]))
    wu, wp = chain_backward(long, np.array([1.0, -2.0]))
    over = wp.sum(1)
    np.testing.assert_allclose(gu, wu, rtol=1e-12)
    np.testing.assert_allclose(gp, over if shape[0] == 2 else over.sum(0).reshape(shape), rtol=1e-10)


def test_states_of_several_parts() -> None:
    unary, pair = RNG.normal(size=(2, 4, 2, 3)), RNG.normal(size=(2, 4, 2, 3, 2, 3))
    y, saved = chain_forward(unary, pair, parts=2)
    wanted, long = chain_forward(unary.reshape(2, 4, 6), pair.reshape(2, 4, 6, 6))
    np.testing.assert_allclose(y, wanted)
    for got, want in zip(chain_backward(saved, np.ones(2)), chain_backward(long, np.ones(2)), strict=True):
        np.testing.assert_allclose(got, want.reshape(got.shape))


def test_a_state_that_is_improbable_for_a_while_is_not_lost() -> None:
    """The only path that the end allows is 3,000 nats below another one until then."""
    unary, pair = np.zeros((6, 2)), np.array([[0.0, -np.inf], [-np.inf, 0.0]])
    unary[2], unary[5] = (0.0, -3000.0), (-np.inf, 0.0)
    y, saved = chain_same_forward(unary, pair)
    assert y == pytest.approx(-3000.0)
    np.testing.assert_array_equal(chain_same_backward(saved, np.ones(()))[0], np.tile([0.0, 1.0], (6, 1)))


@pytest.mark.parametrize("steps,k", SHAPES)
@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_the_best_path(steps: int, k: int, holes: float) -> None:
    unary, pair = potentials(steps, k, holes, 1.0)
    paths, values = best_paths(unary, pair)
    for i, path in enumerate(paths):
        best = enumerated(unary[i], pair[i])[3]
        assert values[i] == pytest.approx(weight(best, unary[i], pair[i]), rel=1e-12)
        assert np.isneginf(values[i]) or tuple(path) == best


def test_drawn_paths_have_their_probabilities() -> None:
    unary, pair = RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2, 2))
    pair[1, 0, 1] = -np.inf
    paths = draws(unary, pair, RNG.random((20_000, 3)))
    total = enumerated(unary, pair)[0]
    for path in product(range(2), repeat=3):
        p = np.exp(weight(path, unary, pair) - total)
        share = np.mean((paths == path).all(-1))
        assert abs(share - p) <= 5 * np.sqrt(p * (1 - p) / 20_000)

"""Flows: gradients against differences, log determinants against numerical Jacobians, inverses."""

import numpy as np
import pytest
from scipy import stats

from ppl.stdlib.flow_maps import autoregressive_inverse, coupling_inverse, coupling_sets
from ppl.stdlib.flows import STEPS, start_of, weights_of

CASES = [
    ("coupling", (4, 5), 3),
    ("coupling", (2, 3), 1),
    ("coupling", (3, 4), 6),
    ("autoregressive", (2, 7), 4),
    ("autoregressive", (1, 3), 1),
    ("planar", (3,), 4),
    ("planar", (2,), 1),
    ("mix", (0,), 4),
    ("mix", (2,), 4),
]
LOW_RANK = ("low_rank", (2,), 5)


def arguments(name, settings, dim, seed=0, draws=3):
    rng = np.random.default_rng(seed)
    w = start_of(name, dim, *settings) + 0.3 * rng.standard_normal((draws, weights_of(name, dim, *settings)))
    width = dim + (settings[0] if name == "low_rank" else 0)
    return rng.standard_normal((draws, width)), w


def numerical(f, x, step=1e-6):
    out = np.empty_like(x)
    for at in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[at] += step
        down[at] -= step
        out[at] = (f(up) - f(down)) / (2 * step)
    return out


@pytest.mark.parametrize(("name", "settings", "dim"), [*CASES, LOW_RANK])
def test_gradients_are_those_of_differences(name, settings, dim):
    x, w = arguments(name, settings, dim)
    step, rng = STEPS[name], np.random.default_rng(1)
    y, saved = step.forward(x, w, *settings)
    g = rng.standard_normal(y.shape)
    gx, gw = step.backward(saved, g)
    assert np.allclose(gx, numerical(lambda v: np.sum(g * step.forward(v, w, *settings)[0]), x), atol=1e-6)
    assert np.allclose(gw, numerical(lambda v: np.sum(g * step.forward(x, v, *settings)[0]), w), atol=1e-6)


@pytest.mark.parametrize(("name", "settings", "dim"), CASES)
def test_log_determinants_are_those_of_the_jacobian(name, settings, dim):
    x, w = arguments(name, settings, dim)
    forward = STEPS[name].forward
    for row in range(len(x)):
        columns = []
        for d in 1e-6 * np.eye(dim):
            up, down = (forward(x[row : row + 1] + e, w[row : row + 1], *settings)[0] for e in (d, -d))
            columns.append((up - down)[0, :-1] / 2e-6)
        found = forward(x, w, *settings)[0][row, -1]
        assert found == pytest.approx(np.linalg.slogdet(np.array(columns))[1], abs=1e-7)


def test_the_density_of_a_low_rank_draw_is_that_of_its_normal():
    name, settings, dim = LOW_RANK
    x, w = arguments(name, settings, dim)
    out = STEPS[name].forward(x, w, *settings)[0]
    for row in range(len(x)):
        b = w[row].reshape(dim, 2)
        log_q = stats.multivariate_normal(np.zeros(dim), np.eye(dim) + b @ b.T).logpdf(out[row, :-1])
        assert stats.norm.logpdf(x[row]).sum() - out[row, -1] == pytest.approx(log_q, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "inverse", "settings", "dim"),
    [("coupling", coupling_inverse, (5, 4), 6), ("autoregressive", autoregressive_inverse, (3, 6), 5)],
)
def test_inverses_bring_draws_back(name, inverse, settings, dim):
    x, w = arguments(name, settings, dim)
    y = STEPS[name].forward(x, w, *settings)[0][..., :-1]
    assert np.allclose(inverse(y, w, *settings), x, atol=1e-9)


def test_a_planar_layer_is_one_to_one_whatever_its_weights():
    rng = np.random.default_rng(2)
    for _ in range(50):
        x = np.sort(5.0 * rng.standard_normal((200, 1)), axis=0)
        w = np.repeat(4.0 * rng.standard_normal((1, 3)), 200, axis=0)
        assert (np.diff(STEPS["planar"].forward(x, w, 1)[0][:, 0]) > 0.0).all()


@pytest.mark.parametrize(("name", "settings", "dim"), CASES)
def test_flows_start_at_the_identity(name, settings, dim):
    x, _ = arguments(name, settings, dim)
    w = np.repeat(start_of(name, dim, *settings)[None], len(x), axis=0)
    out = STEPS[name].forward(x, w, *settings)[0]
    assert np.allclose(out[:, :-1], x)
    assert np.allclose(out[:, -1], 0.0)


@pytest.mark.parametrize(("name", "settings", "dim"), [*CASES, LOW_RANK])
def test_rows_that_share_weights_and_plates_give_the_same(name, settings, dim):
    """Positions of a plate share the weights of their draw; draws with equal weights are computed together."""
    x, w = arguments(name, settings, dim, draws=4)
    w[1], w[3] = w[0], w[2]
    step = STEPS[name]
    plates = np.stack([x, 0.5 * x, x - 1.0], axis=1)
    y, saved = step.forward(plates, w[:, None], *settings)
    g = np.random.default_rng(3).standard_normal(y.shape)
    gx, gw = step.backward(saved, g)
    assert gw.shape == w[:, None].shape
    total = np.zeros_like(w)
    for row in range(4):
        for at in range(3):
            one, kept = step.forward(plates[row, at][None], w[row][None], *settings)
            assert np.allclose(y[row, at], one[0])
            a, b = step.backward(kept, g[row, at][None])
            assert np.allclose(gx[row, at], a[0])
            total[row] += b[0]
    assert np.allclose(gw[:, 0], total)


@pytest.mark.parametrize(("dim", "layers"), [(2, 2), (10, 6), (33, 8)])
def test_coupling_layers_let_nearly_all_coordinates_move_each_other(dim, layers):
    moved = np.eye(dim, dtype=bool)
    for read, target in coupling_sets(dim, layers):
        assert sorted([*read, *target]) == list(range(dim))
        moved[np.ix_(read, target)] = True
    assert moved.mean() > 0.93


@pytest.mark.parametrize(("name", "settings", "dim"), [*CASES, LOW_RANK])
def test_weights_that_are_one_row_by_reference_pool_their_slopes(name, settings, dim):
    """The mean over draws is the same; where weights are a view of one row, every draw may get that mean."""
    x, w = arguments(name, settings, dim, draws=5)
    step, one = STEPS[name], np.repeat(w[:1], 5, axis=0)
    plates = np.stack([x, 0.5 * x], axis=1)
    y, saved = step.forward(plates, one[:, None], *settings)
    z, kept = step.forward(plates, np.broadcast_to(w[0], w.shape)[:, None], *settings)
    g = np.random.default_rng(4).standard_normal(y.shape)
    (gx, gw), (hx, hw) = step.backward(saved, g), step.backward(kept, g)
    assert np.allclose(y, z) and np.allclose(gx, hx) and hw.shape == gw.shape
    assert np.allclose(gw.mean(axis=0), hw.mean(axis=0))

"""Layers of nets: coupling and autoregressive flows, with their inverses."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ppl.stdlib.flow_nets import Array, Batch, Net, Rows, Saved, batched, runs_of

# Splits tried for one coupling layer, of which the one is taken that lets most coordinates move others for the first
# time.
SPLITS = 64

# ---- coupling --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def coupling_sets(dim: int, layers: int) -> tuple[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]], ...]:
    """For each layer the coordinates that are read and those that are moved: halves, chosen so that as many as can be
    move as many others as can be."""
    if dim == 1:
        return ((np.zeros(0, int), np.zeros(1, int)),) * layers
    rng, seen = np.random.default_rng(dim), np.eye(dim, dtype=bool)
    found: list[npt.NDArray[np.bool_]] = []
    for layer in range(layers):
        if layer == 0:
            candidates = [np.arange(dim) < dim // 2]
        else:
            candidates = [~found[-1], *(rng.permutation(dim) < (dim + i % 2) // 2 for i in range(SPLITS))]
        new = [np.sum(~seen[np.ix_(read, ~read)]) for read in candidates]
        best = candidates[int(np.argmax(new))]
        seen |= best[:, None] & ~best[None, :]
        found.append(best)
    return tuple((np.flatnonzero(read), np.flatnonzero(~read)) for read in found)


def coupling_nets(dim: int, layers: int, hidden: int) -> tuple[Net, ...]:
    ones = (np.ones(()),) * 3
    return tuple(Net((len(read), hidden, len(moved)), ones) for read, moved in coupling_sets(dim, layers))


def _pieces(w: Array, nets: tuple[Net, ...]) -> list[Array]:
    return np.split(w, np.cumsum([net.count for net in nets])[:-1], axis=1)


def coupling_forward(x: Array, w: Array, layers: int, hidden: int) -> tuple[Array, Saved]:
    """RealNVP: y_T = x_T exp(s(x_R)) + t(x_R), layer after layer."""
    batch = batched(x, w)
    dim = batch.x.shape[-1]
    nets, sets, rows = coupling_nets(dim, layers, hidden), coupling_sets(dim, layers), Rows(tuple(runs_of(batch.w)))
    y, log_det, trail = batch.x, np.zeros(batch.x.shape[:2]), []
    for net, piece, (read, moved) in zip(nets, _pieces(batch.w, nets), sets, strict=True):
        a, old = y[..., read], y[..., moved]
        inner, s, t = net.forward(rows, piece, a)
        y = y.copy()
        y[..., moved] = old * np.exp(s) + t
        log_det = log_det + s.sum(axis=-1)
        trail.append((a, old, inner, s))
    return batch.out(y, log_det), (batch, nets, sets, rows, trail)


def coupling_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    batch: Batch = saved[0]
    nets, sets, rows, trail = saved[1:]
    gy, gl = batch.adjoint(g)
    gy, grads = gy.copy(), []
    layers = zip(nets, _pieces(batch.w, nets), sets, trail, strict=True)
    for net, piece, (read, moved), (a, old, inner, s) in reversed(list(layers)):
        gt, scale = gy[..., moved], np.exp(s)
        gs = gt * old * scale + gl[..., None]
        ga, gw = net.backward(rows, piece, a, inner, s, gs, gt)
        gy[..., moved] = gt * scale
        gy[..., read] += ga
        grads.append(gw)
    return batch.back(gy, np.concatenate(grads[::-1], axis=1))


def coupling_inverse(y: Array, w: Array, layers: int, hidden: int) -> Array:
    """x (..., D) with image y (..., D)."""
    batch = batched(y, w)
    dim = batch.x.shape[-1]
    nets, sets, rows = coupling_nets(dim, layers, hidden), coupling_sets(dim, layers), Rows(tuple(runs_of(batch.w)))
    x = batch.x.copy()
    for net, piece, (read, moved) in reversed(list(zip(nets, _pieces(batch.w, nets), sets, strict=True))):
        _, s, t = net.forward(rows, piece, x[..., read])
        x[..., moved] = (x[..., moved] - t) * np.exp(-s)
    return x.reshape(*batch.shape, -1)


# ---- autoregressive --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def _ordered_net(dim: int, hidden: int, turned: bool) -> Net:
    """Masks by which output i reads inputs before i alone (Germain et al., MADE, ICML 2015); `turned`: after i."""
    place = np.arange(dim)[::-1] if turned else np.arange(dim)
    degree = np.arange(hidden) % max(dim - 1, 1)
    first = (place[None, :] <= degree[:, None]).astype(float) * (dim > 1)
    second = (degree[None, :] < place[:, None]).astype(float)
    third = (place[None, :] < place[:, None]).astype(float)
    return Net((dim, hidden, dim), (first, np.tile(second, (2, 1)), np.tile(third, (2, 1))))


def ordered_nets(dim: int, layers: int, hidden: int) -> tuple[Net, ...]:
    return tuple(_ordered_net(dim, hidden, bool(layer % 2)) for layer in range(layers))


def autoregressive_forward(x: Array, w: Array, layers: int, hidden: int) -> tuple[Array, Saved]:
    """Inverse autoregressive flow: y_i = x_i exp(s_i(x_<i)) + t_i(x_<i); the order turns from layer to layer."""
    batch = batched(x, w)
    nets, rows = ordered_nets(batch.x.shape[-1], layers, hidden), Rows(tuple(runs_of(batch.w)))
    y, log_det, trail = batch.x, np.zeros(batch.x.shape[:2]), []
    for net, piece in zip(nets, _pieces(batch.w, nets), strict=True):
        inner, s, t = net.forward(rows, piece, y)
        trail.append((y, inner, s))
        y = y * np.exp(s) + t
        log_det = log_det + s.sum(axis=-1)
    return batch.out(y, log_det), (batch, nets, rows, trail)


def autoregressive_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    batch: Batch = saved[0]
    nets, rows, trail = saved[1:]
    gy, gl = batch.adjoint(g)
    grads = []
    for net, piece, (x, inner, s) in reversed(list(zip(nets, _pieces(batch.w, nets), trail, strict=True))):
        scale = np.exp(s)
        ga, gw = net.backward(rows, piece, x, inner, s, gy * x * scale + gl[..., None], gy)
        gy = gy * scale + ga
        grads.append(gw)
    return batch.back(gy, np.concatenate(grads[::-1], axis=1))


def autoregressive_inverse(y: Array, w: Array, layers: int, hidden: int) -> Array:
    """x (..., D) with image y (..., D): one coordinate after the other."""
    batch = batched(y, w)
    dim = batch.x.shape[-1]
    nets, rows = ordered_nets(dim, layers, hidden), Rows(tuple(runs_of(batch.w)))
    x = batch.x
    for layer, (net, piece) in reversed(list(enumerate(zip(nets, _pieces(batch.w, nets), strict=True)))):
        image, x = x, np.zeros_like(x)
        for i in reversed(range(dim)) if layer % 2 else range(dim):
            _, s, t = net.forward(rows, piece, x)
            x[..., i] = (image[..., i] - t[..., i]) * np.exp(-s[..., i])
    return x.reshape(*batch.shape, -1)

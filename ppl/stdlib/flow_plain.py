"""Flows without nets: planar layers, triangular mixing, and normals of low rank."""

import numpy as np

from ppl.stdlib.flow_nets import Array, Batch, Rows, Saved, batched, runs_of

# m(a) = softplus(a) - 1 is 0 here: a planar layer starts as the identity.
PLANAR_START = 0.5413248546129181

# ---- planar ----------------------------------------------------------------------------------------------------------


def _planar_parts(w: Array, dim: int) -> tuple[Array, ...]:
    """w (S, D), u (S, D), b (S,) of one layer, then a = w.u, n = w.w, m(a), and u as it is used: w.u > -1."""
    normal, u, b = w[:, :dim], w[:, dim : 2 * dim], w[:, 2 * dim]
    a, n = np.sum(normal * u, axis=1), np.sum(normal * normal, axis=1)
    m = np.logaddexp(0.0, a) - 1.0
    return normal, u, b, a, n, m, u + ((m - a) / n)[:, None] * normal


def planar_forward(x: Array, w: Array, layers: int) -> tuple[Array, Saved]:
    """y = x + u tanh(w.x + b), with u bent so that the map is one to one: log det = log(1 + tanh' m)."""
    batch = batched(x, np.ascontiguousarray(w))
    dim = batch.x.shape[-1]
    y, log_det, trail = batch.x, np.zeros(batch.x.shape[:2]), []
    for piece in np.split(batch.w, layers, axis=1):
        normal, _, b, _, _, m, used = _planar_parts(piece, dim)
        h = np.tanh(np.einsum("snd,sd->sn", y, normal) + b[:, None])
        trail.append((y, h))
        y = y + h[..., None] * used[:, None]
        log_det = log_det + np.log1p((1.0 - h * h) * m[:, None])
    return batch.out(y, log_det), (batch, layers, trail)


def planar_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    batch: Batch = saved[0]
    layers, trail = saved[1:]
    gy, gl = batch.adjoint(g)
    grads = []
    for piece, (x, h) in reversed(list(zip(np.split(batch.w, layers, axis=1), trail, strict=True))):
        gy, gw = _planar_layer_backward(piece, x, h, gy, gl)
        grads.append(gw)
    return batch.back(gy, np.concatenate(grads[::-1], axis=1))


def _planar_layer_backward(w: Array, x: Array, h: Array, gy: Array, gl: Array) -> tuple[Array, Array]:
    normal, u, _, a, n, m, used = _planar_parts(w, x.shape[-1])
    slope = 1.0 - h * h
    share = gl / (1.0 + slope * m[:, None])
    g_used = np.einsum("sn,snd->sd", h, gy)
    g_arg = slope * (np.einsum("snd,sd->sn", gy, used) - 2.0 * h * m[:, None] * share)
    g_q = np.sum(g_used * normal, axis=1)
    g_m = np.sum(slope * share, axis=1) + g_q / n
    g_a = g_m / (1.0 + np.exp(-a)) - g_q / n
    g_n = -g_q * (m - a) / n**2
    g_normal = np.einsum("sn,snd->sd", g_arg, x) + ((m - a) / n)[:, None] * g_used
    g_normal += g_a[:, None] * u + 2.0 * g_n[:, None] * normal
    g_u = g_used + g_a[:, None] * normal
    gw = np.concatenate([g_normal, g_u, g_arg.sum(axis=1)[:, None]], axis=1)
    return gy + g_arg[..., None] * normal[:, None], gw


# ---- linear maps -----------------------------------------------------------------------------------------------------


def _unit_lower(w: Array, dim: int) -> Array:
    """(S, D, D) matrices, zero on and above the diagonal."""
    out = np.zeros((len(w), dim, dim))
    rows, columns = np.tril_indices(dim, -1)
    out[:, rows, columns] = w
    return out


def mix_forward(x: Array, w: Array, most: int = 0) -> tuple[Array, Saved]:
    """y = x + L x with L strictly lower triangular: volume stays. Without weights, y = x."""
    batch = batched(x, np.ascontiguousarray(w))
    if not batch.w.shape[-1]:
        return batch.out(batch.x, np.zeros(batch.x.shape[:2])), (batch, None, None)
    lower, rows = _unit_lower(batch.w, batch.x.shape[-1]), Rows(tuple(runs_of(batch.w)))
    return batch.out(batch.x + rows.apply(lower, batch.x), np.zeros(batch.x.shape[:2])), (batch, lower, rows)


def mix_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    batch: Batch = saved[0]
    lower, rows = saved[1:]
    gy, _ = batch.adjoint(g)
    if lower is None:
        return batch.back(gy, batch.w)
    dim = gy.shape[-1]
    full = np.matmul(np.swapaxes(gy, 1, 2), batch.x)
    at = np.tril_indices(dim, -1)
    return batch.back(gy + rows.turned(lower, gy), full[:, at[0], at[1]])


def low_rank_forward(x: Array, w: Array, rank: int, *_: float) -> tuple[Array, Saved]:
    """y = x1 + B x2 of x = (x1, x2), D and r standard normals: y ~ N(0, I + B B^T), whose density is by the matrix
    determinant lemma and Woodbury's identity with M = I + B^T B."""
    batch = batched(x, np.ascontiguousarray(w))
    dim = batch.x.shape[-1] - rank
    rows, factor = Rows(tuple(runs_of(batch.w))), batch.w.reshape(len(batch.w), dim, rank)
    y = batch.x[..., :dim] + rows.apply(factor, batch.x[..., dim:])
    inner = np.empty((len(factor), rank, rank))
    log_det = np.empty(len(factor))
    for run in rows.runs:
        gram = np.eye(rank) + factor[run.start].T @ factor[run.start]
        inner[run] = np.linalg.inv(gram)
        log_det[run] = np.linalg.slogdet(gram)[1]
    white = y - rows.apply(factor, rows.apply(inner, rows.turned(factor, y)))
    base = -0.5 * np.sum(batch.x * batch.x, axis=-1) - 0.5 * rank * np.log(2.0 * np.pi)
    gain = base + 0.5 * log_det[:, None] + 0.5 * np.sum(y * white, axis=-1)
    return batch.out(y, gain), (batch, rows, factor, inner, white)


def low_rank_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    batch: Batch = saved[0]
    rows, factor, inner, white = saved[1:]
    gy, gl = batch.adjoint(g)
    dim = gy.shape[-1]
    # d(-log q)/dy = C^-1 y, d(-log q)/dB = C^-1 B - C^-1 y y^T C^-1 B
    pull = gy + gl[..., None] * white
    back = rows.turned(factor, white)
    weighted = np.matmul(np.swapaxes(white * gl[..., None], 1, 2), back)
    gb = np.matmul(np.swapaxes(pull, 1, 2), batch.x[..., dim:]) - weighted
    gb += gl.sum(axis=1)[:, None, None] * np.matmul(factor, inner)
    gx = np.concatenate([pull, rows.turned(factor, pull)], axis=-1) - gl[..., None] * batch.x
    return batch.back(gx, gb.reshape(len(gb), -1))


# ---- weights ---------------------------------------------------------------------------------------------------------


def planar_start(dim: int, layers: float) -> Array:
    rng = np.random.default_rng(dim)
    normals = rng.standard_normal((int(layers), dim)) / np.sqrt(dim)
    u = PLANAR_START * normals / np.sum(normals**2, axis=1, keepdims=True)
    return np.concatenate([normals, u, np.zeros((int(layers), 1))], axis=1).ravel()


def mix_count(dim: int, most: float = 0) -> int:
    return dim * (dim - 1) // 2 if not most or dim <= most else 0


def low_rank_start(dim: int, rank: float) -> Array:
    """Small and random: at zero the columns would have no slope."""
    return np.asarray(0.1 * np.random.default_rng(dim).standard_normal(dim * int(rank)))

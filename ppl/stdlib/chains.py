"""Chains of discrete states: sums over all paths, posterior draws of a path, and the most probable one.

A chain of T positions and K states has log potentials `unary` (..., T, K), and `pair` (..., T, K, K') from the state at
the position before to the one here; leading dimensions broadcast. `pair` may have one position for all of them. What it
says of the first position is not used, as nothing comes before that. Entries may be -inf. Sums are taken in logs at
every step (Rabiner, A tutorial on hidden Markov models, 1989; Mann, Numerically stable hidden Markov model
implementation, 2006), so that no state is lost however improbable it is for a while.

Inside, positions lead and the batch is last: a step is a few operations on arrays (K, K', batch)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.stdlib.linear import sum_to

Array = NDArray[np.float64]
Paths = NDArray[np.intp]
Saved = tuple[Any, ...]
Shape = tuple[int, ...]
# Below every log potential that matters: it keeps the difference of two minus infinities from being NaN.
FLOOR = -1e300


# ---- sums over paths ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sum:
    """What the gradient of a sum over paths needs: `shares` (T - 1, K, K', B) are the probabilities of the state before
    given the one here and all that was seen up to here, `last` (K, B) those of the last state."""

    unary: Shape
    pair: Shape
    batch: Shape
    parts: int
    length: int
    shares: Array
    last: Array


def chain_forward(unary: Array, pair: Array, parts: int = 1) -> tuple[Array, Saved]:
    """log sum over paths of exp(sum of potentials), for each batch position; -inf where no path is possible.

    A state may have several `parts` m: then `unary` is (..., T, K1 ... Km) and `pair` (..., T, K1 ... Km, K1' ... Km').
    """
    batch = np.broadcast_shapes(unary.shape[: unary.ndim - 1 - parts], pair.shape[: pair.ndim - 1 - 2 * parts])
    u, p = _unfolded(unary, pair, parts, batch)
    last, shares = _filtered(u, p)
    total = _log_sum(last)
    ends = np.exp(last - np.maximum(total, FLOOR))
    return total.reshape(batch), (_Sum(unary.shape, pair.shape, batch, parts, len(p), shares, ends),)


def chain_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    """The probabilities of states and of pairs of states, times `g`."""
    (s,) = saved
    states = _smoothed(s.last * np.reshape(g, -1), s.shares)
    if s.length == 1:
        pairs = np.einsum("tijb,tjb->ijb", s.shares, states[1:])[None]
    else:
        pairs = np.zeros((len(states), *s.shares.shape[1:]))
        np.multiply(s.shares, states[1:, None], out=pairs[1:])
    return _folded(states, s.unary, s.parts, s.batch), _folded(pairs, s.pair, 2 * s.parts, s.batch)


def chain_same_forward(unary: Array, pair: Array, parts: int = 1) -> tuple[Array, Saved]:
    """The same with one `pair` (..., K1 ... Km, K1' ... Km') for all positions."""
    y, saved = chain_forward(unary, np.expand_dims(pair, pair.ndim - 2 * parts), parts)
    return y, (*saved, pair.shape)


def chain_same_backward(saved: Saved, g: Array) -> tuple[Array, Array]:
    unary, pair = chain_backward(saved[:1], g)
    return unary, pair.reshape(saved[1])


def _unfolded(unary: Array, pair: Array, parts: int, batch: Shape) -> tuple[Array, Array]:
    """(T, K, B) and (T or 1, K, K', B or 1)."""
    at, over = unary.ndim - parts, pair.ndim - 2 * parts
    k = int(np.prod(unary.shape[at:]))
    return _batch_last(unary.reshape(*unary.shape[:at], k), 2, batch), _batch_last(
        pair.reshape(*pair.shape[:over], k, k), 3, batch
    )


def _batch_last(x: Array, event: int, batch: Shape) -> Array:
    """(..., events) to (events, B); where nothing varies over the batch, its length stays 1."""
    lead, events = x.shape[: x.ndim - event], x.shape[x.ndim - event :]
    if any(n != 1 for n in lead):
        x = np.broadcast_to(x, (*batch, *events))
    return np.ascontiguousarray(np.moveaxis(x.reshape(-1, *events), 0, -1))


def _folded(x: Array, shape: Shape, state: int, batch: Shape) -> Array:
    """(events, B) back to the shape of an argument, the last `state` dimensions of which are states: what was repeated
    over the batch is summed."""
    lead, events = shape[: len(shape) - 1 - state], x.shape[:-1]
    full = np.moveaxis(x, -1, 0).reshape(*batch, *events)
    return np.reshape(sum_to(full, (*lead, *events)), shape)


def _filtered(u: Array, p: Array) -> tuple[Array, Array]:
    """The log weights of the last state (K, B), and the shares of every state before."""
    steps, k, b = len(u), u.shape[1], max(u.shape[2], p.shape[3])
    shares, sums = np.empty((steps - 1, k, k, b)), np.empty((steps - 1, k, b))
    weights = np.broadcast_to(u[0], (k, b))
    with np.errstate(divide="ignore", invalid="ignore"):
        for t in range(1, steps):
            e, s = shares[t - 1], sums[t - 1]
            np.add(weights[:, None], p[t if len(p) > 1 else 0], out=e)
            top = np.maximum.reduce(e, 0, initial=FLOOR)
            np.subtract(e, top, out=e)
            np.exp(e, out=e)
            np.add.reduce(e, 0, out=s)
            weights = np.log(s)
            weights += top
            weights += u[t]
    shares /= np.where(sums == 0.0, 1.0, sums)[:, None]
    return weights, shares


def _smoothed(last: Array, shares: Array) -> Array:
    """The probabilities of states (T, K, B), from the last (K, B) back to the first."""
    steps = len(shares) + 1
    states = np.empty((steps, *last.shape))
    states[-1] = last
    joint = np.empty(shares.shape[1:])
    for t in range(steps - 1, 0, -1):
        np.multiply(shares[t - 1], states[t], out=joint)
        np.add.reduce(joint, 1, out=states[t - 1])
    return states


def _log_sum(weights: Array) -> Array:
    """log sum exp over the first axis; -inf where all are."""
    top = np.maximum.reduce(weights, 0, initial=FLOOR)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.add.reduce(np.exp(weights - top), 0)) + top)


# ---- single paths ------------------------------------------------------------------------------------------------


def draw_paths(unary: Array, pair: Array, uniforms: Array) -> Paths:
    """Paths (..., T) drawn from their distribution, backwards from the last state, one for each batch position, by
    inverse cdf from `uniforms` (..., T) in (0, 1) (Carter & Kohn, Biometrika, 1994)."""
    batch = np.broadcast_shapes(unary.shape[:-2], pair.shape[:-3], uniforms.shape[:-1])
    last, shares = _filtered(*_unfolded(np.broadcast_to(unary, (*batch, *unary.shape[-2:])), pair, 1, batch))
    e = np.moveaxis(np.broadcast_to(uniforms, (*batch, len(shares) + 1)).reshape(-1, len(shares) + 1), -1, 0)
    each = np.arange(last.shape[1])
    paths = np.empty((len(shares) + 1, len(each)), np.intp)
    paths[-1] = _level(np.exp(last - np.maximum(_log_sum(last), FLOOR)), e[-1])
    for t in range(len(shares), 0, -1):
        paths[t - 1] = _level(shares[t - 1][:, paths[t], each], e[t - 1])
    return np.moveaxis(paths, 0, -1).reshape(*batch, -1)


def _level(p: Array, e: Array) -> Paths:
    """The first level (along the first axis) whose cumulative probability exceeds `e`."""
    above = np.cumsum(p, 0) > e * np.add.reduce(p, 0)
    return np.asarray(np.argmax(above, 0))


def best_paths(unary: Array, pair: Array) -> tuple[Paths, Array]:
    """The most probable path (..., T) of each batch position, and the sum of its log potentials; of equals, the one
    with the first states (Viterbi, IEEE Transactions on Information Theory, 1967)."""
    batch = np.broadcast_shapes(unary.shape[:-2], pair.shape[:-3])
    u, p = _unfolded(np.broadcast_to(unary, (*batch, *unary.shape[-2:])), pair, 1, batch)
    weights, steps = u[0], len(u)
    back = np.empty((steps, *u.shape[1:]), np.intp)
    for t in range(1, steps):
        every = weights[:, None] + p[t if len(p) > 1 else 0]
        back[t] = np.argmax(every, 0)
        weights = np.maximum.reduce(every, 0) + u[t]
    paths = np.empty((steps, u.shape[2]), np.intp)
    paths[-1] = np.argmax(weights, 0)
    for t in range(steps - 1, 0, -1):
        paths[t - 1] = np.take_along_axis(back[t], paths[t][None], 0)[0]
    return np.moveaxis(paths, 0, -1).reshape(*batch, steps), np.maximum.reduce(weights, 0).reshape(batch)

"""Flows with their gradients written by hand: maps of a vector and the logarithm of their Jacobian determinant.

Every kernel takes `x` (..., D) and its weights `w` (..., P), batch axes broadcast, and the settings of the flow; it
gives (..., D + 1): the image, then l, by which log q(image) = log p(x) - l for x with density p. For `low_rank`, which
draws from more numbers than it gives, l is the log density of these less that of the image. Rows that share their
weights share one matrix product: a fit asks for many draws at one place.
Sources: see `ppl.stdlib.families`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ppl.stdlib.flow_maps import (
    autoregressive_backward,
    autoregressive_forward,
    coupling_backward,
    coupling_forward,
    coupling_nets,
    ordered_nets,
)
from ppl.stdlib.flow_nets import Array, Net, Saved
from ppl.stdlib.flow_plain import (
    low_rank_backward,
    low_rank_forward,
    low_rank_start,
    mix_backward,
    mix_count,
    mix_forward,
    planar_backward,
    planar_forward,
    planar_start,
)


@dataclass(frozen=True, slots=True)
class Step:
    """A row of `STEPS`: how many weights a flow over D coordinates has, and where they start."""

    name: str
    count: Callable[..., int]
    start: Callable[..., Array]
    forward: Callable[..., tuple[Array, Saved]]
    backward: Callable[[Saved, Array], tuple[Array, Array]]


def _count(nets: Callable[..., tuple[Net, ...]]) -> Callable[..., int]:
    return lambda dim, *settings: sum(net.count for net in nets(dim, *(int(s) for s in settings)))


def _start(nets: Callable[..., tuple[Net, ...]]) -> Callable[..., Array]:
    def start(dim: int, *settings: float) -> Array:
        rng = np.random.default_rng(dim)
        return np.concatenate([net.start(rng) for net in nets(dim, *(int(s) for s in settings))])

    return start


STEPS: dict[str, Step] = {
    row.name: row
    for row in (
        Step("coupling", _count(coupling_nets), _start(coupling_nets), coupling_forward, coupling_backward),
        Step(
            "autoregressive",
            _count(ordered_nets),
            _start(ordered_nets),
            autoregressive_forward,
            autoregressive_backward,
        ),
        Step(
            "planar",
            lambda dim, layers: int(layers) * (2 * dim + 1),
            planar_start,
            planar_forward,
            planar_backward,
        ),
        Step("mix", mix_count, lambda *s: np.zeros(mix_count(*s)), mix_forward, mix_backward),
        Step(
            "low_rank",
            lambda dim, rank: dim * int(rank),
            low_rank_start,
            low_rank_forward,
            low_rank_backward,
        ),
    )
}


def weights_of(name: str, dim: int, *settings: float) -> int:
    """How many weights a flow over `dim` coordinates has."""
    return STEPS[name].count(dim, *settings)


def start_of(name: str, dim: int, *settings: float) -> Array:
    """Where they start: at the identity or near it."""
    return STEPS[name].start(dim, *settings)

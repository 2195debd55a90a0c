"""Draws of what is known in part: the rest given the known positions."""

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from ppl.check.core import Site
from ppl.forward.densities import arguments, event_axis
from ppl.forward.named import Array, Named, aligned, chosen
from ppl.forward.world import World
from ppl.source.diagnostic import ModelError, complain
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.linear import cholesky_or_nan

# What is added to the diagonal of a covariance, relative to it, where it loses its digits.
JITTER = 1e-9
NORMAL = {"mvnormal_cov": "cov", "mvnormal_chol": "chol"}


def completed(
    site: Site, values: Named, known: npt.NDArray[np.bool_] | None, drawn: Named, world: World, rng: Generator
) -> Named:
    """The given values where they are known, draws elsewhere. A vector of which a part is known is drawn given that
    part. Raises ModelError (E802) where that cannot be: a part of a simplex says nothing about the rest alone."""
    if known is None or not known.any():
        return values if known is None else drawn
    given = np.broadcast_to(aligned(values, site.axes), drawn.values.shape)
    event = _partial_event(site, known)
    if event is None:
        return Named(chosen(known, given, drawn.values), site.axes)
    row = DISTRIBUTIONS.get(site.dist.name)
    if row is None or row.kernel not in NORMAL:
        raise ModelError([complain("E802", site.span, name=site.name, axis=event.rstrip("'"), dist=site.dist.name)])
    return _normal(site, given, known, event, world, rng)


def _partial_event(site: Site, known: npt.NDArray[np.bool_]) -> str | None:
    """The event axis along which only some positions are known."""
    for axis in site.dist.event:
        at = site.axes.index(axis)
        if bool((known.any(axis=at) != known.all(axis=at)).any()):
            return axis
    return None


def _normal(site: Site, given: Array, known: npt.NDArray[np.bool_], axis: str, world: World, rng: Generator) -> Named:
    """With the parts a (known) and b: x_b = m_b + C_ba C_aa^-1 (x_a - m_a), plus a draw with what is left of the
    covariance, C_bb - C_ba C_aa^-1 C_ab (Rasmussen & Williams, Gaussian Processes, 2006, A.6)."""
    plates = tuple(a for a in site.axes if a != axis)
    at = known.any(axis=tuple(site.axes.index(a) for a in plates)) if plates else known
    old, new = np.flatnonzero(at), np.flatnonzero(~at)
    params = arguments(site.dist, world)
    name = NORMAL[DISTRIBUTIONS[site.dist.name].kernel]
    pair = (event_axis(site.dist), event_axis(site.dist) + "'")
    matrix = aligned(world.spread(params[name], *pair), (*plates, *pair))
    mean = aligned(world.spread(params["mean"], pair[0]), (*plates, pair[0]))
    cov = matrix @ np.swapaxes(matrix, -1, -2) if name == "chol" else matrix
    x = np.moveaxis(given, 1 + site.axes.index(axis), -1)
    low = cholesky_or_nan(_steady(cov[..., old[:, None], old]))
    cross = np.linalg.solve(low, cov[..., old[:, None], new])
    z = np.linalg.solve(low, (x[..., old] - mean[..., old])[..., None])
    left = _steady(cov[..., new[:, None], new] - np.swapaxes(cross, -1, -2) @ cross)
    centre = mean[..., new] + (np.swapaxes(cross, -1, -2) @ z)[..., 0]
    noise = cholesky_or_nan(left) @ rng.standard_normal((*centre.shape, 1))
    out = np.array(np.broadcast_to(x, (*centre.shape[:-1], x.shape[-1])))
    out[..., new] = centre + noise[..., 0]
    return Named(np.moveaxis(out, -1, 1 + site.axes.index(axis)), site.axes)


def _steady(cov: Array) -> Array:
    """The covariance with a little more on its diagonal."""
    n = cov.shape[-1]
    scale = np.maximum(np.abs(np.diagonal(cov, axis1=-2, axis2=-1)).max(axis=-1, initial=0.0), 1e-12)
    return np.asarray(cov + JITTER * scale[..., None, None] * np.eye(n))

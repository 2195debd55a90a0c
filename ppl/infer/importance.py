"""Draws from the fitted normal and their importance correction from a heavier-tailed proposal."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, gammaln, ndtri

from ppl.infer.chart import Chart
from ppl.infer.modulated import Modulated, plain
from ppl.infer.psis import Smoothed, reliable_khat, smooth_weights
from ppl.infer.sobol import antithetic, matched_normal, sobol_uniform
from ppl.infer.target import Array, Target

LEAD_FREEDOM = 5.0
# Distances, in deviations of the guide, at which tails are looked for; the width of an octave around each.
FAR = np.array([14.0, 28.0, 56.0])
OCTAVE = 0.69
# The error of moments, in standard deviations, below which more draws are not asked for.
ENOUGH = 0.022


@dataclass(frozen=True, slots=True)
class Weighted:
    """Draws (S, D) of u from the t proposal that `guide` maps, with smoothed weights. `error` is the largest standard
    error of a mean, in standard deviations, or of a standard deviation, relative, over the coordinates."""

    guide: Modulated
    u: Array
    smoothed: Smoothed
    error: float

    @property
    def accepted(self) -> bool:
        """k-hat below the sample-size limit and ESS above 100; or weights so even that k-hat says nothing."""
        size, found = len(self.u), self.smoothed
        return (found.khat < reliable_khat(size) and found.ess > 100) or found.ess > 0.9 * size


def degrees_of_freedom(dim: int) -> float:
    """Heavy enough to cover tails, light enough that most draws count: the t spends sqrt(nu / D) of them."""
    return float(max(12.0, 1.5 * dim))


def proposal(count: int, guide: Modulated, rng: np.random.Generator) -> tuple[Array, Array]:
    """(count, D) mirrored draws and their log densities: a t for the leading coordinates, where the tails are, with few
    degrees of freedom, and another for the rest."""
    lead, rest = guide.leaders, guide.dim - guide.leaders
    if not lead:
        return t_draws(count, rest, degrees_of_freedom(rest), rng)
    uniform = sobol_uniform((count + 1) // 2, guide.dim + 2, rng)
    first, log_first = t_from(uniform[:, : lead + 1], LEAD_FREEDOM)
    second, log_second = t_from(uniform[:, lead + 1 :], degrees_of_freedom(rest))
    return np.concatenate([first, second], axis=1), log_first + log_second


def t_draws(count: int, dim: int, nu: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """(count, D) mirrored draws of the standard multivariate t and their log densities.

    Student's t is a normal over the root of a chi-square mean; one more Sobol dimension drives that root.
    """
    return t_from(sobol_uniform((count + 1) // 2, dim + 1, rng), nu)


def t_from(uniform: Array, nu: float) -> tuple[Array, Array]:
    """The same from uniforms (S / 2, D + 1)."""
    # chdtri is the inverse of the upper tail, as good as the lower one for a uniform.
    root = np.sqrt(nu / chdtri(nu, uniform[:, -1]))
    x = antithetic(ndtri(uniform[:, :-1]) * root[:, None])
    return x, log_t(x, nu)


def log_t(x: Array, nu: float) -> Array:
    dim = x.shape[1]
    constant = gammaln((nu + dim) / 2) - gammaln(nu / 2) - 0.5 * dim * np.log(nu * np.pi)
    return np.asarray(constant - 0.5 * (nu + dim) * np.log1p(np.sum(x * x, axis=1) / nu))


def propose(target: Target, guide: Modulated, count: int, rng: np.random.Generator) -> Weighted:
    """`count` draws from the t that `guide` maps, weighted towards the target."""
    e, log_q = proposal(count, guide, rng)
    u = guide.to_u(e)
    smoothed = smooth_weights(target.value(u, guide.w) - log_q + guide.log_dets(e))
    return Weighted(guide, u, smoothed, moment_error(u, smoothed.weights))


def moment_error(u: Array, weights: Array) -> float:
    """k-hat and ESS are of the weights alone; a few far draws of middling weight can still rule a second moment."""
    mean = weights @ u
    square = (u - mean) ** 2
    variance = weights @ square
    if not np.all(variance > 0):
        return np.inf
    of_mean = np.sqrt(weights**2 @ square / variance)
    of_deviation = 0.5 * np.sqrt(weights**2 @ (square / variance - 1.0) ** 2)
    return float(max(np.max(of_mean), np.max(of_deviation)))


def moments_chart(found: Weighted) -> Chart | None:
    """The chart of the weighted moments, when there are enough effective draws to know a covariance."""
    weights = found.smoothed.weights[:, None]
    if found.smoothed.ess < 10 * found.guide.dim:
        return None
    centre = np.sum(weights * found.u, axis=0)
    spread = np.sqrt(weights) * (found.u - centre)
    try:
        return Chart(centre, np.linalg.cholesky(spread.T @ spread), found.guide.w)
    except np.linalg.LinAlgError:
        return None


def correct(target: Target, guide: Modulated, count: int, rng: np.random.Generator) -> Weighted:
    """Weighted draws from the t that `guide` maps; while their moments are uncertain, from the t of their own moments,
    then in larger numbers (adaptive importance sampling: Cappe et al., J. Comput. Graph. Stat. 13, 2004). A modulated
    guide that can be corrected is only drawn from in larger numbers: no normal has its shape.
    """
    best = propose(target, guide, count, rng)
    for growth in (1, 1, 4):
        if best.accepted and best.error < ENOUGH:
            break
        moved = moments_chart(best) if growth == 1 and not (guide.leaders and best.accepted) else None
        if moved is None and growth == 1:
            continue
        again = propose(target, plain(moved) if moved else best.guide, growth * count, rng)
        best = max(best, again, key=lambda one: (one.accepted, -one.error))
    return best


def far_share(target: Target, guide: Modulated) -> float:
    """The largest part of a coordinate's variance, in units of the guide's, that the density along one axis of e puts
    beyond ten deviations: sum of density times distance squared over a few far points, each for its own octave.

    Draws cannot tell: the weights of a Cauchy tail under a normal guide look harmless until one of them is met.
    """
    reach = np.concatenate([-FAR, FAR])
    e = np.zeros((guide.dim * len(reach) + 1, guide.dim))
    for i, axis in enumerate(np.split(np.arange(guide.dim * len(reach)), guide.dim)):
        e[axis, i] = reach
    f = target.value(guide.to_u(e), guide.w) + guide.log_dets(e)
    density = np.exp(np.minimum(np.nan_to_num(f[:-1] - f[-1], nan=-np.inf, neginf=-np.inf), 0.0))
    share = density.reshape(guide.dim, -1) * np.abs(reach) ** 3 * OCTAVE / np.sqrt(2 * np.pi)
    return float(np.max(np.sum(share, axis=1)))


def plain_draws(guide: Modulated, count: int, rng: np.random.Generator) -> Array:
    """(count, D) draws of the guide itself, from normal draws with exact first and second moments."""
    return guide.to_u(matched_normal(count, guide.dim, rng))

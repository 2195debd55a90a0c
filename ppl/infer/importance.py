"""Draws from the fitted normal and their importance correction from a heavier-tailed proposal."""

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri, gammaln, ndtri

from ppl.infer.chart import Chart
from ppl.infer.psis import Smoothed, reliable_khat, smooth_weights
from ppl.infer.sobol import antithetic, matched_normal, sobol_uniform
from ppl.infer.target import Array, Target


@dataclass(frozen=True, slots=True)
class Weighted:
    """Draws (S, D) of u from the t proposal in `chart`, with smoothed weights."""

    chart: Chart
    u: Array
    smoothed: Smoothed

    @property
    def accepted(self) -> bool:
        """k-hat below the sample-size limit and ESS above 100; or weights so even that k-hat says nothing."""
        size, found = len(self.u), self.smoothed
        return (found.khat < reliable_khat(size) and found.ess > 100) or found.ess > 0.9 * size


def degrees_of_freedom(dim: int) -> float:
    """Heavy enough to cover tails, light enough that most draws count: the t spends sqrt(nu / D) of them."""
    return float(max(12.0, 1.5 * dim))


def t_draws(count: int, dim: int, nu: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """(count, D) mirrored draws of the standard multivariate t and their log densities.

    Student's t is a normal over the root of a chi-square mean; one more Sobol dimension drives that root.
    """
    half = (count + 1) // 2
    uniform = sobol_uniform(half, dim + 1, rng)
    # chdtri is the inverse of the upper tail, as good as the lower one for a uniform.
    root = np.sqrt(nu / chdtri(nu, uniform[:, -1]))
    x = antithetic(ndtri(uniform[:, :-1]) * root[:, None])
    return x, log_t(x, nu)


def log_t(x: Array, nu: float) -> Array:
    dim = x.shape[1]
    constant = gammaln((nu + dim) / 2) - gammaln(nu / 2) - 0.5 * dim * np.log(nu * np.pi)
    return np.asarray(constant - 0.5 * (nu + dim) * np.log1p(np.sum(x * x, axis=1) / nu))


def propose(target: Target, chart: Chart, count: int, rng: np.random.Generator) -> Weighted:
    """`count` draws from the t in `chart`, weighted towards the target."""
    x, log_q = t_draws(count, chart.dim, degrees_of_freedom(chart.dim), rng)
    u = chart.to_u(x)
    return Weighted(chart, u, smooth_weights(target.value(u, chart.w) - log_q + chart.log_det()))


def moments_chart(found: Weighted) -> Chart | None:
    """The chart of the weighted moments, when there are enough effective draws to know a covariance."""
    weights = found.smoothed.weights[:, None]
    if found.smoothed.ess < 10 * found.chart.dim:
        return None
    centre = np.sum(weights * found.u, axis=0)
    spread = np.sqrt(weights) * (found.u - centre)
    try:
        return Chart(centre, np.linalg.cholesky(spread.T @ spread), found.chart.w)
    except np.linalg.LinAlgError:
        return None


def correct(target: Target, chart: Chart, count: int, enough: float, rng: np.random.Generator) -> Weighted:
    """Weighted draws from the t in `chart`; while fewer than `enough` are effective, from the t of their own moments,
    then in larger numbers (adaptive importance sampling: Cappe et al., J. Comput. Graph. Stat. 13, 2004)."""
    best = propose(target, chart, count, rng)
    for growth in (1, 1, 4):
        if best.smoothed.ess >= enough and best.accepted:
            break
        moved = moments_chart(best)
        if moved is None and growth == 1:
            continue
        again = propose(target, moved or best.chart, growth * count, rng)
        best = max(best, again, key=lambda one: (one.accepted, one.smoothed.ess))
    return best


def plain_draws(chart: Chart, count: int, rng: np.random.Generator) -> Array:
    """(count, D) draws of the normal itself, with its exact first and second moments."""
    return chart.to_u(matched_normal(count, chart.dim, rng))

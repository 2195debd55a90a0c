"""Log densities written out by hand, as the engine sees them; gradients by autograd."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import make_vjp
from autograd.builtins import tuple as make_pair
from autograd.scipy.special import gammaln

LOG_2PI = np.log(2 * np.pi)


def same_points(u: Any, w_old: Any, w_new: Any) -> Any:
    return u


@dataclass(frozen=True)
class Written:
    """`density(u (S, D), w (S, W)) -> (S,)`; `quantities(u, w (S, W))` gives named columns (S, k) to compare."""

    dim: int
    density: Callable[[Any, Any], Any]
    quantities: Callable[[Any, Any], dict[str, Any]] = lambda u, w: {"u": u}
    weights: int = 0
    move: Callable[[Any, Any, Any], Any] = same_points

    def value(self, u, w):
        return self.density(u, np.tile(w, (len(u), 1)))

    def value_and_grad(self, u, w):
        rows = np.tile(w, (len(u), 1))
        pull, f = make_vjp(lambda both: self.density(both[0], both[1]))(make_pair((u, rows)))
        g, gw = pull(np.ones(len(u)))
        return f, g, gw

    def recentre(self, u, w_old, w_new):
        return self.move(u, w_old, w_new)


def normal(y, m, s):
    return -0.5 * ((y - m) / s) ** 2 - anp.log(s) - 0.5 * LOG_2PI


def half_cauchy_log(t, scale):
    """Half-Cauchy at exp(t), with the Jacobian."""
    return np.log(2 / (np.pi * scale)) - anp.log1p(anp.exp(2 * t) / scale**2) + t


def half_normal_log(t, scale):
    return 0.5 * np.log(2 / np.pi) - np.log(scale) - 0.5 * (anp.exp(t) / scale) ** 2 + t


def flat_log(t):
    """Flat on the positive reals, at exp(t)."""
    return t


def correlated(mean, covariance) -> Written:
    precision = np.linalg.inv(covariance)
    constant = -0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    return Written(len(mean), lambda u, w: constant - 0.5 * anp.sum(((u - mean) @ precision) * (u - mean), axis=1))


def regression(x, y, sigma_prior=flat_log, beta_prior=lambda b: 0.0) -> Written:
    """y ~ Normal(x b, sigma), b flat unless told otherwise; coordinates b and log sigma."""
    n, k = x.shape

    def density(u, w):
        b, t = u[:, :k], u[:, k]
        r = y - b @ x.T
        return (
            -0.5 * anp.sum(r * r, axis=1) * anp.exp(-2 * t) - n * (t + 0.5 * LOG_2PI) + sigma_prior(t) + beta_prior(b)
        )

    return Written(k + 1, density, lambda u, w: {"beta": u[:, :k], "sigma": np.exp(u[:, k:])})


def logistic(x, y, prior=lambda b: 0.0) -> Written:
    sign = 2.0 * y - 1.0
    return Written(x.shape[1], lambda u, w: -anp.sum(anp.logaddexp(0.0, -sign * (u @ x.T)), axis=1) + prior(u))


def poisson(x, y, prior=lambda b: 0.0) -> Written:
    def density(u, w):
        eta = u @ x.T
        return anp.sum(y * eta - anp.exp(eta) - gammaln(y + 1.0), axis=1) + prior(u)

    return Written(x.shape[1], density)


def centred_value(raw, loc, log_scale, w):
    """x = loc + scale^(1 - w) (raw - w loc)."""
    return loc + anp.exp((1 - w) * log_scale) * (raw - w * loc)


def raw_value(x, loc, log_scale, w):
    return (x - loc) * np.exp(-(1 - w) * log_scale) + w * loc


EIGHT_Y = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
EIGHT_SE = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def eight_schools(y=EIGHT_Y, se=EIGHT_SE, weights=1, centred=False) -> Written:
    """mu ~ N(0, 5), tau ~ half-Cauchy(0, 5), theta ~ N(mu, tau), y ~ N(theta, se) (Rubin 1981);
    u = raw, mu, log tau."""
    j = len(y)

    def weight(w, rows):
        return w[:, :1] if weights else np.full((rows, 1), float(centred))

    def density(u, w):
        raw, mu, t = u[:, :j], u[:, j : j + 1], u[:, j + 1 : j + 2]
        v = weight(w, len(u))
        theta = centred_value(raw, mu, t, v)
        site = anp.sum(normal(raw, v * mu, anp.exp(v * t)), axis=1)
        data = anp.sum(normal(y, theta, se), axis=1)
        return site + data + normal(mu[:, 0], 0.0, 5.0) + half_cauchy_log(t[:, 0], 5.0)

    def quantities(u, w):
        theta = centred_value(u[:, :j], u[:, j : j + 1], u[:, j + 1 : j + 2], weight(w, len(u)))
        return {"theta": theta, "mu": u[:, j : j + 1], "tau": np.exp(u[:, j + 1 : j + 2])}

    def move(u, w_old, w_new):
        mu, t = u[:, j : j + 1], u[:, j + 1 : j + 2]
        theta = centred_value(u[:, :j], mu, t, w_old)
        return np.concatenate([raw_value(theta, mu, t, w_new), mu, t], axis=1)

    return Written(j + 2, density, quantities, weights, move)


def funnel(leaves=9, weights=0, spread=3.0) -> Written:
    """Neal (2003): v ~ N(0, 3), x ~ N(0, exp(v / 2)); u = x, v."""

    def density(u, w):
        v = u[:, -1:]
        c = w if weights else 1.0
        return anp.sum(normal(u[:, :-1], 0.0, anp.exp(c * v / 2)), axis=1) + normal(v[:, 0], 0.0, spread)

    def move(u, w_old, w_new):
        return np.concatenate([u[:, :-1] * np.exp((w_new - w_old) * u[:, -1:] / 2), u[:, -1:]], axis=1)

    return Written(leaves + 1, density, weights=weights, move=move)


def banana(bend=1.0) -> Written:
    """x ~ N(0, 1), y ~ N(bend x^2, 1): means 0 and bend, variances 1 and 1 + 2 bend^2."""
    return Written(2, lambda u, w: normal(u[:, 0], 0.0, 1.0) + normal(u[:, 1], bend * u[:, 0] ** 2, 1.0))


def two_normals(gap=6.0, dim=1, mass=0.5, scale=1.0) -> Written:
    """Two normals `gap` apart in every coordinate."""

    def density(u, w):
        left = anp.sum(normal(u, -gap / 2, scale), axis=1) + np.log(mass)
        right = anp.sum(normal(u, gap / 2, scale), axis=1) + np.log1p(-mass)
        return anp.logaddexp(left, right)

    return Written(dim, density)


def two_component_mixture(y) -> Written:
    """Ordered means N(0, 2), scales half-N(0, 2), theta ~ Beta(5, 5);
    u = mu1, log(mu2 - mu1), log scales, logit theta."""

    def density(u, w):
        m1, gap, t, z = u[:, :1], u[:, 1:2], u[:, 2:4], u[:, 4:5]
        m2 = m1 + anp.exp(gap)
        log_p, log_q = -anp.logaddexp(0.0, -z), -anp.logaddexp(0.0, z)
        data = anp.logaddexp(log_p + normal(y, m1, anp.exp(t[:, :1])), log_q + normal(y, m2, anp.exp(t[:, 1:])))
        prior = normal(m1, 0.0, 2.0) + normal(m2, 0.0, 2.0) + gap + 5 * (log_p + log_q)
        beta = gammaln(10.0) - 2 * gammaln(5.0)
        return anp.sum(data, axis=1) + prior[:, 0] + anp.sum(half_normal_log(t, 2.0), axis=1) + np.log(2) + beta

    def quantities(u, w):
        m2 = u[:, :1] + np.exp(u[:, 1:2])
        sd = np.exp(u[:, 2:4])
        return {"mu": np.concatenate([u[:, :1], m2], axis=1), "sigma": sd, "theta": 1 / (1 + np.exp(-u[:, 4:5]))}

    return Written(5, density, quantities)


def weighted_moments(approximation, target):
    """{name: (mean, sd)} of the quantities of `target` under the draws."""
    rows = np.tile(approximation.w, (len(approximation.u), 1))
    weights = approximation.weights[:, None]
    moments = {}
    for name, columns in target.quantities(approximation.u, rows).items():
        mean = np.sum(weights * columns, axis=0)
        moments[name] = mean, np.sqrt(np.sum(weights * (columns - mean) ** 2, axis=0))
    return moments


def gaussian_moments(approximation, target, count=8000):
    """The same under the fitted normal itself, without importance weights."""
    rng = np.random.default_rng(1)
    e = rng.standard_normal((count // 2, len(approximation.loc)))
    e = np.concatenate([e, -e])
    e = e @ np.linalg.inv(np.linalg.cholesky(e.T @ e / len(e))).T
    u = approximation.guide.to_u(e)
    rows = np.tile(approximation.w, (len(u), 1))
    found = target.quantities(u, rows).items()
    return {name: (columns.mean(axis=0), columns.std(axis=0)) for name, columns in found}

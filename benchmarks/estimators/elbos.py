"""The exact ELBO of each problem under an independent guide, written out by hand, apart from ppl and from all peers.

Closed forms, and a Gauss-Hermite rule for the two expectations that have none. Written for autograd, which
differentiates them.
"""

from collections.abc import Callable, Mapping

import autograd.numpy as np
from autograd.scipy.special import expit, gammaln
from autograd.scipy.stats import norm
from guides import Guide
from numpy.polynomial.hermite_e import hermegauss

HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)

# ---- expectations under the guide ---------------------------------------------------------------------------------


def expected_normal(mean: np.ndarray, sd: np.ndarray, at: np.ndarray, scale: np.ndarray) -> float:
    """Sum of E[log N(x; at, scale)] for independent x with the given means and sds."""
    return np.sum(-HALF_LOG_2PI - np.log(scale) - ((mean - at) ** 2 + sd**2) / (2 * scale**2))


def entropy(sd: np.ndarray) -> float:
    return np.sum(np.log(sd) + HALF_LOG_2PI + 0.5)


def entropy_bernoulli(logit: np.ndarray) -> float:
    return np.sum(np.logaddexp(0, logit) - logit * expit(logit))


def hermite(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights for the expectation over a standard normal."""
    nodes, weights = hermegauss(number)
    return nodes, weights / np.sqrt(2 * np.pi)


# ---- the ten ELBOs ------------------------------------------------------------------------------------------------


def elbo_spnor(guide: Guide) -> float:
    (m1, s1), (m2, s2) = guide["z1"], guide["z2"]
    above = norm.cdf(m2 / s2)
    likelihood = np.sum(-HALF_LOG_2PI - 0.5 * above - 2 * (1 - above))
    prior = expected_normal(m1, s1, 0.0, 5.0) + expected_normal(m2 - m1, np.sqrt(s1**2 + s2**2), 0.0, 3.0)
    return prior + likelihood + entropy(s1) + entropy(s2)


def elbo_bernoulli_if(guide: Guide) -> float:
    logit = guide["z"][0]
    p = expit(logit)
    likelihood = np.sum(-HALF_LOG_2PI - 0.5 * p - 2 * (1 - p))
    return likelihood + np.log(0.5) + entropy_bernoulli(logit)


def elbo_relu(guide: Guide) -> float:
    """Moments of max(z, 0): E = m Phi + s phi, E of the square = (m^2 + s^2) Phi + m s phi, at m / s."""
    m, s = guide["z"]
    below, density = norm.cdf(m / s), norm.pdf(m / s)
    first, second = m * below + s * density, (m**2 + s**2) * below + m * s * density
    likelihood = np.sum(-HALF_LOG_2PI - 0.5 * (0.25 - first + second))
    return expected_normal(m, s, 0.0, 1.0) + likelihood + entropy(s)


def elbo_mixed(guide: Guide) -> float:
    (logit, _), (m, s) = guide["b"], guide["x"]
    p = expit(logit)
    square = (1.5 - m - 2 * p) ** 2 + s**2 + 4 * p * (1 - p)
    likelihood = np.sum(-HALF_LOG_2PI - np.log(0.5) - square / 0.5)
    prior = np.sum(p * np.log(0.4) + (1 - p) * np.log(0.6)) + expected_normal(m, s, 0.0, 1.0)
    return prior + likelihood + entropy(s) + entropy_bernoulli(logit)


def elbo_gmm(y: np.ndarray) -> Callable[[Guide], float]:
    def elbo(guide: Guide) -> float:
        (logit, _), (m, s) = guide["z"], guide["mu"]
        p = expit(logit)
        squares = (y[:, None] - m) ** 2 + s**2
        likelihood = np.sum(-HALF_LOG_2PI - 0.5 * (p * squares[:, 1] + (1 - p) * squares[:, 0]))
        prior = expected_normal(m, s, 0.0, 5.0) + y.size * np.log(0.5)
        return prior + likelihood + entropy(s) + entropy_bernoulli(logit)

    return elbo


def elbo_textmsg(data: Mapping[str, np.ndarray], mean: float, sd: float) -> Callable[[Guide], float]:
    """Days after the switch follow x0. E[exp(x)] = exp(m + s^2 / 2)."""
    y, cuts = data["count"], data["cut"]

    def elbo(guide: Guide) -> float:
        (m0, s0), (m1, s1), (m, s) = guide["x0"], guide["x1"], guide["z"]
        late = norm.cdf((m - cuts) / s)
        terms = [y * m - np.exp(m + s**2 / 2) for m, s in ((m0, s0), (m1, s1))]
        likelihood = np.sum(late * terms[0] + (1 - late) * terms[1] - gammaln(y + 1))
        prior = expected_normal(m0, s0, mean, sd) + expected_normal(m1, s1, mean, sd) + expected_normal(m, s, 0.0, 1.0)
        return prior + likelihood + entropy(s0) + entropy(s1) + entropy(s)

    return elbo


INFLUENZA = {
    "alpha1": 1.406,
    "alpha2": -0.622,
    "beta0": 0.21,
    "beta1": -0.312,
    "sigma1": 0.023,
    "sigma2": 0.112,
    "sigmav": 0.002,
    "level": 0.67,
}


def influenza_maps(months: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """a = first v and c = second w + shift: the two recursions as matrices (months, months) and a vector (months,)."""
    k = INFLUENZA
    first, second, shift = np.zeros((months, months)), np.zeros((months, months)), np.zeros(months)
    for t in range(months):
        for array, constant, lags in ((first, 0, (k["alpha1"], k["alpha2"])), (second, k["beta0"], (k["beta1"],))):
            array[t, t] = 1
            for lag, weight in enumerate(lags, start=1):
                if t >= lag:
                    array[t] += weight * array[t - lag]
                    shift[t] += weight * shift[t - lag] if constant else 0
            shift[t] += constant
    return first, second, shift


def elbo_influenza(y: np.ndarray) -> Callable[[Guide], float]:
    """Under the guide f, a and c are independent, so only P(f > 0) and first and second moments enter."""
    k = INFLUENZA
    first, second, shift = influenza_maps(y.size)

    def elbo(guide: Guide) -> float:
        (mv, sv), (mw, sw), (mf, sf) = guide["v"], guide["w"], guide["f"]
        above = norm.cdf(mf / sf)
        a, var_a = first @ mv, first**2 @ sv**2
        c, var_c = second @ mw + shift, second**2 @ sw**2
        square = (y - a) ** 2 + var_a + (1 - above[1:]) * (c**2 + var_c - 2 * (y - a) * c)
        likelihood = np.sum(-HALF_LOG_2PI - np.log(k["sigmav"]) - square / (2 * k["sigmav"] ** 2))
        steps = mf[1:] ** 2 + sf[1:] ** 2 + k["level"] ** 2 - 2 * k["level"] * mf[1:] * (2 * above[:-1] - 1)
        chain = expected_normal(mf[:1], sf[:1], 0.0, 1.0) + np.sum(-HALF_LOG_2PI - 0.5 * steps)
        prior = expected_normal(mv, sv, 0.0, k["sigma1"]) + expected_normal(mw, sw, 0.0, k["sigma2"])
        return prior + chain + likelihood + entropy(sv) + entropy(sw) + entropy(sf)

    return elbo


CONE_NODES = hermite(160)


def elbo_cone(guide: Guide) -> float:
    """The distance has no closed form: a product rule of 160 x 160 nodes."""
    (mx, sx), (my, sy) = guide["x"], guide["y"]
    nodes, weights = CONE_NODES
    square = (mx + sx * nodes)[:, None] ** 2 + (my + sy * nodes)[None, :] ** 2
    scale = 0.1 + square / 100
    likelihood = weights @ (-HALF_LOG_2PI - np.log(scale) - 0.5 * ((5 - square) / scale) ** 2) @ weights
    return (
        likelihood + expected_normal(mx, sx, 0.0, 10.0) + expected_normal(my, sy, 0.0, 10.0) + entropy(sx) + entropy(sy)
    )


SCALE_NODES = hermite(120)


def elbo_eight_schools(y: np.ndarray, se: np.ndarray) -> Callable[[Guide], float]:
    """t = log tau is normal, E[tau^-2] = exp(-2m + 2s^2); the half-Cauchy prior by a rule of 120 nodes."""

    def elbo(guide: Guide) -> float:
        (mu, smu), (mt, st), (theta, stheta) = guide["mu"], guide["tau"], guide["theta"]
        nodes, weights = SCALE_NODES
        half_cauchy = (
            np.log(2 / (5 * np.pi)) + np.sum(mt) - weights @ np.logaddexp(0, 2 * (mt + st * nodes) - np.log(25.0))
        )
        inverse = np.exp(-2 * mt + 2 * st**2)
        school = np.sum(-HALF_LOG_2PI - mt - 0.5 * inverse * ((theta - mu) ** 2 + stheta**2 + smu**2))
        likelihood = expected_normal(theta, stheta, y, se)
        return (
            expected_normal(mu, smu, 0.0, 5.0)
            + half_cauchy
            + school
            + likelihood
            + entropy(smu)
            + entropy(st)
            + entropy(stheta)
        )

    return elbo


def elbo_funnel(guide: Guide) -> float:
    (v, sv), (x, sx) = guide["v"], guide["x"]
    children = np.sum(-HALF_LOG_2PI - v / 2 - 0.5 * (x**2 + sx**2) * np.exp(-v + sv**2 / 2))
    return expected_normal(v, sv, 0.0, 3.0) + children + entropy(sv) + entropy(sx)

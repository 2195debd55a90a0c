"""Hand-written objectives with closed forms: what the emitter makes of small programs, vectorised by hand."""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammaln, ndtr, ndtri, pdtr

LOG_2PI = float(np.log(2 * np.pi))


def leave_one_out(cost):
    """(S,) or (S, n) costs less the mean of the other rows."""
    return (cost - cost.mean(axis=0)) * len(cost) / (len(cost) - 1)


@dataclass
class Spnor:
    """Lee, Rival & Yang (POPL 2023): z1 ~ N(0, 5); z2 ~ N(z1, 3); 0 ~ N(1 if z2 > 0 else -2, 1); guide N(t1, 1),
    N(t2, 1). z1 pathwise, z2 by score with leave-one-out."""

    dim: int = 2
    noise: int = 2
    deterministic: bool = False
    start: np.ndarray = field(default_factory=lambda: np.array([1.0, 1.0]))
    blocks: dict = field(default_factory=lambda: {"t1": slice(0, 1), "t2": slice(1, 2)})
    switches: tuple = ()
    flexible: bool = False
    score_nodes: tuple = ("z2",)
    posterior: bool = True
    most: int = 10_000

    def _parts(self, theta, e):
        z = theta + ndtri(e)
        z1, z2 = z[:, 0], z[:, 1]
        prior = -0.5 * LOG_2PI - np.log(5) - z1**2 / 50
        rest = -LOG_2PI - np.log(3) - (z2 - z1) ** 2 / 18 - np.where(z2 > 0, 0.5, 2.0)
        log_q = -0.5 * LOG_2PI - 0.5 * (z - theta) ** 2
        return z, prior, rest, log_q

    def estimate(self, theta, e):
        z, prior, rest, log_q = self._parts(theta, e)
        cost = rest - log_q[:, 1]
        slope = -z[:, 0] / 25 + (z[:, 1] - z[:, 0]) / 9
        score = leave_one_out(cost) * (z[:, 1] - theta[:, 1])
        return prior + cost - log_q[:, 0], np.stack([slope, score], axis=1)

    def log_weight(self, theta, e):
        _, prior, rest, log_q = self._parts(theta, e)
        return prior + rest - log_q.sum(axis=1)

    def exact(self, t):
        constant = -np.log(15) + 1 - 0.5 * LOG_2PI
        likelihood = -0.5 * ndtr(t[1]) - 2 * ndtr(-t[1])
        return constant - (t[0] ** 2 + 1) / 50 - ((t[1] - t[0]) ** 2 + 2) / 18 + likelihood


@dataclass
class Plate:
    """Sites b_i in {0, 1}, log p(b) = a'b - c (sum b - s)^2 / 2 up to a constant: every site feels all others. Guide:
    independent Bernoullis; score with leave-one-out, no Rao-Blackwell."""

    sites: int = 20
    coupling: float = 0.1
    level: float = 8.0
    deterministic: bool = False
    switches: tuple = ()
    flexible: bool = False
    score_nodes: tuple = ("b",)
    posterior: bool = True
    most: int = 10_000

    @property
    def dim(self):
        return self.sites

    noise = dim

    @property
    def start(self):
        return np.zeros(self.sites)

    @property
    def blocks(self):
        return {"b": slice(0, self.sites)}

    @property
    def field(self):
        return np.linspace(-1.5, 1.5, self.sites)

    def log_weight(self, theta, e):
        b = (e < expit(theta)).astype(float)
        log_p = b @ self.field - 0.5 * self.coupling * (b.sum(axis=1) - self.level) ** 2
        return log_p - np.sum(b * theta - np.logaddexp(0, theta), axis=1)

    def estimate(self, theta, e):
        f = self.log_weight(theta, e)
        return f, leave_one_out(f)[:, None] * ((e < expit(theta)) - expit(theta))

    def exact(self, theta):
        p = expit(theta)
        entropy = np.sum(np.logaddexp(0, theta) - p * theta)
        square = np.sum(p * (1 - p)) + (p.sum() - self.level) ** 2
        return float(p @ self.field - 0.5 * self.coupling * square + entropy)


@dataclass
class Count:
    """z ~ Poisson(4), 7 ~ N(z, 1.5); guide Poisson(exp t), by score with leave-one-out."""

    dim: int = 1
    noise: int = 1
    deterministic: bool = False
    start: np.ndarray = field(default_factory=lambda: np.zeros(1))
    blocks: dict = field(default_factory=lambda: {"t": slice(0, 1)})
    switches: tuple = ()
    flexible: bool = False
    score_nodes: tuple = ("z",)
    posterior: bool = True
    most: int = 10_000

    def _log_joint(self, z):
        return z * np.log(4) - 4 - gammaln(z + 1) - 0.5 * ((7 - z) / 1.5) ** 2 - np.log(1.5) - 0.5 * LOG_2PI

    def _log_q(self, z, t):
        return z * t - np.exp(t) - gammaln(z + 1)

    def _draw(self, t, e):
        cdf = pdtr(np.arange(80.0), np.minimum(np.exp(t[:1]), 60.0))
        return np.searchsorted(cdf, e).astype(float)

    def log_weight(self, theta, e):
        z = self._draw(theta[:, 0], e[:, 0])
        return self._log_joint(z) - self._log_q(z, theta[:, 0])

    def estimate(self, theta, e):
        z = self._draw(theta[:, 0], e[:, 0])
        f = self._log_joint(z) - self._log_q(z, theta[:, 0])
        return f, (leave_one_out(f) * (z - np.exp(theta[:, 0])))[:, None]

    def exact(self, theta):
        z = np.arange(200.0)
        log_q = self._log_q(z, theta[0])
        return float(np.exp(log_q) @ (self._log_joint(z) - log_q))


@dataclass
class Conjugate:
    """mu ~ N(0, 2); y_i ~ N(mu, 1) for 1.0, 2.5, 0.4, 3.1; guide N(m, exp s), pathwise. `by_score` estimates its
    gradient by score with leave-one-out instead."""

    by_score: bool = False
    switches: tuple = ()
    flexible: bool = False
    dim: int = 2
    noise: int = 1
    start: np.ndarray = field(default_factory=lambda: np.zeros(2))
    blocks: dict = field(default_factory=lambda: {"m": slice(0, 1), "s": slice(1, 2)})
    posterior: bool = True
    most: int = 10_000
    y: np.ndarray = field(default_factory=lambda: np.array([1.0, 2.5, 0.4, 3.1]))

    @property
    def deterministic(self):
        return not self.by_score

    @property
    def score_nodes(self):
        return ("mu",) if self.by_score else ()

    def _log_joint(self, mu):
        residual = ((self.y - mu[:, None]) ** 2).sum(axis=1)
        return -(mu**2) / 8 - np.log(2) - 0.5 * residual - 2.5 * LOG_2PI

    def log_weight(self, theta, e):
        x = ndtri(e[:, 0])
        return self._log_joint(theta[:, 0] + np.exp(theta[:, 1]) * x) + 0.5 * LOG_2PI + 0.5 * x**2 + theta[:, 1]

    def estimate(self, theta, e):
        x, sd = ndtri(e[:, 0]), np.exp(theta[:, 1])
        mu = theta[:, 0] + sd * x
        f = self.log_weight(theta, e)
        if self.by_score:
            return f, leave_one_out(f)[:, None] * np.stack([x / sd, x**2 - 1], axis=1)
        slope = -mu / 4 + (self.y - mu[:, None]).sum(axis=1)
        return f, np.stack([slope, slope * sd * x + 1], axis=1)

    def exact_posterior(self):
        precision = 0.25 + len(self.y)
        return self.y.sum() / precision, precision**-0.5

    def log_evidence(self):
        cov = np.eye(4) + 4.0
        return -0.5 * (self.y @ np.linalg.solve(cov, self.y) + np.linalg.slogdet(cov)[1] + 4 * LOG_2PI)


@dataclass
class Fragile:
    """Minimise rate x - log rate for x exponential of mean 1/4, by score-free noisy gradients: not a number where the
    rate is below zero. Its optimum, 4, is reached from 0.05, where one large step crosses the edge."""

    dim: int = 1
    noise: int = 1
    deterministic: bool = False
    start: np.ndarray = field(default_factory=lambda: np.array([0.05]))
    blocks: dict = field(default_factory=lambda: {"rate": slice(0, 1)})
    switches: tuple = ()
    flexible: bool = False
    score_nodes: tuple = ("x",)
    posterior: bool = False
    most: int = 10_000

    def estimate(self, theta, e):
        rate, x = theta[:, 0], -0.25 * np.log(e[:, 0])
        log_rate = np.log(np.where(rate > 0, rate, np.nan))
        return log_rate - rate * x, (1 / np.where(rate > 0, rate, np.nan) - x)[:, None]

    def log_weight(self, theta, e):
        raise AssertionError("no posterior")


@dataclass
class Noisy:
    """Maximise -|t - 1|^2 / 2 through gradients whose noise, of standard deviation `sd`, drowns it."""

    sd: float = 1e4
    dim: int = 3
    noise: int = 3
    deterministic: bool = False
    start: np.ndarray = field(default_factory=lambda: np.zeros(3))
    blocks: dict = field(default_factory=lambda: {"t": slice(0, 3)})
    switches: tuple = ()
    flexible: bool = False
    score_nodes: tuple = ("k",)
    posterior: bool = False
    most: int = 10_000

    def estimate(self, theta, e):
        x = ndtri(e)
        return -0.5 * ((theta - 1) ** 2).sum(axis=1) + self.sd * x[:, 0], 1 - theta + self.sd * x

    def log_weight(self, theta, e):
        raise AssertionError("no posterior")


@dataclass
class TwoTops:
    """E log of a mixture of two normals about -4 and 4 (weights 0.2, 0.8) under N(t, 0.5): two tops in t."""

    dim: int = 1
    noise: int = 1
    deterministic: bool = True
    start: np.ndarray = field(default_factory=lambda: np.array([-0.5]))
    blocks: dict = field(default_factory=lambda: {"t": slice(0, 1)})
    switches: tuple = ()
    flexible: bool = False
    score_nodes: tuple = ()
    posterior: bool = True
    most: int = 10_000

    def _parts(self, theta, e):
        z = theta[:, 0] + 0.5 * ndtri(e[:, 0])
        left, right = np.log(0.2) - 2 * (z + 4) ** 2, np.log(0.8) - 2 * (z - 4) ** 2
        return z, left, right, np.logaddexp(left, right)

    def log_weight(self, theta, e):
        return self._parts(theta, e)[3] + 2 * ((self._parts(theta, e)[0] - theta[:, 0]) ** 2)

    def estimate(self, theta, e):
        z, left, right, total = self._parts(theta, e)
        slope = np.exp(left - total) * -4 * (z + 4) + np.exp(right - total) * -4 * (z - 4)
        return self.log_weight(theta, e), slope[:, None]


@dataclass
class Stretched:
    """A Bernoulli k with guide logit t0 (score) beside ten normals with means t1.. pathwise, of curvatures from 1e-4
    to 1e4: no single rate suits them all. Their targets are 3 sd_i + k."""

    dim: int = 11
    noise: int = 11
    deterministic: bool = False
    blocks: dict = field(default_factory=lambda: {"k": slice(0, 1), "x": slice(1, 11)})
    switches: tuple = ()
    flexible: bool = False
    score_nodes: tuple = ("k",)
    posterior: bool = False
    most: int = 10_000

    @property
    def start(self):
        return np.zeros(11)

    @property
    def precision(self):
        return np.logspace(-4, 4, 10)

    def estimate(self, theta, e):
        k = (e[:, 0] < expit(theta[:, 0])).astype(float)
        gap = (
            (theta[:, 1:] + ndtri(e[:, 1:]) / np.sqrt(self.precision))
            - 3 / np.sqrt(self.precision)
            - 0.1 * k[:, None] / np.sqrt(self.precision)
        )
        cost = k - k * theta[:, 0] + np.logaddexp(0, theta[:, 0]) - 0.5 * (self.precision * gap**2).sum(axis=1)
        score = leave_one_out(cost) * (k - expit(theta[:, 0]))
        return cost, np.concatenate([score[:, None], -self.precision * gap], axis=1)

    def log_weight(self, theta, e):
        raise AssertionError("no posterior")

    def exact(self, theta):
        p, h = expit(theta[0]), self.precision
        gap = theta[1:] - (3 + 0.1 * p) / np.sqrt(h)
        spread = 1 + 0.01 * p * (1 - p)
        return float(p - p * theta[0] + np.logaddexp(0, theta[0]) - 0.5 * np.sum(h * gap**2 + spread))


def optimum_of(exact, start):
    """Where a closed form is largest, and its value there."""
    found = minimize(lambda t: -exact(t), start, method="BFGS", options={"gtol": 1e-9})
    return found.x, -found.fun

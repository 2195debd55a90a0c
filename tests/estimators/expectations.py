"""Small objectives E_q[f] with every estimator that is sound for them, and their values by enumeration or quadrature.

Each `Case` writes its expectation out by hand, from scipy's densities: nothing of the compiler is in it. Gradients are
fourth-order differences of that value in the unconstrained parameters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

import numpy as np
import scipy.stats as st
from scipy.special import expit, gammaln, softmax

Array = np.ndarray
NODES, WEIGHTS = np.polynomial.legendre.leggauss(60)


@dataclass(frozen=True)
class Case:
    """`value(theta)` is the objective at the parameters in the order of the file; `estimators` those forced on
    `unknown`; `data` what it is fitted to; `positive` the parameters that are logarithms in theta."""

    name: str
    text: str
    value: Callable[[Array], float]
    unknown: str
    estimators: tuple[str, ...]
    data: dict[str, Any] = field(default_factory=dict)

    def gradient(self, theta: Array, h: float = 2e-3) -> Array:
        """Of the value, free of errors below the fourth order."""
        out = np.empty(len(theta))
        for i in range(len(theta)):
            e = np.eye(len(theta))[i] * h
            near, wide = (self.value(theta + k * e) - self.value(theta - k * e) for k in (1, 2))
            out[i] = (8 * near - wide) / (12 * h)
        return out


def pieces(low: float, high: float, cuts: Sequence[float] = ()) -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights between two ends, piece by piece between the cuts."""
    ends = [low, *sorted(c for c in cuts if low < c < high), high]
    parts = [np.linspace(a, b, 9) for a, b in pairwise(ends)]
    spans = [(a, b) for part in parts for a, b in pairwise(part)]
    x = np.concatenate([a + (b - a) * (NODES + 1) / 2 for a, b in spans])
    return x, np.concatenate([(b - a) / 2 * WEIGHTS for a, b in spans])


def mean_of(q: Any, f: Callable[[Array], Array], cuts: Sequence[float] = ()) -> float:
    """E_q[f(x) - log q(x)] of a scipy distribution, split at the cuts."""
    low, high = q.ppf(1e-16), q.isf(1e-16)
    x, w = pieces(low, high, cuts)
    return float(np.sum(w * q.pdf(x) * (f(x) - q.logpdf(x))))


def normal(y: Any, m: Any, s: Any = 1.0) -> Any:
    return st.norm.logpdf(y, m, s)


def over(levels: Sequence[Sequence[float]], f: Callable[[Array], float], log_q: Callable[[Array], float]) -> float:
    """E_q[f(z) - log q(z)] over all assignments."""
    total = 0.0
    for z in product(*levels):
        at = np.array(z)
        total += np.exp(log_q(at)) * (f(at) - log_q(at))
    return float(total)


# ---- continuous unknowns ---------------------------------------------------------------------------------------------

GUIDE = "guide {\n  param m = 0.2\n  param s: real > 0 = 0.8\n  x ~ Normal(m, s)\n}\n"
ROW = "data {\n  y: real\n  w: real\n}\n"
Y, W = np.array([0.5, -0.7, 1.4]), np.array([0.1, 0.8, -0.5])
ROWS = {"y": Y.tolist(), "w": W.tolist()}
JUMPING = ("boundary", "measure", "score")


def guided(f: Callable[[Array], Array], cuts: Sequence[float] = ()) -> Callable[[Array], float]:
    return lambda theta: mean_of(st.norm(theta[0], np.exp(theta[1])), f, cuts)


def _smooth(x: Array) -> Array:
    return np.asarray(normal(x, 0) + normal(0.7, np.tanh(x)))


def _kink(x: Array) -> Array:
    return np.asarray(normal(x, 0) + normal(0.7, np.abs(x - 0.3)))


def _rows(x: Array) -> Array:
    """Thresholds along the data."""
    mean = np.where(x[:, None] > W, 1.5 + 0.5 * x[:, None], -0.4)
    return np.asarray(normal(x, 0) + normal(Y, mean).sum(axis=1))


def _two(x: Array) -> Array:
    return np.asarray(normal(x, 0) + normal(0.7, np.where(x > 1, 2.0, np.where(x > 0, x, -1.0))))


def _other(theta: Array) -> float:
    """x jumps at the value of z, which is drawn along its path: E over z of E over x given z."""
    m, s, n = theta[0], np.exp(theta[1]), theta[2]
    z, w = pieces(n - 9, n + 9)
    above = st.norm.sf(z, m, s)
    x_part = mean_of(st.norm(m, s), lambda x: np.asarray(normal(x, 0)))
    z_part = mean_of(st.norm(n, 1), lambda v: np.asarray(normal(v, 0)))
    jump = np.sum(w * st.norm.pdf(z, n, 1) * (above * normal(0.7, 1.5) + (1 - above) * normal(0.7, -1.0)))
    return float(x_part + z_part + jump)


def _lagged(theta: Array) -> float:
    """Three values, each with a density that jumps in the one before (influenza in small); numbers come first."""
    s, m = np.exp(theta[0]), theta[1:]
    up = st.norm.sf(0.0, m, s)
    total = mean_of(st.norm(m[0], s), lambda x: np.asarray(normal(x, 0.5)))
    for t in (1, 2):
        for p, mean in ((up[t - 1], 0.9), (1 - up[t - 1], -0.6)):
            total += p * mean_of(st.norm(m[t], s), lambda x, mean=mean: np.asarray(normal(x, mean)))
    likely = [normal(0.3 * (t + 1), np.array([1.0, -0.5])) for t in range(3)]
    return float(total + sum(up[t] * likely[t][0] + (1 - up[t]) * likely[t][1] for t in range(3)))


def _gamma(theta: Array) -> float:
    a, b = np.exp(theta)
    return mean_of(st.gamma(a, scale=1 / b), lambda x: st.gamma.logpdf(x, 2) + normal(1.3, x))


def _mixture(theta: Array) -> float:
    a, b, s, w = theta[0], theta[1], np.exp(theta[2]), expit(theta[3])
    x, weights = pieces(-9.0, 9.0)
    q = w * st.norm.pdf(x, a, s) + (1 - w) * st.norm.pdf(x, b, s)
    f = normal(x, 0.0, 2.0) + normal(1.3, x**2)
    return float(np.sum(weights * q * (f - np.log(q))))


def _beta_jump(theta: Array) -> float:
    a, b = np.exp(theta)
    q = st.beta(a, b)
    return mean_of(q, lambda x: np.where(x > 0.4, normal(1.0, 2 * x), normal(1.0, -1.0)), (0.4,))


CONTINUOUS = (
    Case("smooth", f"model {{\n  x ~ Normal(0, 1)\n  observe 0.7 ~ Normal(tanh(x), 1)\n}}\n{GUIDE}", guided(_smooth),
         "x", ("reparam", "measure", "score")),
    Case("kink", f"model {{\n  x ~ Normal(0, 1)\n  observe 0.7 ~ Normal(abs(x - 0.3), 1)\n}}\n{GUIDE}",
         guided(_kink, (0.3,)), "x", ("reparam", "measure", "score")),
    Case("thresholds along the data",
         f"{ROW}model {{\n  x ~ Normal(0, 1)\n  y ~ Normal(if x > w then 1.5 + 0.5 * x else -0.4, 1)\n}}\n{GUIDE}",
         guided(_rows, tuple(W)), "x", ("stratified", *JUMPING), ROWS),
    Case("two thresholds",
         "model {\n  x ~ Normal(0, 1)\n"
         f"  observe 0.7 ~ Normal(if x > 1 then 2 else (if x > 0 then x else -1), 1)\n}}\n{GUIDE}",
         guided(_two, (0.0, 1.0)), "x", ("stratified", *JUMPING)),
    Case("a threshold at another unknown",
         "model {\n  z ~ Normal(0, 1)\n  x ~ Normal(0, 1)\n  observe 0.7 ~ Normal(if x > z then 1.5 else -1, 1)\n}\n"
         "guide {\n  param m = 0.2\n  param s: real > 0 = 0.8\n  param n = -0.1\n"
         "  z ~ Normal(n, 1)\n  x ~ Normal(m, s)\n}\n", _other, "x", ("stratified", *JUMPING)),
    Case("thresholds of the value before",
         "axis t = 3\nmodel {\n  for i in t {\n"
         "    x[i] ~ if i == 1 then Normal(0.5, 1) else Normal(if x[i - 1] > 0 then 0.9 else -0.6, 1)\n"
         "    a[i] = 0.3 * i\n  }\n  observe a ~ Normal(if x > 0 then 1 else -0.5, 1)\n}\n"
         "guide {\n  param m[t] = 0.2\n  param s: real > 0 = 0.8\n  x[t] ~ Normal(m, s)\n}\n",
         _lagged, "x", ("stratified", *JUMPING)),
    Case("gamma",
         "model {\n  x ~ Gamma(2, 1)\n  observe 1.3 ~ Normal(x, 1)\n}\n"
         "guide {\n  param a: real > 0 = 1.5\n  param b: real > 0 = 1.2\n  x ~ Gamma(a, b)\n}\n",
         _gamma, "x", ("implicit", "score")),
    Case("mixture",
         "axis k = 2\nmodel {\n  x ~ Normal(0, 2)\n  observe 1.3 ~ Normal(x^2, 1)\n}\n"
         "guide {\n  param a = -0.8\n  param b = 1.1\n  param s: real > 0 = 0.6\n  param w: real in [0, 1] = 0.4\n"
         "  for i in k {\n    m[i] = if i == 1 then a else b\n    v[i] = if i == 1 then w else 1 - w\n  }\n"
         "  x ~ Mixture(v, Normal(m, s))\n}\n",
         _mixture, "x", ("components", "implicit", "score")),
    Case("beta with a jump",
         "model {\n  x ~ Beta(1, 1)\n  observe 1 ~ Normal(if x > 0.4 then 2 * x else -1, 1)\n}\n"
         "guide {\n  param a: real > 0 = 1.5\n  param b: real > 0 = 1.2\n  x ~ Beta(a, b)\n}\n",
         _beta_jump, "x", ("stratified", "boundary", "score")),
)  # fmt: skip

# ---- discrete unknowns -----------------------------------------------------------------------------------------------

BITS = [(0.0, 1.0)] * 3


def _bits(coupled: bool) -> Callable[[Array], float]:
    def value(theta: Array) -> float:
        def f(z: Array) -> float:
            means = z.sum() * np.ones(3) if coupled else 1.5 * z
            return float(st.bernoulli.logpmf(z, 0.3).sum() + normal(Y, means).sum())

        return over(BITS, f, lambda z: float(st.bernoulli.logpmf(z, expit(theta)).sum()))

    return value


def _levels(theta: Array) -> float:
    """Thirty levels, of which the likeliest are summed."""
    q, k = softmax(theta), np.arange(30)
    return float(q @ (np.log(1 / 30) + normal(0.7, 0.1 * (k + 1)) - np.log(q)))


def _three(theta: Array) -> float:
    q, k = softmax(theta), np.arange(3)
    return float(q @ (np.log(1 / 3) + normal(0.7, 0.8 * (k + 1)) - np.log(q)))


def _counts(log_q: Callable[[Array, Array], Array]) -> Callable[[Array], float]:
    z = np.arange(600.0)

    def value(theta: Array) -> float:
        lq = log_q(z, theta)
        return float(np.exp(lq) @ (st.poisson.logpmf(z, 4) + normal(7, z, 1.5) - np.where(np.exp(lq) > 0, lq, 0.0)))

    return value


def _negative_binomial(z: Array, theta: Array) -> Array:
    m, a = np.exp(theta)
    ways = gammaln(z + a) - gammaln(a) - gammaln(z + 1)
    return np.asarray(ways + a * np.log(a / (a + m)) + z * np.log(m / (a + m)))


BIT_GUIDE = "guide {\n  param l[row] = 0.3\n  z[row] ~ Bernoulli(logit=l)\n}\n"
COUNT = "model {\n  z ~ Poisson(4)\n  observe 7 ~ Normal(z, 1.5)\n}\n"
DISCRETE = (
    Case("bits apart",
         "data {\n  y: real\n}\nmodel {\n  z[row] ~ Bernoulli(0.3)\n  y ~ Normal(1.5 * z, 1)\n}\n" + BIT_GUIDE,
         _bits(False), "z", ("exact", "local", "disarm", "score"), {"y": Y.tolist()}),
    Case("bits coupled",
         "data {\n  y: real\n}\nmodel {\n  z[row] ~ Bernoulli(0.3)\n  y ~ Normal(sum(z), 1)\n}\n" + BIT_GUIDE,
         _bits(True), "z", ("local", "disarm", "score"), {"y": Y.tolist()}),
    Case("three levels",
         "axis k = 3\nmodel {\n  z ~ Categorical(uniform(k))\n  for j in k {\n    v[j] = 0.8 * j\n  }\n"
         "  observe 0.7 ~ Normal(v[z], 1)\n}\n"
         "guide {\n  param l[k] = 0.1\n  z ~ Categorical(logits=l)\n}\n", _three, "z", ("exact", "local", "score")),
    Case("thirty levels",
         "axis k = 30\nmodel {\n  z ~ Categorical(uniform(k))\n  for j in k {\n    v[j] = 0.1 * j\n  }\n"
         "  observe 0.7 ~ Normal(v[z], 1)\n}\n"
         "guide {\n  param l[k] = 0.1\n  z ~ Categorical(logits=l)\n}\n", _levels, "z", ("remainder", "score")),
    Case("poisson", COUNT + "guide {\n  param r: real > 0 = 5.5\n  z ~ Poisson(r)\n}\n",
         _counts(lambda z, t: st.poisson.logpmf(z, np.exp(t[0]))), "z", ("window", "score")),
    Case("a wide poisson", COUNT + "guide {\n  param r: real > 0 = 60\n  z ~ Poisson(r)\n}\n",
         _counts(lambda z, t: st.poisson.logpmf(z, np.exp(t[0]))), "z", ("window", "score")),
    Case("negative binomial",
         COUNT + "guide {\n  param r: real > 0 = 6\n  param a: real > 0 = 2\n  z ~ NegBinomial(r, a)\n}\n",
         _counts(_negative_binomial), "z", ("window", "score")),
)  # fmt: skip
CASES = (*CONTINUOUS, *DISCRETE)

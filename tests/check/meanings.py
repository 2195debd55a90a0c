"""Small models, their data, and their log densities written by hand in numpy and scipy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import expit, log_expit, logsumexp, softmax

Values = Mapping[str, Any]
N = stats.norm.logpdf


@dataclass(frozen=True)
class Case:
    """`density(v)` is the log density at `v`, the unknowns by name (one draw). `limits` are the ends of those that
    are not on the whole real line, `ordered` are increasing vectors: they give the Jacobian."""

    name: str
    model: str
    data: Mapping[str, Any]
    density: Callable[[Any], Any]
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    ordered: tuple[str, ...] = ()


class Named(dict):  # type: ignore[type-arg]
    """Values by name, as attributes."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


INF = np.inf
Y = np.array([1.0, -0.5, 2.0, 0.3, 0.9, -1.2])
X = np.array([0.5, 1.5, -1.0, 0.2, 2.0, -0.3])
G = np.array([0, 1, 2, 0, 1, 2])
H = np.array([1, 0, 0, 1, 1, 0])
LETTERS = [["a", "b", "c"][g] for g in G]
ARMS = [["control", "drug"][h] for h in H]
ROWS = "y: real\n x: real\n g: factor\n h: factor\n"
DATA = {"y": Y, "x": X, "g": LETTERS, "h": ARMS}
M = np.array([[1.0, 0.5, -1.0], [0.2, -0.3, 0.8], [1.1, 0.0, 0.4], [0.3, 0.9, -0.7], [-0.2, 0.6, 0.1], [0.5, 0.5, 0.5]])
COLUMNS = {"y": Y, **{f"m{j}": M[:, j] for j in range(3)}}
COUNTS = np.array([0, 3, 1, 2, 5, 0])
WON = np.array([1, 0, 1, 1, 0, 1])


def rows(name: str, body: str, density: Callable[[Any], Any], **more: Any) -> Case:
    """A model of the columns y, x, g (levels a, b, c) and h (levels control, drug)."""
    return Case(name, f"data {{ {ROWS} }}\n{more.pop('top', '')}\nmodel {{\n{body}\n}}\n", DATA, density, **more)


def matrix(name: str, body: str, density: Callable[[Any], Any], **more: Any) -> Case:
    """A model of y and a matrix x[k] of three columns."""
    top = more.pop("top", "")
    return Case(
        name, f'data {{ y: real\n x[k]: real from "m*" }}\n{top}\nmodel {{\n{body}\n}}\n', COLUMNS, density, **more
    )


def series(name: str, body: str, density: Callable[[Any], Any], **more: Any) -> Case:
    """A model of a series y, sorted by day."""
    text = f"data sorted by day {{ day: int\n y: real }}\nmodel {{\n{body}\n}}\n"
    return Case(name, text, {"day": np.arange(6), "y": Y}, density, **more)


def lagged(v: np.ndarray, k: int = 1) -> np.ndarray:
    return np.concatenate([np.zeros(k), v[:-k]])


T = np.arange(1, 7)

FRAMES = (
    rows("one number", "mu ~ Normal(0, 2)\n y ~ Normal(mu, 1)", lambda v: N(v.mu, 0, 2) + N(Y, v.mu, 1).sum()),
    rows(
        "a look-up by a column",
        "a[g] ~ Normal(0, 2)\n y ~ Normal(a[g] + x, 1)",
        lambda v: N(v.a, 0, 2).sum() + N(Y, v.a[G] + X, 1).sum(),
    ),
    rows(
        "two look-ups in one pair of brackets",
        "a[g, h] ~ Normal(0, 2)\n y ~ Normal(a[g, h], 1)",
        lambda v: N(v.a, 0, 2).sum() + N(Y, v.a[G, H], 1).sum(),
    ),
    rows(
        "the axis itself inside a frame that has it",
        "a[g] ~ Normal(0, 1)\n b[g] ~ Normal(a[g], 1)\n y ~ Normal(b[g], 1)",
        lambda v: N(v.a, 0, 1).sum() + N(v.b, v.a, 1).sum() + N(Y, v.b[G], 1).sum(),
    ),
    rows(
        "missing brackets keep their axes",
        "a[g] ~ Normal(0, 1)\n b[g] ~ Normal(2 * a, 1)\n y ~ Normal(b[g], 1)",
        lambda v: N(v.a, 0, 1).sum() + N(v.b, 2 * v.a, 1).sum() + N(Y, v.b[G], 1).sum(),
    ),
    rows(
        "the second index alone, after dots",
        "a[g, h] ~ Normal(0, 1)\n s[g] = sum(a[.., h], over=h)\n y ~ Normal(s[g], 1)",
        lambda v: N(v.a, 0, 1).sum() + N(Y, v.a.sum(1)[G], 1).sum(),
    ),
    rows(
        "a label and a position",
        'a[h] ~ Normal(0, 1)\n y ~ Normal(a["drug"] - a[1], 1)',
        lambda v: N(v.a, 0, 1).sum() + N(Y, v.a[1] - v.a[0], 1).sum(),
    ),
    rows(
        "alignment by name, not by position",
        "a[g] ~ Normal(0, 1)\n b[h] ~ Normal(0, 1)\n c[h, g] = a - 2 * b\n y ~ Normal(c[h, g], 1)",
        lambda v: N(v.a, 0, 1).sum() + N(v.b, 0, 1).sum() + N(Y, v.a[G] - 2 * v.b[H], 1).sum(),
    ),
    rows(
        "a derived value takes the axes of its expression",
        "a[g] ~ Normal(0, 1)\n d = a + 1\n y ~ Normal(d[g], 1)",
        lambda v: N(v.a, 0, 1).sum() + N(Y, v.a[G] + 1, 1).sum(),
    ),
    rows(
        "a look-up through a declared axis",
        "z[k] ~ Normal(0, 1)\n y ~ Normal(z[if x > 0 then 2 else 3], 1)",
        lambda v: N(v.z, 0, 1).sum() + N(Y, v.z[np.where(X > 0, 1, 2)], 1).sum(),
        top="axis k = 3",
    ),
    rows(
        "a reduction over rows stays one number",
        "b ~ Normal(0, 1)\n y ~ Normal(b * (x - mean(x)) / sd(x), 1)",
        lambda v: N(v.b, 0, 1) + N(Y, v.b * (X - X.mean()) / X.std(ddof=1), 1).sum(),
    ),
    Case(
        "columns per level",
        "data { y: real\n state: factor\n region: factor per state\n pct: real per state }\n"
        "model { r[region] ~ Normal(0, 1)\n s[state] ~ Normal(r[region] + pct, 1)\n y ~ Normal(s[state], 1) }\n",
        {
            "y": Y,
            "state": LETTERS,
            "region": [["north", "south", "north"][g] for g in G],
            "pct": np.array([0.1, 0.2, 0.7])[G],
        },
        lambda v: (
            N(v.r, 0, 1).sum()
            + N(v.s, v.r[np.array([0, 1, 0])] + np.array([0.1, 0.2, 0.7]), 1).sum()
            + N(Y, v.s[G], 1).sum()
        ),
    ),
    Case(
        "a row's region through its state",
        "data { y: real\n state: factor\n region: factor per state }\n"
        "model { r[region] ~ Normal(0, 1)\n y ~ Normal(r[region[state]], 1) }\n",
        {"y": Y, "state": LETTERS, "region": [["north", "south", "north"][g] for g in G]},
        lambda v: N(v.r, 0, 1).sum() + N(Y, v.r[np.array([0, 1, 0])[G]], 1).sum(),
    ),
    matrix(
        "a product over the columns",
        "b[k] ~ Normal(0, 1)\n y ~ Normal(x @ b, 1)",
        lambda v: N(v.b, 0, 1).sum() + N(Y, M @ v.b, 1).sum(),
    ),
    matrix(
        "one column of a matrix by position and by label",
        'b ~ Normal(0, 1)\n y ~ Normal(b * x[1] + x["m2"], 1)',
        lambda v: N(v.b, 0, 1) + N(Y, v.b * M[:, 0] + M[:, 2], 1).sum(),
    ),
    matrix(
        "observing a matrix",
        "b[k] ~ Normal(0, 1)\n x ~ Normal(b, 1)\n y ~ Normal(0, 1)",
        lambda v: N(v.b, 0, 1).sum() + N(M, v.b, 1).sum() + N(Y, 0, 1).sum(),
    ),
)


def _matrix_parts(v: Any) -> Any:
    K = v.a[:, None] + np.outer(T[:3], T[:3] ** 2)
    U = K.T - K
    q = 3 * sum(v.a[j - 1] * K[j, 1] for j in (1, 2))
    return N(v.a, 0, 1).sum() + N(Y, K[2, 2] + 2 * K[:, 1].sum() + U[0].sum() + q, 1).sum()


LOOPS = (
    series(
        "an autoregression of data",
        "b ~ Normal(0, 1)\n for t in row { y[t] ~ if t == 1 then Normal(0, 3) else Normal(b * y[t - 1], 1) }",
        lambda v: N(v.b, 0, 1) + N(Y[0], 0, 3) + N(Y[1:], v.b * Y[:-1], 1).sum(),
    ),
    series(
        "a chain of unknowns",
        "for t in row { h[t] ~ if t == 1 then Normal(0, 3) else Normal(0.5 * h[t - 1], 1) }\n y ~ Normal(h, 1)",
        lambda v: N(v.h[0], 0, 3) + N(v.h[1:], 0.5 * v.h[:-1], 1).sum() + N(Y, v.h, 1).sum(),
    ),
    series(
        "the first rows left out, two lags",
        "b ~ Normal(0, 1)\n for t in row { y[t] ~ if t <= 3 then Flat() else Normal(b * y[t - 1] + y[t - 3], 1) }",
        lambda v: N(v.b, 0, 1) + N(Y[3:], v.b * Y[2:-1] + Y[:-3], 1).sum(),
    ),
    series(
        "nested guards",
        "b ~ Normal(0, 1)\n"
        "for t in row { m[t] = if t == 1 then 7 else if t == 2 then y[t - 1] else y[t - 1] + b * y[t - 2] }\n"
        "y ~ Normal(m, 1)",
        lambda v: N(v.b, 0, 1) + N(Y, np.where(T == 1, 7, lagged(Y) + np.where(T > 2, v.b * lagged(Y, 2), 0)), 1).sum(),
    ),
    series(
        "a guard the other way round, and the position as a number",
        "b ~ Normal(0, 1)\n for t in row { m[t] = if t > 1 then y[t - 1] else b * t }\n y ~ Normal(m, 1)",
        lambda v: N(v.b, 0, 1) + N(Y, np.where(T > 1, lagged(Y), v.b * T), 1).sum(),
    ),
    series(
        "a guard with and, or, not",
        "b ~ Normal(0, 1)\n"
        "for t in row { m[t] = if not (t == 1) and y > 0 then b * y[t - 1] else if t < 2 or y > 9 then 1 else 2 }\n"
        "y ~ Normal(m, 1)".replace("y > 0", "day > 2").replace("y > 9", "day > 90"),
        lambda v: (
            N(v.b, 0, 1) + N(Y, np.where((T > 1) & (np.arange(6) > 2), v.b * lagged(Y), np.where(T < 2, 1, 2)), 1).sum()
        ),
    ),
    rows(
        "two loops over one axis",
        "s ~ HalfNormal(1)\n"
        "for i in row { for j in row { K[i, j] = exp(-(x[i] - x[j])^2) + (if i == j then s else 0) } }\n"
        "f[row] ~ MvNormal(0, cov=K)\n y ~ Normal(f, 1)",
        lambda v: (
            stats.halfnorm.logpdf(v.s)
            + stats.multivariate_normal.logpdf(v.f, np.zeros(6), np.exp(-((X[:, None] - X) ** 2)) + v.s * np.eye(6))
            + N(Y, v.f, 1).sum()
        ),
        limits={"s": (0, INF)},
    ),
    rows(
        "a matrix that is not symmetric: first index first",
        "for i in k { a[i] ~ Normal(0, 1) }\n"
        "for i in k { for j in k { K[i, j] = a[i] * j } }\n"
        "for i in k { r[i] = sum(K[i, ..], over=k) }\n"
        "for i in k { for j in k { d[i, j] = K[j, i] } }\n"
        "c = K @ a\n e = a @ K\n f = d @ a\n y ~ Normal(c[1] + e[2] + f[3], 1)",
        lambda v: (
            N(v.a, 0, 1).sum()
            + N(
                Y,
                (np.outer(v.a, T[:3]) @ v.a)[0] + (v.a @ np.outer(v.a, T[:3]))[1] + (np.outer(v.a, T[:3]).T @ v.a)[2],
                1,
            ).sum()
        ),
        top="axis k = 3",
    ),
    rows(
        "the transpose, the diagonal and a column of a matrix",
        "a[k] ~ Normal(0, 1)\n"
        "for i in k { for j in k { K[i, j] = a[i] + i * j^2 } }\n"
        "for i in k { d[i] = K[i, i] }\n"
        "for j in k { s[j] = sum(K[.., j], over=k) }\n"
        "for i in k { for j in k { U[i, j] = K[j, i] - K[i, j] } }\n"
        "r[k] = sum(U, over=k)\n"
        "for i in k { for j in k { V[i, j] = if j == 1 then 0 else a[j - 1] * K[j, 2] } }\n"
        "q = sum(sum(V, over=k))\n"
        "y ~ Normal(d[3] + 2 * s[2] + r[1] + q, 1)",
        _matrix_parts,
        top="axis k = 3",
    ),
    rows(
        "a matrix looked up by two columns, and by one and a loop",
        "K[g, h] ~ Normal(0, 1)\nfor t in row { m[t] = K[g[t], h[t]] + x[t] }\n y ~ Normal(m, 1)",
        lambda v: N(v.K, 0, 1).sum() + N(Y, v.K[G, H] + X, 1).sum(),
    ),
    rows(
        "the product of two matrices",
        "a[k] ~ Normal(0, 1)\n"
        "for i in k { for j in k { P[i, j] = a[i] + 2 * j } }\n for i in k { for j in k { Q[i, j] = i - a[j] } }\n"
        "R = P @ Q\n y ~ Normal(R[1, 3] - R[2, 1], 1)",
        lambda v: (
            N(v.a, 0, 1).sum()
            + N(
                Y,
                ((v.a[:, None] + 2 * T[:3]) @ (T[:3, None] - v.a))[0, 2]
                - ((v.a[:, None] + 2 * T[:3]) @ (T[:3, None] - v.a))[1, 0],
                1,
            ).sum()
        ),
        top="axis k = 3",
    ),
    rows(
        "diag and a triangle as a factor of a covariance",
        "s[k] ~ HalfNormal(1)\n"
        "for i in k { for j in k { C[i, j] = if i == j then 2 else 0.5 } }\n L = cholesky(C)\n"
        "b[k] ~ MvNormal(0, chol=diag(s) @ L)\n y ~ Normal(b[1], 1)",
        lambda v: (
            stats.halfnorm.logpdf(v.s).sum()
            + stats.multivariate_normal.logpdf(v.b, np.zeros(3), np.outer(v.s, v.s) * (0.5 + 1.5 * np.eye(3)))
            + N(Y, v.b[0], 1).sum()
        ),
        top="axis k = 3",
        limits={"s": (0, INF)},
    ),
)
FUNCTIONS = (
    rows(
        "functions of numbers",
        "a ~ Normal(0, 1)\n y ~ Normal(f(a, x) + f(b=a, a=2), 1)",
        lambda v: N(v.a, 0, 1) + N(Y, (v.a * v.a + X) + (4 + v.a), 1).sum(),
        top="fun f(a, b) { c = a * a\n return c + b }",
    ),
    rows(
        "a function that returns a distribution",
        "a ~ Robust(0, 2)\n y ~ Robust(a, 1)",
        lambda v: stats.t.logpdf(v.a, 4, 0, 2) + stats.t.logpdf(Y, 4, v.a, 1).sum(),
        top="fun Robust(m, s) = StudentT(4, m, s)",
    ),
    rows(
        "constants and lists",
        "b[k] ~ Normal(P, S)\n y ~ Normal(b[1] + C, 1)",
        lambda v: N(v.b, [1, -2, 0.5], [1, 2, 3]).sum() + N(Y, v.b[0] + 6.25, 1).sum(),
        top="const C = 2.5^2\nconst S = [1, 2, 3]\nconst P = [1, -2, 0.5]\naxis k = 3",
    ),
    rows(
        "bool in arithmetic, a label, a comparison of levels",
        'b ~ Normal(0, 1)\n d = h == "drug"\n y ~ Normal(b * d + 2 * (x > 0) - (h != "drug") + (g <= "b"), 1)',
        lambda v: N(v.b, 0, 1) + N(Y, v.b * H + 2 * (X > 0) - (H != 1) + (G <= 1), 1).sum(),
    ),
    rows(
        "min, max, clamp of pairs; powers and remainders",
        "b ~ Normal(0, 1)\n y ~ Normal(min(b, x) + max(x, 0) + clamp(x, -0.5, b^2 + 1) - -x^2 + 7 % 4, 1)",
        lambda v: (
            N(v.b, 0, 1)
            + N(Y, np.minimum(v.b, X) + np.maximum(X, 0) + np.clip(X, -0.5, v.b**2 + 1) + X**2 + 3, 1).sum()
        ),
    ),
    rows(
        "reductions over one of two axes",
        "a[g, h] ~ Normal(0, 1)\n"
        "p[g] = sum(a, over=h) + mean(a, over=h) - sd(a, over=h) + var(a, over=h) + prod(a, over=h)\n"
        "q[h] = min(a, over=g) * 2 + max(a, over=g) + logsumexp(a, over=g)\n"
        "r[g, h] = cumsum(a, over=g) + softmax(a, over=h)\n"
        "y ~ Normal(p[g] + q[h] + r[g, h], 1)",
        lambda v: (
            N(v.a, 0, 1).sum()
            + N(
                Y,
                (v.a.sum(1) + v.a.mean(1) - v.a.std(1, ddof=1) + v.a.var(1, ddof=1) + v.a.prod(1))[G]
                + (v.a.min(0) * 2 + v.a.max(0) + logsumexp(v.a, 0))[H]
                + (np.cumsum(v.a, 0) + softmax(v.a, 1))[G, H],
                1,
            ).sum()
        ),
    ),
    rows(
        "argmax of data is a level",
        "a[k] ~ Normal(0, 1)\n w[k] = [1, 3, 2]\n y ~ Normal(a[argmax(w)], 1)",
        lambda v: N(v.a, 0, 1).sum() + N(Y, v.a[1], 1).sum(),
        top="axis k = 3",
    ),
    rows(
        "dot names its axis",
        "a[g, h] ~ Normal(0, 1)\n b[g, h] ~ Normal(0, 1)\n c[h] = dot(a, b, over=g)\n y ~ Normal(c[h], 1)",
        lambda v: N(v.a, 0, 1).sum() + N(v.b, 0, 1).sum() + N(Y, (v.a * v.b).sum(0)[H], 1).sum(),
    ),
    rows(
        "observe and factor",
        "a ~ Normal(0, 1)\n observe log(x^2) ~ Normal(a, 2)\n factor -a^2\n factor 0.1 * x * a\n y ~ Normal(a, 1)",
        lambda v: N(v.a, 0, 1) + N(np.log(X**2), v.a, 2).sum() - v.a**2 + 0.1 * X.sum() * v.a + N(Y, v.a, 1).sum(),
    ),
    Case(
        "dates are compared with dates",
        "data { day: date\n y: real }\n"
        'model { b ~ Normal(0, 1)\n y ~ Normal(if day >= "2024-03-01" then b else 1, 1) }\n',
        {"day": ["2024-02-28", "2024-03-01", "2024-02-29", "2025-01-01", "2023-12-31", "2024-03-02"], "y": Y},
        lambda v: N(v.b, 0, 1) + N(Y, np.where([0, 1, 0, 1, 0, 1], v.b, 1), 1).sum(),
    ),
)


def _ordered_logistic(k: np.ndarray, eta: Any, cuts: Any) -> np.ndarray:
    below = np.concatenate([[0.0], expit(np.asarray(cuts) - eta), [1.0]])
    return np.log(below[k + 1] - below[k])


MIX = np.array([0.2, 0.5, 0.3])
DISTRIBUTIONS = (
    rows(
        "Mixture over the axis of the weights",
        "w[k] = [0.2, 0.5, 0.3]\n m[k] ~ Normal(0, 1)\n y ~ Mixture(w, Normal(m, [1, 2, 3]))".replace("[1, 2, 3]", "2"),
        lambda v: N(v.m, 0, 1).sum() + logsumexp(np.log(MIX) + N(Y[:, None], v.m, 2), axis=1).sum(),
        top="axis k = 3",
    ),
    rows(
        "the same mixture with labels",
        "w[k] = [0.2, 0.5, 0.3]\n m[k] ~ Normal(0, 1)\n z[row] ~ Categorical(w)\n y ~ Normal(m[z], 2)",
        lambda v: N(v.m, 0, 1).sum() + logsumexp(np.log(MIX) + N(Y[:, None], v.m, 2), axis=1).sum(),
        top="axis k = 3",
    ),
    rows(
        "a label for each group",
        "w[k] = [0.2, 0.5, 0.3]\n m[k] ~ Normal(0, 1)\n z[g] ~ Categorical(w)\n y ~ Normal(m[z[g]], 2)",
        lambda v: (
            N(v.m, 0, 1).sum() + sum(logsumexp(np.log(MIX) + N(Y[j == G, None], v.m, 2).sum(0)) for j in range(3))
        ),
        top="axis k = 3",
    ),
    rows(
        "Truncated on both sides",
        "b ~ Normal(0, 1)\n s ~ HalfNormal(1)\n y ~ Truncated(Normal(b, s), lower=-3, upper=4)",
        lambda v: (
            N(v.b, 0, 1)
            + stats.halfnorm.logpdf(v.s)
            + (N(Y, v.b, v.s) - np.log(stats.norm.cdf(4, v.b, v.s) - stats.norm.cdf(-3, v.b, v.s))).sum()
        ),
        limits={"s": (0, INF)},
    ),
    rows(
        "a truncated unknown",
        "b ~ Truncated(Normal(1, 2), lower=0.5)\n y ~ Normal(b, 1)",
        lambda v: N(v.b, 1, 2) - np.log(stats.norm.sf(0.5, 1, 2)) + N(Y, v.b, 1).sum(),
        limits={"b": (0.5, INF)},
    ),
    Case(
        "Truncated counts: the bounds belong to the range",
        "data { n: int }\nmodel { r ~ Exponential(1)\n n ~ Truncated(Poisson(r), lower=1, upper=6) }\n",
        {"n": np.array([1, 3, 6, 2])},
        lambda v: (
            -v.r
            + (
                stats.poisson.logpmf([1, 3, 6, 2], v.r) - np.log(stats.poisson.cdf(6, v.r) - stats.poisson.cdf(0, v.r))
            ).sum()
        ),
        limits={"r": (0, INF)},
    ),
    Case(
        "Censored on the right",
        "data { t: real > 0\n seen: bool }\n"
        "model { a ~ Normal(0, 1)\n t ~ Censored(Weibull(1.5, exp(a)), right=not seen) }\n",
        {"t": np.abs(Y), "seen": WON},
        lambda v: (
            N(v.a, 0, 1)
            + np.where(
                WON,
                stats.weibull_min.logpdf(np.abs(Y), 1.5, scale=np.exp(v.a)),
                stats.weibull_min.logsf(np.abs(Y), 1.5, scale=np.exp(v.a)),
            ).sum()
        ),
    ),
    Case(
        "Censored on the left",
        "data { y: real\n low: bool }\nmodel { a ~ Normal(0, 1)\n y ~ Censored(Normal(a, 2), left=low) }\n",
        {"y": Y, "low": WON},
        lambda v: N(v.a, 0, 1) + np.where(WON, stats.norm.logcdf(Y, v.a, 2), N(Y, v.a, 2)).sum(),
    ),
    Case(
        "Censored within an interval",
        "data { y: real\n up: real }\nmodel { a ~ Normal(0, 1)\n y ~ Censored(Normal(a, 2), interval=up) }\n",
        {"y": Y, "up": Y + 1.5},
        lambda v: N(v.a, 0, 1) + np.log(stats.norm.cdf(Y + 1.5, v.a, 2) - stats.norm.cdf(Y, v.a, 2)).sum(),
    ),
    Case(
        "ZeroInflated counts",
        "data { n: int }\nmodel { p ~ Beta(2, 3)\n n ~ ZeroInflated(p, Poisson(2)) }\n",
        {"n": COUNTS},
        lambda v: (
            stats.beta.logpdf(v.p, 2, 3) + np.log((COUNTS == 0) * v.p + (1 - v.p) * stats.poisson.pmf(COUNTS, 2)).sum()
        ),
        limits={"p": (0, 1)},
    ),
    rows(
        "Ordered: the density of the sorted values",
        "m[k] ~ Ordered(Normal(0, 2))\n y ~ Normal(m[1] + 2 * m[3], 1)",
        lambda v: N(v.m, 0, 2).sum() + np.log(6) + N(Y, v.m[0] + 2 * v.m[2], 1).sum(),
        top="axis k = 3",
        ordered=("m",),
    ),
    Case(
        "OrderedLogistic",
        'data { r: ordinal ["low", "mid", "high"]\n x: real }\naxis cut = 2\n'
        "model { b ~ Normal(0, 1)\n c[cut] ~ Ordered(Normal(0, 2))\n r ~ OrderedLogistic(b * x, c) }\n",
        {"r": ["low", "high", "mid", "high", "low", "mid"], "x": X},
        lambda v: (
            N(v.b, 0, 1)
            + N(v.c, 0, 2).sum()
            + np.log(2)
            + sum(_ordered_logistic(np.array([k]), v.b * x, v.c)[0] for k, x in zip([0, 2, 1, 2, 0, 1], X, strict=True))
        ),
        ordered=("c",),
    ),
    Case(
        "Categorical over the levels of a column",
        "data { g: factor\n x: real }\nmodel { b[g] ~ Normal(0, 1)\n g ~ Categorical(logits=b * x) }\n",
        {"g": LETTERS, "x": X},
        lambda v: N(v.b, 0, 1).sum() + sum((v.b * x)[k] - logsumexp(v.b * x) for k, x in zip(G, X, strict=True)),
    ),
    Case(
        "Multinomial counts",
        'data { n[k]: int >= 0 from "n*" }\nmodel { b[k] ~ Normal(0, 1)\n n ~ Multinomial(5, softmax(b)) }\n',
        {"n1": [1, 2], "n2": [3, 0], "n3": [1, 3]},
        lambda v: N(v.b, 0, 1).sum() + stats.multinomial.logpmf([[1, 3, 1], [2, 0, 3]], 5, softmax(v.b)).sum(),
    ),
    Case(
        "a distribution chosen by a column",
        "data { y: real\n won: bool }\n"
        "model { b ~ Normal(0, 1)\n y ~ if won then Normal(b, 1) else StudentT(4, 0, 2) }\n",
        {"y": Y, "won": WON},
        lambda v: N(v.b, 0, 1) + np.where(WON, N(Y, v.b, 1), stats.t.logpdf(Y, 4, 0, 2)).sum(),
    ),
    Case(
        "the logit form of a probability",
        "data { won: bool\n x: real }\nmodel { b ~ Normal(0, 1)\n won ~ Bernoulli(sigmoid(b * x)) }\n",
        {"won": WON, "x": X},
        lambda v: N(v.b, 0, 1) + np.where(WON, log_expit(v.b * X), log_expit(-v.b * X)).sum(),
    ),
)
BLANK = np.array([0.5, np.nan, 2.0, np.nan, 0.1, -1.0])


def _filled(cells: np.ndarray) -> np.ndarray:
    """The column with its blanks filled in."""
    full = BLANK.copy()
    full[np.isnan(BLANK)] = cells
    return full


MISSING = (
    Case(
        "blanks of a real column are unknowns",
        "data { y: real\n age: real? }\nmodel { b ~ Normal(0, 1)\n age ~ Normal(1, 2)\n y ~ Normal(b * age, 1) }\n",
        {"y": Y, "age": BLANK},
        lambda v: N(v.b, 0, 1) + N(_filled(v.age), 1, 2).sum() + N(Y, v.b * _filled(v.age), 1).sum(),
    ),
    Case(
        "blanks of a bool column are summed out",
        "data { y: real\n won: bool? }\nmodel { b ~ Normal(0, 1)\n won ~ Bernoulli(0.3)\n y ~ Normal(b * won, 1) }\n",
        {"y": Y, "won": ["true", "", "false", "", "true", "false"]},
        lambda v: (
            N(v.b, 0, 1)
            + sum(
                np.log(0.3 * (k is not False) * np.exp(N(y, v.b, 1)) + 0.7 * (k is not True) * np.exp(N(y, 0, 1)))
                for k, y in zip([True, None, False, None, True, False], Y, strict=True)
            )
        ),
    ),
)
CONSTANTS = (
    rows(
        "a text constant as a label",
        "b[h] ~ Normal(0, 1)\n y ~ Normal((if h == treated then b[treated] else x) + (treated != h), 1)",
        lambda v: N(v.b, 0, 1).sum() + N(Y, np.where(H == 1, v.b[1], X) + (H == 0), 1).sum(),
        top='const treated = "drug"',
    ),
    rows(
        "a text constant as a switch",
        'b ~ Normal(0, 1)\n y ~ Normal(if link == "exp" then exp(b) else b, if link != "exp" then 1 else 2)',
        lambda v: N(v.b, 0, 1) + N(Y, np.exp(v.b), 2).sum(),
        top='const link = "exp"',
    ),
    Case(
        "a text constant as a date",
        'const start = "2020-06-01"\ndata { y: real\n day: date }\n'
        "model { b ~ Normal(0, 1)\n y ~ Normal(if day >= start then b else 0, 1) }\n",
        {"y": Y, "day": ["2020-05-31", "2020-06-01"] * 3},
        lambda v: N(v.b, 0, 1) + N(Y, v.b * np.array([0, 1] * 3), 1).sum(),
    ),
)
CASES = (*FRAMES, *LOOPS, *FUNCTIONS, *DISTRIBUTIONS, *MISSING, *CONSTANTS)

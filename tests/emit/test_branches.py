"""Branches that the data do not take have no say: neither in the density nor in its gradient."""

import numpy as np
import pytest
from scipy.stats import beta, gamma, norm

from ppl.api import compile

X = np.array([0.0, 0.4, 0.7])
HEAD = "data {\n  x: real >= 0\n  g: real >= 0\n}\nmodel {\n  a ~ HalfNormal(1)\n"
MOVED = X > 0

CASES = {
    "a positive family at zero": (
        "moved = g > 0\n x ~ if moved then Gamma(a, 1) else Flat()",
        lambda a: gamma.logpdf(X[MOVED], a).sum(),
    ),
    "the other way round": (
        "x ~ if g == 0 then Flat() else Gamma(a, 1)",
        lambda a: gamma.logpdf(X[MOVED], a).sum(),
    ),
    "a family on an interval": (
        "x ~ if g > 0 then Beta(a, 2) else Normal(a, 1)",
        lambda a: beta.logpdf(X[MOVED], a, 2).sum() + norm.logpdf(0, a),
    ),
    "two families with ends": (
        "x ~ if g > 0.5 then Beta(a, 2) else if g > 0 then Gamma(a, 2) else Normal(a, 1)",
        lambda a: beta.logpdf(0.7, a, 2) + gamma.logpdf(0.4, a, scale=0.5) + norm.logpdf(0, a),
    ),
    "a logarithm of data": (
        "x ~ Normal(if g > 0 then log(g) * a else a, 1)",
        lambda a: norm.logpdf(X, np.where(MOVED, np.log(np.where(MOVED, X, 1)) * a, a)).sum(),
    ),
    "a logarithm with a name": (
        "l = log(g)\n x ~ Normal(if g > 0 then l * a + a / g else 0, 1)",
        lambda a: norm.logpdf(X, [0, *(np.log(X[1:]) * a + a / X[1:])]).sum(),
    ),
    "all positions of it": (
        "l = log(g + 0.5)\n x ~ Normal(if g > 0.5 then a * sum(l) + sum(1 / (g + 1)) else 0, 1)",
        lambda a: norm.logpdf(X, [0, 0, a * np.log(X + 0.5).sum() + (1 / (X + 1)).sum()]).sum(),
    ),
    "a logarithm in an argument of a branch": (
        "x ~ if g > 0 then Normal(a * log(g), 1) else Normal(a, 1)",
        lambda a: norm.logpdf(X[1:], a * np.log(X[1:])).sum() + norm.logpdf(0, a),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_branch_not_taken_leaves_the_gradient_alone(name: str) -> None:
    body, expected = CASES[name]
    program, _ = compile(f"{HEAD}{body}\n}}\n").bind({"x": X.tolist(), "g": X.tolist()})
    u, w = np.array([[-0.4], [0.3]]), np.ones(program.weights)
    value, slope, *_ = program.value_and_grad(u, w)
    a = np.exp(u[:, 0])
    prior = np.log(2) + norm.logpdf(a) + u[:, 0]
    np.testing.assert_allclose(value, prior + [expected(x) for x in a], rtol=1e-10)
    numeric = (program.value(u + 1e-5, w) - program.value(u - 1e-5, w)) / 2e-5
    np.testing.assert_allclose(slope[:, 0], numeric, rtol=1e-6)

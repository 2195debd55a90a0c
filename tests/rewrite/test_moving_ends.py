"""Ends of the support of what was observed: they may move where a prior keeps them beyond all of it."""

import numpy as np
import pytest
from scipy import stats

from ppl.api import compile
from ppl.emit.bind import Program
from ppl.rewrite.explain import explain
from ppl.source.diagnostic import ModelError

Y = [0.5, 2.0, 1.2]


def text_of(prior: str, observed: str) -> str:
    return f"data {{\n  y: real\n  g: factor\n}}\nmodel {{\n  u ~ {prior}\n  y ~ {observed}\n}}\n"


@pytest.mark.parametrize(
    ("prior", "observed"),
    [
        ("Uniform(max(y), 9)", "Uniform(0, u)"),
        ("Truncated(Normal(0, 5), lower=max(y))", "Uniform(-9, u)"),
        ("Truncated(HalfNormal(5), lower=max(y))", "Truncated(Normal(0, 1), upper=u)"),
        ("Uniform(-9, min(y))", "Truncated(Normal(0, 1), lower=u)"),
        ("Pareto(max(y), 2)", "Truncated(Cauchy(0, 1), lower=-1, upper=u)"),
    ],
)
def test_ends_beyond_what_was_observed_may_move(prior: str, observed: str) -> None:
    model = compile(text_of(prior, observed))
    assert {row.name: row.estimator for row in explain(model.graph)} == {"u": "reparam"}
    program, _ = model.bind({"y": Y, "g": ["p", "q", "p"]})
    assert isinstance(program, Program)
    u, w = np.linspace(-3, 3, 7)[:, None], np.zeros(program.weights)
    value, gradient, _ = program.value_and_grad(u, w)
    assert np.isfinite(value).all()
    slope = (program.value(u + 1e-5, w) - program.value(u - 1e-5, w)) / 2e-5
    assert np.allclose(gradient[:, 0], slope, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("prior", "observed"),
    [
        ("HalfNormal(5)", "Uniform(0, u)"),
        ("Uniform(min(y), 9)", "Uniform(0, u)"),
        ("Uniform(mean(y), 9)", "Uniform(0, u)"),
        ("Uniform(max(y), 9)", "Uniform(0, u - 1)"),
        ("Uniform(max(y), 9)", "Truncated(Normal(0, 1), lower=u)"),
        ("Uniform(1, max(y))", "Truncated(Normal(0, 1), upper=u)"),
    ],
)
def test_any_other_end_leaves_no_estimator(prior: str, observed: str) -> None:
    with pytest.raises(ModelError, match="E530"):
        compile(text_of(prior, observed))


def test_the_largest_of_many_has_its_exact_posterior() -> None:
    """y ~ Uniform(0, u) under u ~ Uniform(max(y), 9): the posterior of u is u^-n between max(y) and 9, which is the
    quantile function below."""
    fit = compile(text_of("Uniform(max(y), 9)", "Uniform(0, u)")).fit({"y": Y, "g": ["p", "q", "p"]}, draws=4000)
    n, low, high = len(Y), max(Y), 9.0
    for p in (0.05, 0.5, 0.95):
        exact = (low ** (1 - n) - p * (low ** (1 - n) - high ** (1 - n))) ** (1 / (1 - n))
        assert fit["u"].quantile(p) == pytest.approx(exact, rel=0.05)


def test_each_group_may_have_an_end_of_its_own() -> None:
    text = (
        "data {\n  y: real\n  g: factor\n}\n"
        "model {\n  u[g] ~ Uniform(max(y), 9)\n  y ~ Truncated(Normal(0, 1), upper=u[g])\n}\n"
    )
    program, _ = compile(text).bind({"y": Y, "g": ["p", "q", "p"]})
    assert isinstance(program, Program)
    z = np.zeros((1, 2))
    u = program.constrained(z, np.zeros(program.weights))["u"][0]
    jacobian = 2 * np.log((9 - max(Y)) / 4)
    cut = stats.norm.logpdf(Y) - stats.norm.logcdf(u[[0, 1, 0]])
    expected = cut.sum() - 2 * np.log(9 - max(Y)) + jacobian
    assert program.value(z, np.zeros(program.weights))[0] == pytest.approx(expected)

"""Unknowns integrated out in closed form: the same numbers as adding up their levels."""

import numpy as np
import pytest
from enumerate_joint import points, program_of
from scipy.special import expit, logsumexp
from scipy.stats import binom, norm, poisson

from ppl.api import compile
from ppl.graph.graph import node_list, unknowns
from ppl.rewrite.explain import explain

SEEN = np.array([3, 0, 12, 7])
EVERY = np.arange(3000)
FORMS = {
    "Poisson and Binomial": "n[row] ~ Poisson(exp(2 + a))\n  seen ~ Binomial(n, sigmoid(b))",
    "by logarithm and log odds": "n[row] ~ Poisson(log=2 + a)\n  seen ~ Binomial(n, logit=b)",
    "the chance comes later": "n[row] ~ Poisson(log=2 + a)\n  p = sigmoid(b)\n  seen ~ Binomial(n, p)",
}


def model(lines: str, rest: str = "") -> str:
    return f"data {{\n  seen: int >= 0\n}}\nmodel {{\n  a ~ Normal(0, 1)\n  b ~ Normal(0, 1)\n  {lines}\n{rest}}}\n"


def estimator(text: str) -> str:
    return next(n.plan.reason for n in unknowns(compile(text).graph) if n.name == "n" and n.plan is not None)


@pytest.mark.parametrize("lines", FORMS.values(), ids=FORMS)
def test_a_thinned_count(lines: str) -> None:
    text = model(lines)
    assert "integrated out" in estimator(text)
    program = program_of(text, {"seen": SEEN})
    u, w = points(program)
    named, totals = program.constrained(u, w), program.marginals(u, w)["n"]
    levels = program.spans["n?"].astype(int)
    for s in range(len(u)):
        a, b = float(named["a"][s]), float(named["b"][s])
        each = poisson.logpmf(EVERY, np.exp(2 + a)) + binom.logpmf(SEEN[:, None], EVERY, expit(b))
        total = norm.logpdf(a) + norm.logpdf(b) + logsumexp(each, -1).sum()
        assert program.value(u, w)[s] == pytest.approx(total, rel=1e-10)
        expected = np.exp(each - logsumexp(each, -1, keepdims=True))[:, levels]
        np.testing.assert_allclose(totals[s], expected, rtol=1e-7, atol=1e-12)


def test_it_is_explained_as_it_was_written() -> None:
    rows = {row.name: row for row in explain(compile(model(FORMS["Poisson and Binomial"])).graph)}
    assert (rows["n"].distribution, rows["n"].estimator) == ("Poisson", "exact")


def test_its_gradient_is_that_of_the_marginal() -> None:
    program = program_of(model(FORMS["Poisson and Binomial"]), {"seen": SEEN})
    u, w = points(program)
    _, grads, _ = program.value_and_grad(u, w)
    for i in range(program.dim):
        step = 1e-5 * np.eye(program.dim)[i]
        slope = (program.value(u + step, w) - program.value(u - step, w)) / 2e-5
        np.testing.assert_allclose(grads[:, i], slope, rtol=1e-6, atol=1e-6)


KEPT = {
    "another density reads it": model(FORMS["Poisson and Binomial"], "  factor 0.1 * n\n"),
    "the chance depends on it": model("n[row] ~ Poisson(2)\n  seen ~ Binomial(n, 1 / (1 + n))"),
    "a part of it is the number": model("n[row] ~ Poisson(log=a)\n  seen ~ Binomial(n + 12, 0.5)"),
    "one for all rows": model("n ~ Poisson(log=a)\n  seen ~ Binomial(n, 0.5)"),
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_other_counts_are_summed(text: str) -> None:
    graph = compile(text).graph
    assert "integrated out" not in estimator(text)
    assert not any(n.dist is not None and n.dist.name == "PoissonFrom" for n in node_list(graph))

"""Continuous unknowns that are integrated out in closed form: the density that is left, against quadrature of the one
that was written, and draws of them given the rest."""

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.stats as st
from scipy.integrate import quad
from scipy.special import gammaln

from ppl.api import Model, compile
from ppl.graph.graph import Plan, unknowns
from ppl.rewrite.explain import explain
from ppl.source.diagnostic import ModelError

POISSON = """
data {
  y: int >= 0
  e: real >= 0
}
model {
  m ~ Gamma(2, 1)
  @marginal
  g[row] ~ Gamma(3, m)
  y ~ Poisson(RATE)
  relative = g * m
}
"""
BINOMIAL = """
data {
  k: int >= 0
  n: int >= 0
}
model {
  a ~ Gamma(4, 2)
  @marginal
  p[row] ~ Beta(a, 3)
  k ~ Binomial(n, p)
}
"""
MULTINOMIAL = """
axis part = 3
data {
  c[part]: int >= 0 from "c*"
  n: int > 0
}
model {
  a ~ Gamma(4, 2)
  @marginal
  th[row, part] ~ Dirichlet(a)
  c[row, part] ~ Multinomial(n, th)
}
"""
Y, E = np.array([3, 0, 7, 0]), np.array([1.0, 2.0, 0.5, 0.0])
K, N = np.array([3, 0, 7, 0]), np.array([5, 2, 7, 0])
GRID = np.linspace(1e-7, 30.0, 200_001)


def plan_of(model: Model, name: str) -> Plan:
    return next(n.plan for n in unknowns(model.graph) if n.name == name and n.plan is not None)


# ---- the density that is left ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "factor"),
    [("g", 1.0), ("g * e", E), ("e / 2 * g", E / 2), ("g / (1 + e)", 1 / (1 + E)), ("rate", 2 * E)],
    ids=["bare", "times", "before", "over", "named"],
)
def test_a_gamma_in_a_poisson(written, factor):
    text = POISSON.replace("RATE", written)
    if written == "rate":
        text = text.replace("  y ~", "  rate = 2 * e * g\n  y ~")
    program, _ = compile(text).bind({"y": Y, "e": E})
    u = np.array([[0.3], [-1.0], [1.2]])
    for value, m in zip(program.value(u, np.zeros(0)), np.exp(u[:, 0]), strict=True):
        total = st.gamma.logpdf(m, 2) + np.log(m)
        for y, c in zip(Y, np.broadcast_to(factor, 4), strict=True):
            total += np.log(
                integral(lambda g, m=m, y=y, c=c: st.gamma.pdf(g, 3, scale=1 / m) * st.poisson.pmf(y, g * c))
            )
        assert value == pytest.approx(total, rel=1e-8)


def integral(f):
    return sum(quad(f, low, high, epsabs=0, epsrel=1e-11)[0] for low, high in ((0, 3), (3, 12), (12, 80)))


def test_a_beta_in_a_binomial():
    program, _ = compile(BINOMIAL).bind({"k": K, "n": N})
    u = np.array([[0.3], [-1.0], [1.2]])
    for value, a in zip(program.value(u, np.zeros(0)), np.exp(u[:, 0]), strict=True):
        total = st.gamma.logpdf(a, 4, scale=0.5) + np.log(a)
        for k, n in zip(K, N, strict=True):
            # in p = q^(1 / a) the prior is smooth at 0
            total += np.log(
                quad(
                    lambda q, k=k, n=n, a=a: (
                        st.beta.pdf(q ** (1 / a), a, 3) * st.binom.pmf(k, n, q ** (1 / a)) * q ** (1 / a - 1) / a
                    ),
                    0,
                    1,
                    epsabs=0,
                    epsrel=1e-11,
                )[0]
            )
        assert value == pytest.approx(total, rel=1e-8)


def test_a_dirichlet_in_a_multinomial():
    counts = np.array([[1, 0, 4], [2, 2, 2]])
    columns = {f"c{i + 1}": counts[:, i] for i in range(3)}
    program, _ = compile(MULTINOMIAL).bind({**columns, "n": counts.sum(1)})
    u = np.array([[0.3], [-1.0]])
    for value, a in zip(program.value(u, np.zeros(0)), np.exp(u[:, 0]), strict=True):
        total = st.gamma.logpdf(a, 4, scale=0.5) + np.log(a)
        for c in counts:
            total += gammaln(c.sum() + 1) - gammaln(c + 1).sum() + gammaln(3 * a) - gammaln(3 * a + c.sum())
            total += (gammaln(a + c) - gammaln(a)).sum()
        assert value == pytest.approx(total, rel=1e-12)


def test_its_gradient_is_that_of_the_marginal():
    program, _ = compile(POISSON.replace("RATE", "g * e")).bind({"y": Y, "e": E})
    u = np.array([[0.3], [-1.0]])
    up, down = program.value(u + 1e-5, np.zeros(0)), program.value(u - 1e-5, np.zeros(0))
    np.testing.assert_allclose(program.value_and_grad(u, np.zeros(0))[1][:, 0], (up - down) / 2e-5, rtol=1e-7)


# ---- what is known of it -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """A model, its data, the unknown, and its distribution at one value of the coordinate."""

    text: str
    data: dict[str, np.ndarray]
    name: str
    shape: tuple[int, ...]
    mean: np.ndarray
    sd: np.ndarray


CASES = {
    "Gamma": Drawn(
        POISSON.replace("RATE", "g * e"),
        {"y": Y, "e": E},
        "g",
        (4,),
        (3 + Y) / (1 + E),
        np.sqrt(3 + Y) / (1 + E),
    ),
    "Beta": Drawn(
        BINOMIAL, {"k": K, "n": N}, "p", (4,), st.beta(1 + K, 3 + N - K).mean(), st.beta(1 + K, 3 + N - K).std()
    ),
    "Dirichlet": Drawn(
        MULTINOMIAL,
        {"c1": np.array([1]), "c2": np.array([0]), "c3": np.array([4]), "n": np.array([5])},
        "th",
        (1, 3),
        st.dirichlet([2.0, 1.0, 5.0]).mean()[None],
        np.sqrt(st.dirichlet([2.0, 1.0, 5.0]).var())[None],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_draws_given_the_rest(case):
    program, _ = compile(case.text).bind(case.data)
    count = 20_000
    e = np.random.default_rng(3).random((count, program.noise))
    draws = program.recovered(np.zeros((count, 1)), np.zeros(0), e)[case.name]
    assert draws.shape == (count, *case.shape)
    np.testing.assert_allclose(draws.mean(0), case.mean, atol=5 * case.sd.max() / np.sqrt(count))
    np.testing.assert_allclose(draws.std(0), case.sd, rtol=0.04)


def posterior() -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean and sd of g by quadrature over m: given m it is Gamma(3 + y, m + e)."""
    m = GRID
    logs = st.gamma.logpdf(m, 2)
    for y, c in zip(Y, E, strict=True):
        logs = logs + 3 * np.log(m) - (3 + y) * np.log(m + c)
    w = np.exp(logs - logs.max())
    w /= w.sum()
    first = [(w * (3 + y) / (m + c)).sum() for y, c in zip(Y, E, strict=True)]
    second = [(w * (3 + y) * (4 + y) / (m + c) ** 2).sum() for y, c in zip(Y, E, strict=True)]
    return np.array(first), np.sqrt(np.array(second) - np.square(first))


def test_it_is_reported_like_any_unknown():
    model = compile(POISSON.replace("RATE", "g * e"))
    fit = model.fit({"y": Y, "e": E}, seed=4, draws=8000)
    mean, sd = posterior()
    g = fit["g"]
    assert (g.role, g.estimator, g.axes) == ("unknown", "exact", ("row",))
    np.testing.assert_allclose(g.mean(), mean, atol=5 * sd.max() / np.sqrt(8000))
    np.testing.assert_allclose(g.sd(), sd, rtol=0.06)
    np.testing.assert_allclose(fit["relative"].draws, g.draws * fit["m"].draws[:, None], rtol=1e-12)
    again = model.fit({"y": Y, "e": E}, seed=4, draws=8000)
    np.testing.assert_array_equal(again["g"].draws, g.draws)


def test_it_is_fitted_as_the_model_without_the_annotation():
    text = POISSON.replace("RATE", "g * e")
    rows = {"y": Y, "e": np.array([1.0, 2.0, 0.5, 1.0])}
    marginal, plain = compile(text).fit(rows, seed=1), compile(text.replace("@marginal", "")).fit(rows, seed=1)
    assert plain.quantities["g"].estimator == "reparam"
    np.testing.assert_allclose(marginal["g"].mean(), plain["g"].mean(), rtol=0.1)


def test_nothing_needs_to_be_left():
    """The one unknown of a model."""
    text = "data {\n  y: int >= 0\n}\nmodel {\n  @marginal\n  g[row] ~ Gamma(3, 2)\n  y ~ Poisson(g)\n}\n"
    g = compile(text).fit({"y": Y}, seed=2)["g"]
    np.testing.assert_allclose(g.mean(), (3 + Y) / 3, atol=0.12)
    assert g.draws.std(0).min() > 0.3


def test_it_is_explained():
    model = compile(POISSON.replace("RATE", "g * e"))
    row = next(r for r in explain(model.graph) if r.name == "g")
    assert (row.distribution, row.estimator) == ("Gamma", "exact")
    assert row.reason.endswith("a Gamma in the rate of a Poisson, which leaves a negative Binomial: integrated out")
    assert plan_of(model, "m").estimator == "reparam"


def test_it_is_left_on_its_path_unless_asked_for():
    assert plan_of(compile(POISSON.replace("RATE", "g * e").replace("@marginal", "")), "g").estimator == "reparam"


def test_under_a_guide_for_the_rest():
    guide = "guide {\n  param s: real > 0\n  param l: real\n  m ~ LogNormal(l, s)\n}\n"
    model = compile(POISSON.replace("RATE", "g * e") + guide)
    fit = model.fit({"y": Y, "e": E}, seed=4)
    mean, sd = posterior()
    np.testing.assert_allclose(fit["g"].mean(), mean, rtol=0.1)
    np.testing.assert_allclose(fit["g"].sd(), sd, rtol=0.2)


# ---- what cannot be integrated out -------------------------------------------------------------------------------


START = "data {\n  y: int >= 0\n  n: int >= 0\n}\nmodel {\n"
REFUSED = {
    "another density reads it": (
        "  @marginal\n  g[row] ~ Gamma(2, 1)\n  y ~ Poisson(g)\n  factor log(g)\n",
        "more than one density reads it",
    ),
    "no density reads it": ("  @marginal\n  g ~ Gamma(2, 1)\n  y ~ Poisson(3)\n", "no density reads it"),
    "another family": (
        "  @marginal\n  g[row] ~ LogNormal(2, 1)\n  y ~ Poisson(g)\n",
        "LogNormal and Poisson (of `y`) have no closed form here",
    ),
    "one for all rows": ("  @marginal\n  g ~ Gamma(2, 1)\n  y ~ Poisson(g)\n", "does not read each position of it"),
    "more than a product": ("  @marginal\n  g[row] ~ Gamma(2, 1)\n  y ~ Poisson(1 + g)\n", "`rate` of `y` must be `g`"),
    "a square": ("  @marginal\n  g[row] ~ Gamma(2, 1)\n  y ~ Poisson(g * g)\n", "`rate` of `y` must be `g`"),
    "a scaled probability": (
        "  @marginal\n  p[row] ~ Beta(2, 1)\n  y ~ Binomial(n, p / 2)\n",
        "`p` of `y` must be `p` itself",
    ),
    "an unknown above": (
        "  @marginal\n  g[row] ~ Gamma(2, 1)\n  x[row] ~ Gamma(g, 1)\n  y ~ Poisson(x)\n",
        "`x`, which reads it, is not observed",
    ),
    "levels": (
        "  z[row] ~ Bernoulli(0.3)\n  @marginal\n  g[row] ~ Gamma(2, if z then 1 else 3)\n  y ~ Poisson(g)\n",
        "depend on `z`, which is discrete",
    ),
}


@pytest.mark.parametrize(("lines", "reason"), REFUSED.values(), ids=REFUSED)
def test_refusals_say_why_and_where(lines, reason):
    text = START + lines + "}\n"
    with pytest.raises(ModelError) as caught:
        compile(text)
    [found] = caught.value.diagnostics
    assert found.code == "E511"
    assert reason in found.message
    assert text[found.span.start : found.span.end] == "@marginal"


def test_a_guide_that_draws_it_is_refused():
    text = START + "  @marginal\n  g[row] ~ Gamma(2, 1)\n  y ~ Poisson(g)\n}\nguide {\n  g[row] ~ Gamma(2, 1)\n}\n"
    with pytest.raises(ModelError, match="its draws are asked for"):
        compile(text)

"""Every emitted gradient against autograd on the emitted density, and against differences of the density."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import difference_gradients, reference_gradients, relative

from ppl.api import Model, compile, load
from ppl.data.bound import Bound
from ppl.emit.bind import Program
from ppl.emit.program import Emitted
from tests.bundled import few_rows

ROOT = Path(__file__).parents[2]
# Where an objective is fitted, there is no density to differentiate: `tests/infer` looks at its estimates.
MODELS = [p for p in sorted((ROOT / "models").glob("*.ppl")) if isinstance(load(p).emitted, Emitted)]
ACCURACY = ROOT / "benchmarks" / "accuracy"
CASES: list[dict[str, Any]] = json.loads((ACCURACY / "cases.json").read_text())
PAIRS = [(p, few_rows(p.stem)) for p in MODELS] + [
    (ACCURACY / c["model"], str(ACCURACY / c["data"])) for c in CASES if "network" not in c["name"]
]
EXACT, SPECIAL = 1e-10, 1e-7


def tolerance(model: Model) -> float:
    """Reference slopes of special functions are differences."""
    return SPECIAL if "sp." in model.source or "k.log_gamma" in model.source else EXACT


def points(program: Program, seed: int, draws: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 0.6 * rng.normal(size=(draws, program.dim)), rng.uniform(0, 1, program.weights)


def verify_gradients(model: Model, program: Program, bound: Bound, seed: int, differences: int = 40) -> None:
    u, w = points(program, seed)
    value, g, gw = program.value_and_grad(u, w)
    wanted, wanted_g, wanted_gw = reference_gradients(program, bound, u, w)
    assert np.isfinite(value).all() and np.isfinite(g).all() and np.isfinite(gw).all()
    np.testing.assert_allclose(program.value(u, w), value, rtol=1e-13)
    np.testing.assert_allclose(value, wanted, rtol=1e-11)
    assert relative(g, wanted_g) < tolerance(model)
    assert relative(gw, wanted_gw) < tolerance(model)
    if program.dim <= differences:
        assert relative(g[:1], difference_gradients(program, u[:1], w)) < 1e-6


@pytest.mark.parametrize(("path", "data"), PAIRS, ids=[p.stem for p, _ in PAIRS])
def test_model_has_the_gradient_of_its_density(path: Path, data: object) -> None:
    model = load(path)
    program, bound = model.bind(data)
    # the steps of a solver move with the unknowns, up to its tolerance
    differences = 0 if "k.solve(" in model.source else 40
    for seed in range(3):
        verify_gradients(model, program, bound, seed, differences)


# ---- what the bundled models do not use --------------------------------------------------------------------------


@dataclass(frozen=True)
class Feature:
    about: str
    text: str
    data: dict[str, Any]


RNG = np.random.default_rng(5)
Y = RNG.normal(size=6).round(2).tolist()
POSITIVE = RNG.gamma(2.0, 1.0, 6).round(2).tolist()
COUNTS = [0, 3, 1, 2, 0, 5]
GROUP = ["b", "a", "b", "c", "a", "b"]


def one(about: str, body: str, columns: str = "  y: real", before: str = "", **data: Any) -> Feature:
    text = f"{before}data {{\n{columns}\n}}\n\nmodel {{\n{body}\n}}\n"
    return Feature(about, text, data or {"y": Y})


MATRIX = """\
  for i in k {
    for j in k {
      C[i, j] = (if i == j then 1.5 + exp(a) else 0.3 * tanh(b) * exp(-abs(i - j)))
    }
  }
"""
FEATURES = [
    one(
        "a covariance matrix",
        "  a ~ Normal(0, 1)\n  b ~ Normal(0, 1)\n" + MATRIX + "  x[k] ~ MvNormal(a, cov=C)\n  y ~ Normal(sum(x), 1)",
        before="axis k = 3\n\n",
    ),
    one(
        "its Cholesky factor",
        "  a ~ Normal(0, 1)\n  b ~ Normal(0, 1)\n"
        + MATRIX
        + "  L = cholesky(C)\n  x[k] ~ MvNormal(a, chol=L)\n  y ~ Normal(sum(x), 1)",
        before="axis k = 3\n\n",
    ),
    one(
        "vectors of a plate under one matrix",
        "  a ~ Normal(0, 1)\n  b ~ Normal(0, 1)\n"
        + MATRIX
        + "  x[group, k] ~ MvNormal(a, cov=C)\n  y ~ Normal(x[group, 2], 1)",
        "  group: factor\n  y: real",
        "axis k = 3\n\n",
        y=Y,
        group=GROUP,
    ),
    one(
        "a simplex for each group",
        "  t ~ Normal(0, 1)\n  w[group, k] ~ Dirichlet(exp(t))\n  y ~ Normal(w[group, 2] - w[group, 1], 1)",
        "  group: factor\n  y: real",
        "axis k = 3\n\n",
        y=Y,
        group=GROUP,
    ),
    one(
        "ordered cuts with a prior that is learned",
        "  m ~ Normal(0, 1)\n  c[k] ~ Ordered(Normal(m, 2))\n  y ~ Normal(c[3] - c[1] * c[2], 1)",
        before="axis k = 3\n\n",
    ),
    one(
        "heavy tails with unknown degrees of freedom",
        "  df ~ Gamma(2, 0.1)\n  m ~ Normal(0, 1)\n  s ~ HalfStudentT(3, 1)\n  y ~ StudentT(df, m, s)",
    ),
    one("a double exponential", "  m ~ Normal(0, 1)\n  s ~ LogNormal(0, 1)\n  y ~ Laplace(m, s)"),
    one("a Logistic", "  m ~ Normal(0, 1)\n  s ~ HalfNormal(1)\n  y ~ Logistic(m, s)"),
    one("extremes", "  m ~ Normal(0, 1)\n  s ~ HalfNormal(1)\n  y ~ Gumbel(m, s)"),
    one(
        "a truncated likelihood",
        "  m ~ Normal(0, 1)\n  s ~ HalfNormal(1)\n  y ~ Truncated(Normal(m, s), lower=-5, upper=5)",
    ),
    one(
        "both kinds of censoring",
        "  a ~ HalfNormal(1)\n  b ~ HalfNormal(1)\n  y ~ Censored(Gamma(a, b), left=low, right=high)",
        "  y: real > 0\n  low: bool\n  high: bool",
        y=POSITIVE,
        low=[True, False, False, False, True, False],
        high=[False, True, False, False, False, False],
    ),
    one(
        "a bound that depends on another unknown",
        "  a ~ HalfNormal(1)\n  b ~ Uniform(a, 2 + 2 * a)\n  c ~ Truncated(Normal(0, 1), lower=b)\n"
        "  d ~ Truncated(Normal(a, 1), upper=b)\n  y ~ Normal(a + b * c + d, 1)",
    ),
    one(
        "blanks",
        "  m ~ Normal(0, 1)\n  s ~ HalfNormal(1)\n  x ~ Normal(m, s)\n  y ~ Normal(m * x, 1)",
        "  x: real?\n  y: real",
        y=Y,
        x=[0.3, None, 1.2, None, -0.4, 0.0],
    ),
    one(
        "gather, scatter and levels by name",
        "  m ~ Normal(0, 1)\n  s ~ HalfNormal(1)\n  e[group] ~ Normal(m, s)\n  f[group] ~ Normal(e[group], s)\n"
        '  y ~ Normal(e[group] * f[group] + f["b"], 1)',
        "  group: factor\n  y: real",
        y=Y,
        group=GROUP,
    ),
    one(
        "reductions",
        "  x[row] ~ Normal(0, 1)\n  t = max(x) - min(x) + sd(x) + var(x) + mean(x) + logsumexp(x) + prod(1 + 0.1 * x)\n"
        "  y ~ Normal(t + cumsum(x) + softmax(x), 1)",
    ),
    one(
        "an autoregression of unknowns",
        "  p ~ Uniform(-1, 1)\n  s ~ HalfNormal(1)\n  for t in row {\n"
        "    h[t] ~ if t == 1 then Normal(0, s) else Normal(p * h[t - 1], s)\n  }\n  y ~ Normal(h, 0.5)",
    ),
    one(
        "negative binomials",
        "  m ~ HalfNormal(2)\n  s ~ Gamma(2, 1)\n  n ~ NegBinomial(m, s)",
        "  n: int >= 0",
        n=COUNTS,
    ),
    one(
        "zeros in excess",
        "  p ~ Beta(2, 2)\n  m ~ HalfNormal(2)\n  n ~ ZeroInflated(p, Poisson(m))",
        "  n: int >= 0",
        n=COUNTS,
    ),
    one(
        "proportions",
        "  a ~ HalfNormal(3)\n  b ~ Gamma(2, 1)\n  p ~ Beta(1 + a, 1 + b)",
        "  p: real in [0, 1]",
        p=[0.2, 0.7, 0.5],
    ),
    one(
        "Weibull lifetimes and inverse gammas",
        "  a ~ LogNormal(0, 1)\n  b ~ InvGamma(3, 2)\n  y ~ Weibull(a, b)",
        "  y: real > 0",
        y=POSITIVE,
    ),
    one(
        "kinks",
        "  a ~ Normal(0, 1)\n  b ~ Normal(0, 1)\n  y ~ Normal(abs(a) + max(a, b) - min(a, 2 * b), 1)",
    ),
]


@pytest.mark.parametrize("feature", FEATURES, ids=lambda f: f.about)
def test_feature_has_the_gradient_of_its_density(feature: Feature) -> None:
    model = compile(feature.text)
    program, bound = model.bind(feature.data)
    for seed in range(4):
        verify_gradients(model, program, bound, seed)


# ---- weights of partial non-centring -----------------------------------------------------------------------------

CENTRED = [p for p in MODELS if p.stem in ("eight_schools", "radon", "radon_slopes", "rats", "seeds", "poisson_glmm")]


@pytest.mark.parametrize("path", CENTRED, ids=lambda p: p.stem)
def test_recentring_goes_there_and_back(path: Path) -> None:
    program, _ = load(path).bind(str(path.with_suffix(".csv")))
    rng = np.random.default_rng(2)
    u = 0.6 * rng.normal(size=(3, program.dim))
    old, new = rng.uniform(0, 1, (2, program.weights))
    moved = program.recentre(u, old, new)
    assert np.abs(moved - u).max() > 1e-3
    np.testing.assert_allclose(program.recentre(moved, new, old), u, rtol=1e-10, atol=1e-10)
    before, after = program.constrained(u, old), program.constrained(moved, new)
    for name in before:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("path", CENTRED, ids=lambda p: p.stem)
def test_density_under_other_weights_is_that_of_the_same_point(path: Path) -> None:
    """log p(u; w) - log p(u'; w') = log |du' / du|, the last by differences of the map."""
    program, _ = load(path).bind(str(path.with_suffix(".csv")))
    rng = np.random.default_rng(3)
    u = 0.6 * rng.normal(size=(1, program.dim))
    old, new = rng.uniform(0, 1, (2, program.weights))
    h = 1e-4
    steps = h * np.eye(program.dim)
    ends = [program.recentre(u + k * steps, old, new) for k in (-2, -1, 1, 2)]
    slope = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
    sign, log_det = np.linalg.slogdet(slope)
    moved = program.recentre(u, old, new)
    assert sign > 0
    assert program.value(u, old)[0] - program.value(moved, new)[0] == pytest.approx(log_det, rel=1e-6, abs=1e-6)

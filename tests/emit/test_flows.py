"""Joint draws in emitted objectives: gradients, densities, supports, and fits against closed forms."""

import numpy as np
import pytest
from scipy import stats

from ppl.api import compile

MODEL = """
axis dim = 3
axis side = 2
data { y: real
 g: factor }
model {
  v ~ Normal(0, 3)
  @centered
  x[dim] ~ Normal(0, exp(v / 2))
  s ~ HalfNormal(1)
  p[dim] ~ Dirichlet(2)
  u[g, side] ~ Normal(0, 1)
  y ~ Normal(sum(x) + p[2] + sum(u[g], over=side), 0.5 + s)
}
"""
DATA = {"y": [0.5, -1.0, 2.0, 0.3], "g": ["a", "b", "a", "c"]}
GUIDES = {
    "full rank": "(v, s, p) ~ FullRank()\n (x, u) ~ FullRank(init_sd=0.1)",
    "mean field": "(u, p, s) ~ MeanField(init_sd=0.2)",
    "low rank": "(v, x, s, p, u) ~ LowRank(2)",
    "coupling": "(v, x, s, p, u) ~ Normal(0, 1) |> coupling(layers=3, hidden=4)",
    "autoregressive": "(v, s) ~ Logistic(0, 1) |> autoregressive(layers=2, hidden=4)",
    "planar": "(v, x, p) ~ Normal(0, 1) |> planar(layers=2) |> coupling(layers=2, hidden=3)",
    "along an axis": "u[g, side] ~ Normal(0, 1) |> coupling(layers=2, hidden=3)\n p[dim] ~ Normal(0, 1) |> planar",
    "amortised": "param m[g] = 0\n param r: real > 0 = 1\n u[g, side] ~ Normal(m, r) |> coupling(layers=2, hidden=3)",
    "points": "s ~ Delta()\n p[dim] ~ Delta()\n (v, x) ~ FullRank()",
    "a point of the author's": "param m: real > 0 = 0.3\n s ~ Delta(m)",
    "laplace": "(v, x) ~ Laplace()",
    "with other draws": "param m = 0\n (s, p) ~ FullRank()\n v ~ Normal(m + log(s), 1)",
}


def program(body: str):
    return compile(f"{MODEL}guide {{ {body} }}").objective(DATA)


@pytest.mark.parametrize("name", GUIDES)
def test_gradients_are_those_of_differences(name):
    p = program(GUIDES[name])
    rng = np.random.default_rng(0)
    theta, e = p.start + 0.2 * rng.standard_normal(p.dim), rng.random((4, p.noise))
    _, slopes = p.estimate(np.repeat(theta[None], 4, axis=0), e)
    for at in rng.choice(p.dim, min(p.dim, 30), replace=False):
        step = np.zeros(p.dim)
        step[at] = 1e-5
        up, down = (p.estimate(np.repeat((theta + d)[None], 4, axis=0), e)[0] for d in (step, -step))
        assert np.allclose(slopes[:, at], (up - down) / 2e-5, rtol=1e-5, atol=1e-5), at


@pytest.mark.parametrize("name", GUIDES)
def test_weights_and_supports(name):
    """Draws lie in their supports, and their weights are what the objective is the mean of."""
    p = program(GUIDES[name])
    rng = np.random.default_rng(1)
    theta, e = p.start + 0.2 * rng.standard_normal(p.dim), rng.random((50, p.noise))
    rows = np.repeat(theta[None], 50, axis=0)
    assert np.allclose(p.estimate(rows, e)[0], p.log_weight(rows, e), atol=1e-9)
    drawn = p.constrained(e, theta)
    assert drawn["x"].shape == (50, 3) and drawn["u"].shape == (50, 3, 2)
    assert (drawn["s"] > 0).all() and np.allclose(drawn["p"].sum(axis=-1), 1.0)


GAUSS = """
axis k = 3
model {
  a ~ Normal(1, 2)
  b[k] ~ Normal(a, 1)
  observe 2 ~ Normal(sum(b), 0.5)
}
"""


def posterior() -> tuple[np.ndarray, np.ndarray, float]:
    """Mean and covariance of (a, b), and the log evidence, by conditioning a normal."""
    mean = np.ones(4)
    cov = np.full((4, 4), 4.0) + np.diag([0.0, 1.0, 1.0, 1.0])
    h = np.array([0.0, 1.0, 1.0, 1.0])
    var = h @ cov @ h + 0.25
    gain = cov @ h / var
    return mean + gain * (2 - h @ mean), cov - np.outer(gain, h @ cov), float(stats.norm.logpdf(2, h @ mean, var**0.5))


@pytest.mark.parametrize("line", ["(a, b) ~ FullRank()", "(a, b) ~ Laplace()", "(a, b) ~ LowRank(4)"])
@pytest.mark.parametrize("centred", [True, False])
def test_a_normal_posterior_is_met_exactly(line, centred):
    text = GAUSS.replace("b[k] ~", "@centered\n  b[k] ~") if centred else GAUSS
    found = compile(f"{text}guide {{ {line} }}").fit(draws=4000)
    mean, cov, evidence = posterior()
    assert found.evidence.elbo == pytest.approx(evidence, abs=2e-3)
    assert found.evidence.log_evidence == pytest.approx(evidence, abs=2e-3)
    draws = np.column_stack([found["a"].draws, found["b"].draws])
    assert np.allclose(draws.mean(axis=0), mean, atol=0.06) and np.allclose(np.cov(draws.T), cov, atol=0.25)


def test_a_joint_density_is_that_of_its_normal():
    """log q by scipy: log weights are the model's density less it."""
    text = GAUSS.replace("b[k] ~", "@centered\n  b[k] ~")
    p = compile(f"{text}guide {{ (a, b) ~ FullRank() }}").objective()
    rng = np.random.default_rng(2)
    theta, e = 0.4 * rng.standard_normal(p.dim), rng.random((6, p.noise))
    drawn = p.constrained(e, theta)
    z = np.column_stack([drawn["a"], drawn["b"]])
    lower = np.eye(4)
    lower[np.tril_indices(4, -1)] = theta[p.slots["a+b.mix"]]
    scale = np.exp(theta[p.slots["a+b.log_sd"]])[:, None] * lower
    log_q = stats.multivariate_normal(theta[p.slots["a+b.loc"]], scale @ scale.T).logpdf(z)
    log_p = stats.norm.logpdf(z[:, 0], 1, 2) + stats.norm.logpdf(z[:, 1:], z[:, :1], 1).sum(axis=1)
    log_p += stats.norm.logpdf(2, z[:, 1:].sum(axis=1), 0.5)
    assert np.allclose(p.log_weight(np.repeat(theta[None], 6, axis=0), e), log_p - log_q, atol=1e-9)


BANANA = """
model {
  x ~ Normal(0, 1)
  y ~ Normal(x^2 - 1, 0.5)
}
guide {
  (x, y) ~ Normal(0, 1) |> autoregressive(layers=1, hidden=8)
}
"""


def test_a_flow_bends_where_a_normal_cannot():
    straight = compile(BANANA, guide="low_rank:1").fit()
    bent = compile(BANANA).fit(steps=1200)
    assert straight.evidence.elbo < -0.5
    assert bent.evidence.elbo > -0.25
    assert bent.evidence.log_evidence == pytest.approx(0.0, abs=0.05)
    assert bent.search is not None and bent.search.method == "annealed steps"


MIXED = """
axis k = 2
model {
  z ~ Normal(0, 3)
  observe 4 ~ Normal(z^2, 0.5)
}
guide {
  param w[k]: real > 0 = 1
  param c = 1
  param s: real > 0 = 0.5
  for i in k { m[i] = if i == 1 then -c else c }
  z ~ Mixture(w / sum(w), Normal(m, s))
}
"""


def test_a_mixture_guide_covers_two_modes_by_exact_weights():
    model = compile(MIXED)
    assert model.graph.nodes["z"]["node"].plan.estimator == "components"
    found = model.fit()
    grid = np.linspace(-6, 6, 20001)
    exact = np.log(np.trapezoid(np.exp(stats.norm.logpdf(grid, 0, 3) + stats.norm.logpdf(4, grid**2, 0.5)), grid))
    assert found.evidence.elbo == pytest.approx(exact, abs=0.01)
    assert found.evidence.log_evidence == pytest.approx(exact, abs=0.01)
    w = found.params["w"].value
    assert w[0] / w.sum() == pytest.approx(0.5, abs=1e-3)


SMOOTH = """
data { y: real
 x: real }
model {
  @smooth(width=WIDTH)
  cut ~ Normal(0, 1)
  y ~ if x > cut and x < 5 then Normal(2, 1) else Normal(-1, 1)
}
"""


def test_smoothing_has_the_density_of_its_sigmoids_and_says_so():
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-2, 2, 30), rng.standard_normal(30)
    model = compile(SMOOTH.replace("WIDTH", "0.25"))
    assert model.graph.nodes["cut"]["node"].plan.estimator == "reparam"
    assert [w.code for w in model.warnings] == ["W140"]
    program, _ = model.bind({"x": x, "y": y})
    for cut in (-0.5, 0.7):
        p = 1 / (1 + np.exp(-(x - cut) / 0.25)) / (1 + np.exp(-(5 - x) / 0.25))
        hard = np.where(x < 5, 1 / (1 + np.exp(-(x - cut) / 0.25)), 0.0)
        wanted = [stats.norm.logpdf(cut) + stats.norm.logpdf(y, -1 + 3 * q, 1).sum() for q in (p, hard)]
        found = program.value(np.array([[cut]]), np.zeros(0))[0]
        assert min(abs(found - w) for w in wanted) < 1e-9


def test_smoothing_goes_to_the_model_as_its_width_goes_to_zero():
    x = np.linspace(-2, 2, 41)
    y = np.where(x > 0.33, 2.0, -1.0)
    data = {"x": x, "y": y}
    sharp = compile(SMOOTH.replace("@smooth(width=WIDTH)", "")).fit(data)
    soft = [compile(SMOOTH.replace("WIDTH", w)).fit(data)["cut"].mean() for w in ("0.3", "0.03")]
    exact = float(sharp["cut"].mean())
    assert abs(float(soft[1]) - exact) < 0.06

"""Names of a loop that read each other's earlier positions: densities against numpy, draws against enumeration."""

from itertools import product

import numpy as np
import pytest
from scipy.special import expit, ndtri, softmax
from scipy.stats import norm

from ppl.api import Model, compile

DATA = {"t": [1, 2, 3, 4], "y": [0.3, -0.4, 1.1, 0.7]}
HEAD = "data sorted by t {\n t: int\n y: real\n}\n"
Y = np.array(DATA["y"])


def model_of(loop: str, rest: str = "y ~ Normal(theta, 1)", axis: str = "row", head: str = HEAD) -> Model:
    return compile(f"{head}axis time = 4\nmodel {{\n for i in {axis} {{\n{loop}\n }}\n {rest}\n}}\n")


def value_and_slopes(model: Model, names: tuple[str, ...]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The log density of three random points, its gradient being checked against differences, and what they are."""
    program, _ = model.bind(DATA)
    u, w = np.random.default_rng(5).normal(size=(3, program.dim)), np.ones(program.weights)
    value, slope, *_ = program.value_and_grad(u, w)
    for k in range(program.dim):
        step = 1e-5 * np.eye(program.dim)[k]
        numeric = (program.value(u + step, w) - program.value(u - step, w)) / 2e-5
        np.testing.assert_allclose(slope[:, k], numeric, rtol=1e-6, atol=1e-6)
    found = program.constrained(u, w)
    return value, {n: found[n] for n in names}


def before(x: np.ndarray, first: float) -> np.ndarray:
    """The value one position back; `first` where there is none."""
    return np.concatenate([np.full((len(x), 1), first), x[:, :-1]], axis=1)


MUTUAL = """n[i] ~ Normal(if i == 1 then 0.5 else tanh(theta[i - 1]), 0.3)
theta[i] ~ if i == 1 then Normal(n[i], 1) else Normal(0.9 * theta[i - 1] + n[i], exp(0.1 * n[i]))"""


def mutual(n: np.ndarray, theta: np.ndarray) -> np.ndarray:
    back, first = before(theta, 0.0), np.arange(4) == 0
    log_n = norm.logpdf(n, np.where(first, 0.5, np.tanh(back)), 0.3)
    log_theta = norm.logpdf(theta, 0.9 * back + n, np.where(first, 1.0, np.exp(0.1 * n)))
    return (log_n + log_theta + norm.logpdf(Y, theta, 1)).sum(axis=1)


def test_two_unknowns_that_read_each_other() -> None:
    value, x = value_and_slopes(model_of(MUTUAL), ("n", "theta"))
    np.testing.assert_allclose(value, mutual(x["n"], x["theta"]), rtol=1e-12)


def test_the_objective_of_two_unknowns_that_read_each_other() -> None:
    objective = model_of(MUTUAL).objective(DATA)
    rng = np.random.default_rng(1)
    theta = 0.3 * rng.normal(size=(5, objective.dim))
    e = rng.uniform(size=(5, objective.noise))
    x = objective.constrained(e, theta[0])
    log_q = sum(
        norm.logpdf(x[name], *(theta[0][objective.blocks[f"{name}.{part}"]] for part in ("loc",)), scale).sum(axis=1)
        for name in ("n", "theta")
        for scale in [np.exp(theta[0][objective.blocks[f"{name}.log_sd"]])]
    )
    weight = objective.log_weight(np.tile(theta[0], (5, 1)), e)
    np.testing.assert_allclose(weight, mutual(x["n"], x["theta"]) - log_q, rtol=1e-10)
    value, slope = objective.estimate(theta, e)
    for k in range(objective.dim):
        step = 1e-5 * np.eye(objective.dim)[k]
        numeric = (objective.estimate(theta + step, e)[0] - objective.estimate(theta - step, e)[0]) / 2e-5
        np.testing.assert_allclose(slope[:, k], numeric, rtol=1e-5, atol=1e-6)
    assert np.isfinite(value).all()


def test_through_a_derived_value_that_stands_below() -> None:
    loop = """v[i] ~ Normal(if i == 1 then 0 else d[i - 1], 1)
theta[i] ~ Normal(v[i], 1)
d[i] = tanh(theta[i]) + v[i]"""
    value, x = value_and_slopes(model_of(loop), ("v", "theta", "d"))
    d = np.tanh(x["theta"]) + x["v"]
    np.testing.assert_allclose(x["d"], d, rtol=1e-12)
    expected = norm.logpdf(x["v"], before(d, 0.0), 1) + norm.logpdf(x["theta"], x["v"], 1)
    np.testing.assert_allclose(value, (expected + norm.logpdf(Y, x["theta"], 1)).sum(axis=1), rtol=1e-12)


def test_a_recursion_of_derived_values_through_an_unknown() -> None:
    loop = "s[i] = if i == 1 then 0.5 else 0.5 * s[i - 1] + tanh(theta[i - 1])\n theta[i] ~ Normal(s[i], 1)"
    value, x = value_and_slopes(model_of(loop, "y ~ Normal(sum(theta), 1)", "time"), ("s", "theta"))
    s = np.full((3, 4), 0.5)
    for i in range(1, 4):
        s[:, i] = 0.5 * s[:, i - 1] + np.tanh(x["theta"][:, i - 1])
    np.testing.assert_allclose(x["s"], s, rtol=1e-12)
    total = x["theta"].sum(axis=1)
    expected = norm.logpdf(x["theta"], s, 1).sum(axis=1) + norm.logpdf(Y[:, None], total, 1).sum(axis=0)
    np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_a_summed_out_unknown_that_reads_the_other_one() -> None:
    loop = """z[i] ~ Bernoulli(if i == 1 then 0.3 else sigmoid(theta[i - 1]))
theta[i] ~ Normal(if z[i] then 1 else -1, if i == 1 then 1 else exp(0.1 * theta[i - 1]))"""
    value, x = value_and_slopes(model_of(loop), ("theta",))
    theta = x["theta"]
    back = before(theta, 0.0)
    p = np.where(np.arange(4) == 0, 0.3, expit(back))
    scale = np.where(np.arange(4) == 0, 1.0, np.exp(0.1 * back))
    each = p * norm.pdf(theta, 1, scale) + (1 - p) * norm.pdf(theta, -1, scale)
    np.testing.assert_allclose(value, (np.log(each) + norm.logpdf(Y, theta, 1)).sum(axis=1), rtol=1e-10)


def test_two_summed_out_chains_that_read_each_other() -> None:
    loop = """z[i] ~ Bernoulli(if i == 1 then 0.3 else if w[i - 1] then 0.8 else 0.1)
w[i] ~ Bernoulli(if z[i] then 0.6 else 0.2)"""
    value, _ = value_and_slopes(model_of(loop, "m ~ Normal(0, 1)\ny ~ Normal(if w then m else -1, 1)"), ())
    program, _ = model_of(loop, "m ~ Normal(0, 1)\ny ~ Normal(if w then m else -1, 1)").bind(DATA)
    m = np.random.default_rng(5).normal(size=(3, 1))[:, 0]
    total = np.zeros(3)
    for z, w in product(product((0, 1), repeat=4), repeat=2):
        chances = [0.3, *(0.8 if b else 0.1 for b in w[:-1])]
        p = np.prod([c if a else 1 - c for a, c in zip(z, chances, strict=True)])
        p *= np.prod([(0.6 if a else 0.2) if b else (0.4 if a else 0.8) for a, b in zip(z, w, strict=True)])
        means = np.where(np.array(w), m[:, None], -1.0)
        total += p * norm.pdf(Y, means, 1).prod(axis=1)
    np.testing.assert_allclose(value, np.log(total) + norm.logpdf(m), rtol=1e-10)


def test_blanks_that_are_read_above_their_line() -> None:
    head = "data sorted by t {\n t: int\n y: real?\n}\n"
    model = model_of("z[i] ~ Normal(if i == 1 then 0 else y[i - 1], 1)", "y ~ Normal(z, 2)", head=head)
    program, _ = model.bind({"t": [1, 2, 3], "y": [0.3, None, -0.4]})
    u, w = np.random.default_rng(5).normal(size=(3, program.dim)), np.ones(program.weights)
    found = program.constrained(u, w)
    z, y = found["z"], np.tile([0.3, 0.0, -0.4], (3, 1))
    y[:, 1] = found["y"][:, 0]
    expected = norm.logpdf(z, before(y, 0.0), 1) + norm.logpdf(y, z, 2)
    np.testing.assert_allclose(program.value(u, w), expected.sum(axis=1), rtol=1e-12)


# ---- draws of the model itself, and of a guide -------------------------------------------------------------------

CORRIDOR = """axis time = 3
axis cell = 3
axis action = ["left", "right"]
param preference[cell, action] = 0
fun step(s, a) = clamp(s + (if a == "right" then 1 else -1), 1, 3)
model {
  for t in time {
    s[t] = if t == 1 then 1 else step(s[t - 1], a[t - 1])
    a[t] ~ Categorical(logits=preference[s[t]])
    reward[t] = if s[t] == 3 then 1 else -0.1
  }
}
maximize sum(reward, over=time)
"""


def corridor(preference: np.ndarray) -> float:
    """The expected reward, over all eight paths."""
    p, total = softmax(preference.reshape(3, 2), axis=1), 0.0
    for path in product((0, 1), repeat=3):
        s, chance, reward = 0, 1.0, 0.0
        for a in path:
            reward += 1.0 if s == 2 else -0.1
            chance *= p[s, a]
            s = min(max(s + (1 if a else -1), 0), 2)
        total += chance * reward
    return total


def test_a_policy_gradient_has_the_mean_of_enumeration() -> None:
    objective = compile(CORRIDOR).objective()
    theta = np.random.default_rng(3).normal(size=objective.dim)
    rows = 40_000
    e = np.random.default_rng(4).uniform(size=(rows, objective.noise))
    value, slope = objective.estimate(np.tile(theta, (rows, 1)), e)
    exact = [(corridor(theta + d) - corridor(theta - d)) / 2e-6 for d in 1e-6 * np.eye(6)]
    error = slope.std(axis=0) / np.sqrt(rows)
    assert np.abs(value.mean() - corridor(theta)) < 5 * value.std() / np.sqrt(rows)
    assert (np.abs(slope.mean(axis=0) - exact) <= 5 * error + 1e-8).all()
    assert (error[:4] > 0).all()
    assert objective.score_nodes == ("a",)


def test_a_model_that_draws_its_own_chain() -> None:
    text = """axis time = 3
param m = 0.7
model {
  for t in time {
    x[t] ~ if t == 1 then Normal(m, 1) else Normal(m * x[t - 1], 0.5)
  }
}
minimize sum(x^2)
"""
    objective = compile(text).objective()
    theta, e = np.array([[0.7], [1.3]]), np.random.default_rng(0).uniform(size=(2, objective.noise))
    z, m = ndtri(e), theta[:, 0]
    x0 = m + z[:, 0]
    x1 = m * x0 + 0.5 * z[:, 1]
    x2 = m * x1 + 0.5 * z[:, 2]
    value, slope = objective.estimate(theta, e)
    np.testing.assert_allclose(-value, x0**2 + x1**2 + x2**2, rtol=1e-10)
    d1 = x0 + m
    d2 = x1 + m * d1
    np.testing.assert_allclose(-slope[:, 0], 2 * x0 + 2 * x1 * d1 + 2 * x2 * d2, rtol=1e-8)


def test_a_guide_that_reads_its_own_lag_through_a_derived_value() -> None:
    text = """data { y: real }
axis time = 3
model {
  for t in time {
    x[t] ~ Normal(0, 1)
  }
  y ~ Normal(sum(x), 1)
}
guide {
  param m = 0.4
  for t in time {
    half[t] = if t == 1 then 0 else tanh(x[t - 1]) / 2
    x[t] ~ Normal(m + half[t], 1)
  }
}
"""
    objective = compile(text).objective({"y": [0.5, 1.5]})
    e = np.random.default_rng(0).uniform(size=(4, objective.noise))
    z, x, log_q = ndtri(e), np.zeros((4, 3)), 0.0
    for t in range(3):
        mean = 0.4 + (np.tanh(x[:, t - 1]) / 2 if t else 0.0)
        x[:, t] = mean + z[:, t]
        log_q = log_q + norm.logpdf(z[:, t])
    theta = np.full((4, 1), 0.4)
    np.testing.assert_allclose(objective.constrained(e, theta[0])["x"], x, rtol=1e-10)
    log_p = norm.logpdf(x).sum(axis=1) + norm.logpdf(np.array([0.5, 1.5]), x.sum(axis=1)[:, None]).sum(axis=1)
    np.testing.assert_allclose(objective.log_weight(theta, e), log_p - log_q, rtol=1e-10)


@pytest.mark.parametrize("loop", ["n[i] ~ Normal(theta[i], 1)\n theta[i] ~ Normal(n[i], 1)"])
def test_names_that_read_each_other_at_the_same_position_are_refused(loop: str) -> None:
    with pytest.raises(Exception, match="E107"):
        model_of(loop)

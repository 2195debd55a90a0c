"""Recursions of derived values: their loops against numpy, their loops back against differences and against the same
recursion written out by hand."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import expit, logsumexp
from scipy.stats import norm

from ppl.api import Model, compile
from ppl.emit.bind import Program
from ppl.emit.runtime import affine

RNG = np.random.default_rng(11)
T = 9
Y = RNG.normal(size=T)
GROUP = np.array([0, 2, 1, 1, 0, 2, 2, 0, 1])
DATA = {"y": Y, "x": np.round(RNG.normal(size=T), 2), "g": np.array(["a", "b", "c"])[GROUP]}
Named = dict[str, np.ndarray]


def bound(model: Model, rows: int = T) -> tuple[Program, np.ndarray, np.ndarray]:
    """The program of a model on the first rows, and three points."""
    program, _ = model.bind({name: list(v[:rows]) for name, v in DATA.items()})
    assert isinstance(program, Program)
    return program, 0.5 * np.random.default_rng(3).normal(size=(3, program.dim)), np.ones(program.weights)


def verify_gradient(program: Program, u: np.ndarray, w: np.ndarray) -> None:
    value, slope, _ = program.value_and_grad(u, w)
    np.testing.assert_allclose(program.value(u, w), value, rtol=1e-12)
    for k in range(program.dim):
        step = 1e-5 * np.eye(program.dim)[k]
        numeric = (program.value(u + step, w) - program.value(u - step, w)) / 2e-5
        np.testing.assert_allclose(slope[:, k], numeric, rtol=2e-6, atol=2e-6)


@dataclass(frozen=True)
class Case:
    """A model of which `s` is made from itself, and the same in numpy, one draw at a time."""

    about: str
    loop: str
    by_hand: Callable[[Named, int], np.ndarray]
    head: str = ""
    unknowns: str = "  a ~ Normal(0, 1)\n  b ~ Normal(0, 0.5)"
    density: str = "y ~ Normal(s, 1)"


def steps(first: Callable[[Named], object], rest: Callable[[Named, list, int], object], lag: int = 1) -> Callable:
    def run(x: Named, rows: int) -> np.ndarray:
        found: list = []
        for t in range(rows):
            found.append(first(x) if t < lag else rest(x, found, t))
        return np.array(found)

    return run


def garch(x: Named, rows: int) -> np.ndarray:
    s = [np.exp(x["b"])]
    for t in range(1, rows):
        s.append(np.sqrt(0.5 + 0.3 * (Y[t - 1] - x["a"]) ** 2 + 0.4 * s[-1] ** 2))
    return np.array(s)


def mutual(x: Named, rows: int) -> np.ndarray:
    p, s = [], []
    for t in range(rows):
        p.append(0.0 if t == 0 else np.tanh(s[-1] + x["a"]))
        s.append(p[-1] * 2 + x["b"] * (Y[t] if t else 1.0))
    return np.array(s)


def network(x: Named, rows: int) -> np.ndarray:
    h, s = np.zeros(3), []
    for t in range(rows):
        h = np.tanh(x["a"] * DATA["x"][t] + x["W"] @ h)
        s.append(h)
    return np.array(s)


def by_group(x: Named, rows: int) -> np.ndarray:
    s = [np.full(3, x["a"])]
    for t in range(1, rows):
        kept = s[-1][GROUP[t]]
        s.append(0.5 * s[-1] + x["b"] * np.tanh(kept))
    return np.array(s)


def forward(x: Named, rows: int) -> np.ndarray:
    s = [np.full(2, x["a"])]
    for t in range(1, rows):
        seen = norm.logpdf(Y[t], np.array([1.0, 2.0]) * x["b"], 1)
        s.append(seen + logsumexp(s[-1][None, :] + x["M"], axis=1))
    return np.array(s)


def riccati(x: Named, rows: int) -> np.ndarray:
    s = [np.eye(2) * np.exp(x["a"])]
    for _ in range(1, rows):
        s.append(np.linalg.inv(np.linalg.inv(s[-1]) + np.exp(x["b"]) * np.eye(2)) + 0.3)
    return np.array(s)


K = "axis k = 3\n"
CASES = [
    Case("a sum", "s[t] = if t == 1 then a else 0.9 * s[t - 1] + b * x[t]",
         steps(lambda x: x["a"], lambda x, s, t: 0.9 * s[-1] + x["b"] * DATA["x"][t])),
    Case("GARCH", "s[t] = if t == 1 then exp(b) else sqrt(0.5 + 0.3 * (y[t - 1] - a)^2 + 0.4 * s[t - 1]^2)", garch,
         density="y ~ Normal(a, s)"),
    Case("two steps back", "s[t] = if t <= 2 then a else tanh(b * s[t - 1]) - 0.3 * s[t - 2] + x[t - 1]",
         steps(lambda x: x["a"], lambda x, s, t: np.tanh(x["b"] * s[-1]) - 0.3 * s[-2] + DATA["x"][t - 1], lag=2)),
    Case("five steps back", "s[t] = if t <= 5 then a + b else b * s[t - 5] + a",
         steps(lambda x: x["a"] + x["b"], lambda x, s, t: x["b"] * s[-5] + x["a"], lag=5)),
    Case("a start of two kinds",
         "s[t] = if t == 1 then a else if t == 2 then b * s[t - 1] else s[t - 2] * b + sin(s[t - 1])",
         steps(lambda x: x["a"],
               lambda x, s, t: x["b"] * s[-1] if t == 1 else s[-2] * x["b"] + np.sin(s[-1]))),
    Case("around a circle",
         "p[t] = if t == 1 then 0 else tanh(s[t - 1] + a)\n s[t] = p[t] * 2 + b * (if t == 1 then 1 else y[t])",
         mutual),
    Case("a step in between", "s[t] = if t == 1 then a else (if t == 5 then 3 * b else 0.5 * s[t - 1]) + b",
         steps(lambda x: x["a"], lambda x, s, t: (3 * x["b"] if t == 4 else 0.5 * s[-1]) + x["b"])),
    Case("a kink", "s[t] = if t == 1 then 0 else max(0, s[t - 1] + x[t] - 0.3 * a)",
         steps(lambda x: 0.0, lambda x, s, t: max(0.0, s[-1] + DATA["x"][t] - 0.3 * x["a"]))),
    Case("a cumulative product of data", "s[t] = if t == 1 then 1 else s[t - 1] * exp(0.1 * x[t])",
         steps(lambda x: 1.0, lambda x, s, t: s[-1] * np.exp(0.1 * DATA["x"][t])), density="y ~ Normal(s * a + b, 1)"),
    Case("running sums of itself, and a lag with a name",
         "s[t] = if t <= LAG then a else tanh(cumsum(s + b)[t - 1]) - 0.4 * s[t - LAG]",
         steps(lambda x: x["a"], lambda x, s, t: np.tanh(np.sum(np.array(s) + x["b"])) - 0.4 * s[-2], lag=2),
         "const LAG = 2\n"),
    Case("a recurrent net", "s[t, k] = tanh(a * x[t] + (if t == 1 then 0 else W @ s[t - 1]))",
         network, K, "  a ~ Normal(0, 1)\n  W[k, k] ~ Normal(0, 0.5)", "y ~ Normal(sum(s, over=k), 1)"),
    Case("a look-up that moves",
         "for i in g {\n s[t, i] = if t == 1 then a else 0.5 * s[t - 1, i] + b * tanh(s[t - 1, g[t]])\n }",
         by_group, density="y ~ Normal(sum(s, over=g), 1)"),
    Case("the forward algorithm", "for i in state {\n seen[t, i] = -0.5 * (y[t] - i * b)^2 - 0.9189385332046727\n"
         " for j in state {\n part[t, i, j] = if t == 1 then 0 else s[t - 1, j] + M[i, j]\n }\n"
         " s[t, i] = if t == 1 then a else seen[t, i] + logsumexp(part[t, i, ..], over=state)\n }",
         forward, "axis state = 2\n", "  a ~ Normal(0, 1)\n  b ~ Normal(0, 1)\n  M[state, state] ~ Normal(0, 1)",
         "y ~ Normal(sum(s, over=state), 9)"),
]  # fmt: skip


def model_of(case: Case) -> Model:
    data = "data {\n y: real\n x: real\n g: factor\n}\n"
    loop = f" for t in row {{\n{case.loop}\n }}"
    return compile(f"{case.head}{data}model {{\n{case.unknowns}\n{loop}\n {case.density}\n}}\n")


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.about)
def test_a_recursion_is_what_it_is_in_numpy_and_has_its_gradient(case: Case) -> None:
    model = model_of(case)
    program, u, w = bound(model)
    found = program.constrained(u, w)
    s = found.get("s")
    for i in range(len(u)):
        one = {name: v[i] for name, v in found.items()}
        if s is not None:
            np.testing.assert_allclose(s[i], case.by_hand(one, T), rtol=1e-10, atol=1e-12)
    verify_gradient(program, u, w)


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("case", [c for c in CASES if "look-up" not in c.about], ids=lambda c: c.about)
def test_along_a_short_axis(case: Case, rows: int) -> None:
    program, u, w = bound(model_of(case), rows)
    found = program.constrained(u, w)
    if "s" in found:
        one = {name: v[0] for name, v in found.items()}
        np.testing.assert_allclose(found["s"][0], case.by_hand(one, rows), rtol=1e-10, atol=1e-12)
    verify_gradient(program, u, w)


def test_what_depends_on_data_alone_is_computed_once() -> None:
    text = model_of(next(c for c in CASES if "product of data" in c.about)).source
    before, _, after = text.partition("def log_density")
    assert "rt.affine" in before
    assert "rt.affine" not in after


def test_only_what_comes_back_from_the_step_before_stays_in_the_loop() -> None:
    """One product, a sum and a root: the rest is computed for all positions at once, and so is the way back."""
    text = model_of(CASES[1]).source
    up = text[text.index("def value_and_grad") : text.index("def constrained")].split("for i in range", 1)[1]
    step = up[: up.index("append")]
    assert (step.count(" * "), step.count("np.square"), step.count("np.sqrt")) == (1, 1, 1)
    assert up.count("for ") == 0
    assert "rt.affine" in up


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 9, 10, 50, 101])
@pytest.mark.parametrize("backwards", [False, True])
def test_an_affine_recursion_is_what_its_steps_give(length: int, backwards: bool) -> None:
    rng = np.random.default_rng(length)
    c, rest = rng.normal(size=(3, length, 1)), rng.normal(size=(1, length, 2))
    c[:, length // 2] = 0.0
    found = affine(c, rest, 1, backwards)
    wanted = np.broadcast_to(rest, (3, length, 2)).copy()
    for t in range(1, length):
        if backwards:
            wanted[:, -1 - t] += c[:, -t] * wanted[:, -t]
        else:
            wanted[:, t] += c[:, t] * wanted[:, t - 1]
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


def test_the_same_as_written_out_by_hand() -> None:
    head = "data { y: real }\naxis time = 4\n"
    unknowns = " a ~ Normal(0, 1)\n b ~ Normal(0, 1)\n c ~ HalfNormal(1)\n"
    step = "s[t] = if t == 1 then a else if t == 2 then c * a else tanh(b * s[t - 1]) + c * s[t - 2]"
    loop = f"for t in time {{\n {step}\n }}"
    out = "s1 = a\n s2 = c * a\n s3 = tanh(b * s2) + c * s1\n s4 = tanh(b * s3) + c * s2"
    end = "y ~ Normal({}, 1 + c)\n}}\n"
    models = [
        compile(f"{head}model {{\n{unknowns} {loop}\n {end.format('s[4] * s[2]')}"),
        compile(f"{head}model {{\n{unknowns} {out}\n {end.format('s4 * s2')}"),
    ]
    found = []
    for m in models:
        program, _ = m.bind({"y": [0.3, -1.0]})
        u = np.random.default_rng(0).normal(size=(5, 3))
        found.append(program.value_and_grad(u, np.ones(program.weights)))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-12)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-10, atol=1e-10)


def test_a_covariance_that_is_filtered() -> None:
    text = """data { y: real }
axis d = 2
model {
  a ~ Normal(0, 0.3)
  b ~ Normal(0, 0.3)
  for t in row { for i in d { for j in d {
    Q[t, i, j] = if t == 1 then (if i == j then exp(a) else 0)
                 else 0.3 * Q[t - 1, i, j] + exp(b) * (Q[t - 1] @ Q[t - 1])
  } } }
  y ~ Normal(0, 1 + Q[.., 1, 1] + Q[.., 1, 2]^2)
}
"""
    program, u, w = bound(compile(text))
    one = {name: v[0] for name, v in program.constrained(u, w).items()}
    q = [np.eye(2) * np.exp(one["a"])]
    for _ in range(1, T):
        q.append(0.3 * q[-1] + np.exp(one["b"]) * q[-1] @ q[-1])
    np.testing.assert_allclose(one["Q"], np.array(q), rtol=1e-10)
    verify_gradient(program, u, w)


def test_a_matrix_with_lags_along_one_of_its_axes() -> None:
    text = """data { y: real }
model {
  a ~ Normal(0, 1)
  for i in row { for j in row {
    K[i, j] = if i == 1 then tanh(a + j) else 0.5 * K[i - 1, j] + a / (i + j)
  } }
  y ~ Normal(sum(K, over=row), 3)
}
"""
    program, u, w = bound(compile(text.replace("sum(K, over=row)", "K[.., 2]")))
    one = {name: v[0] for name, v in program.constrained(u, w).items()}
    at = np.arange(1, T + 1)
    k = [np.tanh(one["a"] + at)]
    for i in range(2, T + 1):
        k.append(0.5 * k[-1] + one["a"] / (i + at))
    np.testing.assert_allclose(one["K"], np.array(k), rtol=1e-10)
    verify_gradient(program, u, w)


def test_backwards_over_the_data_by_positions() -> None:
    text = """data {
  y: real
  x: real
}
model {
  a ~ Normal(0, 1)
  for t in row {
    r[t] = tanh(a * x[size(row) - t + 1] + (if t == 1 then 0 else 0.7 * r[t - 1]))
  }
  for t in row {
    y[t] ~ Normal(r[size(row) - t + 1], 1)
  }
}
"""
    program, u, w = bound(compile(text))
    one = {name: v[0] for name, v in program.constrained(u, w).items()}
    r: list[float] = []
    for t in range(T):
        r.append(np.tanh(one["a"] * DATA["x"][T - 1 - t] + (0.7 * r[-1] if t else 0.0)))
    np.testing.assert_allclose(one["r"], r, rtol=1e-10)
    value = norm.logpdf(one["a"]) + norm.logpdf(Y, np.array(r)[::-1], 1).sum()
    np.testing.assert_allclose(program.value(u, w)[0], value, rtol=1e-10)
    verify_gradient(program, u, w)


# ---- draws in the steps ------------------------------------------------------------------------------------------

MARKOV = """data {
  y: real
}
axis k = 2
model {
  sigma ~ HalfNormal(1)
  for t in row { for i in k {
    z[t, i] ~ if t == 1 then Normal(0, 1) else Normal(0.9 * z[t - 1, i], 0.5)
  } }
  y ~ Normal(sum(z, over=k), sigma)
}
guide {
  param w[k, k] = 0.1
  param v[k] = 0.3
  param s: real > 0 = 0.4
  param ls = -0.5
  sigma ~ LogNormal(ls, 0.2)
  for t in row {
    m[t, k] = if t == 1 then v * y[t] else tanh(w @ z[t - 1]) + v * y[t]
    z[t, k] ~ Normal(m[t], s * sigma)
  }
}
"""


def estimate_slopes(objective: object, theta: np.ndarray, e: np.ndarray) -> None:
    _, slope = objective.estimate(theta, e)  # type: ignore[attr-defined]
    for k in range(theta.shape[1]):
        step = 1e-5 * np.eye(theta.shape[1])[k]
        up, down = (objective.estimate(theta + d, e)[0] for d in (step, -step))  # type: ignore[attr-defined]
        np.testing.assert_allclose(slope[:, k], (up - down) / 2e-5, rtol=2e-6, atol=2e-6)


def test_a_guide_that_draws_along_a_chain() -> None:
    objective = compile(MARKOV).objective({"y": list(Y)})
    e = np.random.default_rng(1).uniform(size=(4, objective.noise))
    theta = np.tile(0.3 * np.random.default_rng(2).normal(size=objective.dim), (4, 1))
    x = objective.constrained(e, theta[0])
    learned = {name: np.asarray(v) for name, v in objective.learned(theta[0]).items()}
    w, v, s = learned["w"], learned["v"], float(learned["s"])
    z, sigma = x["z"], x["sigma"]
    log_q = norm.logpdf(np.log(sigma), float(learned["ls"]), 0.2) - np.log(sigma)
    log_p = norm.logpdf(sigma) + np.log(2.0) + norm.logpdf(Y, z.sum(axis=2), sigma[:, None]).sum(axis=1)
    for t in range(T):
        m = v * Y[t] + (np.tanh(z[:, t - 1] @ w.T) if t else 0.0)
        log_q = log_q + norm.logpdf(z[:, t], m, s * sigma[:, None]).sum(axis=1)
        log_p = log_p + norm.logpdf(z[:, t], 0.9 * z[:, t - 1] if t else 0.0, 0.5 if t else 1.0).sum(axis=1)
    np.testing.assert_allclose(objective.log_weight(theta, e), log_p - log_q, rtol=1e-10)
    np.testing.assert_allclose(objective.estimate(theta, e)[0], log_p - log_q, rtol=1e-10)
    estimate_slopes(objective, theta, e)


def test_two_draws_that_read_each_other_in_a_guide() -> None:
    text = """data { y: real }
model {
  for t in row {
    p[t] ~ Normal(0, 1)
    q[t] ~ LogNormal(p[t], 1)
  }
  y ~ Normal(p, q)
}
guide {
  param a = 0.2
  param b = -0.3
  for t in row {
    p[t] ~ Normal(if t == 1 then a else b * q[t - 1], 0.5)
    q[t] ~ LogNormal(p[t] + a * y[t], 0.3)
  }
}
"""
    objective = compile(text).objective({"y": list(Y[:5])})
    e = np.random.default_rng(1).uniform(size=(4, objective.noise))
    theta = np.tile([0.2, -0.3], (4, 1))
    x = objective.constrained(e, theta[0])
    before = np.concatenate([np.zeros((4, 1)), x["q"][:, :-1]], axis=1)
    mean = np.where(np.arange(5) == 0, 0.2, -0.3 * before)
    log_q = norm.logpdf(x["p"], mean, 0.5) + norm.logpdf(np.log(x["q"]), x["p"] + 0.2 * Y[:5], 0.3)
    log_p = norm.logpdf(x["p"]) + norm.logpdf(np.log(x["q"]), x["p"], 1) + norm.logpdf(Y[:5], x["p"], x["q"])
    np.testing.assert_allclose(objective.log_weight(theta, e), (log_p - log_q).sum(axis=1), rtol=1e-10)
    estimate_slopes(objective, theta, e)


WALK = """axis time = {steps}
param p[time] = 0
model {{
  for t in time {{
    up[t] ~ Bernoulli(logit=p[t] + (if t == 1 then 0 else 0.2 * s[t - 1]))
    s[t] = (if t == 1 then 0 else 0.8 * s[t - 1]) + (if up[t] then 1 else -0.5)
    paid[t] = s[t]^2
  }}
}}
maximize sum(paid, over=time)
"""


def expected_pay(p: np.ndarray) -> float:
    """Over all paths."""
    states = {0.0: 1.0}
    total = 0.0
    for t in range(len(p)):
        after: dict[float, float] = {}
        for s, chance in states.items():
            up = 1.0 / (1.0 + np.exp(-(p[t] + (0.2 * s if t else 0.0))))
            for step, share in ((1.0, up), (-0.5, 1.0 - up)):
                now = (0.8 * s if t else 0.0) + step
                after[now] = after.get(now, 0.0) + chance * share
                total += chance * share * now**2
        states = after
    return total


def test_draws_without_a_path_answer_for_what_comes_after_them() -> None:
    objective = compile(WALK.format(steps=5)).objective()
    theta = 0.3 * np.random.default_rng(0).normal(size=5)
    rows = 40_000
    e = np.random.default_rng(1).uniform(size=(rows, objective.noise))
    value, slope = objective.estimate(np.tile(theta, (rows, 1)), e)
    exact = [(expected_pay(theta + d) - expected_pay(theta - d)) / 2e-6 for d in 1e-6 * np.eye(5)]
    error = slope.std(axis=0) / np.sqrt(rows)
    assert np.abs(value.mean() - expected_pay(theta)) < 5 * value.std() / np.sqrt(rows)
    assert (np.abs(slope.mean(axis=0) - exact) < 5 * error).all()
    # the last draw is followed by its own pay alone: all pay would give it several times this variance
    own = compile(WALK.format(steps=5).replace("sum(paid, over=time)", "max(-1000, sum(paid, over=time))")).objective()
    _, whole = own.estimate(np.tile(theta, (rows, 1)), e)
    assert (np.abs(whole.mean(axis=0) - exact) < 5 * whole.std(axis=0) / np.sqrt(rows)).all()
    assert slope[:, -1].var() < whole[:, -1].var()


def test_a_policy_over_a_long_axis() -> None:
    objective = compile(WALK.format(steps=300)).objective()
    e = np.random.default_rng(1).uniform(size=(8, objective.noise))
    value, slope = objective.estimate(np.zeros((8, 300)), e)
    assert np.isfinite(value).all() and np.isfinite(slope).all()
    assert (np.abs(slope) > 0).all(axis=1).all()


CELL = """axis unit = 3
data {
  x: real
  y: real
}
net gate(h[unit]) -> g[unit] weights ~ Normal(0, 0.5) {
  g = dense(h, unit, sigmoid)
}
net enter(h[unit], x) -> g[unit] weights ~ Normal(0, 0.5) {
  g = tanh(dense(h, unit) + dense(x, unit))
}
model {
  b[unit] ~ Normal(0, 1)
  for t in row {
    f[t, unit] = if t == 1 then 0.5 else gate(h[t - 1])
    c[t, unit] = if t == 1 then 0 else f[t] * c[t - 1] + (1 - f[t]) * enter(h[t - 1], x[t])
    h[t, unit] = f[t] * tanh(c[t] + 1)
  }
  y ~ Normal(h @ b, 1)
}
"""


def test_a_cell_with_a_gate_and_two_states_made_of_nets() -> None:
    program, u, w = bound(compile(CELL))
    one = {name: v[0] for name, v in program.constrained(u, w).items()}
    f, c = np.full(3, 0.5), np.zeros(3)
    h = [f * np.tanh(c + 1)]
    for t in range(1, T):
        f = expit(h[-1] @ one["gate.g.W"] + one["gate.g.b"])
        new = h[-1] @ one["enter.g.W"] + one["enter.g.b"] + one["enter.g.2.W"] * DATA["x"][t] + one["enter.g.2.b"]
        c = f * c + (1 - f) * np.tanh(new)
        h.append(f * np.tanh(c + 1))
    np.testing.assert_allclose(one["h"], np.array(h), rtol=1e-10)
    verify_gradient(program, u, w)


@pytest.mark.parametrize("lag", [2, 5])
def test_unknowns_that_read_their_own_past(lag: int) -> None:
    """Autoregressions of any order, with moving averages of another unknown."""
    text = f"""const P = {lag}
data {{
  y: real
}}
model {{
  a ~ Normal(0, 0.3)
  e[row] ~ Normal(0, 1)
  for t in row {{
    h[t] ~ if t <= P then Normal(0, 1) else Normal(a * h[t - 1] - 0.3 * h[t - P], 0.5)
    m[t] = e[t] + (if t > P then 0.4 * e[t - 1] + a * e[t - P] else 0)
  }}
  y ~ Normal(h + m, 1)
}}
"""
    program, u, w = bound(compile(text))
    x = program.constrained(u, w)
    value = norm.logpdf(x["a"], 0, 0.3) + norm.logpdf(x["e"]).sum(axis=1)
    for t in range(T):
        mean, m = np.zeros(3), x["e"][:, t]
        if t >= lag:
            mean = x["a"] * x["h"][:, t - 1] - 0.3 * x["h"][:, t - lag]
            m = m + 0.4 * x["e"][:, t - 1] + x["a"] * x["e"][:, t - lag]
        value += norm.logpdf(x["h"][:, t], mean, 0.5 if t >= lag else 1.0)
        value += norm.logpdf(Y[t], x["h"][:, t] + m, 1)
    np.testing.assert_allclose(program.value(u, w), value, rtol=1e-10)
    verify_gradient(program, u, w)


@pytest.mark.parametrize("explicit", [True, False])
def test_unknowns_between_ends_that_are_made_from_their_past(explicit: bool) -> None:
    """Each is larger than the one before by some share: the support of one is known when the one before is."""
    floor = "0.5 * x[t - 1] + a" if explicit else "s[t]"
    derived = "" if explicit else "s[t] = if t == 1 then a else 0.5 * x[t - 1] + a"
    text = f"""data {{
  y: real
}}
model {{
  a ~ Normal(0, 1)
  for t in row {{
    {derived}
    x[t] ~ Truncated(Normal(0, 2), lower=(if t == 1 then a else {floor}))
  }}
  y ~ Normal(x, 1)
}}
"""
    program, u, w = bound(compile(text))
    x = program.constrained(u, w)
    ends = np.concatenate([x["a"][:, None], 0.5 * x["x"][:, :-1] + x["a"][:, None]], axis=1)
    np.testing.assert_allclose(x.get("s", ends), ends, rtol=1e-12)
    at = {s.name: np.arange(program.dim)[program.slots[s.name]] for s in program.emitted.slots}
    raw = u[:, at["x"]]
    np.testing.assert_allclose(x["x"], ends + np.exp(raw), rtol=1e-12)
    value = norm.logpdf(x["a"]) + norm.logpdf(Y, x["x"], 1).sum(axis=1) + raw.sum(axis=1)
    value += (norm.logpdf(x["x"], 0, 2) - norm.logsf(ends, 0, 2)).sum(axis=1)
    np.testing.assert_allclose(program.value(u, w), value, rtol=1e-10)
    verify_gradient(program, u, w)


FLIPS = """axis time = 4
data {
  y: real
}
model {
  for t in time {
    z[t] ~ Bernoulli(0.4)
    s[t] = if t == 1 then z[t] else 0.6 * s[t - 1] + z[t]
  }
  y ~ Normal(s[4] + 0.3 * s[2]^2, 1)
}
guide {
  param p[time] = 0.2
  param r = 0.4
  for t in time {
    z[t] ~ Bernoulli(logit=GUIDE)
  }
}
"""
APART, CHAINED = "p[t] + 0 * r", "p[t] + (if t == 1 then 0 else r * s[t - 1])"


def bound_of_flips(theta: np.ndarray, chained: bool) -> float:
    """The evidence lower bound, over all sequences."""
    p, r = theta[:4], theta[4] * chained
    total = 0.0
    for z in np.ndindex(2, 2, 2, 2):
        s, log_p, log_q = [0.0], 0.0, 0.0
        for t in range(4):
            logit = p[t] + (r * s[-1] if t else 0.0)
            log_q += np.log(expit(logit if z[t] else -logit))
            log_p += np.log(0.4 if z[t] else 0.6)
            s.append(0.6 * s[-1] + z[t] if t else float(z[t]))
        log_p += norm.logpdf(FLIPS_Y, s[4] + 0.3 * s[2] ** 2, 1).sum()
        total += np.exp(log_q) * (log_p - log_q)
    return float(total)


FLIPS_Y = np.array([1.0, 0.3])


@pytest.mark.parametrize(
    ("guide", "estimator"), [(APART, "local"), (APART, "disarm"), (APART, "score"), (CHAINED, "score")]
)
def test_discrete_draws_that_go_through_a_recursion(guide: str, estimator: str) -> None:
    """Levels that are tried one by one go around the loop with it; the means are those of enumeration."""
    model = compile(FLIPS.replace("GUIDE", guide), estimators={"z": estimator})
    objective = model.objective({"y": list(FLIPS_Y)})
    theta, rows = np.array([0.2, -0.5, 0.7, 0.1, 0.4]), 20_000
    places = np.concatenate([np.arange(objective.dim)[objective.blocks[n]].ravel() for n in ("p", "r")])
    here = np.empty(objective.dim)
    here[places] = theta
    e = np.random.default_rng(0).uniform(size=(rows, objective.noise))
    value, slope = objective.estimate(np.tile(here, (rows, 1)), e)
    exact = [
        (bound_of_flips(theta + d, guide == CHAINED) - bound_of_flips(theta - d, guide == CHAINED)) / 2e-6
        for d in 1e-6 * np.eye(5)
    ]
    error = slope[:, places].std(axis=0) / np.sqrt(rows)
    assert abs(value.mean() - bound_of_flips(theta, guide == CHAINED)) < 5 * value.std() / np.sqrt(rows)
    assert (np.abs(slope[:, places].mean(axis=0) - exact) < 5 * error + 1e-8).all()


def test_draws_with_implicit_slopes_along_a_chain() -> None:
    text = """data {
  y: real
}
model {
  for t in row {
    x[t] ~ Gamma(2, 1)
    v[t] ~ Beta(2, 2)
  }
  y ~ Normal(x * v, 1)
}
guide {
  param a = 0.2
  param b = -0.3
  for t in row {
    x[t] ~ Gamma(if t == 1 then 2 else 1 + exp(a) + 0.3 * x[t - 1], exp(b))
    v[t] ~ Beta(1 + exp(a * x[t]), if t <= 2 then 2 else 1 + exp(b) * v[t - 2] + v[t - 1])
  }
}
"""
    objective = compile(text).objective({"y": list(Y[:6])})
    e = np.random.default_rng(1).uniform(size=(4, objective.noise))
    theta = np.tile([0.2, -0.3], (4, 1))
    _, slope = objective.estimate(theta, e)
    for k in range(2):
        step = 1e-4 * np.eye(2)[k]
        numeric = (objective.estimate(theta + step, e)[0] - objective.estimate(theta - step, e)[0]) / 2e-4
        np.testing.assert_allclose(slope[:, k], numeric, rtol=1e-5)

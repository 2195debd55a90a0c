"""Programs with matrices: densities against scipy, gradients against differences, fits and draws in closed form."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats as st
from scipy.special import multigammaln

from ppl.api import compile

RNG = np.random.default_rng(4)
N = 7
X, T = np.sort(RNG.random(N) * 4), RNG.random(N)
Y = RNG.normal(size=N)
GP = """
data {{
  x: real
  t: real
  y: real
}}
model {{
  a ~ HalfNormal(1)
  r ~ HalfNormal(1)
  s ~ HalfNormal(1)
  for i in row {{
    for j in row {{
      K[i, j] = {kernel}{noise}
    }}
  }}
  {likelihood}
}}
"""
NOISE = " + (if i == j then s^2 else 0)"
KERNELS: dict[str, tuple[str, Callable[..., np.ndarray]]] = {
    "squared exponential": (
        "a^2 * exp(-(x[i] - x[j])^2 / (2 * r^2))",
        lambda d, e, a, r: a**2 * np.exp(-(d**2) / (2 * r**2)),
    ),
    "Matern 3/2": (
        "a^2 * (1 + sqrt(3) * abs(x[i] - x[j]) / r) * exp(-sqrt(3) * abs(x[i] - x[j]) / r)",
        lambda d, e, a, r: a**2 * (1 + np.sqrt(3) * np.abs(d) / r) * np.exp(-np.sqrt(3) * np.abs(d) / r),
    ),
    "periodic": (
        "a^2 * exp(-2 * sin(3.14159265358979 * abs(x[i] - x[j]) / 1.5)^2 / r^2)",
        lambda d, e, a, r: a**2 * np.exp(-2 * np.sin(np.pi * np.abs(d) / 1.5) ** 2 / r**2),
    ),
    "a length for each of two columns": (
        "exp(-(x[i] - x[j])^2 / (2 * r^2) - (t[i] - t[j])^2 / (2 * a^2))",
        lambda d, e, a, r: np.exp(-(d**2) / (2 * r**2) - e**2 / (2 * a**2)),
    ),
}


def differences(f: Callable[[np.ndarray], np.ndarray], u: np.ndarray) -> np.ndarray:
    """Central differences of fourth order, of one number per draw."""
    steps = np.eye(u.shape[1]) * 1e-3
    return np.stack([(8 * (f(u + s) - f(u - s)) - (f(u + 2 * s) - f(u - 2 * s))) / 12e-3 for s in steps], -1)


def check_gradient(program, u: np.ndarray) -> np.ndarray:
    """The log densities at `u`, after their gradient has been compared with differences."""
    w = np.full(len(program.emitted.weights), 0.4)
    value, grad, _ = program.value_and_grad(u, w)
    expected = differences(lambda v: program.value_and_grad(v, w)[0], u)
    np.testing.assert_allclose(grad, expected, rtol=1e-6, atol=1e-6)
    return value


@pytest.mark.parametrize("name", KERNELS)
def test_gaussian_processes_by_their_kernels(name):
    written, kernel = KERNELS[name]
    text = GP.format(kernel=written, noise=NOISE, likelihood="y ~ MvNormal(0, cov=K)")
    program, _ = compile(text).bind({"x": X, "t": T, "y": Y})
    u = 0.3 * RNG.normal(size=(3, 3))
    value = check_gradient(program, u)
    d, e = X[:, None] - X, T[:, None] - T
    for row, got in zip(u, value, strict=True):
        a, r, s = np.exp(row)
        cov = kernel(d, e, a, r) + s**2 * np.eye(N)
        prior = st.halfnorm.logpdf([a, r, s]).sum() + row.sum()
        np.testing.assert_allclose(got, prior + st.multivariate_normal(np.zeros(N), cov).logpdf(Y), rtol=1e-9)


@pytest.mark.parametrize(
    ("likelihood", "data"),
    [
        ("f[row] ~ MvNormal(0, cov=K)\n  y ~ Poisson(exp(f + s))", RNG.poisson(2.0, N)),
        ("f[row] ~ MvNormal(0, cov=K)\n  y ~ Bernoulli(sigmoid(f + s))", RNG.random(N) < 0.5),
    ],
    ids=["counts", "yes or no"],
)
def test_latent_gaussian_processes(likelihood, data):
    kind = "bool" if data.dtype == bool else "int >= 0"
    text = GP.format(kernel=KERNELS["Matern 3/2"][0], noise=" + (if i == j then 0.01 else 0)", likelihood=likelihood)
    program, _ = compile(text.replace("y: real", f"y: {kind}")).bind({"x": X, "t": T, "y": data})
    assert program.dim == 3 + N
    check_gradient(program, 0.3 * RNG.normal(size=(3, program.dim)))


# ---- functions of matrices -----------------------------------------------------------------------------------------

FUNCTIONS = {
    "logdet(A)": lambda a, b: np.log(abs(np.linalg.det(a))),
    "det(A)": lambda a, b: np.linalg.det(a),
    "trace(A)": lambda a, b: np.trace(a),
    "sum(diagonal(A) * b)": lambda a, b: np.diag(a) @ b,
    "dot(b, solve(A, b))": lambda a, b: b @ np.linalg.solve(a, b),
    "dot(b, solve(transpose(A), b * b))": lambda a, b: b @ np.linalg.solve(a.T, b * b),
    "dot(b, A @ b)": lambda a, b: b @ a @ b,
    "trace(solve(A, A @ A))": lambda a, b: np.trace(a),
    "trace(inverse(A) @ diag(b))": lambda a, b: np.diag(np.linalg.inv(a)) @ b,
    "trace(A @ transpose(A))": lambda a, b: (a * a).sum(),
    "trace(cholesky(A @ transpose(A)))": lambda a, b: np.trace(np.linalg.cholesky(a @ a.T)),
    "trace(A @ eye(part))": lambda a, b: np.trace(a),
}


@pytest.mark.parametrize("written", FUNCTIONS)
def test_functions_of_matrices(written):
    text = f"""
    axis part = 3
    model {{
      v[part] ~ Normal(0, 1)
      b[part] = [1, -2, 0.5]
      for i in part {{ for j in part {{ A[i, j] = 0.3 * v[i] + v[j]^2 + (if i == j then 2 else 0) }} }}
      z = {written}
      factor z
    }}
    """
    program, _ = compile(text).bind()
    u = RNG.normal(size=(4, 3))
    value = check_gradient(program, u)
    for v, got in zip(u, value, strict=True):
        a = 0.3 * v[:, None] + v[None, :] ** 2 + 2 * np.eye(3)
        expected = FUNCTIONS[written](a, np.array([1, -2, 0.5]))
        np.testing.assert_allclose(got - st.norm.logpdf(v).sum(), expected, rtol=1e-9)


# ---- unknown matrices ----------------------------------------------------------------------------------------------

UNKNOWN = {
    "LKJCholesky": "R[part, part] ~ LKJCholesky(1 + a)\n  y ~ MvNormal(0, chol=diag(s) @ R)",
    "one for each arm": "R[arm, part, part] ~ LKJCholesky(2)\n  y ~ MvNormal(0, chol=R[arm] * a)",
    "Wishart": "P[part, part] ~ Wishart(3 + a, diag(s))\n  y ~ MvNormal(0, precision=P)",
    "InvWishart": "C[part, part] ~ InvWishart(3 + a, diag(s))\n  y ~ MvStudentT(2 + a, s, C)",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_gradients_through_unknown_matrices(name):
    text = f"""
    data {{
      y[part]: real from "y*"
      arm: factor
    }}
    model {{
      a ~ HalfNormal(1)
      s[part] ~ HalfNormal(1)
      {UNKNOWN[name]}
    }}
    """
    data = {f"y{k}": RNG.normal(size=5) for k in range(3)} | {"arm": ["p", "q", "p", "q", "q"]}
    program, _ = compile(text).bind(data)
    check_gradient(program, 0.4 * RNG.normal(size=(3, program.dim)))


OBSERVED = RNG.multivariate_normal([0, 0, 0], [[1, 0.5, 0.2], [0.5, 1, 0.1], [0.2, 0.1, 0.7]], 25)


@pytest.mark.parametrize("name", ["Wishart", "InvWishart"])
def test_the_fit_of_a_conjugate_matrix_is_exact(name):
    """Gelman et al., Bayesian Data Analysis, section 3.6: with S = Y^T Y, the precision is Wishart with df + n and the
    inverse of W^-1 + S, the covariance InvWishart with df + n and W + S."""
    prior, use = {"Wishart": ("0.5 * eye(part)", "precision"), "InvWishart": ("2 * eye(part)", "cov")}[name]
    text = 'data { y[part]: real from "y*" }\nmodel {\n'
    text += f"  M[part, part] ~ {name}(5, {prior})\n  y ~ MvNormal(0, {use}=M)\n}}\n"
    fit = compile(text).fit({f"y{k}": OBSERVED[:, k] for k in range(3)}, seed=1)
    n, square, scale = len(OBSERVED), OBSERVED.T @ OBSERVED, 2.0 * np.eye(3)
    after = scale + square
    mean = (5 + n) * np.linalg.inv(after) if name == "Wishart" else after / (5 + n - 4)
    evidence = multigammaln((5 + n) / 2, 3) - multigammaln(2.5, 3) - 1.5 * n * np.log(np.pi)
    evidence += 2.5 * np.linalg.slogdet(scale)[1] - (5 + n) / 2 * np.linalg.slogdet(after)[1]
    np.testing.assert_allclose(fit.evidence.log_evidence, evidence, atol=0.02)
    found = fit.quantities["M"]
    np.testing.assert_allclose(found.mean(), mean, atol=0.03 * np.abs(mean).max())


# ---- draws with their gradients ------------------------------------------------------------------------------------

DRAWN = {
    "R[part, part] ~ LKJCholesky(exp(m)) : R[2, 1]^2": lambda m: 1 / (2 * np.exp(m) + 1),
    "W[part, part] ~ Wishart(3 + exp(m), diag(q)) : W[1, 1]": lambda m: 3 + np.exp(m),
    "W[part, part] ~ Wishart(4, diag(q) * exp(m)) : W[1, 1] + W[2, 1]": lambda m: 4 * np.exp(m),
    "C[part, part] ~ InvWishart(9 + exp(m), diag(q)) : C[2, 2]": lambda m: 2 / (6 + np.exp(m)),
    "C[part, part] ~ InvWishart(9, diag(q) * exp(m)) : C[2, 2]": lambda m: 2 * np.exp(m) / 6,
    "x[part] ~ MvStudentT(9 + exp(m), q, diag(q)) : x[1]^2": lambda m: 1 + (9 + np.exp(m)) / (7 + np.exp(m)),
    "x[part] ~ MvNormal(exp(m), precision=diag(q) * exp(m)) : x[2]^2": lambda m: np.exp(2 * m) + 0.5 * np.exp(-m),
}


@pytest.mark.parametrize("written", DRAWN)
def test_expectations_over_draws_and_their_slopes(written):
    model, value = written.split(" : ")
    text = f"axis part = 2\nparam m = 0.4\nmodel {{\n  q[part] = [1, 2]\n  {model}\n}}\nmaximize {value}\n"
    objective = compile(text).objective()
    e = np.random.default_rng(8).random((20_000, objective.noise))
    estimate, grad = objective.estimate(np.full((len(e), 1), 0.4), e)
    expected = DRAWN[written]
    slope = (expected(0.4 + 1e-5) - expected(0.4 - 1e-5)) / 2e-5
    for got, wanted in ((estimate, expected(0.4)), (grad[:, 0], slope)):
        assert abs(got.mean() - wanted) < 5 * got.std() / np.sqrt(len(got))
        assert got.std() / np.sqrt(len(got)) < 0.05 * abs(wanted)

"""Coordinates: the density in u is the density of the values times the slope of the map, and integrates to one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import betaln, gammaln

from ppl.api import compile
from ppl.emit.bind import Program

Values = dict[str, np.ndarray]
Y = [0.4, -0.3, 1.1]


@dataclass(frozen=True)
class Case:
    """`log_joint` is over constrained values of one draw; `names` are those whose map from u has a square slope, with
    the entries to keep (a simplex loses its last)."""

    about: str
    text: str
    data: dict[str, Any]
    names: tuple[str, ...]
    log_joint: Callable[[Values], Any]
    last: bool = True


def model(body: str, columns: str = "  y: real", before: str = "") -> str:
    return f"{before}data {{\n{columns}\n}}\n\nmodel {{\n{body}\n}}\n"


def normal(x: Any, mean: Any = 0.0, sd: Any = 1.0) -> Any:
    return np.sum(stats.norm.logpdf(x, mean, sd))


def dirichlet(w: np.ndarray, a: np.ndarray) -> Any:
    a = np.broadcast_to(a, w.shape)
    return np.sum(gammaln(a.sum(-1)) - gammaln(a).sum(-1) + ((a - 1) * np.log(w)).sum(-1))


def truncated(x: Any, mean: float, sd: float, low: Any = -np.inf, high: Any = np.inf) -> Any:
    a, b = (np.asarray(low) - mean) / sd, (np.asarray(high) - mean) / sd
    return np.sum(stats.truncnorm.logpdf(x, a, b, mean, sd))


CASES = [
    Case(
        "positive",
        model("  s ~ HalfNormal(2)\n  r ~ Gamma(2, 3)\n  y ~ Normal(r, s)"),
        {"y": Y},
        ("s", "r"),
        lambda v: (
            stats.halfnorm.logpdf(v["s"], 0, 2) + stats.gamma.logpdf(v["r"], 2, 0, 1 / 3) + normal(Y, v["r"], v["s"])
        ),
    ),
    Case(
        "an interval with unknown ends",
        model("  a ~ Normal(0, 1)\n  w ~ Exponential(1)\n  b ~ Uniform(a, a + w)\n  y ~ Normal(b, 1)"),
        {"y": Y},
        ("a", "w", "b"),
        lambda v: normal(v["a"]) + stats.expon.logpdf(v["w"]) - np.log(v["w"]) + normal(Y, v["b"]),
    ),
    Case(
        "a lower end that is another unknown",
        model("  a ~ Normal(0, 1)\n  b ~ Truncated(Normal(0.5, 2), lower=a)\n  y ~ Normal(b, 1)"),
        {"y": Y},
        ("a", "b"),
        lambda v: normal(v["a"]) + truncated(v["b"], 0.5, 2, low=v["a"]) + normal(Y, v["b"]),
    ),
    Case(
        "an upper end that is another unknown",
        model("  a ~ Normal(0, 1)\n  b ~ Truncated(Normal(0.5, 2), upper=a)\n  y ~ Normal(b, 1)"),
        {"y": Y},
        ("a", "b"),
        lambda v: normal(v["a"]) + truncated(v["b"], 0.5, 2, high=v["a"]) + normal(Y, v["b"]),
    ),
    Case(
        "ends of each group",
        model(
            "  a[group] ~ Normal(0, 1)\n  b[group] ~ Truncated(Normal(0, 1), lower=a[group], upper=a[group] + 2)\n"
            "  y ~ Normal(b[group], 1)",
            "  group: factor\n  y: real",
        ),
        {"y": Y, "group": ["p", "q", "p"]},
        ("a", "b"),
        lambda v: normal(v["a"]) + truncated(v["b"], 0.0, 1.0, v["a"], v["a"] + 2) + normal(Y, v["b"][[0, 1, 0]]),
    ),
    Case(
        "a Beta",
        model("  p ~ Beta(2, 3)\n  y ~ Normal(p, 1)"),
        {"y": Y},
        ("p",),
        lambda v: stats.beta.logpdf(v["p"], 2, 3) + normal(Y, v["p"]),
    ),
    Case(
        "an ordered vector",
        model("  c[k] ~ Ordered(Normal(0, 2))\n  y ~ Normal(c[2], 1)", before="axis k = 3\n\n"),
        {"y": Y},
        ("c",),
        lambda v: normal(v["c"], 0, 2) + np.log(6) + normal(Y, v["c"][1]),
    ),
    Case(
        "ordered vectors of each group",
        model(
            "  c[group, k] ~ Ordered(Normal(0, 2))\n  y ~ Normal(c[group, 2], 1)",
            "  group: factor\n  y: real",
            "axis k = 3\n\n",
        ),
        {"y": Y, "group": ["p", "q", "p"]},
        ("c",),
        lambda v: normal(v["c"], 0, 2) + 2 * np.log(6) + normal(Y, v["c"][[0, 1, 0], 1]),
    ),
    Case(
        "ordered positive numbers",
        model("  c[k] ~ Ordered(Gamma(2, 0.5))\n  y ~ Normal(c[2], 1)", before="axis k = 3\n\n"),
        {"y": Y},
        ("c",),
        lambda v: stats.gamma.logpdf(v["c"], 2, 0, 2).sum() + np.log(6) + normal(Y, v["c"][1]),
    ),
    Case(
        "ordered numbers of an interval that moves",
        model("  s ~ HalfNormal(1)\n  c[k] ~ Ordered(Uniform(-1, s))\n  y ~ Normal(c[2], 1)", before="axis k = 2\n\n"),
        {"y": Y},
        ("s", "c"),
        lambda v: (
            stats.halfnorm.logpdf(v["s"]) - 2 * np.log(v["s"] + 1) + np.log(2) + normal(Y, v["c"][1])
            if (v["c"] > -1).all() and (v["c"] < v["s"]).all()
            else -np.inf
        ),
    ),
    Case(
        "ordered numbers below an end",
        model("  c[k] ~ Ordered(Truncated(Normal(1, 2), upper=3))\n  y ~ Normal(c[2], 1)", before="axis k = 3\n\n"),
        {"y": Y},
        ("c",),
        lambda v: truncated(v["c"], 1, 2, high=3) + np.log(6) + normal(Y, v["c"][1]),
    ),
    Case(
        "a simplex",
        model("  w[k] ~ Dirichlet(1.5)\n  y ~ Normal(w[2], 1)", before="axis k = 3\n\n"),
        {"y": Y},
        ("w",),
        lambda v: dirichlet(v["w"], np.array(1.5)) + normal(Y, v["w"][1]),
        last=False,
    ),
    Case(
        "a simplex of each group",
        model(
            "  w[group, k] ~ Dirichlet(1.5)\n  y ~ Normal(w[group, 2], 1)",
            "  group: factor\n  y: real",
            "axis k = 3\n\n",
        ),
        {"y": Y, "group": ["p", "q", "p"]},
        ("w",),
        lambda v: dirichlet(v["w"], np.array(1.5)) + normal(Y, v["w"][[0, 1, 0], 1]),
        last=False,
    ),
    Case(
        "blanks of a positive column",
        model("  s ~ HalfNormal(1)\n  x ~ Gamma(2, 1)\n  y ~ Normal(x, s)", "  x: real? > 0\n  y: real"),
        {"y": Y, "x": [0.5, None, None]},
        ("s", "x"),
        lambda v: (
            stats.halfnorm.logpdf(v["s"])
            + np.sum(stats.gamma.logpdf([0.5, *v["x"]], 2))
            + normal(Y, np.array([0.5, *v["x"]]), v["s"])
        ),
    ),
    Case(
        "blanks below a cap of their own row",
        model(
            "  m ~ Normal(0, 1)\n  x ~ Truncated(Normal(0, 2), upper=cap)\n  y ~ Normal(m * x, 1)",
            "  x: real?\n  cap: real\n  y: real",
        ),
        {"y": Y, "x": [0.5, None, None], "cap": [1.0, 2.0, 3.0]},
        ("m", "x"),
        lambda v: (
            normal(v["m"])
            + truncated(np.array([0.5, *v["x"]]), 0.0, 2.0, high=np.array([1.0, 2.0, 3.0]))
            + normal(Y, v["m"] * np.array([0.5, *v["x"]]))
        ),
    ),
]


def flat(v: np.ndarray, last: bool) -> np.ndarray:
    """The entries that are free, of all draws."""
    return (v if last else v[..., :-1]).reshape(len(v), -1)


def log_slope(program: Program, case: Case, u: np.ndarray, h: float = 1e-4) -> float:
    """log |d values / d u| by differences, at one point (1, D)."""
    steps = h * np.eye(program.dim)
    w = np.ones(program.weights)

    def values(at: np.ndarray) -> np.ndarray:
        named = program.constrained(at, w)
        return np.concatenate([flat(named[n], case.last or n != case.names[-1]) for n in case.names], axis=1)

    ends = [values(u + k * steps) for k in (-2, -1, 1, 2)]
    slope = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h)
    assert slope.shape == (program.dim, program.dim)
    return float(np.linalg.slogdet(slope)[1])


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.about)
def test_density_has_the_slope_of_the_map(case: Case) -> None:
    program, _ = compile(case.text).bind(case.data)
    w = np.ones(program.weights)
    for seed in range(4):
        u = np.random.default_rng(seed).normal(size=(1, program.dim))
        values = {n: v[0] for n, v in program.constrained(u, w).items()}
        wanted = float(case.log_joint(values)) + log_slope(program, case, u)
        assert program.value(u, w)[0] == pytest.approx(wanted, rel=1e-7, abs=1e-7)


# ---- integrals -----------------------------------------------------------------------------------------------------


def log_integral(text: str, data: dict[str, Any], reach: float = 12.0, points: int = 1201) -> float:
    """log of the integral of the density over u, one or two coordinates, by the trapezium rule."""
    program, _ = compile(text).bind(data)
    line = np.linspace(-reach, reach, points if program.dim == 1 else 481)
    grids = np.meshgrid(*[line] * program.dim, indexing="ij")
    u = np.stack([g.ravel() for g in grids], axis=1)
    values = program.value(u, np.ones(program.weights))
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum()) + program.dim * np.log(line[1] - line[0]))


N, S2 = 3, 0.25
YS = np.array(Y)
EVIDENCE = [
    (
        "a Normal mean",
        model("  m ~ Normal(0, 2)\n  y ~ Normal(m, 0.5)"),
        {"y": Y},
        float(stats.multivariate_normal.logpdf(YS, np.zeros(3), 4 * np.ones((3, 3)) + S2 * np.eye(3))),
    ),
    (
        "a Gamma rate",
        model("  r ~ Gamma(2, 3)\n  n ~ Poisson(r)", "  n: int"),
        {"n": [1, 0, 4]},
        float(2 * np.log(3) - gammaln(2) + gammaln(2 + 5) - (2 + 5) * np.log(3 + 3) - gammaln([2, 1, 5]).sum()),
    ),
    (
        "a Beta chance",
        model("  p ~ Beta(2, 3)\n  b ~ Bernoulli(p)", "  b: bool"),
        {"b": [True, False, True]},
        float(betaln(4, 4) - betaln(2, 3)),
    ),
    (
        "a Uniform chance",
        model("  p ~ Uniform(0, 1)\n  b ~ Bernoulli(p)", "  b: bool"),
        {"b": [True, False, True]},
        float(betaln(3, 2)),
    ),
    (
        "a simplex of three",
        model(
            "  w[k] ~ Dirichlet(2)\n  z ~ Categorical(w)", '  z: factor ["a", "b", "c"]', 'axis k = ["a", "b", "c"]\n\n'
        )
        .replace('axis k = ["a", "b", "c"]\n\n', "")
        .replace("w[k]", "w[z]"),
        {"z": ["a", "c", "a", "b"]},
        float(gammaln(6) - gammaln(10) + gammaln([4, 3, 3]).sum() - 3 * gammaln(2)),
    ),
    (
        "two ordered Normals",
        model("  c[k] ~ Ordered(Normal(0, 1))\n  y ~ Normal(0, 1)", before="axis k = 2\n\n"),
        {"y": Y},
        float(stats.norm.logpdf(YS).sum()),
    ),
    (
        "a truncated Normal above another",
        model("  a ~ Normal(0, 1)\n  b ~ Truncated(Normal(0, 1), lower=a)\n  y ~ Normal(0, 1)"),
        {"y": Y},
        float(stats.norm.logpdf(YS).sum()),
    ),
]


@pytest.mark.parametrize(("about", "text", "data", "wanted"), EVIDENCE)
def test_density_integrates_to_the_evidence(about: str, text: str, data: dict[str, Any], wanted: float) -> None:
    reach = 40.0 if "Gamma" in about or "chance" in about else 14.0
    assert log_integral(text, data, reach, 8001) == pytest.approx(wanted, abs=2e-5), about


OUTSIDE = [
    ("Truncated(Exponential(1), lower=-1)", stats.expon.logpdf),
    ("Truncated(Beta(2, 3), upper=2)", lambda x: stats.beta.logpdf(x, 2, 3)),
    ("Truncated(Uniform(0, 2), lower=-1, upper=1)", lambda x: np.log(1.0)),
    ("Truncated(Gamma(2, 1), lower=-1, upper=3)", lambda x: stats.gamma.logpdf(x, 2) - stats.gamma.logcdf(3, 2)),
]


@pytest.mark.parametrize(("dist", "log_prior"), OUTSIDE)
def test_limits_outside_the_support_change_nothing(dist: str, log_prior: Callable[[Any], Any]) -> None:
    program, _ = compile(model(f"  x ~ {dist}\n  y ~ Normal(x, 1)")).bind({"y": Y})
    u = np.array([[-3.0], [0.2], [3.0]])
    x = program.constrained(u, np.zeros(0))["x"]
    assert (x > 0).all()
    h = 1e-5
    slope = (program.constrained(u + h, np.zeros(0))["x"] - program.constrained(u - h, np.zeros(0))["x"]) / (2 * h)
    wanted = [float(log_prior(v)) + normal(Y, v) for v in x] + np.log(slope)
    np.testing.assert_allclose(program.value(u, np.zeros(0)), wanted, rtol=1e-7)

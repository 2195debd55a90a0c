"""Columns of every kind, constants, functions and observed expressions: the density of a model against one by hand."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from ppl.api import compile
from ppl.emit.bind import Program

Data = dict[str, list[Any]]
Named = dict[str, np.ndarray]


def density(text: str, data: Data | None, seed: int = 0) -> tuple[Named, float, np.ndarray]:
    """At a random point: the unknowns, the log density without the Jacobian of the real coordinates (all unknowns of
    these models are real numbers), and its gradient, which is that of differences."""
    program, _ = compile(text).bind(data)
    assert isinstance(program, Program)
    u, w = 0.5 * np.random.default_rng(seed).standard_normal((1, program.dim)), np.ones(program.weights)
    value, gradient, _ = program.value_and_grad(u, w)
    for i, h in enumerate(1e-5 * np.eye(program.dim)):
        slope = (program.value(u + h, w) - program.value(u - h, w)) / 2e-5
        assert np.allclose(gradient[:, i], slope, rtol=1e-6, atol=1e-6)
    return {n: v[0] for n, v in program.constrained(u, w).items()}, float(value[0]), gradient[0]


def normal(x: Any, m: Any = 0.0, s: Any = 1.0) -> float:
    return float(np.sum(stats.norm.logpdf(x, m, s)))


DATES = {"day": ["2024-03-01", "2024-02-10", "2024-03-20"], "y": [1.0, 2.0, 3.0]}


def test_dates_are_compared_and_sort_the_rows() -> None:
    text = (
        "data sorted by day {\n  day: date\n  y: real\n}\nmodel {\n  a ~ Normal(0, 1)\n"
        '  late = day >= "2024-03-01"\n'
        "  for t in row {\n    y[t] ~ if t == 1 then Flat() else Normal(a * late + y[t - 1], 1)\n  }\n}\n"
    )
    z, value, _ = density(text, DATES)
    assert value == pytest.approx(normal(z["a"]) + normal([1.0, 3.0], z["a"] + np.array([2.0, 1.0])))


def test_texts_sort_the_rows() -> None:
    text = (
        "data sorted by code {\n  code: text\n  y: real\n}\nmodel {\n  a ~ Normal(0, 1)\n"
        "  for t in row {\n    y[t] ~ Normal(if t == 1 then a else y[t - 1], 1)\n  }\n}\n"
    )
    z, value, _ = density(text, {"code": ["run 10", "run 9", "run 2"], "y": [1.0, 2.0, 4.0]})
    assert value == pytest.approx(normal(z["a"]) + normal([4.0, 2.0, 1.0], [z["a"], 4.0, 2.0]))


ORDINAL = 'data {\n  how: ordinal ["bad", "fair", "good"]\n  y: real\n}\n'
HOW = {"how": ["fair", "good", "bad", "good"], "y": [0.1, -0.4, 0.9, 0.3]}


def test_an_ordinal_as_outcome() -> None:
    text = (
        f"axis cut = 2\n{ORDINAL}model {{\n  b ~ Normal(0, 1)\n  c ~ Normal(0, 1)\n  cuts[cut] = [c, c + 1.5]\n"
        "  how ~ OrderedLogistic(b * y, cuts)\n}\n"
    )
    z, value, _ = density(text, HOW)
    below = expit(np.array([z["c"], z["c"] + 1.5])[:, None] - z["b"] * np.array(HOW["y"]))
    p = np.diff(np.vstack([np.zeros(4), below, np.ones(4)]), axis=0)
    codes = [1, 2, 0, 2]
    assert value == pytest.approx(normal(z["b"]) + normal(z["c"]) + np.log(p[codes, range(4)]).sum())


def test_an_ordinal_is_compared_by_its_order_and_indexes() -> None:
    text = (
        f"{ORDINAL}model {{\n  a[how] ~ Normal(0, 1)\n  b ~ Normal(0, 1)\n"
        '  y ~ Normal(a[how] + b * (how >= "fair"), 1)\n}\n'
    )
    z, value, _ = density(text, HOW)
    codes = np.array([1, 2, 0, 2])
    expected = normal(z["a"]) + normal(z["b"]) + normal(HOW["y"], z["a"][codes] + z["b"] * (codes >= 1))
    assert value == pytest.approx(expected)


def test_an_ordinal_carries_a_random_walk() -> None:
    text = (
        f"{ORDINAL}model {{\n  for h in how {{\n"
        "    a[h] ~ if h == 1 then Normal(0, 1) else Normal(a[h - 1], 0.5)\n  }\n"
        "  y ~ Normal(a[how], 1)\n}\n"
    )
    z, value, _ = density(text, HOW)
    walk = normal(z["a"][0]) + normal(z["a"][1:], z["a"][:-1], 0.5)
    assert value == pytest.approx(walk + normal(HOW["y"], z["a"][[1, 2, 0, 2]]))


def test_constants_with_types_lists_and_labels() -> None:
    text = (
        'const WIDTH: real = 2\nconst PLACES: int = 3\nconst drug: text = "b"\nconst names = ["a", "b"]\n'
        "const means = [0.5, -0.5, 1]\nconst wide: bool = true\naxis arm = names\naxis k = PLACES\n"
        "model {\n  t[arm] ~ Normal(0, WIDTH)\n  m[k] ~ Normal(means, if wide then 3 else 1)\n"
        "  factor -t[drug]^2 - m[PLACES]\n}\n"
    )
    z, value, _ = density(text, None)
    expected = normal(z["t"], 0, 2) + normal(z["m"], [0.5, -0.5, 1.0], 3) - z["t"][1] ** 2 - z["m"][2]
    assert value == pytest.approx(expected)
    assert compile(text, defines={"WIDTH": 5}).core.statements != compile(text).core.statements


def test_observed_expressions_and_factors_over_axes() -> None:
    text = (
        "data {\n  y: real > 0\n  g: factor\n}\nmodel {\n  m ~ Normal(0, 1)\n  a[g] ~ Normal(0, 1)\n"
        "  observe log(y) ~ Normal(m, 1)\n  observe y^2 ~ Truncated(Normal(m, 2), lower=0)\n"
        "  factor -0.5 * (sum(a, over=g))^2\n  factor a[g] * y\n}\n"
    )
    y = np.array([0.5, 2.0, 1.5])
    z, value, _ = density(text, {"y": y.tolist(), "g": ["p", "q", "p"]})
    m, a = z["m"], z["a"]
    cut = normal(y**2, m, 2) - 3 * stats.norm.logsf(0, m, 2)
    rest = -0.5 * a.sum() ** 2 + (a[[0, 1, 0]] * y).sum()
    assert value == pytest.approx(normal(m) + normal(a) + normal(np.log(y), m) + float(cut) + float(rest))


FUNCTIONS = """fun Robust(m, s) = StudentT(4, m, s)
fun Positive(m, s) = Truncated(Robust(m, s), lower=0)
fun Either(flag, m) {
  shift = if flag then 1 else -1
  return if flag then Positive(m + shift, 1) else Truncated(Normal(m + shift, 2), lower=0)
}
fun Late(m, gone) = Censored(Positive(m, 1), right=gone)
"""


def positive(x: Any, m: Any) -> Any:
    return stats.t.logpdf(x, 4, m) - stats.t.logsf(0, 4, m)


def test_functions_that_return_distributions() -> None:
    text = (
        FUNCTIONS + "data {\n  y: real > 0\n  z: real > 0\n  f: bool\n}\n"
        "model {\n  m ~ Normal(0, 1)\n  y ~ Either(f, m)\n  z ~ Late(m, f)\n}\n"
    )
    y, z, f = np.array([0.5, 2.0, 1.5]), np.array([1.0, 0.3, 2.0]), np.array([True, False, True])
    found, value, _ = density(text, {"y": y.tolist(), "z": z.tolist(), "f": f.tolist()})
    m = found["m"]
    cut = stats.norm.logpdf(y, m - 1, 2) - stats.norm.logsf(0, m - 1, 2)
    either = np.where(f, positive(y, m + 1), cut)
    late = np.where(f, stats.t.logsf(z, 4, m) - stats.t.logsf(0, 4, m), positive(z, m))
    assert value == pytest.approx(normal(m) + float(either.sum() + late.sum()))


def test_functions_as_priors() -> None:
    text = FUNCTIONS + "axis k = 3\nmodel {\n  m ~ Normal(0, 1)\n  a[k] ~ Positive(m, 1)\n}\n"
    z, value, _ = density(text, None)
    jacobian = np.log(z["a"]).sum()
    assert value == pytest.approx(normal(z["m"]) + float(positive(z["a"], z["m"]).sum() + jacobian))


def test_units_and_documentation_stay_with_the_fit() -> None:
    text = (
        '## Heights of plants.\ndata {\n  y: real? unit "cm"   ## from the soil up\n}\n'
        "model {\n  m ~ Normal(0, 1)\n  y ~ Normal(m, 1)\n}\n"
    )
    model = compile(text)
    [column] = model.core.data.columns
    assert column.doc == "from the soil up" and column.unit == "cm"
    fit = model.fit({"y": [1.0, None, 2.0]}, draws=200, restarts=1)
    assert fit.units == {"y": "cm"} and "(cm)" in str(fit.summary())
    assert "## from the soil up" in fit.text

"""The lattice of roughness by tables: expectations whose gradients are known to be right or wrong along the path, the
worked examples of smoothness analysis, parameters, guides, objectives, and the condition after the rewrite."""

import numpy as np
import pytest
from scipy.stats import norm

from ppl.rewrite.findings import LEVELS, shown
from ppl.rewrite.roughness import recheck
from tests.rewrite.analysed import graph_of, level, terms

# E f(x) for x ~ Normal(m, 1): f as a model says it, f, and whether the gradient along the path is right.
EXPECTATIONS = [
    ("relu(x)", lambda x: np.maximum(x, 0), "kink"),
    ("abs(x)", np.abs, "kink"),
    ("max(x, 0.5 * x + 1)", lambda x: np.maximum(x, 0.5 * x + 1), "kink"),
    ("clamp(x, -1, 1)", lambda x: np.clip(x, -1, 1), "kink"),
    ("if x > 0 then x^2 else -3 * x", lambda x: np.where(x > 0, x * x, -3 * x), "kink"),
    ("x * (x > 0)", lambda x: x * (x > 0), "kink"),
    ("sqrt(abs(x))", lambda x: np.sqrt(np.abs(x)), "continuous"),
    ("log(abs(x))", lambda x: np.log(np.abs(x)), "unknown"),
    ("if x > 0 then 1 else 0", lambda x: 1.0 * (x > 0), "jump"),
    ("if x > 0 then x + 1 else x", lambda x: x + (x > 0), "jump"),
    ("floor(x)", np.floor, "jump"),
    ("exp(x) + x^2", lambda x: np.exp(x) + x * x, "smooth"),
    ("if x > 0 then exp(-(x - 1)^2 / 2) else exp(-(x + 1)^2 / 2)",
     lambda x: np.exp(-((np.abs(x) - 1) ** 2) / 2), "kink"),
    ("if x > 0 then exp(-(x - 1)^2 / 2) else exp(-(x + 2)^2 / 2)",
     lambda x: np.where(x > 0, np.exp(-((x - 1) ** 2) / 2), np.exp(-((x + 2) ** 2) / 2)), "jump"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "f", "wanted"), EXPECTATIONS)
def test_an_expectation(text: str, f: np.ufunc, wanted: str) -> None:
    model = f"param m = 0.3\nmodel {{\n  x ~ Normal(m, 1)\n}}\nminimize {text}\n"
    assert level(model, "x") == wanted


@pytest.mark.parametrize(("text", "f", "wanted"), [e for e in EXPECTATIONS if e[2] in ("smooth", "kink", "jump")])
def test_the_levels_tell_right_from_wrong_gradients(text: str, f: np.ufunc, wanted: str) -> None:
    """The mean slope of f is the slope of its mean, unless f jumps."""
    x = np.linspace(-9.7, 10.3, 2_000_001)
    values, density = f(x), norm.pdf(x - 0.3)
    step = x[1] - x[0]
    score = np.sum(values * (x - 0.3) * density) * step
    slopes = np.diff(values) / step
    slopes[np.abs(slopes) > 1e4] = 0.0  # a jump is no part of a slope
    path = np.sum(slopes * 0.5 * (density[1:] + density[:-1])) * step
    assert (abs(path - score) < 1e-3) == (wanted != "jump")


DATA = "data {\n  y: real\n  d: bool\n  n: int >= 0\n}\n"
EXAMPLES = [
    ("z1 ~ Normal(0, 5)\nz2 ~ Normal(z1, 3)\nobserve 0 ~ if z2 > 0 then Normal(1, 1) else Normal(-2, 1)",
     {"z1": "smooth", "z2": "jump"}),
    ("z ~ Normal(0, 1)\ny ~ Normal(abs(z), 1)", {"z": "kink"}),
    ("mu[k] ~ Normal(0, 1)\nz ~ Normal(0, 1)\nj = floor(3 * sigmoid(z)) + 1\ny ~ Normal(mu[j], 1)",
     {"z": "jump", "mu": "smooth"}),
    ("z ~ Normal(0, 1)\ny ~ if z > 0 then Normal(z, 1) else Normal(0, 1)", {"z": "kink"}),
    ("z ~ Normal(0, 1)\ny ~ if z > 0 then Normal(z, 1) else Normal(0, 2)", {"z": "jump"}),
    ("t ~ Normal(0, 1)\nx ~ Normal(0, exp(t))\nd ~ Bernoulli(if x > 1 then 0.9 else 0.2)",
     {"t": "smooth", "x": "jump"}),
    ("z[k] ~ Normal(0, 1)\ny ~ Normal(max(z), 1)", {"z": "kink"}),
    ("z[k] ~ Normal(0, 1)\nbest = argmax(z)\nw[k] ~ Normal(0, 1)\ny ~ Normal(w[best], 1)",
     {"z": "jump", "w": "smooth"}),
    # only another unknown's prior, the scale alone, nested branches, one of two
    ("z ~ Normal(0, 1)\nx ~ Normal(if z > 0 then 1 else -1, 1)\ny ~ Normal(x, 1)", {"z": "jump", "x": "smooth"}),
    ("z ~ Normal(0, 1)\ny ~ Normal(z, if z > 0 then 1 else 2)", {"z": "jump"}),
    ("z ~ Normal(0, 1)\nx ~ Normal(0, 1)\ny ~ Normal(if z > 0 then (if x > 0 then 1 else 2) else 0, 1)",
     {"z": "jump", "x": "jump"}),
    ("u ~ Uniform(0, 1)\nz ~ Uniform(0, u)\ny ~ Normal(z, 1)", {"u": "smooth", "z": "smooth"}),
    ("u ~ Normal(0, 1)\ny ~ Uniform(u, u + 1)", {"u": "unknown"}),
    ("z ~ Normal(0, 1)\nup = z > 0\ny ~ Normal(0, 1)", {"z": "smooth"}),
]  # fmt: skip


@pytest.mark.parametrize(("body", "wanted"), EXAMPLES)
def test_worked_examples(body: str, wanted: dict[str, str]) -> None:
    text = f"axis k = 3\n{DATA}model {{\n{body}\n}}\n"
    assert {name: level(text, name) for name in wanted} == wanted


def test_the_order_and_the_public_names() -> None:
    assert list(LEVELS) == ["const", "affine", "smooth", "kink", "continuous", "jump", "unknown"]
    assert [shown(name) for name in LEVELS] == ["smooth", "smooth", "smooth", "kink", "jump", "jump", "jump"]
    assert shown("discrete") == "discrete"


CORNERS = [
    ("model { x ~ Normal(m, 1) }\nminimize abs(x)", "x", False),
    ("model { x ~ Normal(0, 1) }\nminimize abs(m - 1) * x^2", "m", True),
    ("model { x ~ Normal(0, 1)\n u ~ Bernoulli(0.5) }\nminimize abs(x * u)", "x", False),
    ("model { x ~ Normal(0, 1)\n u ~ Bernoulli(0.5) }\nminimize abs(x * u - m)", "x", True),
    ("model { x ~ Normal(0, 1) }\nminimize abs(relu(x) + m)", "x", True),
]


@pytest.mark.parametrize(("text", "name", "corner"), CORNERS)
def test_a_corner_that_may_be_sat_on_is_told(text: str, name: str, corner: bool) -> None:
    found = terms(f"param m = 0\n{text}\n")["objective"][name]
    assert (found.level, found.corner) == ("kink", corner)
    assert ("corner" in found.reason) == corner


def test_what_is_constant_has_no_corner() -> None:
    assert "x" not in terms("param m = 0\nmodel { x ~ Normal(m, 1) }\nminimize relu(0 * x)\n")["objective"]


# ---- parameters, guides, objectives --------------------------------------------------------------------------------

CHAIN = "model {\n  z1 ~ Normal(0, 1)\n  z2 ~ Normal(z1, 1)\n  observe 0 ~ Normal(z2, 1)\n}\n"


def guide(body: str) -> str:
    return f"{CHAIN}guide {{\n{body}\n}}\n"


def test_a_guide_that_branches_on_its_own_draw() -> None:
    text = guide("z1 ~ Normal(0, 1)\nz2 ~ if z1 > 0 then Normal(1, 1) else Normal(-1, 1)")
    found = terms(text)
    assert found["guide z2"]["z1"].level == "jump"
    assert level(text, "z2") == "smooth"


def test_a_guide_whose_branches_meet() -> None:
    text = guide("param m = 1\nz1 ~ Normal(m, 1)\nh = relu(z1) * m\nz2 ~ Normal(if z1 > 0 then h else 0, 1)")
    assert terms(text)["guide z2"].keys() == {"z1", "m", "z2"}
    assert (level(text, "z1"), level(text, "m")) == ("kink", "smooth")


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("param m = 1\nz1 ~ Normal(m, 1)\nz2 ~ Normal(m, 1)", "smooth"),
        ("param m = 1\nz1 ~ Normal(relu(m), 1)\nz2 ~ Normal(m, 1)", "kink"),
        ("param m = 1\nz1 ~ Normal(if m > 0 then 1 else 0, 1)\nz2 ~ Normal(m, 1)", "jump"),
        ("param m = 1\nz1 ~ Normal(1 / m, 1)\nz2 ~ Normal(m, 1)", "unknown"),
        ("param m: real > 0 = 1\nz1 ~ Normal(1 / m, m)\nz2 ~ Normal(log(m), 1)", "smooth"),
    ],
)
def test_parameters_are_sources(body: str, wanted: str) -> None:
    assert level(guide(body), "m") == wanted


def test_parameters_of_the_model() -> None:
    text = "param m: real > 0 = 1\nmodel {\n  z ~ Normal(log(m), 1)\n  observe 0 ~ Normal(abs(z), m)\n}\n"
    assert (level(text, "m"), level(text, "z")) == ("smooth", "kink")


def test_a_support_may_move_with_a_draw_of_the_guide() -> None:
    text = "model {\n  a ~ Gamma(2, 1)\n  z ~ Uniform(0, a)\n  observe 1 ~ Normal(z, 1)\n}\n"
    along = "guide {\n  param m = 1\n  a ~ LogNormal(m, 1)\n  z ~ Uniform(0, a)\n}\n"
    assert level(text, "a") == level(text + along, "a") == level(text + along, "m") == "smooth"
    graph, block = graph_of(text + along)
    assert not recheck(graph, block, {"a", "z"}).params
    # the score of z knows nothing of an end that moves
    assert recheck(graph, block, {"a"}).params.keys() == {"m"}


# ---- after the rewrite ---------------------------------------------------------------------------------------------


def test_the_condition_holds_for_the_running_example() -> None:
    text = """model {
      z1 ~ Normal(0, 5)
      z2 ~ Normal(z1, 3)
      observe 0 ~ if z2 > 0 then Normal(1, 1) else Normal(-2, 1)
    }
    guide {
      param m1 = 1
      param m2 = 1
      z1 ~ Normal(m1, 1)
      z2 ~ Normal(m2, 1)
    }"""
    graph, block = graph_of(text)
    assert not recheck(graph, block, {"z1"}).leave
    assert not recheck(graph, block, {"z1"}).params
    # with z2 along the path, the likelihood jumps in its parameter
    assert recheck(graph, block, {"z1", "z2"}).params.keys() == {"m2"}


def test_a_value_that_jumps_in_a_parameter_leaves() -> None:
    text = guide("param m = 1\nz1 ~ Normal(if m > 0 then 1 else -1, 1)\nz2 ~ Normal(m, 1)")
    graph, block = graph_of(text)
    found = recheck(graph, block, {"z1", "z2"})
    assert found.leave.keys() == {"z1"}
    assert found.leave["z1"].level == "jump"
    assert found.params.keys() == {"m"}


def test_a_jump_behind_a_score_is_no_jump_along_the_path() -> None:
    text = guide("param m = 1\nz1 ~ Normal(m, 1)\nz2 ~ Normal(if z1 > 0 then 1 else -1, exp(m))")
    graph, block = graph_of(text)
    assert not recheck(graph, block, {"z2"}).params
    assert recheck(graph, block, {"z1", "z2"}).leave.keys() == {"z2"}


def test_an_objective_without_a_guide_is_rechecked_too() -> None:
    text = "param m = 0\nmodel {\n  z ~ Normal(m, 1)\n}\nminimize if z > 0 then 1 else 0\n"
    graph, block = graph_of(text)
    assert recheck(graph, block, {"z"}).params.keys() == {"m"}
    assert not recheck(graph, block, set()).params

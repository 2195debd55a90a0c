"""Branches that meet are kinks; branches that nearly meet stay jumps."""

import pytest

from tests.rewrite.analysed import level

DATA = """axis k = 3
data {
  y: real
  dose: real
  n: int >= 0
  late: bool
  g: factor
}
"""
PRIOR = """
  a ~ Normal(0, 1)
  b ~ Normal(0, 1)
  s ~ HalfNormal(1)
  lam ~ HalfNormal(1)
  cut ~ Normal(0, 1)
  w[g] ~ Normal(0, 1)
"""


def model(body: str) -> str:
    return f"{DATA}model {{{PRIOR}  {body}\n}}\n"


MEET = [
    "y ~ Normal(if a > 0 then a else 0, 1)",  # rectifier
    "y ~ Normal((a > 0) * a, 1)",
    "y ~ Normal(a * (a > b) + b * (a <= b), 1)",  # one condition said twice, the other way around
    "y ~ Normal(if a >= 0 then a else 0.01 * a, 1)",  # leaky rectifier
    "y ~ Normal(if not a < 0 then a^2 else -3 * a, 1)",
    "y ~ Normal(if abs(a) <= 1.5 then a^2 / 2 else 1.5 * (abs(a) - 0.75), 1)",  # Huber
    "y ~ Normal(if abs(a) <= lam then a^2 / 2 else lam * (abs(a) - lam / 2), 1)",
    "y ~ Normal(if a < 1 then 1 - a else 0, 1)",  # hinge
    "y ~ Normal(if a > lam then a - lam else if a < -lam then a + lam else 0, 1)",  # soft threshold
    "y ~ Normal(if a > 1 then 1 else if a < -1 then -1 else a, 1)",  # clip
    "y ~ Normal(if a > 0 and a < 1 then a * (1 - a) else 0, 1)",
    "y ~ Normal(if a > 0 then exp(a) - 1 else a, 1)",
    "y ~ Normal(if a > 0 then a else exp(a) - 1, 1)",
    "y ~ Normal(if 2 * a + 1 > b then 2 * a + 1 - b else 0, s)",
    "y ~ Normal(if 3 * a > 0.9 then 2 * (3 * a - 0.9) else 0, 1)",
    "y ~ Normal(if exp(a) > 2 then exp(a) else 2, 1)",
    "y ~ Normal(if a^2 < s then a^4 else s^2, 1)",
    "y ~ Normal(if a^2 < 4 then a^2 - 4 else 0, 1)",
    "y ~ Normal(if a > b then sin(a) * cos(b) - cos(a) * sin(b) else 0, 1)",
    "y ~ Normal(if a > 0 then log(1 + a^2) else 0, 1)",
    "y ~ if a > 0 then Normal(a, 1) else Normal(0, 1)",
    "y ~ if a > 0 then Normal(a, exp(a)) else Normal(sin(a), 1)",
    "y ~ if a > 0 then Normal(0, 1 + a^2) else Normal(a, 1)",
    "y ~ if s > 1 then StudentT(1, a, s) else Cauchy(a, s)",
    "n ~ if a > 0 then Poisson(exp(a)) else Poisson(1)",
    "y ~ Normal(if dose < cut then a + s * (dose - cut) else a + b * (dose - cut), 1)",
    "d[row] = dose - cut\n  y ~ Normal(if d < 0 then a + s * d else a + b * d, 1)",
    "y ~ Normal(if w[g] > 0 then w[g] * b else 0, 1)",
    "y ~ Normal(if late then a else (if a > 0 then a else 0), 1)",
    "y ~ Normal(if a > 0 and late then a else 0, 1)",
    "y ~ Normal(if a > 0 then abs(b) * a else n * a, 1)",
    "y ~ Normal(sum(if w > 0 then w else 0), 1)",
    # through a derived value, and only where it is used
    "t = if a > 0 then 1 else -1\n  y ~ Normal(t * a, 1)",
    "up = a > 0\n  y ~ Normal(if up then a else -a, 1)",
    "y ~ Normal(0, if a > 0 then 1 + a^2 else 1)",
    "factor if a > b then -(a - b) else 0\n  y ~ Normal(a, 1)",
]
APART = [
    "y ~ Normal(if a > 0 then a + 1 else a, 1)",
    "y ~ Normal(if a > 0 then a + 0.000001 else a, 1)",
    "y ~ Normal(if a > 0 then a else 0.1 + a, 1)",
    "y ~ Normal(a > 0, 1)",
    "y ~ Normal(if a^2 < 4 then a + 2 else 0, 1)",  # meets at one root of two
    "y ~ Normal(if abs(a) < 1 then a - 1 else 0, 1)",
    "y ~ Normal(if a > 0 or a < -1 then a else 0, 1)",
    "y ~ Normal(if a > 1 then 1 else if a < -1 then 1 else a, 1)",
    "y ~ Normal(if a * b > 0 then a else 0, 1)",  # the boundary has two pieces
    "y ~ Normal(if a * dose > 0 then a * (n == 7) else 1, 1)",
    "y ~ Normal(if a > 0 then a + (n == 7) else a, 1)",  # apart in rows that no sample may have met
    "y ~ Normal(if a > 0 then max(b - 40, 0) else 0, 1)",
    "y ~ Normal(if a > lam then a - lam else if a < -lam then a - lam else 0, 1)",
    "y ~ Normal(if a > cut then a - cut else if a < -cut then a + cut else 0, 1)",
    "y ~ Normal(if floor(a) > 0 then a else 0, 1)",
    "y ~ if a > 0 then Normal(a, 1) else Normal(0, 2)",
    "y ~ if a > 0 then Normal(a, 1) else Normal(0.001, 1)",
    "y ~ if a > 0 then Normal(a, 1) else Laplace(0, 1)",
    "y ~ if a > 0 then Uniform(0, 1) else Uniform(1, 2)",  # one density, two supports
    "y ~ Normal(if sum(w) > 0 then a else 0, 1)",
    "y ~ Normal(if w[g] > 0 then sum(w) else 0, 1)",
    # one comparison meets where another, the same, does not
    "y ~ Normal((if a > 0 then a else 0) + (a > 0), 1)",
    "y ~ Normal((if a > 0 then a else 0) * sum(if w > 0 then w else 1), 1)",
    # two conditions with one boundary: each alone makes no difference, both together do
    "y ~ Normal(if a >= 0 and 2 * a >= 0 then 0 else if a >= 0 or 2 * a >= 0 then 0 else 1, 1)",
    "t = if a > 0 then 1 else -1\n  y ~ Normal(t * b, 1)",
]
ROUGH = {"y ~ Normal(if w[g] > 0 then sum(w) else 0, 1)": "w"}
ROUGH["y ~ Normal(if sum(w) > 0 then a else 0, 1)"] = "w"
ROUGH["y ~ Normal((if a > 0 then a else 0) * sum(if w > 0 then w else 1), 1)"] = "w"


@pytest.mark.parametrize("line", MEET)
def test_branches_that_meet(line: str) -> None:
    levels = {level(model(line), name) for name in ("a", "b", "s", "lam", "cut", "w")}
    assert levels <= {"smooth", "kink", "const"}
    assert "kink" in levels


@pytest.mark.parametrize("line", APART)
def test_branches_that_do_not_meet(line: str) -> None:
    assert level(model(line), ROUGH.get(line, "a")) in ("jump", "unknown")


def test_a_point_of_no_probability_is_no_jump() -> None:
    assert level(model("y ~ Normal(if a == b then 5 else a, 1)"), "a") == "smooth"
    assert level(model("y ~ Normal(if floor(a) == 1 then 5 else a, 1)"), "a") == "jump"
    assert level(model("y ~ Normal(if n * a == 0 then 5 else a, 1)"), "a") == "jump"


def test_a_jump_in_a_parameter_at_one_point_is_a_jump() -> None:
    text = "param m = 0\nmodel {\n  z ~ Normal(m, 1)\n}\nminimize if m == 1 then z else 0\n"
    assert level(text, "m") == "jump"


@pytest.mark.parametrize("margin", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("at", [0.3, 1.7, -2.9])
def test_small_jumps_are_seen(at: float, margin: float) -> None:
    line = f"y ~ Normal(if a > {at} then 3.1 * a * b else {3.1 * at + margin} * b, 1)"
    assert level(model(line), "a") == "jump"
    line = f"y ~ Normal(if a > {at} then 3.1 * a * b else {3.1 * at!r} * b, 1)"
    assert level(model(line), "a") == "kink"

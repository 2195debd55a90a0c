"""The thresholds at which densities jump, solved for, in the guards of the literature and in small ones."""

import numpy as np
import pytest

from ppl.check.reads import names_in
from ppl.rewrite.findings import Refusal
from ppl.rewrite.guards import Guard, jumps_of
from ppl.rewrite.sampling import cells, evaluate, settings
from ppl.stdlib.intervals import REAL_LINE
from tests.rewrite.analysed import graph_of, shown

DATA = """axis k = 3
data {
  y: real
  x: real
  r: real > 0
  g: factor
  n: int >= 0
}
"""
PRIOR = """
  a ~ Normal(0, 1)
  b ~ Normal(0, 1)
  s ~ HalfNormal(1)
  z[row] ~ Normal(0, 1)
  w[g] ~ Normal(0, 1)
"""


def guards(text: str, name: str) -> tuple[Guard, ...]:
    graph, guide = graph_of(text)
    found = jumps_of(graph, name, guide)
    assert not isinstance(found, Refusal), found
    return found


def model(body: str) -> str:
    return f"{DATA}model {{{PRIOR}  {body}\n}}\n"


SOLVED = [
    ("y ~ Normal(if a > 0 then 1 else 0, 1)", "a", ["0 own up"]),
    ("y ~ Normal(if a < 0 then 1 else 0, 1)", "a", ["0 own down"]),
    ("y ~ Normal(if 0 < a then 1 else 0, 1)", "a", ["0 own up"]),
    ("y ~ Normal(if -a > 2 then 1 else 0, 1)", "a", ["-2 own down"]),
    ("y ~ Normal(if 2 * a + 1 > b then 1 else 0, 1)", "a", ["((b - 1) / 2) own up"]),
    ("y ~ Normal(if 2 * a + 1 > b then 1 else 0, 1)", "b", ["((2 * a) + 1) own down"]),
    ("y ~ Normal(if a + x * b > 3 * a then 1 else 0, 1)", "a", ["(neg((x * b)) / -2) own down"]),
    ("y ~ Normal(if a / r > b then 1 else 0, 1)", "a", ["(b * r) own up"]),
    ("y ~ Normal(if s * a > b then 1 else 0, 1)", "a", ["(b / s) own up"]),
    ("y ~ Normal(if exp(a) > 2 then 1 else 0, 1)", "a", ["log(2) own up"]),
    ("y ~ Normal(if exp(-a) > r then 1 else 0, 1)", "a", ["neg(log(r)) own down"]),
    ("y ~ Normal(if sigmoid(a + b) > 0.3 then 1 else 0, 1)", "a", ["(logit(0.3) - b) own up"]),
    ("y ~ Normal(if log(s) < b then 1 else 0, 1)", "s", ["exp(b) own down"]),
    ("y ~ Normal(if sqrt(s) < 2 then 1 else 0, 1)", "s", ["square(2) own down"]),
    ("y ~ Normal(if a^3 > 8 then 1 else 0, 1)", "a", ["(sign(8) * pow(abs(8), 0.333333)) own up"]),
    ("y ~ Normal(if abs(a) < 1 then 1 else 0, 1)", "a", ["-1 own up", "1 own down"]),
    ("y ~ Normal(if a^2 < r then 1 else 0, 1)", "a", ["neg(pow(r, 0.5)) own up", "pow(r, 0.5) own down"]),
    ("y ~ Normal(if Phi(a) > 0.2 then 1 else 0, 1)", "a", ["ndtri(0.2) own up"]),
    ("y ~ Normal(if a > 0 and x > 0 then 1 else 0, 1)", "a", ["0 own up"]),
    ("y ~ Normal(if not (a > 0 or b > 1) then 1 else 0, 1)", "b", ["1 own up"]),
    ("y ~ Normal(if a > 1 then 1 else if a > 0 then 2 else 3, 1)", "a", ["1 own up", "0 own up"]),
    # never asked above 1
    ("y ~ Normal(if a > 0 then 1 else if a > 1 then 2 else 3, 1)", "a", ["0 own up"]),
    ("y ~ Normal(3 * (a > 0.5), 1)", "a", ["0.5 own up"]),
    ("q = a > 0.5\n  y ~ Normal(21 * q, 1)", "a", ["0.5 own up"]),
    ("q = a - b\n  t = if q > 1 then 1 else 0\n  y ~ Normal(t * x, 1)", "a", ["(1 + b) own up"]),
    ("y ~ Normal(if b * a > 1 then 1 else 0, 1)", "a", ["(1 / b) own either"]),
    ("y ~ Normal(if max(a, x) > b then 1 else 0, 1)", "a", ["b own up"]),
    ("y ~ Normal(if relu(a) > 1 then 1 else 0, 1)", "a", ["1 own up"]),
    ("y ~ Normal(sign(a - 1), 1)", "a", ["1 own up"]),
    ("y ~ if a > 0 then Normal(0, 1) else Normal(0, 2)", "a", ["0 own up"]),
    ("factor if a > b then 0 else -1", "a", ["b own up"]),
    ("y ~ Normal(if a == 1 then 1 else if a > 2 then 3 else 4, 1)", "a", ["2 own up"]),
    ("y ~ Normal(if z > 0 then 1 else 0, 1)", "z", ["0 own up"]),
    ("y ~ Normal(if a > x then 1 else 0, 1)", "a", ["x own up"]),
    ("y ~ Normal(if w[g] > 0 then 1 else 0, 1)", "w", ["0 index g up"]),
    ('y ~ Normal(if w["l"] > 0 then 1 else 0, 1)', "w", ["0 index g up"]),
    ("y ~ Normal(if max(w) > 0.5 then 1 else 0, 1)", "w", ["0.5 all g up"]),
    ("y ~ Normal(if min(-w) > 0.5 then 1 else 0, 1)", "w", ["-0.5 all g down"]),
    ("y ~ Normal(sum(if w > 0 then 1 else 0), 1)", "w", ["0 own up"]),
    ("y ~ Normal((if a > 0 then 1 else 0) + (if b > 0 then b else 0), 1)", "b", []),
    ("y ~ Normal(a, 1)", "a", []),
    ("y ~ Normal(if 21 * (a > 0) + b > 3 then 1 else 0, 1)", "a", ["0 own up"]),
    ("y ~ Normal(if 21 * (a > 0) + b > 3 then 1 else 0, 1)", "b", ["(3 - (21 * gt(a, 0))) own up"]),
]


def line(guard: Guard) -> str:
    way = {True: "up", False: "down", None: "either"}[guard.above]
    parts = (shown(guard.threshold), guard.access, guard.axis, way)
    return " ".join(p for p in parts if p)


@pytest.mark.parametrize(("body", "name", "wanted"), SOLVED)
def test_thresholds(body: str, name: str, wanted: list[str]) -> None:
    assert [line(g) for g in guards(model(body), name)] == wanted


@pytest.mark.parametrize(("body", "name", "wanted"), [c for c in SOLVED if c[2] and c[2][0].endswith(("up", "down"))])
def test_the_comparison_turns_at_the_threshold(body: str, name: str, wanted: list[str]) -> None:
    """At random settings of everything else, the comparison is true on one side of the threshold only."""
    for guard in guards(model(body), name):
        test = guard.test
        assert test is not None
        if guard.access != "own" or test.op not in ("gt", "ge", "lt", "le"):
            continue
        own = next(c for c in cells(test) if c.op == "ref" and c.attrs[0] == name)
        others = cells(guard.threshold) | {c: None for c in cells(test) if c != own}
        at = settings(others, lambda c: REAL_LINE, 50, np.random.default_rng(0))
        at = {c: np.abs(v) if names_in(c) & {"r", "s"} else v for c, v in at.items()}
        threshold = np.broadcast_to(evaluate(guard.threshold, at)[0], next(iter(at.values())).shape if at else (1,))
        step = 1e-6 * (1 + np.abs(threshold))
        above, below = (evaluate(test, {**at, own: threshold + k * step})[0] for k in (1, -1))
        if (
            guard.above is not None
            and "max(" not in body
            and "and" not in body
            and "gt(" not in shown(guard.threshold)
            and "(a > 0) +" not in body
        ):
            assert (above == guard.above).all()
            assert (below != guard.above).all()


REFUSED = [
    ("y ~ Normal(floor(a), 1)", "a", "floor"),
    ("y ~ Normal(round(3 * a) + (a > 0), 1)", "a", "round"),
    ("y ~ Normal(if a > a^2 - 1 then 1 else 0, 1)", "a", "cannot be solved"),
    ("y ~ Normal(if sin(a) > 0 then 1 else 0, 1)", "a", "cannot be solved"),
    ("y ~ Normal(if x * a > 1 then 1 else 0, 1)", "a", "may not exist"),
    ("y ~ Normal(if relu(b) * a > 1 then 1 else 0, 1)", "a", "may not exist"),
    ("y ~ Normal(if floor(a) == 1 then 1 else 0, 1)", "a", "may hold"),
    ("y ~ Normal(if exp(a) > b then 1 else 0, 1)", "a", "may not exist"),
    ("y ~ Normal(if a^2 < x then 1 else 0, 1)", "a", "may not exist"),
    ("y ~ Normal(if sum(w) > 0 then 1 else 0, 1)", "w", "sum"),
    ('y ~ Normal(if w["l"] > w["r"] then 1 else 0, 1)', "w", "several of its values"),
    ("y ~ Uniform(a, a + 1)", "a", "support moves"),
    ("y ~ Normal(1 / a, 1)", "a", "domain"),
    ("y ~ Normal((if a > 0 then 1 else 0) / b, 1)", "b", "domain"),
    ("y ~ Normal((if a > 0 then 1 else a) / a, 1)", "a", "domain"),
    ("y ~ Normal(sqrt(abs(a)), 1)", "a", "domain"),
    ("n ~ Poisson(max(a, 0))", "a", "end of its range"),
]


@pytest.mark.parametrize(("body", "name", "reason"), REFUSED)
def test_what_is_no_threshold_is_refused(body: str, name: str, reason: str) -> None:
    graph, guide = graph_of(model(body))
    found = jumps_of(graph, name, guide)
    assert isinstance(found, Refusal)
    assert reason in found.reason
    assert found.where.line > 0


def test_the_running_example_of_smoothness_analysis() -> None:
    """spnor of Lee, Rival and Yang (2023): the likelihood branches on z2."""
    text = """model {
      z1 ~ Normal(0, 5)
      z2 ~ Normal(z1, 3)
      observe 0 ~ if z2 > 0 then Normal(1, 1) else Normal(-2, 1)
    }"""
    assert guards(text, "z1") == ()
    assert [line(g) for g in guards(text, "z2")] == ["0 own up"]


def test_a_guide_jumps_in_what_it_branches_on() -> None:
    text = """model {
      z1 ~ Normal(0, 1)
      z2 ~ Normal(z1, 1)
      observe 0 ~ Normal(z2, 1)
    }
    guide {
      param c = 0.5
      z1 ~ Normal(c, 1)
      z2 ~ if z1 > c then Normal(1, 1) else Normal(-1, 1)
    }"""
    assert [line(g) for g in guards(text, "z1")] == ["c own up"]
    assert guards(text, "z2") == ()


def test_text_messages() -> None:
    """The change of rate of Lee, Yu and Yang (2018): one unknown, a threshold in every row."""
    text = """data {
      day: int > 0
      count: int >= 0
    }
    model {
      x0 ~ Normal(3, 0.8)
      x1 ~ Normal(3, 0.8)
      z ~ Normal(0, 1)
      count ~ Poisson(if z > ndtri(day / 75) then exp(x0) else exp(x1))
    }"""
    [guard] = guards(text, "z")
    assert line(guard) == "ndtri((day / 75)) own up"
    assert guard.threshold.axes == ("row",)
    assert guards(text, "x0") == guards(text, "x1") == ()


def test_influenza() -> None:
    """The regimes of Lee, Yu and Yang (2018): read in their row, and in the next."""
    text = """data sorted by t {
      t: int
      mortality: real
    }
    model {
      a[row] ~ Normal(0, 0.023)
      c[row] ~ Normal(0, 0.112)
      f0 ~ Normal(0, 1)
      for i in row {
        f[i] ~ Normal(if i == 1 then (if f0 > 0 then 0.67 else -0.67) else (if f[i - 1] > 0 then 0.67 else -0.67), 1)
        mortality[i] ~ Normal(if f[i] > 0 then a[i] else a[i] + c[i], 0.002)
      }
    }"""
    assert [line(g) for g in guards(text, "f0")] == ["0 own up"]
    assert [(line(g), g.lag) for g in guards(text, "f")] == [("0 lag row up", 1), ("0 own up", 0)]
    assert guards(text, "a") == guards(text, "c") == ()


def thermostat(steps: int) -> str:
    """The thermostat of Soudjani, Majumdar and Nagapetyan (2017), step by step."""
    lines = ["th0 ~ Normal(20, 0.001)", "q0 = false"]
    for t in range(1, steps + 1):
        lines += [
            f"c{t} = if th{t - 1} < 18 then false else if th{t - 1} > 22 then true else q{t - 1}",
            f"n{t} ~ Normal(if c{t} then 1 else 0, 0.001)",
            f"q{t} = n{t} > 0.5",
            f"th{t} ~ Normal(th{t - 1} + (32 - th{t - 1} - 21 * q{t}) / 15, 2 * (if q{t} then 0.22 else 0.2))",
            f"observe {20 + t / 10} ~ Normal(th{t}, 1)",
        ]
    return "model {\n  " + "\n  ".join(lines) + "\n}\n"


def test_temperature() -> None:
    text = thermostat(20)
    assert [line(g) for g in guards(text, "th3")] == ["18 own down", "22 own up"]
    assert [line(g) for g in guards(text, "n3")] == ["0.5 own up"]
    assert guards(text, "th20") == ()


def test_a_lagged_comparison_with_what_changes_along_the_way_is_refused() -> None:
    text = """data sorted by t {
      t: int
      x: real
      y: real
    }
    model {
      for i in row {
        z[i] ~ Normal(0, 1)
        y[i] ~ Normal(if i == 1 then 0 else if z[i - 1] > x[i] then 1 else 0, 1)
      }
    }"""
    found = jumps_of(*graph_of(text)[:1], "z")
    assert isinstance(found, Refusal)
    assert "changes along the way" in found.reason


RECURSION = """axis k = 4
data {{ y[k]: real from "y*" }}
model {{
  a ~ Normal(0, 1)
  for i in k {{
    h[i] = if i == 1 then a else {step}
  }}
  y ~ Normal({mean}, 1)
}}
"""


def test_a_branch_inside_a_recursion() -> None:
    step = "(if a > 0.3 then 0.5 else 0.2) * h[i - 1] + 1"
    assert [line(g) for g in guards(RECURSION.format(step=step, mean="h"), "a")] == ["0.3 own up"]


@pytest.mark.parametrize(
    ("step", "mean"), [("if h[i - 1] > 0 then 1 else h[i - 1]", "h"), ("0.5 * h[i - 1]", "if h > 0 then 1 else 0")]
)
def test_a_branch_on_a_recursion_is_refused(step: str, mean: str) -> None:
    found = jumps_of(*graph_of(RECURSION.format(step=step, mean=mean))[:1], "a")
    assert isinstance(found, Refusal)
    assert "`h`" in found.reason


def test_what_a_threshold_depends_on() -> None:
    body = "t = a * x + b\n  u ~ Bernoulli(0.5)\n  y ~ Normal(if s * u + t > 1 then 1 else 0, 1)"
    [guard] = guards(model(body), "b")
    assert guard.others == ("a", "s", "u")

"""Parameters: their ranges, their starts, and what the checker proves with them."""

from math import inf

import pytest

from ppl.check.check import check
from ppl.check.core import Core, Param
from ppl.syntax.parse import parse

TOP = "const K = 2\naxis k = K\naxis j = 3\n"


def core(text: str) -> Core:
    found = check(parse(text))
    assert found.core is not None, found.errors
    return found.core


def codes(text: str) -> list[str]:
    return [d.code for d in check(parse(text)).diagnostics]


def only(declaration: str) -> Param:
    """The one parameter, called m, of a model that uses it."""
    used = "m[1]" if "m[" in declaration else "m"
    text = f"{TOP}data {{ y: real\n x: real > 1 }}\n{declaration}\nmodel {{ y ~ Normal({used} * x, 1) }}\n"
    (found,) = core(text).params
    return found


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("param m", -inf, inf),
        ("param m = 3", -inf, inf),
        ("param m: real", -inf, inf),
        ("param m: real > 0", 0, inf),
        ("param m: real >= -1 = 2", -1, inf),
        ("param m: real < K", -inf, 2),
        ("param m: real <= 5", -inf, 5),
        ("param m: real in [0, 1]", 0, 1),
        ("param m: real in (-K, K) = 0.5", -2, 2),
        ("param m: real in 1..4 = 2", 1, 4),
    ],
)
def test_the_type_gives_the_range(written: str, low: float, high: float) -> None:
    found = only(written)
    assert (found.low, found.high, found.guide) == (low, high, None)


def test_axes_and_starts() -> None:
    assert only("param m[k] = [1, 2]").axes == ("k",)
    assert only("param m[k]: real > 0 = uniform(k) / size(k)").init is not None
    start = only("param m: real > 0 = mean(x) / 2").init
    assert start is not None and start.op == "div" and not start.axes
    assert only("param m").init is None


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("param m: int = 1", "E420"),
        ("param m: bool", "E420"),
        ("param m: factor", "E420"),
        ("param m: real > x", "E204"),
        ("param m: real in [2, 2]", "E205"),
        ("param m: real > 0 = 0", "E422"),
        ("param m: real >= 0 = 0", "E422"),
        ("param m: real < 1 = max(x)", "E422"),
        ("param m: real in [0, 1] = -K", "E422"),
        ("param m = m", "E107"),
        ("param m = x", "E310"),
        ("param m[kk]", "E301"),
        ("param m[k] = [1, 2, 3]", "E319"),
        ("param m = nowhere", "E101"),
        ("param m = Normal(0, 1)", "E405"),
        ('param m = "a"', "E333"),
        ("param y = 1", "E402"),
        ("param K = 1", "E403"),
    ],
)
def test_what_is_no_parameter(written: str, code: str) -> None:
    text = f"{TOP}data {{ y: real\n x: real > 1 }}\n{written}\nmodel {{ y ~ Normal(x, 1) }}\n"
    assert [c for c in codes(text) if c.startswith("E")] == [code]


def test_a_start_may_still_lie_inside_where_the_data_decide() -> None:
    assert only("param m: real in (0, 5) = max(x)").init is not None


@pytest.mark.parametrize(
    ("declaration", "statement", "code"),
    [
        ("param s", "y ~ Normal(0, s)", "E325"),
        ("param s: real > 0", "y ~ Normal(0, s)", ""),
        ("param s", "d = 2 * s\n y ~ Normal(0, d)", "E325"),
        ("param s", "y ~ Normal(0, exp(s))", ""),
        ("param p", "won ~ Bernoulli(p)", "E326"),
        ("param p: real in [0, 1]", "won ~ Bernoulli(p)", ""),
        ("param s", "observe y + s ~ Normal(0, 1)", "E411"),
    ],
)
def test_a_parameter_can_leave_a_domain_as_an_unknown_can(declaration: str, statement: str, code: str) -> None:
    text = f"data {{ y: real\n won: bool }}\n{declaration}\nmodel {{ {statement} }}\n"
    assert [c for c in codes(text) if c != "W102"] == ([code] if code else [])


def test_maximum_likelihood_has_no_unknowns() -> None:
    found = core("data { y: real }\nmodel {\n param m\n param s: real > 0\n y ~ Normal(m, s)\n}\n")
    assert [p.name for p in found.params] == ["m", "s"]
    assert dict(found.bounds)["s"].low == 0


def test_an_unused_parameter_is_noticed() -> None:
    text = "data { y: real }\nparam m\nparam n\nmodel { y ~ Normal(m, 1) }\n"
    assert codes(text) == ["W103"]

"""Warnings that depend on more than one statement."""

import pytest

from ppl.check.check import check
from ppl.syntax.parse import parse

MIXTURE = "w[k] ~ Dirichlet(1)\n m[k] ~ Normal(0, 10)\n z[row] ~ Categorical({w})\n y ~ Normal(m[z], 1)"
STICK = """b[k] ~ Beta(1, 2)
 m[k] ~ Normal(0, 10)
 for i in k {
   left[i] = if i == 1 then 1 else left[i - 1] * (1 - b[i - 1])
   w[i] = if i == 3 then left[i] else left[i] * b[i]
 }
 z[row] ~ Categorical(w)
 y ~ Normal(m[z], 1)"""
CHAIN = """for i in row {
   n[i] ~ Normal(if i == 1 then 0 else x[i - 1], 1)
   x[i] ~ Normal(n[i], 1)
 }
"""


def warnings(body: str) -> list[str]:
    found = check(parse(f"axis k = 3\ndata {{ y: real }}\nmodel {{\n {body}\n}}\n"))
    assert found.core is not None, found.errors
    return [d.code for d in found.warnings]


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (MIXTURE.format(w="w"), ["W130"]),
        (MIXTURE.format(w="w") + "\n gap = m[2] - m[1]", ["W130"]),
        (MIXTURE.format(w="w") + "\n factor -(m[2] - m[1])^2", []),
        (STICK, []),
        (CHAIN + " y ~ Normal(x, 1)", []),
        (CHAIN + " y ~ Normal(n, 1)", []),
        (CHAIN + " z ~ Normal(0, 1)\n y ~ Normal(n, 1)", ["W101"]),
    ],
)
def test_what_is_warned_of(body: str, codes: list[str]) -> None:
    assert warnings(body) == codes


@pytest.mark.parametrize(
    ("priors", "mean", "codes"),
    [
        ("a[g] ~ Normal(mu, 1)", "b + a[g]", ["W131"]),
        ("a[g] ~ Normal(mu, 1)", "b - 2 * mu + a[g]", []),  # the data tell `mu` from `b`
        ("a[g] ~ Normal(mu, 1)", "b * a[g]", []),
        ("a[g] ~ Normal(0, 1)", "b + mu + a[g]", []),  # their priors hold both
        ("a[g] ~ Flat()", "mu - (b + a[g])", ["W131"]),
        ("a ~ Flat()\n c ~ Flat()", "b * mu + a + c", ["W131"]),
        ("a[g] ~ Normal(mu, 1)\n c[row] ~ Normal(0, 1)", "c + a[g] + 2 * b", []),
        ("a[g] ~ Normal(mu, 1)\n c[row] ~ Normal(b, 1)", "c + a[g]", ["W131"]),
        ("a[g] ~ Normal(mu, 1)\n factor -mu^2", "b + a[g]", []),
    ],
)
def test_sums_that_are_identified_by_nothing(priors: str, mean: str, codes: list[str]) -> None:
    body = f"b ~ Normal(0, 10)\n mu ~ Normal(0, 10)\n {priors}\n y ~ Normal({mean}, 1)"
    found = check(parse(f"data {{\n y: real\n g: factor\n}}\nmodel {{\n {body}\n}}\n"))
    assert found.core is not None, found.errors
    assert [d.code for d in found.warnings if d.code == "W131"] == codes


@pytest.mark.parametrize(
    ("mean", "is_slope"),
    [("b * arm", True), ("arm * c[g]", True), ("b + arm", False), ("b * (arm - 1)", False), ("b * x", False)],
)
def test_columns_with_slopes_are_marked(mean: str, is_slope: bool) -> None:
    priors = "b ~ Normal(0, 1)\n c[g] ~ Normal(0, 1)"
    columns = "y: real\n g: factor\n arm: int\n x: real"
    found = check(parse(f"data {{\n {columns}\n}}\nmodel {{\n {priors}\n y ~ Normal({mean}, 1)\n}}\n"))
    assert found.core is not None, found.errors
    assert {c.name for c in found.core.data.columns if c.multiplied} == ({"arm"} if is_slope else set())

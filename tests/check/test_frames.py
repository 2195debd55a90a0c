"""The axes and types of what a model defines: the only rule of vectorisation, case by case."""

import pytest

from ppl.check.check import check
from ppl.check.core import Derived, Site
from ppl.syntax.parse import parse

TOP = (
    'data {\n y: real\n x: real\n n: int\n won: bool\n day: date\n g: factor\n h: factor ["a", "b"]\n'
    ' r: factor per g\n v: real per g\n m[col]: real from "m*"\n}\naxis k = 3\nmodel {\n'
    " s ~ Normal(0, 1)\n a[g] ~ Normal(0, 1)\n b[g, h] ~ Normal(0, 1)\n c[k] ~ Normal(0, 1)\n e[r] ~ Normal(0, 1)\n"
    " w[k] ~ Dirichlet(1)\n z[row] ~ Categorical(w)\n"
)

# (the right side of `q = …`, its axes, its type)
VALUES = {
    "s + 1": ((), "real"),
    "n + 1": (("row",), "int"),
    "won + won": (("row",), "int"),
    "n / 2": (("row",), "real"),
    "x > 0 and not won": (("row",), "bool"),
    "a + v": (("g",), "real"),
    "a[g]": (("row",), "real"),
    "a[g] + x": (("row",), "real"),
    "a * x": (("g", "row"), "real"),
    "b[g, h]": (("row",), "real"),
    'b[.., "a"]': (("g",), "real"),
    'b[g, "b"]': (("row",), "real"),
    "b + a": (("g", "h"), "real"),
    "c[2]": ((), "real"),
    "c[z]": (("row",), "real"),
    "z": (("row",), "level:k"),
    "e[r]": (("g",), "real"),
    "e[r[g]]": (("row",), "real"),
    "sum(b, over=g)": (("h",), "real"),
    "mean(x)": ((), "real"),
    "sum(n)": ((), "int"),
    "max(n)": ((), "int"),
    "argmax(c)": ((), "level:k"),
    "argmax(b, over=h)": (("g",), "level:h"),
    "cumsum(b, over=h)": (("g", "h"), "real"),
    "dot(b, b, over=h)": (("g",), "real"),
    "m @ sum(m, over=row)": (("row",), "real"),
    "m[1]": (("row",), "real"),
    'h == "a"': (("row",), "bool"),
    'day < "2024-01-01"': (("row",), "bool"),
    "if won then n else 0": (("row",), "int"),
    "if won then n else s": (("row",), "real"),
    "if s > 0 then 1 else 2": ((), "int"),
    "clamp(x, 0, s)": (("row",), "real"),
    "size(k)": ((), "int"),
    "uniform(k)": (("k",), "real"),
    "diag(c)": (("k", "k'"), "real"),
}


@pytest.mark.parametrize("value", VALUES)
def test_the_axes_and_the_type_of_a_value(value: str) -> None:
    found = check(parse(f"{TOP} q = {value}\n y ~ Normal(s, 1)\n}}\n"))
    assert found.core is not None, found.errors
    q = next(s for s in found.core.statements if isinstance(s, Derived) and s.name == "q")
    assert (set(q.axes), q.value.type) == (set(VALUES[value][0]), VALUES[value][1])


def test_a_left_side_decides_the_order_of_the_axes() -> None:
    found = check(parse(f"{TOP} q[h, g] = b\n y ~ Normal(s, 1)\n}}\n"))
    assert found.core is not None
    assert next(s.axes for s in found.core.statements if s.name == "q") == ("h", "g")


def test_vectors_lie_along_the_last_axis() -> None:
    found = check(parse(f"{TOP} p[g, k] ~ Dirichlet(1)\n y ~ Normal(s, 1)\n}}\n"))
    assert found.core is not None
    site = next(s for s in found.core.statements if isinstance(s, Site) and s.name == "p")
    assert (site.axes, site.dist.event) == (("g", "k"), ("k",))

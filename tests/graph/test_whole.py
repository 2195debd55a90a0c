"""What is computed from all of the data at once."""

from ppl.check.check import check
from ppl.check.core import Core
from ppl.graph.whole import data_names, whole_data
from ppl.syntax.parse import parse

DATA = """data {
  y: real
  age: real
  state: factor
  pct: real per state
  dose: real?
  x[gene]: real from "g*"
}
"""


def core(model: str) -> Core:
    checked = check(parse(DATA + "model {\n" + model + "\n}\n", "m.ppl"), {})
    assert checked.core is not None, checked.errors
    return checked.core


def found(model: str) -> list[tuple[str, str]]:
    return [(e.op, str(e.attrs[0]) if e.attrs else "") for e in whole_data(core(model))]


def test_means_are_found_where_they_stand_and_once() -> None:
    model = "b ~ Normal(0, 1)\nz = (age - mean(age)) / sd(age)\nw = age / sd(age)\ny ~ Normal(b * z * w, 1)"
    assert found(model) == [("mean", "row"), ("sd", "row")]


def test_the_largest_expression_is_taken() -> None:
    assert found("b ~ Uniform(min(age), max(age) - min(age))\ny ~ Normal(b, 1)") == [("min", "row"), ("sub", "")]


def test_columns_derived_from_data_are_data() -> None:
    m = "b ~ Normal(0, 1)\nz = age * 2\nq = b * age\nv = mean(q)\ny ~ Normal(b * (z - mean(z)) + v, 1)"
    assert found(m) == [("mean", "row")]
    assert data_names(core(m)) >= {"z", "age", "pct"}
    assert not data_names(core(m)) & {"q", "v", "b"}


def test_levels_found_in_the_data_count_and_new_levels_keep_their_values() -> None:
    m = "b ~ Normal(0, 1)\np = (pct - mean(pct)) / (max(pct) - min(pct))\ny ~ Normal(b * p[state], 1)"
    assert found(m) == [("mean", "state"), ("sub", "")]


def test_a_mean_of_every_column_keeps_their_axis() -> None:
    m = "b ~ Normal(0, 1)\ny ~ Normal(b * sum(x - mean(x, over=row), over=gene), 1)"
    (e,) = whole_data(core(m))
    assert e.axes == ("gene",)


def test_columns_whose_blanks_are_drawn_are_not_data() -> None:
    m = "b ~ Normal(0, 1)\ndose ~ Normal(0, 1)\ny ~ Normal(b * (dose - mean(dose)), 1)"
    assert found(m) == []


def test_sums_over_unknowns_are_not_data() -> None:
    assert found("b[row] ~ Normal(0, 1)\ny ~ Normal(b - mean(b), 1)") == []

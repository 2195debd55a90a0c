"""A column and the axis of its levels share a name: where an axis is meant, the column is not read."""

from ppl.check.check import check
from ppl.syntax.parse import parse

TEXT = """
data {
  kind: factor
}
model {
  a ~ Normal(0, 1)
  b[kind] ~ Normal(0, 1)
  kind ~ Categorical(logits=EXPR)
}
"""


def codes(expr: str) -> list[str]:
    return [d.code for d in check(parse(TEXT.replace("EXPR", expr), "m.ppl")).errors]


def test_a_column_may_be_drawn_from_weights_along_its_own_levels() -> None:
    assert codes("uniform(kind)") == []
    assert codes("b * size(kind) + a") == []
    assert codes("b - mean(b, over=kind)") == []


def test_a_column_that_is_read_still_depends_on_itself() -> None:
    assert codes("b * a + b[kind]") == ["E107"]

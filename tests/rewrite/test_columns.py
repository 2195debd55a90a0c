"""What `ppl explain` says of the columns of a model."""

from pathlib import Path

from ppl.check.check import check
from ppl.check.core import Core
from ppl.rewrite.columns import columns_lines, described
from ppl.syntax.parse import parse

TEXT = """data {
  ## until the first relapse, or until
  ## the patient was last seen
  weeks: real > 0 unit "weeks"
  arm:   factor ["a", "b"]   # no documentation
  dose:  real in [0, 1] = 0  ## share of the usual dose
}

model {
  m[arm] ~ Normal(0, 1)
  weeks ~ Exponential(exp(m[arm] + dose))
}
"""


def core_of(text: str) -> Core:
    core = check(parse(text)).core
    assert core is not None
    return core


def test_types_are_shown_as_they_are_written() -> None:
    found = described(core_of(TEXT))
    assert found["weeks"]["type"] == "real > 0" and found["weeks"]["unit"] == "weeks"
    assert found["arm"] == {"type": 'factor ["a", "b"]', "axes": ["row"], "unit": None, "doc": None}
    assert found["dose"]["type"] == "real in [0, 1]" and found["dose"]["doc"] == "share of the usual dose"


def test_the_table_keeps_within_its_width() -> None:
    for width in (60, 80, 120):
        lines = columns_lines(core_of(TEXT), width)
        assert max(map(len, lines)) <= width
        assert " ".join(" ".join(lines).split()).count("until the first relapse") == 1
    assert [line.split()[0] for line in columns_lines(core_of(TEXT), 120)] == ["column", "weeks", "arm", "dose"]


def test_there_is_no_table_where_nothing_is_said() -> None:
    plain = TEXT.replace("##", "#").replace(' unit "weeks"', "")
    assert columns_lines(core_of(plain), 80) == []


def test_documentation_is_kept_with_the_example() -> None:
    model = (Path(__file__).parents[2] / "models" / "relapse.ppl").read_text()
    text = model.replace('import soft_floor from "lib/util.ppl"\n', "fun soft_floor(x) = x\n")
    assert "last seen" in str(described(core_of(text))["weeks"]["doc"])

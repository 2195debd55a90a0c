"""The limit of a data column that is suggested where a function may leave its domain, and that it helps."""

import re

import pytest

from ppl.check.check import check
from ppl.graph.graph import lower
from ppl.rewrite.choices import CONTINUOUS
from ppl.rewrite.plan import plan
from ppl.source.diagnostic import ModelError
from ppl.syntax.parse import parse

MODEL = """data {{
  y: real
  x: real
  n: int
}}
model {{
  a ~ Normal(0, 1)
  k ~ HalfNormal(1)
  s ~ HalfNormal(1)
  {body}
}}
"""


def hints(text: str) -> list[str]:
    core = check(parse(text, "m.ppl")).core
    assert core is not None
    try:
        plan(lower(core))
    except ModelError as problem:
        return [d.hint for d in problem.diagnostics]
    return []


@pytest.mark.parametrize(
    "body",
    [
        "y ~ Normal(a * x / (k + x), s)",
        "y ~ Normal(log(k * x), s)",
        "y ~ Normal((k + n)^a, s)",
        "d = k + x\n  y ~ Normal(a / d, s)",
        "y ~ Normal(sqrt(k + x + n), s)",
        "z[row] = k + x\n  y ~ Normal(sum(z)^a, s)",
    ],
)
def test_the_suggested_limit_helps(body: str) -> None:
    text = MODEL.format(body=body)
    [hint] = set(hints(text))
    limits = re.findall(r"`(\w+): (\w+) (>=? 0)`", hint)
    assert limits
    for name, kind, limit in limits:
        text = text.replace(f"{name}: {kind}\n", f"{name}: {kind} {limit}\n")
    assert hints(text) == []


@pytest.mark.parametrize(
    "body",
    [
        "y ~ Normal(log(a + x), s)",
        "y ~ Normal(log(a), s)",
        "y ~ Normal(a / (k - x), s)",
        "y ~ Normal(1 / (a - x), s)",
    ],
)
def test_no_limit_is_suggested_where_none_helps(body: str) -> None:
    assert set(hints(MODEL.format(body=body))) == {CONTINUOUS}

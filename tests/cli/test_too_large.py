"""Sizes that no computer holds: a complaint at once, not a machine without memory."""

import pytest

from ppl.api import compile
from ppl.source.diagnostic import ModelError

LAYER = (
    "data {{\n  x: real\n  y: real\n}}\nnet f(x) -> m {{\n  m = dense({0})\n}}\nmodel {{\n  y ~ Normal(f(x), 1)\n}}\n"
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("axis k = 1000000000\nmodel {\n  z[k] ~ Normal(0, 1)\n}\n", "E206"),
        ("axis k = 2..1000000000\nmodel {\n  z[k] ~ Normal(0, 1)\n}\n", "E206"),
        (LAYER.format("dense(x, 1000000000)"), "E360"),
        (LAYER.format("dense(dense(x, 200000), 200000)"), "E706"),
    ],
)
def test_what_is_too_large_is_said(text: str, code: str) -> None:
    with pytest.raises(ModelError) as problem:
        compile(text).bind({"x": [1.0], "y": [2.0]})
    assert [d.code for d in problem.value.diagnostics] == [code]

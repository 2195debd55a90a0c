"""The cells of tables: the formula says what the program then makes."""

import numpy as np
import pytest

from ppl.api import compile
from ppl.rewrite.cost import cells, formulas, tables
from ppl.rewrite.explain import explain, remarks

DATA = "data {\n  y: real\n  g: factor\n  n: int >= 0\n}\n"
LEVELS = "axis part = 4\naxis time = 12\n"
MODELS = {
    "a truth for every row": ("z[row] ~ Bernoulli(0.3)\n  y ~ Normal(if z then 1 else 0, 1)", {"z": "2 x row"}),
    "a truth": ("z ~ Bernoulli(0.3)\n  y ~ Normal(if z then 1 else 0, 1)", {"z": "2"}),
    "levels of the model": (
        "z[time] ~ Categorical(uniform(part))\n  factor if z == 1 then 1 else 0",
        {"z": "48"},
    ),
    "a chain of two": (
        "for t in time {\n    z[t] ~ Bernoulli(if t == 1 then 0.5 else if z[t - 1] then 0.9 else 0.2)\n  }\n"
        "  factor if z then 1 else 0",
        {"z": "48"},
    ),
    "a chain along rows": (
        "for t in row {\n    z[t] ~ Bernoulli(if t == 1 then 0.5 else if z[t - 1] then 0.9 else 0.2)\n  }\n"
        "  y ~ Normal(if z then 1 else 0, 1)",
        {"z": "2 x 2 x row"},
    ),
    "two that meet": (
        "a[row] ~ Bernoulli(0.3)\n  b[row] ~ Bernoulli(if a then 0.1 else 0.7)\n"
        "  y ~ Normal(if a and b then 1 else 0, 1)",
        {"a": "2 x row", "b": "2 x 2 x row"},
    ),
    "a count without end": ("c[row] ~ Poisson(3)\n  y ~ Normal(c, 1)", {"c": "window of c x row"}),
    "a count up to the data": ("c[row] ~ Binomial(n, 0.3)\n  y ~ Normal(c, 1)", {"c": "range of c x row"}),
    "levels of the data": (
        "z[row] ~ Categorical(uniform(g))\n  m[g] ~ Normal(0, 1)\n  y ~ Normal(m[z], 1)",
        {"z": "g x row"},
    ),
    "nothing is summed": ("m ~ Normal(0, 1)\n  y ~ Normal(m, 1)", {}),
    "it adds up to one": ("k[row] ~ Poisson(3)\n  n ~ Binomial(k, 0.4)\n  y ~ Normal(0, 1)", {}),
}
ROWS = {"y": np.array([0.1, 0.2, 1.0]), "g": ["a", "b", "a"], "n": np.array([2, 0, 5])}


@pytest.mark.parametrize(("lines", "expected"), MODELS.values(), ids=MODELS)
def test_formulas_and_numbers(lines, expected):
    model = compile(f"{LEVELS}{DATA}model {{\n  {lines}\n}}\n")
    assert formulas(model.graph) == expected
    assert {row.name: row.cost for row in explain(model.graph) if row.cost} == expected
    program, _ = model.bind(ROWS)
    found = tables(model.graph)
    for name, text in expected.items():
        sizes = {"row": 3, "g": 2, f"window of {name}": 51, f"range of {name}": 6}
        factors = [sizes.get(part) or int(part) for part in text.split(" x ")]
        assert cells(found[name], program.sizes) == np.prod(factors)


def test_the_note_has_numbers_where_data_are_known():
    lines, _ = MODELS["two that meet"]
    rows = explain(compile(f"{DATA}model {{\n  {lines}\n}}\n").graph)
    assert list(remarks(rows))[-1] == "note: cells in tables, for every draw: a 2 x row; b 2 x 2 x row"
    known = list(remarks(rows, {"a": 2000, "b": 4000}))[-1]
    assert known == "note: cells in tables, for every draw: a 2 000; b 4 000"

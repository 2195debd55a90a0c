"""Missing cells as unknowns: wherever a column stands, the density is that of the completed data."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp

from ppl.api import compile
from ppl.emit.bind import Program

Y = [0.3, -0.2, 1.1, 0.4, -0.9, 0.6]
REAL = [0.1, None, 0.7, -1.2, None, 0.4]
COUNT = [2, None, 0, 3, None, 1]
TRUE = [True, None, False, True, None, False]
LABEL = ["a", None, "c", "b", None, "a"]
MATRIX = [[0.1, None], [0.2, 0.3], [None, 0.5], [0.1, 0.2], [1.0, 2.0], [0.4, 0.1]]
GROUP = ["a", "b", "c", "a", "b", "c"]
SUBJECTS = {"id": ["s1", "s2", "s3"], "age": [0.3, None, 0.4], "arm": ["a", None, "b"], "n": [2, None, 1]}
TRIALS = {"subject": ["s1", "s2", "s3", "s2", "s1", "s2"], "y": Y}
TWO = "data subjects {{\n  id: key\n  {own}\n}}\ndata trials {{\n  subject: subjects\n  y: real\n}}"


@dataclass(frozen=True)
class Case:
    """A model whose column `hole` has missing cells; `values` are what a discrete one may have."""

    name: str
    columns: str
    body: str
    data: dict[str, Any]
    values: tuple[Any, ...] = ()
    hole: str = "x"

    def __str__(self) -> str:
        return self.name

    @property
    def text(self) -> str:
        columns = self.columns if "data" in self.columns else f"data {{\n  {self.columns}\n  y: real\n}}"
        return f"axis k = 2\naxis j = 2\n{columns}\nmodel {{\n  {self.body}\n}}\n"


def rows(x: list[Any], **more: list[Any]) -> dict[str, Any]:
    return {"x": x, "y": Y, **more}


def tables(own: str) -> dict[str, Any]:
    return {"subjects": {name: SUBJECTS[name] for name in ("id", own)}, "trials": TRIALS}


REALS = (
    Case("a predictor", "x: real?", "m ~ Normal(0, 1)\n  x ~ Normal(m, 1)\n  y ~ Normal(x^2, 1)", rows(REAL)),
    Case("through a mean", "x: real?", "x ~ Normal(0, 1)\n  y ~ Normal(x - mean(x), 1)", rows(REAL)),
    Case("a matrix", "x[j]: real?", "b[j] ~ Normal(0, 1)\n  x ~ Normal(b, 1)\n  y ~ Normal(x @ b, 1)", rows(MATRIX)),
    Case(
        "of a vector",
        "x[j]: real?",
        "m[j] ~ Normal(0, 1)\n  s ~ HalfNormal(1)\n  x ~ MvNormal(m, chol=diag(s + 0 * m))\n  y ~ Normal(x[1], 1)",
        rows(MATRIX),
    ),
    Case(
        "per group",
        "g: factor\n  x: real? per g",
        "x ~ Normal(0, 2)\n  y ~ Normal(x[g], 1)",
        rows([0.5, None, 1.5, 0.5, None, 1.5], g=GROUP),
    ),
    Case(
        "in a chain",
        "x: real?",
        "a ~ Normal(0, 1)\n  for t in row {\n    x[t] ~ if t == 1 then Normal(0, 1) else Normal(a * x[t - 1], 1)\n  }",
        rows(REAL),
    ),
    Case(
        "inside a censored outcome",
        "x: real?\n  gone: bool",
        "b ~ Normal(0, 1)\n  x ~ Normal(0, 1)\n  y ~ Censored(Normal(b * x, 1), right=gone)",
        rows(REAL, gone=[True, True, False, False, True, False]),
    ),
    Case(
        "of a mixture",
        "x: real?",
        "w[k] ~ Dirichlet(1)\n  m[k] ~ Normal(0, 1)\n  x ~ Mixture(w, Normal(m, 1))\n  y ~ Normal(x, 1)",
        rows(REAL),
    ),
    Case(
        "in another table",
        TWO.format(own="age: real?"),
        "b ~ Normal(0, 1)\n  age ~ Normal(0, 2)\n  y ~ Normal(b * age[subject], 1)",
        tables("age"),
        hole="age",
    ),
)
DISCRETE = (
    Case(
        "true or false",
        "x: bool?",
        "p ~ Beta(1, 1)\n  a ~ Normal(0, 1)\n  x ~ Bernoulli(p)\n  y ~ Normal(if x then a else 0, 1)",
        rows(TRUE),
        (True, False),
    ),
    Case(
        "a level",
        "x: factor?",
        "w[x] ~ Dirichlet(1)\n  a[x] ~ Normal(0, 1)\n  x ~ Categorical(w)\n  y ~ Normal(a[x], 1)",
        rows(LABEL),
        ("a", "b", "c"),
    ),
    Case(
        "an ordinal",
        'x: ordinal ["a", "b", "c"]?',
        "cut[j] ~ Ordered(Normal(0, 1))\n  a[x] ~ Normal(0, 1)\n  x ~ OrderedLogistic(0, cut)\n  y ~ Normal(a[x], 1)",
        rows(LABEL),
        ("a", "b", "c"),
    ),
    Case(
        "a count",
        "x: int?",
        "p ~ Beta(1, 1)\n  b ~ Normal(0, 1)\n  x ~ Binomial(3, p)\n  y ~ Normal(b * x, 1)",
        rows(COUNT),
        (0, 1, 2, 3),
    ),
    Case(
        "a truncated count",
        "x: int?",
        "r ~ HalfNormal(2)\n  x ~ Truncated(Poisson(r), upper=3)\n  y ~ Normal(x, 1)",
        rows(COUNT),
        (0, 1, 2, 3),
    ),
    Case(
        "true or false, in a chain",
        "x: bool?",
        "a ~ Normal(0, 1)\n  for t in row {\n"
        "    x[t] ~ if t == 1 then Bernoulli(0.4) else Bernoulli(logit=a * x[t - 1])\n  }\n  y ~ Normal(x, 1)",
        rows(TRUE),
        (True, False),
    ),
    Case(
        "true or false, per group",
        "g: factor\n  x: bool? per g",
        "p ~ Beta(1, 1)\n  x ~ Bernoulli(p)\n  y ~ Normal(x[g], 1)",
        rows([True, None, False] * 2, g=GROUP),
        (True, False),
    ),
    Case(
        "a level in another table",
        TWO.format(own="arm: factor?"),
        "p[arm] ~ Dirichlet(1)\n  arm ~ Categorical(p)\n  b[arm] ~ Normal(0, 1)\n  y ~ Normal(b[arm[subject]], 1)",
        tables("arm"),
        ("a", "b"),
        "arm",
    ),
    Case(
        "a pointer",
        "data subjects {\n  id: key\n}\ndata trials {\n  subject: subjects?\n  y: real\n}",
        "p[subjects] ~ Dirichlet(1)\n  subject ~ Categorical(p)\n"
        "  b[subjects] ~ Normal(0, 1)\n  y ~ Normal(b[subject], 1)",
        {"subjects": {"id": ["s1", "s2"]}, "trials": {"subject": ["s1", None, "s2", "s1", None, "s2"], "y": Y}},
        ("s1", "s2"),
        "subject",
    ),
)


def cells(value: Any) -> int:
    """How many cells are missing."""
    return sum(map(cells, value)) if isinstance(value, list) else int(value is None)


def filled(value: Any, fill: Iterator[Any]) -> Any:
    """A column with its missing cells taken from `fill`."""
    if isinstance(value, list):
        return [filled(v, fill) for v in value]
    return next(fill) if value is None else value


def completed(case: Case, fill: list[Any]) -> dict[str, Any]:
    """The data of a case without missing cells; where a column is per group, each group has one."""
    per = case.data.get("g") if " per g" in case.columns else None

    def column(values: list[Any]) -> list[Any]:
        if per is None:
            return filled(values, iter(fill))
        by_group = dict(zip(dict.fromkeys(g for g, v in zip(per, values) if v is None), fill))
        return [by_group[g] if v is None else v for g, v in zip(per, values)]

    def full(data: dict[str, Any]) -> dict[str, Any]:
        return {n: full(v) if isinstance(v, dict) else column(v) if n == case.hole else v for n, v in data.items()}

    return full(case.data)


def missing(case: Case) -> int:
    """How many unknowns the missing cells are."""
    column = next(d[case.hole] for d in (case.data, *case.data.values()) if isinstance(d, dict) and case.hole in d)
    per = case.data.get("g") if " per g" in case.columns else None
    return cells(column) if per is None else len({g for g, v in zip(per, column) if v is None})


def program_of(case: Case, data: dict[str, Any]) -> Program:
    program, _ = compile(case.text).bind(data)
    assert isinstance(program, Program)
    return program


@pytest.mark.parametrize("case", REALS, ids=str)
def test_the_density_is_that_of_the_completed_data(case: Case) -> None:
    program, rng = program_of(case, case.data), np.random.default_rng(2)
    assert program.slots[case.hole].stop - program.slots[case.hole].start == missing(case)
    for u in 0.5 * rng.standard_normal((2, program.dim)):
        whole = program_of(case, completed(case, u[program.slots[case.hole]].tolist()))
        rest = np.zeros(whole.dim)
        for name, place in whole.slots.items():
            if name != case.hole:
                rest[place] = u[program.slots[name]]
        values = [p.value(v[None], np.ones(p.weights)) for p, v in ((program, u), (whole, rest))]
        assert np.allclose(*values, rtol=1e-10)


@pytest.mark.parametrize("case", DISCRETE, ids=str)
def test_the_density_is_the_sum_over_completed_data(case: Case) -> None:
    program, rng = program_of(case, case.data), np.random.default_rng(2)
    u = 0.5 * rng.standard_normal((2, program.dim))
    fills = [list(fill) for fill in product(case.values, repeat=missing(case))]
    each = [program_of(case, completed(case, fill)).value(u, np.ones(program.weights)) for fill in fills]
    assert np.allclose(program.value(u, np.ones(program.weights)), logsumexp(each, axis=0), rtol=1e-10)


@pytest.mark.parametrize("case", (*REALS, *DISCRETE), ids=str)
def test_gradients_are_those_of_differences(case: Case) -> None:
    program = program_of(case, case.data)
    u, w = 0.5 * np.random.default_rng(3).standard_normal((2, program.dim)), np.ones(program.weights)
    _, gradient, _ = program.value_and_grad(u, w)
    for i, h in enumerate(1e-5 * np.eye(program.dim)):
        slope = (program.value(u + h, w) - program.value(u - h, w)) / 2e-5
        assert np.allclose(gradient[:, i], slope, rtol=1e-6, atol=1e-6), i


def test_what_is_summed_out_has_its_probabilities() -> None:
    """A missing level given everything else: the posterior by Bayes' rule at a fixed point."""
    case = next(c for c in DISCRETE if c.name == "an ordinal")
    program = program_of(case, case.data)
    u, w = 0.5 * np.random.default_rng(4).standard_normal((1, program.dim)), np.ones(program.weights)
    found = program.marginals(u, w)["x"][0]
    for row in (1, 4):
        other = 5 - row
        scores = []
        for level in case.values:
            fills = [[level, x] if row < other else [x, level] for x in case.values]
            each = [program_of(case, completed(case, fill)).value(u, w) for fill in fills]
            scores.append(logsumexp(each, axis=0)[0])
        assert np.allclose(found[row], np.exp(np.array(scores) - logsumexp(scores)), rtol=1e-8)

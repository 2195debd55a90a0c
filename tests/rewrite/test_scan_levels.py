"""How rough densities are in what goes around a recursion: the worst of what a step does, at however many removes."""

import numpy as np
import pytest

from ppl.api import compile
from ppl.graph.graph import unknowns
from ppl.source.diagnostic import ModelError

TEXT = """data {{
  y: real
}}
model {{
  a ~ Normal(0, 1)
  b ~ Normal(0, 1)
  for t in row {{
{loop}
  }}
  y ~ Normal(s, 1)
}}
"""


def plans(loop: str) -> dict[str, tuple[str, str]]:
    """Level and estimator of each unknown."""
    graph = compile(TEXT.format(loop=loop)).graph
    return {n.name: (n.plan.level, n.plan.estimator) for n in unknowns(graph)}


@pytest.mark.parametrize(
    ("loop", "a", "b"),
    [
        ("s[t] = if t == 1 then a else tanh(s[t - 1]) + b", "smooth", "smooth"),
        ("s[t] = if t == 1 then a else max(s[t - 1] - 0.3, 0) + b", "kink", "kink"),
        ("s[t] = if t == 1 then 0.5 * a else abs(s[t - 1]) * 0.5 + b", "kink", "kink"),
        ("s[t] = if t == 1 then a else (if s[t - 1] > 0 then 1 else -1) + b", "jump", "jump"),
        # the branches meet where the test changes
        ("s[t] = if t == 1 then a else (if s[t - 1] > 0 then 0.5 * s[t - 1] else 0) + b", "kink", "kink"),
        # a jump two steps around, and one that only `a` goes into
        ("p[t] = if t == 1 then a else q[t - 1] + b\n q[t] = p[t] / 2\n s[t] = if q[t] > 1 then 1 else 0",
         "jump", "jump"),
        ("p[t] = if t == 1 then a else 0.5 * p[t - 1]\n s[t] = (if p[t] > 1 then 1 else 0) + b", "jump", "smooth"),
        ("s[t] = if t <= 2 then a else floor(s[t - 2]) + b", "jump", "jump"),
    ],
)  # fmt: skip
def test_the_level_of_an_unknown_through_a_recursion(loop: str, a: str, b: str) -> None:
    found = plans(loop)
    assert (found["a"][0], found["b"][0]) == (a, b)
    for level, estimator in found.values():
        assert (estimator == "reparam") == (level in ("smooth", "kink"))


def test_levels_that_a_recursion_couples_are_not_summed_out() -> None:
    graph = compile(
        "data { y: real }\nmodel {\n for t in row {\n z[t] ~ Bernoulli(0.5)\n"
        " s[t] = if t == 1 then 0 else 0.5 * s[t - 1] + z[t]\n }\n y ~ Normal(s, 1)\n}\n"
    ).graph
    (plan,) = (n.plan for n in unknowns(graph))
    assert plan is not None and plan.estimator != "exact"


JUMPING = """param m = 0.3
axis time = 6
model {
  for t in time {
    x[t] ~ Normal(MEAN, 1)
    s[t] = if t == 1 then START else (if s[t - 1] > 0 then 0.5 else -0.5) + x[t]
  }
}
minimize sum(s^2)
"""


def test_a_parameter_in_which_a_recursion_jumps_is_refused() -> None:
    with pytest.raises(ModelError) as problem:
        compile(JUMPING.replace("MEAN", "0").replace("START", "m"))
    assert problem.value.diagnostics[0].code == "E532"


def test_draws_that_jump_in_a_recursion_are_not_followed_along_their_path() -> None:
    """The estimate has the mean of differences of a large sample; a path would lose what the jumps pay."""
    objective = compile(JUMPING.replace("MEAN", "m").replace("START", "x[t]")).objective()
    rows = 20_000
    e = np.random.default_rng(0).uniform(size=(rows, objective.noise))
    _, slope = objective.estimate(np.full((rows, 1), 0.3), e)

    def walked(m: float) -> np.ndarray:
        x = m + np.random.default_rng(1).normal(size=(rows, 6))
        s = [x[:, 0]]
        for t in range(1, 6):
            s.append(np.where(s[-1] > 0, 0.5, -0.5) + x[:, t])
        return np.array(s)

    difference = ((walked(0.35) ** 2).sum(axis=0) - (walked(0.25) ** 2).sum(axis=0)) / 0.1
    error = np.hypot(slope.std() / np.sqrt(rows), difference.std() / np.sqrt(rows))
    assert abs(-slope.mean() - difference.mean()) < 5 * error
    along_the_path = 2 * walked(0.3).sum(axis=0).mean()
    assert abs(along_the_path - difference.mean()) > 10 * error

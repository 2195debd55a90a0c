"""Random programs with nets, recursions, families, flows and mixtures: slopes against differences of the mean."""

from collections import Counter

import numpy as np
import pytest
from estimator_programs import DATA
from path_or_score import by_directions, judged
from wide_programs import wide_program

from ppl.api import compile
from ppl.rewrite.plan import is_objective
from ppl.source.diagnostic import ModelError

REFUSALS = {"E325", "E330", "E530", "E532", "E554"}
PROGRAMS, PARTS, DRAWS = 60, 6, 1024
# A mixture that a jump splits: it has no quantiles, and -0.3 is a threshold that it never reaches.
SPLIT = """axis k = 3
data {{
  y: real
  w: real
}}
model {{
  x ~ {0}
  y ~ Normal(if x > w then 1 else x, 1)
}}
guide {{
  param v[k] = [0.1, 0.4, -0.2]
  param m[k] = [-0.5, 0.3, 0.9]
  x ~ Mixture(softmax(v), {1})
}}
"""


def kind_of(seed: int) -> str:
    text = wide_program(seed)
    try:
        model = compile(text)
        if not is_objective(model.graph):
            return "target"
        verdict = by_directions(text, DATA, seed, DRAWS, directions=1)
    except ModelError as error:
        assert {d.code for d in error.diagnostics} & REFUSALS, f"program {seed}: {error}\n{text}"
        return "refused"
    assert verdict.kind == "no score", f"program {seed}: {verdict}\n{text}"
    return "sound"


@pytest.mark.parametrize("part", range(PARTS))
def test_slopes_are_those_of_the_mean(part: int) -> None:
    size = PROGRAMS // PARTS
    found = Counter(kind_of(seed) for seed in range(part * size, (part + 1) * size))
    assert found["sound"] + found["target"] >= size / 3


@pytest.mark.parametrize(("prior", "part"), [("HalfNormal(1)", "Gamma(exp(m), 1)"), ("Normal(0, 1)", "Normal(m, 0.6)")])
def test_a_mixture_is_drawn_across_jumps(prior: str, part: str) -> None:
    data = {"y": np.array([0.4, -0.9, 1.3]), "w": np.array([0.1, 0.2, -0.3])}
    assert judged(SPLIT.format(prior, part), data, 1, 512, 1).kind in ("sound", "refereed")

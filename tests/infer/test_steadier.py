"""Of two unbiased gradients, steps take the one that is measured to vary less."""

from time import perf_counter

import numpy as np
import pytest
from scipy.stats import norm

from ppl import api
from ppl.emit.batch import BatchedObjective
from ppl.infer.approximation import Options
from ppl.infer.guided import landing
from ppl.infer.objective import Run
from ppl.infer.parts import Parted, Sampled
from ppl.infer.steadier import steadier
from ppl.infer.target import Array

TEXT = """
data {{ y: real }}
model {{
  z[row] ~ Normal(0, 1)
  y ~ Normal(z, {noise})
}}
guide {{
  param a = {slope}
  param s: real > 0 = {width}
  z[row] ~ Normal(a * y, s)
}}
"""
Y = np.random.default_rng(2).normal(size=200) * 1.2


def ways(noise: float, slope: float, width: float) -> tuple[BatchedObjective, Parted]:
    text = TEXT.format(noise=noise, slope=slope, width=width)
    model, program, bound = api.compile(text).minibatched(20, None, {"y": Y})
    other = landing(model.graph, program, bound)
    assert other is not None
    return program, other


def chosen(pair: tuple[Parted, Parted]) -> int:
    parted = pair[0]
    sampled = Sampled(parted, parted.minibatches(np.random.default_rng(0)), np.random.default_rng(1))
    run = Run(sampled, Options(), lambda progress: None, lambda: False, perf_counter())
    return pair.index(steadier(run, pair, parted.start, 0))


def slopes(parted: Parted) -> Array:
    part = parted.sample(np.random.default_rng(3), 20)
    e = np.random.default_rng(4).random((60_000, part.program.noise))
    return part.program.estimate(np.repeat(part.of(parted.start)[None], len(e), axis=0), e)[1]


@pytest.mark.parametrize(("case", "best"), [((0.5, 0.8, 0.45), 1), ((0.5, 0.3, 1.0), 1), ((10.0, 0.0, 0.1), 0)])
def test_the_gradient_that_varies_less_is_taken(case: tuple[float, float, float], best: int) -> None:
    """Near the posterior, and where the guide is wider, the density of the guide at its draws takes variance away; a
    guide that is much narrower has it nearly all."""
    pair = ways(*case)
    one, other = map(slopes, pair)
    gap = one - other
    assert (np.abs(gap.mean(axis=0)) < 4.5 * gap.std(axis=0) / np.sqrt(len(gap))).all()
    spread = [np.log(x.std(axis=0)).mean() for x in (one, other)]
    assert int(np.argmin(spread)) == best and abs(spread[0] - spread[1]) > 0.2
    assert chosen(pair) == best


def test_a_fit_lands_on_the_posterior() -> None:
    """With gradients that have no variance there, minibatches end at the evidence itself."""
    text = TEXT.format(noise=0.5, slope=0.1, width=1.0)
    stages: list[str] = []
    found = api.compile(text).fit({"y": Y}, batch=20, steps=1500, draws=100, report=lambda p: stages.append(p.stage))
    evidence = norm.logpdf(Y, 0, np.sqrt(1.25)).sum()
    assert "gradients 2 of 2" in stages
    assert found.evidence.elbo == pytest.approx(evidence, abs=1e-6) and found.evidence.elbo_se < 1e-6


JOINT = "data { y: real }\nmodel { a ~ Normal(0, 1)\n b ~ Normal(0, 1)\n y ~ Normal(a + b, 1) }"
SCORED = """
data { y: real }
model {
  z[row] ~ Bernoulli(0.3)
  y ~ Normal(z, 1)
}
guide {
  param l = 0.2
  @score
  z[row] ~ Bernoulli(logit=l * y)
}
"""


@pytest.mark.parametrize("text", [JOINT, SCORED])
def test_joint_draws_and_scores_have_the_one_gradient(text: str) -> None:
    model, program, bound = api.compile(text).minibatched(20, None, {"y": Y})
    assert landing(model.graph, program, bound) is None

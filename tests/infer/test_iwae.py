"""Bounds that weigh several draws: values against closed forms, gradients against differences and each other."""

import numpy as np
import pytest
from scipy.special import logsumexp

from ppl.api import compile, estimators_of
from ppl.data.bind import bind
from ppl.data.options import Options as DataOptions
from ppl.emit.bind_objective import bind_objective
from ppl.emit.objective_program import emit_objective
from ppl.graph.graph import guide_of
from ppl.guide.aims import Aim, aim_of
from ppl.infer.groups import Groups
from ppl.source.diagnostic import ModelError

CONE = """
model {
  x ~ Normal(0, 10)
  y ~ Normal(0, 10)
  r = x^2 + y^2
  observe 5 ~ Normal(r, 0.1 + r / 100)
}
guide {
  param mx = 2
  param my = 1
  param sx: real > 0 = 0.5
  param sy: real > 0 = 0.7
  x ~ Normal(mx, sx)
  y ~ Normal(my + 0.1 * x, sy)
}
"""
ROWS = """
data { y: real
 x: real }
model {
  param b = 0.5
  z[row] ~ Normal(b * x, 1)
  y ~ Normal(z^2, 1)
}
guide {
  param a = 0.3
  param s: real > 0 = 0.8
  z[row] ~ Normal(a * y + b, s)
}
"""
# draws that are made step by step have no density of their own values
STEPS = """
data { y: real
 x: real }
model {
  param b = 0.5
  for t in row { z[t] ~ if t <= 1 then Normal(x, 1) else Normal(b * z[t - 1], 1) }
  y ~ Normal(z, 1)
}
guide {
  param a = 0.3
  param c = 0.2
  param s: real > 0 = 0.8
  for t in row { z[t] ~ if t <= 1 then Normal(a * y, s) else Normal(a * y + c * z[t - 1], s) }
}
"""
TABLE = {"y": [0.5, 2.0, 1.0], "x": [1.0, -0.5, 0.2]}
AIMS = [Aim(1), Aim(5), Aim(3, 0.5), Aim(3, -0.5)]


def groups(text: str, aim: Aim, data=None) -> Groups:
    model = compile(text)
    emitted = emit_objective(model.graph, guide_of(model.graph), estimators_of(model.graph), aim=aim)
    return Groups(bind_objective(emitted, bind(model.core.data, data, DataOptions())), aim.count, not aim.doubly)


def doubly(aim: Aim) -> Aim:
    return Aim(aim.count, aim.order, True)


@pytest.mark.parametrize(("text", "data"), [(CONE, None), (ROWS, TABLE)])
@pytest.mark.parametrize("aim", AIMS, ids=lambda a: a.name)
def test_plain_gradients_are_those_of_the_value(text, data, aim):
    g = groups(text, aim, data)
    rng = np.random.default_rng(0)
    theta, e = g.start + 0.1 * rng.standard_normal(g.dim), rng.random((7, g.noise))
    _, slopes = g.estimate(np.repeat(theta[None], 7, axis=0), e)
    for at, step in enumerate(1e-6 * np.eye(g.dim)):
        up, down = (g.estimate(np.repeat((theta + d)[None], 7, axis=0), e)[0] for d in (step, -step))
        assert np.allclose(slopes[:, at], (up - down) / 2e-6, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("text", "data"), [(CONE, None), (ROWS, TABLE), (STEPS, TABLE)])
@pytest.mark.parametrize("aim", AIMS, ids=lambda a: a.name)
def test_doubly_reparameterised_gradients_have_the_same_mean(text, data, aim):
    plain, twice = groups(text, aim, data), groups(text, doubly(aim), data)
    rng, count = np.random.default_rng(1), 40_000
    theta = np.repeat(plain.start[None], count, axis=0)
    e = rng.random((count, plain.noise))
    (values, a), (same, b) = plain.estimate(theta, e), twice.estimate(theta, e)
    assert np.allclose(values, same)
    gap = a - b
    assert (np.abs(gap.mean(axis=0)) < 4.5 * gap.std(axis=0) / np.sqrt(count) + 1e-9).all()


def test_the_value_of_a_global_bound_is_its_definition():
    aim = Aim(4, 0.5)
    g = groups(CONE, aim)
    e = np.random.default_rng(2).random((9, g.noise))
    found, _ = g.estimate(np.repeat(g.start[None], 9, axis=0), e)
    rows = np.repeat(g.start[None], 36, axis=0)
    log_w = g.draws.log_weight(rows, e.reshape(36, -1)).reshape(9, 4)
    assert np.allclose(found, (logsumexp(0.5 * log_w, axis=1) - np.log(4)) / 0.5)


def test_draws_of_a_plate_are_weighed_position_by_position():
    """The bound of three rows is the sum of the bounds of each alone, with the same numbers."""
    aim = Aim(5)
    g = groups(ROWS, aim, TABLE)
    e = np.random.default_rng(3).random((6, 5, 3))
    whole, _ = g.estimate(np.repeat(g.start[None], 6, axis=0), e.reshape(6, 15))
    total = np.zeros(6)
    for i in range(3):
        one = groups(ROWS, aim, {k: [v[i]] for k, v in TABLE.items()})
        total += one.estimate(np.repeat(g.start[None], 6, axis=0), np.ascontiguousarray(e[:, :, i]))[0]
    assert np.allclose(whole, total)


EXACT = """
model {
  z ~ Normal(0, 1)
  observe 1 ~ Normal(z, 1)
}
guide {
  param m = 0
  param s: real > 0 = 1
  z ~ Normal(m, s)
}
"""


def test_doubly_reparameterised_gradients_vanish_at_the_posterior():
    theta = np.array([0.5, np.log(np.sqrt(0.5))])
    for aim in (Aim(5), Aim(3, 0.5)):
        e = np.random.default_rng(4).random((200, aim.count))
        rows = np.repeat(theta[None], 200, axis=0)
        values, twice = groups(EXACT, doubly(aim)).estimate(rows, e)
        plain = groups(EXACT, aim).estimate(rows, e)[1]
        assert np.allclose(values, -0.5 * np.log(4 * np.pi) - 0.25) and np.abs(twice).max() < 1e-12
        assert plain.std(axis=0).max() > 0.1


FREE = CONE.partition("guide")[0] + "guide { x ~ MeanField()\n y ~ MeanField() }"


def test_the_cone():
    """ELBO -8.08 and a five-sample bound of -7.75 are what other systems reach with independent normals."""
    plain, weighted = compile(FREE).fit(), compile(FREE).fit(objective="iwae:5")
    assert plain.evidence.elbo == pytest.approx(-8.08, abs=0.02)
    assert weighted.search is not None and weighted.search.value > -7.75
    assert weighted.search.bound == "importance-weighted bound of 5 draws"
    assert weighted.evidence.elbo < plain.evidence.elbo


def test_renyi_bounds_lie_between():
    plain, renyi = compile(FREE).fit(), compile(FREE).fit(objective="renyi:0.5:5")
    assert renyi.search is not None and plain.evidence.elbo < renyi.search.value < -7.2
    assert renyi.search.bound == "Renyi bound 0.5 of 5 draws"


def test_what_has_no_guide_gets_a_full_rank_normal():
    found = compile(EXACT.partition("guide")[0]).fit(objective="iwae:3")
    assert found.search is not None
    assert found.search.value == pytest.approx(-0.5 * np.log(4 * np.pi) - 0.25, abs=1e-3)


@pytest.mark.parametrize("text", ["iwae", "iwae:0", "renyi:1", "renyi:0.5:0", "vae:3", "renyi:x"])
def test_other_bounds_are_refused(text):
    with pytest.raises(ModelError) as problem:
        aim_of(text)
    assert [d.code for d in problem.value.diagnostics] == ["E557"]


def test_draws_that_need_scores_have_no_weight_for_each():
    text = "model { b ~ Bernoulli(0.4)\n z ~ Normal(b, 1)\n observe 1 ~ Normal(z, 1) }\nguide { b ~ Bernoulli(0.5) }"
    with pytest.raises(ModelError) as problem:
        compile(text).fit(objective="iwae:3")
    (found,) = problem.value.diagnostics
    assert found.code == "E556" and "`b`" in found.message and found.span is not None
    summed = compile(text.partition("guide")[0]).fit(objective="iwae:3")
    assert summed.search is not None and np.isfinite(summed.search.value)


def test_a_point_guide_is_said_to_leave_uncertainty_out():
    found = compile(EXACT.partition("guide")[0] + "guide { z ~ Delta() }").fit()
    assert float(found["z"].mean()) == pytest.approx(0.5, abs=1e-4)
    assert found.trust.verdict == "warn" and any("one value for z" in r for r in found.trust.reasons)


def test_a_laplace_draw_stays_at_the_mode_while_the_rest_is_fitted():
    text = """
    model { a ~ Gamma(3, 2)
     b ~ Normal(a, 1)
     observe 2 ~ Normal(b, 1) }
    guide { a ~ Laplace()
     (b) ~ FullRank() }
    """.replace("(b) ~", "b ~")
    found = compile(text).fit(seed=3)
    model = compile(text)
    p = model.objective()
    theta = np.asarray(found.guide.loc)
    # with b at its conditional optimum, -d2/du2 of E log p in u = log a
    assert found.converged and np.isfinite(theta).all()
    mean = float(found["a"].mean())
    grid = np.exp(np.linspace(-8, 4, 4001))
    weight = grid**3 * np.exp(-2 * grid) * np.exp(-((2 - grid) ** 2) / 4.0)
    exact = np.sum(weight * grid) / np.sum(weight)
    assert mean == pytest.approx(exact, abs=0.05) and p.dim == len(theta)

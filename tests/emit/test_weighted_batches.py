"""Bounds of several draws by minibatches: over a partition of the rows they are those of all data, and a fit by them
lies between the evidence lower bound and the evidence."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import norm

from ppl import api
from ppl.data.bind import bind
from ppl.emit.batch import BatchedObjective, bind_batched
from ppl.emit.bind_objective import bind_objective
from ppl.emit.objective_program import emit_objective
from ppl.emit.part import Part
from ppl.graph.graph import guide_of, lower, unknowns
from ppl.guide.aims import Aim
from ppl.infer.groups import GroupedPart, GroupedParts, Groups
from ppl.rewrite.batching import batching
from ppl.rewrite.plan import plan
from ppl.source.diagnostic import ModelError

Array = npt.NDArray[np.float64]
ROWS, DRAWS = 12, 5
RNG = np.random.default_rng(3)
DATA: Mapping[str, object] = {"y": RNG.normal(size=ROWS), "x": RNG.normal(size=ROWS)}
# what `x` costs moves with no draw: it counts as often as its row does
SQUARES = """
data { y: real
 x: real }
model {
  param b = 0.5
  x ~ Normal(b, 2)
  z[row] ~ Normal(b * x, 1)
  y ~ Normal(z^2, 1)
}
guide {
  param a = 0.3
  param s: real > 0 = 0.8
  z[row] ~ Normal(a * y + b, s)
}
"""
CHAIN = """
data { y: real
 x: real }
model {
  param b = 0.5
  v[row] ~ Gamma(2, 1)
  z[row] ~ Normal(v + x, 1)
  y ~ Normal(z * b, 1)
}
guide {
  param a = 0.3
  param c = 0.2
  param s: real > 0 = 0.8
  v[row] ~ LogNormal(a * y, s)
  z[row] ~ Normal(c * v + y, s)
}
"""
# every row has parameters of its own
LOCAL = """
data { y: real
 x: real }
model {
  param b = 0.5
  z[row] ~ Normal(b * x, 1)
  y ~ Normal(z^3, 1)
}
"""
NET = """
data { y: real
 x: real }
net encoder(y, x) -> m, s {
  h = dense([y, x], 3, tanh)
  m = dense(h)
  s = exp(dense(h))
}
model {
  param b = 0.5
  z[row] ~ Normal(b * x, 1)
  y ~ Normal(z^2, 1)
}
guide {
  q = encoder(y, x)
  z[row] ~ Normal(q.m, q.s)
}
"""
TEXTS = {"squares": SQUARES, "chain": CHAIN, "local": LOCAL, "net": NET}
AIMS = [Aim(1, 0.0, True), Aim(4), Aim(4, 0.0, True), Aim(3, 0.5, True)]


def both(text: str, aim: Aim) -> tuple[BatchedObjective, Groups]:
    """The bound part by part, and that of all data."""
    model = api.compile(text)
    graph = plan(lower(model.core), guide_of(model.graph), kept=[n.name for n in unknowns(model.graph)])
    guide, how = guide_of(graph), api.estimators_of(graph)
    bound = bind(model.core.data, DATA)
    emitted = emit_objective(graph, guide, how, batching=batching(graph, guide), aim=aim)
    whole = bind_objective(emit_objective(graph, guide, how, aim=aim), bound)
    return bind_batched(graph, emitted, bound, 4), Groups(whole, aim.count, exact=not aim.doubly)


def numbers(e: Array, count: int, part: Part) -> Array:
    """The uniform numbers of a part, out of those of all rows: one number a row for each noise."""
    blocks = e.reshape(len(e) * count, -1, ROWS)[:, :, part.chosen["row"]]
    return blocks.reshape(len(e), -1)


@pytest.mark.parametrize("aim", AIMS, ids=str)
@pytest.mark.parametrize("case", TEXTS)
def test_the_mean_over_a_partition_is_the_whole(case: str, aim: Aim) -> None:
    parted, whole = both(TEXTS[case], aim)
    rng = np.random.default_rng(4)
    theta, e = whole.start + 0.3 * rng.normal(size=whole.dim), rng.random((DRAWS, whole.noise))
    values, slopes = whole.estimate(np.tile(theta, (DRAWS, 1)), e)
    value, slope, order = np.zeros(DRAWS), np.zeros((DRAWS, parted.dim)), rng.permutation(ROWS).reshape(3, 4)
    for rows in np.sort(order, axis=1):
        part = parted.parts.part(rows, 3.0)
        grouped = GroupedPart(part, aim.count)
        f, g = grouped.program.estimate(np.tile(grouped.of(theta), (DRAWS, 1)), numbers(e, aim.count, part))
        value += f / 3
        slope[:, slice(None) if part.index is None else part.index] += g / 3
    assert np.abs(slope).max() > 1e-3
    np.testing.assert_allclose(value, values, rtol=1e-10)
    np.testing.assert_allclose(slope, slopes, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("case", TEXTS)
def test_the_plain_gradient_of_a_minibatch_is_that_of_its_value(case: str) -> None:
    parted, _ = both(TEXTS[case], Aim(4))
    part = GroupedPart(parted.parts.part(np.array([1, 4, 7, 8]), 3.0), 4)
    rng = np.random.default_rng(5)
    e = rng.random((2, part.program.noise))
    theta = part.of(parted.start + 0.2 * rng.normal(size=parted.dim))
    _, slopes = part.program.estimate(np.tile(theta, (2, 1)), e)
    for at, step in enumerate(1e-6 * np.eye(len(theta))):
        up, down = (part.program.estimate(np.tile(theta + d, (2, 1)), e)[0] for d in (step, -step))
        np.testing.assert_allclose(slopes[:, at], (up - down) / 2e-6, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", TEXTS)
def test_doubly_reparameterised_minibatches_have_the_mean_of_the_plain_ones(case: str) -> None:
    (plain, _), (doubly, _) = both(TEXTS[case], Aim(4)), both(TEXTS[case], Aim(4, 0.0, True))
    count, rows = 20_000, np.array([0, 3, 5, 10])
    one, other = (GroupedPart(p.parts.part(rows, 3.0), 4) for p in (plain, doubly))
    theta = np.repeat(one.of(plain.start)[None], count, axis=0)
    e = np.random.default_rng(6).random((count, one.program.noise))
    (f, a), (same, b) = one.program.estimate(theta, e), other.program.estimate(theta, e)
    np.testing.assert_allclose(f, same)
    gap = a - b
    assert np.abs(gap).max() > 1e-3
    assert (np.abs(gap.mean(axis=0)) < 4.5 * gap.std(axis=0) / np.sqrt(count) + 1e-9).all()


def test_the_value_over_all_data_is_that_of_its_stretches() -> None:
    """Values of the bound over all rows, for draws of their own, against those of all rows at once."""
    parted, whole = both(SQUARES, Aim(4, 0.0, True))
    theta, rng = whole.start, np.random.default_rng(7)
    found = GroupedParts(parted, 4).values(theta, 4000, rng)
    rows = np.repeat(theta[None], 4000, axis=0)
    expected, _ = whole.estimate(rows, rng.random((4000, whole.noise)))
    error = np.hypot(found.std(), expected.std()) / np.sqrt(4000)
    assert abs(found.mean() - expected.mean()) < 4 * error


# Two draws of a row are tied by their sum, which a guide with independent draws cannot say.
TIED = """
data { y: real }
model {
  v[row] ~ Normal(0, 1)
  z[row] ~ Normal(0, 1)
  y ~ Normal(v + z, 0.5)
}
guide {
  param a = 0.1
  param c = 0.1
  param s: real > 0 = 0.5
  v[row] ~ Normal(a * y, s)
  z[row] ~ Normal(c * y, s)
}
"""


def test_a_fit_by_minibatches_lies_between_the_elbo_and_the_evidence() -> None:
    y = np.random.default_rng(8).normal(size=400) * 1.5
    evidence = norm.logpdf(y, 0, 1.5).sum()
    plain = api.compile(TIED).fit({"y": y}, batch=50, steps=1500, draws=200)
    found = api.compile(TIED).fit({"y": y}, batch=50, steps=1500, draws=200, objective="iwae:8")
    assert found.search is not None and found.search.bound == "importance-weighted bound of 8 draws"
    assert found.search.batch == 50 and found.search.value_se < 3
    assert plain.evidence.elbo + 60 < found.search.value < evidence + 3 * found.search.value_se
    # weights make the guide wider than what it is fitted to by the evidence lower bound
    assert found.params["s"].value > 1.2 * plain.params["s"].value
    again = api.compile(TIED).fit({"y": y}, batch=50, steps=1500, draws=200, objective="iwae:8")
    assert again.search is not None and again.search.value == found.search.value


def test_without_a_guide_rows_have_normals_of_their_own() -> None:
    y = np.random.default_rng(9).normal(size=40)
    text = LOCAL.replace("x: real", "").replace("b * x", "b").replace("z^3", "z")
    found = api.compile(text).fit({"y": y}, batch=10, steps=4000, objective="iwae:3", draws=200)
    assert found.search is not None
    exact = norm.logpdf(y, y.mean(), np.sqrt(2)).sum()
    assert found.search.value == pytest.approx(exact, abs=0.6)


def test_draws_that_rows_share_have_no_weight_of_a_row() -> None:
    text = "data { y: real }\nmodel { m ~ Normal(0, 1)\n z[row] ~ Normal(m, 1)\n y ~ Normal(z, 1) }"
    with pytest.raises(ModelError) as problem:
        api.compile(text).fit({"y": [1.0, 2.0, 0.5]}, batch=2, objective="iwae:3")
    (found,) = problem.value.diagnostics
    assert found.code == "E556" and "`m`" in found.message and found.span is not None


def test_densities_of_rows_within_a_group_have_no_weight_of_it() -> None:
    text = "data { y: real\n g: factor }\nmodel { z[g] ~ Normal(0, 1)\n y ~ Normal(z[g], 1) }"
    data = {"y": [1.0, 2.0, 0.5, 1.5], "g": ["a", "a", "b", "b"]}
    with pytest.raises(ModelError) as problem:
        api.compile(text).fit(data, batch=1, batch_by="g", objective="iwae:3")
    assert [d.code for d in problem.value.diagnostics] == ["E556"] and "`g`" in problem.value.diagnostics[0].message

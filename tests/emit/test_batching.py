"""A minibatch is the same program on fewer rows: averaged over a partition of the rows, its gradient is that of all."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from ppl import api
from ppl.data.bind import bind
from ppl.emit.batch import BatchedObjective, bind_batched
from ppl.emit.bind_objective import ObjectiveProgram, bind_objective
from ppl.emit.objective_program import emit_objective
from ppl.emit.part import Part
from ppl.graph.graph import guide_of, lower, unknowns
from ppl.rewrite.batching import batching
from ppl.rewrite.plan import plan
from ppl.source.diagnostic import ModelError

Array = npt.NDArray[np.float64]
ROWS, DRAWS = 24, 6
RNG = np.random.default_rng(5)
SCHOOLS, PUPILS = RNG.integers(0, 4, 8), RNG.integers(0, 8, ROWS)
DATA: dict[str, object] = {
    "x": RNG.normal(size=ROWS),
    "y": RNG.normal(size=ROWS),
    "won": RNG.integers(0, 2, ROWS),
    "pupil": [f"p{i}" for i in PUPILS],
    "school": [f"s{SCHOOLS[i]}" for i in PUPILS],
    "px1": RNG.integers(0, 2, ROWS),
    "px2": RNG.integers(0, 2, ROWS),
    "px3": RNG.integers(0, 2, ROWS),
    "hole": np.where(RNG.random(ROWS) < 0.3, np.nan, RNG.normal(size=ROWS)),
}
REGRESSION = """
data { x: real
  y: real }
model {
  a ~ Normal(0, 1)
  b ~ Normal(0, 1)
  s ~ HalfNormal(1)
  z = (x - mean(x)) / sd(x)
  y ~ Normal(a + b * z, s)
}
"""
GROUPS = """
data { won: bool
  x: real
  school: factor }
model {
  m ~ Normal(0, 1)
  s ~ HalfNormal(1)
  a[school] ~ Normal(m, s)
  won ~ Bernoulli(logit=a[school] + x)
}
"""
NESTED = """
data { y: real
  pupil: factor
  school: factor per pupil }
model {
  m ~ Normal(0, 1)
  a[school] ~ Normal(m, 1)
  b[pupil] ~ Normal(a[school], 1)
  y ~ Normal(b[pupil], 1)
}
"""
LOCAL = """
data { y: real }
model {
  m ~ Normal(0, 1)
  z[row] ~ Normal(m, 1)
  y ~ Normal(z^3, 1)
}
"""
LABELS = """
axis k = 2
data { y: real }
model {
  w[k] ~ Dirichlet(1)
  m[k] ~ Ordered(Normal(0, 3))
  z[row] ~ Categorical(w)
  y ~ Normal(m[z], 1)
}
"""
SCORED = """
data { y: real }
model {
  m ~ Normal(0, 1)
  z[row] ~ Bernoulli(0.3)
  y ~ Normal(m * z, 1)
}
guide {
  param l = 0.2
  param c = 0.1
  @score
  z[row] ~ Bernoulli(logit=l + c * y)
}
"""
PAIRED = """
data { px[pixel]: bool from "px1".."px3" }
axis code = 2
net encoder(px[pixel]) -> q[code], s[code] {
  h = dense(px, 4, tanh)
  q = dense(h, code)
  s = exp(dense(h, code))
}
net decoder(z[code]) -> logits[pixel] { logits = dense(z, pixel) }
model {
  z[row, code] ~ Normal(0, 1)
  px ~ Bernoulli(logit=decoder(z))
}
guide {
  e = encoder(px)
  z[row, code] ~ Normal(e.q, e.s)
}
"""
LOSS = """
data { x: real
  y: real }
model {
  param b = 0.5
  u ~ Normal(0, 1)
}
minimize mean((y - b * x - u)^2) + 3 * sum(abs(y - b), over=row) / 7 + b^2
"""
ROWWISE = """
data { x: real
  y: real }
model {
  param b = 0.5
  u ~ Normal(0, 1)
}
maximize -(y - b * x - u)^2
"""
FACTOR = """
data { x: real }
model {
  m ~ Normal(0, 1)
  factor 2 * sum(-(x - m)^2) - m^4
}
"""
BLANKS = """
data { x: real
  hole: real? }
model {
  m ~ Normal(0, 1)
  hole ~ Normal(m * x, 1)
}
"""
EARLIER = """
data { y: real }
model {
  a ~ Normal(0, 1)
  for t in row { y[t] ~ if t <= 2 then Flat() else Normal(a * y[t - 1] + 0.01 * t, 1) }
}
"""
CASES = {
    "whole data": (REGRESSION, ""),
    "groups": (GROUPS, ""),
    "groups whole": (GROUPS, "school"),
    "nested": (NESTED, "school"),
    "local": (LOCAL, ""),
    "labels": (LABELS, ""),
    "scores": (SCORED, ""),
    "amortised": (PAIRED, ""),
    "loss": (LOSS, ""),
    "loss by row": (ROWWISE, ""),
    "factor": (FACTOR, ""),
    "blanks": (BLANKS, ""),
    "earlier data": (EARLIER, ""),
}


def made(text: str, by: str, size: int) -> tuple[ObjectiveProgram, BatchedObjective]:
    """The objective on all rows at once, and part by part, of the same plan."""
    model = api.compile(text)
    graph = plan(lower(model.core), guide_of(model.graph), kept=[n.name for n in unknowns(model.graph)])
    guide, estimators = guide_of(graph), api.estimators_of(graph)
    columns = {c.name: c for c in model.core.data.columns}
    names = [n for n in DATA if n in columns or n.startswith("px")]
    bound = bind(model.core.data, {n: DATA[n] for n in names})
    parted = emit_objective(graph, guide, estimators, batching=batching(graph, guide, by))
    return bind_objective(emit_objective(graph, guide, estimators), bound), bind_batched(graph, parted, bound, size)


def noise_of(parted: BatchedObjective, part: Part, e: Array) -> Array:
    """The uniform numbers of a part, out of those of all positions."""
    out = np.empty((len(e), part.program.noise))
    for n in parted.emitted.noises:
        block = e[:, parted.parts.full.noises[n.key]].reshape(len(e), *(parted.sizes[a] for a in n.axes))
        for at, axis in enumerate(n.axes):
            if axis in part.chosen:
                block = np.take(block, part.chosen[axis], 1 + at)
        out[:, part.layout.noises[n.key]] = block.reshape(len(e), -1)
    return out


def partition(parted: BatchedObjective, size: int) -> Sequence[Part]:
    """Minibatches that together are all positions."""
    order = np.random.default_rng(1).permutation(parted.count)
    groups = [np.sort(order[at : at + size]) for at in range(0, parted.count, size)]
    return [parted.parts.part(group, parted.count / size) for group in groups]


def summed(parted: BatchedObjective, parts: Sequence[Part], theta: Array, e: Array) -> tuple[Array, Array]:
    """The mean value and the mean gradient over parts."""
    value, slope = np.zeros(len(e)), np.zeros((len(e), parted.dim))
    for part in parts:
        own = np.tile(part.of(theta), (len(e), 1))
        f, g = part.program.estimate(own, noise_of(parted, part, e))
        value += f / len(parts)
        slope[:, slice(None) if part.index is None else part.index] += g / len(parts)
    return value, slope


@pytest.mark.parametrize("case", CASES)
def test_the_mean_over_a_partition_is_the_whole(case: str) -> None:
    text, by = CASES[case]
    whole, parted = made(text, by, 1)
    rng = np.random.default_rng(3)
    theta = parted.start + 0.3 * rng.normal(size=parted.dim)
    e = rng.random((DRAWS, whole.noise))
    expected = whole.estimate(np.tile(theta, (DRAWS, 1)), e)
    size = 1 if parted.count % 6 else 6
    value, slope = summed(parted, partition(parted, size), theta, e)
    assert np.abs(slope).max() > 1e-3
    np.testing.assert_allclose(value, expected[0], rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(slope, expected[1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", ["whole data", "local", "groups whole", "blanks"])
def test_the_start_and_the_weights_are_those_of_the_whole(case: str) -> None:
    text, by = CASES[case]
    whole, parted = made(text, by, 1)
    np.testing.assert_array_equal(parted.start, whole.start)
    theta = whole.start + 0.1
    e = np.random.default_rng(0).random((3, parted.noise))
    found = parted.log_weight(theta, e)
    # the same draws, put together from those of one stretch
    (part,) = list(parted.stretches(3))
    again = whole.log_weight(np.tile(theta, (3, 1)), parted.filled(part, e))
    np.testing.assert_allclose(found, again, rtol=1e-12)


def test_weights_over_several_stretches_count_what_is_shared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parted = made(GROUPS, "", 5)
    theta = parted.start + 0.2
    e = np.random.default_rng(0).random((4, parted.noise))
    monkeypatch.setattr("ppl.emit.batch.STRETCH", 7 * 4)
    assert len(list(parted.stretches(4))) > 3
    expected = whole.log_weight(np.tile(theta, (4, 1)), e[:, :-1])
    np.testing.assert_allclose(parted.log_weight(theta, e), expected, rtol=1e-12)


def test_draws_of_rows_are_put_in_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parted = made(LOCAL, "", 5)
    theta = parted.start.copy()
    theta[parted.slots["z.loc"]] = np.arange(ROWS)
    theta[parted.slots["z.log_sd"]] = -30.0
    monkeypatch.setattr("ppl.emit.batch.STRETCH", 35)
    e = np.random.default_rng(0).random((5, parted.noise))
    found = parted.named(e, theta, frozenset(["m", "z"]))
    assert found["m"].shape == (5,)
    np.testing.assert_allclose(found["z"], np.tile(np.arange(ROWS), (5, 1)), atol=1e-9)


def test_minibatches_are_uniform_and_see_every_row_once_in_a_pass() -> None:
    _, parted = made(REGRESSION, "", 8)
    parts = parted.minibatches(np.random.default_rng(0))
    seen = np.concatenate([next(parts).chosen["row"] for _ in range(3)])
    assert sorted(seen) == list(range(ROWS))
    counts = np.bincount(np.concatenate([next(parts).chosen["row"] for _ in range(300)]), minlength=ROWS)
    assert set(counts) == {100}


def test_gradients_of_minibatches_are_unbiased() -> None:
    """By chance, too: the mean over many random minibatches, in standard errors."""
    whole, parted = made(GROUPS, "", 5)
    rng = np.random.default_rng(2)
    theta, e = parted.start + 0.4, rng.random((DRAWS, whole.noise))
    expected = whole.estimate(np.tile(theta, (DRAWS, 1)), e)[1].mean(0)
    found = np.array([summed(parted, [parted.sample(rng, 5)], theta, e)[1].mean(0) for _ in range(400)])
    z = (found.mean(0) - expected) / (found.std(0) / 20.0 + 1e-12)
    assert np.abs(z).max() < 4.5


# ---- what cannot be --------------------------------------------------------------------------------------------------

COUPLED: Mapping[str, tuple[str, str, str, str]] = {
    "lag": (
        "data { y: real }\nmodel { for t in row { z[t] ~ if t == 1 then Normal(0, 1) else Normal(z[t - 1], 1) }\n"
        "  y ~ Normal(z, 1) }",
        "",
        "`z[row - 1]`",
        "drop --batch",
    ),
    "sum": (
        "data { y: real }\nmodel { z[row] ~ Normal(0, 1)\n  y ~ Normal(mean(z), 1) }",
        "",
        "`mean` takes `z` at all positions together",
        "drop --batch",
    ),
    "vector": (
        "data { y: real }\nmodel { z[row] ~ Dirichlet(1)\n  y ~ Normal(z, 1) }",
        "",
        "`z` is one draw for all positions",
        "drop --batch",
    ),
    "eliminated": (
        "data { y: real\n  school: factor }\nmodel { m ~ Normal(0, 1)\n  z[school] ~ Bernoulli(0.5)\n"
        "  y ~ Normal(m * z[school], 1) }",
        "",
        "`z` is summed out over all the rows that read it",
        "`--batch-by school`",
    ),
    "squared": (
        "data { y: real }\nmodel { param b = 1\n  u ~ Normal(0, 1) }\nminimize (mean(y * b) - u)^2",
        "",
        "`mean` takes `b`, `y` at all positions together",
        "drop --batch",
    ),
    "other group": (
        'data { y: real\n  school: factor ["a", "b"] }\nmodel { m[school] ~ Normal(0, 1)\n'
        '  y ~ Normal(m[school] - m["a"], 1) }',
        "school",
        "is read at a position of its own choice",
        "drop --batch",
    ),
}


@pytest.mark.parametrize("case", COUPLED)
def test_rows_that_depend_on_each_other_are_refused(case: str) -> None:
    text, by, why, hint = COUPLED[case]
    model = api.compile(text)
    with pytest.raises(ModelError) as caught:
        batching(model.graph, guide_of(model.graph), by)
    (found, *_) = caught.value.diagnostics
    assert found.code == "E520" and why in found.message and hint in found.hint
    assert found.span is not None


def test_what_does_not_exist_is_no_group() -> None:
    model = api.compile(GROUPS)
    for by, code in (("x", "E521"), ("nothing", "E521")):
        with pytest.raises(ModelError, match=code):
            batching(model.graph, None, by)
    with pytest.raises(ModelError, match="E521"):
        batching(api.compile("model { a ~ Normal(0, 1) }").graph, None, "")
    with pytest.raises(ModelError, match="E522"):
        made(GROUPS, "", ROWS + 1)

"""Fits by minibatches against closed forms, and against fits of all rows at once."""

from time import perf_counter
from typing import Any

import numpy as np
import pytest

from ppl import api
from ppl.emit.batch import BatchedObjective
from ppl.infer import adam, newton
from ppl.infer.approximation import Approximation, Options
from ppl.infer.minibatch import fit_minibatches, loose
from ppl.infer.objective import NotFinite, Run
from ppl.infer.parts import AllData, Sampled, Unparted, is_heavy
from ppl.results.fit import Fit

RNG = np.random.default_rng(7)
ROWS = 3000
X = RNG.normal(size=ROWS)
Y = 0.5 + 2.0 * X + RNG.normal(size=ROWS)
LINE = """
data { x: real
  y: real }
model {
  a ~ Normal(0, 10)
  b ~ Normal(0, 10)
  y ~ Normal(a + b * x, 1)
}
"""
LOCAL = """
data { y: real }
model {
  m ~ Normal(0, 10)
  z[row] ~ Normal(m, 1)
  y ~ Normal(z, 0.5)
}
"""
LEARNED = """
data { y: real }
model { param m = 0
  u ~ Normal(0, 1) }
minimize mean((y - m - 0 * u)^2)
"""


def line() -> tuple[np.ndarray, np.ndarray]:
    """The posterior mean (2,) and covariance (2, 2) of the line: it is normal."""
    design = np.column_stack([np.ones(ROWS), X])
    covariance = np.linalg.inv(design.T @ design + np.eye(2) / 100.0)
    return covariance @ design.T @ Y, covariance


def parted(text: str, batch: int, by: str | None = None, **data: Any) -> BatchedObjective:
    return api.compile(text).minibatched(batch, by, data)[1]


def fitted(text: str, batch: int, options: Options = Options(), **data: Any) -> Approximation:  # noqa: B008
    return fit_minibatches(parted(text, batch, **data), options)


def begun(program: BatchedObjective) -> Run:
    """What the steps of an engine need."""
    sampled = Sampled(program, iter(()), np.random.default_rng(0))
    return Run(sampled, Options(), lambda progress: None, lambda: False, perf_counter())


@pytest.fixture(scope="module")
def exact() -> Fit:
    return api.compile(LINE).fit({"x": X, "y": Y}, batch=100)


def test_a_normal_posterior_is_found_with_its_covariance(exact: Fit) -> None:
    mean, covariance = line()
    sd = np.sqrt(np.diag(covariance))
    draws = np.stack([exact["a"].draws, exact["b"].draws])  # type: ignore[union-attr]
    assert np.abs(draws.mean(1) - mean).max() < 0.05 * sd.min()
    np.testing.assert_allclose(np.cov(draws), covariance, atol=0.08 * covariance.max())
    assert exact.trust.verdict == "ok" and exact.converged
    assert exact.search is not None and exact.search.method == "sample and all data"
    design = np.column_stack([np.ones(ROWS), X])
    evidence = -0.5 * (
        ROWS * np.log(2 * np.pi)
        + np.linalg.slogdet(np.eye(2) + 100 * design.T @ design)[1]
        + Y @ Y
        - Y @ design @ covariance @ design.T @ Y
    )
    assert abs(exact.evidence.log_evidence - evidence) < 0.01


def test_adam_comes_to_the_same_place() -> None:
    mean, covariance = line()
    model, program, _ = api.compile(LINE).minibatched(100, None, {"x": X, "y": Y})
    found = fit_minibatches(program, Options(steps=3000, rate=0.03))
    draws = program.named(found.u[:2000], found.w, frozenset("ab"))
    sd = np.sqrt(np.diag(covariance))
    assert np.abs([draws["a"].mean() - mean[0], draws["b"].mean() - mean[1]]).max() < 0.5 * sd.min()
    assert 0.8 < draws["a"].std() / sd[0] < 1.25 and 0.8 < draws["b"].std() / sd[1] < 1.25
    assert found.optimum is not None and found.optimum.method == "minibatches"
    assert found.optimum.steps == 3000 and found.optimum.rate == 0.03


def test_unknowns_of_rows_are_found_row_by_row() -> None:
    y = RNG.normal(1.0, 1.1, size=60)
    model, program, _ = api.compile(LOCAL).minibatched(20, None, {"y": y})
    found = fit_minibatches(program, Options(steps=4000, rate=0.05, draws=1000))
    draws = program.named(found.u, found.w, frozenset(["m", "z"]))
    # the optimum of independent normals has the means of the posterior
    precision = np.eye(61) * 5.0
    precision[60, :60] = precision[:60, 60] = -1.0
    precision[60, 60] = 60.01
    mean = np.linalg.solve(precision, np.append(4.0 * y, 0.0))
    assert np.abs(draws["z"].mean(0) - mean[:60]).max() < 0.12
    np.testing.assert_allclose(draws["z"].std(0), 5.0**-0.5, rtol=0.15)
    assert abs(draws["m"].mean() - mean[60]) < 0.1
    # whether the guide fits was not measured, and is not claimed
    assert found.trust.verdict == "warn" and not found.evidence.corrected


def test_parameters_without_draws_are_exact() -> None:
    found = fitted(LEARNED, 50, Options(), y=Y[:500])
    assert found.w[0] == pytest.approx(Y[:500].mean(), abs=1e-6)
    assert found.evidence.elbo == pytest.approx(-Y[:500].var(), rel=1e-9)
    assert found.family == "objective" and found.trust.verdict == "ok"


def test_the_same_seed_gives_the_same_bits() -> None:
    fits = [fitted(LOCAL, 10, Options(steps=60, rate=0.1, seed=seed, draws=100), y=Y[:40]).w for seed in (1, 1, 2)]
    np.testing.assert_array_equal(fits[0], fits[1])
    assert not np.array_equal(fits[0], fits[2])


def test_coordinates_of_rows_that_were_not_met_stay() -> None:
    program = parted(LOCAL, 5, y=Y[:40])
    run = begun(program)
    walker = adam.standing(program.start, lazy=True)
    part = program.parts.part(np.arange(5, 10), 8.0)
    adam.step(run, program, walker, part, 2, 0.1, np.random.default_rng(0))
    moved = walker.theta[program.slots["z.loc"]] != program.start[program.slots["z.loc"]]
    assert list(np.flatnonzero(moved)) == list(range(5, 10))
    # Adam's first step has the length of the rate, however often the batch goes into the data
    np.testing.assert_allclose(np.abs(walker.theta[program.slots["z.loc"]][5:10]), 0.1, rtol=1e-6)


def test_gradients_over_all_data_are_sums_over_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    program = parted(LINE, 100, x=X, y=Y)
    theta, e = program.start + 0.1, np.random.default_rng(0).random((4, program.shared))
    whole = AllData(program, 4).estimate(np.tile(theta, (4, 1)), e)
    monkeypatch.setattr("ppl.emit.batch.STRETCH", 1000)
    assert len(list(program.stretches(4))) > 3
    again = AllData(program, 4).estimate(np.tile(theta, (4, 1)), e)
    for one, other in zip(whole, again, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-7)


def test_mirrored_draws_take_the_noise_of_minibatches_out_of_scales() -> None:
    """The slope of a log sd in one minibatch is that of the curvature, not of the gradient."""
    program = parted(LINE, 10, x=X, y=Y)
    theta = program.start.copy()
    sampled = Sampled(program, program.minibatches(np.random.default_rng(0)), np.random.default_rng(1))
    found = np.array([sampled.estimate(np.tile(theta, (2, 1)), np.empty((2, 0)))[1] for _ in range(200)])
    paired, single = found.mean(1).var(0), found[:, 0].var(0)
    assert (paired < single).any() and np.min(paired / single) < 0.1


@pytest.mark.parametrize(("dim", "suits"), [(newton.MOST, True), (newton.MOST + 1, False)])
def test_newton_is_for_few_parameters(dim: int, suits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    program = parted(LINE, 100, x=X, y=Y)
    monkeypatch.setattr(newton, "MOST", program.dim - dim + newton.MOST)
    assert newton.suits(program) is suits
    assert not newton.suits(parted(LOCAL, 5, y=Y[:40]))


def test_time_that_runs_out_is_said() -> None:
    found = fitted(LOCAL, 10, Options(max_seconds=0.05, rate=0.1, draws=100), y=Y[:40])
    assert found.reason == "out of time" and found.trust.verdict != "ok"


def test_what_is_nowhere_finite_is_said() -> None:
    text = "data { y: real }\nmodel { m ~ Normal(0, 1)\n  z[row] ~ Normal(m, 1)\n  y ~ Exponential(exp(z)) }"
    with pytest.raises(NotFinite):
        fitted(text, 5, Options(rate=0.1, steps=10), y=-np.abs(Y[:20]))


def test_objectives_that_are_too_large_are_taken_by_steps() -> None:
    text = "data { y: real }\nmodel { m ~ Normal(0, 1)\n  y ~ Normal(m, 1) }"
    program = api.compile(text).objective({"y": Y[:50]})
    assert not is_heavy(program)
    found = fit_minibatches(Unparted(program), Options(steps=1500, rate=0.05))
    drawn = program.constrained(found.u[:1000, : program.noise], found.w)["m"]
    assert drawn.mean() == pytest.approx(Y[:50].sum() / 51, abs=0.03)
    assert drawn.std() == pytest.approx(51**-0.5, rel=0.15)


def test_rows_whose_unknowns_are_fitted_badly_are_counted() -> None:
    program = parted(LOCAL, 20, y=Y[:100])
    run = begun(program)
    theta = program.start.copy()
    theta[program.slots["m.loc"]], theta[program.slots["m.log_sd"]] = 1.0, -20.0
    # given m, each z is normal with precision 5
    theta[program.slots["z.loc"]], theta[program.slots["z.log_sd"]] = (4.0 * Y[:100] + 1.0) / 5.0, -0.5 * np.log(5.0)
    e = np.full((1, program.noise), 0.5)
    weights = program.log_weights_of(theta, np.arange(7, 20), e, np.random.default_rng(0))
    assert weights is not None and weights.shape[1] == 13
    # the weight of an exact guide is the evidence of its row
    evidence = -0.5 * np.log(2 * np.pi * 1.25) - 0.5 * (Y[7:20] - 1.0) ** 2 / 1.25
    np.testing.assert_allclose(weights, np.tile(evidence, (len(weights), 1)), atol=1e-9)
    assert loose(run, program, theta, e) == 0.0
    theta[program.slots["z.log_sd"]] -= 2.0
    assert loose(run, program, theta, e) > 0.7


def test_a_walk_that_is_ruined_goes_back_with_a_smaller_rate() -> None:
    program = parted(LINE, 100, x=X, y=Y)
    run, walker = begun(program), adam.standing(program.start, lazy=False)
    course = adam.Course(
        run, program, walker, 0.03, program.minibatches(np.random.default_rng(0)), np.random.default_rng(1)
    )
    for _ in range(2 * adam.LOOK):
        course.go()
    assert course.there is not None
    best = course.there[0].copy()
    walker.theta[:] = np.nan
    course.go()
    np.testing.assert_array_equal(walker.theta, best)
    assert course.rate == pytest.approx(0.01) and not course.ended
    walker.theta[program.slots["a+b.loc"]] += 30.0
    for _ in range(adam.LOOK):
        course.go(1e-9)
    np.testing.assert_array_equal(walker.theta, best)

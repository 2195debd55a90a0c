"""Truncated, censored, mixed and inflated distributions: they integrate to one, and their gradients are right."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from ppl.api import Model, compile
from ppl.check.core import Derived, Dist, Site
from ppl.emit.bind import Program, bind_program
from ppl.emit.program import emit
from ppl.forward.data import world_of
from ppl.forward.densities import log_density
from ppl.forward.draws import draw
from ppl.forward.expressions import evaluate
from ppl.forward.named import Named
from ppl.forward.world import World

# What a case may name besides its columns and unknowns.
DERIVED = {"low_seen": "y <= -0.5", "high_seen": "y >= 1.5", "some": "y > -50"}
NODES, WEIGHTS = np.polynomial.legendre.leggauss(120)


@dataclass(frozen=True)
class Case:
    """`y ~ dist`, whose values lie from `low` to `high`: numbers, or counts. `knots` are where the density has corners.
    Of a censored one, `rest` are the rows of what was not seen, as columns."""

    dist: str
    low: float
    high: float
    kind: str = "real"
    knots: tuple[float, ...] = ()
    rest: dict[str, list[Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.dist


def counts(dist: str, low: int, high: int, **rest: list[Any]) -> Case:
    return Case(dist, low, high, "int", rest=rest)


def censored(dist: str, low: float, high: float, *knots: float, **rest: list[Any]) -> Case:
    return Case(dist, low, high, "real", knots, rest)


# With a, b and c around zero: one family each, cut on both sides, within what it may be.
FAMILIES = (
    Case("Truncated(Normal(a, exp(b)), lower=-1, upper=2)", -1, 2),
    Case("Truncated(StudentT(4, a, exp(b)), lower=-1, upper=2)", -1, 2),
    Case("Truncated(Cauchy(a, exp(b)), lower=-1, upper=2)", -1, 2),
    Case("Truncated(Laplace(0.25, exp(b)), lower=-1, upper=2)", -1, 2, knots=(0.25,)),
    Case("Truncated(Logistic(a, exp(b)), lower=-1, upper=2)", -1, 2),
    Case("Truncated(Gumbel(a, exp(b)), lower=-1, upper=2)", -1, 2),
    Case("Truncated(Uniform(-2, 5), lower=-1, upper=2)", -1, 2),
    Case("Truncated(Beta(2, 3), lower=0.1, upper=0.7)", 0.1, 0.7),
    Case("Truncated(HalfNormal(exp(b)), lower=0.2, upper=2)", 0.2, 2),
    Case("Truncated(HalfCauchy(exp(b)), lower=0.2, upper=2)", 0.2, 2),
    Case("Truncated(HalfStudentT(4, exp(b)), lower=0.2, upper=2)", 0.2, 2),
    Case("Truncated(LogNormal(a, exp(b)), lower=0.2, upper=2)", 0.2, 2),
    Case("Truncated(Exponential(exp(b)), lower=0.2, upper=2)", 0.2, 2),
    Case("Truncated(Gamma(exp(a), exp(b)), lower=0.2, upper=2)", 0.2, 2),
    Case("Truncated(InvGamma(exp(a), exp(b)), lower=0.2, upper=2)", 0.2, 2),
    Case("Truncated(Weibull(exp(a), exp(b)), lower=0.2, upper=2)", 0.2, 2),
    Case("Truncated(Pareto(1, exp(b)), lower=1.2, upper=3)", 1.2, 3),
    counts("Truncated(Poisson(exp(a)), lower=1, upper=6)", 0, 9),
    counts("Truncated(Binomial(9, sigmoid(a)), lower=2, upper=7)", 0, 9),
    counts("Truncated(NegBinomial(exp(a), exp(b)), lower=1, upper=6)", 0, 9),
    counts("Truncated(Geometric(sigmoid(a)), lower=1, upper=6)", 0, 9),
    counts("Truncated(DiscreteUniform(0, 8), lower=2, upper=6)", 0, 9),
)
ONE_SIDED = (
    Case("Truncated(Normal(a, exp(b)), lower=0.5)", 0.5, 30, knots=(3.0, 8.0)),
    Case("Truncated(Normal(a, exp(b)), upper=0.5)", -30, 0.5, knots=(-8.0, -3.0)),
    Case("Truncated(Normal(a, exp(b)), lower=15)", 15, 40, knots=(15.5, 17.0, 20.0)),
    Case("Truncated(Gamma(2 + exp(a), exp(b)), lower=-3)", 0, 60, knots=(1.0, 4.0, 15.0)),
    Case("Truncated(Gamma(2 + exp(a), exp(b)), upper=1.5)", 0, 1.5),
    counts("Truncated(Poisson(exp(a)), lower=1)", 0, 40),
    counts("Truncated(Poisson(exp(a)), upper=3)", 0, 9),
    counts("Truncated(Poisson(exp(a)), lower=1.5, upper=5.5)", 0, 9),
    counts("Truncated(NegBinomial(exp(a), exp(b)), lower=2)", 0, 400),
)
NESTED = (
    Case("Truncated(Mixture(w, Normal(m, exp(b))), lower=-1, upper=3)", -1, 3),
    Case("Truncated(Mixture(w, Normal(m, exp(b))), lower=0)", 0, 40, knots=(2.0, 5.0, 12.0)),
    Case("Truncated(Mixture(w, Gamma(exp(2 + m), exp(b))), lower=0.5, upper=3)", 0.5, 3),
    Case("Truncated(if gone then Normal(a, exp(b)) else Cauchy(a, 1), lower=-1, upper=2)", -1, 2),
    Case("Truncated(Truncated(Normal(a, exp(b)), lower=-3, upper=2), lower=-1, upper=9)", -1, 2),
    Case("Mixture(w, Truncated(Normal(m, exp(b)), lower=0))", 0, 40, knots=(2.0, 5.0, 12.0)),
    Case("Mixture(w, Truncated(Cauchy(m, exp(b)), lower=-1, upper=1))", -1, 1),
    Case("if gone then Uniform(0, 3) else Truncated(Normal(a, 1), lower=0, upper=3)", 0, 3),
    counts("ZeroInflated(sigmoid(c), Poisson(exp(a)))", 0, 40),
    counts("ZeroInflated(sigmoid(c), Truncated(Poisson(exp(a)), lower=1))", 0, 40),
    counts("ZeroInflated(sigmoid(c), Truncated(NegBinomial(exp(a), exp(b)), lower=1, upper=7))", 0, 9),
    counts("Truncated(ZeroInflated(sigmoid(c), Poisson(exp(a))), upper=3)", 0, 9),
    counts("Truncated(ZeroInflated(sigmoid(c), Poisson(exp(a))), lower=1)", 0, 40),
    counts("Truncated(ZeroInflated(sigmoid(c), Binomial(9, sigmoid(a))), lower=0, upper=8)", 0, 9),
    counts("Truncated(Mixture(w, Poisson(exp(m))), lower=1, upper=6)", 0, 9),
    counts("Mixture(w, ZeroInflated(sigmoid(c), Poisson(exp(m))))", 0, 40),
)
RIGHT, LEFT = {"y": [1.5], "gone": ["true"]}, {"y": [-0.5], "gone": ["true"]}
CENSORED = (
    censored("Censored(Normal(a, exp(b)), right=gone)", -30, 1.5, -8.0, -3.0, **RIGHT),
    censored("Censored(Normal(a, exp(b)), left=gone)", -0.5, 30, 3.0, 8.0, **LEFT),
    censored("Censored(Weibull(2 + exp(a), exp(b)), right=gone)", 0, 1.5, 0.02, 0.2, **RIGHT),
    censored("Censored(StudentT(4, a, exp(b)), left=low_seen, right=high_seen)", -0.5, 1.5, y=[-0.5, 1.5]),
    censored("Censored(Logistic(a, exp(b)), left=y <= -0.5, right=y >= 1.5)", -0.5, 1.5, y=[-0.5, 1.5]),
    censored("Censored(Mixture(w, Normal(m, exp(b))), right=gone)", -30, 1.5, -8.0, -3.0, **RIGHT),
    censored("Censored(Truncated(Normal(a, exp(b)), lower=-1, upper=2), right=gone)", -1, 1.5, **RIGHT),
    censored("Censored(Truncated(Normal(a, exp(b)), lower=-1), left=gone)", -0.5, 30, 3.0, 8.0, **LEFT),
    censored("Censored(Truncated(Mixture(w, Normal(m, 1)), lower=-1), right=gone)", -1, 1.5, **RIGHT),
    censored("Censored(if some then Normal(a, 1) else Normal(0, 1), right=gone)", -30, 1.5, -8.0, -3.0, **RIGHT),
    censored("Mixture(w, Censored(Normal(m, exp(b)), right=gone))", -30, 1.5, -8.0, -3.0, **RIGHT),
    counts("Censored(Poisson(exp(a)), right=gone)", 0, 4, y=[4], gone=["true"]),
    counts("Censored(ZeroInflated(sigmoid(c), Poisson(exp(a))), right=gone)", 0, 4, y=[4], gone=["true"]),
    counts("Censored(Truncated(Poisson(exp(a)), upper=8), right=gone)", 0, 4, y=[4], gone=["true"]),
)
CASES = (*FAMILIES, *ONE_SIDED, *NESTED, *CENSORED)


def model_of(case: Case) -> Model:
    """The model of a case, which has what the case names."""
    gone = "  gone: bool\n" if "gone" in case.dist else ""
    upto = "  upto: real\n" if "upto" in case.dist else ""
    return compile(
        f"axis k = 2\ndata {{\n  y: {case.kind}\n{gone}{upto}}}\nmodel {{\n"
        "  a ~ Normal(0, 1)\n  b ~ Normal(0, 1)\n  c ~ Normal(0, 1)\n  m[k] ~ Ordered(Normal(0, 1))\n"
        "  w[k] ~ Dirichlet(1)\n"
        + "".join(f"  {n} = {e}\n" for n, e in DERIVED.items() if n in case.dist)
        + f"  y ~ {case.dist}\n}}\n"
    )


def terms_of(model: Model, data: dict[str, list[Any]]) -> np.ndarray:
    """The log density of every row, at a few values of the unknowns."""
    _, bound = model.bind(data)
    program = bind_program(emit(model.graph, with_terms=True), bound)
    terms = program.terms(points(program), np.zeros(program.weights))
    return np.asarray(next(v for name, v in terms.items() if name.partition(" ")[0] == "y"))


def grid(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Values with weights such that the weighted sum of a density is its integral, or its sum."""
    if case.kind == "int":
        values = np.arange(case.low, case.high + 1)
        return values, np.ones(len(values))
    ends = [case.low, *case.knots, case.high]
    pieces = [(lo + (hi - lo) * (NODES + 1) / 2, WEIGHTS * (hi - lo) / 2) for lo, hi in pairwise(ends)]
    values, weights = zip(*pieces)
    return np.concatenate(values), np.concatenate(weights)


def table(case: Case, values: np.ndarray) -> dict[str, list[Any]]:
    """The values as rows that were seen, and those of what was not."""
    seen = [int(v) for v in values] if case.kind == "int" else values.tolist()
    more = len(case.rest.get("y", ()))
    out: dict[str, list[Any]] = {"y": [*seen, *case.rest.get("y", ())]}
    if "gone" in case.dist:
        out["gone"] = [*["false"] * len(seen), *case.rest.get("gone", ["false"] * more)]
    return out


def points(program: Program) -> np.ndarray:
    return 0.4 * np.random.default_rng(5).standard_normal((3, program.dim))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_density_integrates_to_one(case: Case) -> None:
    model = model_of(case)
    values, weights = grid(case)
    terms = terms_of(model, table(case, values))
    rest = np.ones(len(case.rest.get("y", ())))
    total = np.exp(terms) @ np.concatenate([weights, rest])
    assert np.allclose(total, 1.0, rtol=0, atol=3e-7), total


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_gradient_is_that_of_differences(case: Case) -> None:
    model = model_of(case)
    low, high = max(case.low, -1.5), min(case.high, max(case.low, 0) + 9.0)
    values = np.linspace(low, high, 9)[1:-1]
    if case.kind == "int":
        values = np.unique(np.round(values)).astype(int)
    keep = np.isfinite(terms_of(model, table(case, values))).all(0)
    assert keep.sum() >= 2
    data = {name: [x for x, k in zip(column, keep) if k] for name, column in table(case, values).items()}
    program, _ = model.bind(data)
    assert isinstance(program, Program)
    u, w = points(program), np.zeros(program.weights)
    value, gradient, _ = program.value_and_grad(u, w)
    assert np.isfinite(value).all() and np.isfinite(gradient).all()
    for i, h in enumerate(3e-5 * np.eye(program.dim)):
        slope = (program.value(u + h, w) - program.value(u - h, w)) / 6e-5
        assert np.allclose(gradient[:, i], slope, rtol=2e-6, atol=2e-5), i


# ---- the same, forward -------------------------------------------------------------------------------------------


def world_at(case: Case, values: np.ndarray) -> tuple[World, Dist, np.ndarray]:
    """The data and one point of the unknowns, as the forward interpreter has them; the distribution of `y`; and its
    density at `values` by the program."""
    model = model_of(case)
    data = table(case, values)
    _, bound = model.bind(data)
    program = bind_program(emit(model.graph, with_terms=True), bound)
    u, w = points(program)[:1], np.zeros(program.weights)
    world = world_of(model.core, bound)
    for name, value in program.constrained(u, w).items():
        world.names[name] = Named(value, dict(program.emitted.reported)[name])
    for each in (s for s in model.core.statements if isinstance(s, Derived)):
        world.names[each.name] = evaluate(each.value, world)
    site = next(s for s in model.core.statements if isinstance(s, Site) and s.role == "observed")
    return world, site.dist, terms_of(model, data)[0]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_forward_interpreter_has_the_same_density(case: Case) -> None:
    values = np.arange(0, 9) if case.kind == "int" else np.linspace(case.low + 1e-3, min(case.high, case.low + 5), 12)
    world, dist, expected = world_at(case, values)
    with np.errstate(all="ignore"):
        found = log_density(dist, world.names["y"], world).values[0]
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", (*ONE_SIDED, *NESTED), ids=str)
def test_draws_are_spread_as_the_density_says(case: Case) -> None:
    """Means of sines of draws, which are bounded, against the same integrals."""
    values, weights = grid(case)
    world, dist, density = world_at(case, values)
    rows, draws = len(values), 60_000 // len(values)
    with np.errstate(all="ignore"):
        found = draw(dist, ("row",), draws, world, np.random.default_rng(3)).values
    assert found.shape == (draws, rows) and found.min() >= case.low - 1e-9 and found.max() <= case.high + 1e-9
    for scale in (0.7, 2.0):
        expected = np.sin(scale * values + 0.3) @ (weights * np.exp(density))
        mean = np.sin(scale * found + 0.3)
        assert abs(mean.mean() - expected) < 4.5 * mean.std() / np.sqrt(mean.size) + 1e-6

"""Which densities only ask for the side of one threshold, and what is gained from it."""

import numpy as np
import pytest

from ppl.api import compile
from ppl.check.check import check
from ppl.graph.graph import lower, unknowns
from ppl.rewrite.canonical import canonical
from ppl.rewrite.guards import jumps_of
from ppl.rewrite.sides import sides
from ppl.syntax.parse import parse

DATA = "data {\n  x: real\n  c: real\n}\n\nfun side(v) = if v > 0 then 1 else -2\n\n"
ONE = {
    "a guard in a mean": "z ~ Normal(0, 1)\n  x ~ Normal(if z > 0 then 1 else -2, 1)",
    "a threshold for each row": "z ~ Normal(0, 1)\n  x ~ Normal(if z > c then 1 else -2, 1)",
    "through a derived value": "z ~ Normal(0, 1)\n  up = z > c\n  m = if up then 1 else 0\n  x ~ Normal(m, 1)",
    "a regime that depends on the one before": (
        "for t in row {\n"
        "    f[t] ~ if t == 1 then Normal(0, 1) else Normal(if f[t - 1] > 0 then 0.7 else -0.7, 1)\n  }\n"
        "  x ~ Normal(if f > 0 then 1 else 0, 1)"
    ),
    "two unknowns, a side each": (
        "z ~ Normal(0, 1)\n  w ~ Normal(0, 2)\n  x ~ Normal((if z > 0 then 1 else 0) + (if w < 1 then 2 else 0), 1)"
    ),
    "below rather than above": "z ~ Normal(0, 1)\n  x ~ Normal(if 2 * z < c then 1 else -2, 1)",
}
MORE = {
    "the value and its side": "z ~ Normal(0, 1)\n  x ~ Normal(if z > 0 then z + 1 else 0, 1)",
    "two thresholds in one density": (
        "z ~ Normal(0, 1)\n  x ~ Normal((if z > 0 then 1 else 0) + (if z > 1 then 1 else 0), 1)"
    ),
    "one function for two comparisons": "z ~ Normal(0, 1)\n  x ~ Normal(side(z) + side(z - 1), 1)",
    "sides of all rows in one number": "z ~ Normal(0, 1)\n  n = sum(if z > c then 1 else 0)\n  x ~ Normal(n, 1)",
    "neighbours in one density": (
        "for t in row {\n"
        "    f[t] ~ if t == 1 then Normal(0, 1) else Normal(if f[t - 1] > 0 then f[t - 1] else -0.7, 1)\n  }\n"
        "  x ~ Normal(f, 1)"
    ),
}


def found(body: str, name: str) -> object:
    core = check(parse(f"{DATA}model {{\n  {body}\n}}\n", "model.ppl")).core
    assert core is not None
    graph = canonical(lower(core))
    guards = jumps_of(graph, name)
    assert isinstance(guards, tuple) and guards
    return sides(graph, None, name, guards, frozenset())


@pytest.mark.parametrize("case", ONE)
def test_one_side_of_one_threshold(case: str) -> None:
    assert found(ONE[case], "f" if "f[t]" in ONE[case] else "z")


@pytest.mark.parametrize("case", MORE)
def test_more_than_a_side(case: str) -> None:
    assert found(MORE[case], "f" if "f[t]" in MORE[case] else "z") is None


@pytest.mark.parametrize("case", {**ONE, **MORE})
def test_the_gradient_is_that_of_scores(case: str) -> None:
    text = f"{DATA}model {{\n  {(ONE | MORE)[case]}\n}}\n"
    data = {"x": np.array([0.3, -1.0, 0.8]), "c": np.array([-0.5, 0.2, 1.0])}
    model = compile(text)
    plans = {n.name: n.plan for n in unknowns(model.graph) if n.plan is not None}
    assert "stratified" in {p.estimator for p in plans.values()}
    means, errors = [], []
    for program in (model.objective(data), compile(text, estimators=dict.fromkeys(plans, "score")).objective(data)):
        theta = program.start + 0.1
        e = np.random.default_rng(0).random((40_000, program.noise))
        _, g = program.estimate(np.broadcast_to(theta, (len(e), program.dim)), e)
        means.append(g.mean(axis=0))
        errors.append(g.std(axis=0) / np.sqrt(len(g)))
    z = (means[0] - means[1]) / np.hypot(*errors)
    assert np.abs(z).max() < 4.5
    assert (errors[0] <= 1.05 * errors[1]).all()

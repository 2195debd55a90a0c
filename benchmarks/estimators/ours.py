"""ppl on the ten problems: `models/NAME.ppl` with its guide, the estimators that the planner chooses, no annotation."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from guides import Problem, parameter_names, to_guide, to_vector
from scripts.common import moments

import ppl
from ppl.infer.engine import Options
from ppl.source.diagnostic import Bug, ModelError

HERE = Path(__file__).parent
BLOCK = 1000
# The names of the file's parameters in the order of the problem's vector.
PARAMETERS = {
    "spnor": "m1 m2",
    "bernoulli_if": "l",
    "relu": "m r",
    "mixed": "l m r",
    "gmm": "l m0 m1 r0 r1",
    "textmsg": "m0 r0 m1 r1 m r",
    "influenza": "mv rv mw rw m0 mf r0 rf",
    "cone": "mx rx my ry",
    "eight_schools": "m r mt rt mj rj",
    "funnel": "mv rv mx rx",
}
COLUMNS: Mapping[str, Callable[[Problem], dict[str, Any] | None]] = {
    "gmm": lambda p: {"y": p.data["y"]},
    "textmsg": lambda p: {"count": p.data["count"], "cut": p.data["cut"]},
    "influenza": lambda p: {"mortality": np.array(p.data["y"])[None, :]},  # one row of twelve months
    "eight_schools": lambda p: {"school": list("ABCDEFGH"), "y": p.data["y"], "se": p.data["se"]},
}


def ours(problem: Problem, draws: int, budget: float) -> dict[str, dict[str, Any]]:
    """The cells of scripts/common.py: gradients at the problem's point, and a fit with its defaults."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = load(problem)
            out = {"lines": 0, "estimators": estimators(model), **gradients(model, problem, draws, budget)}
        except (ModelError, Bug, RecursionError) as error:
            return {"ppl": {"lines": 0, "error": f"{type(error).__name__}: {str(error)[:200]}", "warnings": []}}
        try:
            out |= fitted(model, problem)
        except (ModelError, Bug) as error:
            out["fit_error"] = f"{type(error).__name__}: {str(error)[:200]}"
    return {"ppl": out | {"warnings": [str(one.message) for one in caught]}}


def load(problem: Problem) -> ppl.Model:
    return ppl.load(HERE / "models" / f"{problem.name}.ppl")


def estimators(model: ppl.Model) -> str:
    found = {
        data["node"].name: data["node"].plan
        for _, data in model.graph.nodes(data=True)
        if "node" in data and getattr(data["node"], "plan", None)
    }
    return ", ".join(f"{name} {plan.estimator}" for name, plan in found.items())


def data_of(problem: Problem) -> dict[str, Any] | None:
    return COLUMNS.get(problem.name, lambda p: None)(problem)


def places(program: Any, problem: Problem) -> np.ndarray:
    """Where the problem's parameters stand in theta."""
    at = np.concatenate([np.arange(program.dim)[program.blocks[name]] for name in PARAMETERS[problem.name].split()])
    if at.size != len(parameter_names(problem)):
        raise ValueError(f"{problem.name}: {at.size} parameters instead of {len(parameter_names(problem))}")
    return at


def estimator_at(
    model: ppl.Model, problem: Problem, vector: np.ndarray
) -> Callable[[np.random.Generator, int], np.ndarray]:
    """(rng, S) -> gradient rows (S, P) at the problem's parameters `vector`."""
    program = model.objective(data_of(problem))
    at = places(program, problem)
    theta = np.zeros(program.dim)
    theta[at] = vector
    return lambda rng, size: program.estimate(
        np.broadcast_to(theta, (size, theta.size)), rng.random((size, program.noise))
    )[1][:, at]


def gradients(model: ppl.Model, problem: Problem, draws: int, budget: float) -> dict[str, Any]:
    """Rows of one call may be each other's baselines, so that only the means of calls are independent."""
    rows, rng = estimator_at(model, problem, to_vector(problem, problem.point)), np.random.default_rng(1)
    return moments(lambda i: rows(rng, BLOCK).mean(axis=0), draws, BLOCK, budget)


def fitted(model: ppl.Model, problem: Problem) -> dict[str, Any]:
    began = perf_counter()
    program, bound = model.bind(data_of(problem))
    theta = np.asarray(model.infer(program, bound, Options()).loc)
    guide = to_guide(problem, theta[places(program, problem)])
    return {
        "fit": {name: [m.tolist(), s.tolist()] for name, (m, s) in guide.items()},
        "fit_seconds": perf_counter() - began,
    }

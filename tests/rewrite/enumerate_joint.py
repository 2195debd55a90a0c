"""Sums over all assignments of the discrete unknowns of a model, one at a time, by hand-written log joints."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from ppl.api import compile
from ppl.check.check import check
from ppl.emit.bind import Program
from ppl.graph.graph import lower
from ppl.rewrite.canonical import canonical
from ppl.rewrite.eliminate import eliminations
from ppl.rewrite.order import Refusal
from ppl.syntax.parse import parse

Values = dict[str, np.ndarray]


def program_of(text: str, data: object) -> Program:
    return compile(text).bind(data)[0]


def refusals(text: str) -> list[tuple[str, str]]:
    """Why discrete unknowns of a model cannot be summed out, each with the text that decided."""
    core = check(parse(text, "<model>")).core
    assert core is not None
    found = eliminations(canonical(lower(core))).values()
    return [(r.reason, text[r.where.start : r.where.end]) for r in found if isinstance(r, Refusal)]


def points(program: Program, seed: int = 0, draws: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Random coordinates, with centred weights: a real unknown is then its own coordinate."""
    rng = np.random.default_rng(seed)
    return rng.normal(0.0, 0.8, (draws, program.dim)), np.ones(program.weights)


def enumerate_joint(
    levels: Sequence[Sequence[float]], log_joint: Callable[[np.ndarray], float]
) -> tuple[float, list[np.ndarray]]:
    """log sum over all assignments of exp(log joint), and the probabilities of every level of every unknown. `levels`
    has one entry for each position of each unknown."""
    assignments = list(product(*levels))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.array([log_joint(np.array(z)) for z in assignments])
    top = logs.max()
    total = float(top + np.log(np.exp(logs - top).sum()))
    shares = np.exp(logs - total)
    found = [
        np.array([shares[[z[i] == level for z in assignments]].sum() for level in each])
        for i, each in enumerate(levels)
    ]
    return total, found


def one_draw(named: dict[str, Any], s: int) -> Values:
    return {name: np.asarray(v)[s] for name, v in named.items()}

"""The interpreter and the emitted programs compute the same values: two ways that share only the tables."""

from pathlib import Path

import numpy as np
import pytest

from ppl.api import load
from ppl.check.core import Derived, FactorTerm, Site
from ppl.data.bind import bind
from ppl.emit.bind import Program, bind_program
from ppl.emit.bind_objective import ObjectiveProgram
from ppl.emit.program import emit
from ppl.forward.data import world_of
from ppl.forward.densities import log_density
from ppl.forward.expressions import evaluate
from ppl.forward.named import Named, aligned
from ppl.forward.needs import behind
from ppl.forward.run import run
from ppl.results.joint import completed_column

MODELS = sorted((Path(__file__).parents[2] / "models").glob("*.ppl"))
DRAWS = 3


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_values_and_densities(path: Path) -> None:
    """Derived values and what each observed column adds to the log density, at points drawn at random."""
    data = path.with_suffix(".csv")
    model = load(path, guide="auto")
    core, rng = model.core, np.random.default_rng(1)
    if core.data.columns and not data.is_file():
        pytest.skip("its data are made elsewhere")
    bound = bind(core.data, str(data) if data.is_file() else None)
    program, _ = model.bind(str(data) if data.is_file() else None)
    world = world_of(core, bound)
    if isinstance(program, ObjectiveProgram):
        pytest.skip("its draws come from a guide")
    assert isinstance(program, Program)
    program = bind_program(emit(model.graph, with_terms=True), bound)
    u, w = 0.3 * rng.normal(size=(DRAWS, program.dim)), np.full(program.weights, 0.5)
    values, terms = program.constrained(u, w), program.terms(u, w)
    axes = dict(program.emitted.reported)
    for s in core.statements:
        if isinstance(s, Site) and s.name in values:
            v = Named(values[s.name], axes[s.name])
            world.names[s.name] = v if s.role != "imputed" else completed_column(bound.columns[s.name], v.values)
    known = set(world.names)
    lost = {s.name for s in core.statements if isinstance(s, Site)} - known
    every = [s for s in core.statements if isinstance(s, Site | Derived)]
    statements = [s for s in every if isinstance(s, Derived) and not {x.name for x in behind([s.name], every)} & lost]
    run(statements, world, DRAWS, rng)
    compared = 0
    for s in statements:
        if s.name not in values:
            continue
        full = np.broadcast_to(aligned(world.names[s.name], axes[s.name]), np.shape(values[s.name]))
        np.testing.assert_allclose(full, values[s.name], rtol=1e-9, atol=1e-9, err_msg=s.name)
        compared += 1
    for s in core.statements:
        if isinstance(s, Site) and s.role == "observed" and s.name in terms and s.name in known | {s.name}:
            x = evaluate(s.value, world) if s.value is not None else world.names[s.name]
            here = _total(log_density(s.dist, x, world))
            np.testing.assert_allclose(here, _total(_term(terms[s.name])), rtol=1e-9, atol=1e-9, err_msg=s.name)
            compared += 1
        elif isinstance(s, FactorTerm) and s.name in terms:
            np.testing.assert_allclose(
                _total(evaluate(s.value, world)), _total(_term(terms[s.name])), rtol=1e-9, err_msg=s.name
            )
            compared += 1
    if not compared:
        pytest.skip("every density is summed over unknowns")


def _term(values: np.ndarray) -> Named:
    return Named(values, tuple(f"a{i}" for i in range(values.ndim - 1)))


def _total(v: Named) -> np.ndarray:
    return np.broadcast_to(v.values.reshape(len(v.values), -1).sum(axis=1), (DRAWS,))

"""The interpreter solves differential equations like the programs do."""

import numpy as np
import pytest

from ppl.api import compile
from ppl.check.core import Derived, Site
from ppl.data.bind import bind
from ppl.forward.data import world_of
from ppl.forward.named import Named, aligned
from ppl.forward.run import run
from tests.emit.ode_cases import CASES, DATA, program

DRAWS = 4


@pytest.mark.parametrize("name", CASES)
def test_solutions_are_those_of_the_program(name: str) -> None:
    functions, solved, _ = CASES[name]
    model = compile(program(functions, solved))
    program_, bound = model.bind(DATA)
    rng = np.random.default_rng(2)
    u, w = 0.4 * rng.normal(size=(DRAWS, program_.dim)), np.zeros(len(program_.emitted.weights))
    values, axes = program_.constrained(u, w), dict(program_.emitted.reported)
    world = world_of(model.core, bind(model.core.data, DATA))
    world.names.update(
        {
            s.name: Named(values[s.name], axes[s.name])
            for s in model.core.statements
            if isinstance(s, Site) and s.name in values
        }
    )
    run([s for s in model.core.statements if isinstance(s, Derived)], world, DRAWS, rng)
    expected = values["z"]
    np.testing.assert_allclose(
        np.broadcast_to(aligned(world.names["z"], axes["z"]), expected.shape), expected, rtol=1e-9
    )

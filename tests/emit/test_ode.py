"""Programs with differential equations: values against closed forms, gradients against differences."""

import numpy as np
import pytest

from ppl.api import compile
from ppl.check.check import check
from ppl.source.codes import CODES
from ppl.source.diagnostic import ModelError
from ppl.syntax.parse import parse
from tests.emit.ode_cases import CASES, DATA, HEAD, TIMES, program

RNG = np.random.default_rng(6)


def bound(functions: str, body: str):
    return compile(program(functions, body)).bind(DATA)[0]


@pytest.mark.parametrize("name", CASES)
def test_solutions_are_those_of_the_closed_form(name):
    functions, solved, closed = CASES[name]
    one, other = bound(functions, solved), bound(functions, closed)
    u, w = 0.4 * RNG.normal(size=(5, one.dim)), np.zeros(len(one.emitted.weights))
    value, grad, _ = one.value_and_grad(u, w)
    expected, slope, _ = other.value_and_grad(u, w)
    np.testing.assert_allclose(one._log_density(u, w), value, rtol=1e-12)
    np.testing.assert_allclose(value, expected, rtol=2e-5, atol=2e-5)
    np.testing.assert_allclose(grad, slope, rtol=2e-4, atol=2e-4)


# Steps across a jump of the rate are refused by its size: they move with the unknowns, which is no part of a gradient.
@pytest.mark.parametrize("name", [name for name in CASES if name != "a switch in time"])
def test_gradients_match_differences_at_a_tight_tolerance(name):
    functions, solved, _ = CASES[name]
    program = bound(functions, solved.replace("t0=0)", "t0=0, rtol=1e-10, atol=1e-11)"))
    u, w = 0.4 * RNG.normal(size=(2, program.dim)), np.zeros(len(program.emitted.weights))
    _, grad, _ = program.value_and_grad(u, w)
    for i in range(program.dim):
        step = np.zeros(program.dim)
        step[i] = 1e-3
        f = {h: program._log_density(u + h * step, w) for h in (-2, -1, 1, 2)}
        expected = (8 * (f[1] - f[-1]) - (f[2] - f[-2])) / 12e-3
        np.testing.assert_allclose(grad[:, i], expected, rtol=1e-5, atol=1e-6)


def test_a_draw_does_not_depend_on_the_others():
    functions, solved, _ = CASES["a chain of two, and the start unknown"]
    program = bound(functions, solved)
    u, w = RNG.normal(size=(6, program.dim)), np.zeros(len(program.emitted.weights))
    alone = [program.value_and_grad(x[None], w) for x in u]
    together = program.value_and_grad(u, w)
    np.testing.assert_allclose(together[0], np.concatenate([a[0] for a in alone]), rtol=1e-10)
    np.testing.assert_allclose(together[1], np.concatenate([a[1] for a in alone]), rtol=1e-8)


def test_the_start_is_the_earliest_time_unless_said_otherwise():
    functions, solved, _ = CASES["one number"]
    program = bound(functions, solved.replace(", t0=0", ""))
    named = program.constrained(np.zeros((1, program.dim)), np.zeros(0))
    np.testing.assert_allclose(named["z"][0], 2 * np.exp(-(TIMES - 0.5)), rtol=1e-5)


def test_a_time_before_the_start_is_an_error():
    functions, solved, _ = CASES["one number"]
    with pytest.raises(ModelError, match="E376"):
        bound(functions, solved.replace("t0=0", "t0=1"))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("ode(f, 1, time * q, k)", "E375.axes"),
        ("ode(f, 1, time, k, t0=k)", "E375"),
        ("ode(f, 1, time, k, steps=0)", "E375.setting"),
        ("ode(f, 1, time, k, nonsense=1)", "E373"),
        ("ode(f, 1, 2, k)", "E373.start"),
        ("ode(sqrt, 1, time, k)", "E374"),
    ],
)
def test_what_is_no_equation(call, code):
    text = (
        f"{HEAD}fun f(t, z, k) = -k * z\nmodel {{\n  k ~ HalfNormal(1)\n  q[part] = [1, 2]\n  z[row, part] = {call}\n"
    )
    found = check(parse(text + "  y ~ Normal(z[1], 1)\n}\n", "m.ppl"))
    assert [d.code for d in found.diagnostics] == [code.partition(".")[0]]
    assert found.diagnostics[0].message.startswith(CODES[code].message.partition("{")[0])


def test_a_single_time():
    one = bound("fun f(t, z, k) = -k * z", "k ~ HalfNormal(1)\n  z = ode(f, 2, 3, k, t0=1)")
    np.testing.assert_allclose(one.constrained(np.zeros((1, 2)), np.zeros(0))["z"], 2 * np.exp(-2.0), rtol=1e-5)


def test_a_draw_that_needs_too_many_steps_has_no_density():
    one = bound("fun f(t, z, k) = -k * z", "k ~ LogNormal(0, 10)\n  z = ode(f, 2, time, k, t0=0, steps=50)")
    u = np.array([[np.log(1e6), 0.0], [0.0, 0.0]])
    value, grad, _ = one.value_and_grad(u, np.zeros(0))
    assert not np.isfinite(value[0]) and np.isfinite(value[1])
    assert np.isfinite(grad[1]).all()


def test_draws_of_an_objective_flow_through_the_solution():
    """E[(2 exp(-k) - 1)^2] with k = m + e / 10, against the same in closed form, at the same draws."""
    text = "fun f(t, z, k) = -k * z\nparam m = 0.3\nmodel {\n  k ~ Normal(m, 0.1)\n  z = ZED\n}\nminimize (z - 1)^2\n"
    found = []
    for zed in ("ode(f, 2, 1, k, t0=0)", "2 * exp(-k)"):
        objective = compile(text.replace("ZED", zed)).objective()
        e = np.random.default_rng(1).random((200, objective.noise))
        theta = np.full((200, objective.dim), 0.3)
        found.append(objective.estimate(theta, e))
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-5)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-4, atol=1e-5)


def test_a_stiff_equation_is_named():
    text = f"{HEAD}fun f(t, z, k) = -k * (z - cos(t))\nmodel {{\n  k ~ Uniform(1e7, 2e7)\n"
    text += "  z = ode(f, 2, time, k, t0=0, steps=50)\n  y ~ Normal(z, 1)\n}\n"
    with pytest.raises(ModelError, match=r"E377.*`z`"):
        compile(text).fit(DATA)


# ---- what is known of a solution -----------------------------------------------------------------------------------

SIGNS = {
    '[-a * z["gut"], a * z["gut"] - z["blood"] / (1 + z["blood"])]': True,
    '[a - z["gut"], z["gut"] * z["blood"]]': True,
    "-a * z": True,
    '[(1 - z["gut"] / (1 + z["gut"])) / 2, a * (1 - z["blood"])]': True,
    '[(1 - z["gut"]) * (a - 1), 0]': False,
    '[-a * z["blood"], a * z["gut"]]': False,
    '[-a, z["gut"]]': False,
    '[-z["gut"] / (z["gut"] - a), 0]': False,
}


@pytest.mark.parametrize("rate", SIGNS)
def test_states_are_known_to_stay_positive(rate):
    text = f"{HEAD}fun f(t, z, a) = {rate}\nmodel {{\n  a ~ HalfNormal(1)\n  s[row, part] = ode(f, [1, 0], time, a)\n"
    found = check(parse(text + '  y ~ Normal(s["gut"], 1)\n}\n', "m.ppl"))
    assert found.core is not None
    limits = dict(found.core.bounds)["s"]
    assert (limits.low == 0.0) is SIGNS[rate]


def test_the_logarithm_of_a_positive_state_is_smooth():
    text = HEAD + 'fun f(t, z, a) = [-a * z["gut"], a * z["gut"]]\nmodel {\n  a ~ HalfNormal(1)\n'
    text += '  s[row, part] = ode(f, [1, 0], time, a, t0=0)\n  dose ~ LogNormal(log(s["blood"]), 1)\n}\n'
    assert "a (reparam)" in repr(compile(text))

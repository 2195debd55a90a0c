"""The builder's laws: whatever it simplifies, a program means what plain numpy says, and so does its gradient."""

import numpy as np
import pytest
from programs import RANK, Random, Step, emitted, interpreted, layout, random_program
from scipy.special import expit
from scipy.stats import norm, poisson

from ppl.api import compile
from ppl.emit.values import Builder

BLOCKS, EACH = 20, 50
STEPS = np.array([-2.0, -1.0, 1.0, 2.0])
WEIGHTS = np.array([1.0, -8.0, 8.0, -1.0]) / 12.0


def roots_of(p: Random) -> list[int]:
    """The last value, and two others."""
    n = len(p.steps)
    return sorted({n - 1, int(p.rng.integers(n)), int(p.rng.integers(n))})


def numeric_slopes(p: Random, roots: list[int], u: np.ndarray, h: float) -> np.ndarray:
    """Fourth-order differences of the naive meaning at one point, all coordinates in one call."""
    dim = u.shape[-1]
    moved = u + h * (STEPS[:, None, None] * np.eye(dim)[None]).reshape(-1, dim)
    values, _ = interpreted(p, roots, moved)
    return WEIGHTS @ values.reshape(4, dim) / h


def verify_program(seed: int) -> None:
    with np.errstate(all="ignore"):
        p = random_program(seed)
        roots = roots_of(p)
        f, text = emitted(p, roots)
        names, slots, dim = layout(p)
        base = np.concatenate([p.point[n].reshape(-1) for n in names])
        rng = np.random.default_rng(seed)
        u = base + np.array([0.0, 1e-3, -1e-3])[: int(rng.integers(1, 4)), None] * rng.normal(size=dim)
        value, grads = f(u)
        expected, scale = interpreted(p, roots, u)
        assert np.isfinite(expected[0])
        np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-11 * scale, err_msg=f"{seed}\n{text}")
        if dim == 0:
            return
        slopes = [numeric_slopes(p, roots, u[:1], h) for h in (1e-3, 3e-4)]
        got = np.concatenate([grads[n][0].reshape(-1) for n in names])
        trusted = np.abs(slopes[0] - slopes[1]) <= 1e-6 * (1.0 + np.abs(slopes[1]) + scale)
        assert np.isfinite(got).all(), f"{seed}\n{text}"
        np.testing.assert_allclose(
            got[trusted], slopes[1][trusted], rtol=1e-5, atol=1e-5 * (1 + scale), err_msg=f"{seed}\n{text}"
        )
        assert slots is not None


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_programs_mean_what_numpy_says(block: int) -> None:
    for i in range(EACH):
        verify_program(block * EACH + i)


def test_programs_cover_every_kind_of_step() -> None:
    seen = {step.op for seed in range(300) for step in random_program(seed).steps}
    assert seen >= {"sum", "max", "logsumexp", "cumsum", "gather", "segment", "rename", "stack", "tap", "where", "exp"}


def test_a_wrong_step_is_noticed() -> None:
    """The comparison has teeth: a program whose last step is changed no longer agrees."""
    p = random_program(3)
    f, _ = emitted(p, [len(p.steps) - 1])
    axes, _ = p.values[-1]
    p.steps[-1] = Step("lit", (), (123.0,))
    assert axes is not None
    names, _, _ = layout(p)
    u = np.concatenate([p.point[n].reshape(-1) for n in names])[None]
    value, _ = f(u)
    assert not np.allclose(value, interpreted(p, [len(p.steps) - 1], u)[0])


# ---- rules by example ----------------------------------------------------------------------------------------------


def test_equal_operations_on_other_axes_are_other_values() -> None:
    b = Builder(RANK)
    u = b.node("u", (), ("x",), ("g",), batch=True, stage=1)
    one = b.lit(1.0)
    assert b.node("tap", (one,), ("broadcast", "g"), ("g",)) is not b.node(
        "tap", (one,), ("broadcast", "g"), ("g",), batch=True
    )
    assert b.node("u", (), ("x",), ("g",), batch=True, stage=1) is u


def test_zero_keeps_its_place_in_a_reduction() -> None:
    """A product with zero is the number 0; a reduction over an axis that it lacks still knows the axis."""
    b = Builder(RANK)
    value = b.reduce("logsumexp", b.lit(0.0), "g")
    assert value.axes == () and value.args[0].axes == ("g",)


def test_counts_times_the_log_of_nothing_are_nothing() -> None:
    """0 log(0 exp(u)) = 0, as a Poisson count of zero at exposure zero asks."""
    model = compile(
        "data {\n  y: int\n  hours: real >= 0\n}\n\nmodel {\n  a ~ Normal(0, 1)\n  y ~ Poisson(hours * exp(a))\n}\n"
    )
    program, _ = model.bind({"y": [0, 2], "hours": [0.0, 1.5]})
    u = np.array([[0.3], [-0.7]])
    value, g, _ = program.value_and_grad(u, np.zeros(0))
    rate = 1.5 * np.exp(u[:, 0])
    np.testing.assert_allclose(value, norm.logpdf(u[:, 0]) + poisson.logpmf(2, rate), rtol=1e-12)
    np.testing.assert_allclose(g[:, 0], -u[:, 0] + 2 - rate, rtol=1e-12)


def test_entries_of_a_list_get_their_own_slope() -> None:
    model = compile(
        "axis k = 3\n\ndata {\n  y: real\n}\n\nmodel {\n  a ~ Normal(0, 1)\n  b ~ Normal(0, 1)\n"
        "  c[k] = [a, b, a * b]\n  factor c[k]^2\n  y ~ Normal(a, 1)\n}\n"
    )
    program, _ = model.bind({"y": [0.5]})
    u = np.array([[0.3, -1.2]])
    _, g, _ = program.value_and_grad(u, np.zeros(0))
    a, b = u[0]
    np.testing.assert_allclose(g[0], [-a + 2 * a + 2 * a * b**2 + 0.5 - a, -b + 2 * b + 2 * b * a**2], rtol=1e-12)


def test_whole_numbers_go_where_numbers_go() -> None:
    model = compile(
        "data {\n  y: real\n}\n\nmodel {\n  a ~ Normal(0, 1)\n"
        "  for t in row {\n    y[t] ~ Normal(a * sigmoid(t), 1)\n  }\n}\n"
    )
    program, _ = model.bind({"y": [0.5, 1.0]})
    value = program.value(np.array([[0.4]]), np.zeros(0))
    assert value[0] == pytest.approx(
        norm.logpdf(0.4) + norm.logpdf([0.5, 1.0], 0.4 * expit([1.0, 2.0])).sum(), rel=1e-12
    )


def test_constants_divide_as_arrays_do() -> None:
    b = Builder(RANK)
    assert b.apply("div", b.lit(1.0), b.lit(0.0)).attrs == (np.inf,)
    assert np.isnan(b.apply("pow", b.lit(-8.0), b.lit(1.5)).attrs[0])


def test_the_variance_of_one_row_is_no_number() -> None:
    model = compile("data {\n  y: real\n  x: real\n}\n\nmodel {\n  a ~ Normal(0, 1)\n  y ~ Normal(a + var(x), 1)\n}\n")
    program, _ = model.bind({"y": [0.5], "x": [1.0]})
    assert np.isnan(program.value(np.array([[0.4]]), np.zeros(0))).all()
    program, _ = model.bind({"y": [0.5, 1.0], "x": [1.0, 3.0]})
    assert np.isfinite(program.value(np.array([[0.4]]), np.zeros(0))).all()

"""How rough a density is in every unknown: by a table, and by looking for jumps in models that the planner accepts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from ppl.api import compile
from ppl.check.check import check
from ppl.emit.bind import Program
from ppl.graph.graph import lower
from ppl.rewrite.canonical import canonical
from ppl.rewrite.findings import Found
from ppl.rewrite.plan import is_objective, plan
from ppl.rewrite.roughness import roughness, shown, worst
from ppl.source.diagnostic import ModelError
from ppl.syntax.parse import parse

DATA = {
    "y": [0.3, -1.2, 0.8, 1.9],
    "x": [0.5, -0.4, 1.5, -2.0],
    "g": ["l", "r", "r", "l"],
    "n": [1, 0, 3, 2],
    "late": [True, False, False, True],
}
COLUMNS = "axis k = 3\n\ndata {\n  y: real\n  x: real\n  g: factor\n  n: int >= 0\n  late: bool\n}\n\n"


def model(body: str) -> str:
    return f"{COLUMNS}model {{\n{body}\n}}\n"


def level(body: str, name: str = "a") -> str:
    """How rough the model is in one unknown, as it is shown; "unknown" where that could not be told."""
    text = model(body)
    result = check(parse(text, "m.ppl"))
    assert result.core is not None, result.diagnostics
    found = [f[name] for f in roughness(canonical(lower(result.core))).values() if name in f]
    decided = worst(found).level
    return decided if decided == "unknown" else shown(decided)


PRIOR = "  a ~ Normal(0, 1)\n  b ~ Normal(0, 1)\n  s ~ HalfNormal(1)\n"
TABLE = [
    ("y ~ Normal(a, 1)", "smooth"),
    ("y ~ Normal(exp(a) * x, s)", "smooth"),
    ("y ~ Normal(sigmoid(a) + a^3, s)", "smooth"),
    ("y ~ Normal(log(1 + a^2), s)", "smooth"),
    ("y ~ Normal(a / (1 + b^2), s)", "smooth"),
    ("y ~ Normal(a / s, s)", "smooth"),
    ("y ~ Normal(if x > 0 then a else b, s)", "smooth"),
    ("y ~ Normal(if late then a else 0, s)", "smooth"),
    ("y ~ Normal(a * (x > 0), s)", "smooth"),
    ("y ~ Normal(a * floor(x), s)", "smooth"),
    ("y ~ StudentT(4, a, s)", "smooth"),
    ("y ~ Normal(0, exp(a))", "smooth"),
    ("n ~ Poisson(exp(a))", "smooth"),
    ("late ~ Bernoulli(sigmoid(a))", "smooth"),
    ("y ~ Censored(Normal(a, 1), right=late)", "smooth"),
    ("y ~ Truncated(Normal(a, 1), lower=-9)", "smooth"),
    # the value of a discrete unknown is summed out before anything jumps in it
    ("z[row] ~ Bernoulli(0.3)\n  y ~ Normal(if z then a else b, s)", "smooth"),
    # a support that moves with an unknown is a change of coordinates
    ("t ~ Uniform(a, a + s)\n  y ~ Normal(t, 1)", "smooth"),
    ("t ~ Truncated(Normal(0, 1), lower=a)\n  y ~ Normal(t, 1)", "smooth"),
    # jumps that no density reads
    ("up = a > 0\n  y ~ Normal(a, 1)", "smooth"),
    ("y ~ Normal(abs(a), 1)", "kink"),
    ("y ~ Normal(max(a, b), 1)", "kink"),
    ("y ~ Normal(min(a, 2), 1)", "kink"),
    ("y ~ Laplace(a, 1)", "kink"),
    ("c[k] ~ Normal(a, 1)\n  y ~ Normal(max(c), 1)", "smooth"),
    ("t ~ Truncated(Exponential(1), lower=a)\n  y ~ Normal(t, 1)", "kink"),
    ("y ~ Normal(if a > 0 then 1 else 0, 1)", "jump"),
    ("y ~ Normal(if a > 0 and x > 0 then 1 else 0, 1)", "jump"),
    ("y ~ Normal(floor(a), 1)", "jump"),
    ("y ~ Normal(round(a) * x, 1)", "jump"),
    ("y ~ Normal(a > b, 1)", "jump"),
    ("y ~ if a > 0 then Normal(a, 1) else Normal(0, 2)", "jump"),
    ("late ~ Bernoulli(if a > 0 then 0.9 else 0.1)", "jump"),
    ("t = if a > 0 then 1 else 0\n  y ~ Normal(t * x, 1)", "jump"),
    ("t ~ Uniform(0, floor(abs(a)) + 1)\n  y ~ Normal(t, 1)", "jump"),
    ("y ~ Uniform(a - 5, a + 5)", "unknown"),
    ("y ~ Truncated(Normal(0, 1), lower=a)", "unknown"),
    ("y ~ Normal(1 / a, 1)", "unknown"),
    ("y ~ Normal(log(a), 1)", "unknown"),
    ("y ~ Normal(sqrt(a), 1)", "unknown"),
    ("y ~ Normal(sqrt(abs(a)), 1)", "jump"),
    ("y ~ Normal(abs(a)^0.5, 1)", "jump"),
    ("factor if a > b then 0 else -1\n  y ~ Normal(a, 1)", "jump"),
    ("n ~ Poisson(max(a, 0))", "unknown"),
    ("late ~ Bernoulli(min(max(a, 0), 1))", "unknown"),
]


@pytest.mark.parametrize(("line", "wanted"), TABLE)
def test_level_of_a_line(line: str, wanted: str) -> None:
    assert level(PRIOR + "  " + line) == wanted


def findings(text: str) -> dict[str, Found]:
    result = check(parse(text, "m.ppl"))
    assert result.core is not None, result.diagnostics
    return roughness(lower(result.core))


def test_blanks_keep_an_unknown_limit_from_moving() -> None:
    text = (
        "data {\n  x: real?\n  y: real\n}\n\nmodel {\n  a ~ Normal(0, 1)\n"
        "  x ~ Truncated(Normal(0, 1), lower=a)\n  y ~ Normal(x, 1)\n}\n"
    )
    found = findings(text)["x"]["a"]
    assert found.level == "unknown"
    assert "support moves" in found.reason


def test_a_jump_far_downstream_is_blamed_on_what_decides() -> None:
    body = "  a ~ Normal(0, 1)\n  b ~ Normal(a, 1)\n  t = b + 1\n  r = if t > 0 then 1 else 0\n  y ~ Normal(r, 1)"
    found = findings(model(body))["y"]
    assert found.keys() == {"b"}
    assert (found["b"].level, found["b"].where.line) == ("jump", 15)


# ---- an independent search for jumps -----------------------------------------------------------------------------

Density = Callable[[np.ndarray], np.ndarray]
SEGMENTS, CELLS, HALVINGS, KEPT = 6, 160, 42, 12


@dataclass(frozen=True)
class Jump:
    """A place where the density jumps: coordinates on both sides, a hair apart, and the values there."""

    at: np.ndarray
    values: tuple[float, float]


def find_jump(f: Density, dim: int, rng: np.random.Generator) -> Jump | None:
    """Walks along random segments and halves the steepest cells until a continuous function could not differ."""
    ends = rng.normal(0.0, 1.5, (2, SEGMENTS, 1, dim))
    t = np.linspace(0.0, 1.0, CELLS + 1)[None, :, None]
    points = ends[0] + t * (ends[1] - ends[0])
    values = f(points.reshape(-1, dim)).reshape(SEGMENTS, CELLS + 1)
    rise = _rise(values[:, :-1], values[:, 1:]).ravel()
    steep = np.argsort(-rise)[:KEPT]
    low, high = points[:, :-1].reshape(-1, dim)[steep], points[:, 1:].reshape(-1, dim)[steep]
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        a, m, b = f(np.concatenate([low, middle, high])).reshape(3, -1)
        left = (_rise(a, m) >= _rise(m, b))[:, None]
        low, high = np.where(left, low, middle), np.where(left, middle, high)
    a, b = f(np.concatenate([low, high])).reshape(2, -1)
    worst = int(np.argmax(_rise(a, b) / (1.0 + np.minimum(np.abs(_finite(a)), np.abs(_finite(b))))))
    height = _rise(a, b)[worst]
    scale = 1.0 + float(np.abs(_finite(values)).max())
    return Jump(low[worst], (float(a[worst]), float(b[worst]))) if height > 1e-7 * scale else None


def _finite(v: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(v) & (np.abs(v) < 1e100), v, 0.0)


def _rise(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How much the values differ; the step from finite to infinite or undefined is the highest of all, except where
    the numbers themselves end."""
    a, b = (np.where(np.abs(v) > 1e100, -np.inf, v) for v in (a, b))
    both = np.isfinite(a) & np.isfinite(b)
    neither = ~np.isfinite(a) & ~np.isfinite(b)
    huge = np.maximum(np.abs(_finite(a)), np.abs(_finite(b))) > 1e12  # on its way to the end of the numbers
    return np.where(both, np.abs(_finite(a) - _finite(b)), np.where(neither | huge, 0.0, np.inf))


@pytest.mark.parametrize(
    ("f", "jumps"),
    [
        (lambda u: np.abs(u[:, 0]) + u[:, 1] ** 2, False),
        (lambda u: 50.0 * np.tanh(40.0 * u[:, 0]), False),
        (lambda u: np.maximum(u[:, 0], u[:, 1]) * 1e3, False),
        (lambda u: u[:, 0] + 1e-4 * (u[:, 1] > 0.3), True),
        (lambda u: np.floor(u[:, 0]) + u[:, 1], True),
        (lambda u: np.where(u[:, 0] > 0.2, u[:, 1], -np.inf), True),
        (lambda u: np.where(u[:, 0] > 0, u[:, 0], 0.0), False),
    ],
)
def test_the_search_finds_jumps_and_only_jumps(f: Density, jumps: bool) -> None:
    found = [find_jump(f, 2, np.random.default_rng(seed)) is not None for seed in range(5)]
    assert any(found) == jumps


# ---- random models -----------------------------------------------------------------------------------------------

REALS = ("a", "b", "s", "p", "x", "c[1]", "c[3]", "w[g]", "mean(c)", "sum(c)", "z", "0.5", "2", "-1", "floor(x)", "y2")
WRAPS = (
    "exp(0.3 * {0})", "sigmoid({0})", "({0})^2", "log(1 + ({0})^2)", "sqrt(1 + ({0})^2)", "1 / (1 + ({0})^2)",
    "abs({0})", "({0}) / (0.5 + s)", "log(s) + {0}", "({0})^3", "floor({0})", "round({0})", "sqrt({0})", 
     "sqrt(abs({0}))", "max(c) + {0}", "tanh({0})", "softplus({0})", "sd(c) * {0}",
)  # fmt: skip
PAIRS = (
    "{0} + {1}", "{0} - {1}", "({0}) * ({1})", "max({0}, {1})", "min({0}, {1})", "({0} > {1}) * {0}",
    "({0}) / (1 + abs({1}))", "(if {2} then {0} else {1})", "(if {2} then {0} else {1})", "({0}) / (0.3 + abs({1}))",
)  # fmt: skip
TESTS = (
    "x > 0", "late", 'g == "l"', "x > 0 and late", "not late", "x > 0 or z", "z", "{0} > {1}", "{0} > 0 and late",
    "floor({0}) == 1", "abs({0}) < 1",
)  # fmt: skip
LIKELIHOODS = (
    "y ~ Normal({0}, 1)", "y ~ Normal({0}, 0.5 + s)", "y ~ Normal({0}, exp(0.2 * ({1})))", "y ~ Laplace({0}, 1)",
    "n ~ Poisson(exp(0.2 * ({0})))", "n ~ Poisson(log=0.3 * ({0}))", "late ~ Bernoulli(logit={0})",
    "late ~ Bernoulli(sigmoid({0}))", "y ~ StudentT(4, {0}, 1)", "y ~ Truncated(Normal({0}, 1), lower=-9, upper=9)",
    "y ~ Censored(Normal({0}, 1), right=late)", "y ~ Uniform({0} - 9, {0} + 9)", "factor 0.1 * ({0})",
    "y ~ if {2} then Normal({0}, 1) else Normal({1}, 2)", "late ~ Bernoulli({0})", "n ~ Poisson({0})",
    "y ~ Normal({0}, 0.1 + abs({1}))",
)  # fmt: skip
EXTRAS = (
    "", "", "",
    "y2[row] ~ Uniform({0}, {0} + 1 + s)",
    "y2[row] ~ Truncated(Normal({0}, 1), lower={1})",
    "y2[row] ~ Truncated(Exponential(1), lower={0})",
    "y2[row] ~ Truncated(Normal(0, 1), lower=-1, upper=0.5 + ({0})^2)",
    "y2[row] ~ Normal({0}, 0.5 + s)",
    "y2 = {0}",
    "y2 = if {2} then {0} else {1}",
)  # fmt: skip
START = (
    "  a ~ Normal(0, 1)\n  b ~ Normal(a, 1)\n  s ~ HalfNormal(1)\n  p ~ Uniform(0, 1)\n  c[k] ~ Normal(b, 0.5 + s)\n"
    "  w[g] ~ Normal(0, s)\n  z[row] ~ Bernoulli(p)\n"
)
MODELS = 500


@dataclass
class Author:
    """Writes random models."""

    rng: np.random.Generator
    atoms: tuple[str, ...]

    def one(self, options: tuple[str, ...]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def test(self, depth: int) -> str:
        return self.one(TESTS).format(self.real(depth - 1), self.real(depth - 1))

    def real(self, depth: int) -> str:
        if depth <= 0:
            return self.one(self.atoms)
        if self.rng.random() < 0.5:
            return self.one(WRAPS).format(self.real(depth - 1))
        return self.one(PAIRS).format(self.real(depth - 1), self.real(depth - 1), self.test(depth - 1))

    def line(self, options: tuple[str, ...]) -> str:
        depth = int(self.rng.integers(1, 3))
        return self.one(options).format(self.real(depth), self.real(depth - 1), self.test(depth))


def random_model(seed: int) -> str:
    rng = np.random.default_rng(seed)
    without = Author(rng, tuple(a for a in REALS if a != "y2"))
    extra = without.line(EXTRAS)
    author = Author(rng, REALS) if extra else without
    lines = [extra, author.line(LIKELIHOODS)]
    return model(START + "\n".join(f"  {line}" for line in lines if line))


def accepted(text: str) -> Program | None:
    """The log density of a model, where paths are sound for every unknown that is not summed out."""
    try:
        core = check(parse(text, "m.ppl")).core
        if core is None or is_objective(plan(lower(core))):
            return None
        program = compile(text).bind(DATA)[0]
        assert isinstance(program, Program)
        return program
    except ModelError as problem:
        assert all(d.code.startswith("E") for d in problem.diagnostics)
        return None


def verify_slopes(program: Program, rng: np.random.Generator) -> None:
    """The gradient at random points, where two step lengths agree on it (no corner is near)."""
    u, w = rng.normal(size=(1, program.dim)), np.ones(program.weights)
    if not np.isfinite(program.value(u, w)).all():
        return  # a scale computed from the data is negative: no point has a density
    _, g, _ = program.value_and_grad(u, w)
    slopes = []
    for h in (1e-3, 3e-4):
        steps = h * np.eye(program.dim)
        ends = [program.value(u + k * steps, w) for k in (-2, -1, 1, 2)]
        slopes.append((ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * h))
    agree = np.abs(slopes[0] - slopes[1]) < 1e-6 * (1 + np.abs(slopes[1]))
    assert np.isfinite(g).all()
    np.testing.assert_allclose(g[0][agree], slopes[1][agree], rtol=1e-4, atol=1e-4 * (1 + np.abs(slopes[1]).max()))


@pytest.mark.parametrize("block", range(10))
def test_no_accepted_model_jumps(block: int) -> None:
    seen = 0
    for seed in range(block * MODELS // 10, (block + 1) * MODELS // 10):
        text = random_model(seed)
        program = accepted(text)
        if program is None:
            continue
        seen += 1
        rng = np.random.default_rng(seed)
        w = np.ones(program.weights)
        jump = find_jump(lambda u, program=program, w=w: program.value(u, w), program.dim, rng)
        assert jump is None, f"{text}\n{jump}"
        verify_slopes(program, rng)
    assert seen >= 5

"""Thresholds against an independent search: in random models, a density jumps at its thresholds and nowhere else."""

import numpy as np
import numpy.typing as npt
import pytest

from ppl.check.core import Expr, Site
from ppl.rewrite.findings import Refusal
from ppl.rewrite.guards import Guard, jumps_of
from ppl.rewrite.roughness import analysed, roughness
from ppl.rewrite.sampling import cells, evaluate, settings
from ppl.rewrite.view import View
from tests.rewrite.analysed import graph_of

COLUMNS = "data {\n  y: real\n  x: real\n  late: bool\n}\n"
PRIOR = "  a ~ Normal(0, 1)\n  b ~ Normal(a, 1)\n  s ~ HalfNormal(1)\n"
REALS = ("a", "a", "a", "b", "s", "x", "0.5", "2", "-1")
WRAPS = (
    "exp(0.3 * {0})", "sigmoid({0})", "({0})^2", "log(1 + ({0})^2)", "abs({0})", "({0}) / (0.5 + s)", "({0})^3",
    "tanh({0})", "softplus({0})", "-({0})", "2 * ({0}) + 1", "sign({0})", "({0}) * s", "relu({0})",
)  # fmt: skip
PAIRS = (
    "{0} + {1}", "{0} - {1}", "max({0}, {1})", "({0} > {1}) * ({0})", "(if {2} then {0} else {1})",
    "(if {2} then {0} else {1})", "(if {2} then {0} else {0} + 1)", "({0}) * ({1})",
)  # fmt: skip
TESTS = (
    "{0} > {1}", "{0} < {1}", "{0} >= 0 and late", "not {0} > 0.3", "{0} > 0 or {1} < 0", "abs({0}) < 1", "{0} == {1}",
    "exp({0}) > 1.5", "({0})^2 <= s",
)  # fmt: skip
MODELS, POINTS, HALVINGS, SETTINGS = 400, 241, 60, 4

Array = npt.NDArray[np.float64]


def written(rng: np.random.Generator, depth: int) -> str:
    """A random expression."""

    def one(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    if depth == 0:
        return one(REALS)
    if rng.random() < 0.3:
        return one(WRAPS).format(written(rng, depth - 1))
    test = one(TESTS).format(written(rng, depth - 1), written(rng, depth - 1))
    return one(PAIRS).format(written(rng, depth - 1), written(rng, depth - 1), test)


def random_text(seed: int) -> str:
    rng = np.random.default_rng(seed)
    middle = written(rng, 2)
    return f"{COLUMNS}model {{\n{PRIOR}  t[row] = {middle}\n  y ~ Normal({written(rng, 2)} + t, 1)\n}}\n"


def mean_of(text: str) -> tuple[Expr, View, tuple[Guard, ...] | Refusal, str]:
    """The mean of the data over unknowns and columns, and the thresholds of `a` in it."""
    graph, _ = graph_of(text)
    view, _ = analysed(graph, None)
    site = graph.nodes["y"]["node"].of
    assert isinstance(site, Site)
    mean = site.dist.args[0]
    assert mean is not None
    level = roughness(graph)["y"].get("a")
    return view.through(mean), view, jumps_of(graph, "a"), "const" if level is None else level.level


def jumps(f: Expr, x: Expr, at: dict[Expr, Array]) -> list[float]:
    """Where f jumps in x, by halving the cells in which it rises most."""

    def values(points: Array) -> Array:
        given = {**{c: np.full(points.shape, v) for c, v in at.items()}, x: points}
        return np.broadcast_to(evaluate(f, given)[0], points.shape).astype(float)

    grid = np.linspace(-4.013, 4.027, POINTS)
    low, high = grid[:-1], grid[1:]
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        left = np.abs(values(middle) - values(low)) >= np.abs(values(high) - values(middle))
        low, high = np.where(left, low, middle), np.where(left, middle, high)
    rise = np.abs(values(high) - values(low))
    return [float(v) for v in low[rise > 1e-9 * (1 + np.abs(values(low)))]]


@pytest.mark.parametrize("block", range(8))
def test_a_density_jumps_at_its_thresholds_only(block: int) -> None:
    seen = 0
    for seed in range(block * MODELS // 8, (block + 1) * MODELS // 8):
        text = random_text(seed)
        f, view, found, level = mean_of(text)
        if isinstance(found, Refusal) or level == "unknown":
            continue
        assert level != "jump" or found, text
        seen += bool(found)
        x = Expr("ref", (), ("a",))
        others = {c: None for g in found for c in cells(g.threshold)} | cells(f)
        drawn = settings({c: None for c in others if c != x}, view.interval, SETTINGS, np.random.default_rng(seed))
        for i in range(SETTINGS):
            at = {c: v[-1, i] for c, v in drawn.items()}
            wanted = [float(evaluate(g.threshold, at)[0]) for g in found]
            for place in jumps(f, x, at):
                assert min((abs(place - t) for t in wanted), default=9.0) < 1e-6, f"{text}\n{place} {wanted}"
    assert seen >= 5

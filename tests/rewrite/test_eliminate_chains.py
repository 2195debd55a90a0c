"""Chains summed out: the same numbers as adding up every path, or a refusal at the right place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from enumerate_joint import Values, enumerate_joint, one_draw, points, program_of, refusals
from scipy.special import expit, log_softmax
from scipy.stats import norm, poisson

Y = np.array([0.3, -0.2, 1.5, 2.0, 0.7])
X = np.array([[0.3, -0.2, 1.5], [2.0, 0.7, -1.0]])
LONG = {
    "subject": ["a", "a", "a", "b", "b", "b"],
    "time": ["1", "2", "3", "1", "2", "3"],
    "y": X.ravel(),
}
TRUTH = (0, 1)
AT = np.array([0, 1, 2, 2, 0])


@dataclass(frozen=True)
class Case:
    """A model of real unknowns with identity coordinates; `levels` for every position of every discrete unknown in the
    order of `names` (name, number of positions); `log_joint` over the values of the real ones and the assignment."""

    about: str
    columns: str
    body: str
    data: dict[str, Any]
    names: tuple[tuple[str, int], ...]
    levels: Sequence[Sequence[float]]
    log_joint: Callable[[Values, np.ndarray], float]
    axes: str = ""

    @property
    def text(self) -> str:
        return f"{self.axes}data {{\n{self.columns}\n}}\n\nmodel {{\n{self.body}\n}}\n"


def normal(x: Any, mean: Any, sd: Any = 1.0) -> float:
    return float(np.sum(norm.logpdf(x, mean, sd)))


def chance(z: Any, p: Any) -> float:
    """log probabilities of truth values."""
    with np.errstate(divide="ignore"):
        return float(np.sum(np.log(np.where(z, p, 1.0 - np.asarray(p)))))


def walk(z: np.ndarray, start: Any, move: Any) -> float:
    """log probability of a path of levels."""
    with np.errstate(divide="ignore"):
        return float(np.log(start)[z[0]] + np.sum(np.log(move)[z[:-1], z[1:]]))


def rows(a: np.ndarray) -> np.ndarray:
    return np.exp(log_softmax(a, -1))


KIND = "axis kind = 3\n\n"
BINARY = "  for t in row {\n    z[t] ~ Bernoulli(if t == 1 then 0.3 else if z[t - 1] then 0.8 else 0.1)\n  }\n"
SECOND = "  for t in row {\n    w[t] ~ Bernoulli(if t == 1 then 0.6 else if w[t - 1] then 0.7 else 0.25)\n  }\n"


def binary(z: np.ndarray, first: float = 0.3, stay: float = 0.8, come: float = 0.1) -> float:
    z = np.asarray(z, int)
    return chance(z[0], first) + chance(z[1:], np.where(z[:-1], stay, come))


PAST = """  for t in row {
    z[t] ~ Bernoulli(logit=if t == 1 then 0.4 else if t == 2 then a * z[t - 1] else a * z[t - 1] - 1.5 * z[t - 2] + 0.2)
  }
"""


def remembering(a: float, z: np.ndarray) -> float:
    z = np.asarray(z, float)
    return chance(z, expit(np.r_[0.4, a * z[0], a * z[1:-1] - 1.5 * z[:-2] + 0.2]))


CASES = [
    Case(
        "a chain that remembers two positions",
        "  y: real",
        "  a ~ Normal(0, 1)\n" + PAST + "  y ~ Normal(a + 2 * z, 0.7)",
        {"y": Y},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: normal(v["a"], 0) + remembering(v["a"], z) + normal(Y, v["a"] + 2 * z, 0.7),
    ),
    Case(
        "data that read two positions back",
        "  y: real",
        "  a ~ Normal(0, 1)\n" + BINARY + "  for t in row {\n"
        "    y[t] ~ Normal(if t <= 2 then a * z[t] else z[t] - a * z[t - 2], 0.7)\n  }",
        {"y": Y},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: (
            normal(v["a"], 0)
            + binary(z)
            + normal(Y, np.r_[v["a"] * z[:2], z[2:] - v["a"] * np.asarray(z, float)[:-2]], 0.7)
        ),
    ),
    Case(
        "a chain that remembers three positions",
        "  y: real",
        "  a ~ Normal(0, 1)\n  for t in row {\n"
        "    z[t] ~ Bernoulli(logit=if t <= 3 then a else a * z[t - 1] - z[t - 3])\n  }\n  y ~ Normal(z, 0.7)",
        {"y": Y},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: (
            normal(v["a"], 0)
            + chance(z, expit(np.r_[[v["a"]] * 3, v["a"] * z[2:4] - np.asarray(z, float)[:2]]))
            + normal(Y, z, 0.7)
        ),
    ),
    Case(
        "two states, transitions fixed",
        "  y: real",
        "  a ~ Normal(0, 1)\n" + BINARY + "  y ~ Normal(a + 2 * z, 0.7)",
        {"y": Y},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: normal(v["a"], 0) + binary(z) + normal(Y, v["a"] + 2 * z, 0.7),
    ),
    Case(
        "three states, transitions unknown",
        "  y: real",
        "  mu[kind] ~ Normal(0, 1)\n  move[kind, kind] ~ Normal(0, 1)\n  start[kind] ~ Normal(0, 1)\n"
        "  for t in row {\n    z[t] ~ if t == 1 then Categorical(logits=start)\n"
        "      else Categorical(logits=move[z[t - 1]])\n  }\n"
        "  y ~ Normal(mu[z], 0.7)",
        {"y": Y},
        (("z", 5),),
        [(0, 1, 2)] * 5,
        lambda v, z: (
            sum(normal(v[n], 0) for n in ("mu", "move", "start"))
            + walk(z, rows(v["start"]), rows(v["move"]))
            + normal(Y, v["mu"][z], 0.7)
        ),
        KIND,
    ),
    Case(
        "moves that are impossible",
        "  y: real",
        "  a ~ Normal(0, 1)\n  for t in row {\n"
        "    z[t] ~ Bernoulli(if t == 1 then 0.3 else if z[t - 1] then 1 else 0.2)\n  }\n  y ~ Normal(a * z, 0.7)",
        {"y": Y},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: normal(v["a"], 0) + binary(z, 0.3, 1.0, 0.2) + normal(Y, v["a"] * z, 0.7),
    ),
    Case(
        "moves that depend on the position",
        "  x: real\n  y: real",
        "  a ~ Normal(0, 1)\n  for t in row {\n"
        "    z[t] ~ Bernoulli(logit=if t == 1 then 0.5 else a * x[t] + 2 * z[t - 1] - 1)\n  }\n  y ~ Normal(z, 0.7)",
        {"x": Y[::-1], "y": Y},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: (
            normal(v["a"], 0) + chance(z, expit(np.r_[0.5, v["a"] * Y[::-1][1:] + 2 * z[:-1] - 1])) + normal(Y, z, 0.7)
        ),
    ),
    Case(
        "data that read this state and the one before",
        "  y: real",
        "  a ~ Normal(0, 1)\n" + BINARY + "  for t in row {\n"
        "    y[t] ~ Normal(if t == 1 then a else 2 * z[t] - a * z[t - 1], 0.7)\n  }",
        {"y": Y},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: normal(v["a"], 0) + binary(z) + normal(Y, np.r_[v["a"], 2 * z[1:] - v["a"] * z[:-1]], 0.7),
    ),
    Case(
        "independent states, of which the data read the one before alone",
        "  y: real",
        "  a ~ Normal(0, 1)\n  z[row] ~ Bernoulli(0.3)\n  for t in row {\n"
        "    y[t] ~ Normal(if t <= 1 then a else a * z[t - 1], 0.7)\n  }",
        {"y": Y},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: normal(v["a"], 0) + chance(z, 0.3) + normal(Y, np.r_[v["a"], v["a"] * z[:-1]], 0.7),
    ),
    Case(
        "a derived value of both, read by two densities",
        "  y: real\n  n: int",
        "  a ~ Normal(0, 1)\n" + BINARY + "  for t in row {\n"
        "    d[t] = if t == 1 then 0.5 else z[t] + 0.5 * z[t - 1]\n  }\n"
        "  y ~ Normal(a + d, 0.7)\n  n ~ Poisson(log=a * d)",
        {"y": Y, "n": [0, 2, 1, 0, 3]},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: (
            normal(v["a"], 0)
            + binary(z)
            + normal(Y, v["a"] + np.r_[0.5, z[1:] + 0.5 * z[:-1]], 0.7)
            + float(poisson.logpmf([0, 2, 1, 0, 3], np.exp(v["a"] * np.r_[0.5, z[1:] + 0.5 * z[:-1]])).sum())
        ),
    ),
    Case(
        "a choice at every position, summed out first",
        "  y: real",
        "  a ~ Normal(0, 1)\n" + BINARY + "  for t in row {\n"
        "    c[t] ~ Bernoulli(if t > 1 then (if z[t] and z[t - 1] then 0.9 else 0.4)"
        " else if z[t] then 0.7 else 0.2)\n  }\n"
        "  y ~ Normal(z + a * c, 0.7)",
        {"y": Y},
        (("z", 5), ("c", 5)),
        [TRUTH] * 10,
        lambda v, z: (
            normal(v["a"], 0)
            + binary(z[:5])
            + chance(z[5:], np.r_[0.7 if z[0] else 0.2, np.where(z[1:5] * z[:4], 0.9, 0.4)])
            + normal(Y, z[:5] + v["a"] * z[5:], 0.7)
        ),
    ),
    Case(
        "two chains that meet in the data",
        "  y: real",
        "  a ~ Normal(0, 1)\n" + BINARY + SECOND + "  y ~ Normal(a * z + 2 * w, 0.7)",
        {"y": Y},
        (("z", 5), ("w", 5)),
        [TRUTH] * 10,
        lambda v, z: (
            normal(v["a"], 0)
            + binary(z[:5])
            + binary(z[5:], 0.6, 0.7, 0.25)
            + normal(Y, v["a"] * z[:5] + 2 * z[5:], 0.7)
        ),
    ),
    Case(
        "a chain that drives another",
        "  y: real",
        "  a ~ Normal(0, 1)\n" + BINARY + "  for t in row {\n"
        "    w[t] ~ Bernoulli(logit=if t == 1 then 0.2 else z[t] - z[t - 1] * w[t - 1])\n  }\n  y ~ Normal(a + w, 0.7)",
        {"y": Y},
        (("z", 5), ("w", 5)),
        [TRUTH] * 10,
        lambda v, z: (
            normal(v["a"], 0)
            + binary(z[:5])
            + chance(z[5:], expit(np.r_[0.2, z[1:5] - z[:4] * z[5:9]]))
            + normal(Y, v["a"] + z[5:], 0.7)
        ),
    ),
    Case(
        "a state for all that every position reads",
        "  y: real",
        "  a ~ Normal(0, 1)\n  s ~ Bernoulli(0.4)\n  for t in row {\n"
        "    z[t] ~ Bernoulli(if t == 1 then 0.3 else if z[t - 1] then (if s then 0.9 else 0.5) else 0.1)\n  }\n"
        "  y ~ Normal(a * z + s, 0.7)",
        {"y": Y},
        (("s", 1), ("z", 5)),
        [TRUTH] * 6,
        lambda v, z: (
            normal(v["a"], 0)
            + chance(z[0], 0.4)
            + binary(z[1:], 0.3, 0.9 if z[0] else 0.5, 0.1)
            + normal(Y, v["a"] * z[1:] + z[0], 0.7)
        ),
    ),
    Case(
        "states that are seen at some positions",
        "  z: bool?\n  y: real",
        "  a ~ Normal(0, 1)\n" + BINARY + "  y ~ Normal(a + 2 * z, 0.7)",
        {"y": Y, "z": [None, True, None, None, False]},
        (("z", 5),),
        [TRUTH, (1,), TRUTH, TRUTH, (0,)],
        lambda v, z: normal(v["a"], 0) + binary(z) + normal(Y, v["a"] + 2 * z, 0.7),
    ),
    Case(
        "a chain for each subject",
        '  y[time]: real from "y*"',
        "  a ~ Normal(0, 1)\n  for t in time {\n"
        "    z[row, t] ~ Bernoulli(if t == 1 then 0.3 else if z[row, t - 1] then 0.8 else 0.1)\n  }\n"
        "  c[row] ~ Bernoulli(0.4)\n  y ~ Normal(a * z + c, 0.7)",
        {"y1": X[:, 0], "y2": X[:, 1], "y3": X[:, 2]},
        (("z", 6), ("c", 2)),
        [TRUTH] * 8,
        lambda v, z: (
            normal(v["a"], 0)
            + binary(z[:3])
            + binary(z[3:6])
            + chance(z[6:], 0.4)
            + normal(X, v["a"] * z[:6].reshape(2, 3) + z[6:, None], 0.7)
        ),
    ),
    Case(
        "states of times, read by the rows of a table",
        "  subject: factor\n  time: factor\n  y: real",
        "  a ~ Normal(0, 1)\n  for t in time {\n"
        "    z[t] ~ Bernoulli(if t == 1 then 0.3 else if z[t - 1] then 0.8 else 0.1)\n  }\n"
        "  y ~ Normal(a + z[time], 0.7)",
        LONG,
        (("z", 3),),
        [TRUTH] * 3,
        lambda v, z: normal(v["a"], 0) + binary(z) + normal(X, v["a"] + z, 0.7),
    ),
    Case(
        "rows that read the state of their time and the one before, and one of their own",
        "  time: factor\n  y: real",
        "  a ~ Normal(0, 1)\n  for t in time {\n"
        "    z[t] ~ Bernoulli(if t == 1 then 0.3 else if z[t - 1] then 0.8 else 0.1)\n"
        "    d[t] = if t == 1 then 0.5 else z[t] - a * z[t - 1]\n  }\n"
        "  c[row] ~ Bernoulli(if z[time] then 0.9 else 0.4)\n  y ~ Normal(d[time] + c, 0.7)",
        {"time": ["1", "2", "3", "3", "1"], "y": Y},
        (("z", 3), ("c", 5)),
        [TRUTH] * 8,
        lambda v, z: (
            normal(v["a"], 0)
            + binary(z[:3])
            + chance(z[3:], np.where(z[AT], 0.9, 0.4))
            + normal(Y, np.r_[0.5, z[1:3] - v["a"] * z[:2]][AT] + z[3:], 0.7)
        ),
    ),
    Case(
        "the row before, by its time",
        "  time: factor\n  y: real",
        "  a ~ Normal(0, 1)\n  for t in time {\n"
        "    z[t] ~ Bernoulli(if t == 1 then 0.3 else if z[t - 1] then 0.8 else 0.1)\n  }\n"
        "  m[row] = a * z[time]\n"
        "  for i in row {\n    y[i] ~ Normal(if i == 1 then 0 else m[i - 1], 0.7)\n  }",
        {"time": ["1", "2", "3", "3", "1"], "y": Y},
        (("z", 3),),
        [TRUTH] * 3,
        lambda v, z: normal(v["a"], 0) + binary(z) + normal(Y, np.r_[0, v["a"] * z[AT][:-1]], 0.7),
    ),
    Case(
        "a chain that starts again with every subject",
        "  subject: int\n  y: real",
        "  a ~ Normal(0, 1)\n  for t in row {\n"
        "    z[t] ~ Bernoulli(if t == 1 then 0.3 else if subject[t] != subject[t - 1] then 0.3\n"
        "      else if z[t - 1] then 0.8 else 0.1)\n  }\n  y ~ Normal(a + 2 * z, 0.7)",
        {"y": Y, "subject": [1, 1, 2, 2, 2]},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: normal(v["a"], 0) + binary(z[:2]) + binary(z[2:]) + normal(Y, v["a"] + 2 * z, 0.7),
    ),
    Case(
        "a chain of one position",
        "  y: real",
        "  a ~ Normal(0, 1)\n" + BINARY + "  y ~ Normal(a + 2 * z, 0.7)",
        {"y": Y[:1]},
        (("z", 1),),
        [TRUTH],
        lambda v, z: normal(v["a"], 0) + chance(z, 0.3) + normal(Y[:1], v["a"] + 2 * z, 0.7),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.about)
def test_is_the_sum_over_all_paths(case: Case) -> None:
    program = program_of(case.text, case.data)
    u, w = points(program)
    values, marginals = program.value(u, w), program.marginals(u, w)
    named = program.constrained(u, w)
    for s in range(len(u)):
        draw = one_draw(named, s)
        total, shares = enumerate_joint(case.levels, lambda z, draw=draw: case.log_joint(draw, z))
        assert values[s] == pytest.approx(total, rel=1e-10, abs=1e-10)
        at = 0
        for name, count in case.names:
            found = marginals[name][s].reshape(count, -1)
            for i in range(count):
                levels = np.zeros(found.shape[1])
                levels[list(map(int, case.levels[at + i]))] = shares[at + i]
                np.testing.assert_allclose(found[i], levels, rtol=1e-9, atol=1e-11)
            at += count


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.about)
def test_its_gradient_is_that_of_the_sum(case: Case) -> None:
    program = program_of(case.text, case.data)
    u, w = points(program)
    _, grads, _ = program.value_and_grad(u, w)
    assert np.isfinite(grads).all()
    h = 1e-3
    for i in range(program.dim):
        step = h * np.eye(program.dim)[i]
        f = [program.value(u + k * step, w) for k in (-2, -1, 1, 2)]
        slope = (f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h)
        np.testing.assert_allclose(grads[:, i], slope, rtol=1e-7, atol=1e-8)


# ---- random chains -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Random:
    """A random hidden Markov model with K states: text, data, and its potentials."""

    text: str
    data: dict[str, Any]
    unary: np.ndarray
    pair: np.ndarray


def random_chain(seed: int) -> Random:
    rng = np.random.default_rng(seed)
    k, steps = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    start, move = rng.dirichlet(np.ones(k)), rng.dirichlet(np.ones(k), k)
    move[rng.random((k, k)) < 0.3] = 0.0
    move[move.sum(1) == 0, 0] = 1.0
    move /= move.sum(1, keepdims=True)
    y, mean, slope = rng.normal(size=steps), rng.normal(size=k), float(rng.normal())
    both = bool(rng.random() < 0.5)
    labels = ", ".join(f'"k{i}"' for i in range(k))
    lines = [f"axis kind = [{labels}]", "data {", "  y: real", "}", "model {"]
    lines += [f"  start[kind] = {start.tolist()}", f"  mean[kind] = {mean.tolist()}"]
    lines += [f"  row{i}[kind] = {m.tolist()}" for i, m in enumerate(move)]
    pick = f"row{k - 1}"
    for i in range(k - 2, -1, -1):
        pick = f'(if z[t - 1] == "k{i}" then row{i} else {pick})'
    lines += ["  for t in row {", f"    z[t] ~ if t == 1 then Categorical(start) else Categorical({pick})", "  }"]
    before = f" + {slope} * (if t == 1 then 0 else mean[z[t - 1]])" if both else ""
    lines += ["  for t in row {", f"    y[t] ~ Normal(mean[z[t]]{before}, 1)", "  }", "}"]
    with np.errstate(divide="ignore"):
        pair = np.broadcast_to(np.log(move), (steps, k, k)).copy()
        unary = np.zeros((steps, k))
        unary[0] = np.log(start)
    first = norm.logpdf(y[:, None], mean[None], 1)
    unary[0] += first[0]
    pair[1:] += norm.logpdf(y[1:, None, None], (mean + both * slope * mean[:, None])[None], 1)
    return Random("\n".join(lines) + "\n", {"y": y.tolist()}, unary, pair)


@pytest.mark.parametrize("seed", range(24))
def test_random_chains(seed: int) -> None:
    r = random_chain(seed)
    program = program_of(r.text, r.data)
    steps, k = r.unary.shape

    def log_joint(z: np.ndarray) -> float:
        return float(r.unary[np.arange(steps), z].sum() + r.pair[np.arange(1, steps), z[:-1], z[1:]].sum())

    total, shares = enumerate_joint([range(k)] * steps, log_joint)
    u, w = np.zeros((2, 0)), np.zeros(0)
    np.testing.assert_allclose(program.value(u, w), total, rtol=1e-11)
    np.testing.assert_allclose(program.marginals(u, w)["z"][1], np.array(shares), rtol=1e-9, atol=1e-12)


# ---- derived values ----------------------------------------------------------------------------------------------


def test_the_probability_of_a_switch() -> None:
    """A derived event may read two neighbours; one that reads all positions is not reported."""
    text = (
        "data {\n  y: real\n}\nmodel {\n" + BINARY + "  for t in row {\n"
        "    switch[t] = if t == 1 then false else z[t] != z[t - 1]\n    high[t] = z[t] and t > 1\n  }\n"
        "  several = sum(z) > 2\n  y ~ Normal(2 * z, 0.7)\n}\n"
    )
    program = program_of(text, {"y": Y})

    def log_joint(z: np.ndarray) -> float:
        return binary(z) + normal(Y, 2 * z, 0.7)

    total, shares = enumerate_joint([TRUTH] * 5, log_joint)
    expected = np.zeros(5)
    for z in np.ndindex(*(2,) * 5):
        p = np.exp(log_joint(np.array(z)) - total)
        expected[1:] += p * (np.diff(z) != 0)
    found = program.marginals(np.zeros((1, 0)), np.zeros(0))
    np.testing.assert_allclose(found["switch"][0][:, 1], expected, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(found["high"][0][1:, 1], np.array(shares)[1:, 1], rtol=1e-10)
    assert program.emitted.unreported == ("several",)


# ---- refusals ----------------------------------------------------------------------------------------------------

FOUR = "".join(
    f"  for t in row {{\n    {z}[t] ~ Bernoulli(if t == 1 then 0.3 else if {z}[t - 1] then 0.8 else 0.1)\n  }}\n"
    for z in ("z1", "z2", "z3", "z4")
)
REFUSED = {
    "four steps back": (
        "  for t in row {\n    z[t] ~ Bernoulli(logit=if t <= 4 then 0 else z[t - 1] - z[t - 4])\n  }\n"
        "  y ~ Normal(z, 1)",
        "4 steps back",
        "z[t - 4]",
    ),
    "four chains that meet": (
        FOUR + "  y ~ Normal(z1 + z2 + z3 + z4, 1)",
        "more than 3 chains",
        "Bernoulli(if t == 1",
    ),
    "a sum over a chain": (BINARY + "  y ~ Normal(sum(z), 1)", "couples all its values", "sum(z)"),
    "one position read by all": (BINARY + "  y ~ Normal(z[2], 1)", "one position", "z[2]"),
}


@pytest.mark.parametrize("about", REFUSED)
def test_refuses_what_is_no_chain(about: str) -> None:
    body, reason, place = REFUSED[about]
    text = f"data {{\n  y: real\n}}\n\nmodel {{\n{body}\n}}\n"
    assert any(reason in said and place in at for said, at in refusals(text))


# ---- paths -------------------------------------------------------------------------------------------------------

WITH_PATHS = [c for c in CASES if c.about in ("two chains that meet in the data", "a chain that drives another")]
WITH_PATHS += [c for c in CASES if c.about in ("three states, transitions unknown", "moves that are impossible")]


@pytest.mark.parametrize("case", WITH_PATHS, ids=lambda c: c.about)
def test_the_most_probable_path(case: Case) -> None:
    program = program_of(case.text, case.data)
    u, w = points(program)
    paths, named = program.best_paths(u, w), program.constrained(u, w)
    for s in range(len(u)):
        draw = one_draw(named, s)
        found = np.concatenate([paths[name][s] for name, _ in case.names])
        best = max(np.ndindex(*(len(x) for x in case.levels)), key=lambda z: case.log_joint(draw, np.array(z)))
        assert tuple(found) == best


def test_paths_of_chains_in_a_plate() -> None:
    case = next(c for c in CASES if c.about == "a chain for each subject")
    text = case.text.replace("  c[row] ~ Bernoulli(0.4)\n", "").replace(" + c", "")
    program = program_of(text, case.data)
    u, w = points(program, draws=2)
    draws = program.drawn_paths(np.repeat(u, 3000, 0), w, np.random.default_rng(0))["z"].reshape(2, 3000, 2, 3)
    p = program.marginals(u, w)["z"][..., 1]
    assert p.shape == (2, 2, 3)
    assert np.all(np.abs(draws.mean(1) - p) <= 5 * np.sqrt(p * (1 - p) / 3000))
    a = program.constrained(u, w)["a"]
    for s in range(2):
        for i in range(2):
            best = max(
                np.ndindex(2, 2, 2),
                key=lambda z, s=s, i=i: binary(np.array(z)) + normal(X[i], a[s] * np.array(z), 0.7),
            )
            assert tuple(program.best_paths(u, w)["z"][s, i]) == best

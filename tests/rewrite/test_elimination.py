"""Summing discrete unknowns out: the same numbers as adding up every assignment, or a refusal at the right place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from enumerate_joint import Values, enumerate_joint, one_draw, points, program_of, refusals
from scipy.special import expit, log_softmax, logsumexp
from scipy.stats import bernoulli, betabinom, binom, norm, poisson

Y = np.array([0.3, -0.2, 1.5, 2.0, 0.7])
GROUPS = ["a", "a", "b", "b", "b"]
G = np.array([0, 0, 1, 1, 1])
PARTNER = [2, 3, 1, 5, 4]
P = np.array(PARTNER) - 1
HEADER = "data {{\n{columns}\n}}\n\nmodel {{\n{body}\n}}\n"
TRUTH = (0, 1)


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
        return self.axes + HEADER.format(columns=self.columns, body=self.body)


def normal(x: Any, mean: Any, sd: Any = 1.0) -> float:
    return float(np.sum(norm.logpdf(x, mean, sd)))


def truth(z: Any, p: Any) -> float:
    return float(np.sum(bernoulli.logpmf(z, p)))


def table(z: Any, p: Any) -> float:
    """Log probabilities of levels; `p` has them last."""
    p = np.broadcast_to(p, (*np.shape(z), np.shape(p)[-1]))
    return float(np.sum(np.log(np.take_along_axis(p, np.asarray(z, int)[..., None], -1))))


ROW = {"y": Y}
GROUPED = {"y": Y, "group": GROUPS}
SPIKY = np.array([0.2, 0.5, 0.3])

CASES = [
    Case(
        "one plate",
        "  y: real",
        "  a ~ Normal(0, 1)\n  z[row] ~ Bernoulli(0.3)\n  y ~ Normal(a + 2 * z, 0.7)",
        ROW,
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: normal(v["a"], 0) + truth(z, 0.3) + normal(Y, v["a"] + 2 * z, 0.7),
    ),
    Case(
        "a group read by its rows",
        "  group: factor\n  y: real",
        "  a ~ Normal(0, 1)\n  z[group] ~ Bernoulli(0.3)\n  y ~ Normal(a + 2 * z[group], 0.7)",
        GROUPED,
        (("z", 2),),
        [TRUTH] * 2,
        lambda v, z: normal(v["a"], 0) + truth(z, 0.3) + normal(Y, v["a"] + 2 * z[G], 0.7),
    ),
    Case(
        "rows inside groups, groups first",
        "  group: factor\n  y: real",
        "  z[group] ~ Bernoulli(0.3)\n  c[row] ~ Bernoulli(0.6)\n  y ~ Normal(z[group] + 2 * c, 1)",
        GROUPED,
        (("z", 2), ("c", 5)),
        [TRUTH] * 7,
        lambda v, z: truth(z[:2], 0.3) + truth(z[2:], 0.6) + normal(Y, z[:2][G] + 2 * z[2:]),
    ),
    Case(
        "rows inside groups, rows first",
        "  group: factor\n  y: real",
        "  c[row] ~ Bernoulli(0.6)\n  z[group] ~ Bernoulli(0.3)\n  y ~ Normal(z[group] + 2 * c, 1)",
        GROUPED,
        (("c", 5), ("z", 2)),
        [TRUTH] * 7,
        lambda v, z: truth(z[:5], 0.6) + truth(z[5:], 0.3) + normal(Y, z[5:][G] + 2 * z[:5]),
    ),
    Case(
        "the prior of a row reads its group",
        "  group: factor\n  y: real",
        "  z[group] ~ Bernoulli(0.3)\n  c[row] ~ Bernoulli(if z[group] then 0.9 else 0.2)\n  y ~ Normal(2 * c, 1)",
        GROUPED,
        (("z", 2), ("c", 5)),
        [TRUTH] * 7,
        lambda v, z: truth(z[:2], 0.3) + truth(z[2:], np.where(z[:2][G], 0.9, 0.2)) + normal(Y, 2 * z[2:]),
    ),
    Case(
        "two unknowns of one group, through one index",
        "  group: factor\n  y: real",
        "  z[group] ~ Bernoulli(0.3)\n  c[group] ~ Bernoulli(0.6)\n  y ~ Normal(z[group] + 2 * c[group], 1)",
        GROUPED,
        (("z", 2), ("c", 2)),
        [TRUTH] * 4,
        lambda v, z: truth(z[:2], 0.3) + truth(z[2:], 0.6) + normal(Y, z[:2][G] + 2 * z[2:][G]),
    ),
    Case(
        "one for all, one for each group, one for each row",
        "  group: factor\n  y: real",
        "  s ~ Bernoulli(0.4)\n  c[row] ~ Bernoulli(if s then 0.1 else 0.6)\n"
        "  z[group] ~ Bernoulli(if s then 0.8 else 0.3)\n  y ~ Normal(s + z[group] + 2 * c, 1)",
        GROUPED,
        (("s", 1), ("c", 5), ("z", 2)),
        [TRUTH] * 8,
        lambda v, z: (
            truth(z[0], 0.4)
            + truth(z[1:6], np.where(z[0], 0.1, 0.6))
            + truth(z[6:], np.where(z[0], 0.8, 0.3))
            + normal(Y, z[0] + z[6:][G] + 2 * z[1:6])
        ),
    ),
    Case(
        "an outer choice with continuous children in a plate",
        "  y: real",
        "  s ~ Bernoulli(0.4)\n  t ~ Normal(0, 1)\n  x[row] ~ Normal(if s then 1 else -1, 0.8)\n  y ~ Normal(x + t, 1)",
        ROW,
        (("s", 1),),
        [TRUTH],
        lambda v, z: (
            truth(z, 0.4) + normal(v["t"], 0) + normal(v["x"], np.where(z[0], 1, -1), 0.8) + normal(Y, v["x"] + v["t"])
        ),
    ),
    Case(
        "levels decide the place of children whose scale is unknown",
        "  y: real",
        "  z[row] ~ Bernoulli(0.4)\n  t ~ Normal(0, 1)\n"
        "  x[row] ~ Normal(if z then 1 else -1, exp(t))\n  y ~ Normal(x, 1)",
        ROW,
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: (
            truth(z, 0.4) + normal(v["t"], 0) + normal(v["x"], np.where(z, 1, -1), np.exp(v["t"])) + normal(Y, v["x"])
        ),
    ),
    Case(
        "two in one plate",
        "  y: real",
        "  b[row] ~ Bernoulli(0.3)\n  c[row] ~ Bernoulli(if b then 0.9 else 0.2)\n  y ~ Normal(b - 2 * c * b, 1)",
        ROW,
        (("b", 5), ("c", 5)),
        [TRUTH] * 10,
        lambda v, z: truth(z[:5], 0.3) + truth(z[5:], np.where(z[:5], 0.9, 0.2)) + normal(Y, z[:5] - 2 * z[5:] * z[:5]),
    ),
    Case(
        "levels of probability zero",
        "  y: real\n  hit: bool",
        "  a ~ Normal(0, 1)\n  z[row] ~ Bernoulli(0.3)\n"
        "  hit ~ Bernoulli(if z then 0.5 else 0)\n  y ~ Normal(a * z, 1)",
        {"y": Y, "hit": [True, False, True, False, False]},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: (
            normal(v["a"], 0)
            + truth(z, 0.3)
            + truth(np.array([1, 0, 1, 0, 0]), np.where(z, 0.5, 0.0))
            + normal(Y, v["a"] * z)
        ),
    ),
    Case(
        "a missing binary covariate",
        "  smokes: bool?\n  y: real",
        "  a ~ Normal(0, 1)\n  smokes ~ Bernoulli(sigmoid(a))\n  y ~ Normal(a + 2 * smokes, 0.7)",
        {"y": Y, "smokes": [True, None, False, None, True]},
        (("smokes", 5),),
        [(1,), TRUTH, (0,), TRUTH, (1,)],
        lambda v, z: normal(v["a"], 0) + truth(z, expit(v["a"])) + normal(Y, v["a"] + 2 * z, 0.7),
    ),
    Case(
        "a missing die",
        "  die: int?\n  y: real",
        "  a ~ Normal(0, 1)\n  die ~ DiscreteUniform(1, 3)\n  y ~ Normal(a * die, 0.7)",
        {"y": Y, "die": [1, None, 3, None, 2]},
        (("die", 5),),
        [(1,), (1, 2, 3), (3,), (1, 2, 3), (2,)],
        lambda v, z: normal(v["a"], 0) - 5 * np.log(3) + normal(Y, v["a"] * z, 0.7),
    ),
    Case(
        "levels with probabilities of their own",
        "  y: real",
        "  mu[kind] ~ Normal(0, 1)\n  z[row] ~ Categorical(logits=mu)\n  y ~ Normal(mu[z], 0.7)",
        ROW,
        (("z", 5),),
        [(0, 1, 2)] * 5,
        lambda v, z: normal(v["mu"], 0) + table(z, np.exp(log_softmax(v["mu"]))) + normal(Y, v["mu"][z], 0.7),
        "axis kind = 3\n\n",
    ),
    Case(
        "levels of a group that pick a level",
        "  group: factor\n  y: real",
        "  mu[kind] ~ Normal(0, 1)\n  share[kind] = [0.2, 0.5, 0.3]\n"
        "  z[group] ~ Categorical(share)\n  y ~ Normal(mu[z[group]], 0.7)",
        GROUPED,
        (("z", 2),),
        [(0, 1, 2)] * 2,
        lambda v, z: normal(v["mu"], 0) + table(z, SPIKY) + normal(Y, v["mu"][z[G]], 0.7),
        "axis kind = 3\n\n",
    ),
    Case(
        "a change point",
        "  t: int\n  n: int",
        "  a ~ Normal(0, 1)\n  b ~ Normal(0, 1)\n  s ~ DiscreteUniform(min(t), max(t))\n"
        "  n ~ Poisson(log=if t <= s then a else b)",
        {"t": [3, 4, 5, 6, 7], "n": [4, 3, 5, 0, 1]},
        (("s", 1),),
        [(3, 4, 5, 6, 7)],
        lambda v, z: (
            normal(v["a"], 0)
            + normal(v["b"], 0)
            - np.log(5)
            + float(poisson.logpmf([4, 3, 5, 0, 1], np.exp(np.where(np.arange(3, 8) <= z[0], v["a"], v["b"]))).sum())
        ),
    ),
    Case(
        "an unknown total",
        "  y: int",
        "  a ~ Normal(0, 1)\n  n ~ DiscreteUniform(0, 12)\n  y ~ Binomial(n, sigmoid(a))",
        {"y": [3, 2, 5, 4, 0]},
        (("n", 1),),
        [range(13)],
        lambda v, z: normal(v["a"], 0) - np.log(13) + float(binom.logpmf([3, 2, 5, 4, 0], z[0], expit(v["a"])).sum()),
    ),
    Case(
        "counts out of a number of each row",
        "  n: int\n  y: real",
        "  a ~ Normal(0, 1)\n  z[row] ~ Binomial(n, sigmoid(a))\n  y ~ Normal(z, 0.7)",
        {"n": [1, 2, 0, 3, 2], "y": Y},
        (("z", 5),),
        [(0, 1, 2, 3)] * 5,
        lambda v, z: (
            normal(v["a"], 0) + float(binom.logpmf(z, [1, 2, 0, 3, 2], expit(v["a"])).sum()) + normal(Y, z, 0.7)
        ),
    ),
    Case(
        "a count out of a count",
        "  y: real",
        "  a ~ Normal(0, 1)\n  n ~ DiscreteUniform(1, 4)\n  m ~ Binomial(n, sigmoid(a))\n  y ~ Normal(m, 0.7)",
        ROW,
        (("n", 1), ("m", 1)),
        [range(1, 5), range(5)],
        lambda v, z: (
            normal(v["a"], 0) - np.log(4) + float(binom.logpmf(z[1], z[0], expit(v["a"]))) + normal(Y, z[1], 0.7)
        ),
    ),
    Case(
        "a truncated count",
        "  y: real",
        "  a ~ Normal(0, 1)\n  z[row] ~ Truncated(Binomial(4, 0.3), lower=1)\n  y ~ Normal(a + z, 0.7)",
        ROW,
        (("z", 5),),
        [(1, 2, 3, 4)] * 5,
        lambda v, z: (
            normal(v["a"], 0)
            + float(np.sum(np.where(z >= 1, binom.logpmf(z, 4, 0.3) - binom.logsf(0, 4, 0.3), -np.inf)))
            + normal(Y, v["a"] + z, 0.7)
        ),
    ),
    Case(
        "an overdispersed count",
        "  y: real",
        "  z[row] ~ BetaBinomial(3, 2, 1.5)\n  y ~ Normal(z, 0.7)",
        ROW,
        (("z", 5),),
        [(0, 1, 2, 3)] * 5,
        lambda v, z: float(betabinom.logpmf(z, 3, 2, 1.5).sum()) + normal(Y, z, 0.7),
    ),
    Case(
        "the grass is wet",
        "  wet: bool",
        "  cloudy[row] ~ Bernoulli(0.5)\n  sprinkler[row] ~ Bernoulli(if cloudy then 0.1 else 0.5)\n"
        "  rain[row] ~ Bernoulli(if cloudy then 0.8 else 0.2)\n"
        "  wet ~ Bernoulli(if sprinkler and rain then 0.99 else if sprinkler or rain then 0.9 else 0)",
        {"wet": [True, False]},
        (("cloudy", 2), ("sprinkler", 2), ("rain", 2)),
        [TRUTH] * 6,
        lambda v, z: (
            truth(z[:2], 0.5)
            + truth(z[2:4], np.where(z[:2], 0.1, 0.5))
            + truth(z[4:], np.where(z[:2], 0.8, 0.2))
            + truth([1, 0], np.where(z[2:4] + z[4:] == 2, 0.99, np.where(z[2:4] + z[4:] == 1, 0.9, 0.0)))
        ),
    ),
    Case(
        "a visit to Asia",
        "  xray: bool\n  breathless: bool",
        "  asia ~ Bernoulli(0.01)\n  smoke ~ Bernoulli(0.5)\n  tb ~ Bernoulli(if asia then 0.05 else 0.01)\n"
        "  lung ~ Bernoulli(if smoke then 0.1 else 0.01)\n  bronc ~ Bernoulli(if smoke then 0.6 else 0.3)\n"
        "  either = tb or lung\n  xray ~ Bernoulli(if either then 0.98 else 0.05)\n"
        "  breathless ~ Bernoulli(if either then (if bronc then 0.9 else 0.7) else if bronc then 0.8 else 0.1)",
        {"xray": [True], "breathless": [True]},
        (("asia", 1), ("smoke", 1), ("tb", 1), ("lung", 1), ("bronc", 1)),
        [TRUTH] * 5,
        lambda v, z: (
            truth(z[0], 0.01)
            + truth(z[1], 0.5)
            + truth(z[2], 0.05 if z[0] else 0.01)
            + truth(z[3], 0.1 if z[1] else 0.01)
            + truth(z[4], 0.6 if z[1] else 0.3)
            + truth(1, 0.98 if z[2] or z[3] else 0.05)
            + truth(1, (0.9 if z[4] else 0.7) if z[2] or z[3] else (0.8 if z[4] else 0.1))
        ),
    ),
    Case(
        "a value of an unknown that two densities read",
        "  y: real\n  n: int",
        "  a ~ Normal(0, 1)\n  z[row] ~ Bernoulli(0.3)\n"
        "  level = a + z\n  y ~ Normal(level, 0.7)\n  n ~ Poisson(log=level)",
        {"y": Y, "n": [0, 1, 2, 3, 1]},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: (
            normal(v["a"], 0)
            + truth(z, 0.3)
            + normal(Y, v["a"] + z, 0.7)
            + float(poisson.logpmf([0, 1, 2, 3, 1], np.exp(v["a"] + z)).sum())
        ),
    ),
    Case(
        "read at the positions that a column names",
        "  partner: int\n  y: real",
        "  z[row] ~ Bernoulli(0.6)\n  y ~ Normal(2 * z[partner], 1)",
        {"y": Y, "partner": PARTNER},
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: truth(z, 0.6) + normal(Y, 2 * z[P]),
    ),
    Case(
        "two unknowns of one plate, one of them read at another position",
        "  partner: int\n  y: real",
        "  b[row] ~ Bernoulli(0.3)\n  c[row] ~ Bernoulli(0.6)\n  y ~ Normal(b + 2 * c[partner], 1)",
        {"y": Y, "partner": PARTNER},
        (("b", 5), ("c", 5)),
        [TRUTH] * 10,
        lambda v, z: truth(z[:5], 0.3) + truth(z[5:], 0.6) + normal(Y, z[:5] + 2 * z[5:][P]),
    ),
    Case(
        "an inner unknown whose prior alone reads the outer one",
        "  group: factor\n  y: real",
        "  c[group] ~ Bernoulli(0.7)\n  z[group] ~ Bernoulli(if c then 0.9 else 0.2)\n  y ~ Normal(z[group], 1)",
        GROUPED,
        (("c", 2), ("z", 2)),
        [TRUTH] * 4,
        lambda v, z: truth(z[:2], 0.7) + truth(z[2:], np.where(z[:2], 0.9, 0.2)) + normal(Y, z[2:][G]),
    ),
    Case(
        "a factor term",
        "  y: real",
        "  a ~ Normal(0, 1)\n  z[row] ~ Bernoulli(0.3)\n  factor a * z - z\n  y ~ Normal(a, 1)",
        ROW,
        (("z", 5),),
        [TRUTH] * 5,
        lambda v, z: normal(v["a"], 0) + truth(z, 0.3) + float(np.sum(v["a"] * z - z)) + normal(Y, v["a"]),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.about)
def test_is_the_sum_over_all_assignments(case: Case) -> None:
    program = program_of(case.text, case.data)
    u, w = points(program)
    values, marginals = program.value(u, w), program.marginals(u, w)
    named = program.constrained(u, w)
    for s in range(len(u)):
        draw = one_draw(named, s)
        total, shares = enumerate_joint(case.levels, lambda z, draw=draw: case.log_joint(draw, z))
        assert values[s] == pytest.approx(total, rel=1e-10, abs=1e-10)
        _same_marginals(case, shares, one_draw(marginals, s), program.spans)


def _same_marginals(case: Case, shares: list[np.ndarray], marginals: Values, spans: Any) -> None:
    at = 0
    for name, count in case.names:
        found = marginals[name].reshape(count, -1)
        levels = spans.get(f"{name}?", np.arange(found.shape[1])).tolist()
        for i in range(count):
            expected = np.zeros(found.shape[1])
            expected[[levels.index(x) for x in case.levels[at]]] = shares[at]
            np.testing.assert_allclose(found[i], expected, rtol=1e-9, atol=1e-12)
            at += 1


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.about)
def test_gradient_is_that_of_the_sum(case: Case) -> None:
    program = program_of(case.text, case.data)
    u, w = points(program, 1)
    _, g, _ = program.value_and_grad(u, w)
    for j in range(program.dim):
        step = np.zeros(program.dim)
        step[j] = 1e-4
        ends = [program.value(u + k * step, w) for k in (-2, -1, 1, 2)]
        slope = (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / 12e-4
        np.testing.assert_allclose(g[:, j], slope, rtol=1e-7, atol=1e-7)


def test_mixture_is_the_sum_over_labels() -> None:
    body = "  mu[kind] ~ Normal(0, 1)\n  w[kind] ~ Dirichlet(2)\n"
    texts = [
        "axis kind = 3\n\n" + HEADER.format(columns="  y: real", body=body + end)
        for end in ("  y ~ Mixture(w, Normal(mu, 0.7))", "  z[row] ~ Categorical(w)\n  y ~ Normal(mu[z], 0.7)")
    ]
    both = [program_of(text, ROW) for text in texts]
    u, w = points(both[0])
    (v1, g1, _), (v2, g2, _) = (p.value_and_grad(u, w) for p in both)
    np.testing.assert_allclose(v1, v2, rtol=1e-12)
    np.testing.assert_allclose(g1, g2, rtol=1e-10, atol=1e-12)


def test_probabilities_of_derived_events() -> None:
    """An event of a row and its group: both unknowns of one density."""
    body = (
        "  z[group] ~ Bernoulli(0.3)\n  c[row] ~ Bernoulli(0.6)\n  both = c and z[group]\n"
        "  y ~ Normal(z[group] + 2 * c, 1)"
    )
    program = program_of(HEADER.format(columns="  group: factor\n  y: real", body=body), GROUPED)
    u, w = points(program)
    expected = []
    for r in range(5):
        rest = [
            [
                logsumexp([truth(c, 0.6) + normal(Y[k], z + 2 * c) for c in TRUTH])
                for k in range(5)
                if G[k] == G[r] and k != r
            ]
            for z in TRUTH
        ]
        joint = {
            (z, c): truth(z, 0.3) + sum(rest[z]) + truth(c, 0.6) + normal(Y[r], z + 2 * c) for z in TRUTH for c in TRUTH
        }
        expected.append(np.exp(joint[1, 1] - logsumexp(list(joint.values()))))
    np.testing.assert_allclose(program.marginals(u, w)["both"][0][:, -1], expected, rtol=1e-10)


# ---- refusals ----------------------------------------------------------------------------------------------------

REFUSED = {
    "a sum over the rows that read its groups": (
        "  group: factor\n  y: real",
        "  z[group] ~ Bernoulli(0.3)\n  d = z[group]\n  factor 0.1 * sum(d)^2\n  y ~ Normal(d, 1)",
        "couples all its values",
        "sum(d)",
    ),
    "an index that is itself unknown": (
        "  group: factor\n  y: real",
        "  share[group] ~ Dirichlet(1)\n  z[group] ~ Bernoulli(0.3)\n  w[row] ~ Categorical(share)\n"
        "  y ~ Normal(z[w], 1)",
        "in more than one way",
        "z[w]",
    ),
    "a sum over its plate": (
        "  y: real",
        "  z[row] ~ Bernoulli(0.3)\n  y ~ Normal(sum(z), 1)",
        "couples all its values",
        "sum(z)",
    ),
    "its own position and its partner's": (
        "  partner: int\n  y: real",
        "  z[row] ~ Bernoulli(0.3)\n  y ~ Normal(z + 2 * z[partner], 1)",
        "two positions",
        "y ~ Normal(z + 2 * z[partner], 1)",
    ),
    "two unknowns at different positions of one plate": (
        "  partner: int\n  y: real",
        "  b[row] ~ Bernoulli(0.3)\n  c[row] ~ Bernoulli(0.6)\n"
        "  y ~ Normal(b + 2 * c[partner], 1)\n  factor c * b[partner]",
        "meets",
        "~ Bernoulli(0.",
    ),
    "two groupings that cross": (
        "  left: factor\n  right: factor\n  y: real",
        "  b[left] ~ Bernoulli(0.3)\n  c[right] ~ Bernoulli(0.6)\n  y ~ Normal(b[left] + 2 * c[right], 1)",
        "meets",
        "~ Bernoulli(0.",
    ),
    "positions that meet only once an inner unknown is summed out": (
        "  partner: int\n  y: real",
        "  b[row] ~ Bernoulli(0.3)\n  c[row] ~ Bernoulli(if b[partner] then 0.9 else 0.2)\n  y ~ Normal(b + 2 * c, 1)",
        "meets",
        "~ Bernoulli(",
    ),
    "the support of another": (
        "  y: real",
        "  z ~ Bernoulli(0.3)\n  x ~ Uniform(0, if z then 1 else 3)\n  y ~ Normal(x, 1)",
        "support of `x`",
        "x ~ Uniform(0, if z then 1 else 3)",
    ),
}


@pytest.mark.parametrize("about", REFUSED)
def test_refuses_what_does_not_factorise(about: str) -> None:
    columns, body, reason, place = REFUSED[about]
    text = HEADER.format(columns=columns, body=body)
    assert any(reason in said and place in at for said, at in refusals(text))

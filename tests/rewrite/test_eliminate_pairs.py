"""Unknowns over two axes that rows of the data read by a pair of columns, against all assignments one at a time."""

from itertools import product

import numpy as np
import pytest
from enumerate_joint import points, program_of, refusals
from scipy.special import expit, logsumexp
from scipy.stats import norm

from ppl.api import compile
from ppl.source.diagnostic import ModelError

WHO, WHEN = ["a", "b", "a", "b", "a", "a", "b"], ["t1", "t2", "t3", "t1", "t1", "t2", "t2"]
I, J = np.array([0, 1, 0, 1, 0, 0, 1]), np.array([0, 1, 2, 0, 0, 1, 1])
Y = np.array([0.3, -1.0, 2.0, 0.7, 0.1, 1.1, -0.4])
HEAD = "data {\n  who: factor\n  when: factor\n  y: real\n}\nmodel {\n  a ~ Normal(0, 1)\n"
APART = "  z[who, when] ~ Bernoulli(logit=a)\n"
CHAIN = """  for t in when {
    z[who, t] ~ Bernoulli(logit=if t == 1 then a else if z[who, t - 1] then 1.2 else -0.8)
  }
"""


def prior(z: np.ndarray, a: float, chain: bool) -> float:
    logit = np.full(z.shape, a)
    if chain:
        logit[:, 1:] = np.where(z[:, :-1] == 1, 1.2, -0.8)
    return float(np.log(np.where(z == 1, expit(logit), expit(-logit))).sum())


@pytest.mark.parametrize("chain", [False, True], ids=["apart", "chains"])
def test_rows_read_pairs(chain):
    text = f"{HEAD}{CHAIN if chain else APART}  y ~ Normal(if z[who, when] then a else -0.3, 1)\n}}\n"
    program = program_of(text, {"who": WHO, "when": WHEN, "y": Y})
    u, w = points(program)
    found, value = program.marginals(u, w)["z"], program.value(u, w)
    every = [np.array(bits).reshape(2, 3) for bits in product((0, 1), repeat=6)]
    for s, a in enumerate(program.constrained(u, w)["a"]):
        logs = np.array([prior(z, a, chain) + norm.logpdf(Y, np.where(z[I, J] == 1, a, -0.3)).sum() for z in every])
        assert value[s] == pytest.approx(norm.logpdf(a) + logsumexp(logs), rel=1e-10)
        share = np.exp(logs - logsumexp(logs))
        np.testing.assert_allclose(found[s][..., 1], sum(p * z for p, z in zip(share, every, strict=True)), rtol=1e-8)


def test_the_gradient_of_pairs():
    text = f"{HEAD}{CHAIN}  y ~ Normal(if z[who, when] then a else -0.3, 1)\n}}\n"
    program = program_of(text, {"who": WHO, "when": WHEN, "y": Y})
    u, w = points(program)
    slope = (program.value(u + 1e-5, w) - program.value(u - 1e-5, w)) / 2e-5
    np.testing.assert_allclose(program.value_and_grad(u, w)[1][:, 0], slope, rtol=1e-6)


def test_two_unknowns_at_the_same_pair():
    text = (
        f"{HEAD}{APART}  v[who, when] ~ Bernoulli(if z then 0.2 else 0.9)\n"
        "  y ~ Normal(if z[who, when] and v[who, when] then a else -0.3, 1)\n}\n"
    )
    program = program_of(text, {"who": WHO, "when": WHEN, "y": Y})
    u, w = points(program, draws=1)
    a = float(program.constrained(u, w)["a"][0])
    total = float(norm.logpdf(a))
    for i, j in product(range(2), range(3)):
        here = (i == I) & (j == J)
        parts = []
        for z, v in product((0, 1), repeat=2):
            chance = (expit(a) if z else expit(-a)) * ((0.2 if v else 0.8) if z else (0.9 if v else 0.1))
            parts.append(np.log(chance) + norm.logpdf(Y[here], a if z and v else -0.3).sum())
        total += logsumexp(parts)
    assert program.value(u, w)[0] == pytest.approx(total, rel=1e-10)


def test_positions_by_number():
    text = (
        "axis step = 3\ndata {\n  who: factor\n  k: int\n  y: real\n}\nmodel {\n"
        "  z[who, step] ~ Bernoulli(0.3)\n  y ~ Normal(if z[who, k] then 1.0 else -0.3, 1)\n}\n"
    )
    program = program_of(text, {"who": WHO, "k": J + 1, "y": Y})
    total = 0.0
    for i, j in product(range(2), range(3)):
        here = (i == I) & (j == J)
        total += logsumexp([np.log(p) + norm.logpdf(Y[here], m).sum() for p, m in ((0.3, 1.0), (0.7, -0.3))])
    assert program.value(np.zeros((1, 0)), np.zeros(0))[0] == pytest.approx(total, rel=1e-10)
    with pytest.raises(ModelError, match="position 4 of an axis of 3"):
        program_of(text, {"who": WHO, "k": J + 2, "y": Y})


def test_under_a_guide():
    """The levels of a guide, averaged at the pairs that rows read: the bound in closed form."""
    guide = "guide {\n  param q: real = 0.4\n  z[who, when] ~ Bernoulli(logit=q)\n}\n"
    text = HEAD.replace("  a ~ Normal(0, 1)\n", "") + (
        "  z[who, when] ~ Bernoulli(0.3)\n  y ~ Normal(if z[who, when] then 1.0 else -0.3, 1)\n}\n" + guide
    )
    model = compile(text)
    program = model.objective({"who": WHO, "when": WHEN, "y": Y})
    q = expit(0.4)
    value, _ = program.estimate(np.array([[0.4]]), np.full((1, program.noise), 0.5))
    bound = 6 * (q * np.log(0.3 / q) + (1 - q) * np.log(0.7 / (1 - q)))
    bound += (q * norm.logpdf(Y, 1.0) + (1 - q) * norm.logpdf(Y, -0.3)).sum()
    assert value[0] == pytest.approx(bound, rel=1e-10)


ALONG = "one position along `when` is read by all"
REFUSED = {
    "a pair, and one position for all": (
        "  y ~ Normal(if z[who, when] then 1 else 0, if z[who, 1] then 1 else 2)\n",
        ALONG,
    ),
    "one position for all": ("  y ~ Normal(if z[who, 1] then 1 else 2, 1)\n", ALONG),
    "one axis alone": (
        "  m[row, when] = if z[who] then 1 else 2\n  factor -square(y - m)\n",
        "it is looked up along `who` alone",
    ),
}


@pytest.mark.parametrize(("line", "reason"), REFUSED.values(), ids=REFUSED)
def test_other_look_ups_are_refused(line, reason):
    [(said, _)] = refusals(f"{HEAD}{APART}{line}}}\n")
    assert said == reason

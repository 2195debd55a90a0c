"""Counts summed out: finite ones over their support, others over a window that can be widened."""

import numpy as np
import pytest
from enumerate_joint import points, program_of, refusals
from scipy.special import expit, logsumexp
from scipy.stats import binom, geom, nbinom, norm, poisson

from ppl.api import compile
from ppl.emit.bind import bind_program

VISITS = np.array([[3, 4, 2], [6, 5, 9], [0, 0, 1]])
SITES = (
    'data {\n  seen[visit]: int >= 0 from "y*"\n}\nmodel {\n  a ~ Normal(0, 1)\n'
    "  n[row] ~ Poisson(exp(2 + a))\n  seen ~ Binomial(n, 0.4)\n}\n"
)
COLUMNS = {f"y{i}": VISITS[:, i] for i in range(3)}
EVERY = np.arange(4000)
Y = np.array([1.0, 2.0, 5.0])


def by_hand(a: float) -> float:
    """The log joint of the rate and the visits, each total summed over 4,000 values."""
    each = poisson.logpmf(EVERY, np.exp(2 + a)) + binom.logpmf(VISITS[..., None], EVERY, 0.4).sum(1)
    return float(norm.logpdf(a) + logsumexp(each, -1).sum())


def test_totals_that_are_never_seen() -> None:
    program = program_of(SITES, COLUMNS)
    u, w = points(program)
    np.testing.assert_allclose(program.value(u, w), [by_hand(a) for a in u[:, 0]], rtol=1e-11)
    assert program.windows == {"n": (0, 50)}
    assert program.mass_at_end(u, w)["n"] < 1e-10


def test_a_window_that_is_too_small_says_so_and_can_be_widened() -> None:
    model = compile(SITES)
    program, bound = model.bind(COLUMNS)
    far, w = np.array([[3.0]]), np.zeros(0)
    assert program.mass_at_end(far, w)["n"] > 1e-3
    wide = bind_program(model.emitted, bound, None, {"n": (0, 400)})
    assert wide.windows == {"n": (0, 400)}
    assert wide.mass_at_end(far, w)["n"] < 1e-10
    assert wide.value(far, w)[0] == pytest.approx(by_hand(3.0), rel=1e-11)


def test_a_window_reaches_beyond_what_was_seen() -> None:
    program = program_of(SITES, {**COLUMNS, "y1": [3, 400, 0]})
    assert program.windows == {"n": (0, 800)}


# a distribution, its log probabilities at 0, 1, 2 ..., its span
FAMILIES = [
    ("Truncated(Poisson(3), upper=7)", poisson.logpmf(EVERY, 3) - poisson.logcdf(7, 3), (0, 7)),
    (
        "Truncated(Poisson(3), lower=2, upper=7)",
        poisson.logpmf(EVERY, 3) - np.log(poisson.pmf(range(2, 8), 3).sum()),
        (2, 7),
    ),
    ("Truncated(Poisson(3), lower=2)", poisson.logpmf(EVERY, 3) - poisson.logsf(1, 3), (2, 52)),
    ("Truncated(Binomial(9, 0.5), upper=20)", binom.logpmf(EVERY, 9, 0.5), (0, 9)),
    ("NegBinomial(3, 2)", nbinom.logpmf(EVERY, 2, 2 / 5), (0, 50)),
    ("Geometric(0.3)", geom.logpmf(EVERY + 1, 0.3), (0, 50)),
    ("ZeroInflated(0.2, Poisson(3))", np.log(0.8 * poisson.pmf(EVERY, 3) + 0.2 * (EVERY == 0) + 1e-300), (0, 50)),
]  # fmt: skip


@pytest.mark.parametrize(("written", "logs", "span"), FAMILIES, ids=[f[0] for f in FAMILIES])
def test_families(written: str, logs: np.ndarray, span: tuple[int, int]) -> None:
    text = f"data {{\n  y: real\n}}\nmodel {{\n  n[row] ~ {written}\n  y ~ Normal(n, 1)\n}}\n"
    program = program_of(text, {"y": Y})
    inside = (span[0] <= EVERY) & (span[1] >= EVERY)
    each = np.where(inside, logs, -np.inf) + norm.logpdf(Y[:, None], EVERY, 1)
    u, w = np.zeros((1, 0)), np.zeros(0)
    assert program.value(u, w)[0] == pytest.approx(float(logsumexp(each, -1).sum()), rel=1e-9)
    assert program.spans["n?"][[0, -1]].tolist() == list(span)
    found = program.marginals(u, w)["n"][0]
    expected = np.exp(each - logsumexp(each, -1, keepdims=True))[:, span[0] : span[1] + 1]
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-12)


def test_missing_counts_that_another_density_reads() -> None:
    text = (
        "data {\n  n: int?\n  y: real\n}\nmodel {\n  a ~ Normal(0, 1)\n  n ~ Poisson(exp(a))\n  y ~ Normal(n, 1)\n}\n"
    )
    program = program_of(text, {"n": [3, None, 4], "y": Y})
    u, w = points(program)
    for s, a in enumerate(u[:, 0]):
        each = poisson.logpmf(EVERY, np.exp(a)) + norm.logpdf(Y[:, None], EVERY, 1)
        total = norm.logpdf(a) + each[0, 3] + logsumexp(each[1]) + each[2, 4]
        assert program.value(u, w)[s] == pytest.approx(total, rel=1e-11)


def test_a_chain_of_counts() -> None:
    """Deaths and births among at most six."""
    text = (
        "data {\n  y: real\n}\nmodel {\n  for t in row {\n"
        "    n[t] ~ Binomial(6, if t == 1 then 0.5 else sigmoid(n[t - 1] - 3))\n  }\n  y ~ Normal(n, 1)\n}\n"
    )
    program = program_of(text, {"y": Y[::-1]})
    k = np.arange(7)
    move = binom.logpmf(k, 6, expit(k[:, None] - 3))
    a = binom.logpmf(k, 6, 0.5) + norm.logpdf(Y[2], k)
    for y in (Y[1], Y[0]):
        a = logsumexp(a[:, None] + move, 0) + norm.logpdf(y, k)
    assert program.value(np.zeros((1, 0)), np.zeros(0))[0] == pytest.approx(float(logsumexp(a)), rel=1e-11)


REFUSED = {
    "a range that an unknown sets": (
        "  x ~ Normal(0, 1)\n  n ~ DiscreteUniform(0, floor(exp(x)))\n  y ~ Normal(n, 1)",
        "range depends",
    ),
    "a range that the count before sets": (
        "  for t in row {\n    n[t] ~ Binomial(if t == 1 then 6 else n[t - 1], 0.7)\n  }\n  y ~ Normal(n, 1)",
        "range depends",
    ),
    "a vector of counts": ("  n[kind] ~ Multinomial(4, [0.2, 0.8])\n  y ~ Normal(n[1], 1)", "vector of counts"),
}


@pytest.mark.parametrize("about", REFUSED)
def test_refuses(about: str) -> None:
    body, reason = REFUSED[about]
    text = f"axis kind = 2\ndata {{\n  y: real\n}}\nmodel {{\n{body}\n}}\n"
    assert any(reason in said for said, _ in refusals(text))

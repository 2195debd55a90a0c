"""Log joint densities of the cases, discrete unknowns summed out one by one, written without the compiler."""

import csv
import math
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import special, stats

HERE = Path(__file__).parent
Values = Mapping[str, npt.NDArray[np.float64]]
LogJoint = Callable[[Values, Mapping[str, list[str]]], float]


def table(name: str) -> dict[str, list[str]]:
    with (HERE / f"{name}.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    return {column: [row[k] for row in rows] for k, column in enumerate(header)}


def coal(x: Values, data: Mapping[str, list[str]]) -> float:
    """The switch point runs over its 111 years; a missing count sums to one."""
    early, late = float(x["early_rate"]), float(x["late_rate"])
    counts = [(t, int(n)) for t, n in enumerate(data["disasters"], 1) if n]
    paths = [
        sum(stats.poisson.logpmf(n, early if t <= s else late) for t, n in counts) - math.log(111)
        for s in range(1, 112)
    ]
    return float(special.logsumexp(paths) - early - late)


def gmm(x: Values, data: Mapping[str, list[str]]) -> float:
    w, y = float(x["w"]), np.array(data["waiting"], float)
    zero = math.log(1 - w) + stats.norm.logpdf(y, x["mu0"], x["sigma0"])
    one = math.log(w) + stats.norm.logpdf(y, x["mu1"], x["sigma1"])
    prior = stats.beta.logpdf(w, 2, 2) + stats.norm.logpdf(x["mu0"], 55, 5) + stats.norm.logpdf(x["mu1"], 80, 5)
    scales = stats.halfnorm.logpdf(x["sigma0"], scale=10) + stats.halfnorm.logpdf(x["sigma1"], scale=10)
    return float(np.logaddexp(zero, one).sum() + prior + scales)


def zip_lamb(x: Values, data: Mapping[str, list[str]]) -> float:
    psi, lam, n = float(x["psi"]), float(x["lam"]), np.array(data["count"], int)
    each = np.where(n == 0, psi, 0.0) + (1 - psi) * stats.poisson.pmf(n, lam)
    return float(np.log(each).sum() - lam)


def survey(x: Values, data: Mapping[str, list[str]]) -> float:
    k = np.array(data["k"], int)
    sizes = [stats.binom.logpmf(k, n, float(x["theta"])).sum() - math.log(500) for n in range(1, 501)]
    return float(special.logsumexp(sizes))


def chain(start: npt.NDArray[np.float64], move: npt.NDArray[np.float64], emit: npt.NDArray[np.float64]) -> float:
    """Log density of observations along a chain: `start` (K), `move` (from, to), `emit` (T, K) log densities."""
    total, state = 0.0, start
    for t, each in enumerate(emit):
        state = (state @ move if t else state) * np.exp(each - each.max())
        total += float(each.max()) + math.log(state.sum())
        state = state / state.sum()
    return total


def earthquake(x: Values, data: Mapping[str, list[str]]) -> float:
    counts = np.array(data["count"], int)
    emit = stats.poisson.logpmf(counts[:, None], x["rate"])
    prior = stats.gamma.logpdf(x["rate"], [12, 20, 30]).sum()
    return chain(np.full(3, 1 / 3), np.full((3, 3), 0.05) + 0.85 * np.eye(3), emit) + float(prior)


def hmm_example(x: Values, data: Mapping[str, list[str]]) -> float:
    """`move` has a density of one; the levels are normal, cut off at zero and at each other."""
    mu = np.array([x["mu1"], x["mu2"]])
    emit = stats.norm.logpdf(np.array(data["y"], float)[:, None], mu, 1)
    prior = stats.norm.logpdf(mu, [3, 10]).sum() - special.log_ndtr(3) - special.log_ndtr(10 - mu[0])
    return chain(np.full(2, 0.5), x["move"], emit) + float(prior)


def hmm_drive(x: Values, data: Mapping[str, list[str]]) -> float:
    """Each pair of ordered levels is normalised over the half plane where it is ordered."""
    levels = [np.array([x[f"{name}1"], x[f"{name}2"]]) for name in ("phi", "lambda")]
    seen = [np.array(data[column], float)[:, None] for column in ("u", "v")]
    emit = sum(stats.norm.logpdf(y, level, 0.1) for y, level in zip(seen, levels, strict=True))
    prior = sum(stats.norm.logpdf(level, [0, 3]).sum() - special.log_ndtr(3 / math.sqrt(2)) for level in levels)
    rows = stats.dirichlet.logpdf(x["move"][0], [4, 2]) + stats.dirichlet.logpdf(x["move"][1], [2, 4])
    return chain(np.full(2, 0.5), x["move"], emit) + float(prior + rows)

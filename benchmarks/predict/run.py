"""How well calibrated predictions and posteriors are, by simulation from the prior.

    python benchmarks/predict/run.py [--sets 200] [--draws 1000]

Coverage: data sets of a hierarchical model are simulated, with groups that stay out of the fit; 90 % predictive
intervals for new rows of known and of new groups should hold the outcome in nine cases of ten. Ranks: among the
posterior draws of an unknown, the value that made the data should have any rank equally often (Talts, Betancourt,
Simpson, Vehtari and Gelman, Validating Bayesian Inference Algorithms with Simulation-Based Calibration, 2018).
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from ppl.api import Model, compile
from ppl.results.quantity import Quantity

GROUPS, ROWS, NEW = 8, 6, 4
BINS = 10
HIERARCHY = """data {
  g: factor
  x: real
  y: real
}
model {
  mu ~ Normal(0, 2)
  b ~ Normal(0, 1)
  s_g ~ LogNormal(0, 0.5)
  s ~ LogNormal(-0.5, 0.5)
  a[g] ~ Normal(mu, s_g)
  y ~ Normal(a[g] + b * x, s)
}
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One simulated data set: whether each interval holds its outcome, by kind of row, and the rank of each true value
    among the draws, from 0 to 1."""

    known: npt.NDArray[np.bool_]
    new: npt.NDArray[np.bool_]
    ranks: dict[str, float]


def simulated(rng: np.random.Generator) -> tuple[dict[str, float], dict[str, list[object]], dict[str, list[object]]]:
    """The unknowns, the rows of the fit, and the new rows: some of known groups, some of groups of their own."""
    truth = {"mu": rng.normal(0, 2), "b": rng.normal(), "s_g": rng.lognormal(0, 0.5), "s": rng.lognormal(-0.5, 0.5)}
    a = rng.normal(truth["mu"], truth["s_g"], GROUPS + NEW)
    old = np.repeat(np.arange(GROUPS), ROWS)
    fresh = np.arange(GROUPS + NEW)
    return truth, _rows(old, a, truth, rng), _rows(fresh, a, truth, rng)


def _rows(
    group: npt.NDArray[np.int64], a: npt.NDArray[np.float64], truth: dict[str, float], rng: np.random.Generator
) -> dict[str, list[object]]:
    x = rng.normal(size=len(group))
    y = rng.normal(a[group] + truth["b"] * x, truth["s"])
    return {"g": [f"g{i:02d}" for i in group], "x": x.tolist(), "y": y.tolist()}


def one(model: Model, seed: int, draws: int) -> Outcome:
    """Fit one simulated data set and predict its new rows."""
    rng = np.random.default_rng([seed, 7])
    truth, rows, fresh = simulated(rng)
    fit = model.fit(rows, seed=seed, draws=draws, restarts=1)
    found = fit.predict({"g": fresh["g"], "x": fresh["x"]}, seed=seed)["y"]
    assert isinstance(found, Quantity)
    low, high = found.quantiles((0.05, 0.95))
    y = np.asarray(fresh["y"], float)
    inside = (low <= y) & (y <= high)
    return Outcome(inside[:GROUPS], inside[GROUPS:], {n: rank(fit[n], v) for n, v in truth.items()})  # type: ignore[arg-type]


def rank(q: Quantity, value: float) -> float:
    """The weight of the draws below a value."""
    return float(q.weights[q.draws < value].sum())


def outcomes(sets: int, draws: int) -> Iterator[Outcome]:
    model = compile(HIERARCHY)
    for seed in range(sets):
        yield one(model, seed, draws)


def uniformity(ranks: npt.NDArray[np.float64]) -> float:
    """The p-value of a chi-square test that ranks are even over BINS bins."""
    counts, _ = np.histogram(ranks, bins=BINS, range=(0.0, 1.0))
    return float(stats.chisquare(counts).pvalue)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--draws", type=int, default=1000)
    asked = parser.parse_args()
    found = list(outcomes(asked.sets, asked.draws))
    for kind in ("known", "new"):
        inside = np.concatenate([getattr(o, kind) for o in found])
        print(f"coverage of 90 % intervals, {kind} groups: {inside.mean():.3f} of {inside.size}")
    for name in found[0].ranks:
        ranks = np.array([o.ranks[name] for o in found])
        counts, _ = np.histogram(ranks, bins=BINS, range=(0.0, 1.0))
        print(f"ranks of {name}: p = {uniformity(ranks):.3f}   {' '.join(map(str, counts))}")


if __name__ == "__main__":
    main()

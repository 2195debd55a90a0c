"""Fits of models with recursions: against a reference posterior, and against importance sampling with densities written
in numpy."""

import csv
import json
from pathlib import Path

import numpy as np
from scipy.stats import multivariate_t, norm

from ppl.api import load
from ppl.results.fit import Fit

ROOT = Path(__file__).parents[2]
Moments = dict[str, tuple[float, float]]


def moments(fit: Fit, name: str, *index: int) -> tuple[float, float]:
    """The reported mean and standard deviation of a number."""
    q = fit.quantities[name]
    x = q.draws[(slice(None), *index)]  # type: ignore[union-attr]
    mean = float(q.weights @ x)  # type: ignore[union-attr]
    return mean, float(np.sqrt(q.weights @ (x - mean) ** 2))  # type: ignore[union-attr]


def verify(found: Moments, wanted: Moments, mean: float = 0.1, sd: float = 0.1) -> None:
    for name, (centre, spread) in wanted.items():
        assert abs(found[name][0] - centre) < mean * spread, name
        assert abs(found[name][1] / spread - 1) < sd, name


def test_garch_has_its_reference_posterior() -> None:
    fit = load(ROOT / "models/garch.ppl").fit(str(ROOT / "models/garch.csv"))
    known = json.loads((ROOT / "benchmarks/accuracy/reference/garch.json").read_text())["quantities"]
    found = {
        "mu": moments(fit, "mu"),
        "alpha0": moments(fit, "base"),
        "alpha1": moments(fit, "share", 0),
        "beta1": moments(fit, "share", 1),
    }
    verify(found, {name: (q["mean"], q["sd"]) for name, q in known.items()})
    assert fit.trust.verdict == "ok"


def log_joint(theta: np.ndarray, year: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The log density of `models/arma.ppl` for each row of theta: base, slope, phi, theta, sigma."""
    base, slope, phi, again, sigma = theta.T
    inside = (np.abs(phi) < 1) & (np.abs(again) < 1) & (sigma > 0)
    spread = np.where(inside, sigma, 1.0)
    total = norm.logpdf(base, 579, 5) + norm.logpdf(slope, 0, 0.05) + norm.logpdf(spread, 0, 2)
    trend = base[:, None] + slope[:, None] * (year - 1923)
    expected = trend[:, 0]
    for t in range(len(level)):
        if t:
            expected = trend[:, t] + phi * (level[t - 1] - trend[:, t - 1]) + again * (level[t - 1] - expected)
        total += norm.logpdf(level[t], expected, spread)
    return np.where(inside, total, -np.inf)


def test_arma_against_importance_sampling() -> None:
    path = ROOT / "models/arma.csv"
    fit = load(ROOT / "models/arma.ppl").fit(str(path))
    names = ("base", "slope", "phi", "theta", "sigma")
    found = {name: moments(fit, name) for name in names}
    with path.open() as file:
        rows = list(csv.DictReader(file))
    year, level = (np.array([float(r[c]) for r in rows]) for c in ("year", "level"))
    draws = np.stack([fit.quantities[n].draws for n in names], axis=1)  # type: ignore[union-attr]
    proposal = multivariate_t(draws.mean(axis=0), 1.5 * np.cov(draws.T), df=6, seed=0)
    x = proposal.rvs(20_000)
    log_w = log_joint(x, year, level) - proposal.logpdf(x)
    w = np.exp(log_w - log_w.max())
    w /= w.sum()
    assert 1 / (w**2).sum() > 5_000
    wanted = {n: (float(w @ c), float(np.sqrt(w @ (c - w @ c) ** 2))) for n, c in zip(names, x.T, strict=True)}
    verify(found, wanted)

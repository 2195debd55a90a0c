"""Pareto-smoothed importance sampling: Vehtari, Simpson, Gelman, Yao & Gabry, JMLR 25 (2024)."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from ppl.infer.target import Array


@dataclass(frozen=True, slots=True)
class Smoothed:
    """Normalised weights (S,), Pareto shape `khat`, effective sample size, log mean weight and its standard error."""

    weights: Array
    khat: float
    ess: float
    log_mean: float
    log_mean_se: float


def fit_generalised_pareto(excesses: Array) -> tuple[float, float]:
    """Shape k and scale of the generalised Pareto distribution of sorted positive `excesses`.

    The posterior mean of Zhang & Stephens (Technometrics 51, 2009), k shrunk to 0.5 with the weight of 10 observations.
    """
    n = len(excesses)
    count = 30 + int(np.sqrt(n))
    quartile = excesses[int(n / 4 + 0.5) - 1]
    grid = 1 / excesses[-1] + (1 - np.sqrt(count / (np.arange(1, count + 1) - 0.5))) / (3 * quartile)
    shapes = np.mean(np.log1p(-grid[:, None] * excesses), axis=1)
    profile = n * (np.log(-grid / shapes) - shapes - 1)
    mean = float(np.sum(grid * np.exp(profile - logsumexp(profile))))
    k = float(np.mean(np.log1p(-mean * excesses)))
    return (k * n + 5.0) / (n + 10.0), -k / mean


def smooth_weights(log_ratios: Array) -> Smoothed:
    """Replace the largest min(S/5, 3 sqrt S) ratios by the quantiles of the Pareto distribution fitted to them."""
    if not np.isfinite(log_ratios).any():
        return Smoothed(np.full(len(log_ratios), 1.0 / len(log_ratios)), np.inf, 0.0, -np.inf, np.inf)
    size = len(log_ratios)
    log_w = log_ratios - np.max(log_ratios)
    log_w, khat = _smooth_tail(log_w, int(np.ceil(min(size / 5, 3 * np.sqrt(size)))))
    weights = np.exp(log_w - logsumexp(log_w))
    ratios = np.exp(log_ratios - np.max(log_ratios))
    se = float(ratios.std(ddof=1) / ratios.mean() / np.sqrt(size))
    return Smoothed(weights, khat, float(1.0 / np.sum(weights**2)), float(logsumexp(log_ratios) - np.log(size)), se)


def _smooth_tail(log_w: Array, count: int) -> tuple[Array, float]:
    order = np.argsort(log_w, kind="stable")
    tail = order[-count:]
    cutoff = max(float(log_w[order[-count - 1]]), -700.0)
    excesses = np.exp(log_w[tail]) - np.exp(cutoff)
    if count < 5:
        return log_w, np.inf
    if excesses[-1] <= 1e-12 or excesses[0] < 0:
        return log_w, -np.inf if excesses[-1] <= 1e-12 else np.inf
    # Mirrored draws can tie with the cutoff: the estimator needs excesses above zero.
    k, scale = fit_generalised_pareto(np.maximum(excesses, 1e-14))
    if not np.isfinite(k):
        return log_w, np.inf
    p = (np.arange(count) + 0.5) / count
    quantiles = scale * np.expm1(-k * np.log1p(-p)) / k if abs(k) > 1e-9 else -scale * np.log1p(-p)
    smoothed = log_w.copy()
    smoothed[tail] = np.minimum(np.log(quantiles + np.exp(cutoff)), 0.0)
    return smoothed, k


def reliable_khat(size: int) -> float:
    """The largest shape at which `size` draws still give reliable means: min(1 - 1 / log10 S, 0.7)."""
    return float(min(1.0 - 1.0 / np.log10(size), 0.7))

"""Writes the daily returns of `stochastic_volatility.csv`: 100 days of the model itself, seed 20.

    python models/simulate_stochastic_volatility.py > models/stochastic_volatility.csv

Truth: phi = 0.95, sigma = 0.25, level = -9 (a typical day moves by exp(-4.5), about 1.1 %).
"""

import numpy as np

DAYS, PHI, SIGMA, LEVEL, SEED = 100, 0.95, 0.25, -9.0, 20


def returns(rng: np.random.Generator) -> np.ndarray:
    """The returns, one a day; the log variance starts in its stationary distribution."""
    h = rng.normal(LEVEL, SIGMA / np.sqrt(1 - PHI**2))
    out = np.empty(DAYS)
    for day in range(DAYS):
        out[day] = rng.normal(0, np.exp(h / 2))
        h = rng.normal(LEVEL + PHI * (h - LEVEL), SIGMA)
    return out


if __name__ == "__main__":
    print("day,r")
    for day, r in enumerate(returns(np.random.default_rng(SEED)), start=1):
        print(f"{day},{r:.6f}")

"""Writes the simulated data of one model: `python models/simulate.py NAME > models/NAME.csv`.

Every data set has its own seed (`SEEDS`). The truth stands in the function that draws it.
"""

import sys
from collections.abc import Callable

import numpy as np

Rng = np.random.Generator
Table = tuple[str, list[str]]


def br(rng: Rng) -> Table:
    """170 countries: rough land costs 0.2 outside Africa, and brings 0.2 inside it; sigma = 0.95."""
    africa = rng.random(170) < 0.3
    rugged = rng.gamma(1.5, 0.9, 170)
    gdp = rng.normal(9.2 - 1.9 * africa - 0.2 * rugged + 0.4 * africa * rugged, 0.95)
    rows = [f"{'true' if a else 'false'},{r:.3f},{g:.3f}" for a, r, g in zip(africa, rugged, gdp)]
    return "africa,rugged,log_gdp", rows


def dpmm(rng: Rng) -> Table:
    """40 counts of three Poisson rates: 10, 45 and 100, with weights 0.5, 0.3 and 0.2."""
    rate = rng.choice([10.0, 45.0, 100.0], 40, p=[0.5, 0.3, 0.2])
    return "x", [str(n) for n in rng.poisson(rate)]


def n_mixture(rng: Rng) -> Table:
    """40 sites and 3 visits: exp(1.5 + 0.8 forest) birds at a site, each seen with chance 0.6."""
    forest = rng.uniform(-1, 1, 40)
    birds = rng.poisson(np.exp(1.5 + 0.8 * forest))
    seen = rng.binomial(birds[:, None], 0.6, (40, 3))
    rows = [f"{f:.3f}," + ",".join(map(str, counts)) for f, counts in zip(forest, seen)]
    return "forest,count1,count2,count3", rows


def sigmoid_belief_net(rng: Rng) -> Table:
    """12 images of 3 by 3: six bars, each there with chance 0.2; a pixel under n bars is on with log odds 4 n - 2."""
    bars = rng.random((12, 6)) < 0.2
    covering = bars[:, :3, None].astype(int) + bars[:, None, 3:]
    image = rng.random((12, 3, 3)) < 1 / (1 + np.exp(2 - 4 * covering))
    rows = [",".join(str(int(v)) for v in one.ravel()) for one in image]
    return ",".join(f"x{k}" for k in range(1, 10)), rows


def spike_and_slab(rng: Rng) -> Table:
    """40 rows, 6 predictors correlated by 0.3; two matter (x2: 2, x5: -1.5); noise 1."""
    x = np.sqrt(0.7) * rng.normal(0, 1, (40, 6)) + np.sqrt(0.3) * rng.normal(0, 1, (40, 1))
    y = 2 * x[:, 1] - 1.5 * x[:, 4] + rng.normal(0, 1, 40)
    rows = [f"{v:.3f}," + ",".join(f"{c:.3f}" for c in line) for v, line in zip(y, x)]
    return "y," + ",".join(f"x{k}" for k in range(1, 7)), rows


SEEDS: dict[Callable[[Rng], Table], int] = {
    br: 1,
    dpmm: 2,
    n_mixture: 4,
    sigmoid_belief_net: 5,
    spike_and_slab: 6,
}


def csv(name: str) -> str:
    """The file of a model."""
    draw, seed = next((f, seed) for f, seed in SEEDS.items() if f.__name__ == name)
    header, rows = draw(np.random.default_rng(seed))
    return "\n".join([header, *rows, ""])


if __name__ == "__main__":
    sys.stdout.write(csv(sys.argv[1]))

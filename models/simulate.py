"""Writes the simulated data of one model: `python models/simulate.py NAME > models/NAME.csv`.

Every data set has its own seed (`SEEDS`). The truth stands in the function that draws it.
"""

import sys
from collections.abc import Callable

import numpy as np

Rng = np.random.Generator
Table = tuple[str, list[str]]


def air(rng: Rng) -> Table:
    """20 images of 8 by 8 with no, one or two shapes, rings or crosses, in their quarters; noise 0.1."""
    ring, cross = ("0110", "1001", "1001", "0110"), ("1001", "0110", "0110", "1001")
    shapes = [np.array([[int(v) for v in line] for line in shape]) for shape in (ring, cross)]
    image = rng.normal(0, 0.1, (20, 8, 8))
    for one in image:
        for quarter in rng.choice(4, rng.integers(0, 3), replace=False):
            top, left = 4 * (quarter // 2), 4 * (quarter % 2)
            one[top : top + 4, left : left + 4] += shapes[rng.integers(2)]
    return ",".join(f"px{k}" for k in range(1, 65)), [",".join(f"{v:.2f}" for v in one.ravel()) for one in image]


def anomaly(rng: Rng) -> Table:
    """60 readings of six sensors that follow one cause along a curve, with noise 0.15; three readings are shuffled."""
    cause, slope, place = rng.normal(0, 1, (60, 1)), rng.normal(0, 1.2, (1, 6)), rng.normal(0, 0.5, 6)
    reading = 2 * np.tanh(cause @ slope + place) + rng.normal(0, 0.15, (60, 6))
    for row in (7, 23, 51):
        reading[row] = rng.permutation(reading[row])
    return ",".join(f"s{k}" for k in range(1, 7)), [",".join(f"{v:.3f}" for v in row) for row in reading]


def bnn(rng: Rng) -> Table:
    """32 points of sin(2 x) with noise 0.1, and none between -0.6 and 0.6."""
    x = np.concatenate([rng.uniform(-2, -0.6, 16), rng.uniform(0.6, 2, 16)])
    y = rng.normal(np.sin(2 * x), 0.1)
    return "x,y", [f"{a:.3f},{b:.3f}" for a, b in zip(x, y)]


def br(rng: Rng) -> Table:
    """170 countries: rough land costs 0.2 outside Africa, and brings 0.2 inside it; sigma = 0.95."""
    africa = rng.random(170) < 0.3
    rugged = rng.gamma(1.5, 0.9, 170)
    gdp = rng.normal(9.2 - 1.9 * africa - 0.2 * rugged + 0.4 * africa * rugged, 0.95)
    rows = [f"{'true' if a else 'false'},{r:.3f},{g:.3f}" for a, r, g in zip(africa, rugged, gdp)]
    return "africa,rugged,log_gdp", rows


def causal(rng: Rng) -> Table:
    """200 patients: the worse they are, the likelier they are treated; treatment brings 0.8, and 0.3 more for each unit
    of severity, whose mean is zero."""
    severity = rng.normal(0, 1, 200)
    treated = rng.random(200) < 1 / (1 + np.exp(-1.5 * severity))
    recovery = rng.normal(1 - severity + 0.8 * treated + 0.3 * severity * treated, 1)
    rows = [f"{s:.3f},{'yes' if t else 'no'},{r:.3f}" for s, t, r in zip(severity, treated, recovery)]
    return "severity,treated,recovery", rows


def csis(rng: Rng) -> Table:
    """3 means from Normal(1, sqrt(5)), each read twice with sd sqrt(2)."""
    readings = rng.normal(rng.normal(1, np.sqrt(5), 3)[:, None], np.sqrt(2), (3, 2))
    return "x1,x2", [f"{a:.3f},{b:.3f}" for a, b in readings]


def dpmm(rng: Rng) -> Table:
    """40 counts of three Poisson rates: 10, 45 and 100, with weights 0.5, 0.3 and 0.2."""
    rate = rng.choice([10.0, 45.0, 100.0], 40, p=[0.5, 0.3, 0.2])
    return "x", [str(n) for n in rng.poisson(rate)]


def lda(rng: Rng) -> Table:
    """10 texts of 12 words out of eight; each of two topics prefers some words, each text one of the topics."""
    words = rng.dirichlet(np.full(8, 0.3), 2)
    rows = []
    for _ in range(10):
        topics = rng.choice(2, 12, p=rng.dirichlet([0.5, 0.5]))
        rows.append(",".join("abcdefgh"[rng.choice(8, p=words[k])] for k in topics))
    return ",".join(f"t{k}" for k in range(1, 13)), rows


def mhmm(rng: Rng) -> Table:
    """6 seals, 3 of each sex, up to 15 steps, one track of 9. State 1 rests, state 2 travels."""
    steps, shape, rate = 15, (2.0, 12.0), (4.0, 3.0)
    still, turn, dive, calm = (0.4, 0.02), (0.5, 4.0), (2.0, 6.0), (6.0, 2.0)
    group = {"female": rng.normal(0, 1, (2, 2)), "male": rng.normal(0, 1, (2, 2))}
    rows = []
    for animal in range(6):
        sex = "female" if animal < 3 else "male"
        logits = group[sex] + rng.normal(0, 0.5, (2, 2)) + 1.5 * np.eye(2)
        move = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        length = 9 if animal == 4 else steps
        track = np.zeros((3, steps))
        state = 0
        for t in range(length):
            state = rng.choice(2, p=move[state])
            stays = rng.random() < still[state]
            track[0, t] = 0 if stays else rng.gamma(shape[state], 1 / rate[state])
            track[1, t] = rng.vonmises(0, turn[state])
            track[2, t] = 0 if rng.random() < 0.1 else rng.beta(dive[state], calm[state])
        rows.append(f"{sex},{length}," + ",".join(f"{v:.3f}".replace("0.000", "0") for v in track.ravel()))
    columns = [f"{kind}{t}" for kind in ("step", "angle", "omega") for t in range(1, steps + 1)]
    return ",".join(["sex", "length", *columns]), rows


def n_mixture(rng: Rng) -> Table:
    """40 sites and 3 visits: exp(1.5 + 0.8 forest) birds at a site, each seen with chance 0.6."""
    forest = rng.uniform(-1, 1, 40)
    birds = rng.poisson(np.exp(1.5 + 0.8 * forest))
    seen = rng.binomial(birds[:, None], 0.6, (40, 3))
    rows = [f"{f:.3f}," + ",".join(map(str, counts)) for f, counts in zip(forest, seen)]
    return "forest,count1,count2,count3", rows


def one_compartment(rng: Rng) -> Table:
    """20 concentrations over 10 days: 30 mg into 2 litres, absorbed at 0.75 a day and eliminated at 1 mg a day at most,
    half of that at 0.25 mg a litre; errors of a tenth. Steps of a thousandth of a day by Heun's rule."""
    seen, c, h = [], 0.0, 0.001

    def rate(t: float, c: float) -> float:
        return float(15 * 0.75 * np.exp(-0.75 * t) - 0.5 * c / (0.25 + c))

    for step in range(10_000):
        first = rate(step * h, c)
        c += 0.5 * h * (first + rate((step + 1) * h, c + h * first))
        if (step + 1) % 500 == 0:
            seen.append(f"{(step + 1) * h:.1f},{c * np.exp(rng.normal(0, 0.1)):.3f}")
    return "day,concentration", seen


def piecewise(rng: Rng) -> Table:
    """40 doses: up by 0.5 below 6, down by 0.8 above it, and a jump of 1.5 there; noise 0.5."""
    dose = np.sort(rng.uniform(0, 10, 40))
    mean = np.where(dose < 6, 1 + 0.5 * dose, 5.5 - 0.8 * (dose - 6))
    return "dose,response", [f"{d:.2f},{r:.3f}" for d, r in zip(dose, rng.normal(mean, 0.5))]


def prodlda(rng: Rng) -> Table:
    """40 texts of 50 words out of twenty; the logits of three topics are mixed, not their probabilities."""
    logits = rng.dirichlet(np.full(3, 0.3), 40) @ rng.normal(0, 1.5, (3, 20))
    chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return ",".join(f"w{k}" for k in range(1, 21)), [",".join(map(str, rng.multinomial(50, p))) for p in chances]


def scanvi(rng: Rng) -> Table:
    """120 cells of three kinds and 20 genes: about 90 counts a cell, a tenth of them lost; 30 % have labels."""
    profiles = rng.dirichlet(np.ones(20), 3)
    rows = []
    for _ in range(120):
        kind = rng.integers(3)
        mean = rng.lognormal(4.5, 0.3) * profiles[kind]
        counts = rng.negative_binomial(10, 10 / (10 + mean)) * (rng.random(20) >= 0.1)
        rows.append(f"{'abc'[kind]},{'true' if rng.random() < 0.3 else 'false'}," + ",".join(map(str, counts)))
    return "kind,labelled," + ",".join(f"g{k}" for k in range(1, 21)), rows


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


def topics(rng: Rng) -> Table:
    """8 texts of 12 words about the sea, the hills, or both; the wind blows on both."""
    words = (("boat", "fish", "sail", "wave", "wind"), ("goat", "rock", "snow", "trail", "wind"))
    rows = []
    for text in range(1, 9):
        share = rng.dirichlet([0.5, 0.5])
        for _ in range(12):
            rows.append(f"t{text},{rng.choice(words[rng.choice(2, p=share)], p=[0.3, 0.2, 0.2, 0.2, 0.1])}")
    return "doc,word", rows


SEEDS: dict[Callable[[Rng], Table], int] = {
    br: 1,
    dpmm: 2,
    mhmm: 3,
    n_mixture: 4,
    sigmoid_belief_net: 5,
    spike_and_slab: 6,
    piecewise: 7,
    topics: 8,
    csis: 9,
    lda: 10,
    prodlda: 11,
    scanvi: 12,
    air: 14,
    bnn: 15,
    causal: 16,
    anomaly: 17,
    one_compartment: 13,
}


def csv(name: str) -> str:
    """The file of a model."""
    draw, seed = next((f, seed) for f, seed in SEEDS.items() if f.__name__ == name)
    header, rows = draw(np.random.default_rng(seed))
    return "\n".join([header, *rows, ""])


if __name__ == "__main__":
    sys.stdout.write(csv(sys.argv[1]))

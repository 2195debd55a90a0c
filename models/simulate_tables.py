"""Writes the simulated data of models with several tables, missing cells and groups, one of `DATA`:
`python models/simulate_tables.py NAME > models/NAME.csv`.

Every data set has its own seed. The truth stands in the function that draws it.
"""

import sys
from collections.abc import Callable, Iterable

import numpy as np

Rng = np.random.Generator
SUBJECTS, DAYS = 18, 8


def slopes_subjects(rng: Rng) -> Iterable[str]:
    """18 subjects, with their ages."""
    yield "id,age"
    for i, age in enumerate(rng.integers(19, 45, SUBJECTS)):
        yield f"s{i + 1},{age}"


def slopes_trials(rng: Rng) -> Iterable[str]:
    """Reaction times on up to 8 days: 250 ms at the start, and 10 ms more each day. The sds of the subjects are 25 and
    6, their correlation -0.4, the noise is 20 ms."""
    yield "subject,day,rt"
    cov = np.outer([25, 6], [25, 6]) * [[1, -0.4], [-0.4, 1]]
    effects = rng.multivariate_normal([250, 10], cov, SUBJECTS)
    for i in rng.permutation(SUBJECTS):
        for day in range(DAYS if i % 5 else DAYS - 3):
            yield f"s{i + 1},{day},{rng.normal(effects[i] @ [1, day], 20):.1f}"


def relapse(rng: Rng) -> Iterable[str]:
    """120 patients followed for at most 60 weeks; half of them leave earlier. The shape of the Weibull is 1.4, the drug
    makes the scale 1.9 times as large, a year of age makes it 2 % smaller. A fifth of the ages are missing."""
    yield "weeks,relapsed,age,arm"
    for i in range(120):
        drug = i % 2
        age = np.clip(rng.normal(52, 12), 20, 90)
        scale = np.exp(3 - 0.02 * (age - 50) + 0.65 * drug)
        relapse, leaves = scale * rng.weibull(1.4), min(rng.exponential(70), 60.0)
        shown = "" if rng.random() < 0.2 else f"{age:.0f}"
        seen = max(min(relapse, leaves), 0.1)
        yield f"{seen:.1f},{'yes' if relapse < leaves else 'no'},{shown},{'drug' if drug else 'placebo'}"


STATES = {
    "North": "AK ID MT ND WY",
    "South": "AL GA LA MS TX",
    "East": "CT MA NJ NY VT",
    "West": "AZ CA NV OR WA",
}


def votes(rng: Rng) -> Iterable[str]:
    """Votes of 600 people in 20 states of 4 regions: the share of one party at the last vote has the slope 2 on states,
    age (in sds) the slope 0.4, and the incomes are 0, 0.3 and 0.8 apart; sds 0.3 between regions and 0.2 within."""
    yield "vote,age,income,state,region,pct_rep"
    region = {name: rng.normal(0, 0.3) for name in STATES}
    place = {state: name for name, states in STATES.items() for state in states.split()}
    share = {state: round(float(rng.uniform(0.35, 0.65)), 3) for state in place}
    level = {state: region[place[state]] + 2 * (share[state] - 0.5) + rng.normal(0, 0.2) for state in place}
    for _ in range(600):
        state, income = rng.choice(list(place)), rng.choice(3, p=[0.35, 0.45, 0.2])
        age = rng.integers(18, 85)
        eta = 0.4 * (age - 51) / 19 + (0, 0.3, 0.8)[income] - 0.3 + level[state]
        vote = "yes" if rng.random() < 1 / (1 + np.exp(-eta)) else "no"
        yield f"{vote},{age},{('low', 'mid', 'high')[income]},{state},{place[state]},{share[state]}"


DATA: dict[str, tuple[Callable[[Rng], Iterable[str]], int]] = {
    "slopes_subjects": (slopes_subjects, 11),
    "slopes_trials": (slopes_trials, 12),
    "relapse": (relapse, 13),
    "votes": (votes, 14),
}

if __name__ == "__main__":
    draw, seed = DATA[sys.argv[1]]
    print("\n".join(draw(np.random.default_rng(seed))))

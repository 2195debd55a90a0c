"""The data of the four problems, as numpy arrays; the 5 MB of the logistic regression are made on first use.

Only numpy is needed: the scripts of the peers, each in its own environment, import this file too.
"""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
MADE = HERE.parent.parent / ".peers" / "data"
PROBLEMS = ("eight_schools", "linear", "logistic", "poisson")


def path_of(problem: str) -> Path:
    """The CSV file of a problem."""
    return MADE / "logistic.csv" if problem == "logistic" else HERE / "problems" / problem / "data.csv"


def make_logistic() -> None:
    """10,000 rows, 50 standard normal regressors, coefficients N(0, 0.5), intercept -0.3; the seed is fixed."""
    path = path_of("logistic")
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    x = rng.normal(size=(10_000, 50))
    beta = rng.normal(size=50) * 0.5
    y = (rng.uniform(size=len(x)) < 1 / (1 + np.exp(0.3 - x @ beta))).astype(float)
    header = ",".join(["y", *(f"x{i}" for i in range(50))])
    part = path.with_suffix(".part")
    np.savetxt(part, np.c_[y, x], delimiter=",", header=header, comments="", fmt="%.7g")
    part.rename(path)


def load(problem: str) -> dict[str, np.ndarray]:
    """The columns of a problem; `x` is a matrix, `group` counts from 0."""
    path = path_of(problem)
    if problem == "eight_schools":
        table = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(1, 2))
        return {"y": table[:, 0], "se": table[:, 1]}
    table = np.loadtxt(path, delimiter=",", skiprows=1)
    if problem == "poisson":
        return {"y": table[:, 0], "group": table[:, 1].astype(np.int64), "x": np.ascontiguousarray(table[:, 2:])}
    return {"y": table[:, 0].copy(), "x": np.ascontiguousarray(table[:, 1:])}

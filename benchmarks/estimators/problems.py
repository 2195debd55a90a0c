"""The ten problems: a guide, a point in its parameters, and the exact ELBO there.

Guides are independent over the latents: normal (mean, log sd), log-normal for a positive latent (mean and log sd of its
logarithm), Bernoulli (logit). `spnor` has sds fixed at 1, as in Lee, Rival and Yang (2023), section 2.
"""

import csv
from pathlib import Path

import numpy as np
from elbos import (
    elbo_bernoulli_if,
    elbo_cone,
    elbo_eight_schools,
    elbo_funnel,
    elbo_gmm,
    elbo_influenza,
    elbo_mixed,
    elbo_relu,
    elbo_spnor,
    elbo_textmsg,
)
from guides import Factor, Latent, Problem
from scipy.stats import norm

HERE = Path(__file__).parent


def read(name: str) -> dict[str, np.ndarray]:
    with (HERE / "data" / f"{name}.csv").open() as file:
        rows = list(csv.reader(file))
    return {name: np.array([number(row[i]) for row in rows[1:]]) for i, name in enumerate(rows[0])}


def number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return np.nan  # a label


def to_factor(mean: float, sd: float = 1.0, size: int = 1) -> Factor:
    return np.full(size, mean), np.full(size, sd)


def textmsg_data() -> dict[str, np.ndarray]:
    """Every second day, as in Lee, Yu and Yang (2018); `cut` is the threshold of z that makes the switch day i."""
    raw = read("textmsg")
    used = raw["used_in_paper"] == 1
    return {
        "count": raw["count"][used],
        "cut": norm.ppf(raw["day"][used] / 75),
        "mean_count": np.array([np.mean(raw["count"])]),
    }


def textmsg() -> Problem:
    data = textmsg_data()
    sd = np.sqrt(np.log(2.0))
    mean = float(np.log(data["mean_count"][0]) - sd**2 / 2)
    start = {"x0": to_factor(3.2, 0.1), "x1": to_factor(2.9, 0.1), "z": to_factor(-0.42, 0.1)}
    return Problem(
        "textmsg", "textmsg (Lee, Yu, Yang 2018)", (Latent("x0"), Latent("x1"), Latent("z", jumps=True)),
        {"x0": to_factor(3.2, 0.2), "x1": to_factor(2.9, 0.2), "z": to_factor(0.0)},
        elbo_textmsg(data, mean, float(sd)), "closed form",
        {"count": list(data["count"]), "cut": list(data["cut"]), "mean": [mean], "sd": [float(sd)]}, starts=(start,),
    )  # fmt: skip


def influenza() -> Problem:
    y = read("influenza")["mortality"]
    n = y.size
    latents = (
        Latent("v", size=n, layout="sequence"), Latent("w", size=n, layout="sequence"),
        Latent("f", size=n + 1, layout="sequence", jumps=True),
    )  # fmt: skip
    point = {"v": to_factor(0.0, 0.023, n), "w": to_factor(0.0, 0.112, n), "f": to_factor(0.5, 1.0, n + 1)}
    return Problem(
        "influenza",
        "influenza (Lee, Yu, Yang 2018)",
        latents,
        point,
        elbo_influenza(y),
        "closed form",
        {"y": list(y)},
        200_000,
    )


def gmm() -> Problem:
    y = read("gmm")["y"]
    latents = (Latent("z", "bernoulli", y.size, "plate"), Latent("mu", size=2, layout="sequence"))
    point = {"z": to_factor(0.3, 1.0, y.size), "mu": (np.array([-1.0, 1.0]), np.array([0.5, 0.5]))}
    return Problem(
        "gmm",
        "Gaussian mixture with labels, 50 points",
        latents,
        point,
        elbo_gmm(y),
        "closed form",
        {"y": list(y)},
        200_000,
    )


def eight_schools() -> Problem:
    data = read("eight_schools")
    latents = (Latent("mu"), Latent("tau", "lognormal"), Latent("theta", size=8, layout="plate"))
    point = {"mu": to_factor(3.0, 2.0), "tau": to_factor(1.0, 0.5), "theta": to_factor(4.0, 3.0, 8)}
    return Problem(
        "eight_schools", "eight schools, centred", latents, point, elbo_eight_schools(data["y"], data["se"]),
        "closed form and a rule of 120 nodes", {"y": list(data["y"]), "se": list(data["se"])},
    )  # fmt: skip


SMALL = (
    Problem(
        "spnor", "spnor (Lee, Rival, Yang 2023)", (Latent("z1", unit=True), Latent("z2", unit=True, jumps=True)),
        {"z1": to_factor(1.0), "z2": to_factor(1.0)}, elbo_spnor, "closed form", {},
    ),
    Problem(
        "bernoulli_if", "Bernoulli and an `if`", (Latent("z", "bernoulli"),), {"z": to_factor(0.3)},
        elbo_bernoulli_if, "sum over both values", {},
    ),
    Problem("relu", "relu of a normal", (Latent("z"),), {"z": to_factor(0.3, 0.8)}, elbo_relu, "closed form", {}),
    Problem(
        "mixed", "one Bernoulli, one normal", (Latent("b", "bernoulli"), Latent("x")),
        {"b": to_factor(0.3), "x": to_factor(0.2, 0.7)}, elbo_mixed, "closed form", {},
    ),
    Problem(
        "cone", "cone (Becker et al. 2024)", (Latent("x"), Latent("y")), {"x": to_factor(1.5), "y": to_factor(0.5)},
        elbo_cone, "a product rule of 160 x 160 nodes", {},
        starts=({"x": to_factor(2.2, 0.3), "y": to_factor(0.0, 0.3)},),
    ),
    Problem(
        "funnel", "Neal's funnel, 9 children", (Latent("v"), Latent("x", size=9, layout="plate")),
        {"v": to_factor(0.3, 0.8), "x": to_factor(0.2, 0.7, 9)}, elbo_funnel, "closed form", {},
    ),
)  # fmt: skip

ORDER = "spnor bernoulli_if relu mixed gmm textmsg influenza cone eight_schools funnel".split()
BY_NAME = {problem.name: problem for problem in (*SMALL, gmm(), textmsg(), influenza(), eight_schools())}
PROBLEMS = tuple(BY_NAME[name] for name in ORDER)

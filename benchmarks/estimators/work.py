"""Work-normalised variance on the problems with jumps: ppl beside the estimators of three papers, within one run."""

import sys

import numpy as np
from baselines import Measured, measure, measure_baselines
from guides import Problem, gradient_at, optimum, to_vector
from ours import estimator_at, estimators, load
from problems import BY_NAME
from report import BIASED

ASKED = ("boundary", "score")
# Cost, work-normalised mean variance, work-normalised variance of the norm, relative to score: the stored notebook of
# Wagner, Khajwal and Ong.
PUBLISHED = {
    ("textmsg", "reparam"): "1.25 / 7.99e-3 / 1.53e-2",
    ("textmsg", "LYY18"): "4.51 / 3.42e-2 / 6.00e-2",
    ("textmsg", "DSGD"): "1.84 / 7.89e-3 / 1.53e-2",
    ("influenza", "reparam"): "1.21 / 7.60e-3 / 3.75e-3",
    ("influenza", "LYY18"): "8.30 / 5.80e-2 / 2.88e-2",
    ("influenza", "DSGD"): "1.28 / 7.77e-3 / 3.94e-3",
}


def work(name: str, draws: int, with_ours: bool) -> list[str]:
    problem = BY_NAME[name]
    start, best = to_vector(problem, problem.point), optimum(problem)[0]
    out = [
        "",
        f"### {problem.title}",
        "",
        "| estimator | bias z | cost | work-normalised mean variance | of the norm | published cost / mean / norm |",
        "|---|---|---|---|---|---|",
    ]
    for place, vector in (("at the start", start), ("halfway to the optimum", (start + best) / 2)):
        exact = gradient_at(problem, vector)
        found = measure_baselines(name, vector, exact, draws)
        if with_ours:
            found |= measure_ours(problem, vector, exact, draws)
        unit = next(iter(found.values()))
        out += [f"| *{place}* | | | | | |", *(work_row(name, title, m, unit) for title, m in found.items())]
    return out


def measure_ours(problem: Problem, vector: np.ndarray, exact: np.ndarray, draws: int) -> dict[str, Measured]:
    """With the planner's choice, and with each of ASKED for the latents that jump."""
    found = {}
    for asked in (None, *ASKED):
        try:
            model = load(problem)
            if asked is not None:
                model = model.with_guide(estimators={x.name: asked for x in problem.latents if x.jumps})
            found[f"ppl{'' if asked is None else ' asked for ' + asked}: {estimators(model)}"] = measure(
                estimator_at(model, problem, vector), exact, draws
            )
        except Exception as error:  # what the compiler does not do is a row less, not the end of the table
            print(f"{problem.name}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
    return found


def work_row(name: str, title: str, m: Measured, unit: Measured) -> str:
    cost = m.seconds / unit.seconds
    published = next((text for (n, key), text in PUBLISHED.items() if n == name and title.startswith(key)), "")
    z = f"**{m.z:.3g}**" if m.z > BIASED else f"{m.z:.1f}"
    mean, norm = m.variance / unit.variance * cost, m.norm / unit.norm * cost
    return f"| {title} | {z} | {cost:.2f} | {mean:.3g} | {norm:.3g} | {published} |"


WORK = [
    "",
    "## Work-normalised variance",
    "",
    "Variance of a one-draw gradient (mean over parameters; of its norm) times seconds a draw, relative to all-score, "
    "in this run. LYY18 and DSGD are written anew here from the papers (baselines.py), vectorised alike in blocks "
    "of 1,000 draws. ppl first with the estimators that it chooses, then with others asked for. The published ratios "
    "are of the authors' own code along whole trajectories of 16 draws a step: no more than a point of orientation.",
]

"""The tables: every system on every problem, judged by the exact gradient and ELBO."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from guides import Problem, optimum, parameter_names, reference

PEERS = {
    "pyro": "Pyro",
    "numpyro": "NumPyro",
    "pymc": "PyMC",
    "tfp": "TFP",
    "storchastic": "Storchastic",
    "genjax": "GenJAX",
}
TITLES = {"ppl": "ppl", **PEERS}
RATE = 0.01
BIASED = 5.0  # standard errors: the worst of at most 74 parameters is beyond it by chance once in 20,000 tables
ABOUT_GRADIENTS = ("bias", "gradient", "discrete", "reparam", "variance")  # words of a warning about the estimator


Answers = Mapping[tuple[str, str], Any]  # (system, problem) -> what scripts/common.py describes


@dataclass(frozen=True, slots=True)
class Cell:
    """One estimator of one system on one problem, judged. `note` is set where there is no number."""

    variant: str
    z: float | None
    worst: str
    variance: float
    draws: int
    elbo: float | None
    warned: bool
    lines: int
    note: str


# ---- judging ------------------------------------------------------------------------------------------------------


def judge(problem: Problem, variant: str, raw: Mapping[str, Any], exact: np.ndarray) -> Cell:
    warned = any(map(about_gradients, raw["warnings"]))
    note = raw.get("error") or raw.get("fit_error") or raw.get("estimators", "")
    if "mean" not in raw:
        return Cell(variant, None, "", np.nan, 0, None, warned, raw["lines"], note)
    # An exact estimator has no spread: then rounding is the unit.
    se = np.maximum(raw["se"], 1e-9 * (1 + np.abs(exact)))
    z = np.abs(np.array(raw["mean"]) - exact) / se
    elbo = exact_elbo(problem, raw["fit"]) if raw.get("fit") else None
    worst = parameter_names(problem)[int(np.argmax(z))]
    return Cell(variant, float(z.max()), worst, raw["variance"], raw["draws"], elbo, warned, raw["lines"], note)


def about_gradients(text: str) -> bool:
    return any(word in text.lower() for word in ABOUT_GRADIENTS)


def exact_elbo(problem: Problem, fit: Mapping[str, Any]) -> float:
    with np.errstate(all="ignore"):
        return float(problem.elbo({name: (np.array(mean), np.array(sd)) for name, (mean, sd) in fit.items()}))


# ---- the tables ---------------------------------------------------------------------------------------------------


def number(x: float | None, form: str = ".3g") -> str:
    return "" if x is None or not np.isfinite(x) else format(x, form)


def z_text(cell: Cell) -> str:
    if cell.z is None:
        return "refuses"
    return f"**{cell.z:.3g}**" if cell.z > BIASED else f"{cell.z:.1f}"


def elbo_text(x: float | None) -> str:
    return "" if x is None else f"{x:.4g}" if abs(x) >= 1e4 else f"{x:.3f}"


def overview_cell(cells: list[Cell]) -> str:
    if not cells:
        return "not measured"
    first = cells[0]
    if first.z is None:
        return "refuses"
    said = "warned" if first.warned else "silent"
    return f"{z_text(first)} · {number(first.variance)} · {elbo_text(first.elbo)} · {said} · {first.lines}"


def overview(problems: list[Problem], systems: list[str], cells: Mapping[tuple[str, str], list[Cell]]) -> list[str]:
    rows = [
        f"| {p.title} | " + " | ".join(overview_cell(cells.get((s, p.name), [])) for s in systems) + " |"
        for p in problems
    ]
    return ["| problem | " + " | ".join(TITLES[s] for s in systems) + " |", "|---" * (len(systems) + 1) + "|", *rows]


def detail(problem: Problem, systems: list[str], cells: Mapping[tuple[str, str], list[Cell]], best: float) -> list[str]:
    at = "; ".join(
        f"{name} {spread(m)}" + (f", sd {spread(s)}" if kind != "bernoulli" else "")
        for name, kind, m, s in factors(problem)
    )
    out = [
        "",
        f"## {problem.title}",
        "",
        f"Parameters: {len(parameter_names(problem))}. At {at}. Reference: {problem.how}. "
        f"Best ELBO found for this family: {elbo_text(best)}.",
        "",
        "| system | estimator | bias z | at | variance | draws | ELBO of the fit | warned | lines |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for system in systems:
        for c in cells.get((system, problem.name), []):
            shown = (
                f"{c.variant}: {c.note}" if c.z is None else f"{c.variant}: {c.note}" if system == "ppl" else c.variant
            )
            z = z_text(c) if c.z is not None else ""
            count = f"{c.draws:,}" if c.draws else ""
            out.append(
                f"| {TITLES[system]} | {shown.replace('|', '/')} | {z} | {c.worst} | {number(c.variance)} | {count} "
                f"| {elbo_text(c.elbo)} | {'yes' if c.warned else 'no'} | {c.lines} |"
            )
    return out


def factors(problem: Problem) -> list[tuple[str, str, np.ndarray, np.ndarray]]:
    return [(latent.name, latent.kind, *problem.point[latent.name]) for latent in problem.latents]


def spread(values: np.ndarray) -> str:
    shown = [f"{v:g}" for v in dict.fromkeys(values.tolist())]
    return shown[0] if len(shown) == 1 else f"({', '.join(shown)})"


def warnings_said(raw: Answers) -> list[str]:
    said: dict[tuple[str, str], list[str]] = {}
    for (system, problem), answer in raw.items():
        for cell in answer["cells"].values():
            for text in filter(about_gradients, cell["warnings"]):
                names = said.setdefault((system, text), [])
                if problem not in names:
                    names.append(problem)
    lines = [f"- {TITLES[system]}, on {', '.join(names)}: {text}" for (system, text), names in said.items()]
    return [
        "",
        "## What was warned of, about gradients",
        "",
        *(lines or ["Nothing, by any system, on any problem."]),
    ]


HEAD = (
    "Cells of the first table: bias z · variance · ELBO of the fit · warned or silent · lines of annotation. It "
    "shows what comes first: each system's default, and for GenJAX, which has none, `normal_reparam` and `flip_enum`. "
    "The tables below it have the others too, which a user who knows of the trap can ask for.",
    f"Bias z: the worst parameter's distance from the exact gradient in standard errors; beyond {BIASED:g} it is "
    "**bold**: biased. A small z of few draws proves little. Variance: of a one-draw gradient, mean over the "
    "parameters (of the mean of a block times its draws, where draws come in blocks).",
    "ELBO: the exact formula at the system's answer. Pyro, NumPyro, TFP, Storchastic and GenJAX leave step and rate to "
    f"the user: {{steps:,}} steps of Adam at {RATE:g}, one draw each. PyMC and ppl have defaults for all; the sds "
    "of PyMC's family are free also where the problem fixes them at 1 (spnor).",
    "Lines: those that a user adds to model, guide and call to get this estimator.",
)


def cells_of(problems: list[Problem], raw: Answers) -> dict[tuple[str, str], list[Cell]]:
    exact = {p.name: (p, reference(p)[0]) for p in problems}
    return {
        (system, name): [judge(exact[name][0], variant, c, exact[name][1]) for variant, c in answer["cells"].items()]
        for (system, name), answer in raw.items()
    }


def tables(problems: list[Problem], systems: list[str], absent: list[str], raw: Answers, steps: int) -> list[str]:
    """The overview with its legend, then a table for each problem."""
    cells = cells_of(problems, raw)
    shown = [name for name in TITLES if name in systems or name in absent]
    out = [*(f"- {line.format(steps=steps)}" for line in HEAD), "", *overview(problems, shown, cells)]
    for problem in problems:
        out += detail(problem, systems, cells, optimum(problem)[1])
    return out

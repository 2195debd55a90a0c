"""Fits every accuracy case and compares it with its reference: `python benchmarks/accuracy/run.py [NAME ...]`.

Per case: the worst error of a mean (in reference sd) and of an sd (relative), of the guide itself and of the reported
(importance-corrected) answer, the worst error of a probability and of the log evidence where there is a reference,
k-hat, verdict, gradient evaluations and seconds. README.md says what is compared.
"""

import argparse
import json
import statistics
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from ppl import api
from ppl.infer.approximation import Approximation, Options
from ppl.infer.sobol import matched_normal
from ppl.results.fit import Fit

HERE = Path(__file__).parent
MEAN, SD = 0.1, 0.1


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    raw: tuple[float, float]
    reported: tuple[float, float]
    probability: float
    evidence: float
    khat: float
    ess: float
    verdict: str
    gradients: int
    seconds: float
    regression: bool
    means: dict[str, float]

    @property
    def ok_raw(self) -> bool:
        return self.raw[0] < MEAN and self.raw[1] < SD

    @property
    def ok_reported(self) -> bool:
        return self.reported[0] < MEAN and self.reported[1] < SD and self.probability < 0.05


def relabelled(case: dict, fit: Fit) -> dict[str, np.ndarray]:
    """All draws by name, components permuted where the case says so."""
    draws = {name: q.draws for name, q in fit.quantities.items() if hasattr(q, "draws")}
    rule = case.get("relabel")
    if rule:
        order = np.argsort(draws[rule["order_by"]], axis=-1)
        draws.update({name: np.take_along_axis(draws[name], order, axis=-1) for name in rule["permute"]})
    return draws


def moments(case: dict, fit: Fit) -> dict[str, tuple[float, float]]:
    """Mean and sd of every matched quantity."""
    draws = relabelled(case, fit)
    out = {}
    for key, (name, index) in case["match"].items():
        quantity = fit.quantities[name]
        at = tuple(i - 1 for i in index)
        if name in draws:
            x, w = draws[name][(slice(None), *at)], quantity.weights
            mean = float(w @ x)
            out[key] = mean, float(np.sqrt(w @ (x - mean) ** 2))
        else:
            levels = np.array([float(x) if x not in ("false", "true") else x == "true" for x in quantity.levels], float)
            p = quantity.prob[at]
            mean = float(p @ levels)
            out[key] = mean, float(np.sqrt(p @ (levels - mean) ** 2))
    return out


def errors(case: dict, fit: Fit, reference: dict) -> tuple[float, float]:
    """The worst error of a mean in reference sd, and of an sd."""
    mean_errors, sd_errors = [0.0], [0.0]
    for key, (mean, sd) in moments(case, fit).items():
        truth = reference["quantities"][key]
        if truth["sd"] > 0:
            mean_errors.append(abs(mean - truth["mean"]) / truth["sd"])
            sd_errors.append(abs(sd / truth["sd"] - 1))
    return max(mean_errors), max(sd_errors)


def probability_error(case: dict, fit: Fit, reference: dict) -> float:
    worst = 0.0
    for key, (name, index, value) in case.get("probabilities", {}).items():
        quantity = fit.quantities[name]
        label = str(bool(value)).lower() if value in (0, 1) else str(value)
        label = label if label in quantity.levels else str(value)
        p = quantity.prob[(*(i - 1 for i in index), quantity.levels.index(label))]
        truth = reference.get("probabilities", reference["quantities"])[key]
        worst = max(worst, abs(float(p) - (truth["mean"] if isinstance(truth, dict) else truth)))
    return worst


def uncorrected(approximation: Approximation, seed: int) -> Approximation:
    """The guide itself, without importance weights: matched draws of it."""
    if not len(approximation.loc):
        return approximation
    u = approximation.guide.to_u(matched_normal(8192, len(approximation.loc), np.random.default_rng(seed)))
    return replace(approximation, u=u, weights=np.full(len(u), 1 / len(u)))


def run(case: dict, seed: int) -> Row:
    reference = json.loads((HERE / case["reference"]).read_text())
    began = perf_counter()
    model = api.load(HERE / case["model"])
    program, bound = model.bind(HERE / case["data"])
    options = Options(seed=seed)
    approximation = model.infer(program, bound, options)
    fit = model.report(program, bound, approximation, options)
    seconds = perf_counter() - began
    raw = model.report(program, bound, uncorrected(approximation, seed + 1), options)
    evidence = case["log_evidence"]
    gap = approximation.evidence.log_evidence - evidence if evidence is not None else float("nan")
    return Row(
        case["name"],
        errors(case, raw, reference),
        errors(case, fit, reference),
        probability_error(case, fit, reference),
        gap,
        approximation.evidence.khat,
        approximation.evidence.ess,
        approximation.trust.verdict,
        approximation.cost.gradients,
        seconds,
        case["regression"],
        {k: m for k, (m, _) in moments(case, fit).items()},
    )


def show(row: Row) -> str:
    flag = " " if row.ok_reported else "!"
    return (
        f"{flag} {row.name:28s} raw {row.raw[0]:6.3f} {row.raw[1]:6.3f}   reported {row.reported[0]:6.3f} "
        f"{row.reported[1]:6.3f}   prob {row.probability:6.4f}   logZ {row.evidence:+8.4f}   k-hat {row.khat:5.2f}  "
        f"ess {row.ess:5.0f}  {row.verdict:4s}  {row.gradients:7d} grads  {row.seconds:6.2f} s"
    )


def seed_noise(cases: list[dict], rows: list[Row], seed: int) -> float:
    """Over the regressions, the largest change of a mean between two seeds, in reference sd."""
    worst = 0.0
    for case, row in zip(cases, rows, strict=True):
        if row.regression:
            other = run(case, seed + 1)
            reference = json.loads((HERE / case["reference"]).read_text())["quantities"]
            worst = max(
                [
                    worst,
                    *(
                        abs(other.means[k] - m) / reference[k]["sd"]
                        for k, m in row.means.items()
                        if reference[k]["sd"] > 0
                    ),
                ]
            )
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    cases = [c for c in json.loads((HERE / "cases.json").read_text()) if not args.names or c["name"] in args.names]
    rows = []
    for case in cases:
        rows.append(run(case, args.seed))
        print(show(rows[-1]), flush=True)
    problems = {c["source"]: [r for d, r in zip(cases, rows, strict=True) if d["source"] == c["source"]] for c in cases}
    n = len(problems)
    raw = sum(all(r.ok_raw for r in group) for group in problems.values())
    good = sum(all(r.ok_reported for r in group) for group in problems.values())
    silent = [r.name for r in rows if not r.ok_reported and r.verdict == "ok"]
    print(f"\n{len(rows)} fits of {n} problems; every fit of a problem within {MEAN} sd and {SD:.0%}:")
    print(f"uncorrected {raw} ({raw / n:.1%}), reported {good} ({good / n:.1%})")
    print(f"outside without warn or bad: {', '.join(silent) or 'none'}")
    print(
        f"gradient evaluations: median {statistics.median(r.gradients for r in rows):.0f}; seconds: median "
        f"{statistics.median(r.seconds for r in rows):.2f}, all {sum(r.seconds for r in rows):.1f}"
    )
    if any(r.regression for r in rows):
        print(f"regressions, two seeds: largest change of a mean {seed_noise(cases, rows, args.seed):.4f} sd")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())

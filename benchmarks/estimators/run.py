"""Gradient estimators of seven systems against exact gradients:  `python benchmarks/estimators/run.py [--system NAME]
[--problem NAME]`

Ten problems (problems.py), each with a guide, a point, and the exact gradient and ELBO there. Every system that is
installed gives gradients at the point, as many as it can in `--budget` seconds up to the problem's number, and a fit
that begins there; install.sh installs the peers, and one that is not there is said to be absent. Bias is the worst
parameter's distance from the exact gradient in its own standard errors. The ELBO of a fit is not the system's own
report but the exact formula at its answer. Writes RESULTS.md beside this file.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from baselines import MODELS
from guides import Problem, to_vector
from ours import ours
from problems import BY_NAME, HERE, PROBLEMS
from report import RATE, TITLES, Answers, tables, warnings_said
from work import WORK, work

ROOT = HERE.parent.parent
STEPS = 5_000
LIMIT = 1200  # seconds for one system on one problem


# ---- measuring ----------------------------------------------------------------------------------------------------


def python_of(peer: str) -> Path:
    return ROOT / ".peers" / peer / "bin" / "python"


def task(problem: Problem, args: argparse.Namespace) -> dict[str, Any]:
    return {
        "name": problem.name,
        "latents": [asdict(latent) for latent in problem.latents],
        "point": to_vector(problem, problem.point).tolist(),
        "data": {name: list(map(float, values)) for name, values in problem.data.items()},
        "draws": min(problem.draws, args.draws),
        "steps": args.steps,
        "rate": RATE,
        "budget": args.budget,
    }


def run_peer(peer: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The script's answer; where there is none, one cell that says why."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(given, file)
        file.flush()
        argv = [str(python_of(peer)), str(HERE / "scripts" / f"{peer}_gradients.py"), file.name]
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(
                argv, capture_output=True, text=True, timeout=LIMIT, env={**os.environ, **threads}, check=False
            )
            return json.loads(done.stdout.strip().splitlines()[-1])
        except subprocess.TimeoutExpired:
            return failure(f"not done in {LIMIT} s")
        except (ValueError, IndexError):
            return failure((done.stderr.strip().splitlines() or ["no answer"])[-1][:200])


def failure(why: str) -> dict[str, Any]:
    return {"version": "", "cells": {"": {"error": why, "lines": 0, "warnings": []}}}


def run_system(system: str, problem: Problem, args: argparse.Namespace) -> dict[str, Any]:
    if system == "ppl":
        return {"version": "", "cells": ours(problem, min(problem.draws, args.draws), args.budget)}
    given, kept = task(problem, args), ROOT / ".peers" / "estimators" / f"{system}-{problem.name}.json"
    if (args.keep or args.kept_only) and kept.exists() and (last := json.loads(kept.read_text()))["task"] == given:
        return last["answer"]
    if args.kept_only:
        return {"version": "", "cells": {}}
    answer = run_peer(system, given)
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps({"task": given, "answer": answer}))
    return answer


def page(args: argparse.Namespace, problems: list[Problem], systems: list[str], absent: list[str], raw: Answers) -> str:
    versions = dict.fromkeys(answer["version"] for answer in raw.values() if answer["version"])
    out = [
        "# Gradient estimators against exact gradients",
        "",
        f"{datetime.date.today()}; {os.cpu_count()} cores; Python {platform.python_version()}, numpy {np.__version__}; "
        f"{'; '.join(versions)}.",
        f"Made by `python {' '.join([Path(__file__).relative_to(ROOT).as_posix(), *sys.argv[1:]])}`.",
        *(f"{TITLES[name]}: absent, `.peers/{name}` is not there." for name in absent),
        "",
        *tables(problems, systems, absent, raw, args.steps),
    ]
    jumpy = [p.name for p in problems if p.name in MODELS]
    if jumpy:
        out += WORK
    for name in jumpy:
        out += work(name, args.work_draws, "ppl" in systems)
    return "\n".join([*out, *warnings_said(raw)]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--system", action="append", choices=list(TITLES))
    parser.add_argument("--problem", action="append", choices=list(BY_NAME))
    parser.add_argument("--draws", type=int, default=1_000_000, help="at most this many")
    parser.add_argument("--work-draws", type=int, default=200_000)
    parser.add_argument("--budget", type=float, default=10.0, help="seconds of gradients for each estimator")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--keep", action="store_true", help="peers that did the same task before are not run again")
    parser.add_argument("--kept-only", action="store_true", help="as --keep, and the others are not run either")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md")
    args = parser.parse_args()
    wanted = args.system or list(TITLES)
    absent = [name for name in wanted if name != "ppl" and not python_of(name).exists()]
    systems = [name for name in wanted if name not in absent]
    problems = [p for p in PROBLEMS if not args.problem or p.name in args.problem]
    raw = {}
    for problem in problems:
        for system in systems:
            print(f"{problem.name:14s} {system}", file=sys.stderr, flush=True)
            raw[system, problem.name] = run_system(system, problem, args)
    text = page(args, problems, systems, absent, raw)
    args.output.write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

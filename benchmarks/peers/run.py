"""Measures ppl and its peers on the same models and data:  `python benchmarks/peers/run.py [--rounds 3] [--engine NAME ...]`

Every fit is a fresh process, from its start to the last byte of its answer: means and standard deviations of all unknowns.
The engines take turns within each round, so that all of them meet the same mood of the machine; figures are medians over the
rounds. Wall time and peak memory are the kernel's. The answers are compared with `problems/NAME/reference.json`.
Writes RESULTS.md beside this file. `install.sh` installs the peers; one that is not there is said to be absent.
"""

import argparse
import datetime
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import exp, inf, log
from pathlib import Path
from time import perf_counter

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from data import HERE, PROBLEMS, make_logistic, path_of

ROOT = HERE.parent.parent
ENVS = ROOT / ".peers"
SCRIPTS = HERE / "scripts"
BAR = 5.0  # times faster than NumPyro, cold
# As installed: with compiled bytecode beside the sources, whatever the shell that starts the measurement prefers.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
SLACK = 0.02  # what 4,000 draws can tell apart, in standard deviations
TITLES = {
    "eight_schools": "eight schools, centred",
    "linear": "linear, 1,000 x 10",
    "logistic": "logistic, 10,000 x 50",
    "poisson": "Poisson, 5,000 rows, 100 groups",
}


@dataclass(frozen=True, slots=True)
class Engine:
    """How to run one system: `argv` of a problem; `absent` says why it cannot run, or is empty; `prepare` compiles what is
    compiled once per model, unless that is done."""

    name: str
    does: str
    argv: Callable[[str], list[str]]
    absent: Callable[[], str]
    prepare: Callable[[str], None] = lambda problem: None


@dataclass(frozen=True, slots=True)
class Run:
    """One process: wall seconds, peak resident memory in MB, its answer or the end of its complaint."""

    seconds: float
    memory: float
    answer: Mapping[str, object] | None
    complaint: str


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The largest |mean - reference| in reference sd, and the ratio of sds that is furthest from 1."""

    mean: float
    sd: float


# ---- engines -----------------------------------------------------------------------------------------------------


def python_peer(name: str, title: str, does: str, *more: str) -> Engine:
    python = ENVS / name / "bin" / "python"
    return Engine(
        title,
        does,
        lambda problem: [str(python), str(SCRIPTS / f"{name}_vi.py"), problem, *more],
        lambda: "" if python.exists() else f"{python.relative_to(ROOT)} is not there",
    )


def stan_argv(mode: str, problem: str) -> list[str]:
    return ["Rscript", str(SCRIPTS / "stan_vi.R"), mode, problem, str(ENVS), str(path_of(problem))]


def stan_absent() -> str:
    try:
        found = subprocess.run(["Rscript", "-e", "library(rstan); library(jsonlite)"], capture_output=True, check=False)
    except FileNotFoundError:
        return "no Rscript"
    return "" if found.returncode == 0 else "no rstan"


def stan_compile(problem: str) -> None:
    if not (ENVS / f"{problem}.rds").exists():
        subprocess.run(stan_argv("compile", problem), check=True, capture_output=True)


def ours_command() -> str:
    beside = Path(sys.executable).with_name("ppl")
    return str(beside if beside.exists() else "ppl")


def ours_argv(problem: str) -> list[str]:
    saved = str(Path(tempfile.gettempdir()) / f"{problem}.fit.npz")
    return [ours_command(), "fit", str(HERE / "problems" / problem / "model.ppl"), str(path_of(problem)), "-q", "--json", "-o", saved]


ENGINES = {
    "ppl": Engine("ppl", "`ppl fit model.ppl data.csv -q --json`", ours_argv, lambda: ""),
    "numpyro": python_peer("numpyro", "NumPyro", "AutoNormal, SVI.run, 2,000 steps of Adam(0.02)"),
    "numpyro-long": python_peer("numpyro", "NumPyro, long", "the same, 10,000 steps of Adam(0.005)", "10000", "0.005"),
    "pymc": python_peer("pymc", "PyMC", "pm.fit with its defaults, 10,000 steps; caches of compiled code warm"),
    "stan": Engine(
        "Stan",
        "rstan vb with its defaults; the model compiled beforehand (30 to 100 s each, not counted)",
        lambda problem: stan_argv("fit", problem),
        stan_absent,
        stan_compile,
    ),
    "pyro": python_peer("pyro", "Pyro", "AutoNormal, SVI, 2,000 steps of Adam(0.02)"),
}


# ---- measuring ---------------------------------------------------------------------------------------------------


def run(argv: list[str]) -> Run:
    """Start, wait, and read the last line of stdout as JSON. `--json` output may span lines: then all of stdout is read."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = perf_counter()
        process = subprocess.Popen(argv, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        answer, complaint = parsed(out.read()), err.read()[-300:]
    failed = process.returncode != 0 or answer is None
    memory = usage.ru_maxrss / (1024 if platform.system() == "Linux" else 1024**2)
    return Run(seconds, memory, None if failed else answer, complaint if failed else "")


def parsed(text: str) -> dict[str, object] | None:
    for part in (text, (text.strip().splitlines() or [""])[-1]):
        try:
            return json.loads(part)
        except ValueError:
            continue
    return None


def accuracy(answer: Mapping, reference: Mapping) -> Accuracy:
    mean, sd = 0.0, 1.0
    for name, truth in reference["unknowns"].items():
        found = answer["unknowns"][name]
        m, s, m0, s0 = (np.asarray(x, float).ravel() for x in (found["mean"], found["sd"], truth["mean"], truth["sd"]))
        if m.shape != m0.shape:
            raise ValueError(f"{name}: {m.size} numbers instead of {m0.size}")
        mean = max(mean, float(np.max(np.abs(m - m0) / s0)))
        ratio = np.log(s / s0)
        worst = float(ratio[np.argmax(np.abs(ratio))])
        sd = exp(worst) if abs(worst) > abs(log(sd)) else sd
    return Accuracy(mean, sd)


def measure(engines: list[Engine], problems: list[str], rounds: int) -> dict[tuple[str, str], list[Run]]:
    """Round by round, problem by problem, all engines in turn; one that failed is not tried again.

    Each engine starts once before that, unmeasured: bytecode is written and files are in memory."""
    for engine in engines:
        run(engine.argv("eight_schools"))
    runs: dict[tuple[str, str], list[Run]] = {(e.name, p): [] for e in engines for p in problems}
    for number in range(1, rounds + 1):
        for problem in problems:
            for engine in engines:
                done = runs[engine.name, problem]
                if any(r.answer is None for r in done):
                    continue
                done.append(run(engine.argv(problem)))
                print(f"round {number}  {problem:14s} {engine.name:8s} {done[-1].seconds:7.2f} s {done[-1].memory:6.0f} MB  "
                      f"{done[-1].complaint}", file=sys.stderr, flush=True)
    return runs


# ---- the table ---------------------------------------------------------------------------------------------------


def reference_of(problem: str) -> dict:
    reference = json.loads((HERE / "problems" / problem / "reference.json").read_text())
    if hashlib.sha256(path_of(problem).read_bytes()).hexdigest() != reference["data_sha256"]:
        raise SystemExit(f"the data of {problem} are not those of its reference: run reference.py")
    return reference


def seconds_of(runs: list[Run]) -> float:
    return statistics.median(r.seconds for r in runs) if runs and all(r.answer is not None for r in runs) else inf


def row(engine: Engine, runs: list[Run], ours: float, reference: Mapping) -> str:
    seconds = seconds_of(runs)
    if seconds == inf:
        return f"| {engine.name} | failed | | | | |"
    times = [r.seconds for r in runs]
    near = accuracy(runs[0].answer or {}, reference)
    memory = statistics.median(r.memory for r in runs)
    spread = f"{seconds:.2f} ({min(times):.2f} to {max(times):.2f})"
    return f"| {engine.name} | {spread} | {seconds / ours:.1f} | {memory:.0f} | {near.mean:.3f} | {near.sd:.3f} |"


def verdict(problem: str, runs: Mapping, reference: Mapping) -> str:
    """The bar: five times faster than NumPyro, means and sds no worse."""
    mine, theirs = runs["ppl", problem], runs["NumPyro", problem]
    if inf in (seconds_of(mine), seconds_of(theirs)):
        return f"| {TITLES[problem]} | | | not measured |"
    ratio = seconds_of(theirs) / seconds_of(mine)
    a, b = (accuracy(r[0].answer, reference) for r in (mine, theirs))
    means = a.mean <= b.mean + SLACK
    sds = abs(log(a.sd)) <= abs(log(b.sd)) + SLACK
    met = "yes" if ratio >= BAR and means and sds else "NO"
    return f"| {TITLES[problem]} | {ratio:.1f} | {'yes' if means and sds else 'no'} | {met} |"


def machine() -> str:
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    clocks = [float(line.split(":")[1]) / 1000 for line in info.splitlines() if line.startswith("cpu MHz")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    clock = f"{statistics.median(clocks):.1f} GHz, " if clocks else ""
    return f"{os.cpu_count()} cores, {clock}{memory:.0f} GB"


def versions(engines: list[Engine], problems: list[str], runs: Mapping) -> str:
    python = f"Python {platform.python_version()}, numpy {np.__version__}"
    said = [r.answer["version"] for e in engines for p in problems for r in runs[e.name, p][:1] if r.answer and "version" in r.answer]
    return "; ".join([python, *dict.fromkeys(said)])


def report(engines: list[Engine], absent: Mapping[str, str], problems: list[str], runs: Mapping, load: tuple[float, float]) -> str:
    rounds = max(len(r) for r in runs.values())
    out = [
        "# ppl and its peers: the same model, the same data, a fresh process",
        "",
        f"{datetime.date.today()}; {machine()}; {versions(engines, problems, runs)}.",
        f"Made by `python {' '.join([Path(__file__).relative_to(ROOT).as_posix(), *sys.argv[1:]])}`; load of the machine "
        f"{load[0]:.1f} before, {load[1]:.1f} after. See README.md for what is measured.",
        "",
        *(f"- {e.name}: {e.does}." for e in engines),
        *(f"- {name}: absent, {why}." for name, why in absent.items()),
    ]
    for problem in problems:
        reference = reference_of(problem)
        out += [
            "",
            f"## {TITLES[problem]}",
            "",
            f"Seconds: median of {rounds} (least to most). Error of mean: the largest, in reference sd. Reference: {reference['how']}.",
            "",
            "| engine | seconds | times ppl | peak MB | error of mean | sd ratio |",
            "|---|---|---|---|---|---|",
            *(row(e, runs[e.name, problem], seconds_of(runs["ppl", problem]), reference) for e in engines),
        ]
    if "NumPyro" in [e.name for e in engines]:
        out += [
            "",
            f"## Bar: {BAR:g} times faster than NumPyro, means and sds no worse (by more than {SLACK}, the noise of 4,000 draws)",
            "",
            "| problem | times faster | as accurate | met |",
            "|---|---|---|---|",
            *(verdict(p, runs, reference_of(p)) for p in problems),
        ]
    return "\n".join(out) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", action="append", choices=[*ENGINES], help="ppl is always measured")
    parser.add_argument("--problem", action="append", choices=PROBLEMS)
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md")
    args = parser.parse_args()
    make_logistic()
    wanted = [e for name, e in ENGINES.items() if not args.engine or name in ("ppl", *args.engine)]
    absent = {e.name: why for e in wanted if (why := e.absent())}
    engines = [e for e in wanted if e.name not in absent]
    problems = args.problem or list(PROBLEMS)
    for engine in engines:
        for problem in problems:
            engine.prepare(problem)
    before = os.getloadavg()[0]
    runs = measure(engines, problems, args.rounds)
    text = report(engines, absent, problems, runs, (before, os.getloadavg()[0]))
    args.output.write_text(text)
    print(text)
    return 0 if "| NO |" not in text else 1


if __name__ == "__main__":
    sys.exit(main())

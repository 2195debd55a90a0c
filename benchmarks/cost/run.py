"""Measures what ppl costs against what it stands on, as ratios within one run.

`python benchmarks/cost/run.py [NAME ...]`, the names being:

- `start`: a whole cold `ppl fit` of eight schools over importing the libraries it stands on;
- `check`: CPU seconds of `ppl check`, and that it imports no numerical library;
- `small`: one value and gradient of eight schools, for one draw, over the same by hand in numpy;
- `large`: one value and gradient of a logistic regression of 10,000 x 50, for 32 draws, over the same by hand;
- `fit`: that regression's whole fit, in a process of its own: seconds and peak memory.

The two sides of a ratio take turns and each is summed up by its median. The hand-written functions are compared with
the emitted ones to 1e-10. Exit status 1 when a bar is missed.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one thread on both sides

import numpy as np
import numpy.typing as npt

from ppl import api

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SCHOOLS = ROOT / "models" / "eight_schools"
LIBRARIES = "import numpy, scipy.special, scipy.optimize, networkx, autograd"
# As installed: with compiled bytecode beside the sources.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
HEAVY = ("numpy", "scipy", "autograd", "networkx")
REGRESSION = """\
data {
  y:          bool
  x[feature]: real
}

model {
  alpha ~ Normal(0, 5)
  beta[feature] ~ Normal(0, 1)
  y ~ Bernoulli(logit=alpha + x @ beta)
}
"""
ROWS, FEATURES, DRAWS, WEIGHT = 10_000, 50, 32, 0.4

Array = npt.NDArray[np.float64]
Function = Callable[[Array], tuple[Array, Array]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: what, what was measured, and the most it may be."""

    what: str
    found: float
    bar: float
    unit: str
    detail: str

    @property
    def met(self) -> bool:
        return self.found <= self.bar


# ---- by hand -----------------------------------------------------------------------------------------------------


def schools_by_hand(y: Array, se: Array, w: float) -> Function:
    """Eight schools in (mu, log tau, theta'), theta' = w mu + tau^w z and theta = mu + tau z; draws lead."""
    precision, count = 1 / se**2, len(y)
    constant = -0.5 * np.log(2 * np.pi) * (2 * count + 1) - np.log(se).sum() - np.log(5.0) + np.log(2 / (5 * np.pi))

    def value_and_grad(u: Array) -> tuple[Array, Array]:
        mu, log_tau = u[:, 0], u[:, 1]
        tau, shrink = np.exp(log_tau), np.exp(-w * log_tau)
        z = (u[:, 2:] - (w * mu)[:, None]) * shrink[:, None]
        error = y - (mu[:, None] + tau[:, None] * z)
        pull = error * precision
        ratio = (0.2 * tau) ** 2
        value = constant - 0.02 * mu**2 - np.log1p(ratio) + (1 - count * w) * log_tau
        value -= 0.5 * ((z * z).sum(1) + (error * pull).sum(1))
        by_z = tau[:, None] * pull - z
        by_theta = by_z * shrink[:, None]
        grad = np.empty_like(u)
        grad[:, 0] = -0.04 * mu + pull.sum(1) - w * by_theta.sum(1)
        grad[:, 1] = 1 - count * w - 2 * ratio / (1 + ratio) + tau * (pull * z).sum(1) - w * (by_z * z).sum(1)
        grad[:, 2:] = by_theta
        return value, grad

    return value_and_grad


def logistic_by_hand(y: Array, x: Array) -> Function:
    """Logistic regression in (alpha, beta); one exponential and one logarithm per row and draw."""
    constant = -0.5 * np.log(2 * np.pi) * (x.shape[1] + 1) - np.log(5.0)
    xt = np.ascontiguousarray(x.T)

    def value_and_grad(u: Array) -> tuple[Array, Array]:
        alpha, beta = u[:, 0], u[:, 1:]
        eta = beta @ xt
        eta += alpha[:, None]
        small = np.exp(-np.abs(eta))
        softplus = np.log1p(small)
        softplus += np.maximum(eta, 0)
        value = constant - 0.02 * alpha**2 - 0.5 * (beta * beta).sum(1) + eta @ y - softplus.sum(1)
        error = y - np.where(eta >= 0, 1.0, small) / (1 + small)
        grad = np.empty_like(u)
        grad[:, 0] = -0.04 * alpha + error.sum(1)
        grad[:, 1:] = error @ x - beta
        return value, grad

    return value_and_grad


# ---- measuring ---------------------------------------------------------------------------------------------------


def in_turns(sides: tuple[Callable[[], object], ...], rounds: int) -> list[float]:
    """Median seconds of each side; the sides take turns."""
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, kept in zip(sides, times, strict=True):
            began = perf_counter()
            side()
            kept.append(perf_counter() - began)
    return [statistics.median(t) for t in times]


def many(function: Callable[[], object], times: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            function()

    return run


def command(*args: str) -> list[str]:
    return [str(Path(sys.executable).with_name("ppl")), *args]


def quietly(argv: list[str]) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env=ENVIRONMENT)


def same(mine: tuple[Array, Array, Array], theirs: tuple[Array, Array]) -> None:
    """Stop if the function by hand is not the emitted one."""
    for a, b in zip(mine, theirs, strict=False):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def regression_data() -> dict[str, Array]:
    """Standard normal regressors, coefficients N(0, 0.5)."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, FEATURES))
    chance = 1 / (1 + np.exp(0.3 - x @ (0.5 * rng.normal(size=FEATURES))))
    return {"y": (rng.uniform(size=ROWS) < chance).astype(float), "x": x}


# ---- the bars ----------------------------------------------------------------------------------------------------


def start() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        fit = command("fit", f"{SCHOOLS}.ppl", f"{SCHOOLS}.csv", "-o", str(Path(folder) / "fit.npz"))
        quietly(fit)
        sides = (lambda: quietly(fit), lambda: quietly([sys.executable, "-c", LIBRARIES]))
        mine, theirs = in_turns(sides, 15)
    seconds = f"{mine:.2f} s / {theirs:.2f} s"
    yield Line("ppl fit eight_schools / importing its libraries", mine / theirs, 2.5, "x", seconds)


def check() -> Iterator[Line]:
    seconds = []
    for _ in range(9):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        quietly(command("check", f"{SCHOOLS}.ppl"))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    least = f"{min(seconds):.2f} to {max(seconds):.2f}"
    yield Line("ppl check eight_schools, CPU", statistics.median(seconds), 0.25, "s", least)
    program = (
        "import atexit, sys\n"
        f"atexit.register(lambda: sys.stderr.write(' '.join(m for m in {HEAVY!r} if m in sys.modules)))\n"
        "from ppl.cli.main import main\n"
        f"sys.argv = ['ppl', 'check', {str(SCHOOLS) + '.ppl'!r}]\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    found = done.stderr.split()
    yield Line("numerical libraries that ppl check imports", len(found), 0, "", " ".join(found) or "none")


def small() -> Iterator[Line]:
    program, bound = api.load(f"{SCHOOLS}.ppl").bind(f"{SCHOOLS}.csv")
    y, se = (np.asarray(bound.columns[name].values, float) for name in ("y", "se"))
    by_hand = schools_by_hand(y, se, WEIGHT)
    u, w = 0.5 * np.random.default_rng(0).normal(size=(1, program.dim)), np.full(program.weights, WEIGHT)
    same(program.value_and_grad(u, w), by_hand(u))
    sides = (many(lambda: program.value_and_grad(u, w), 200), many(lambda: by_hand(u), 200))
    mine, theirs = (t / 200 * 1e6 for t in in_turns(sides, 41))
    each = f"{mine:.1f} us / {theirs:.1f} us"
    yield Line("value and gradient of eight schools, 1 draw / by hand", mine / theirs, 2.5, "x", each)


def large() -> Iterator[Line]:
    data = regression_data()
    program, _ = api.compile(REGRESSION).bind(data)
    by_hand = logistic_by_hand(data["y"], data["x"])
    u, w = 0.1 * np.random.default_rng(0).normal(size=(DRAWS, program.dim)), np.zeros(program.weights)
    same(program.value_and_grad(u, w), by_hand(u))
    mine, theirs = (t * 1e3 for t in in_turns((lambda: program.value_and_grad(u, w), lambda: by_hand(u)), 101))
    what = f"value and gradient of logistic {ROWS:,} x {FEATURES}, {DRAWS} draws / by hand"
    yield Line(what, mine / theirs, 1.5, "x", f"{mine:.2f} ms / {theirs:.2f} ms")


def fit() -> Iterator[Line]:
    """This file with the name `fit-here` fits, and prints seconds and MB."""
    argv = [sys.executable, __file__, "fit-here"]
    runs = [subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split() for _ in range(3)]
    memory = max(float(r[1]) for r in runs)
    seconds = statistics.median(float(r[0]) for r in runs)
    what = f"fit of logistic {ROWS:,} x {FEATURES}, peak memory"
    yield Line(what, memory, 400, "MB", f"{seconds:.2f} s in the process")


def fit_here() -> None:
    """The fit alone, data made in memory: seconds, and the peak of the whole process."""
    data = regression_data()
    began = perf_counter()
    api.compile(REGRESSION).fit(data)
    seconds = perf_counter() - began
    unit = 1024**2 if sys.platform == "darwin" else 1024
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)


BARS: dict[str, Callable[[], Iterator[Line]]] = {
    "start": start,
    "check": check,
    "small": small,
    "large": large,
    "fit": fit,
}


def row(line: Line) -> str:
    met = "yes" if line.met else "NO"
    return f"| {line.what} | {line.found:.3g} {line.unit} | {line.bar:g} {line.unit} | {met} | {line.detail} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[[], *BARS, "fit-here"], metavar="NAME", help=", ".join(BARS))
    names = parser.parse_args().names
    if names == ["fit-here"]:
        fit_here()
        return 0
    print(f"load of the machine {os.getloadavg()[0]:.1f}\n\n| what | measured | bar | met | |\n|---|---|---|---|---|")
    lines = []
    for name in names or BARS:
        for line in BARS[name]():
            lines.append(line)
            print(row(line), flush=True)
    return 0 if all(line.met for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())

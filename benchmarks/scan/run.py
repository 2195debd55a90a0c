"""What a recursion costs: value and gradient of three recursions of 1,000 steps for 16 draws, against the forward loop
alone (no gradient, no densities) written in numpy by hand, in one run.

    python benchmarks/scan/run.py            # a table
    python benchmarks/scan/run.py --json     # the numbers

The hand-written loops are what one would write: a line of numpy for each step."""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one thread on both sides

import numpy as np
import numpy.typing as npt

from ppl.api import compile

Array = npt.NDArray[np.float64]
Named = dict[str, Array]
STEPS, DRAWS, UNITS, REPEATS = 1000, 16, 16, 7
MOST = 5.0

GARCH = """
axis part = ["shock", "memory", "rest"]
data { y: real }
model {
  mu ~ Normal(0, 1)
  base ~ HalfNormal(1)
  share[part] ~ Dirichlet(1)
  for t in row {
    s[t] = if t == 1 then 0.5 else sqrt(base + share["shock"] * (y[t - 1] - mu)^2 + share["memory"] * s[t - 1]^2)
    y[t] ~ Normal(mu, s[t])
  }
}
"""
ARMA = """
data { y: real }
model {
  mu ~ Normal(0, 1)
  phi ~ Uniform(-1, 1)
  theta ~ Normal(0, 1)
  sigma ~ HalfNormal(1)
  for t in row {
    err[t] = if t == 1 then y[t] - mu else y[t] - mu - phi * (y[t - 1] - mu) - theta * err[t - 1]
  }
  factor sum(-0.5 * (err / sigma)^2 - log(sigma))
}
"""
NETWORK = """
axis unit = {units}
data {{ y: real }}
model {{
  V[unit] ~ Normal(0, 1)
  W[unit, unit] ~ Normal(0, 0.3)
  b[unit] ~ Normal(0, 1)
  sigma ~ HalfNormal(1)
  for t in row {{
    h[t, unit] = if t == 1 then 0 else tanh(W @ h[t - 1] + V * y[t - 1])
  }}
  y ~ Normal(h @ b, sigma)
}}
"""


def garch(x: Named, y: Array) -> Array:
    s = [np.full(DRAWS, 0.5)]
    shock, memory = x["share"][:, 0], x["share"][:, 1]
    for t in range(1, len(y)):
        s.append(np.sqrt(x["base"] + shock * (y[t - 1] - x["mu"]) ** 2 + memory * s[-1] ** 2))
    return np.array(s).T


def arma(x: Named, y: Array) -> Array:
    mu, phi, theta = x["mu"], x["phi"], x["theta"]
    err = [y[0] - mu]
    for t in range(1, len(y)):
        err.append(y[t] - mu - phi * (y[t - 1] - mu) - theta * err[-1])
    return np.array(err).T


def network(x: Named, y: Array) -> Array:
    h = [np.zeros((DRAWS, UNITS))]
    for t in range(1, len(y)):
        h.append(np.tanh((x["W"] @ h[-1][:, :, None])[:, :, 0] + x["V"] * y[t - 1]))
    return np.swapaxes(np.array(h), 0, 1)


@dataclass(frozen=True)
class Case:
    name: str
    model: str
    state: str
    by_hand: Callable[[Named, Array], Array]


CASES = (
    Case("GARCH(1, 1)", GARCH, "s", garch),
    Case("ARMA(1, 1)", ARMA, "err", arma),
    Case(f"recurrent net, {UNITS} units", NETWORK.format(units=UNITS), "h", network),
)


def seconds(f: Callable[[], object], repeats: int) -> float:
    """The shortest time of a call."""
    times = []
    for _ in range(repeats):
        began = perf_counter()
        f()
        times.append(perf_counter() - began)
    return min(times)


def measure(case: Case, steps: int = STEPS, repeats: int = REPEATS) -> dict[str, float]:
    """Seconds of each pass, their ratio, and the largest difference between the states."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=steps)
    program, _ = compile(case.model).bind({"y": y})
    u, w = rng.normal(0, 0.3, (DRAWS, program.dim)), np.ones(program.weights)
    x = program.constrained(u, w)
    found = {
        "value_and_grad": seconds(lambda: program.value_and_grad(u, w), repeats),
        "value": seconds(lambda: program.value(u, w), repeats),
        "forward_by_hand": seconds(lambda: case.by_hand(x, y), repeats),
    }
    found["ratio"] = found["value_and_grad"] / found["forward_by_hand"]
    found["difference"] = float(np.abs(x[case.state] - case.by_hand(x, y)).max())
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="The cost of recursions against numpy by hand.")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    args = parser.parse_args(argv)
    found = {case.name: measure(case) for case in CASES}
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        print(f"{STEPS} steps, {DRAWS} draws; milliseconds, the shortest of {REPEATS}")
        for name, times in found.items():
            ours, hand = 1e3 * times["value_and_grad"], 1e3 * times["forward_by_hand"]
            print(f"  {name:24} {ours:7.1f}  by hand {hand:7.1f}  ratio {times['ratio']:.2f} (at most {MOST:g})")
    return 0 if all(t["ratio"] <= MOST and t["difference"] < 1e-10 for t in found.values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())

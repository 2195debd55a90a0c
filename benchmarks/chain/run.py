"""What a chain costs: the value and gradient of a hidden Markov model of 2,000 steps and 5 states for 16 draws, against
the forward pass alone (no gradient, no densities) written in numpy by hand, in one run.

    python benchmarks/chain/run.py            # a table
    python benchmarks/chain/run.py --json     # the numbers

The hand-written pass works in logs, one logsumexp over the state before per step; a second one rescales probabilities
at every step, which is quicker and loses states that are improbable for a while."""

import argparse
import json
import os
from collections.abc import Callable, Sequence
from time import perf_counter

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one thread on both sides

import numpy as np
import numpy.typing as npt

from ppl.api import compile
from ppl.stdlib.kernels import KERNELS

Array = npt.NDArray[np.float64]
STEPS, STATES, DRAWS, REPEATS = 2000, 5, 16, 15
MOST = 5.0
MODEL = """
axis state = {states}

data {{
  y: real
}}

model {{
  start[state] ~ Dirichlet(1)
  move[state, state] ~ Dirichlet(2)
  level[state] ~ Normal(0, 3)
  spread ~ HalfNormal(1)
  for t in row {{
    z[t] ~ if t == 1 then Categorical(start) else Categorical(move[z[t - 1]])
  }}
  y ~ Normal(level[z], spread)
}}
"""


def forward_in_logs(start: Array, move: Array, seen: Array) -> Array:
    """Log evidence (S,) from log probabilities (S, K), (S, K, K) and log densities (S, T, K)."""
    a = start + seen[:, 0]
    for t in range(1, seen.shape[1]):
        x = a[:, :, None] + move
        top = x.max(1)
        a = top + np.log(np.exp(x - top[:, None]).sum(1)) + seen[:, t]
    top = a.max(1)
    return np.asarray(top + np.log(np.exp(a - top[:, None]).sum(1)))


def forward_rescaled(start: Array, move: Array, seen: Array) -> Array:
    """The same with probabilities that add up to one after every step."""
    p, total = np.exp(move), np.zeros(len(start))
    top = seen.max(-1)
    likely = np.exp(seen - top[..., None])
    a = np.exp(start) * likely[:, 0]
    for t in range(1, seen.shape[1]):
        a = (a[:, None] @ p)[:, 0] * likely[:, t]
        share = a.sum(1)
        total += np.log(share)
        a /= share[:, None]
    return np.asarray(total + np.log(a.sum(1)) + top.sum(1))


def seconds(f: Callable[[], object], repeats: int) -> float:
    """The shortest time of a call."""
    times = []
    for _ in range(repeats):
        began = perf_counter()
        f()
        times.append(perf_counter() - began)
    return min(times)


def simulated(rng: np.random.Generator) -> Array:
    z = np.zeros(STEPS, int)
    for t in range(1, STEPS):
        z[t] = z[t - 1] if rng.random() < 0.9 else rng.integers(STATES)
    return np.asarray(2.0 * z + rng.normal(size=STEPS))


def measure(repeats: int = REPEATS) -> dict[str, float]:
    """Seconds of each pass, their ratios, and the relative difference of the log evidences."""
    rng = np.random.default_rng(0)
    program, _ = compile(MODEL.format(states=STATES)).bind({"y": simulated(rng)})
    u, w = rng.normal(0, 0.3, (DRAWS, program.dim)), np.ones(program.weights)
    start, move = np.log(rng.dirichlet(np.ones(STATES), DRAWS)), np.log(rng.dirichlet(np.ones(STATES), (DRAWS, STATES)))
    seen = rng.normal(0, 3, (DRAWS, STEPS, STATES))
    by_hand = forward_in_logs(start, move, seen)
    potentials = seen + np.where(np.arange(STEPS)[:, None] == 0, start[:, None], 0.0)
    ours = KERNELS["chain_same1"].forward(potentials, move)[0]
    np.testing.assert_allclose(forward_rescaled(start, move, seen), by_hand, rtol=1e-10)
    found = {
        "value_and_grad": seconds(lambda: program.value_and_grad(u, w), repeats),
        "value": seconds(lambda: program.value(u, w), repeats),
        "forward_in_logs": seconds(lambda: forward_in_logs(start, move, seen), repeats),
        "forward_rescaled": seconds(lambda: forward_rescaled(start, move, seen), repeats),
    }
    found["ratio"] = found["value_and_grad"] / found["forward_in_logs"]
    found["ratio_rescaled"] = found["value_and_grad"] / found["forward_rescaled"]
    found["difference"] = float(np.abs(ours / by_hand - 1.0).max())
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="The cost of a chain against numpy by hand.")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    args = parser.parse_args(argv)
    found = measure()
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        print(f"{STEPS} steps, {STATES} states, {DRAWS} draws; milliseconds, the shortest of {REPEATS}")
        for name in ("value_and_grad", "value", "forward_in_logs", "forward_rescaled"):
            print(f"  {name.replace('_', ' '):18} {1e3 * found[name]:7.1f}")
        print(f"  ratio to the pass in logs  {found['ratio']:.2f} (at most {MOST:g})")
        print(f"  ratio to the rescaled one  {found['ratio_rescaled']:.2f}")
        print(f"  the log evidences differ by {found['difference']:.0e} of them")
    return 0 if found["ratio"] <= MOST and found["difference"] < 1e-10 else 1


if __name__ == "__main__":
    raise SystemExit(main())

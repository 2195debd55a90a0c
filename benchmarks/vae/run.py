"""A variational autoencoder on 8x8 digits, ours against NumPyro's and Pyro's:  `python benchmarks/vae/run.py`

The same architecture (latent 8, hidden 128, tanh), initial weights, training images, minibatches of 256, Adam steps and
rate in every system. What each of them learned is judged by one function: the evidence lower bound per held-out image,
with the same draws for all. Peers are looked for in .peers/NAME (benchmarks/estimators/install.sh); one that is not
there is left out. Seconds per step are medians within this run. Writes RESULTS.md beside this file."""

import argparse
import datetime
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one thread for everyone

import numpy as np
import numpy.typing as npt

import ppl

Array = npt.NDArray[np.float64]
HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MODEL, DATA = ROOT / "models" / "vae.ppl", ROOT / "models" / "digits.csv"
PEERS = ("numpyro", "pyro")
TRAIN, BATCH, STEPS, RATE, DRAWS = 1500, 256, 3000, 0.003, 200
# The seconds of a step may be this many times NumPyro's.
MOST = 3.0


def bound_per_image(w: Mapping[str, Array], x: Array, draws: int = DRAWS) -> tuple[float, float]:
    """The evidence lower bound (nats) per image and the standard error of its Monte Carlo estimate."""
    rng = np.random.default_rng(0)
    h = np.tanh(x @ w["encoder.h.W"] + w["encoder.h.b"])
    m, log_s = h @ w["encoder.m.W"] + w["encoder.m.b"], h @ w["encoder.s.W"] + w["encoder.s.b"]
    divergence = 0.5 * (np.exp(2 * log_s) + m**2 - 1 - 2 * log_s).sum(1)
    found = []
    for _ in range(draws):
        z = m + np.exp(log_s) * rng.standard_normal(m.shape)
        logits = np.tanh(z @ w["decoder.h.W"] + w["decoder.h.b"]) @ w["decoder.logits.W"] + w["decoder.logits.b"]
        found.append(float(((x * logits - np.logaddexp(0, logits)).sum(1) - divergence).mean()))
    return float(np.mean(found)), float(np.std(found) / np.sqrt(draws))


def images() -> Array:
    """(N, 64) zeros and ones."""
    with DATA.open() as file:
        names = file.readline().strip().split(",")
    keep = [i for i, name in enumerate(names) if name.startswith("px")]
    return np.loadtxt(DATA, delimiter=",", skiprows=1, usecols=keep)


def columns(x: Array) -> dict[str, Array]:
    return {f"px{i + 1}": x[:, i].astype(int) for i in range(x.shape[1])}


def start_weights() -> dict[str, Array]:
    """Where our fit begins; the peers begin there too."""
    program, _ = ppl.load(MODEL).bind(columns(images()[:TRAIN]))
    return {name: np.asarray(value) for name, value in program.learned(program.start).items()}


def ours(x: Array, steps: int, seed: int) -> dict[str, Any]:
    """Our fit by minibatches; what a step costs is the difference of a long and a short fit."""
    model, data = ppl.load(MODEL), columns(x)
    spent, fits = [], []
    for count in (steps // 4, steps):
        began = perf_counter()
        fits.append(model.fit(data, batch=BATCH, steps=count, lr=RATE, seed=seed))
        spent.append(perf_counter() - began)
    return {
        "version": ppl.__version__,
        "seconds_per_step": (spent[1] - spent[0]) / (steps - steps // 4),
        "seconds": spent[1],
        "weights": {name: np.asarray(p.value, float) for name, p in fits[1].params.items()},
    }


def peer(name: str, steps: int, seed: int, start: Path) -> dict[str, Any] | None:
    """What a peer learned; None where it is not installed."""
    python = ROOT / ".peers" / name / "bin" / "python"
    if not python.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        task, out = Path(folder) / "task.json", Path(folder) / "weights.npz"
        data = Path(folder) / "digits.csv"
        np.savetxt(data, images(), delimiter=",", header="digits", fmt="%d")
        given = {"data": str(data), "train": TRAIN, "batch": BATCH, "steps": steps, "rate": RATE, "seed": seed}
        task.write_text(json.dumps({**given, "start": str(start)}))
        argv = [str(python), str(HERE / "scripts" / f"{name}_vae.py"), str(task), str(out)]
        one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        one["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        began = perf_counter()
        done = subprocess.run(argv, capture_output=True, text=True, env={**os.environ, **one}, check=False)
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr[-800:]}")
        said = json.loads(done.stdout.strip().splitlines()[-1])
        return {**said, "seconds": perf_counter() - began, "weights": dict(np.load(out))}


def row(name: str, found: Mapping[str, Any], held_out: Array, base: float) -> str:
    value, se = bound_per_image(found["weights"], held_out)
    step = found["seconds_per_step"]
    ratio = f"{step / base:.2f}" if base else ""
    return (
        f"| {name} {found['version']} | {value:.3f} ± {se:.3f} | {1e3 * step:.2f} | {ratio} | {found['seconds']:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    x = images()
    train, held_out = x[:TRAIN], x[TRAIN:]
    with tempfile.NamedTemporaryFile(suffix=".npz") as start:
        np.savez(start.name, **start_weights())
        found = {"ppl": ours(train, args.steps, args.seed)}
        for name in PEERS:
            other = peer(name, args.steps, args.seed, Path(start.name))
            if other is not None:
                found[name] = other
    base = found.get("numpyro", {}).get("seconds_per_step", 0.0)
    head = f"{TRAIN} images to learn from, {len(held_out)} held out, minibatches of {BATCH}, {args.steps} steps of Adam"
    lines = [
        "# A variational autoencoder on 8x8 digits",
        "",
        f"{datetime.date.today()}, {platform.machine()}, one thread each. {head} at {RATE}.",
        "`python benchmarks/vae/run.py` makes this file.",
        "",
        "| system | held-out bound per image (nats) | ms per step | times NumPyro's | seconds in all |",
        "|---|---|---|---|---|",
        *(row(name, one, held_out, base) for name, one in found.items()),
        "",
    ]
    print("\n".join(lines))
    (HERE / "RESULTS.md").write_text("\n".join(lines))


if __name__ == "__main__":
    main()

"""A logistic regression on a CSV file larger than it should have to be in memory: time, peak memory, and the truth.

    python benchmarks/stream/run.py [ROWS] [--keep FILE]

makes a file of ROWS (5 million) rows and ten columns, fits it with `ppl fit --batch`, and compares the posterior with
the coefficients that made the data."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

MODEL = """\
data {
  y: bool
  x[feature]: real from "x1".."x9"
}
model {
  b0 ~ Normal(0, 2)
  b[feature] ~ Normal(0, 1)
  y ~ Bernoulli(logit=b0 + x @ b)
}
"""
FEATURES, INTERCEPT = 9, 0.3
SLOPES = np.linspace(-0.5, 0.5, FEATURES)
BLOCK = 100_000
# The most that the fit may use: a gigabyte.
LIMIT = 1_000_000_000


def write(path: Path, rows: int, seed: int = 0) -> None:
    """Correlated columns and the answers, block by block."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(FEATURES, FEATURES)) / 3
    with path.open("w") as file:
        file.write("y," + ",".join(f"x{i + 1}" for i in range(FEATURES)) + "\n")
        for at in range(0, rows, BLOCK):
            x = rng.normal(size=(min(BLOCK, rows - at), FEATURES)) @ mix
            y = rng.random(len(x)) < 1.0 / (1.0 + np.exp(-(INTERCEPT + x @ SLOPES)))
            np.savetxt(file, np.column_stack([y, x]), fmt=["%d"] + ["%.6g"] * FEATURES, delimiter=",")


def fitted(folder: Path, data: Path) -> tuple[dict[str, object], float, int]:
    """The output of the command, the seconds it took, and the bytes that it had in memory at most."""
    model = folder / "logistic.ppl"
    model.write_text(MODEL)
    command = [sys.executable, "-m", "ppl", "fit", str(model), str(data), "--batch", "1000", "--json"]
    began = perf_counter()
    with (folder / "out.json").open("w") as out:
        process = subprocess.Popen([*command, "-o", str(folder / "fit.npz")], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the fit ended with status {status}")
    return json.loads((folder / "out.json").read_text()), perf_counter() - began, usage.ru_maxrss * 1024


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 5_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = Path(sys.argv[sys.argv.index("--keep") + 1]) if "--keep" in sys.argv else folder / "data.csv"
        if not data.exists():
            write(data, rows)
        print(f"{rows:,} rows, {data.stat().st_size / 1e6:,.0f} MB")
        found, seconds, memory = fitted(folder, data)
    report(found, seconds, memory)


def report(found: dict, seconds: float, memory: int) -> None:  # type: ignore[type-arg]
    """Each coefficient beside the one that made the data, in posterior standard deviations."""
    unknowns = found["unknowns"]
    mean = np.array([unknowns["b0"]["mean"], *unknowns["b"]["mean"]])
    sd = np.array([unknowns["b0"]["sd"], *unknowns["b"]["sd"]])
    z = (mean - [INTERCEPT, *SLOPES]) / sd
    print(f"{seconds:.0f} s, {memory / 1e6:,.0f} MB at most; trust {found['trust']['verdict']}")
    print("largest distance from the truth:", f"{np.abs(z).max():.2f} posterior sds")
    print("within the limit" if memory < LIMIT else "over the limit of 1 GB")
    raise SystemExit(0 if memory < LIMIT and np.abs(z).max() < 4.5 else 1)


if __name__ == "__main__":
    main()

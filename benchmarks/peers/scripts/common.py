"""What every Python peer does around its fit: read the data, print means and standard deviations as one JSON object."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from data import load  # noqa: E402

DRAWS = 4000
SPREAD = 0.1  # the guide's first standard deviation
STEPS = int(sys.argv[2]) if len(sys.argv) > 2 else 2000  # of Adam
RATE = float(sys.argv[3]) if len(sys.argv) > 3 else 0.02


def main(fits: Mapping[str, Callable[[dict[str, np.ndarray]], Mapping[str, np.ndarray]]], version: str) -> None:
    """Fit the problem named on the command line. A fit takes the data and returns draws, (draws, shape of the unknown)."""
    problem = sys.argv[1]
    draws = {name: np.asarray(v, dtype=np.float64) for name, v in fits[problem](load(problem)).items()}
    found = {name: {"mean": v.mean(0).tolist(), "sd": v.std(0).tolist()} for name, v in draws.items()}
    print(json.dumps({"version": version, "unknowns": found}))

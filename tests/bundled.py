"""The example models and the files they are fitted to."""

import csv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "models"
EVERY = tuple(sorted(MODELS.glob("*.ppl")))
# Models whose data have another name than NAME.csv, or stand in several files: a file for each table.
ELSEWHERE: dict[str, dict[str, str]] = {
    "dmm": {"": "dmm.json"},
    "slopes_two_tables": {"trials": "slopes_trials.csv", "subjects": "slopes_subjects.csv"},
    **{name: {"": "digits.csv"} for name in ("cvae", "ssvae", "vae")},
}
# So many rows are enough where values are checked draw by draw.
MOST = 24


def files(name: str) -> dict[str, Path]:
    """The files of a model by the names of its tables; "" is the only one."""
    own = MODELS / f"{name}.csv"
    found = {table: MODELS / file for table, file in ELSEWHERE.get(name, {}).items()}
    return found or ({"": own} if own.exists() else {})


def arguments(name: str) -> tuple[str, ...]:
    """The files as the command takes them, seen from the root of the repository."""
    shown = ((table, path.relative_to(ROOT)) for table, path in files(name).items())
    return tuple(f"{table}={path}" if table else str(path) for table, path in shown)


def data_of(name: str) -> Any:
    """The files as `Model.fit` takes them."""
    found = {table: str(path) for table, path in files(name).items()}
    return found.get("", found or None)


def has_nets(name: str) -> bool:
    return "\nnet " in (MODELS / f"{name}.ppl").read_text()


def few_rows(name: str) -> Any:
    """The data, cut short where a model has nets: their weights are many, and of one kind."""
    found = files(name)
    if "" not in found or found[""].suffix != ".csv" or not has_nets(name):
        return data_of(name)
    with found[""].open(newline="") as file:
        header, *rows = list(csv.reader(file))
    return {column: [row[k] for row in rows[:MOST]] for k, column in enumerate(header)}

"""`ppl fit --batch`."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from commands import MODELS, ppl

from ppl.data import stream
from ppl.results.fit import load_fit

MODEL = """
data { won: bool
  x: real
  school: factor }
model {
  m ~ Normal(0, 1)
  b ~ Normal(0, 1)
  a[school] ~ Normal(m, 0.5)
  won ~ Bernoulli(logit=a[school] + b * x)
}
"""
ROWS = 400


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("batch")
    rng = np.random.default_rng(0)
    school, x = rng.integers(0, 6, ROWS), rng.normal(size=ROWS)
    won = rng.random(ROWS) < 1 / (1 + np.exp(-(0.2 * school - 0.5 + x)))
    model, data = folder / "m.ppl", folder / "d.csv"
    model.write_text(MODEL)
    with data.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["won", "x", "school"])
        table.writerows(zip(won.astype(int), x, [f"s{i}" for i in school], strict=True))
    return str(model), str(data)


def test_the_output_says_what_a_minibatch_was(files: tuple[str, str], tmp_path: Path) -> None:
    path = str(tmp_path / "f.npz")
    result = ppl("fit", *files, "--batch", "40", "--steps", "300", "--lr", "0.05", "-o", path, columns=120)
    assert result.exit_code == 0, result.output
    assert "minibatches of 40 rows, 30 passes" in result.stdout
    fit = load_fit(path)
    assert fit.search is not None and (fit.search.batch, fit.search.batch_axis) == (40, "row")


def test_whole_groups_in_json(files: tuple[str, str], tmp_path: Path) -> None:
    argv = (
        "--batch",
        "2",
        "--batch-by",
        "school",
        "--steps",
        "90",
        "--lr",
        "0.05",
        "--json",
        "-o",
        str(tmp_path / "f"),
    )
    result = ppl("fit", *files, *argv)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["batch"] == {"size": 2, "axis": "school", "passes": 30.0}
    assert found["method"] == "minibatches" and len(found["unknowns"]["a"]["mean"]) == 6


def test_minibatches_and_all_rows_agree(
    files: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without steps or a rate the fit is of all data; from a file that is read part by part, too."""
    monkeypatch.setattr(stream, "LARGE", 0)
    results = [
        json.loads(ppl("fit", *files, *more, "--json", "-o", str(tmp_path / "f")).stdout)
        for more in ((), ("--batch", "40"))
    ]
    for name in ("m", "b", "a"):
        whole, parts = (np.asarray(r["unknowns"][name]["mean"]) for r in results)
        sd = np.asarray(results[0]["unknowns"][name]["sd"])
        assert np.max(np.abs(whole - parts) / sd) < 0.25
        assert np.max(np.abs(np.asarray(results[1]["unknowns"][name]["sd"]) / sd - 1)) < 0.2
    assert results[1]["trust"]["verdict"] == "ok"


def test_what_cannot_be_minibatched_is_shown_where_it_stands() -> None:
    result = ppl("fit", str(MODELS / "hmm.ppl"), str(MODELS / "hmm.csv"), "--batch", "10")
    assert result.exit_code == 1
    assert "error[E520]: these rows cannot be minibatched: `z[row]` depends on `z[row - 1]`" in result.stderr
    assert "hint: drop --batch" in result.stderr


def test_groups_need_a_size(files: tuple[str, str]) -> None:
    assert ppl("fit", *files, "--batch-by", "school").exit_code == 2
    result = ppl("fit", *files, "--batch", "2", "--batch-by", "x")
    assert result.exit_code == 1 and "E521" in result.stderr
    result = ppl("fit", *files, "--batch", "401")
    assert result.exit_code == 1 and "E522" in result.stderr

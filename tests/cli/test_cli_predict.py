"""`ppl predict`, `ppl simulate` and `ppl prior` from the command line."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from commands import MODELS, SCHOOLS, SCHOOLS_DATA, ppl

from ppl.api import load

TABLES = """data people { id: key }
data trials { who: people
  y: real }
model {
  a[people] ~ Normal(0, 1)
  y ~ Normal(a[who], 1)
}
"""
NEW = "school,se\nA,10\nZ,10\n"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fit") / "schools.fit.npz"
    load(SCHOOLS).fit(SCHOOLS_DATA).save(path)
    return path


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_predictions_of_new_rows(saved: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text(NEW)
    done = ppl("predict", str(saved), str(new))
    assert done.exit_code == 0, done.stderr
    head, first, second = done.stdout.splitlines()
    assert head.split() == ["row", "y_mean", "y_sd", "y_q05", "y_q50", "y_q95", "new", "levels"]
    assert float(first.split()[2]) > 10 and second.endswith("school=Z")
    assert "W153" in done.stderr and "row 2" in done.stderr


def test_predictions_in_a_file(saved: Path, tmp_path: Path) -> None:
    new, out = tmp_path / "new.csv", tmp_path / "out.csv"
    new.write_text(NEW)
    done = ppl("predict", str(saved), str(new), "-o", str(out), "--interval", "0.5")
    assert done.exit_code == 0 and done.stdout == "" and "2 rows in" in done.stderr
    first, second = rows_of(out.read_text())
    assert set(first) == {"row", "new_levels", "y_mean", "y_sd", "y_q25", "y_q50", "y_q75"}
    assert second["new_levels"] == "school=Z" and float(first["y_q25"]) < float(first["y_q75"])


def test_draws_and_means(saved: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text("school,se\nA,10\n")
    draws = rows_of(ppl("predict", str(saved), str(new), "--draws").stdout)
    y = np.array([float(r["y"]) for r in draws])
    assert len(draws) == 4000 and {r["row"] for r in draws} == {"1"}
    mean = rows_of(_file(saved, new, tmp_path, "--mean"))[0]["y"]
    assert abs(y.mean() - float(mean)) < 0.5


def _file(saved: Path, new: Path, folder: Path, *options: str) -> str:
    out = folder / "means.csv"
    assert ppl("predict", str(saved), str(new), "-o", str(out), *options).exit_code == 0
    return out.read_text()


def test_json(saved: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text(NEW)
    done = ppl("predict", str(saved), str(new), "--json")
    found = json.loads(done.stdout)
    assert found["schema"] == 1 and found["rows"] == [1, 2] and found["new_levels"] == {"2": ["school=Z"]}
    assert len(found["predictions"]["y"]["q95"]) == 2 and found["warnings"][0]["code"] == "W153"


def test_new_levels_may_be_an_error(saved: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text(NEW)
    done = ppl("predict", str(saved), str(new), "--new-levels", "error")
    assert done.exit_code == 1 and "E807" in done.stderr and not done.stdout
    found = json.loads(ppl("predict", str(saved), str(new), "--new-levels", "error", "--json").stdout)
    assert found["errors"][0]["code"] == "E807"


def test_what_is_missing_is_said(saved: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text("school\nA\n")
    done = ppl("predict", str(saved), str(new))
    assert done.exit_code == 1 and "E601" in done.stderr
    assert ppl("predict", str(tmp_path / "no.npz"), str(new)).exit_code == 1


# ---- simulate ------------------------------------------------------------------------------------------------------


def test_a_fake_data_set_can_be_fitted_back(tmp_path: Path) -> None:
    out = tmp_path / "fake.csv"
    done = ppl("simulate", str(MODELS / "radon.ppl"), "--rows", "150", "--set", "b_floor=-2", "-o", str(out))
    assert done.exit_code == 0 and "b_floor = -2" in done.stderr and done.stdout == ""
    assert len(rows_of(out.read_text())) == 150
    fit = load(MODELS / "radon.ppl").fit(out)
    b = fit["b_floor"]
    assert abs(float(b.mean()) + 2) < 4 * float(b.sd()) and float(b.sd()) < 1  # type: ignore[union-attr]


def test_covariates_come_from_the_data(tmp_path: Path) -> None:
    done = ppl("simulate", SCHOOLS, SCHOOLS_DATA, "--set", "tau=0.001", "--set", "mu=100", "--seed", "4")
    found, given = rows_of(done.stdout), rows_of(Path(SCHOOLS_DATA).read_text())
    assert [(r["school"], float(r["se"])) for r in found] == [(r["school"], float(r["se"])) for r in given]
    z = [(float(r["y"]) - 100) / float(r["se"]) for r in found]
    assert np.abs(z).max() < 4


def test_simulations_are_reproducible_and_say_what_made_them() -> None:
    first, again, other = (ppl("simulate", SCHOOLS, "--rows", "5", "--seed", s).stdout for s in ("1", "1", "2"))
    assert first == again != other
    truth = json.loads(ppl("simulate", SCHOOLS, "--rows", "5", "--json", "--set", "theta[school2]=7").stdout)["truth"]
    assert truth["theta"][1] == 7 and len(truth["theta"]) == 2


@pytest.mark.parametrize(
    ("code", "model", "options"),
    [
        ("E801", "data { y: real }\nmodel {\n  m ~ Flat()\n  y ~ Normal(m, 1)\n}\n", ()),
        ("E803", "data { y: real }\nmodel {\n  m ~ Normal(mean(y), 1)\n  y ~ Normal(m, 1)\n}\n", ()),
        ("E811", "model {\n  m ~ Normal(0, 1)\n}\n", ()),
        ("E812", "data { y: real }\nmodel {\n  m ~ Normal(0, 1)\n  y ~ Normal(m, 1)\n}\n", ("--set", "n=1")),
        ("E813", TABLES, ()),
    ],
)
def test_what_cannot_be_simulated(code: str, model: str, options: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "m.ppl"
    path.write_text(model)
    done = ppl("simulate", str(path), *options)
    assert done.exit_code == 1 and code in done.stderr, done.stderr


def test_a_value_makes_up_for_an_improper_prior(tmp_path: Path) -> None:
    path = tmp_path / "m.ppl"
    path.write_text("data { y: real }\nmodel {\n  m ~ Flat()\n  y ~ Normal(m, 0.1)\n}\n")
    done = ppl("simulate", str(path), "--set", "m=5", "--rows", "9")
    assert all(abs(float(r["y"]) - 5) < 1 for r in rows_of(done.stdout))


def test_factors_are_not_simulated_and_that_is_said(tmp_path: Path) -> None:
    path = tmp_path / "m.ppl"
    path.write_text("data { y: real }\nmodel {\n  m ~ Normal(0, 1)\n  factor -m^2\n  y ~ Normal(m, 1)\n}\n")
    assert "W152" in ppl("simulate", str(path)).stderr


# ---- prior ---------------------------------------------------------------------------------------------------------


def test_the_prior_of_every_name() -> None:
    found = json.loads(ppl("prior", SCHOOLS, SCHOOLS_DATA, "--json", "-n", "4000").stdout)
    mu, y = found["prior"]["mu"], found["prior"]["y"]
    assert abs(mu["sd"] - 5) < 0.3 and abs(mu["q95"] - 5 * 1.645) < 0.6
    assert y["role"] == "observed" and y["sd"] > 10 and found["rows"] == 8


def test_absurd_priors_are_warned_about(tmp_path: Path) -> None:
    counts, alike = tmp_path / "counts.ppl", tmp_path / "alike.ppl"
    counts.write_text("data { n: int >= 0 }\nmodel {\n  b ~ Normal(0, 100)\n  n ~ Poisson(log=b)\n}\n")
    alike.write_text("data { w: bool }\nmodel {\n  b ~ Normal(0, 100)\n  w ~ Bernoulli(logit=b)\n}\n")
    said = ppl("prior", str(counts))
    assert said.exit_code == 0 and "W151" in said.stderr and "million" in said.stderr
    assert "nearly all of `w` are the same" in ppl("prior", str(alike)).stderr
    assert ppl("prior", str(alike), "--strict").exit_code == 1
    assert "W151" not in ppl("prior", SCHOOLS, SCHOOLS_DATA).stderr


def test_a_picture_of_the_prior(tmp_path: Path) -> None:
    out = tmp_path / "prior.png"
    assert ppl("prior", SCHOOLS, "-n", "50", "--plot", str(out)).exit_code == 0
    assert out.read_bytes().startswith(b"\x89PNG")

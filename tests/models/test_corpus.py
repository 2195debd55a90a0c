"""The example models and the accuracy cases: complete, without errors, and with the published numbers."""

import csv
import json
import math
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from ppl.check.check import Checked, check
from ppl.check.core import Derived, Site
from ppl.data.bind import bind
from ppl.syntax.fmt import fmt
from ppl.syntax.imports import parse_linked
from ppl.syntax.parse import parse
from tests.bundled import data_of, files

ROOT = Path(__file__).parents[2]
MODELS = sorted((ROOT / "models").glob("*.ppl"))
ACCURACY = ROOT / "benchmarks" / "accuracy"
PROGRAMS = [*MODELS, *sorted((ACCURACY / "cases").glob("*.ppl"))]
WITH_DATA = [path for path in MODELS if re.search(r"^data\b", path.read_text(), re.MULTILINE)]
FILES = sorted({file for path in MODELS for file in files(path.stem).values()})
CASES: list[dict[str, Any]] = json.loads((ACCURACY / "cases.json").read_text())


def stem(path: Path) -> str:
    return path.stem


def named(case: dict[str, Any]) -> str:
    return str(case["name"])


def table(path: Path) -> dict[str, list[str]]:
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert all(len(row) == len(header) for row in rows), path
    return {name: [row[k] for row in rows] for k, name in enumerate(header)}


def numbers(model: str, column: str) -> list[float]:
    return [float(v) for v in table(ROOT / "models" / f"{model}.csv")[column]]


def checked(path: Path) -> Checked:
    return check(parse_linked(path.read_text(), str(path)))


def bound_rows(model: Path, data: object) -> int:
    """How many rows of the file the model takes. Raises `ModelError` where they do not fit."""
    core = checked(model).core
    assert core is not None
    return bind(core.data, data).rows


# ---- every program ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PROGRAMS, ids=stem)
def test_is_in_canonical_layout(path: Path) -> None:
    text = path.read_text()
    assert fmt(parse(text, str(path))) == text
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("path", PROGRAMS, ids=stem)
def test_has_no_errors(path: Path) -> None:
    assert not checked(path).errors


@pytest.mark.parametrize("path", PROGRAMS, ids=stem)
def test_begins_with_what_it_is(path: Path) -> None:
    first, *_ = path.read_text().splitlines()
    assert re.match(r"# \w.{10,}[.:?]", first)


# ---- models/ ------------------------------------------------------------------------------------------------------


def test_there_are_enough_models() -> None:
    assert len(MODELS) >= 18


@pytest.mark.parametrize("path", MODELS, ids=stem)
def test_only_models_with_columns_have_data(path: Path) -> None:
    assert bool(files(path.stem)) == (path in WITH_DATA)


@pytest.mark.parametrize("path", WITH_DATA, ids=stem)
def test_model_takes_all_rows_of_its_data(path: Path) -> None:
    assert bound_rows(path, data_of(path.stem)) == rows_of(next(iter(files(path.stem).values())))


def rows_of(file: Path) -> int:
    if file.suffix == ".json":
        return max(map(len, json.loads(file.read_text()).values()))
    return len(file.read_text().splitlines()) - 1


def test_data_are_small_and_all_of_them_are_used() -> None:
    assert set(FILES) == {f for suffix in ("csv", "json") for f in (ROOT / "models").glob(f"*.{suffix}")}
    assert all(file.stat().st_size < (250_000 if file.stem == "digits" else 60_000) for file in FILES)


@pytest.mark.parametrize("path", MODELS, ids=stem)
def test_model_has_no_warnings(path: Path) -> None:
    assert not checked(path).warnings


@pytest.mark.parametrize("path", MODELS, ids=stem)
def test_model_cites_its_source(path: Path) -> None:
    header = "".join(line for line in path.read_text().splitlines(keepends=True)[:4] if line.startswith("#"))
    assert re.search(r"\b(18|19|20)\d\d\b|posteriordb|Artificial Intelligence", header)


def test_readme_has_one_line_for_each_model() -> None:
    lines = re.findall(r"^\| `(\w+)` \| .+ \| .+ \([a-d]\) \|$", (ROOT / "models/README.md").read_text(), re.MULTILINE)
    assert lines == [path.stem for path in MODELS]


@pytest.mark.parametrize(
    ("model", "column", "count", "total"),
    [
        ("coal", "disasters", 111, 191),
        ("earthquakes", "count", 107, 2072),
        ("eight_schools", "y", 8, 70),
        ("faithful", "waiting", 272, 19284),
        ("nile", "flow", 100, 91935),
        ("poisson_glmm", "insects", 72, 684),
        ("pumps", "failures", 10, 75),
        ("seeds", "germinated", 21, 424),
        ("seeds", "total", 21, 831),
        ("textmsg", "count", 37, 775),
        ("survival", "weeks", 42, 541),
        ("zero_inflated", "movements", 240, 86),
    ],
)
def test_counts_and_totals_are_the_published_ones(model: str, column: str, count: int, total: int) -> None:
    values = numbers(model, column)
    assert (len(values), sum(values)) == (count, total)


def test_seven_points_have_the_published_slope() -> None:
    x, y = numbers("slope7", "concentration"), numbers("slope7", "score")
    mx, my = sum(x) / 7, sum(y) / 7
    slope = sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x)
    assert slope == pytest.approx(-9.009, abs=5e-4)


def test_cheese_has_52_tasters_each_and_the_published_likelihood_of_no_effect() -> None:
    data = table(ROOT / "models/cheese.csv")
    assert all(data["cheese"].count(c) == 52 for c in "ABCD")
    shares = [data["rating"].count(r) / 208 for r in "123456789"]
    assert -208 * sum(p * math.log(p) for p in shares) == pytest.approx(429.9, abs=0.05)


SIMULATED = runpy.run_path(str(ROOT / "models/simulate.py"))


@pytest.mark.parametrize("name", [draw.__name__ for draw in SIMULATED["SEEDS"]])
def test_simulated_data_are_those_of_the_script(name: str) -> None:
    assert SIMULATED["csv"](name) == (ROOT / f"models/{name}.csv").read_text()


def test_simulated_returns_are_those_of_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "models/simulate_stochastic_volatility.py"), run_name="__main__")
    assert capsys.readouterr().out == (ROOT / "models/stochastic_volatility.csv").read_text()


def test_simulated_tunes_are_those_of_the_script() -> None:
    simulated = runpy.run_path(str(ROOT / "models/simulate_dmm.py"))["tunes"]()
    assert simulated == json.loads((ROOT / "models/dmm.json").read_text())


@pytest.mark.parametrize(("one", "two"), [("faithful", "faithful_mixture"), ("radon", "radon_slopes")])
def test_models_of_one_data_set_agree_on_it(one: str, two: str) -> None:
    assert (ROOT / f"models/{one}.csv").read_bytes() == (ROOT / f"models/{two}.csv").read_bytes()


# ---- benchmarks/accuracy ------------------------------------------------------------------------------------------


def test_every_file_belongs_to_a_case() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES) == 53
    used = {case[key] for case in CASES for key in ("model", "data", "reference")}
    there = {str(p.relative_to(ACCURACY)) for folder in ("cases", "reference") for p in (ACCURACY / folder).iterdir()}
    assert there - used == {"cases/LICENCE-posteriordb.md"}
    assert sum((ACCURACY / name).stat().st_size for name in there) < 3_000_000


@pytest.mark.parametrize("case", CASES, ids=named)
def test_case_binds_all_its_data(case: dict[str, Any]) -> None:
    data = ACCURACY / case["data"]
    assert bound_rows(ACCURACY / case["model"], str(data)) == len(data.read_text().splitlines()) - 1


@pytest.mark.parametrize("case", CASES, ids=named)
def test_case_matches_every_reference_quantity(case: dict[str, Any]) -> None:
    reference = json.loads((ACCURACY / case["reference"]).read_text())
    assert set(case["match"]) == set(reference["quantities"])
    assert set(case.get("probabilities", ())) == set(reference.get("probabilities", ()))
    assert case["log_evidence"] == reference["log_evidence"]
    assert case["match"] or case["probabilities"]
    assert all(q["sd"] > 0 for q in reference["quantities"].values())
    assert all(0 <= p <= 1 for p in reference.get("probabilities", {}).values())


@pytest.mark.parametrize("case", CASES, ids=named)
def test_case_matches_entries_that_its_model_has(case: dict[str, Any]) -> None:
    """Names that the model defines, and indices inside their axes; no entry twice."""
    core = checked(ACCURACY / case["model"]).core
    assert core is not None
    sizes = {name: axis.size for name, axis in bind(core.data, str(ACCURACY / case["data"])).axes.items()}
    sizes |= {axis.name: axis.size for axis in core.axes if axis.size is not None}
    axes = {s.name: s.axes for s in core.statements if isinstance(s, Site | Derived)}
    for name, indices, *_ in (*case["match"].values(), *case.get("probabilities", {}).values()):
        assert all(1 <= at <= sizes[axis.rstrip("'")] for at, axis in zip(indices, axes[name], strict=True))
    assert len({json.dumps(to) for to in case["match"].values()}) == len(case["match"])

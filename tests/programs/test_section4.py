"""The programs of the language's specification, word for word, through the command: checked against data, explained,
fitted, and, where the fit has rows, asked for predictions."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ppl.cli.main import cli

HERE = Path(__file__).parent
MODELS = HERE.parents[1] / "models"
Rng = np.random.Generator
Rows = Iterable[Iterable[object]]


@dataclass(frozen=True)
class Case:
    """`files` write the data, by table ("" is the only one); `asks` are options of `fit`, `sets` of all commands;
    `new` writes the rows to be predicted, None where there are none; `known` are names and what their means must be
    near, with how near."""

    name: str
    files: dict[str, Callable[[Rng], str]]
    new: Callable[[Rng], str] | None = None
    asks: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    known: tuple[tuple[str, float, float], ...] = ()


def text(header: str, rows: Rows) -> str:
    return "\n".join([header, *(",".join(map(str, row)) for row in rows), ""])


def of_model(name: str) -> Callable[[Rng], str]:
    """The data of an example."""
    return lambda rng: (MODELS / f"{name}.csv").read_text()


def weather(rng: Rng) -> str:
    x = rng.normal(0, 1, (30, 4))
    y = np.tanh(x[:, 0]) + rng.normal(0, 0.1, 30)
    return text("temp,humidity,wind,pressure,y", np.column_stack([x, y]).round(3))


def clusters(rng: Rng) -> str:
    return text("x", ((round(float(rng.normal(m, 0.5)), 3),) for m in (-4, 0, 5) for _ in range(20)))


def relapses(rng: Rng) -> str:
    rows = []
    for i in range(40):
        age = "" if i % 9 == 4 else round(float(rng.uniform(30, 70)), 1)
        weeks = 20 * float(rng.weibull(1.3)) * (2 if i % 2 else 1)
        rows.append(
            (round(min(weeks, 40) + 0.1, 2), "true" if weeks < 40 else "false", age, ("placebo", "drug")[i % 2])
        )
    return text("weeks,relapsed,age,arm", rows)


def trials(rng: Rng) -> str:
    own = rng.normal([250, 10], [25, 4], (8, 2))
    rows = [(f"s{i}", d, round(float(own[i] @ (1, d) + rng.normal(0, 20)), 1)) for i in range(8) for d in range(6)]
    return text("subject,day,rt", rows)


def subjects(rng: Rng) -> str:
    return text("id,age", ((f"s{i}", 20 + 3 * i) for i in range(8)))


def votes(rng: Rng) -> str:
    rows = []
    for state in range(8):
        region, share = ("north", "south")[state % 2], round(float(rng.uniform(0.3, 0.7)), 2)
        for _ in range(12):
            vote = "yes" if rng.random() < share else "no"
            rows.append((vote, rng.integers(18, 80), rng.choice(["low", "mid", "high"]), f"st{state}", region, share))
    return text("vote,age,income,state,region,pct_rep", rows)


def genes(rng: Rng) -> str:
    x = rng.normal(0, 1, (40, 5))
    y = 2 * x[:, 1] + rng.normal(0, 1, 40)
    return text("y,g1,g2,g3,g4,g5", np.column_stack([y, x]).round(3))


def pixels(rng: Rng) -> str:
    return text(",".join(f"px{k}" for k in range(1, 785)), (rng.random((24, 784)) < 0.3).astype(int))


def days(first: int, count: int, rng: Rng) -> Rows:
    calm = np.resize(np.repeat([3.0, 11.0], 8), first + count)[first:]
    return ((f"2024-{4 + d // 30:02}-{1 + d % 30:02}", round(abs(float(rng.normal(calm[d - first], 1))), 2))
            for d in range(first, first + count))  # fmt: skip


def wind(rng: Rng) -> str:
    return text("day,wind", days(0, 32, rng))


def later_wind(rng: Rng) -> str:
    return text("day,wind", days(32, 3, rng))


def returns(rng: Rng) -> str:
    return text("date,r", ((f"2024-01-{d:02}", round(float(rng.normal(0, 0.01)), 5)) for d in range(1, 31)))


def later_returns(rng: Rng) -> str:
    return text("date", (("2024-02-01",), ("2024-02-02",)))


SCHOOLS, COAL, PIECEWISE, SEEDS, TOPICS = map(of_model, ("eight_schools", "coal", "piecewise", "seeds", "topics"))
CASES = (
    Case("bayesian_network", {"": weather}, weather, ("--batch", "10", "--steps", "200", "--draws", "200")),
    Case("change_point", {"": COAL}, COAL, known=(("early", 3.1, 0.3), ("late", 0.9, 0.2))),
    Case("corridor", {}, None, ("--time", "2s")),
    Case("eight_schools", {"": SCHOOLS}, SCHOOLS, known=(("mu", 4.4, 0.5), ("pooled_new", 4.4, 0.7))),
    Case("funnel", {}, None, ("--guide", "structured"), known=(("v", 0.0, 0.2),)),
    Case("gaussian_mixture", {"": clusters}, clusters),
    Case("gaussian_mixture_density", {"": clusters}, clusters),
    Case("hmm", {"": wind}, later_wind),
    Case("minimize", {}),
    Case("piecewise", {"": PIECEWISE}, PIECEWISE, ("--tol", "0.3", "--restarts", "1"), known=(("cut", 6.0, 0.5),)),
    Case("relapse", {"": relapses}, relapses, known=(("hazard_ratio", 0.5, 0.4),)),
    Case("seeds", {"": SEEDS}, SEEDS, known=(("b_extract", 1.3, 0.3),)),
    Case("spike_and_slab", {"": genes}, genes, ("--tol", "0.3")),
    Case("stochastic_volatility", {"": returns}, later_returns),
    Case("topics", {"": TOPICS}, TOPICS, ("--restarts", "1"), sets=("-D", "TOPICS=2")),
    Case("vae", {"": pixels}, pixels, ("--batch", "8", "--steps", "4", "--draws", "100")),
    Case(
        "varying_slopes",
        {"trials": trials, "subjects": subjects},
        trials,
        ("--restarts", "1"),
        known=(("noise", 20.0, 8.0),),
    ),
    Case("votes", {"": votes}, votes),
)


def ppl(*args: str) -> Result:
    return CliRunner().invoke(cli, list(args), env={"COLUMNS": "80"}, prog_name="ppl")


def files_of(case: Case, folder: Path) -> tuple[str, ...]:
    """The data, written, as arguments of the command."""
    found = []
    for table, write in case.files.items():
        path = folder / f"{table or case.name}.csv"
        path.write_text(write(np.random.default_rng(7)))
        found.append(f"{table}={path}" if table else str(path))
    return tuple(found)


def test_all_programs_are_here() -> None:
    assert [case.name for case in CASES] == sorted(path.stem for path in HERE.glob("*.ppl"))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_program_runs(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model, data = str(HERE / f"{case.name}.ppl"), files_of(case, tmp_path)
    checked, explained = ppl("check", model, *data, *case.sets), ppl("explain", model, *case.sets)
    assert (checked.exit_code, explained.exit_code) == (0, 0), checked.output + explained.output
    fitted = ppl("fit", model, *data, "--json", "--seed", "1", "-o", "x.npz", *case.asks, *case.sets)
    assert fitted.exit_code == 0, fitted.output
    result = json.loads(fitted.stdout)
    assert np.isfinite((result["elbo"] or result["objective"])["value"])
    for name, mean, within in case.known:
        found = {**result["unknowns"], **result.get("derived", {})}[name]["mean"]
        assert abs(found - mean) < within, (name, found)
    if case.new is not None:
        (tmp_path / "new.csv").write_text(case.new(np.random.default_rng(8)))
        predicted = ppl("predict", "x.npz", "new.csv", "-o", "predicted.csv")
        assert predicted.exit_code == 0, predicted.output
        assert len((tmp_path / "predicted.csv").read_text().splitlines()) > 1

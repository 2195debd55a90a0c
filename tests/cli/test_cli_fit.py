"""`ppl fit` and `ppl summary`."""

import csv
import io
import json
import signal
from pathlib import Path

import numpy as np
import pytest
from commands import MODELS, SCHOOLS, SCHOOLS_DATA, ppl, process

from ppl.results.fit import Fit, load_fit

# Means and standard deviations of the reference posterior (Stan, 10 chains of 10 000 draws; posteriordb).
REFERENCE = {"mu": (4.41, 3.31), "tau": (3.60, 3.21)}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fits") / "schools.fit.npz"
    result = ppl("fit", SCHOOLS, SCHOOLS_DATA, "-o", str(path))
    assert result.exit_code == 0, result.output
    return path


@pytest.fixture(scope="module")
def fit(saved: Path) -> Fit:
    return load_fit(saved)


def test_prints_what_was_fitted_the_table_and_the_verdict(tmp_path: Path) -> None:
    result = ppl("fit", SCHOOLS, SCHOOLS_DATA, "-o", str(tmp_path / "f.npz"), columns=120)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "eight_schools.ppl   8 rows · 3 unknowns (10 numbers) · all reparam · guide: modulated"
    assert lines[1].startswith("converged: ") and "gradient evaluations" in lines[1]
    assert lines[3].split() == ["mean", "sd", "5%", "50%", "95%"]
    assert [line.split()[0] for line in lines[4:15]] == ["mu", "tau", "theta[school]", *"ABCDEFGH"]
    assert any(line.startswith("trust   ok   k-hat ") for line in lines)
    assert "\nsaved   " in result.stdout and "next: ppl summary " in lines[-1]
    assert result.stderr == ""


def test_agrees_with_the_reference_posterior(fit: Fit) -> None:
    for name, (mean, sd) in REFERENCE.items():
        assert abs(float(fit[name].mean()) - mean) < 0.15 * sd  # type: ignore[union-attr]


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("model", ["eight_schools", "seeds", "coal", "sprinkler"])
def test_no_line_is_wider_than_the_terminal(
    model: str, columns: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = ppl("fit", str(MODELS / f"{model}.ppl"), str(MODELS / f"{model}.csv"), "--draws", "500", columns=columns)
    assert result.exit_code == 0, result.output
    assert max(map(len, result.stdout.splitlines())) <= columns
    assert (tmp_path / f"{model}.fit.npz").is_file()


def test_the_same_seed_gives_the_same_table(tmp_path: Path) -> None:
    def table(seed: str) -> list[str]:
        result = ppl("fit", SCHOOLS, SCHOOLS_DATA, "-q", "--seed", seed, "-o", str(tmp_path / "f.npz"))
        return result.stdout[result.stdout.index("mean") : result.stdout.index("saved")].splitlines()

    assert table("1") == table("1")
    assert table("1") != table("2")


def test_json_is_one_object_and_nothing_else(tmp_path: Path) -> None:
    result = ppl("fit", SCHOOLS, SCHOOLS_DATA, "--json", "--seed", "3", "-o", str(tmp_path / "f.npz"))
    record = json.loads(result.stdout, parse_constant=pytest.fail)
    assert result.stderr == ""
    assert record["schema"] == 1 and record["model"] == "eight_schools.ppl" and record["seed"] == 3
    assert record["converged"] is True and record["params"] == {}
    assert set(record["elbo"]) == set(record["log_evidence"]) == {"value", "se"}
    assert set(record["trust"]) == {"verdict", "khat", "ess", "restarts_agree", "reasons"}
    assert set(record["seconds"]) == {"total", "compile", "bind", "optimise"}
    assert record["gradient_evaluations"] > 0
    theta = record["unknowns"]["theta"]
    assert theta["axes"] == ["school"] and theta["labels"] == [list("ABCDEFGH")] and theta["estimator"] == "reparam"
    assert all(len(theta[key]) == 8 for key in ("mean", "sd", "q05", "q50", "q95"))
    assert all(a < b < c for a, b, c in zip(theta["q05"], theta["q50"], theta["q95"], strict=True))
    assert isinstance(record["unknowns"]["mu"]["mean"], float)


def test_json_of_discrete_unknowns_and_infinities(tmp_path: Path) -> None:
    model, data = str(MODELS / "sprinkler.ppl"), str(MODELS / "sprinkler.csv")
    record = json.loads(ppl("fit", model, data, "--json", "-o", str(tmp_path / "f.npz")).stdout)
    rain = record["unknowns"]["rain"]
    assert rain["levels"] == ["false", "true"] and rain["axes"] == ["row"]
    # exact: P(rain | wet) = 0.4581 / 0.6471 (Russell and Norvig)
    assert rain["prob"][0][1] == pytest.approx(0.4581 / 0.6471, abs=1e-12)
    assert record["trust"]["khat"] is None
    assert record["log_evidence"]["value"] == pytest.approx(np.log(0.6471), abs=1e-12)


def test_derived_quantities_stand_apart(tmp_path: Path) -> None:
    model, data = str(MODELS / "coal.ppl"), str(MODELS / "coal.csv")
    args = ("fit", model, data, "-o", str(tmp_path / "f.npz"))
    record = json.loads(ppl(*args, "--json").stdout)
    assert set(record["derived"]) == {"drop"} and "drop" not in record["unknowns"]
    text = ppl(*args).stdout
    assert text.index("probabilities ─") < text.index("derived ─") < text.index("  drop")


def test_model_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = ppl("fit", "-", SCHOOLS_DATA, "-q", stdin=Path(SCHOOLS).read_text())
    assert result.exit_code == 0 and (tmp_path / "model.fit.npz").is_file()


def test_maps_columns_and_reads_other_tables(tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(Path(SCHOOLS_DATA).read_text())))
    table = tmp_path / "other.csv"
    table.write_text("\n".join(";".join(c.replace(".", ",") for c in r) for r in [["who", "effect", "se"], *rows[1:]]))
    args = ("--map", "school=who", "--map", "y=effect", "--sep", ";", "--decimal", ",", "-o", str(tmp_path / "f.npz"))
    result = ppl("fit", SCHOOLS, str(table), *args)
    assert result.exit_code == 0, result.output


def test_verbose_lists_stages_and_columns_without_use(tmp_path: Path) -> None:
    rows = Path(SCHOOLS_DATA).read_text().splitlines()
    table = tmp_path / "more.csv"
    table.write_text("\n".join(f"{r},{x}" for r, x in zip(rows, ["extra", *range(8)], strict=True)))
    result = ppl("fit", SCHOOLS, str(table), "-v", "-o", str(tmp_path / "f.npz"))
    assert "starts " in result.stderr and "importance " in result.stderr
    assert "columns not used: extra" in result.stderr


IDLE = "data { y: real }\nmodel {\n  mu ~ Normal(0, 1)\n  idle ~ Normal(0, 1)\n  y ~ Normal(mu, 1)\n}\n"


def test_strict_turns_warnings_into_errors(tmp_path: Path) -> None:
    model, data, out = tmp_path / "m.ppl", tmp_path / "d.csv", tmp_path / "f.npz"
    model.write_text(IDLE)
    data.write_text("y\n1\n2\n")
    plain = ppl("fit", str(model), str(data), "-o", str(out))
    assert plain.exit_code == 0 and "warning[W101]" in plain.stderr and out.is_file()
    out.unlink()
    strict = ppl("fit", str(model), str(data), "-o", str(out), "--strict")
    assert strict.exit_code == 1 and "--strict" in strict.stderr and not out.exists()


def test_strict_and_a_fit_that_is_not_to_be_trusted(tmp_path: Path) -> None:
    model, data = tmp_path / "m.ppl", tmp_path / "d.csv"
    # the posterior of m is a cross: far from every normal
    model.write_text(
        "data { y: real }\nmodel {\n  a ~ StudentT(1, 0, 1)\n  b ~ Normal(0, 10)\n  y ~ Normal(a * b, 0.01)\n}\n"
    )
    data.write_text("y\n0\n")
    args = ("fit", str(model), str(data), "--guide", "mean_field", "-o", str(tmp_path / "f.npz"))
    plain, strict = ppl(*args), ppl(*args, "--strict")
    assert plain.exit_code == 0 and strict.exit_code == 3
    assert "trust   ok" not in plain.stdout and "= try: " in plain.stdout


def test_output_that_cannot_be_written_is_said_before_the_fit(tmp_path: Path) -> None:
    result = ppl("fit", SCHOOLS, SCHOOLS_DATA, "-o", str(tmp_path / "missing" / "f.npz"))
    assert result.exit_code == 1 and "error[E707]" in result.stderr and result.stdout == ""


@pytest.mark.parametrize("time", ["0", "-1", "soon", "nan"])
def test_times_that_are_none(time: str) -> None:
    result = ppl("fit", SCHOOLS, SCHOOLS_DATA, "--time", time)
    assert result.exit_code == 2 and "is not a time" in result.stderr


# ---- Ctrl-C ---------------------------------------------------------------------------------------------------------

SLOW = """\
data { y: real }
model {
  s ~ HalfNormal(1)
  h[row] ~ Normal(0, s)
  y ~ StudentT(3, h, exp(s))
}
"""


@pytest.fixture
def slow(tmp_path: Path) -> tuple[str, ...]:
    """A fit that would take minutes."""
    rng = np.random.default_rng(1)
    (tmp_path / "m.ppl").write_text(SLOW)
    (tmp_path / "d.csv").write_text("y\n" + "\n".join(map(str, rng.normal(size=400))))
    return ("fit", "m.ppl", "d.csv", "-o", "f.npz", "-v", "--tol", "1e-9", "--draws", "1000", "--seed", "1")


def test_ctrl_c_saves_what_is_there(slow: tuple[str, ...], tmp_path: Path) -> None:
    with process(*slow, cwd=tmp_path) as run:
        assert run.stderr is not None and "starts" in run.stderr.readline()
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=120)
    assert run.returncode == 130, err
    assert "Ctrl-C again quits" in err and "stopped by Ctrl-C" in out
    saved = load_fit(tmp_path / "f.npz")
    assert saved.reason == "interrupted" and not saved.converged


# ---- summary --------------------------------------------------------------------------------------------------------


def test_summary_shows_every_position(saved: Path) -> None:
    text = ppl("summary", str(saved)).stdout
    assert all(f"\n    {label} " in text for label in "ABCDEFGH")
    assert "trust   ok" in text


def test_what_is_not_reported_is_named_by_fit_and_summary(tmp_path: Path) -> None:
    model, data, saved = tmp_path / "m.ppl", tmp_path / "d.csv", str(tmp_path / "f.npz")
    model.write_text(
        "data { y: real }\nmodel {\n  b ~ Normal(0, 1)\n  n[row] ~ DiscreteUniform(0, 2)\n  twice = 2 * n + b\n"
        "  y ~ Normal(b + n, 1)\n}\n"
    )
    data.write_text("y\n1.5\n0.2\n2.5\n")
    line = "  not reported: twice (it depends on unknowns that are summed out, or is too large)"
    for result in (ppl("fit", str(model), str(data), "-o", saved, columns=120), ppl("summary", saved, columns=120)):
        assert result.exit_code == 0 and line in result.stdout.splitlines()


def test_summary_of_some_names(saved: Path) -> None:
    lines = ppl("summary", str(saved), "--vars", "mu", "tau").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["mean", "mu", "tau"]


def test_summary_of_a_name_that_is_not_there(saved: Path) -> None:
    result = ppl("summary", str(saved), "thet")
    assert result.exit_code == 2 and "did you mean `theta`?" in result.stderr


def test_summary_as_csv_and_json_says_the_same(saved: Path, fit: Fit) -> None:
    rows = list(csv.DictReader(io.StringIO(ppl("summary", str(saved), "--csv").stdout)))
    record = json.loads(ppl("summary", str(saved), "--json").stdout)
    theta = [float(row["mean"]) for row in rows if row["name"] == "theta"]
    assert theta == record["unknowns"]["theta"]["mean"] == fit["theta"].mean().tolist()  # type: ignore[union-attr]
    assert [row["position"] for row in rows if row["name"] == "theta"] == list("ABCDEFGH")


def test_summary_with_another_interval(saved: Path, fit: Fit) -> None:
    record = json.loads(ppl("summary", str(saved), "mu", "--ci", "0.5", "--json").stdout)
    assert record["unknowns"]["mu"]["q25"] == pytest.approx(float(fit["mu"].quantile(0.25)))  # type: ignore[union-attr]
    assert "25%" in ppl("summary", str(saved), "mu", "--ci", "0.5").stdout


def test_summary_as_latex(saved: Path) -> None:
    text = ppl("summary", str(saved), "--latex").stdout
    assert text.startswith("\\begin{tabular}{lrrrrr}") and text.count("\\\\") == 12 and "5\\%" in text

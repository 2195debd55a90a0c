"""The commands with several tables and with imports."""

from pathlib import Path

import pytest
from commands import MODELS, ppl

SLOPES = str(MODELS / "slopes_two_tables.ppl")
TRIALS, SUBJECTS = f"trials={MODELS / 'slopes_trials.csv'}", f"subjects={MODELS / 'slopes_subjects.csv'}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def two_tables(folder: Path) -> tuple[str, ...]:
    """A small model of two tables, and its files."""
    (folder / "m.ppl").write_text(
        "data subjects {\n  id: key\n  age: real\n}\n\ndata trials {\n  subject: subjects\n  rt: real\n}\n\n"
        "model {\n  b ~ Normal(0, 1)\n  a[subjects] ~ Normal(b * age, 1)\n  rt ~ Normal(a[subject], 1)\n}\n"
    )
    (folder / "subjects.csv").write_text("id,age\ns1,0.5\ns2,-1\n")
    (folder / "trials.csv").write_text("subject,rt\ns1,1\ns1,2\ns2,0.5\n")
    return "m.ppl", "trials=trials.csv", "subjects=subjects.csv"


def test_a_fit_of_two_tables_and_what_comes_after_it(folder: Path) -> None:
    done = ppl("fit", *two_tables(folder), "-q", "--draws", "200", "--restarts", "1", "-o", "s.npz")
    assert done.exit_code == 0, done.output
    assert "a[subjects]" in done.stdout and "3 rows" in done.stdout
    (folder / "new.csv").write_text("subject\ns2\n")
    predicted = ppl("predict", "s.npz", "new.csv")
    assert predicted.exit_code == 0 and "rt" in predicted.stdout, predicted.output


def test_simulated_trials_can_be_fitted_with_the_same_subjects(folder: Path) -> None:
    made = ppl("simulate", SLOPES, TRIALS, SUBJECTS, "-o", "fake.csv", "--set", "noise=20")
    assert made.exit_code == 0, made.output
    assert (folder / "fake.csv").read_text().startswith("subject,day,rt\n")
    assert ppl("check", SLOPES, "trials=fake.csv", SUBJECTS).exit_code == 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((TRIALS,), "there is no file for the table `subjects`"),
        ((TRIALS.removeprefix("trials="),), "is one table, and the model has several"),
        ((TRIALS, SUBJECTS, "extra=x.csv"), "no table called `extra`"),
        (("a.csv", "b.csv"), "does not say which file is for which table"),
        ((TRIALS, "subjects=nowhere.csv"), "there is no file `nowhere.csv`"),
    ],
)
def test_files_that_do_not_fit_the_tables(data: tuple[str, ...], message: str) -> None:
    for verb in ("check", "fit", "explain"):
        done = ppl(verb, SLOPES, *data)
        assert done.exit_code == 1 and message in " ".join(done.output.split()), done.output


def test_a_path_without_a_name_is_for_the_table_that_is_left() -> None:
    assert ppl("check", SLOPES, SUBJECTS, TRIALS.removeprefix("trials=")).exit_code == 0


def test_a_file_may_have_a_sign_of_equality_in_its_name(folder: Path) -> None:
    (folder / "m.ppl").write_text("data {\n  y: real\n}\n\nmodel {\n  m ~ Normal(0, 1)\n  y ~ Normal(m, 1)\n}\n")
    (folder / "y=1.csv").write_text("y\n1\n2\n")
    assert ppl("check", "m.ppl", "y=1.csv").exit_code == 0


def imported(folder: Path, body: str) -> None:
    (folder / "lib").mkdir()
    (folder / "lib" / "util.ppl").write_text(f"fun f(x) = {body}\n")
    (folder / "m.ppl").write_text(
        'import f from "lib/util.ppl"\n\ndata {\n  y: real\n}\n\n'
        "model {\n  m ~ Normal(0, 1)\n  y ~ Normal(f(m), 1)\n}\n"
    )


@pytest.mark.parametrize("verb", ["check", "explain", "graph", "emit", "fit"])
def test_errors_of_imported_files_are_shown_where_they_stand(verb: str, folder: Path) -> None:
    imported(folder, "x + nothing")
    done = ppl(verb, "m.ppl", *(["y.csv"] if verb == "fit" else []))
    assert done.exit_code == 1
    assert "--> lib/util.ppl:1:16" in done.output and "1 | fun f(x) = x + nothing" in done.output, done.output


def test_a_file_to_import_from_is_checked_and_laid_out_on_its_own(folder: Path) -> None:
    imported(folder, "x  +  1")
    assert ppl("check", "lib/util.ppl").exit_code == 0
    assert ppl("fmt", "lib/util.ppl").exit_code == 0
    assert (folder / "lib" / "util.ppl").read_text() == "fun f(x) = x + 1\n"
    done = ppl("fit", "lib/util.ppl")
    assert done.exit_code == 1 and "E406" in done.output


def test_a_saved_fit_predicts_without_the_files_it_imported_from(folder: Path) -> None:
    imported(folder, "x + 1")
    (folder / "y.csv").write_text("y\n1\n2\n1.5\n")
    assert ppl("fit", "m.ppl", "y.csv", "-q", "--draws", "200").exit_code == 0
    (folder / "lib" / "util.ppl").unlink()
    (folder / "m.ppl").unlink()
    done = ppl("predict", "m.fit.npz", "y.csv")
    assert done.exit_code == 0, done.output

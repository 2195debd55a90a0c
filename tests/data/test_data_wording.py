"""Every complaint about data, word for word. `python tests/data/data_specs.py` rewrites them; read the difference."""

import sys
from pathlib import Path

import pytest
from data_specs import CASES, GOLDENS, Case, case_text, column, complaints, spec

from ppl.data.bind import Options
from ppl.source.codes_data import DATA_CODES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_complaint_is_worded_as_promised(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    expected = (GOLDENS / f"{case.key}.txt").read_text(encoding="utf-8")
    assert case_text(case, tmp_path) == expected
    assert case.key.partition(".")[0] in expected


def test_every_code_has_a_case() -> None:
    assert {row.key for row in DATA_CODES} == {case.key for case in CASES}


def test_every_code_is_explained() -> None:
    unexplained = [row.key for row in DATA_CODES if "." not in row.key and not row.about]
    assert unexplained == []


def hint(content: str, kind: str, folder: Path) -> str:
    """What the one complaint about this file, whose column `age` is of that kind, suggests."""
    path = folder / "data.csv"
    path.write_text(content, encoding="utf-8")
    [complaint] = complaints(spec(column("age", kind)), path)
    return complaint.hint


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1,000,000", "990"], "the commas look like separators of thousands: remove them in the file"),
        (["1,234.5", "-12,000.25"], "the commas look like separators of thousands: remove them in the file"),
        (
            ["1,000", "12,500"],
            "the commas look like separators of thousands: remove them in the file; only if they are decimal marks,"
            " `--decimal ,`",
        ),
        (["1,5", "2,250"], "`--decimal ,` if the comma is the decimal mark"),
        (["0,125", "0,500"], "`--decimal ,` if the comma is the decimal mark"),
    ],
)
def test_commas_in_numbers(cells: list[str], expected: str, tmp_path: Path) -> None:
    assert hint("age\n" + "".join(f'"{cell}"\n' for cell in cells), "real", tmp_path) == expected


def test_thousands_are_no_sign_of_decimal_commas(tmp_path: Path) -> None:
    assert hint("age;y\n1,000;2\n2,500;3\n", "real", tmp_path) == "`--sep ';'`"
    assert hint("age;y\n1,000;2\n2,55;3\n", "real", tmp_path) == "`--sep ';' --decimal ,`"


COMMENT = "the first line looks like a comment: remove it, the header must come first"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("# a survey\nage,x\n1,2\n3,4\n", COMMENT),
        ("# a survey, of 2019\nage,x\n1,2\n3,4\n", COMMENT),
        ("# a survey\nage\n1\n3\n", COMMENT),
        ("#id,x\n1,2\n3,4\n", "columns: #id, x"),
        ("#id,age\n1,2\n3,4,5\n", "quote a cell that contains the separator"),
        ("age\n1,2\n3,4\n", "the first column has no name: write one in front of the header"),
    ],
)
def test_a_comment_before_the_header(content: str, expected: str, tmp_path: Path) -> None:
    assert hint(content, "real", tmp_path) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("M,F,M,F", None),
        ("M,M ,F,F", "`--strip` removes the spaces around labels"),
        ("M,m,F,F", "write each level the same way in every row"),
        (
            "M,M ,m,F,F",
            "`--strip` removes the spaces around labels; for the rest, write each level the same way in every row",
        ),
        ("New  York,New York,F,F", "write each level the same way in every row"),
    ],
)
def test_levels_that_look_alike(labels: str, expected: str | None) -> None:
    found = complaints(spec(column("sex", "factor")), {"sex": labels.split(",") * 2})
    assert [d.hint for d in found if d.code == "W115"] == ([] if expected is None else [expected])


def test_levels_that_are_fixed_or_stripped_are_not_doubted() -> None:
    source = {"sex": ["M", "m", "F "] * 2}
    assert complaints(spec(column("sex", "factor", levels=("M", "m", "F "))), source) == ()
    assert complaints(spec(column("sex", "factor")), {"sex": ["M", "M "] * 2}, Options(strip=True)) == ()

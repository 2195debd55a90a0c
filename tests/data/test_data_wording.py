"""Every complaint about data, word for word. `python tests/data/data_specs.py` rewrites them; read the difference."""

import sys
from pathlib import Path

import pytest
from data_specs import CASES, GOLDENS, Case, case_text

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

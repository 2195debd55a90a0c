"""What is said about each program of the language's specification: nothing, or one error for each missing part."""

import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS / "errors"))
from diagnose import diagnose  # noqa: E402

PROGRAMS = sorted((TESTS / "programs").glob("*.ppl"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_what_is_said(path, golden):
    golden(path.with_suffix(".txt"), diagnose(path))


def test_all_programs_are_there():
    assert len(PROGRAMS) >= 18

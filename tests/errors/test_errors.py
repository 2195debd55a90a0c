"""Each `CODE*.ppl` in this folder has a `CODE*.txt` with everything that is said about it."""

import re
import sys
from pathlib import Path

import pytest

from ppl.source.codes_syntax import SYNTAX_CODES

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from diagnose import diagnose  # noqa: E402

CASES = sorted(HERE.glob("*.ppl"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_said(path, golden):
    said = diagnose(path)
    code = re.match(r"[EW]\d+", path.stem)
    assert code and f"[{code[0]}]" in said
    golden(path.with_suffix(".txt"), said)


def test_every_syntax_code_has_a_case():
    codes = {row.code for row in SYNTAX_CODES}
    assert codes <= {path.stem[:4] for path in CASES}


def test_every_variant_is_said_somewhere():
    """The fixed part of each message appears in some golden file."""
    said = "\n".join(path.read_text(encoding="utf-8") for path in HERE.glob("*.txt"))
    for row in SYNTAX_CODES:
        parts = [part for part in re.split(r"\{\w+\}", row.message.replace("{{", "{").replace("}}", "}")) if part]
        pattern = ".+".join(map(re.escape, parts))
        assert re.search(pattern, said), row.key


def test_every_code_is_explained():
    for row in SYNTAX_CODES:
        if "." not in row.key:
            assert row.about and row.wrong and row.right, row.key


def test_no_golden_without_its_model():
    assert {path.stem for path in HERE.glob("*.txt")} <= {path.stem for path in CASES}

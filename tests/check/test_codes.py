"""Every complaint that is declared can be made, and is shown somewhere."""

import re
from pathlib import Path

import pytest

from ppl.source.code import Code
from ppl.source.codes import CODES
from ppl.source.codes_model import MODEL_CODES
from ppl.source.codes_run import RUN_CODES

ROOT = Path(__file__).parents[2]
PAIRS = {path.stem[:4] for folder in ("errors", "errors_data") for path in (ROOT / "tests" / folder).glob("*.txt")}
SAID = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("*/*.txt"))
TESTED = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("*/test_*.py"))
SOURCE = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "ppl").rglob("*.py") if "codes_" not in p.name)


def spelled(row: Code) -> str:
    """A pattern for what the message says, whatever fills its holes."""
    parts = re.split(r"\{\w+\}", row.message)
    return ".+".join(re.escape(part.replace("{{", "{").replace("}}", "}")) for part in parts)


def test_every_code_has_a_pair() -> None:
    running = {row.code for row in RUN_CODES}
    missing = {row.code for row in CODES.values()} - PAIRS - running
    assert not {code for code in missing if code not in TESTED}
    assert not {row.code for row in MODEL_CODES} - PAIRS - {"E516", "E531"}


@pytest.mark.parametrize("row", MODEL_CODES, ids=lambda row: row.key)
def test_every_variant_of_a_model_error_is_said_somewhere(row: Code) -> None:
    assert re.search(spelled(row), SAID) or row.code in TESTED


@pytest.mark.parametrize("row", MODEL_CODES, ids=lambda row: row.key)
def test_no_model_error_is_left_over(row: Code) -> None:
    assert f'"{row.key}"' in SOURCE

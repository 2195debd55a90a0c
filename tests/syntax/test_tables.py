"""The cache of the parser's tables: fast when it is there, harmless when it is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lark import Token

from ppl.syntax import tables
from ppl.syntax.lines import LineEnds

ROOT = Path(__file__).parent.parent.parent
TEXT = "model { z ~ Normal(0, 1) }"


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """An empty cache directory and no parser in memory."""
    monkeypatch.setenv("PPL_CACHE_DIR", str(tmp_path / "cache"))
    tables.parser.cache_clear()
    yield tmp_path / "cache"
    tables.parser.cache_clear()


def test_the_second_time_reads_what_the_first_wrote(fresh, monkeypatch):
    first = tables.parser().parse(TEXT)
    assert len(list(fresh.glob("grammar-*.pickle"))) == 1
    tables.parser.cache_clear()
    monkeypatch.setattr(tables, "_build", lambda grammar: pytest.fail("built again"))
    assert tables.parser().parse(TEXT) == first


@pytest.mark.parametrize("junk", [b"", b"junk", b"\x80\x05N.", b"\x80\x05}."])
def test_a_damaged_cache_is_replaced(fresh, junk):
    tables.parser()
    (place,) = fresh.glob("grammar-*.pickle")
    whole = place.read_bytes()
    for bad in (junk, whole[: len(whole) // 2]):
        place.write_bytes(bad)
        tables.parser.cache_clear()
        assert tables.parser().parse(TEXT)
        assert len(place.read_bytes()) > 0.9 * len(whole)


def test_a_cache_that_cannot_be_written(fresh):
    fresh.write_text("a file in the place of the directory")
    assert tables.parser().parse(TEXT)


def test_the_grammar_names_the_cache():
    assert tables._cache_file("a") != tables._cache_file("b")


def test_the_packaged_grammar_comes_first(monkeypatch, tmp_path):
    packaged = tmp_path / "ppl.lark"
    packaged.write_text("")
    monkeypatch.setattr(tables, "_PLACES", (packaged, tables._PLACES[1]))
    assert tables.grammar_path() == packaged


def test_lines_are_only_looked_back_at():
    """The lexer is asked for a token only when the one before it has been taken: it depends on the parser's state."""
    asked = []

    def tokens():
        for kind in ("NAME", "_NL", "EQUAL", "_NL", "LPAR", "_NL", "RPAR", "_NL"):
            asked.append(kind)
            yield Token(kind, "")

    taken = []
    for token in LineEnds().process(tokens()):
        taken.append(token.type)
        assert asked[-1] == token.type
    assert taken == ["NAME", "_NL", "EQUAL", "LPAR", "RPAR", "_NL"]


def test_no_heavy_imports():
    """Checking a file needs the parser only: numpy alone would double the time that it takes to start."""
    code = (
        "import sys\nfrom ppl.syntax.parse import parse\nfrom ppl.syntax.fmt import fmt\n"
        f"from ppl.source.render import render\nfmt(parse({TEXT!r}))\n"
        "print(sorted({'numpy', 'scipy', 'autograd', 'networkx', 'matplotlib'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"

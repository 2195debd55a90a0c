"""The formatter keeps the tree and the comments, and leaves its own output alone."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppl.syntax.fmt import fmt
from ppl.syntax.parse import parse

sys.path.insert(0, str(Path(__file__).parent))
import trees

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = sorted([*(ROOT / "tests/programs").glob("*.ppl"), *(ROOT / "models").glob("*.ppl")])
unhurried = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def texts(file):
    return [comment.text for comment in file.comments]


def check_laws(text):
    file = parse(text)
    once = fmt(file)
    again = parse(once)
    assert again == file
    assert sorted(texts(again)) == sorted(texts(file))
    assert fmt(again) == once
    return once


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_programs(path):
    check_laws(path.read_text(encoding="utf-8"))


@unhurried
@given(trees.files)
def test_random_trees(file):
    once = fmt(file)
    again = parse(once)
    assert again == file
    assert fmt(again) == once


@unhurried
@given(trees.files, st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=8), st.integers(0, 3))
def test_random_comments(file, places, blanks):
    """Comments behind any line and above any line, and more blank lines, survive and settle at once."""
    lines = fmt(file).split("\n")
    for number, (place, own_line) in enumerate(places):
        at = place % len(lines)
        if own_line:
            lines.insert(at, f"   # comment {number}")
        elif "#" not in lines[at]:
            lines[at] += f"  ## comment {number}"
    lines[len(lines) // 2 : len(lines) // 2] = [""] * blanks
    check_laws("\n".join(lines))


CASES = {
    "spaces": ("model{mu~Normal( 0,1 )\n}", "model {\n  mu ~ Normal(0, 1)\n}\n"),
    "one line stays": ("data { x: real }", "data { x: real }\n"),
    "empty": ("", ""),
    "empty block": ("model {\n\n}", "model { }\n"),
    "only a comment": ("# nothing", "# nothing\n"),
    "needless parentheses go": ("const a = ((1 + (2 * 3)))", "const a = 1 + 2 * 3\n"),
    "needed parentheses stay": ("const a = (1 + 2) * (-3)^2 - (4 - 5)", "const a = (1 + 2) * (-3)^2 - (4 - 5)\n"),
    "powers": ("const a = (2^3)^2 + 2^(3^2) + (-2)^2 + -2^2", "const a = (2^3)^2 + 2^3^2 + (-2)^2 + -2^2\n"),
    "not": ("const a = not (b and c) or (not d)", "const a = not (b and c) or not d\n"),
    "if as an operand": ("const a = 1 + (if b then 2 else 3)", "const a = 1 + (if b then 2 else 3)\n"),
    "blank lines": ("model {\n\n  a = 1\n\n\n\n  b = 2\n\n}", "model {\n  a = 1\n\n  b = 2\n}\n"),
    "types line up": ("data {\n a: real # x\n long: int\n}", "data {\n  a:    real  # x\n  long: int\n}\n"),
    "aligned stays aligned": (
        "model {\n  a  ~ N(0)\n  bb ~ N(1)\n  ccc ~ N(2)\n}",
        "model {\n  a  ~ N(0)\n  bb ~ N(1)\n  ccc ~ N(2)\n}\n",
    ),
    "broken if": (
        "model {\n a = if b then 1\n  else 2\n c = if b\n then 1 else if d\n then 2 else 3\n}",
        "model {\n  a = if b then 1 else 2\n  c = if b\n      then 1\n      else if d\n      then 2\n      else 3\n}\n",
    ),
    "broken call": ("model {\n a = f(\n 1, b=2)\n}", "model {\n  a = f(\n    1,\n    b=2\n  )\n}\n"),
    "annotation": ("model {\n @score(a=1) @x z ~ N(0)\n}", "model {\n  @score(a=1)\n  @x\n  z ~ N(0)\n}\n"),
    "comments everywhere": (
        "# top\nmodel {  # open\n# in\n a = f(1, # one\n  2) # two\n# last\n} # closed\n# end",
        "# top\nmodel {  # open\n  # in\n  # one\n  a = f(1, 2)  # two\n  # last\n}  # closed\n\n# end\n",
    ),
    "items apart": ("axis k = 3\nconst c = 1\nmodel { }\n# about\nguide { }", None),
    "fun": ("fun f(x) {\n  y = x\n  return y\n}", "fun f(x) {\n  y = x\n  return y\n}\n"),
}


@pytest.mark.parametrize(("text", "wanted"), CASES.values(), ids=CASES)
def test_layout(text, wanted):
    once = check_laws(text)
    assert wanted is None or once == wanted

"""Damaged programs: whatever is done to a text, it parses or is refused with complaints that have a place in it."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppl.source.diagnostic import ModelError
from ppl.source.render import render, to_json
from ppl.syntax.fmt import fmt
from ppl.syntax.parse import parse

FOLDER = Path(__file__).parent.parent / "programs"
PROGRAMS = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.ppl"))]
SNIPPETS = [
    "(", ")", "[", "]", "{", "}", "\n", ";", '"', "'", "~", "=", "==", "<-", "**", "..", ".", ",", ":", "#", "//", "/*",
    "if", "then", "else", "for", "in", "and", "not", "|>", "@", "model", "data {", "x", "1", "1.", ".5", "5x", "T[0,]",
    "dnorm(0, 1)", "target += 1", "\t", "\r\n", "é", "\x00", "“", "–", "\u2028", "return", "param", "-", "^",
    "\ufeff", " ",
]  # fmt: skip
unhurried = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


def check(text):
    try:
        file = parse(text, "m.ppl")
    except ModelError as error:
        complaints = error.diagnostics
        assert complaints
        assert len(set(complaints)) == len(complaints)
        lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for complaint in complaints:
            assert complaint.code.startswith("E0")
            assert 1 <= complaint.span.line <= len(lines)
            assert 1 <= complaint.span.col <= len(lines[complaint.span.line - 1]) + 1
            assert "{" not in complaint.hint.replace("{ …", "").replace("`{`", "") or complaint.hint.count("`") > 1
        shown = render(complaints, {"m.ppl": text})
        assert shown.count("error[E") >= len(complaints)
        assert len(to_json(complaints)["errors"]) == len(complaints)
    else:
        assert parse(fmt(file)) == file


@unhurried
@given(
    st.sampled_from(PROGRAMS), st.lists(st.tuples(st.floats(0, 1), st.sampled_from(SNIPPETS)), min_size=1, max_size=4)
)
def test_something_put_in(text, insertions):
    for place, snippet in insertions:
        at = int(place * len(text))
        text = text[:at] + snippet + text[at:]
    check(text)


@unhurried
@given(st.sampled_from(PROGRAMS), st.lists(st.tuples(st.floats(0, 1), st.integers(1, 30)), min_size=1, max_size=3))
def test_something_taken_out(text, cuts):
    for place, length in cuts:
        at = int(place * len(text))
        text = text[:at] + text[at + length :]
    check(text)


@unhurried
@given(st.lists(st.sampled_from([*SNIPPETS, " ", "\n", "y ~ Normal(0, 1)\n", "}\n", "model {\n"]), max_size=30))
def test_snippets_only(pieces):
    check("".join(pieces))


@unhurried
@given(st.text(max_size=60))
def test_any_text(text):
    check(text)


@unhurried
@given(st.sampled_from(PROGRAMS), st.data())
def test_lines_in_another_order(text, data):
    lines = text.split("\n")
    moved = data.draw(st.permutations(lines[:6]))
    check("\n".join([*moved, *lines[6:]]))

"""The look of a complaint, in full."""

import json

import pytest

from ppl.source.diagnostic import Diagnostic, Fix, Note
from ppl.source.render import display_width, render, summary, to_json
from ppl.source.span import Span

TEXT = "model {\n  mu ~ Normal(0, 1);\n\ty ~ Normal(αβ, 漢字 + x)\n}\n"


def at(line, col, end_col, end_line=None, file="m.ppl"):
    return Span(file, line, col, end_line or line, end_col)


def shown(*diagnostics, **options):
    return render(diagnostics, {"m.ppl": TEXT, "data.ppl": "one\ntwo\n"}, **options)


def error(span=None, **rest):
    return Diagnostic("E310", "the right side varies", span, **rest)


def test_all_parts():
    d = error(at(2, 8, 20), label="one value for each row", hint="reduce it", lines=("values: 1, 2",))
    assert shown(d) == (
        "error[E310]: the right side varies\n"
        " --> m.ppl:2:8\n"
        "  |\n"
        "2 |   mu ~ Normal(0, 1);\n"
        "  |        ^^^^^^^^^^^^ one value for each row\n"
        "  values: 1, 2\n"
        "  = hint: reduce it"
    )


def test_without_a_place():
    assert shown(error(hint="write `y ~ …`")) == "error[E310]: the right side varies\n   = hint: write `y ~ …`"


def test_a_place_whose_text_is_not_known():
    assert shown(error(at(3, 1, 2, file="other.ppl"))) == "error[E310]: the right side varies\n --> other.ppl:3:1"


def test_a_place_behind_the_end():
    assert shown(error(at(99, 1, 2))).endswith("--> m.ppl:99:1")
    assert shown(error(at(5, 1, 2))).endswith("5 |\n  | ^")
    assert shown(error(at(1, 8, 9))).endswith("1 | model {\n  |        ^")


def test_tabs_and_wide_letters():
    rows = shown(error(at(3, 13, 15), also=[Note(at(3, 17, 19), "wide"), Note(at(3, 22, 23), "x")])).split("\n")
    assert rows[3:] == [
        "3 |     y ~ Normal(αβ, 漢字 + x)",
        "  |                ^^",
        "  |                    ---- wide",
        "  |                           - x",
    ]


def test_notes_in_the_order_of_the_lines():
    long = "\n".join(f"line {n}" for n in range(1, 13))
    d = error(
        at(11, 1, 5), label="used", also=[Note(at(8, 1, 5), "first"), Note(at(2, 1, 2, file="data.ppl"), "there")]
    )
    assert render([d], {"m.ppl": long, "data.ppl": "one\ntwo"}).split("\n")[1:] == [
        "  --> m.ppl:11:1",
        "   |",
        " 8 | line 8",
        "   | ---- first",
        "11 | line 11",
        "   | ^^^^ used",
        "  ::: data.ppl:2:1",
        " 2 | two",
        "   | - there",
    ]


def test_several_lines():
    assert shown(error(at(1, 7, 21, end_line=2), label="all of it")).split("\n")[2:] == [
        "  |",
        "1 | model {",
        "  |       ^",
        "2 |   mu ~ Normal(0, 1);",
        "  |   ^^^^^^^^^^^^^^^^^^ all of it",
    ]


@pytest.mark.parametrize("col", [1, 40, 150, 299])
def test_a_long_line_is_cut_around_the_mark(col):
    text = "".join(chr(97 + n % 26) for n in range(300))
    *_, line, mark = render([error(at(1, col, col + 3))], {"m.ppl": text}, width=60).split("\n")
    assert len(line) <= 70
    start = mark.index("^")
    assert line[start : start + mark.count("^")] == text[col - 1 : col - 1 + mark.count("^")]


def test_line_endings_and_a_byte_order_mark():
    d = error(at(2, 1, 4))
    assert render([d], {"m.ppl": "\ufeffone\r\ntwo\r\n"}).endswith("2 | two\n  | ^^^")


def test_no_line_ends_in_blanks():
    d = error(at(4, 1, 2), also=[Note(at(3, 1, 2), "")])
    assert all(row == row.rstrip() for row in shown(d, Diagnostic("W102", "never used", at(1, 1, 6))).split("\n"))


def test_warnings_colours_and_numbers():
    warning = Diagnostic("W102", "never used", at(1, 1, 6))
    assert shown(warning).startswith("warning[W102]: never used")
    assert shown(error(), warning).count("\n\n") == 1
    assert summary([error(), warning]) == "1 error, 1 warning"
    assert summary([error(), error()]) == "2 errors"
    assert summary([warning, warning]) == "2 warnings"
    assert summary([]) == "no errors"
    coloured = shown(error(at(2, 3, 5)), color=True)
    assert "\033[1;31merror[E310]\033[0m" in coloured
    assert "\033" not in shown(error(at(2, 3, 5)))


def test_width():
    assert [display_width(text) for text in ("abc", "\t", "αβ", "漢", "e\u0301", "")] == [3, 4, 2, 2, 1, 0]


def test_json():
    fix = Fix(at(2, 20, 21), "")
    found = to_json([error(at(2, 20, 21), hint="remove", fix=fix), Diagnostic("W102", "never used")])
    place = {"file": "m.ppl", "line": 2, "col": 20, "end_line": 2, "end_col": 21}
    assert found["errors"] == [
        {
            "code": "E310",
            "message": "the right side varies",
            **place,
            "label": None,
            "hint": "remove",
            "fix": {**place, "text": ""},
        }
    ]
    assert found["warnings"][0]["line"] is None
    assert found["warnings"][0]["fix"] is None
    assert json.loads(json.dumps(found)) == found

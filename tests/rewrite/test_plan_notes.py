"""Warnings about plans: what lost its path, what is biased, what is slow."""

import pytest

from ppl.api import compile
from ppl.source.codes import CODES
from ppl.source.pages_model import EXAMPLE_DATA

MODEL = """
data {{
  y: real
  x: real
}}
model {{
  cut{axes} ~ Normal(0, 1)
  base ~ Normal(0, 1)
  y ~ Normal({mean}, 1)
}}
"""
JUMP = "if sin(cut * x) < cut then 0 else base"


def found(mean: str, axes: str = "", tail: str = "", **asked: str) -> list[str]:
    model = compile(MODEL.format(mean=mean, axes=axes) + tail, estimators=asked)
    return [w.code for w in model.warnings]


@pytest.mark.parametrize(
    ("mean", "codes"),
    [
        (JUMP, ["W150"]),
        ("if cut < x then 0 else base", []),  # split at the threshold
        ("if cut < x then base * (x - cut) else 0", []),  # the branches meet
        ("sin(cut * x) + base", []),
    ],
)
def test_a_branch_that_costs_the_path_is_named(mean: str, codes: list[str]) -> None:
    assert found(mean) == codes


def test_what_was_asked_for_is_not_warned_of_again() -> None:
    assert found("if cut < x then 0 else base", cut="score") == []


def test_a_biased_path_is_biased_not_lost() -> None:
    assert found(JUMP, tail="guide {\n  param m = 0\n  @unsafe_reparam\n  cut ~ Normal(m, 1)\n}") == ["W140"]


def test_the_place_is_the_branch() -> None:
    note = compile(MODEL.format(mean=JUMP, axes="")).warnings[0]
    assert note.span is not None and (note.span.line, note.span.col) == (9, 17)
    assert "`cut`" in note.message and "`sin(cut * x) < cut`" in note.message


@pytest.mark.parametrize(("rows", "slow"), [(1000, False), (1001, True)])
def test_scores_of_many_numbers_are_slow(rows: int, slow: bool) -> None:
    mean = "if cut + sin(3 * cut) < x then 0 else base"
    model = compile(MODEL.format(mean=mean, axes="[row]"))
    data = {"y": [0.5] * rows, "x": [0.1] * rows}
    notes = [w for w in model.bind(data)[1].warnings if w.code == "W141"]
    assert len(notes) == slow and all("1 001 numbers" in w.message for w in notes)


def test_the_examples_of_the_page_hold() -> None:
    row = CODES["W150"]
    wrong, right = (compile(f"{EXAMPLE_DATA}model {{\n{text}\n}}\n") for text in (row.wrong, row.right))
    assert "W150" in [w.code for w in wrong.warnings] and "W150" not in [w.code for w in right.warnings]

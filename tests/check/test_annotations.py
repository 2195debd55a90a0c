"""Annotations and their arguments."""

import pytest

from ppl.check.annotations import ANNOTATIONS
from ppl.check.check import check
from ppl.check.core import Site
from ppl.syntax.parse import parse


def model(annotation: str) -> str:
    return f"const T = 0.5\ndata {{ y: real }}\nmodel {{\n {annotation}\n mu ~ Normal(0, 1)\n y ~ Normal(mu, 1)\n}}\n"


@pytest.mark.parametrize("name", ANNOTATIONS)
def test_every_annotation_is_kept(name: str) -> None:
    core = check(parse(model(f"@{name}"))).core
    assert core is not None and isinstance(core.statements[0], Site)
    assert core.statements[0].annotations == (name,)


@pytest.mark.parametrize(
    ("written", "settings"),
    [
        ('@score(baseline="mean")', (("score", "baseline", "mean"),)),
        ("@relax(temp=0.5)", (("relax", "temp", 0.5),)),
        ("@relax(temp=T)", (("relax", "temp", 0.5),)),
        ("@remainder(terms=4)", (("remainder", "terms", 4.0),)),
        ('@centered @score(baseline="loo")', (("score", "baseline", "loo"),)),
        ("@score()", ()),
    ],
)
def test_arguments_are_kept(written: str, settings: tuple[object, ...]) -> None:
    core = check(parse(model(written))).core
    assert core is not None and isinstance(core.statements[0], Site)
    assert core.statements[0].settings == settings


@pytest.mark.parametrize(
    "written",
    ["@scores", "@score(temp=1)", '@score("mean")', "@score(baseline=1)", '@score(baseline="best")', "@relax(temp=0)",
     '@relax(temp="low")', "@remainder(terms=1.5)", "@reparam(x=1)", "@centered(0.5)"],
)  # fmt: skip
def test_what_is_no_annotation(written: str) -> None:
    assert [d.code for d in check(parse(model(written))).errors] == ["E514"]


def test_one_unknown_is_annotated_in_one_place() -> None:
    both = model("@reparam") + "guide { @score\n mu ~ Normal(0, 1) }\n"
    assert [d.code for d in check(parse(both)).errors] == ["E512"]
    assert check(parse(model("") + "guide { @score\n mu ~ Normal(0, 1) }\n")).core is not None

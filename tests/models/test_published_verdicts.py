"""The pairs of model and guide of Lee, Rival and Yang (2023), "Smoothness analysis for probabilistic programs", that
come with the language: what their analysis says of every unknown and parameter, and which unknowns it selects for the
path."""

import re
from pathlib import Path

import pytest

from ppl.api import Model, load
from ppl.graph.graph import Plan, unknowns
from tests.rewrite.analysed import level

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
ALONG_A_PATH = ("reparam", "implicit")
# Unknowns of which both densities are differentiable, all of them selected; and those of which one is not.
SMOOTH: dict[Path, tuple[str, ...]] = {
    MODELS / "br.ppl": ("a", "bA", "bR", "bAR", "sigma"),
    MODELS / "dpmm.ppl": ("beta", "lambda"),
    MODELS / "mhmm.ppl": ("eps_g", "eps_i"),
    MODELS / "spnor.ppl": ("z1",),
    ROOT / "tests/models/sgdef.ppl": ("w_top", "w_mid", "w_bottom", "z_top", "z_mid", "z_bottom"),
}
ROUGH: dict[str, dict[str, str]] = {"dpmm": {"z": "discrete"}, "mhmm": {"y": "discrete"}, "spnor": {"z2": "jump"}}
PAIRS = sorted(SMOOTH)


def stem(path: Path) -> str:
    return path.stem


def plans(model: Model) -> dict[str, Plan]:
    return {node.name: node.plan for node in unknowns(model.graph) if node.plan is not None}


@pytest.mark.parametrize("path", PAIRS, ids=stem)
def test_unknowns_are_as_smooth_as_published(path: Path) -> None:
    found = {name: plan.level for name, plan in plans(load(path)).items()}
    assert found == {**dict.fromkeys(SMOOTH[path], "smooth"), **ROUGH.get(path.stem, {})}


@pytest.mark.parametrize("path", PAIRS, ids=stem)
def test_unknowns_along_a_path_are_those_published(path: Path) -> None:
    found = {name for name, plan in plans(load(path)).items() if plan.estimator in ALONG_A_PATH}
    assert found == set(SMOOTH[path])


@pytest.mark.parametrize("path", PAIRS, ids=stem)
def test_parameters_are_differentiable_as_published(path: Path) -> None:
    text = path.read_text()
    names = re.findall(r"^\s*param (\w+)", text, re.MULTILINE)
    assert names
    assert {name: level(text, name) for name in names} == dict.fromkeys(names, "smooth")


@pytest.mark.parametrize(("pair", "name"), [(pair, name) for pair, names in ROUGH.items() for name in names])
def test_the_others_are_not_even_allowed_along_a_path(pair: str, name: str) -> None:
    plan = plans(load(MODELS / f"{pair}.ppl"))[name]
    assert not {plan.estimator, *plan.others} & set(ALONG_A_PATH)

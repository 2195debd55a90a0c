"""The graph as text, Mermaid and Graphviz: plates, rough edges, and the same text every time."""

from pathlib import Path

import networkx as nx
import pytest

from ppl.api import load
from ppl.check.check import check
from ppl.graph.graph import lower
from ppl.graph.show import BIASED, COLOURS, legend, ordered, to_dot, to_json, to_mermaid, to_text
from ppl.rewrite.estimators import ESTIMATORS
from ppl.rewrite.explain import explain, table
from ppl.rewrite.plan import plan
from ppl.syntax.parse import parse

MODELS = sorted((Path(__file__).parents[2] / "models").glob("*.ppl"))
KINKED = """\
data { x: real
  y: real }
model {
  cut ~ Normal(0, 1)
  s ~ HalfNormal(1)
  y ~ Normal(max(x, cut), s)
}
"""
JUMPING = """\
data { y: real }
model {
  m ~ Normal(0, 1)
  z ~ Normal(0, 1)
  y ~ Normal(m + (if z > 0 then 1 else -1), 1)
}
"""


def planned(text: str, path: str = "m.ppl") -> nx.DiGraph:
    core = check(parse(text, path)).core
    assert core is not None
    return plan(lower(core))


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_parents_come_first_and_nothing_is_lost(path: Path) -> None:
    graph = load(path).graph
    place = {node.name: i for i, node in enumerate(ordered(graph))}
    assert set(place) == set(graph.nodes)
    assert all(place[u] < place[v] for u, v in graph.edges)
    for view in (to_text, to_mermaid, to_dot):
        assert view(graph) == view(load(path).graph)
    record = to_json(graph)
    assert {(e["from"], e["to"]) for e in record["edges"]} == set(graph.edges)


def test_kinks_are_marked_everywhere() -> None:
    graph = planned(KINKED)
    assert "kink: cut -> y" in to_text(graph).splitlines()
    assert "-. kink .->" in to_mermaid(graph)
    assert '"cut" -> "y" [label="kink", style=dotted];' in to_dot(graph)


def test_jumps_are_red_everywhere() -> None:
    graph = planned(JUMPING)
    assert "! jump: z -> y" in to_text(graph).splitlines()
    assert '"z" -> "y" [label="jump", style=dashed, color="#cc0000"];' in to_dot(graph)
    lines = to_mermaid(graph).splitlines()
    arrows = [line for line in lines if "==" in line or "-->" in line]
    [jump] = [i for i, line in enumerate(arrows) if "== jump ==>" in line]
    assert f"  linkStyle {jump} stroke:#cc0000" in lines


def test_unknowns_have_the_colour_of_their_estimator() -> None:
    dot, mermaid = to_dot(planned(JUMPING)), to_mermaid(planned(JUMPING))
    stratified, path = COLOURS["stratified"], COLOURS["reparam"]
    assert f'"z" [label="z: stratified", shape=ellipse, style=filled, fillcolor="{stratified}"];' in dot
    assert f'"m" [label="m: reparam", shape=ellipse, style=filled, fillcolor="{path}"];' in dot
    assert mermaid.count(f"fill:{stratified}") == mermaid.count(f"fill:{path}") == 2


def test_the_legend_has_what_occurs() -> None:
    assert legend(planned(KINKED)) == {}
    assert list(legend(planned(JUMPING))) == ["reparam", "stratified"]
    assert "legend" not in to_dot(planned(KINKED)) and "legend" not in to_mermaid(planned(KINKED))


def test_every_estimator_has_a_colour() -> None:
    assert set(COLOURS) == {rule.name for rule in ESTIMATORS} | {"relax"}


def test_what_is_biased_is_red_and_says_so() -> None:
    graph = planned(JUMPING.replace("  z ~", "  @unsafe_reparam\n  z ~"))
    assert "z       reparam (biased)" in to_text(graph)
    assert f'label="z: reparam (biased)", shape=ellipse, style=filled, fillcolor="{BIASED}"' in to_dot(graph)
    assert [n["biased"] for n in to_json(graph)["nodes"]] == [False, True, False]


def test_plates_hold_their_members() -> None:
    dot = to_dot(planned((Path(MODELS[0]).parent / "eight_schools.ppl").read_text()))
    _, _, inside = dot.partition('label="school";')
    assert '"theta"' in inside.partition("}")[0]


def test_quotes_in_names_do_not_break_the_picture() -> None:
    graph = planned(
        'data { y: real\n arm: factor ["a", "b"] }\nmodel {\n  m[arm] ~ Normal(0, 1)\n  y ~ Normal(m["b"], 1)\n}\n'
    )
    assert to_dot(graph).count('"') % 2 == 0


def test_explain_names_the_line_that_decides() -> None:
    cut, s = explain(planned(KINKED))
    assert (cut.level, cut.estimator, cut.term) == ("kink", "reparam", "y")
    assert cut.where is not None and cut.where.line == 6
    assert (s.level, s.where) == ("smooth", None)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_last_column_breaks_at_words(width: int) -> None:
    rows = explain(planned(KINKED))
    lines = table(rows, width)
    assert " ".join(" ".join(lines).split()).count("every log density is smooth in it") == 1 or width < 80
    assert max(map(len, lines)) <= max(width, len(lines[0]) + 40)

"""Families over coordinates, flows and joint targets: what the checker makes of them, and what the planner refuses."""

import pytest

from ppl.api import compile
from ppl.check.check import check
from ppl.check.core import Core, Dist, Joint
from ppl.guide.families import is_family
from ppl.source.diagnostic import ModelError
from ppl.syntax.parse import parse

MODEL = """
const DEEP = 3
axis dim = 2
data { y: real
 g: factor }
model {
  v ~ Normal(0, 3)
  x[dim] ~ Normal(0, exp(v / 2))
  s ~ HalfNormal(1)
  p[dim] ~ Dirichlet(1)
  u[g] ~ Normal(0, s)
  y ~ Normal(sum(x) + sum(p) + u[g], s)
}
"""


def joints(body: str) -> tuple[Joint, ...]:
    found = check(parse(f"{MODEL}guide {{\n{body}\n}}"))
    assert isinstance(found.core, Core), found.diagnostics
    return found.core.guides[0].joints


@pytest.mark.parametrize(
    ("line", "names", "family", "settings"),
    [
        ("(v, x, s) ~ FullRank()", ("v", "x", "s"), "full_rank", ()),
        ("x[dim] ~ LowRank(2)", ("x",), "low_rank", (("rank", 2.0),)),
        ("(v, u) ~ LowRank(init_sd=0.1, rank=DEEP)", ("v", "u"), "low_rank", (("rank", 3.0), ("init_sd", 0.1))),
        ("s ~ MeanField(init_sd=0.05)", ("s",), "mean_field", (("init_sd", 0.05),)),
        ("(p, s) ~ Laplace()", ("p", "s"), "laplace", ()),
        ("s ~ Delta()", ("s",), "delta", ()),
    ],
)
def test_a_family_with_its_settings(line, names, family, settings):
    (found,) = joints(line)
    assert (found.names, found.family, found.settings, found.along) == (names, family, settings, "")


def test_a_flow_is_a_base_and_its_steps():
    (found,) = joints("(v, x) ~ Normal(0, 1) |> affine(1, 2) |> coupling(layers=DEEP) |> planar |> autoregressive(4)")
    assert [(s.name, s.settings) for s in found.steps] == [
        ("coupling", (3.0, 32.0)),
        ("planar", (8.0,)),
        ("autoregressive", (4.0, 32.0)),
    ]
    assert found.base is not None and found.base.name == "Normal" and found.family == "flow"


def test_a_flow_of_one_unknown_goes_along_its_last_axis():
    assert [j.along for j in joints("x[dim] ~ Normal(0, 1) |> planar\n v ~ Normal(0, 1) |> planar")] == ["dim", ""]


def test_a_point_may_be_where_a_parameter_says():
    (found,) = joints("param m: real > 0 = 1\n s ~ Delta(m)")
    assert found.value is not None and found.value.attrs == ("m",)


def test_a_bare_mean_field_is_the_automatic_guide_and_laplace_with_arguments_a_distribution():
    core = check(parse(f"{MODEL}guide {{ v ~ MeanField()\n x[dim] ~ Laplace(0, 1) }}")).core
    assert core is not None and core.guides[0].joints == ()
    assert [s.name for s in core.guides[0].statements] == ["x"]


def test_what_is_drawn_by_coordinates_can_be_read_below():
    core = check(parse(f"{MODEL}guide {{ (v, s) ~ FullRank()\n x[dim] ~ Normal(v, s) }}")).core
    assert core is not None and len(core.guides[0].statements) == 1


def test_parameters_of_a_base_are_used():
    checked = check(parse(f"{MODEL}guide {{ param m = 0\n (v, s) ~ Normal(m, 1) |> planar }}"))
    assert "W103" not in [w.code for w in checked.warnings]


# ---- maps --------------------------------------------------------------------------------------------------------


def dist(text: str) -> Dist:
    found = check(parse(f"param a: real > 0 = 1\nmodel {{ z ~ {text}\n observe 1 ~ Normal(z, 1) }}"))
    assert found.core is not None, found.diagnostics
    return found.core.statements[0].dist  # type: ignore[union-attr, no-any-return]


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("Normal(1, 2) |> exp", "LogNormal(1, 2)"),
        ("LogNormal(1, a) |> log", "Normal(1, a)"),
        ("Normal(1, 2) |> exp |> log", "Normal(1, 2)"),
        ("Truncated(Normal(0, 1), lower=0) |> exp", "Truncated(LogNormal(0, 1), lower=exp(0))"),
        ("StudentT(4, 1, 2) |> affine(3, a)", "StudentT(4, 3 + a * 1, a * 2)"),
        ("Uniform(1, 2) |> affine(3, a)", "Uniform(3 + a * 1, 3 + a * 2)"),
        ("Logistic(0, 1) |> affine(s=2, m=a)", "Logistic(a + 2 * 0, 2 * 1)"),
    ],
)
def test_the_image_of_a_distribution(written, same):
    assert dist(written) == dist(same)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("z ~ Gamma(2, 1) |> exp", "E552"),
        ("z ~ Normal(0, 1) |> tanh", "E552"),
        ("z ~ Normal(0, 1) |> affine(0, 0 - 2)", "E551"),
        ("z ~ Normal(0, 1) |> affine(0)", "E551"),
        ("z ~ Normal(0, 1) |> exp(2)", "E551"),
        ("z ~ Normal(0, 1) |> coupling", "E553"),
    ],
)
def test_what_has_no_image(line, code):
    assert [d.code for d in check(parse(f"model {{ {line} }}")).errors] == [code]


def test_only_flows_follow_a_flow():
    found = check(parse(f"{MODEL}guide {{ (v, s) ~ Normal(0, 1) |> planar |> affine(0, 1) }}"))
    assert [d.message for d in found.errors] == ["there is no flow called `affine`"]


# ---- soundness ---------------------------------------------------------------------------------------------------

JUMP = """
model {
  a ~ Normal(0, 1)
  b ~ Normal(0, 1)
  observe 1 ~ Normal(if a > 0 then b else 2, 1)
}
"""


@pytest.mark.parametrize("line", ["(a, b) ~ FullRank()", "a ~ Delta()", "(a, b) ~ Normal(0, 1) |> coupling"])
def test_no_density_may_jump_in_what_is_drawn_by_coordinates(line):
    with pytest.raises(ModelError) as problem:
        compile(f"{JUMP}guide {{ {line} }}")
    (found,) = problem.value.diagnostics
    assert found.code == "E554" and found.span is not None and "`a`" in found.message
    assert compile(f"{JUMP}guide {{ b ~ FullRank() }}").graph.nodes["a"]["node"].plan.estimator == "stratified"


@pytest.mark.parametrize(
    "line", ["b ~ Normal(if m > 0 then 1 else 2, 1) |> planar", "b ~ Delta(if m > 0 then 1 else 2)"]
)
def test_nor_in_a_parameter_through_the_base(line):
    with pytest.raises(ModelError) as problem:
        compile(f"{JUMP}guide {{ param m = 1\n {line} }}")
    assert [d.code for d in problem.value.diagnostics] == ["E554"]


@pytest.mark.parametrize(
    ("text", "known"),
    [("full_rank", True), ("low_rank:3", True), ("low_rank", True), ("flow", True), ("delta", False), ("rank", False)],
)
def test_families_by_name(text, known):
    assert is_family(text) is known


@pytest.mark.parametrize("text", ["low_rank:x", "low_rank:0", "full_rank:3"])
def test_numbers_of_families_are_checked(text):
    with pytest.raises(ModelError) as problem:
        compile(JUMP, guide=text)
    assert [d.code for d in problem.value.diagnostics] == ["E558"]


def test_a_named_family_takes_what_follows_paths():
    model = compile(JUMP, guide="full_rank")
    (joint,) = model.graph.graph["guide"].joints
    assert joint.names == ("b",) and joint.family == "full_rank"

"""Guides: what they may read, and how they must fit the model."""

import pytest

from ppl.api import compile
from ppl.check.check import check
from ppl.check.core import Core, Derived, Guide, Site
from ppl.source.diagnostic import ModelError
from ppl.syntax.parse import parse

MODEL = """
axis k = 3
axis time = 5
const TOP = 4
data { y: real
 x: real
 n: int >= 0
 g: factor }
param top = 1
model {
  mu ~ Normal(0, 5)
  tau ~ HalfCauchy(5)
  theta[g] ~ Normal(mu, tau)
  shift = theta + mu
  turn ~ Uniform(min(x), max(x))
  w[k] ~ Dirichlet(1)
  z[row] ~ Categorical(w)
  cuts[k] ~ Ordered(Normal(0, 1))
  v[k] ~ MvNormal(0, cov=diag(w))
  p ~ Beta(2, 2)
  wins ~ Binomial(TOP, p)
  calls ~ Poisson(3)
  on ~ Bernoulli(p)
  up ~ Uniform(mu, mu + 1)
  for t in time {
    a[t] ~ Bernoulli(0.5)
    b[t] ~ Bernoulli(0.5)
    s[t] = if t == 1 then 0 else s[t - 1] + a[t - 1]
    both[t] = s[t] + b[t]
  }
  y ~ Normal(shift[g] + turn + cuts[z] + v[z] + wins + calls + on + up + sum(both) + top, 1)
}
"""


def checked(*guides: str) -> Core | list[str]:
    """The core of the model with these guides, or the codes of the errors."""
    found = check(parse(MODEL + "\n".join(guides) + "\n"))
    return found.core if found.core is not None else [d.code for d in found.errors]


def guide(body: str) -> Guide:
    core = checked(f"guide {{\n{body}\n}}")
    assert isinstance(core, Core), core
    return core.guides[0]


# ---- what is in the core -----------------------------------------------------------------------------------------


def test_the_statements_of_a_guide() -> None:
    found = guide("param m = 0\n mu ~ Normal(m, 1)\n h = 2 * mu + top\n @score\n theta[g] ~ Normal(h, 1)")
    assert [(type(s).__name__, s.name) for s in found.statements] == [
        ("Site", "mu"),
        ("Derived", "h"),
        ("Site", "theta"),
    ]
    assert {s.role for s in found.statements if isinstance(s, Site)} == {"guide"}
    assert found.statements[2].annotations == ("score",)  # type: ignore[union-attr]
    assert [(p.name, p.guide) for p in found.params] == [("m", "")]
    assert [name for name, _ in found.bounds] == ["m", "mu", "h", "theta"]


def test_guides_have_parameters_of_their_own() -> None:
    core = checked("guide one { param m = 0\n mu ~ Normal(m, 1) }", "guide two { param m = 1\n mu ~ Normal(m, 1) }")
    assert isinstance(core, Core)
    assert [[(p.name, p.guide) for p in g.params] for g in core.guides] == [[("m", "one")], [("m", "two")]]
    assert [p.name for p in core.params] == ["top"]


def test_mean_field_leaves_an_unknown_to_the_automatic_guide() -> None:
    assert [s.name for s in guide("mu ~ MeanField()\n tau ~ LogNormal(0, 1)").statements] == ["tau"]


# ---- supports ----------------------------------------------------------------------------------------------------

FITTING = [
    "mu ~ StudentT(3, 0, 1)",
    "mu ~ HalfNormal(1)",
    "tau ~ LogNormal(0, 1)",
    "tau ~ Truncated(Normal(0, 1), lower=0)",
    "tau ~ Truncated(Normal(0, 1), lower=0.5, upper=9)",
    "tau ~ Uniform(0, 3)",
    "turn ~ Uniform(min(x), max(x))",
    "turn ~ Truncated(Normal(0, 1), lower=min(x), upper=max(x))",
    "w[k] ~ Dirichlet([1, 2, 3])",
    "z[row] ~ Categorical(uniform(k))",
    "param l[row, k] = 0\n z[row] ~ Categorical(logits=l)",
    "cuts[k] ~ Ordered(Normal(0, 2))",
    "v[k] ~ Normal(0, 1)",
    "v[k] ~ Ordered(Normal(0, 1))",
    "p ~ Uniform(0, 1)",
    "p ~ Beta(1, 1)",
    "wins ~ Binomial(TOP, 0.5)",
    "wins ~ Binomial(4, 0.5)",
    "wins ~ DiscreteUniform(1, 3)",
    "wins ~ Truncated(Poisson(2), upper=4)",
    "calls ~ Geometric(0.5)",
    "calls ~ Binomial(7, 0.5)",
    "on ~ Bernoulli(0.1)",
    "mu ~ Normal(0, 1)\n up ~ Uniform(mu, mu + 1)",
    "mu ~ if top > 0 then Normal(0, 1) else HalfNormal(1)",
]
LEAVING = [
    "tau ~ Normal(0, 1)",
    "tau ~ Uniform(-1, 1)",
    "tau ~ Truncated(Normal(0, 1), lower=-0.1)",
    "turn ~ Uniform(min(x), 3)",
    "turn ~ Normal(0, 1)",
    "w[k] ~ Beta(1, 1)",
    "cuts[k] ~ Normal(0, 1)",
    "cuts[k] ~ Dirichlet(1)",
    "p ~ HalfNormal(1)",
    "p ~ Uniform(0, 1.5)",
    "wins ~ Poisson(1)",
    "wins ~ Binomial(5, 0.5)",
    "calls ~ DiscreteUniform(-1, 4)",
    "mu ~ Normal(0, 1)\n up ~ Uniform(mu, mu + 2)",
    "up ~ Uniform(0, 1)",
    "tau ~ if top > 0 then LogNormal(0, 1) else Normal(0, 1)",
]
OF_ANOTHER_KIND = [
    "mu ~ Poisson(1)",
    "calls ~ Normal(0, 1)",
    "on ~ Binomial(1, 0.5)",
    "wins ~ Bernoulli(0.5)",
    "z[row] ~ Bernoulli(0.5)",
    "z[row] ~ Categorical(uniform(time))",
]


@pytest.mark.parametrize("body", FITTING)
def test_supports_inside_the_model_s(body: str) -> None:
    assert guide(body).statements


@pytest.mark.parametrize("body", LEAVING)
def test_supports_that_leave_the_model_s(body: str) -> None:
    assert checked(f"guide {{ {body} }}") == ["E503"]


@pytest.mark.parametrize("body", OF_ANOTHER_KIND)
def test_values_of_another_kind(body: str) -> None:
    assert checked(f"guide {{ {body} }}") == ["E504"]


# ---- order -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("mu ~ Normal(0, 1)\n theta[g] ~ Normal(mu, 1)\n up ~ Truncated(Normal(0, 1), lower=mu, upper=mu + 1)", []),
        ("theta[g] ~ Normal(mu, 1)", ["E505"]),
        ("theta[g] ~ Normal(0, 1)\n turn ~ Uniform(min(x), max(x))\n tau ~ LogNormal(mean(shift), 1)", ["E505"]),
        ("mu ~ Normal(0, 1)\n theta[g] ~ Normal(0, 1)\n tau ~ LogNormal(mean(shift), 1)", []),
        ("mu ~ Normal(theta[1], 1)\n theta[g] ~ Normal(0, 1)", ["E505"]),
        ("mu ~ Normal(tau, 1)\n tau ~ MeanField()", ["E505"]),
        ("tau ~ MeanField()\n mu ~ Normal(tau, 1)", ["E505"]),
        ("mu ~ Normal(mu, 1)", ["E505"]),
        ("mu ~ Normal(late, 1)\n late = 3", ["E103"]),
        ("mu ~ Normal(lost, 1)", ["E101"]),
        ("mu ~ Normal(y[1] + n[1], 1)", []),
        ("mu ~ Normal(0, 1)\n mu ~ Normal(0, 1)", ["E509"]),
        ("shift ~ Normal(0, 1)", ["E501"]),
        ("top ~ Normal(0, 1)", ["E501"]),
        ("y ~ Normal(0, 1)", ["E502"]),
        ("theta ~ Normal(0, 1)", ["E506"]),
        ("theta[row] ~ Normal(0, 1)", ["E506"]),
        ("theta[g, k] ~ Normal(0, 1)", ["E506"]),
        ("theta[g] ~ Normal(x, 1)", ["E310"]),
        ("tau = 3", ["E403"]),
        ("param mu", ["E403"]),
        ("param top", ["E403"]),
        ("param q = mu", ["E505"]),
        ("param q = 1\n mu ~ Normal(0, q)", ["E325"]),
        ("for t in time { param q }", ["E423"]),
        ("factor 3", ["E508"]),
        ("observe y ~ Normal(0, 1)", ["E508"]),
        ("mu ~ 3", ["E404"]),
        ("mu ~ MeanField(3)", []),
        ("mu ~ Delta(3)", []),
        ("theta[gg] ~ Normal(0, 1)\n tau ~ LogNormal(theta[1], lost)", ["E301", "E101"]),
    ],
)
def test_what_a_guide_reads_and_names(body: str, codes: list[str]) -> None:
    found = checked(f"guide {{\n{body}\n}}")
    assert (codes == [] and isinstance(found, Core)) or sorted(found) == sorted(codes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ("for t in time { a[t] ~ Bernoulli(logit=s[t]) }", []),
        ("for t in time { a[t] ~ Bernoulli(logit=if t == 1 then 0 else 1 - a[t - 1]) }", []),
        ("for t in time { h[t] = s[t] - 1\n a[t] ~ Bernoulli(logit=h[t]) }", []),
        ("for t in time { h[t] = if t == 1 then 0 else h[t - 1] + s[t]\n a[t] ~ Bernoulli(logit=h[t]) }", []),
        ("for t in time { a[t] ~ Bernoulli(logit=s[t])\n b[t] ~ Bernoulli(logit=s[t] + a[t]) }", []),
        ("for t in time { b[t] ~ Bernoulli(0.5)\n a[t] ~ Bernoulli(logit=both[t]) }", []),
        ("for t in time { a[t] ~ Bernoulli(logit=both[t])\n b[t] ~ Bernoulli(0.5) }", ["E505"]),
        ("for t in time { a[t] ~ Bernoulli(logit=s[5]) }", ["E505"]),
        ("for t in time { a[t] ~ Bernoulli(logit=sum(s)) }", ["E505"]),
        ("for t in time { a[t] ~ Bernoulli(logit=s[t] + a[t]) }", ["E505"]),
        ("for t in time { h[t] = a[t]\n a[t] ~ Bernoulli(logit=h[t]) }", ["E505"]),
        ("a[time] ~ Bernoulli(logit=s)", ["E505"]),
        ("for t in time { a[t] ~ Bernoulli(0.5) }\n b[time] ~ Bernoulli(logit=s + sum(a))", []),
        ("for t in time { a[t] ~ Bernoulli(logit=a[t - 1]) }", ["E309"]),
        ("for t in time { a[t] ~ Bernoulli(logit=s[t + 1]) }", ["E306"]),
        ("for t in time { mu ~ Normal(0, 1) }", ["E413"]),
        (
            "for t in time { a[t] ~ Bernoulli(logit=if t == 1 then 0 else 1 - b[t - 1])\n"
            " b[t] ~ Bernoulli(logit=s[t]) }",
            [],
        ),
    ],
)
def test_what_a_loop_of_a_guide_reads(body: str, codes: list[str]) -> None:
    found = checked(f"guide {{\n{body}\n}}")
    assert (codes == [] and isinstance(found, Core)) or found == codes


def test_a_guide_that_fails_says_so_once() -> None:
    found = checked("guide { mu ~ Normal(lost, 1)\n theta[g] ~ Normal(mu, 1)\n h = mu\n up ~ Uniform(mu, mu + 1) }")
    assert found == ["E101"]


def test_an_unknown_that_failed_in_the_model_is_not_complained_about_in_the_guide() -> None:
    found = check(
        parse("data { y: real }\nmodel { mu ~ Normal(lost, 1)\n y ~ Normal(mu, 1) }\nguide { mu ~ Normal(0, 1) }")
    )
    assert [d.code for d in found.errors] == ["E101"]


def test_columns_with_blanks_have_an_automatic_guide() -> None:
    text = "data { y: real? }\nmodel { mu ~ Normal(0, 1)\n y ~ Normal(mu, 1) }\nguide { y ~ Normal(0, 1) }"
    assert [d.code for d in check(parse(text)).errors] == ["E502"]


def test_a_guide_is_chosen_by_its_name() -> None:
    text = "data { y: real }\nmodel { mu ~ Normal(0, 1)\n y ~ Normal(mu, 1) }\nguide wide { mu ~ Normal(0, 2) }"
    with pytest.raises(ModelError) as problem:
        compile(text, guide="wid")
    assert [(d.code, d.hint) for d in problem.value.diagnostics] == [("E516", "wide")]


# ---- objectives --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("param m = 0\nmodel { z ~ Normal(m, 1) }\nminimize (z - 3)^2", []),
        ("data { y: real }\nparam m = 0\nmodel { z ~ Normal(m, 1) }\nmaximize -(z - y)^2", []),
        ("axis k = 3\nparam m = 0\nmodel { z[k] ~ Normal(m, 1) }\nminimize (z - 3)^2", []),
        ("model { param m = 0\n z ~ Normal(m, 1) }\nminimize z^2", []),
        ("param m\nmodel { z ~ Normal(m, 1) }\nminimize z\nminimize z", ["E425"]),
        ("model { z ~ Normal(0, 1) }\nminimize z", ["E427"]),
        ("data { y: real }\nparam m\nmodel { y ~ Normal(m, 1) }\nminimize m", ["E426"]),
        ("param m\nmodel { z ~ Normal(m, 1)\n factor z }\nminimize z", ["E426"]),
        ("param m\nmodel { z ~ Normal(m, 1) }\nguide { z ~ Normal(0, 1) }\nminimize z", ["E424"]),
        ("param m\nmodel { z ~ Normal(m, 1) }\nminimize lost", ["E101"]),
        ("param m\nmodel { z ~ Normal(m, 1) }\nminimize Normal(0, 1)", ["E405"]),
    ],
)
def test_objectives(text: str, codes: list[str]) -> None:
    found = check(parse(text))
    assert [d.code for d in found.diagnostics] == codes
    assert (found.core is not None) == (not codes)


def test_what_an_objective_is() -> None:
    core = check(parse("param m = 0\nmodel { z ~ Normal(m, 1)\n d = z - m }\nmaximize d^2")).core
    assert core is not None and core.objective is not None
    assert core.objective.maximize and core.objective.value.op == "pow"
    assert isinstance(core.statements[1], Derived)

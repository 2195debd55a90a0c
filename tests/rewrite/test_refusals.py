"""Which unknowns have no path or no sound estimator, and where the text that decided stands."""

import pytest

from ppl.check.check import check
from ppl.graph.graph import lower, unknowns
from ppl.rewrite.plan import plan
from ppl.rewrite.suspect import may_be_refused
from ppl.source.diagnostic import ModelError
from ppl.syntax.parse import parse

DATA = "data {\n x: real\n n: int >= 0\n g: factor\n}\naxis k = 3\nfun side(v) = if v > 0 then 1 else -2\n"
HEAD = "z1 ~ Normal(0, 5)\n z2 ~ Normal(z1, 3)\n s ~ HalfNormal(1)\n"

# (the lines after z1, z2 and s; what decides for each unknown that a density jumps in)
JUMPS = {
    "a guard in the mean": ("x ~ Normal(if z2 > 0 then 1 else -2, 1)", {"z2": "z2 > 0"}),
    "a guard in the scale only": ("x ~ Normal(0, if z2 > 0 then 1 else 2)", {"z2": "z2 > 0"}),
    "a guard in another prior": ("w ~ Normal(if z2 > 0 then 1 else -2, 1)\n x ~ Normal(w, 1)", {"z2": "z2 > 0"}),
    "through a derived name": ("d = if z2 > 0 then 1 else -2\n e = d + 1\n x ~ Normal(e, 1)", {"z2": "z2 > 0"}),
    "through a function": ("x ~ Normal(side(z2), 1)", {"z2": "v > 0"}),
    "a guard on a sum": ("x ~ Normal(if z1 + z2 > 0 then 1 else 0, 1)", {"z1": "z1 + z2 > 0", "z2": "z1 + z2 > 0"}),
    "a guard on data and an unknown": ("x ~ Normal(if n > 5 or z2 < n then 1 else 0, 1)", {"z2": "z2 < n"}),
    "a guard between distributions": ("x ~ if z2 > 0 then Normal(0, 1) else StudentT(4, 0, 1)", {"z2": "z2 > 0"}),
    "a guard in a factor": ("x ~ Normal(z1, 1)\n factor if z2 > 0 then 1 else 0", {"z2": "z2 > 0"}),
    "a comparison as a number": ("x ~ Normal(3 * (z2 >= 0), 1)", {"z2": "z2 >= 0"}),
    "a guard in an observe": ("observe log(n + 1) ~ Normal(if z2 > 0 then 1 else 0, 1)", {"z2": "z2 > 0"}),
    "both branches depend on another": ("x ~ Normal(if z2 > 0 then z1 else -z1, 1)", {"z2": "z2 > 0"}),
    "nested guards": (
        "x ~ Normal(if z1 > 0 then (if z2 > 1 then 1 else 2) else 3, 1)",
        {"z1": "z1 > 0", "z2": "z2 > 1"},
    ),
    "floor": ("x ~ Normal(floor(z2), 1)", {"z2": "floor(z2)"}),
    "round in the scale": ("x ~ Normal(0, 1 + round(s))", {"s": "round(s)"}),
    "sign": ("x ~ Normal(sign(z2), 1)", {"z2": "sign(z2)"}),
    "a remainder": ("x ~ Normal(z2 % 2, 1)", {"z2": "z2 % 2"}),
    "an index computed from it": (
        "a[k] ~ Normal(0, 1)\n x ~ Normal(a[if z2 > 0 then 1 else 2], 1)",
        {"z2": "z2 > 0"},
    ),
    "argmax of unknowns": ("a[k] ~ Normal(0, 1)\n b[k] = [1, 2, 3]\n x ~ Normal(b[argmax(a)], 1)", {"a": "argmax(a)"}),
    "sqrt of abs": ("x ~ Normal(sqrt(abs(z2)), 1)", {"z2": "sqrt(abs(z2))"}),
    "tan": ("x ~ Normal(tan(z2), 1)", {"z2": "tan(z2)"}),
}  # fmt: skip

# (the lines; what decides for each refused unknown)
REFUSED = {
    "the end of an observed Uniform": ("x ~ Uniform(-20, s)", {"s": "Uniform(-20, s)"}),
    "the end of an observed Truncated": (
        "x ~ Truncated(Normal(0, 1), lower=z2)",
        {"z2": "Truncated(Normal(0, 1), lower=z2)"},
    ),
    "one over it": ("x ~ Normal(1 / z2, 1)", {"z2": "1 / z2"}),
    "log of what may be negative": ("x ~ Normal(log(z2), 1)", {"z2": "log(z2)"}),
    "a root": ("x ~ Normal(z2 ^ 0.5, 1)", {"z2": "z2 ^ 0.5"}),
    "a negative power": ("x ~ Normal(z2 ^ -1, 1)", {"z2": "z2 ^ -1"}),
    "a sd on the edge": ("x ~ Normal(0, abs(z2))", {"z2": "abs(z2)"}),
    "a square as a sd": ("x ~ Normal(0, z2^2)", {"z2": "z2^2"}),
    "a probability on the edge": ("x ~ Normal(z1, 1)\n n ~ Binomial(9, clamp(z2, 0, 1))", {"z2": "clamp(z2, 0, 1)"}),
    "a rate on the edge": ("x ~ Normal(z1, 1)\n n ~ Poisson(relu(z2))", {"z2": "relu(z2)"}),
}  # fmt: skip

# (the lines, the estimators of z1, z2 and s)
KEPT = {
    "a mean and a scale": ("x ~ Normal(z2, s)", ("reparam", "reparam", "reparam")),
    "abs, min, max, clamp are kinks": (
        "x ~ Normal(abs(z1) + max(z2, 0) + clamp(z1, 0, 1) + relu(z2), s)",
        ("reparam",) * 3,
    ),
    "one over what is positive": ("x ~ Normal(1 / s + log(s) + sqrt(s), 1)", ("reparam",) * 3),
    "one over one plus a square": ("x ~ Normal(1 / (1 + z2^2), 1)", ("reparam",) * 3),
    "a whole power": ("x ~ Normal(z2^3, 1)", ("reparam",) * 3),
    "a guard on data": ("x ~ Normal(if n > 3 then z1 else z2, 1)", ("reparam",) * 3),
    "a guard on a level": ('x ~ Normal(if g == "a" then z1 else z2, 1)', ("reparam",) * 3),
    "a sd off the edge": ("x ~ Normal(z1, max(z2, 0.1) + s)", ("reparam",) * 3),
    "a rate that is zero by the data": (
        "x ~ Normal(z1, 1)\n n ~ Poisson(if x > 0 then exp(z2) else 0)",
        ("reparam",) * 3,
    ),
    "a probability that is zero by a summed unknown": (
        "b ~ Bernoulli(0.3)\n x ~ Normal(z1, 1)\n n ~ Binomial(5, sigmoid(z2) * b)",
        ("reparam",) * 3,
    ),
    "a guard on something that no density reads": ("d = if z2 > 0 then 1 else 0\n x ~ Normal(z2, 1)", ("reparam",) * 3),
    "a prior within limits that move": ("w ~ Uniform(0, s)\n x ~ Normal(w, 1)", ("reparam",) * 3),
    "a bool that is summed out": ("b ~ Bernoulli(0.3)\n x ~ Normal(if b then z1 else z2, 1)", ("reparam",) * 3),
}  # fmt: skip


def planned(body: str) -> tuple[str, object]:
    text = f"{DATA}model {{\n {HEAD} {body}\n}}\n"
    checked = check(parse(text, "model.ppl"))
    assert checked.core is not None, checked.diagnostics
    return text, plan(lower(checked.core))


# Estimators that are unbiased where a density jumps.
SOUND = {"stratified", "boundary", "measure", "score"}


@pytest.mark.parametrize("name", JUMPS)
def test_a_jump_takes_the_path_away_at_its_place(name: str) -> None:
    body, wanted = JUMPS[name]
    text, graph = planned(body)
    plans = {n.name: n.plan for n in unknowns(graph) if n.plan is not None and n.plan.level == "jump"}
    assert {name: text[p.where.start : p.where.end] for name, p in plans.items() if p.where is not None} == wanted
    # one comparison may be a jump in several unknowns: the last of them answers for it
    assert plans[max(wanted)].estimator in SOUND
    assert all(p.estimator in SOUND or "is split along another" in p.reason for p in plans.values())


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_shown_is_refused_at_its_place(name: str) -> None:
    body, wanted = REFUSED[name]
    text = f"{DATA}model {{\n {HEAD} {body}\n}}\n"
    with pytest.raises(ModelError) as caught:
        planned(body)
    found = {d.message.split("`")[1]: text[d.span.start : d.span.end] for d in caught.value.diagnostics if d.span}
    assert {d.code for d in caught.value.diagnostics} == {"E530"}
    assert found == wanted


@pytest.mark.parametrize("name", REFUSED)
def test_the_light_check_suspects_what_the_planner_refuses(name: str) -> None:
    checked = check(parse(f"{DATA}model {{\n {HEAD} {REFUSED[name][0]}\n}}\n", "model.ppl"))
    assert checked.core is not None
    assert may_be_refused(checked.core)


@pytest.mark.parametrize("name", KEPT)
def test_what_is_continuous_is_kept(name: str) -> None:
    body, wanted = KEPT[name]
    estimators = {n.name: n.plan.estimator for n in unknowns(planned(body)[1]) if n.plan is not None}
    assert tuple(estimators[n] for n in ("z1", "z2", "s")) == wanted

"""Recursions of derived values: which there may be, and what is known of them."""

from math import inf

import pytest

from ppl.check.check import check
from ppl.check.core import Core, Derived
from ppl.check.lags import ANYWHERE, reads_back
from ppl.stdlib.intervals import Interval
from ppl.syntax.parse import parse

TOP = """
const STEPS = 12
axis time = STEPS
axis long = 101
axis k = 2
axis arm = ["a", "b"]
data { y: real }
"""


def checked(body: str, axis: str = "time") -> Core | list[str]:
    model = f"mu ~ Normal(0, 1)\n w ~ HalfNormal(1)\n for t in {axis} {{\n{body}\n}}\n y ~ Normal(mu + w, 1)"
    found = check(parse(f"{TOP}model {{\n {model}\n}}\n"))
    return found.core if found.core is not None else [d.code for d in found.errors]


def derived(body: str) -> dict[str, tuple[str, str, Interval]]:
    """Axis of the recursion, type and bounds of each derived value."""
    core = checked(body)
    assert isinstance(core, Core), core
    limits = dict(core.bounds)
    return {s.name: (s.along, s.value.type, limits[s.name]) for s in core.statements if isinstance(s, Derived)}


LINE = Interval(-inf, inf, True, True)


@pytest.mark.parametrize(
    ("body", "kind", "limits"),
    [
        ("s[t] = if t == 1 then 0 else s[t - 1] + 1", "int", Interval(0, inf, False, True)),
        ("s[t] = if t == 1 then 0 else s[t - 1] + 0.5", "real", Interval(0, inf, False, True)),
        ("s[t] = if t == 1 then mu else s[t - 1] + mu", "real", LINE),
        ("s[t] = if t > 1 then s[t - 1] - 1 else 0", "int", LINE),
        ("s[t] = if t == 1 then 1 else clamp(s[t - 1] + 1, 1, 6)", "int", Interval(1, 6)),
        ("s[t] = if t == 1 then w else w + 0.5 * s[t - 1]", "real", Interval(0, inf, True, True)),
        ("s[t] = if t == 1 then 0.5 else 0.9 * s[t - 1]", "real", Interval(0, 0.81)),
        ("s[t] = if t == 1 then true else not s[t - 1]", "bool", Interval(0, 1)),
        ("s[t] = if t <= 2 then 0 else s[t - 1] + s[t - 2]", "int", Interval(0, inf, False, True)),
    ],
)
def test_types_and_bounds_are_found_by_trial(body: str, kind: str, limits: Interval) -> None:
    along, found, here = derived(body)["s"]
    assert (along, found) == ("time", kind)
    assert (here.low, here.high) == (limits.low, limits.high)


def test_everything_in_the_circle_runs_along_the_axis_and_nothing_else() -> None:
    found = derived(
        "before[t] = 2 * mu\n p[t] = if t == 1 then 0 else q[t - 1] + mu\n m[t] = p[t] * 2\n q[t] = m[t] + 1\n"
        " after[t] = q[t] + 1"
    )
    assert {name: along for name, (along, _, _) in found.items()} == {
        "before": "", "p": "time", "m": "time", "q": "time", "after": "",
    }  # fmt: skip


def test_what_is_random_stays_random_around_the_circle() -> None:
    body = "p[t] = if t == 1 then 0 else q[t - 1]\n q[t] = p[t] + mu\n x[t] ~ Normal(0, p[t])"
    assert checked(body) == ["E325"]


def test_a_second_axis_stays() -> None:
    found = checked("for g in k { s[t, g] = if t == 1 then 0 else s[t - 1, g] + mu }")
    assert isinstance(found, Core)
    (s,) = (s for s in found.statements if isinstance(s, Derived))
    assert (s.along, s.axes) == ("time", ("time", "k"))


@pytest.mark.parametrize(
    ("body", "axis", "codes"),
    [
        ("s[t] = if t == 1 then 0 else s[t - 1] + 1", "row", []),
        ("s[t] = if t == 1 then 0 else s[t - 1] + 1", "long", []),
        ("s[t] = if t == 1 then 0 else s[t - 1] + 1", "k", []),
        ("s[t] = if t == 1 then 0 else s[t - 1] + 1", "arm", []),
        ("p[t] = if t == 1 then 0 else q[t - 1]\n q[t] = p[t]", "row", []),
        ("s[t] = s[t - 1] + 1", "time", ["E309"]),
        ("s[t] = if t == 1 then 0 else s[t] + 1", "time", ["E107"]),
        ("s[t] = if t == 1 then 0 else s[t - 1] + sum(s)", "time", ["E107"]),
        ("s[t] = if t == 1 then 0 else s[t - 1] + s[3]", "time", ["E107"]),
        ("p[t] = if t == 1 then 0 else q[t - 1] + q[t]\n q[t] = p[t]", "time", ["E107"]),
        ("s[t] = if t == 1 then 0 else s[t - 1] + lost", "time", ["E101"]),
        ("s[t] = if t == 1 then 0 else s[t + 1]", "time", ["E306"]),
        ("p[t] = if t == 1 then 0 else q[t - 1]\n q[t] = sum(p)", "time", ["E107"]),
        ("p[t] = if t == 1 then 0 else x[t - 1]\n x[t] ~ Normal(p[t], 1)", "time", []),
        ("p[t] = if t == 1 then 0 else x[t - 1]\n x[t] ~ Normal(p[t], 1)", "row", []),
        ("x[t] ~ Normal(if t == 1 then 0 else z[t - 1], 1)\n z[t] ~ Normal(x[t], 1)", "row", []),
        ("x[t] ~ Normal(if t == 1 then 0 else z[t - 1], 1)\n z[t] ~ Normal(sum(x), 1)", "row", ["E107"]),
        ("x[t] ~ Normal(if t == 1 then 0 else z[t - 1], 1)\n z[t] ~ Gamma(x[t], 1)", "row", ["E325"]),
        ("x[t] ~ Poisson(if t == 1 then 1 else z[t - 1])\n z[t] ~ Gamma(x[t] + 1, 1)", "row", []),
        (
            "x[t] ~ Bernoulli(0.5)\n z[t] ~ Normal(if x[t] then 1 else 0, if t == 1 then 1 else lost[t - 1])",
            "row",
            ["E101"],
        ),
        ("s[t] = if t == 1 then 1 else s[t - 1] + x[t - 1]\n x[t] ~ Normal(s[t], 1)", "row", []),
    ],
)
def test_what_is_no_recursion(body: str, axis: str, codes: list[str]) -> None:
    found = checked(body, axis)
    assert isinstance(found, Core) if not codes else found == codes


def test_how_far_back_an_expression_reads() -> None:
    core = checked(
        "a[t] ~ Normal(0, 1)\n d[t] = a[t] + (if t <= 2 then 0 else a[t - 2]) + sum(a) + a[3] + cumsum(a) + mu"
    )
    assert isinstance(core, Core)
    (d,) = (s for s in core.statements if isinstance(s, Derived))
    found = [(name, back) for name, back, _ in reads_back(d.value, "time")]
    assert found == [("a", 0), ("a", 2), ("a", ANYWHERE), ("a", ANYWHERE), ("a", 0), ("mu", 0)]

"""What nets are: their weights, axes, parts, and what they cost the checker."""

from time import perf_counter

import pytest

from ppl.check.check import check
from ppl.check.core import Core, Derived, Expr, Site
from ppl.syntax.parse import parse

HEAD = """
const H = 8
axis k = 3
axis hid = 4
data {
  y: real
  x: real
  arm: factor ["a", "b"]
  g[gene]: real from "g*"
  img[r, c]: real
}
"""


def core_of(nets: str, mean: str = "f(g)", more: str = "", guide: str = "") -> Core:
    text = f"{HEAD}{nets}\nmodel {{\n{more}\n y ~ Normal({mean}, 1)\n}}\n{guide}"
    found = check(parse(text))
    assert found.core is not None, found.diagnostics
    return found.core


def weights(core: Core) -> dict[str, tuple[str, ...]]:
    return {p.name: p.axes for p in core.params}


def mean_of(core: Core) -> Expr:
    site = core.statements[-1]
    assert isinstance(site, Site) and site.dist.args[0] is not None
    return site.dist.args[0]


@pytest.mark.parametrize(
    ("net", "call", "wanted"),
    [
        (
            "net f(a[gene]) -> m { h = dense(a, 8, tanh)\n m = dense(h) }",
            "f(g)",
            {"f.h.W": ("gene", "f.h"), "f.h.b": ("f.h",), "f.m.W": ("f.h",), "f.m.b": ()},
        ),
        ("net f(a[gene]) -> m { m = dense(a, bias=false) }", "f(g)", {"f.m.W": ("gene",)}),
        (
            "net f(a[gene]) -> m { m = dense(dense(a, H, relu)) }",
            "f(g)",
            {"f.m.W": ("gene", "f.m"), "f.m.b": ("f.m",), "f.m.2.W": ("f.m",), "f.m.2.b": ()},
        ),
        (
            "net f(a[gene], b) -> m { m = dense([a, b]) }",
            "f(g, x)",
            {"f.m.W1": ("gene",), "f.m.W2": (), "f.m.b": ()},
        ),
        ("net f(a[r, c]) -> m { m = dense(a) }", "f(img)", {"f.m.W": ("r", "c"), "f.m.b": ()}),
        (
            "net f(a[gene]) -> m { h = dense(a, hid)\n n = dense(h, hid)\n m = dense(n) }",
            "f(g)",
            {
                "f.h.W": ("gene", "hid"),
                "f.h.b": ("hid",),
                "f.n.W": ("hid", "hid'"),
                "f.n.b": ("hid",),
                "f.m.W": ("hid",),
                "f.m.b": (),
            },
        ),
        (
            "net f(a[gene]) -> m { m = mlp(a, [8, hid], tanh) }",
            "f(g)",
            {
                "f.m.W": ("gene", "f.m"),
                "f.m.b": ("f.m",),
                "f.m.2.W": ("f.m", "hid"),
                "f.m.2.b": ("hid",),
                "f.m.3.W": ("hid",),
                "f.m.3.b": (),
            },
        ),
        ("net f(a[arm]) -> m { m = dense(a) }", "f(arm)", {"f.m.W": ("arm",), "f.m.b": ()}),
        (
            "net inner(a) -> h[hid] { h = dense(a, hid) }\nnet f(a) -> m { m = dense(tanh(inner(a))) }",
            "f(x)",
            {"inner.h.W": ("hid",), "inner.h.b": ("hid",), "f.m.W": ("hid",), "f.m.b": ()},
        ),
    ],
)  # fmt: skip
def test_weights_have_names_and_axes(net: str, call: str, wanted: dict[str, tuple[str, ...]]) -> None:
    assert weights(core_of(net, call)) == wanted


def test_units_of_a_layer_are_an_axis() -> None:
    core = core_of("net f(a[gene]) -> m { h = dense(a, 2 * H, tanh)\n m = dense(h) }")
    axis = next(a for a in core.axes if a.kind == "units")
    assert (axis.name, axis.size) == ("f.h", 16)


def test_rows_pass_through() -> None:
    assert mean_of(core_of("net f(a[gene]) -> m { m = dense(a) }")).axes == ("row",)


def test_indices_count_the_axes_of_the_net() -> None:
    mean = mean_of(core_of("net f(a[gene]) -> m { h = dense(a, k)\n m = h[2] }"))
    assert (mean.op, mean.attrs, mean.axes) == ("fix", ("k", 2), ("row",))


def test_a_level_picks_its_weights() -> None:
    mean = mean_of(core_of("net f(a[arm]) -> m { m = dense(a) }", "f(arm)"))
    assert [a.op for a in mean.args] == ["take", "ref"]


def test_one_net_has_one_set_of_weights() -> None:
    net = "net f(a[gene]) -> m { m = dense(a) }"
    assert weights(core_of(net, "f(g) + f(2 * g)")) == {"f.m.W": ("gene",), "f.m.b": ()}


def test_nets_that_nothing_calls_leave_no_weights() -> None:
    core = core_of("net f(a[gene]) -> m { m = dense(a) }\nnet idle(a) -> m { m = mlp(a, [5]) }")
    assert all(p.net == "f" for p in core.params)
    assert all(a.kind != "units" for a in core.axes)


def test_functions_that_nobody_calls_call_no_nets() -> None:
    core = core_of("net f(a[gene]) -> m { m = dense(a) }\nnet idle(a) -> m { m = dense(a) }\nfun z(a) = idle(a)")
    assert all(p.net == "f" for p in core.params)


def test_outputs_that_nobody_reads_are_no_warning() -> None:
    for weights in ("", " weights ~ Normal(0, 1)"):
        net = f"net f(a[gene]) -> m, s{weights} {{ m = dense(a)\n s = dense(a) }}"
        text = f"{HEAD}{net}\nmodel {{\n y ~ Normal(f(g).m, 1)\n}}\n"
        assert {d.code for d in check(parse(text)).warnings} <= {"W102"}


def test_parts() -> None:
    net = "net f(a[gene]) -> m, s { h = dense(a, 4, tanh)\n m = dense(h)\n s = exp(dense(h)) }"
    named = core_of(net, "q.m + q.s", "q = f(g)")
    called = core_of(net, "f(g).m + f(g).s")
    assert mean_of(named) == mean_of(called)
    assert not any(isinstance(s, Derived) for s in named.statements)


def test_weights_with_a_prior_are_unknowns() -> None:
    head = "net f(a[gene], b) -> m weights ~ Normal(0, 1 / sqrt(fan_in))"
    core = core_of(head + " { h = dense([a, b], 5, relu)\n m = dense(h) }", "f(g, x)")
    sites = {s.name: s for s in core.statements if isinstance(s, Site) and s.role == "unknown"}
    assert list(sites) == ["f.h.W1", "f.h.W2", "f.h.b", "f.m.W", "f.m.b"]
    assert not core.params
    assert all((s.start is None) == name.endswith(".b") for name, s in sites.items())
    sd = sites["f.m.W"].dist.args[1]
    assert sd is not None and sd.args[1].args[0].attrs == (5,)


def test_priors_may_depend_on_unknowns_above() -> None:
    net = "net f(a[gene]) -> m weights ~ Normal(0, tau) { m = dense(a) }"
    core = core_of(net, more="tau ~ HalfNormal(1)")
    assert [s.name for s in core.statements] == ["tau", "f.m.W", "f.m.b", "y"]


def test_guides_draw_all_weights_of_a_net() -> None:
    net = "net f(a[gene]) -> m weights ~ Normal(0, 1) { h = dense(a, hid)\n n = dense(h, hid)\n m = dense(n) }"
    (guide,) = core_of(net, guide="guide {\n param s: real > 0 = 0.1\n f.weights ~ Normal(0, s)\n}").guides
    assert {s.name: s.axes for s in guide.statements if isinstance(s, Site)}["f.n.W"] == ("hid", "hid'")
    assert len(guide.statements) == 6


def test_large_values_inside_a_net_get_names() -> None:
    lines = "\n".join(f" h{i + 1} = h{i} + norm(dense(h{i}, hid, tanh))" for i in range(12))
    net = f"net f(a[gene]) -> m {{\n h0 = dense(a, hid)\n{lines}\n m = dense(h12)\n}}"
    began = perf_counter()
    core = core_of(net)
    assert perf_counter() - began < 1.0
    hidden = [s for s in core.statements if isinstance(s, Derived)]
    assert hidden and all(s.hidden for s in hidden)
    assert [s.name for s in core.statements][-1] == "y"


@pytest.mark.parametrize(
    ("net", "mean", "codes"),
    [
        ("net f(a[gene]) -> m { m = dense(a) }", "f(x)", ["E342"]),
        ("net f(a[gene]) -> m { m = dense(a) }", "f(arm)", ["E342"]),
        ("net f(a[gene]) -> m { m = dense(a) }", "f(g, x)", ["E340"]),
        ("net f(a[gene]) -> m { m = dense(a) }", "f(b=g)", ["E340"]),
        ("net f(a[gene]) -> m, n { m = dense(a) }", "f(g).m", ["E343"]),
        ("net f(a[gene]) -> m { m = dense(a, 0) }", "f(g)", ["E360"]),
        ("net f(a[gene]) -> m { m = dense() }", "f(g)", ["E340"]),
        ("net f(a[gene]) -> m { m = dense([]) }", "f(g)", ["E340"]),
        ("net f(a[gene]) -> m { m = norm(dense(a)) }", "f(g)", ["E318"]),
        ("net f(a[gene]) -> m { m = mlp(a) }", "f(g)", ["E340"]),
        ("net f(a[gene]) -> m { m = dense(a, tahn) }", "f(g)", ["E301"]),
        ("net f(a[gene]) -> m { m = dense(a, activation=tahn) }", "f(g)", ["E367"]),
        ("net f(a[gene]) -> m { m = dense(a, bias=3) }", "f(g)", ["E334"]),
        ("net f(a[gene]) -> m { m = sum(a) + y }", "f(g)", ["E362"]),
        ("net f(a[gene]) -> m { m = dense(a, k) }", "f(g)", ["E363"]),
        ("net f(a[gene]) -> m[z] { m = dense(a) }", "f(g)", ["E301"]),
        ("net f(a[gene]) -> m { m = norm(a, over=z) }", "f(g)", ["E301"]),
        ("net f(a[gene]) -> m { m = f(a) }", "f(g)", ["E108"]),
        ("net f(a[gene]) -> m { h[hid] = dense(a, k)\n m = dense(h) }", "f(g)", ["E363"]),
        ("net f(a[gene]) -> m { h[3] = dense(a, k)\n m = dense(h) }", "f(g)", ["E302"]),
        ("net f(a[gene]) -> m { h[lost] = dense(a, k)\n m = dense(h) }", "f(g)", ["E301"]),
        ("net f(a[gene]) -> m { h = dense(a, 3)\n i = h + dense(a, 3)\n m = dense(i) }", "f(g)", ["E369"]),
        ("net f(a[gene]) -> m { m = dense(a + lost) }", "f(g)", ["E101"]),
        ("net f(a) -> m { m = dense(a) }", 'f("b")', ["E333"]),
        ("net f(a) -> m { h = 2 * a\n m = late(h) }\nnet late(b) -> m { m = dense(b) + h }", "f(x)", ["E101"]),
        ("net f(a) -> m weights ~ Normal(0, lost) { m = dense(a) }", "f(x)", ["E101"]),
        ("net f(a) -> m weights ~ 3 { m = dense(a) }", "f(x)", ["E404"]),
    ],
)
def test_what_is_wrong(net: str, mean: str, codes: list[str]) -> None:
    found = check(parse(f"{HEAD}{net}\nmodel {{\n y ~ Normal({mean}, 1)\n}}\n"))
    assert [d.code for d in found.errors] == codes


@pytest.mark.parametrize(
    ("net", "mean", "hint"),
    [
        ("net f(a[gene]) -> m { m = Linear(a) }", "f(g)", "`dense`"),
        ("net f(a[gene]) -> m { m = dens(a) }", "f(g)", "`dense`"),
        ("net encoder(a[gene]) -> m { m = dense(a) }", "encode(g)", "`encoder`"),
        ("net f(a[gene]) -> m { m = dense(layer_norm(a)) }", "f(g)", "`norm`"),
    ],
)
def test_names_that_are_meant(net: str, mean: str, hint: str) -> None:
    (complaint,) = check(parse(f"{HEAD}{net}\nmodel {{\n y ~ Normal({mean}, 1)\n}}\n")).errors
    assert complaint.code == "E102" and complaint.hint is not None and hint in complaint.hint

"""The pairs of model and guide of Lee, Rival and Yang (2023) that need no nets: the unknowns that their analysis
selects for the path, with locally Lipschitz as the property."""

import pytest

from ppl.rewrite.roughness import recheck
from tests.rewrite.analysed import graph_of, level

REGRESSION = """data {
  A: bool
  R: real
  G: real
}
model {
  a ~ Normal(0, 10)
  bA ~ Normal(0, 1)
  bR ~ Normal(0, 1)
  bAR ~ Normal(0, 1)
  raw ~ Normal(5, 5)
  sigma = softplus(raw)
  G ~ Normal(a + bA * A + bR * R + bAR * A * R, sigma)
}
guide {
  param a_loc = 0
  param a_scale: real > 0 = 1
  param raw_loc: real > 0 = 1
  param b_loc: real = 0.5
  param b_scale: real > 0 = 1
  a ~ Normal(a_loc, a_scale)
  bA ~ Normal(b_loc, b_scale)
  bR ~ Normal(b_loc, b_scale)
  bAR ~ Normal(b_loc, b_scale)
  raw ~ Normal(raw_loc, 0.05)
}
"""
GAMMAS = """axis top = 4
axis mid = 3
axis low = 2
data { x[pixel]: int >= 0 from "x*" }
model {
  w_top[top, mid] ~ Gamma(0.1, 0.3)
  w_mid[mid, low] ~ Gamma(0.1, 0.3)
  w_low[low, pixel] ~ Gamma(0.1, 0.3)
  z_top[row, top] ~ Gamma(0.1, 0.1)
  z_mid[row, mid] ~ Gamma(0.1, 0.1 / sum(z_top * w_top, over=top))
  z_low[row, low] ~ Gamma(0.1, 0.1 / sum(z_mid * w_mid, over=mid))
  x ~ Poisson(sum(z_low * w_low, over=low))
}
guide {
  param la[low, pixel] = 0.5
  param lm[low, pixel] = 0
  param ta[row, top] = 0.5
  param tm[row, top] = 0
  w_low[low, pixel] ~ Gamma(softplus(la), softplus(la) / softplus(lm))
  z_top[row, top] ~ Gamma(softplus(ta), softplus(ta) / softplus(tm))
}
"""
RUNNING = """model {
  z1 ~ Normal(0, 5)
  z2 ~ Normal(z1, 3)
  observe 0 ~ if z2 > 0 then Normal(1, 1) else Normal(-2, 1)
}
guide {
  param t1 = 1
  param t2 = 1
  z1 ~ Normal(t1, 1)
  z2 ~ Normal(t2, 1)
}
"""
PROCESS = """axis k = 5
data { x: int >= 0 }
model {
  beta[k] ~ Beta(1, 1.1)
  rate[k] ~ Gamma(3, 0.05)
  z[row] ~ Categorical(softmax(log(beta), over=k))
  x ~ Poisson(rate[z])
}
guide {
  param kappa[k]: real > 0 = 1
  param t0[k]: real > 0 = 2
  param t1[k]: real > 0 = 0.1
  param phi[row, k] = 0
  beta[k] ~ Beta(1, kappa)
  rate[k] ~ Gamma(t0, t1)
  z[row] ~ Categorical(softmax(phi, over=k))
}
"""
IMPORTANCE = """model {
  z ~ Normal(1, 2.236)
  observe 8 ~ Normal(z, 1.414)
  observe 9 ~ Normal(z, 1.414)
}
guide {
  param w1 = 0.1
  param w2 = 0.1
  param w3 = 0.1
  h = relu(w1 * 8 + w1 * 9)
  z ~ Normal(w2 * h, exp(w3 * h))
}
"""
PAIRS = [
    (REGRESSION, ("a", "bA", "bR", "bAR", "raw"), {"a_loc": "smooth", "b_scale": "smooth"}),
    (GAMMAS, ("w_top", "w_mid", "w_low", "z_top", "z_mid", "z_low"), {"la": "smooth", "tm": "smooth"}),
    (RUNNING, ("z1",), {"t1": "smooth", "t2": "smooth"}),
    (PROCESS, ("beta", "rate"), {"kappa": "smooth", "t0": "smooth", "phi": "smooth"}),
    (IMPORTANCE, ("z",), {"w1": "kink", "w2": "smooth", "w3": "smooth"}),
]
NAMES = ("br", "sgdef", "spnor", "dpmm", "csis")


@pytest.mark.parametrize(("text", "selected", "params"), PAIRS, ids=NAMES)
def test_the_selected_unknowns(text: str, selected: tuple[str, ...], params: dict[str, str]) -> None:
    graph, guide = graph_of(text)
    continuous = [n for n in graph.nodes if graph.nodes[n]["node"].kind == "unknown"]
    continuous = [n for n in continuous if graph.nodes[n]["node"].dist.kind == "real"]
    assert tuple(n for n in continuous if level(text, n) in ("smooth", "kink")) == selected
    assert {p: level(text, p) for p in params} == params
    found = recheck(graph, guide, selected)
    assert not found.leave
    assert not found.params

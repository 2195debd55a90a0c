"""What nets compute on the way has bounds, as everything with a name has; and loops over levels can be compared."""

import numpy as np

from ppl.api import compile
from ppl.check.check import check
from ppl.check.core import Derived, Site
from ppl.syntax.parse import parse

TEXT = """
axis code = 3
data {
  x[gene]: real from "g1".."g9"
}
net decoder(z[code]) -> m[gene], s[gene] {
  h = relu(norm(dense(z, 16), over=row))
  m = norm(dense(h, gene), over=row)
  s = softplus(norm(dense(h, gene), over=row))
}
net encoder(x[gene]) -> m[code], s[code] {
  h = relu(norm(dense(x, 16), over=row))
  m = norm(dense(h, code), over=row)
  s = softplus(norm(dense(h, code), over=row))
}
model {
  z[row, code] ~ Normal(0, 1)
  d = decoder(z)
  x ~ Normal(d.m, d.s)
}
guide {
  q = encoder(x)
  z[row, code] ~ Normal(q.m, q.s)
}
"""


def test_what_nets_compute_on_the_way_has_bounds() -> None:
    core = check(parse(TEXT, "m.ppl")).core
    assert core is not None
    known = {*dict(core.bounds), *dict(core.guides[0].bounds)}
    named = {s.name for s in (*core.statements, *core.guides[0].statements) if isinstance(s, Site | Derived)}
    assert named <= known
    assert compile(TEXT).warnings == ()


def test_a_level_is_compared_with_the_position_of_a_loop_over_the_levels() -> None:
    text = """
data {
  kind: factor ["a", "b", "c"]
}
model {
  p[kind] ~ Dirichlet(1)
  for k in kind {
    here[row, k] = if kind == k then log(p[k]) else 0
  }
  factor here
}
"""
    plain = text[: text.index("  for k")] + "  kind ~ Categorical(p)\n}\n"
    data, u = {"kind": ["b", "c", "b", "a"]}, np.array([[0.3, -0.5], [1.0, 0.2]])
    (one, _), (two, _) = compile(text).bind(data), compile(plain).bind(data)
    np.testing.assert_allclose(one.value(u, np.ones(one.weights)), two.value(u, np.ones(two.weights)), rtol=1e-12)

"""The weights of a net that only the place of a point mass reads are learned, as all others are."""

import numpy as np

from ppl.api import compile

TEXT = """
data {
  y: real
}
net place(y) -> m {
  m = dense(y)
}
model {
  z[row] ~ Normal(0, 1)
  y ~ Normal(z, 1)
}
guide {
  z[row] ~ Delta(place(y))
}
"""


def test_a_point_is_put_by_a_net() -> None:
    """The highest place of the density is y / 2 in every row."""
    model = compile(TEXT)
    assert model.warnings == ()
    fit = model.fit({"y": np.array([-1.0, 0.4, 3.0])})
    np.testing.assert_allclose(fit.params["place.m.W"].value, 0.5, atol=1e-4)
    np.testing.assert_allclose(fit.params["place.m.b"].value, 0.0, atol=1e-4)

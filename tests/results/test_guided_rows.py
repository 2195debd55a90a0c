"""New rows through an encoder whose draws a flow bends: the rows of the fit itself must come out as in the fit, which
computes them with other code."""

import numpy as np
import pytest

from ppl import api
from ppl.results.quantity import Quantity

TEXT = """
axis code = 2
data {{ x[j]: real from "x1".."x3" }}
net encoder(x[j]) -> m[code], s[code] {{
  h = dense(x, 6, tanh)
  m = dense(h, code)
  s = exp(dense(h, code))
}}
model {{
  param W[j, code] = 0.1
  z[row, code] ~ {prior}
  x ~ Normal(sum(W * z, over=code), 0.5)
  seen = z * 1
}}
guide {{
  q = encoder((x - mean(x, over=row)) / 2)
  z[row, code] ~ Normal(q.m, q.s) |> {flow}
}}
"""
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2)) @ RNG.normal(size=(2, 3)) + 0.5 * RNG.normal(size=(60, 3)) + 1.0
COLUMNS = {f"x{i + 1}": X[:, i] for i in range(3)}


def draws(found: object) -> Quantity:
    assert isinstance(found, Quantity)
    return found


FLOWS = ["planar(layers=2)", "coupling(layers=2, hidden=4)", "planar(layers=1) |> autoregressive(layers=1, hidden=4)"]


@pytest.mark.parametrize("flow", FLOWS)
def test_rows_of_the_fit_come_out_as_in_the_fit(flow: str) -> None:
    text = TEXT.format(prior="Normal(0, 1)", flow=flow)
    fit = api.compile(text).fit(COLUMNS, steps=60, draws=3000, lr=0.03)
    new = {name: values[[3, 10, 20]] for name, values in COLUMNS.items()}
    seen, known = draws(fit.predict(new)["seen"]), draws(fit["z"])
    expected = known.draws[:, [3, 10, 20]]
    spread = expected.std(axis=0)
    np.testing.assert_array_less(np.abs(seen.draws.mean(axis=0) - expected.mean(axis=0)), 0.12 * spread)
    np.testing.assert_allclose(seen.draws.std(axis=0), spread, rtol=0.08)
    # the rows differ by more than that
    assert (np.ptp(expected.mean(axis=0), axis=0) > 0.5 * spread.mean()).any()


def test_without_the_columns_that_the_guide_reads_rows_have_their_prior() -> None:
    text = """
    data { y: real
     x: real }
    model {
      z[row, k] ~ Normal(0, 1)
      y ~ Normal(sum(z, over=k) + x, 0.5)
      seen = z * 1
    }
    guide {
      param a = 0.1
      z[row, k] ~ Normal(a * y, 0.3) |> planar(layers=1)
    }
    """.replace("data {", "axis k = 2\n    data {")
    y = RNG.normal(size=80) * 1.5
    fit = api.compile(text).fit({"y": y, "x": 0.0 * y}, steps=60, lr=0.03, draws=3000)
    blind, seeing = (draws(fit.predict(d)["seen"]).draws for d in ({"x": [0.0]}, {"x": [0.0], "y": [3.0]}))
    np.testing.assert_allclose(blind.mean(axis=0), 0.0, atol=0.1)
    np.testing.assert_allclose(blind.std(axis=0), 1.0, rtol=0.08)
    assert (seeing.std(axis=0) < 0.8).all()


def test_a_prior_of_other_coordinates_is_kept() -> None:
    """Where the coordinates of a flow need not be the unknowns themselves, rows have their prior."""
    text = TEXT.format(prior="Normal(0, 2)", flow="planar(layers=1)")
    fit = api.compile(text).fit(COLUMNS, steps=20, draws=2000, lr=0.03)
    seen = draws(fit.predict({name: values[:2] for name, values in COLUMNS.items()})["seen"])
    np.testing.assert_allclose(seen.draws.std(axis=0), 2.0, rtol=0.1)

"""Nets in objectives: values against an implementation by hand, gradients against autograd and differences."""

from typing import Any

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy.special import ndtri

from ppl.api import compile as compiled

RNG = np.random.default_rng(3)
X = (RNG.random((7, 5)) < 0.4).astype(int)
DATA = {"x": X, "y": RNG.normal(size=7), "u": RNG.normal(size=7), "arm": ["a", "b", "c", "a", "b", "c", "a"]}

VAE = """
axis latent = 2
data { x[pixel]: bool }
net decoder(z[latent]) -> logits[pixel] {
  h = dense(z, 4, tanh)
  logits = dense(h, pixel)
}
net encoder(x[pixel]) -> m[latent], s[latent] {
  h = dense(x, 3, relu)
  m = dense(h, latent)
  s = exp(dense(h, latent))
}
model {
  z[row, latent] ~ Normal(0, 1)
  x ~ Bernoulli(logit=decoder(z))
}
guide {
  q = encoder(x)
  z[row, latent] ~ Normal(q.m, q.s)
}
"""

HEAD = """
axis hid = 3
axis k = 2
data {
  x[pixel]: bool
  y: real
  u: real
  arm: factor
}
"""
TAIL = """
model {
  s[row, hid] ~ Normal(0, 1)
  y ~ Normal(f(s, x, u, arm), 1)
}
"""
NET = "net f(s[hid], x[pixel], u, arm[arm]) -> m {{\n{}\n}}\n"
BODIES = {
    "several inputs": "h = dense([s, x, u, arm], 4, softplus)\nm = dense(h)",
    "recurrent cell": """
      r = dense([s, u], hid, sigmoid)
      c = dense([r * s, u], hid, tanh)
      n = r * s + (1 - r) * c
      m = dense([n, x, arm])""",
    "residual": """
      a = dense([s, arm], hid, tanh)
      b = a + norm(dense(a, hid, softplus)) * dense(x)
      c = b + norm(dense(b, hid, softplus)) * dense(u)
      d = c + norm(dense(c, hid, sigmoid))
      m = dense([d, x])""",
    "mlp": "m = mlp([s, x, arm], [4, hid], tanh) + mlp(u, [3], k, softplus, bias=false) @ mlp(s, 4, k, sigmoid)",
    "batch norm": "h = norm(dense([s, x, arm], 4), over=row)\nm = dense([softplus(h), u])",
    "attention": "w = dense(x, hid, softmax)\nm = sum(w * s) + dense([u, arm])",
    "layers in a function": "h = block(s)\nm = dense([block(h), x, u, arm])",
}
LABEL = "net label(x[pixel]) -> p[digit] { p = dense(x, digit, softmax) }\n"
FUN = "fun block(a) = tanh(dense(a, hid))\n"


def program(text: str) -> Any:
    model = compiled(text)
    return model.bind(DATA)[0]


def named(found: Any, theta: Any) -> dict[str, Any]:
    """The parts of theta (P,), each with its axes in the order of the program."""
    return {p.name: theta[found.slots[p.name]].reshape([found.sizes[a] for a in p.axes]) for p in found.emitted.params}


def elbo(w: dict[str, Any], z0: np.ndarray) -> Any:
    """The bound of the autoencoder at standard normal draws (latent, row). In the programs units lie above rows."""
    h = anp.maximum(anp.dot(w["encoder.h.W"], X.T) + w["encoder.h.b"][:, None], 0)
    m = anp.dot(w["encoder.m.W"], h) + w["encoder.m.b"][:, None]
    log_s = anp.dot(w["encoder.s.W"], h) + w["encoder.s.b"][:, None]
    z = m + anp.exp(log_s) * z0
    g = anp.tanh(anp.dot(w["decoder.h.W"].T, z) + w["decoder.h.b"][:, None])
    logits = anp.dot(w["decoder.logits.W"].T, g) + w["decoder.logits.b"][:, None]
    log_p = anp.sum(X.T * logits - anp.logaddexp(0.0, logits)) - 0.5 * anp.sum(z**2)
    return log_p + anp.sum(log_s) + 0.5 * np.sum(z0**2)


def test_the_bound_of_an_autoencoder() -> None:
    found = program(VAE)
    axes = {p.name: p.axes for p in found.emitted.params}
    assert axes["encoder.h.W"] == ("encoder.h", "pixel") and axes["decoder.h.W"] == ("latent", "decoder.h")
    assert axes["encoder.m.W"] == ("latent", "encoder.h") and axes["decoder.logits.W"] == ("decoder.h", "pixel")
    theta = found.start + 0.1 * RNG.normal(size=found.dim)
    e = RNG.random((1, found.noise))
    z0 = ndtri(e[0]).reshape(2, 7)
    value, slope = found.estimate(theta[None], e)
    assert value[0] == pytest.approx(elbo(named(found, theta), z0), rel=1e-12)
    wanted = grad(lambda t: elbo(named(found, t), z0))(theta)
    np.testing.assert_allclose(slope[0], wanted, rtol=1e-9, atol=1e-9)


def worst(found: Any, theta: np.ndarray, e: np.ndarray) -> float:
    """How far slopes along random directions within each block are from differences."""
    _, slopes = found.estimate(theta, e)
    off = []
    for block in found.blocks.values():
        direction = np.zeros(found.dim)
        direction[block] = RNG.normal(size=len(direction[block]))
        step = 1e-5 * direction
        difference = (found.estimate(theta + step, e)[0] - found.estimate(theta - step, e)[0]) / 2e-5
        off.append(np.max(np.abs(slopes @ direction - difference) / (1.0 + np.abs(difference))))
    return float(max(off))


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("weights", ["", " weights ~ Normal(0, 1 / sqrt(fan_in))"])
def test_gradients_are_differences(name: str, weights: str) -> None:
    net = NET.format(BODIES[name]).replace("-> m {", f"-> m{weights} {{")
    found = program(HEAD + FUN + net + TAIL + ("guide { }" if weights else ""))
    theta = found.start + 0.1 * RNG.normal(size=(3, found.dim))
    assert worst(found, theta, RNG.random((3, found.noise))) < 1e-6


def test_gradients_of_an_autoencoder_with_a_listed_label() -> None:
    """The label is averaged over its levels, and stands for a one in its place where it goes into a net."""
    text = (
        VAE.replace("data {", "axis digit = 3\ndata {")
        .replace("decoder(z[latent])", "decoder(z[latent], y[digit])")
        .replace("dense(z, 4, tanh)", "dense([z, y], 4, tanh)")
        .replace("decoder(z)", "decoder(z, y)")
        .replace(
            "model {",
            LABEL + "model {\n y[row] ~ Categorical(uniform(digit))",
        )
        .replace("guide {", "guide {\n y[row] ~ Categorical(label(x))")
    )
    found = program(text)
    assert not found.score_nodes
    theta = found.start + 0.1 * RNG.normal(size=(3, found.dim))
    assert worst(found, theta, RNG.random((3, found.noise))) < 1e-6


def test_starts_are_the_same_every_time_and_break_the_symmetry() -> None:
    first, second = program(VAE), program(VAE)
    np.testing.assert_array_equal(first.start, second.start)
    w = named(first, first.start)
    assert len(np.unique(w["encoder.h.W"])) == w["encoder.h.W"].size
    assert not np.any(w["encoder.h.b"])
    # relu: uniform with variance 2 / fan_in; else 2 / (fan_in + fan_out)
    assert np.abs(w["encoder.h.W"]).max() <= np.sqrt(6 / 5)
    assert np.abs(w["decoder.h.W"]).max() <= np.sqrt(6 / (2 + 4))


TIME = """
axis dim = 2
data sorted by u { u: real
 y: real }
net step(z[dim]) -> m[dim], s[dim] {
  h = dense(z, 4, relu)
  m = z + dense(h, dim)
  s = softplus(dense(h, dim))
}
net emit(z[dim]) -> m { m = mlp(z, [3], tanh) }
model {
  for i in row {
    q = step(z[i - 1])
    z[i, dim] ~ if i == 1 then Normal(0, 1) else Normal(q.m, q.s)
  }
  y ~ Normal(emit(z), 0.5)
}
"""
READER = """
axis hid = 3
net cell(h[hid], y) -> n[hid] { n = dense([h, y], hid, tanh) }
net combine(z[dim], h[hid]) -> m[dim], s[dim] {
  c = (dense(z, hid, tanh) + h) / 2
  m = dense(c, dim)
  s = softplus(dense(c, dim))
}
guide {
  for i in row {
    h[i, hid] = if i == 1 then 0 else cell(h[i - 1], y[i - 1])
    p = combine(z[i - 1], h)
    z[i, dim] ~ if i == 1 then Normal(0, 1) else Normal(p.m, p.s)
  }
}
"""

LSTM = """
axis hid = 3
net lstm(h[hid], c[hid], y) -> h2[hid], c2[hid] {
  keep = dense([h, y], hid, sigmoid)
  enter = dense([h, y], hid, sigmoid)
  show = dense([h, y], hid, sigmoid)
  c2 = keep * c + enter * dense([h, y], hid, tanh)
  h2 = show * tanh(c2)
}
net read(h[hid]) -> m[dim], s[dim] {
  m = dense(h, dim)
  s = softplus(dense(h, dim))
}
guide {
  for i in row {
    q = lstm(h[i - 1], c[i - 1], y)
    h[i, hid] = if i == 1 then 0 else q.h2
    c[i, hid] = if i == 1 then 0 else q.c2
  }
  p = read(h)
  z[row, dim] ~ Normal(p.m, p.s)
}
"""


@pytest.mark.parametrize("guide", ["", READER, LSTM], ids=["automatic", "recurrent", "lstm"])
def test_nets_of_earlier_positions(guide: str) -> None:
    """A deep Markov model, alone and with a recurrent guide."""
    found = program(TIME + guide)
    theta = found.start + 0.1 * RNG.normal(size=(3, found.dim))
    assert worst(found, theta, RNG.random((3, found.noise))) < 1e-6


def test_weights_of_a_guide_that_is_not_used_are_not_learned() -> None:
    with_guide = compiled(VAE)
    without = with_guide.with_guide("auto").bind(DATA)[0]
    assert {p.name.split(".")[0] for p in without.emitted.params} == {"decoder", "z"}
    assert {p.name.split(".")[0] for p in with_guide.bind(DATA)[0].emitted.params} == {"decoder", "encoder"}


@pytest.mark.parametrize(
    "family", ["MeanField(init_sd=0.1)", "FullRank()", "LowRank(2)", "Delta()", "Normal(0, 1) |> coupling(layers=2)"]
)
def test_families_start_the_weights_of_a_net_apart(family: str) -> None:
    net = NET.format(BODIES["several inputs"]).replace("-> m {", "-> m weights ~ Normal(0, 1) {")
    found = program(HEAD + net + TAIL + f"guide {{ f.weights ~ {family} }}")
    blocks = [found.start[at] for name, at in found.blocks.items() if name.startswith("f.") and name.endswith(".loc")]
    values = np.concatenate(blocks)
    # seven arrays of weights go in, and five numbers of biases start at zero
    assert len(np.unique(values[values != 0])) == len(values) - 5
    theta = found.start + 0.1 * RNG.normal(size=(3, found.dim))
    assert worst(found, theta, RNG.random((3, found.noise))) < 1e-6

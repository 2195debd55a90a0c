"""For the peers on JAX: one-draw gradients in blocks of 1,000 keys, Adam (Kingma and Ba 2015) for those that bring no
optimiser, and the log densities of the ten models for those that take a log density.

Double precision: what is measured is the estimator, not the rounding of single precision.
"""

import jax
import jax.numpy as jnp
import numpy as np
from common import fit_of, slices
from jax.scipy.special import gammaln

jax.config.update("jax_enable_x64", True)
BLOCK = 1000
HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


def blocks(one):
    """`one(key)` -> the gradient of one draw (P,); returns `gradient(i)` -> (BLOCK, P)."""
    many = jax.jit(jax.vmap(one))
    return lambda i: many(jax.random.split(jax.random.PRNGKey(1 + i), BLOCK))


def adam(problem, one):
    """Ascend from the point, one draw a step: `one(key, theta)` -> (P,). Defaults 0.9, 0.999, 1e-8."""

    def step(state, i):
        theta, m, v = state
        g = one(jax.random.PRNGKey(10_000_000 + i), theta)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        move = m / (1 - 0.9 ** (i + 1.0)) / (jnp.sqrt(v / (1 - 0.999 ** (i + 1.0))) + 1e-8)
        return (theta + problem["rate"] * move, m, v), None

    start = jnp.array(problem["point"])
    run = jax.jit(lambda state: jax.lax.scan(step, state, jnp.arange(problem["steps"]))[0][0])
    return fit_of(problem, run((start, jnp.zeros_like(start), jnp.zeros_like(start))))


def factors(problem, theta):
    """{latent: (means or logits, sds)} as arrays of the latent's size."""
    return {
        name: (theta[mean], jnp.ones(mean.stop - mean.start) if sd is None else jnp.exp(theta[sd]))
        for name, (mean, sd) in slices(problem).items()
    }


def normal(x, mean, sd):
    return jnp.sum(-HALF_LOG_2PI - jnp.log(sd) - 0.5 * ((x - mean) / sd) ** 2)


# Log joint densities of {latent: array of its size}; labels come as 0 and 1, tau as itself.


def spnor(z, data):
    return normal(z["z1"], 0, 5.0) + normal(z["z2"], z["z1"], 3.0) + normal(0.0, jnp.where(z["z2"] > 0, 1.0, -2.0), 1.0)


def bernoulli_if(z, data):
    return jnp.log(0.5) + normal(0.0, jnp.where(z["z"] > 0, 1.0, -2.0), 1.0)


def relu(z, data):
    return normal(z["z"], 0.0, 1.0) + normal(0.5, jnp.maximum(z["z"], 0), 1.0)


def mixed(z, data):
    b = z["b"]
    return (
        jnp.sum(jnp.where(b > 0, jnp.log(0.4), jnp.log(0.6)))
        + normal(z["x"], 0, 1.0)
        + normal(1.5, z["x"] + 2 * b, 0.5)
    )


def gmm(z, data):
    mu = z["mu"]
    return (
        normal(mu, 0, 5.0) + len(data["y"]) * jnp.log(0.5) + normal(data["y"], jnp.where(z["z"] > 0, mu[1], mu[0]), 1.0)
    )


def textmsg(z, data):
    (mean,), (sd,) = data["mean"], data["sd"]
    rate = jnp.where(z["z"] > data["cut"], z["x0"], z["x1"])
    likelihood = jnp.sum(data["count"] * rate - jnp.exp(rate) - gammaln(data["count"] + 1))
    return normal(z["x0"], mean, sd) + normal(z["x1"], mean, sd) + normal(z["z"], 0, 1.0) + likelihood


def influenza(z, data):
    v, w, f, y = z["v"], z["w"], z["f"], data["y"]
    before = a = c = 0.0
    total = normal(v, 0, 0.023) + normal(w, 0, 0.112) + normal(f[0], 0, 1.0)
    for t in range(len(y)):
        before, a = a, 1.406 * a - 0.622 * before + v[t]
        c = -0.312 * c + 0.21 + w[t]
        total += normal(f[t + 1], jnp.where(f[t] > 0, 0.67, -0.67), 1.0) + normal(
            y[t], jnp.where(f[t + 1] > 0, a, a + c), 0.002
        )
    return total


def cone(z, data):
    r = z["x"] ** 2 + z["y"] ** 2
    return normal(z["x"], 0, 10.0) + normal(z["y"], 0, 10.0) + normal(5.0, r, 0.1 + r / 100)


def eight_schools(z, data):
    tau = z["tau"]
    half_cauchy = jnp.sum(jnp.log(2 / (5 * jnp.pi)) - jnp.log1p((tau / 5) ** 2))
    return (
        normal(z["mu"], 0, 5.0)
        + half_cauchy
        + normal(z["theta"], z["mu"], tau)
        + normal(data["y"], z["theta"], data["se"])
    )


def funnel(z, data):
    return normal(z["v"], 0, 3.0) + normal(z["x"], 0.0, jnp.exp(z["v"] / 2))


LOG_JOINT = {
    f.__name__: f for f in (spnor, bernoulli_if, relu, mixed, gmm, textmsg, influenza, cone, eight_schools, funnel)
}


def log_joint(problem):
    data = {name: jnp.array(v) for name, v in problem["data"].items()}
    return lambda z: LOG_JOINT[problem["name"]](z, data)

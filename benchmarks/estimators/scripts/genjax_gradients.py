"""GenJAX: ADEV's `expectation`, with the strategy that its user must name at each draw: `normal_reparam` and
`flip_enum` as the first choice, and with reinforce for the latents that jump.

`normal_reparam` draws scalars only: vectors take `mv_normal_diag_reparam`. `flip_enum` runs the rest of the program
for both values, so 50 labels would run it 2^50 times: they take a reinforce of their own.

In 0.10.3 a reparameterised draw hands the key that it used on to the draw after it, so that their noise is the same.
"""

from importlib.metadata import version

import jax
import jax.numpy as jnp
from common import cell, jumpy, main
from genjax.adev import (
    expectation,
    flip_enum,
    mv_normal_diag_reparam,
    normal_reinforce,
    normal_reparam,
    reinforce,
    sample_primitive,
)
from jax_common import adam, blocks, factors, log_joint, normal
from tensorflow_probability.substrates import jax as tfp

tfd = tfp.distributions
normals_reinforce = reinforce(
    lambda key, mean, sd: tfd.Normal(mean, sd).sample(seed=key),
    lambda v, mean, sd: jnp.sum(tfd.Normal(mean, sd).log_prob(v)),
)
flips_reinforce = reinforce(
    lambda key, p: tfd.Bernoulli(probs=p, dtype=p.dtype).sample(seed=key),
    lambda v, p: jnp.sum(tfd.Bernoulli(probs=p, dtype=p.dtype).log_prob(v)),
)


def draw(latent, key, mean, sd, scored):
    """One draw under the strategy, as an array of the latent's size."""
    many = latent["size"] > 1
    if latent["kind"] == "bernoulli":
        p = jax.nn.sigmoid(mean)
        if many:
            return sample_primitive(flips_reinforce, p, key=key)
        return jnp.where(sample_primitive(flip_enum, p[0], key=key), 1.0, 0.0)[None]
    if many:
        return sample_primitive(normals_reinforce if scored else mv_normal_diag_reparam, mean, sd, key=key)
    return sample_primitive(normal_reinforce if scored else normal_reparam, mean[0], sd[0], key=key)[None]


def log_q(latent, z, mean, sd):
    if latent["kind"] == "bernoulli":
        return jnp.sum(z * mean - jax.nn.softplus(mean))
    return normal(z, mean, sd)


def variant(problem, scored=()):
    density = log_joint(problem)

    def gradient_of(key, theta):
        @expectation
        def elbo(theta):
            keys = jax.random.split(key, len(problem["latents"]))
            q, z, minus = factors(problem, theta), {}, 0.0
            for latent, k in zip(problem["latents"], keys):
                name = latent["name"]
                drawn = draw(latent, k, *q[name], name in scored)
                minus += log_q(latent, drawn, *q[name])
                positive = latent["kind"] == "lognormal"
                minus -= jnp.sum(drawn) if positive else 0.0  # the density of exp(x)
                z[name] = jnp.exp(drawn) if positive else drawn
            return density(z) - minus

        (slope,) = elbo.grad_estimate(key, (theta,))
        return slope

    point = jnp.array(problem["point"])
    lines = len(problem["latents"])
    return lambda: cell(
        problem, lines, lambda: blocks(lambda key: gradient_of(key, point)), 1, lambda: adam(problem, gradient_of)
    )


def variants(problem):
    out = {"reparam, enum": variant(problem)}
    if jumpy(problem):
        out["reparam, reinforce for jumps"] = variant(problem, jumpy(problem))
    return out


if __name__ == "__main__":
    main(f"GenJAX {version('genjax')}, JAX {jax.__version__}", variants)

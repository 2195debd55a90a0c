"""TensorFlow Probability on JAX: `tfp.vi.monte_carlo_variational_loss` as it comes, and with SCORE_FUNCTION asked
for."""

import jax
import tensorflow_probability.substrates.jax as tfp
from common import cell, jumpy, main
from jax_common import adam, blocks, factors, log_joint

tfd = tfp.distributions
KINDS = {
    "normal": tfd.Normal,
    "lognormal": tfd.LogNormal,
    "bernoulli": lambda logit, sd: tfd.Bernoulli(logits=logit, dtype=logit.dtype),
}


def surrogate(problem, theta):
    q = factors(problem, theta)
    kinds = {latent["name"]: KINDS[latent["kind"]] for latent in problem["latents"]}
    return tfd.JointDistributionNamed(
        {n: tfd.Independent(kinds[n](*q[n]), 1) for n in kinds}, batch_ndims=0, validate_args=False
    )


def variant(problem, lines=0, **how):
    density = log_joint(problem)

    def gradient_of(key, theta):
        def loss(theta):
            q = surrogate(problem, theta)
            target = lambda **z: jax.vmap(density)(z)  # noqa: E731  (the leading axis is of sample_size draws)
            return tfp.vi.monte_carlo_variational_loss(target, q, sample_size=1, seed=key, **how)

        return -jax.grad(loss)(theta)

    point = jax.numpy.array(problem["point"])
    return lambda: cell(
        problem, lines, lambda: blocks(lambda key: gradient_of(key, point)), 1, lambda: adam(problem, gradient_of)
    )


def variants(problem):
    out = {"default": variant(problem)}
    if jumpy(problem):
        out["SCORE_FUNCTION"] = variant(problem, 1, gradient_estimator=tfp.vi.GradientEstimators.SCORE_FUNCTION)
    return out


if __name__ == "__main__":
    main(f"TFP {tfp.__version__}, JAX {jax.__version__}", variants)

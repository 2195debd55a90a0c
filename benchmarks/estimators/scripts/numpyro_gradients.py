"""NumPyro: Trace_ELBO as it comes, TraceGraph_ELBO, and TraceGraph_ELBO with a Normal declared not reparameterised."""

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from common import cell, fit_of, jumpy, main, slices
from jax_common import blocks
from numpyro.infer import SVI, Trace_ELBO, TraceGraph_ELBO


class ScoredNormal(dist.Normal):
    reparametrized_params: ClassVar = []


def spnor(data):
    z1 = numpyro.sample("z1", dist.Normal(0, 5))
    z2 = numpyro.sample("z2", dist.Normal(z1, 3))
    numpyro.sample("obs", dist.Normal(jnp.where(z2 > 0, 1.0, -2.0), 1), obs=0.0)


def bernoulli_if(data):
    z = numpyro.sample("z", dist.Bernoulli(0.5))
    numpyro.sample("obs", dist.Normal(jnp.where(z > 0, 1.0, -2.0), 1), obs=0.0)


def relu(data):
    z = numpyro.sample("z", dist.Normal(0, 1))
    numpyro.sample("obs", dist.Normal(jnp.maximum(z, 0), 1), obs=0.5)


def mixed(data):
    b = numpyro.sample("b", dist.Bernoulli(0.4))
    x = numpyro.sample("x", dist.Normal(0, 1))
    numpyro.sample("obs", dist.Normal(x + 2 * b, 0.5), obs=1.5)


def gmm(data):
    mu = [numpyro.sample(f"mu_{k}", dist.Normal(0, 5)) for k in range(2)]
    with numpyro.plate("z_plate", len(data["y"])):
        z = numpyro.sample("z", dist.Bernoulli(0.5))
        numpyro.sample("obs", dist.Normal(jnp.where(z > 0, mu[1], mu[0]), 1), obs=data["y"])


def textmsg(data):
    x0 = numpyro.sample("x0", dist.Normal(data["mean"][0], data["sd"][0]))
    x1 = numpyro.sample("x1", dist.Normal(data["mean"][0], data["sd"][0]))
    z = numpyro.sample("z", dist.Normal(0, 1))
    with numpyro.plate("day", len(data["count"])):
        numpyro.sample("obs", dist.Poisson(jnp.exp(jnp.where(z > data["cut"], x0, x1))), obs=data["count"])


def influenza(data):
    before = a = c = 0.0
    f = numpyro.sample("f_0", dist.Normal(0, 1))
    for t, y in enumerate(data["y"]):
        v = numpyro.sample(f"v_{t}", dist.Normal(0, 0.023))
        w = numpyro.sample(f"w_{t}", dist.Normal(0, 0.112))
        before, a = a, 1.406 * a - 0.622 * before + v
        c = -0.312 * c + 0.21 + w
        f = numpyro.sample(f"f_{t + 1}", dist.Normal(jnp.where(f > 0, 0.67, -0.67), 1))
        numpyro.sample(f"y_{t}", dist.Normal(jnp.where(f > 0, a, a + c), 0.002), obs=y)


def cone(data):
    x = numpyro.sample("x", dist.Normal(0, 10))
    y = numpyro.sample("y", dist.Normal(0, 10))
    r = x**2 + y**2
    numpyro.sample("obs", dist.Normal(r, 0.1 + r / 100), obs=5.0)


def eight_schools(data):
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    with numpyro.plate("theta_plate", 8):
        theta = numpyro.sample("theta", dist.Normal(mu, tau))
        numpyro.sample("obs", dist.Normal(theta, data["se"]), obs=data["y"])


def funnel(data):
    v = numpyro.sample("v", dist.Normal(0, 3))
    with numpyro.plate("x_plate", 9):
        numpyro.sample("x", dist.Normal(0, jnp.exp(v / 2)))


MODELS = {
    f.__name__: f for f in (spnor, bernoulli_if, relu, mixed, gmm, textmsg, influenza, cone, eight_schools, funnel)
}


def make_guide(problem, scored):
    where = slices(problem)

    def factor(latent, mean, log_sd):
        if latent["kind"] == "bernoulli":
            return dist.Bernoulli(logits=mean)
        normal = ScoredNormal if latent["name"] in scored else dist.Normal
        return (dist.LogNormal if latent["kind"] == "lognormal" else normal)(mean, jnp.exp(log_sd))

    def guide(data):
        theta = numpyro.param("parameters", jnp.array(problem["point"]))
        for latent in problem["latents"]:
            name, n = latent["name"], latent["size"]
            mean = theta[where[name][0]]
            log_sd = jnp.zeros(n) if where[name][1] is None else theta[where[name][1]]
            if latent["layout"] == "plate":
                with numpyro.plate(f"{name}_plate", n):
                    numpyro.sample(name, factor(latent, mean, log_sd))
            elif latent["layout"] == "sequence":
                for t in range(n):
                    numpyro.sample(f"{name}_{t}", factor(latent, mean[t], log_sd[t]))
            else:
                numpyro.sample(name, factor(latent, mean[0], log_sd[0]))

    return guide


def variant(problem, loss, scored=(), lines=0):
    model, guide = MODELS[problem["name"]], make_guide(problem, scored)
    data = {k: jnp.array(v) for k, v in problem["data"].items()}

    def gradient_of(key, theta):
        return -jax.grad(lambda theta: loss.loss(key, {"parameters": theta}, model, guide, data))(theta)

    point = jnp.array(problem["point"])

    def fit():
        svi = SVI(model, guide, numpyro.optim.Adam(problem["rate"]), loss)
        result = svi.run(jax.random.PRNGKey(2), problem["steps"], data, progress_bar=False)
        return fit_of(problem, result.params["parameters"])

    return lambda: cell(problem, lines, lambda: blocks(lambda key: gradient_of(key, point)), 1, fit)


def variants(problem):
    out = {"Trace_ELBO": variant(problem, Trace_ELBO())}
    if any(latent["kind"] == "bernoulli" for latent in problem["latents"]):
        out["TraceGraph_ELBO"] = variant(problem, TraceGraph_ELBO(), lines=1)
    if jumpy(problem):
        out["TraceGraph_ELBO, a Normal without reparametrized_params"] = variant(
            problem, TraceGraph_ELBO(), jumpy(problem), 4
        )
    return out


if __name__ == "__main__":
    main(f"NumPyro {numpyro.__version__}, JAX {jax.__version__}", variants)

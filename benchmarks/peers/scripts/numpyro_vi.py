"""NumPyro: AutoNormal and SVI.run with Adam, 4,000 draws of the guide.  `python numpyro_vi.py PROBLEM [STEPS RATE]`"""

import jax
import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from common import DRAWS, RATE, SPREAD, STEPS, main
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.autoguide import AutoNormal
from numpyro.optim import Adam


def eight_schools(y, se):
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    with numpyro.plate("school", len(y)):
        theta = numpyro.sample("theta", dist.Normal(mu, tau))
        numpyro.sample("obs", dist.Normal(theta, se), obs=y)


def linear(y, x):
    alpha = numpyro.sample("alpha", dist.Normal(0, 10))
    beta = numpyro.sample("beta", dist.Normal(0, 1).expand([x.shape[1]]).to_event(1))
    sigma = numpyro.sample("sigma", dist.HalfNormal(1))
    with numpyro.plate("row", len(y)):
        numpyro.sample("obs", dist.Normal(alpha + x @ beta, sigma), obs=y)


def logistic(y, x):
    alpha = numpyro.sample("alpha", dist.Normal(0, 5))
    beta = numpyro.sample("beta", dist.Normal(0, 1).expand([x.shape[1]]).to_event(1))
    with numpyro.plate("row", len(y)):
        numpyro.sample("obs", dist.Bernoulli(logits=alpha + x @ beta), obs=y)


def poisson(y, group, x):
    mu = numpyro.sample("mu", dist.Normal(0, 2))
    tau = numpyro.sample("tau", dist.HalfNormal(1))
    with numpyro.plate("groups", 100):
        a = numpyro.sample("a", dist.Normal(mu, tau))
    beta = numpyro.sample("beta", dist.Normal(0, 1).expand([x.shape[1]]).to_event(1))
    with numpyro.plate("row", len(y)):
        numpyro.sample("obs", dist.Poisson(jnp.exp(a[group] + x @ beta)), obs=y)


def fit(model):
    def run(data):
        args = {name: jnp.asarray(v) for name, v in data.items()}
        guide = AutoNormal(model, init_scale=SPREAD)
        result = SVI(model, guide, Adam(RATE), Trace_ELBO()).run(jax.random.PRNGKey(0), STEPS, progress_bar=False, **args)
        return guide.sample_posterior(jax.random.PRNGKey(1), result.params, sample_shape=(DRAWS,))

    return run


MODELS = {"eight_schools": eight_schools, "linear": linear, "logistic": logistic, "poisson": poisson}

if __name__ == "__main__":
    main({name: fit(model) for name, model in MODELS.items()}, f"NumPyro {numpyro.__version__}, JAX {jax.__version__}")

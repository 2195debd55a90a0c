"""Pyro: AutoNormal and SVI with Adam, 4,000 draws of the guide.  `python pyro_vi.py PROBLEM [STEPS RATE]`"""

import pyro
import pyro.distributions as dist
import torch
from common import DRAWS, RATE, SPREAD, STEPS, main
from pyro.infer import SVI, Trace_ELBO
from pyro.infer.autoguide import AutoNormal


def eight_schools(y, se):
    mu = pyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = pyro.sample("tau", dist.HalfCauchy(torch.tensor(5.0)))
    with pyro.plate("school", len(y)):
        theta = pyro.sample("theta", dist.Normal(mu, tau))
        pyro.sample("obs", dist.Normal(theta, se), obs=y)


def linear(y, x):
    alpha = pyro.sample("alpha", dist.Normal(0.0, 10.0))
    beta = pyro.sample("beta", dist.Normal(0.0, 1.0).expand([x.shape[1]]).to_event(1))
    sigma = pyro.sample("sigma", dist.HalfNormal(torch.tensor(1.0)))
    with pyro.plate("row", len(y)):
        pyro.sample("obs", dist.Normal(alpha + x @ beta, sigma), obs=y)


def logistic(y, x):
    alpha = pyro.sample("alpha", dist.Normal(0.0, 5.0))
    beta = pyro.sample("beta", dist.Normal(0.0, 1.0).expand([x.shape[1]]).to_event(1))
    with pyro.plate("row", len(y)):
        pyro.sample("obs", dist.Bernoulli(logits=alpha + x @ beta), obs=y)


def poisson(y, group, x):
    mu = pyro.sample("mu", dist.Normal(0.0, 2.0))
    tau = pyro.sample("tau", dist.HalfNormal(torch.tensor(1.0)))
    with pyro.plate("groups", 100):
        a = pyro.sample("a", dist.Normal(mu, tau))
    beta = pyro.sample("beta", dist.Normal(0.0, 1.0).expand([x.shape[1]]).to_event(1))
    with pyro.plate("row", len(y)):
        pyro.sample("obs", dist.Poisson(torch.exp(a[group] + x @ beta)), obs=y)


def fit(model):
    def run(data):
        args = {name: torch.as_tensor(v if name == "group" else v.astype("float32")) for name, v in data.items()}
        pyro.set_rng_seed(0)
        guide = AutoNormal(model, init_scale=SPREAD)
        svi = SVI(model, guide, pyro.optim.Adam({"lr": RATE}), Trace_ELBO())
        for _ in range(STEPS):
            svi.step(**args)
        with torch.no_grad(), pyro.plate("draws", DRAWS, dim=-3):
            drawn = guide(**args)
        return {name: v.reshape(DRAWS, *(n for n in v.shape[1:] if n != 1)).numpy() for name, v in drawn.items()}

    return run


MODELS = {"eight_schools": eight_schools, "linear": linear, "logistic": logistic, "poisson": poisson}

if __name__ == "__main__":
    main({name: fit(model) for name, model in MODELS.items()}, f"Pyro {pyro.__version__}, torch {torch.__version__}")

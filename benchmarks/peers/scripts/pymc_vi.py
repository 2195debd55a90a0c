"""PyMC: pm.fit, mean-field ADVI with its defaults (10,000 steps), 4,000 draws.  `python pymc_vi.py PROBLEM`"""

import logging

import pymc as pm
import pytensor.tensor as pt
from common import DRAWS, main


def eight_schools(data):
    mu = pm.Normal("mu", 0, 5)
    tau = pm.HalfCauchy("tau", 5)
    theta = pm.Normal("theta", mu, tau, shape=8)
    pm.Normal("obs", theta, data["se"], observed=data["y"])


def linear(data):
    alpha = pm.Normal("alpha", 0, 10)
    beta = pm.Normal("beta", 0, 1, shape=data["x"].shape[1])
    sigma = pm.HalfNormal("sigma", 1)
    pm.Normal("obs", alpha + pt.dot(data["x"], beta), sigma, observed=data["y"])


def logistic(data):
    alpha = pm.Normal("alpha", 0, 5)
    beta = pm.Normal("beta", 0, 1, shape=data["x"].shape[1])
    pm.Bernoulli("obs", logit_p=alpha + pt.dot(data["x"], beta), observed=data["y"].astype(int))


def poisson(data):
    mu = pm.Normal("mu", 0, 2)
    tau = pm.HalfNormal("tau", 1)
    a = pm.Normal("a", mu, tau, shape=100)
    beta = pm.Normal("beta", 0, 1, shape=data["x"].shape[1])
    pm.Poisson("obs", pt.exp(a[data["group"]] + pt.dot(data["x"], beta)), observed=data["y"].astype(int))


def fit(model):
    def run(data):
        logging.disable(logging.WARNING)
        with pm.Model() as built:
            model(data)
        with built:
            approximation = pm.fit(method="advi", random_seed=0, progressbar=False)
        posterior = approximation.sample(DRAWS, random_seed=0).posterior
        return {name: v.values[0] for name, v in posterior.items()}

    return run


MODELS = {"eight_schools": eight_schools, "linear": linear, "logistic": logistic, "poisson": poisson}

if __name__ == "__main__":
    main({name: fit(model) for name, model in MODELS.items()}, f"PyMC {pm.__version__}")

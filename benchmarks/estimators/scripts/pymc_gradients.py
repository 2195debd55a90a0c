"""PyMC: `pm.fit` with its defaults (mean-field ADVI, 10,000 steps), and the gradient of its own objective at the point.

Its family has a free sd for every latent: where the problem fixes one, the gradient in the mean is taken at that sd,
and the fit is free.
"""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from common import cell, main, slices


def spnor(data):
    z1 = pm.Normal("z1", 0, 5)
    z2 = pm.Normal("z2", z1, 3)
    pm.Normal("obs", pt.switch(z2 > 0, 1.0, -2.0), 1, observed=0.0)


def bernoulli_if(data):
    z = pm.Bernoulli("z", 0.5)
    pm.Normal("obs", pt.switch(z > 0, 1.0, -2.0), 1, observed=0.0)


def relu(data):
    z = pm.Normal("z", 0, 1)
    pm.Normal("obs", pt.maximum(z, 0), 1, observed=0.5)


def mixed(data):
    b = pm.Bernoulli("b", 0.4)
    x = pm.Normal("x", 0, 1)
    pm.Normal("obs", x + 2 * b, 0.5, observed=1.5)


def gmm(data):
    mu = pm.Normal("mu", 0, 5, shape=2)
    z = pm.Bernoulli("z", 0.5, shape=len(data["y"]))
    pm.Normal("obs", pt.switch(z > 0, mu[1], mu[0]), 1, observed=data["y"])


def textmsg(data):
    x0 = pm.Normal("x0", data["mean"][0], data["sd"][0])
    x1 = pm.Normal("x1", data["mean"][0], data["sd"][0])
    z = pm.Normal("z", 0, 1)
    pm.Poisson("obs", pt.exp(pt.switch(z > data["cut"], x0, x1)), observed=data["count"])


def influenza(data):
    n = len(data["y"])
    v, w = pm.Normal("v", 0, 0.023, shape=n), pm.Normal("w", 0, 0.112, shape=n)
    before = a = c = 0.0
    f = pm.Normal("f_0", 0, 1)
    for t, y in enumerate(data["y"]):
        before, a = a, 1.406 * a - 0.622 * before + v[t]
        c = -0.312 * c + 0.21 + w[t]
        f = pm.Normal(f"f_{t + 1}", pt.switch(f > 0, 0.67, -0.67), 1)
        pm.Normal(f"y_{t}", pt.switch(f > 0, a, a + c), 0.002, observed=y)


def cone(data):
    x = pm.Normal("x", 0, 10)
    y = pm.Normal("y", 0, 10)
    r = x**2 + y**2
    pm.Normal("obs", r, 0.1 + r / 100, observed=5.0)


def eight_schools(data):
    mu = pm.Normal("mu", 0, 5)
    tau = pm.HalfCauchy("tau", 5)
    theta = pm.Normal("theta", mu, tau, shape=8)
    pm.Normal("obs", theta, data["se"], observed=data["y"])


def funnel(data):
    v = pm.Normal("v", 0, 3)
    pm.Normal("x", 0, pt.exp(v / 2), shape=9)


MODELS = {
    f.__name__: f for f in (spnor, bernoulli_if, relu, mixed, gmm, textmsg, influenza, cone, eight_schools, funnel)
}


def places(problem, ordering):
    """For each latent, where its values stand in PyMC's flat vector."""
    stand = {name.removesuffix("_log__"): np.arange(info[1].start, info[1].stop) for name, info in ordering.items()}
    out = {}
    for latent in problem["latents"]:
        name = latent["name"]
        out[name] = (
            stand[name] if name in stand else np.concatenate([stand[f"{name}_{t}"] for t in range(latent["size"])])
        )
    return out


def variants(problem):
    data = {k: np.array(v) for k, v in problem["data"].items()}
    with pm.Model() as model:
        MODELS[problem["name"]](data)
    where, per = slices(problem), 100

    def start():
        """The point as PyMC's mu and rho, sd = log(1 + exp(rho)), where each parameter stands, and d sd / d rho * (sd
        / sd)."""
        with model:
            inference = pm.ADVI(random_seed=1)
        place = places(problem, inference.approx.groups[0].ordering)
        point, size = np.array(problem["point"]), inference.approx.ndim
        mean, sd = np.zeros(size), np.ones(size)
        for name, (m, s) in where.items():
            mean[place[name]] = point[m]
            if s is not None:
                sd[place[name]] = np.exp(point[s])
        params = inference.approx.params_dict
        params["mu"].set_value(mean)
        params["rho"].set_value(np.log(np.expm1(sd)))
        return inference, params, place, sd

    def gradient():
        inference, params, place, sd = start()
        loss = inference.objective(per)
        mu, rho = pytensor.grad(loss, [params["mu"], params["rho"]])
        compiled = pm.pytensorf.compile([], [mu, rho], random_seed=1)

        def one(i):
            g_mu, g_rho = compiled()
            g_log_sd = g_rho * sd / -np.expm1(-sd)  # d rho / d sd = 1 / (1 - exp(-sd))
            parts = [(g_mu[place[n]], *(() if s is None else (g_log_sd[place[n]],))) for n, (_, s) in where.items()]
            return -np.concatenate([array for pair in parts for array in pair])

        return one

    def fit():
        inference, params, place, _ = start()
        inference.fit(10_000, progressbar=False)
        mean, sd = params["mu"].get_value(), np.log1p(np.exp(params["rho"].get_value()))
        return {name: [mean[at].tolist(), sd[at].tolist()] for name, at in place.items()}

    return {"advi": lambda: cell(problem, 0, gradient, per, fit)}


if __name__ == "__main__":
    main(f"PyMC {pm.__version__}", variants)

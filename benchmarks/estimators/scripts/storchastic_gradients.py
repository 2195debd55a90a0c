"""Storchastic: its automatic method `Infer` at every draw; Reparameterization for normals with ScoreFunction for
labels, chosen by hand; and ScoreFunction for the latents that jump as well.

In 0.3.7 the links of its graph are all marked not differentiable, so `Infer` adds a score term to pathwise gradients
too.
"""

from importlib.metadata import version
from math import log, pi

import storch
import torch
from common import cell, fit_of, jumpy, main, slices
from torch.distributions import Bernoulli, Normal

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
HALF_LOG_2PI = 0.5 * log(2 * pi)


def normal(x, mean, sd):
    """Elementwise log density; `sd` a number or a tensor."""
    return -HALF_LOG_2PI - (torch.log(sd) if not isinstance(sd, float) else log(sd)) - 0.5 * ((x - mean) / sd) ** 2


# Log joint densities of {latent: tensor}, one number a draw. A vector latent has its axis last, a scalar none. Labels
# enter linearly, z a + (1 - z) b, so that a relaxed label has a gradient at all.


def spnor(z, d):
    mean = torch.where(z["z2"] > 0, 1.0, -2.0)
    return normal(z["z1"], 0.0, 5.0) + normal(z["z2"], z["z1"], 3.0) + normal(0.0, mean, 1.0)


def bernoulli_if(z, d):
    return log(0.5) - HALF_LOG_2PI + z["z"] * -0.5 + (1 - z["z"]) * -2.0


def relu(z, d):
    return normal(z["z"], 0.0, 1.0) + normal(0.5, torch.relu(z["z"]), 1.0)


def mixed(z, d):
    b = z["b"]
    return b * log(0.4) + (1 - b) * log(0.6) + normal(z["x"], 0.0, 1.0) + normal(1.5, z["x"] + 2 * b, 0.5)


def gmm(z, d):
    y, b, mu0, mu1 = d["y"], z["z"], z["mu_0"], z["mu_1"]
    rows = b * normal(y, mu1.unsqueeze(-1), 1.0) + (1 - b) * normal(y, mu0.unsqueeze(-1), 1.0)
    return normal(mu0, 0.0, 5.0) + normal(mu1, 0.0, 5.0) + len(y) * log(0.5) + rows.sum(-1)


def textmsg(z, d):
    mean, sd, y = float(d["mean"]), float(d["sd"]), d["count"]
    rate = torch.where(z["z"].unsqueeze(-1) > d["cut"], z["x0"].unsqueeze(-1), z["x1"].unsqueeze(-1))
    rows = y * rate - torch.exp(rate) - torch.lgamma(y + 1)
    return normal(z["x0"], mean, sd) + normal(z["x1"], mean, sd) + normal(z["z"], 0.0, 1.0) + rows.sum(-1)


def influenza(z, d):
    v, w, f = z["v"], z["w"], z["f"]
    before, a, c = 0.0, 0.0, 0.0
    total = normal(v, 0.0, 0.023).sum(-1) + normal(w, 0.0, 0.112).sum(-1) + normal(f[..., 0], 0.0, 1.0)
    for t, y in enumerate(d["y"]):
        before, a = a, 1.406 * a - 0.622 * before + v[..., t]
        c = -0.312 * c + 0.21 + w[..., t]
        now = f[..., t + 1]
        total = (
            total
            + normal(now, torch.where(f[..., t] > 0, 0.67, -0.67), 1.0)
            + normal(y, torch.where(now > 0, a, a + c), 0.002)
        )
    return total


def cone(z, d):
    r = z["x"] ** 2 + z["y"] ** 2
    return normal(z["x"], 0.0, 10.0) + normal(z["y"], 0.0, 10.0) + normal(5.0, r, 0.1 + r / 100)


def eight_schools(z, d):
    mu, tau, theta = z["mu"], z["tau"], z["theta"]
    schools = normal(theta, mu.unsqueeze(-1), tau.unsqueeze(-1)) + normal(d["y"], theta, d["se"])
    return normal(mu, 0.0, 5.0) + log(2 / (5 * pi)) - torch.log1p((tau / 5) ** 2) + schools.sum(-1)


def funnel(z, d):
    v = z["v"]
    return normal(v, 0.0, 3.0) + normal(z["x"], 0.0, torch.exp(v / 2).unsqueeze(-1)).sum(-1)


MODELS = {
    f.__name__: f for f in (spnor, bernoulli_if, relu, mixed, gmm, textmsg, influenza, cone, eight_schools, funnel)
}


def method_of(latent, scored, infer, n):
    family = Bernoulli if latent["kind"] == "bernoulli" else Normal
    if latent["name"] in scored:
        return storch.method.ScoreFunction(
            "draws", n_samples=n, baseline_factory="batch_average" if n > 1 else "moving_average"
        )
    if infer:
        return storch.method.Infer("draws", family, n_samples=n)
    return storch.method.Reparameterization("draws", n_samples=n)


def variant(problem, scored=(), infer=False):
    data = {k: torch.tensor(v[0] if k in ("mean", "sd") else v) for k, v in problem["data"].items()}
    model, where, latents = MODELS[problem["name"]], slices(problem), problem["latents"]
    if problem["name"] == "gmm":
        latents = [*latents[:1], *({**latents[1], "name": f"mu_{k}", "size": 1} for k in range(2))]

    def q_of(latent, theta):
        name, at = (
            (latent["name"].split("_")[0], int(latent["name"][-1]))
            if latent["name"].startswith("mu_")
            else (latent["name"], 0)
        )
        mean = theta[where[name][0]]
        sd = torch.ones_like(mean) if where[name][1] is None else theta[where[name][1]].exp()
        pick = slice(None) if latent["size"] > 1 else at
        return Bernoulli(logits=mean[pick]) if latent["kind"] == "bernoulli" else Normal(mean[pick], sd[pick])

    def step(theta, methods):
        z, log_q = {}, 0.0
        for latent in latents:
            name, q = latent["name"], q_of(latent, theta)
            x = methods[name](q)
            rows = (
                x * q.logits - torch.nn.functional.softplus(q.logits)
                if latent["kind"] == "bernoulli"
                else normal(x, q.loc, q.scale)
            )
            log_q = log_q + (rows.sum(-1) if latent["size"] > 1 else rows)
            if latent["kind"] == "lognormal":
                log_q = log_q - x  # the density of exp(x)
                x = torch.exp(x)
            z[name] = x
        storch.add_cost(log_q - model(z, data), "minus ELBO")
        storch.backward()

    def methods_of(n):
        return {latent["name"]: method_of(latent, scored, infer, n) for latent in latents}

    per = 1000

    def gradient():
        torch.manual_seed(1)
        theta, methods = torch.tensor(problem["point"], requires_grad=True), methods_of(per)

        def one(i):
            theta.grad = None
            step(theta, methods)
            return -theta.grad.numpy().copy()

        return one

    def fit():
        torch.manual_seed(2)
        theta, methods = torch.tensor(problem["point"], requires_grad=True), methods_of(1)
        optimiser = torch.optim.Adam([theta], lr=problem["rate"])
        for _ in range(problem["steps"]):
            optimiser.zero_grad()
            step(theta, methods)
            optimiser.step()
        return fit_of(problem, theta.detach().numpy())

    return lambda: cell(problem, len(latents), gradient, per, fit)


def variants(problem):
    discrete = [latent["name"] for latent in problem["latents"] if latent["kind"] == "bernoulli"]
    by_hand = "Reparameterization" + (", ScoreFunction for labels" if discrete else "")
    out = {"Infer": variant(problem, infer=True), by_hand: variant(problem, discrete)}
    if jumpy(problem):
        out["Reparameterization, ScoreFunction for jumps"] = variant(problem, [*discrete, *jumpy(problem)])
    return out


if __name__ == "__main__":
    main(f"Storchastic {version('storchastic')}, torch {torch.__version__}", variants)

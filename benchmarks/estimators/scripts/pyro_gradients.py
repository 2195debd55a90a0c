"""Pyro: Trace_ELBO as it comes, TraceGraph_ELBO, and Trace_ELBO with `.has_rsample_(False)` on the latents that
jump."""

import pyro
import pyro.distributions as dist
import torch
from common import cell, fit_of, jumpy, main, slices
from pyro.infer import SVI, Trace_ELBO, TraceGraph_ELBO

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
INFLUENZA = {"a1": 1.406, "a2": -0.622, "b0": 0.21, "b1": -0.312, "s1": 0.023, "s2": 0.112, "sv": 0.002}


def spnor(data):
    z1 = pyro.sample("z1", dist.Normal(0.0, 5.0))
    z2 = pyro.sample("z2", dist.Normal(z1, 3.0))
    pyro.sample("obs", dist.Normal(torch.where(z2 > 0, 1.0, -2.0), 1.0), obs=torch.tensor(0.0))


def bernoulli_if(data):
    z = pyro.sample("z", dist.Bernoulli(0.5))
    if z > 0:
        pyro.sample("obs", dist.Normal(1.0, 1.0), obs=torch.tensor(0.0))
    else:
        pyro.sample("obs", dist.Normal(-2.0, 1.0), obs=torch.tensor(0.0))


def relu(data):
    z = pyro.sample("z", dist.Normal(0.0, 1.0))
    pyro.sample("obs", dist.Normal(torch.relu(z), 1.0), obs=torch.tensor(0.5))


def mixed(data):
    b = pyro.sample("b", dist.Bernoulli(0.4))
    x = pyro.sample("x", dist.Normal(0.0, 1.0))
    pyro.sample("obs", dist.Normal(x + 2 * b, 0.5), obs=torch.tensor(1.5))


def gmm(data):
    mu = [pyro.sample(f"mu_{k}", dist.Normal(0.0, 5.0)) for k in range(2)]
    with pyro.plate("z_plate", len(data["y"]), dim=-1):
        z = pyro.sample("z", dist.Bernoulli(0.5))
        pyro.sample("obs", dist.Normal(torch.where(z > 0, mu[1], mu[0]), 1.0), obs=data["y"])


def textmsg(data):
    x0 = pyro.sample("x0", dist.Normal(data["mean"], data["sd"]))
    x1 = pyro.sample("x1", dist.Normal(data["mean"], data["sd"]))
    z = pyro.sample("z", dist.Normal(0.0, 1.0))
    with pyro.plate("day", len(data["count"]), dim=-1):
        pyro.sample("obs", dist.Poisson(torch.where(z > data["cut"], x0.exp(), x1.exp())), obs=data["count"])


def influenza(data):
    k = INFLUENZA
    before, a, c = torch.tensor(0.0), torch.tensor(0.0), torch.tensor(0.0)
    f = pyro.sample("f_0", dist.Normal(0.0, 1.0))
    for t, y in enumerate(data["y"]):
        v = pyro.sample(f"v_{t}", dist.Normal(0.0, k["s1"]))
        w = pyro.sample(f"w_{t}", dist.Normal(0.0, k["s2"]))
        before, a = a, k["a1"] * a + k["a2"] * before + v
        c = k["b1"] * c + k["b0"] + w
        f = pyro.sample(f"f_{t + 1}", dist.Normal(torch.where(f > 0, 0.67, -0.67), 1.0))
        pyro.sample(f"y_{t}", dist.Normal(torch.where(f > 0, a, a + c), k["sv"]), obs=y)


def cone(data):
    x = pyro.sample("x", dist.Normal(0.0, 10.0))
    y = pyro.sample("y", dist.Normal(0.0, 10.0))
    r = x**2 + y**2
    pyro.sample("obs", dist.Normal(r, 0.1 + r / 100), obs=torch.tensor(5.0))


def eight_schools(data):
    mu = pyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = pyro.sample("tau", dist.HalfCauchy(torch.tensor(5.0)))
    with pyro.plate("theta_plate", 8, dim=-1):
        theta = pyro.sample("theta", dist.Normal(mu, tau))
        pyro.sample("obs", dist.Normal(theta, data["se"]), obs=data["y"])


def funnel(data):
    v = pyro.sample("v", dist.Normal(0.0, 3.0))
    with pyro.plate("x_plate", 9, dim=-1):
        pyro.sample("x", dist.Normal(0.0, torch.exp(v / 2)))


MODELS = {
    f.__name__: f for f in (spnor, bernoulli_if, relu, mixed, gmm, textmsg, influenza, cone, eight_schools, funnel)
}


def factor(kind, mean, log_sd):
    if kind == "bernoulli":
        return dist.Bernoulli(logits=mean)
    return (dist.LogNormal if kind == "lognormal" else dist.Normal)(mean, log_sd.exp())


def make_guide(problem, scored):
    where = slices(problem)

    def guide(data):
        theta = pyro.param("parameters", torch.tensor(problem["point"]))
        for latent in problem["latents"]:
            name, n = latent["name"], latent["size"]
            mean = theta[where[name][0]]
            log_sd = torch.zeros(n) if where[name][1] is None else theta[where[name][1]]

            def q(i, latent=latent, mean=mean, log_sd=log_sd):
                d = factor(latent["kind"], mean[i], log_sd[i])
                return d.has_rsample_(False) if latent["name"] in scored else d

            if latent["layout"] == "plate":
                with pyro.plate(f"{name}_plate", n, dim=-1):
                    pyro.sample(name, q(slice(None)))
            elif latent["layout"] == "sequence":
                for t in range(n):
                    pyro.sample(f"{name}_{t}", q(t))
            else:
                pyro.sample(name, q(0))

    return guide


def variant(problem, make_loss, scored=(), lines=0):
    model, guide = MODELS[problem["name"]], make_guide(problem, scored)
    data = {k: torch.tensor(v[0] if k in ("mean", "sd") else v) for k, v in problem["data"].items()}
    python_if = problem["name"] == "bernoulli_if"
    plates = 1 if problem["name"] in ("gmm", "textmsg", "eight_schools", "funnel") else 0
    per = 1 if python_if else 1000
    more = {} if python_if else {"num_particles": per, "vectorize_particles": True, "max_plate_nesting": plates}

    def gradient():
        pyro.clear_param_store()
        pyro.set_rng_seed(1)
        loss = make_loss(**more)
        guide(data)

        def one(i):
            theta = pyro.get_param_store()["parameters"].unconstrained()
            theta.grad = None
            loss.loss_and_grads(model, guide, data)
            return -theta.grad.numpy().copy()

        return one

    def fit():
        pyro.clear_param_store()
        pyro.set_rng_seed(2)
        svi = SVI(model, guide, pyro.optim.Adam({"lr": problem["rate"]}), make_loss())
        for _ in range(problem["steps"]):
            svi.step(data)
        return fit_of(problem, pyro.param("parameters").detach().numpy())

    return lambda: cell(problem, lines, gradient, per, fit)


def variants(problem):
    out = {"Trace_ELBO": variant(problem, Trace_ELBO)}
    if any(latent["kind"] == "bernoulli" for latent in problem["latents"]):
        out["TraceGraph_ELBO"] = variant(problem, TraceGraph_ELBO, lines=1)
    if jumpy(problem):
        out["Trace_ELBO, has_rsample_(False)"] = variant(problem, Trace_ELBO, jumpy(problem), lines=len(jumpy(problem)))
    return out


if __name__ == "__main__":
    main(f"Pyro {pyro.__version__}, torch {torch.__version__}", variants)

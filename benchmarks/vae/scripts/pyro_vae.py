"""The VAE in Pyro: minibatches by `plate(subsample_size)`, Adam, eager.

argv: the task (JSON: data, train, batch, steps, rate, seed, start), where to write the weights (npz). Prints JSON."""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from pyro.infer import SVI, Trace_ELBO

task = json.loads(Path(sys.argv[1]).read_text())
torch.set_num_threads(1)
pyro.set_rng_seed(task["seed"])
x = torch.tensor(np.loadtxt(task["data"], delimiter=",", skiprows=1)[: task["train"]], dtype=torch.float)
start = {k: torch.tensor(v, dtype=torch.float) for k, v in np.load(task["start"]).items()}
N, B, LATENT = len(x), task["batch"], start["encoder.m.W"].shape[1]


def model(x):
    w = {k: pyro.param(k, v.clone()) for k, v in start.items() if k.startswith("decoder")}
    with pyro.plate("N", N, subsample_size=B) as i:
        z = pyro.sample("z", dist.Normal(torch.zeros(LATENT), 1.0).to_event(1))
        h = torch.tanh(z @ w["decoder.h.W"] + w["decoder.h.b"])
        logits = h @ w["decoder.logits.W"] + w["decoder.logits.b"]
        pyro.sample("x", dist.Bernoulli(logits=logits).to_event(1), obs=x[i])


def guide(x):
    w = {k: pyro.param(k, v.clone()) for k, v in start.items() if k.startswith("encoder")}
    with pyro.plate("N", N, subsample_size=B) as i:
        h = torch.tanh(x[i] @ w["encoder.h.W"] + w["encoder.h.b"])
        m, s = h @ w["encoder.m.W"] + w["encoder.m.b"], h @ w["encoder.s.W"] + w["encoder.s.b"]
        pyro.sample("z", dist.Normal(m, torch.exp(s)).to_event(1))


svi = SVI(model, guide, pyro.optim.Adam({"lr": task["rate"]}), Trace_ELBO())
times = []
for _ in range(task["steps"]):
    began = perf_counter()
    svi.step(x)
    times.append(perf_counter() - began)
store = pyro.get_param_store()
np.savez(sys.argv[2], **{k: store[k].detach().numpy().astype(float) for k in start})
print(json.dumps({"version": pyro.__version__, "seconds_per_step": float(np.median(times))}))

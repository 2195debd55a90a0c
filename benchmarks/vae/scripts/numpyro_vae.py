"""The VAE in NumPyro: minibatches by `plate(subsample_size)`, Adam, all steps in one compiled scan.

argv: the task (JSON: data, train, batch, steps, rate, seed, start), where to write the weights (npz). Prints JSON."""

import json
import sys
from pathlib import Path
from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.infer import SVI, Trace_ELBO
from numpyro.optim import Adam

task = json.loads(Path(sys.argv[1]).read_text())
x = jnp.asarray(np.loadtxt(task["data"], delimiter=",", skiprows=1)[: task["train"]])
start = {k: jnp.asarray(v) for k, v in np.load(task["start"]).items()}
N, B, LATENT = x.shape[0], task["batch"], start["encoder.m.W"].shape[1]


def model(x):
    w = {k: numpyro.param(k, v) for k, v in start.items() if k.startswith("decoder")}
    with numpyro.plate("N", N, subsample_size=B) as i:
        z = numpyro.sample("z", dist.Normal(0, 1).expand([LATENT]).to_event(1))
        h = jnp.tanh(z @ w["decoder.h.W"] + w["decoder.h.b"])
        logits = h @ w["decoder.logits.W"] + w["decoder.logits.b"]
        numpyro.sample("x", dist.Bernoulli(logits=logits).to_event(1), obs=x[i])


def guide(x):
    w = {k: numpyro.param(k, v) for k, v in start.items() if k.startswith("encoder")}
    with numpyro.plate("N", N, subsample_size=B) as i:
        h = jnp.tanh(x[i] @ w["encoder.h.W"] + w["encoder.h.b"])
        m, s = h @ w["encoder.m.W"] + w["encoder.m.b"], h @ w["encoder.s.W"] + w["encoder.s.b"]
        numpyro.sample("z", dist.Normal(m, jnp.exp(s)).to_event(1))


svi = SVI(model, guide, Adam(task["rate"]), Trace_ELBO())
state = svi.init(jax.random.PRNGKey(task["seed"]), x)
chunk = 100
run = jax.jit(lambda s, a: jax.lax.scan(lambda c, _: svi.update(c, a), s, None, length=chunk))
compiled = run.lower(state, x).compile()
times = []
for _ in range(task["steps"] // chunk):
    began = perf_counter()
    state, losses = compiled(state, x)
    jax.block_until_ready(losses)
    times.append((perf_counter() - began) / chunk)
found = svi.get_params(state)
np.savez(sys.argv[2], **{k: np.asarray(found[k], dtype=float) for k in start})
print(json.dumps({"version": numpyro.__version__, "seconds_per_step": float(np.median(times))}))

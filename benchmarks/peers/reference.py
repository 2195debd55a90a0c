"""Makes the reference posteriors, problems/NAME/reference.json:  `.peers/numpyro/bin/python benchmarks/peers/reference.py [NAME ...]`

Eight schools and the linear regression are integrated: given their scales they are normal, so what is left is quadrature in
one (sigma) or two (mu, log tau) dimensions. The other two are NUTS in double precision (Hoffman and Gelman 2014), with the
models of `scripts/numpyro_vi.py`. Needs numpy; NUTS needs NumPyro.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from data import HERE, PROBLEMS, load, make_logistic, path_of

CHAINS, WARMUP, DRAWS, SEED = 4, 1000, 4000, 11
Moments = dict[str, tuple[np.ndarray, np.ndarray]]


def mixed(weight: np.ndarray, mean: np.ndarray, var: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and sd of a mixture of normals; the components run along the first axis."""
    m = np.tensordot(weight, mean, 1)
    return m, np.sqrt(np.tensordot(weight, var + (mean - m) ** 2, 1))


def normalised(log_weight: np.ndarray) -> np.ndarray:
    weight = np.exp(log_weight - log_weight.max())
    return weight / weight.sum()


def eight_schools() -> tuple[Moments, str]:
    """y given (mu, tau) is N(mu, tau^2 + se^2), theta given these is normal: a grid over mu and log tau."""
    data = load("eight_schools")
    y, se = data["y"], data["se"]
    mu, log_tau = np.linspace(-35, 35, 1401), np.linspace(-16, 8, 2401)
    tau = np.exp(log_tau)[:, None, None]
    var = tau**2 + se**2
    log_p = -0.5 * (np.log(var) + (y - mu[:, None]) ** 2 / var).sum(-1)
    log_p += -0.5 * (mu / 5) ** 2 - np.log1p((tau[..., 0] / 5) ** 2) + log_tau[:, None]
    w = normalised(log_p).ravel()
    shrink = tau**2 / var
    theta = (mu[:, None] + shrink * (y - mu[:, None])).reshape(-1, 8)
    spread = np.broadcast_to(shrink * se**2, (len(log_tau), len(mu), 8)).reshape(-1, 8)
    at_mu, at_tau = (np.broadcast_to(v, log_p.shape).ravel() for v in (mu, tau[..., 0]))
    zero = np.zeros(1)
    found = {"mu": mixed(w, at_mu, zero), "tau": mixed(w, at_tau, zero), "theta": mixed(w, theta, spread)}
    return found, "exact: theta integrated, a grid of 1,401 x 2,401 points over mu and log tau"


def linear() -> tuple[Moments, str]:
    """(alpha, beta) given sigma are normal: a grid over log sigma."""
    data = load("linear")
    y, x = data["y"], np.c_[np.ones(len(data["y"])), data["x"]]
    prior = np.diag([1 / 100] + [1.0] * 10)
    log_sigma = np.linspace(-1.0, 0.3, 2601)
    log_p, means, variances = [], [], []
    for s in np.exp(log_sigma):
        precision = x.T @ x / s**2 + prior
        mean = np.linalg.solve(precision, x.T @ y / s**2)
        fit = y @ y / s**2 - mean @ precision @ mean
        log_p.append(-0.5 * fit - len(y) * np.log(s) - 0.5 * np.linalg.slogdet(precision)[1] - 0.5 * s**2 + np.log(s))
        means.append(mean)
        variances.append(np.diag(np.linalg.inv(precision)))
    w = normalised(np.array(log_p))
    mean, sd = mixed(w, np.array(means), np.array(variances))
    sigma = mixed(w, np.exp(log_sigma), np.zeros(1))
    found = {"alpha": (mean[0], sd[0]), "beta": (mean[1:], sd[1:]), "sigma": sigma}
    return found, "exact: coefficients integrated, a grid of 2,601 points over log sigma"


def nuts(problem: str) -> tuple[Moments, str]:
    """4 chains in double precision."""
    sys.path.insert(0, str(HERE / "scripts"))
    import jax
    import numpyro
    from numpyro.infer import MCMC, NUTS

    jax.config.update("jax_enable_x64", True)
    from numpyro_vi import MODELS

    args = {name: jax.numpy.asarray(v) for name, v in load(problem).items()}
    mcmc = MCMC(NUTS(MODELS[problem]), num_warmup=WARMUP, num_samples=DRAWS, num_chains=CHAINS, progress_bar=False)
    mcmc.run(jax.random.PRNGKey(SEED), **args)
    chains = mcmc.get_samples(group_by_chain=True)
    worst = {name: np.max(s["r_hat"]) for name, s in numpyro.diagnostics.summary(chains).items()}
    least = min(np.min(s["n_eff"]) for s in numpyro.diagnostics.summary(chains).values())
    found = {name: (np.mean(v, axis=(0, 1)), np.std(v, axis=(0, 1))) for name, v in chains.items()}
    how = f"NUTS (NumPyro {numpyro.__version__}, double precision), {CHAINS} chains of {DRAWS} draws after {WARMUP}, seed {SEED}; "
    return found, how + f"largest R-hat {max(worst.values()):.4f}, least effective sample size {least:.0f}"


def write(problem: str, found: Mapping[str, tuple[np.ndarray, np.ndarray]], how: str) -> None:
    unknowns = {name: {"mean": np.asarray(m).tolist(), "sd": np.asarray(s).tolist()} for name, (m, s) in found.items()}
    digest = hashlib.sha256(path_of(problem).read_bytes()).hexdigest()
    out = {"how": how, "data_sha256": digest, "unknowns": unknowns}
    (HERE / "problems" / problem / "reference.json").write_text(json.dumps(out, indent=1) + "\n")
    print(problem, how, flush=True)


def main() -> None:
    make_logistic()
    for problem in sys.argv[1:] or PROBLEMS:
        match problem:
            case "eight_schools":
                write(problem, *eight_schools())
            case "linear":
                write(problem, *linear())
            case _:
                write(problem, *nuts(problem))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()

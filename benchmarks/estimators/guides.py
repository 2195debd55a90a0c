"""A problem: its latents, a guide over them as a vector of parameters, and the exact ELBO as its judge."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import autograd.numpy as np
from autograd import grad
from scipy.optimize import minimize

Factor = tuple[np.ndarray, np.ndarray]  # mean and sd; of a Bernoulli the logit, twice
Guide = Mapping[str, Factor]


@dataclass(frozen=True, slots=True)
class Latent:
    """`kind` is normal, lognormal or bernoulli. `layout`: scalar, plate (independent given the rest), or sequence (each
    may depend on the one before it). `unit`: the sd is 1 and no parameter. `jumps`: the density jumps in its value."""

    name: str
    kind: str = "normal"
    size: int = 1
    layout: str = "scalar"
    unit: bool = False
    jumps: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """`point` is the guide where gradients are measured and fits begin. `elbo` is exact; `how` says by what means.
    `starts` are further guides from which the optimum is sought."""

    name: str
    title: str
    latents: tuple[Latent, ...]
    point: Guide
    elbo: Callable[[Guide], float]
    how: str
    data: Mapping[str, list[float]]
    draws: int = 1_000_000
    starts: tuple[Guide, ...] = ()


# ---- guides as vectors of parameters ------------------------------------------------------------------------------


def width(latent: Latent) -> int:
    return latent.size if latent.kind == "bernoulli" or latent.unit else 2 * latent.size


def parameter_names(problem: Problem) -> list[str]:
    """In the order of the vector: each latent's means, then its log sds; a Bernoulli's logits."""
    return [name for latent in problem.latents for name in names_of(latent)]


def names_of(latent: Latent) -> list[str]:
    kinds = ["logit"] if latent.kind == "bernoulli" else ["mean"] if latent.unit else ["mean", "log_sd"]
    indices = [f"[{i + 1}]" if latent.size > 1 else "" for i in range(latent.size)]
    return [f"{latent.name}{i}.{kind}" for kind in kinds for i in indices]


def to_vector(problem: Problem, guide: Guide) -> np.ndarray:
    return np.concatenate([part for latent in problem.latents for part in parts_of(latent, *guide[latent.name])])


def parts_of(latent: Latent, mean: np.ndarray, sd: np.ndarray) -> list[np.ndarray]:
    return [mean] if latent.kind == "bernoulli" or latent.unit else [mean, np.log(sd)]


def to_guide(problem: Problem, vector: np.ndarray) -> dict[str, Factor]:
    out, at = {}, 0
    for latent in problem.latents:
        mean, rest = vector[at : at + latent.size], vector[at + latent.size : at + width(latent)]
        has_sd = latent.kind != "bernoulli" and not latent.unit
        out[latent.name] = (mean, np.exp(rest) if has_sd else np.ones(latent.size))
        at += width(latent)
    return out


def reference(problem: Problem) -> tuple[np.ndarray, float]:
    """The exact gradient (P,) and ELBO at the problem's point."""
    at = to_vector(problem, problem.point)
    objective = objective_of(problem)
    return grad(objective)(at), float(objective(at))


def gradient_at(problem: Problem, vector: np.ndarray) -> np.ndarray:
    return grad(objective_of(problem))(vector)


def optimum(problem: Problem) -> tuple[np.ndarray, float]:
    """The best parameters (P,) that L-BFGS reaches from the point and from `starts`, and their exact ELBO."""
    objective = objective_of(problem)
    slope = grad(objective)
    options = {"maxiter": 20_000, "maxfun": 100_000, "ftol": 1e-14, "gtol": 1e-8, "maxcor": 50}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a line search may try sds near nothing
        ends = [
            minimize(
                lambda v: -objective(v),
                to_vector(problem, start),
                jac=lambda v: -slope(v),
                method="L-BFGS-B",
                options=options,
            )
            for start in (problem.point, *problem.starts)
        ]
    best = min(ends, key=lambda end: end.fun)
    return best.x, -float(best.fun)


def objective_of(problem: Problem) -> Callable[[np.ndarray], float]:
    return lambda vector: problem.elbo(to_guide(problem, vector))

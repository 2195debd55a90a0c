"""The estimators of three papers for spnor, textmsg and influenza, in numpy, all on the same vectorised density.

    score      REINFORCE on the whole joint, no baseline: what the ratios of the literature are relative to
    reparam    pathwise, the jumps ignored: biased
    LYY18      pathwise plus the boundary term of Lee, Yu and Yang (NeurIPS 2018), all guards at every draw
    DSGD       pathwise with every guard smoothed by sigmoid(guard / eta): Wagner, Khajwal and Ong (AISTATS 2024) at a
    fixed eta

The densities are linear in the indicators b of their guards z[j] > c, so that one pass gives the density, its slope
with all b held, and what each guard adds. LYY18 thus pays for its boundary terms no more than arithmetic: in its
favour.
"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from elbos import HALF_LOG_2PI, INFLUENZA, influenza_maps
from guides import Problem, to_guide
from problems import BY_NAME
from scipy.special import expit, gammaln

ETA = 0.1
Array = np.ndarray
# (z (S, D), b (S, G), with slopes?) -> log density (S,), d/dz at fixed b (S, D), d/db (S, G); the last two None
# without slopes
Density = Callable[[Array, Array, bool], tuple[Array, Array | None, Array | None]]


@dataclass(frozen=True, slots=True)
class Piecewise:
    """Guard g is `z[latent[g]] > cut[g]`."""

    problem: Problem
    latent: Array
    cut: Array
    density: Density


@dataclass(frozen=True, slots=True)
class Measured:
    """`z`: worst bias in standard errors. `variance`: mean over parameters of one draw's. `norm`: variance of one
    draw's norm."""

    z: float
    variance: float
    norm: float
    seconds: float  # per draw


def log_normal(x: Array, mean: Array | float, sd: float) -> Array:
    return -HALF_LOG_2PI - np.log(sd) - 0.5 * ((x - mean) / sd) ** 2


# ---- densities, linear in the indicators --------------------------------------------------------------------------


def spnor() -> Piecewise:
    def density(z: Array, b: Array, slopes: bool):
        z1, z2 = z[:, 0], z[:, 1]
        value = log_normal(z1, 0, 5.0) + log_normal(z2, z1, 3.0) - HALF_LOG_2PI - 2 + 1.5 * b[:, 0]
        if not slopes:
            return value, None, None
        pull = (z2 - z1) / 9
        return value, np.stack([pull - z1 / 25, -pull], axis=1), np.full((len(z), 1), 1.5)

    return Piecewise(BY_NAME["spnor"], np.array([1]), np.array([0.0]), density)


def textmsg() -> Piecewise:
    problem = BY_NAME["textmsg"]
    y, cut = np.array(problem.data["count"]), np.array(problem.data["cut"])
    (mean,), (sd,) = problem.data["mean"], problem.data["sd"]
    constant = -np.sum(gammaln(y + 1))

    def density(z: Array, b: Array, slopes: bool):
        rate = np.exp(z[:, :2])
        jump = y * (z[:, :1] - z[:, 1:2]) - (rate[:, :1] - rate[:, 1:])
        prior = log_normal(z[:, 0], mean, sd) + log_normal(z[:, 1], mean, sd) + log_normal(z[:, 2], 0, 1.0)
        value = prior + constant + np.sum(y * z[:, 1:2] - rate[:, 1:] + b * jump, axis=1)
        if not slopes:
            return value, None, None
        late = b @ y - b.sum(axis=1) * rate[:, 0]
        early = (1 - b) @ y - (1 - b).sum(axis=1) * rate[:, 1]
        pull = (z[:, :2] - mean) / sd**2
        return value, np.stack([late - pull[:, 0], early - pull[:, 1], -z[:, 2]], axis=1), jump

    return Piecewise(problem, np.full(y.size, 2), cut, density)


def influenza() -> Piecewise:
    problem, k = BY_NAME["influenza"], INFLUENZA
    y = np.array(problem.data["y"])
    n = y.size
    first, second, shift = influenza_maps(n)

    def density(z: Array, b: Array, slopes: bool):
        v, w, f = z[:, :n], z[:, n : 2 * n], z[:, 2 * n :]
        late = y - v @ first.T
        both = late - w @ second.T - shift
        ups, downs = log_normal(late, 0, k["sigmav"]), log_normal(both, 0, k["sigmav"])
        high, low = log_normal(f[:, 1:], k["level"], 1.0), log_normal(f[:, 1:], -k["level"], 1.0)
        jump = np.zeros_like(f)
        jump[:, 1:] += ups - downs
        jump[:, :-1] += high - low
        prior = (
            log_normal(v, 0, k["sigma1"]).sum(1) + log_normal(w, 0, k["sigma2"]).sum(1) + log_normal(f[:, 0], 0, 1.0)
        )
        value = prior + downs.sum(1) + low.sum(1) + np.sum(b * jump, axis=1)
        if not slopes:
            return value, None, None
        up, down = b[:, 1:] * late / k["sigmav"] ** 2, (1 - b[:, 1:]) * both / k["sigmav"] ** 2
        mean = k["level"] * (2 * b[:, :-1] - 1)
        steps = np.concatenate([-f[:, :1], mean - f[:, 1:]], axis=1)
        return (
            value,
            np.concatenate(
                [(up + down) @ first - v / k["sigma1"] ** 2, down @ second - w / k["sigma2"] ** 2, steps], axis=1
            ),
            jump,
        )

    return Piecewise(problem, np.arange(2 * n, 3 * n + 1), np.zeros(n + 1), density)


MODELS = {"spnor": spnor, "textmsg": textmsg, "influenza": influenza}

# ---- estimators: (model, means (D,), sds (D,), normals (S, D)) -> gradients in (means, log sds) (S, 2D) -------------


def score(model: Piecewise, mean: Array, sd: Array, e: Array) -> Array:
    z = mean + sd * e
    value, _, _ = model.density(z, (z[:, model.latent] > model.cut).astype(float), False)
    value = value + np.sum(0.5 * e**2 + np.log(sd) + HALF_LOG_2PI, axis=1)
    return value[:, None] * np.concatenate([e / sd, e**2 - 1], axis=1)


def pathwise(slope: Array, sd: Array, e: Array) -> Array:
    """With the entropy in closed form."""
    return np.concatenate([slope, slope * sd * e + 1], axis=1)


def reparam(model: Piecewise, mean: Array, sd: Array, e: Array) -> Array:
    z = mean + sd * e
    _, slope, _ = model.density(z, (z[:, model.latent] > model.cut).astype(float), True)
    return pathwise(slope, sd, e)


def boundary(model: Piecewise, mean: Array, sd: Array, e: Array) -> Array:
    """d P(z > c) / dm = q(c), d P(z > c) / d log s = q(c) (c - m): the rate at which mass crosses each guard, times
    its jump."""
    z = mean + sd * e
    _, slope, jump = model.density(z, (z[:, model.latent] > model.cut).astype(float), True)
    m, s = mean[model.latent], sd[model.latent]
    crossing = np.exp(log_normal((model.cut - m) / s, 0, 1.0)) / s * jump
    place = (model.latent[:, None] == np.arange(mean.size)).astype(float)
    added = np.concatenate([crossing @ place, (crossing * (model.cut - m)) @ place], axis=1)
    return pathwise(slope, sd, e) + added


def smoothed(model: Piecewise, mean: Array, sd: Array, e: Array) -> Array:
    z = mean + sd * e
    b = expit((z[:, model.latent] - model.cut) / ETA)
    _, slope, jump = model.density(z, b, True)
    place = (model.latent[:, None] == np.arange(mean.size)).astype(float)
    return pathwise(slope + (jump * b * (1 - b) / ETA) @ place, sd, e)


ESTIMATORS = {
    "score, all latents": score,
    "reparam, jumps ignored": reparam,
    "LYY18": boundary,
    f"DSGD, eta = {ETA}": smoothed,
}

# ---- measuring ----------------------------------------------------------------------------------------------------


def columns(problem: Problem) -> Array:
    """Where the problem's parameters stand among (means, log sds)."""
    size, at, out = sum(latent.size for latent in problem.latents), 0, []
    for latent in problem.latents:
        out += [at + i for i in range(latent.size)] + (
            [] if latent.unit else [size + at + i for i in range(latent.size)]
        )
        at += latent.size
    return np.array(out)


def measure(
    gradients: Callable[[np.random.Generator, int], Array], exact: Array, draws: int, block: int = 1000
) -> Measured:
    """`gradients(rng, S)` -> (S, P). Time is the least of the blocks', per draw: what the machine can do
    undisturbed."""
    rng, fastest = np.random.default_rng(0), np.inf
    total, square, norm = np.zeros(exact.size), np.zeros(exact.size), np.zeros(2)
    for _ in range(draws // block):
        began = perf_counter()
        g = gradients(rng, block)
        fastest = min(fastest, perf_counter() - began)
        size = np.linalg.norm(g, axis=1)
        total, square, norm = (
            total + (g - exact).sum(0),
            square + ((g - exact) ** 2).sum(0),
            norm + np.array([size.sum(), (size**2).sum()]),
        )
    mean, count = total / draws, draws // block * block
    variance = square / count - mean**2
    se = np.sqrt(variance / count)
    z = np.abs(mean) / np.maximum(se, 1e-12 * (1 + np.abs(exact)))
    return Measured(
        float(z.max()), float(variance.mean()), float(norm[1] / count - (norm[0] / count) ** 2), fastest / block
    )


def measure_baselines(name: str, vector: Array, exact: Array, draws: int) -> dict[str, Measured]:
    model = MODELS[name]()
    guide = to_guide(model.problem, vector)
    mean, sd = (np.concatenate([guide[latent.name][i] for latent in model.problem.latents]) for i in (0, 1))
    keep = columns(model.problem)

    def drawn(
        estimator: Callable[[Piecewise, Array, Array, Array], Array],
    ) -> Callable[[np.random.Generator, int], Array]:
        return lambda rng, size: estimator(model, mean, sd, rng.standard_normal((size, mean.size)))[:, keep]

    return {title: measure(drawn(estimator), exact, draws) for title, estimator in ESTIMATORS.items()}

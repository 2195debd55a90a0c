"""The search for posterior mass that the fitted normal does not cover.

Importance weights cannot see a mode in which no draw falls, so it is looked for: from the ends of the starting paths,
and from far points whose density is higher than a normal tail allows.
"""

import numpy as np

from ppl.infer.approximation import Mode
from ppl.infer.chart import HALF_LOG_2PI, Chart, symmetric_kl
from ppl.infer.laplace import climb_objective, negative_hessian, whitening_factor
from ppl.infer.lbfgs import Limits, minimise
from ppl.infer.sobol import antithetic, sobol_normal
from ppl.infer.target import Array, Target

PROBES = 128
RADII = (2.0, 4.0, 8.0)


def far_points(target: Target, chart: Chart, wanted: int, rng: np.random.Generator) -> Array:
    """The `wanted` points (x coordinates) that most exceed the density of the normal there, out of `PROBES` spread over
    several radii; only values are asked for. None where nothing stands out."""
    x = antithetic(sobol_normal(PROBES // 2, chart.dim, rng))
    x = x * np.resize(RADII, len(x))[:, None] * np.sqrt(chart.dim) / np.linalg.norm(x, axis=1, keepdims=True)
    f = target.value(chart.to_u(np.concatenate([np.zeros((1, chart.dim)), x])), chart.w)
    excess = f[1:] - f[0] + 0.5 * np.sum(x**2, axis=1)
    order = np.argsort(-excess, kind="stable")[:wanted]
    return np.asarray(x[order[np.isfinite(excess[order]) & (excess[order] > 2.0)]])


def other_modes(target: Target, chart: Chart, starts: Array, limits: Limits, elbo: float) -> tuple[Mode, ...]:
    """Climb from `starts` (S, D; x coordinates) and weigh every summit apart from the fitted normal by its own Laplace
    evidence, f + log|scale| + D/2 log 2 pi, against `elbo`."""
    if not len(starts):
        return ()
    ends = minimise(climb_objective(target, chart), starts, limits, whitened=True, keep=False)
    apart = [end for end in ends if np.isfinite(end.value) and _apart(end.x)]
    modes: list[tuple[Chart, Mode]] = []
    for end in sorted(apart, key=lambda one: one.value):
        local = _local_chart(target, chart.then(end.x, np.ones(chart.dim)))
        if local is None or any(symmetric_kl(local, seen) < 10.0 for seen, _ in modes):
            continue
        mass = -end.value + local.log_det() + HALF_LOG_2PI * chart.dim - elbo
        modes.append((local, Mode(local.centre, mass, symmetric_kl(local, chart))))
    return tuple(mode for _, mode in modes)


def _apart(x: Array) -> bool:
    """Outside the bulk of the fitted normal: the mode of a skewed posterior is still inside it."""
    return bool(np.linalg.norm(x) > 3.0 + np.sqrt(len(x)))


def _local_chart(target: Target, chart: Chart) -> Chart | None:
    """The Laplace normal at the centre, or None where the centre is not a maximum."""
    factor, eigenvalues = whitening_factor(negative_hessian(target, chart))
    if not np.all(eigenvalues > 0):
        return None
    return chart.then(np.zeros(chart.dim), factor)

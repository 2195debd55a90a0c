"""Normal guides in whitened coordinates, fitted to fixed draws: x = a + L e with L lower triangular or diagonal.

The objective is -mean log p(u(x)) - log|det L|, a deterministic function, convex wherever -log p is (Challis & Barber,
JMLR 14, 2013). Its gradient is closed form: d/da = mean G and d/dL = tril(mean G e') + 1/L_ii. L has a linear diagonal,
scaled so that the Hessian is the identity where p is standard normal: L-BFGS needs no learning rate.
"""

from dataclasses import dataclass

import numpy as np

from ppl.infer.chart import HALF_LOG_2PI, Chart
from ppl.infer.lbfgs import Limits, Minimum, Objective, minimise
from ppl.infer.target import Array, Target

ROOT2 = float(np.sqrt(2.0))
# The bound is flat in the weights next to the moments: their angles are stretched for a decrement to see them.
ANGLE = 4.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Where shift, diagonal, strict lower triangle and weight angles lie in one parameter vector."""

    dim: int
    full: bool
    weights: int

    @property
    def lower(self) -> int:
        return self.dim * (self.dim - 1) // 2 if self.full else 0

    @property
    def size(self) -> int:
        return 2 * self.dim + self.lower + self.weights

    def split(self, theta: Array) -> tuple[Array, Array, Array]:
        """The shift (D,), the factor (D, D) or (D,), and the angles (W,)."""
        d = self.dim
        diagonal = 1.0 + theta[d : 2 * d] / ROOT2
        angles = ANGLE * theta[2 * d + self.lower :]
        if not self.full:
            return theta[:d], diagonal, angles
        factor = np.diag(diagonal)
        factor[np.tril_indices(d, -1)] = theta[2 * d : 2 * d + self.lower]
        return theta[:d], factor, angles

    def join(self, shift: Array, factor: Array, angles: Array) -> Array:
        """Gradients with respect to shift, factor and angles as the gradient of the parameter vector."""
        if not self.full:
            return np.concatenate([shift, factor / ROOT2, ANGLE * angles])
        strict = factor[np.tril_indices(self.dim, -1)]
        return np.concatenate([shift, np.diagonal(factor) / ROOT2, strict, ANGLE * angles])

    def start(self, angles: Array) -> Array:
        return np.concatenate([np.zeros(2 * self.dim + self.lower), angles / ANGLE])


def weights_of(angles: Array) -> Array:
    """w = (1 - cos angle) / 2 reaches 0 and 1 at finite angles, where a logit would run off to infinity."""
    return np.asarray(0.5 * (1.0 - np.cos(angles)))


def angles_of(w: Array, inside: float = 0.0) -> Array:
    """The angle of each weight, kept `inside` away from the ends, where the gradient vanishes."""
    return np.asarray(np.arccos(1.0 - 2.0 * np.clip(w, inside, 1.0 - inside)))


def drift_of(target: Target, chart: Chart, step: float = 1e-4) -> Array:
    """(D, W) how the centre moves in coordinates as each weight changes. Left to the shift, that motion would couple it
    to the weights so stiffly that neither arrives."""
    columns = []
    for unit in step * np.eye(target.weights):
        low, high = np.clip(chart.w - unit, 0, 1), np.clip(chart.w + unit, 0, 1)
        ends = [target.recentre(chart.centre[None], chart.w, w)[0] for w in (low, high)]
        columns.append((ends[1] - ends[0]) / np.sum(high - low))
    return np.stack(columns, axis=1)


def drifted(chart: Chart, drift: Array, w: Array) -> Chart:
    return Chart(chart.centre + drift @ (w - chart.w), chart.scale, w)


def elbo_objective(target: Target, chart: Chart, layout: Layout, draws: Array) -> Objective:
    """The negative evidence lower bound (b,) and its gradient (b, size) for each row of parameters."""

    drift = drift_of(target, chart) if layout.weights else np.zeros((layout.dim, 0))
    constant = chart.log_det() + layout.dim * (HALF_LOG_2PI + 0.5)

    def one(theta: Array) -> tuple[float, Array]:
        shift, factor, angles = layout.split(theta)
        diagonal = np.diagonal(factor) if layout.full else factor
        if np.any(diagonal <= 1e-6):
            return np.inf, np.zeros_like(theta)
        x = shift + (draws @ factor.T if layout.full else draws * factor)
        here = drifted(chart, drift, weights_of(angles)) if layout.weights else chart
        f, g, gw = target.value_and_grad(here.to_u(x), here.w)
        if not np.isfinite(f).all():
            return np.inf, np.zeros_like(theta)
        gw = gw + g @ drift if layout.weights else gw
        g = chart.pull(g)
        dfactor = (
            g.T @ draws / len(draws) + np.diag(1.0 / diagonal)
            if layout.full
            else np.mean(g * draws, axis=0) + 1.0 / diagonal
        )
        dangles = gw.mean(axis=0) * 0.5 * np.sin(angles) if layout.weights else np.zeros(0)
        value = float(np.mean(f)) + float(np.sum(np.log(diagonal))) + constant
        return -value, -layout.join(g.mean(axis=0), dfactor, dangles)

    def objective(thetas: Array) -> tuple[Array, Array]:
        pairs = [one(theta) for theta in thetas]
        return np.array([value for value, _ in pairs]), np.stack([gradient for _, gradient in pairs])

    return objective


@dataclass(frozen=True, slots=True)
class Fitted:
    """`chart` whitens the fitted normal; `elbo` is the bound on the draws it was fitted to."""

    chart: Chart
    elbo: float
    steps: int
    reason: str


def fit_normal(target: Target, chart: Chart, draws: Array, *, full: bool, learn: bool, limits: Limits) -> Fitted:
    """The best normal of the family for these draws, from the standard normal in `chart`; with `learn`, the weights of
    partial non-centring move with it."""
    layout = Layout(chart.dim, full, target.weights if learn else 0)
    start = layout.start(angles_of(chart.w, 0.05) if learn else np.zeros(0))
    found: Minimum = minimise(
        elbo_objective(target, chart, layout, draws), start[None], limits, whitened=True, keep=False
    )[0]
    shift, factor, angles = layout.split(found.x)
    moved = drifted(chart, drift_of(target, chart), weights_of(angles)) if learn else chart
    return Fitted(moved.then(shift, factor), -found.value, found.iterations, found.reason)


@dataclass(frozen=True, slots=True)
class Check:
    """What fresh draws say of a fitted normal. `shift` and `scale` are the largest changes that a Newton step on the
    fresh draws would make: to a mean, in standard deviations; to a standard deviation, relative."""

    elbo: float
    elbo_se: float
    shift: float
    scale: float


def check_normal(target: Target, chart: Chart, draws: Array, *, full: bool) -> Check:
    """Bound, and gradient at the standard normal of `chart`, on draws it was not fitted to.

    At an optimum the expected Hessian is the identity in these coordinates, so the gradient is the step.
    """
    f, g, _ = target.value_and_grad(chart.to_u(draws), chart.w)
    if not np.isfinite(f).all():
        return Check(-np.inf, np.inf, np.inf, np.inf)
    ratio = f + 0.5 * np.sum(draws**2, axis=1) + chart.dim * HALF_LOG_2PI + chart.log_det()
    g = chart.pull(g)
    shift = chart.stretch(g.mean(axis=0)[None])[0] / chart.deviations()
    scale = (
        _relative_scale(chart, g.T @ draws / len(draws) + np.eye(chart.dim))
        if full
        else 0.5 * (np.mean(g * draws, axis=0) + 1.0)
    )
    return Check(
        float(ratio.mean()),
        float(ratio.std(ddof=1) / np.sqrt(len(ratio))),
        float(np.max(np.abs(shift))),
        float(np.max(np.abs(scale))),
    )


def _relative_scale(chart: Chart, change: Array) -> Array:
    """Relative change of each marginal deviation in u when L = I moves by tril(change), its diagonal halved: the
    Hessian there is 2."""
    step = np.tril(change) - 0.5 * np.diag(np.diagonal(change))
    scale = chart.scale if chart.dense else np.diag(chart.scale)
    return np.asarray(np.sum((scale @ step) * scale, axis=1) / np.sum(scale**2, axis=1))

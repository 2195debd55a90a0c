"""Normal guides whose conditional scales and means move with a few leading coordinates.

A joint normal cannot say that the spread of group effects depends on their standard deviation, and so makes that
deviation look surer than it is. Here e = (h, r) is standard normal and x = shift + L m, with
    m = (h + t sqrt(1 + h^2), exp(S h) r + B (h^2 - 1)),        |t| < 1,
one step of an autoregressive flow (Kingma et al., NeurIPS 2016); t lets a leading coordinate have a longer tail on one
side, as the logarithm of a weakly identified scale has. Which coordinates lead is read off third moments of the score.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ppl.infer.chart import HALF_LOG_2PI, Chart
from ppl.infer.gaussian import Layout
from ppl.infer.lbfgs import Limits, Objective, minimise
from ppl.infer.target import Array, Target

LEADERS = 6


@dataclass(frozen=True, slots=True)
class Modulated:
    """`order` puts the K leading coordinates of u first; `chart` lives in that order; `scale` and `bend` (S and B) are
    (D - K, K), `skew` (t) is (K,)."""

    chart: Chart
    order: npt.NDArray[np.intp]
    scale: Array
    bend: Array
    skew: Array

    @property
    def leaders(self) -> int:
        return int(self.scale.shape[1])

    @property
    def dim(self) -> int:
        return self.chart.dim

    @property
    def w(self) -> Array:
        return self.chart.w

    def to_u(self, e: Array) -> Array:
        """Standard normal rows (S, D) as rows of u."""
        return self.place(self.chart.to_u(modulate(e, self.scale, self.bend, self.skew)))

    def place(self, permuted: Array) -> Array:
        u = np.empty_like(permuted)
        u[:, self.order] = permuted
        return u

    def log_dets(self, e: Array) -> Array:
        """(S,) log |du/de|."""
        lead = e[:, : self.leaders]
        stretch = np.sum(lead @ self.scale.T, axis=1) + np.sum(np.log1p(self.skew * side(lead)), axis=1)
        return np.asarray(self.chart.log_det() + stretch)


def side(lead: Array) -> Array:
    """d sqrt(1 + h^2) / dh, from -1 to 1."""
    return np.asarray(lead / np.sqrt(1.0 + lead**2))


def modulate(e: Array, scale: Array, bend: Array, skew: Array) -> Array:
    lead, rest = e[:, : scale.shape[1]], e[:, scale.shape[1] :]
    first = lead + skew * np.sqrt(1.0 + lead**2)
    return np.concatenate([first, np.exp(lead @ scale.T) * rest + (lead**2 - 1.0) @ bend.T], axis=1)


def plain(chart: Chart) -> Modulated:
    """A normal as a modulated normal without leaders."""
    nothing = np.zeros((chart.dim, 0))
    return Modulated(chart, np.arange(chart.dim), nothing, nothing, np.zeros(0))


def leading_coordinates(target: Target, chart: Chart, draws: Array) -> list[int]:
    """The coordinates k of u along which other coordinates change scale or bend, most first.

    For a normal target the score in x is -e and E[(score_i + e_i) e_i z_k] = 0; z_k is u_k in standard units. Kept are
    those whose sum of squares over i exceeds 0.05 (about 0.02 nats) and half of what noise alone gives.
    """
    u = chart.to_u(draws)
    f, g, _ = target.value_and_grad(u, chart.w)
    if not np.isfinite(f).all():
        return []
    residual = (chart.pull(g) + draws) * draws
    z = (u - chart.centre) / chart.deviations()
    signal = residual.T @ z / len(draws)
    noise = np.mean(residual**2, axis=0).sum() / len(draws)
    energy = np.sum(signal**2, axis=0) - np.diagonal(signal) ** 2
    order = np.argsort(-energy, kind="stable")[: min(LEADERS, max(1, chart.dim // 3))]
    return [int(k) for k in order if energy[k] > max(0.05, 0.5 * noise)]


def permuted(chart: Chart, leaders: list[int]) -> Modulated:
    """The same normal with `leaders` first, and nothing modulated yet."""
    rest = [k for k in range(chart.dim) if k not in leaders]
    order = np.array(leaders + rest)
    covariance = chart.covariance()[np.ix_(order, order)]
    nothing = np.zeros((len(rest), len(leaders)))
    return Modulated(
        Chart(chart.centre[order], np.linalg.cholesky(covariance), chart.w),
        order,
        nothing,
        nothing,
        np.zeros(len(leaders)),
    )


def modulated_objective(target: Target, start: Modulated, draws: Array) -> Objective:
    """The negative bound and its gradient over (shift, L, S, B, artanh t), from `start`, not yet modulated."""
    layout = Layout(start.dim, True, 0)
    k, rest = start.leaders, start.dim - start.leaders
    lead, follow = draws[:, :k], draws[:, k:]
    chart, square, arch, tilt = start.chart, lead**2 - 1.0, np.sqrt(1.0 + lead**2), side(lead)

    def one(theta: Array) -> tuple[float, Array]:
        shift, factor, _ = layout.split(theta[: layout.size])
        scale, bend = theta[layout.size : -k].reshape(2, rest, k)
        skew = np.tanh(theta[-k:])
        diagonal = np.diagonal(factor)
        if np.any(diagonal <= 1e-6) or np.max(np.abs(scale)) > 5:
            return np.inf, np.zeros_like(theta)
        m = modulate(draws, scale, bend, skew)
        f, g, _ = target.value_and_grad(start.place(chart.to_u(shift + m @ factor.T)), chart.w)
        if not np.isfinite(f).all():
            return np.inf, np.zeros_like(theta)
        g = chart.pull(g[:, start.order])
        gm = g @ factor
        gl, gm = gm[:, :k], gm[:, k:]
        dfactor = g.T @ m / len(m) + np.diag(1.0 / diagonal)
        dscale = (gm * np.exp(lead @ scale.T) * follow).T @ lead / len(m)
        dbend = gm.T @ square / len(m)
        dskew = np.mean(gl * arch + tilt / (1.0 + skew * tilt), axis=0) * (1.0 - skew**2)
        entropy = float(np.sum(np.log(diagonal)) + np.mean(np.sum(np.log1p(skew * tilt), axis=1)))
        value = float(np.mean(f)) + entropy + chart.log_det() + start.dim * (HALF_LOG_2PI + 0.5)
        flat = np.concatenate([layout.join(g.mean(axis=0), dfactor, np.zeros(0)), dscale.ravel(), dbend.ravel(), dskew])
        return -value, -flat

    def objective(thetas: Array) -> tuple[Array, Array]:
        pairs = [one(theta) for theta in thetas]
        return np.array([value for value, _ in pairs]), np.stack([gradient for _, gradient in pairs])

    return objective


@dataclass(frozen=True, slots=True)
class FittedModulated:
    """The guide, its bound on the fitting draws, and how L-BFGS ended."""

    guide: Modulated
    elbo: float
    steps: int
    reason: str


def fit_modulated(target: Target, start: Modulated, draws: Array, limits: Limits) -> FittedModulated:
    """The best modulated normal for these draws, from `start`."""
    layout = Layout(start.dim, True, 0)
    shape = (2, start.dim - start.leaders, start.leaders)
    theta = np.zeros(layout.size + int(np.prod(shape)) + start.leaders)
    objective = modulated_objective(target, start, draws)
    found = minimise(objective, theta[None], limits, whitened=True, keep=False)[0]
    shift, factor, _ = layout.split(found.x[: layout.size])
    scale, bend = found.x[layout.size : -start.leaders].reshape(shape)
    guide = Modulated(start.chart.then(shift, factor), start.order, scale, bend, np.tanh(found.x[-start.leaders :]))
    return FittedModulated(guide, -found.value, found.iterations, found.reason)


def modulated_ratios(target: Target, guide: Modulated, e: Array) -> Array:
    """log p(u) - log q(u) (S,) at the draws that `e` maps to."""
    log_e = -0.5 * np.sum(e * e, axis=1) - guide.dim * HALF_LOG_2PI
    return np.asarray(target.value(guide.to_u(e), guide.w) - log_e + guide.log_dets(e))

"""Normal guides whose conditional scales and means move with a few leading coordinates.

A joint normal cannot say that the spread of group effects depends on their standard deviation, and so makes that
deviation look surer than it is. Here e = (h, r) is standard normal and x = shift + L m, with
    m = exp(S h + A (sqrt(1 + h^2) - const)) (W(h) exp(c), r) + B (h^2 - 1),
one step of an autoregressive flow (Kingma et al., NeurIPS 2016): a leading coordinate moves those after it. Each has an
increasing map W(h) exp(c), whose slope passes smoothly from exp(c_0) at the left to exp(c_J) at the right: its tails
can be as unequal as those of the logarithm of a weakly identified scale. Which coordinates lead is read off third
moments of the score.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import kve

from ppl.infer.chart import HALF_LOG_2PI, Chart
from ppl.infer.gaussian import Layout
from ppl.infer.lbfgs import Limits, Objective, minimise
from ppl.infer.target import Array, Target

LEADERS = 6
# Sum of squares of third moments below which a leading coordinate is not worth its parameters.
WORTH = 0.15
# Third moments are symmetric: a coordinate that is led seems to lead too, by less than this share of the first.
SHARE = 0.3
# Draws for each entry of A before it is free.
DRAWS_FOR_ONE = 40
# Where the slope of a leading coordinate changes, in its standard deviations.
KNOTS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
# Orthonormal contrasts (J + 1, J) of the log slopes: their mean is the diagonal of L.
CONTRASTS = np.linalg.qr(np.eye(len(KNOTS) + 1)[:, 1:] - 1.0 / (len(KNOTS) + 1))[0]
# E[sqrt(1 + h^2)] of a standard normal h.
ARCH_MEAN = float((kve(0, 0.25) + kve(1, 0.25)) / (2.0 * np.sqrt(2.0 * np.pi)))


@dataclass(frozen=True, slots=True)
class Modulated:
    """`order` puts the K leading coordinates of u first; `chart` lives in that order; `scale`, `curve` and
    `bend` (S, A and B) are (D, K), zero where nothing may move; `slopes` (c) is (K, J + 1)."""

    chart: Chart
    order: npt.NDArray[np.intp]
    scale: Array
    curve: Array
    bend: Array
    slopes: Array

    @property
    def leaders(self) -> int:
        return len(self.slopes)

    @property
    def dim(self) -> int:
        return self.chart.dim

    @property
    def w(self) -> Array:
        return self.chart.w

    def to_u(self, e: Array) -> Array:
        """Standard normal rows (S, D) as rows of u."""
        return self.place(self.chart.to_u(modulate(e, self.scale, self.curve, self.bend, self.slopes)))

    def place(self, permuted: Array) -> Array:
        u = np.empty_like(permuted)
        u[:, self.order] = permuted
        return u

    def log_dets(self, e: Array) -> Array:
        """(S,) log |du/de|."""
        lead = e[:, : self.leaders]
        slope = np.sum(bumps(lead) * np.exp(self.slopes), axis=2)
        stretch = np.sum(log_scales(lead, self.scale, self.curve), axis=1) + np.sum(np.log(slope), axis=1)
        return np.asarray(self.chart.log_det() + stretch)


def bumps(lead: Array) -> Array:
    """(S, K, J + 1) shares of each log slope at `lead` (S, K): positive, with sum one."""
    away = lead[:, :, None] - KNOTS
    steps = 0.5 * (1.0 + away / np.sqrt(1.0 + away**2))
    ends = np.ones((*lead.shape, 1))
    return np.asarray(-np.diff(steps, axis=2, prepend=ends, append=0.0 * ends))


def ramps(lead: Array) -> Array:
    """(S, K, J + 1) integrals of the bumps from zero, with sum `lead`."""
    h = lead[:, :, None]
    arches = 0.5 * (h + np.sqrt(1.0 + (h - KNOTS) ** 2) - np.sqrt(1.0 + KNOTS**2))
    return np.asarray(-np.diff(arches, axis=2, prepend=h, append=0.0 * h))


def arches(lead: Array) -> Array:
    """(S, K) what the log scales of the others bend by, with mean zero."""
    return np.asarray(np.sqrt(1.0 + lead**2) - ARCH_MEAN)


def log_scales(lead: Array, scale: Array, curve: Array) -> Array:
    """(S, D), steeper on one side of each leading coordinate than on the other."""
    return np.asarray(lead @ scale.T + arches(lead) @ curve.T)


def modulate(e: Array, scale: Array, curve: Array, bend: Array, slopes: Array) -> Array:
    lead, rest = e[:, : len(slopes)], e[:, len(slopes) :]
    base = np.concatenate([np.sum(ramps(lead) * np.exp(slopes), axis=2), rest], axis=1)
    return np.asarray(np.exp(log_scales(lead, scale, curve)) * base + (lead**2 - 1.0) @ bend.T)


def later(dim: int, leaders: int) -> Array:
    """(D, K) one where a coordinate comes after the leading one that may move it."""
    return (np.arange(dim)[:, None] > np.arange(leaders)) * 1.0


def plain(chart: Chart) -> Modulated:
    """A normal as a modulated normal without leaders."""
    nothing = np.zeros((chart.dim, 0))
    return Modulated(chart, np.arange(chart.dim), nothing, nothing, nothing, np.zeros((0, len(KNOTS) + 1)))


def leading_coordinates(target: Target, chart: Chart, draws: Array) -> list[int]:
    """The coordinates k of u that are skewed or along which others change scale, most first.

    For a normal target the score in x is -e and E[(score_i + e_i) e_i z_k] = 0; z_k is u_k in standard units. Its sum
    of squares over i is 4 to 12 times the nats that a normal loses to it. Kept are those that exceed `WORTH`,
    what noise alone gives, and what the first one reflects.
    """
    u = chart.to_u(draws)
    f, g, _ = target.value_and_grad(u, chart.w)
    if not np.isfinite(f).all():
        return []
    residual = (chart.pull(g) + draws) * draws
    z = (u - chart.centre) / chart.deviations()
    energy = np.sum((residual.T @ z / len(draws)) ** 2, axis=0)
    noise = np.mean(residual**2, axis=0).sum() / len(draws)
    order = np.argsort(-energy, kind="stable")[: min(LEADERS, max(1, chart.dim // 3))]
    least = max(WORTH, 2.0 * noise, SHARE * energy[order[0]])
    return [int(k) for k in order if energy[k] > least]


def permuted(chart: Chart, leaders: list[int]) -> Modulated:
    """The same normal with `leaders` first, and nothing modulated yet."""
    rest = [k for k in range(chart.dim) if k not in leaders]
    order = np.array(leaders + rest)
    covariance = chart.covariance()[np.ix_(order, order)]
    nothing = np.zeros((chart.dim, len(leaders)))
    return Modulated(
        Chart(chart.centre[order], np.linalg.cholesky(covariance), chart.w),
        order,
        nothing,
        nothing,
        nothing,
        np.zeros((len(leaders), len(KNOTS) + 1)),
    )


def turned(target: Target, guide: Modulated, draws: Array) -> Modulated:
    """The same normal, the others turned to the axes along which their scales change with the first leading coordinate.

    E[(score_i + e_i) e_j h] is how the (i, j) entry of the Hessian changes with h; what noise explains is left out.
    """
    k, n = guide.leaders, len(draws)
    f, g, _ = target.value_and_grad(guide.place(guide.chart.to_u(draws)), guide.w)
    if not np.isfinite(f).all():
        return guide
    rest = draws[:, k:]
    residual = (guide.chart.pull(g[:, guide.order])[:, k:] + rest) * draws[:, :1]
    change, squares = residual.T @ rest / n, (residual**2).T @ rest**2 / n**2
    known = np.abs(change + change.T) > 4.0 * np.sqrt(squares + squares.T)
    turn = np.eye(guide.dim)
    turn[k:, k:] = np.linalg.eigh(np.where(known, change + change.T, 0.0))[1]
    return replace(guide, chart=guide.chart.then(np.zeros(guide.dim), turn))


@dataclass(frozen=True, slots=True)
class Features:
    """What the fixed draws (S, D) contribute: ramps and bumps (S, K, J + 1), the leading coordinates
    with their arches and squares (S, K), and the others (S, D - K)."""

    ramp: Array
    bump: Array
    lead: Array
    arch: Array
    square: Array
    follow: Array


def features(draws: Array, leaders: int) -> Features:
    lead = draws[:, :leaders]
    return Features(ramps(lead), bumps(lead), lead, arches(lead), lead**2 - 1.0, draws[:, leaders:])


def modulated_objective(target: Target, start: Modulated, draws: Array) -> Objective:
    """The negative bound and its gradient over (shift, L, S, A, B, contrasts of c), from `start`, not yet
    modulated. L was fitted to the same moments before: only its diagonal and its leading columns move."""
    layout, k, n = Layout(start.dim, True, 0), start.leaders, len(draws)
    own = own_curves(start, n)
    chart, mask, fixed = start.chart, later(start.dim, start.leaders), features(draws, start.leaders)
    constant = chart.log_det() + start.dim * (HALF_LOG_2PI + 0.5)
    free = 1.0 * ((np.eye(start.dim) > 0) | (np.arange(start.dim) < k))

    def one(theta: Array) -> tuple[float, Array]:
        shift, factor, scale, bent, bend, slopes = unpack(theta, layout, start, own)
        diagonal = np.diagonal(factor)
        if np.any(diagonal <= 1e-6) or max(np.max(np.abs(scale)), np.max(np.abs(slopes))) > 5:
            return np.inf, np.zeros_like(theta)
        curve = bent if own else bent * scale
        widths = fixed.lead @ scale.T + fixed.arch @ curve.T
        weight, width = np.exp(slopes), np.exp(widths)
        wide = width * np.concatenate([np.sum(fixed.ramp * weight, axis=2), fixed.follow], axis=1)
        m = wide + fixed.square @ bend.T
        f, g, _ = target.value_and_grad(start.place(chart.to_u(shift + m @ factor.T)), chart.w)
        if not np.isfinite(f).all():
            return np.inf, np.zeros_like(theta)
        g = chart.pull(g[:, start.order])
        gm, slope = g @ factor, np.sum(fixed.bump * weight, axis=2)
        stretch = np.sum(np.log(slope), axis=1) + np.sum(widths, axis=1)
        value = float(np.mean(f) + np.sum(np.log(diagonal)) + np.mean(stretch)) + constant
        dscale, dcurve = (mask * ((gm * wide + 1.0).T @ feature) / n for feature in (fixed.lead, fixed.arch))
        lead = (gm * width)[:, :k, None] * fixed.ramp + fixed.bump / slope[:, :, None]
        pieces = [
            layout.join(g.mean(axis=0), free * (g.T @ m / n) + np.diag(1.0 / diagonal), np.zeros(0)),
            (dscale if own else dscale + dcurve * bent).ravel(),
            (dcurve if own else np.sum(dcurve * scale, axis=0)).ravel(),
            (mask * (gm.T @ fixed.square) / n).ravel(),
            ((weight * np.mean(lead, axis=0)) @ CONTRASTS).ravel(),
        ]
        return -value, -np.concatenate(pieces)

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


def draws_for_curves(guide: Modulated) -> int:
    """How many draws let every follower have a curve of its own, and it follow the posterior rather than the draws."""
    return DRAWS_FOR_ONE * guide.scale.size


def own_curves(guide: Modulated, count: int) -> bool:
    """With fewer draws A is S, each column times one number."""
    return count >= draws_for_curves(guide)


def unpack(theta: Array, layout: Layout, start: Modulated, own: bool) -> tuple[Array, ...]:
    """Shift (D,), L (D, D), S (D, K), A (D, K) or its multiples of S (K,), B (D, K) and c (K, J + 1)."""
    shift, factor, _ = layout.split(theta[: layout.size])
    k, size = start.leaders, start.scale.size
    ends = np.cumsum([layout.size, size, size if own else k, size])
    scale, bent, bend, contrasts = (part.reshape(-1, k) for part in np.split(theta, ends)[1:])
    return shift, factor, scale, bent if own else bent[0], bend, contrasts.reshape(k, len(KNOTS)) @ CONTRASTS.T


def start_of(layout: Layout, start: Modulated, own: bool) -> Array:
    """The parameters of `start` itself."""
    k, size = start.leaders, start.scale.size
    return np.zeros(layout.size + 2 * size + (size if own else k) + k * len(KNOTS))


def fit_modulated(target: Target, start: Modulated, draws: Array, limits: Limits) -> FittedModulated:
    """The best modulated normal for these draws, from `start`."""
    layout, own = Layout(start.dim, True, 0), own_curves(start, len(draws))
    theta = start_of(layout, start, own)
    objective = modulated_objective(target, start, draws)
    found = minimise(objective, theta[None], limits, whitened=True, keep=False)[0]
    shift, factor, scale, bent, bend, slopes = unpack(found.x, layout, start, own)
    curve = bent if own else bent * scale
    guide = Modulated(start.chart.then(shift, factor), start.order, scale, curve, bend, slopes)
    return FittedModulated(guide, -found.value, found.iterations, found.reason)


def modulated_ratios(target: Target, guide: Modulated, e: Array) -> Array:
    """log p(u) - log q(u) (S,) at the draws that `e` maps to."""
    log_e = -0.5 * np.sum(e * e, axis=1) - guide.dim * HALF_LOG_2PI
    return np.asarray(target.value(guide.to_u(e), guide.w) - log_e + guide.log_dets(e))

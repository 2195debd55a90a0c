"""Affine coordinates u = centre + scale x in which the posterior is meant to look standard normal."""

from dataclasses import dataclass

import numpy as np

from ppl.infer.target import Array, Target

HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))


@dataclass(frozen=True, slots=True)
class Chart:
    """`scale` is a (D, D) matrix, or (D,) where only the diagonal is affordable or wanted; `w` are the
    weights of the coordinates u."""

    centre: Array
    scale: Array
    w: Array

    @property
    def dim(self) -> int:
        return len(self.centre)

    @property
    def dense(self) -> bool:
        return self.scale.ndim == 2

    def to_u(self, x: Array) -> Array:
        return self.centre + self.stretch(x)

    def stretch(self, x: Array) -> Array:
        """scale x for each row."""
        return x @ self.scale.T if self.dense else x * self.scale

    def pull(self, gradient: Array) -> Array:
        """Gradients (S, D) in u as gradients in x."""
        return gradient @ self.scale if self.dense else gradient * self.scale

    def log_det(self) -> float:
        return float(np.linalg.slogdet(self.scale)[1] if self.dense else np.sum(np.log(np.abs(self.scale))))

    def then(self, shift: Array, factor: Array) -> "Chart":
        """The chart whose coordinates y satisfy x = shift + factor y."""
        centre = self.to_u(shift[None])[0]
        if factor.ndim == 1:
            return Chart(centre, self.scale * factor, self.w)
        return Chart(centre, self.scale @ factor if self.dense else self.scale[:, None] * factor, self.w)

    def deviations(self) -> Array:
        """(D,) standard deviations in u of a standard normal x."""
        return np.sqrt(np.sum(self.scale**2, axis=1)) if self.dense else np.abs(self.scale)

    def covariance(self) -> Array:
        return self.scale @ self.scale.T if self.dense else np.diag(self.scale**2)


def at_rounding(chart: Chart) -> bool:
    """Whether some coordinate given the others varies by no more than rounding: there differences of nearly equal
    numbers vanish, and a scale that falls with them seems to gain density without end."""
    try:
        inverse = np.linalg.pinv(chart.scale) if chart.dense else np.diag(1.0 / chart.scale)
    except np.linalg.LinAlgError:
        return True
    given_others = 1.0 / np.linalg.norm(inverse, axis=0)
    return bool(np.any(given_others < 1e-12 * np.abs(chart.centre)))


def log_normal(x: Array) -> Array:
    """Log density (S,) of the standard normal at the rows of `x`."""
    return np.asarray(-0.5 * np.sum(x * x, axis=1) - x.shape[1] * HALF_LOG_2PI)


def log_ratios(target: Target, chart: Chart, x: Array) -> Array:
    """log p(u) - log q(u) (S,) for q the normal that `chart` takes to standard normal."""
    return target.value(chart.to_u(x), chart.w) - log_normal(x) + chart.log_det()


def normal_elbo(target: Target, chart: Chart, x: Array) -> float:
    """The evidence lower bound of that normal, from the draws `x`; -inf when any draw has no density."""
    return float(np.mean(log_ratios(target, chart, x)))


def chart_of_moments(u: Array, w: Array) -> Chart:
    """The chart that whitens the points `u` (S, D), S > D."""
    centre = u.mean(axis=0)
    spread = u - centre
    covariance = spread.T @ spread / len(u)
    jitter = 1e-10 * np.diag(np.diagonal(covariance) + 1e-300)
    return Chart(centre, np.linalg.cholesky(covariance + jitter), w)


def symmetric_kl(a: Chart, b: Chart) -> float:
    """KL(a, b) + KL(b, a) between two normals, in nats; charts of the same weights."""
    shift = a.centre - b.centre
    sa, sb = a.covariance(), b.covariance()
    ia, ib = np.linalg.pinv(sa), np.linalg.pinv(sb)
    traces = np.trace(ib @ sa) + np.trace(ia @ sb) - 2 * a.dim
    return float(0.5 * (traces + shift @ (ia + ib) @ shift))

"""Continuous families with parameters at which they are drawn, and scipy's account of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.stats as st
from small import family, modified, ref

from ppl.check.core import Dist


@dataclass(frozen=True)
class Case:
    """A distribution over named parameters; `reference` makes a scipy distribution of their values."""

    name: str
    dist: Dist
    params: dict[str, float]
    reference: Callable[..., Any]
    kind: str


class Angle:
    """Von Mises on [-pi, pi], by integrating its density."""

    def __init__(self, loc: float, concentration: float) -> None:
        self.of = st.vonmises(concentration, loc=loc)

    def pdf(self, x: Any) -> Any:
        return self.of.pdf(x)

    def edges(self) -> np.ndarray:
        return np.linspace(-np.pi, np.pi, 60)

    def cdf(self, x: Any) -> Any:
        nodes, weights = np.polynomial.legendre.leggauss(400)
        half = 0.5 * (np.asarray(x)[..., None] + np.pi)
        return np.sum(weights * half * self.pdf(-np.pi + half * (nodes + 1)), axis=-1)


class Cut:
    """A scipy distribution between two ends."""

    def __init__(self, base: Any, low: float = -np.inf, high: float = np.inf) -> None:
        self.base, self.low, self.high = base, low, high
        self.upper = base.cdf(low) > 0.5
        tail = base.sf if self.upper else base.cdf
        self.ends = tail(low), tail(high)
        self.mass = abs(self.ends[1] - self.ends[0])

    def pdf(self, x: Any) -> Any:
        return np.where((x >= self.low) & (x <= self.high), self.base.pdf(x), 0.0) / self.mass

    def ppf(self, u: Any) -> Any:
        inverse = self.base.isf if self.upper else self.base.ppf
        return inverse(self.ends[0] + np.asarray(u) * (self.ends[1] - self.ends[0]))

    def cdf(self, x: Any) -> Any:
        tail = self.base.sf if self.upper else self.base.cdf
        return np.clip((tail(x) - self.ends[0]) / (self.ends[1] - self.ends[0]), 0, 1)


def case(name: str, reference: Callable[..., Any], kind: str, label: str = "", **params: float) -> Case:
    return Case(label or name, family(name, *(ref(p) for p in params)), params, reference, kind)


def truncated(name: str, base: Callable[..., Any], ends: dict[str, float], label: str, **params: float) -> Case:
    inner = family(name, *(ref(p) for p in params))
    given = [ref(n) if n in ends else None for n in ("low", "high")]

    def reference(*values: float) -> Cut:
        return Cut(base(*values[len(ends) :]), **dict(zip(ends, values, strict=False)))

    return Case(label, modified("Truncated", *given, inner=(inner,)), {**ends, **params}, reference, "implicit")


FAMILIES = [
    case("Normal", st.norm, "reparam", mean=0.3, sd=1.2),
    case("StudentT", st.t, "implicit", df=2.5, mean=0.4, sd=0.8),
    case("StudentT", st.t, "implicit", "StudentT near normal", df=40.0, mean=0.4, sd=0.8),
    case("Cauchy", st.cauchy, "reparam", loc=0.3, scale=0.7),
    case("Laplace", st.laplace, "reparam", loc=0.2, scale=0.9),
    case("Logistic", st.logistic, "reparam", loc=-0.2, scale=0.5),
    case("Gumbel", st.gumbel_r, "reparam", loc=0.1, scale=0.7),
    case("Uniform", lambda lo, hi: st.uniform(lo, hi - lo), "reparam", lo=-0.4, hi=1.3),
    case("Beta", st.beta, "implicit", a=0.7, b=1.8),
    case("Beta", st.beta, "implicit", "Beta of small shapes", a=0.1, b=0.6),
    case("Beta", st.beta, "implicit", "Beta of large shapes", a=300.0, b=120.0),
    case("VonMises", Angle, "implicit", loc=0.7, concentration=1.5),
    case("VonMises", Angle, "implicit", "VonMises across the end", loc=2.6, concentration=1.1),
    case("HalfNormal", lambda sd: st.halfnorm(0, sd), "reparam", sd=0.8),
    case("HalfCauchy", lambda s: st.halfcauchy(0, s), "reparam", scale=0.8),
    case("HalfStudentT", lambda df, s: Cut(st.t(df, 0, s), 0.0), "implicit", df=3.0, scale=0.8),
    case("LogNormal", lambda m, s: st.lognorm(s, scale=np.exp(m)), "reparam", mean_log=-0.5, sd_log=0.8),
    case("Exponential", lambda r: st.expon(scale=1 / r), "reparam", rate=1.4),
    case("Gamma", lambda a, r: st.gamma(a, scale=1 / r), "implicit", shape=1.7, rate=1.3),
    case("Gamma", lambda a, r: st.gamma(a, scale=1 / r), "implicit", "Gamma of small shape", shape=0.15, rate=0.5),
    case("Gamma", lambda a, r: st.gamma(a, scale=1 / r), "implicit", "Gamma of large shape", shape=400.0, rate=300.0),
    case("InvGamma", lambda a, s: st.invgamma(a, scale=s), "implicit", shape=1.6, scale=0.9),
    case("Weibull", lambda a, s: st.weibull_min(a, scale=s), "reparam", shape=1.5, scale=0.9),
    case("Pareto", lambda s, a: st.pareto(a, scale=s), "reparam", scale=0.6, shape=2.2),
    truncated("Normal", st.norm, {"low": 0.2}, "Truncated from below", mean=0.3, sd=1.2),
    truncated("Normal", st.norm, {"low": 7.0}, "Truncated in the tail", mean=0.3, sd=1.2),
    truncated("Normal", st.norm, {"low": -1.0, "high": 0.8}, "Truncated on both sides", mean=0.3, sd=1.2),
    truncated("Normal", st.norm, {"low": 9.0, "high": 10.5}, "Truncated in the tail, both sides", mean=0.3, sd=1.2),
    truncated("Normal", st.norm, {"low": -12.0, "high": -9.0}, "Truncated far below", mean=0.3, sd=1.2),
    truncated("Laplace", st.laplace, {"low": -0.5}, "Truncated Laplace", loc=0.2, scale=0.9),
    truncated("Logistic", st.logistic, {"low": -0.5, "high": 1.0}, "Truncated Logistic", loc=0.2, scale=0.9),
    truncated("Gumbel", st.gumbel_r, {"high": 1.0}, "Truncated Gumbel", loc=0.2, scale=0.9),
    truncated("LogNormal", lambda m, s: st.lognorm(s, scale=np.exp(m)), {"low": 1.5}, "Cut LogNormal", m=0.1, s=0.8),
    truncated("Weibull", lambda a, s: st.weibull_min(a, scale=s), {"low": 0.5}, "Cut Weibull", shape=1.5, scale=0.9),
    truncated("Exponential", lambda r: st.expon(scale=1 / r), {"low": 0.5}, "Cut Exponential", rate=1.3),
    truncated("HalfNormal", lambda s: st.halfnorm(0, s), {"low": 0.5}, "Cut HalfNormal", sd=1.3),
    truncated("Pareto", lambda s, a: st.pareto(a, scale=s), {"low": 0.9}, "Cut Pareto", scale=0.6, shape=2.2),
    truncated("Beta", st.beta, {"low": 0.2, "high": 0.7}, "Truncated Beta", a=1.7, b=2.2),
    truncated("StudentT", st.t, {"high": 0.9}, "Truncated StudentT", df=3.0, mean=0.3, sd=1.2),
    truncated("Gamma", lambda a, r: st.gamma(a, scale=1 / r), {"high": 0.9}, "Truncated Gamma", shape=1.7, rate=1.3),
]

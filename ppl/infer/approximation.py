"""What a fit is asked for and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ppl.infer.modulated import Modulated
from ppl.infer.target import Array

Guide: TypeAlias = Literal["auto", "mean_field", "full_rank", "laplace"]
Verdict: TypeAlias = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Options:
    """`draws`: how many draws to return, at least (four times as many where weights are uneven); `tol`: the largest
    change that fresh draws may call for in a mean (in standard deviations) or a standard deviation (relative); `init`
    (D,): where to start, at weights of zero; `steps`: the most stochastic steps, where those are needed;
    `rate`: the size of the first of them."""

    guide: Guide = "auto"
    draws: int = 4000
    seed: int = 0
    max_seconds: float = 600.0
    tol: float = 0.03
    restarts: int = 4
    init: Array | None = None
    steps: int | None = None
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """One line for whoever watches: a stage and what is known so far."""

    stage: str
    elbo: float
    gradients: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Mode:
    """Another place where the posterior has mass: its Laplace evidence in nats relative to the fitted one, and the
    symmetric KL divergence between their two normals."""

    u: Array
    log_mass: float
    divergence: float


@dataclass(frozen=True, slots=True)
class Trust:
    """How far the result can be relied on, and why, in plain words."""

    verdict: Verdict
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """`gradients` and `values` count rows; `calls` counts batched calls; `stages` are (name, seconds)."""

    gradients: int
    values: int
    calls: int
    iterations: int
    stages: tuple[tuple[str, float], ...]

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self.stages)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything the verdict rests on; each field was measured in the fit. `tail` is the part of a variance that may
    lie beyond ten deviations of the guide, where no proposal draw looks; `missed` by how many nats, at least, draws of
    wider guides find more evidence; `points` are the unknowns of which a guide knows one value only;
    `loose` the share of positions whose own unknowns the guide fits badly, `shared` whether there are unknowns of no
    position (both of fits by minibatches)."""

    elbo: float
    elbo_se: float
    gap: float
    gap_se: float
    shift: float
    scale: float
    log_evidence: float
    log_evidence_se: float
    khat: float
    khat_limit: float
    ess: float
    corrected: bool
    moment_error: float
    starts_agree: bool
    modes: tuple[Mode, ...]
    settled: bool
    draws: int
    tail: float = 0.0
    missed: float = 0.0
    loose: float = 0.0
    shared: bool = True
    points: str = ""


@dataclass(frozen=True, slots=True)
class Optimum:
    """How the parameters theta (P,) of an objective were found.

    `value` and `value_se` are of fresh draws, larger is better. `error` (P,) is the Monte Carlo standard error of each
    parameter; `variance` the mean over the coordinates of a block of the variance of one draw's gradient at the end.
    `method` is `fixed draws` (deterministic, by L-BFGS) or `averaged steps` (stochastic); `steps` are its iterations,
    `rate` the last step size and `rows` the draws of its last step; `polished` names the blocks that L-BFGS finished.
    `not_finite` counts rows whose value or gradient was not finite, and `trouble` (P,) is where they last were more
    than one in ten. Where data were looked at part by part, `batch` positions of `batch_axis` made a minibatch, and
    steps on them were so many `passes` over the data.
    """

    theta: Array
    value: float
    value_se: float
    error: Array
    variance: Mapping[str, float]
    method: str
    steps: int
    rate: float
    rows: int
    polished: tuple[str, ...]
    not_finite: int
    trouble: Array | None
    batch: int = 0
    batch_axis: str = ""
    passes: float = 0.0


@dataclass(frozen=True, slots=True)
class Approximation:
    """A normal in u = loc + scale e at the weights `w`, and draws u (N, D) with normalised weights (N,).

    When `evidence.corrected`, the draws are importance draws and their weighted moments replace those of the normal;
    otherwise they are draws of the normal with equal weights. `scale` is (D, D) lower triangular, or (D,) standard
    deviations for a diagonal family. `guide.to_u(e)` maps standard normal rows to draws of the guide itself, which may
    bend that normal. `evidence.gap` is the bound on the fitting draws less that on fresh ones, in nats.

    Where `optimum` is given, what was fitted is an objective (family `guide`, or `objective` where it is no bound):
    `loc` and `w` are its parameters theta (P,), `scale` their Monte Carlo standard errors, `u` (N, noise) the uniforms
    of the draws, and there is no `guide`.
    """

    family: str
    loc: Array
    scale: Array
    guide: Modulated | None
    w: Array
    u: Array
    weights: Array
    evidence: Evidence
    trust: Trust
    cost: Cost
    reason: str
    optimum: Optimum | None = None

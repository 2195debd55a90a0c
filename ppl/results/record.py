"""What a fit consists of: plain records, which files write and read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ppl.infer.approximation import Evidence, Trust
from ppl.results.carried import Carried
from ppl.results.quantity import Probabilities, Quantity
from ppl.source.diagnostic import Diagnostic

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Guide:
    """The guide in the unconstrained coordinates; `loc` and `scale` are those of its normal part. `slots` are the
    columns of each unknown, `weights` the degrees of centring (1 centred, 0 non-centred) by unknown."""

    family: str
    loc: Array
    scale: Array
    weights: Mapping[str, float]
    slots: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A parameter of the author's: its value and the Monte Carlo standard error of that, with the shape of `axes`."""

    name: str
    axes: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    value: Array
    se: Array


@dataclass(frozen=True, slots=True)
class Search:
    """How an objective was optimised. `aim` is `bound`, `minimum` or `maximum`, `value` what was reached, as the author
    wrote it; `method` is `fixed draws` or `averaged steps`; `variance` is by parameter or unknown the mean variance of
    one draw's gradient, `not_finite` the number of draws that were left out; `bound` is what a bound of several draws
    is called; `batch` positions of `batch_axis` made a minibatch (0: there were none), and steps on them were so many
    `passes` over the data."""

    aim: str
    value: float
    value_se: float
    method: str
    steps: int
    rate: float
    rows: int
    polished: tuple[str, ...]
    not_finite: int
    variance: Mapping[str, float]
    bound: str = ""
    batch: int = 0
    batch_axis: str = ""
    passes: float = 0.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds by stage of the whole run, and the gradient evaluations (each draw of a batched call is one)."""

    compile: float
    bind: float
    optimise: float
    gradients: int
    calls: int

    @property
    def total(self) -> float:
        return self.compile + self.bind + self.optimise


@dataclass(frozen=True, slots=True, eq=False)
class FitRecord:
    """Everything that is known after a fit. `omitted` are derived names too large to keep draws of; `params` what was
    learned of the author's parameters; `search` is there where an objective was optimised; `imports` are the texts of
    the files that the model imports from, by their names from its folder; `tables` the rows of each table, where
    there are several; `carried` is what predictions need, which
    fits of earlier versions have not."""

    model: str
    text: str
    source: str
    fingerprint: str
    rows: int
    quantities: Mapping[str, Quantity | Probabilities]
    guide: Guide
    evidence: Evidence
    trust: Trust
    reason: str
    timing: Timing
    seed: int
    converged: bool
    units: Mapping[str, str]
    omitted: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    params: Mapping[str, Learned] = field(default_factory=dict)
    search: Search | None = None
    imports: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, int] = field(default_factory=dict)
    carried: Carried | None = None

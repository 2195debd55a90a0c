"""What a fit says: labelled quantities, how far they can be trusted, and what it cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ppl.infer.approximation import Approximation, Evidence, Trust
from ppl.results.quantity import Probabilities, Quantity
from ppl.results.table import CI, Summary
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
class Fit:
    """A fitted posterior. `fit["theta"]` gives labelled draws, `fit.summary()` a table, `ppl.results.files.save` a file
    that loads without the data. `omitted` are derived names too large to keep draws of."""

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

    def __getitem__(self, name: str) -> Quantity | Probabilities:
        """The labelled draws (or probabilities) of an unknown or a derived value. Raises KeyError."""
        if name not in self.quantities:
            raise KeyError(f"no `{name}` in this fit; it has {', '.join(self.quantities)}")
        return self.quantities[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.quantities)

    def __contains__(self, name: object) -> bool:
        return name in self.quantities

    def summary(self, *names: str, ci: float = CI) -> Summary:
        """A table of these names, or of all: mean, sd and the quantiles of an interval of probability `ci`."""
        chosen = {name: self[name] for name in names} if names else self.quantities
        return Summary(chosen, self.units, ci)


def is_converged(approximation: Approximation) -> bool:
    """Whether fresh draws agreed with the fit before time ran out."""
    return approximation.evidence.settled and approximation.reason != "out of time"

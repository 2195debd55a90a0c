"""A fitted posterior: what people hold in their hands."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from ppl.data.options import Options
from ppl.infer.approximation import Approximation
from ppl.results.files import load_record, save
from ppl.results.new_rows import NewLevels
from ppl.results.predict import Predictions, predict
from ppl.results.quantity import Probabilities, Quantity
from ppl.results.record import FitRecord
from ppl.results.table import CI, Summary


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fit(FitRecord):
    """A fitted posterior. `fit["theta"]` gives labelled draws, `fit.summary()` a table, `fit.save(path)` a file that
    loads without the data, `fit.params["rate"].value` what was learned of a parameter of the author's."""

    def __getitem__(self, name: str) -> Quantity | Probabilities:
        """The labelled draws (or probabilities) of an unknown or a derived value. Raises KeyError."""
        if name not in self.quantities:
            raise KeyError(f"no `{name}` in this fit; it has {', '.join(self.quantities)}")
        return self.quantities[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.quantities)

    def __repr__(self) -> str:
        names = ", ".join((*self.params, *self.quantities))
        return f"<fit of {self.model} to {self.source}: {self.trust.verdict}; {names}>"

    def __contains__(self, name: object) -> bool:
        return name in self.quantities

    def save(self, path: str | Path) -> None:
        """Write a file that `ppl.load_fit` reads without the data. Raises ModelError (E707) where it cannot be."""
        save(self, path)

    def predict(
        self,
        new_data: object,
        *,
        new_levels: NewLevels = "sample",
        seed: int = 0,
        draws: int | None = None,
        options: Options | None = None,
    ) -> Predictions:
        """What the fit says of new rows: a path, a dict of arrays, or a data frame, with the columns that the model
        reads; outcomes may be there or not. `fit.predict(new)["y"]` are labelled draws, one for each row and draw.
        `new_levels="error"` refuses levels that the fit has not seen, instead of drawing them from their prior. Raises
        ModelError: E6xx for the data, E8xx for what cannot be predicted."""
        return predict(self, new_data, options, new_levels, seed, draws)

    def summary(self, *names: str, ci: float = CI) -> Summary:
        """A table of these names, or of all: mean, sd and the quantiles of an interval of probability `ci`."""
        chosen = {name: self[name] for name in names} if names else self.quantities
        return Summary(chosen, self.units, ci)


def load_fit(path: str | Path) -> Fit:
    """The fit in a file. Raises ModelError (E704) for what is missing, damaged, foreign or from a later version."""
    record = load_record(path)
    return Fit(**{field.name: getattr(record, field.name) for field in fields(record)})


def is_posterior(fit: FitRecord) -> bool:
    """Whether the fit approximates a posterior; otherwise it is the optimum of an expectation."""
    return fit.search is None or fit.search.aim == "bound"


def is_converged(approximation: Approximation) -> bool:
    """Whether fresh draws agreed with the fit before time ran out."""
    return approximation.evidence.settled and approximation.reason != "out of time"

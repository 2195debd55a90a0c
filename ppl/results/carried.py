"""What a fit keeps for predictions, beside its draws: enough to say something about new rows without the old ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ppl.forward.named import Array, Named

Labels = tuple[str, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """`defines` are the constants that were set; `axes` the length and the labels of every axis; `stored` what the
    model computes from all of the data; `columns` those that are not on the rows, and of the others the last `kept`
    rows. `levels` are draws of unknowns that the fit reports as probabilities, without those on the rows; `tail` draws
    of what is on the rows, at the last `kept` of them; `weights` belong to the draws of both."""

    defines: Mapping[str, object]
    axes: Mapping[str, tuple[int, Labels]]
    stored: Mapping[str, Named]
    columns: Mapping[str, Named]
    levels: Mapping[str, Named]
    tail: Mapping[str, Named]
    weights: Array
    rows: int = 0
    kept: int = 0
    lost: tuple[str, ...] = field(default=())

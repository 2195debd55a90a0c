"""What a fit keeps for predictions, as arrays and text of its file."""

from collections.abc import Mapping
from typing import Any

from ppl.forward.named import Array, Named
from ppl.results.carried import Carried

GROUPS = ("stored", "columns", "levels", "tail")


def carried_head(carried: Carried, arrays: dict[str, Array]) -> dict[str, Any]:
    """What is text; the arrays go to `arrays`."""
    arrays["carried/weights"] = carried.weights
    groups: dict[str, Mapping[str, Named]] = {name: getattr(carried, name) for name in GROUPS}
    for group, values in groups.items():
        for i, v in enumerate(values.values()):
            arrays[f"carried/{group}/{i}"] = v.values
    return {
        "defines": dict(carried.defines),
        "axes": {name: list(axis) for name, axis in carried.axes.items()},
        **{group: [[name, list(v.axes)] for name, v in values.items()] for group, values in groups.items()},
        "rows": carried.rows,
        "kept": carried.kept,
        "lost": list(carried.lost),
    }


def carried_of(head: dict[str, Any] | None, arrays: Mapping[str, Array]) -> Carried | None:
    """What was kept; nothing by earlier versions."""
    if head is None:
        return None
    groups = {
        group: {name: Named(arrays[f"carried/{group}/{i}"], tuple(axes)) for i, (name, axes) in enumerate(head[group])}
        for group in GROUPS
    }
    return Carried(
        defines=head["defines"],
        axes={name: (int(size), _labels(labels)) for name, (size, labels) in head["axes"].items()},
        stored=groups["stored"],
        columns=groups["columns"],
        levels=groups["levels"],
        tail=groups["tail"],
        weights=arrays["carried/weights"],
        rows=head["rows"],
        kept=head["kept"],
        lost=tuple(head["lost"]),
    )


def _labels(labels: list[str] | None) -> tuple[str, ...] | None:
    return None if labels is None else tuple(labels)

"""Where the parameters and uniform numbers of an objective stand, by the lengths of its axes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ppl.data.bound import Bound
from ppl.emit.goal import JointAxes
from ppl.emit.inputs import CELLS, Inputs, largest_array, lay_out, made_size
from ppl.emit.objective_program import EmittedObjective
from ppl.stdlib.flows import weights_of


@dataclass(frozen=True, slots=True)
class Layout:
    """`slots` are the coordinates of each parameter, `dim` of all together; `noises` and `noise` those of uniform
    numbers; `most` is how many draws one call takes at a time."""

    sizes: Mapping[str, int]
    slots: Mapping[str, slice]
    noises: Mapping[str, slice]
    dim: int
    noise: int
    most: int


def laid_out(emitted: EmittedObjective, bound: Bound, sizes: Mapping[str, int]) -> Layout:
    """Where everything stands for data of these sizes."""
    sizes = dict(sizes)
    probe = Inputs(bound, {}, emitted.tables)
    for joint in emitted.joined:
        joined_sizes(joint, probe, sizes)
    for axes in (*(p.axes for p in emitted.params), *(n.axes for n in emitted.noises)):
        for a in axes:
            sizes.setdefault(a, as_level_count(a, emitted, sizes) or made_size(a, probe, sizes))
    levels = {axis: as_level_count(axis, emitted, sizes) for axis, _ in emitted.levels}
    sizes = {**{axis: count for axis, count in levels.items() if count}, **sizes}
    slots: dict[str, slice] = {}
    noises: dict[str, slice] = {}
    dim = lay_out(((p.name, p.axes) for p in emitted.params), sizes, slots)
    noise = lay_out(((n.key, n.axes) for n in emitted.noises), sizes, noises)
    known = {axis: sizes.get(axis, 1) for table in emitted.tables for axis in table}
    most = max(1, CELLS // largest_array(emitted.tables, {**known, **sizes}))
    return Layout(sizes, slots, noises, dim, noise, most)


def joined_sizes(joint: JointAxes, inputs: Inputs, sizes: dict[str, int]) -> None:
    """The lengths of the axes of a joint draw."""
    for a in (a for axes in (*joint.members, (joint.axis,) * (not joint.members)) for a in axes):
        sizes.setdefault(a, made_size(a, inputs, sizes))
    if joint.members:
        sizes[joint.axis] = sum(int(np.prod([sizes[a] for a in axes], dtype=int)) for axes in joint.members)
    size = sizes[joint.axis]
    sizes[joint.noise], sizes[joint.out] = size + joint.extra, size + 1
    for axis, name, settings in joint.weights:
        sizes[axis] = weights_of(name, size, *settings)


def as_level_count(axis: str, emitted: EmittedObjective, sizes: Mapping[str, int]) -> int:
    """The length of the axis of the levels of a drawn unknown; 0 for other axes."""
    kind = dict(emitted.levels).get(axis, "")
    return 2 * (kind == "bool") or sizes.get(kind.removeprefix("level:"), 0)

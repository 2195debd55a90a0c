"""What a guide may read, statement by statement: it draws from top to bottom, and reads only what it has drawn."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ppl.check.block import Block
from ppl.check.complaints import above
from ppl.check.core import Derived, FactorTerm, Joint, Site
from ppl.check.lags import Read, depends, dist_reads_back, reads_back
from ppl.check.scope import Entry, Scope
from ppl.source.span import Span


@dataclass(frozen=True, slots=True)
class Model:
    """What a guide knows of the model: its unknowns, its derived values, the columns whose blanks are unknowns too, and
    the scope at its end."""

    unknowns: Mapping[str, Site]
    derived: Mapping[str, Derived]
    blanks: frozenset[str]
    scope: Scope


@dataclass(slots=True)
class Walk:
    """A guide while it is being read. `drawn` holds the unknowns that it has named, with the place; `sampled` those
    whose values are known from here on; `pending` those that the loops around will have drawn at earlier positions;
    `joints` are the draws of coordinates."""

    block: Block
    model: Model
    name: str
    drawn: dict[str, Span] = field(default_factory=dict)
    sampled: dict[str, Entry] = field(default_factory=dict)
    pending: frozenset[str] = frozenset()
    joints: list[Joint] = field(default_factory=list)


def look_around(walk: Walk) -> None:
    """The names of the model that a statement here may read: the unknowns that have been sampled, and the derived
    values that come from them alone. In a loop, what the unknowns of the loop were at earlier positions is known."""
    names, unsampled = dict(walk.block.scope.names), {}
    for name, entry in walk.model.scope.names.items():
        missing = _missing(name, walk)
        if missing is None:
            names[name] = walk.sampled.get(name, entry)
        else:
            names.pop(name, None)
            unsampled[name] = missing
    walk.block.scope = replace(walk.block.scope, names=names, unsampled=unsampled)


def _missing(name: str, walk: Walk) -> tuple[str, str] | None:
    """The unknown that keeps a name of the model from being read here, if any does, with the complaint to make."""
    model = walk.model
    if name in model.blanks:
        return "E505.blanks", name
    if name in model.unknowns:
        is_known = name in walk.sampled or name in walk.pending
        return None if is_known else ("E505.automatic" if name in walk.drawn else "E505", name)
    if name not in model.derived:
        return None
    found: list[str] = []
    for axis in _loop_axes(walk):
        # whether it is read far enough back is asked of the statement that reads it
        spare = 1 if axis in model.derived[name].axes else 0
        late = list(_late(reads_back(model.derived[name].value, axis), axis, walk, spare))
        if not late:
            return None
        found.append(late[0][0])
    return "E505.blanks" if found[0] in model.blanks else "E505.through", found[0]


def _loop_axes(walk: Walk) -> tuple[str, ...]:
    return tuple(loop.axis for loop in walk.block.scope.loops) or ("",)


def _late(reads: Iterator[Read], axis: str, walk: Walk, spare: int = 0) -> Iterator[Read]:
    """The unknowns behind these reads that are not known yet, nor would be `spare` positions farther back."""
    own = {s.name: s for s in walk.block.statements if isinstance(s, Derived)}
    for name, back, span in depends(reads, axis, {**walk.model.derived, **own}):
        is_known = name in walk.sampled or (name in walk.pending and back + spare > 0)
        if name in walk.model.blanks or (name in walk.model.unknowns and not is_known):
            yield name, back, span


def is_in_time(statement: Site | Derived, walk: Walk) -> bool:
    """Whether a statement reads only what has been sampled: before it, or by the loop at earlier positions."""
    first: Read | None = None
    for axis in _loop_axes(walk):
        late = next(_late(_reads(statement, axis), axis, walk), None)
        if late is None:
            return True
        first = first or late
    assert first is not None
    own = first[0] == statement.name
    walk.block.report.add("E505", first[2], name=first[0], help=above(first[0], own, walk.block.scope))
    return False


def _reads(statement: Site | Derived | FactorTerm, axis: str) -> Iterator[Read]:
    return dist_reads_back(statement.dist, axis) if isinstance(statement, Site) else reads_back(statement.value, axis)

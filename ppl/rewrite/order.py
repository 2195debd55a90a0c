"""The order in which discrete unknowns are summed out, and what each summation costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import networkx as nx

from ppl.check.core import Expr
from ppl.source.span import NOWHERE, Span

# Chains that are summed out as one: the state is then a tuple of theirs.
PARTS = 3
# How many positions back a chain may be read: its state is then a tuple of as many levels.
MEMORY = 3
# How many levels an unknown is taken to have where only the data say how many.
GUESS = 10


@dataclass(frozen=True, slots=True)
class Access:
    """How a density reads a discrete unknown: at each position its own (`index` None), or at the position that an index
    of the data names; and at those up to `lag` steps before, along the axis `along`. With a `reason`, in a way that
    couples more positions than can be summed out."""

    index: Expr | None = None
    reason: str = ""
    lag: int = 0
    along: str = ""
    where: Span = field(default=NOWHERE, compare=False)


def positions(index: Expr, axes: tuple[str, ...]) -> dict[str, Expr]:
    """The position along each axis of an unknown over `axes` that an index names: an expression for the only axis, or
    `at` (attrs: axes) with one for each of several."""
    args = index.args if index.op == "at" else (index,)
    return dict(zip(map(str, index.attrs) if index.op == "at" else axes, args, strict=True))


Ways = Mapping[str, Access]
OWN = Access()


@dataclass(frozen=True, slots=True)
class Elimination:
    """An unknown that is summed out, and how each density that it reaches reads it. A `leaf` is blank cells that
    nothing else reads: their probabilities add up to one, whatever the levels. A chain has the axis `along` which its
    densities read positions before, `memory` of them at most. `levels` is how many it has, 0 where the data say; `open`
    that it has no last one, and only a window of them is summed; `columns` are the counts in the data that its
    densities have seen. Nothing but its own density reads an `unread` one, so that it adds up to one."""

    name: str
    axes: tuple[str, ...]
    accesses: tuple[tuple[str, Access], ...]
    leaf: bool = False
    along: str = ""
    memory: int = 1
    levels: int = 0
    open: bool = False
    columns: tuple[str, ...] = ()
    unread: bool = False

    @property
    def by_term(self) -> Mapping[str, Access]:
        return dict(self.accesses)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an unknown cannot be summed out, and where that is said."""

    reason: str
    where: Span


@dataclass(frozen=True, slots=True)
class Step:
    """One summation: over the levels of one unknown, or over the paths of chains that meet. `others` are the unknowns
    that share its tables."""

    members: tuple[Elimination, ...]
    others: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(e.name for e in self.members)

    @property
    def axes(self) -> tuple[str, ...]:
        """The plate whose positions have a table each."""
        return self.members[0].axes

    @property
    def along(self) -> str:
        return self.members[0].along

    @property
    def memory(self) -> int:
        """How many positions back the densities read."""
        return self.members[0].memory

    @property
    def left(self) -> tuple[str, ...]:
        """The plate of what is left when this is done."""
        return tuple(a for a in self.axes if a != self.along)


def joined(ways: Iterable[Access], most: int = 1) -> Access | None:
    """Several ways in which one density reads an unknown, as one; None where there is none. The farthest step back
    covers those before it; it is at most `most`."""
    every = list(ways)
    bad = next((w for w in every if w.reason), None)
    if not every or bad is not None:
        return bad
    if any(w.index != every[0].index for w in every):
        return Access(reason="`{term}` reads two positions of it at once")
    last = max(every, key=lambda w: w.lag)
    if any(w.lag and w.along != last.along for w in every):
        return Access(reason="`{term}` reads it back along two axes at once", where=last.where)
    if last.lag > most:
        return Access(reason=f"it is read {last.lag} steps back along `{last.along}`", where=last.where)
    return last


def schedule(found: Sequence[Elimination], extra: Sequence[Ways] = ()) -> tuple[list[Step], dict[str, str]]:
    """The order in which unknowns can be summed out, each inside its plate: inner plates first, and within one plate
    the unknown that brings the fewest others together (min-fill; Koller & Friedman, Probabilistic Graphical Models,
    2009, 9.4.3), then the smallest table, then the last defined. And those for which there is no order, with the
    reason. `extra` is how more densities read them."""
    place = {e.name: i for i, e in enumerate(found)}
    waiting = {e.name: e for e in found if not e.leaf}
    axes = {name: e.axes for name, e in waiting.items()}
    levels = {name: e.levels or GUESS for name, e in waiting.items()}
    densities = [*_densities(waiting.values()), *extra]
    done: list[Step] = []
    while waiting:
        options = {name: _step(e, waiting, densities, axes) for name, e in waiting.items()}
        ready = {name: (step, left) for name, (step, left) in options.items() if not isinstance(left, str)}
        if not ready:
            inner = max(len(e.axes) for e in waiting.values())
            stuck = {n: _obstacle(e, str(options[n][1]), found) for n, e in waiting.items() if len(e.axes) == inner}
            return done, stuck
        meets = _meetings(densities)
        best = min(ready, key=lambda n: (-len(axes[n]), *_cost(ready[n][0], meets, levels), -place[n]))
        step, left = ready[best]
        done.append(step)
        densities = [*(d for d in densities if not set(step.names) & set(d)), left]
        waiting = {name: e for name, e in waiting.items() if name not in step.names}
    return done, {}


def _densities(waiting: Iterable[Elimination]) -> list[Ways]:
    every = list(waiting)
    terms = dict.fromkeys(term for e in every for term in e.by_term)
    return [{e.name: e.by_term[t] for e in every if t in e.by_term} for t in terms]


def _meetings(densities: Iterable[Ways]) -> nx.Graph:
    """The unknowns, joined where one density reads both."""
    meets = nx.Graph()
    for d in densities:
        names = list(d)
        meets.add_nodes_from(names)
        meets.add_edges_from((a, b) for i, a in enumerate(names) for b in names[i + 1 :])
    return meets


def _cost(step: Step, meets: nx.Graph, levels: Mapping[str, int]) -> tuple[int, int]:
    """How many pairs of unknowns would meet that did not, and the cells of the table for one position."""
    others = step.others
    fill = sum(not meets.has_edge(a, b) for i, a in enumerate(others) for b in others[i + 1 :])
    return fill, cells(step, levels)


def cells(step: Step, levels: Mapping[str, int]) -> int:
    """The cells of the table of a step for one position of its plate, `levels` being how many each unknown has. In a
    chain, a state meets the one before."""
    total = 1
    for name in step.names:
        total *= levels[name] ** (step.memory + 1 if step.along else 1)
    for name in step.others:
        total *= levels[name]
    return total


def table(step: Step) -> tuple[str, ...]:
    """The axes of the table of a step: those of levels, the position before in a chain as `z?1`, and its plate."""
    back = range(1, step.memory + 1) if step.along else ()
    own = (f"{n}?{k or ''}" for n in step.names for k in (0, *back))
    return (*own, *(f"{n}?" for n in step.others), *step.axes)


def _step(
    e: Elimination, waiting: Mapping[str, Elimination], densities: Sequence[Ways], axes: Mapping[str, tuple[str, ...]]
) -> tuple[Step, Ways | str]:
    """The summation of an unknown, together with the chains that it meets, and how what is left reads the others; or
    the name of one that is in the way."""
    step = Step((e,))
    while True:
        touched = [d for d in densities if set(step.names) & set(d)]
        left = after(step, touched, axes)
        if not isinstance(left, str):
            return replace(step, others=tuple(left)), left
        other = waiting[left]
        meets = e.along and (other.along, other.axes) == (e.along, e.axes) and other not in step.members
        meets = meets and e.memory == other.memory == 1
        if not meets or len(step.members) == PARTS:
            return step, left
        step = Step((*step.members, other))


def after(step: Step, touched: Sequence[Ways], axes: Mapping[str, tuple[str, ...]]) -> Ways | str:
    """How what is left of the touched densities reads the other unknowns once a step is done, or the name of one that
    it would read at several positions. `axes` are those of every unknown."""
    left: dict[str, Access] = {}
    for ways in touched:
        through = next(ways[name] for name in step.names if name in ways)
        for name, way in ways.items():
            if name in step.names:
                if way.index != through.index:
                    return name
                continue
            moved = _moved(way, axes[name], through, step)
            both = None if moved is None else joined([left.get(name, moved), moved], MEMORY)
            if both is None or both.reason:
                return name
            left[name] = both
    return left


def _moved(way: Access, axes: tuple[str, ...], through: Access, step: Step) -> Access | None:
    """The way in which an unknown over `axes` is read, in terms of the plate that a step leaves, which the density
    reads `through` its own way; None where one position of that plate would meet several of the unknown."""
    if not axes:
        return way
    if through.index is None:
        read = axes if way.index is None else way.index.axes
        return way if set(read) <= set(step.left) else None
    same = way.index == through.index and axes == step.axes and not step.along
    return Access(lag=way.lag, along=way.along) if same else None


def _obstacle(e: Elimination, other: str, found: Sequence[Elimination]) -> str:
    chains = [f for f in found if e.along and (f.along, f.axes) == (e.along, e.axes)]
    if len(chains) > PARTS and any(f.name == other for f in chains):
        return f"more than {PARTS} chains along `{e.along}` meet, `{other}` among them"
    return f"it meets `{other}` across plates"

"""What names mean where: entries, scopes, and the report that collects complaints."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ppl.check.bounds import REAL_LINE
from ppl.check.core import AxisSpec, Expr
from ppl.check.reading import Definition
from ppl.check.weights import Body, Book
from ppl.source.diagnostic import Diagnostic, Note, complain
from ppl.source.span import NOWHERE, Span
from ppl.stdlib.intervals import Interval
from ppl.syntax import ast

FRAMELESS = frozenset("E101 E102 E103 E104 E105 E108 E330 E331 E332 E333 E340 E341 E344 E345".split())


@dataclass(slots=True)
class Report:
    """All complaints of one run. The same complaint at the same place is kept once; `muted` swallows trial runs."""

    found: list[Diagnostic] = field(default_factory=list)
    muted: bool = False

    def add(self, key: str, span: Span | None, *, also: tuple[Note, ...] = (), **holes: object) -> None:
        complaint = complain(key, span, also=also, **holes)  # type: ignore[arg-type]
        if not self.muted and complaint not in self.found:
            self.found.append(complaint)

    def take_over(self, others: "Report") -> None:
        """The complaints of a trial run that hold whatever the left side of the statement is."""
        for complaint in others.found:
            if complaint.code in FRAMELESS and not self.muted and complaint not in self.found:
                self.found.append(complaint)


@dataclass(frozen=True, slots=True)
class Entry:
    """A value that has a name. `kind`: data, const, param, unknown, derived, local, failed (its definition has been
    complained about) or foreign (it belongs to a part of the language that has been complained about). `axes` are in
    the written order. `bounds` hold every value it can take; `random` says whether it depends on an unknown, `learned`
    whether on a parameter; a local carries its `value`."""

    name: str
    kind: str
    axes: tuple[str, ...]
    type: str
    bounds: Interval = REAL_LINE
    random: bool = False
    learned: bool = False
    value: Expr | None = None
    literal: ast.Expr | None = None
    span: Span = NOWHERE


@dataclass(frozen=True, slots=True)
class Loop:
    """`for name in axis`: `axis` is primed when a loop outside already runs over it; `first` is the lowest position
    that an `if` around has left possible."""

    name: str
    axis: str
    first: int = 1


@dataclass(frozen=True, slots=True)
class Home:
    """A file that functions are imported from: what it can call, and its text."""

    functions: Mapping[str, ast.Fun]
    text: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The names in force. `frame` holds the axes of the statement's left side (None for `y = ...`); `definitions` are
    those of the whole block, for names that are not in force yet; `statement` is where the statement stands;
    `nets` are the nets, `book` their weights, and `body` the net whose body this is;
    `foreign` are the functions that are known by name only; `unsampled` are, inside a guide, the names of the model
    that it cannot read yet, each with the complaint about that and the unknown that is missing;
    `rows` are the axes of the tables, `keys` the columns that name those rows; `homes` are the files that functions
    are imported from, and `file` is the one whose text this is. There, only the names `own` are seen."""

    names: Mapping[str, Entry]
    axes: Mapping[str, AxisSpec]
    functions: Mapping[str, ast.Fun]
    report: Report
    frame: tuple[str, ...] | None = None
    loops: tuple[Loop, ...] = ()
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    calling: tuple[str, ...] = ()
    target: str = ""
    target_span: Span | None = None
    statement: Span | None = None
    foreign: frozenset[str] = frozenset()
    unsampled: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rows: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()
    text: str = ""
    nets: Mapping[str, ast.Net] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    body: Body | None = None
    homes: Mapping[str, Home] = field(default_factory=dict)
    file: str = ""
    own: frozenset[str] | None = None

    def loop(self, name: str) -> Loop | None:
        return next((loop for loop in reversed(self.loops) if loop.name == name), None)

    def within(self, frame: tuple[str, ...] | None, target: str = "", span: Span | None = None) -> "Scope":
        return replace(self, frame=frame, target=target, target_span=span)

    def knowing(self, loop: Loop, first: int) -> "Scope":
        """Inside a branch that only positions from `first` on reach."""
        raised = replace(loop, first=max(loop.first, first))
        return replace(self, loops=tuple(raised if each is loop else each for each in self.loops))

    def at_home(self, span: Span, own: Iterable[str] = ()) -> "Scope":
        """The scope in which the body of a function is read: one that is imported sees what its own file has, and the
        names `own`."""
        home = self.homes.get(span.file)
        if home is None or span.file == self.file:
            return self
        return replace(
            self,
            functions=home.functions,
            text=home.text,
            file=span.file,
            own=frozenset(own),
            definitions={},
            unsampled={},
        )

    def entry(self, name: str) -> Entry | None:
        """What a written name means; None where nothing is called that."""
        return self.names.get(name) if self.own is None or name in self.own else None

    def naming(self, entries: Mapping[str, Entry]) -> "Scope":
        own = None if self.own is None else self.own | entries.keys()
        return replace(self, names={**self.names, **entries}, own=own)


def base(axis: str) -> str:
    """The axis itself, whichever copy of it this is."""
    return axis.rstrip("'")


def union(*groups: tuple[str, ...]) -> tuple[str, ...]:
    """All axes, in order of first appearance."""
    return tuple(dict.fromkeys(axis for group in groups for axis in group))


def failed(span: Span = NOWHERE) -> Expr:
    """What stands for an expression that has been complained about: it silences whatever follows from it."""
    return Expr("failed", type="failed", span=span)


def is_failed(*exprs: Expr | Entry) -> bool:
    return any(e.type == "failed" for e in exprs)


def in_words(axes: tuple[str, ...]) -> str:
    return ", ".join(axes)


def labels_of(axis: AxisSpec | None) -> tuple[str, ...] | None:
    return axis.labels if axis else None

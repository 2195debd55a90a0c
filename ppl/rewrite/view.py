"""What is known while one expression is analysed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ppl.check.bounds import REAL_LINE, interval
from ppl.check.core import Expr
from ppl.check.reads import names_in
from ppl.rewrite.beyond import Limits
from ppl.rewrite.findings import Found
from ppl.rewrite.through import Definition, is_elementwise, looked_through
from ppl.stdlib.intervals import Interval


@dataclass(frozen=True, slots=True)
class View:
    """`env`: how rough each name is in the sources (unknowns and parameters); `bounds` hold the values of each name;
    `random` are the sources that are drawn; `definitions` the derived names that can be looked through; `proofs`
    the comparisons that parts of the value at hand are continuous across, and `joined` those of the parts around;
    `limits` the ends of the supports of unknowns."""

    env: Mapping[str, Found]
    bounds: Mapping[str, Interval]
    random: frozenset[str] = frozenset()
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    proofs: Mapping[Expr, frozenset[Expr]] = field(default_factory=dict)
    joined: frozenset[Expr] = frozenset()
    limits: Mapping[str, Limits] = field(default_factory=dict)

    def lookup(self, name: str) -> Interval:
        return self.bounds.get(name, REAL_LINE)

    def interval(self, e: Expr) -> Interval:
        return interval(e, self.lookup)

    def through(self, e: Expr) -> Expr:
        return looked_through(e, self.definitions)

    def varies(self, e: Expr) -> bool:
        """Whether a value depends on a source."""
        return any(self.env.get(name) for name in names_in(e))

    def sources(self, e: Expr) -> frozenset[str]:
        """The sources that a value depends on."""
        return frozenset(source for name in names_in(e) for source in self.env.get(name, {}))

    def with_names(self, more: Mapping[str, Found]) -> "View":
        return replace(self, env={**self.env, **more})

    def proving(self, proofs: Mapping[Expr, frozenset[Expr]], joined: frozenset[Expr] = frozenset()) -> "View":
        return replace(self, proofs=proofs, joined=joined)

    def inside(self, e: Expr) -> "View":
        """The view of the arguments of `e`. A proof holds among elementwise operations: a reduction starts anew."""
        if not self.proofs and not self.joined:
            return self
        return replace(self, joined=self.joined | self.proofs.get(e, frozenset()) if is_elementwise(e) else frozenset())

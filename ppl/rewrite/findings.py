"""The lattice of roughness, and what an analysis finds: const < affine < smooth < kink < continuous < jump < unknown.

The meaning is joint: a value is of class c in all the names together whose entry is at most c; a path is as rough as
its roughest step. `smooth` is continuously differentiable, `kink` locally Lipschitz (abs, max), `continuous` is
continuous without being Lipschitz (sqrt at 0), `jump` is piecewise smooth with jumps, `unknown` is whatever could not
be shown (a division by what may be zero). Pathwise gradients are sound up to `kink` (Lee, Rival & Yang, POPL 2023).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ppl.check.core import Expr
from ppl.source.span import NOWHERE, Span
from ppl.stdlib.records import CONST, JUMP, KINK, SMOOTH

AFFINE, CONTINUOUS, UNKNOWN = "affine", "continuous", "unknown"
LEVELS = {CONST: 0, AFFINE: 1, SMOOTH: 2, KINK: 3, CONTINUOUS: 4, JUMP: 5, UNKNOWN: 6}
SHOWN = {CONST: SMOOTH, AFFINE: SMOOTH, CONTINUOUS: JUMP, UNKNOWN: JUMP}


def shown(level: str) -> str:
    """The public name of a level: smooth, kink, jump (or discrete, which stays)."""
    return SHOWN.get(level, level)


@dataclass(frozen=True, slots=True)
class Finding:
    """How rough something is in one unknown, and the step that decided. `operand` is a value that may not be what is
    needed (`need`, as in the domains of `PRIMITIVES`). `corner` says that a kink may be hit with positive probability,
    at single values of a parameter."""

    level: str = SMOOTH
    reason: str = ""
    where: Span = field(default=NOWHERE, compare=False)
    operand: Expr | None = field(default=None, compare=False)
    need: str = ""
    corner: bool = False

    @property
    def quoted(self) -> bool:
        """Whether the text at `where` says by itself what happens there."""
        return self.reason.startswith(("a branch on", "a comparison", "an index"))

    @property
    def pathwise(self) -> bool:
        """Whether a gradient along the path is sound."""
        return LEVELS[self.level] <= LEVELS[KINK]


Found = dict[str, Finding]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something cannot be done, and where that is said."""

    reason: str
    where: Span = field(default=NOWHERE, compare=False)


def worst(findings: Iterable[Finding]) -> Finding:
    """The roughest finding; the first of equals."""
    return max(findings, key=lambda f: LEVELS[f.level])


def join(*maps: Mapping[str, Finding]) -> Found:
    """Per name, the roughest of several findings."""
    names = dict.fromkeys(name for m in maps for name in m)
    return {name: worst([m[name] for m in maps if name in m]) for name in names}


def lifted(
    found: Mapping[str, Finding],
    level: str,
    reason: str,
    where: Span,
    operand: Expr | None = None,
    need: str = "",
    corner: bool = False,
) -> Found:
    """The findings after a step of roughness `level`."""
    step = Finding(level, reason, where, operand, need, corner)
    return {n: f if LEVELS[f.level] >= LEVELS[level] else step for n, f in found.items()}


def rough(found: Mapping[str, Finding]) -> Found:
    """Those findings that forbid a gradient along the path."""
    return {n: f for n, f in found.items() if not f.pathwise}

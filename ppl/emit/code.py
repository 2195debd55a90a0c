"""From values to straight-line Python text.

Every value becomes an array whose first axis is the draws (where it has them) and whose other axes are its own, in
canonical order. Names of axes vanish here: alignment is a `[:, None]` decided now.
"""

import keyword
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ppl.emit.pen import axis_size
from ppl.emit.val import Val
from ppl.emit.value_code import code

INLINE = 60
KEPT = frozenset("gather scatter affine loop outcome kernel kernel_grad plan u w input sum dot logsumexp".split())


@dataclass(slots=True)
class Writer:
    """Lines of text, and the text by which each value is called."""

    lines: list[str] = field(default_factory=list)
    text: dict[Val, str] = field(default_factory=dict)
    inlined: set[Val] = field(default_factory=set)
    saved: dict[Val, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    indent: str = "    "
    hints: dict[Val, str] = field(default_factory=dict)
    scalars: dict[str, int] = field(default_factory=dict)
    sampled: frozenset[str] = frozenset()
    outcomes: dict[Val, tuple[str, ...]] = field(default_factory=dict)

    def inside(self) -> "Writer":
        """A writer for a function body: it knows the values written so far."""
        return Writer(
            [], dict(self.text), set(self.inlined), dict(self.saved), set(self.taken), self.indent + "    ",
            self.hints, self.scalars, self.sampled, dict(self.outcomes),
        )  # fmt: skip

    def slot(self, name: str) -> str:
        """The columns of `u` that an unknown has: a number, or the name of a slice."""
        return str(self.scalars[name]) if name in self.scalars else "s_" + re.sub(r"\W", "_", name)

    def noise_slot(self, site: str) -> str:
        """The columns of the uniform numbers that a site is drawn from."""
        return "e_" + re.sub(r"\W", "_", site)

    def line(self, text: str) -> None:
        self.lines.append(self.indent + text if text else "")

    def name(self, hint: str) -> str:
        """A fresh Python name like `hint`."""
        clean = re.sub(r"\W", "_", hint.replace("~", "_raw").replace("'", "_2")) or "t"
        # the places of coordinates and of uniform numbers are called s_NAME and e_NAME
        clean = f"_{clean}" if clean.startswith(("s_", "e_")) else clean
        if clean[0].isdigit() or keyword.iskeyword(clean) or clean in _RESERVED:
            clean = f"{clean}_"
        name, n = clean, 1
        while name in self.taken:
            n += 1
            name = f"{clean}{n}"
        self.taken.add(name)
        return name

    def write(self, wanted: Iterable[Val], stage: int) -> None:
        """Lines that compute the wanted values and all they need; values of another stage must be written already."""
        wanted = list(wanted)
        needed = _needed(wanted, stage, self.text)
        uses = Counter(a for v in needed for a in read(v))
        uses.update(wanted)
        for v in sorted(needed, key=lambda x: x.order):
            self._value(v, uses[v], v in wanted)

    def _value(self, v: Val, uses: int, wanted: bool) -> None:
        text = code(v, self)
        if v.op == "lit":
            self.text[v] = text
            return
        short = (
            len(text) <= INLINE
            and (uses == 1 or v.op in ("size",))
            and v.op not in KEPT
            and v not in self.hints
            and not wanted
        )
        if short or text.isidentifier():
            self.text[v] = text
            self.inlined.add(v)
            return
        name = self.name(self.hints.get(v) or _PREFIX.get(v.op, "t"))
        self.line(f"{name} = {text}")
        self.text[v] = name

    # -- references --

    def of(self, v: Val) -> str:
        """The text of a value as an operand."""
        text = self.text[v]
        return f"({text})" if v in self.inlined and not _is_call(text) else text

    def aligned(self, v: Val, axes: tuple[str, ...], batch: bool) -> str:
        """A value as an operand of an elementwise operation with these axes."""
        text = self.of(v)
        if v.axes == axes or (not v.axes and not v.batch):
            return text
        marks = [":" if a in v.axes else "None" for a in axes]
        if v.batch:
            return f"{text}[{', '.join([':', *marks])}]"
        while marks and marks[0] == "None":
            marks.pop(0)
        return f"{text}[{', '.join(marks)}]" if "None" in marks else text

    def arranged(self, v: Val, axes: tuple[str, ...]) -> str:
        """A value with its axes in another order; axes that it lacks have length 1."""
        text = self.of(v)
        have = [a for a in axes if a in v.axes]
        lead = 1 if v.batch else 0
        turn = [lead + v.axes.index(a) for a in have]
        if turn != sorted(turn):
            text = f"np.transpose({text}, {(*range(lead), *turn)})"
        if len(have) < len(axes) and (v.batch or have):
            marks = ", ".join([":"] * lead + [":" if a in have else "None" for a in axes])
            text = f"{text}[{marks}]"
        return text

    def size(self, axis: str) -> str:
        """The length of an axis."""
        return axis_size(axis)

    def shape(self, axes: Iterable[str], batch: bool) -> str:
        """The shape of an array with these axes."""
        sizes = [*(["S"] if batch else []), *(axis_size(a) for a in axes)]
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def positions(self, v: Val, axes: Iterable[str]) -> str:
        """Axis numbers in the array of a value."""
        lead = 1 if v.batch else 0
        at = [lead + v.axes.index(str(a)) for a in axes]
        if len(at) == 1 and at[0] == lead + len(v.axes) - 1:
            return "-1"
        return str(at[0]) if len(at) == 1 else str(tuple(at))


# The arguments and local names of the functions of a program, and the functions themselves.
_RESERVED = frozenset(
    (
        "np sp k rt program d n u w e v S lo hi g gw out theta log_density value_and_grad constrained recentred"
        " marginals terms potentials recovered estimate log_weight learned start"
    ).split()
)
_PREFIX = {"plan": "at", "size": "n"}


def _is_call(text: str) -> bool:
    """Whether the text is a name or one call, so that it needs no parentheses."""
    if text.isidentifier():
        return True
    head = re.match(r"[\w.]+\(", text)
    if head is None:
        return False
    depth = 0
    for i, c in enumerate(text):
        depth += (c in "([") - (c in ")]")
        if depth == 0 and c in ")]":
            return i == len(text) - 1
    return False


def read(v: Val) -> tuple[Val, ...]:
    """The values that the code of a value reads: the slopes of an attached gradient are for the way back."""
    return v.args[:1] if v.op == "attach" else v.args


def _needed(wanted: Iterable[Val], stage: int, known: dict[Val, str]) -> set[Val]:
    found: set[Val] = set()
    stack = [v for v in wanted if v not in known]
    while stack:
        v = stack.pop()
        if v in found or v in known:
            continue
        found.add(v)
        stack.extend(a for a in read(v) if a not in known)
    return {v for v in found if v.stage == stage or v.op == "lit" or stage == 1}

"""A complaint, and the exceptions that carry complaints."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ppl.source.codes import CODES
from ppl.source.span import Span


@dataclass(frozen=True, slots=True)
class Note:
    """A second place that a complaint points at."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A certain edit: replace what stands at `span` by `text`."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One complaint: a code, a sentence that makes sense alone, a place, and at most one thing to type."""

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    hint: str = ""
    also: tuple[Note, ...] = ()
    lines: tuple[str, ...] = ()
    fix: Fix | None = None

    @property
    def is_warning(self) -> bool:
        return self.code.startswith("W")


def complain(
    key: str,
    span: Span | None = None,
    *,
    also: Iterable[Note] = (),
    lines: Iterable[str] = (),
    fix: Fix | None = None,
    **holes: object,
) -> Diagnostic:
    """The complaint that `CODES[key]` declares, its holes filled. `hint=` and `label=` replace the declared text."""
    row = CODES[key]
    hint = str(holes.pop("hint", row.hint))
    label = str(holes.pop("label", row.label))
    fill = {name: str(value) for name, value in holes.items()}
    return Diagnostic(
        row.code,
        row.message.format(**fill),
        span,
        label.format(**fill) if label == row.label else label,
        hint.format(**fill) if hint == row.hint else hint,
        tuple(also),
        tuple(lines),
        fix,
    )


class ModelError(Exception):
    """The model or its data have errors: all that one run found, in `diagnostics`. `texts` are those of files that the
    model imports from, by the paths in positions."""

    def __init__(self, diagnostics: Iterable[Diagnostic], texts: Mapping[str, str] | None = None) -> None:
        self.diagnostics = tuple(diagnostics)
        self.texts = dict(texts or {})
        super().__init__("\n".join(f"{d.code}: {d.message}" for d in self.diagnostics))


class Bug(Exception):
    """A mistake of ours, never of the user's: the message asks for a report."""

"""Annotations: which there are, and what arguments they take."""

from dataclasses import dataclass

from ppl.check.building import constant
from ppl.check.expressions import expression
from ppl.check.scope import Scope, is_failed
from ppl.source.suggest import did_you_mean
from ppl.syntax import ast

Setting = tuple[str, str, float | str]


@dataclass(frozen=True, slots=True)
class Positive:
    """A number above zero; `whole` ones only."""

    whole: bool = False

    @property
    def words(self) -> str:
        return "a whole number above zero" if self.whole else "a number above zero"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few texts."""

    texts: tuple[str, ...]

    @property
    def words(self) -> str:
        return "one of " + ", ".join(f'"{text}"' for text in self.texts)


BASELINES = OneOf(("loo", "mean", "running_mean", "none"))
NOTHING: dict[str, Positive | OneOf] = {}
ANNOTATIONS: dict[str, dict[str, Positive | OneOf]] = {
    **dict.fromkeys("reparam implicit stratified boundary".split(), NOTHING),
    "score": {"baseline": BASELINES},
    **dict.fromkeys("enumerate marginal exact local disarm".split(), NOTHING),
    "remainder": {"terms": Positive(whole=True)},
    "window": {"width": Positive(whole=True)},
    "measure": NOTHING,
    "relax": {"temp": Positive()},
    "smooth": {"width": Positive()},
    "unsafe_reparam": NOTHING,
    **dict.fromkeys("centered noncentered".split(), NOTHING),
}


def read_annotations(written: tuple[ast.Annotation, ...], scope: Scope) -> tuple[tuple[str, ...], tuple[Setting, ...]]:
    """The annotations that there are, and the values of their arguments; the others are complained about."""
    known = [a for a in written if _is_known(a, scope)]
    settings = [s for a in known for s in _settings(a, scope)]
    return tuple(a.name for a in known), tuple(settings)


def _is_known(a: ast.Annotation, scope: Scope) -> bool:
    if a.name not in ANNOTATIONS:
        near = did_you_mean(a.name, tuple(ANNOTATIONS))
        listed = "annotations are " + ", ".join(f"@{n}" for n in ANNOTATIONS)
        scope.report.add("E514", a.span, name=a.name, help=f"did you mean `@{near}`?" if near else listed)
    return a.name in ANNOTATIONS


def _settings(a: ast.Annotation, scope: Scope) -> list[Setting]:
    allowed = ANNOTATIONS[a.name]
    found = []
    for argument in a.args or ():
        if argument.name not in allowed:
            own = ", ".join(f"`@{a.name}({key}=…)`" for key in allowed)
            text = own or f"write `@{a.name}`"
            what = "arguments without a name" if argument.name is None else f"argument `{argument.name}`"
            scope.report.add("E514.argument", argument.span, name=a.name, what=what, help=text)
            continue
        value = _value(argument.value, allowed[argument.name], scope)
        if value is None:
            words = allowed[argument.name].words
            scope.report.add("E514.value", argument.value.span, argument=argument.name, name=a.name, words=words)
        else:
            found.append((a.name, argument.name, value))
    return found


def _value(written: ast.Expr, kind: Positive | OneOf, scope: Scope) -> float | str | None:
    """The text or number that an argument is; None where it is of the wrong kind."""
    value = expression(written, scope)
    if is_failed(value):
        return None
    match kind:
        case OneOf(texts):
            return str(value.attrs[0]) if value.op == "text" and value.attrs[0] in texts else None
        case Positive(whole):
            number = constant(value)
            fine = number is not None and number > 0 and not (whole and number != int(number))
            return number if fine else None

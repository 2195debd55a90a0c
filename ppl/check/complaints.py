"""Complaints that several parts of the checker make, and the words they use."""

import re

from ppl.check.core import Expr
from ppl.check.functions import FUNCTION_ALIASES, FUNCTIONS, LAYER_ALIASES, LAYERS
from ppl.check.reading import lagged, occurrence, way_back
from ppl.check.scope import Loop, Scope, failed, labels_of
from ppl.source.diagnostic import Note
from ppl.source.span import Span
from ppl.source.suggest import did_you_mean
from ppl.stdlib.distributions import ALIASES, DISTRIBUTIONS
from ppl.stdlib.families import FAMILIES
from ppl.syntax import ast

AUTOMATIC = "MeanField"
MODIFIERS = ("Truncated", "Censored", "Mixture", "Ordered", "ZeroInflated")


def describe(e: Expr) -> str:
    """What an expression is, in a message."""
    if e.type.startswith("level:"):
        return f"a level of `{e.type[6:]}`"
    words = {"real": "a real number", "int": "a whole number", "bool": "true/false", "text": "a text", "date": "a date"}
    return words.get(e.type, e.type)


def unknown_name(e: ast.Name, scope: Scope) -> None:
    """The complaint about a name that means nothing here."""
    if e.id in scope.unsampled:
        _unsampled(e, scope)
    elif scope.own is None and (e.id == scope.target or e.id in scope.definitions):
        _too_early(e, scope)
    elif e.id in scope.axes:
        text = f"`size({e.id})` is its length; `for t in {e.id} {{ … }}` gives the position"
        scope.report.add("E104", e.span, name=e.id, what="an axis", help=text)
    elif e.id in DISTRIBUTIONS or e.id in MODIFIERS:
        scope.report.add("E105", e.span, name=e.id)
    elif e.id in scope.functions or e.id in scope.nets or e.id in FUNCTIONS:
        scope.report.add("E104", e.span, name=e.id, what="a function", help=f"call it: `{e.id}(…)`")
    else:
        near = did_you_mean(e.id, tuple(scope.names if scope.own is None else scope.own), {})
        text = (
            f"did you mean `{near}`?"
            if near
            else "a column is declared in `data { … }`, an unknown with `~`, a value with `=`"
        )
        scope.report.add("E101", e.span, name=e.id, help=text)


def above(name: str, is_own: bool, scope: Scope) -> str:
    """What lets a statement of a guide read an unknown."""
    if not is_own:
        return f"`{name} ~ …` above this line"
    if not scope.frame and not scope.loops:
        return "a draw cannot read itself"
    return f"inside `for`, a draw can read its earlier positions: `{name}[t - 1]`"


def _unsampled(e: ast.Name, scope: Scope) -> None:
    """The complaint about a name of the model that the guide has not sampled yet."""
    key, missing = scope.unsampled[e.id]
    text = above(missing, missing == scope.target, scope)
    scope.report.add(key, e.span, name=e.id, missing=missing, help=text)


def _too_early(e: ast.Name, scope: Scope) -> None:
    """The complaint about a name that is defined below: it has to move up, unless it is defined from this very line."""
    here = scope.definitions.get(scope.target)
    path = way_back(e.id, scope.target, scope.definitions) if here is not None or e.id == scope.target else ()
    if not path:
        later = scope.definitions[e.id].target.span
        note = (Note(later, "defined here"),)
        scope.report.add("E103", e.span, also=note, name=e.id, later=later.line, here=e.span.line)
    elif (
        scope.loops
        and here is not None
        and any(lagged(scope.definitions[n].value, m) for n, m in _steps(scope.target, path))
    ):
        scope.report.add("E430", e.span, name=e.id, other=scope.target)
    elif len(path) == 1:
        scope.report.add("E107", e.span, name=e.id, label="this is what the line defines")
    elif all(scope.definitions[name].span.start >= scope.definitions[scope.target].span.start for name in path):
        _circle(path, scope)


def _steps(target: str, path: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Which definition reads which name, around a circle."""
    return tuple(zip((target, *path[:-1]), path, strict=True))


def _circle(path: tuple[str, ...], scope: Scope) -> None:
    """The complaint about names that are defined from each other, said once, at the first of them: `path` leads from a
    name below to the one of this line."""
    name, read, line = path[0], path[1], scope.definitions[path[-1]].target.span.line
    through = "" if len(path) == 2 else " (through " + ", ".join(f"`{n}`" for n in path[2:]) + ")"
    if len(path) > 2:
        line = scope.definitions[read].target.span.line
    found = occurrence(scope.definitions[name].value, read)
    span = found.span if found is not None else scope.definitions[name].target.span
    scope.report.add("E107", span, name=name, label=f"{read} is defined from {name} in line {line}{through}")


STARTS = {"Normal": "Normal(0, 10)", "StudentT": "Normal(0, 10)", "Cauchy": "Normal(0, 10)"}


def guarded(loop: Loop, lag: int, scope: Scope) -> str:
    """This statement again, with a test that keeps the lag off the first positions."""
    guard = f"{loop.name} == 1" if lag == 1 else f"{loop.name} <= {lag}"
    written = re.match(r"(?s)(?:@\w+(?:\([^)]*\))?\s*)*([^~=]*?)\s*([~=])\s*(.*)", _statement_text(scope))
    if written is None or scope.target not in written[1]:
        return f"`if {guard} then … else …`"
    right = " ".join(written[3].split())
    start = STARTS.get(right.partition("(")[0], "…") if written[2] == "~" else "0"
    if scope.target in scope.names and scope.names[scope.target].kind == "data":
        start = "Flat()"
    rest = right if len(right) <= 60 else "…"
    return f"`{written[1]} {written[2]} if {guard} then {start} else {rest}`"


def _statement_text(scope: Scope) -> str:
    return scope.text[scope.statement.start : scope.statement.end] if scope.statement is not None else ""


def definition_text(name: str, scope: Scope) -> str:
    """`s ~ Normal(0, 1)`: how the model block defines a name, on one line; "" for other names and for long ones."""
    statement = scope.definitions.get(name)
    text = " ".join(scope.text[statement.span.start : statement.span.end].split()) if statement is not None else ""
    return text if len(text) <= 60 else ""


def level(label: str, axis: str, name: str, span: Span, scope: Scope) -> Expr:
    """The level of `axis` with this label; whether it exists is known now, or when the file is read."""
    known, size = labels_of(scope.axes.get(axis)), scope.axes[axis].size if axis in scope.axes else None
    if known is None and size is not None and label not in map(str, range(1, size + 1)):
        scope.report.add("E331", span, name=name, text=label, levels=f"1 to {size}", help="")
        return failed(span)
    if known is not None and label not in known:
        near = did_you_mean(label, known, {})
        listed = ", ".join(f'"{k}"' for k in known[:8]) + (", …" if len(known) > 8 else "")
        scope.report.add(
            "E331", span, name=name, text=label, levels=listed, help=f"; did you mean `{near}`?" if near else ""
        )
        return failed(span)
    return Expr("level", (), (axis, label), (), f"level:{axis}", span)


def unknown_function(e: ast.Call, scope: Scope) -> None:
    name = e.function.id
    if name in scope.foreign:
        return
    if name == AUTOMATIC:
        scope.report.add("E515", e.span)
        return
    if name in FAMILIES:
        scope.report.add("E553", e.function.span, what=f"`{name}()`")
        return
    if name == "GP":
        scope.report.add("E372", e.function.span)
        return
    inside = scope.body is not None
    known = (*DISTRIBUTIONS, *MODIFIERS, *FUNCTIONS, *scope.functions, *scope.nets, *(LAYERS if inside else ()))
    aliases = {**ALIASES, **FUNCTION_ALIASES, **(LAYER_ALIASES if inside else {})}
    near = did_you_mean(name, (*known, *(a for a in aliases if len(a) > 4)), aliases)
    near = near if near in known else aliases.get(near or "")
    text = (
        "the functions and distributions are listed in docs/language.md" if near is None else f"did you mean `{near}`?"
    )
    if near is not None and near in DISTRIBUTIONS and near.lower() == name.lower():
        text = f"distributions are capitalised: `{near}`"
    scope.report.add("E102", e.function.span, name=name, help=text)


def no_axis(name: ast.Name, scope: Scope) -> None:
    """The complaint that no axis has this name."""
    near = did_you_mean(name.id, tuple(scope.axes), {})
    listed = ", ".join(sorted(n for n, axis in scope.axes.items() if axis.kind != "units")) or "none"
    scope.report.add("E301", name.span, name=name.id, axes=listed, help=f"; did you mean `{near}`?" if near else "")

"""Complaints that several parts of the checker make, and the words they use."""

from ppl.check.core import Expr
from ppl.check.functions import FUNCTION_ALIASES, FUNCTIONS
from ppl.check.scope import Scope, failed, labels_of
from ppl.source.diagnostic import Note
from ppl.source.span import Span
from ppl.source.suggest import did_you_mean
from ppl.stdlib.distributions import ALIASES, DISTRIBUTIONS
from ppl.syntax import ast

MODIFIERS = ("Truncated", "Censored", "Mixture", "Ordered", "ZeroInflated")
GUIDE_ONLY = ("MeanField", "FullRank", "LowRank", "Delta")
LATER = ("LKJCholesky", "Wishart", "GP")


def describe(e: Expr) -> str:
    """What an expression is, in a message."""
    if e.type.startswith("level:"):
        return f"a level of `{e.type[6:]}`"
    words = {"real": "a real number", "int": "a whole number", "bool": "true/false", "text": "a text", "date": "a date"}
    return words.get(e.type, e.type)


def unknown_name(e: ast.Name, scope: Scope) -> None:
    """The complaint about a name that means nothing here."""
    later = scope.defined_later.get(e.id)
    if later is not None:
        note = (Note(later, "defined here"),)
        scope.report.add("E103", e.span, also=note, name=e.id, later=later.line, here=e.span.line)
    elif e.id in scope.axes:
        text = f"`size({e.id})` is its length; `for t in {e.id} {{ … }}` gives the position"
        scope.report.add("E104", e.span, name=e.id, what="an axis"[3:], help=text)
    elif e.id in DISTRIBUTIONS or e.id in MODIFIERS:
        scope.report.add("E105", e.span, name=e.id)
    elif e.id in scope.functions or e.id in FUNCTIONS:
        scope.report.add("E104", e.span, name=e.id, what="function", help=f"call it: `{e.id}(…)`")
    else:
        near = did_you_mean(e.id, tuple(scope.names), {})
        text = f"did you mean `{near}`?" if near else "a column is declared in `data { … }`, an unknown with `~`, a value with `=`"
        scope.report.add("E101", e.span, name=e.id, help=text)


def level(label: str, axis: str, name: str, span: Span, scope: Scope) -> Expr:
    """The level of `axis` with this label; whether it exists is known now, or when the file is read."""
    known = labels_of(scope.axes.get(axis))
    if known is not None and label not in known:
        near = did_you_mean(label, known, {})
        listed = ", ".join(f'"{k}"' for k in known[:8]) + (", …" if len(known) > 8 else "")
        scope.report.add("E331", span, name=name, label=label, levels=listed, help=f"; did you mean `{near}`?" if near else "")
        return failed(span)
    return Expr("level", (), (axis, label), (), f"level:{axis}", span)


def unknown_function(e: ast.Call, scope: Scope) -> None:
    name = e.function.id
    if name in GUIDE_ONLY or name in LATER:
        scope.report.add("E490.one", e.function.span, what=f"`{name}`", help="")
        return
    known = (*DISTRIBUTIONS, *MODIFIERS, *FUNCTIONS, *scope.functions)
    near = did_you_mean(name, known, {**ALIASES, **FUNCTION_ALIASES})
    text = "the functions and distributions are listed in docs/language.md" if near is None else f"did you mean `{near}`?"
    if near is not None and near in DISTRIBUTIONS and near.lower() == name.lower():
        text = f"distributions are capitalised: `{near}`"
    scope.report.add("E102", e.function.span, name=name, help=text)


def no_axis(name: ast.Name, scope: Scope) -> None:
    """The complaint that no axis has this name."""
    near = did_you_mean(name.id, tuple(scope.axes), {})
    listed = ", ".join(sorted(scope.axes)) or "none"
    scope.report.add("E301", name.span, name=name.id, axes=listed, help=f"; did you mean `{near}`?" if near else "")



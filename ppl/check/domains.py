"""Whether the arguments of a distribution stay where its parameters may be."""

from ppl.check.bounds import REAL_LINE
from ppl.check.building import bounds, constant, is_free
from ppl.check.complaints import definition_text
from ppl.check.core import Expr
from ppl.check.scope import Scope
from ppl.stdlib.constraints import CONSTRAINTS
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.intervals import Interval
from ppl.stdlib.records import Constraint, Distribution, Parameter
from ppl.syntax import ast

WHOLE = frozenset(("count", "positive_int"))


def in_domain(row: Distribution, param: Parameter, value: Expr, written: ast.Expr | None, scope: Scope) -> bool:
    """Whether an argument stays where the parameter may be; complains where an unknown or a number leaves it."""
    if param.rank > 1 or (param.domain in ("real", "simplex", "ordered") and param.rank):
        return True
    allowed = CONSTRAINTS.get(param.domain)
    here = bounds(value, scope)
    fixed = constant(value)
    if allowed is None or (here.low >= allowed.low and here.high <= allowed.high and fixed is None):
        return True
    public = _public_name(row)
    if fixed is not None:
        inside = (
            allowed.low <= fixed <= allowed.high
            and not (fixed == allowed.low and allowed.low_open)
            and not (fixed == allowed.high and allowed.high_open)
        )
        if not inside:
            scope.report.add(
                "E325.value", value.span, param=param.name, dist=public, words=allowed.words, value=f"{fixed:g}"
            )
        return inside
    if not is_free(value, scope):
        return True
    text = source_text(written or value, scope)
    if allowed.low == 0 and allowed.high == 1:
        form = next((f for f in row.forms if "logit" in f.names), None)
        help_ = f"`{public}(logit={text})`" if form and len(row.params) == 1 else f"`sigmoid({text})`"
        if text in scope.names and scope.names[text].kind == "param":
            help_ = f"`param {text}: real in [0, 1]`"
        scope.report.add("E326", value.span, expr=text, help=help_)
        return False
    bad = "negative" if allowed.low >= 0 and here.low < 0 else f"outside [{allowed.low:g}, {allowed.high:g}]"
    help_ = _bounded(text, allowed, scope)
    if len(row.params) == 1 and any(f.names == ("log",) for f in row.forms):
        help_ = f"`{public}(log={text})`"
    scope.report.add(
        "E325", value.span, param=param.name, dist=public, words=allowed.words, expr=text, bad=bad,
        source=_takes(text, here, bad, scope), help=help_,
    )  # fmt: skip
    return False


def _bounded(text: str, allowed: Constraint, scope: Scope) -> str:
    """What keeps an argument above the lower limit of its parameter."""
    entry = scope.names.get(text)
    if entry is not None and entry.kind == "param":
        return f"`param {text}: real {'>' if allowed.low_open else '>='} {allowed.low:g}`, or `exp({text})`"
    unknown = entry if entry and entry.kind == "unknown" else None
    if allowed.name in WHOLE:
        name = "n" if unknown is None else f"{text}[{', '.join(unknown.axes)}]" if unknown.axes else text
        prior = f"`{name} ~ DiscreteUniform({allowed.low:g}, …)`"
        return prior if unknown else f"build it from unknowns that are bounded, for example {prior}"
    return f"`{text} ~ HalfNormal(1)`, or `exp({text})`" if unknown else f"`exp({text})`"


def _takes(name: str, here: Interval, bad: str, scope: Scope) -> str:
    """``s ~ Normal(0, 1)` in line 7 takes any real value`: why a name of the model can leave a set."""
    text = definition_text(name, scope)
    if not text:
        return ""
    what = "takes any real value" if here == REAL_LINE else f"can be {bad}"
    return f"`{text}` in line {scope.definitions[name].span.line} {what}"


def _public_name(row: Distribution) -> str:
    if not row.internal:
        return row.name
    return next((r.name for r in DISTRIBUTIONS.values() for f in r.forms if f.row == row.name), row.name)


def source_text(e: ast.Expr | Expr, scope: Scope) -> str:
    """How the author wrote it."""
    if isinstance(e, ast.Name):
        return e.id
    piece = scope.text[e.span.start : e.span.end]
    return " ".join(piece.split()) if piece else "this"

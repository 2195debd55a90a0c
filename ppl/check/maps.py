"""`D |> exp`, `D |> affine(m, s)`: the image of a distribution under a rising map, which is one of the table again."""

import re
from dataclasses import replace

from ppl.check.building import bounds
from ppl.check.core import Dist, Expr
from ppl.check.domains import in_domain
from ppl.check.expressions import number
from ppl.check.formulas import formula
from ppl.check.scope import Scope, is_failed, union
from ppl.source.suggest import did_you_mean
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.families import FLOWS, MAPS, Map
from ppl.syntax import ast


def image(dist: Dist, step: ast.Expr, scope: Scope) -> Dist | None:
    """The distribution of f(x) for x from `dist`; None after a complaint."""
    name = step.function.id if isinstance(step, ast.Call) else step.id if isinstance(step, ast.Name) else ""
    row = MAPS.get(name)
    if row is None:
        if name in FLOWS:
            scope.report.add("E553", step.span, what=f"the flow `{name}`")
        else:
            near = did_you_mean(name, (*MAPS, *FLOWS))
            listed = "`D |> exp`, `D |> log`, `D |> affine(m, s)`; in a guide also flows: " + ", ".join(FLOWS)
            scope.report.add(
                "E552.step", step.span, name=name or "this", help=f"did you mean `{near}`?" if near else listed
            )
        return None
    given = _arguments(row, step, scope)
    found = None if given is None else _mapped(dist, row, given, step, scope)
    return None if found is None else replace(found, span=dist.span)


def _arguments(row: Map, step: ast.Expr, scope: Scope) -> dict[str, Expr] | None:
    written = step.args if isinstance(step, ast.Call) else ()
    if len(written) != len(row.args) or any(a.name not in (None, *row.args) for a in written):
        spelled = f"`|> {row.name}({', '.join(row.args)})`" if row.args else f"`|> {row.name}`"
        wanted = f"{len(row.args)} arguments" if row.args else "no arguments"
        scope.report.add("E551", step.span, name=row.name, wanted=wanted, help=spelled)
        return None
    rest = iter(n for n in row.args if n not in {a.name for a in written})
    values = {(a.name or next(rest)): number(a.value, scope) for a in written}
    if is_failed(*values.values()):
        return None
    if "s" in values and not bounds(values["s"], scope).low >= 0.0:
        scope.report.add("E551.rising", written[-1].value.span)
        return None
    return values


def _mapped(dist: Dist, row: Map, given: dict[str, Expr], step: ast.Expr, scope: Scope) -> Dist | None:
    """The image of a family by its formulas, of a modifier through what it modifies: the map rises, so that it keeps
    the order of values, and what is cut off is cut off at the image of the end."""
    match dist:
        case Dist(name="where" | "Mixture" | "Ordered" | "Truncated", inner=inner):
            parts = [_mapped(d, row, given, step, scope) for d in inner]
            if any(p is None for p in parts):
                return None
            args = dist.args
            if dist.name == "Truncated":
                args = tuple(None if a is None else formula(row.value, {"x": a, **given}, step.span) for a in args)
            axes = union(dist.axes, *(a.axes for a in given.values()))
            return replace(dist, args=args, inner=tuple(p for p in parts if p is not None), axes=axes)
        case _:
            return _family(dist, row, given, step, scope)


def _family(dist: Dist, row: Map, given: dict[str, Expr], step: ast.Expr, scope: Scope) -> Dist | None:
    found = next((i for i in row.images if i.family == dist.name), None)
    if found is None:
        names = ", ".join(i.family for i in row.images)
        value = re.sub(r"\bx\b", "z", row.value)
        text = f"`z ~ {dist.name}(…)` and `y = {value}` say the same; `|> {row.name}` maps {names}"
        scope.report.add("E552.image", step.span, name=row.name, family=dist.name, help=text)
        return None
    own, target = DISTRIBUTIONS[dist.name], DISTRIBUTIONS[found.row]
    values = {p.name: a for p, a in zip(own.params, dist.args, strict=True) if a is not None} | given
    to = dict(found.to)
    args = tuple(formula(to[p.name], values, step.span) for p in target.params)
    fine = [in_domain(target, p, a, None, scope) for p, a in zip(target.params, args, strict=True)]
    axes = union(dist.axes, *(a.axes for a in given.values()))
    return replace(dist, name=found.row, args=args, axes=axes, kind=target.kind) if all(fine) else None

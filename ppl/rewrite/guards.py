"""Where densities jump in a continuous unknown: the thresholds of its value, solved for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import networkx as nx

from ppl.check.core import Derived, Dist, Expr, FactorTerm, Guide, Site, Statement
from ppl.check.reads import names_in
from ppl.graph.graph import core_of, node_list
from ppl.rewrite.continuity import proofs
from ppl.rewrite.densities import argument_step, joined_tests
from ppl.rewrite.findings import AFFINE, Finding, Refusal
from ppl.rewrite.roughness import analysed
from ppl.rewrite.solve import Root, atoms, base_name, number, roots, solve
from ppl.rewrite.steps import expression, outside
from ppl.rewrite.through import READS, is_elementwise
from ppl.rewrite.view import View
from ppl.source.span import NOWHERE, Span

ORDERINGS = {"gt": True, "ge": True, "lt": False, "le": False}
EXTREMES = frozenset(("max", "min"))
# What is piecewise constant, or piecewise smooth, where its arguments are.
PASSES = frozenset("any all sum mean var prod logsumexp softmax cumsum dot spread diag vector max min sd".split())


# What jumps by itself, at places that are no threshold of one comparison.
STEPS = frozenset(("floor", "ceil", "round", "mod", "is_int", "tan", "log_if", "eq", "ne"))


@dataclass(frozen=True, slots=True)
class Guard:
    """A place where a density, a guide density or the objective jumps in an unknown: its value crosses `threshold`, an
    expression that does not depend on it.

    `access` is how the comparison reads the unknown: `own` (the same cell), `lag` (`lag` positions earlier along
    `axis`), `index` (a look-up along `axis`: some cell of it), `all` (the largest or least along `axis`, so every
    cell). `test` is the comparison, over unknowns, parameters and data; `above` whether it is true for values just
    above the threshold, None where that depends on the others. `others` are the further unknowns that the threshold
    depends on. A threshold with axes that the unknown lacks stands for as many thresholds of one value."""

    threshold: Expr
    access: str
    lag: int = 0
    where: Span = field(default=NOWHERE, compare=False)
    axis: str = ""
    test: Expr | None = None
    above: bool | None = True
    others: tuple[str, ...] = ()


class Unsolved(Exception):
    """A jump that is no threshold."""

    def __init__(self, reason: str, where: Span) -> None:
        super().__init__(reason)
        self.refusal = Refusal(reason, where)


def jumps_of(graph: nx.DiGraph, name: str, guide: Guide | None = None) -> tuple[Guard, ...] | Refusal:
    """Every place where a term of `roughness` jumps in the continuous unknown `name`; or why they are not all found."""
    view, _ = analysed(graph, guide)
    search = Search(name, view, dict(_recursions(graph, guide)))
    try:
        found = [g for s in _statements(graph, guide) for g in search.statement(s)]
    except Unsolved as problem:
        return problem.refusal
    drawn = frozenset(n.name for n in node_list(graph) if n.kind in ("unknown", "imputed"))
    return tuple(dict.fromkeys(replace(g, others=_others(g.threshold, drawn, graph)) for g in found))


def _statements(graph: nx.DiGraph, guide: Guide | None) -> Iterator[Statement]:
    yield from (n.of for n in node_list(graph) if isinstance(n.of, Site | FactorTerm))
    yield from (s for s in (guide.statements if guide is not None else ()) if not isinstance(s, Derived))
    objective = core_of(graph).objective
    if objective is not None:
        yield FactorTerm("objective", objective.value, objective.span)


def _recursions(graph: nx.DiGraph, guide: Guide | None) -> Iterator[tuple[str, Expr]]:
    """The derived values that cannot be looked through."""
    own = guide.statements if guide is not None else ()
    for s in (*(n.of for n in node_list(graph)), *own):
        if isinstance(s, Derived) and s.along:
            yield s.name, s.value


def _others(threshold: Expr, drawn: frozenset[str], graph: nx.DiGraph) -> tuple[str, ...]:
    """The unknowns that a threshold depends on."""
    read = names_in(threshold)
    above = frozenset().union(*(nx.ancestors(graph, n) for n in read - drawn if n in graph))
    return tuple(sorted((read | above) & drawn))


@dataclass(frozen=True, slots=True)
class Search:
    """The search for the jumps in one unknown."""

    name: str
    view: View
    recursions: Mapping[str, Expr]

    def statement(self, s: Statement) -> Iterator[Guard]:
        match s:
            case Site(dist=dist, role=role):
                yield from self.density(dist, s.name, role)
            case FactorTerm(value=value):
                yield from self.argument(value)

    def density(self, dist: Dist, site: str, role: str) -> Iterator[Guard]:
        """The jumps of a log density; those that do not come from its arguments are no thresholds."""
        for inner in dist.inner:
            yield from self.density(inner, site, role)
        if dist.name == "where":
            test = dist.args[0]
            assert test is not None
            joined = joined_tests(dist, site, self.view)
            yield from self.walk(self.view.through(test), self.view.proving({}, joined))
            return
        for i, arg in enumerate(dist.args):
            if arg is not None and self.name in self.view.sources(arg):
                yield from self.argument(arg)
                self.verify_family(dist, i, role)

    def verify_family(self, dist: Dist, i: int, role: str) -> None:
        """Raises where a density is rough in an argument however smooth the argument is."""
        found = argument_step(dist, i, {self.name: Finding(AFFINE)}, role, self.view)[self.name]
        if not found.pathwise:
            raise Unsolved(found.reason, found.where)

    def argument(self, e: Expr) -> Iterator[Guard]:
        plain = expression(e, self.view).get(self.name)
        if plain is None or plain.pathwise:
            return
        whole = self.view.through(e)
        yield from self.walk(whole, self.view.proving(proofs(whole, self.view)))

    def walk(self, e: Expr, view: View) -> Iterator[Guard]:
        """The jumps inside an expression."""
        found = expression(e, view).get(self.name)
        if found is None or found.pathwise:
            return
        if e.op in ORDERINGS:
            yield from self.comparison(e, view)
            return
        if e.op == "ref":
            yield from self.recursion(str(e.attrs[0]), found)
            return
        if e.op == "sign":
            yield from self.crossing(e, replace(e, op="gt", args=(e.args[0], number(0.0)), type="bool"))
            return
        self.verify_step(e, found, view)
        inner = view.inside(e)
        for a in e.args:
            yield from self.walk(a, inner)

    def recursion(self, name: str, found: Finding) -> Iterator[Guard]:
        """The jumps inside a value that is computed from its own past."""
        value = self.recursions.get(name)
        if value is None:
            raise Unsolved(found.reason, found.where)
        inner = replace(self, recursions={**self.recursions, name: Expr("lit", (), (0.0,))})
        yield from inner.argument(value)

    def verify_step(self, e: Expr, found: Finding, view: View) -> None:
        """Raises where an operation is rough however smooth its arguments are."""
        left = outside(e, [expression(a, view) for a in e.args], view).get(self.name)
        if left is not None:
            raise Unsolved(left.reason, left.where)
        moved = e.op in READS and any(_is_calm(expression(a, view).get(self.name)) for a in e.args[1:])
        truths = e.op in ("eq", "ne") and all(a.type == "bool" for a in e.args)
        passes = e.op in PASSES or e.op in READS or (is_elementwise(e) and e.op not in STEPS)
        if e.op in ("eq", "ne") and not truths:
            raise Unsolved("an equality that may hold", e.span)
        if moved or not (passes or truths):
            raise Unsolved(found.reason, found.where)

    def comparison(self, e: Expr, view: View) -> Iterator[Guard]:
        """Where a comparison changes: at jumps of its sides, and where they meet."""
        inner = view.inside(e)
        before = [g for a in e.args for g in self.walk(a, inner)]
        yield from before
        if not before or any(self.reads_beside(a, inner) for a in e.args):
            yield from self.crossing(e, e)

    def reads_beside(self, e: Expr, view: View) -> bool:
        """Whether an expression varies with the unknown other than by jumping."""
        if e.type == "bool":
            return False
        if e.op == "ref":
            return e.attrs[0] == self.name
        return any(self.reads_beside(a, view) for a in (e.args[1:] if e.op == "where" else e.args))

    def crossing(self, e: Expr, comparison: Expr) -> Iterator[Guard]:
        """The thresholds at which the sides of a comparison meet."""
        cells = {a: None for side in comparison.args for a in atoms(side) if self.name in self.view.sources(a)}
        if len(cells) != 1:
            raise Unsolved("a comparison of several of its values", e.span)
        [x] = cells
        if base_name(x) not in ("", self.name):
            raise Unsolved(f"a comparison of `{base_name(x)}`, which follows from several of its values", e.span)
        access, axis, lag = _access(x, e.span) if base_name(x) else ("all", *_extreme(x, e.span))
        found = roots(comparison, x, self.view)
        if base_name(x) == "" and found is not None:
            found = self.every_cell(x, found)
        if found is None:
            raise Unsolved("a comparison that cannot be solved for it", e.span)
        for root in found:
            self.verify_root(root, axis, access, e.span)
            above = (root.rising > 0) == ORDERINGS[comparison.op] if root.rising else None
            yield Guard(root.value, access, lag, e.span, axis, e, above)

    def every_cell(self, extreme: Expr, found: tuple[Root, ...]) -> tuple[Root, ...] | None:
        """The largest of f(x) crosses a value where some f(x) does."""
        inner = extreme.args[0]
        cells = {a: None for a in atoms(inner) if self.name in self.view.sources(a)}
        if len(cells) != 1 or base_name(next(iter(cells))) != self.name:
            return None
        [x] = cells
        out: list[Root] = []
        for root in found:
            inside = solve(inner, root.value, x, self.view)
            if inside is None:
                return None
            out += (replace(r, rising=r.rising * root.rising, exact=r.exact and root.exact) for r in inside)
        return tuple(out)

    def verify_root(self, root: Root, axis: str, access: str, span: Span) -> None:
        if not root.exact:
            raise Unsolved("a comparison whose threshold may not exist (a factor or an argument may be zero)", span)
        if self.name in self.view.sources(root.value):
            raise Unsolved("a comparison of several of its values", span)
        if access == "lag" and axis in root.value.axes:
            raise Unsolved("a comparison of an earlier value with what changes along the way", span)


def _is_calm(found: Finding | None) -> bool:
    return found is not None and found.pathwise


def _access(x: Expr, span: Span) -> tuple[str, str, int]:
    """How a cell is read: the kind, the axis, and the lag along it."""
    kinds: dict[str, list[Expr]] = {"lag": [], "index": []}
    while x.op != "ref":
        if x.op != "rename":
            kinds["lag" if x.op == "lag" else "index"].append(x)
        x = x.args[0]
    axes = {str(r.attrs[0]).rstrip("'") for reads in kinds.values() for r in reads}
    if len(axes) > 1 or (kinds["lag"] and kinds["index"]):
        raise Unsolved("a comparison that reads it along several axes", span)
    axis = next(iter(axes), "")
    if kinds["lag"]:
        return "lag", axis, sum(int(r.attrs[1]) for r in kinds["lag"])  # type: ignore[call-overload]
    return ("index", axis, 0) if kinds["index"] else ("own", "", 0)


def _extreme(x: Expr, span: Span) -> tuple[str, int]:
    if x.op not in EXTREMES:
        raise Unsolved(f"a comparison with `{x.op}` of its values", span)
    return str(x.attrs[0]), 0

"""`@smooth(width=w)`: comparisons that an unknown decides become sigmoids of that width, so that nothing jumps in it.

What is fitted is then another model, close to the one that was written where w is small (Khajwal, Ong & Wagner, ESOP
2023; Wagner, Khajwal & Ong, AISTATS 2024): a bias that is asked for, and reported."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import networkx as nx

from ppl.check.core import Derived, Dist, Expr, FactorTerm, Guide, Site
from ppl.check.reads import names_in, reads
from ppl.graph.graph import Node, core_of, drawn_sites, node_list, replaced, unknowns
from ppl.rewrite.continuity import ORDERINGS
from ppl.source.diagnostic import ModelError, complain

WIDTH = 0.1


def widths(graph: nx.DiGraph, guide: Guide | None) -> dict[str, float]:
    """The unknowns that are annotated so, in the model or in the guide, and their widths."""
    sites = drawn_sites(core_of(graph), guide)
    found = {}
    for node in unknowns(graph):
        for site in (node.of, sites.get(node.name)):
            if isinstance(site, Site) and "smooth" in site.annotations:
                if site.dist.kind != "real":
                    raise ModelError([complain("E559.discrete", site.annotation_span, name=node.name)])
                given = {key: value for word, key, value in site.settings if word == "smooth"}
                found[node.name] = float(given.get("width", WIDTH))
    return found


def smooth(graph: nx.DiGraph, wanted: Mapping[str, float]) -> nx.DiGraph:
    """The graph with the comparisons of these unknowns smoothed, in every statement of the model. Raises ModelError
    (E559) where branches are of different families."""
    for name, width in wanted.items():
        soft = _Soft(_behind(graph, name), width)
        graph = replaced(graph, {n.name: _node(n, soft) for n in node_list(graph) if n.name != name})
    return graph


def _behind(graph: nx.DiGraph, name: str) -> frozenset[str]:
    """An unknown and the derived values that come from it."""
    found = {name}
    for node in node_list(graph):
        if isinstance(node.of, Derived) and reads(node.of) & found:
            found.add(node.name)
    return frozenset(found)


def _node(node: Node, soft: "_Soft") -> Node:
    match node.of:
        case Site(dist=dist, value=value):
            of = replace(node.of, dist=soft.dist(dist), value=None if value is None else soft.expr(value))
            return replace(node, of=of)
        case Derived(value=value):
            return replace(node, of=replace(node.of, value=soft.expr(value)))
        case FactorTerm(value=value):
            return replace(node, of=replace(node.of, value=soft.expr(value)))
        case _:
            return node


@dataclass(frozen=True, slots=True)
class _Soft:
    """Smoothing of all that compares one of `names`."""

    names: frozenset[str]
    width: float

    def expr(self, e: Expr) -> Expr:
        """The same value with sigmoids for comparisons: a probability for a truth value, a mean for a choice."""
        args = tuple(self.expr(a) for a in e.args)
        moved = any(a is not b for a, b in zip(args, e.args, strict=True))
        if e.op in ORDERINGS and names_in(e) & self.names:
            return self._sigmoid(e, *args)
        if e.op == "where" and (args[0] is not e.args[0] or self._is_soft(e.args[0])):
            return self._between(e, *args)
        if e.op in ("and", "or", "not") and any(
            self._is_soft(a) or a is not b for a, b in zip(e.args, args, strict=True)
        ):
            return _logic(e, args)
        return replace(e, args=args) if moved else e

    def dist(self, dist: Dist) -> Dist:
        args = tuple(None if a is None else self.expr(a) for a in dist.args)
        inner = tuple(self.dist(d) for d in dist.inner)
        test = dist.args[0] if dist.name == "where" else None
        if test is not None and (args[0] is not test or self._is_soft(test)):
            return self._chosen(dist, args[0], inner)
        return replace(dist, args=args, inner=inner)

    def _chosen(self, dist: Dist, test: Expr | None, inner: tuple[Dist, ...]) -> Dist:
        """One family whose arguments lie between those of two branches."""
        then, other = inner
        if then.name != other.name or then.inner or other.inner or test is None:
            raise ModelError([complain("E559", dist.span, first=then.name, second=other.name)])
        args = tuple(
            a if a is None or b is None or a == b else self._between(replace(a, axes=dist.axes), test, a, b)
            for a, b in zip(then.args, other.args, strict=True)
        )
        return replace(then, args=args, axes=dist.axes, span=dist.span)

    def _is_soft(self, e: Expr) -> bool:
        """Whether a truth value is, by its name, one that has been smoothed."""
        return e.op == "ref" and e.type == "bool" and str(e.attrs[0]) in self.names

    def _sigmoid(self, e: Expr, left: Expr, right: Expr) -> Expr:
        above = (left, right) if e.op in ("gt", "ge") else (right, left)
        gap = replace(e, op="sub", args=above, type="real")
        scaled = replace(e, op="div", args=(gap, Expr("lit", (), (self.width,))), type="real")
        return replace(e, op="sigmoid", args=(scaled,), type="real")

    def _between(self, e: Expr, test: Expr, then: Expr, other: Expr) -> Expr:
        """other + p (then - other)."""
        gap = replace(e, op="sub", args=(then, other), attrs=(), type="real")
        part = replace(e, op="mul", args=(test, gap), attrs=(), type="real")
        return replace(e, op="add", args=(other, part), attrs=(), type="real")


def _logic(e: Expr, args: tuple[Expr, ...]) -> Expr:
    """Probabilities of `and`, `or` and `not`, as if of independent events."""
    product = replace(e, op="mul", args=args, type="real")
    match e.op:
        case "and":
            return product
        case "or":
            total = replace(e, op="add", args=args, type="real")
            return replace(e, op="sub", args=(total, product), type="real")
        case _:
            return replace(e, op="sub", args=(Expr("lit", (), (1.0,)), *args), type="real")

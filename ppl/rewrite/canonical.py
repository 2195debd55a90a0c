"""Rewrites that say the same thing in a form that keeps more digits and costs less."""

from dataclasses import dataclass, replace

import networkx as nx

from ppl.check.core import Dist, Expr, Site
from ppl.graph.graph import Node, node_list, replaced
from ppl.stdlib.distributions import DISTRIBUTIONS


@dataclass(frozen=True, slots=True)
class Canonical:
    """`dist(..., op(x), ...)` is `dist(..., keyword=x, ...)`: `op` in argument `param` selects the form `keyword`."""

    dist: str
    param: str
    op: str
    keyword: str
    because: str


RULES = (
    Canonical("Bernoulli", "p", "sigmoid", "logit", "log sigmoid(x) underflows where the logit form does not"),
    Canonical("Binomial", "p", "sigmoid", "logit", "log sigmoid(x) underflows where the logit form does not"),
    Canonical("Poisson", "rate", "exp", "log", "y log exp(x) is y x"),
    Canonical("Categorical", "p", "softmax", "logits", "log softmax(x) is x - logsumexp(x)"),
)


def canonical(graph: nx.DiGraph) -> nx.DiGraph:
    """The graph with every density in its canonical form."""
    new = {n.name: _node(n) for n in node_list(graph) if isinstance(n.of, Site)}
    return replaced(graph, new)


def _node(node: Node) -> Node:
    assert isinstance(node.of, Site)
    dist = _dist(node.of.dist)
    return node if dist is node.of.dist else replace(node, of=replace(node.of, dist=dist))


def _dist(dist: Dist) -> Dist:
    inner = tuple(_dist(d) for d in dist.inner)
    if any(a is not b for a, b in zip(inner, dist.inner, strict=True)):
        dist = replace(dist, inner=inner)
    for rule in RULES:
        if rule.dist == dist.name:
            return _applied(rule, dist)
    return dist


def _applied(rule: Canonical, dist: Dist) -> Dist:
    row = DISTRIBUTIONS[dist.name]
    at = [p.name for p in row.params].index(rule.param)
    form = next((f for f in row.forms if rule.keyword in f.names and f.row), None)
    match dist.args[at]:
        case Expr(op=op, args=(inner,)) if op == rule.op and form is not None:
            args = tuple(inner if i == at else a for i, a in enumerate(dist.args))
            return replace(dist, name=form.row, args=args)
    return dist

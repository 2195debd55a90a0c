"""Unknowns that are integrated out in closed form: a prior and the only density that reads it are written the other
way round, as the marginal of what was seen and what is then known of the unknown. p(n) p(y | n) = p(y) p(n | y)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import networkx as nx

from ppl.check.core import Dist, Expr, Site
from ppl.check.formulas import formula
from ppl.check.lints import names_in
from ppl.graph.graph import Node, assemble, core_of, node_list
from ppl.rewrite.eliminate import ways
from ppl.rewrite.order import Access
from ppl.stdlib.distributions import DISTRIBUTIONS


@dataclass(frozen=True, slots=True)
class Conjugate:
    """`x ~ prior`, `y ~ density` with x for the parameter `through` is `y ~ marginal`, `x ~ posterior`. Formulas are
    over the parameters of both; `y` is what was seen."""

    prior: str
    density: str
    through: str
    marginal: tuple[str, tuple[str, ...]]
    posterior: tuple[str, tuple[str, ...]]
    because: str


_RATES = (("Poisson", "rate"), ("PoissonLog", "exp(log_rate)"))
_CHANCES = (("Binomial", "p", "(1 - p)"), ("BinomialLogit", "sigmoid(logit)", "sigmoid(-logit)"))

# Thinning: of a Poisson number of events, those that are kept, each on its own with probability p, and those that are
# not are two Poisson counts that do not depend on each other (Kingman, Poisson Processes, 1993, 5.1).
CONJUGATES = tuple(
    Conjugate(
        prior,
        density,
        "n",
        ("Poisson", (f"{rate} * {p}",)),
        ("PoissonFrom", ("y", f"{rate} * {q}")),
        "a Poisson count of which a Binomial part is seen",
    )
    for prior, rate in _RATES
    for density, p, q in _CHANCES
)

# What the prior of an unknown was called in the model, by what the rules made of it.
WRITTEN = {rule.posterior[0]: rule.prior for rule in reversed(CONJUGATES)}


def conjugate(graph: nx.DiGraph, keep: Collection[str] = ()) -> nx.DiGraph:
    """The graph with unknowns integrated out where a rule fits; those in `keep` are left alone."""
    for node in node_list(graph):
        child = None if node.name in keep else _child(node, graph)
        rule = None if child is None else _rule(node, child)
        if child is not None and rule is not None:
            graph = _turned(graph, node, child, rule)
    return graph


def because(node: Node) -> str:
    """Why an unknown was integrated out, or "" where it was not."""
    name = node.dist.name if node.dist is not None else ""
    return next((rule.because for rule in CONJUGATES if rule.posterior[0] == name), "")


def _child(node: Node, graph: nx.DiGraph) -> Node | None:
    """The only density that reads an unknown, at its own positions and no others, if the data are seen through it."""
    site = node.of
    if node.kind != "unknown" or not isinstance(site, Site) or site.annotations or _in_objective(node, graph):
        return None
    others = [n for n in node_list(graph) if n.name != node.name and any(ways(n, node, graph))]
    if len(others) != 1 or others[0].kind != "observed" or set(others[0].axes) != set(node.axes):
        return None
    return others[0] if set(ways(others[0], node, graph)) == {Access()} else None


def _in_objective(node: Node, graph: nx.DiGraph) -> bool:
    objective = core_of(graph).objective
    return objective is not None and node.name in names_in(objective.value)


def _rule(node: Node, child: Node) -> Conjugate | None:
    """The rule for a prior and a density; the unknown must be the parameter itself, and stand nowhere else in it."""
    prior, density = node.dist, child.dist
    assert prior is not None
    assert density is not None
    for rule in CONJUGATES:
        if (rule.prior, rule.density) == (prior.name, density.name):
            link = _arguments(density)[rule.through]
            rest = [e for name, e in _arguments(density).items() if name != rule.through]
            bare = link.op == "ref" and link.attrs[0] == node.name
            return rule if bare and not any(node.name in names_in(e) for e in rest) else None
    return None


def _arguments(dist: Dist) -> dict[str, Expr]:
    row = DISTRIBUTIONS[dist.name]
    return {p.name: a for p, a in zip(row.params, dist.args, strict=True) if a is not None}


def _turned(graph: nx.DiGraph, node: Node, child: Node, rule: Conjugate) -> nx.DiGraph:
    """The graph with the pair the other way round: the unknown comes after what was seen, which it now reads."""
    assert isinstance(node.of, Site)
    assert isinstance(child.of, Site)
    prior, density, seen, before = node.of.dist, child.of.dist, _seen(child), _values(child, graph)
    names = {**_arguments(density), **_arguments(prior), "y": seen}
    site = replace(child.of, dist=_dist(rule.marginal, names, density))
    new = replace(child, name=f"{seen.attrs[0]} ~" if before else child.name, of=site)
    posterior = replace(node, of=replace(node.of, dist=_dist(rule.posterior, names, prior)))
    others = [n for n in node_list(graph) if n.name != node.name]
    every = [[new, posterior] if n.name == child.name else [n] for n in others]
    return assemble([*before, *(n for group in every for n in group)], core_of(graph))


def _seen(child: Node) -> Expr:
    """What was seen: a column, or the value of an `observe` statement."""
    assert isinstance(child.of, Site)
    site = child.of
    return site.value or Expr("ref", (), (site.name,), site.axes, "int", site.span)


def _values(child: Node, graph: nx.DiGraph) -> list[Node]:
    """The node of a column that was only observed so far, and is read from now on."""
    columns = [c for c in core_of(graph).data.columns if c.name == child.name]
    return [Node(c.name, "data", c.axes, c, None, c.span) for c in columns]


def _dist(written: tuple[str, tuple[str, ...]], names: Mapping[str, Expr], old: Dist) -> Dist:
    name, texts = written
    args = tuple(formula(text, names, old.span) for text in texts)
    axes = tuple(dict.fromkeys((*old.axes, *(a for e in args for a in e.axes))))
    return Dist(name, args, (), (), axes, (), "int", old.span)

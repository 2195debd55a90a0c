"""Unknowns that are integrated out in closed form: a prior and the only density that reads it are written the other
way round, as the marginal of what was seen and what is then known of the unknown. p(n) p(y | n) = p(y) p(n | y)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import networkx as nx

from ppl.check.core import Derived, Dist, Expr, Site
from ppl.check.formulas import formula
from ppl.check.reads import names_in
from ppl.graph.graph import Node, assemble, core_of, node_list
from ppl.rewrite.eliminate import is_discrete, ways
from ppl.rewrite.order import Access
from ppl.source.diagnostic import Diagnostic, complain
from ppl.stdlib.distributions import DISTRIBUTIONS

# The annotation that asks for a continuous unknown to be integrated out.
ASKED = "marginal"


@dataclass(frozen=True, slots=True)
class Conjugate:
    """`x ~ prior`, `y ~ density` with x for the parameter `through` is `y ~ marginal`, `x ~ posterior`. Formulas are
    over the parameters of both, the prior's where names are shared; `y` is what was seen. Where the rule is `scaled`,
    the parameter is x times a factor `times`. A rule for continuous unknowns is followed only where that is asked
    for."""

    prior: str
    density: str
    through: str
    marginal: tuple[str, tuple[str, ...]]
    posterior: tuple[str, tuple[str, ...]]
    because: str
    scaled: bool = False

    @property
    def pair(self) -> str:
        return f"{self.prior} and {self.density}"


_RATES = (("Poisson", "rate"), ("PoissonLog", "exp(log_rate)"))
_CHANCES = (("Binomial", "p", "(1 - p)"), ("BinomialLogit", "sigmoid(logit)", "sigmoid(-logit)"))

# Thinning: of a Poisson number of events, those that are kept, each on its own with probability p, and those that are
# not are two Poisson counts that do not depend on each other (Kingman, Poisson Processes, 1993, 5.1).
THINNED = tuple(
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

# Gelman et al., Bayesian Data Analysis, 3rd edition, 2013, 2.4, 2.6 and 3.4.
MIXED = (
    Conjugate(
        "Gamma",
        "Poisson",
        "rate",
        ("GammaPoisson", ("shape", "rate", "times")),
        ("Gamma", ("shape + y", "rate + times")),
        "a Gamma in the rate of a Poisson, which leaves a negative Binomial",
        scaled=True,
    ),
    Conjugate(
        "Beta",
        "Binomial",
        "p",
        ("BetaBinomial", ("n", "a", "b")),
        ("Beta", ("a + y", "b + (n - y)")),
        "a Beta for the probability of a Binomial, which leaves a Beta-Binomial",
    ),
    Conjugate(
        "Dirichlet",
        "Multinomial",
        "p",
        ("DirichletMultinomial", ("n", "a")),
        ("Dirichlet", ("a + y",)),
        "a Dirichlet for the proportions of a Multinomial, which leaves a Dirichlet-Multinomial",
    ),
)

CONJUGATES = (*THINNED, *MIXED)

# What the prior of an unknown was called in the model, by what the rules made of it.
WRITTEN = {rule.posterior[0]: rule.prior for rule in reversed(THINNED)}


@dataclass(frozen=True, slots=True)
class _Found:
    """A rule that fits an unknown and the density that reads it, and the factor before the unknown there."""

    child: Node
    rule: Conjugate
    times: Expr


def conjugate(graph: nx.DiGraph, keep: Collection[str] = ()) -> nx.DiGraph:
    """The graph with unknowns integrated out where a rule fits; those in `keep` are left alone."""
    for node in node_list(graph):
        found = "" if node.name in keep else _thinned(node, graph) or _asked(node, graph)
        if isinstance(found, _Found):
            graph = _turned(graph, graph.nodes[node.name]["node"], found)
    return graph


def refusals(graph: nx.DiGraph, drawn: Collection[str] = (), wanted: Collection[str] = ()) -> list[Diagnostic]:
    """E511 for every continuous unknown that was to be integrated out and is not, with the reason. `drawn` are those
    that a guide or an objective draws, `wanted` those for which another estimator is asked for by name."""
    out = []
    for node in node_list(graph):
        if _is_asked(node) and not is_integrated(node) and node.name not in wanted:
            assert isinstance(node.of, Site)
            reason = "its draws are asked for" if node.name in drawn else _asked(node, graph)
            out.append(complain("E511.marginal", node.of.annotation_span, name=node.name, reason=reason))
    return out


def because(node: Node) -> str:
    """Why an unknown was integrated out, or "" where it was not."""
    return node.of.integrated if isinstance(node.of, Site) else ""


def is_integrated(node: Node) -> bool:
    """Whether a node is a continuous unknown that was integrated out: its distribution is what is known of it given
    the rest, and no density reads it."""
    return bool(because(node)) and not is_discrete(node)


# ---- which rule fits ---------------------------------------------------------------------------------------------


def _thinned(node: Node, graph: nx.DiGraph) -> _Found | None:
    """The rule for a count of the author's that nothing else reads."""
    if not (isinstance(node.of, Site) and node.kind == "unknown" and is_discrete(node)) or node.of.annotations:
        return None
    if any(isinstance(n.of, Derived) and any(ways(n, node, graph)) for n in node_list(graph)):
        return None
    found = _fitting(node, graph, THINNED)
    return found if isinstance(found, _Found) else None


def _asked(node: Node, graph: nx.DiGraph) -> _Found | str:
    """The rule for a continuous unknown that is to be integrated out, or the reason why none fits."""
    return _fitting(node, graph, MIXED) if _is_asked(node) and not is_integrated(node) else ""


def _is_asked(node: Node) -> bool:
    asked = isinstance(node.of, Site) and ASKED in node.of.annotations
    return asked and node.kind == "unknown" and not is_discrete(node)


def _fitting(node: Node, graph: nx.DiGraph, rules: Iterable[Conjugate]) -> _Found | str:
    """The rule by which an unknown can be integrated out, or what is in the way."""
    child = _reader(node, graph)
    if isinstance(child, str):
        return child
    prior, density, seen = node.dist, child.dist, _written(child)
    assert prior is not None
    assert density is not None
    rule = next((r for r in rules if (r.prior, r.density) == (prior.name, density.name)), None)
    if rule is None:
        known = "; ".join(r.pair for r in rules)
        return f"{prior.name} and {density.name} (of `{seen}`) have no closed form here; those that have: {known}"
    link, *rest = _parameters(density, rule.through)
    times = _times(link, node.name, graph)
    if times is None or (times.op != "lit" and not rule.scaled):
        factor = ", or that times what does not depend on it" if rule.scaled else ""
        return f"`{rule.through}` of `{seen}` must be `{node.name}` itself{factor}"
    if any(node.name in _names(e, graph) for e in rest):
        return f"another argument of the {rule.density} of `{seen}` reads it as well"
    inputs = {n for e in (times, *rest, *_parameters(prior)) for n in _names(e, graph)}
    levels = [n.name for n in node_list(graph) if n.name in inputs and is_discrete(n)]
    if levels and not is_discrete(node):
        return f"what is known of it would depend on `{levels[0]}`, which is discrete"
    return _Found(child, rule, times)


def _reader(node: Node, graph: nx.DiGraph) -> Node | str:
    """The only density that reads an unknown, if the data are seen through it, at the unknown's own positions."""
    objective = core_of(graph).objective
    if objective is not None and node.name in names_in(objective.value):
        return "the objective reads it"
    others = [n for n in node_list(graph) if n.name != node.name and not isinstance(n.of, Derived)]
    readers = [n for n in others if not is_integrated(n) and any(ways(n, node, graph))]
    if not readers:
        return "no density reads it"
    if len(readers) > 1:
        return f"more than one density reads it, those of `{_written(readers[0])}` and `{_written(readers[1])}`"
    child = readers[0]
    if child.kind != "observed":
        return f"`{_written(child)}`, which reads it, is not observed"
    if set(child.axes) != set(node.axes) or set(ways(child, node, graph)) != {Access()}:
        return f"`{_written(child)}` does not read each position of it once, at its own"
    return child


def _written(node: Node) -> str:
    return node.name.removesuffix(" ~")


def _parameters(dist: Dist, first: str = "") -> list[Expr]:
    """The arguments of a family, that of one name first."""
    args = _arguments(dist)
    return [*(a for n, a in args.items() if n == first), *(a for n, a in args.items() if n != first)]


def _times(e: Expr, name: str, graph: nx.DiGraph) -> Expr | None:
    """The factor c of an expression c * name, with c free of it; None where it is no such product."""
    match e.op, e.args:
        case "ref", _ if e.attrs[0] == name:
            return Expr("lit", (), (1.0,), (), "real", e.span)
        case "ref", _ if e.attrs[0] in graph and isinstance(of := graph.nodes[e.attrs[0]]["node"].of, Derived):
            return None if of.along else _times(of.value, name, graph)
        case "mul", (a, b):
            known, other = (a, b) if name not in _names(a, graph) else (b, a)
        case "div", (other, known):
            pass
        case _:
            return None
    rest = None if name in _names(known, graph) else _times(other, name, graph)
    text = "rest / known" if e.op == "div" else "rest * known"
    return None if rest is None else formula(text, {"rest": rest, "known": known}, e.span)


def _names(e: Expr, graph: nx.DiGraph) -> set[str]:
    """The names that an expression depends on, derived values looked through."""
    seen, waiting = set[str](), [*names_in(e)]
    while waiting:
        name = waiting.pop()
        if name not in seen and name in graph and isinstance(graph.nodes[name]["node"].of, Derived):
            waiting += names_in(graph.nodes[name]["node"].of.value)
        seen.add(name)
    return seen


def _arguments(dist: Dist) -> dict[str, Expr]:
    row = DISTRIBUTIONS[dist.name]
    return {p.name: a for p, a in zip(row.params, dist.args, strict=True) if a is not None}


# ---- the other way round -----------------------------------------------------------------------------------------


def _turned(graph: nx.DiGraph, node: Node, found: _Found) -> nx.DiGraph:
    """The graph with the pair the other way round: the unknown comes after what was seen, which it now reads, and what
    is derived from it after that."""
    child, rule = found.child, found.rule
    assert isinstance(node.of, Site)
    assert isinstance(child.of, Site)
    prior, density, seen, before = node.of.dist, child.of.dist, _seen(child), _values(child, graph)
    names = {**_arguments(density), **_arguments(prior), "y": seen, "times": found.times}
    site = replace(child.of, dist=_dist(rule.marginal, names, density))
    new = replace(child, name=f"{seen.attrs[0]} ~" if before else child.name, of=site)
    known = replace(node.of, dist=_dist(rule.posterior, names, prior), integrated=rule.because)
    later = [n for n in node_list(graph) if n.name in nx.descendants(graph, node.name) and n.name != child.name]
    others = [n for n in node_list(graph) if n.name != node.name and n not in later]
    every = [[new, replace(node, of=known), *later] if n.name == child.name else [n] for n in others]
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
    """The distribution that a rule writes in the place of another."""
    name, texts = written
    args = tuple(formula(text, names, old.span) for text in texts)
    axes = tuple(dict.fromkeys((*old.axes, *(a for e in args for a in e.axes))))
    return Dist(name, args, (), old.attrs, axes, old.event, old.kind, old.span)

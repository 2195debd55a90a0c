"""From the graph to the plan: every unknown gets its estimator, or the model is refused with the reason and the
place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import networkx as nx

from ppl.check.core import Core, Derived, Dist, Expr, Guide, Site
from ppl.check.reads import names_in, names_in_dist
from ppl.graph.graph import Node, Plan, assemble, core_of, drawn_sites, guide_of, joined, node_list, unknowns, verify
from ppl.rewrite.canonical import canonical
from ppl.rewrite.conjugate import conjugate, is_integrated, refusals
from ppl.rewrite.cost import formulas
from ppl.rewrite.drawing import has_cdf, pathwise_kind
from ppl.rewrite.eliminate import eliminations, unbounded
from ppl.rewrite.estimators import ESTIMATORS, Facts, Rule, admissible
from ppl.rewrite.findings import Finding, Refusal, shown, worst
from ppl.rewrite.guards import Guard, jumps_of
from ppl.rewrite.joints import refused_joints, with_joint
from ppl.rewrite.limits import missing_limit
from ppl.rewrite.listing import Listing, listing
from ppl.rewrite.order import Elimination
from ppl.rewrite.order import Refusal as NotSummed
from ppl.rewrite.recurrence import stepwise
from ppl.rewrite.roughness import recheck, roughness
from ppl.rewrite.sides import is_told_apart, sides, without_tests
from ppl.rewrite.smooth import smooth, widths
from ppl.rewrite.supports import domain
from ppl.source.diagnostic import Diagnostic, ModelError, complain
from ppl.source.span import Span
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.records import DISCRETE, JUMP

CONTINUOUS = "write the model so that every log density is continuous in it, or sum it out by hand"
# Annotations that name an estimator in other words.
SAME = {"enumerate": "exact", "marginal": "exact"}
WORDS = frozenset(rule.name for rule in ESTIMATORS) | {"relax", *SAME}
# Estimators of draws that are made along a path, whole or between thresholds.
PATHS = frozenset(("reparam", "implicit", "components", "stratified", "boundary"))
# Estimators that answer for the jumps that they know of.
SPLITTING = frozenset(("stratified", "boundary"))
# Those that list levels along an axis: what is drawn after them must not need a score.
LISTED = frozenset(("exact", "components", "stratified", "remainder", "window", "relax"))
SUPPORTED = ("real", "lower", "upper", "interval")


@dataclass(frozen=True, slots=True)
class Choice:
    """An estimator for an unknown, and the others that would do, the preferred first."""

    facts: Facts
    rule: Rule
    others: tuple[Rule, ...] = ()
    biased: str = field(default="", kw_only=True)
    splits: tuple[Expr, ...] = field(default=(), kw_only=True)


def plan(
    graph: nx.DiGraph,
    guide: Guide | None = None,
    wanted: Mapping[str, str] | None = None,
    measured: Mapping[str, str] | None = None,
    kept: Iterable[str] = (),
) -> nx.DiGraph:
    """The graph with an estimator on every unknown, drawn from `guide` as far as it goes. `wanted` are estimators asked
    for by name of unknown, `measured` those that a pilot found cheapest; `kept` are not to be integrated out. Raises
    `ModelError` (E510 to E517, E530) where none is sound."""
    drawn = drawn_sites(core_of(graph), guide)
    soft = widths(graph, guide)
    graph = smooth(graph, soft) if soft else graph
    graph = canonical(conjugate(graph, {*drawn, *joined(guide), *(wanted or {}), *kept}))
    verify(graph, "graph")
    refused = refusals(graph, drawn, wanted or {})
    if refused:
        raise ModelError(refused)
    graph = assemble(node_list(graph), core_of(graph), None, guide)
    facts = gather(graph)
    asked = {**(measured or {}), **(wanted or {})}
    found = {name: _choice(f, asked.get(name, ""), core_of(graph)) for name, f in facts.items()}
    for name in set(measured or ()) - set(wanted or ()):
        choice = found[name]
        if isinstance(choice, Choice):
            found[name] = _measured(choice)
    complaints = [c for choice in found.values() if isinstance(choice, list) for c in choice]
    if complaints:
        raise ModelError(complaints)
    chosen = {name: c for name, c in found.items() if isinstance(c, Choice)}
    for name, width in soft.items():
        chosen[name] = replace(chosen[name], biased=f"its jumps are smoothed over a width of {width:g}")
    chosen = _settled(graph, chosen)
    cells = formulas(graph)
    new = {
        name: replace(c.facts.node, plan=_plan(c, cells.get(name, "") if c.facts.is_summed else ""))
        for name, c in chosen.items()
    }
    new |= {name: with_joint(new[name], joint) for name, joint in joined(guide).items() if name in new}
    refused = refused_joints(graph, guide, {name: n.plan for name, n in new.items() if n.plan is not None})
    if refused:
        raise ModelError(refused)
    out = assemble([new.get(n.name, n) for n in node_list(graph)], core_of(graph), _edge_levels(graph), guide)
    verify(out, "plan")
    return out


def is_objective(graph: nx.DiGraph) -> bool:
    """Whether a planned model is fitted as an objective: it has a guide, parameters or an objective of the author's, or
    an unknown whose draws need more than a path under the automatic guide."""
    core = core_of(graph)
    if core.params or core.objective is not None or guide_of(graph) is not None:
        return True
    summed = eliminations(graph)
    return any(
        n.plan is not None
        and n.plan.estimator != "reparam"
        and not is_integrated(n)
        and not (n.plan.estimator == "exact" and isinstance(summed.get(n.name), Elimination))
        for n in unknowns(graph)
    )


# ---- facts ---------------------------------------------------------------------------------------------------------


def gather(graph: nx.DiGraph) -> dict[str, Facts]:
    """What the analyses say of every unknown."""
    guide = guide_of(graph)
    sites = drawn_sites(core_of(graph), guide)
    summed, rough = eliminations(graph), roughness(graph, guide)
    return {n.name: _facts(n, sites.get(n.name), summed.get(n.name), rough, graph) for n in unknowns(graph)}


def own_values(guide: Guide | None) -> dict[str, Derived]:
    """The derived values of a guide."""
    return {s.name: s for s in (guide.statements if guide is not None else ()) if isinstance(s, Derived)}


def _facts(
    node: Node,
    site: Site | None,
    summed: Elimination | NotSummed | None,
    rough: Mapping[str, Mapping[str, Finding]],
    graph: nx.DiGraph,
) -> Facts:
    guide, core = guide_of(graph), core_of(graph)
    reached = {term: m[node.name] for term, m in rough.items() if node.name in m}
    decided = worst(reached.values()) if reached else Finding()
    term = next((t for t, f in reached.items() if f is decided), node.name)
    dist = site.dist if site is not None else node.dist
    assert dist is not None
    real = dist.kind == "real"
    jumps: tuple[Guard, ...] | Refusal = ()
    if real and not decided.pathwise:
        jumps = _usable(jumps_of(graph, node.name, guide), node, graph)
    needs_listing = (not real and (site is not None or isinstance(summed, NotSummed))) or bool(jumps)
    needs_listing |= site is not None and dist.name == "Mixture"
    scalar = not dist.event if site is not None or not real else domain(dist).kind in SUPPORTED
    return Facts(
        node,
        site,
        summed,
        decided,
        term,
        _at(decided, core),
        listing(graph, guide, node.name) if needs_listing else Listing({}),
        jumps,
        pathwise_kind(dist) if site is not None else "reparam" if real else "",
        has_cdf(dist) if site is not None else real and scalar,
        scalar,
        node.name in stepwise(graph, drawn_sites(core, guide), own_values(guide)),
        bool(jumps) and not isinstance(jumps, Refusal) and _only_sides(graph, node.name, jumps),
        _levels(dist, core),
        _positions(node.axes, core),
    )


def _usable(guards: tuple[Guard, ...] | Refusal, node: Node, graph: nx.DiGraph) -> tuple[Guard, ...] | Refusal:
    """The thresholds, where they can be known before the unknown is drawn, and lie along one axis at most."""
    if isinstance(guards, Refusal):
        return guards
    summed, drawn = eliminations(graph), drawn_sites(core_of(graph), guide_of(graph))
    for g in guards:
        if any(_is_drawn_from(name, node.name, graph) for name in g.others):
            return Refusal("a threshold is drawn after it", g.where)
        if any(isinstance(summed.get(name), Elimination) and name not in drawn for name in g.others):
            return Refusal("a threshold varies with an unknown that is summed out", g.where)
        plates = node.axes if g.access == "own" else ()
        if len([a for a in g.threshold.axes if a not in plates]) > 1:
            return Refusal("its thresholds vary along two axes", g.where)
    return guards


def _only_sides(graph: nx.DiGraph, name: str, guards: tuple[Guard, ...]) -> bool:
    """Whether each density asks for one side of one threshold at most."""
    guide = guide_of(graph)
    drawn = drawn_sites(core_of(graph), guide)
    summed = {n for n, e in eliminations(graph).items() if isinstance(e, Elimination) and n not in drawn}
    return sides(graph, guide, name, guards, frozenset(summed)) is not None


def _is_drawn_from(name: str, source: str, graph: nx.DiGraph) -> bool:
    """Whether an unknown or derived value takes another unknown to be drawn, at however many removes."""
    guide = guide_of(graph)
    sites = drawn_sites(core_of(graph), guide)
    own = {name: s.value for name, s in own_values(guide).items()}
    seen, waiting = set[str](), [name]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        of = graph.nodes[here]["node"].of if here in graph else None
        if here in sites:
            reads = names_in_dist(sites[here].dist)
        elif here in own:
            reads = names_in(own[here])
        else:
            reads = names_in(of.value) if isinstance(of, Derived) else set()
        if source in reads:
            return True
        waiting += reads
    return False


def _levels(dist: Dist, core: Core) -> int:
    """How many levels a discrete distribution has: 0 where the data say, -1 where there is no last one."""
    while dist.inner and dist.name != "Truncated":
        dist = dist.inner[-1]
    if unbounded(dist):
        return -1
    row = DISTRIBUTIONS.get(dist.name)
    if row is None or dist.kind == "real":
        return 0
    if dist.kind == "bool":
        return 2
    if dist.kind == "level":
        return _positions((str(dist.attrs[0]),), core)
    return 0


def _positions(axes: Iterable[str], core: Core) -> int:
    """The number of positions of a plate whose size the model fixes; 0 where the data say."""
    sizes = {a.name: a.size or 0 for a in core.axes}
    found = 1
    for a in axes:
        found *= sizes.get(a.rstrip("'"), 0)
    return found


# ---- choices -------------------------------------------------------------------------------------------------------


def _choice(facts: Facts, wanted: str, core: Core) -> Choice | list[Diagnostic]:
    """The first rule that holds, or what the author asks for; or what stands against it."""
    rules = admissible(facts)
    source = facts.site if facts.site is not None and facts.site.annotations else facts.node.of
    words = [wanted] if wanted else [a for a in getattr(source, "annotations", ()) if a in WORDS]
    if "unsafe_reparam" in getattr(source, "annotations", ()) and not wanted:
        return _unsafe(facts, rules)
    span = getattr(source, "annotation_span", facts.node.span)
    for word in words:
        return _asked(facts, SAME.get(word, word), rules, None if wanted else span, core)
    if rules:
        return Choice(facts, rules[0], rules[1:])
    return [_refused(facts, core)]


def _asked(
    facts: Facts, name: str, rules: tuple[Rule, ...], span: Span | None, core: Core
) -> Choice | list[Diagnostic]:
    """An estimator asked for by name, if it is sound."""
    rule = next((r for r in rules if r.name == name), None)
    if rule is not None:
        return Choice(facts, replace(rule, because=lambda f: f"asked for; {rule.because(f)}"), ())
    unknown = facts.node.name
    if name == "relax" and facts.dist.kind in ("bool", "level") and facts.is_listed and not facts.is_summed:
        why = "a Gumbel-softmax relaxation: its gradient is biased"
        return Choice(facts, Rule("relax", lambda f: True, lambda f: f"asked for; {why}"), (), biased=why)
    if name in ("reparam", "implicit", "stratified", "boundary", "measure") and facts.discrete:
        return [complain("E510", span, name=unknown)]
    if name in ("exact", "local", "disarm", "remainder", "window", "relax") and not facts.discrete:
        return [complain("E511", span, name=unknown)]
    if name in ("reparam", "implicit") and not facts.is_lipschitz:
        return [complain("E513", span, name=unknown, annotation=name, reason=facts.at)]
    others = ", ".join(f"`@{r.name}`" for r in rules) or "none is sound"
    return [complain("E517", span, name=unknown, annotation=name, others=others)]


def _measured(choice: Choice) -> Choice:
    """The same choice, said to be the outcome of a pilot."""
    rule = next(r for r in admissible(choice.facts) if r.name == choice.rule.name)
    others = tuple(r for r in admissible(choice.facts) if r.name != rule.name)
    known = ", ".join(r.name for r in others)
    return Choice(
        choice.facts, replace(rule, because=lambda f: f"{rule.because(f)} (a pilot: cheaper than {known})"), others
    )


def _unsafe(facts: Facts, rules: tuple[Rule, ...]) -> Choice:
    """What the author insists on: a path through a density that jumps."""
    if facts.is_lipschitz or facts.discrete or not facts.path:
        return Choice(facts, rules[0], rules[1:])
    why = f"the density jumps in `{facts.node.name}`, and its gradient along the path is biased"
    return Choice(facts, Rule("reparam", lambda f: True, lambda f: f"UNSAFE, asked for: {why}"), (), biased=why)


def _settled(graph: nx.DiGraph, chosen: dict[str, Choice]) -> dict[str, Choice]:
    """The choices that hold together. One that is taken back may leave a draw that needs a score below levels that are
    listed: these are then taken back as well, and everything is asked again from the start."""
    core = core_of(graph)
    while True:
        found = _rechecked(graph, _answered(_untied(_unlisted(graph, chosen), core), core))
        again = _unlisted(graph, found)
        late = [name for name in found if again[name].rule.name != found[name].rule.name]
        if not late:
            return found
        chosen = {**chosen, **{name: _next(chosen[name], LISTED, core) for name in late}}


def _unlisted(graph: nx.DiGraph, chosen: dict[str, Choice]) -> dict[str, Choice]:
    """Levels are not listed before a draw that needs a score: it would need one for each level."""
    sites = drawn_sites(core_of(graph), guide_of(graph))
    out = dict(chosen)
    for name, choice in chosen.items():
        if choice.rule.name not in LISTED or choice.facts.is_summed:
            continue
        below = [n for n in sites if n != name and _is_drawn_from(n, name, graph)]
        if any(out[n].rule.name not in LISTED | PATHS for n in below if n in out):
            out[name] = _next(choice, LISTED, core_of(graph))
    return out


def _untied(chosen: dict[str, Choice], core: Core) -> dict[str, Choice]:
    """Thresholds that move with listed levels of many positions would tie these together: all would move at once."""
    out = dict(chosen)
    for name, choice in chosen.items():
        facts = choice.facts
        if choice.rule.name not in SPLITTING or facts.sided or isinstance(facts.guards, Refusal):
            continue
        others = [out[n] for g in facts.guards for n in g.others if n in out]
        listed = (c for c in others if c.rule.name in LISTED and not c.facts.is_summed)
        if any(set(c.facts.node.axes) - set(facts.node.axes) for c in listed):
            out[name] = _next(choice, SPLITTING, core)
    return out


def _answered(chosen: dict[str, Choice], core: Core) -> dict[str, Choice]:
    """Where one comparison is a jump in several unknowns, the last of them is split there, at a threshold that moves
    smoothly with the others: for those nothing is left of the jump."""
    out, taken = dict(chosen), set[Expr]()
    for name, choice in reversed(chosen.items()):
        facts = choice.facts
        if choice.rule.name not in SPLITTING or isinstance(facts.guards, Refusal):
            continue
        tests = tuple(dict.fromkeys(g.test for g in facts.guards if g.test is not None))
        own = tuple(t for t in tests if t not in taken)
        taken |= set(own)
        if own and facts.listing.reason and len(own) < len(tests):
            # what is left to another unknown may be asked about beside what is not
            out[name] = _next(choice, SPLITTING, core)
        elif own:
            out[name] = replace(choice, splits=own)
        elif facts.path and facts.finding.level == JUMP:
            rule = Rule(facts.path, lambda f: True, lambda f: f"its jump {f.at} is split along another unknown")
            out[name] = Choice(facts, rule, choice.others)
    return out


def _next(choice: Choice, left_out: frozenset[str], core: Core) -> Choice:
    rest = [r for r in choice.others if r.name not in left_out]
    if not rest:
        raise ModelError([_refused(choice.facts, core)])
    return Choice(choice.facts, rest[0], tuple(rest[1:]))


def _rechecked(graph: nx.DiGraph, chosen: dict[str, Choice]) -> dict[str, Choice]:
    """The condition once more, on the program with its draws rewritten: what breaks it leaves the set of paths."""
    core, guide = core_of(graph), guide_of(graph)
    if not (core.params or core.objective is not None or guide is not None):
        return chosen
    paths = {n for n, c in chosen.items() if c.rule.name in ("reparam", "implicit", "components") and not c.biased}
    split = {
        g.where for c in chosen.values() if c.splits and not isinstance(c.facts.guards, Refusal) for g in c.facts.guards
    }
    again = recheck(
        *(without_tests(graph, guide, split) if is_told_apart(split, graph, guide) else (graph, guide)), paths
    )
    for name, finding in again.params.items():
        if not finding.corner:
            at = core.written(finding.where)
            raise ModelError([complain("E532", finding.where, name=name, reason=finding.reason, text=at)])
    out = dict(chosen)
    for name in again.leave:
        out[name] = _next(chosen[name], PATHS, core)
    return out


def _plan(choice: Choice, cost: str) -> Plan:
    facts, rule = choice.facts, choice.rule
    level = DISCRETE if facts.discrete else shown(facts.finding.level)
    where = facts.finding.where if facts.finding.reason else None
    others = tuple(r.name for r in choice.others if r.name != rule.name)
    return Plan(rule.name, level, rule.because(facts), where, cost, choice.biased, others, choice.splits)


# ---- refusals ------------------------------------------------------------------------------------------------------


def _refused(facts: Facts, core: Core) -> Diagnostic:
    """Why no estimator is sound, and where that is decided."""
    if isinstance(facts.elimination, NotSummed):
        reason = facts.listing.reason or facts.elimination.reason
        return _complaint(facts.node.name, reason, facts.elimination.where, "it is discrete, and cannot be summed out")
    finding = facts.finding
    reason = f"the log density of `{facts.term}` may jump {facts.at}"
    limit = "" if finding.operand is None else missing_limit(finding.operand, finding.need, core)
    return _complaint(facts.node.name, reason, finding.where, f"`{facts.node.name}` decides here", limit or CONTINUOUS)


def _at(finding: Finding, core: Core) -> str:
    """What decides of a finding, in the author's words where they say it."""
    written = core.written(finding.where)
    return f"at `{written}`" if finding.quoted and written else f"in it: {finding.reason}"


def _complaint(name: str, reason: str, where: Span, label: str, help_: str = CONTINUOUS) -> Diagnostic:
    return complain("E530", where, name=name, reason=reason, label=label, help=help_)


def _edge_levels(graph: nx.DiGraph) -> dict[tuple[str, str], str]:
    """How rough each density is in each unknown that it reads directly."""
    rough = roughness(graph, guide_of(graph))
    return {(u, term): shown(f.level) for term, m in rough.items() for u, f in m.items() if u != term}

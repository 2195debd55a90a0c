"""The choices for all unknowns made to hold together: one may rule out another, or answer for a jump of its own."""

from dataclasses import replace

import networkx as nx

from ppl.check.core import Core, Expr
from ppl.graph.graph import core_of, drawn_sites, guide_of
from ppl.rewrite.choices import LISTED, PATHS, SPLITTING, Choice, next_choice
from ppl.rewrite.estimators import Rule
from ppl.rewrite.facts import is_drawn_from
from ppl.rewrite.findings import Refusal
from ppl.rewrite.roughness import recheck
from ppl.rewrite.sides import is_told_apart, without_tests
from ppl.source.diagnostic import ModelError, complain
from ppl.stdlib.records import JUMP


def settled(graph: nx.DiGraph, chosen: dict[str, Choice]) -> dict[str, Choice]:
    """The choices that hold together. One that is taken back may leave a draw that needs a score below levels that are
    listed: these are then taken back as well, and everything is asked again from the start."""
    core = core_of(graph)
    while True:
        found = _rechecked(graph, _answered(_untied(_unlisted(graph, chosen), core), core))
        again = _unlisted(graph, found)
        late = [name for name in found if again[name].rule.name != found[name].rule.name]
        if not late:
            return found
        chosen = {**chosen, **{name: next_choice(chosen[name], LISTED, core) for name in late}}


def _unlisted(graph: nx.DiGraph, chosen: dict[str, Choice]) -> dict[str, Choice]:
    """Levels are not listed before a draw that needs a score: it would need one for each level."""
    sites = drawn_sites(core_of(graph), guide_of(graph))
    out = dict(chosen)
    for name, choice in chosen.items():
        if choice.rule.name not in LISTED or choice.facts.is_summed:
            continue
        below = [n for n in sites if n != name and is_drawn_from(n, name, graph)]
        if any(out[n].rule.name not in LISTED | PATHS for n in below if n in out):
            out[name] = next_choice(choice, LISTED, core_of(graph))
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
            out[name] = next_choice(choice, SPLITTING, core)
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
            out[name] = next_choice(choice, SPLITTING, core)
        elif own:
            out[name] = replace(choice, splits=own)
        elif facts.path and facts.finding.level == JUMP:
            rule = Rule(facts.path, lambda f: True, lambda f: f"its jump {f.at} is split along another unknown")
            out[name] = Choice(facts, rule, choice.others)
    return out


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
        out[name] = next_choice(chosen[name], PATHS, core)
    return out

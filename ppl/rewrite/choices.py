"""The choice of an estimator for one unknown, by what is known of it and what its author asks for."""

from dataclasses import dataclass, field, replace

from ppl.check.core import Core, Expr
from ppl.rewrite.estimators import ESTIMATORS, Facts, Rule, admissible
from ppl.rewrite.limits import missing_limit
from ppl.rewrite.order import Refusal as NotSummed
from ppl.source.diagnostic import Diagnostic, ModelError, complain
from ppl.source.span import Span

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


@dataclass(frozen=True, slots=True)
class Choice:
    """An estimator for an unknown, and the others that would do, the preferred first."""

    facts: Facts
    rule: Rule
    others: tuple[Rule, ...] = ()
    biased: str = field(default="", kw_only=True)
    splits: tuple[Expr, ...] = field(default=(), kw_only=True)


def choice_of(facts: Facts, wanted: str, core: Core) -> Choice | list[Diagnostic]:
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


def measured_choice(choice: Choice) -> Choice:
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


def next_choice(choice: Choice, left_out: frozenset[str], core: Core) -> Choice:
    """The next of the others, without some; E530 where there is none."""
    rest = [r for r in choice.others if r.name not in left_out]
    if not rest:
        raise ModelError([_refused(choice.facts, core)])
    return Choice(choice.facts, rest[0], tuple(rest[1:]))


def _refused(facts: Facts, core: Core) -> Diagnostic:
    """Why no estimator is sound, and where that is decided."""
    if isinstance(facts.elimination, NotSummed):
        reason = facts.listing.reason or facts.elimination.reason
        return _complaint(facts.node.name, reason, facts.elimination.where, "it is discrete, and cannot be summed out")
    finding = facts.finding
    reason = f"the log density of `{facts.term}` may jump {facts.at}"
    limit = "" if finding.operand is None else missing_limit(finding.operand, finding.need, core)
    return _complaint(facts.node.name, reason, finding.where, f"`{facts.node.name}` decides here", limit or CONTINUOUS)


def _complaint(name: str, reason: str, where: Span, label: str, help_: str = CONTINUOUS) -> Diagnostic:
    return complain("E530", where, name=name, reason=reason, label=label, help=help_)

"""`ESTIMATORS`: how the gradient of an expectation over a draw may be estimated, when that is sound, and why.

The rules stand in the order of preference; the first whose `when` holds is taken, the others that hold are admissible.
Sources: exact sums, Rao-Blackwell costs and leave-one-out baselines (Ranganath et al. 2014; Kool et al. 2019); paths
(Kingma & Welling 2014; Figurnov et al. 2018), sound where every density is locally Lipschitz (Lee, Rival & Yang 2023);
strata (smoothed perturbation analysis, Gong & Ho 1987); boundary terms (Lee, Yu & Yang 2018); local expectations
(Titsias & Lazaro-Gredilla 2015); DisARM (Dong et al. 2020); sum and sample (Liu et al. 2019); measure-valued
derivatives (Pflug 1996; Mohamed et al. 2020)."""

from collections.abc import Callable
from dataclasses import dataclass

from ppl.check.core import Dist, Site
from ppl.graph.graph import Node
from ppl.rewrite.conjugate import because, is_integrated
from ppl.rewrite.drawing import has_quantile
from ppl.rewrite.findings import CONTINUOUS, LEVELS, UNKNOWN, Finding, Refusal
from ppl.rewrite.guards import Guard
from ppl.rewrite.listing import Listing
from ppl.rewrite.order import Elimination
from ppl.rewrite.order import Refusal as NotSummed
from ppl.stdlib.levels import LIKELIEST
from ppl.stdlib.records import KINK, SMOOTH

# Levels beyond which a listed unknown is split into its likeliest levels and one draw from the rest.
MANY = 24
# Positions of an unknown up to which each of them is tried at all of its levels.
FEW = 64
WINDOW = 32
# What is drawn position by position, along with a recursion, has no positions side by side to list or try.
STEPWISE = ("reparam", "implicit", "score")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the analyses say of one unknown. `site` is where its draws come from, None for an automatic guide; `at` says
    what decides of `finding`; `path` how such a draw depends on parameters (`reparam`, `implicit`, or ""); `guards` the
    thresholds at which a density jumps in it, `sided` that each density only asks for one side of one of them; `levels`
    how many it has, 0 where the data say, -1 without end; `positions` how many of it there are, 0 where the data
    say; `stepwise` that they are drawn one after the other, along a recursion."""

    node: Node
    site: Site | None
    elimination: Elimination | NotSummed | None
    finding: Finding
    term: str
    at: str
    listing: Listing
    guards: tuple[Guard, ...] | Refusal
    path: str
    has_cdf: bool
    scalar: bool
    stepwise: bool
    sided: bool
    levels: int
    positions: int

    @property
    def discrete(self) -> bool:
        return self.node.dist is not None and self.node.dist.kind != "real"

    @property
    def dist(self) -> Dist:
        found = self.site.dist if self.site is not None else self.node.dist
        assert found is not None
        return found

    @property
    def is_summed(self) -> bool:
        """Whether the unknown leaves the model itself."""
        return self.site is None and isinstance(self.elimination, Elimination)

    @property
    def is_drawn(self) -> bool:
        """Whether something says how to draw it: a guide, or the automatic one."""
        if self.site is not None or not self.discrete:
            return True
        return not self.is_summed and self.node.kind == "unknown" and self.dist.kind in ("bool", "level")

    @property
    def family(self) -> str:
        """The distribution that draws come from; automatic coordinates are normal."""
        return self.dist.name if self.site is not None or self.discrete else "Normal"

    @property
    def is_lipschitz(self) -> bool:
        return not self.discrete and LEVELS[self.finding.level] <= LEVELS[KINK]

    @property
    def is_listed(self) -> bool:
        return self.is_drawn and not self.listing.reason

    @property
    def is_mixture(self) -> bool:
        """Whether it is drawn from a mixture whose components are drawn along paths."""
        return self.site is not None and self.dist.name == "Mixture" and bool(self.path)

    @property
    def has_guards(self) -> bool:
        return not self.discrete and not isinstance(self.guards, Refusal) and bool(self.guards)

    @property
    def has_strata(self) -> bool:
        """Whether draws can be made in a part of the line: by distribution function and quantiles."""
        return self.has_cdf and (self.site is None or has_quantile(self.dist))

    @property
    def is_defined(self) -> bool:
        """Whether every density is known to have a value wherever the unknown may be."""
        return self.discrete or self.finding.level != UNKNOWN


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of `ESTIMATORS`; `because` is what `ppl explain` prints."""

    name: str
    when: Callable[[Facts], bool]
    because: Callable[[Facts], str]


def _jump(f: Facts) -> str:
    """That and where a density jumps."""
    term = f.term.removesuffix(" ~")
    term = term if "," in term or " " in term else f"`{term}`"
    rough = "is not Lipschitz" if f.finding.level == CONTINUOUS else "jumps"
    return f"the density of {term} {rough} {f.at}"


def _count(f: Facts) -> str:
    assert not isinstance(f.guards, Refusal)
    n = len(f.guards)
    many = any(set(g.threshold.axes) - set(f.node.axes) for g in f.guards)
    return "the thresholds" if many else "one threshold" if n == 1 else f"{n} thresholds"


ESTIMATORS: tuple[Rule, ...] = (
    Rule(
        "exact",
        lambda f: f.is_summed and isinstance(f.elimination, Elimination) and f.elimination.leaf,
        lambda f: "blank cells that nothing else reads: they sum to one",
    ),
    Rule("exact", lambda f: is_integrated(f.node), lambda f: f"{because(f.node)}: integrated out"),
    Rule("exact", lambda f: f.is_summed and bool(because(f.node)), lambda f: f"{because(f.node)}: integrated out"),
    Rule(
        "exact",
        lambda f: f.is_summed and isinstance(f.elimination, Elimination) and f.elimination.open,
        lambda f: "a count: summed out over a window that holds its mass",
    ),
    Rule(
        "exact",
        lambda f: f.is_summed and isinstance(f.elimination, Elimination) and bool(f.elimination.along),
        lambda f: f"a chain: summed out over its paths along `{getattr(f.elimination, 'along', '')}`",
    ),
    Rule("exact", lambda f: f.is_summed and bool(f.node.axes), lambda f: "finite: summed out in its plate"),
    Rule("exact", lambda f: f.is_summed, lambda f: "finite: summed out"),
    Rule(
        "exact",
        lambda f: f.discrete and f.is_listed and 0 <= f.levels <= MANY,
        lambda f: "finite: averaged over its levels under the guide",
    ),
    Rule(
        "reparam",
        lambda f: f.is_lipschitz and f.path == "reparam" and LEVELS[f.finding.level] <= LEVELS[SMOOTH],
        lambda f: "every log density is smooth in it",
    ),
    Rule(
        "reparam",
        lambda f: f.is_lipschitz and f.path == "reparam",
        lambda f: f"continuous with a kink: {f.finding.reason}",
    ),
    Rule(
        "components",
        lambda f: f.is_lipschitz and f.is_mixture and f.is_listed and not f.stepwise,
        lambda f: "a draw from each component of the guide, weighed with its probability",
    ),
    Rule(
        "implicit",
        lambda f: f.is_lipschitz and f.path == "implicit",
        lambda f: f"no density jumps in it; {f.dist.name} is differentiated through its distribution function",
    ),
    Rule(
        "stratified",
        lambda f: f.has_guards and f.has_strata and f.sided and bool(f.path),
        lambda f: f"{_jump(f)}; each density weighed with the probability of its side",
    ),
    Rule(
        "stratified",
        lambda f: f.has_guards and f.is_listed and f.has_strata,
        lambda f: f"{_jump(f)}; split at {_count(f)}",
    ),
    Rule(
        "boundary",
        lambda f: f.has_guards and f.has_cdf and bool(f.path) and 0 < f.positions <= FEW,
        lambda f: f"{_jump(f)}; a term for {_count(f)}",
    ),
    Rule(
        "remainder",
        lambda f: f.discrete and f.is_listed and f.dist.kind == "level" and not f.is_summed,
        lambda f: f"many levels: the {LIKELIEST} likeliest summed, one drawn from the rest",
    ),
    Rule(
        "local",
        lambda f: f.discrete and f.is_drawn and 0 < f.levels <= MANY and 0 < f.positions <= FEW and not f.is_summed,
        lambda f: f"{f.listing.reason or 'finite'}: each position averaged over its levels, the others drawn",
    ),
    Rule(
        "disarm",
        lambda f: f.is_drawn and f.dist.kind == "bool" and f.dist.name in ("Bernoulli", "BernoulliLogit"),
        lambda f: f"{f.listing.reason or 'true or false'}: two mirrored draws",
    ),
    Rule(
        "window",
        lambda f: f.discrete and f.is_listed and f.levels < 0 and not f.is_summed,
        lambda f: f"a count: a window of {WINDOW} values summed, one drawn from the rest",
    ),
    Rule(
        "measure",
        lambda f: not f.discrete and f.family == "Normal" and f.scalar and f.is_defined and 0 < f.positions <= FEW,
        lambda f: f"{_jump(f)}; the guide's derivative is a difference of two distributions",
    ),
    Rule(
        "score",
        lambda f: f.is_drawn and not f.is_summed and f.scalar and f.is_defined,
        lambda f: _jump(f) if not f.discrete else f"{f.listing.reason or 'drawn'}: its score, with baselines",
    ),
    # how many positions there are is known with the data: a pilot may then prefer it
    Rule(
        "local",
        lambda f: f.discrete and f.is_drawn and 0 < f.levels <= MANY and f.positions == 0 and not f.is_summed,
        lambda f: f"{f.listing.reason or 'finite'}: each position averaged over its levels, the others drawn",
    ),
)


def admissible(facts: Facts) -> tuple[Rule, ...]:
    """The rules that hold, the preferred first; of one name, the first."""
    found: dict[str, Rule] = {}
    for rule in ESTIMATORS:
        if rule.when(facts) and not (facts.stepwise and rule.name not in STEPWISE):
            found.setdefault(rule.name, rule)
    return tuple(found.values())

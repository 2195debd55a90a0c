"""The verdict: a table of rules over the evidence, each with its reason in plain words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ppl.infer.approximation import Evidence, Trust, Verdict

# Other modes matter when together they hold at least one part in twenty of the mass: three nats.
MODE_NATS = 3.0
# The part of a variance beyond ten deviations of the guide from which it is worth a warning.
FAR_SHARE = 0.1
# Evidence, in nats, that wider guides find beyond that of the guide: what is worth a warning, and what is bad.
MISSED, MISSED_HALF = 0.02, 0.5
# The share of positions whose k-hat may lie above its limit.
LOOSE = 0.1
RANK: dict[Verdict, int] = {"ok": 0, "warn": 1, "bad": 2}


@dataclass(frozen=True, slots=True)
class Rule:
    """When `fails` holds, the verdict is at least `verdict`; `reason` has holes for fields of the evidence."""

    fails: Callable[[Evidence], bool]
    verdict: Verdict
    reason: str


def _misses(evidence: Evidence) -> bool:
    """Whether the draws say nothing of some part of the posterior, rather than too little."""
    return not evidence.corrected and (evidence.khat > 1.0 or evidence.ess < 20)


def modes_matter(evidence: Evidence) -> bool:
    """Whether the other modes that were found hold enough mass together."""
    masses = [mode.log_mass for mode in evidence.modes]
    return float(np.logaddexp.reduce(masses, initial=-np.inf)) > -MODE_NATS


# What holds of every guide of a posterior.
POSTERIOR: tuple[Rule, ...] = (
    Rule(lambda e: not np.isfinite(e.elbo), "bad", "the guide puts mass where the model has no density"),
    Rule(
        _misses,
        "bad",
        "the guide misses part of the posterior (k-hat {khat:.2f}, {ess:,.0f} effective draws)",
    ),
    Rule(
        lambda e: not e.corrected and not _misses(e),
        "warn",
        "the guide fits the posterior too loosely to be corrected (k-hat {khat:.2f}, {ess:,.0f} effective draws)",
    ),
    Rule(
        lambda e: e.corrected and e.moment_error > 0.05,
        "warn",
        "a few draws rule some moments ({ess:,.0f} of {draws:,} effective): expect errors of {moment_error:.2f} or"
        " more standard deviations",
    ),
    Rule(
        lambda e: e.corrected and e.ess < 0.45 * e.draws,
        "warn",
        "the guide fits loosely: weights leave {ess:,.0f} of {draws:,} draws effective, and may miss a tail",
    ),
    Rule(
        lambda e: e.tail > FAR_SHARE,
        "warn",
        "the posterior has far tails that no draw looks into: sds and outer quantiles may be too small",
    ),
    Rule(
        modes_matter,
        "warn",
        "the posterior has more than one mode and the guide covers one of them",
    ),
)
RULES: tuple[Rule, ...] = (
    *POSTERIOR,
    Rule(
        lambda e: not e.settled and not e.corrected,
        "warn",
        "the fit ended before fresh draws agreed with it (they would move a mean by {shift:.2f} standard deviations)",
    ),
)


# A bound whose parameters were learned: correction mends the draws, not the parameters.
GUIDE_RULES: tuple[Rule, ...] = (
    *POSTERIOR,
    Rule(
        lambda e: e.missed > MISSED_HALF,
        "bad",
        "wider guides find a large part of the posterior where this one does not draw ({missed:.1f} nats of evidence)",
    ),
    Rule(
        lambda e: MISSED_HALF >= e.missed > MISSED,
        "warn",
        "wider guides find mass where this one does not draw ({missed:.2f} nats more evidence)",
    ),
    Rule(
        lambda e: bool(e.points),
        "warn",
        "the guide has one value for {points}: how uncertain that is, and what follows for the rest, is left out",
    ),
    Rule(
        lambda e: not e.settled and np.isfinite(e.shift),
        "warn",
        "the fit ended before its parameters settled: they are uncertain by {shift:.2g} of their own scale",
    ),
    Rule(
        lambda e: not e.settled and not np.isfinite(e.shift),
        "warn",
        "the fit ended before anything could be said of its parameters",
    ),
)
# A bound that was learned part by part; nothing is corrected.
BATCH_RULES: tuple[Rule, ...] = (
    Rule(lambda e: not np.isfinite(e.elbo), "bad", "the guide puts mass where the model has no density"),
    Rule(
        lambda e: e.khat > 1.0,
        "bad",
        "the guide misses part of the posterior (k-hat {khat:.2f} over all data, {draws:,} draws)",
    ),
    Rule(
        lambda e: 1.0 >= e.khat > e.khat_limit,
        "warn",
        "the guide fits the posterior loosely (k-hat {khat:.2f} over all data, {draws:,} draws): sds may be too small",
    ),
    Rule(
        lambda e: np.isnan(e.khat) and (e.shared or np.isnan(e.loose)),
        "warn",
        "how closely the guide fits what all rows share was not measured: that takes weights over all data",
    ),
    Rule(
        lambda e: e.loose > LOOSE,
        "warn",
        "the guide fits the unknowns of single rows loosely: k-hat is above its limit for {loose:.0%} of the rows that"
        " were looked at",
    ),
    Rule(
        lambda e: not e.settled,
        "warn",
        "the fit ended before its value came to rest",
    ),
)
# An objective of the user's, which is no bound on any evidence.
OBJECTIVE_RULES: tuple[Rule, ...] = (
    Rule(lambda e: not np.isfinite(e.elbo), "bad", "the objective is not finite at the parameters found"),
    Rule(
        lambda e: not e.settled and np.isfinite(e.shift),
        "warn",
        "the search ended before its parameters settled: they are uncertain by {shift:.2g} of their own scale",
    ),
    Rule(
        lambda e: not e.settled and not np.isfinite(e.shift),
        "warn",
        "the search ended before anything could be said of its parameters",
    ),
    Rule(
        modes_matter,
        "warn",
        "other starts end in other optima that are nearly as good",
    ),
)


def judge(evidence: Evidence, rules: tuple[Rule, ...] = RULES) -> Trust:
    """The worst verdict of the rules that fire, with the reasons of all, the worst first."""
    fired = sorted((rule for rule in rules if rule.fails(evidence)), key=lambda rule: -RANK[rule.verdict])
    verdicts: list[Verdict] = [rule.verdict for rule in fired]
    worst: Verdict = max(verdicts, key=RANK.__getitem__, default="ok")
    holes = {name: getattr(evidence, name) for name in Evidence.__slots__}
    return Trust(worst, tuple(_said(rule.reason, holes) for rule in fired))


def _said(reason: str, holes: Mapping[str, object]) -> str:
    """A reason with its numbers, their thousands apart: `1 513 of 16 000`."""
    return re.sub(r"(?<=\d),(?=\d{3})", " ", reason.format(**holes))

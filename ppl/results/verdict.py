"""What a fit is worth, in plain words: whether it converged, how far to trust it, and what to do where not."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite

from ppl.infer.trust import modes_matter
from ppl.results.fit import Fit, is_posterior
from ppl.results.learned import reached
from ppl.results.numbers import counted, grouped, joined, seconds_text
from ppl.results.quantity import Quantity, is_derived

BIASED = "W140"
FLEXIBLE = ("full_rank", "modulated", "whitened_diagonal")


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do when `when` holds."""

    when: Callable[[Fit], bool]
    text: str


ADVICE: tuple[Advice, ...] = (
    Advice(
        lambda f: not isfinite(f.evidence.elbo),
        "bound the priors by what the statements allow, or widen the statements",
    ),
    Advice(
        lambda f: f.search is None and not f.evidence.corrected and f.guide.family not in FLEXIBLE,
        "fit again with --guide auto: it follows correlations",
    ),
    Advice(
        lambda f: not f.evidence.corrected and f.evidence.settled and f.guide.family in FLEXIBLE,
        "take means as approximate and intervals as too narrow; stronger priors or fewer redundant unknowns help",
    ),
    Advice(
        lambda f: f.search is not None and is_posterior(f) and not f.evidence.corrected,
        "take means as approximate and intervals as too narrow; a guide in which the unknowns may depend on each other"
        " helps",
    ),
    Advice(lambda f: f.evidence.corrected and f.evidence.ess < 400, "fit again with more draws: --draws 20000"),
    Advice(
        lambda f: is_posterior(f) and modes_matter(f.evidence),
        "order the components (`Ordered`), or tell the modes apart by the priors; each mode alone is fitted well",
    ),
    Advice(
        lambda f: not f.evidence.settled and not f.evidence.corrected,
        "give it more time (--time 1800), or accept less (--tol 0.1)",
    ),
)


def header(fit: Fit, width: int) -> list[str]:
    """The first line: what was fitted, how large it is, which estimators and guide were used."""
    unknowns = [q for q in fit.quantities.values() if not is_derived(q)]
    numbers = sum(q.draws[0].size for q in unknowns if isinstance(q, Quantity))
    size = counted(len(unknowns), "unknown") + (f" ({counted(numbers, 'number')})" if numbers else "")
    rows = [counted(fit.rows, "row")] if fit.rows else []
    rows = [f"{counted(n, 'row')} of {name}" for name, n in fit.tables.items()] or rows
    own = "the one in the file" if fit.guide.family == "guide" else fit.guide.family
    goal = f"guide: {own}" if is_posterior(fit) else "no posterior: an expectation is optimised"
    params = [counted(len(fit.params), "parameter")] if fit.params else []
    parts = [*rows, size, *params, *([estimators(fit)] if estimators(fit) else []), goal]
    return joined(parts, width, f"{fit.model}   ", "  ")


def estimators(fit: Fit) -> str:
    """`all reparam`, or `5 reparam, 1 exact`."""
    count = Counter(q.estimator for q in fit.quantities.values() if q.estimator)
    if len(count) == 1:
        return f"all {next(iter(count))}"
    return ", ".join(f"{n} {name}" for name, n in count.most_common())


def outcome(fit: Fit, width: int) -> list[str]:
    """The second line: whether and why the fit ended, and what it cost."""
    cost = [counted(fit.timing.gradients, "gradient evaluation")] if fit.timing.gradients else []
    first, *rest = _ending(fit)
    return joined([first, *rest, *_search(fit), *cost, seconds_text(fit.timing.total)], width, "", "  ")


def _search(fit: Fit) -> Iterator[str]:
    """How an optimum was found."""
    if fit.search is None:
        return
    if fit.search.passes and fit.search.batch:
        axis = "rows" if fit.search.batch_axis == "row" else f"levels of `{fit.search.batch_axis}`"
        yield f"minibatches of {grouped(fit.search.batch)} {axis}, {fit.search.passes:.3g} passes"
    elif fit.guide.slots:
        yield fit.search.method
    if fit.search.not_finite:
        yield f"{counted(fit.search.not_finite, 'draw')} not finite"


def _ending(fit: Fit) -> Iterator[str]:
    evidence = fit.evidence
    if fit.reason == "no unknowns":
        yield "exact: every unknown is summed out"
        return
    if fit.reason == "interrupted":
        yield "stopped by Ctrl-C: this is where the fit had come to"
    elif fit.reason == "out of time":
        yield "not converged: out of time"
    elif fit.reason == "laplace":
        yield "a Laplace approximation: the curvature at the highest point"
    elif fit.converged and fit.trust.verdict == "bad":
        yield "settled, but not to be trusted: see below"
    elif fit.converged and modes_matter(evidence):
        yield "settled on one of several modes: see below"
    elif fit.converged:
        yield "converged: the parameters settled" if fit.search else "converged: fresh draws agree with the fit"
    elif fit.search is not None and not isfinite(evidence.shift):
        yield "not converged: the value had not come to rest"
    elif fit.search is not None:
        yield f"not converged: the parameters are uncertain by {evidence.shift:.2g} of their own scale"
    else:
        yield f"not converged: fresh draws would move a mean by {evidence.shift:.2g} sd, an sd by {evidence.scale:.1%}"
    if modes_matter(evidence):
        yield counted(len(evidence.modes), "other mode") + " found"
    elif fit.trust.verdict != "bad" and evidence.starts_agree and not (fit.search and fit.search.batch):
        yield "all starts agree"


def omitted_lines(fit: Fit, width: int) -> list[str]:
    """Which derived names are not in the table, and why."""
    if not fit.omitted:
        return []
    depends, are = ("it depends", "is") if len(fit.omitted) == 1 else ("they depend", "are")
    why = f"{depends} on unknowns that are summed out, or {are} too large"
    return wrapped(f"not reported: {', '.join(fit.omitted)} ({why})", width, "  ", "    ")


def trust_lines(fit: Fit, width: int) -> list[str]:
    """`trust   ok   k-hat 0.46 · …`, then every reason and what to do."""
    lines = joined(list(_measures(fit)), width, f"trust   {fit.trust.verdict}   ", " " * 8)
    for reason in fit.trust.reasons:
        lines += wrapped(reason, width, "        - ", "          ")
    for advice in ADVICE if fit.trust.verdict != "ok" else ():
        if advice.when(fit):
            lines += wrapped(advice.text, width, "        = try: ", "               ")
    return lines


def _measures(fit: Fit) -> Iterator[str]:
    evidence = fit.evidence
    if fit.search is not None and (not is_posterior(fit) or fit.search.bound):
        yield reached(fit.search)
    if not is_posterior(fit):
        return
    if isfinite(evidence.khat):
        sign = "<" if evidence.khat < evidence.khat_limit else "above"
        yield f"k-hat {evidence.khat:.2f} ({sign} {evidence.khat_limit:.2g})"
        yield f"{grouped(evidence.ess)} of {grouped(evidence.draws)} draws effective"
    elif fit.reason == "no unknowns":
        yield "nothing is approximated"
    elif fit.search is not None and fit.search.batch and not fit.search.bound:
        yield f"ELBO {_with_error(evidence.elbo, evidence.elbo_se)}"
    if isfinite(evidence.log_evidence):
        yield f"log evidence {_with_error(evidence.log_evidence, evidence.log_evidence_se)}"


def _with_error(value: float, error: float) -> str:
    return f"{value:.2f} ± {error:.2f}" if error > 0.005 else f"{value:.2f}"


def biased_lines(fit: Fit, width: int) -> list[str]:
    """What the author asked for and should not forget."""
    found = [d for d in fit.warnings if d.code == BIASED]
    return [line for d in found for line in wrapped(d.message, width, "biased  ", " " * 8)]


def wrapped(text: str, width: int, first: str, rest: str) -> list[str]:
    """Text in lines of at most `width`, broken between words."""
    lines, line = [], first
    for word in text.split():
        if len(line) + len(word) + 1 > width and line.strip():
            lines.append(line.rstrip())
            line = rest
        line += f"{word} "
    return [*lines, line.rstrip()]

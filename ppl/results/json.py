"""A fit as one JSON object: schema 1, an interface. What is not a finite number is null."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from ppl.results.fit import Fit, is_posterior
from ppl.results.learned import params_json
from ppl.results.quantity import Probabilities, Quantity, is_derived
from ppl.results.record import Search
from ppl.results.table import CI, Quantities, levels_of, statistics
from ppl.source.render import to_json

SCHEMA = 1


def fit_json(fit: Fit, saved: str | None = None) -> dict[str, Any]:
    """Everything that `ppl fit --json` prints; `mean` and its like are nested lists in the order of `axes`."""
    evidence, timing = fit.evidence, fit.timing
    out = {
        "schema": SCHEMA,
        "model": fit.model,
        "converged": fit.converged,
        "reason": fit.reason,
        "guide": fit.guide.family,
        "elbo": {"value": evidence.elbo, "se": evidence.elbo_se} if is_posterior(fit) else None,
        "log_evidence": {"value": evidence.log_evidence, "se": evidence.log_evidence_se} if is_posterior(fit) else None,
        **_search(fit.search),
        "trust": {
            "verdict": fit.trust.verdict,
            "khat": evidence.khat,
            "ess": evidence.ess,
            "restarts_agree": evidence.starts_agree,
            "reasons": list(fit.trust.reasons),
        },
        **quantities_json(fit.quantities, fit.units),
        **params_json(fit.params),
        "seconds": {
            "total": timing.total,
            "compile": timing.compile,
            "bind": timing.bind,
            "optimise": timing.optimise,
        },
        "gradient_evaluations": timing.gradients,
        "seed": fit.seed,
        "warnings": to_json(fit.warnings)["warnings"],
        "saved": saved,
    }
    return {name: finite(value) for name, value in out.items()}


def _search(search: Search | None) -> dict[str, Any]:
    """What was optimised, and how noisy its gradients were at the end."""
    if search is None:
        return {"objective": None, "gradient_variance": {}}
    aim = search.bound or search.aim
    value = None if aim == "bound" else {"value": search.value, "se": search.value_se, "aim": aim}
    batch = {"size": search.batch, "axis": search.batch_axis, "passes": search.passes} if search.batch else None
    found = {"objective": value, "method": search.method, "gradient_variance": dict(search.variance)}
    return found if batch is None else {**found, "batch": batch}


def quantities_json(quantities: Quantities, units: Mapping[str, str], ci: float = CI) -> dict[str, Any]:
    """`{"unknowns": {NAME: …}, "derived": {NAME: …}}`."""
    out: dict[str, Any] = {"unknowns": {}, "derived": {}}
    for name, quantity in quantities.items():
        role = "derived" if is_derived(quantity) else "unknowns"
        unit = {"unit": units[name]} if name in units else {}
        out[role][name] = finite({**quantity_json(quantity, ci), **unit})
    return out


def quantity_json(quantity: Quantity | Probabilities, ci: float = CI) -> dict[str, Any]:
    """One quantity: mean, sd and quantiles, or the probabilities of levels."""
    place = {
        "axes": list(quantity.axes),
        "labels": [list(x) for x in quantity.labels],
        "estimator": quantity.estimator or None,
    }
    match quantity:
        case Probabilities(levels=levels, prob=prob):
            return {**place, "levels": list(levels), "prob": prob.tolist()}
        case Quantity():
            names = ("mean", "sd", *(f"q{100 * q:04.1f}".removesuffix(".0").replace(".", "_") for q in levels_of(ci)))
            return {**place, **dict(zip(names, statistics(quantity, ci).tolist(), strict=True))}


def finite(value: Any) -> Any:
    """The value with null for every number that is NaN or infinite."""
    match value:
        case float():
            return value if isfinite(value) else None
        case list() | tuple():
            return [finite(v) for v in value]
        case dict():
            return {name: finite(v) for name, v in value.items()}
        case _:
            return value

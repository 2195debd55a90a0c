"""What draws there are of each distribution: along a path, explicitly or through the distribution function, or not."""

from ppl.check.core import Dist
from ppl.stdlib.distributions import DISTRIBUTIONS
from ppl.stdlib.records import Distribution

EXPLICIT, IMPLICIT, NONE = "reparam", "implicit", ""


def noises(dist: Dist) -> int:
    """How many arrays of uniforms one draw takes."""
    inner = max((noises(d) for d in dist.inner), default=1)
    return inner + _NOISES.get(dist.name, 0)


def pathwise_kind(dist: Dist) -> str:
    """How a draw depends on the parameters: "reparam" by a formula, "implicit" through the distribution function, ""
    not at all."""
    if dist.kind != "real":
        return NONE
    kinds = [pathwise_kind(d) for d in dist.inner]
    match dist.name:
        case "where" | "Ordered":
            shared = dist.name == "where" or noises(dist) == 1
            return NONE if NONE in kinds or not shared else IMPLICIT if IMPLICIT in kinds else EXPLICIT
        case "Truncated" | "Mixture":
            return IMPLICIT if all(has_cdf(d) for d in dist.inner) and NONE not in kinds else NONE
        case name if name in DISTRIBUTIONS:
            return _VECTOR_KIND.get(name) or _family_kind(DISTRIBUTIONS[name], dist)
        case _:
            return NONE


_VECTOR_KIND = {
    **dict.fromkeys(("Dirichlet", "MvStudentT", "LKJCholesky", "Wishart", "InvWishart"), IMPLICIT),
    **dict.fromkeys(("MvNormal", "MvNormalChol", "MvNormalPrecision"), EXPLICIT),
}
# A Student t is a normal and a chi-square.
_NOISES = {"Mixture": 1, "MvStudentT": 1}


def _family_kind(row: Distribution, dist: Dist) -> str:
    if not row.quantile:
        return NONE
    shaped = [a for p, a in zip(row.params, dist.args, strict=True) if p.name not in dict(standard(row))]
    return EXPLICIT if all(a is None or a.op == "lit" for a in shaped) else IMPLICIT


def has_cdf(dist: Dist) -> bool:
    """Whether `cdf` knows the distribution function."""
    if dist.name in ("Ordered", "Censored"):
        return False
    if dist.inner:
        return all(has_cdf(d) for d in dist.inner)
    return bool(DISTRIBUTIONS[dist.name].cdf)


def has_quantile(dist: Dist) -> bool:
    """Whether draws are quantiles of a uniform number: a mixture is drawn by its components."""
    return dist.name != "Mixture" and all(map(has_quantile, dist.inner))


def standard(row: Distribution) -> tuple[tuple[str, float], ...]:
    """The parameter values of the standard draw that `_path` starts from."""
    return ((row.loc_scale[0], 0.0), (row.loc_scale[1], 1.0)) if row.loc_scale else row.standard

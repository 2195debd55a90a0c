"""Whether the guide's distribution of an unknown can stand for the model's: the same kind of values, and no value that
the model rules out, since log q - log p would be infinite there."""

from dataclasses import dataclass, replace

from ppl.check.building import bounds, constant
from ppl.check.core import Dist, Expr, Site
from ppl.check.formulas import formula
from ppl.check.scope import Scope
from ppl.check.supports import value_type
from ppl.source.diagnostic import Note
from ppl.stdlib.distributions import DISTRIBUTIONS


@dataclass(frozen=True, slots=True)
class Region:
    """A set of values. `kind`: numbers, whole numbers, simplex, ordered, or another kind of support. The least value is
    the greatest of `lows`, the greatest the least of `highs`."""

    kind: str
    lows: tuple[Expr, ...] = ()
    highs: tuple[Expr, ...] = ()


WORDS = {
    "simplex": "proportions that sum to one",
    "ordered": "in increasing order",
    "counts": "counts that sum to a total",
}
LEAVES = {"simplex": "leave the simplex", "ordered": "be out of order", "counts": "have another total"}
INSTEAD = {"simplex": "`Dirichlet(a)`", "ordered": "`Ordered(D)`", "counts": "`Multinomial(n, p)`"}
KIND_WORDS = {"real": "continuous", "int": "a count", "bool": "true/false"}


def is_aligned(site: Site, model: Site, inner: Scope, outer: Scope) -> bool:
    """Whether `site` of a guide fits the site of the model; `inner` and `outer` are the scopes of guide and model."""
    ours, theirs = value_type(site.dist), value_type(model.dist)
    note = (Note(model.dist.span, "the model draws it here"),)
    if ours != theirs:
        inner.report.add(
            "E504", site.dist.span, also=note, name=site.name, guide=_kind(ours, theirs), model=_kind(theirs, ours)
        )
        return False
    allowed = _regions(model.dist)[0]
    for region in _regions(site.dist):
        leaves = _leaves(region, allowed, inner, outer)
        if leaves:
            also = (Note(model.dist.span, f"{_words(allowed, outer)}; the objective would be infinite"),)
            inner.report.add(
                "E503", site.dist.span, also=also, name=site.name, leaves=leaves, label=_words(region, inner),
                help=_instead(allowed, site.dist, inner, outer),
            )  # fmt: skip
            return False
    return True


def _kind(own: str, other: str) -> str:
    if own.startswith("level:"):
        return f"a level of `{own[6:]}`" if other != "real" else "discrete"
    return "discrete" if other == "real" else KIND_WORDS[own]


# ---- regions -----------------------------------------------------------------------------------------------------


def _regions(dist: Dist) -> tuple[Region, ...]:
    """The set of values of each branch of a distribution."""
    match dist:
        case Dist(name="where", inner=branches):
            proper = [b for b in branches if b.name != "Flat"] or list(branches)
            return tuple(region for b in proper for region in _regions(b))
        case Dist(name="Truncated", args=(lower, upper), inner=(inner,)):
            return tuple(_cut(region, lower, upper) for region in _regions(inner))
        case Dist(name="Ordered", inner=(inner,)):
            return tuple(replace(region, kind="ordered") for region in _regions(inner))
        case Dist(inner=(inner, *_)):
            return _regions(inner)
        case _:
            return (_family(dist),)


def _cut(region: Region, lower: Expr | None, upper: Expr | None) -> Region:
    lows = region.lows if lower is None else (*region.lows, lower)
    highs = region.highs if upper is None else (*region.highs, upper)
    return replace(region, lows=lows, highs=highs)


def _family(dist: Dist) -> Region:
    row = DISTRIBUTIONS[dist.name]
    support = row.support
    given = {p.name: a for p, a in zip(row.params, dist.args, strict=True) if a is not None}
    low, high = (
        (formula(text, given, dist.span),) if text and not (text in given and given[text] is None) else ()
        for text in (support.low, support.high)
    )
    kind = "whole numbers" if support.kind == "integer" else "numbers"
    return Region(support.kind if support.kind in WORDS else kind, low, high)


def _leaves(guide: Region, model: Region, inner: Scope, outer: Scope) -> str:
    """How values of the guide leave those of the model; "" where they cannot."""
    if guide.kind != model.kind and model.kind in WORDS:
        return LEAVES[model.kind]
    for end in model.lows:
        if not any(own == end or bounds(own, inner).low >= bounds(end, outer).high for own in guide.lows):
            return "be negative" if constant(end) == 0 else f"be below {_text(end, outer)}"
    for end in model.highs:
        if not any(own == end or bounds(own, inner).high <= bounds(end, outer).low for own in guide.highs):
            return f"be above {_text(end, outer)}"
    return ""


# ---- words -------------------------------------------------------------------------------------------------------


def _text(end: Expr, scope: Scope) -> str:
    value = constant(end)
    if value is not None:
        return f"{value:g}"
    return "`" + " ".join(scope.text[end.span.start : end.span.end].split()) + "`"


def _ends(region: Region, scope: Scope) -> tuple[str, str]:
    """The ends as a reader would name them: the last one that the author wrote."""
    low, high = (_text(ends[-1], scope) if ends else "" for ends in (region.lows, region.highs))
    return low, high


def _words(region: Region, scope: Scope) -> str:
    if region.kind in WORDS:
        return WORDS[region.kind]
    whole = "whole numbers " if region.kind == "whole numbers" else ""
    match _ends(region, scope):
        case "", "":
            return "all real numbers"
        case "0", "" if not whole:
            return "positive only"
        case low, "":
            return f"{whole}from {low} on"
        case "", high:
            return f"{whole}up to {high}"
        case low, high:
            return f"{whole}between {low} and {high}"


def _instead(model: Region, written: Dist, inner: Scope, outer: Scope) -> str:
    """A distribution that stays where the model's values are."""
    if model.kind in INSTEAD:
        return INSTEAD[model.kind]
    low, high = _ends(model, outer)
    text = inner.text[written.span.start : written.span.end]
    if written.kind == "real" and (low, high) == ("0", ""):
        given = ", ".join(_text(a, inner).strip("`") for a in written.args if a is not None)
        return f"`LogNormal({given})`" if written.name == "Normal" else "`LogNormal(m, s)`"
    if written.kind == "real" and (low, high) == ("0", "1"):
        return "`Beta(a, b)`"
    own = text if written.kind == "int" or written.name == "Normal" else "Normal(m, s)"
    ends = ", ".join(f"{side}={end.strip('`')}" for side, end in (("lower", low), ("upper", high)) if end)
    return f"`Truncated({own}, {ends})`"

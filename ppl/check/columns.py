"""Whether a distribution can describe a column of a type."""

from ppl.check.core import Dist
from ppl.check.scope import Entry, Scope, base
from ppl.source.span import Span
from ppl.stdlib.distributions import DISTRIBUTIONS


def fits(entry: Entry, dist: Dist, span: Span, scope: Scope) -> bool:
    """Whether a distribution can describe a column of this type."""
    name, kind, family = entry.name, entry.type, _family_name(dist)
    if family == "Flat":
        scope.report.add("E416", span, dist="Flat")
    elif dist.kind == "level":
        return _fits_level(entry, dist, family, span, scope)
    elif kind.startswith("level:"):
        words = {"real": "numbers", "int": "counts", "bool": "true/false"}[dist.kind]
        scope.report.add("E324", span, name=name, kind="factor", dist=family, what=words, help="use Categorical")
    elif kind in ("date", "text"):
        text = f"declare `{name}: real`"
        scope.report.add("E324", span, name=name, kind=kind, dist=family, what="numbers", help=text)
    elif dist.kind == "int" and kind == "real":
        scope.report.add("E321", span, name=name, dist=family)
    elif dist.kind == "bool" and kind != "bool":
        scope.report.add("E322", span, name=name, kind=kind, dist=family)
    else:
        return True
    return False


def _fits_level(entry: Entry, dist: Dist, family: str, span: Span, scope: Scope) -> bool:
    over = base(str(dist.attrs[0]))
    if not entry.type.startswith("level:"):
        text = f"declare `{entry.name}: factor`"
        scope.report.add(
            "E324", span, name=entry.name, kind=f"{entry.type} column", dist=family, what="levels", help=text
        )
        return False
    if DISTRIBUTIONS[dist.name].support.kind == "level" and family != "OrderedLogistic" and over != entry.type[6:]:
        scope.report.add("E323", span, name=entry.name, dist=family, axis=over)
        return False
    return True


def _family_name(dist: Dist) -> str:
    """The name that a message gives a distribution."""
    if dist.name == "where":
        return next((n for n in map(_family_name, dist.inner) if n != "Flat"), "Flat")
    row = DISTRIBUTIONS.get(dist.name)
    if row is None or not row.internal:
        return dist.name
    return next((r.name for r in DISTRIBUTIONS.values() for f in r.forms if f.row == row.name), dist.name)

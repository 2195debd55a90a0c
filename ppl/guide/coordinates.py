"""The coordinates in which the automatic guide is normal: which unknowns are drawn as location plus scale, with a
degree of centring that is learned."""

from ppl.check.core import Site
from ppl.check.reads import names_in_dist
from ppl.stdlib.distributions import DISTRIBUTIONS


def is_location_scale(site: Site) -> bool:
    """Whether an unknown is a plate of location-scale draws, whose degree of centring can be learned: its family says
    so, its support is the line, it does not read its own lag, and no annotation fixes it as centred."""
    row = DISTRIBUTIONS.get(site.dist.name)
    plain = row is not None and row.loc_scale is not None and bool(site.axes)
    return plain and "centered" not in site.annotations and site.name not in names_in_dist(site.dist)

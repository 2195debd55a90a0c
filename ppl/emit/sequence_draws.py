"""Draws that are made one position after the other, in the steps of a loop."""

from collections.abc import Callable, Mapping

from ppl.check.core import Dist, Site
from ppl.emit.assembly import noise_of
from ppl.emit.draws import Noise, pathwise, sampled
from ppl.emit.goal import Objective
from ppl.emit.sequences import scanned
from ppl.emit.sites import note_path, note_put, note_score
from ppl.emit.unknowns import bounded_step
from ppl.emit.val import Val
from ppl.rewrite.recurrence import Circle

PATHS = frozenset(("reparam", "implicit"))


def sequence(name: str, o: Objective) -> Val | None:
    """The value of a name that is made from itself, None for others: all of its circle is computed, and drawn, step by
    step. What its draws cost is known afterwards, for all positions at once."""
    circle = o.circles.get(name)
    if circle is not None and name not in o.a.scanned:
        sites = [p for p in circle.parts if isinstance(p, Site)]
        own = [s for s in sites if s.name in o.guide]
        noises = {s.name: noise_of(o.a, s.name, s.dist, s.axes) for s in own if s.name not in o.put}
        found = scanned(o.a.s, circle, _drawn(o, circle, noises))
        o.a.scanned |= found
        o.a.s.names |= found
        for s in own:
            _note(o, s, found[s.name], noises)
    return o.a.scanned.get(name)


def _drawn(o: Objective, circle: Circle, noises: Mapping[str, Noise]) -> Callable[[Site, Dist, bool], Val]:
    """How a site is drawn in a step: by its uniform numbers, or put where it is to be."""

    def draw(site: Site, dist: Dist, first: bool) -> Val:
        def here(v: Val) -> Val:
            return o.b.gather(v, circle.axis, o.b.lit(0.0)) if first else v

        if site.name in o.put:
            return here(o.put[site.name])
        if site.name not in o.guide:
            return bounded_step(site, dist, first, circle.axis, o.a)
        axes = tuple(a for a in site.axes if a != circle.axis or not first)
        noise = noises[site.name]
        if o.estimators[site.name] in PATHS:
            return pathwise(o.a.s, dist, lambda k: here(noise(k)), axes)[0]
        return sampled(o.a.s, dist, lambda k: here(noise(k)), axes)

    return draw


def _note(o: Objective, site: Site, x: Val, noises: Mapping[str, Noise]) -> None:
    """What a site costs, over all positions."""
    if site.name in o.put:
        note_put(o, site.name, site.dist, site.axes)
    elif o.estimators[site.name] in PATHS:
        note_path(o, site.name, site.dist, site.axes, x, noises[site.name])
    else:
        note_score(o, site.name, site.dist, site.axes, x)

"""Guides that are named and not written: `low_rank:5` is `(a, b, c) ~ LowRank(5)` over all continuous unknowns."""

import networkx as nx

from ppl.check.core import Guide, Joint, Step
from ppl.graph.graph import core_of, unknowns
from ppl.rewrite.conjugate import is_integrated
from ppl.source.diagnostic import ModelError, complain
from ppl.stdlib.families import FAMILIES, FLOWS

FLOW = "coupling"
RANK = 5
KEYS = {row.key: row for row in FAMILIES.values() if row.key != "delta"}


def is_family(text: str) -> bool:
    """Whether this names a family of guides, however its numbers are written."""
    return text == "flow" or text.partition(":")[0] in KEYS


def family_guide(graph: nx.DiGraph, text: str) -> Guide | None:
    """A guide of the family `text` (`mean_field`, `full_rank`, `low_rank:5`, `laplace`, `flow`) over the unknowns of a
    planned graph that are drawn along paths; the others keep the automatic guide. Raises ModelError (E558)."""
    names = tuple(
        n.name
        for n in unknowns(graph)
        if n.kind == "unknown" and n.plan is not None and n.plan.estimator == "reparam" and not is_integrated(n)
    )
    if core_of(graph).objective is not None or not names:
        return None
    return Guide(text, (), (), joints=(_joint(names, text),))


def _joint(names: tuple[str, ...], text: str) -> Joint:
    if text == "flow":
        row = FLOWS[FLOW]
        return Joint(names, "flow", steps=(Step(FLOW, tuple(s.default or 0.0 for s in row.settings)),))
    key, _, number = text.partition(":")
    extra = KEYS[key].extra
    if number and not (extra and number.isdigit() and int(number) > 0):
        help_ = "mean_field, full_rank, low_rank:5, laplace, flow"
        raise ModelError([complain("E558", None, text=text, help=help_)])
    return Joint(names, key, ((extra, float(number or RANK)),) if extra else ())

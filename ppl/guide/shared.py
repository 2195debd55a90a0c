"""The automatic guide of a model that is looked at part by part: what all rows share is drawn together."""

from collections.abc import Mapping
from math import prod

import networkx as nx

from ppl.check.core import Guide
from ppl.graph.graph import Node, core_of, unknowns
from ppl.guide.families import family_guide
from ppl.rewrite.batching import Batching

# A full-rank normal of more coordinates has more parameters than the data of most models say anything about.
MOST = 64


def shared_guide(graph: nx.DiGraph, batching: Batching, sizes: Mapping[str, int]) -> Guide | None:
    """A full-rank normal over the continuous unknowns that belong to no position, where they are few; unknowns of
    single positions keep independent normals. None where nothing would be drawn together. `sizes` are the lengths of
    axes."""
    guide = family_guide(graph, "full_rank") if core_of(graph).objective is None else None
    if guide is None:
        return None
    nodes = {n.name: n for n in unknowns(graph)}
    names = tuple(n for n in guide.joints[0].names if not batching.scales(nodes[n].axes))
    count = sum(_length(nodes[n], sizes) for n in names)
    if not 2 <= count <= MOST:
        return None
    joint = guide.joints[0]
    return Guide("full_rank", (), (), joints=(type(joint)(names, joint.family, joint.settings),))


def _length(node: Node, sizes: Mapping[str, int]) -> int:
    return prod(sizes[a.rstrip("'")] for a in node.axes)

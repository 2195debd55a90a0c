"""From a plan to the values of a program."""

from collections.abc import Mapping

import networkx as nx

from ppl.check.core import ColumnSpec, Core, Derived, Dist, FactorTerm, Site
from ppl.check.reads import names_in
from ppl.emit.assembly import Assembly, column_value, noise_of
from ppl.emit.densities import log_density
from ppl.emit.draws import sampled
from ppl.emit.levels import add_leaf, add_levels, note_event
from ppl.emit.lower import Lowering
from ppl.emit.sequences import Names, recursions, scanned
from ppl.emit.sums import Term, is_level
from ppl.emit.unknowns import add_imputed, add_unknown, bounded_step
from ppl.emit.val import Val
from ppl.emit.values import Builder
from ppl.graph.graph import Node, core_of, node_list, unknowns
from ppl.rewrite.conjugate import is_integrated
from ppl.rewrite.eliminate import eliminations
from ppl.rewrite.order import Elimination
from ppl.source.diagnostic import Bug

# The names that one axis may need at once: three loops over it, and as many while their places are exchanged.
COPIES = 6


def assemble_program(graph: nx.DiGraph) -> Assembly:
    """The values of the program of a plan."""
    found = {n: e for n, e in eliminations(graph).items() if isinstance(e, Elimination)}
    out = new_assembly(graph, found)
    for node in node_list(graph):
        assemble_node(node, out)
    return out


def new_assembly(graph: nx.DiGraph, found: Mapping[str, Elimination], b: Builder | None = None) -> Assembly:
    """An assembly that knows the data and nothing else; `found` are the unknowns to sum out."""
    core = core_of(graph)
    b = b or Builder(_rank(core, graph))
    out = Assembly(b, Lowering(b), graph, eliminated={n: e for n, e in found.items() if not e.leaf})
    out.s.names = Names({}, lambda name: value_of(name, out))
    out.sequence = lambda name: _sequence(name, out)
    blanks = {n.name for n in node_list(graph) if n.kind == "imputed"}
    for column in core.data.columns:
        if column.kind != "text":
            v = column_value(column, out)
            out.hints[v] = column.name
            out.s.names |= {column.name: v} if column.name not in blanks else {}
    return out


def assemble_node(node: Node, out: Assembly) -> None:
    """Adds what one statement of the model stands for, once."""
    if node.name in out.done:
        return
    out.done.add(node.name)
    out.depth += 1
    _node(node, out)
    note_event(node, out, out.graph)
    out.depth -= 1
    while out.waiting and not out.depth:
        term = out.waiting.pop(0)
        out.terms.append(term())


def value_of(name: str, out: Assembly) -> Val:
    """The value of a name that is read before its place in the file: a later one of the same loop, some positions
    back."""
    if name in out.graph:
        assemble_node(out.graph.nodes[name]["node"], out)
    found = out.s.names.get(name)
    if found is None:
        raise Bug(f"`{name}` is read before it has a value")
    return found


def _sequence(name: str, out: Assembly) -> Val | None:
    """The value of a name that is made from itself, along with all of its circle."""
    circle = recursions(out.graph).get(name)
    if circle is not None and name not in out.scanned:
        out.scanned |= scanned(
            out.s, circle, lambda site, dist, first: bounded_step(site, dist, first, circle.axis, out)
        )
    return out.scanned.get(name)


def _rank(core: Core, graph: nx.DiGraph) -> dict[str, int]:
    """The canonical order of axes: levels of summed unknowns first, rows last, so that reductions run over long strides
    and the last axis is the longest."""
    declared = [a.name for a in core.axes if a.kind in ("declared", "units")]
    matched = [a.name for a in core.axes if a.kind == "columns"]
    levels = [a.name for a in core.axes if a.kind == "levels"]
    rows = [a.name for a in core.axes if a.kind == "row"]
    imputed = [n.name for n in node_list(graph) if n.kind == "imputed"]
    listed = [n.name for n in unknowns(graph)]
    truths = [n.name for n in node_list(graph) if isinstance(n.of, Derived) and n.of.value.type == "bool"]
    names = (
        [a for z in (*listed, *truths) for a in (f"{z}?", f"{z}?1", f"{z}?2", f"{z}?3", f"{z}#", f"{z}^")]
        + [f"{i}.missing" for i in imputed]
        + declared
        + matched
        + levels
        + rows
    )
    copies = [a + "'" * n + short for a in names for n in range(COPIES + 1) for short in ("", "~", "~<", "~<=")]
    return {a: i for i, a in enumerate(copies)}


def _node(node: Node, out: Assembly) -> None:
    match node.of:
        case ColumnSpec():
            return
        case Derived(value=value, axes=axes, hidden=hidden):
            v = out.sequence(node.name) or out.s.expr(value)
            enumerated = any(is_level(a) for a in v.axes)
            drawn = not names_in(value).isdisjoint(out.recovered)
            out.define(node.name, v, axes, v.batch and not enumerated and not drawn and not hidden)
            if drawn and not enumerated:
                out.recovered[node.name] = (v, axes)
            if enumerated:
                out.unreported.append(node.name)
            elif v.batch and (value.type == "bool" or value.type.startswith("level:")):
                out.levels[f"{node.name}?"] = value.type.rstrip("'")
        case FactorTerm(value=value):
            v = out.s.expr(value)
            out.terms.append(Term(node.name, v, value.axes))
        case Site(name=name, role="observed", value=None):
            _observed(node, out.s.names[name], out)
        case Site(role="observed", value=value):
            assert value is not None
            _observed(node, out.s.expr(value), out)
        case Site(dist=dist) if is_integrated(node):
            _recovered(node, dist, out)
        case Site(role="unknown", dist=dist) if (x := out.given(node)) is not None:
            _given(node, dist, x, out)
        case Site(dist=dist) if node.name in out.eliminated:
            add_levels(node, dist, out)
        case Site(role="imputed", dist=dist) if dist.kind != "real":
            add_leaf(node, dist, out)
        case Site(role="imputed", dist=dist):
            add_imputed(node, dist, out)
        case Site(dist=dist):
            add_unknown(node, dist, out)


def _observed(node: Node, x: Val, out: Assembly) -> None:
    assert node.dist is not None
    plates = tuple(a for a in node.axes if a not in node.dist.event)
    out.terms.append(Term(node.name, log_density(out.s, node.dist, x), plates))


def _given(node: Node, dist: Dist, x: Val, out: Assembly) -> None:
    """An unknown whose value comes from a guide."""
    out.define(node.name, x, node.axes, True)
    plates = tuple(a for a in node.axes if a not in dist.event)
    out.add_density(lambda: Term(node.name, log_density(out.s, dist, x), plates))


def _recovered(node: Node, dist: Dist, out: Assembly) -> None:
    """An unknown that was integrated out: a draw of it from what is known of it given the rest. No density reads it."""
    x = sampled(out.s, dist, noise_of(out, node.name, dist, node.axes), node.axes)
    out.define(node.name, x, node.axes, False)
    out.recovered[node.name] = (x, node.axes)

"""The graph as pictures: text, Mermaid, Graphviz, JSON. The same graph gives the same text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import networkx as nx

from ppl.graph.graph import Node, node_list
from ppl.stdlib.records import JUMP, KINK

ROUGH = (KINK, JUMP)
# Sums are blue, paths green, paths with terms for jumps yellow, draws without a path orange; what is biased is red.
SUM, PATH, SPLIT, DRAW, BIASED = "#cfe2f3", "#d9ead3", "#fff2cc", "#fce5cd", "#f4cccc"
COLOURS: Mapping[str, str] = {
    "exact": SUM,
    "local": SUM,
    "remainder": SUM,
    "window": SUM,
    "reparam": PATH,
    "implicit": PATH,
    "components": SPLIT,
    "stratified": SPLIT,
    "boundary": SPLIT,
    "disarm": DRAW,
    "measure": DRAW,
    "score": DRAW,
    "relax": BIASED,
}
RED = "#cc0000"


def ordered(graph: nx.DiGraph) -> list[Node]:
    """The nodes, parents first; among equals by their place in the model."""
    place = {name: i for i, name in enumerate(graph.nodes)}
    return [graph.nodes[n]["node"] for n in nx.lexicographical_topological_sort(graph, key=place.__getitem__)]


def plate(node: Node) -> str:
    """The axes of a node, as a heading."""
    return ", ".join(node.axes)


def _by_plate(nodes: Sequence[Node]) -> dict[str, list[Node]]:
    out: dict[str, list[Node]] = {}
    for node in nodes:
        out.setdefault(plate(node), []).append(node)
    return out


def _rough_edges(graph: nx.DiGraph) -> list[tuple[str, str, str]]:
    return [(u, v, level) for u, v, level in graph.edges(data="level") if level in ROUGH]


def _edges(graph: nx.DiGraph) -> Iterator[tuple[str, str, str]]:
    """Edges with their level, in the order of the model."""
    for node in node_list(graph):
        for child in graph.successors(node.name):
            yield node.name, child, graph.edges[node.name, child]["level"] or ""


def role(node: Node) -> str:
    """What a node is, in a word or two: its estimator where it has one."""
    if node.plan is not None:
        return f"{'missing cells, ' if node.kind == 'imputed' else ''}{manner(node)}"
    return {"unknown": "unknown", "imputed": "missing cells", "factor": "factor"}.get(node.kind, node.kind)


def manner(node: Node) -> str:
    """The estimator of an unknown; one that is biased says so."""
    if node.plan is None:
        return ""
    return f"{node.plan.estimator} (biased)" if node.plan.biased else node.plan.estimator


def colour(node: Node) -> str:
    """The colour of an unknown's estimator, "" for other nodes."""
    if node.plan is None:
        return ""
    return BIASED if node.plan.biased else COLOURS[node.plan.estimator]


def legend(graph: nx.DiGraph) -> dict[str, str]:
    """The estimators that occur, with their colours; empty where there is but one."""
    found = {manner(n): colour(n) for n in node_list(graph) if n.plan is not None}
    return dict(sorted(found.items())) if len(found) > 1 else {}


# ---- text --------------------------------------------------------------------------------------------------------


def to_text(graph: nx.DiGraph) -> str:
    """One line for each node, parents first: its name and plate, what it is drawn from, its role, what it reads."""
    nodes = ordered(graph)
    rows = [_text_row(node, graph) for node in nodes]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(2)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}".rstrip() for a, b, c in rows]
    rough = [f"{'! ' if level == JUMP else ''}{level}: {u} -> {v}" for u, v, level in _rough_edges(graph)]
    return "\n".join([*lines, *([""] if rough else []), *rough])


def _text_row(node: Node, graph: nx.DiGraph) -> tuple[str, str, str]:
    axes = f"[{plate(node)}]" if node.axes else ""
    parents = [p for p in graph.nodes if graph.has_edge(p, node.name)]
    # the density of a column that is also read elsewhere is called `y ~`
    name, tilde, _ = node.name.partition(" ~")
    return f"{name}{axes}{tilde}", role(node), f"<- {', '.join(parents)}" if parents else ""


# ---- Mermaid -----------------------------------------------------------------------------------------------------

MERMAID_SHAPES: Mapping[str, tuple[str, str]] = {
    "unknown": ('(["', '"])'),
    "imputed": ('(["', '"])'),
    "observed": ('[/"', '"/]'),
    "data": ('["', '"]'),
    "derived": ('{{"', '"}}'),
    "factor": ('[/"', '"\\]'),
}
MERMAID_ARROWS = {KINK: "-. kink .->", JUMP: "== jump ==>"}


def to_mermaid(graph: nx.DiGraph) -> str:
    """A Mermaid flow chart with a subgraph for every plate; unknowns have the colour of their estimator, kinks are
    dotted, jumps are thick and red."""
    nodes = ordered(graph)
    ids = {node.name: f"n{i}" for i, node in enumerate(nodes)}
    lines = ["graph TD"]
    for i, (name, members) in enumerate(_by_plate(nodes).items()):
        inside = [_mermaid_node(node, ids) for node in members]
        if name:
            lines += [f'  subgraph p{i} ["{_quoted(name)}"]', *(f"    {line}" for line in inside), "  end"]
        else:
            lines += [f"  {line}" for line in inside]
    edges = list(_edges(graph))
    lines += [f"  {ids[u]} {MERMAID_ARROWS.get(level, '-->')} {ids[v]}" for u, v, level in edges]
    jumps = [str(i) for i, (_, _, level) in enumerate(edges) if level == JUMP]
    lines += [f"  linkStyle {','.join(jumps)} stroke:{RED}"] if jumps else []
    return "\n".join([*lines, *_mermaid_colours(nodes, ids), *_mermaid_legend(graph)])


def _mermaid_colours(nodes: Sequence[Node], ids: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys(colour(n) for n in nodes if n.plan is not None):
        members = [ids[n.name] for n in nodes if colour(n) == name]
        yield f"  style {members[0]} fill:{name}" if len(members) == 1 else f"  classDef c{name[1:]} fill:{name}"
        if len(members) > 1:
            yield f"  class {','.join(members)} c{name[1:]}"


def _mermaid_legend(graph: nx.DiGraph) -> Iterator[str]:
    found = legend(graph)
    if found:
        yield '  subgraph legend ["estimators"]'
        yield from (f'    l{i}["{_quoted(name)}"]' for i, name in enumerate(found))
        yield "  end"
        yield from (f"  style l{i} fill:{fill}" for i, fill in enumerate(found.values()))


def _mermaid_node(node: Node, ids: Mapping[str, str]) -> str:
    left, right = MERMAID_SHAPES[node.kind]
    return f"{ids[node.name]}{left}{_quoted(_label(node))}{right}"


def _label(node: Node) -> str:
    return node.name if node.plan is None else f"{node.name}: {manner(node)}"


def _quoted(text: str) -> str:
    return text.replace('"', "#quot;")


# ---- Graphviz ----------------------------------------------------------------------------------------------------

DOT_SHAPES: Mapping[str, str] = {
    "unknown": "shape=ellipse",
    "imputed": "shape=ellipse, style=dashed",
    "observed": "shape=ellipse, style=filled, fillcolor=gray85",
    "data": "shape=box",
    "derived": "shape=box, style=rounded",
    "factor": "shape=square, style=filled, fillcolor=black, fontcolor=white",
}
DOT_ARROWS = {KINK: ' [label="kink", style=dotted]', JUMP: f' [label="jump", style=dashed, color="{RED}"]'}


def to_dot(graph: nx.DiGraph) -> str:
    """Graphviz source with a cluster for every plate; unknowns have the colour of their estimator, kinks are dotted,
    jumps are dashed and red."""
    lines = ["digraph model {", "  node [fontname=Helvetica];"]
    for i, (name, members) in enumerate(_by_plate(ordered(graph)).items()):
        inside = [f"{_dot(n.name)} [label={_dot(_label(n))}, {_dot_shape(n)}];" for n in members]
        if name:
            head = f"  subgraph cluster_{i} {{ label={_dot(name)};"
            lines += [head, *(f"    {line}" for line in inside), "  }"]
        else:
            lines += [f"  {line}" for line in inside]
    lines += [f"  {_dot(u)} -> {_dot(v)}{DOT_ARROWS.get(level, '')};" for u, v, level in _edges(graph)]
    return "\n".join([*lines, *_dot_legend(graph), "}"])


def _dot_shape(node: Node) -> str:
    """The shape of a node; that of an unknown is filled with the colour of its estimator."""
    if node.plan is None:
        return DOT_SHAPES[node.kind]
    style = '"filled,dashed"' if node.kind == "imputed" else "filled"
    return f'shape=ellipse, style={style}, fillcolor="{colour(node)}"'


def _dot_legend(graph: nx.DiGraph) -> Iterator[str]:
    found = legend(graph)
    if found:
        yield '  subgraph cluster_legend { label="estimators";'
        for name, fill in found.items():
            yield f'    {_dot(f"legend {name}")} [label={_dot(name)}, shape=box, style=filled, fillcolor="{fill}"];'
        yield "  }"


def _dot(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# ---- JSON --------------------------------------------------------------------------------------------------------


def to_json(graph: nx.DiGraph) -> dict[str, Any]:
    """`{"nodes": [{name, kind, axes, estimator, level, line}], "edges": [{from, to, level}]}`."""
    return {
        "schema": 1,
        "nodes": [_node_json(node) for node in ordered(graph)],
        "edges": [{"from": u, "to": v, "level": level or None} for u, v, level in _edges(graph)],
    }


def _node_json(node: Node) -> dict[str, Any]:
    return {
        "name": node.name,
        "kind": node.kind,
        "axes": list(node.axes),
        "estimator": node.plan.estimator if node.plan else None,
        "level": node.plan.level if node.plan else None,
        "biased": bool(node.plan and node.plan.biased),
        "line": node.span.line or None,
    }

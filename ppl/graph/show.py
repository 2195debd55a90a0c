"""The graph as pictures: text, Mermaid, Graphviz, JSON. The same graph gives the same text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import networkx as nx

from ppl.graph.graph import Node, node_list
from ppl.stdlib.records import JUMP, KINK

ROUGH = (KINK, JUMP)


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
        return f"{'missing cells, ' if node.kind == 'imputed' else ''}{node.plan.estimator}"
    return {"unknown": "unknown", "imputed": "missing cells", "factor": "factor"}.get(node.kind, node.kind)


# ---- text --------------------------------------------------------------------------------------------------------


def to_text(graph: nx.DiGraph) -> str:
    """One line for each node, parents first: its name and plate, what it is drawn from, its role, what it reads."""
    nodes = ordered(graph)
    rows = [_text_row(node, graph) for node in nodes]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(2)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}".rstrip() for a, b, c in rows]
    rough = [f"{level}: {u} -> {v}" for u, v, level in _rough_edges(graph)]
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
    """A Mermaid flow chart with a subgraph for every plate; kinks are dotted, jumps are thick."""
    nodes = ordered(graph)
    ids = {node.name: f"n{i}" for i, node in enumerate(nodes)}
    lines = ["graph TD"]
    for i, (name, members) in enumerate(_by_plate(nodes).items()):
        inside = [_mermaid_node(node, ids) for node in members]
        if name:
            lines += [f'  subgraph p{i} ["{_quoted(name)}"]', *(f"    {line}" for line in inside), "  end"]
        else:
            lines += [f"  {line}" for line in inside]
    lines += [f"  {ids[u]} {MERMAID_ARROWS.get(level, '-->')} {ids[v]}" for u, v, level in _edges(graph)]
    return "\n".join(lines)


def _mermaid_node(node: Node, ids: Mapping[str, str]) -> str:
    left, right = MERMAID_SHAPES[node.kind]
    return f"{ids[node.name]}{left}{_quoted(_label(node))}{right}"


def _label(node: Node) -> str:
    return node.name if node.plan is None else f"{node.name}: {node.plan.estimator}"


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
DOT_ARROWS = {KINK: ' [label="kink", style=dashed]', JUMP: ' [label="jump", style=bold]'}


def to_dot(graph: nx.DiGraph) -> str:
    """Graphviz source with a cluster for every plate; kinks are dashed, jumps are bold."""
    lines = ["digraph model {", "  node [fontname=Helvetica];"]
    for i, (name, members) in enumerate(_by_plate(ordered(graph)).items()):
        inside = [f"{_dot(n.name)} [label={_dot(_label(n))}, {DOT_SHAPES[n.kind]}];" for n in members]
        if name:
            head = f"  subgraph cluster_{i} {{ label={_dot(name)};"
            lines += [head, *(f"    {line}" for line in inside), "  }"]
        else:
            lines += [f"  {line}" for line in inside]
    lines += [f"  {_dot(u)} -> {_dot(v)}{DOT_ARROWS.get(level, '')};" for u, v, level in _edges(graph)]
    return "\n".join([*lines, "}"])


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
        "line": node.span.line or None,
    }

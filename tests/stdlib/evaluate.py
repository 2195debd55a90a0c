"""Formulas of the tables, evaluated on numpy arrays, with their gradient by the `vjps` of `PRIMITIVES`."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import scipy.special as sp

from ppl.stdlib import formulas, kernels
from ppl.stdlib.formulas import parsed
from ppl.stdlib.linear import sum_to
from ppl.stdlib.primitives import PRIMITIVES
from ppl.stdlib.records import Distribution

VECTOR_CALLS = ("esum", "elen", "elogsumexp", "pick")
SCOPE = {"np": np, "sp": sp, "k": kernels}


@cache
def function(op: str) -> Any:
    """The code text of a primitive as a function."""
    row = PRIMITIVES[op]
    names = ["a", "b", "c"][: row.arity]
    return eval(f"lambda {', '.join(names)}: {row.code.format(*(f'({n})' for n in names))}", dict(SCOPE))


@dataclass(eq=False)
class Node:
    op: str
    value: Any
    args: tuple["Node", ...] = ()


def build(text: str, names: Mapping[str, Node], length: int = 1) -> Node:
    """The value of a formula, remembering how it came about. `length` is that of the event axis."""
    return formulas.evaluate(text, names, lambda op, args: apply(op, args, length), lambda v: Node("lit", float(v)))


def apply(op: str, args: tuple[Node, ...], length: int) -> Node:
    values = [a.value for a in args]
    with np.errstate(all="ignore"):
        match op:
            case "esum":
                value = np.sum(spread(values[0], length), axis=-1)
            case "elen":
                value = float(np.shape(values[0])[-1])
            case "elogsumexp":
                value = kernels.logsumexp(np.asarray(values[0]))
            case "pick":
                value = np.asarray(values[0])[..., np.asarray(values[1], int)]
            case _:
                value = function(op)(*values)
    return Node(op, value, args)


def spread(v: Any, length: int) -> np.ndarray:
    return np.broadcast_to(v, (length,)) if np.ndim(v) == 0 else np.asarray(v)


def slopes(node: Node, g: Any, length: int) -> list[Any]:
    """The adjoints of the arguments of one node."""
    values = [a.value for a in node.args]
    match node.op:
        case "esum":
            return [g * np.ones(length)]
        case "elen":
            return [None]
        case "elogsumexp":
            return [g * np.exp(np.asarray(values[0]) - node.value)]
        case "pick":
            out = np.zeros_like(np.asarray(values[0], float))
            np.add.at(out, np.asarray(values[1], int), g)
            return [out, None]
    env = {n: Node("in", v) for n, v in zip("abc", values, strict=False)}
    env |= {"y": Node("in", node.value), "g": Node("in", g)}
    return [None if t is None else build(t, env).value for t in PRIMITIVES[node.op].vjps]


def order(root: Node) -> list[Node]:
    seen: dict[int, Node] = {}

    def visit(n: Node) -> None:
        if id(n) not in seen:
            for a in n.args:
                visit(a)
            seen[id(n)] = n

    visit(root)
    return list(seen.values())


def gradient(root: Node, inputs: Mapping[str, Node], length: int = 1) -> dict[str, Any]:
    """The gradient of the sum of `root` in every input."""
    adjoint: dict[int, Any] = {id(root): np.ones(np.shape(root.value))}
    for node in reversed(order(root)):
        if not node.args or id(node) not in adjoint:
            continue
        for arg, g in zip(node.args, slopes(node, adjoint[id(node)], length), strict=True):
            if g is not None:
                shape = np.shape(arg.value)
                full = np.broadcast_to(np.asarray(g, float), np.broadcast_shapes(np.shape(g), shape))
                adjoint[id(arg)] = adjoint.get(id(arg), 0.0) + sum_to(full, shape)
    return {name: adjoint.get(id(n), np.zeros(np.shape(n.value))) for name, n in inputs.items()}


def inputs_of(values: Mapping[str, Any]) -> dict[str, Node]:
    return {name: Node("in", np.asarray(v) if np.ndim(v) else v) for name, v in values.items()}


def scope_of(row: Distribution, inputs: Mapping[str, Node], length: int) -> dict[str, Node]:
    names = dict(inputs)
    for name, text in row.let:
        names[name] = build(text, names, length)
    return names


def evaluate(text: str, values: Mapping[str, Any], row: Distribution | None = None) -> Any:
    """The value of a formula, with the shared sub-formulas of a row in scope (those that its names allow)."""
    return evaluated(text, inputs_of(values), values, row).value


def evaluated(text: str, inputs: Mapping[str, Node], values: Mapping[str, Any], row: Distribution | None) -> Node:
    length = event_length(values)
    needed = row is not None and any(
        n in {a.id for a in ast.walk(parsed(text)) if isinstance(a, ast.Name)} for n, _ in row.let
    )
    names = scope_of(row, inputs, length) if row is not None and needed else dict(inputs)
    return build(text, names, length)


def event_length(values: Mapping[str, Any]) -> int:
    return max((np.shape(v)[-1] for v in values.values() if np.ndim(v)), default=1)


def value_and_gradient(
    text: str, values: Mapping[str, Any], row: Distribution | None = None
) -> tuple[Any, dict[str, Any]]:
    inputs = inputs_of(values)
    root = evaluated(text, inputs, values, row)
    return root.value, gradient(root, inputs, event_length(values))


def numpy_text(text: str, **names: Any) -> Any:
    """A `draw` or `quantile` text."""
    with np.errstate(all="ignore"):
        return eval(text, dict(SCOPE), names)


def central_difference(f: Any, x: Any, step: float = 1e-3) -> Any:
    """A fourth-order difference; entries of `f` may depend on their own entry of `x` only."""
    x = np.asarray(x, float)
    h = step * np.maximum(np.abs(x), 0.1)
    with np.errstate(invalid="ignore"):
        return (8.0 * (f(x + h) - f(x - h)) - (f(x + 2.0 * h) - f(x - 2.0 * h))) / (12.0 * h)

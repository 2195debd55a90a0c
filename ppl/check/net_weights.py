"""The weights of nets as parameters, or, with `weights ~ D`, as unknowns of the model."""

from collections.abc import Iterator
from dataclasses import replace

from ppl.check.block import Block, inside_frame
from ppl.check.building import elementwise, literal, local
from ppl.check.core import Core, Dist, Expr, Param, Site
from ppl.check.distributions import distribution
from ppl.check.expressions import expression
from ppl.check.nets import read_nets
from ppl.check.scope import Entry, Scope
from ppl.check.supports import support_bounds, value_type
from ppl.check.weights import Weight
from ppl.syntax import ast

FAN_IN = "fan_in"


def declare_nets(block: Block) -> None:
    """Reads all nets of a file; weights without a distribution become parameters."""
    read_nets(block.scope, expression)
    for w in block.scope.book.weights.values():
        if block.scope.nets[w.net].weights is None:
            block.params.append(Param(w.name, w.axes, init=w.init, net=w.net, span=w.span, name_span=w.span))
            block.define(Entry(w.name, "param", w.axes, "real", learned=True, span=w.span))


def place_weights(statement: ast.Statement | None, block: Block) -> None:
    """Draws the weights of those nets that a statement is the first to call, right above it; without a statement, of
    all that are left."""
    wanted = called(statement, block.scope) if statement is not None else set(block.scope.nets)
    for w in block.scope.book.weights.values():
        prior = block.scope.nets[w.net].weights
        if prior is not None and w.net in wanted and w.name not in block.scope.names:
            _draw(w, prior, block)


def _draw(w: Weight, prior: ast.Expr, block: Block) -> None:
    """One array of weights: an unknown with the distribution of its net."""
    dist = weight_distribution(w, prior, block.scope)
    if dist is None:
        for other in block.scope.book.weights.values():
            if other.net == w.net and other.name not in block.scope.names:
                block.define(Entry(other.name, "failed", (), "failed", span=w.span))
        return None
    span = block.scope.nets[w.net].name.span
    block.statements.append(Site(w.name, w.axes, dist, "unknown", start=w.init, span=span, name_span=span))
    limits = support_bounds(dist, block.scope)
    return block.define(Entry(w.name, "unknown", w.axes, value_type(dist), limits, True, span=span))


def weight_distribution(w: Weight, written: ast.Expr, scope: Scope) -> Dist | None:
    """The distribution of an array of weights, in which `fan_in` is how many numbers come into its layer."""
    inner = scope.within(w.axes, "weights", w.span).naming({FAN_IN: local(FAN_IN, fan_in(w, scope), scope)})
    dist = distribution(written, inner)
    if dist is None or not inside_frame(dist.axes, w.axes, w.name, written.span, scope):
        return None
    return dist


def fan_in(w: Weight, scope: Scope) -> Expr:
    """How many numbers come into a layer."""
    return _folded(
        "add", [_folded("mul", [_size(a, scope) for a in axes] or [literal(1, w.span, "int")]) for axes in w.fans]
    )


def _folded(op: str, parts: list[Expr]) -> Expr:
    first, *rest = parts
    for part in rest:
        if first.op == part.op == "lit":
            a, b = float(str(first.attrs[0])), float(str(part.attrs[0]))
            first = literal(a + b if op == "add" else a * b, first.span, "int")
        else:
            first = elementwise(op, (first, part), first.span)
    return first


def _size(axis: str, scope: Scope) -> Expr:
    known = scope.axes[axis].size
    return literal(known, scope.axes[axis].span, "int") if known is not None else Expr("size", (), (axis,), (), "int")


# ---- in a guide ----------------------------------------------------------------------------------------------------

JOINT = ("FullRank", "LowRank", "Laplace")


def of_weights(statement: ast.Sample, target: ast.Target, scope: Scope) -> tuple[ast.Sample, ...] | None:
    """`f.weights ~ D` of a guide as one line for each array of weights, or one for all of them where D is a family that
    couples its members; None after a complaint."""
    net = target.name.id
    if net not in scope.nets or target.attribute != "weights" or target.indices is not None:
        text = "only nets have parts to draw: `f.weights ~ MeanField()`"
        scope.report.add("E368.name", target.span, name=scope.text[target.span.start : target.span.end], help=text)
        return None
    if scope.nets[net].weights is None:
        scope.report.add("E368", target.span, net=net)
        return None
    arrays = [w for w in scope.book.weights.values() if w.net == net]
    families = statement.value.function.id if isinstance(statement.value, ast.Call) else ""
    names = tuple(ast.Name(w.name, target.span) for w in arrays)
    if families in JOINT or isinstance(statement.value, ast.Pipe):
        return (replace(statement, target=ast.JointTarget(names, target.span)),)
    return tuple(replace(statement, target=_array(w, target)) for w in arrays)


def _array(w: Weight, target: ast.Target) -> ast.Target:
    """One array of weights on the left of `~`."""
    indices = tuple(ast.Name(a.rstrip("'"), target.span) for a in w.axes)
    return ast.Target(ast.Name(w.name, target.span), None, indices or None, target.span)


# ---- what is called ----------------------------------------------------------------------------------------------


def called(e: object, scope: Scope, seen: frozenset[str] = frozenset()) -> set[str]:
    """The nets that a piece of syntax calls, or that what it calls does."""
    found: set[str] = set()
    for name in _calls(e):
        if name in seen:
            continue
        if name in scope.nets:
            net = scope.nets[name]
            found |= {name} | called(net.lets, scope.at_home(net.span), seen | {name})
        elif name in scope.functions:
            fun = scope.functions[name]
            found |= called(fun, scope.at_home(fun.span), seen | {name})
    return found


def _calls(e: object) -> Iterator[str]:
    """The names that are called, or stand where a function may."""
    match e:
        case tuple():
            for part in e:
                yield from _calls(part)
        case ast.Call(function=name, args=args):
            yield name.id
            yield from _calls(args)
        case ast.Name(id=name):
            yield name
        case _:
            for field in getattr(e, "__slots__", ()):
                if field != "span":
                    yield from _calls(getattr(e, field))


def without_idle(core: Core, scope: Scope) -> Core:
    """The model without the weights of nets that nothing calls."""
    idle = {w.name for w in scope.book.weights.values() if w.net not in scope.book.called}
    statements = tuple(s for s in core.statements if s.name not in idle)
    axes = tuple(a for a in core.axes if a.kind != "units" or any(a.name in w.axes for w in _live(scope)))
    data = replace(core.data, axes=tuple(a for a in core.data.axes if a in axes))
    return replace(
        core, params=tuple(p for p in core.params if p.name not in idle), statements=statements, axes=axes, data=data
    )


def _live(scope: Scope) -> list[Weight]:
    return [w for w in scope.book.weights.values() if w.net in scope.book.called]

"""Nets: read once for their own sake, then put in place at each call, as functions are."""

from collections.abc import Iterator
from dataclasses import replace

from ppl.check.building import local
from ppl.check.complaints import no_axis, unknown_name
from ppl.check.core import Expr
from ppl.check.layers import Evaluate
from ppl.check.net_values import short, verify_units
from ppl.check.ports import arguments, bare, fits, framed, promised, verify_names
from ppl.check.scope import Entry, Scope, failed, is_failed
from ppl.check.weights import Body
from ppl.source.suggest import did_you_mean
from ppl.syntax import ast

Parts = dict[str, Expr]
# What is known of a name by its kind inside a net: no columns, no unknowns.
HIDDEN = ("data", "param", "unknown", "derived", "record")


def read_nets(scope: Scope, evaluate: Evaluate) -> None:
    """What is wrong with each net whatever it is called with, and what weights it has."""
    for net in scope.nets.values():
        _read(net, scope, evaluate)


def _read(net: ast.Net, scope: Scope, evaluate: Evaluate) -> None:
    name, book = net.name.id, scope.book
    if name in book.own:
        return
    found = len(scope.report.found)
    book.own[name] = set()
    for port in (*net.inputs, *net.outputs):
        for axis in port.axes:
            if axis.id in scope.axes:
                book.own[name].add(axis.id)
            else:
                no_axis(axis, scope)
    verify_names(net, scope)
    if len(scope.report.found) == found:
        values = {p.name.id: bare(p, net, scope) for p in net.inputs}
        _outputs(net, _body(net, values, scope, evaluate, is_alone=True), scope)
    if len(scope.report.found) > found:
        book.broken.add(name)


def _bare(scope: Scope) -> Scope:
    """The scope of a file, seen from inside a net: without what that net defines."""
    return replace(scope, names={n: e for n, e in scope.names.items() if e.kind != "local"}, body=None, loops=())


def _body(
    net: ast.Net, values: dict[str, Entry], scope: Scope, evaluate: Evaluate, is_alone: bool = False
) -> dict[str, Entry]:
    """The names that the lines of a net define, when its ports have these values."""
    scope = scope.at_home(net.span, values)
    around = scope.body
    body = Body(
        net, scope.book.own[net.name.id],
        is_alone=is_alone or (around is not None and around.is_alone),
        in_loop=bool(scope.loops) or (around is not None and around.in_loop),
    )  # fmt: skip
    calling = (*scope.calling, net.name.id)
    inner = replace(scope, frame=None, loops=(), target="", body=body, definitions={}, calling=calling)
    inner = inner.naming({n: short(e, inner) for n, e in values.items()})
    defined: dict[str, Entry] = {}
    for let in net.lets:
        body.layer, body.made = let.target.name.id, 0
        new = {n: short(e, inner) for n, e in _entries(let, inner, evaluate)}
        if body.is_alone:
            verify_units(let, new[let.target.name.id], inner)
        defined |= new
        inner = inner.naming(new)
    return defined


def _entries(let: ast.Let, scope: Scope, evaluate: Evaluate) -> Iterator[tuple[str, Entry]]:
    """What a definition brings into scope: a value, or a record and its parts."""
    name, written = let.target.name, let.value
    if is_record(written, scope):
        yield from record(name, written, scope, evaluate)
    else:
        yield name.id, local(name.id, framed(let, evaluate(written, scope), scope), scope)


def _outputs(net: ast.Net, defined: dict[str, Entry], scope: Scope) -> Parts:
    """The parts that a net gives."""
    found = {}
    for port in net.outputs:
        entry = defined.get(port.name.id)
        if entry is None or entry.value is None:
            if entry is None:
                axes = tuple(a.id for a in port.axes)
                text = f"`{port.name.id} = dense(…{', ' + axes[-1] if axes else ''})`"
                scope.report.add("E343", port.name.span, output=port.name.id, net=net.name.id, help=text)
            found[port.name.id] = failed(port.span)
        else:
            found[port.name.id] = promised(entry.value, port, net, scope)
    return found


# ---- calls -------------------------------------------------------------------------------------------------------


def call_parts(e: ast.Call, scope: Scope, evaluate: Evaluate) -> Parts | None:
    """What a call of a net gives, by the names of its outputs; None after a complaint."""
    net, book = scope.nets[e.function.id], scope.book
    if net.name.id in scope.calling:
        scope.report.add("E108", e.function.span, name=net.name.id)
        return None
    given = arguments(e, net, scope)
    if given is None:
        return None
    _read(net, _bare(scope), evaluate)
    values = {p.name.id: evaluate(given[p.name.id], scope) for p in net.inputs}
    fitting = [fits(values[p.name.id], given[p.name.id], p, net, scope) for p in net.inputs]
    if net.name.id in book.broken or not all(fitting):
        return None
    if scope.body is None or not scope.body.is_alone:
        book.called.add(net.name.id)
    found = len(scope.report.found)
    ports = {name: local(name, value, scope) for name, value in values.items()}
    parts = _outputs(net, _body(net, ports, scope, evaluate), scope)
    return parts if len(scope.report.found) == found and not is_failed(*parts.values()) else None


def net_value(e: ast.Call, scope: Scope, evaluate: Evaluate) -> Expr:
    """A call of a net with one output, as a value."""
    parts = call_parts(e, scope, evaluate)
    if parts is None:
        return failed(e.span)
    if len(parts) > 1:
        return _several(e.function.id, e, tuple(parts), scope)
    return next(iter(parts.values()))


def _several(name: str, written: ast.Expr, parts: tuple[str, ...], scope: Scope) -> Expr:
    text = scope.text[written.span.start : written.span.end] or name
    help_ = (
        f"`{text}.{parts[0]}`"
        if isinstance(written, ast.Name)
        else f"`{text}.{parts[0]}`, or `q = {text}` and `q.{parts[0]}`"
    )
    scope.report.add("E364", written.span, net=name, parts=", ".join(parts), help=help_)
    return failed(written.span)


# ---- records -----------------------------------------------------------------------------------------------------


def is_record(written: ast.Expr, scope: Scope) -> bool:
    """Whether an expression gives several parts: a call of a net with several outputs."""
    return (
        isinstance(written, ast.Call)
        and written.function.id in scope.nets
        and len(scope.nets[written.function.id].outputs) > 1
    )


def record(name: ast.Name, written: ast.Expr, scope: Scope, evaluate: Evaluate) -> Iterator[tuple[str, Entry]]:
    """The entries of `q = encoder(x)`: `q` itself, and `q.m` for each part."""
    assert isinstance(written, ast.Call)
    parts = call_parts(written, scope, evaluate)
    names = tuple(p.name.id for p in scope.nets[written.function.id].outputs)
    kind = "failed" if parts is None else "record"
    yield name.id, Entry(name.id, kind, names if kind == "record" else (), kind, span=name.span)
    for part in names if parts is not None else ():
        assert parts is not None
        yield f"{name.id}.{part}", local(f"{name.id}.{part}", parts[part], scope)


def whole_record(e: ast.Name, entry: Entry, scope: Scope) -> Expr:
    """A record where a value is needed. The axes of its entry are the names of its parts."""
    return _several(entry.name, e, entry.axes, scope)


def part(e: ast.Attribute, scope: Scope, evaluate: Evaluate) -> Expr:
    """`q.m`, `encoder(x).m`."""
    inner = e.value
    if isinstance(inner, ast.Call) and inner.function.id in scope.nets:
        parts = call_parts(inner, scope, evaluate)
        if parts is None or e.name in parts:
            return failed(e.span) if parts is None else parts[e.name]
        return _no_part(inner.function.id, tuple(parts), e, scope)
    if not isinstance(inner, ast.Name):
        return failed(e.span) if is_failed(evaluate(inner, scope)) else _no_part("this", (), e, scope)
    entry = scope.names.get(inner.id)
    if entry is None:
        unknown_name(inner, scope)
        return failed(e.span)
    if entry.kind in ("failed", "foreign"):
        return failed(e.span)
    if entry.kind != "record":
        return _no_part(inner.id, (), e, scope)
    found = scope.names.get(f"{inner.id}.{e.name}")
    if found is None or found.value is None:
        return _no_part(inner.id, entry.axes, e, scope)
    return replace(found.value, span=e.span)


def _no_part(name: str, parts: tuple[str, ...], e: ast.Attribute, scope: Scope) -> Expr:
    near = did_you_mean(e.name, parts) if parts else None
    listed = f"its parts are {', '.join(parts)}" if parts else "only a net with several outputs gives parts"
    scope.report.add("E365", e.span, name=name, part=e.name, help=f"did you mean `{near}`?" if near else listed)
    return failed(e.span)


def is_hidden(entry: Entry, scope: Scope) -> bool:
    """Whether a name of the file cannot be read here, inside a net."""
    return scope.body is not None and entry.kind in HIDDEN


def outside(e: ast.Name, scope: Scope) -> Expr:
    """The complaint about a name of the file inside a net."""
    assert scope.body is not None
    net = scope.body.net
    ports = ", ".join((*(p.name.id for p in net.inputs), e.id))
    scope.report.add("E362", e.span, name=e.id, help=f"make it a port: `net {net.name.id}({ports}) -> …`")
    return failed(e.span)

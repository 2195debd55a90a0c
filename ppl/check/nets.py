"""Nets: read once for their own sake, then put in place at each call, as functions are."""

from collections.abc import Iterator
from dataclasses import replace

from ppl.check.building import local
from ppl.check.complaints import describe, no_axis, unknown_name
from ppl.check.core import Derived, Expr
from ppl.check.layers import Evaluate
from ppl.check.scope import Entry, Scope, base, failed, in_words, is_failed
from ppl.check.weights import Body, Book, Known
from ppl.source.diagnostic import Note
from ppl.source.suggest import did_you_mean
from ppl.syntax import ast

Parts = dict[str, Expr]
# What is known of a name by its kind inside a net: no columns, no unknowns.
HIDDEN = ("data", "param", "unknown", "derived", "record")
NUMBERS = ("real", "int", "bool")


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
    _twice(net, scope)
    if len(scope.report.found) == found:
        values = {p.name.id: _port(p, net, scope) for p in net.inputs}
        _outputs(net, _body(net, values, scope, evaluate, is_alone=True), scope)
    if len(scope.report.found) > found:
        book.broken.add(name)


def _twice(net: ast.Net, scope: Scope) -> None:
    """Names that a net defines more than once."""
    for group in (
        (*(p.name for p in net.inputs), *(let.target.name for let in net.lets)),
        (p.name for p in net.outputs),
    ):
        seen: dict[str, ast.Name] = {}
        for name in group:
            if name.id in seen:
                scope.report.add("E403", name.span, also=(Note(seen[name.id].span, "first here"),), name=name.id)
            seen.setdefault(name.id, name)


def _port(port: ast.Port, net: ast.Net, scope: Scope) -> Entry:
    """A port of which nothing but its axes is known."""
    axes = tuple(a.id for a in port.axes)
    return local(port.name.id, Expr("ref", (), (f"{net.name.id}({port.name.id})",), axes, "real", port.span), scope)


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
    inner = inner.naming({n: _short(e, inner) for n, e in values.items()})
    defined: dict[str, Entry] = {}
    for let in net.lets:
        body.layer, body.made = let.target.name.id, 0
        new = {n: _short(e, inner) for n, e in _entries(let, inner, evaluate)}
        if body.is_alone:
            _units(let, new[let.target.name.id], inner)
        defined |= new
        inner = inner.naming(new)
    return defined


def _units(let: ast.Let, entry: Entry, scope: Scope) -> None:
    """The units of a layer have no names but the layer's: two layers do not meet unit by unit."""
    units = [a for a in entry.axes if a in scope.axes and scope.axes[a].kind == "units"]
    if entry.kind == "local" and len(units) > 1:
        size = scope.axes[units[0]].size
        scope.report.add("E369", let.target.span, name=entry.name, first=units[0], second=units[1], size=size)


# Nodes of a value beyond which it gets a name: the lines of a net may read each other many times over.
LARGE = 60


def _short(entry: Entry, scope: Scope) -> Entry:
    """A local name, its value named where it is large: it then stands in the model, computed once."""
    assert scope.body is not None
    value, book = entry.value, scope.book
    if value is None or scope.body.in_loop or scope.report.muted or _nodes(value, {}) <= LARGE:
        return entry
    found = next((n for n, known in book.values.items() if known.value == value), "")
    name = found or _unused(f"{scope.body.net.name.id}.{entry.name}", book)
    if not found:
        book.values[name] = Known(value, entry.bounds, entry.random, entry.learned)
    if not scope.body.is_alone and all(s.name != name for s in book.statements):
        span = scope.body.net.name.span
        book.statements.append(Derived(name, value.axes, value, hidden=True, span=span, name_span=span))
    return replace(entry, value=Expr("ref", (), (name,), value.axes, value.type, value.span))


def _nodes(e: Expr, known: dict[int, int]) -> int:
    """How many nodes a value has when it is written out."""
    if id(e) not in known:
        known[id(e)] = 1 + sum(_nodes(a, known) for a in e.args)
    return known[id(e)]


def _unused(name: str, book: Book) -> str:
    count, free = 1, name
    while free in book.values or free in book.weights:
        count += 1
        free = f"{name} ({count})"
    return free


def _entries(let: ast.Let, scope: Scope, evaluate: Evaluate) -> Iterator[tuple[str, Entry]]:
    """What a definition brings into scope: a value, or a record and its parts."""
    name, written = let.target.name, let.value
    if is_record(written, scope):
        yield from record(name, written, scope, evaluate)
    else:
        yield name.id, local(name.id, _framed(let, evaluate(written, scope), scope), scope)


def _framed(let: ast.Let, value: Expr, scope: Scope) -> Expr:
    """`h[hid] = …`: the value has these axes."""
    assert scope.body is not None
    if let.target.indices is None or is_failed(value):
        return value
    axes = [ix for ix in let.target.indices if isinstance(ix, ast.Name) and ix.id in scope.axes]
    if len(axes) == len(let.target.indices):
        return _promised(value, ast.Port(let.target.name, tuple(axes), let.target.span), scope.body.net, scope)
    lost = next(ix for ix in let.target.indices if ix not in axes)
    if isinstance(lost, ast.Name):
        no_axis(lost, scope)
    else:
        what, size = ("a number", lost.text) if isinstance(lost, ast.Number) else ("an expression", "3")
        scope.report.add("E302", lost.span, what=what, size=size, name=let.target.name.id)
    return failed(let.span)


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
            found[port.name.id] = _promised(entry.value, port, net, scope)
    return found


def _promised(value: Expr, port: ast.Port, net: ast.Net, scope: Scope) -> Expr:
    """The value of an output, with the axes that it is declared with."""
    declared = tuple(a.id for a in port.axes)
    extra = [a for a in value.axes if base(a) in scope.book.own[net.name.id] and a not in declared]
    if is_failed(value):
        return value
    if extra:
        own = scope.axes[base(extra[0])]
        words = f"the {own.size} units of a layer" if own.kind == "units" else f"the axis `{extra[0]}`"
        text = (
            f"`{port.name.id} = dense(…, {declared[-1]})`" if declared else f"`{port.name.id}[{extra[0]}]` in the head"
        )
        if not declared and own.kind == "units":
            text = f"`{port.name.id} = dense(…)` gives a number"
        shown = f"with ({in_words(declared)})" if declared else "as a number"
        scope.report.add("E363", port.name.span, output=port.name.id, declared=shown, axes=words, help=text)
        return failed(value.span)
    for axis in declared:
        if axis not in value.axes:
            value = Expr("spread", (value,), (axis,), (*value.axes, axis), "real", value.span)
    return value


# ---- calls -------------------------------------------------------------------------------------------------------


def call_parts(e: ast.Call, scope: Scope, evaluate: Evaluate) -> Parts | None:
    """What a call of a net gives, by the names of its outputs; None after a complaint."""
    net, book = scope.nets[e.function.id], scope.book
    if net.name.id in scope.calling:
        scope.report.add("E108", e.function.span, name=net.name.id)
        return None
    given = _given(e, net, scope)
    if given is None:
        return None
    _read(net, scope, evaluate)
    values = {p.name.id: evaluate(given[p.name.id], scope) for p in net.inputs}
    fitting = [_fits(values[p.name.id], given[p.name.id], p, net, scope) for p in net.inputs]
    if net.name.id in book.broken or not all(fitting):
        return None
    if scope.body is None or not scope.body.is_alone:
        book.called.add(net.name.id)
    found = len(scope.report.found)
    ports = {name: local(name, value, scope) for name, value in values.items()}
    parts = _outputs(net, _body(net, ports, scope, evaluate), scope)
    return parts if len(scope.report.found) == found and not is_failed(*parts.values()) else None


def _given(e: ast.Call, net: ast.Net, scope: Scope) -> dict[str, ast.Expr] | None:
    """The arguments by the names of the ports."""
    ports = [p.name.id for p in net.inputs]
    positional = [a.value for a in e.args if a.name is None]
    given = {**dict(zip(ports, positional, strict=False)), **{a.name: a.value for a in e.args if a.name is not None}}
    if len(e.args) == len(ports) and set(given) == set(ports):
        return {name: value for name, value in given.items() if name is not None}
    wanted = f"{len(ports)} argument{'s' * (len(ports) != 1)} ({', '.join(ports)})"
    scope.report.add("E340", e.span, name=net.name.id, wanted=wanted, given=len(e.args))
    return None


def _fits(value: Expr, written: ast.Expr, port: ast.Port, net: ast.Net, scope: Scope) -> bool:
    """Whether a value has the axes of a port, and no others of the net's own; a level stands for its axis."""
    if is_failed(value):
        return False
    axes, head = tuple(a.id for a in port.axes), _head(port, net)
    given = scope.text[written.span.start : written.span.end]
    if value.type.startswith("level:"):
        if axes == (value.type[6:],):
            return True
        text = f"`{net.name.id}({port.name.id}[{value.type[6:]}])` takes it as one of its levels"
        scope.report.add(
            "E342.level", written.span, net=net.name.id, port=port.name.id, given=given, axis=value.type[6:], help=text
        )
        return False
    if value.type not in NUMBERS:
        scope.report.add("E333", written.span, kind=describe(value), help="")
        return False
    missing = [a for a in axes if a not in value.axes]
    if missing:
        has = f"({in_words(value.axes)})" if value.axes else "no axes"
        text = f"{net.name.id} is declared `{head}`" + _near(axes, net, scope)
        scope.report.add("E342", written.span, net=net.name.id, axis=missing[0], given=given, axes=has, help=text)
        return False
    clash = [a for a in value.axes if a not in axes and base(a) in scope.book.own[net.name.id]]
    if clash:
        text = f"declare the port with it: `{net.name.id}({port.name.id}[{in_words((*axes, base(clash[0])))}])`"
        scope.report.add("E366", written.span, given=given, axis=clash[0], net=net.name.id, help=text)
    return not clash


def _head(port: ast.Port, net: ast.Net) -> str:
    def spelled(p: ast.Port) -> str:
        return p.name.id + (f"[{', '.join(a.id for a in p.axes)}]" if p.axes else "")

    return f"{net.name.id}({', '.join(spelled(p) for p in net.inputs)})"


def _near(axes: tuple[str, ...], net: ast.Net, scope: Scope) -> str:
    """A value in scope that has the axes of a port."""
    fitting = [n for n, e in scope.names.items() if set(axes) <= set(e.axes) and e.kind != "local" and "." not in n]
    return f"; did you mean `{net.name.id}({fitting[0]})`?" if fitting and len(net.inputs) == 1 else ""


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

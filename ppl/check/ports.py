"""The head of a net: what its ports promise, and whether what is put in and set fits."""

from ppl.check.building import local
from ppl.check.complaints import no_axis
from ppl.check.core import Expr
from ppl.check.scope import Entry, Scope, base, failed, in_words, is_failed
from ppl.source.diagnostic import Note
from ppl.syntax import ast

NUMBERS = ("real", "int", "bool")


def verify_names(net: ast.Net, scope: Scope) -> None:
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


def bare(port: ast.Port, net: ast.Net, scope: Scope) -> Entry:
    """A port of which nothing but its axes is known."""
    axes = tuple(a.id for a in port.axes)
    return local(port.name.id, Expr("ref", (), (f"{net.name.id}({port.name.id})",), axes, "real", port.span), scope)


def arguments(e: ast.Call, net: ast.Net, scope: Scope) -> dict[str, ast.Expr] | None:
    """The arguments by the names of the ports."""
    ports = [p.name.id for p in net.inputs]
    positional = [a.value for a in e.args if a.name is None]
    given = {**dict(zip(ports, positional, strict=False)), **{a.name: a.value for a in e.args if a.name is not None}}
    if len(e.args) == len(ports) and set(given) == set(ports):
        return {name: value for name, value in given.items() if name is not None}
    wanted = f"{len(ports)} argument{'s' * (len(ports) != 1)} ({', '.join(ports)})"
    scope.report.add("E340", e.span, name=net.name.id, wanted=wanted, given=len(e.args))
    return None


def fits(value: Expr, written: ast.Expr, port: ast.Port, net: ast.Net, scope: Scope) -> bool:
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
        scope.report.add("E333", written.span, kind=value.type, help="")
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


def promised(value: Expr, port: ast.Port, net: ast.Net, scope: Scope) -> Expr:
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


def framed(let: ast.Let, value: Expr, scope: Scope) -> Expr:
    """`h[hid] = …`: the value has these axes."""
    assert scope.body is not None
    if let.target.indices is None or is_failed(value):
        return value
    axes = [ix for ix in let.target.indices if isinstance(ix, ast.Name) and ix.id in scope.axes]
    if len(axes) == len(let.target.indices):
        return promised(value, ast.Port(let.target.name, tuple(axes), let.target.span), scope.body.net, scope)
    lost = next(ix for ix in let.target.indices if ix not in axes)
    if isinstance(lost, ast.Name):
        no_axis(lost, scope)
    else:
        what, size = ("a number", lost.text) if isinstance(lost, ast.Number) else ("an expression", "3")
        scope.report.add("E302", lost.span, what=what, size=size, name=let.target.name.id)
    return failed(let.span)

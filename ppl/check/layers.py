"""`dense`, `mlp` and `norm`: the layers of nets, as core expressions over weights that have names.

What goes into a layer is summed over the axes that belong to the net; all others (rows, draws, time) pass through."""

from collections.abc import Callable

from ppl.check.building import constant, elementwise, literal, local
from ppl.check.complaints import no_axis
from ppl.check.core import AxisSpec, Expr
from ppl.check.declarations import LARGEST
from ppl.check.functions import ELEMENTWISE, LAYERS
from ppl.check.products import rename
from ppl.check.scope import Scope, failed, in_words, is_failed, union
from ppl.check.weights import Body, Weight
from ppl.source.span import Span
from ppl.source.suggest import did_you_mean
from ppl.syntax import ast

Evaluate = Callable[[ast.Expr, Scope], Expr]

# What `norm` adds to a variance before it divides by its root.
EPSILON = 1e-5
IDENTITY = ("linear", "identity")
# Half of what comes in is cut off: weights start larger by that much (He et al., ICCV 2015).
HALVED = ("relu",)
ARGUMENTS = {
    "dense": ("x", "size", "activation", "bias"),
    "mlp": ("x", "hidden", "size", "activation", "bias"),
    "norm": ("x", "over"),
}
USAGE = {
    "dense": "`dense(x, 32, tanh)`",
    "mlp": "`mlp(x, [64, 64], axis, tanh)`",
    "norm": "`norm(x)` or `norm(x, over=axis)`",
}


def is_layer(name: str) -> bool:
    return name in LAYERS


def layer(e: ast.Call, scope: Scope, evaluate: Evaluate) -> Expr:
    """A call of one of the layers."""
    name = e.function.id
    if scope.body is None:
        text = f"`net f(x[axis]) -> m {{ m = {name}(x) }}`, then `f(x)`"
        scope.report.add("E361", e.function.span, function=name, help=text)
        return failed(e.span)
    given = _arguments(e, scope)
    if given is None:
        return failed(e.span)
    xs = _inputs(given["x"], scope, evaluate)
    if not xs:
        scope.report.add("E340", e.span, name=name, wanted=f"arguments as in {USAGE[name]}", given=0)
    if not xs or is_failed(*xs):
        return failed(e.span)
    match name:
        case "dense":
            return _dense(xs, given, e, scope, evaluate)
        case "mlp":
            return _mlp(xs, given, e, scope, evaluate)
        case _:
            return _norm(xs, given.get("over"), e, scope)


def _arguments(e: ast.Call, scope: Scope) -> dict[str, ast.Expr] | None:
    """The arguments by name; None after a complaint."""
    names = ARGUMENTS[e.function.id]
    positional = [a.value for a in e.args if a.name is None]
    named = {a.name: a.value for a in e.args if a.name is not None}
    # `mlp(x, [64, 64], tanh)` gives a number: there is no size behind the hidden layers
    order = [n for n in names if n != "size"] if _ends_in_activation(e.function.id, positional, scope) else names
    given = {**dict(zip(order, positional, strict=False)), **named}
    fits = len(positional) <= len(names) and set(named) <= set(names) and len(given) == len(e.args)
    if not fits or "x" not in given or (e.function.id == "mlp" and "hidden" not in given):
        usage = USAGE[e.function.id]
        scope.report.add("E340", e.span, name=e.function.id, wanted=f"arguments as in {usage}", given=len(e.args))
        return None
    return given


def _ends_in_activation(name: str, positional: list[ast.Expr], scope: Scope) -> bool:
    last = positional[-1] if positional else None
    named = isinstance(last, ast.Name) and last.id not in scope.axes and _is_activation(last.id, scope)
    return name == "mlp" and len(positional) == 3 and named


def _inputs(written: ast.Expr, scope: Scope, evaluate: Evaluate) -> tuple[Expr, ...]:
    """What goes in: one value, or a list of them."""
    items = written.items if isinstance(written, ast.ListOf) else (written,)
    return tuple(_input(item, scope, evaluate) for item in items)


def _input(written: ast.Expr, scope: Scope, evaluate: Evaluate) -> Expr:
    x = evaluate(written, scope)
    if x.type in ("text", "date"):
        scope.report.add("E333", x.span, kind=x.type, help="")
        return failed(x.span)
    return x


# ---- dense -------------------------------------------------------------------------------------------------------


def _dense(xs: tuple[Expr, ...], given: dict[str, ast.Expr], e: ast.Call, scope: Scope, evaluate: Evaluate) -> Expr:
    assert scope.body is not None
    name = scope.body.next_layer()
    size = given.get("size")
    out = "" if size is None else _units(size, name, e, scope, evaluate)
    if out is None:
        return failed(e.span)
    activation = given.get("activation")
    halved = isinstance(activation, ast.Name) and activation.id in HALVED
    biased = _flag(given.get("bias"), scope, evaluate)
    return _activated(_affine(xs, name, out, halved, biased, e.span, scope), out, activation, scope, evaluate)


def _flag(written: ast.Expr | None, scope: Scope, evaluate: Evaluate) -> bool:
    """`bias=false`."""
    if written is None:
        return True
    value = evaluate(written, scope)
    if value.type != "bool" or value.op != "lit":
        scope.report.add("E334", written.span, what="this", help="`bias=false`")
    return bool(value.op != "lit" or value.attrs[0])


def _units(size: ast.Expr, name: str, e: ast.Call, scope: Scope, evaluate: Evaluate) -> str | None:
    """The axis of what comes out: a declared one, or one of the layer's own; None after a complaint."""
    assert scope.body is not None
    if isinstance(size, ast.Name) and size.id in scope.axes:
        scope.body.own.add(size.id)
        return size.id
    if isinstance(size, ast.Name) and size.id not in scope.names:
        no_axis(size, scope)
        return None
    value = constant(evaluate(size, scope))
    if value is None or not 1 <= value < LARGEST or value != int(value):
        scope.report.add("E360", size.span, help=USAGE[e.function.id])
        return None
    scope.book.axes.setdefault(name, AxisSpec(name, "units", int(value), span=size.span))
    scope.body.own.add(name)
    return name


def _affine(xs: tuple[Expr, ...], name: str, out: str, halved: bool, biased: bool, span: Span, scope: Scope) -> Expr:
    """The inputs, each times its weights, added up, plus the bias."""
    assert scope.body is not None
    fans = tuple(_inside(x, scope.body) for x in xs)
    total: Expr | None = None
    for i, x in enumerate(xs):
        own = f"{name}.W" if len(xs) == 1 else f"{name}.W{i + 1}"
        part = _weighted(x, own, out, fans, i, halved, span, scope)
        total = part if total is None else elementwise("add", (total, part), span)
    assert total is not None
    if biased:
        axes = (out,) if out else ()
        total = elementwise("add", (total, _weight(f"{name}.b", axes, fans, None, span, scope)), span)
    return total


def _inside(x: Expr, body: Body) -> tuple[str, ...]:
    """The axes of an input that belong to the net: the layer sums over them. A level stands for one position."""
    if x.type.startswith("level:"):
        return (x.type[6:],)
    return body.inside(x.axes)


def _weighted(
    x: Expr, name: str, out: str, fans: tuple[tuple[str, ...], ...], i: int, halved: bool, span: Span, scope: Scope
) -> Expr:
    """One input times its weights."""
    inside, copy = fans[i], out
    while copy in inside:
        copy += "'"
    axes = (*inside, copy) if out else inside
    start = Expr("initial", (), (name, "he" if halved else "glorot", fans, inside, (copy,) if out else ()), axes)
    w = _weight(name, axes, fans, start, span, scope)
    if x.type.startswith("level:"):
        product = Expr("take", (w, x), (inside[0],), (*x.axes, *axes[1:]), "real", span)
    elif inside:
        left = tuple(a for a in union(x.axes, axes) if a not in inside)
        product = Expr("dot", (x, w), inside, left, "real", span)
    else:
        product = elementwise("mul", (x, w), span)
    return rename(product, copy, out)


def _weight(
    name: str, axes: tuple[str, ...], fans: tuple[tuple[str, ...], ...], init: Expr | None, span: Span, scope: Scope
) -> Expr:
    """A reference to an array of weights, which is noted in the book."""
    assert scope.body is not None
    scope.book.weights.setdefault(name, Weight(name, scope.body.net.name.id, axes, fans, init, span))
    return Expr("ref", (), (name,), axes, "real", span)


# ---- activations -------------------------------------------------------------------------------------------------


def _is_activation(name: str, scope: Scope) -> bool:
    row = ELEMENTWISE.get(name)
    fun = scope.functions.get(name)
    known = name in IDENTITY or name == "softmax"
    return known or (len(fun.params) == 1 if fun is not None else row is not None and len(row.names) == 1)


def _activated(x: Expr, out: str, activation: ast.Expr | None, scope: Scope, evaluate: Evaluate) -> Expr:
    """A function of one argument, of the language or of the author, applied to what a layer gives."""
    if activation is None or is_failed(x):
        return x
    if not isinstance(activation, ast.Name) or not _is_activation(activation.id, scope):
        return _no_activation(activation, scope)
    if activation.id in IDENTITY:
        return x
    span = activation.span
    over = (ast.Argument("over", ast.Name(out, span), span),) if activation.id == "softmax" and out else ()
    call = ast.Call(activation, (ast.Argument(None, ast.Name(HERE, span), span), *over), span)
    return evaluate(call, scope.naming({HERE: local(HERE, x, scope)}))


HERE = "(layer)"


def _no_activation(written: ast.Expr, scope: Scope) -> Expr:
    name = written.id if isinstance(written, ast.Name) else "this"
    near = did_you_mean(name, ("tanh", "relu", "sigmoid", "softplus", "softmax", "exp"))
    text = f"did you mean `{near}`?" if near else "`tanh`, `relu`, `softplus`, or a `fun` of one argument"
    scope.report.add("E367", written.span, name=name, help=text)
    return failed(written.span)


# ---- mlp, norm ---------------------------------------------------------------------------------------------------


def _mlp(xs: tuple[Expr, ...], given: dict[str, ast.Expr], e: ast.Call, scope: Scope, evaluate: Evaluate) -> Expr:
    """Hidden layers with an activation, then one without."""
    hidden = given["hidden"]
    sizes = hidden.items if isinstance(hidden, ast.ListOf) else (hidden,)
    for size in sizes:
        x = _dense(xs, {**given, "size": size}, e, scope, evaluate)
        if is_failed(x):
            return x
        xs = (x,)
    last = {name: value for name, value in given.items() if name in ("size", "bias")}
    return _dense(xs, last, e, scope, evaluate)


def _norm(xs: tuple[Expr, ...], over: ast.Expr | None, e: ast.Call, scope: Scope) -> Expr:
    """Less its mean, over its standard deviation: across the units of a layer, or along `over`."""
    assert scope.body is not None
    x = xs[0]
    axes = scope.body.inside(x.axes)
    if over is not None:
        if not isinstance(over, ast.Name) or over.id not in scope.axes:
            no_axis(over, scope) if isinstance(over, ast.Name) else scope.report.add("E316.name", over.span, axis="row")
            return failed(e.span)
        axes = (over.id,) if over.id in x.axes else ()
    if not axes and over is None:
        scope.report.add("E318", e.span, function="norm")
        return failed(e.span)
    if not axes and scope.body.is_alone:
        return x
    if not axes:
        name = over.id if isinstance(over, ast.Name) else ""
        scope.report.add("E316", e.span, name="norm", axis=name, axes=in_words(x.axes) or "none")
        return failed(e.span)
    centred = elementwise("sub", (x, _mean(x, axes)), e.span)
    spread = elementwise(
        "add", (_mean(elementwise("square", (centred,), e.span), axes), literal(EPSILON, e.span)), e.span
    )
    return elementwise("div", (centred, elementwise("sqrt", (spread,), e.span)), e.span)


def _mean(x: Expr, axes: tuple[str, ...]) -> Expr:
    for axis in axes:
        x = Expr("mean", (x,), (axis,), tuple(a for a in x.axes if a != axis), "real", x.span)
    return x

"""What the syntax of a model block reads and defines, before any name has a meaning."""

from collections.abc import Iterator, Mapping

from ppl.syntax import ast

Definition = ast.Sample | ast.Let


def names_read(e: object) -> Iterator[ast.Name]:
    """Every name that stands for a value in an expression, in the order of the text."""
    match e:
        case ast.Name():
            yield e
        case ast.Call(function=ast.Name(id="size" | "uniform")) | ast.Argument(name="over"):
            return  # names of axes, which a column may share
        case ast.Call(args=args):
            yield from names_read(args)
        case tuple():
            for part in e:
                yield from names_read(part)
        case _:
            for field in getattr(e, "__slots__", ()):
                if field != "span":
                    yield from names_read(getattr(e, field))


def occurrence(e: object, name: str) -> ast.Name | None:
    """Where a name stands first in an expression."""
    return next((found for found in names_read(e) if found.id == name), None)


def refers_to(e: object, name: str) -> bool:
    """Whether a name stands anywhere in an expression."""
    return occurrence(e, name) is not None


def lagged(e: object, name: str) -> bool:
    """Whether a name is read with an index anywhere in an expression."""
    if isinstance(e, ast.Index) and isinstance(e.value, ast.Name) and e.value.id == name:
        return True
    if isinstance(e, tuple):
        return any(lagged(x, name) for x in e)
    fields = getattr(e, "__slots__", ())
    return any(lagged(getattr(e, f), name) for f in fields if f != "span")


def targets(statement: ast.Statement) -> tuple[ast.Name, ...]:
    """The names that a statement defines."""
    match statement:
        case ast.Sample(target=ast.JointTarget(names)):
            return names
        case ast.Sample(target=ast.Target(name)) | ast.Let(ast.Target(name)) | ast.Param(name):
            return (name,)
        case ast.For(body=body):
            return tuple(name for inner in body for name in targets(inner))
        case _:
            return ()


def definitions(body: tuple[ast.Statement, ...]) -> dict[str, Definition]:
    """The first definition of each name of a block."""
    found: dict[str, Definition] = {}
    for statement in body:
        match statement:
            case ast.Sample(_, ast.Target(name)) | ast.Let(ast.Target(name)):
                found.setdefault(name.id, statement)
            case ast.For(body=inner):
                found = {**definitions(inner), **found}
    return found


def way_back(name: str, goal: str, known: Mapping[str, Definition], seen: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The names through which the definition of `name` reads `goal`, `name` first; empty where it does not."""
    if name == goal:
        return (name,)
    if name in seen or name not in known:
        return ()
    for read in names_read(known[name].value):
        rest = way_back(read.id, goal, known, (*seen, name))
        if rest:
            return (name, *rest)
    return ()

"""Imports: functions and nets from other files in the folder of the model."""

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from ppl.source.diagnostic import Diagnostic, ModelError, complain
from ppl.source.span import Span
from ppl.source.suggest import did_you_mean
from ppl.syntax import ast
from ppl.syntax.parse import parse

SUFFIX = ".ppl"
# Reads a file by its name from the folder of the model. Raises ModelError (E120, E121) at the span of the import.
Read = Callable[[str, ast.Import], str]
# What a file that others import from may have; anything else is one of these.
FOREIGN = {ast.Data: "`data` block", ast.Param: "`param`", ast.Objective: "objective"}


def link(file: ast.File, read: Read) -> ast.File:
    """The file with what it imports in the place of its imports, and the files that this comes from.
    Raises ModelError: E120 to E124, and whatever is wrong with the syntax of those files."""
    if not any(isinstance(item, ast.Import) for item in file.items):
        return file
    linker = _Linker(read, posixpath.dirname(file.path.replace("\\", "/")))
    items = linker.linked(file.items, posixpath.basename(file.path.replace("\\", "/")), ())
    if linker.found:
        raise ModelError(dict.fromkeys(linker.found), linker.texts)
    return replace(file, items=items, modules=tuple(linker.modules.values()))


def parse_linked(text: str, path: str = "<model>", kept: Mapping[str, str] | None = None) -> ast.File:
    """The tree of a model file with what it imports, from the folder of `path`, or from the texts that were kept of
    those files. Raises ModelError with every syntax error."""
    return link(parse(text, path), from_folder(Path(path).parent) if kept is None else from_texts(kept))


def texts_of(file: ast.File) -> dict[str, str]:
    """The texts of a linked file and of those it imports from, by the paths in positions."""
    return {file.path: file.text, **{module.path: module.text for module in file.modules}}


@dataclass(slots=True)
class _Linker:
    """The files read so far, by their names from the folder of the model, and what is wrong with them."""

    read: Read
    folder: str
    modules: dict[str, ast.Module] = field(default_factory=dict)
    found: list[Diagnostic] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def linked(self, items: tuple[ast.Item, ...], name: str, within: tuple[str, ...]) -> tuple[ast.Item, ...]:
        """The items of the file `name`, which the files `within` are being read for."""
        out: list[ast.Item] = []
        taken = {n for item in items for n in _axis_names(item)}
        for item in items:
            brought = self._brought(item, name, (*within, name)) if isinstance(item, ast.Import) else (item,)
            out += (b for b in brought if not (isinstance(b, ast.Axis) and b is not item and b.name.id in taken))
            taken |= {n for b in brought for n in _axis_names(b)}
        return tuple(out)

    def _brought(self, item: ast.Import, name: str, within: tuple[str, ...]) -> tuple[ast.Item, ...]:
        """What an import brings: the functions and nets that it names, and the nets and axes that those need."""
        try:
            module = self._module(item, name, within)
        except ModelError as problem:
            self.found += problem.diagnostics
            return ()
        own = {n: i for n, i in definitions(module).items() if i.span.file == module.path}
        for wanted in item.names:
            if wanted.id not in own:
                near = did_you_mean(wanted.id, tuple(own), {})
                text = f"did you mean `{near}`?" if near else f"it has {', '.join(f'`{n}`' for n in own) or 'none'}"
                self.found.append(complain("E122", wanted.span, path=item.path, name=wanted.id, help=text))
        named = tuple(own[wanted.id] for wanted in item.names if wanted.id in own)
        return (*_axes(module), *_with_nets(named, module))

    def _module(self, item: ast.Import, name: str, within: tuple[str, ...]) -> ast.Module:
        target = located(item, posixpath.dirname(name))
        if target in within:
            circle = (*within[within.index(target) :], target)
            raise ModelError([complain("E123", item.span, path=" → ".join(circle))])
        if target not in self.modules:
            path = posixpath.join(self.folder, target)
            self.texts[path] = self.read(target, item)
            file = parse(self.texts[path], path)
            self.found += _foreign(file)
            items = self.linked(file.items, target, within)
            self.modules[target] = ast.Module(path, target, closed(items, path), file.text)
        return self.modules[target]


def located(item: ast.Import, folder: str) -> str:
    """The file that an import means, named from the folder of the model. Raises ModelError (E121)."""
    written = item.path.replace("\\", "/")
    target = posixpath.normpath(posixpath.join(folder, written))
    if written.startswith("/") or ":" in written or target.startswith(".."):
        raise ModelError([complain("E121", item.span, path=item.path)])
    if not target.endswith(SUFFIX):
        raise ModelError([complain("E121.suffix", item.span, path=item.path)])
    return target


def _foreign(file: ast.File) -> Iterator[Diagnostic]:
    """What a file that others import from cannot have."""
    for item in file.items:
        what = f"`{item.kind}` block" if isinstance(item, ast.Block) else FOREIGN.get(type(item))
        if what is not None:
            span = replace(item.span, end_line=item.span.line, end_col=item.span.col + 5, end=item.span.start + 5)
            yield complain("E124", span, what=what)


def definitions(module: ast.Module) -> dict[str, ast.Fun | ast.Net]:
    """The functions and nets of a file, those among them that it imports."""
    return {item.name.id: item for item in module.items if isinstance(item, ast.Fun | ast.Net)}


def _axis_names(item: ast.Item) -> tuple[str, ...]:
    """The names that an item may give to axes: an axis of an imported file gives way to them."""
    match item:
        case ast.Axis(name):
            return (name.id,)
        case ast.Data(name, _, columns):
            return (*((name.id,) if name is not None else ()), *(c.name.id for c in columns))
        case _:
            return ()


def _axes(module: ast.Module) -> Iterator[ast.Axis]:
    """The axes of a file, with the constants of that file written out."""
    yield from (item for item in module.items if isinstance(item, ast.Axis))


def closed(items: tuple[ast.Item, ...], path: str) -> tuple[ast.Item, ...]:
    """The items of a file with its constants written out: whoever imports from it has constants of their own."""
    constants: dict[str, ast.Expr] = {}
    for item in items:
        if isinstance(item, ast.Const):
            constants[item.name.id] = _written_out(item.value, constants)
    return tuple(_closed(item, constants) if item.span.file == path else item for item in items)


def _closed(item: ast.Item, constants: Mapping[str, ast.Expr]) -> ast.Item:
    match item:
        case ast.Axis():
            return replace(item, value=_written_out(item.value, constants))
        case ast.Fun():
            free = _without(constants, (p.id for p in item.params), item.lets)
            return replace(item, lets=_lets(item.lets, free), result=_written_out(item.result, free))
        case ast.Net():
            ports = (p.name.id for p in (*item.inputs, *item.outputs))
            weights = item.weights and _written_out(item.weights, constants)
            return replace(item, lets=_lets(item.lets, _without(constants, ports, item.lets)), weights=weights)
        case _:
            return item


def _lets(lets: tuple[ast.Let, ...], constants: Mapping[str, ast.Expr]) -> tuple[ast.Let, ...]:
    return tuple(replace(let, value=_written_out(let.value, constants)) for let in lets)


def _without(constants: Mapping[str, ast.Expr], names: Iterable[str], lets: tuple[ast.Let, ...]) -> dict[str, ast.Expr]:
    """The constants that no argument and no line of a body hides."""
    hidden = {*names, *(let.target.name.id for let in lets)}
    return {name: value for name, value in constants.items() if name not in hidden}


def _written_out(e: Any, constants: Mapping[str, ast.Expr]) -> Any:
    """The tree with the values of constants for their names, which keep their places."""
    match e:
        case ast.Name(name) if name in constants:
            return _placed(constants[name], e.span)
        case ast.Call():
            return replace(e, args=_written_out(e.args, constants))
        case tuple():
            return tuple(_written_out(part, constants) for part in e)
        case _ if is_dataclass(e) and not isinstance(e, type | Span):
            parts = {f.name: getattr(e, f.name) for f in fields(e) if f.name != "span"}
            new = {name: _written_out(part, constants) for name, part in parts.items()}
            return replace(e, **new) if any(new[name] is not parts[name] for name in new) else e
        case _:
            return e


def _placed(e: ast.Expr, span: Span) -> ast.Expr:
    """The value of a constant where its name stands."""
    return replace(e, span=span)


def _with_nets(named: tuple[ast.Fun | ast.Net, ...], module: ast.Module) -> Iterator[ast.Fun | ast.Net]:
    """Functions and nets with the nets that they call: the weights of a net belong to the model as a whole."""
    known, seen = definitions(module), {item.name.id for item in named}
    waiting = list(named)
    yield from named
    while waiting:
        for name in calls(waiting.pop()):
            if name in known and name not in seen:
                seen.add(name)
                waiting.append(known[name])
                if isinstance(known[name], ast.Net):
                    yield known[name]


def calls(e: object) -> Iterator[str]:
    """The names that are called anywhere inside."""
    if isinstance(e, ast.Call):
        yield e.function.id
    if isinstance(e, tuple):
        for part in e:
            yield from calls(part)
    for name in getattr(e, "__slots__", ()):
        if name != "span":
            yield from calls(getattr(e, name))


# ---- where the texts are -----------------------------------------------------------------------------------------


def from_folder(folder: Path) -> Read:
    """Reads from the folder of a model. No link leads out of it."""
    root = folder.resolve()

    def read(name: str, item: ast.Import) -> str:
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise ModelError([complain("E121", item.span, path=item.path)])
        try:
            return path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise ModelError([complain("E120", item.span, path=item.path, help=_near(path, root))]) from None
        except UnicodeDecodeError as problem:
            why = f"byte {problem.start + 1} is not UTF-8 text"
            raise ModelError([_unreadable(item, why, "save it as UTF-8")]) from None
        except (OSError, ValueError) as problem:
            why = (getattr(problem, "strerror", None) or str(problem)).lower()
            raise ModelError([_unreadable(item, why)]) from None

    return read


def _unreadable(item: ast.Import, why: str, help_: str = "") -> Diagnostic:
    return complain("E120.unreadable", item.span, path=item.path, why=why, help=help_)


def _near(path: Path, root: Path) -> str:
    """What the author may have meant: a similar name, or the files that are there."""
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder `{folder.relative_to(root).as_posix()}` beside the model"
    names = sorted(item.name for item in folder.glob(f"*{SUFFIX}"))
    near = did_you_mean(path.name, names, {})
    if near:
        return f'did you mean "{near}"?'
    return f"the folder has {', '.join(names[:8])}" if names else f"the folder has no file that ends in `{SUFFIX}`"


def from_texts(texts: Mapping[str, str]) -> Read:
    """Reads what was kept of imports, by their names from the folder of the model."""

    def read(name: str, item: ast.Import) -> str:
        if name not in texts:
            raise ModelError([complain("E120", item.span, path=item.path, help="it was not kept with the model")])
        return texts[name]

    return read

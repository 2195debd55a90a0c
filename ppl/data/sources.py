"""Which source is meant for which table of a model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ppl.check.core import DataSpec, TableSpec
from ppl.data.read import decode, read_bytes
from ppl.data.read_json import json_tables
from ppl.data.table import Origin, Table
from ppl.data.wording import nearest, ticked
from ppl.source.diagnostic import ModelError, complain

Read = Callable[[DataSpec, object], Table]


@dataclass(frozen=True, slots=True)
class Files:
    """What the command line names: `trials=trials.csv` is the pair of both, a path alone has None for its table."""

    pairs: tuple[tuple[str | None, str], ...]

    @property
    def name(self) -> str:
        return ", ".join(path if table is None else f"{table}={path}" for table, path in self.pairs)


def every_table(spec: DataSpec) -> tuple[TableSpec, ...]:
    """The tables of a model, the plain one of a single block among them."""
    names = tuple(column.name for column in spec.columns)
    return spec.tables or (TableSpec(spec.row, names, spec.sorted_by, span=spec.span),)


def part(spec: DataSpec, table: TableSpec) -> DataSpec:
    """What the model asks of one of its tables."""
    columns = tuple(column for column in spec.columns if column.name in table.columns)
    return replace(spec, columns=columns, row=table.name, sorted_by=table.sorted_by, span=table.span, tables=())


def read_tables(spec: DataSpec, source: object, read: Read) -> dict[str, Table]:
    """The table for each table of the model: one source for each, or one of arrays for all of them.
    Raises ModelError: E601 to E605, E620, E622."""
    tables = every_table(spec)
    given = by_table(source, spec)
    if given is not None:
        return {t.name: read(part(spec, t), given[t.name]) for t in tables}
    if len(tables) == 1:
        return {tables[0].name: read(part(spec, tables[0]), source)}
    return _shared(spec, source, read)


def _shared(spec: DataSpec, source: object, read: Read) -> dict[str, Table]:
    """One source for several tables: an object for each of them in a JSON file, or arrays by the names of columns,
    which no two tables share."""
    names = tuple(t.name for t in every_table(spec))
    if isinstance(source, (str, Path)) and Path(source).suffix.lower() == ".json":
        path = Path(source)
        nested = json_tables(*decode(read_bytes(path), Origin(path.name)), path.name, names)
        if nested is not None:
            _verify_names(set(nested), spec, strict=False)
            return nested
    table = read(spec, source)
    if table.is_flat:
        raise ModelError(
            [complain("E622", spec.span, source=table.origin.name, tables=ticked(names), help=_usage(names))]
        )
    return dict.fromkeys(names, table)


def by_table(source: object, spec: DataSpec) -> Mapping[str, object] | None:
    """The source of each table, where they are given one by one. Raises ModelError (E622)."""
    names = {t.name for t in every_table(spec)}
    if isinstance(source, Files):
        source = _named(source, spec)
    elif not isinstance(source, Mapping) or not any(name in names and is_source(v) for name, v in source.items()):
        return None
    _verify_names({str(name) for name in source}, spec)
    return {str(name): value for name, value in source.items()}


def is_source(value: object) -> bool:
    """Whether this can be a table on its own, rather than one of its columns."""
    return isinstance(value, (str, Path, Mapping)) or (hasattr(value, "columns") and hasattr(value, "__getitem__"))


def _named(files: Files, spec: DataSpec) -> dict[str, object]:
    """A path without a name belongs to the table that no other path names: the block without a name, or the only one
    left."""
    named: dict[str, object] = {name: path for name, path in files.pairs if name is not None}
    rest = [path for name, path in files.pairs if name is None]
    free = [t.name for t in every_table(spec) if t.name not in named]
    if len(named) + len(rest) < len(files.pairs) or (rest and not (len(rest) == len(free) == 1)):
        names = tuple(t.name for t in every_table(spec))
        raise ModelError([complain("E622.which", spec.span, source=files.name, help=_usage(names))])
    return {**named, **dict(zip(free, rest))}


def _verify_names(given: set[str], spec: DataSpec, strict: bool = True) -> None:
    names = tuple(t.name for t in every_table(spec))
    foreign = sorted(given - set(names)) if strict else []
    missing = [] if foreign else [t for t in every_table(spec) if t.name not in given]
    found = [complain("E622.unknown", spec.span, name=name, found=_near(name, names)) for name in foreign]
    found += [complain("E622.missing", t.span, name=t.name, help=_usage((t.name,))) for t in missing]
    if found:
        raise ModelError(found)


def _near(name: str, names: tuple[str, ...]) -> str:
    close = nearest(name, names)
    return f"did you mean `{close}`?" if close else f"its tables: {ticked(names)}"


def _usage(names: tuple[str, ...]) -> str:
    """What the command line says for these tables."""
    return "`" + " ".join(f"{name}={name}.csv" for name in names) + "`"

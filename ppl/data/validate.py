"""Everything that can be said about the data without arrays."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ppl.check.core import DataSpec, TableSpec
from ppl.check.cuts import uneven
from ppl.data.bounds import check_bounds, warn_scales
from ppl.data.checked import BoundAxis, Checked
from ppl.data.levels import code_levels, warn_alike_levels, warn_number_codes, warn_single_rows
from ppl.data.link import link
from ppl.data.load import load
from ppl.data.missing import settle_missing
from ppl.data.options import DECIMAL_MARKS, Options
from ppl.data.per import collapse_per
from ppl.data.read import STDIN, TEXT_SUFFIXES, read_text_table
from ppl.data.read_json import lists_table
from ppl.data.resolve import unknown_maps
from ppl.data.sizes import settle_axes
from ppl.data.sort import sort_rows
from ppl.data.sources import Files, every_table, part, read_tables
from ppl.data.table import Origin, Table
from ppl.data.work import Work
from ppl.source.diagnostic import ModelError, complain

# What is said of each table on its own, before and after the keys of all are known.
ALONE: tuple[Callable[[Work], Work], ...] = (settle_missing, code_levels, check_bounds, sort_rows)
LINKED: tuple[Callable[[Work], Work], ...] = (
    warn_alike_levels,
    warn_single_rows,
    warn_scales,
    warn_number_codes,
    collapse_per,
)


def validate(spec: DataSpec, source: object, options: Options | None = None) -> Checked:
    """All checks of `bind` for a source that needs no arrays: a .csv, .tsv or .json file, `-`, a dict of plain lists,
    or None. Raises ModelError with everything that is wrong."""
    options = options or Options()
    return check_tables(spec, read_tables(spec, source, lambda own, given: pure_table(own, given, options)), options)


def is_pure(source: object) -> bool:
    """Whether `validate` reads this source; anything else needs `bind`."""
    match source:
        case None:
            return True
        case str() | Path():
            return str(source) == STDIN or Path(source).suffix.lower() in TEXT_SUFFIXES
        case Files(pairs):
            return all(is_pure(path) for _, path in pairs)
        case Mapping():
            return all(isinstance(value, (list, tuple, int, float, str)) for value in source.values())
    return False


def pure_table(spec: DataSpec, source: object, options: Options) -> Table:
    """The table in a source for which `is_pure` holds. Raises ModelError: E601 to E605, E620."""
    match source:
        case None if spec.columns:
            raise ModelError([complain("E601.none", spec.span)])
        case None:
            return Table(Origin("no data"), (), {}, is_flat=False)
        case str() | Path():
            return read_text_table(source, options, wanted_names(spec, options))
        case Mapping():
            return lists_table([(str(name), value) for name, value in source.items()], Origin("data", is_file=False))
    raise ModelError([complain("E602.type", type=type(source).__name__)])


def wanted_names(spec: DataSpec, options: Options) -> list[str]:
    declared = [name for column in spec.columns for name in (column.name, *column.source)]
    return [*declared, *options.map.values()]


def check_tables(spec: DataSpec, tables: Mapping[str, Table], options: Options) -> Checked:
    """The columns and axes that the model asks for, from a source for each of its tables. Raises ModelError with all
    errors of the run."""
    if options.decimal not in DECIMAL_MARKS:
        raise ModelError([complain("E620.decimal", mark=options.decimal)])
    works = tuple(_alone(spec, each, tables[each.name], options) for each in every_table(spec))
    works = tuple(_through(LINKED, work) for work in link(works))
    works, axes = settle_axes(works)
    problems = [*unknown_maps(spec, options), *(fault for work in works for fault in work.problems)]
    problems += uneven(spec.cuts, {axis.name: axis.size for axis in axes})
    if problems:
        raise ModelError(problems)
    return _checked(spec, works, axes)


def _alone(spec: DataSpec, own: TableSpec, table: Table, options: Options) -> Work:
    maps = {
        name: options.map[key] for name in own.columns for key in (name, f"{own.name}.{name}") if key in options.map
    }
    return _through(ALONE, load(part(spec, own), table, replace(options, map=maps)))


def _through(steps: tuple[Callable[[Work], Work], ...], work: Work) -> Work:
    for step in steps:
        work = step(work)
    return work


def _checked(spec: DataSpec, works: tuple[Work, ...], axes: tuple[BoundAxis, ...]) -> Checked:
    columns = {name: column for work in works for name, column in work.columns.items()}
    main = next(work for work in works if work.spec.row == spec.row)
    return Checked(
        ", ".join(dict.fromkeys(work.table.origin.name for work in works)),
        tuple(columns[column.name] for column in spec.columns),
        axes,
        _extra(works),
        main.numbers,
        tuple(dict.fromkeys(note for work in works for note in work.warnings)),
        tuple((work.spec.row, work.numbers) for work in works),
    )


def _extra(works: tuple[Work, ...]) -> tuple[str, ...]:
    """The columns that no table takes; where there are several sources, by table."""
    if len(works) == 1:
        return works[0].extra
    if len({id(work.table) for work in works}) == 1:
        return tuple(name for name in works[0].extra if all(name in work.extra for work in works))
    return tuple(f"{work.spec.row}.{name}" for work in works for name in work.extra)

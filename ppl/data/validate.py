"""Everything that can be said about the data without arrays."""

from collections.abc import Callable, Mapping
from pathlib import Path

from ppl.check.core import DataSpec
from ppl.data.bounds import check_bounds, warn_scales
from ppl.data.checked import Checked
from ppl.data.levels import code_levels, warn_alike_levels, warn_single_rows
from ppl.data.load import load
from ppl.data.missing import settle_missing
from ppl.data.options import DECIMAL_MARKS, Options
from ppl.data.per import collapse_per
from ppl.data.read import STDIN, TEXT_SUFFIXES, read_text_table
from ppl.data.read_json import lists_table
from ppl.data.sizes import settle_axes
from ppl.data.sort import sort_rows
from ppl.data.table import Origin, Table
from ppl.data.work import Work
from ppl.source.diagnostic import ModelError, complain

PASSES: tuple[Callable[[Work], Work], ...] = (
    settle_missing,
    code_levels,
    check_bounds,
    sort_rows,
    warn_alike_levels,
    warn_single_rows,
    warn_scales,
    collapse_per,
)


def validate(spec: DataSpec, source: object, options: Options | None = None) -> Checked:
    """All checks of `bind` for a source that needs no arrays: a .csv, .tsv or .json file, `-`, a dict of plain lists,
    or None. Raises ModelError with everything that is wrong."""
    options = options or Options()
    return check_table(spec, pure_table(spec, source, options), options)


def is_pure(source: object) -> bool:
    """Whether `validate` reads this source; anything else needs `bind`."""
    match source:
        case None:
            return True
        case str() | Path():
            return str(source) == STDIN or Path(source).suffix.lower() in TEXT_SUFFIXES
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


def check_table(spec: DataSpec, table: Table, options: Options) -> Checked:
    """The columns and axes that the model asks for. Raises ModelError with all errors of the run."""
    if options.decimal not in DECIMAL_MARKS:
        raise ModelError([complain("E620.decimal", mark=options.decimal)])
    work = load(spec, table, options)
    for step in PASSES:
        work = step(work)
    work, axes = settle_axes(work)
    if work.problems:
        raise ModelError(work.problems)
    columns = tuple(work.columns[column.name] for column in spec.columns)
    return Checked(table.origin.name, columns, axes, work.extra, work.numbers, work.warnings)

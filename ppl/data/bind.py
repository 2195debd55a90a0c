"""A model's declarations and a source of data, bound together."""

from collections.abc import Mapping
from pathlib import Path

from ppl.check.core import DataSpec
from ppl.data.arrays import to_bound
from ppl.data.bound import Bound, BoundAxis, BoundColumn
from ppl.data.options import Options
from ppl.data.read_arrays import read_array_file, table_of_frame, table_of_mapping
from ppl.data.read_large import is_large, read_large_table
from ppl.data.sources import read_tables
from ppl.data.table import Table
from ppl.data.validate import check_tables, is_pure, pure_table
from ppl.source.diagnostic import ModelError, complain

__all__ = ["Bound", "BoundAxis", "BoundColumn", "Options", "bind"]


def bind(spec: DataSpec, source: object, options: Options | None = None) -> Bound:
    """The arrays that `spec` asks for.

    `source` is a path (.csv .tsv .json .npz .npy .parquet .arrow .feather), "-" for CSV on standard input, a dict of
    arrays or lists, a data frame, or None for a model without data. For a model with several tables, it is a dict of
    such sources by the names of the tables, or one source of arrays for all of them. Raises ModelError with every E6
    that one run finds.
    """
    options = options or Options()
    tables = read_tables(spec, source, lambda own, given: read_table(own, given, options))
    return to_bound(check_tables(spec, tables, options))


def read_table(spec: DataSpec, source: object, options: Options) -> Table:
    """The table in one source. Raises ModelError: E601 to E605, E620."""
    if isinstance(source, (str, Path)) and is_large(Path(source)):
        large = read_large_table(spec, Path(source), options)
        if large is not None:
            return large
    if is_pure(source) and not isinstance(source, Mapping):
        return pure_table(spec, source, options)
    match source:
        case str() | Path():
            return read_array_file(Path(source))
        case Mapping():
            return table_of_mapping(source)
    if hasattr(source, "columns") and hasattr(source, "__getitem__"):
        return table_of_frame(source)
    raise ModelError([complain("E602.type", type=type(source).__name__)])

"""Sources that hold arrays: .npz, .npy, Arrow and Parquet files, data frames, dicts."""

import importlib
import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ppl.data.arrays import table_of_arrays
from ppl.data.read import read_bytes
from ppl.data.table import Origin, Table
from ppl.source.diagnostic import ModelError, complain

MEMORY = Origin("data", is_file=False)


def read_array_file(path: Path) -> Table:
    """The table in a file of arrays, by its suffix. Raises ModelError: E602, E605."""
    reader = READERS.get(path.suffix.lower())
    content = read_bytes(path)
    if reader is None:
        raise ModelError([complain("E602.suffix", path=path)])
    return reader(content, path)


def _read_numpy(content: bytes, path: Path) -> Table:
    """Every key of an archive; a single array is named after its file, the fields of a structured
    one are columns."""
    try:
        loaded = np.load(io.BytesIO(content), allow_pickle=False)
        pairs = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else _fields(loaded, path.stem)
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError([complain("E605.arrays", source=path.name, why=_first_line(error))]) from None
    return table_of_arrays(pairs.items(), Origin(path.name))


def _fields(values: Any, name: str) -> dict[str, Any]:
    return {field: values[field] for field in values.dtype.names} if values.dtype.names else {name: values}


def _read_arrow(content: bytes, path: Path) -> Table:
    table = _arrow_table(content, path)
    pairs = [(name, table.column(place).to_numpy()) for place, name in enumerate(table.column_names)]
    return table_of_arrays(pairs, Origin(path.name), is_flat=True)


def _arrow_table(content: bytes, path: Path) -> Any:
    """The table in a Parquet, Arrow or Feather file, read by pyarrow."""
    name = "pyarrow.parquet" if path.suffix.lower() == ".parquet" else "pyarrow.feather"
    try:
        module = importlib.import_module(name)
    except ImportError:
        raise ModelError([complain("E602.arrow", path=path)]) from None
    try:
        return module.read_table(io.BytesIO(content))
    except (OSError, ValueError) as error:
        raise ModelError([complain("E605.arrays", source=path.name, why=_first_line(error))]) from None


def _first_line(error: Exception) -> str:
    line = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return line[:1].lower() + line[1:]


READERS: Mapping[str, Callable[[bytes, Path], Table]] = {
    ".npz": _read_numpy,
    ".npy": _read_numpy,
    ".parquet": _read_arrow,
    ".arrow": _read_arrow,
    ".feather": _read_arrow,
}


def table_of_frame(frame: Any) -> Table:
    """The table in a data frame: `columns` are its names (`column_names` in Arrow), `frame[name].to_numpy()` a column.

    A repeated name has no column of its own; it is reported only where the model asks for it."""
    keys = list(getattr(frame, "column_names", frame.columns))
    names = [str(name) for name in keys]
    single = [(str(name), frame[name].to_numpy()) for name in keys if names.count(str(name)) == 1]
    table = table_of_arrays(single, MEMORY, is_flat=True)
    repeated = {name: next(iter(table.columns.values())) for name in names if names.count(name) > 1} if single else {}
    return Table(MEMORY, tuple(names), {**table.columns, **repeated}, is_flat=True)


def table_of_mapping(data: Mapping[Any, Any]) -> Table:
    """The table in a dict of arrays, lists or series."""
    return table_of_arrays([(str(name), _unwrapped(value)) for name, value in data.items()], MEMORY)


def _unwrapped(value: Any) -> Any:
    return value.to_numpy() if callable(getattr(value, "to_numpy", None)) else value

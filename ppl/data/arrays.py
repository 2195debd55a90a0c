"""Between arrays and the plain values of the checks, in both directions."""

import hashlib
from array import array
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ppl.data.bound import Array, Bound, BoundAxis, BoundColumn
from ppl.data.checked import Checked, CheckedColumn
from ppl.data.read_json import raw_of_list
from ppl.data.table import Origin, Raw, Table

DTYPES: dict[str, type[np.generic]] = {"real": np.float64, "text": np.str_}

# ---- to arrays ---------------------------------------------------------------------------------------------------


def to_bound(checked: Checked) -> Bound:
    """The arrays of checked data."""
    columns = {column.spec.name: _bound_column(column) for column in checked.columns}
    return Bound(
        columns,
        {axis.name: axis for axis in checked.axes},
        checked.source,
        checked.extra,
        len(checked.row_numbers),
        fingerprint(columns.values(), checked.axes),
        checked.warnings,
        np.array(checked.row_numbers, dtype=np.int64),
        {axis: np.array(numbers, dtype=np.int64) for axis, numbers in checked.numbers},
    )


def _bound_column(column: CheckedColumn) -> BoundColumn:
    dtype = DTYPES.get(column.spec.kind, np.int64)
    values = [np.asarray(part.values, dtype=dtype) for part in column.parts]
    masks = [_mask(len(part.values), part.missing) for part in column.parts] if column.has_missing else None
    missing = None if masks is None else _assembled(masks, column)
    return BoundColumn(column.spec.name, column.spec.axes, _assembled(values, column), missing)


def _assembled(parts: list[Any], column: CheckedColumn) -> Any:
    """One array of the column's shape: of a single part, or with the parts side by side on the last axis."""
    whole = parts[0] if column.labels is None else np.stack(parts, axis=-1)
    return np.ascontiguousarray(whole).reshape(column.shape)


def _mask(size: int, missing: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(size, dtype=np.bool_)
    mask[list(missing)] = True
    return mask


def fingerprint(columns: Iterable[BoundColumn], axes: Iterable[BoundAxis]) -> str:
    """The sha256 of the values with their names, axes, types and shapes: the same for the same data
    from any kind of source."""
    digest = hashlib.sha256()
    for axis in sorted(axes, key=lambda axis: axis.name):
        digest.update(repr((axis.name, axis.size, axis.labels)).encode())
    for column in sorted(columns, key=lambda column: column.name):
        values, missing = column.values, column.missing
        digest.update(repr((column.name, column.axes, values.dtype.str, values.shape)).encode())
        digest.update(values.tobytes())
        digest.update(b"" if missing is None else missing.tobytes())
    return digest.hexdigest()


# ---- from arrays -------------------------------------------------------------------------------------------------


def table_of_arrays(pairs: Iterable[tuple[str, object]], origin: Origin, is_flat: bool = False) -> Table:
    """The table of named arrays, or of anything that arrays can be made of."""
    named = [(name, raw_of_array(value)) for name, value in pairs]
    return Table(origin, tuple(name for name, _ in named), dict(named), is_flat)


def raw_of_array(value: object) -> Raw:
    """The cells of one array. Numbers stay packed; dates become days; anything else is taken cell by cell."""
    if isinstance(value, (list, tuple, str)):
        return raw_of_list([_as_list(item) for item in value] if not isinstance(value, str) else value)
    return _raw_of_ndarray(np.asarray(value))


def _as_list(item: object) -> object:
    """Arrays inside a list, and the scalars of arrays, as plain values."""
    if isinstance(item, np.ndarray):
        return item.tolist()
    return [_as_list(inner) for inner in item] if isinstance(item, (list, tuple)) else plain(item)


def _raw_of_ndarray(values: Array) -> Raw:
    shape = tuple(values.shape)
    match values.dtype.kind:
        case "f":
            return Raw(array("d", values.astype(np.float64).tobytes()), shape)
        case "i":
            return Raw(array("q", values.astype(np.int64).tobytes()), shape)
        case "M":
            return Raw(_dates(values), shape)
    return Raw([plain(cell) for cell in values.ravel().tolist()], shape)


def _dates(values: Array) -> list[object]:
    """Days as dates; a moment inside a day stays one, and is no date."""
    return [plain(moment) for moment in values.astype("datetime64[us]").ravel().tolist()]


def plain(cell: object) -> object:
    """A cell as Python has it. A value that is not equal to itself, or refuses to say, is missing."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    if cell is None or isinstance(cell, (str, bool, int, float, date)):
        return None if type(cell).__name__ == "NaTType" else cell
    if isinstance(cell, Decimal):
        return float(cell)
    return None if type(cell).__name__ in ("NAType", "NaTType") else _number_or_text(cell)


def _number_or_text(cell: object) -> object:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)

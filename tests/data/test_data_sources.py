"""The same data from every kind of source is the same binding; arrays have checks of their own."""

import datetime
import json
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from data_specs import GENES, column, matrix, messages, per, spec

from ppl.check.core import AxisSpec, DataSpec
from ppl.data import read_large
from ppl.data.bind import Bound, Options, bind
from ppl.data.validate import is_pure, validate
from ppl.source.diagnostic import ModelError

DECLARED = spec(
    column("y"),
    column("n", "int", low=0.0),
    column("won", "bool"),
    column("arm", "factor"),
    column("age", optional=True, imputed=True),
    column("day", "date"),
    per("pct", "arm"),
    matrix("x", "gene", source=("g*",), is_glob=True),
    axes=GENES,
)
COLUMNS: dict[str, list[object]] = {
    "y": [1.5, -2.0, 0.25, 4.0],
    "n": [3, 0, 12, 7],
    "won": [1, 0, 0, 1],
    "arm": ["10", "9", "9", "10"],
    "age": [31.0, None, 45.5, None],
    "day": ["2024-01-03", "2024-01-01", "2024-02-29", "1969-12-31"],
    "pct": [0.5, 0.25, 0.25, 0.5],
    "g1": [1.0, 2.0, 3.0, 4.0],
    "g2": [5.0, 6.0, 7.0, 8.0],
}


class Frame:
    """The least that a data frame has."""

    def __init__(self, columns: dict[str, np.ndarray]) -> None:
        self.columns = list(columns)
        self._columns = columns

    def __getitem__(self, name: str) -> "Series":
        return Series(self._columns[name])


class Series:
    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    def to_numpy(self) -> np.ndarray:
        return self._values


def _arrays() -> dict[str, np.ndarray]:
    arrays = {name: np.array(values) for name, values in COLUMNS.items()}
    arrays["age"] = np.array([np.nan if age is None else age for age in COLUMNS["age"]], dtype=float)
    return arrays


def _csv_text() -> str:
    rows = zip(*COLUMNS.values(), strict=True)
    return "\n".join([",".join(COLUMNS), *(",".join("" if c is None else str(c) for c in row) for row in rows)])


def _csv(folder: Path) -> object:
    (folder / "data.csv").write_text(_csv_text())
    return folder / "data.csv"


def _json(folder: Path) -> object:
    (folder / "data.json").write_text(json.dumps(COLUMNS))
    return str(folder / "data.json")


def _records(folder: Path) -> object:
    records = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    (folder / "data.json").write_text(json.dumps(records))
    return folder / "data.json"


def _npz(folder: Path) -> object:
    np.savez(folder / "data.npz", **_arrays())  # type: ignore[arg-type]
    return folder / "data.npz"


def _typed(folder: Path) -> object:
    """Other types for the same values."""
    arrays = _arrays()
    arrays["n"] = arrays["n"].astype(np.uint8)
    arrays["won"] = arrays["won"].astype(bool)
    arrays["arm"] = np.array([10.0, 9.0, 9.0, 10.0])
    arrays["day"] = arrays["day"].astype("datetime64[ns]")
    arrays["y"] = np.array([Decimal("1.5"), Decimal(-2), Decimal("0.25"), Decimal(4)], dtype=object)
    arrays["g1"] = arrays["g1"].astype(np.float32)
    return Frame(arrays)


SOURCES = {
    "csv": _csv,
    "json": _json,
    "records": _records,
    "npz": _npz,
    "lists": lambda folder: COLUMNS,
    "arrays": lambda folder: _arrays(),
    "frame": lambda folder: Frame(_arrays()),
    "typed": _typed,
}


@pytest.fixture
def expected(tmp_path: Path) -> Bound:
    return bind(DECLARED, _csv(tmp_path))


@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_same_arrays(kind: str, tmp_path: Path, expected: Bound) -> None:
    bound = bind(DECLARED, SOURCES[kind](tmp_path))
    assert bound.fingerprint == expected.fingerprint
    assert bound.axes == expected.axes
    for name, column_ in expected.columns.items():
        np.testing.assert_array_equal(bound.columns[name].values, column_.values)
        assert bound.columns[name].values.dtype == column_.values.dtype


def test_what_was_expected(expected: Bound) -> None:
    assert expected.axes["arm"].labels == ("9", "10")
    assert expected.columns["pct"].values.tolist() == [0.25, 0.5]
    assert expected.columns["x"].values.tolist() == [[1, 5], [2, 6], [3, 7], [4, 8]]
    assert expected.columns["x"].axes == ("row", "gene")
    assert expected.columns["age"].missing.tolist() == [False, True, False, True]  # type: ignore[union-attr]
    assert expected.columns["day"].values.tolist() == [19725, 19723, 19782, -1]


def test_the_fingerprint_sees_every_value(expected: Bound) -> None:
    for name, change in {"y": 9.0, "n": 9, "won": 0, "age": 9.0, "day": "2000-01-01", "g2": 9.0}.items():
        changed = {**COLUMNS, name: [change, *COLUMNS[name][1:]]}
        assert bind(DECLARED, changed).fingerprint != expected.fingerprint


def test_arrays_bind_to_their_axes() -> None:
    declared = spec(column("y"), matrix("x", "gene", source=("g*",), is_glob=True), axes=GENES)
    x = np.arange(6.0).reshape(3, 2)
    for given in (x, np.asfortranarray(x), x.tolist(), [row.tolist() for row in x], list(x)):
        bound = bind(declared, {"y": np.zeros(3), "x": given})
        assert bound.columns["x"].values.tolist() == x.tolist()
        assert (bound.axes["gene"].size, bound.axes["gene"].labels) == (2, None)


def test_rows_of_arrays_are_sorted_and_dropped_whole() -> None:
    declared = spec(column("t", "int"), matrix("x", "gene"), axes=GENES, sorted_by="t")
    x = np.array([[5.0, 6], [np.nan, 0], [1, 2]])
    bound = bind(declared, {"t": [3, 2, 1], "x": x}, Options(missing="drop"))
    assert bound.columns["x"].values.tolist() == [[1, 2], [5, 6]]
    assert bound.row_numbers.tolist() == [3, 1]


def test_values_per_level_may_be_given_as_such(tmp_path: Path) -> None:
    declared = spec(column("state", "factor"), per("pct", "state"), per("kind", "state", "factor"))
    data = {"state": [2, 1, 3, 2, 10], "pct": [0.1, 0.2, 0.3, 1.0], "kind": ["b", "a", "a", "b"]}
    bound = bind(declared, data)
    assert bound.axes["state"].labels == ("1", "2", "3", "10")
    assert bound.columns["pct"].values.tolist() == [0.1, 0.2, 0.3, 1.0]
    assert bound.columns["kind"].values.tolist() == [1, 0, 0, 1]
    assert messages(declared, {**data, "pct": [0.1, 0.2]}) == [
        'E619 data["pct"] is a list of 2, but axis `state` has 4 (the levels of `state`)'
    ]


def test_scalars_give_and_check_the_sizes_of_axes() -> None:
    declared = spec(column("y"), per("b", "k"), axes=(AxisSpec("k", "declared"),))
    assert bind(declared, {"y": [1.0], "k": 2, "b": [1, 2]}).axes["k"].size == 2
    assert messages(declared, {"y": [1.0], "k": 3, "b": [1, 2]}) == [
        'E619 data["b"] is a list of 2, but axis `k` has 3 (declared)'
    ]
    assert messages(declared, {"y": [1.0], "k": 2.5, "b": [1, 2]}) == [
        "E619 data: `k` is 2.5, but axis `k` needs a whole number"
    ]


def test_two_arrays_on_one_axis_must_agree() -> None:
    declared = spec(column("y"), matrix("x", "f"), matrix("z", "f"), axes=(AxisSpec("f", "columns"),))
    data = {"y": [1, 2], "x": [[1, 2], [3, 4]], "z": [[1, 2, 3], [4, 5, 6]]}
    assert messages(declared, data) == ['E619 data["z"] is 2 x 3, but axis `f` has 2 (from `x`)']
    assert messages(declared, {**data, "z": [[1, 2]]}) == ['E619 data["z"] is 1 x 2, but axis `row` has 2 (from `y`)']


@pytest.mark.parametrize("text", ['{"y": ["NaN", 1]}', '{"y": [NaN, 1]}', '{"y": [null, 1]}', '{"y": ["", 1]}'])
def test_missing_in_json(text: str, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text(text)
    assert messages(spec(column("y")), tmp_path / "d.json") == ["E616 d.json: `y` is missing in 1 of 2 rows (first: 1)"]


def test_infinity_in_json(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text('{"y": ["Inf", "-Inf", 1e999, 2]}')
    assert bind(spec(column("y")), tmp_path / "d.json").columns["y"].values.tolist() == [np.inf, -np.inf, np.inf, 2]


def test_repeated_keys_and_columns(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text('{"y": [1], "y": [2]}')
    assert messages(spec(column("y")), tmp_path / "d.json") == ["E618 d.json: two columns are called `y`"]
    frame = Frame({"y": np.array([1.0]), "z": np.array([1.0])})
    frame.columns = ["y", "z", "y"]
    assert messages(spec(column("y")), frame) == ["E618 data: two columns are called `y`"]
    assert messages(spec(column("z")), frame) == []


def test_single_array_files(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", np.array([1.0, 2.0]))
    assert bind(spec(column("y")), tmp_path / "y.npy").columns["y"].values.tolist() == [1, 2]
    np.save(tmp_path / "s.npy", np.array([(1.0, 2)], dtype=[("y", float), ("n", int)]))
    assert bind(spec(column("y"), column("n", "int")), tmp_path / "s.npy").columns["n"].values.tolist() == [2]
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert messages(spec(column("y")), tmp_path / "o.npy")[0].startswith("E605 o.npy is not readable")


def test_dates_in_memory() -> None:
    days = [datetime.date(1970, 1, 2), datetime.datetime(1970, 1, 3), np.datetime64("1970-01-04")]
    assert bind(spec(column("d", "date")), {"d": days}).columns["d"].values.tolist() == [1, 2, 3]
    hours = np.array(["1970-01-02T12:00"], dtype="datetime64[s]")
    assert messages(spec(column("d", "date")), {"d": hours}) == ['E610 data["d"] is not a date in 1 row']
    gap = np.array(["NaT", "1970-01-02"], dtype="datetime64[D]")
    assert messages(spec(column("d", "date")), {"d": gap}) == ['E616 data["d"] is missing in 1 of 2 rows (first: 1)']


@pytest.mark.parametrize(
    "value", [None, 3.0, "text", {}, {"a": [1]}, [[1], [2, 3]], [[1, 2]], [{}], np.zeros((2, 2, 2)), object()]
)
def test_odd_values_are_complaints(value: object) -> None:
    found = messages(spec(column("y")), {"y": value})
    assert found and all(message.startswith("E6") for message in found)


@pytest.mark.parametrize("source", [3, object(), b"data.csv", ["y"], np.zeros(3)])
def test_odd_sources_are_complaints(source: object) -> None:
    assert messages(spec(column("y")), source)[0].startswith("E602 data cannot be read from")


def test_empty_arrays_have_no_rows() -> None:
    assert messages(spec(column("y")), {"y": []}) == ['E603 data["y"] is empty']


def test_validating_finds_what_binding_finds(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text('{"y": ["a", 1]}')
    assert is_pure(tmp_path / "d.json") and is_pure("-") and is_pure(None) and not is_pure("d.npz")
    with pytest.raises(ModelError) as found:
        validate(spec(column("y")), tmp_path / "d.json")
    assert [str(d.message) for d in found.value.diagnostics] == ["d.json: column `y` is not numeric in 1 row"]
    assert validate(DataSpec((), ()), None).columns == ()


def test_a_large_file_is_read_the_same(tmp_path: Path, expected: Bound, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(read_large, "LARGE_BYTES", 10)
    declared = spec(*(c for c in DECLARED.columns if c.name != "age"), axes=GENES)
    path = _csv(tmp_path)
    assert isinstance(path, Path)
    assert read_large.read_large_table(declared, path, Options()) is not None
    assert bind(declared, path).fingerprint == bind(declared, COLUMNS).fingerprint
    assert read_large.read_large_table(DECLARED, path, Options()) is None
    assert bind(DECLARED, path).fingerprint == expected.fingerprint


def test_a_large_file_without_pyarrow_is_read_as_any_other(
    tmp_path: Path, expected: Bound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_large, "LARGE_BYTES", 10)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert bind(DECLARED, _csv(tmp_path)).fingerprint == expected.fingerprint

"""Tables that are read part by part are the tables that are read at once, and so are the complaints."""

import csv
import gc
from pathlib import Path

import numpy as np
import pytest

from ppl import api
from ppl.data import read_parts
from ppl.data.bind import bind
from ppl.data.options import Options
from ppl.data.stream import bind_rows, can_stream
from ppl.source.diagnostic import ModelError

MODEL = """
data {
  won: bool
  n: int >= 0
  x[item]: real from "i*"
  hole: real?
  arm: factor ["control", "treated"]
  site: factor
  day: date
}
model {
  m ~ Normal(0, 1)
  hole ~ Normal(m, 1)
  x ~ Normal(m, 1)
}
"""
ROWS, PART = 100, 16
HEADER = ["won", "n", "i1", "i2", "hole", "arm", "site", "day", "unused"]


def cells() -> list[list[str]]:
    rng = np.random.default_rng(0)
    rows = []
    for i in range(ROWS):
        hole = "" if i in (40, 77) else f"{rng.normal():.6g}"
        numbers = [f"{v:.6g}" for v in rng.normal(size=2)]
        arm, site = ("control", "treated")[i % 2], f"s{(7 * i) % 12}"
        rows.append([("yes", "no")[i % 3 == 0], str(i), *numbers, hole, arm, site, f"2024-01-{1 + i % 28:02d}", "?"])
    return rows


def written(path: Path, rows: list[list[str]], encoding: str = "utf-8") -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few rows, by the careful reader."""
    monkeypatch.setattr(read_parts, "ROWS", PART)
    monkeypatch.setattr(read_parts, "_arrow_batches", lambda spec, path, options: None)


def test_part_by_part_is_at_once(tmp_path: Path) -> None:
    spec, path = api.compile(MODEL).core.data, written(tmp_path / "d.csv", cells())
    parts, whole = bind_rows(spec, path, large=0), bind(spec, path)
    assert parts.fingerprint == whole.fingerprint
    assert dict(parts.axes) == dict(whole.axes)
    assert parts.axes["site"].labels == tuple(f"s{i}" for i in range(12))
    assert (parts.rows, parts.extra) == (whole.rows, whole.extra)
    np.testing.assert_array_equal(parts.row_numbers, whole.row_numbers)
    for name, column in whole.columns.items():
        np.testing.assert_array_equal(parts.columns[name].values, column.values)
        assert isinstance(parts.columns[name].values, np.memmap)
    np.testing.assert_array_equal(parts.columns["hole"].missing, whole.columns["hole"].missing)


def test_values_outlive_what_made_them(tmp_path: Path) -> None:
    spec = api.compile(MODEL).core.data
    values = bind_rows(spec, written(tmp_path / "d.csv", cells()), large=0).columns["n"].values
    gc.collect()
    np.testing.assert_array_equal(values, np.arange(ROWS))


def test_levels_that_come_late_are_in_order(tmp_path: Path) -> None:
    rows = cells()
    for i, row in enumerate(rows):
        row[6] = "s1" if i < 60 else "s02" if i < 90 else "a"
    spec, path = api.compile(MODEL).core.data, written(tmp_path / "d.csv", rows)
    parts, whole = bind_rows(spec, path, large=0), bind(spec, path)
    assert parts.axes["site"] == whole.axes["site"]
    np.testing.assert_array_equal(parts.columns["site"].values, whole.columns["site"].values)


@pytest.mark.parametrize(
    ("row", "column", "cell", "code", "said"),
    [
        (70, 2, "many", "E610", "row 71"),
        (70, 1, "3.5", "E611", "row 71"),
        (70, 1, "-3", "E612", "71"),
        (70, 5, "other", "E613", "71"),
        (70, 2, "", "E616", "71"),
    ],
)
def test_complaints_name_the_row_of_the_file(
    tmp_path: Path, row: int, column: int, cell: str, code: str, said: str
) -> None:
    rows = cells()
    rows[row][column] = cell
    path = written(tmp_path / "d.csv", rows)
    spec = api.compile(MODEL).core.data
    with pytest.raises(ModelError) as caught:
        bind_rows(spec, path, large=0)
    with pytest.raises(ModelError) as whole:
        bind(spec, path)
    (found,), (expected,) = caught.value.diagnostics, whole.value.diagnostics
    assert found.code == code and said in " ".join((found.message, *found.lines))
    # what counts rows counts those that were read
    assert found.message == expected.message.replace("of 100 rows", "of 80 rows")
    assert found.lines == expected.lines


def test_rows_of_another_length_are_found_where_they_are(tmp_path: Path) -> None:
    rows = cells()
    rows[50].append("more")
    with pytest.raises(ModelError) as caught:
        bind_rows(api.compile(MODEL).core.data, written(tmp_path / "d.csv", rows), large=0)
    (found,) = caught.value.diagnostics
    assert found.code == "E604" and "row 51" in found.message


def test_an_open_quote_is_found_at_its_line(tmp_path: Path) -> None:
    path = written(tmp_path / "d.csv", cells())
    path.write_text(path.read_text() + '"no,1')
    with pytest.raises(ModelError, match="E605"):
        bind_rows(api.compile(MODEL).core.data, path, large=0)


def test_other_encodings_are_read(tmp_path: Path) -> None:
    rows = cells()
    for row in rows[60:]:
        row[6] = "Zürich"
    path = written(tmp_path / "d.csv", rows, "latin-1")
    spec = api.compile(MODEL).core.data
    parts, whole = bind_rows(spec, path, large=0), bind(spec, path)
    assert parts.axes["site"].labels == whole.axes["site"].labels
    assert "Zürich" in (parts.axes["site"].labels or ())
    assert [w.code for w in parts.warnings][:1] == ["W113"]


def test_missing_rows_can_be_dropped(tmp_path: Path) -> None:
    rows = cells()
    rows[70][2] = ""
    path, options = written(tmp_path / "d.csv", rows), Options(missing="drop")
    spec = api.compile(MODEL).core.data
    parts, whole = bind_rows(spec, path, options, large=0), bind(spec, path, options)
    assert parts.rows == ROWS - 1
    np.testing.assert_array_equal(parts.row_numbers, whole.row_numbers)
    assert parts.fingerprint == whole.fingerprint
    assert [w.message for w in parts.warnings if w.code == "W114"] == [
        w.message for w in whole.warnings if w.code == "W114"
    ]


def test_what_needs_all_rows_is_read_at_once(tmp_path: Path) -> None:
    ordered = "data sorted by day {\n  day: date\n  y: real\n}\nmodel { m ~ Normal(0, 1)\n y ~ Normal(m, 1) }"
    spec = api.compile(ordered).core.data
    assert not can_stream(spec)
    path = tmp_path / "d.csv"
    path.write_text("day,y\n2024-01-02,1\n2024-01-03,2\n")
    assert not isinstance(bind_rows(spec, path, large=0).columns["y"].values, np.memmap)
    assert bind_rows(spec, {"day": ["2024-01-02"], "y": [1.0]}).rows == 1


def test_small_files_are_read_at_once(tmp_path: Path) -> None:
    found = bind_rows(api.compile(MODEL).core.data, written(tmp_path / "d.csv", cells()))
    assert not isinstance(found.columns["n"].values, np.memmap)


def test_parquet_and_csv_by_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arrow_csv, parquet = pytest.importorskip("pyarrow.csv"), pytest.importorskip("pyarrow.parquet")
    monkeypatch.undo()
    monkeypatch.setattr(read_parts, "ROWS", PART)
    monkeypatch.setattr(read_parts, "BYTES", 1000)
    rows = [row[:4] + row[5:8] for row in cells()]
    path = tmp_path / "d.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([[*HEADER[:4], *HEADER[5:8]], *rows])
    model = MODEL.replace("  hole: real?\n", "").replace("  hole ~ Normal(m, 1)\n", "")
    spec = api.compile(model).core.data
    whole = bind(spec, path)
    parquet.write_table(arrow_csv.read_csv(str(path)), str(tmp_path / "d.parquet"), row_group_size=10)
    for source in (path, tmp_path / "d.parquet"):
        found = bind_rows(spec, source, large=0)
        assert found.axes["site"] == whole.axes["site"]
        np.testing.assert_array_equal(found.columns["x"].values, whole.columns["x"].values)
        np.testing.assert_array_equal(found.columns["site"].values, whole.columns["site"].values)

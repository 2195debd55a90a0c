"""What binds, to what arrays, and where the complaints point."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from data_specs import GENES, column, complaints, matrix, messages, per, spec

from ppl.check.core import AxisSpec, DataSpec
from ppl.data.bind import Bound, Options, bind
from ppl.source.diagnostic import ModelError


@pytest.fixture
def csv(tmp_path: Path):
    def write(content: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def values(bound: Bound, name: str) -> list[object]:
    return bound.columns[name].values.tolist()


# ---- kinds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "cells", "expected"),
    [
        ("real", ["1", " 2.5", "-3e2", "+.5"], [1, 2.5, -300, 0.5]),
        ("real", ["inf", "-Inf", "1"], [np.inf, -np.inf, 1]),
        ("int", ["3", "3.0", "1e3", "-0"], [3, 3, 1000, 0]),
        ("int", ["9007199254740993", "-9223372036854775808"], [9007199254740993, -(2**63)]),
        ("bool", ["yes", "no", "no"], [1, 0, 0]),
        ("bool", ["TRUE", "FALSE", "TRUE"], [1, 0, 1]),
        ("bool", ["T", "F", "T"], [1, 0, 1]),
        ("bool", ["0", "1", "0"], [0, 1, 0]),
        ("factor", ["b", "a", "b"], [1, 0, 1]),
        ("factor", ["10", "9", "2"], [2, 1, 0]),
        ("date", ["1970-01-02", "2024-02-29", "1969-12-31"], [1, 19782, -1]),
        ("date", ["13/01/1970", "02/01/1970"], [12, 1]),
        ("date", ["01/13/1970", "01/02/1970"], [12, 1]),
        ("date", ["2.1.1970", "1970/01/03", "1970-01-01T00:00:00Z"], [1, 2, 0]),
        ("text", ["b", "a", " c"], ["b", "a", " c"]),
    ],
)
def test_cells_become_values(csv, kind: str, cells: list[str], expected: list[object]) -> None:
    bound = bind(spec(column("v", kind)), csv("v,w\n" + "".join(f"{cell},0\n" for cell in cells)))
    assert values(bound, "v") == expected
    assert bound.columns["v"].missing is None
    assert bound.extra == ("w",)


@pytest.mark.parametrize("kind", ["real", "int"])
@pytest.mark.parametrize("cell", ["1_000", "one", "0x10", "1,5", "1 2", "--1"])
def test_only_numbers_are_numbers(csv, kind: str, cell: str) -> None:
    assert messages(spec(column("v", kind)), csv(f'v\n1\n"{cell}"\n')) == [
        "E610 data.csv: column `v` is not numeric in 1 row"
    ]


def test_a_number_that_means_missing_is_missing(csv) -> None:
    path = csv("v\n1\n-999\n3\n")
    assert messages(spec(column("v")), path) == []
    assert messages(spec(column("v")), path, Options(na=("-999",))) == [
        "E616 data.csv: `v` is missing in 1 of 3 rows (first: 2)"
    ]
    data = {"v": np.array([1.0, -999.0, 3.0])}
    assert messages(spec(column("v", optional=True, imputed=True)), data, Options(na=("-999",))) == []


# ---- names -------------------------------------------------------------------------------------------------------


def test_own_name_comes_before_from_and_map_before_both(csv) -> None:
    path = csv("age,Age (years),years\n1,2,3\n")
    declared = spec(column("age", source=("Age (years)",)))
    assert values(bind(declared, path), "age") == [1]
    assert values(bind(declared, path, Options(map={"age": "years"})), "age") == [3]
    assert values(bind(declared, csv("Age (years)\n2\n")), "age") == [2]


def test_both_names_are_named_when_neither_is_there(csv) -> None:
    assert messages(spec(column("age", source=("Age",))), csv("y\n1\n")) == [
        "E601 data.csv has no column `age` or `Age`"
    ]


def test_columns_of_a_matrix_in_file_order(csv) -> None:
    path = csv("g2,y,g1,h,g3\n1,2,3,4,5\n6,7,8,9,10\n")
    glob = bind(spec(matrix("x", "gene", source=("g*",), is_glob=True), axes=GENES), path)
    assert values(glob, "x") == [[1, 3, 5], [6, 8, 10]]
    assert glob.axes["gene"].labels == ("g2", "g1", "g3")
    span = bind(spec(matrix("x", "gene", source=("y", "h"), is_range=True), axes=GENES), path)
    assert values(span, "x") == [[2, 3, 4], [7, 8, 9]]
    named = bind(spec(matrix("x", "gene", source=("h", "g1"), is_list=True), axes=GENES), path)
    assert values(named, "x") == [[4, 3], [9, 8]]


def test_a_declared_axis_checks_the_number_of_columns(csv) -> None:
    declared = spec(matrix("x", "k", source=("g*",), is_glob=True), axes=(AxisSpec("k", "declared", 3),))
    assert messages(declared, csv("g1,g2\n1,2\n")) == ["E619 data.csv: `x` is 1 x 2, but axis `k` has 3 (declared)"]


def test_a_repeated_column_nobody_asks_for_is_no_error(csv) -> None:
    assert messages(spec(column("y")), csv("x,y,x\n1,2,3\n")) == []


# ---- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfname,y\nA,1\nB,2\n",
        b"name,y\r\nA,1\r\nB,2\r\n",
        b"name,y\rA,1\rB,2",
        b'"name","y"\n"A","1"\n"B","2"\n\n\n',
        b" name , y\nA,1\n\nB,2\n",
        "name,y\nA,1\nB,2\n".encode("utf-16"),
    ],
)
def test_the_same_table_however_it_is_written(csv, content: bytes) -> None:
    bound = bind(spec(column("name", "factor"), column("y")), csv(content))
    assert (values(bound, "name"), values(bound, "y"), bound.axes["name"].labels) == ([0, 1], [1, 2], ("A", "B"))


def test_separators_and_decimal_commas(csv) -> None:
    declared = spec(column("a"), column("b"))
    assert values(bind(declared, csv("a;b\n1,5;2\n"), Options(sep=";", decimal=",")), "a") == [1.5]
    assert values(bind(declared, csv("a\tb\n1.5\t2\n", "data.tsv")), "a") == [1.5]
    assert values(bind(declared, csv("a\tb\n1.5\t2\n"), Options(sep="tab")), "a") == [1.5]
    (complaint,) = complaints(spec(column("a")), csv("a;b\n1,5;2\n"), Options(sep=";"))
    assert complaint.hint == "`--decimal ,` if the comma is the decimal mark"


@pytest.mark.parametrize(
    ("content", "words", "flags"),
    [
        ("a;b\n1;2\n", "`;`", "--sep ';'"),
        ("a\tb\n1\t2\n", "tabs", "--sep tab"),
        ("a|b\n1|2\n", "`|`", "--sep '|'"),
        ("a b\n1 2\n3 4\n", "spaces", "--sep ' '"),
        ("a\tb\n1,5\t2,5\n", "tabs with decimal commas", "--sep tab --decimal ,"),
    ],
)
def test_another_separator_is_named_with_the_flags_to_type(csv, content: str, words: str, flags: str) -> None:
    (complaint,) = complaints(spec(column("a"), column("b")), csv(content))
    assert (complaint.message, complaint.hint) == (f"data.csv looks separated by {words}", f"`{flags}`")


def test_a_name_with_a_separator_in_it_is_a_name(csv) -> None:
    assert messages(spec(column("h", source=("height; cm",))), csv("height; cm\n180\n")) == []


def test_a_blank_line_in_a_single_column_is_a_missing_cell(csv) -> None:
    assert messages(spec(column("y")), csv("y\n1\n\n3\n\n")) == [
        "E616 data.csv: `y` is missing in 1 of 3 rows (first: 2)"
    ]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"y\n1\nx\n")))
    assert messages(spec(column("y")), "-") == ["E610 stdin: column `y` is not numeric in 1 row"]


def test_no_data_for_a_model_without_data() -> None:
    declared = DataSpec((), (AxisSpec("k", "declared", 2, ("a", "b")),))
    bound = bind(declared, None)
    assert (dict(bound.columns), bound.rows, bound.axes["k"].labels) == ({}, 0, ("a", "b"))


def test_all_errors_come_in_one_run_and_nothing_follows_from_them(csv) -> None:
    declared = spec(
        column("a"),
        column("b", "int"),
        column("c", low=0.0),
        column("f", "factor"),
        per("p", "f"),
        per("q", "f"),
        column("missing"),
    )
    path = csv("a,b,c,f,p,q\nx,1.5,-1,A,1,1\n2,2,0,A,2,\n")
    assert [message[:4] for message in messages(declared, path)] == ["E601", "E610", "E611", "E616", "E612", "E614"]
    faulty = spec(column("f", "factor", levels=("a", "b")), per("q", "f"))
    assert [message[:4] for message in messages(faulty, csv("f,q\nx,1\nx,2\n"))] == ["E613"]


# ---- missing cells -----------------------------------------------------------------------------------------------


def test_imputed_columns_have_a_mask(csv) -> None:
    blanks = spec(column("a", optional=True, imputed=True), column("n", "int", optional=True, imputed=True))
    bound = bind(blanks, csv("a,n\n1,\nNA,2\nnan,3\n.,null\n"))
    assert bound.columns["a"].missing.tolist() == [False, True, True, True]  # type: ignore[union-attr]
    np.testing.assert_array_equal(bound.columns["a"].values, [1, np.nan, np.nan, np.nan])
    assert values(bound, "n") == [0, 2, 3, 0]
    assert bound.columns["n"].missing.tolist() == [True, False, False, True]  # type: ignore[union-attr]


def test_a_matrix_with_blanks_has_a_mask_of_its_shape(csv) -> None:
    declared = spec(matrix("x", "gene", source=("g*",), is_glob=True, optional=True, imputed=True), axes=GENES)
    bound = bind(declared, csv("g1,g2\n1,\n3,4\n"))
    assert bound.columns["x"].missing.tolist() == [[False, True], [False, False]]  # type: ignore[union-attr]


def test_dropping_rows_keeps_their_numbers(csv) -> None:
    declared = spec(column("a"), column("f", "factor"), column("low", low=0.0))
    options = Options(missing="drop")
    bound = bind(declared, csv("a,f,low\n1,x,1\n,y,2\n3,z,3\n"), options)
    assert (bound.rows, bound.row_numbers.tolist(), bound.axes["f"].labels) == (2, [1, 3], ("x", "z"))
    assert messages(declared, csv("a,f,low\n,y,-1\n3,z,-2\n"), options) == [
        "E612 data.csv: `low` must be >= 0, but row 2 has -2"
    ]


# ---- levels, bounds ----------------------------------------------------------------------------------------------


def test_fixed_levels_keep_their_order_and_size(csv) -> None:
    bound = bind(spec(column("arm", "factor", levels=("treated", "control", "none"))), csv("arm\ncontrol\ntreated\n"))
    assert (values(bound, "arm"), bound.axes["arm"].size) == ([1, 0], 3)


def test_strip_removes_spaces(csv) -> None:
    declared = spec(column("arm", "factor", levels=("a", "b")))
    (complaint,) = complaints(declared, csv("arm\na \nb\n"))
    assert complaint.hint == "trailing space? `--strip` removes it"
    assert values(bind(declared, csv("arm\na \nb\n"), Options(strip=True)), "arm") == [0, 1]


@pytest.mark.parametrize(
    ("bounds", "bad", "words"),
    [
        ({"low": 0.0}, "-1", ">= 0"),
        ({"low": 0.0, "low_open": True}, "0", "> 0"),
        ({"high": 1.0}, "1.5", "<= 1"),
        ({"high": 1.0, "high_open": True}, "1", "< 1"),
        ({"low": 0.0, "high": 1.0}, "1.01", "in [0, 1]"),
        ({"low": 0.0, "high": 1.0, "low_open": True}, "0", "in (0, 1]"),
    ],
)
def test_bounds_are_worded_as_the_model_writes_them(csv, bounds: dict[str, object], bad: str, words: str) -> None:
    declared = spec(column("v", **bounds))
    assert messages(declared, csv(f"v\n0.5\n{bad}\n")) == [f"E612 data.csv: `v` must be {words}, but row 2 has {bad}"]


def test_a_missing_value_is_inside_its_bounds(csv) -> None:
    declared = spec(
        column("v", low=1.0, optional=True, imputed=True), column("n", "int", low=1.0, optional=True, imputed=True)
    )
    assert messages(declared, csv("v,n\n1,\n,2\n")) == []


# ---- order, per --------------------------------------------------------------------------------------------------


def test_rows_are_sorted_with_their_matrix(csv) -> None:
    declared = spec(column("t", "int"), matrix("x", "gene", source=("g*",), is_glob=True), axes=GENES, sorted_by="t")
    bound = bind(declared, csv("t,g1,g2\n3,5,6\n1,1,2\n2,3,4\n"))
    assert (values(bound, "t"), values(bound, "x")) == ([1, 2, 3], [[1, 2], [3, 4], [5, 6]])
    assert bound.row_numbers.tolist() == [2, 3, 1]


def test_sorting_is_stable_and_silent_when_there_is_nothing_to_do(csv) -> None:
    declared = spec(column("t", "int"), column("y"), sorted_by="t")
    assert values(bind(declared, csv("t,y\n2,1\n1,2\n2,3\n1,4\n")), "y") == [2, 4, 1, 3]
    assert bind(declared, csv("t,y\n1,1\n2,2\n")).warnings == ()


def test_one_value_per_level(csv) -> None:
    declared = spec(
        column("state", "factor"), per("region", "state", "factor"), per("pct", "state"), per("size", "region")
    )
    bound = bind(declared, csv("state,region,pct,size\nNY,N,.5,7\nGA,S,.2,8\nNY,N,.5,7\nME,N,.1,7\n"))
    assert bound.axes["state"].labels == ("GA", "ME", "NY")
    assert (values(bound, "region"), values(bound, "pct"), values(bound, "size")) == (
        [1, 0, 0],
        [0.2, 0.1, 0.5],
        [7, 8],
    )
    assert bound.columns["pct"].axes == ("state",)


def test_rows_without_a_level_say_nothing_about_levels(csv) -> None:
    declared = spec(column("state", "factor", optional=True, imputed=True), per("pct", "state"))
    bound = bind(declared, csv("state,pct\nGA,1\n,7\nNY,2\n"))
    assert values(bound, "pct") == [1, 2]
    assert bound.columns["state"].missing.tolist() == [False, True, False]


def test_an_axis_may_be_another_name_for_levels(csv) -> None:
    declared = spec(column("state", "factor"), axes=(AxisSpec("twin", "declared", column="state"),))
    assert bind(declared, csv("state\nNY\nGA\n")).axes["twin"].labels == ("GA", "NY")


def test_a_file_that_is_not_there_is_that_whatever_its_name(tmp_path: Path) -> None:
    for name in ("data", "data.xlsx", "data.csv", "data.npz", "data.json", "data.parquet"):
        (complaint,) = complaints(spec(column("y")), tmp_path / "none" / name)
        assert complaint.code == "E602"
        assert complaint.hint == f"there is no folder `{tmp_path / 'none'}` either"


# ---- warnings ----------------------------------------------------------------------------------------------------


def test_levels_of_one_row_each_only_name_the_rows(csv) -> None:
    assert bind(spec(column("school", "factor")), csv("school\na\nb\nc\n")).warnings == ()


def test_complaints_about_values_in_memory() -> None:
    declared = spec(column("age"), column("se", low=0.0), column("z"))
    data = {"age": [1, "forty"], "se": [-1, 2]}
    assert messages(declared, data) == [
        "E601 data has no column `z`",
        'E610 data["age"] is not numeric in 1 row',
        'E612 data["se"] must be >= 0, but row 1 has -1',
    ]


def test_checking_text_imports_no_arrays() -> None:
    code = "import sys, ppl.data.validate; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_sort_column_that_is_not_declared_is_our_mistake() -> None:
    with pytest.raises(Exception, match="does not declare"):
        bind(spec(column("y"), sorted_by="day"), {"y": [1.0]})


def test_errors_are_model_errors(csv) -> None:
    with pytest.raises(ModelError, match="E601"):
        bind(spec(column("y")), csv("x\n1\n"))

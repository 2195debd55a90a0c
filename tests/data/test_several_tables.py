"""Several tables: keys, pointers, one source for each or one for all, and what is said when they do not fit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppl.api import Model, compile
from ppl.check.check import check
from ppl.check.core import DataSpec
from ppl.data.bind import Bound, Options, bind
from ppl.data.sources import Files
from ppl.data.validate import validate
from ppl.source.diagnostic import ModelError
from ppl.syntax.parse import parse

BLOCKS = """data subjects {
  id:   key
  age:  real
  site: factor
}
data trials {
  subject: subjects
  day:     int
  rt:      real
}
"""
MODEL = """model {
  b[subjects] ~ Normal(age, 1)
  s[site] ~ Normal(0, 1)
  rt ~ Normal(b[subject] + s[site[subject]] * day, 1)
}
"""
SUBJECTS = {"id": ["s2", "s10", "s1"], "age": [31.0, 44.0, 27.0], "site": ["x", "y", "x"]}
TRIALS = {"subject": ["s1", "s1", "s10", "s2"], "day": [1, 2, 1, 3], "rt": [1.0, 2.0, 3.0, 4.0]}
BOTH = {"subjects": SUBJECTS, "trials": TRIALS}


def spec_of(blocks: str = BLOCKS, body: str = "model { m ~ Normal(0, 1)\n factor m }") -> DataSpec:
    checked = check(parse(blocks + body))
    assert checked.core is not None, checked.diagnostics
    return checked.core.data


def csv_text(columns: dict[str, list[Any]]) -> str:
    rows = zip(*columns.values())
    return "\n".join([",".join(columns), *(",".join("" if v is None else str(v) for v in row) for row in rows)]) + "\n"


def write(folder: Path, **tables: dict[str, list[Any]]) -> dict[str, str]:
    for name, columns in tables.items():
        (folder / f"{name}.csv").write_text(csv_text(columns))
    return {name: str(folder / f"{name}.csv") for name in tables}


def codes(source: object, blocks: str = BLOCKS, **options: Any) -> list[str]:
    try:
        bind(spec_of(blocks), source, Options(**options))
    except ModelError as problem:
        return [d.code for d in problem.diagnostics]
    return []


def same(one: Bound, other: Bound) -> bool:
    return one.fingerprint == other.fingerprint


# ---- what is bound -----------------------------------------------------------------------------------------------


def test_keys_label_the_rows_and_pointers_are_positions() -> None:
    bound = bind(spec_of(), BOTH)
    assert bound.axes["subjects"].labels == ("s2", "s10", "s1") and bound.axes["subjects"].size == 3
    assert bound.axes["trials"].labels is None and bound.axes["trials"].size == 4
    assert bound.columns["subject"].axes == ("trials",) and bound.columns["subject"].values.tolist() == [2, 2, 1, 0]
    assert bound.columns["id"].values.tolist() == [0, 1, 2]
    assert bound.columns["site"].axes == ("subjects",)
    assert bound.rows == 4 and set(bound.numbers) == {"subjects", "trials"}


def test_the_main_table_is_one_that_no_other_points_into() -> None:
    spec = spec_of()
    assert spec.row == "trials" and spec.rows == ("subjects", "trials")
    turned = spec_of(BLOCKS[BLOCKS.index("data trials") :] + BLOCKS[: BLOCKS.index("data trials")])
    assert turned.row == "trials" and turned.rows == ("trials", "subjects")


def test_every_kind_of_source_gives_the_same_data(tmp_path: Path) -> None:
    spec, paths = spec_of(), write(tmp_path, **BOTH)
    wanted = bind(spec, BOTH)
    records = {name: [dict(zip(t, row)) for row in zip(*t.values())] for name, t in BOTH.items()}
    for name, content in {"nested": BOTH, "records": records, "flat": {**SUBJECTS, **TRIALS}}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        assert same(bind(spec, tmp_path / f"{name}.json"), wanted), name
    np.savez(tmp_path / "flat.npz", **{name: np.array(v) for name, v in {**SUBJECTS, **TRIALS}.items()})
    sources: list[object] = [
        paths,
        {name: Path(path) for name, path in paths.items()},
        {"subjects": paths["subjects"], "trials": TRIALS},
        {name: {c: np.array(v) for c, v in table.items()} for name, table in BOTH.items()},
        {**SUBJECTS, **TRIALS},
        tmp_path / "flat.npz",
        Files((("trials", paths["trials"]), ("subjects", paths["subjects"]))),
        Files((("trials", paths["trials"]), (None, paths["subjects"]))),
    ]
    for source in sources:
        assert same(bind(spec, source), wanted), source


def test_text_files_are_checked_without_arrays(tmp_path: Path) -> None:
    paths = write(tmp_path, **BOTH)
    checked = validate(spec_of(), Files(tuple(paths.items())))
    assert checked.source == "subjects.csv, trials.csv" and dict(checked.numbers)["subjects"] == (1, 2, 3)


def test_a_single_table_may_have_a_name(tmp_path: Path) -> None:
    spec = spec_of("data trials {\n  rt: real\n}\n")
    [path] = write(tmp_path, trials={"rt": [1.0, 2.0]}).values()
    for source in (path, {"trials": path}, {"rt": [1.0, 2.0]}, Files((("trials", path),))):
        bound = bind(spec, source)
        assert bound.axes["trials"].size == 2 and bound.rows == 2


def test_the_block_without_a_name_has_the_axis_row(tmp_path: Path) -> None:
    blocks = "data subjects {\n  id: key\n}\ndata {\n  subject: subjects\n}\n"
    paths = write(tmp_path, subjects={"id": ["a", "b"]}, rest={"subject": ["b", "b", "a"]})
    bound = bind(spec_of(blocks), Files(((None, paths["rest"]), ("subjects", paths["subjects"]))))
    assert bound.axes["row"].size == 3 and bound.columns["subject"].values.tolist() == [1, 1, 0]


def test_keys_may_be_numbers_however_they_are_stored() -> None:
    blocks = "data people {\n  id: key\n}\ndata {\n  who: people\n}\n"
    bound = bind(spec_of(blocks), {"people": {"id": [7, 12]}, "row": {"who": ["12", "7", "12"]}})
    assert bound.columns["who"].values.tolist() == [1, 0, 1]


def test_a_table_may_point_into_itself() -> None:
    blocks = "data animals {\n  id: key\n  mother: animals\n}\n"
    bound = bind(spec_of(blocks), {"id": ["a", "b", "c"], "mother": ["a", "a", "b"]})
    assert bound.columns["mother"].values.tolist() == [0, 0, 1] and bound.axes["animals"].labels == ("a", "b", "c")


def test_pointers_go_through_several_tables() -> None:
    blocks = "data sites {\n  site: key\n}\ndata subjects {\n  id: key\n  at: sites\n}\ndata {\n  who: subjects\n}\n"
    bound = bind(
        spec_of(blocks),
        {"sites": {"site": ["x", "y"]}, "subjects": {"id": ["a", "b"], "at": ["y", "x"]}, "row": {"who": ["b", "a"]}},
    )
    assert bound.columns["at"].values.tolist() == [1, 0] and bound.columns["who"].values.tolist() == [1, 0]


def test_a_column_may_be_constant_within_what_a_pointer_points_at() -> None:
    blocks = "data subjects {\n  id: key\n}\ndata trials {\n  subject: subjects\n  dose: real per subject\n}\n"
    data = {"subjects": {"id": ["a", "b"]}, "trials": {"subject": ["b", "a", "b"], "dose": [2.0, 1.0, 2.0]}}
    bound = bind(spec_of(blocks), data)
    assert bound.columns["dose"].axes == ("subjects",) and bound.columns["dose"].values.tolist() == [1.0, 2.0]
    data["trials"]["dose"][2] = 3.0
    assert codes(data, blocks) == ["E614"]


def test_each_table_is_sorted_and_dropped_from_on_its_own() -> None:
    blocks = BLOCKS.replace("data subjects {", "data subjects sorted by age {").replace("day:     int", "day: int")
    bound = bind(spec_of(blocks), BOTH)
    assert bound.axes["subjects"].labels == ("s1", "s2", "s10") and bound.numbers["subjects"].tolist() == [3, 1, 2]
    assert bound.columns["subject"].values.tolist() == [0, 0, 2, 1]
    assert [w.code for w in bound.warnings if w.code == "W112"] == ["W112"]
    holes = {"subjects": SUBJECTS, "trials": {**TRIALS, "rt": [1.0, None, 3.0, 4.0]}}
    kept = bind(spec_of(), holes, Options(missing="drop"))
    assert kept.rows == 3 and kept.row_numbers.tolist() == [1, 3, 4] and kept.axes["subjects"].size == 3


def test_a_row_that_is_pointed_at_cannot_be_dropped() -> None:
    holes = {"subjects": {**SUBJECTS, "age": [31.0, None, 27.0]}, "trials": TRIALS}
    assert codes(holes) == ["E616"]
    assert codes(holes, missing="drop") == ["E617"]
    free = {
        "subjects": {**SUBJECTS, "age": [31.0, None, 27.0]},
        "trials": {**TRIALS, "subject": ["s1", "s1", "s2", "s2"]},
    }
    assert bind(spec_of(), free, Options(missing="drop")).axes["subjects"].labels == ("s2", "s1")


def test_columns_are_renamed_by_table_where_names_are_said_with_it(tmp_path: Path) -> None:
    paths = write(tmp_path, trials=TRIALS, subjects={"id": SUBJECTS["id"], "Age": SUBJECTS["age"], "site": ["x"] * 3})
    for name in ("age", "subjects.age"):
        bound = bind(spec_of(), paths, Options(map={name: "Age"}))
        assert bound.columns["age"].values.tolist() == SUBJECTS["age"]
    assert codes(paths) == ["E601"] and set(codes(paths, map={"trials.age": "Age"})) == {"E601", "E606"}


def test_columns_that_no_table_takes_are_said_with_their_table() -> None:
    more = {"subjects": {**SUBJECTS, "w": [1, 2, 3]}, "trials": {**TRIALS, "w": [1, 2, 3, 4]}}
    assert bind(spec_of(), more).extra == ("subjects.w", "trials.w")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"trials": {**TRIALS, "subject": ["s1", "s1", "s9", "s2"]}}, "E617"),
        ({"subjects": {**SUBJECTS, "id": ["s1", "s1", "s10"]}}, "E621"),
        ({"subjects": {**SUBJECTS, "id": ["s2", None, "s1"]}}, "E616"),
        ({"trials": {**TRIALS, "subject": ["s1", None, "s10", "s2"]}}, "E616"),
        ({"trials": {**TRIALS, "rt": [1.0, 2.0, "x", 4.0]}}, "E610"),
    ],
)
def test_one_complaint_for_one_fault(change: dict[str, Any], code: str) -> None:
    assert codes({**BOTH, **change}) == [code]


def test_faults_in_both_tables_are_said_in_one_run() -> None:
    bad = {"subjects": {**SUBJECTS, "age": [1.0, "x", 2.0]}, "trials": {**TRIALS, "day": [1, 2.5, 1, 3]}}
    assert codes(bad) == ["E610", "E611"]


@pytest.mark.parametrize(
    "source",
    [
        {"trials": TRIALS},
        {"trials": TRIALS, "subject": SUBJECTS},
        Files(((None, "a.csv"), (None, "b.csv"))),
        Files((("trials", "a.csv"), ("trials", "b.csv"))),
    ],
    ids=str,
)
def test_sources_that_are_not_those_of_the_tables(source: object) -> None:
    assert codes(source) == ["E622"]


def test_one_file_is_not_several_tables(tmp_path: Path) -> None:
    [path] = write(tmp_path, trials=TRIALS).values()
    assert codes(path) == ["E622"]


# ---- defaults ----------------------------------------------------------------------------------------------------

DEFAULTS = """data {
  y:     real
  dose:  real >= 0 = 0
  n:     int = 3
  fresh: bool = true
  arm:   factor = "none"
  day:   date = "2024-01-31"
}
"""


def test_blanks_take_the_default() -> None:
    data = {
        "y": [1.0, 2.0], "dose": [None, 2.5], "n": [4, None], "fresh": [False, None], "arm": ["drug", None],
        "day": [None, "2024-02-01"],
    }  # fmt: skip
    bound = bind(spec_of(DEFAULTS), data)
    values = {name: column.values.tolist() for name, column in bound.columns.items()}
    assert values["dose"] == [0.0, 2.5] and values["n"] == [4, 3] and values["fresh"] == [0, 1]
    assert bound.axes["arm"].labels == ("drug", "none") and values["arm"] == [0, 1]
    assert values["day"] == [19753, 19754]
    assert all(column.missing is None for column in bound.columns.values()) and not bound.warnings


def test_a_column_that_is_not_there_takes_it_everywhere_and_that_is_said() -> None:
    bound = bind(spec_of(DEFAULTS), {"y": [1.0, 2.0]})
    assert [w.code for w in bound.warnings] == ["W116"] * 5
    assert bound.columns["n"].values.tolist() == [3, 3] and bound.axes["arm"].labels == ("none",)


def test_a_name_that_is_nearly_there_is_misspelt() -> None:
    assert codes({"y": [1.0], "Dose": [2.0]}, DEFAULTS) == ["E601"]


def test_defaults_per_group_and_of_matrices() -> None:
    blocks = 'data {\n  g: factor\n  w: real per g = 1\n  x[k]: real from ["a", "b"] = 0.5\n}\n'
    data = {"g": ["p", "q", "p"], "w": [None, 2.0, None], "a": [1.0, None, 2.0], "b": [None, 3.0, 4.0]}
    bound = bind(spec_of(blocks), data)
    assert bound.columns["w"].values.tolist() == [1.0, 2.0]
    assert bound.columns["x"].values.tolist() == [[1.0, 0.5], [0.5, 3.0], [2.0, 4.0]]


# ---- fits --------------------------------------------------------------------------------------------------------


def test_tables_mean_what_one_joined_table_means() -> None:
    """The same model on the joined table has the same density at the same point."""
    two: Model = compile(BLOCKS + MODEL)
    joined = compile(
        "data {\n  subject: factor\n  age: real per subject\n  site: factor per subject\n  day: int\n  rt: real\n}\n"
        "model {\n  b[subject] ~ Normal(age, 1)\n  s[site] ~ Normal(0, 1)\n  here = s[site]\n"
        "  rt ~ Normal(b[subject] + here[subject] * day, 1)\n}\n"
    )
    of = {k: i for i, k in enumerate(SUBJECTS["id"])}
    rows = [of[k] for k in TRIALS["subject"]]
    flat = {**TRIALS, **{name: [SUBJECTS[name][i] for i in rows] for name in ("age", "site")}}
    first, bound = two.bind(BOTH)
    second, other = joined.bind(flat)
    u = np.random.default_rng(1).standard_normal((3, first.dim))
    turn = [bound.axes["subjects"].labels.index(k) for k in other.axes["subject"].labels]  # type: ignore[union-attr]
    v = u.copy()
    v[:, second.slots["b"]] = u[:, first.slots["b"]][:, turn]
    v[:, second.slots["s"]] = u[:, first.slots["s"]]
    w = np.ones(first.weights)  # type: ignore[union-attr]
    assert np.allclose(first.value(u, w), second.value(v, w), rtol=1e-12)  # type: ignore[union-attr]


def test_a_fit_is_labelled_by_keys_and_given_by_names() -> None:
    model = compile(BLOCKS + MODEL)
    fit = model.fit(subjects=SUBJECTS, trials=TRIALS, draws=200, restarts=1)
    assert fit["b"].axes == ("subjects",) and fit["b"].labels == (("s2", "s10", "s1"),)
    assert fit.rows == 4
    with pytest.raises(TypeError, match="subject"):
        model.fit(subject=SUBJECTS)

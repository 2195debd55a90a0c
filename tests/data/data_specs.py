"""Declarations by hand, and one case for every complaint about data."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ppl.check.core import AxisSpec, ColumnSpec, DataSpec, TableSpec
from ppl.data.bind import Options, bind
from ppl.data.sources import Files
from ppl.source.diagnostic import Diagnostic, ModelError
from ppl.source.span import Span

GOLDENS = Path(__file__).parent.parent / "errors_data"
HERE = Span("model.ppl", 2, 3, 2, 9)
ROW = ("row",)


def column(name: str, kind: str = "real", axes: tuple[str, ...] = ROW, **more: object) -> ColumnSpec:
    return ColumnSpec(name, kind, axes, span=HERE, **more)  # type: ignore[arg-type]


def spec(*columns: ColumnSpec, axes: tuple[AxisSpec, ...] = (), sorted_by: str | None = None) -> DataSpec:
    """A specification with the row axis, an axis for each factor, and `axes`."""
    levels = tuple(
        AxisSpec(c.name, "levels", None, c.levels, c.name) for c in columns if c.kind in ("factor", "ordinal")
    )
    return DataSpec(columns, (AxisSpec("row", "row"), *levels, *axes), sorted_by=sorted_by, span=HERE)


def per(name: str, factor: str, kind: str = "real", **more: object) -> ColumnSpec:
    return column(name, kind, (factor,), per=factor, **more)


def matrix(name: str, axis: str, kind: str = "real", **more: object) -> ColumnSpec:
    return column(name, kind, ("row", axis), **more)


def tables(subjects: tuple[ColumnSpec, ...], trials: tuple[ColumnSpec, ...], **more: str | None) -> DataSpec:
    """Two tables; `sorted_by` is the column that orders the trials."""
    at = {
        name: tuple(replace(c, axes=(name, *c.axes[1:]) if c.per is None else c.axes) for c in columns)
        for name, columns in (("subjects", subjects), ("trials", trials))
    }
    columns = (*at["subjects"], *at["trials"])
    levels = tuple(AxisSpec(c.name, "levels", None, c.levels, c.name) for c in columns if c.kind == "factor")
    keys = {name: next((c.name for c in own if c.kind == "key"), None) for name, own in at.items()}
    specs = tuple(
        TableSpec(
            name, tuple(c.name for c in own), more.get("sorted_by") if name == "trials" else None, keys[name], HERE
        )
        for name, own in at.items()
    )
    axes = (AxisSpec("subjects", "row"), AxisSpec("trials", "row"), *levels)
    return DataSpec(columns, axes, "trials", more.get("sorted_by"), HERE, specs)


GENES = (AxisSpec("gene", "columns"),)


def messages(spec: DataSpec, source: object, options: Options | None = None) -> list[str]:
    """The complaints as `CODE message` lines; empty if the data binds."""
    try:
        bind(spec, source, options)
    except ModelError as error:
        return [f"{d.code} {d.message}" for d in error.diagnostics]
    return []


def complaints(spec: DataSpec, source: object, options: Options | None = None) -> tuple[Diagnostic, ...]:
    """All errors, or else all warnings, of one run."""
    try:
        return bind(spec, source, options).warnings
    except ModelError as error:
        return error.diagnostics


def rendered(diagnostics: tuple[Diagnostic, ...]) -> str:
    return "\n".join(map(_rendered, diagnostics))


def _rendered(d: Diagnostic) -> str:
    kind = "warning" if d.is_warning else "error"
    place = [f" --> {d.span.file}:{d.span.line}:{d.span.col} {d.label}".rstrip()] if d.span else []
    hint = [f"   = hint: {d.hint}"] if d.hint else []
    return "\n".join([f"{kind}[{d.code}]: {d.message}", *place, *(f"   {line}" for line in d.lines), *hint]) + "\n"


@dataclass(frozen=True)
class Case:
    """The complaint `key`, which `spec` and the file `data` (in the folder of the key) give."""

    key: str
    spec: DataSpec
    data: str | bytes | Callable[[Path], None]
    file: str = "data.csv"
    options: Options = field(default_factory=Options)
    source: object = None


AGE = spec(column("age"))
ARM = spec(column("arm", "factor", levels=("control", "treated")))
STATE = column("state", "factor")
TRIALS = tables((column("id", "key"), column("age")), (column("subject", "pointer", table="subjects"), column("rt")))
DAY = spec(column("day", "date"), column("y"), sorted_by="day")


def _thousand_ages(gaps: tuple[int, ...], text: str) -> str:
    return "age\n" + "".join(f"{text if row in gaps else 20 + row % 50}\n" for row in range(1, 1205))


_BAD_AGES = {17: "forty", 208: "n/a", 951: "41y"}
_STATES = "state,region\n" + "".join(
    f"{'GA' if row in (3, 91) else 'NY'},{ {3: 'South', 91: 'Sth'}.get(row, 'North') }\n" for row in range(1, 100)
)
_MISSING_14 = (3, 17, 90, *range(200, 211))

_TRIALS = "subject,rt\ns40,210\ns41,250\ns41,205\ns9,190\n"


def _both(**texts: str) -> Callable[[Path], None]:
    """Writes a file for each table."""

    def write(folder: Path) -> None:
        for name, text in texts.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")

    return write


CASES: tuple[Case, ...] = (
    Case("E601", spec(column("Income"), column("age")), "id,age,income,county\n1,2,3,4\n"),
    Case("E601.glob", spec(matrix("x", "gene", source=("g*",), is_glob=True), axes=GENES), "y,x1,x2\n1,2,3\n"),
    Case("E601.range", spec(matrix("x", "gene", source=("b", "a"), is_range=True), axes=GENES), "a,b\n1,2\n"),
    Case("E601.none", AGE, "", source="none"),
    Case("E601.matrix", spec(matrix("x", "gene"), axes=GENES), "x1,x2\n1,2\n"),
    Case("E601.axis", spec(per("b", "k"), axes=(AxisSpec("k", "declared", 3),)), "b\n1\n2\n"),
    Case("E602", AGE, "age\n1\n", source="dat.csv"),
    Case("E602.directory", AGE, lambda folder: (folder / "data.csv").mkdir()),
    Case("E602.unreadable", AGE, "", source="data\0.csv"),
    Case("E602.suffix", AGE, "age\n1\n", file="data.xlsx"),
    Case("E602.arrow", AGE, "PAR1", file="data.parquet"),
    Case("E602.type", AGE, "", source=3.5),
    Case("E603", AGE, "\n"),
    Case("E603.rows", AGE, "age,y\n"),
    Case("E603.arrays", AGE, '{"age": []}', file="data.json"),
    Case("E604", spec(column("y")), "city,y\nParis, France,3\nBern,2\nOslo\n"),
    Case("E605", spec(column("y")), 'name,y\nVronsky,1\n"Anna" Karenina,3\n'),
    Case("E605.json", AGE, '{"age": [1, 2,\n]}', file="data.json"),
    Case("E605.top", AGE, "3.5", file="data.json"),
    Case("E605.arrays", AGE, b"PK\3\4 not really", file="data.npz"),
    Case("E606", AGE, "age,Years\n1,2\n", options=Options(map={"agee": "Years"})),
    Case("E607", DAY, "day,y\n04/05/2024,1\n03/04/2024,2\n"),
    Case("E610", AGE, "age\n" + "".join(f"{_BAD_AGES.get(row, '30')}\n" for row in range(1, 1205))),
    Case("E610.bool", spec(column("won", "bool")), "won\nyes\nno\nno\nTRUE\nmaybe\n"),
    Case("E610.date", DAY, "day,y\n2024-02-30,1\n2024-03-01,2\nsoon,3\n"),
    Case("E610.label", spec(column("arm", "factor")), '{"arm": [1, 2.5, 3]}', file="data.json"),
    Case("E611", spec(column("n", "int")), "n\n3.0\n3.5\n1e3\n-0.1\n"),
    Case("E611.large", spec(column("n", "int")), "n\n3\n99999999999999999999\n"),
    Case("E612", spec(column("se", low=0.0, low_open=True)), "se\n1\n2.5\n0.1\n0\n"),
    Case("E613", ARM, "arm\n" + "control\nplacebo \n" * 12 + "treatd\n"),
    Case("E614", spec(STATE, per("region", "state", "factor")), _STATES),
    Case(
        "E615",
        spec(column("state", "factor", levels=("GA", "NY")), per("pct", "state")),
        "state,pct\nGA,0.5\nGA,0.5\n",
    ),
    Case("E616", AGE, _thousand_ages(_MISSING_14, "NA")),
    Case("E616.all", spec(column("a"), column("b")), "a,b\n1,\n,2\n", options=Options(missing="drop")),
    Case("E617", TRIALS, _both(subjects="id,age\ns40,31\ns4,25\n", trials=_TRIALS), source="both"),
    Case(
        "E617.dropped",
        TRIALS,
        _both(subjects="id,age\ns40,31\ns41,\ns9,28\n", trials=_TRIALS),
        source="both",
        options=Options(missing="drop"),
    ),
    Case("E618", spec(column("x")), "x,y,x\n1,2,3\n"),
    Case(
        "E619",
        spec(matrix("x", "feature"), per("beta", "feature"), axes=(AxisSpec("feature", "declared", 5),)),
        json.dumps({"beta": [1, 2, 3, 4, 5], "x": [[1, 2, 3, 4]] * 20}),
        file="data.json",
    ),
    Case("E619.rank", AGE, '{"age": 3.5}', file="data.json"),
    Case("E619.ragged", spec(matrix("x", "gene"), axes=GENES), '{"x": [[1, 2], [3, 4], [5]]}', file="data.json"),
    Case(
        "E619.size",
        spec(column("y"), axes=(AxisSpec("K", "declared", 3, span=HERE),)),
        '{"K": 5, "y": [1, 2]}',
        file="data.json",
    ),
    Case(
        "E619.unknown",
        spec(column("y"), axes=(AxisSpec("K", "declared", span=HERE),)),
        '{"y": [1, 2]}',
        file="data.json",
    ),
    Case("E620", spec(column("y"), column("x")), "y;x\n1,5;2,25\n3;4\n"),
    Case("E620.sep", AGE, "age\n1\n", options=Options(sep="ab")),
    Case("E620.decimal", AGE, "age\n1\n", options=Options(decimal="")),
    Case("E621", TRIALS, _both(subjects="id,age\ns40,31\ns41,25\ns41,26\ns40,9\n", trials=_TRIALS), source="both"),
    Case("E622", TRIALS, "id,age,subject,rt\ns41,31,s41,210\n"),
    Case("E622.which", TRIALS, "", source=Files(((None, "a.csv"), (None, "b.csv")))),
    Case("E622.missing", TRIALS, "", source=Files((("trials", "t.csv"),))),
    Case("E622.unknown", TRIALS, "", source=Files((("trials", "t.csv"), ("subject", "s.csv")))),
    Case("W110", spec(column("x")), "x\n22000\n31000\n40000\n"),
    Case("W111", spec(column("arm", "factor")), "arm\na\na\nb\nc\nc\n"),
    Case("W112", DAY, "day,y\n2024-01-03,1\n2024-01-01,2\n2024-01-02,3\n"),
    Case("W112.ties", DAY, "day,y\n2024-01-01,1\n2024-01-02,2\n2024-01-02,3\n"),
    Case("W113", spec(column("city", "factor")), "city\nMalmö\nMalmö\n".encode("latin-1")),
    Case("W114", spec(column("a"), column("b")), "a,b\n1,2\n1,\n3,4\n", options=Options(missing="drop")),
    Case("W115", spec(column("sex", "factor")), "sex\nM\nM \nm\nF\nF\nM\nm\nM \n"),
    Case("W160", spec(column("arm", "int", multiplied=True)), "arm\n" + "1\n2\n3\n" * 5),
    Case("W116", spec(column("y"), column("dose", default=0.5)), "y\n1\n2\n"),
)


def case_text(case: Case, folder: Path) -> str:
    """What the case says, its file written into `folder`."""
    path = folder / case.file
    match case.data:
        case str():
            path.write_text(case.data, encoding="utf-8")
        case bytes():
            path.write_bytes(case.data)
        case _:
            case.data(folder)
    source = {None: path, "none": None}.get(case.source, case.source)
    if source == "both":
        source = {name: folder / f"{name}.csv" for name in ("subjects", "trials")}
    if isinstance(source, str):
        source = folder / source
    return rendered(complaints(case.spec, source, case.options)).replace(f"{folder}/", "")


def accept() -> None:
    """Write what every case says now as what it must say. The difference is to be read."""
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            GOLDENS.mkdir(exist_ok=True)
            (GOLDENS / f"{case.key}.txt").write_text(case_text(case, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    accept()

"""Damaged files: bound, or complained about; never anything else."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from data_specs import GENES, column, matrix, per, spec
from hypothesis import given, settings
from hypothesis import strategies as st

from ppl.data.bind import Bound, Options, bind
from ppl.source.diagnostic import ModelError

DECLARED = spec(
    column("y", low=-100.0),
    column("n", "int"),
    column("won", "bool"),
    column("arm", "factor", levels=("a", "b")),
    column("site", "ordinal"),
    column("day", "date"),
    column("note", "text"),
    per("pct", "site"),
    matrix("x", "gene", source=("g*",), is_glob=True, optional=True, imputed=True),
    axes=GENES,
    sorted_by="day",
)
HEADER = "y,n,won,arm,site,day,note,pct,g1,g2"
ROWS = [
    "1.5,3,yes,a,s1,2024-01-01,fine,0.5,1,2",
    '-2,0,no,b,s2,2024-01-02,"a, b",0.25,,3',
    "1e1,7.0,no,a,s10,2024-02-29,,0.75,.,NA",
    "0,12,yes,b,s2,2024-03-01,x,0.25,4,5",
]
TEXT = "\n".join([HEADER, *ROWS]) + "\n"
JSON = """{"y": [1, 2], "n": [1, "2"], "won": [true, false], "arm": ["a", "b"], "site": [1, 2],
"day": ["2024-01-01", "2024-01-02"], "note": ["", null], "pct": [0.1, 0.2], "x": [[1, 2], ["NaN", 4]]}"""
TEXTS = [
    "NA",
    "nan",
    "inf",
    "1e999",
    "½",
    "null",
    "true",
    "01/02/2024",
    "31.12.99",
    "y",
    "٣",
    "[[",
    "]]",
    "{}",
    "\ufeff",
]
SPLINTERS = [*",;\t|\"\n\r .-_eE'\\\0ï»¿{}[]:", *TEXTS, "9" * 400, "\n\n", '""', ",,"]
OPTIONS = [
    Options(),
    Options(sep=";", decimal=","),
    Options(missing="drop"),
    Options(na=("0", "fine"), strip=True),
    Options(map={"y": "g1"}),
]


def bind_bytes(content: bytes, suffix: str, options: Options) -> Bound | ModelError:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"data{suffix}"
        path.write_bytes(content)
        try:
            return bind(DECLARED, path, options)
        except ModelError as error:
            return error


def check(result: Bound | ModelError) -> None:
    if isinstance(result, ModelError):
        assert result.diagnostics
        assert all(d.code.startswith("E6") and "{" not in d.message[:1] for d in result.diagnostics)
        return
    sizes = {name: axis.size for name, axis in result.axes.items()}
    for bound in result.columns.values():
        assert bound.values.shape == tuple(sizes[axis] for axis in bound.axes)


def mutated(text: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(text) + 1)
        stop = min(len(text), start + rng.choice([0, 0, 1, 1, 2, 5, 30]))
        text = text[:start] + rng.choice([*SPLINTERS, "", text[stop : stop + 10]]) + text[stop:]
    return text


@pytest.mark.parametrize("block", range(10))
def test_mutated_tables(block: int) -> None:
    rng = random.Random(block)
    for _ in range(50):
        text = mutated(TEXT, rng)
        check(bind_bytes(text.encode(rng.choice(["utf-8", "utf-8", "utf-16"])), ".csv", rng.choice(OPTIONS)))


@pytest.mark.parametrize("block", range(4))
def test_mutated_json(block: int) -> None:
    rng = random.Random(block)
    for _ in range(50):
        check(bind_bytes(mutated(JSON, rng).encode(), ".json", rng.choice(OPTIONS)))


def test_the_undamaged_files_bind() -> None:
    assert isinstance(bind_bytes(TEXT.encode(), ".csv", Options()), Bound)
    assert isinstance(bind_bytes(JSON.encode(), ".json", Options()), Bound)


@given(st.binary(max_size=200), st.sampled_from([".csv", ".tsv", ".json", ".npz", ".npy"]))
@settings(max_examples=150, deadline=None)
def test_any_bytes(content: bytes, suffix: str) -> None:
    check(bind_bytes(content, suffix, Options()))


cells = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
nested = st.recursive(
    cells, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
)


@given(st.dictionaries(st.sampled_from([c.name for c in DECLARED.columns]), nested))
@settings(max_examples=150, deadline=None)
def test_any_values(data: dict[str, object]) -> None:
    try:
        check(bind(DECLARED, data))
    except ModelError as error:
        check(error)

"""Fit files: what goes in comes out, and what is no fit file is refused."""

import json
import zipfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppl.api import compile, load
from ppl.infer.approximation import Mode
from ppl.results.files import save
from ppl.results.fit import Fit, load_fit
from ppl.results.quantity import Probabilities, Quantity
from ppl.source.diagnostic import Diagnostic, Fix, ModelError, Note
from ppl.source.span import Span

MODELS = Path(__file__).parents[2] / "models"


def fitted(name: str, **options: Any) -> Fit:
    return load(MODELS / f"{name}.ppl").fit(MODELS / f"{name}.csv", draws=200, **options)


@pytest.fixture(scope="module")
def schools() -> Fit:
    return fitted("eight_schools")


@pytest.fixture
def saved(schools: Fit, tmp_path: Path) -> Path:
    save(schools, tmp_path / "f.npz")
    return tmp_path / "f.npz"


def same(a: Any, b: Any) -> bool:
    """Equality to the last bit, arrays and all."""
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, float) and np.isnan(a):
        return type(a) is type(b) and bool(np.isnan(b))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if hasattr(a, "__dataclass_fields__"):
        return type(a) is type(b) and all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    return bool(a == b) and type(a) is type(b)


@pytest.mark.parametrize("name", ["eight_schools", "coal", "sprinkler", "faithful", "survival", "faithful_mixture"])
def test_round_trip(name: str, tmp_path: Path) -> None:
    fit = fitted(name)
    save(fit, tmp_path / "f.npz")
    again = load_fit(tmp_path / "f.npz")
    for field in fields(Fit):
        assert same(getattr(fit, field.name), getattr(again, field.name)), field.name
    assert again.summary().text() == fit.summary().text()


def test_round_trip_of_warnings_and_modes(schools: Fit, tmp_path: Path) -> None:
    span = Span("m.ppl", 1, 2, 1, 5, 1, 4)
    warning = Diagnostic("W101", "a", span, "b", "c", (Note(span, "d"),), ("e",), Fix(span, "f"))
    modes = (Mode(np.array([1.0, -np.inf]), -0.5, float("inf")),)
    fit = replace(
        schools,
        warnings=(warning, Diagnostic("W102", "no place")),
        evidence=replace(schools.evidence, modes=modes, khat=float("nan")),
        omitted=("eta",),
        units={"y": "points"},
    )
    save(fit, tmp_path / "f.npz")
    again = load_fit(tmp_path / "f.npz")
    assert again.warnings == fit.warnings and again.omitted == ("eta",) and again.units == {"y": "points"}
    assert same(again.evidence.modes, modes) and np.isnan(again.evidence.khat)


def test_names_and_labels_may_be_anything(schools: Fit, tmp_path: Path) -> None:
    labels = (("a/b", 'ß, "q"'),)
    theta = Quantity("θ", ("schule",), labels, np.ones((3, 2)), np.full(3, 1 / 3))
    state = Probabilities("z", (), (), ("naïve", "Ω"), np.array([0.25, 0.75]))
    save(replace(schools, quantities={"θ": theta, "z": state}), tmp_path / "f.npz")
    again = load_fit(tmp_path / "f.npz")
    assert list(again) == ["θ", "z"]
    assert again["θ"].labels == labels
    assert again["z"].levels == ("naïve", "Ω")  # type: ignore[union-attr]


def test_the_same_fit_gives_the_same_bytes(schools: Fit, tmp_path: Path) -> None:
    save(schools, tmp_path / "a.npz")
    save(schools, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_numpy_opens_it_without_pickle(saved: Path, schools: Fit) -> None:
    with np.load(saved, allow_pickle=False) as archive:
        assert np.array_equal(archive["draws/theta"], schools["theta"].to_numpy())
        assert json.loads(archive["fit.json"])["model"] == "eight_schools.ppl"


def test_a_failed_save_leaves_the_old_file(saved: Path, schools: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(ModelError, match=r"E707.*no space left"):
        save(schools, saved)
    assert saved.read_bytes() == before and list(saved.parent.iterdir()) == [saved]


# ---- what is refused -------------------------------------------------------------------------------------------------


def rewritten(path: Path, **changes: object) -> Path:
    """The same archive with another head."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["fit.json"] = json.dumps({**json.loads(parts["fit.json"]), **changes}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def refused(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_fit(path)
    [found] = caught.value.diagnostics
    assert found.code == "E704" and str(path) in found.message
    return found.message


def test_missing(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "nothing.npz")


def test_a_folder(tmp_path: Path) -> None:
    assert "directory" in refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PK\x03\x04 and no more"])
def test_foreign(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "f.npz"
    path.write_bytes(content)
    assert "damaged, or not a fit file" in refused(path)


def test_arrays_of_something_else(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", a=np.zeros(3))
    assert "not a fit file" in refused(tmp_path / "f.npz")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_cut_short(saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    refused(saved)


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_are_noticed_or_harmless(saved: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = bytearray(saved.read_bytes())
    for at in rng.integers(0, len(content), 8):
        content[at] ^= 255
    saved.write_bytes(bytes(content))
    try:
        load_fit(saved)
    except ModelError as problem:
        assert [d.code for d in problem.diagnostics] == ["E704"]


def test_a_later_version(saved: Path) -> None:
    assert "later version" in refused(rewritten(saved, version=99))


@pytest.mark.parametrize("change", [{"format": "other"}, {"quantities": [{}]}, {"timing": 3}, {"guide": []}])
def test_heads_that_make_no_sense(saved: Path, change: dict[str, object]) -> None:
    refused(rewritten(saved, **change))


def test_a_fit_and_a_model_print_as_one_line() -> None:
    model = compile("data { y: real }\nmodel { m ~ Normal(0, 1)\n y ~ Normal(m, 1) }", "plain.ppl")
    assert repr(model) == "<model plain.ppl: m (reparam)>"
    assert repr(model.fit({"y": [0.0, 1.0]})) == "<fit of plain.ppl to data: ok; m>"

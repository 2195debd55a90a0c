"""Fit files: one .npz with the arrays and `fit.json`, the text that says what they are. No pickle, no data needed.

`numpy.load` opens one too, and so does `unzip -p FILE fit.json`.
"""

import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from math import isfinite
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from ppl.infer.approximation import Evidence, Mode, Trust
from ppl.results.carried_files import carried_head, carried_of
from ppl.results.quantity import Probabilities, Quantity
from ppl.results.record import FitRecord, Guide, Learned, Search, Timing
from ppl.source.diagnostic import Diagnostic, Fix, ModelError, Note, complain
from ppl.source.span import Span

Array = npt.NDArray[np.float64]
Arrays = dict[str, Array]
FORMAT = "ppl fit"
# What 1 lacks are the texts of imports and what predictions need.
VERSION = 2
ENTRY = "fit.json"
# How numbers are written that JSON has not.
NOT_FINITE = ("inf", "-inf", "nan")
# The same fit gives the same bytes: entries carry no time of day.
EPOCH = (1980, 1, 1, 0, 0, 0)
PLAIN = ("model", "text", "source", "fingerprint", "rows", "reason", "seed", "converged")


def save(fit: FitRecord, path: str | Path) -> None:
    """Write a fit file. It appears whole or not at all. Raises ModelError (E707) where it cannot be written."""
    path = Path(path)
    arrays: Arrays = {}
    head = json.dumps(_head(fit, arrays), ensure_ascii=False, allow_nan=False)
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            temporary = Path(file.name)
            try:
                _write(file, head, arrays)
            except BaseException:
                temporary.unlink()
                raise
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as problem:
        raise ModelError([unwritable(path, problem)]) from None


def load_record(path: str | Path) -> FitRecord:
    """The fit in a file. Raises ModelError (E704) for what is missing, damaged, foreign or from a later version."""
    try:
        with zipfile.ZipFile(path) as archive:
            head = json.loads(archive.read(ENTRY))
            if head.get("format") != FORMAT:
                raise _unreadable(path, "it is not a fit file")
            if head["version"] > VERSION:
                raise _unreadable(path, f"it was written by ppl {head.get('ppl')}, a later version")
            return _fit(head, _read(archive, head["arrays"]))
    except FileNotFoundError:
        raise _unreadable(path, "there is no such file") from None
    except KeyError as problem:
        raise _unreadable(path, f"it is not a fit file: it has no {problem.args[0]}") from None
    except (zipfile.BadZipFile, EOFError):
        raise _unreadable(path, "it is damaged, or not a fit file") from None
    except OSError as problem:
        raise _unreadable(path, (problem.strerror or str(problem)).lower()) from None
    except (ValueError, TypeError, AttributeError, NotImplementedError, zipfile.LargeZipFile) as problem:
        raise _unreadable(path, f"it is damaged ({problem})") from None


def unwritable(path: Path, problem: OSError) -> Diagnostic:
    """E707 for a file that cannot be written."""
    return complain("E707", path=path, why=(problem.strerror or str(problem)).lower())


def _unreadable(path: str | Path, why: str) -> ModelError:
    return ModelError([complain("E704", path=path, why=why)])


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ---- writing -----------------------------------------------------------------------------------------------------


def _write(file: IO[bytes], head: str, arrays: Mapping[str, Array]) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(ENTRY, EPOCH), head)
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy", EPOCH), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asarray(array, order="C"), allow_pickle=False)


def _head(fit: FitRecord, arrays: Arrays) -> dict[str, Any]:
    """What is text of a fit; its arrays go to `arrays`."""
    arrays["guide/loc"], arrays["guide/scale"] = fit.guide.loc, fit.guide.scale
    quantities = [_quantity_head(q, arrays) for q in fit.quantities.values()]
    params = [_learned_head(p, arrays) for p in fit.params.values()]
    modes = [_mode_head(i, mode, arrays) for i, mode in enumerate(fit.evidence.modes)]
    evidence = {f.name: getattr(fit.evidence, f.name) for f in fields(Evidence) if f.name != "modes"}
    carried = None if fit.carried is None else carried_head(fit.carried, arrays)
    return {
        "format": FORMAT,
        "version": VERSION,
        "arrays": list(arrays),
        **{name: getattr(fit, name) for name in PLAIN},
        "units": dict(fit.units),
        "omitted": list(fit.omitted),
        "imports": dict(fit.imports),
        "tables": dict(fit.tables),
        "carried": carried,
        "quantities": quantities,
        "guide": {
            "family": fit.guide.family,
            "weights": dict(fit.guide.weights),
            "slots": {name: list(slot) for name, slot in fit.guide.slots.items()},
        },
        "evidence": {name: _number(value) for name, value in evidence.items()} | {"modes": modes},
        "trust": asdict(fit.trust),
        "timing": asdict(fit.timing),
        "warnings": [asdict(d) for d in fit.warnings],
        "params": params,
        "search": None if fit.search is None else _search_head(fit.search),
    }


def _learned_head(p: Learned, arrays: Arrays) -> dict[str, Any]:
    arrays[f"params/{p.name}"], arrays[f"params/{p.name}/se"] = p.value, p.se
    return {"name": p.name, "axes": list(p.axes), "labels": [list(x) for x in p.labels]}


def _search_head(search: Search) -> dict[str, Any]:
    plain = {name: _number(value) for name, value in asdict(search).items() if name not in ("variance", "polished")}
    variance = {name: _number(value) for name, value in search.variance.items()}
    return {**plain, "polished": list(search.polished), "variance": variance}


def _number(value: Any) -> Any:
    """JSON has no infinity and no NaN: they are written as texts, which `float` reads."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if not isinstance(value, float) or isfinite(value) else str(value)


def _quantity_head(q: Quantity | Probabilities, arrays: Arrays) -> dict[str, Any]:
    place = {"name": q.name, "axes": list(q.axes), "labels": [list(x) for x in q.labels], "estimator": q.estimator}
    match q:
        case Quantity(draws=draws, weights=weights, role=role):
            arrays[f"draws/{q.name}"] = draws
            return {**place, "role": role, "weights": _shared(weights, arrays)}
        case Probabilities(levels=levels, prob=prob):
            arrays[f"prob/{q.name}"] = prob
            return {**place, "levels": list(levels)}


def _shared(weights: Array, arrays: Arrays) -> str:
    """The entry that holds these weights: most quantities have the same ones."""
    known = [name for name in arrays if name.startswith("weights/")]
    same = next((name for name in known if np.array_equal(arrays[name], weights)), None)
    name = same or f"weights/{len(known)}"
    arrays[name] = weights
    return name


def _mode_head(i: int, mode: Mode, arrays: Arrays) -> dict[str, Any]:
    arrays[f"modes/{i}"] = mode.u
    return {"log_mass": _number(mode.log_mass), "divergence": _number(mode.divergence)}


# ---- reading -----------------------------------------------------------------------------------------------------


def _read(archive: zipfile.ZipFile, names: Iterable[str]) -> Arrays:
    out = {}
    for name in names:
        with archive.open(f"{name}.npy") as entry:
            out[name] = np.lib.format.read_array(entry, allow_pickle=False)
    return out


def _fit(head: dict[str, Any], arrays: Arrays) -> FitRecord:
    guide = head["guide"]
    slots = {name: (int(a), int(b)) for name, (a, b) in guide["slots"].items()}
    return FitRecord(
        **{name: head[name] for name in PLAIN},
        quantities={q["name"]: _quantity(q, arrays) for q in head["quantities"]},
        guide=Guide(guide["family"], arrays["guide/loc"], arrays["guide/scale"], guide["weights"], slots),
        evidence=_evidence(head["evidence"], arrays),
        trust=Trust(head["trust"]["verdict"], tuple(head["trust"]["reasons"])),
        timing=Timing(**head["timing"]),
        units=head["units"],
        omitted=tuple(head["omitted"]),
        warnings=tuple(_diagnostic(d) for d in head["warnings"]),
        params={p["name"]: _learned(p, arrays) for p in head.get("params", ())},
        search=_search(head.get("search")),
        imports=head.get("imports", {}),
        tables=head.get("tables", {}),
        carried=carried_of(head.get("carried"), arrays),
    )


def _learned(p: dict[str, Any], arrays: Arrays) -> Learned:
    name, labels = p["name"], tuple(tuple(x) for x in p["labels"])
    return Learned(name, tuple(p["axes"]), labels, arrays[f"params/{name}"], arrays[f"params/{name}/se"])


def _search(record: dict[str, Any] | None) -> Search | None:
    if record is None:
        return None
    numbers = {name: float(record[name]) for name in ("value", "value_se", "rate")}
    variance = {name: float(value) for name, value in record["variance"].items()}
    return Search(**{**record, **numbers, "polished": tuple(record["polished"]), "variance": variance})


def _quantity(q: dict[str, Any], arrays: Arrays) -> Quantity | Probabilities:
    name, axes, labels = q["name"], tuple(q["axes"]), tuple(tuple(x) for x in q["labels"])
    if "levels" in q:
        return Probabilities(name, axes, labels, tuple(q["levels"]), arrays[f"prob/{name}"], q["estimator"])
    return Quantity(name, axes, labels, arrays[f"draws/{name}"], arrays[q["weights"]], q["role"], q["estimator"])


def _evidence(record: dict[str, Any], arrays: Arrays) -> Evidence:
    modes = tuple(
        Mode(arrays[f"modes/{i}"], float(m["log_mass"]), float(m["divergence"])) for i, m in enumerate(record["modes"])
    )
    plain: dict[str, Any] = {n: float(v) if v in NOT_FINITE else v for n, v in record.items() if n != "modes"}
    return Evidence(**plain, modes=modes)


def _diagnostic(record: dict[str, Any]) -> Diagnostic:
    fix = record["fix"]
    plain = Diagnostic(record["code"], record["message"], _span(record["span"]), record["label"], record["hint"])
    return replace(
        plain,
        also=tuple(Note(Span(**note["span"]), note["text"]) for note in record["also"]),
        lines=tuple(record["lines"]),
        fix=Fix(Span(**fix["span"]), fix["text"]) if fix else None,
    )


def _span(record: dict[str, Any] | None) -> Span | None:
    return Span(**record) if record else None

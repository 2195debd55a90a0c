"""The examples with nets, and the others that are new with them: their fits find what was put into the data."""

import csv
from typing import Any

import numpy as np
import pytest

from ppl.api import load
from ppl.results.fit import Fit
from tests.bundled import MODELS, data_of, few_rows, files

# The options that make a short fit of each model whose guide is a net, or too large for fixed draws.
SHORT: dict[str, dict[str, Any]] = {
    "air": {"batch": 5, "steps": 80, "draws": 100},
    "cvae": {"batch": 24, "steps": 150},
    "dmm": {"batch": 12, "steps": 200},
    "prodlda": {"batch": 20, "steps": 300},
    "scanvi": {"batch": 24, "steps": 200},
    "sgdef": {"batch": 8, "steps": 150},
    "ssvae": {"batch": 24, "steps": 150},
    "vae": {"batch": 24, "steps": 150},
}


def fitted(name: str, data: object = None, **options: Any) -> Fit:
    return load(MODELS / f"{name}.ppl").fit(data or data_of(name), seed=1, **options)


def column(name: str, key: str) -> np.ndarray:
    with files(name)[""].open(newline="") as file:
        return np.array([row[key] for row in csv.DictReader(file)])


@pytest.mark.parametrize("name", SHORT)
def test_a_short_fit_raises_the_bound(name: str) -> None:
    """By a fiftieth and more, from where one step leads."""
    data = few_rows(name)
    first, last = (fitted(name, data, **{**SHORT[name], "steps": s}) for s in (1, SHORT[name]["steps"]))
    assert np.isfinite(last.evidence.elbo)
    assert last.evidence.elbo > first.evidence.elbo + 0.02 * abs(first.evidence.elbo)


def test_csis_finds_the_exact_posterior() -> None:
    """Of a normal mean: precision 1 / 5 + 1 / 2 + 1 / 2."""
    found = fitted("csis").quantities["z"]
    readings = np.column_stack([column("csis", k).astype(float) for k in ("x1", "x2")])
    np.testing.assert_allclose(found.mean(), (0.2 + readings.sum(axis=1) / 2) / 1.2, atol=0.02)
    np.testing.assert_allclose(found.sd(), 1.2**-0.5, rtol=0.03)


def test_compiled_inference_comes_close_to_the_exact_posterior() -> None:
    """Which no answer beats: half a nat more than the log of its sd."""
    value = fitted("compiled_inference", tol=0.3).evidence.elbo
    assert 0.5 - 0.5 * np.log(1.2) - 0.005 < abs(value) < 0.5 - 0.5 * np.log(1.2) + 0.02


def test_scanvi_names_the_kinds_of_cells_without_labels() -> None:
    fit = fitted("scanvi", batch=40, steps=1000)
    chances = fit.quantities["y"].prob
    kinds = np.array(["abc".index(k) for k in column("scanvi", "kind")])
    unknown = column("scanvi", "labelled") == "false"
    assert (np.asarray(chances).argmax(axis=-1) == kinds)[unknown].mean() > 0.9


def test_lda_tells_words_apart() -> None:
    """The words that the two topics of the script prefer are preferred by different topics of the fit."""
    found = np.asarray(fitted("lda", tol=0.3).quantities["topic_words"].mean())
    assert np.abs(found[0] - found[1]).sum() > 0.8


def test_piecewise_finds_the_threshold_and_the_jump() -> None:
    found = fitted("piecewise", tol=0.3).quantities
    assert abs(float(found["cut"].mean()) - 6) < 0.4
    assert abs(float(found["slope1"].mean()) - 0.5) < 0.15
    assert float(found["slope2"].mean()) < -0.4


def test_topics_are_of_the_sea_and_of_the_hills() -> None:
    found = fitted("topics").quantities["phi"]
    words = found.labels[1]
    share = np.asarray(found.mean())[:, [words.index(w) for w in ("boat", "fish", "sail", "wave")]].sum(axis=1)
    assert share.max() > 0.6 and share.min() < 0.35


def test_causal_takes_the_confounder_out() -> None:
    """The truth is 0.8; the difference of the means is not."""
    found = fitted("causal").quantities["average_effect"]
    treated, recovery = column("causal", "treated") == "yes", column("causal", "recovery").astype(float)
    plain = recovery[treated].mean() - recovery[~treated].mean()
    assert abs(float(found.mean()) - 0.8) < 2.5 * float(found.sd()) < 0.6
    assert abs(plain - 0.8) > 0.4


def test_anomaly_finds_shuffled_readings() -> None:
    found = np.asarray(fitted("anomaly", tol=0.5).quantities["surprise"].mean())
    assert set(np.argsort(found)[-2:]) == {23, 51}


def test_bnn_is_less_sure_where_there_are_no_data() -> None:
    fit = fitted("bnn")
    at = fit.predict({"x": [-1.2, 0.0, 1.2]})["f"]
    assert np.asarray(at.sd())[1] > 1.5 * max(np.asarray(at.sd())[[0, 2]])
    assert np.all(np.abs(np.asarray(at.mean()) - np.sin(2 * np.array([-1.2, 0.0, 1.2]))) < 0.5)

"""The models that come with the language: the estimators that the planner chooses for them have the mean of scores."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ppl.api import Model, load
from ppl.emit.bind_objective import ObjectiveProgram
from ppl.source.diagnostic import ModelError
from tests.bundled import few_rows, has_nets

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "fuzz"))
from path_or_score import BIASED, SUSPICIOUS, all_scores, gap, named, refereed, scores_of  # noqa: E402

MODELS = sorted((ROOT / "models").glob("*.ppl"))
DRAWS, MORE, AT_ONCE = 256, 2048, 1 << 14
H = 1e-4
# So many coordinates of one model are refereed.
MOST = 12


def by_scores(model: Model, data: object) -> ObjectiveProgram | None:
    """The objective with every draw by its score that can be."""
    wanted = all_scores(model)
    for name in list(wanted):
        try:
            model.with_guide(None, {name: "score"})
        except ModelError:
            del wanted[name]
    return model.with_guide(None, wanted).objective(data) if wanted else None


def near_the_start(path: Path, p: ObjectiveProgram) -> np.ndarray:
    """Where there are nets, not at the start itself: a bias of zero may put a unit onto its kink."""
    step = 0.01 if has_nets(path.stem) else 0.0
    return np.asarray(p.start + step * np.random.default_rng(6).standard_normal(p.dim))


def compared(path: Path, draws: int, more: int) -> Iterator[tuple[str, float]]:
    """z for each coordinate at the start. Draws by their scores are centred where paths are not, so that the same
    parameters may mean another guide: differences decide where the two disagree."""
    model, data = load(path), few_rows(path.stem)
    own, other = model.objective(data), by_scores(model, data)
    if other is None or not own.dim:
        return
    is_net, theta = has_nets(path.stem), near_the_start(path, own)
    z = scores_of(*gap(own, other, theta, draws // 4 if is_net else draws, 1))
    if np.abs(z).max() > SUSPICIOUS and not is_net:
        z = scores_of(*gap(own, other, theta, more, 2))
    suspects = np.flatnonzero(~(np.abs(z) < BIASED))
    z[suspects[MOST // 4 if is_net else MOST :]] = 0.0
    for i in suspects[: MOST // 4 if is_net else MOST]:
        z[i] = refereed(own, theta, int(i), 3, draws if is_net else more)[0]
    yield from ((named(own, i), float(v)) for i, v in enumerate(z))


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_the_mean_is_that_of_scores(path: Path) -> None:
    found = dict(compared(path, DRAWS, MORE))
    assert all(abs(z) < BIASED for z in found.values()), found


@pytest.mark.parametrize("path", MODELS, ids=lambda p: p.stem)
def test_estimates_without_scores_are_gradients_of_values(path: Path) -> None:
    """Row by row and to rounding, where nothing but paths and sums is used."""
    p = load(path).objective(few_rows(path.stem))
    e = np.random.default_rng(4).random((2, p.noise))
    theta = near_the_start(path, p)
    values, rows = p.estimate(np.repeat(theta[None], 2, axis=0), e)
    assert np.isfinite(values).all() and np.isfinite(rows).all()
    if not p.deterministic or not p.dim:
        return
    for i in np.random.default_rng(5).choice(p.dim, min(4, p.dim), replace=False):
        # what the standard part of a guide's density adds to a row has mean zero, and is left out of its gradient;
        # a kink may lie between the ends of a wide step; the steps of a solver move with the parameters, without a
        # part in the gradient
        allowed = (1e-4 if "ode(" in path.read_text() else 1e-5) * (np.abs(rows[:, i]) + np.abs(values) * 1e-4 + 1)
        found = [difference(p, theta, e, int(i), h) for h in (H, H / 10)]
        assert any(np.all(np.abs(one - rows[:, i]) <= allowed) for one in found), (named(p, int(i)), found, rows[:, i])


def difference(p: ObjectiveProgram, theta: np.ndarray, e: np.ndarray, i: int, h: float) -> np.ndarray:
    """The slope of the values in coordinate `i`, free of errors below the fourth order."""
    step = h * (np.arange(p.dim) == i)
    one, two = (
        p.estimate(np.repeat((theta + k * step)[None], len(e), axis=0), e)[0]
        - p.estimate(np.repeat((theta - k * step)[None], len(e), axis=0), e)[0]
        for k in (1, 2)
    )
    return np.asarray((8 * one - two) / (12 * h))


if __name__ == "__main__":
    for path in MODELS:
        found = dict(compared(path, 1 << 16, 1 << 18))
        worst = max(found, key=lambda n: abs(found[n]), default="")
        print(f"{path.stem:24} {len(found):5} coordinates, worst {worst} z {found.get(worst, 0.0):.2f}", flush=True)

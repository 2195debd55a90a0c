"""Whether a compiled estimator has the mean that scores say it must have: the judge of random programs.

A program is judged at its starting parameters and at others about them. The reference is the same program with every
draw estimated by its score; both read the same uniform numbers, and their difference is tested coordinate by
coordinate. A difference that is suspicious is measured again with more draws. Where that still speaks against the
program, central differences of its mean log weight with common random numbers decide: scores have no finite variance
everywhere, and no meaning where a support moves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ppl.api import Model, compile
from ppl.emit.bind_objective import ObjectiveProgram
from ppl.emit.objective import summed_out
from ppl.graph.graph import guide_of, unknowns
from ppl.source.diagnostic import ModelError

Array = npt.NDArray[np.float64]
SUSPICIOUS, BIASED = 3.0, 4.5
STAGES = (8, 65_536)  # times the draws of the first look; draws of the last
DIFFERENCES, STEP = 1 << 17, 0.04
ROWS_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class Verdict:
    """The worst coordinate: `kind` is `sound`, `biased`, `refereed` (scores disagreed, differences did not), `exact`
    (nothing is drawn), `no score` (some unknown has none: differences decided) or `not finite`."""

    kind: str
    z: float = 0.0
    coordinate: str = ""
    detail: str = ""


def all_scores(model: Model) -> dict[str, str]:
    """`score` for every unknown that is drawn."""
    guide, graph = guide_of(model.graph), model.graph
    chosen = {n.name: n.plan.estimator for n in unknowns(graph) if n.plan is not None}
    return {name: "score" for name in chosen if name not in summed_out(graph, guide, chosen)}


def uniforms(programs: tuple[ObjectiveProgram, ...], rows: int, rng: np.random.Generator) -> list[Array]:
    """Uniform numbers (rows, N) for each program; draws of one name have the same."""
    known: dict[str, Array] = {}
    out = []
    for p in programs:
        parts = []
        for slot in p.emitted.noises:
            count = int(np.prod([p.sizes[a] for a in slot.axes], dtype=int))
            if slot.key not in known or known[slot.key].shape[1] != count:
                known[slot.key] = rng.random((rows, count))
            parts.append(known[slot.key])
        out.append(np.concatenate(parts, axis=1) if parts else np.zeros((rows, 0)))
    return out


def gap(own: ObjectiveProgram, other: ObjectiveProgram, theta: Array, draws: int, seed: int) -> tuple[Array, Array]:
    """The mean difference of two gradient estimates (P,), and its standard error."""
    rng, rows = np.random.default_rng(seed), []
    for _ in range(0, draws, ROWS_AT_ONCE):
        some = min(draws, ROWS_AT_ONCE)
        mine, its = uniforms((own, other), some, rng)
        at = np.repeat(theta[None], some, axis=0)
        rows.append(own.estimate(at, mine)[1] - other.estimate(at, its)[1])
    every = np.concatenate(rows)
    return every.mean(axis=0), every.std(axis=0, ddof=1) / np.sqrt(len(every))


def scores_of(gaps: Array, errors: Array) -> Array:
    """z by coordinate; what has no noise must agree to rounding."""
    return np.where(
        errors > 0, gaps / np.maximum(errors, 1e-9 * (1 + np.abs(gaps))), np.where(np.abs(gaps) > 1e-7, np.inf, 0.0)
    )


def slope(p: ObjectiveProgram, theta: Array, i: int, seed: int, draws: int, step: float = STEP) -> tuple[float, float]:
    """The derivative of the mean log weight in coordinate `i`, free of the error of second order, and its error."""
    return slope_along(p, theta, np.eye(len(theta))[i], seed, draws, step)


def slope_along(
    p: ObjectiveProgram, theta: Array, direction: Array, seed: int, draws: int, step: float = STEP
) -> tuple[float, float]:
    """The same in a direction (P,)."""
    rng, found = np.random.default_rng(seed), []
    for _ in range(0, draws, ROWS_AT_ONCE):
        e = rng.random((min(draws, ROWS_AT_ONCE), p.noise))

        def at(move: float, e: Array = e) -> Array:
            return p.log_weight(np.repeat((theta + move * direction)[None], len(e), axis=0), e)

        near = (at(step) - at(-step)) / (2 * step)
        wide = (at(2 * step) - at(-2 * step)) / (4 * step)
        found.append((4 * near - wide) / 3)
    rows = np.concatenate(found)
    return float(rows.mean()), float(rows.std() / np.sqrt(len(rows)))


def own_mean(p: ObjectiveProgram, theta: Array, draws: int, seed: int) -> tuple[Array, Array]:
    rng, rows = np.random.default_rng(seed), []
    for _ in range(0, draws, ROWS_AT_ONCE):
        some = min(draws, ROWS_AT_ONCE)
        rows.append(p.estimate(np.repeat(theta[None], some, axis=0), rng.random((some, p.noise)))[1])
    every = np.concatenate(rows)
    return every.mean(axis=0), every.std(axis=0, ddof=1) / np.sqrt(len(every))


def named(p: ObjectiveProgram, i: int) -> str:
    return next((f"{n}[{i - s.start}]" for n, s in p.blocks.items() if s.start <= i < s.stop), str(i))


def refereed(p: ObjectiveProgram, theta: Array, i: int, seed: int, draws: int = DIFFERENCES) -> tuple[float, str]:
    """z of the estimate against differences, and what was measured."""
    mean, se = own_mean(p, theta, draws, seed)
    value, error = slope(p, theta, i, seed + 1, draws)
    z = (mean[i] - value) / max(np.hypot(se[i], error), 1e-6 * (1 + abs(value)))
    return float(z), f"estimate {mean[i]:.5g} +- {se[i]:.2g}, differences {value:.5g} +- {error:.2g}"


def judged(text: str, data: Mapping[str, object], seed: int, draws: int = 1024, points: int = 2) -> Verdict:
    """The verdict on a program. Raises ModelError where it is refused."""
    model = compile(text)
    own = model.objective(data)
    rng = np.random.default_rng(seed)
    thetas = [own.start + k * rng.normal(0.0, 0.4, own.dim) for k in range(points)]
    try:
        wanted = all_scores(model)
        other = model.with_guide(name_of(model), wanted).objective(data) if wanted else None
    except ModelError:
        return by_differences(own, thetas, seed, "no score")
    if other is None or not own.dim:
        return Verdict("exact")
    assert other.dim == own.dim and list(other.blocks) == list(own.blocks)
    worst = Verdict("sound")
    for theta in thetas:
        found = judged_at(own, other, theta, draws, seed)
        if found.kind in ("biased", "not finite"):
            return found
        worst = max(worst, found, key=lambda v: (v.kind == "refereed", abs(v.z)))
    return worst


def name_of(model: Model) -> str | None:
    guide = guide_of(model.graph)
    return None if guide is None else guide.name


def judged_at(own: ObjectiveProgram, other: ObjectiveProgram, theta: Array, draws: int, seed: int) -> Verdict:
    z = scores_of(*gap(own, other, theta, draws, seed))
    for again in (STAGES[0] * draws, max(STAGES[1], draws)):
        if np.isfinite(z).all() and np.abs(z).max() > SUSPICIOUS:
            z = scores_of(*gap(own, other, theta, again, seed + again))
    if not np.isfinite(own_mean(own, theta, 256, seed)[0]).all():
        return Verdict("not finite", np.nan, "", f"theta {np.round(theta, 3)}")
    suspects = np.flatnonzero(~(np.abs(z) <= BIASED))
    for i in suspects:
        again, detail = refereed(own, theta, int(i), seed + 2)
        if not abs(again) <= BIASED:
            return Verdict("biased", again, named(own, int(i)), f"score z {z[i]:.1f}; {detail}")
    if len(suspects):
        return Verdict("refereed", float(z[suspects[0]]), named(own, int(suspects[0])), detail)
    i = int(np.argmax(np.abs(z)))
    return Verdict("sound", float(z[i]), named(own, i))


def by_directions(text: str, data: Mapping[str, object], seed: int, draws: int, directions: int = 2) -> Verdict:
    """The verdict by differences in random directions alone: for draws that have no score, of many parameters. Raises
    ModelError where the program is refused."""
    own = compile(text).objective(data)
    rng = np.random.default_rng(seed)
    theta = own.start + rng.normal(0.0, 0.2, own.dim)
    worst = Verdict("no score")
    for _ in range(directions if own.dim else 0):
        direction = rng.normal(0.0, 1.0, own.dim) / np.sqrt(own.dim)
        found = in_direction(own, theta, direction, seed, draws)
        if abs(found.z) > SUSPICIOUS:
            found = in_direction(own, theta, direction, seed + 1, 16 * draws)
        if not abs(found.z) <= BIASED:
            return replace(found, kind="biased")
        worst = max(worst, found, key=lambda v: abs(v.z))
    return worst


def in_direction(own: ObjectiveProgram, theta: Array, direction: Array, seed: int, draws: int) -> Verdict:
    """The mean of the estimate in a direction, less the slope of the mean log weight there."""
    rng = np.random.default_rng(seed + 7)
    mine = [
        own.estimate(np.repeat(theta[None], some, axis=0), rng.random((some, own.noise)))[1] @ direction
        for some in chunks(draws)
    ]
    rows = np.concatenate(mine)
    value, error = slope_along(own, theta, direction, seed + 8, draws, step=0.02)
    spread = np.hypot(rows.std() / np.sqrt(len(rows)), error)
    z = (rows.mean() - value) / max(spread, 1e-5 * (1 + abs(value)))
    return Verdict(
        "no score", float(z), "a direction", f"estimate {rows.mean():.6g}, slope {value:.6g} +- {spread:.2g}"
    )


def chunks(draws: int) -> list[int]:
    return [min(ROWS_AT_ONCE, draws - done) for done in range(0, draws, ROWS_AT_ONCE)]


def by_differences(own: ObjectiveProgram, thetas: list[Array], seed: int, kind: str) -> Verdict:
    for i in range(own.dim):
        z, detail = refereed(own, thetas[-1], i, seed)
        if not abs(z) <= BIASED:
            return Verdict("biased", z, named(own, i), detail)
    return Verdict(kind)

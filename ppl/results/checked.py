"""The check of a gradient estimator, for people and for programs: parameter by parameter, on their own scales."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from ppl.data.bound import Bound
from ppl.emit.bind_objective import ObjectiveProgram, bind_objective
from ppl.emit.objective import PATHWISE
from ppl.emit.objective_program import emit_objective
from ppl.graph.graph import Node, core_of, drawn_sites, guide_of, unknowns
from ppl.infer.check_grad import MANY, Checked, check_grad
from ppl.results.json import finite
from ppl.results.numbers import aligned, counted, grouped, headed
from ppl.results.report import as_written, axis_labels, slopes
from ppl.results.table import position_labels
from ppl.rewrite.conjugate import is_integrated

Array = npt.NDArray[np.float64]
HEADS = ("gradient", "± se", "reference", "± se", "z", "variance")
FIELDS = ("estimate", "se", "reference", "reference_se", "z", "variance")
JITTER = 0.3
MOST = 12
LARGEST_ROWS = 4096


@dataclass(frozen=True, slots=True)
class ParamCheck:
    """One parameter: `values` are `FIELDS`, each with the shape of `axes`."""

    name: str
    axes: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    values: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """The gradient estimates of all parameters beside their references. `point` says where: `the initial values`, `a
    point near them`, `the saved fit`."""

    params: tuple[ParamCheck, ...]
    checked: Checked
    point: str

    @property
    def biased(self) -> bool:
        return self.checked.biased

    @property
    def verdict(self) -> str:
        return "biased" if self.biased else "unbiased"


def check_gradient(
    graph: nx.DiGraph,
    program: ObjectiveProgram,
    bound: Bound,
    at: Array | None = None,
    samples: int = 1_000_000,
    seed: int = 0,
    max_seconds: float = 600.0,
    report: Callable[[str], None] = lambda stage: None,
) -> GradientCheck:
    """Check the estimators of a program at the parameters `at` (P,), or at their initial values; under the automatic
    guide also near them, and the point where an estimator is biased, if any, is the one reported."""
    reference, scored = reference_of(graph, program, bound)
    own = [("the saved fit", at)] if at is not None else [("the initial values", program.start)]
    if at is None and program.dim <= MANY and any(p.of for p in program.emitted.params):
        rng = np.random.default_rng([seed, 40])
        own.append(("a point near the initial values", program.start + JITTER * rng.normal(size=program.dim)))
    found = []
    for place, theta in own:
        rows = max(2, min(program.most, LARGEST_ROWS))
        part = max_seconds / len(own)
        checked = check_grad(program, reference, theta, samples, seed, rows, part, report, scored)
        found.append(GradientCheck(_params(graph, program, bound, checked), checked, place))
    return next((c for c in found if c.biased), found[0])


def reference_of(
    graph: nx.DiGraph, program: ObjectiveProgram, bound: Bound
) -> tuple[ObjectiveProgram | None, npt.NDArray[np.bool_]]:
    """The same objective with a score for every draw, None where there are none, and the coordinates (P,) that it knows
    of. A path under the automatic guide stays one: its coordinates are not centred, those of a score would be."""
    summed = dict(program.emitted.eliminated)
    sites = drawn_sites(core_of(graph), guide_of(graph))
    kept = {n.name: n.plan.estimator for n in unknowns(graph) if n.plan and n.name not in sites and _has_path(n)}
    ways = {
        n.name: "exact" if n.name in summed or is_integrated(n) else kept.get(n.name, "score") for n in unknowns(graph)
    }
    scored = np.ones(program.dim, dtype=bool)
    for slot in program.emitted.params:
        scored[program.slots[slot.name]] = slot.of not in kept
    if "score" not in ways.values() or not scored.any():
        return None, scored
    return bind_objective(emit_objective(graph, guide_of(graph), ways), bound), scored


def _has_path(node: Node) -> bool:
    return node.plan is not None and node.plan.estimator in PATHWISE


def _params(graph: nx.DiGraph, program: ObjectiveProgram, bound: Bound, found: Checked) -> tuple[ParamCheck, ...]:
    objective = core_of(graph).objective
    sign = -1.0 if objective is not None and not objective.maximize else 1.0
    written = dict(program.emitted.learned)
    steps = slopes(program, found.theta)
    columns = {name: np.asarray(getattr(found, name)) for name in FIELDS}
    out = []
    for slot in program.emitted.params:
        axes = written.get(slot.name, slot.axes)
        slope = steps.get(slot.name, np.ones(1))
        parts = {name: values[program.slots[slot.name]] for name, values in columns.items()}
        scaled = {name: _scaled(name, values, slope, sign) for name, values in parts.items()}
        shaped = {name: as_written(values, slot.name, program) for name, values in scaled.items()}
        labels = tuple(axis_labels(a, bound, program) for a in axes)
        out.append(ParamCheck(slot.name, axes, labels, shaped))
    order = {name: i for i, name in enumerate(written)}
    return tuple(sorted(out, key=lambda c: order.get(c.name, len(order))))


def _scaled(name: str, values: Array, slope: Array, sign: float) -> Array:
    """By the chain rule, the derivative in the parameter itself, of the objective as it is written."""
    match name:
        case "z":
            return sign * values
        case "variance":
            return values / slope**2
        case "se" | "reference_se":
            return values / np.abs(slope)
        case _:
            return sign * values / slope


# ---- for programs ------------------------------------------------------------------------------------------------


def check_json(check: GradientCheck) -> dict[str, Any]:
    """What `ppl check-grad --json` prints; numbers are nested like their parameter."""
    params = {c.name: {name: finite(values.tolist()) for name, values in c.values.items()} for c in check.params}
    found = check.checked
    return {
        "schema": 1,
        "params": params,
        "verdict": check.verdict,
        "samples": found.samples,
        "not_finite": found.not_finite,
        "bound": found.bound,
        "at": check.point,
    }


# ---- for people --------------------------------------------------------------------------------------------------


def check_lines(check: GradientCheck) -> Iterator[str]:
    """The table of parameters, and the verdict; of many positions the worst are shown."""
    names, rows = zip(*_rows(check), strict=True) if check.params else ((), ())
    width = max((len(n) for n in names), default=0)
    columns = [headed(head, aligned([_number(head, r[i]) for r in rows])) for i, head in enumerate(HEADS)]
    for name, *cells in zip(("", *names), *columns, strict=True):
        yield "  ".join([name.ljust(width), *cells]).rstrip()
    more = sum(c.values["z"].size for c in check.params) - len(rows)
    if more:
        yield f"… {grouped(more)} more, whose |z| are smaller"
    yield ""
    yield _verdict(check)


def _rows(check: GradientCheck) -> list[tuple[str, tuple[float, ...]]]:
    """Every number with its name; the worst of many, in the order of the file."""
    every = [
        (f"{c.name}[{at}]" if at else c.name, tuple(float(c.values[f].ravel()[i]) for f in FIELDS))
        for c in check.params
        for i, at in enumerate(position_labels(c.labels) if c.axes else [""])
    ]
    if len(every) <= MOST:
        return every
    worst = sorted(range(len(every)), key=lambda i: -abs(every[i][1][4]))[:MOST]
    return [every[i] for i in sorted(worst)]


def _number(head: str, value: float) -> str:
    if not isfinite(value):
        return "–"
    if head == "z":
        return f"{value:+.1f}"
    # two figures, and no exponent where zeros say the same
    if head in ("± se", "variance"):
        return f"{float(f'{value:.2g}'):g}"
    return f"{value:.5f}" if abs(value) < 1e4 else f"{value:.5g}"


def _verdict(check: GradientCheck) -> str:
    found = check.checked
    if not check.params:
        return "unbiased: there is nothing to learn"
    if set(found.by) == {"exact"}:
        how = "against differences: nothing is drawn"
    else:
        how = f"{counted(found.samples, 'draw')} at {check.point}"
    largest = float(np.max(np.abs(found.z))) if found.z.size else 0.0
    lost = f"; {counted(found.not_finite, 'draw')} not finite" if found.not_finite else ""
    sign = ">" if check.biased else "<"
    return f"{check.verdict}: the largest |z| is {largest:.1f} ({sign} {found.bound:.1f}; {how}{lost})"

"""The text of an objective: straight-line numpy for its values, gradient estimates and full draws."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import networkx as nx

from ppl.check.core import Expr, FactorTerm, Guide, Site
from ppl.emit.assembly import Assembly, NoiseSlot, Slot
from ppl.emit.code import Writer
from ppl.emit.goal import JointAxes, Objective, ParamSlot
from ppl.emit.objective import PATHWISE, assemble_objective, costs_by_position, costs_of, densities, paid, summed_out
from ppl.emit.pen import axis_size
from ppl.emit.probes import probed
from ppl.emit.program import (
    finished,
    flattened,
    large_arrays,
    marginal,
    named_function,
    per_draw,
    reached,
    stage_zero,
    write_places,
    write_sizes,
)
from ppl.emit.reverse import adjoints
from ppl.emit.surrogate import surrogate
from ppl.emit.val import Val
from ppl.emit.weighted import is_doubly, weighted
from ppl.graph.graph import core_of, drawn_sites, learned_params, node_list, replaced, unknowns
from ppl.guide.aims import Aim
from ppl.rewrite.batching import Batching

HEADER = """\
# {title}
# Arrays lead with the draws; `d` holds the data, `n` the lengths of axes, `u` a copy of the parameters for each draw
# (S, P), `e` uniform numbers (S, N).
import numpy as np
import scipy.special as sp

import ppl.emit.runtime as rt
import ppl.stdlib.kernels as k


def program(d, n):
    # what depends on the data alone
"""
ARGUMENTS = "u, e"


@dataclass(frozen=True, slots=True)
class EmittedObjective:
    """The source of an objective, and what its inputs and outputs are: `params` in the order of coordinates, `noises`
    in the order of the uniform numbers, `learned` the author's parameters with their axes as written, `scores` the
    unknowns that are estimated by their scores, `work` how many arrays of which axes an estimate computes,
    `stratified` the unknowns with branches to either side, `batching` what a minibatch has a part of, `doubly` whether
    the density of the guide at its own draws has no part in gradients. The rest is as in `Emitted`."""

    text: str
    params: tuple[ParamSlot, ...]
    noises: tuple[NoiseSlot, ...]
    learned: tuple[tuple[str, tuple[str, ...]], ...]
    scores: tuple[str, ...]
    posterior: bool
    slots: tuple[Slot, ...]
    weights: tuple[str, ...]
    reported: tuple[tuple[str, tuple[str, ...]], ...]
    eliminated: tuple[tuple[str, tuple[str, ...]], ...]
    levels: tuple[tuple[str, str], ...]
    tables: tuple[tuple[str, ...], ...]
    unreported: tuple[str, ...]
    work: tuple[tuple[tuple[str, ...], int], ...] = ()
    stratified: tuple[str, ...] = ()
    batching: Batching | None = None
    joined: tuple[JointAxes, ...] = ()
    aim: Aim | None = None
    doubly: bool = False


def emit_objective(
    graph: nx.DiGraph,
    guide: Guide | None,
    estimators: Mapping[str, str],
    baselines: Mapping[str, str] | None = None,
    batching: Batching | None = None,
    aim: Aim | None = None,
) -> EmittedObjective:
    """The program of an objective. `estimators` has a name for every unknown; those that are `exact` and that no guide
    draws are summed out of the model. With `batching`, it is a program for a part of the data; with `aim`, for a
    bound that weighs groups of draws by their importance."""
    core = core_of(graph)
    graph = graph if batching is None else with_factors(graph, batching.factors)
    opaque = aim is not None and aim.doubly
    o = assemble_objective(graph, guide, estimators, batching=batching, opaque=opaque, averages=aim is None)
    costs = costs_of(o)
    drawn = assemble_objective(graph, guide, _all_drawn(graph, guide, estimators), o.b, batching=batching)
    learned = learned_params(graph, guide)
    # numbers first, for they stand at columns that are known now; then as in the file, whatever was read first
    place = {name: i for i, name in enumerate([*(p.name for p in learned), *(n.name for n in unknowns(graph))])}
    o.params.sort(key=lambda p: (bool(p.axes), place[(p.of or p.name).split("@")[0]]))
    outputs = _outputs(o, costs, drawn, {**_baselines(graph, guide), **(baselines or {})}, aim)
    by_position = None if batching is None or core.objective is not None else costs_by_position(drawn)
    outputs = outputs if by_position is None else {**outputs, "by_position": [by_position]}
    every = [v for group in outputs.values() for v in group]
    summed = {name: (*e.axes, f"{name}?") for name, e in drawn.a.eliminated.items()}
    marginals = {name: (v, axes) for (name, axes), v in zip(summed.items(), outputs["marginals"], strict=True)}
    reported = {**drawn.a.reported, **drawn.a.recovered}
    w = _begun(o, drawn, every)
    bodies = {
        "estimate": _estimate(o.params, outputs, w),
        "log_weight": _single("log_weight", outputs["log_weight"][0], w),
        "constrained": named_function("constrained", reported, w, ARGUMENTS),
        "marginals": named_function("marginals", marginals, w, ARGUMENTS),
        "learned": named_function("learned", {p.name: (o.a.s.names[p.name], p.axes) for p in learned}, w, ARGUMENTS),
        "start": _start(o.params, w),
    }
    if batching is not None and by_position is not None:
        each = {"log_weight": (by_position, (batching.lead,))}
        bodies["by_position"] = named_function("by_position", each, w, ARGUMENTS)
    return EmittedObjective(
        finished(graph, HEADER, w, bodies),
        tuple(o.params),
        tuple(_noises(o, drawn)),
        tuple((p.name, p.axes) for p in learned),
        (*(s.name for s in o.scores), *(p.name for p in o.probes), *_partly_drawn(o)),
        core.objective is None,
        tuple(Slot(n.name, (), n.axes) for n in unknowns(graph)),
        (),
        tuple((name, axes) for name, (_, axes) in reported.items()),
        tuple(summed.items()),
        tuple({**_drawn_levels(graph, summed), **drawn.a.levels}.items()),
        large_arrays(every),
        tuple(drawn.a.unreported),
        _work([*outputs["value"], *outputs["grad"]]),
        tuple(name for name, how in estimators.items() if how == "stratified"),
        batching,
        tuple(o.joined),
        aim,
        is_doubly(o, aim),
    )


def _begun(o: Objective, drawn: Objective, every: Sequence[Val]) -> Writer:
    """What comes before the functions: lengths, what depends on the data alone, and where things stand."""
    scalars = {p.name: i for i, p in enumerate(o.params) if not p.axes}
    sampled = frozenset(() if o.batching is None else o.batching.axes)
    w = Writer(hints={**drawn.a.hints, **o.a.hints}, scalars=scalars, sampled=sampled)
    write_sizes(o.a, w)
    write_sizes(_new_sizes(drawn.a, o.a), w)
    w.line("d.afford(n)")
    # a program for many parts of the data begins once: it computes where only when asked
    starts = [] if o.batching is not None else [p.start for p in o.params]
    w.write(stage_zero([*every, *starts]), 0)
    w.write(starts, 0)
    write_places(w, o.params, _noises(o, drawn))
    if o.a.weights or drawn.a.weights:
        names = max(o.a.weights, drawn.a.weights, key=len)
        w.line(f"w = np.zeros({len(names)})" if o.batching is None else f"w = d.centring({tuple(names)!r})")
    return w


def with_factors(graph: nx.DiGraph, factors: Mapping[str, Expr]) -> nx.DiGraph:
    """The graph with other values of its factor statements."""
    new = {
        n.name: replace(n, of=replace(n.of, value=factors[n.name]))
        for n in node_list(graph)
        if isinstance(n.of, FactorTerm) and factors.get(n.name, n.of.value) != n.of.value
    }
    return replaced(graph, new) if new else graph


def _work(values: Sequence[Val]) -> tuple[tuple[tuple[str, ...], int], ...]:
    """How many arrays of which axes one call computes."""
    return tuple(Counter(v.axes for v in reached(values) if v.stage > 0).items())


def _baselines(graph: nx.DiGraph, guide: Guide | None) -> dict[str, str]:
    """The baselines asked for by `@score(baseline=…)`."""
    written = {n.name: n.of for n in unknowns(graph)} | drawn_sites(core_of(graph), guide)
    settings = [(name, s) for name, of in written.items() if isinstance(of, Site) for s in of.settings]
    return {name: str(value) for name, (word, key, value) in settings if (word, key) == ("score", "baseline")}


def _all_drawn(graph: nx.DiGraph, guide: Guide | None, estimators: Mapping[str, str]) -> dict[str, str]:
    """Every unknown drawn, save those that are summed out of the model; along its path where it has one."""
    out = summed_out(graph, guide, estimators)
    drawn = {n.name: e if (e := estimators.get(n.name, "")) in PATHWISE else "score" for n in unknowns(graph)}
    return drawn | dict.fromkeys(out, "exact")


def _partly_drawn(o: Objective) -> list[str]:
    """Unknowns of whose levels some are drawn: their estimates are not gradients of values."""
    return [t.name for t in o.tables if o.estimators[t.name] in ("remainder", "window")]


def _new_sizes(drawn: Assembly, known: Assembly) -> Assembly:
    for axis in known.sizes:
        drawn.sizes.pop(axis, None)
    return drawn


def _noises(o: Objective, drawn: Objective) -> list[NoiseSlot]:
    return list({n.key: n for n in (*o.noises, *drawn.noises)}.values())


def _drawn_levels(graph: nx.DiGraph, summed: Mapping[str, object]) -> dict[str, str]:
    """What the levels of drawn unknowns are: true/false and levels of an axis are reported as probabilities."""
    found = {}
    for node in unknowns(graph):
        kind = node.dist.kind if node.dist is not None else "real"
        if node.name in summed or kind not in ("bool", "level"):
            continue
        lead = node.dist
        assert lead is not None
        while lead.inner:
            lead = lead.inner[-1]
        found[f"{node.name}?"] = "bool" if kind == "bool" else f"level:{str(lead.attrs[0]).rstrip(chr(39))}"
    return found


def _outputs(
    o: Objective, costs: Sequence[Val], drawn: Objective, baselines: Mapping[str, str], aim: Aim | None
) -> dict[str, list[Val]]:
    """All values that some function returns, by function."""
    b = o.b
    raws = [b.node("u", (), (p.name,), p.axes, batch=True, stage=1) for p in o.params]
    if aim is not None:
        value, found = weighted(o, paid(o), densities(o), aim, raws)
    else:
        value = b.total(b.sum(c, c.axes) for c in costs)
        root = b.total((surrogate(b, costs, o.scores, baselines), *(probed(o, p, costs) for p in o.probes)))
        found = adjoints(b, root, raws)
    model = drawn.a.log_density(tilted=True)
    slopes = adjoints(b, model, drawn.a.taps.values())
    zero = b.lit(0.0)
    return {
        "value": [value],
        "grad": [found.get(v, zero) for v in raws],
        "log_weight": [b.total(b.sum(c, c.axes) for c in costs_of(drawn))],
        "constrained": [v for v, _ in (*drawn.a.reported.values(), *drawn.a.recovered.values())],
        "marginals": [marginal(drawn.a, name, slopes.get(t, zero)) for name, t in drawn.a.taps.items()],
        "learned": [o.a.s.names[p.name] for p in o.params if p.name in o.a.s.names],
    }


def _estimate(params: Sequence[ParamSlot], outputs: Mapping[str, list[Val]], outer: Writer) -> list[str]:
    w = outer.inside()
    value = outputs["value"][0]
    w.write([value, *outputs["grad"]], 1)
    w.line("g = np.empty(u.shape)")
    for p, v in zip(params, outputs["grad"], strict=True):
        w.line(f"g[:, {w.slot(p.name)}] = {flattened(w, v, p.axes)}")
    head = [f"    def estimate({ARGUMENTS}):", "        S = len(u)"]
    return [*head, *w.lines, f"        return {per_draw(w.of(value), value)}, g"]


def _single(function: str, v: Val, outer: Writer) -> list[str]:
    w = outer.inside()
    w.write([v], 1)
    head = [f"    def {function}({ARGUMENTS}):", "        S = len(u)"]
    return [*head, *w.lines, f"        return {per_draw(w.of(v), v)}"]


def _start(params: Sequence[ParamSlot], outer: Writer) -> list[str]:
    w = outer.inside()
    w.write([p.start for p in params], 0)
    w.line("theta = np.zeros(d.dim)")
    for p in params:
        w.line(f"theta[{w.slot(p.name)}] = {flattened_start(w, p)}")
    return ["    def start():", *w.lines, "        return theta"]


def flattened_start(w: Writer, p: ParamSlot) -> str:
    """The starting value of a parameter, as a block of numbers."""
    text = w.aligned(p.start, p.axes, False)
    if not p.axes:
        return text
    return f"np.broadcast_to({text}, ({', '.join(axis_size(a) for a in p.axes)},)).ravel()"

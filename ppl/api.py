"""The pipeline, in one column: from the text of a model to a fitted posterior."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from types import CodeType
from typing import Any

import networkx as nx

from ppl.check.check import check
from ppl.check.core import Core, Guide, Site
from ppl.check.declarations import constant_of
from ppl.data.bind import bind
from ppl.data.bound import Bound
from ppl.data.options import Options as DataOptions
from ppl.data.stream import bind_rows
from ppl.emit.batch import BatchedObjective, bind_batched
from ppl.emit.bind import Program, bind_program
from ppl.emit.bind_objective import ObjectiveProgram, bind_objective
from ppl.emit.functions import compiled
from ppl.emit.objective_program import EmittedObjective, emit_objective
from ppl.emit.program import Emitted, emit
from ppl.forward.data import verify_labels
from ppl.forward.named import Named
from ppl.graph.graph import estimators_of, guide_of, lower, unknowns
from ppl.guide.aims import Aim, aim_of
from ppl.guide.families import family_guide, is_family
from ppl.guide.shared import shared_guide
from ppl.infer.approximation import Approximation, Options, Progress
from ppl.infer.engine import fit as approximate
from ppl.infer.guided import around_modes, grouped, landing, laplace_joints, weighed
from ppl.infer.minibatch import fit_minibatches
from ppl.infer.objective import NotFinite
from ppl.infer.optimise import fit_objective, with_points
from ppl.infer.parts import Unparted, is_heavy
from ppl.infer.target import NoDensity, NoGradient
from ppl.results.blame import no_density, no_gradient, not_finite
from ppl.results.carry import carry
from ppl.results.fit import Fit, is_converged
from ppl.results.joint import Source
from ppl.results.pilot import cheapest
from ppl.results.predicted import predicted
from ppl.results.record import Timing
from ppl.results.report import guide, learned, quantities, search
from ppl.rewrite.aims import refused_aim
from ppl.rewrite.batching import batching
from ppl.rewrite.notes import notes, of_plans, slow
from ppl.rewrite.plan import is_objective, plan
from ppl.source.diagnostic import Diagnostic, ModelError, complain
from ppl.source.suggest import did_you_mean
from ppl.syntax.imports import parse_linked, texts_of


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
    """A compiled model. `graph` is the plan: a networkx graph with an estimator on every unknown; `source` the
    generated Python; `warnings` what the checker noticed."""

    core: Core
    graph: nx.DiGraph
    emitted: Emitted | EmittedObjective
    warnings: tuple[Diagnostic, ...]
    seconds: float
    _code: CodeType
    asked: Mapping[str, str] = field(default_factory=dict)
    defines: Mapping[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        names = ", ".join(f"{n.name} ({n.plan.estimator})" for n in unknowns(self.graph) if n.plan is not None)
        return f"<model {Path(self.core.path).name}: {names}>"

    @property
    def source(self) -> str:
        return self.emitted.text

    @property
    def texts(self) -> dict[str, str]:
        """The texts of the model and of what it imports, by the paths in positions."""
        return {self.core.path: self.core.text, **{each.path: each.text for each in self.core.imports}}

    def bind(self, data: object = None, options: DataOptions | None = None) -> "tuple[Bindable, Bound]":
        """The model's functions on these data: a path, a dict of arrays, a data frame. Raises ModelError (E6xx)."""
        bound = bind(self.core.data, data, options or DataOptions())
        verify_labels(self.core, bound)
        if isinstance(self.emitted, EmittedObjective):
            noisy = slow(self.graph, {name: axis.size for name, axis in bound.axes.items()})
            bound = replace(bound, warnings=(*bound.warnings, *noisy))
            return bind_objective(self.emitted, bound, self._code), bound
        return bind_program(self.emitted, bound, self._code), bound

    def with_guide(self, guide: str | None = None, estimators: Mapping[str, str] | None = None) -> "Model":
        """The model planned with another of its guides (`auto` for the automatic one, None for the first in the file),
        or with estimators asked for by name of unknown. Raises ModelError where they are not sound."""
        model = _planned(self.core, guide, estimators or {}, self.warnings, self.seconds)
        return replace(model, defines=self.defines)

    def minibatched(
        self,
        batch: int,
        by: str | None = None,
        data: object = None,
        options: DataOptions | None = None,
        objective: str | None = None,
    ) -> "tuple[Model, BatchedObjective, Bound]":
        """The model as it is fitted by minibatches of so many rows, or of whole groups `by` a factor, with its data, by
        the bound `objective` (see `weighing`). Nothing is integrated out but what the author asked for; without a guide
        of the author's, what all rows share is drawn together. Raises ModelError (E520) where rows or groups depend on
        each other, (E556) where draws have no weights of their own, (E6xx) for the data."""
        return self._parted(
            lambda: bind_rows(self.core.data, data, options or DataOptions()), batch, by or "", aim_of(objective)
        )

    def _parted(
        self, read: Callable[[], Bound], batch: int, by: str = "", aim: Aim | None = None
    ) -> "tuple[Model, BatchedObjective, Bound]":
        """See `minibatched`; the data are read once it is known that they can be looked at part by part."""
        chosen = guide_of(self.graph)
        free = (n.name for n in unknowns(self.graph) if "marginal" not in getattr(n.of, "annotations", ()))
        graph = plan(lower(self.core), chosen, self.asked, kept=tuple(free))
        parts = batching(graph, chosen, by)
        bound = read()
        if chosen is None and not self.core.params:
            chosen = shared_guide(graph, parts, {name: axis.size for name, axis in bound.axes.items()})
            graph = plan(lower(self.core), chosen, self.asked, kept=tuple(n.name for n in unknowns(graph)))
            parts = batching(graph, chosen, by)
        refused = [] if aim is None else refused_aim(graph, parts.lead)
        if refused:
            raise ModelError(refused)
        aim = None if aim is None else replace(aim, doubly=True)
        emitted = emit_objective(graph, chosen, estimators_of(graph), batching=parts, aim=aim)
        model = replace(self, graph=graph, emitted=emitted, _code=compiled(emitted))
        return model, bind_batched(graph, emitted, bound, batch, model._code), bound

    def weighing(self, objective: str | None, guide: str | None = None) -> "Model":
        """The model as it is fitted by the bound `objective`: `elbo`, `iwae:K`, `renyi:A` or `renyi:A:K`. What has no
        guide in the file gets that of the family `guide`, a full-rank normal by default. Raises ModelError (E556, E557)
        for other texts, and where draws need scores."""
        aim = aim_of(objective)
        if aim is None:
            return self
        model = self
        if not isinstance(self.emitted, EmittedObjective):
            chosen = family_guide(self.graph, "full_rank" if guide in (None, "auto") else str(guide))
            model = replace(self, graph=plan(lower(self.core), chosen, self.asked))
        refused = refused_aim(model.graph)
        if refused:
            raise ModelError(refused)
        emitted = emit_objective(model.graph, guide_of(model.graph), estimators_of(model.graph), aim=aim)
        return replace(model, emitted=emitted, _code=compiled(emitted))

    def objective(self, data: object = None, options: DataOptions | None = None) -> ObjectiveProgram:
        """The objective E_q[f] on these data as functions of its parameters, with the plan's estimators; for a model
        that is fitted without draws, the bound under independent normal guides. This is what `check-grad` checks."""
        emitted = self.emitted
        if not isinstance(emitted, EmittedObjective):
            emitted = emit_objective(self.graph, guide_of(self.graph), estimators_of(self.graph))
        return bind_objective(emitted, bind(self.core.data, data, options or DataOptions()))

    def fit(
        self,
        data: object = None,
        *,
        guide: str | None = None,
        seed: int = 0,
        draws: int = 4000,
        restarts: int = 4,
        max_seconds: float = 600.0,
        tol: float = 0.03,
        batch: int | None = None,
        batch_by: str | None = None,
        steps: int | None = None,
        lr: float | None = None,
        objective: str | None = None,
        options: DataOptions | None = None,
        report: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
        **tables: object,
    ) -> Fit:
        """Fit the model to data: a path, a dict of arrays, or a data frame. For a model with several tables, a dict of
        those by the names of the tables, or each under its name: `fit(trials=trials, subjects=subjects)`.

        `guide`: the name of a guide in the file, or `auto`, `mean_field`, `full_rank`, `low_rank:R`, `laplace` or
        `flow`; without it, the first guide of the file, or `auto`. `batch`: how many rows, or groups `batch_by` a
        factor, a step looks at; `steps` and `lr`: how many steps, and how large the first is, where the engine takes
        steps; without them they are found. `objective`: `elbo`, or a bound of several draws, `iwae:5` or `renyi:0.5`.
        `report` is called after every stage; when `stop` returns true the fit ends with what it has. Raises ModelError
        for data that do not fit the model (E6xx) and for densities that are nowhere finite (E7xx). The same seed gives
        the same bits."""
        data = _by_name(tables, self.core) if tables else data
        model = self if guide is None else self.with_guide(guide)
        began = perf_counter()
        if batch is None:
            model = model.weighing(objective, guide)
            program, bound = model.bind(data, options)
        else:
            model, program, bound = model.minibatched(batch, batch_by, data, options, objective)
        seconds = perf_counter() - began
        family: Any = guide if guide in FAMILIES else "auto"
        wanted = Options(guide=family, draws=draws, seed=seed, max_seconds=max_seconds, tol=tol, restarts=restarts)
        wanted = replace(wanted, steps=steps, rate=lr)
        model, program = model.tuned(program, bound)
        program, found = model.settle(program, bound, wanted, report, stop)
        return model.report(program, bound, found, wanted, seconds)

    def tuned(self, program: "Bindable", bound: Bound) -> "tuple[Model, Bindable]":
        """The model as these data are best fitted: by minibatches where a gradient of all data is dear and their rows
        are many and independent; with the cheapest of its sound estimators, by a pilot, where draws need scores."""
        if not isinstance(program, ObjectiveProgram):
            return self, program
        if is_heavy(program) and program.emitted.aim is None and not laplace_joints(self.graph):
            parted = self._in_batches(bound)
            if parted is not None:
                return parted
        if not program.score_nodes:
            return self, program
        better = cheapest(self.graph, bound, program.score_nodes)
        if not better:
            return self, program
        graph = plan(lower(self.core), guide_of(self.graph), self.asked, better)
        emitted = emit_objective(graph, guide_of(graph), estimators_of(graph))
        model = replace(self, graph=graph, emitted=emitted, _code=compiled(emitted))
        return model, bind_objective(emitted, bound, model._code)

    def _in_batches(self, bound: Bound) -> "tuple[Model, BatchedObjective] | None":
        """The model fitted by minibatches; None where rows depend on each other, or are few."""
        try:
            model, program, _ = self._parted(lambda: bound, BATCH)
        except ModelError:
            return None
        return (model, program) if program.count >= FEWEST_BATCHES * BATCH else None

    def settle(
        self,
        program: "Bindable",
        bound: Bound,
        options: Options,
        report: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> "tuple[Bindable, Approximation]":
        """`infer`, again with larger windows while counts without a largest value have mass at the end of theirs."""
        found = self.infer(program, bound, options, report, stop)
        for _ in range(WIDENINGS):
            if not isinstance(program, Program) or not program.windows or stop():
                break
            heavy = {z for z, p in program.mass_at_end(found.u[:WATCHED], found.w).items() if p > MASS_AT_END}
            if not heavy:
                break
            wider = {
                z: (low, low + 2 * (high - low) if z in heavy else high) for z, (low, high) in program.windows.items()
            }
            assert isinstance(self.emitted, Emitted)
            program = bind_program(self.emitted, bound, self._code, wider)
            found = self.infer(program, bound, options, report, stop)
        return program, found

    def infer(
        self,
        program: "Bindable",
        bound: Bound,
        options: Options,
        report: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Approximation:
        """The engine on a bound program; complaints of the engine become located errors."""
        found = self._inferred(program, bound, options, report, stop)
        chosen = guide_of(self.graph)
        joints = chosen.joints if chosen is not None else ()
        return with_points(found, tuple(name for j in joints if j.family == "delta" for name in j.names))

    def _inferred(
        self,
        program: "Bindable",
        bound: Bound,
        options: Options,
        report: Callable[[Progress], None],
        stop: Callable[[], bool],
    ) -> Approximation:
        try:
            if isinstance(program, ObjectiveProgram) and program.emitted.aim is None and laplace_joints(self.graph):
                return around_modes(self.graph, program, bound, options, report, stop)
            if isinstance(program, BatchedObjective):
                other = landing(self.graph, program, bound)
                return fit_minibatches(grouped(program), options, report, stop, other)
            if isinstance(program, ObjectiveProgram) and program.emitted.aim is not None:
                return weighed(self.graph, program, bound, options, report, stop)
            if isinstance(program, ObjectiveProgram) and (options.rate is not None or is_heavy(program)):
                return fit_minibatches(Unparted(program), options, report, stop, landing(self.graph, program, bound))
            if isinstance(program, ObjectiveProgram):
                return fit_objective(program, options, report, stop, drawn=program.constrained)
            return approximate(program, options, report, stop)
        except NotFinite as problem:
            assert isinstance(program, ObjectiveProgram | BatchedObjective)
            raise ModelError([not_finite(problem, program)]) from None
        except NoDensity as problem:
            assert isinstance(program, Program)
            raise ModelError([no_density(problem, self.graph, program, bound)]) from None
        except NoGradient as problem:
            assert isinstance(program, Program)
            raise ModelError([no_gradient(problem, self.graph, program)]) from None

    def report(
        self,
        program: "Bindable",
        bound: Bound,
        approximation: Approximation,
        options: Options,
        bind_seconds: float = 0.0,
    ) -> Fit:
        """The approximation on the scale of the model, labelled."""
        estimators = estimators_of(self.graph)
        found, omitted = quantities(program, bound, approximation, estimators, options.draws, options.seed)
        params = learned(program, bound, approximation)
        source = Source(self.graph, program, bound, approximation, options.draws, options.seed)
        fixed = {name: Named(p.value[None], p.axes) for name, p in params.items()}
        new, lost = predicted(source, fixed)
        cost = approximation.cost
        timing = Timing(self.seconds, bind_seconds, cost.seconds, cost.gradients, cost.calls)
        return Fit(
            model=Path(self.core.path).name,
            text=self.core.text,
            source=bound.source,
            fingerprint=bound.fingerprint,
            rows=bound.rows,
            quantities={**found, **new},
            guide=guide(self.graph, program, approximation),
            evidence=approximation.evidence,
            trust=approximation.trust,
            reason=approximation.reason,
            timing=timing,
            seed=options.seed,
            converged=is_converged(approximation),
            units={c.name: c.unit for c in self.core.data.columns if c.unit},
            omitted=(*omitted, *lost),
            params=params,
            search=search(self.graph, approximation, _aim(self.emitted)),
            imports={each.name: each.text for each in self.core.imports},
            tables={axis: len(rows) for axis, rows in bound.numbers.items()} if len(bound.numbers) > 1 else {},
            carried=carry(source, found, fixed, self.defines),
            warnings=(*self.warnings, *bound.warnings),
        )


Bindable = Program | ObjectiveProgram | BatchedObjective
# A window of counts is doubled while the posterior has more than this in its last twentieth, at most so many times;
# so many draws are looked at.
MASS_AT_END, WIDENINGS, WATCHED = 1e-6, 6, 1000
# The rows of a minibatch where nobody says how many, and how many of them the data must make.
BATCH, FEWEST_BATCHES = 256, 3
# Guides that are not written in the file, and that the engine for a density has families of its own for.
FAMILIES = ("auto", "mean_field", "full_rank", "laplace")


def _by_name(tables: Mapping[str, object], core: Core) -> Mapping[str, object]:
    """The sources of tables that are given as arguments of their own."""
    foreign = next((name for name in tables if name not in core.data.rows), None)
    if foreign is not None:
        raise TypeError(f"fit() has no argument {foreign!r}, and the model no such table: {', '.join(core.data.rows)}")
    return tables


def compile(
    text: str,
    path: str = "<model>",
    defines: Mapping[str, object] | None = None,
    guide: str | None = None,
    estimators: Mapping[str, str] | None = None,
    imports: Mapping[str, str] | None = None,
) -> Model:
    """A model from its text. `defines` set constants, `guide` names one of the file's guides (`auto`: none of them;
    None: the first), `estimators` ask for estimators by name of unknown. What it imports is read from the folder of
    `path`, or from `imports`: texts by their names from that folder. Raises ModelError with every error of the file."""
    began = perf_counter()
    file = parse_linked(text, path, imports)
    checked = check(file, {name: constant_of(value) for name, value in (defines or {}).items()})
    if checked.core is None:
        raise ModelError(checked.diagnostics or [complain("E406", None)], texts_of(file))
    model = _planned(checked.core, guide, estimators or {}, checked.warnings, perf_counter() - began)
    return replace(model, defines=defines or {})


def _planned(
    core: Core, guide: str | None, estimators: Mapping[str, str], warnings: tuple[Diagnostic, ...], spent: float
) -> Model:
    began = perf_counter()
    chosen = _guide(core, guide)
    graph = plan(lower(core), chosen, _named(estimators, core))
    if chosen is None and guide not in (None, "auto") and (is_objective(graph) or guide not in FAMILIES):
        chosen = family_guide(graph, str(guide))
        graph = plan(lower(core), chosen, _named(estimators, core))
    emitted = emit_objective(graph, chosen, estimators_of(graph)) if is_objective(graph) else emit(graph)
    found = (*(w for w in warnings if w not in of_plans(warnings)), *notes(graph))
    return Model(core, graph, emitted, found, spent + perf_counter() - began, compiled(emitted), estimators)


def _aim(emitted: Emitted | EmittedObjective) -> Aim | None:
    return emitted.aim if isinstance(emitted, EmittedObjective) else None


def _named(estimators: Mapping[str, str], core: Core) -> Mapping[str, str]:
    """Estimators asked for by name, if there are such unknowns."""
    names = [s.name for s in core.statements if isinstance(s, Site) and s.role != "observed"]
    for name in estimators:
        if name not in names:
            help_ = did_you_mean(name, names) or f"it has {', '.join(names) or 'none'}"
            raise ModelError([complain("E517.name", None, name=name, help=help_)])
    return estimators


def _guide(core: Core, name: str | None) -> Guide | None:
    """The guide of this name; the first one for None; none for those that are not written in the file."""
    found = next((g for g in core.guides if name in (None, g.name)), None)
    if found is None and name is not None and name not in FAMILIES and not is_family(name):
        names = [g.name for g in core.guides if g.name]
        raise ModelError([complain("E516", None, name=name, help=did_you_mean(str(name), names) or ", ".join(names))])
    return found


def load(
    path: str | Path,
    defines: Mapping[str, object] | None = None,
    guide: str | None = None,
    estimators: Mapping[str, str] | None = None,
) -> Model:
    """A model from a file; see `compile`."""
    return compile(Path(path).read_text(encoding="utf-8-sig"), str(path), defines, guide, estimators)

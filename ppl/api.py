"""The pipeline, in one column: from the text of a model to a fitted posterior."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from types import CodeType

import networkx as nx

from ppl.check.check import check
from ppl.check.core import Core
from ppl.check.declarations import constant_of
from ppl.data.bind import bind
from ppl.data.bound import Bound
from ppl.data.options import Options as DataOptions
from ppl.emit.bind import Program, bind_program, compiled
from ppl.emit.program import Emitted, emit
from ppl.graph.graph import lower, unknowns
from ppl.infer.approximation import Approximation, Options, Progress
from ppl.infer.engine import fit as approximate
from ppl.infer.target import NoDensity, NoGradient
from ppl.results.blame import no_density, no_gradient
from ppl.results.fit import Fit, is_converged
from ppl.results.record import Timing
from ppl.results.report import guide, quantities
from ppl.rewrite.plan import plan
from ppl.source.diagnostic import Diagnostic, ModelError
from ppl.syntax.parse import parse


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Model:
    """A compiled model. `graph` is the plan: a networkx graph with an estimator on every unknown; `source` the
    generated Python; `warnings` what the checker noticed."""

    core: Core
    graph: nx.DiGraph
    emitted: Emitted
    warnings: tuple[Diagnostic, ...]
    seconds: float
    _code: CodeType

    def __repr__(self) -> str:
        names = ", ".join(f"{n.name} ({n.plan.estimator})" for n in unknowns(self.graph) if n.plan is not None)
        return f"<model {Path(self.core.path).name}: {names}>"

    @property
    def source(self) -> str:
        return self.emitted.text

    def bind(self, data: object = None, options: DataOptions | None = None) -> tuple[Program, Bound]:
        """The model's functions on these data: a path, a dict of arrays, a data frame. Raises ModelError (E6xx)."""
        bound = bind(self.core.data, data, options or DataOptions())
        return bind_program(self.emitted, bound, self._code), bound

    def fit(
        self,
        data: object = None,
        *,
        guide: str = "auto",
        seed: int = 0,
        draws: int = 4000,
        restarts: int = 4,
        max_seconds: float = 600.0,
        tol: float = 0.03,
        options: DataOptions | None = None,
        report: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Fit:
        """Fit the model to data: a path, a dict of arrays, or a data frame.

        `guide`: `auto`, `mean_field`, `full_rank` or `laplace`. `report` is called after every stage; when `stop`
        returns true the fit ends with what it has. Raises ModelError for data that do not fit the model (E6xx) and for
        densities that are nowhere finite (E7xx). The same seed gives the same bits."""
        began = perf_counter()
        program, bound = self.bind(data, options)
        seconds = perf_counter() - began
        wanted = Options(guide=guide, draws=draws, seed=seed, max_seconds=max_seconds, tol=tol, restarts=restarts)  # type: ignore[arg-type]
        return self.report(program, bound, self.infer(program, bound, wanted, report, stop), wanted, seconds)

    def infer(
        self,
        program: Program,
        bound: Bound,
        options: Options,
        report: Callable[[Progress], None] = lambda progress: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Approximation:
        """The engine on a bound program; complaints of the engine become located errors."""
        try:
            return approximate(program, options, report, stop)
        except NoDensity as problem:
            raise ModelError([no_density(problem, self.graph, program, bound)]) from None
        except NoGradient as problem:
            raise ModelError([no_gradient(problem, self.graph, program)]) from None

    def report(
        self, program: Program, bound: Bound, approximation: Approximation, options: Options, bind_seconds: float = 0.0
    ) -> Fit:
        """The approximation on the scale of the model, labelled."""
        estimators = {n.name: n.plan.estimator for n in unknowns(self.graph) if n.plan is not None}
        found, omitted = quantities(program, bound, approximation, estimators)
        cost = approximation.cost
        timing = Timing(self.seconds, bind_seconds, cost.seconds, cost.gradients, cost.calls)
        return Fit(
            model=Path(self.core.path).name,
            text=self.core.text,
            source=bound.source,
            fingerprint=bound.fingerprint,
            rows=bound.rows,
            quantities=found,
            guide=guide(program, approximation),
            evidence=approximation.evidence,
            trust=approximation.trust,
            reason=approximation.reason,
            timing=timing,
            seed=options.seed,
            converged=is_converged(approximation),
            units={c.name: c.unit for c in self.core.data.columns if c.unit},
            omitted=omitted,
            warnings=(*self.warnings, *bound.warnings),
        )


def compile(text: str, path: str = "<model>", defines: Mapping[str, object] | None = None) -> Model:
    """A model from its text. `defines` set constants. Raises ModelError with every error of the file."""
    began = perf_counter()
    checked = check(parse(text, path), {name: constant_of(value) for name, value in (defines or {}).items()})
    if checked.core is None:
        raise ModelError(checked.diagnostics)
    graph = plan(lower(checked.core))
    emitted = emit(graph)
    code = compiled(emitted)
    return Model(checked.core, graph, emitted, checked.warnings, perf_counter() - began, code)


def load(path: str | Path, defines: Mapping[str, object] | None = None) -> Model:
    """A model from a file."""
    return compile(Path(path).read_text(encoding="utf-8-sig"), str(path), defines)

"""The checker: one call from a syntax tree to the core, or to all complaints at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ppl.check.block import Block
from ppl.check.core import Core, Guide, Imported, Objective, Site
from ppl.check.cuts import cuts_of, sizes_of, uneven
from ppl.check.declarations import declare, entries, first_line
from ppl.check.declared import Declared
from ppl.check.distributions import read_function
from ppl.check.guides import check_guides
from ppl.check.lints import lint
from ppl.check.net_weights import declare_nets, without_idle
from ppl.check.objectives import objective
from ppl.check.params import param
from ppl.check.predict import check_predict
from ppl.check.scope import Entry, Home, Report, Scope
from ppl.check.slopes import with_slopes
from ppl.check.statements import check_block
from ppl.check.tables import KEY, data_spec, verify_observed
from ppl.check.weights import Book
from ppl.source.diagnostic import Diagnostic, Note
from ppl.syntax import ast


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking found: a core when there is no error, and every complaint in the order of the text."""

    core: Core | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if not d.is_warning)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.is_warning)


def check(file: ast.File, defines: Mapping[str, ast.Expr] | None = None) -> Checked:
    """Resolve names, name axes, prove supports. Every independent complaint of the file is in the result."""
    report = Report()
    declared = declare(file, defines or {}, report)
    model = _model(file, report)
    if model is None:
        return _without_model(declared, file, report)
    aims = any(isinstance(item, ast.Objective) for item in file.items)
    outer = Block(_scope(declared, report, file), draws_own=aims)
    for item in file.items:
        if isinstance(item, ast.Param):
            param(item, outer)
    declare_nets(outer)
    block = check_block(model.body, outer)
    verify_observed(block.observed, declared, report)
    _idle_functions(declared, block.scope)
    goal = _goal(file, block)
    core = replace(_core(declared, block, file), objective=goal, guides=_guides(file, declared, block))
    core = replace(core, imports=tuple(Imported(m.name, m.path, m.text) for m in file.modules))
    core = replace(core, predict=check_predict(_predict_blocks(file), block))
    if not report.found and not block.observed and declared.columns and core.objective is None:
        report.add("E410", None, name=next(iter(declared.columns)))
    core = with_slopes(without_idle(core, block.scope))
    if report.found:
        return Checked(None, _sorted(report))
    report.found.extend(lint(core))
    return Checked(core, _sorted(report))


def _model(file: ast.File, report: Report) -> ast.Block | None:
    """The one model of a file."""
    models = [item for item in file.items if isinstance(item, ast.Block) and item.kind == "model"]
    if not models and not report.found and not is_library(file):
        report.add("E406", None)
    for extra in models[1:]:
        report.add("E406.two", first_line(extra.span))
    return models[0] if models else None


def is_library(file: ast.File) -> bool:
    """Whether a file without a model is there for others to import from."""
    return any(isinstance(item, ast.Fun | ast.Net) for item in file.items) and not any(
        isinstance(item, ast.Data | ast.Block | ast.Param | ast.Objective) for item in file.items
    )


def _without_model(declared: Declared, file: ast.File, report: Report) -> Checked:
    """What is wrong with the functions and nets of a file that has no model."""
    scope = _scope(declared, report, file)
    if is_library(file):
        declare_nets(Block(scope))
        _idle_functions(declared, replace(scope, own=frozenset(declared.constants)))
    return Checked(None, _sorted(report))


def _guides(file: ast.File, declared: Declared, block: Block) -> tuple[Guide, ...]:
    return check_guides(_guide_blocks(file), block, _blanks(declared, block))


def _goal(file: ast.File, block: Block) -> Objective | None:
    goals = tuple(item for item in file.items if isinstance(item, ast.Objective))
    found = objective(goals, block)
    if goals:
        _one_aim(_guide_blocks(file), goals[0], block.report)
    return found


def _blanks(declared: Declared, block: Block) -> frozenset[str]:
    """The columns whose missing cells the model draws."""
    return frozenset(block.imputed & {c.name for c in declared.columns.values() if c.optional})


def _guide_blocks(file: ast.File) -> tuple[ast.Block, ...]:
    return tuple(item for item in file.items if isinstance(item, ast.Block) and item.kind == "guide")


def _predict_blocks(file: ast.File) -> tuple[ast.Block, ...]:
    return tuple(item for item in file.items if isinstance(item, ast.Block) and item.kind == "predict")


def _one_aim(guides: tuple[ast.Block, ...], goal: ast.Objective, report: Report) -> None:
    """A guide is fitted to a posterior; with an objective the draws of the model are taken as they stand."""
    for guide in guides:
        span = guide.name.span if guide.name is not None else first_line(guide.span)
        report.add("E424", span, also=(Note(goal.span, "the objective"),))


def _scope(declared: Declared, report: Report, file: ast.File) -> Scope:
    names = {e.name: e for e in entries(declared)}
    foreign = frozenset(declared.foreign_functions)
    keys = frozenset(c.name for c in declared.columns.values() if c.kind == KEY)
    return Scope(
        names, declared.axes, declared.functions, report, rows=tuple(declared.tables), keys=keys, text=file.text,
        foreign=foreign, homes=_homes(file), file=file.path, nets=declared.nets, book=Book(axes=declared.axes),
    )  # fmt: skip


def _homes(file: ast.File) -> dict[str, Home]:
    """The files that functions are imported from."""
    return {m.path: Home({i.name.id: i for i in m.items if isinstance(i, ast.Fun)}, m.text) for m in file.modules}


def _idle_functions(declared: Declared, scope: Scope) -> None:
    """What is wrong with a function whatever it is called with: nobody may have called it yet."""
    for fun in declared.functions.values():
        trial = Report()
        unknown = {p.id: Entry(p.id, "failed", (), "failed", span=p.span) for p in fun.params}
        key = f"{fun.span.file}:{fun.name.id}"
        inner = replace(scope, report=trial, calling=(key,), target="", frame=None, definitions={})
        inner = inner.at_home(fun.span).naming(unknown)
        read_function(fun, inner)
        scope.report.take_over(trial)


def _sorted(report: Report) -> tuple[Diagnostic, ...]:
    def place(d: Diagnostic) -> tuple[bool, int, int]:
        return (d.is_warning, d.span.line, d.span.col) if d.span is not None else (d.is_warning, 0, 0)

    return tuple(sorted(report.found, key=place))


def _core(declared: Declared, block: Block, file: ast.File) -> Core:
    imputed = _blanks(declared, block)
    statements = tuple(
        replace(s, role="imputed") if isinstance(s, Site) and s.role == "observed" and s.name in imputed else s
        for s in block.statements
    )
    axes = tuple(declared.axes.values())
    limits = tuple((e.name, e.bounds) for e in block.scope.names.values() if e.kind != "failed")
    on_the_way = tuple((name, known.bounds) for name, known in block.scope.book.values.items())
    spec = data_spec(declared, imputed)
    cuts = cuts_of(statements, spec.columns)
    block.report.found.extend(uneven(cuts, sizes_of(declared.axes)))
    return Core(
        replace(spec, cuts=cuts), axes, statements, (*limits, *on_the_way), tuple(block.params),
        path=file.path, text=file.text, doc=file.doc,
    )  # fmt: skip

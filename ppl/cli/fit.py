"""`ppl fit`: compile, bind, optimise, diagnose, save."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from ppl.api import FAMILIES, Model, compile
from ppl.cli.durations import SECONDS
from ppl.cli.failures import ended, guarded
from ppl.cli.interrupt import Interrupt
from ppl.cli.progress import goal_of, progress
from ppl.cli.source import (
    DATA_FILE,
    ESTIMATOR,
    GUIDE,
    JSON,
    MODEL,
    STDIN,
    Data,
    data_options,
    defines,
    estimators,
    read_model,
    verify_order,
    with_data,
)
from ppl.cli.terminal import (
    ERRORS,
    INTERRUPTED,
    OK,
    TONES,
    UNTRUSTED,
    complaints,
    note,
    note_at_once,
    out,
    out_json,
    toned,
    width,
)
from ppl.infer.approximation import Options, Progress
from ppl.results.files import unwritable
from ppl.results.fit import Fit
from ppl.results.json import fit_json
from ppl.results.learned import params_lines
from ppl.results.numbers import joined
from ppl.results.table import Summary
from ppl.results.verdict import biased_lines, header, omitted_lines, outcome, trust_lines
from ppl.source.diagnostic import Diagnostic, ModelError
from ppl.source.render import summary, to_json


@click.command("fit")
@MODEL
@DATA_FILE
@click.option("-o", "--output", metavar="FIT", help="Where to save the fit.  [default: MODEL.fit.npz, here]")
@GUIDE
@ESTIMATOR
@click.option(
    "--objective",
    metavar="BOUND",
    help="What the guide is fitted by: elbo, iwae:K (of K draws) or renyi:A[:K].  [default: elbo]",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, help="The same seed gives the same numbers.  [default: 0]"
)
@click.option("--draws", type=click.IntRange(min=100), default=4000, help="Posterior draws to keep.  [default: 4000]")
@click.option("--restarts", type=click.IntRange(min=1), default=4, help="Places to start from.  [default: 4]")
@SECONDS
@click.option(
    "--tol",
    type=click.FloatRange(min=0, min_open=True),
    default=0.03,
    help="How far fresh draws may move a mean, in standard deviations.  [default: 0.03]",
)
@click.option("--batch", type=click.IntRange(min=1), metavar="B", help="Rows, or groups, that one step looks at.")
@click.option("--batch-by", metavar="FACTOR", help="Look at whole groups of rows: the levels of a factor.")
@click.option("--steps", type=click.IntRange(min=1), help="Stochastic steps.  [default: until the value is at rest]")
@click.option("--lr", type=click.FloatRange(min=0, min_open=True), help="Size of the first step.  [default: by a race]")
@with_data
@click.option("--strict", is_flag=True, help="Warnings are errors; a fit not to be trusted exits with 3.")
@click.option("-q", "--quiet", is_flag=True, help="Print the result only.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Print a line after every stage, and the columns that are not used."
)
@JSON
def command(model: str, data: Data, output: str | None, quiet: bool, as_json: bool, **settings: Any) -> None:
    """Fit MODEL to DATA (.csv, .tsv, .json, .npz, .parquet, .arrow, or - for CSV on standard input).

    Prints the posterior and how far to trust it, and saves both. Ctrl-C stops and saves what is there; twice, it quits.
    """
    texts: dict[str, str] = {}
    verify_order(model, data)
    if model == STDIN and data == STDIN:
        raise click.UsageError("the model and the data cannot both come from standard input")
    path = Path(output or f"{'model' if model == STDIN else Path(model).stem}.fit.npz")
    quiet = quiet or as_json

    def run() -> int:
        return _run(model, data, path, texts, quiet, as_json, settings)

    ended(guarded(run, texts, as_json))


def _run(
    model: str,
    data: Data,
    path: Path,
    texts: dict[str, str],
    quiet: bool,
    as_json: bool,
    settings: dict[str, Any],
) -> int:
    _verify_writable(path)
    name, text = read_model(model)
    texts[name] = text
    asked = estimators(settings["estimators"])
    compiled = compile(text, name, defines(settings["settings"]), settings["guide"], asked)
    texts.update(compiled.texts)
    said = "stopping: what is there will be saved; Ctrl-C again quits"
    interrupt = Interrupt(lambda: None if quiet else note_at_once(said))
    goal = goal_of(compiled.core.objective, settings["objective"])
    with progress(quiet, settings["verbose"], goal) as report, interrupt:
        fit, extra = _fitted(compiled, data, settings, report, interrupt)
    if settings["verbose"] and extra and not quiet:
        note(f"columns not used: {', '.join(extra)}")
    if settings["strict"] and fit.warnings:
        return _strict(fit.warnings, texts, as_json)
    if not as_json:
        complaints(fit.warnings, texts)
    fit.save(path)
    if as_json:
        out_json(fit_json(fit, str(path)))
    else:
        out("\n".join(_shown(fit, str(path), width())))
    return _code(fit, settings["strict"])


def _fitted(
    model: Model,
    data: Data,
    settings: dict[str, Any],
    report: Callable[[Progress], None],
    interrupt: Interrupt,
) -> tuple[Fit, tuple[str, ...]]:
    """The fit, and the columns of the data that the model does not use."""
    began = perf_counter()
    batch = settings["batch"]
    if batch is None and settings["batch_by"] is not None:
        raise click.UsageError("--batch-by needs --batch: how many groups a step looks at")
    goal, options = settings["objective"], data_options(settings)
    if batch is None:
        model = model.weighing(goal, settings["guide"])
        program, bound = model.bind(data, options)
    else:
        model, program, bound = model.minibatched(batch, settings["batch_by"], data, options, goal)
    seconds = perf_counter() - began
    family: Any = settings["guide"] if settings["guide"] in FAMILIES else "auto"
    plain = {name: settings[name] for name in ("draws", "seed", "max_seconds", "tol", "restarts")}
    wanted = Options(guide=family, **plain, steps=settings["steps"], rate=settings["lr"])
    model, program = model.tuned(program, bound)
    program, found = model.settle(program, bound, wanted, report, interrupt.asked)
    fit = model.report(program, bound, found, wanted, seconds)
    if interrupt.asked():
        fit = replace(fit, reason="interrupted", converged=False)
    return fit, bound.extra


def _verify_writable(path: Path) -> None:
    """A fit that cannot be saved is better not started."""
    folder = path.parent
    if not folder.is_dir():
        raise ModelError([unwritable(path, FileNotFoundError(2, f"there is no folder `{folder}`"))])
    if path.is_dir():
        raise ModelError([unwritable(path, IsADirectoryError(21, "it is a folder"))])
    if not os.access(folder, os.W_OK):
        raise ModelError([unwritable(path, PermissionError(13, f"no permission to write in `{folder}`"))])


def _strict(warnings: tuple[Diagnostic, ...], texts: dict[str, str], as_json: bool) -> int:
    if as_json:
        out_json(to_json(warnings))
    else:
        complaints(warnings, texts)
        note(f"{summary(warnings)}, and --strict counts warnings as errors: nothing is saved")
    return ERRORS


def _code(fit: Fit, strict: bool) -> int:
    if fit.reason == "interrupted":
        return INTERRUPTED
    return UNTRUSTED if strict and fit.trust.verdict != "ok" else OK


def _shown(fit: Fit, path: str, columns: int) -> list[str]:
    """What is printed: what was fitted, the table, how far to trust it, where it is saved."""
    first, *rest = trust_lines(fit, columns)
    verdict = fit.trust.verdict
    trust = first.replace(verdict, toned(verdict, TONES[verdict]), 1)
    table = Summary(fit.quantities, fit.units, more=f"ppl summary {path}").text(columns)
    omitted = omitted_lines(fit, columns)
    saved = joined([path, f"next: ppl summary {path}"], columns, "saved   ", " " * 8)
    params = [*params_lines(fit.params, columns), *([""] if fit.params and fit.quantities else [])]
    shown = [*params, *([table] if fit.quantities else []), *omitted]
    worth = [*biased_lines(fit, columns), trust, *rest]
    return [*header(fit, columns), *outcome(fit, columns), "", *shown, "", *worth, *saved]

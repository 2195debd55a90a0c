"""`ppl check`: all errors and warnings; nothing runs."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from ppl.check.check import check
from ppl.check.core import Core
from ppl.check.declarations import constant_of
from ppl.cli.failures import ended, guarded
from ppl.cli.source import DATA_FILE, JSON, MODEL, Data, data_options, defines, read_model, verify_order, with_data
from ppl.cli.terminal import ERRORS, OK, complaints, note, out, out_json
from ppl.data.sources import Files
from ppl.data.validate import is_pure, validate
from ppl.rewrite.suspect import may_be_refused
from ppl.source.diagnostic import Diagnostic, ModelError
from ppl.source.render import summary, to_json
from ppl.syntax.imports import parse_linked, texts_of


@click.command("check")
@MODEL
@DATA_FILE
@with_data
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@JSON
def command(model: str, data: Data, strict: bool, as_json: bool, **settings: Any) -> None:
    """Find all errors and warnings of MODEL, and of DATA where they are given. Nothing is fitted.

    A model with discrete unknowns or branches is also planned, to see that every unknown has an estimator.
    """
    verify_order(model, data)
    texts: dict[str, str] = {}

    def run() -> int:
        name, text = read_model(model)
        texts[name] = text
        return _report(name, find(text, name, data, settings, texts), texts, strict, as_json)

    ended(guarded(run, texts, as_json))


def find(text: str, name: str, data: Data, settings: Mapping[str, Any], texts: dict[str, str]) -> list[Diagnostic]:
    """Everything that is wrong or odd about a model and its data; `texts` gets those of what it imports."""
    values = {key: constant_of(value) for key, value in defines(settings["settings"]).items()}
    try:
        file = parse_linked(text, name)
        checked = check(file, values)
    except ModelError as problem:
        texts.update(problem.texts)
        return list(problem.diagnostics)
    texts.update(texts_of(file))
    found = list(checked.diagnostics)
    if checked.core is not None:
        found += _plan(checked.core)
        found += _data(checked.core, data, settings) if data is not None else []
    return found


def _plan(core: Core) -> list[Diagnostic]:
    """What the planner has against the model, with each of its guides."""
    if not (core.params or core.guides or core.objective is not None or may_be_refused(core)):
        return []
    # networkx is slow to import, and few models need it here
    from ppl.graph.graph import lower
    from ppl.rewrite.notes import notes
    from ppl.rewrite.plan import plan

    found: list[Diagnostic] = []
    for guide in core.guides or (None,):
        try:
            found += notes(plan(lower(core), guide))
        except ModelError as problem:
            found += problem.diagnostics
    return list(dict.fromkeys(found))


def _data(core: Core, data: str | Files, settings: Mapping[str, Any]) -> list[Diagnostic]:
    """What is wrong or odd about the data; text files are read without numpy."""
    options = data_options(settings)
    try:
        if is_pure(data):
            return list(validate(core.data, data, options).warnings)
        from ppl.data.bind import bind

        return list(bind(core.data, data, options).warnings)
    except ModelError as problem:
        return list(problem.diagnostics)


def _report(name: str, found: list[Diagnostic], texts: dict[str, str], strict: bool, as_json: bool) -> int:
    errors = [d for d in found if not d.is_warning]
    ordered = [*errors, *(d for d in found if d.is_warning)]
    if as_json:
        out_json(to_json(ordered))
    else:
        complaints(ordered, texts, sys.stdout)
        out(f"{name}: {summary(ordered)}")
        if strict and found and not errors:
            note("--strict counts warnings as errors")
    return ERRORS if errors or (strict and found) else OK

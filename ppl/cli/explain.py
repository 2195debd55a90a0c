"""`ppl explain`: the plan of a model with its reasons, or what a code means."""

import re
from collections.abc import Mapping
from textwrap import wrap
from time import perf_counter
from typing import Any

import click

from ppl.cli.failures import ended, guarded
from ppl.cli.page import page
from ppl.cli.source import (
    DATA_FILE,
    ESTIMATOR,
    GUIDE,
    JSON,
    Data,
    data_options,
    defines,
    estimators,
    read_model,
    verify_order,
    with_data,
)
from ppl.cli.terminal import ERRORS, OK, complaints, note, out, out_json, width
from ppl.results.numbers import counted
from ppl.source.codes import CODES
from ppl.source.render import to_json
from ppl.source.suggest import did_you_mean

CODE = re.compile(r"[EW]\d{3}(\.\w+)?", re.IGNORECASE)
BATCH, TIMES = 16, 20


@click.command("explain")
@click.argument("subject", metavar="MODEL|CODE")
@DATA_FILE
@GUIDE
@ESTIMATOR
@with_data
@click.option("-v", "--verbose", is_flag=True, help="Also the other estimators that would be sound.")
@click.option("--site", "sites", multiple=True, metavar="NAME", help="Only this unknown; may be given several times.")
@JSON
def command(subject: str, data: Data, sites: tuple[str, ...], as_json: bool, **settings: Any) -> None:
    """Show for each unknown of MODEL how its gradient is estimated, and why. With DATA, also what a gradient costs, and
    how noisy each sound estimator is.

    `ppl explain E310` tells what an error code means, with a wrong and a right example.
    """
    verify_order(subject, data)
    texts: dict[str, str] = {}

    def run() -> int:
        if CODE.fullmatch(subject):
            return _code(subject.upper())
        return _model(subject, data, sites, texts, as_json, settings)

    ended(guarded(run, texts, as_json))


def _code(code: str) -> int:
    plain = code.partition(".")[0]
    known = sorted({row.code for row in CODES.values()})
    if plain in known:
        out(page(plain, width()))
        return OK
    near = did_you_mean(plain, known, {}) or next((k for k in known if k[:3] == plain[:3]), known[0])
    note(f"there is no code {plain}; for example `ppl explain {near}`")
    return ERRORS


def _model(
    path: str,
    data: Data,
    sites: tuple[str, ...],
    texts: dict[str, str],
    as_json: bool,
    settings: Mapping[str, Any],
) -> int:
    # the page of a code needs none of this
    from ppl.api import compile
    from ppl.results.pilot import pilot
    from ppl.rewrite.cost import cells, tables
    from ppl.rewrite.explain import explain

    name, text = read_model(path)
    texts[name] = text
    model = compile(text, name, defines(settings["settings"]), settings["guide"], estimators(settings["estimators"]))
    texts.update(model.texts)
    rows = explain(model.graph)
    chosen = [row for row in rows if not sites or row.name in sites]
    for missing in set(sites) - {row.name for row in rows}:
        raise click.UsageError(f"there is no unknown `{missing}`; the model has {', '.join(row.name for row in rows)}")
    cost, measured, noted = None, {}, model.warnings
    if data is not None:
        program, bound = model.bind(data, data_options(settings))
        tabled = {z: cells(axes, program.sizes) for z, axes in tables(model.graph).items()}
        noted = (*noted, *bound.warnings)
        cost, measured = {**_cost(program, bound), "cells": tabled}, pilot(model.graph, bound, sites)
    if as_json:
        out_json(_record(model, chosen, cost, measured))
        return OK
    complaints(noted, texts)
    out("\n".join(_page(model, chosen, cost, measured, settings["verbose"])))
    return OK


def _page(model: Any, rows: Any, cost: Any, measured: Any, verbose: bool) -> list[str]:
    """The columns that are documented, the goal, the table of unknowns, the parameters, what was measured, remarks."""
    from ppl.results.pilot import pilot_lines
    from ppl.rewrite.columns import columns_lines
    from ppl.rewrite.explain import explain_params, goal, others_lines, params_table, remarks, table

    heading = goal(model.graph)
    parts = [
        columns_lines(model.core, width()),
        [heading] if heading else [],
        table(rows, width()) if rows else [],
        params_table(explain_params(model.graph)),
        others_lines(rows) if verbose else [],
        list(pilot_lines(measured)),
        [*remarks(rows, cost["cells"] if cost else None), *(_cost_lines(cost, width()) if cost else [])],
    ]
    full = [part for part in parts if part]
    return [line for i, part in enumerate(full) for line in ([""] * (i > 0) + part)]


def _record(model: Any, rows: Any, cost: Any, measured: Any) -> dict[str, Any]:
    from ppl.graph.graph import guide_of
    from ppl.rewrite.columns import described
    from ppl.rewrite.explain import explain_params

    guide = guide_of(model.graph)
    params = {p.name: {"axes": list(p.axes), "range": p.range} for p in explain_params(model.graph)}
    return {
        "schema": 1,
        "guide": "auto" if guide is None else guide.name or "guide",
        "unknowns": {row.name: _json(row, measured.get(row.name)) for row in rows},
        "params": params,
        "data": described(model.core),
        "doc": model.core.doc,
        "cost": cost,
        "warnings": to_json(model.warnings)["warnings"],
    }


def _json(row: Any, measured: Any) -> dict[str, Any]:
    from ppl.results.json import finite

    where = row.where
    place = {"file": where.file, "line": where.line, "col": where.col} if where is not None and where.line else None
    return {
        "distribution": row.distribution,
        "axes": list(row.axes),
        "estimator": row.estimator,
        "level": row.level,
        "reaches": row.term.removesuffix(" ~"),
        "reason": row.reason,
        "where": place,
        "cost": finite({way: {"ms": m.ms, "variance": m.variance} for way, m in measured.items()})
        if measured
        else None,
        "cells": row.cost or None,
        "others": list(row.others),
        "biased": bool(row.biased),
    }


def _cost(program: Any, bound: Any) -> dict[str, Any]:
    """Milliseconds for the log density and for it with its gradient, for a batch of draws, measured."""
    import numpy as np

    from ppl.emit.bind_objective import ObjectiveProgram

    rng = np.random.default_rng(0)
    size = {"rows": bound.rows, "numbers": program.dim, "draws": BATCH}
    if isinstance(program, ObjectiveProgram):
        theta, e = np.repeat(program.start[None], BATCH, axis=0), rng.random((BATCH, program.noise))
        density = _milliseconds(lambda: program.log_weight(theta, e))
        return {**size, "density_ms": density, "gradient_ms": _milliseconds(lambda: program.estimate(theta, e))}
    u, w = rng.normal(0.0, 0.1, (BATCH, program.dim)), np.zeros(program.weights)
    density = _milliseconds(lambda: program.value(u, w))
    return {**size, "density_ms": density, "gradient_ms": _milliseconds(lambda: program.value_and_grad(u, w))}


def _milliseconds(call: Any) -> float:
    best = float("inf")
    for _ in range(TIMES):
        began = perf_counter()
        call()
        best = min(best, perf_counter() - began)
    return round(1000 * best, 4)


def _cost_lines(cost: Mapping[str, Any], columns: int) -> list[str]:
    size = f"{counted(cost['numbers'], 'number')}, {counted(cost['rows'], 'row')}"
    spent = f"the density takes {cost['density_ms']:.2g} ms, with its gradient {cost['gradient_ms']:.2g} ms"
    return wrap(f"cost: {size}; for {cost['draws']} draws {spent}", columns, subsequent_indent="      ")

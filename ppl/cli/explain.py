"""`ppl explain`: the plan of a model with its reasons, or what a code means."""

import re
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import click

from ppl.cli.failures import ended, guarded
from ppl.cli.page import page
from ppl.cli.source import DATA_FILE, JSON, data_options, defines, read_model, verify_order, with_data
from ppl.cli.terminal import ERRORS, OK, complaints, note, out, out_json, width
from ppl.results.numbers import counted
from ppl.source.codes import CODES
from ppl.source.suggest import did_you_mean

CODE = re.compile(r"[EW]\d{3}(\.\w+)?", re.IGNORECASE)
BATCH, TIMES = 16, 20


@click.command("explain")
@click.argument("subject", metavar="MODEL|CODE")
@DATA_FILE
@with_data
@click.option("--site", "sites", multiple=True, metavar="NAME", help="Only this unknown; may be given several times.")
@JSON
def command(subject: str, data: str | None, sites: tuple[str, ...], as_json: bool, **settings: Any) -> None:
    """Show for each unknown of MODEL how its gradient is estimated, and why. With DATA, also what a gradient costs.

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
    data: str | None,
    sites: tuple[str, ...],
    texts: dict[str, str],
    as_json: bool,
    settings: Mapping[str, Any],
) -> int:
    # the page of a code needs none of this
    from ppl.api import compile
    from ppl.rewrite.explain import explain, remarks, table

    name, text = read_model(path)
    texts[name] = text
    model = compile(text, name, defines(settings["settings"]))
    rows = explain(model.graph)
    chosen = [row for row in rows if not sites or row.name in sites]
    for missing in set(sites) - {row.name for row in rows}:
        raise click.UsageError(f"there is no unknown `{missing}`; the model has {', '.join(row.name for row in rows)}")
    cost = _cost(model, data, settings) if data is not None else None
    if as_json:
        out_json({"schema": 1, "unknowns": {row.name: _json(row) for row in chosen}, "cost": cost})
        return OK
    complaints(model.warnings, texts)
    notes = [*remarks(chosen), *([_cost_line(cost)] if cost else [])]
    out("\n".join([*table(chosen, width()), *([""] if notes else []), *notes]))
    return OK


def _json(row: Any) -> dict[str, Any]:
    where = row.where
    place = {"file": where.file, "line": where.line, "col": where.col} if where is not None and where.line else None
    return {
        "distribution": row.distribution,
        "axes": list(row.axes),
        "estimator": row.estimator,
        "level": row.level,
        "reaches": row.term,
        "reason": row.reason,
        "where": place,
        "cost": row.cost or None,
    }


def _cost(model: Any, data: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Milliseconds for the log density and for it with its gradient, for a batch of draws, measured."""
    import numpy as np

    program, bound = model.bind(data, data_options(settings))
    u, w = np.random.default_rng(0).normal(0.0, 0.1, (BATCH, program.dim)), np.zeros(program.weights)
    density = _milliseconds(lambda: program.value(u, w))
    gradient = _milliseconds(lambda: program.value_and_grad(u, w))
    return {"rows": bound.rows, "numbers": program.dim, "draws": BATCH, "density_ms": density, "gradient_ms": gradient}


def _milliseconds(call: Any) -> float:
    best = float("inf")
    for _ in range(TIMES):
        began = perf_counter()
        call()
        best = min(best, perf_counter() - began)
    return round(1000 * best, 4)


def _cost_line(cost: Mapping[str, Any]) -> str:
    size = f"{counted(cost['numbers'], 'number')}, {counted(cost['rows'], 'row')}"
    return (
        f"cost: {size}; for {cost['draws']} draws the density takes"
        f" {cost['density_ms']:.2g} ms, with its gradient {cost['gradient_ms']:.2g} ms"
    )

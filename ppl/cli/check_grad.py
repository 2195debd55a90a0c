"""`ppl check-grad`: compare the gradient estimates of a model with independent references."""

import sys
from collections.abc import Mapping
from typing import Any

import click
import numpy as np

from ppl.api import compile
from ppl.cli.durations import SECONDS
from ppl.cli.failures import ended, guarded
from ppl.cli.progress import watched
from ppl.cli.source import (
    DATA_FILE,
    ESTIMATOR,
    GUIDE,
    JSON,
    MODEL,
    Data,
    data_options,
    defines,
    estimators,
    read_model,
    verify_order,
    with_data,
)
from ppl.cli.terminal import OK, UNTRUSTED, complaints, out, out_json, toned
from ppl.emit.bind_objective import ObjectiveProgram
from ppl.graph.graph import estimators_of
from ppl.infer.target import Array
from ppl.results.checked import check_gradient, check_json, check_lines
from ppl.results.fit import Fit, load_fit
from ppl.source.render import to_json

TONES = {"unbiased": "green", "biased": "red"}


@click.command("check-grad")
@MODEL
@DATA_FILE
@GUIDE
@ESTIMATOR
@click.option(
    "--samples", type=click.IntRange(min=128), default=1_000_000, help="Draws of each estimate.  [default: 1000000]"
)
@click.option("--at", metavar="FIT", help="At the parameters of a saved fit, not at their initial values.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="[default: 0]")
@SECONDS
@with_data
@JSON
def command(model: str, data: Data, as_json: bool, **settings: Any) -> None:
    """Check that the gradient estimates of MODEL are unbiased: compare their mean with score functions of all draws and
    with differences of the objective. Exits with 3 when an estimator is biased.
    """
    verify_order(model, data)
    texts: dict[str, str] = {}

    def run() -> int:
        return _run(model, data, texts, as_json, settings)

    ended(guarded(run, texts, as_json))


def _run(model: str, data: Data, texts: dict[str, str], as_json: bool, settings: Mapping[str, Any]) -> int:
    name, text = read_model(model)
    texts[name] = text
    chosen = compile(text, name, defines(settings["settings"]), settings["guide"], estimators(settings["estimators"]))
    texts.update(chosen.texts)
    options = data_options(settings)
    _, bound = chosen.bind(data, options)
    program = chosen.objective(data, options)
    at = _point(load_fit(settings["at"]), program) if settings["at"] else None
    with watched(as_json) as report:
        check = check_gradient(
            chosen.graph, program, bound, at, settings["samples"], settings["seed"], settings["max_seconds"], report
        )
    if as_json:
        out_json(
            check_json(check)
            | {"estimators": estimators_of(chosen.graph), "warnings": to_json(chosen.warnings)["warnings"]}
        )
    else:
        complaints(chosen.warnings, texts)
        *table, verdict = check_lines(check)
        nodes = ", ".join(f"{n} {e}" for n, e in estimators_of(chosen.graph).items())
        tone = toned(check.verdict, TONES[check.verdict], sys.stdout)
        out("\n".join([*table, *([f"estimators: {nodes}"] if nodes else []), verdict.replace(check.verdict, tone, 1)]))
    return UNTRUSTED if check.biased else OK


def _point(fit: Fit, program: ObjectiveProgram) -> Array:
    """The parameters of a saved fit: those of the program, found by name. Raises UsageError where they do not fit."""
    theta = program.start.copy()
    for name, place in program.blocks.items():
        values = _saved(fit, name)
        if values is None or values.size != place.stop - place.start:
            raise click.UsageError(f"the fit has no parameters for `{name}`: was it made with this model and guide?")
        theta[place] = values
    return theta


def _saved(fit: Fit, name: str) -> Array | None:
    """The coordinates of a parameter in a fit; of a fit without draws, the place and the spread of an unknown."""
    if name in fit.guide.slots:
        return np.asarray(fit.guide.loc[slice(*fit.guide.slots[name])])
    unknown, dot, part = name.rpartition(".")
    if not dot or unknown not in fit.guide.slots:
        return None
    place, scale = slice(*fit.guide.slots[unknown]), fit.guide.scale
    sd = np.linalg.norm(scale, axis=1) if scale.ndim == 2 else np.abs(scale)
    return np.asarray(fit.guide.loc[place] if part == "loc" else np.log(sd[place]))

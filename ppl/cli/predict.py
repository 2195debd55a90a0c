"""`ppl predict`: what a saved fit says of new rows."""

from pathlib import Path
from typing import Any

import click

from ppl.cli.failures import ended, guarded
from ppl.cli.source import JSON, data_options, with_reading
from ppl.cli.terminal import OK, complaints, note, out, out_json, width
from ppl.results.files import unwritable
from ppl.results.fit import Fit, load_fit
from ppl.results.numbers import counted
from ppl.results.predict import Predictions
from ppl.results.predict_table import CI, draws_csv, predictions_csv, predictions_json, predictions_lines
from ppl.source.diagnostic import ModelError, complain
from ppl.source.render import to_json


@click.command("predict")
@click.argument("fit")
@click.argument("new")
@click.option("-o", "--output", metavar="FILE.csv", help="Write the predictions of all rows to a file.")
@click.option("--mean", "form", flag_value="mean", help="The mean alone, in columns named like the outcomes.")
@click.option(
    "--interval",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=CI,
    help="The probability between the outer quantiles.  [default: 0.9]",
)
@click.option("--draws", "form", flag_value="draws", help="Every draw of every row, each with the same weight.")
@click.option(
    "--new-levels",
    type=click.Choice(["sample", "error"]),
    default="sample",
    help="Levels that the fit has not seen: drawn from their prior, or an error.  [default: sample]",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, help="The same seed gives the same numbers.  [default: 0]"
)
@with_reading
@JSON
def command(fit: str, new: str, output: str | None, as_json: bool, **settings: Any) -> None:
    """Predict the rows of NEW (a file as for `ppl fit`, with or without the outcomes) from FIT, a file that `ppl fit`
    saved.

    Prints for every outcome its mean, its sd and quantiles, or the probabilities of its levels; and what the model and
    its predict block derive for each row.
    """

    texts: dict[str, str] = {}

    def run() -> int:
        loaded = load_fit(fit)
        texts[loaded.model] = loaded.text
        if loaded.carried is None:
            raise ModelError([complain("E808", path=fit)])
        return _print(_predicted(loaded, new, settings), texts, output, as_json, settings)

    ended(guarded(run, texts, as_json))


def _predicted(fit: Fit, new: str, settings: dict[str, Any]) -> Predictions:
    options = data_options(settings)
    return fit.predict(new, new_levels=settings["new_levels"], seed=settings["seed"], options=options)


def _print(
    found: Predictions, texts: dict[str, str], output: str | None, as_json: bool, settings: dict[str, Any]
) -> int:
    form, ci = settings["form"], settings["interval"]
    if output is not None:
        text = draws_csv(found, settings["seed"]) if form == "draws" else predictions_csv(found, form == "mean", ci)
        _write(Path(output), text)
    if as_json:
        warnings = to_json(found.warnings)["warnings"]
        out_json({**predictions_json(found, ci), "warnings": warnings, "saved": output})
        return OK
    complaints(found.warnings, texts)
    if output is not None:
        note(f"predictions of {counted(len(found.rows), 'row')} in {output}")
    elif form == "draws":
        out(draws_csv(found, settings["seed"]).rstrip("\n"))
    else:
        out("\n".join(predictions_lines(found, form == "mean", ci, width=width())))
    return OK


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise ModelError([unwritable(path, problem)]) from None

"""`ppl simulate`: a fake data set that a model could have produced."""

from pathlib import Path
from typing import Any

import click

from ppl.check.core import Core
from ppl.cli.failures import ended, guarded
from ppl.cli.source import (
    DATA_FILE,
    JSON,
    MODEL,
    Data,
    data_options,
    defines,
    read_model,
    values,
    verify_order,
    with_data,
)
from ppl.cli.terminal import OK, complaints, note, out, out_json
from ppl.results.fake import Fake, fake_data
from ppl.results.files import unwritable
from ppl.results.json import SCHEMA, finite
from ppl.results.numbers import counted
from ppl.results.predict import checked_core
from ppl.source.diagnostic import ModelError
from ppl.source.render import to_json

SET = click.option(
    "--set", "fixed", multiple=True, metavar="NAME=VALUE", help='Fix an unknown, `"theta[A]=2"` at one position.'
)
SEED = click.option(
    "--seed", type=click.IntRange(min=0), default=0, help="The same seed gives the same numbers.  [default: 0]"
)
ROWS = click.option(
    "--rows", type=click.IntRange(min=1), default=100, help="How many rows to make up, without DATA.  [default: 100]"
)


@click.command("simulate")
@MODEL
@DATA_FILE
@click.option("-o", "--output", metavar="FILE.csv", help="Where to write.  [default: standard output]")
@SET
@ROWS
@SEED
@with_data
@JSON
def command(model: str, data: Data, output: str | None, as_json: bool, **settings: Any) -> None:
    """Draw unknowns from their priors, and from them one data set that can be fitted back.

    The columns that the model only reads are taken from DATA, or made up by their types. Parameters are at their
    initial values; --set fixes any unknown or parameter.
    """
    texts: dict[str, str] = {}
    verify_order(model, data)

    def run() -> int:
        core = read_core(model, texts, settings["settings"])
        fixed = values(settings["fixed"], "--set")
        fake = fake_data(core, data, data_options(settings), settings["rows"], fixed, settings["seed"])
        return _print(fake, output, texts, as_json)

    ended(guarded(run, texts, as_json))


def read_core(model: str, texts: dict[str, str], constants: tuple[str, ...]) -> Core:
    """The checked model of a file."""
    name, text = read_model(model)
    texts[name] = text
    return checked_core(text, name, defines(constants))


def _print(fake: Fake, output: str | None, texts: dict[str, str], as_json: bool) -> int:
    if output is not None:
        try:
            Path(output).write_text(fake.text, encoding="utf-8")
        except OSError as problem:
            raise ModelError([unwritable(Path(output), problem)]) from None
    if as_json:
        said = {"schema": SCHEMA, "rows": fake.rows, "truth": finite(dict(fake.truth)), "saved": output}
        out_json({**said, "warnings": to_json(fake.warnings)["warnings"]})
        return OK
    complaints(fake.warnings, texts)
    for name, value in fake.truth.items():
        if isinstance(value, float | int):
            note(f"{name} = {value:.6g}")
    if output is None:
        out(fake.text.rstrip("\n"))
    else:
        note(f"{counted(fake.rows, 'row')} in {output}")
    return OK

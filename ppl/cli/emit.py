"""`ppl emit`: the Python program that a model becomes."""

from typing import Any

import click

from ppl.api import compile
from ppl.cli.failures import ended, guarded
from ppl.cli.source import ESTIMATOR, GUIDE, MODEL, defines, estimators, read_model
from ppl.cli.terminal import OK, complaints, out


@click.command("emit")
@MODEL
@GUIDE
@ESTIMATOR
@click.option("-D", "settings", multiple=True, metavar="NAME=VALUE", help="Set a `const` of the model.")
def command(model: str, **options: Any) -> None:
    """Print the Python program that MODEL becomes: one function that takes the data and returns the log density, its
    gradient, and the values of all names, as straight-line numpy."""
    texts: dict[str, str] = {}

    def run() -> int:
        name, text = read_model(model)
        texts[name] = text
        compiled = compile(
            text, name, defines(options["settings"]), options["guide"], estimators(options["estimators"])
        )
        complaints(compiled.warnings, texts)
        out(compiled.source.rstrip("\n"))
        return OK

    ended(guarded(run, texts, as_json=False))

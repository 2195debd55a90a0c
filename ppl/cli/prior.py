"""`ppl prior`: what a model expects before it has seen any outcome."""

from pathlib import Path
from typing import Any

import click

from ppl.cli.failures import ended, guarded
from ppl.cli.simulate import ROWS, SEED, SET, read_core
from ppl.cli.source import DATA_FILE, JSON, MODEL, Data, data_options, values, verify_order, with_data
from ppl.cli.terminal import ERRORS, OK, complaints, note, out, out_json, width
from ppl.results.fake import Prior, prior
from ppl.results.files import unwritable
from ppl.results.prior_table import prior_json, prior_lines
from ppl.source.diagnostic import ModelError
from ppl.source.render import summary, to_json


@click.command("prior")
@MODEL
@DATA_FILE
@click.option("-n", "--draws", type=click.IntRange(min=10), default=1000, help="How many draws.  [default: 1000]")
@click.option("--plot", metavar="FILE", help="Write a histogram of every name to a picture (.png, .svg, .pdf).")
@SET
@ROWS
@SEED
@with_data
@click.option("--strict", is_flag=True, help="Warnings about absurd data exit with 1.")
@JSON
def command(model: str, data: Data, plot: str | None, as_json: bool, **settings: Any) -> None:
    """Print what MODEL expects of every unknown and every column that it describes, over all draws and positions, and
    warn where that is absurd.

    The columns that the model only reads are taken from DATA, or made up by their types.
    """
    texts: dict[str, str] = {}
    verify_order(model, data)

    def run() -> int:
        core = read_core(model, texts, settings["settings"])
        fixed = values(settings["fixed"], "--set")
        found = prior(core, data, data_options(settings), settings["draws"], settings["rows"], fixed, settings["seed"])
        if plot is not None:
            _plot(found, Path(plot))
        return _print(found, texts, as_json, settings["strict"])

    ended(guarded(run, texts, as_json))


def _print(found: Prior, texts: dict[str, str], as_json: bool, strict: bool) -> int:
    if as_json:
        out_json({**prior_json(found), "warnings": to_json(found.warnings)["warnings"]})
    else:
        out("\n".join(prior_lines(found, width())))
        complaints(found.warnings, texts)
    if strict and found.warnings:
        if not as_json:
            note(f"{summary(found.warnings)}, and --strict counts warnings as errors")
        return ERRORS
    return OK


def _plot(found: Prior, path: Path) -> None:
    """One histogram for every name, of the middle 99 % of its draws."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy as np

    shown = [e for e in found.expected.values() if e.values.size]
    across = min(4, max(len(shown), 1))
    down = -(-len(shown) // across) or 1
    figure, axes = plt.subplots(down, across, figsize=(3 * across, 2.2 * down), squeeze=False)
    for place, e in zip(axes.ravel(), shown, strict=False):
        low, high = np.quantile(e.values, [0.005, 0.995])
        place.hist(e.values[(e.values >= low) & (e.values <= high)], bins=40, color="0.4")
        place.set_title(e.name)
        place.set_yticks([])
    for place in axes.ravel()[len(shown) :]:
        place.axis("off")
    figure.tight_layout()
    try:
        figure.savefig(path)
    except (OSError, ValueError) as problem:
        raise ModelError([unwritable(path, OSError(22, str(problem)))]) from None
    finally:
        plt.close(figure)

"""`ppl summary`: the table of a saved fit."""

import sys
from typing import Any

import click

from ppl.cli.failures import ended, guarded
from ppl.cli.terminal import OK, TONES, out, out_json, toned, width
from ppl.results.fit import Fit, load_fit
from ppl.results.json import SCHEMA, quantities_json
from ppl.results.table import Summary
from ppl.results.verdict import header, omitted_lines, outcome, trust_lines
from ppl.source.suggest import did_you_mean

EVERY = 10**9


@click.command("summary")
@click.argument("fit")
@click.argument("names", nargs=-1)
@click.option("--vars", "more", multiple=True, metavar="NAME", help="Only these, as NAMES: for scripts.")
@click.option(
    "--ci", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.9, help="The interval.  [default: 0.9]"
)
@click.option("--csv", "form", flag_value="csv", help="A CSV table: a line for every number.")
@click.option("--json", "form", flag_value="json", help="One JSON object.")
@click.option("--latex", "form", flag_value="latex", help="A LaTeX tabular.")
def command(fit: str, names: tuple[str, ...], more: tuple[str, ...], ci: float, form: str | None) -> None:
    """Print the posterior in FIT, a file that `ppl fit` saved: all positions of all quantities, or of NAMES."""
    wanted = tuple(name for text in (*more, *names) for name in text.replace(",", " ").split())

    def run() -> int:
        loaded = load_fit(fit)
        chosen = _chosen(loaded, wanted)
        table = Summary(chosen, loaded.units, ci, limit=EVERY)
        _print(loaded, table, form, bool(wanted))
        return OK

    ended(guarded(run, {}, form == "json"))


def _chosen(fit: Fit, wanted: tuple[str, ...]) -> dict[str, Any]:
    """The quantities asked for."""
    for name in wanted:
        if name not in fit:
            near = did_you_mean(name, tuple(fit), {})
            help_ = f"did you mean `{near}`?" if near else f"it has {', '.join(fit)}"
            raise click.UsageError(f"there is no `{name}` in this fit; {help_}")
    return {name: fit[name] for name in wanted or fit}


def _print(fit: Fit, table: Summary, form: str | None, partial: bool) -> None:
    match form:
        case "csv":
            out(table.csv().rstrip("\n"))
        case "latex":
            out(table.latex().rstrip("\n"))
        case "json":
            out_json({"schema": SCHEMA, "model": fit.model, **quantities_json(table.quantities, fit.units, table.ci)})
        case _ if partial:
            out(table.text(width()))
        case _:
            out("\n".join(_page(fit, table, width())))


def _page(fit: Fit, table: Summary, columns: int) -> list[str]:
    first, *rest = trust_lines(fit, columns)
    verdict = fit.trust.verdict
    trust = first.replace(verdict, toned(verdict, TONES[verdict], sys.stdout), 1)
    omitted = omitted_lines(fit, columns)
    return [*header(fit, columns), *outcome(fit, columns), "", table.text(columns), *omitted, "", trust, *rest]

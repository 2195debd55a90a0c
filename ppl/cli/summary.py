"""`ppl summary`: the table of a saved fit."""

import sys
from typing import Any

import click

from ppl.cli.failures import ended, guarded
from ppl.cli.terminal import OK, TONES, out, out_json, toned, width
from ppl.results.fit import Fit, load_fit
from ppl.results.json import SCHEMA, finite, quantities_json
from ppl.results.learned import params_json, params_lines
from ppl.results.record import Learned
from ppl.results.table import Summary
from ppl.results.verdict import biased_lines, header, omitted_lines, outcome, trust_lines
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
        chosen, params = _chosen(loaded, wanted)
        table = Summary(chosen, loaded.units, ci, limit=EVERY)
        _print(loaded, table, params, form, bool(wanted))
        return OK

    ended(guarded(run, {}, form == "json"))


def _chosen(fit: Fit, wanted: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Learned]]:
    """The quantities and the parameters asked for."""
    known = (*fit.params, *fit)
    for name in wanted:
        if name not in known:
            near = did_you_mean(name, known, {})
            help_ = f"did you mean `{near}`?" if near else f"it has {', '.join(known)}"
            raise click.UsageError(f"there is no `{name}` in this fit; {help_}")
    names = wanted or known
    return {n: fit[n] for n in names if n in fit}, {n: fit.params[n] for n in names if n in fit.params}


def _print(fit: Fit, table: Summary, params: dict[str, Learned], form: str | None, partial: bool) -> None:
    match form:
        case "csv":
            out(table.csv().rstrip("\n"))
        case "latex":
            out(table.latex().rstrip("\n"))
        case "json":
            named = {**quantities_json(table.quantities, fit.units, table.ci), **params_json(params)}
            out_json({"schema": SCHEMA, "model": fit.model, **finite(named)})
        case _ if partial:
            out("\n".join(_tables(table, params, width())))
        case _:
            out("\n".join(_page(fit, table, params, width())))


def _tables(table: Summary, params: dict[str, Learned], columns: int) -> list[str]:
    """What was learned of the parameters, then the quantities."""
    learned = list(params_lines(params, columns, EVERY))
    quantities = [table.text(columns)] if table.quantities else []
    return [*learned, *([""] if learned and quantities else []), *quantities]


def _page(fit: Fit, table: Summary, params: dict[str, Learned], columns: int) -> list[str]:
    first, *rest = trust_lines(fit, columns)
    verdict = fit.trust.verdict
    trust = first.replace(verdict, toned(verdict, TONES[verdict], sys.stdout), 1)
    omitted = omitted_lines(fit, columns)
    shown = [*_tables(table, params, columns), *omitted]
    return [*header(fit, columns), *outcome(fit, columns), "", *shown, "", *biased_lines(fit, columns), trust, *rest]

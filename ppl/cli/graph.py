"""`ppl graph`: the graph of a model as text, Mermaid, Graphviz or JSON."""

from collections.abc import Callable, Mapping
from typing import Any

import click
import networkx as nx

from ppl.api import compile
from ppl.check.check import check
from ppl.check.declarations import constant_of
from ppl.cli.failures import ended, guarded
from ppl.cli.source import ESTIMATOR, GUIDE, MODEL, defines, estimators, read_model
from ppl.cli.terminal import OK, complaints, out, out_json
from ppl.graph.graph import lower
from ppl.graph.show import to_dot, to_json, to_mermaid, to_text
from ppl.source.diagnostic import ModelError
from ppl.syntax.imports import parse_linked, texts_of

DRAWN: dict[str, Callable[[nx.DiGraph], str]] = {"text": to_text, "mermaid": to_mermaid, "dot": to_dot}


@click.command("graph")
@MODEL
@click.option("--format", "form", type=click.Choice([*DRAWN, "json"]), default="text", help="[default: text]")
@click.option("--before", is_flag=True, help="The graph as written, before it is rewritten and planned.")
@GUIDE
@ESTIMATOR
@click.option("-D", "settings", multiple=True, metavar="NAME=VALUE", help="Set a `const` of the model.")
def command(model: str, form: str, before: bool, **options: Any) -> None:
    """Draw the graph of MODEL: data, unknowns with their estimators, derived values, densities, and their plates.

    `--format dot` is for Graphviz: `ppl graph m.ppl --format dot | dot -Tsvg > m.svg`.
    """
    texts: dict[str, str] = {}

    def run() -> int:
        name, text = read_model(model)
        texts[name] = text
        graph = _written(text, name, options, texts) if before else _planned(text, name, options, texts)
        if form == "json":
            out_json(to_json(graph))
        else:
            out(DRAWN[form](graph))
        return OK

    ended(guarded(run, texts, form == "json"))


def _planned(text: str, name: str, options: Mapping[str, Any], texts: dict[str, str]) -> nx.DiGraph:
    """The graph with an estimator on every unknown. Raises ModelError."""
    model = compile(text, name, defines(options["settings"]), options["guide"], estimators(options["estimators"]))
    texts.update(model.texts)
    complaints(model.warnings, texts)
    return model.graph


def _written(text: str, name: str, options: Mapping[str, Any], texts: dict[str, str]) -> nx.DiGraph:
    """The graph as the checker leaves it. Raises ModelError."""
    values = {key: constant_of(value) for key, value in defines(options["settings"]).items()}
    file = parse_linked(text, name)
    texts.update(texts_of(file))
    checked = check(file, values)
    if checked.core is None:
        raise ModelError(checked.diagnostics)
    complaints(checked.warnings, texts)
    return lower(checked.core)

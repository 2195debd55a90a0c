"""What is said about a model file: the function behind every pair in this folder."""

import json
from collections.abc import Mapping
from pathlib import Path

from ppl.api import Model
from ppl.check.check import check
from ppl.check.declarations import constant_of
from ppl.emit.functions import compiled
from ppl.emit.program import emit
from ppl.graph.graph import lower
from ppl.rewrite.plan import plan
from ppl.source.diagnostic import Diagnostic, ModelError
from ppl.source.render import render, summary
from ppl.syntax.imports import from_folder, link, texts_of
from ppl.syntax.parse import parse


def diagnose(path: Path) -> str:
    """The rendered complaints about the file and their number, as `ppl check` prints them. Beside the file, a `.csv` of
    the same name is its data, and a `.json` sets its constants."""
    text = path.read_bytes().decode("utf-8")
    data, defines = path.with_suffix(".csv"), path.with_suffix(".json")
    constants = json.loads(defines.read_text(encoding="utf-8")) if defines.is_file() else {}
    texts = {path.name: text}
    found = diagnostics(text, path.name, str(data) if data.is_file() else None, constants, path.parent, texts)
    return f"{render(found, texts)}\n{summary(found)}\n"


def diagnostics(
    text: str,
    name: str = "model.ppl",
    data: str | None = None,
    constants: Mapping[str, object] | None = None,
    folder: Path = Path(),
    texts: dict[str, str] | None = None,
) -> tuple[Diagnostic, ...]:
    """All that the parser, the checker and the planner find, and with data the binder; `texts` gets those of the files
    that `folder` has to import from."""
    texts = {} if texts is None else texts
    try:
        file = link(parse(text, name), from_folder(folder))
        texts.update(texts_of(file))
        checked = check(file, {key: constant_of(value) for key, value in (constants or {}).items()})
        if checked.core is None:
            return checked.diagnostics
        graph = plan(lower(checked.core))
        if data is not None:
            emitted = emit(graph)
            Model(checked.core, graph, emitted, (), 0.0, compiled(emitted)).bind(data)
    except ModelError as error:
        texts.update(error.texts)
        return error.diagnostics
    return checked.warnings

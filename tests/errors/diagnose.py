"""What is said about a model file: the function behind every pair in this folder."""

from pathlib import Path

from ppl.source.diagnostic import Diagnostic, ModelError
from ppl.source.render import render, summary
from ppl.syntax.parse import parse


def diagnose(path: Path) -> str:
    """The rendered complaints about the file and their number, as `ppl check` prints them."""
    text = path.read_bytes().decode("utf-8")
    found = _found(text, path.name)
    return f"{render(found, {path.name: text})}\n{summary(found)}\n"


def _found(text: str, name: str) -> tuple[Diagnostic, ...]:
    try:
        parse(text, name)
    except ModelError as error:
        return error.diagnostics
    return ()

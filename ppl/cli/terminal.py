"""Between the commands and the terminal: streams, colours, widths, complaints."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import click

from ppl.source.diagnostic import Diagnostic
from ppl.source.render import render, summary, to_json

OK, ERRORS, USAGE, UNTRUSTED, INTERNAL, INTERRUPTED = 0, 1, 2, 3, 4, 130
# What stands in front of a line of a model that is shown: its number and a bar.
EXCERPT = 7
TONES = {"ok": "green", "warn": "yellow", "bad": "red"}


def is_terminal(stream: IO[str]) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def has_color(stream: IO[str]) -> bool:
    """Colours are for terminals, and only where NO_COLOR (no-color.org) is not set."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def width() -> int:
    """The columns of the terminal; 80 where there is none."""
    return max(shutil.get_terminal_size((80, 24)).columns, 40)


def toned(text: str, tone: str, stream: IO[str] | None = None) -> str:
    """The text in a colour, where the stream shows colours."""
    return click.style(text, fg=tone, bold=True) if has_color(stream or sys.stdout) else text


def out(text: str) -> None:
    """A result, on standard output."""
    click.echo(text)


def note(text: str) -> None:
    """A remark, on standard error."""
    click.echo(text, err=True)


def note_at_once(text: str) -> None:
    """A note from a signal handler: past the buffer of stderr, which may be in the middle of another line."""
    os.write(2, f"{text}\n".encode())


def out_json(value: Any) -> None:
    """One JSON object on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def complaints(found: Iterable[Diagnostic], texts: Mapping[str, str], stream: IO[str] | None = None) -> None:
    """Errors and warnings with the lines that they are about, on standard error if nothing else is said."""
    stream = stream or sys.stderr
    shown = list(found)
    if shown:
        click.echo(render(shown, texts, has_color(stream), width() - EXCERPT) + "\n", file=stream)


def failed(found: Sequence[Diagnostic], texts: Mapping[str, str], as_json: bool) -> int:
    """Report what stopped a command; the exit code."""
    if as_json:
        out_json(to_json(found))
    else:
        complaints(found, texts)
        note(summary(found))
    return ERRORS

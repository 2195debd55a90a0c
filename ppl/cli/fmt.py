"""`ppl fmt`: the canonical layout of model files."""

import difflib
import sys
from pathlib import Path

import click

from ppl.cli.failures import ended, guarded
from ppl.cli.source import STDIN, read_model
from ppl.cli.terminal import ERRORS, OK, failed, has_color, note, out
from ppl.results.numbers import counted
from ppl.source.diagnostic import ModelError, complain
from ppl.syntax.fmt import fmt
from ppl.syntax.parse import parse

SIGNS = {"+": "green", "-": "red", "@": "cyan"}


@click.command("fmt")
@click.argument("files", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 where a file is not laid out so.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would change.")
def command(files: tuple[str, ...], check: bool, diff: bool) -> None:
    """Lay FILES out in the canonical way, in place. `-` reads standard input and writes standard output."""
    texts: dict[str, str] = {}

    def run() -> int:
        codes = [_file(path, texts, check, diff) for path in files]
        return max(codes)

    ended(guarded(run, texts, as_json=False))


def _file(path: str, texts: dict[str, str], check: bool, diff: bool) -> int:
    """One file; what is wrong with it does not keep the next from being laid out."""
    try:
        name, text = read_model(path)
        texts[name] = text
        new = fmt(parse(text, name))
        if check or diff:
            return _compared(name, text, new, check, diff)
        if path == STDIN:
            out(new.rstrip("\n"))
        elif new != _as_written(path):
            _write(path, new)
            note(f"{path}: laid out")
        return OK
    except ModelError as problem:
        return failed(problem.diagnostics, texts, as_json=False)


def _as_written(path: str) -> str:
    """The text with its own line breaks and byte order mark, if it has one."""
    return Path(path).read_bytes().decode("utf-8")


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_bytes(text.encode("utf-8"))
    except OSError as problem:
        raise ModelError([complain("E707", path=path, why=(problem.strerror or str(problem)).lower())]) from None


def _compared(name: str, old: str, new: str, check: bool, diff: bool) -> int:
    if diff:
        lines = difflib.unified_diff(old.splitlines(), new.splitlines(), name, f"{name} (laid out)", lineterm="")
        for line in lines:
            out(_toned(line))
    if not check or old == new:
        return OK
    if not diff:
        changed = sum(line[:2] in ("+ ", "- ") for line in difflib.ndiff(old.splitlines(), new.splitlines()))
        note(f"{name}: would be laid out differently ({counted(changed, 'line')})")
    return ERRORS


def _toned(line: str) -> str:
    tone = SIGNS.get(line[:1])
    return click.style(line, fg=tone) if tone and has_color(sys.stdout) else line

"""What a command does when it fails: every way to end has its exit code, and no traceback is ever shown."""

import os
import platform
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import click

import ppl
from ppl.cli.terminal import INTERNAL, INTERRUPTED, OK, failed, note, out_json
from ppl.source.diagnostic import ModelError, complain

FRAMES = 6
HOME = Path(__file__).resolve().parents[1]


def guarded(run: Callable[[], int], texts: dict[str, str], as_json: bool) -> int:
    """The exit code of `run`, whatever it raises reported. `run` fills `texts` as it reads files."""
    try:
        code = run()
        sys.stdout.flush()
        return code
    except ModelError as problem:
        return failed(problem.diagnostics, {**problem.texts, **texts}, as_json)
    except MemoryError:
        return failed([complain("E706")], texts, as_json)
    except BrokenPipeError:
        return _closed_pipe()
    except KeyboardInterrupt:
        note("interrupted")
        return INTERRUPTED
    except click.exceptions.ClickException:
        raise
    except Exception as problem:
        return _internal(problem, as_json)


def _closed_pipe() -> int:
    """The reader has seen enough, as in `ppl graph MODEL | head`: no error. Nothing may be flushed to it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OK


def _internal(problem: Exception, as_json: bool) -> int:
    if as_json:
        record = {"code": "internal", "message": f"{type(problem).__name__}: {problem}"}
        out_json({"errors": [record], "warnings": []})
    note(bug_report(problem))
    return INTERNAL


def bug_report(problem: BaseException) -> str:
    """What a report of a bug should say."""
    frames = traceback.extract_tb(problem.__traceback__)[-FRAMES:]
    lines = [
        f"internal error: {type(problem).__name__}: {problem}",
        "",
        "This is a bug in ppl, not in your model. Please report it with the lines below, and the model if you can.",
        "",
        f"  ppl      {ppl.__version__}",
        f"  python   {platform.python_version()}",
        f"  system   {platform.platform()}",
        f"  command  {' '.join(['ppl', *sys.argv[1:]])}",
        "  where    " + "\n           ".join(f"{_place(f.filename)}:{f.lineno} {f.name}" for f in frames),
    ]
    return "\n".join(lines)


def _place(path: str) -> str:
    """A file of ours by its place in the package, any other by its last two parts."""
    file = Path(path)
    if file.is_relative_to(HOME):
        return str(Path("ppl") / file.relative_to(HOME))
    return "/".join(file.parts[-2:])


def ended(code: int) -> None:
    """End the command."""
    click.get_current_context().exit(code)

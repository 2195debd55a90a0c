"""Running the command, in this process and in one of its own."""

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from ppl.cli.main import cli

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
SCHOOLS, SCHOOLS_DATA = str(MODELS / "eight_schools.ppl"), str(MODELS / "eight_schools.csv")


def ppl(*args: str, stdin: str | None = None, columns: int = 80) -> Result:
    """The command in this process: `exit_code`, `stdout`, `stderr`."""
    return CliRunner().invoke(cli, list(args), input=stdin, env={"COLUMNS": str(columns)}, prog_name="ppl")


def process(*args: str, cwd: Path | None = None) -> "subprocess.Popen[str]":
    """The command in a process of its own."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "COLUMNS": "80"}
    command = [sys.executable, "-m", "ppl", *args]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=cwd, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

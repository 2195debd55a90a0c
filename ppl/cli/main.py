"""The `ppl` command. Verbs are imported when they are used: `ppl check` starts without numpy."""

import os
import sys
from importlib import import_module

import click

import ppl

# Verb -> the module with its command, and its line in `ppl --help`.
VERBS: dict[str, tuple[str, str]] = {
    "fit": ("ppl.cli.fit", "Fit a model to data: print the posterior and save it."),
    "check": ("ppl.cli.check", "Find all errors of a model, and of its data."),
    "check-grad": ("ppl.cli.check_grad", "Check that the gradient estimates of a model are unbiased."),
    "explain": ("ppl.cli.explain", "Show how each unknown will be handled and why; or explain an error code."),
    "graph": ("ppl.cli.graph", "Draw the graph of a model."),
    "emit": ("ppl.cli.emit", "Print the Python program that a model becomes."),
    "fmt": ("ppl.cli.fmt", "Lay model files out in the canonical way."),
    "predict": ("ppl.cli.predict", "Predict new rows from a saved fit."),
    "simulate": ("ppl.cli.simulate", "Write a fake data set that a model could have produced."),
    "prior": ("ppl.cli.prior", "Show what a model expects before it has seen any outcome."),
    "summary": ("ppl.cli.summary", "Print the table of a saved fit."),
}
# One thread in the matrix products, unless the user says otherwise: those of a fit are too small to share, and threads
# that wait for each other on a busy machine made fits 5 to 9 times slower. Read when numpy is first imported.
THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
EXAMPLES = """\
\b
Examples:
  ppl check schools.ppl schools.csv      is everything as it should be?
  ppl fit schools.ppl schools.csv        the posterior, and schools.fit.npz
  ppl summary schools.fit.npz            all of its numbers
  ppl predict schools.fit.npz new.csv    what it says of new rows
  ppl explain E310                       what an error means

\b
Exit status: 0 fine, 1 the model or the data have errors, 2 the command line is
wrong, 3 not to be trusted (with --strict), 4 a bug in ppl, 130 interrupted.
"""


class Verbs(click.Group):
    """The group of verbs, each in a module of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command = import_module(VERBS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, but a model file in the place of the verb gets the verb suggested."""
        if args and args[0] not in VERBS and args[0].endswith(".ppl"):
            ctx.fail(f"`{args[0]}` is not a command; did you mean `ppl fit {' '.join(args)}`?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in VERBS.items()])


@click.group(cls=Verbs, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(ppl.__version__, prog_name="ppl", message="%(prog)s %(version)s")
def cli() -> None:
    """From a model file and a table of data to an honest posterior."""


def main() -> None:
    """The entry point of the command line."""
    for name in THREADS:
        os.environ.setdefault(name, "1")
    for stream in (sys.stdout, sys.stderr):
        # a terminal without Unicode gets a question mark, not an exception
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    cli(prog_name="ppl")

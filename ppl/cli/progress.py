"""What is shown while a fit runs: one live line on a terminal, plain lines with `-v`, nothing otherwise."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ppl.cli.terminal import is_terminal, note
from ppl.infer.approximation import Progress
from ppl.results.numbers import grouped, seconds_text

Report = Callable[[Progress], None]


@contextmanager
def progress(quiet: bool, verbose: bool) -> Iterator[Report]:
    """How to report the stages of a fit, on standard error."""
    if quiet:
        yield lambda stage: None
    elif verbose:
        yield lambda stage: note(f"  {line(stage)}")
    elif is_terminal(sys.stderr):
        with _live() as report:
            yield report
    else:
        yield lambda stage: None


def line(stage: Progress) -> str:
    """One stage: what it was, the bound, the gradients so far, the seconds."""
    gradients = f"{grouped(stage.gradients)} gradients"
    return f"{stage.stage:<24} ELBO {stage.elbo:>12.3f}  {gradients:>20}  {seconds_text(stage.seconds):>8}"


def short(stage: Progress) -> str:
    """The same for a line that must not break."""
    return " · ".join(
        (stage.stage, f"ELBO {stage.elbo:.2f}", f"{grouped(stage.gradients)} gradients", seconds_text(stage.seconds))
    )


@contextmanager
def _live() -> Iterator[Report]:
    """One line that is written over and vanishes at the end."""
    # rich takes longer to import than most fits take to run: only where a person watches
    from rich.console import Console

    with Console(stderr=True).status("fitting", spinner="dots") as status:
        yield lambda stage: status.update(f"fitting   {short(stage)}")


@contextmanager
def watched(quiet: bool) -> Iterator[Callable[[str], None]]:
    """How to report the stages of something else: a line that vanishes, where a person watches."""
    if quiet or not is_terminal(sys.stderr):
        yield lambda stage: None
        return
    from rich.console import Console

    with Console(stderr=True).status("checking", spinner="dots") as status:
        yield lambda stage: status.update(f"checking   {stage}")

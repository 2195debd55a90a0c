"""What is shown while a fit runs: one live line on a terminal, plain lines with `-v`, nothing otherwise."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ppl.check.core import Objective
from ppl.cli.terminal import is_terminal, note
from ppl.infer.approximation import Progress
from ppl.results.numbers import grouped, seconds_text

Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a fit makes large, as the author sees it: the bound, or an objective, perhaps with its sign changed."""

    name: str = "ELBO"
    sign: float = 1.0


def goal_of(objective: Objective | None, bound: str | None = None) -> Goal:
    """What is optimised: an objective of the file, or a bound on the evidence, by default the ELBO."""
    if objective is None and bound not in (None, "elbo"):
        return Goal("bound")
    return Goal() if objective is None else Goal("value", 1.0 if objective.maximize else -1.0)


@contextmanager
def progress(quiet: bool, verbose: bool, goal: Goal = Goal()) -> Iterator[Report]:
    """How to report the stages of a fit, on standard error."""
    if quiet:
        yield lambda stage: None
    elif verbose:
        yield lambda stage: note(f"  {line(stage, goal)}")
    elif is_terminal(sys.stderr):
        with _live("fitting") as show:
            yield lambda stage: show(short(stage, goal))
    else:
        yield lambda stage: None


@contextmanager
def watched(quiet: bool) -> Iterator[Callable[[str], None]]:
    """How to report the stages of a check: a line that vanishes, where a person watches."""
    if quiet or not is_terminal(sys.stderr):
        yield lambda stage: None
    else:
        with _live("checking") as show:
            yield show


def line(stage: Progress, goal: Goal) -> str:
    """One stage: what it was, the bound, the gradients so far, the seconds."""
    gradients, value = f"{grouped(stage.gradients)} gradients", goal.sign * stage.elbo
    return f"{stage.stage:<24} {goal.name} {value:>12.3f}  {gradients:>20}  {seconds_text(stage.seconds):>8}"


def short(stage: Progress, goal: Goal) -> str:
    """The same for a line that must not break."""
    value = f"{goal.name} {goal.sign * stage.elbo:.2f}"
    return " · ".join((stage.stage, value, f"{grouped(stage.gradients)} gradients", seconds_text(stage.seconds)))


@contextmanager
def _live(verb: str) -> Iterator[Callable[[str], None]]:
    """One line that is written over and vanishes at the end."""
    # rich takes longer to import than most fits take to run: only where a person watches
    from rich.console import Console

    with Console(stderr=True).status(verb, spinner="dots") as status:
        yield lambda text: status.update(f"{verb}   {text}")
